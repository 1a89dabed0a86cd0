//! The emoji picker. Its data, 50 to 90 kB of text by language, is fetched when it is opened for the first time.

use std::cell::RefCell;
use std::rc::Rc;

use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::HtmlElement;

use super::focus::{focus, touch};
use crate::i18n::{self, t};
use crate::platform::lower_case;
use crate::state::AppState;
use crate::state::preferences::key;

/// How many emoji used last are kept.
const RECENT: usize = 24;
/// At most this many search results are shown.
const MAX_FOUND: usize = 80;
/// The Arabic article, which is written as the beginning of its word.
const ARTICLE: &str = "\u{627}\u{644}";

/// One emoji.
#[derive(Clone, PartialEq, Eq)]
struct Entry {
    text: String,
    name: String,
    /// What is searched in: name and further words, [`folded`].
    words: String,
}

/// A group of emoji.
struct Group {
    slug: String,
    entries: Vec<Entry>,
}

thread_local! {
    /// The data of a language, once fetched.
    static DATA: RefCell<Option<(String, Rc<Vec<Group>>)>> = const { RefCell::new(None) };
}

/// A text as the search compares it: in lower case, and in Arabic without the signs that many leave out, and with those
/// letters as one that many write for each other; in Russian with ё as the е that most people type for it.
fn folded(text: &str) -> String {
    lower_case(text)
        .chars()
        .filter_map(|letter| match letter {
            // Tatweel; vowel signs, and madda and hamza as signs of their own; the small alef.
            '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}' => None,
            // Alef with madda, with hamza above or below, with wasla: alef.
            '\u{622}' | '\u{623}' | '\u{625}' | '\u{671}' => Some('\u{627}'),
            // Waw with hamza: waw.
            '\u{624}' => Some('\u{648}'),
            // Yeh with hamza, and alef maksura: yeh.
            '\u{626}' | '\u{649}' => Some('\u{64a}'),
            // Teh marbuta: heh.
            '\u{629}' => Some('\u{647}'),
            'ё' => Some('е'),
            _ => Some(letter),
        })
        .collect()
}

/// Reads the data file: a line `#group`, then a line `emoji<TAB>name<TAB>further words` for each. What has a name is no
/// group: there is a key `#` among the emoji.
fn parse(text: &str) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    // In one go: a call into the browser for each line would take longer.
    let folded = folded(text);
    for (line, folded) in text.lines().zip(folded.lines()) {
        if let Some(slug) = line.strip_prefix('#').filter(|slug| !slug.contains('\t')) {
            groups.push(Group {
                slug: slug.into(),
                entries: Vec::new(),
            });
            continue;
        }
        let mut parts = line.split('\t');
        let (Some(emoji), Some(name)) = (parts.next(), parts.next()) else {
            continue;
        };
        let words = folded.split_once('\t').map_or("", |(_, words)| words);
        if let Some(group) = groups.last_mut() {
            group.entries.push(Entry {
                text: emoji.into(),
                name: name.into(),
                words: words.replace('\t', " "),
            });
        }
    }
    groups
}

/// Whether a word begins so, with its article or without.
fn begins(word: &str, part: &str) -> bool {
    word.starts_with(part)
        || word
            .strip_prefix(ARTICLE)
            .is_some_and(|bare| bare.starts_with(part))
}

/// The emoji whose words all begin one of the emoji's, in the order of the file.
fn search<'a>(groups: &'a [Group], query: &str) -> Vec<&'a Entry> {
    let query = folded(query.trim());
    let wanted: Vec<&str> = query.split_whitespace().collect();
    groups
        .iter()
        .flat_map(|group| &group.entries)
        .filter(|entry| {
            wanted
                .iter()
                .all(|part| entry.words.split(' ').any(|word| begins(word, part)))
        })
        .take(MAX_FOUND)
        .collect()
}

/// The languages with emoji names of their own in `static/emoji/`; the others take the English ones.
const NAMED: [&str; 4] = ["en", "de", "ru", "ar"];

