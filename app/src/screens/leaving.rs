//! Leaving an account: log out, clear the device or the network too, end a session on a shared computer after what would be
//! lost was said.

use holdfast_client::api::{Command, Failure};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::phrase::PhraseDialog;
use crate::components::choice::{Choice, choices};
use crate::components::dialog::Dialog;
use crate::components::icon::{Icon, icon};
use crate::engine::LinkError;
use crate::i18n::{t, tn};
use crate::platform::session::StorageMode;
use crate::state::preferences::key;
use crate::state::{AppState, early, error_text};

/// The choice of what is cleared: this device, as it stands at first.
const DEVICE: &str = "device";
/// What the network keeps too.
const NETWORK: &str = "network";

/// What is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leave {
    /// Remove the account from this device.
    LogOut,
    /// Remove the account and every choice.
    Clear,
}

/// The question that is open; copies are the same one.
#[derive(Clone, Copy)]
struct Asked {
    state: AppState,
    what: Leave,
    own: bool,
    busy: RwSignal<bool>,
    /// The network is asked at this moment.
    deleting: RwSignal<bool>,
    /// The network was asked, and may have deleted something.
    reached: RwSignal<bool>,
    error: RwSignal<String>,
    on_close: Callback<()>,
}

impl Asked {
    /// Leaves by a command. The screens go with the account.
    fn leave(self, command: Command) {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        self.error.set(String::new());
        if !self.own {
            self.state.end_session();
            return;
        }
        let network = matches!(command, Command::ClearAccount);
        self.deleting.set(network);
        if network {
            self.reached.set(true);
        }
        spawn_local(async move {
            let outcome = self.state.request(command).await;
            let words = match outcome {
                Ok(_) => {
                    if self.what == Leave::Clear {
                        early::forget(key::THEME);
                        early::forget(key::LANGUAGE);
                    }
                    return;
                }
                Err(why @ LinkError::Failed(Failure::NotErased)) => error_text(&why),
                // What came before is done.
                Err(_) if self.reached.try_get_untracked() == Some(true) => t("leave.failed_device"),
                Err(_) => t("leave.failed"),
            };
            let _ = self.error.try_set(words);
            let _ = self.busy.try_set(false);
        });
    }

    /// Closes the question, unless what it asked is under way.
    fn close(self) {
        if !self.busy.get_untracked() {
            self.on_close.run(());
        }
    }
}

/// The confirmation before everything is removed.
#[component]
pub(crate) fn Leaving(what: Leave, #[prop(into)] on_close: Callback<()>) -> impl IntoView {
    let state = AppState::get();
    let asked = Asked {
        state,
        what,
        own: state.mode.get_untracked() == StorageMode::OwnDevice,
        busy: RwSignal::new(false),
        deleting: RwSignal::new(false),
        reached: RwSignal::new(false),
        error: RwSignal::new(String::new()),
        on_close,
    };
    let range = RwSignal::new(DEVICE);
    let sure = RwSignal::new(false);
    move || {
        if sure.get() {
            network_question(asked)
        } else {
            question(asked, range, sure)
        }
    }
}

/// What is removed, and what would be lost with it.
fn question(asked: Asked, range: RwSignal<&'static str>, sure: RwSignal<bool>) -> AnyView {
    let Asked { state, what, own, .. } = asked;
    let phrase = RwSignal::new(false);
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
    // Gone as soon as it is untrue: that takes seconds, and may be waited for. Its place stays, so that no button moves away
    // under the finger.
    let unsynced = Memo::new(move |_| state.network.with(|n| n.unsynced));
    let told_unsynced =
        Memo::new(move |told: Option<&bool>| unsynced.get() || told.is_some_and(|told| *told));
    let widest = move || what == Leave::Clear && own && range.get() == NETWORK;
    let go = move |_| {
        if untrack(widest) {
            asked.error.set(String::new());
            sure.set(true);
        } else {
            asked.leave(Command::LogOut);
        }
    };
    view! {
        <Dialog title=title on_close=move || asked.close()>
            <p>{text}</p>
            {(what == Leave::Clear && own).then(|| ranges(range))}
            {(waiting > 0)
                .then(|| {
                    view! { <p class="warning">{tn("leave.waiting", u64::from(waiting))}</p> }
                })}
            {move || {
                told_unsynced
                    .get()
                    .then(|| {
                        let visibility = move || if unsynced.get() { "visible" } else { "hidden" };
                        view! {
                            <p class="warning" style:visibility=visibility>
                                {t("leave.unsynced")}
                            </p>
                        }
                            .into_any()
                    })
            }}
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
            <p class="error" role="alert">{asked.error}</p>
            <div class="actions">
                <button class="button quiet" autofocus on:click=move |_| asked.close()>
                    {t("action.cancel")}
                </button>
                <button
                    id="confirm-leave"
                    class="button danger solid"
                    aria-disabled=move || asked.busy.get().to_string()
                    on:click=go
                >
                    {move || if widest() { t("action.continue") } else { action.clone() }}
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
    .into_any()
}

/// How far it goes.
fn ranges(range: RwSignal<&'static str>) -> AnyView {
    let all = vec![
        Choice {
            value: DEVICE,
            label: t("leave.device"),
            help: t("leave.device_help"),
        },
        Choice {
            value: NETWORK,
            label: t("leave.network"),
            help: t("leave.network_help"),
        },
    ];
    let chosen = Signal::derive(move || range.get().to_owned());
    let choose = Callback::new(move |value| range.set(value));
    choices("clear-range", t("leave.range"), all, chosen, choose)
}

/// Asks once more before the network deletes, and tells when it did not.
fn network_question(asked: Asked) -> AnyView {
    let Asked { busy, error, .. } = asked;
    // What was offered stays where it is.
    let failed = Memo::new(move |before: Option<&bool>| {
        before == Some(&true) || error.with(|words| !words.is_empty())
    });
    view! {
        <Dialog title=t("leave.network_title") on_close=move || asked.close()>
            <p>{t("leave.network_text")}</p>
            <p class="warning">{t("leave.network_others")}</p>
            <p class="error" role="alert">{error}</p>
            <p class="help" role="status">
                {move || (busy.get() && asked.deleting.get()).then(|| t("leave.network_busy"))}
            </p>
            <div class="actions">
                <button class="button quiet" autofocus on:click=move |_| asked.close()>
                    {t("action.cancel")}
                </button>
                {move || {
                    failed.get()
                        .then(|| {
                            view! {
                                <button
                                    id="clear-device-only"
                                    class="button danger"
                                    aria-disabled=move || busy.get().to_string()
                                    on:click=move |_| asked.leave(Command::LogOut)
                                >
                                    {t("leave.device")}
                                </button>
                            }
                                .into_any()
                        })
                }}
                <button
                    id="confirm-network"
                    class="button danger solid"
                    aria-disabled=move || busy.get().to_string()
                    on:click=move |_| asked.leave(Command::ClearAccount)
                >
                    {move || {
                        if failed.get() { t("action.try_again") } else { t("leave.network_do") }
                    }}
                </button>
            </div>
        </Dialog>
    }
    .into_any()
}
