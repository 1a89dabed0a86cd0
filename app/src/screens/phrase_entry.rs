//! Where a recovery phrase is entered: thirteen boxes, everything at once as text, or its QR code. For the way back into an
//! account and for the check of a phrase that was kept.

use holdfast_protocol::account::phrase::{self, PhraseError};
use holdfast_protocol::account::{Code, Seed, SeedInputError};
use leptos::prelude::*;
use zeroize::{Zeroize, Zeroizing};

use super::scan::{Purpose, Scan};
use super::word_box::{WordBox, focus_box};
use crate::components::icon::{Icon, icon};
use crate::i18n::{number, t, tf};
use crate::platform::session::StorageMode;
use crate::state::AppState;
use crate::state::phrase_input::{Pasted, WORDS, WordState, classify, corrections, word_state};

/// What is wrong with the phrase as a whole, and what may put it right: the word at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wrong {
    words: String,
    offers: Vec<(usize, String)>,
}

impl Wrong {
    fn plain(words: String) -> Self {
        let offers = Vec::new();
        Self { words, offers }
    }
}

/// The boxes.
type Words = [RwSignal<String>; WORDS];

/// What is entered; copies are the same.
#[derive(Clone, Copy)]
struct Entry {
    words: Words,
    /// Everything in one text, when that was chosen.
    text: RwSignal<String>,
    as_text: RwSignal<bool>,
    wrong: RwSignal<Option<Wrong>>,
    /// The words are covered by dots.
    hidden: RwSignal<bool>,
    on_seed: Callback<Seed>,
}

impl Entry {
    fn new(on_seed: Callback<Seed>, hidden: bool) -> Self {
        let entry = Self {
            words: std::array::from_fn(|_| RwSignal::new(String::new())),
            text: RwSignal::new(String::new()),
            as_text: RwSignal::new(false),
            wrong: RwSignal::new(None),
            hidden: RwSignal::new(hidden),
            on_seed,
        };
        Effect::new(move |_| {
            entry.words.iter().for_each(|word| word.track());
            entry.text.track();
            entry.wrong.set(None);
        });
        on_cleanup(move || {
            for signal in entry.words.iter().chain([&entry.text]) {
                let _ = signal.try_update_untracked(|typed| typed.zeroize());
            }
        });
        Effect::new(move |before: Option<bool>| {
            let text_shown = entry.as_text.get();
            if before == Some(true) && !text_shown {
                request_animation_frame(|| focus_box(0));
            }
            text_shown
        });
        entry
    }

    fn say(self, words: String) {
        self.wrong.set(Some(Wrong::plain(words)));
    }

    fn typed(self) -> Zeroizing<Vec<String>> {
        let lower = |word: &RwSignal<String>| word.with_untracked(|w| phrase::lower(w.trim()).to_string());
        Zeroizing::new(self.words.iter().map(lower).collect())
    }

    fn spread(self, from: usize, pasted: &[String]) {
        // A whole phrase fills all boxes, wherever it was pasted.
        let from = if pasted.len() >= WORDS { 0 } else { from };
        for (slot, word) in self.words.iter().skip(from).zip(pasted) {
            slot.set(word.clone());
        }
        let next = (from + pasted.len()).min(WORDS - 1);
        let first_bad = self.words.iter().position(|w| {
            let state = w.with_untracked(|w| word_state(w));
            !matches!(state, WordState::Known | WordState::Empty)
        });
        request_animation_frame(move || focus_box(first_bad.unwrap_or(next)));
    }

    fn too_many(self, count: usize) {
        self.say(tf("restore.error_many", &[("count", &number(count as f64))]));
    }

    fn take_hex(self, hex: &str) {
        match Seed::from_input(hex) {
            Ok(seed) => self.on_seed.run(seed),
            Err(_) => self.say(t("restore.error_hex")),
        }
    }

    /// Takes a paste into a box; whether there is nothing left to do for the browser.
    fn paste(self, at: usize, pasted: &str) -> bool {
        match classify(pasted) {
            Pasted::Words(list) if list.len() > WORDS => {
                request_animation_frame(move || self.too_many(list.len()));
                true
            }
            Pasted::Words(list) => {
                let several = list.len() > 1;
                if several {
                    self.spread(at, &list);
                }
                several
            }
            Pasted::Hex(hex) => {
                self.take_hex(&hex);
                true
            }
            Pasted::AccountId => {
                self.say(t("restore.error_id"));
                true
            }
            Pasted::Nothing => false,
        }
    }

    fn check(self) {
        if self.as_text.get_untracked() {
            self.check_text();
        } else {
            self.check_words();
        }
    }

