//! Shows the recovery phrase behind a step: with a lock, to whoever can open that. It is on the page only while the dialog is
//! open.

use holdfast_client::api::{Command, Reply};
use holdfast_protocol::account::Seed;
use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;
use zeroize::Zeroize;

use super::owner::OwnerOnly;
use crate::components::dialog::Dialog;
use crate::components::icon::{Icon, icon};
use crate::components::qr::qr;
use crate::i18n::{number, t};
use crate::platform::session::StorageMode;
use crate::state::{AppState, reminder};

/// First what the phrase is good for and who must not see it; then the words.
#[component]
pub(crate) fn PhraseDialog(
    /// Called when it is to be closed.
    #[prop(into)]
    on_close: Callback<()>,
) -> impl IntoView {
    let state = AppState::get();
    let phrase = RwSignal::new(String::new());
    let error = RwSignal::new(String::new());
    let as_code = RwSignal::new(false);
    // A clipboard, and what systems remember of it, stays when a session at a shared computer is over.
    let copies = state.mode.get_untracked() == StorageMode::OwnDevice;
    on_cleanup(move || {
        let _ = phrase.try_update_untracked(|words| words.zeroize());
    });
    // A page that is put aside shows no secrets when it comes back.
    let hidden = window_event_listener(ev::Custom::<web_sys::Event>::new("pagehide"), move |_| {
        on_close.run(());
    });
    on_cleanup(move || hidden.remove());
    let reveal = move || {
        spawn_local(async move {
            match state.request(Command::RevealPhrase).await {
                Ok(Reply::Phrase(words)) => {
                    let _ = phrase.try_set(words);
                    reminder::phrase_seen(state);
                }
                _ => {
                    let _ = error.try_set(t("phrase.failed"));
                }
            }
        });
    };
    let before = move || {
        view! {
            <p>{t("phrase.warning")}</p>
            <p class="error" role="alert">{error}</p>
            <OwnerOnly
                id="reveal-phrase"
                action=t("phrase.reveal")
                picture=Icon::Eye
                cancel_id="phrase-cancel"
                on_cancel=on_close
                on_sure=reveal
            />
        }
        .into_any()
    };
    let words = move || {
        view! {
            <ol class="phrase" class:kept-here=!copies dir="ltr" translate="no">
                {phrase
                    .get()
                    .split(' ')
                    .enumerate()
                    .map(|(at, word)| {
                        view! {
                            <li>
                                <span class="word-number">{number((at + 1) as f64)}</span>
                                <span class="phrase-word">{word.to_owned()}</span>
                            </li>
                        }
                    })
                    .collect_view()}
            </ol>
            <p class="help">{t("phrase.keep")}</p>
        }
        .into_any()
    };
    // The seed in hex digits, as Session's apps show and read it (`spec/01-accounts-and-crypto.md §6.4`).
    let code = move || {
        let seed = phrase.with(|words| Seed::from_phrase(words));
        view! {
            <div id="phrase-qr" class="phrase-code">
                {seed.ok().map(|seed| qr(&seed.to_hex(), t("phrase.code_label")))}
            </div>
            <p class="help">{t("phrase.code_help")}</p>
        }
        .into_any()
    };
    let shown = move || {
        view! {
            {move || if as_code.get() { code() } else { words() }}
            <div class="actions">
                <button
                    id="phrase-code"
                    class="button quiet"
                    on:click=move |_| as_code.update(|on| *on = !*on)
                >
                    {icon(Icon::Qr)}
                    {move || if as_code.get() { t("phrase.as_words") } else { t("phrase.as_code") }}
                </button>
                {copies
                    .then(|| {
                        view! {
                            <button
                                id="phrase-copy"
                                class="button quiet"
                                on:click=move |_| {
                                    state.copy(phrase.get_untracked(), t("toast.phrase_copied"));
                                }
                            >
                                {icon(Icon::Copy)}
                                {t("action.copy")}
                            </button>
                        }
                            .into_any()
                    })}
                <button
                    id="phrase-done"
                    class="button primary"
                    autofocus
                    on:click=move |_| on_close.run(())
                >
                    {t("phrase.done")}
                </button>
            </div>
        }
        .into_any()
    };
    view! {
        <Dialog title=t("phrase.title") on_close=on_close>
            {move || if phrase.with(String::is_empty) { before() } else { shown() }}
        </Dialog>
    }
}
