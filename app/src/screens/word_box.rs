//! One word of the recovery phrase: a text box that completes the word once its first letters make it certain.

use holdfast_protocol::account::phrase;
use leptos::ev::{ClipboardEvent, KeyboardEvent};
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

use crate::components::field::leave_as_typed;
use crate::i18n::{t, tf};
use crate::state::phrase_input::{CERTAIN, WORDS, WordState, completions, word_state};

/// The id of a box, by its number from 0.
pub(crate) fn box_id(at: usize) -> String {
    format!("word-{at}")
}

/// Puts the focus into a box.
pub(crate) fn focus_box(at: usize) {
    let found = document()
        .get_element_by_id(&box_id(at))
        .and_then(|e| e.dyn_into::<HtmlInputElement>().ok());
    if let Some(input) = found {
        // A box of the shown screen takes focus, and its text can be selected.
        let _ = input.focus();
        input.select();
    }
}

/// A numbered box. Its list offers the completed word, or the nearest ones for a word that is not in the list.
#[component]
pub(crate) fn WordBox(
    /// Its number, from 0.
    at: usize,
    /// What is typed in it.
    word: RwSignal<String>,
    /// The words are covered by dots.
    hidden: RwSignal<bool>,
    /// Called with several words at once, pasted or said; says whether they were taken.
    #[prop(into)]
    on_paste: Callback<(usize, String), bool>,
) -> impl IntoView {
    let node = NodeRef::<html::Input>::new();
    leave_as_typed(node);
    let open = RwSignal::new(false);
    let marked = RwSignal::new(None::<usize>);
    let left = RwSignal::new(false);
    let known = Memo::new(move |_| word.with(|w| word_state(w)));
    let options = Memo::new(move |_| {
        if !open.get() {
            return Vec::new();
        }
        match known.get() {
            WordState::Known => {
                let typed = word.with(|word| phrase::lower(word.trim()));
                let mut found = completions(&typed);
                found.retain(|w| *w != *typed);
                found
            }
            WordState::Unknown(near) => near,
            WordState::Empty | WordState::Unfinished => Vec::new(),
        }
    });
    // While somebody types, only a start that no word has is marked; what is left unfinished, when the box is left.
    let wrong = Memo::new(move |_| match known.get() {
        WordState::Unknown(_) => left.get() || word.with(|w| w.trim().chars().count() >= CERTAIN),
        WordState::Unfinished => left.get(),
        WordState::Empty | WordState::Known => false,
    });
    let accept = move |chosen: String| {
        word.set(chosen);
        open.set(false);
        marked.set(None);
    };
    let go_on = move || {
        if at + 1 < WORDS {
            focus_box(at + 1);
        }
    };
    // The word is over: what it certainly is takes its place.
    let end_word = move || {
        let list = options.get_untracked();
        let filled = word.with_untracked(|w| !w.trim().is_empty());
        let choice = marked.get_untracked().and_then(|n| list.get(n).cloned());
        let certain = known.get_untracked() == WordState::Known;
        match choice.or_else(|| certain.then(|| list.first().cloned()).flatten()) {
            Some(chosen) => accept(chosen),
            None => open.set(false),
        }
        if filled {
            go_on();
        }
    };
    // Keyboards on a screen name no keys, and paste what they have kept as if it were typed: the text itself tells.
    let on_input = move |typed: String| {
        left.set(false);
        let mut words = typed.split_whitespace();
        let (first, more) = (words.next().unwrap_or_default(), words.next().is_some());
        let spaced = typed.contains(char::is_whitespace);
        let letters = || typed.chars().filter(|letter| !letter.is_whitespace());
        if spaced && word.with_untracked(|before| letters().eq(before.chars())) {
            // Nothing but a space came, wherever.
            word.update(|_| ());
            end_word();
            return;
        }
        marked.set(None);
        open.set(true);
        if more && on_paste.run((at, typed.clone())) {
            // This box has what was taken out of it for it.
            word.update(|_| ());
        } else if !more && typed.ends_with(char::is_whitespace) {
            word.set(first.to_owned());
            end_word();
        } else {
            word.set(typed);
        }
    };
    let on_key = move |event: KeyboardEvent| {
        let list = options.get_untracked();
        match event.key().as_str() {
            "ArrowDown" if !list.is_empty() => {
                event.prevent_default();
                marked.update(|m| *m = Some(m.map_or(0, |n| (n + 1) % list.len())));
            }
            "ArrowUp" if !list.is_empty() => {
                event.prevent_default();
                marked.update(|m| {
                    *m = Some(m.map_or(list.len() - 1, |n| (n + list.len() - 1) % list.len()));
                });
            }
            "Escape" if open.get_untracked() => open.set(false),
            " " | "Enter" => {
                let chosen = marked.get_untracked().is_some_and(|n| n < list.len());
                // Enter in a complete form sends it; everywhere else both keys end a word.
                if event.key() == " " || chosen || at + 1 < WORDS {
                    event.prevent_default();
                }
                end_word();
            }
            "Tab" if !event.shift_key() && known.get_untracked() == WordState::Known => {
                if let Some(first) = list.first() {
                    accept(first.clone());
                }
            }
            "Backspace" if at > 0 && word.with_untracked(String::is_empty) => {
                event.prevent_default();
                focus_box(at - 1);
            }
            _ => {}
        }
    };
    let id = box_id(at);
    let list_id = format!("{id}-list");
    let hint_id = format!("{id}-hint");
    let option_id = move |n: usize| format!("word-{at}-option-{n}");
    let listed = list_id.clone();
    view! {
        <div class="word" class:wrong=wrong>
            <span class="word-number" aria-hidden="true">{at + 1}</span>
            <input
                id=id
                node_ref=node
                class:covered=hidden
                type="text"
                role="combobox"
                dir="ltr"
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
                enterkeyhint="next"
                aria-label=tf("restore.word_label", &[("number", &(at + 1).to_string())])
                aria-autocomplete="list"
                aria-expanded=move || (!options.with(Vec::is_empty)).to_string()
                aria-controls=list_id
                aria-activedescendant=move || marked.get().map(option_id)
                aria-invalid=move || wrong.get().to_string()
                aria-describedby=hint_id.clone()
                prop:value=word
                on:input:target=move |event| on_input(event.target().value())
                on:focus=move |_| open.set(true)
                on:blur=move |_| {
                    open.set(false);
                    left.set(true);
                }
                on:keydown=on_key
                on:paste=move |event: ClipboardEvent| {
                    let text = event
                        .clipboard_data()
                        .and_then(|data| data.get_data("text/plain").ok())
                        .unwrap_or_default();
                    if on_paste.run((at, text)) {
                        event.prevent_default();
                    }
                }
            />
            <span class="unseen" id=hint_id>
                {move || if wrong.get() { t("restore.word_unknown") } else { String::new() }}
            </span>
            <ul class="options" id=listed role="listbox" hidden=move || options.with(Vec::is_empty)>
                {move || {
                    options
                        .get()
                        .into_iter()
                        .enumerate()
                        .map(|(n, option)| {
                            let chosen = option.clone();
                            view! {
                                <li
                                    id=option_id(n)
                                    role="option"
                                    aria-selected=move || (marked.get() == Some(n)).to_string()
                                    on:pointerdown=move |event| {
                                        // The box keeps the focus.
                                        event.prevent_default();
                                        accept(chosen.clone());
                                        go_on();
                                    }
                                >
                                    {option}
                                </li>
                            }
                        })
                        .collect_view()
                }}
            </ul>
        </div>
    }
}