    fn check_words(self) {
        let list = self.typed();
        match Seed::from_input(&Zeroizing::new(list.join(" "))) {
            Ok(seed) => self.on_seed.run(seed),
            Err(SeedInputError::Phrase(PhraseError::Checksum | PhraseError::Overflow)) => {
                self.wrong.set(Some(Wrong {
                    words: t("restore.error_checksum"),
                    offers: corrections(&list),
                }));
            }
            Err(SeedInputError::Phrase(PhraseError::UnknownWords { positions })) => {
                // Positions count the words that were given: all boxes are filled here.
                let numbers: Vec<String> = positions.iter().map(|n| number((n + 1) as f64)).collect();
                self.wrong.set(Some(Wrong {
                    words: tf("restore.error_unknown", &[("numbers", &numbers.join(", "))]),
                    offers: corrections(&list),
                }));
                if let Some(first) = positions.first() {
                    focus_box(*first);
                }
            }
            Err(SeedInputError::Id) => self.say(t("restore.error_id")),
            Err(SeedInputError::LongSeed) => self.say(t("restore.error_hex")),
            Err(_) => {
                let filled = list.iter().filter(|w| !w.is_empty()).count();
                self.say(if filled == 0 {
                    t("restore.error_empty")
                } else {
                    tf("restore.error_short", &[("count", &number(filled as f64))])
                });
                if let Some(empty) = list.iter().position(String::is_empty) {
                    focus_box(empty);
                }
            }
        }
    }

    fn check_text(self) {
        match self.text.with_untracked(|text| classify(text)) {
            Pasted::Nothing => self.say(t("restore.error_empty")),
            Pasted::AccountId => self.say(t("restore.error_id")),
            Pasted::Hex(hex) => self.take_hex(&hex),
            Pasted::Words(list) if list.len() > WORDS => self.too_many(list.len()),
            Pasted::Words(list) => {
                self.as_text.set(false);
                for word in &self.words {
                    word.set(String::new());
                }
                self.spread(0, &list);
                // The boxes show what is wrong where it is.
                request_animation_frame(move || self.check_words());
            }
        }
    }
}

/// The form.
#[component]
pub(crate) fn PhraseEntry(
    /// What its button says.
    action: String,
    /// Takes the focus when it appears.
    #[prop(optional)]
    focus: bool,
    /// Called with the seed of a phrase that reads, whoever's it is.
    #[prop(into)]
    on_seed: Callback<Seed>,
) -> impl IntoView {
    let state = AppState::get();
    // Others may look at the screen of a shared computer.
    let entry = Entry::new(on_seed, state.mode.get_untracked() == StorageMode::SharedComputer);
    if focus {
        request_animation_frame(|| focus_box(0));
    }
    let scanned = move |code: Code| {
        if let Code::Recovery(seed) = code {
            entry.on_seed.run(seed);
        }
    };
    view! {
        <form
            class="stack"
            autocomplete="off"
            on:submit=move |event| {
                event.prevent_default();
                entry.check();
            }
        >
            {move || if entry.as_text.get() { one_text(entry) } else { boxes(entry) }}
            <div class="word-tools">
                <button
                    type="button"
                    class="button quiet"
                    on:click=move |_| entry.as_text.update(|on| *on = !*on)
                >
                    {move || if entry.as_text.get() { t("restore.use_boxes") } else { t("restore.use_text") }}
                </button>
                <Scan id="scan-phrase" purpose=Purpose::Recovery on_found=scanned />
                <button
                    type="button"
                    class="button quiet"
                    aria-pressed=move || entry.hidden.get().to_string()
                    on:click=move |_| entry.hidden.update(|on| *on = !*on)
                >
                    {icon(Icon::Eye)}
                    {move || if entry.hidden.get() { t("restore.show") } else { t("restore.hide") }}
                </button>
            </div>
            <div id="phrase-error" role="alert">{move || wrong(entry)}</div>
            <button id="phrase-continue" class="button primary large">
                {action}
            </button>
        </form>
    }
}

fn boxes(entry: Entry) -> AnyView {
    let on_paste = move |(at, pasted): (usize, String)| entry.paste(at, &pasted);
    view! {
        <div class="words">
            {entry
                .words
                .iter()
                .enumerate()
                .map(|(at, word)| {
                    view! { <WordBox at word=*word hidden=entry.hidden on_paste /> }
                })
                .collect_view()}
        </div>
    }
    .into_any()
}

fn one_text(entry: Entry) -> AnyView {
    view! {
        <div class="field">
            <label for="phrase-text">{t("restore.text_label")}</label>
            <textarea
                id="phrase-text"
                rows="4"
                dir="ltr"
                class:covered=entry.hidden
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
                aria-describedby="phrase-text-help phrase-error"
                prop:value=entry.text
                on:input:target=move |event| entry.text.set(event.target().value())
            ></textarea>
            <p id="phrase-text-help" class="help">{t("restore.text_help")}</p>
        </div>
    }
    .into_any()
}

fn wrong(entry: Entry) -> Option<AnyView> {
    let Wrong { words, offers } = entry.wrong.get()?;
    let offered = !offers.is_empty();
    let buttons = offers
        .into_iter()
        .map(|(at, word)| {
            let label = tf(
                "restore.offer_word",
                &[("number", &number((at + 1) as f64)), ("word", &word)],
            );
            view! {
                <button
                    type="button"
                    class="button"
                    data-offer=at
                    on:click=move |_| {
                        if let Some(slot) = entry.words.get(at) {
                            slot.set(word.clone());
                        }
                        focus_box(at);
                    }
                >
                    {label}
                </button>
            }
        })
        .collect_view();
    let choice = offered.then(|| {
        view! {
            <p class="help">{t("restore.offer")}</p>
            <div class="offers">{buttons}</div>
        }
    });
    Some(view! { <p class="error">{words}</p> {choice} }.into_any())
}
