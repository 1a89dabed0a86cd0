//! Leaving an account: log out, clear the device, end a session on a shared computer after what would be lost was said.

use holdfast_client::api::Command;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::phrase::PhraseDialog;
use crate::components::dialog::Dialog;
use crate::components::icon::{Icon, icon};
use crate::i18n::{t, tn};
use crate::platform::session::StorageMode;
use crate::state::preferences::key;
use crate::state::{AppState, early};

/// What is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leave {
    /// Remove the account from this device.
    LogOut,
    /// Remove the account and every choice.
    Clear,
}

/// The confirmation before everything is removed.
#[component]
pub(crate) fn Leaving(what: Leave, #[prop(into)] on_close: Callback<()>) -> impl IntoView {
    let state = AppState::get();
    let own = state.mode.get_untracked() == StorageMode::OwnDevice;
    let phrase = RwSignal::new(false);
    let busy = RwSignal::new(false);
    let error = RwSignal::new(String::new());
    let (title, text, action) = match (what, own) {
        (Leave::LogOut, true) => (t("leave.title"), t("leave.text"), t("settings.log_out")),
        (Leave::LogOut, false) => (
            t("leave.shared_title"),
            t("leave.shared_text"),
            t("settings.end_session"),
        ),
        (Leave::Clear, _) => (t("leave.clear_title"), t("leave.clear_text"), t("settings.clear")),
    };
    let waiting = state.network.with_untracked(|n| n.outbox);
    let go = move |_| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        if !own {
            state.end_session();
            return;
        }
        spawn_local(async move {
            if what == Leave::Clear {
                early::forget(key::THEME);
                early::forget(key::LANGUAGE);
            }
            if state.request(Command::LogOut).await.is_err() {
                let _ = error.try_set(t("leave.failed"));
                let _ = busy.try_set(false);
            }
        });
    };
    view! {
        <Dialog title=title on_close=on_close>
            <p>{text}</p>
            {(waiting > 0)
                .then(|| {
                    view! { <p class="warning">{tn("leave.waiting", u64::from(waiting))}</p> }
                })}
            {move || {
                (!state.preferences.phrase_seen.get())
                    .then(|| {
                        view! {
                            <div class="warning">
                                <p>{t("leave.no_phrase")}</p>
                                <button class="button" on:click=move |_| phrase.set(true)>
                                    {icon(Icon::Key)}
                                    {t("leave.show_phrase")}
                                </button>
                            </div>
                        }
                            .into_any()
                    })
            }}
            <p class="error" role="alert">{error}</p>
            <div class="actions">
                <button class="button quiet" autofocus on:click=move |_| on_close.run(())>
                    {t("action.cancel")}
                </button>
                <button
                    id="confirm-leave"
                    class="button danger solid"
                    aria-disabled=move || busy.get().to_string()
                    on:click=go
                >
                    {action}
                </button>
            </div>
            {move || {
                phrase
                    .get()
                    .then(|| {
                        view! { <PhraseDialog on_close=move || phrase.set(false) /> }.into_any()
                    })
            }}
        </Dialog>
    }
}
