//! Takes up an existing account by its recovery phrase: thirteen boxes, or everything pasted at once.

use holdfast_protocol::account::phrase::{self, PhraseError};
use holdfast_protocol::account::{Seed, SeedInputError};
use leptos::prelude::*;

use super::name::StartHeader;
use super::word_box::{WordBox, focus_box};
use crate::components::icon::{Icon, icon};
use crate::i18n::{number, t, tf};
use crate::platform::session::StorageMode;
use crate::state::AppState;
use crate::state::nav::Route;
use crate::state::phrase_input::{Pasted, WORDS, WordState, classify, corrections, word_state};

/// What is wrong with the phrase as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wrong {
    /// In words.
    Text(String),
    /// Every word is known, but they don't belong together; perhaps one of these repairs it.
    Checksum(Vec<(usize, String)>),
}

/// The boxes.
type Words = [RwSignal<String>; WORDS];

fn typed(words: &Words) -> Vec<String> {
    words
        .iter()
        .map(|word| word.with_untracked(|w| phrase::lower(w.trim()).to_string()))
        .collect()
}

/// The restore screen.
#[component]
pub(crate) fn Restore() -> impl IntoView {
    let state = AppState::get();
    let words: Words = std::array::from_fn(|_| RwSignal::new(String::new()));
    let wrong = RwSignal::new(None::<Wrong>);
    let as_text = RwSignal::new(false);
    let text = RwSignal::new(String::new());
    // Others may look at the screen of a shared computer.
    let hidden = RwSignal::new(state.mode.get_untracked() == StorageMode::SharedComputer);

    Effect::new(move |_| {
        words.iter().for_each(|word| word.track());
        text.track();
        wrong.set(None);
    });
    on_cleanup(move || {
        for signal in words.iter().chain([&text]) {
            let _ = signal.try_update_untracked(String::clear);
        }
    });

    let accept = move |seed: Seed| {
        state.keep_seed(Some(seed));
        state.nav.go(Route::Recognise);
    };
    let spread = move |from: usize, pasted: &[String]| {
        // A whole phrase fills all boxes, wherever it was pasted.
        let from = if pasted.len() >= WORDS { 0 } else { from };
        for (slot, word) in words.iter().skip(from).zip(pasted) {
            slot.set(word.clone());
        }
        let next = (from + pasted.len()).min(WORDS - 1);
        let first_bad = words.iter().position(|w| {
            let state = w.with_untracked(|w| word_state(w));
            !matches!(state, WordState::Known | WordState::Empty)
        });
        request_animation_frame(move || focus_box(first_bad.unwrap_or(next)));
    };
    let too_many = move |count: usize| {
        wrong.set(Some(Wrong::Text(tf(
            "restore.error_many",
            &[("count", &number(count as f64))],
        ))));
    };
    let take_hex = move |hex: &str| match Seed::from_input(hex) {
        Ok(seed) => accept(seed),
        Err(_) => wrong.set(Some(Wrong::Text(t("restore.error_hex")))),
    };
    let on_paste = move |(at, pasted): (usize, String)| match classify(&pasted) {
        Pasted::Words(list) if list.len() > WORDS => {
            request_animation_frame(move || too_many(list.len()));
            true
        }
        Pasted::Words(list) => {
            let several = list.len() > 1;
            if several {
                spread(at, &list);
            }
            several
        }
        Pasted::Hex(hex) => {
            take_hex(&hex);
            true
        }
        Pasted::AccountId => {
            wrong.set(Some(Wrong::Text(t("restore.error_id"))));
            true
        }
        Pasted::Nothing => false,
    };
    let check_words = move || {
        let list = typed(&words);
        match Seed::from_input(&list.join(" ")) {
            Ok(seed) => accept(seed),
            Err(SeedInputError::Phrase(PhraseError::Checksum | PhraseError::Overflow)) => {
                wrong.set(Some(Wrong::Checksum(corrections(&list))));
            }
            Err(SeedInputError::Phrase(PhraseError::UnknownWords { positions })) => {
                // Positions count the words that were given: all boxes are filled here.
                let numbers: Vec<String> = positions.iter().map(|n| number((n + 1) as f64)).collect();
                wrong.set(Some(Wrong::Text(tf(
                    "restore.error_unknown",
                    &[("numbers", &numbers.join(", "))],
                ))));
                if let Some(first) = positions.first() {
                    focus_box(*first);
                }
            }
            Err(_) => {
                let filled = list.iter().filter(|w| !w.is_empty()).count();
                wrong.set(Some(Wrong::Text(if filled == 0 {
                    t("restore.error_empty")
                } else {
                    tf("restore.error_short", &[("count", &number(filled as f64))])
                })));
                if let Some(empty) = list.iter().position(String::is_empty) {
                    focus_box(empty);
                }
            }
        }
    };
    let check_text = move || match text.with_untracked(|text| classify(text)) {
        Pasted::Nothing => wrong.set(Some(Wrong::Text(t("restore.error_empty")))),
        Pasted::AccountId => wrong.set(Some(Wrong::Text(t("restore.error_id")))),
        Pasted::Hex(hex) => take_hex(&hex),
        Pasted::Words(list) if list.len() > WORDS => too_many(list.len()),
        Pasted::Words(list) => {
            as_text.set(false);
            for word in &words {
                word.set(String::new());
            }
            spread(0, &list);
            // The boxes show what is wrong where it is.
            request_animation_frame(check_words);
        }
    };
    let boxes = move || {
        view! {
            <div class="words">
                {words
                    .iter()
                    .enumerate()
                    .map(|(at, word)| view! { <WordBox at word=*word hidden on_paste /> })
                    .collect_view()}
            </div>
        }
        .into_any()
    };
    let one_text = move || {
        view! {
            <div class="field">
                <label for="phrase-text">{t("restore.text_label")}</label>
                <textarea
                    id="phrase-text"
                    rows="4"
                    dir="ltr"
                    class:covered=hidden
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    aria-describedby="phrase-error"
                    prop:value=text
                    on:input:target=move |event| text.set(event.target().value())
                ></textarea>
            </div>
        }
        .into_any()
    };
    Effect::new(move |before: Option<bool>| {
        let text_shown = as_text.get();
        if before.is_none() || before == Some(true) && !text_shown {
            request_animation_frame(|| focus_box(0));
        }
        text_shown
    });
    let error = move || {
        wrong.get().map(|wrong| match wrong {
            Wrong::Text(text) => view! { <p class="error">{text}</p> }.into_any(),
            Wrong::Checksum(offers) => view! {
                <p class="error">{t("restore.error_checksum")}</p>
                {(!offers.is_empty())
                    .then(|| {
                        view! {
                            <p class="help">{t("restore.offer")}</p>
                            <div class="offers">
                                {offers
                                    .into_iter()
                                    .map(|(at, word)| {
                                        let chosen = word.clone();
                                        view! {
                                            <button
                                                type="button"
                                                class="button"
                                                on:click=move |_| {
                                                    if let Some(slot) = words.get(at) {
                                                        slot.set(chosen.clone());
                                                    }
                                                    focus_box(at);
                                                }
                                            >
                                                {tf(
                                                    "restore.offer_word",
                                                    &[
                                                        ("number", &number((at + 1) as f64)),
                                                        ("word", &word),
                                                    ],
                                                )}
                                            </button>
                                        }
                                    })
                                    .collect_view()}
                            </div>
                        }
                    })}
            }
            .into_any(),
        })
    };
    view! {
        <section class="step wide">
            <StartHeader />
            <h1>{t("restore.title")}</h1>
            <p class="lead">{t("restore.lead")}</p>
            <form
                class="stack"
                autocomplete="off"
                on:submit=move |event| {
                    event.prevent_default();
                    if as_text.get_untracked() { check_text() } else { check_words() }
                }
            >
                {move || if as_text.get() { one_text() } else { boxes() }}
                <div class="word-tools">
                    <button
                        type="button"
                        class="button quiet"
                        on:click=move |_| as_text.update(|on| *on = !*on)
                    >
                        {move || if as_text.get() { t("restore.use_boxes") } else { t("restore.use_text") }}
                    </button>
                    <button
                        type="button"
                        class="button quiet"
                        aria-pressed=move || hidden.get().to_string()
                        on:click=move |_| hidden.update(|on| *on = !*on)
                    >
                        {icon(Icon::Eye)}
                        {move || if hidden.get() { t("restore.show") } else { t("restore.hide") }}
                    </button>
                </div>
                <div id="phrase-error" role="alert">{error}</div>
                <button id="phrase-continue" class="button primary large">
                    {t("action.continue")}
                </button>
            </form>
        </section>
    }
}