async fn data() -> Option<Rc<Vec<Group>>> {
    let tag = i18n::tag();
    let tag = if NAMED.contains(&tag.as_str()) {
        tag
    } else {
        "en".into()
    };
    let kept = DATA.with_borrow(|data| {
        data.as_ref()
            .filter(|(of, _)| *of == tag)
            .map(|(_, groups)| groups.clone())
    });
    if kept.is_some() {
        return kept;
    }
    let response = JsFuture::from(window().fetch_with_str(&format!("emoji/{tag}.txt")))
        .await
        .ok()?
        .dyn_into::<web_sys::Response>()
        .ok()?;
    if !response.ok() {
        return None;
    }
    let text = JsFuture::from(response.text().ok()?).await.ok()?;
    let groups = Rc::new(parse(&text.as_string()?));
    DATA.set(Some((tag, groups.clone())));
    Some(groups)
}

/// A group's name.
fn group_name(slug: &str) -> String {
    match slug {
        "smileys" => t("emoji.smileys"),
        "people" => t("emoji.people"),
        "nature" => t("emoji.nature"),
        "food" => t("emoji.food"),
        "travel" => t("emoji.travel"),
        "activities" => t("emoji.activities"),
        "objects" => t("emoji.objects"),
        "symbols" => t("emoji.symbols"),
        "flags" => t("emoji.flags"),
        _ => t("emoji.recent"),
    }
}

/// What the picker has to show.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Loaded {
    Waiting,
    Here,
    Failed,
}

/// The picker. It stays open until it is closed, so that several can be picked.
#[component]
pub(crate) fn EmojiPicker(
    /// Called with each emoji that is picked.
    #[prop(into)]
    on_pick: Callback<String>,
    /// Called when it is to be closed.
    #[prop(into)]
    on_close: Callback<()>,
) -> impl IntoView {
    let state = AppState::get();
    let groups: StoredValue<Rc<Vec<Group>>, LocalStorage> = StoredValue::new_local(Rc::default());
    let loaded = RwSignal::new(Loaded::Waiting);
    let query = RwSignal::new(String::new());
    // The recent ones are a snapshot, so that they don't move under the finger.
    let recent = state.preferences.emoji.get_untracked();
    let chosen = RwSignal::new(usize::from(recent.is_empty()));
    let recent = StoredValue::new(recent);
    let load = move || {
        loaded.set(Loaded::Waiting);
        spawn_local(async move {
            match data().await {
                Some(found) => {
                    let _ = groups.try_set_value(found);
                    let _ = loaded.try_set(Loaded::Here);
                }
                None => {
                    let _ = loaded.try_set(Loaded::Failed);
                }
            }
        });
    };
    load();
    let search_field = NodeRef::<html::Input>::new();
    if !touch() {
        super::field::focus_when_shown(search_field);
    }
    let pick = move |emoji: String| {
        remember(state, &emoji);
        on_pick.run(emoji);
    };
    let grid = NodeRef::<html::Div>::new();
    let cell = move |text: String, name: String| {
        let picked = text.clone();
        view! {
            <button
                type="button"
                class="emoji"
                tabindex="-1"
                title=name.clone()
                aria-label=name
                on:click=move |_| pick(picked.clone())
            >
                {text}
            </button>
        }
    };
    let cells = move || {
        groups.with_value(|groups| {
            let typed = query.get();
            if !typed.trim().is_empty() {
                let found = search(groups, &typed);
                if found.is_empty() {
                    return view! { <p class="emoji-none">{t("emoji.none")}</p> }.into_any();
                }
                return found
                    .into_iter()
                    .map(|e| cell(e.text.clone(), e.name.clone()))
                    .collect_view()
                    .into_any();
            }
            match chosen.get().checked_sub(1) {
                None => recent
                    .get_value()
                    .into_iter()
                    .map(|text| cell(text.clone(), text))
                    .collect_view()
                    .into_any(),
                Some(at) => groups
                    .get(at)
                    .map(|group| {
                        group
                            .entries
                            .iter()
                            .map(|e| cell(e.text.clone(), e.name.clone()))
                            .collect_view()
                    })
                    .into_any(),
            }
        })
    };
    let tabs = move || {
        groups.with_value(|groups| {
            let first = (!recent.with_value(Vec::is_empty)).then(|| (0, "🕘".into(), "recent".into()));
            let all = groups.iter().enumerate().filter_map(|(at, group)| {
                let face = group.entries.first()?;
                Some((at + 1, face.text.clone(), group.slug.clone()))
            });
            first
                .into_iter()
                .chain(all)
                .map(|(at, face, slug): (usize, String, String)| {
                    let name = group_name(&slug);
                    view! {
                        <button
                            type="button"
                            class="emoji-tab"
                            aria-pressed=move || (chosen.get() == at).to_string()
                            title=name.clone()
                            aria-label=name
                            on:click=move |_| {
                                query.set(String::new());
                                chosen.set(at);
                            }
                        >
                            {face}
                        </button>
                    }
                })
                .collect_view()
        })
    };
    view! {
        <div
            class="emoji-panel"
            role="dialog"
            aria-label=t("emoji.title")
            on:keydown=move |event| {
                if event.key() == "Escape" {
                    event.stop_propagation();
                    on_close.run(());
                } else {
                    walk(grid, &event);
                }
            }
        >
            <input
                class="emoji-search"
                type="text"
                node_ref=search_field
                autocomplete="off"
                placeholder=t("emoji.search")
                aria-label=t("emoji.search")
                prop:value=query
                on:input:target=move |event| query.set(event.target().value())
            />
            {move || match loaded.get() {
                Loaded::Waiting => view! { <div class="emoji-grid late"></div> }.into_any(),
                Loaded::Failed => {
                    view! {
                        <div class="emoji-none">
                            <p>{t("emoji.failed")}</p>
                            <button class="button quiet" on:click=move |_| load()>
                                {t("action.try_again")}
                            </button>
                        </div>
                    }
                        .into_any()
                }
                Loaded::Here => {
                    view! {
                        <div class="emoji-grid" node_ref=grid>{cells}</div>
                        <div class="emoji-tabs">{tabs}</div>
                    }
                        .into_any()
                }
            }}
        </div>
    }
}

