//! The words on the screens: loads `static/languages/*.json` and answers [`t`], [`tf`] and [`tn`].
//!
//! Texts are read once per render and are not reactive: when the language changes, the whole page is rendered again.

#[cfg(test)]
mod check;
mod format;
mod pseudo;

use std::cell::RefCell;
use std::collections::HashMap;

use js_sys::{Array, Intl, JSON, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

pub(crate) use format::{
    alphabetically, bytes, clock, date, day_heading, duration_ago, full_date, full_time, list_time,
    local_day, local_month, month_heading, number, playing_time, span, span_up, speed,
};

/// A language that the page can be shown in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Language {
    /// Its BCP 47 tag, and the name of its file.
    pub tag: &'static str,
    /// Its name in itself.
    pub name: &'static str,
}

/// Every language with a file in `static/languages/`.
pub(crate) const LANGUAGES: &[Language] = &[
    Language {
        tag: "en",
        name: "English",
    },
    Language {
        tag: "de",
        name: "Deutsch",
    },
    Language {
        tag: "ru",
        name: "Русский",
    },
    Language {
        tag: "ar",
        name: "العربية",
    },
];

/// The right-to-left pseudo-locale, made from English, that shows forgotten texts and layout mistakes.
pub(crate) const PSEUDO: &str = "en-XA";

/// The language everything else falls back to.
const FALLBACK: &str = "en";

/// Primary subtags of the languages written from right to left (`spec/12-client-behaviour.md §10.3`).
const RTL: &[&str] = &["ar", "he", "fa", "ur", "ps", "ckb"];

#[derive(Default)]
struct Table {
    tag: String,
    texts: HashMap<String, String>,
    plural: Option<Intl::PluralRules>,
}

thread_local! {
    static TABLE: RefCell<Table> = RefCell::new(Table::default());
}

/// The text of a key; the key itself if no file has it.
pub(crate) fn t(key: &str) -> String {
    TABLE.with_borrow(|table| table.texts.get(key).cloned().unwrap_or_else(|| key.into()))
}

/// The text of a key with its `{placeholders}` filled in.
pub(crate) fn tf(key: &str, values: &[(&str, &str)]) -> String {
    fill(&t(key), values)
}

/// The plural form of a key for a count, with `{count}` filled in.
pub(crate) fn tn(key: &str, count: u64) -> String {
    let text = TABLE.with_borrow(|table| {
        let category = table
            .plural
            .as_ref()
            .map_or_else(|| "other".into(), |p| String::from(p.select(count as f64)));
        table
            .texts
            .get(&format!("{key}.{category}"))
            .or_else(|| table.texts.get(&format!("{key}.other")))
            .cloned()
            .unwrap_or_else(|| key.into())
    });
    fill(&text, &[("count", &number(count as f64))])
}

/// The tag of the language in use, as `Intl` understands it.
pub(crate) fn tag() -> String {
    TABLE.with_borrow(|table| {
        if table.tag.is_empty() {
            FALLBACK.into()
        } else {
            table.tag.clone()
        }
    })
}

/// Whether the language in use is written from right to left.
pub(crate) fn is_rtl() -> bool {
    let tag = tag();
    tag == PSEUDO || RTL.contains(&tag.split('-').next().unwrap_or_default())
}

/// Loads a language and makes it the one in use. A language whose file can't be had leaves the present one.
pub(crate) async fn load(tag: &str) -> Result<(), JsValue> {
    let known = tag == PSEUDO || LANGUAGES.iter().any(|l| l.tag == tag);
    let tag = if known { tag } else { FALLBACK };
    let mut texts = fetch_texts(if tag == PSEUDO { FALLBACK } else { tag }).await?;
    if tag == PSEUDO {
        for text in texts.values_mut() {
            *text = pseudo::pseudo(text);
        }
    }
    let locale = Array::of1(&JsValue::from_str(tag));
    let table = Table {
        tag: tag.into(),
        texts,
        plural: Some(Intl::PluralRules::new(&locale, &Object::new())),
    };
    TABLE.set(table);
    format::forget_formatters();
    Ok(())
}

/// The best language for somebody whose browser asks for these tags, best first.
pub(crate) fn negotiate<'a>(wanted: impl Iterator<Item = &'a str>) -> &'static str {
    for tag in wanted {
        let primary = tag.split('-').next().unwrap_or_default();
        if let Some(found) = LANGUAGES.iter().find(|l| l.tag == primary) {
            return found.tag;
        }
    }
    FALLBACK
}

/// Reads one file: an object from keys to texts, or to objects with a `text` (and a note for translators).
async fn fetch_texts(tag: &str) -> Result<HashMap<String, String>, JsValue> {
    let window = web_sys::window().ok_or(JsValue::NULL)?;
    let response = JsFuture::from(window.fetch_with_str(&format!("languages/{tag}.json")))
        .await?
        .dyn_into::<web_sys::Response>()?;
    if !response.ok() {
        return Err(JsValue::from_f64(f64::from(response.status())));
    }
    let text = JsFuture::from(response.text()?).await?;
    let object = JSON::parse(&text.as_string().unwrap_or_default())?;
    let mut texts = HashMap::new();
    for entry in Object::entries(&object.dyn_into::<Object>()?) {
        let entry = Array::from(&entry);
        let value = entry.get(1);
        let text = value
            .as_string()
            .or_else(|| Reflect::get(&value, &"text".into()).ok()?.as_string());
        if let (Some(key), Some(text)) = (entry.get(0).as_string(), text) {
            texts.insert(key, text);
        }
    }
    Ok(texts)
}

/// Replaces each `{name}` by its value; unknown ones stay.
fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        match after.split_once('}') {
            Some((name, tail)) => {
                match values.iter().find(|(n, _)| *n == name) {
                    Some((_, value)) => out.push_str(value),
                    None => {
                        out.push('{');
                        out.push_str(name);
                        out.push('}');
                    }
                }
                rest = tail;
            }
            None => {
                out.push('{');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::{fill, negotiate};

    #[test]
    fn placeholders_are_filled_and_values_are_not_read_again() {
        assert_eq!(
            fill("{a} and {b}, {c}", &[("a", "{b}"), ("b", "2")]),
            "{b} and 2, {c}"
        );
        assert_eq!(fill("open { brace", &[]), "open { brace");
    }

    #[test]
    fn the_first_wanted_language_that_exists_wins() {
        assert_eq!(negotiate(["fr-CA", "de-AT", "en"].into_iter()), "de");
        assert_eq!(negotiate(["xx"].into_iter()), "en");
        assert_eq!(negotiate(std::iter::empty()), "en");
    }
}
