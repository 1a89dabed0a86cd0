//! Checks the language files against the code and against each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::LANGUAGES;

/// CLDR's plural categories of each language we ship, for whole numbers.
fn categories(tag: &str) -> &'static [&'static str] {
    match tag {
        "en" | "de" => &["one", "other"],
        "ru" => &["one", "few", "many", "other"],
        "ar" => &["zero", "one", "two", "few", "many", "other"],
        _ => panic!("add the plural categories of {tag}"),
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn texts(tag: &str) -> BTreeMap<String, String> {
    let path = root().join(format!("static/languages/{tag}.json"));
    let json: BTreeMap<String, Value> =
        serde_json::from_str(&fs::read_to_string(path).expect("language file")).expect("JSON");
    json.into_iter()
        .map(|(key, value)| {
            let text = match &value {
                Value::String(text) => text.clone(),
                Value::Object(object) => object["text"].as_str().expect("text").to_owned(),
                _ => panic!("{key} is neither a text nor an object"),
            };
            (key, text)
        })
        .collect()
}

/// Every source file below `app/src`.
fn sources(folder: &Path, out: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(fs::read_to_string(path).expect("source"));
        }
    }
}

/// The literal first arguments of the calls to `name(` in the code.
fn calls(code: &str, name: &str, out: &mut BTreeSet<String>) {
    for (at, _) in code.match_indices(name) {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = code[at + name.len()..].trim_start();
        if let Some(rest) = rest.strip_prefix('"')
            && let Some((key, _)) = rest.split_once('"')
            && key.contains('.')
            && key
                .chars()
                .all(|c| c.is_ascii_lowercase() || c == '.' || c == '_')
        {
            out.insert(key.to_owned());
        }
    }
}

fn used() -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut plain, mut plural) = (BTreeSet::new(), BTreeSet::new());
    let mut files = Vec::new();
    sources(&root().join("app/src"), &mut files);
    for code in &files {
        calls(code, "t(", &mut plain);
        calls(code, "tf(", &mut plain);
        calls(code, "tn(", &mut plural);
    }
    (plain, plural)
}

/// Whether a plural form stands for one number only, so that its words may say the number.
fn says_number(tag: &str, form: &str) -> bool {
    match tag {
        "en" | "de" => form == "one",
        "ar" => matches!(form, "zero" | "one" | "two"),
        _ => false,
    }
}

fn placeholders(text: &str) -> BTreeSet<&str> {
    text.split('{')
        .skip(1)
        .filter_map(|part| part.split_once('}').map(|(name, _)| name))
        .collect()
}

#[test]
fn every_key_in_the_code_is_in_every_language_and_no_other() {
    let (plain, plural) = used();
    for language in LANGUAGES {
        let mut wanted = plain.clone();
        for key in &plural {
            for category in categories(language.tag) {
                wanted.insert(format!("{key}.{category}"));
            }
        }
        let have: BTreeSet<String> = texts(language.tag).into_keys().collect();
        let missing: Vec<_> = wanted.difference(&have).collect();
        let unused: Vec<_> = have.difference(&wanted).collect();
        assert!(missing.is_empty(), "{}: missing {missing:?}", language.tag);
        assert!(unused.is_empty(), "{}: unused {unused:?}", language.tag);
    }
}

#[test]
fn translations_have_the_placeholders_of_the_original() {
    let english = texts("en");
    for language in LANGUAGES {
        for (key, text) in texts(language.tag) {
            let form = key
                .rsplit_once('.')
                .filter(|(_, form)| categories("ar").contains(form));
            let original = form
                .and_then(|(stem, _)| english.get(&format!("{stem}.other")))
                .unwrap_or_else(|| &english[&key]);
            let mut wanted = placeholders(original);
            let spelled = form.is_some_and(|(_, form)| says_number(language.tag, form));
            if spelled && !text.contains("{count}") {
                wanted.remove("count");
            }
            assert_eq!(placeholders(&text), wanted, "{} {key}", language.tag);
        }
    }
}

#[test]
fn every_english_text_has_a_note_for_translators() {
    let path = root().join("static/languages/en.json");
    let json: BTreeMap<String, Value> =
        serde_json::from_str(&fs::read_to_string(path).expect("file")).expect("JSON");
    for (key, value) in json {
        let note = value["note"].as_str().unwrap_or_default();
        assert!(!note.is_empty(), "{key} has no note");
    }
}