/// Keeps an emoji as the one used last.
fn remember(state: AppState, emoji: &str) {
    let mut all = state.preferences.emoji.get_untracked();
    all.retain(|e| e != emoji);
    all.insert(0, emoji.to_owned());
    all.truncate(RECENT);
    state.set_preference(key::EMOJI, &all.join(" "));
}

/// Arrow keys walk through the grid; from the search field, down leads into it.
fn walk(grid: NodeRef<html::Div>, event: &KeyboardEvent) {
    let Some(grid) = grid.get_untracked() else {
        return;
    };
    let cells = grid.children();
    let count = cells.length();
    let focused = document().active_element();
    let at = (0..count).find(|n| cells.item(*n) == focused);
    let top = |n: u32| cells.item(n).map(|c| c.get_bounding_client_rect().top());
    let columns = (1..count).find(|n| top(*n) != top(0)).unwrap_or(count).max(1);
    let rtl = i18n::is_rtl();
    let next = match (event.key().as_str(), at) {
        ("ArrowDown", None) => Some(0),
        ("ArrowDown", Some(at)) => Some(at + columns),
        ("ArrowUp", Some(at)) => at.checked_sub(columns),
        ("ArrowRight", Some(at)) if !rtl => Some(at + 1),
        ("ArrowLeft", Some(at)) if rtl => Some(at + 1),
        ("ArrowLeft" | "ArrowRight", Some(at)) => at.checked_sub(1),
        _ => return,
    };
    event.prevent_default();
    let target = next
        .and_then(|n| cells.item(n))
        .and_then(|cell| cell.dyn_into::<HtmlElement>().ok());
    if let Some(cell) = target {
        focus(&cell);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{NAMED, folded, parse, search};

    const DATA: &str = "#smileys\n😀\tgrinning face\thappy smile\n#food\n🍎\tred apple\n🍏\tgreen apple\n";

    #[test]
    fn the_data_file_is_groups_of_named_emoji() {
        let groups = parse(DATA);
        assert_eq!(groups.len(), 2);
        assert_eq!(groups[1].entries[1].text, "🍏");
    }

    #[test]
    fn the_number_sign_is_an_emoji_and_no_group() {
        let groups = parse("#symbols\n#️⃣\tkeycap: #\n*️⃣\tkeycap: *\n#flags\n🏁\tchequered flag\n");
        let slugs: Vec<&str> = groups.iter().map(|group| group.slug.as_str()).collect();
        assert_eq!(slugs, ["symbols", "flags"]);
        assert_eq!(groups[0].entries[0].text, "#️⃣");
        assert_eq!(groups[0].entries[0].name, "keycap: #");
    }

    #[test]
    fn every_typed_word_must_begin_one_of_the_names() {
        let groups = parse(DATA);
        let names =
            |query: &str| -> Vec<String> { search(&groups, query).iter().map(|e| e.name.clone()).collect() };
        assert_eq!(names("app gre"), ["green apple"]);
        assert_eq!(names("Hap"), ["grinning face"]);
        assert!(names("pple").is_empty());
    }

    #[test]
    fn a_russian_yo_is_found_however_it_is_typed() {
        let groups = parse("#activities\n🎄\tновогодняя ёлка\n");
        for query in ["ёлка", "елка", "Ёл"] {
            let found = search(&groups, query);
            assert_eq!(found.len(), 1, "{query}");
            assert_eq!(found[0].name, "новогодняя ёлка");
        }
    }

    /// The groups of a language's file, and their emoji.
    fn shipped(tag: &str) -> Vec<(String, Vec<String>)> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../static/emoji/{tag}.txt"));
        parse(&fs::read_to_string(path).expect("emoji file"))
            .into_iter()
            .map(|group| {
                for entry in &group.entries {
                    assert!(!entry.name.trim().is_empty(), "{tag}: {} has no name", entry.text);
                }
                (group.slug, group.entries.into_iter().map(|e| e.text).collect())
            })
            .collect()
    }

    #[test]
    fn every_language_names_the_same_emoji_in_the_same_order() {
        let english = shipped("en");
        let slugs: Vec<&str> = english.iter().map(|(slug, _)| slug.as_str()).collect();
        assert_eq!(
            slugs.join(" "),
            "smileys people nature food travel activities objects symbols flags"
        );
        assert!(english[7].1.iter().any(|emoji| emoji == "#️⃣"));
        for tag in NAMED {
            for (ours, theirs) in english.iter().zip(shipped(tag)) {
                assert_eq!(theirs.0, ours.0, "{tag}");
                let differs = ours.1.iter().zip(&theirs.1).find(|(ours, theirs)| ours != theirs);
                assert_eq!(differs, None, "{tag}");
                assert_eq!(theirs.1.len(), ours.1.len(), "{tag}: {}", ours.0);
            }
            assert_eq!(shipped(tag).len(), english.len(), "{tag}");
        }
    }

    const ARABIC: &str = "#some
🦁\tأسد\tحيوان
🐪\tناقة\tجمل
🦪\tمحار\tلؤلؤ
🏥\tمستشفى
🕋\tالكعبة\tحج
❌\tعلامة خطأ
";

    #[test]
    fn arabic_is_found_however_it_is_typed() {
        let groups = parse(ARABIC);
        let found =
            |query: &str| -> Vec<String> { search(&groups, query).iter().map(|e| e.text.clone()).collect() };
        for query in ["أسد", "اسد", "أَسَد", "أســد", "ا\u{654}سد"] {
            assert_eq!(found(query), ["🦁"], "{query}");
        }
        for query in ["ناقة", "ناقه", "نَاقَةٌ"] {
            assert_eq!(found(query), ["🐪"], "{query}");
        }
        assert_eq!(found("لولو"), ["🦪"]);
        assert_eq!(found("مستشفي"), ["🏥"]);
        assert_eq!(found("الكعبه"), ["🕋"]);
        assert_eq!(found("كعبة"), ["🕋"]);
        assert_eq!(found("علامه خطا"), ["❌"]);
        assert!(found("سد").is_empty());
    }

    #[test]
    fn other_scripts_are_only_put_in_lower_case() {
        assert_eq!(folded("Ärger\tЖук"), "ärger\tжук");
    }
}
