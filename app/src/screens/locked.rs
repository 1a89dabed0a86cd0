//! The lock screen: how to go on, and the way out. It tells nothing of the account behind it.

use std::time::Duration;

use holdfast_client::lock::{MAX_PASSPHRASE, MIN_PASSPHRASE};
use leptos::prelude::*;
use leptos::task::spawn_local;
use zeroize::Zeroizing;

use crate::components::clock::every;
use crate::components::dialog::Confirm;
use crate::components::icon::{Icon, icon, mark};
use crate::components::secret_field::SecretField;
use crate::engine::lock::LockRefusal;
use crate::i18n::{t, tf, tn};
use crate::platform::passkey::{self, PasskeyError};
use crate::state::AppState;
use crate::state::lock::PasskeyRefusal;

/// How often the words about the time left are looked at.
const SECOND: Duration = Duration::from_secs(1);

/// The screen.
#[component]
pub(crate) fn Locked() -> impl IntoView {
    let state = AppState::get();
    let typed = RwSignal::new(String::new());
    let error = RwSignal::new(String::new());
    let busy = RwSignal::new(false);
    let asks = RwSignal::new(false);
    let passkeys = RwSignal::new(false);
    spawn_local(async move {
        let possible = passkey::is_possible().await;
        let _ = passkeys.try_set(possible);
    });
    let wait = seconds_left(state);
    // The field says what went wrong, for as long as it is what was tried.
    Effect::new(move |_| {
        typed.track();
        error.set(String::new());
    });
    // Whoever is brought back here, since the engine crashed while it was opened, may try again.
    Effect::new(move |_| {
        state.lock.view.track();
        busy.set(false);
    });
    let end = move |result: Result<(), String>| {
        // Once it is open, this screen gives way by itself.
        if let Err(words) = result {
            let _ = error.try_set(words);
            let _ = busy.try_set(false);
        }
    };
    let open = move || {
        if busy.get_untracked() || wait.get_untracked() > 0 {
            return;
        }
        if typed.with_untracked(String::is_empty) {
            error.set(t("lock.error_empty"));
            return;
        }
        busy.set(true);
        spawn_local(async move {
            let passphrase = Zeroizing::new(typed.get_untracked());
            let result = state.unlock(&passphrase).await;
            end(result.map_err(|why| refusal_words(&why)));
        });
    };
    let open_by_passkey = move |_| {
        if busy.get_untracked() {
            return;
        }
        error.set(String::new());
        busy.set(true);
        spawn_local(async move {
            let result = state.unlock_by_passkey().await;
            end(result.map_err(|why| passkey_words(&why)));
        });
    };
    let with_passkey = move || passkeys.get() && state.lock.view.with(|view| !view.passkeys.is_empty());
    view! {
        <main class="start">
            <section class="step locked">
                <span class="locked-mark">{mark()}</span>
                <h1>{t("lock.locked")}</h1>
                <form
                    class="stack"
                    on:submit=move |event| {
                        event.prevent_default();
                        open();
                    }
                >
                    <SecretField
                        id="passphrase"
                        label=t("lock.passphrase")
                        value=typed
                        error=error
                        focus=true
                    />
                    <p id="lock-wait" class="help" role="timer" hidden=move || wait.get() == 0>
                        {move || tf("lock.wait", &[("time", &time_words(wait.get()))])}
                    </p>
                    <button
                        id="unlock"
                        class="button primary large"
                        aria-disabled=move || (busy.get() || wait.get() > 0).to_string()
                    >
                        {move || if busy.get() { t("lock.opening") } else { t("lock.open") }}
                    </button>
                    {move || {
                        with_passkey()
                            .then(|| {
                                view! {
                                    <button
                                        id="unlock-passkey"
                                        type="button"
                                        class="button large"
                                        aria-disabled=move || busy.get().to_string()
                                        on:click=open_by_passkey
                                    >
                                        {icon(Icon::Key)}
                                        {t("lock.open_passkey")}
                                    </button>
                                }
                                    .into_any()
                            })
                    }}
                </form>
                <button id="forgotten" class="button quiet" on:click=move |_| asks.set(true)>
                    {t("lock.forgotten")}
                </button>
                {move || asks.get().then(|| start_over_question(state, asks))}
            </section>
        </main>
    }
}

/// Seconds until the next try is allowed.
fn seconds_left(state: AppState) -> Memo<u64> {
    let second = every(SECOND);
    Memo::new(move |_| {
        second.track();
        let left = state.lock.free_ms.get() - js_sys::Date::now();
        (left / 1000.0).ceil().max(0.0) as u64
    })
}

/// A time in words: whole minutes as soon as there are two.
fn time_words(seconds: u64) -> String {
    if seconds < 120 {
        tn("span.seconds", seconds)
    } else {
        tn("span.minutes", seconds.div_ceil(60))
    }
}

/// Asks before everything on this device is removed without opening it.
pub(crate) fn start_over_question(state: AppState, asks: RwSignal<bool>) -> AnyView {
    view! {
        <Confirm
            title=t("lock.forgotten_title")
            text=t("lock.forgotten_text")
            action=t("lock.forgotten_do")
            on_confirm=move || state.start_over()
            on_close=move || asks.set(false)
            danger=true
        />
    }
    .into_any()
}

/// Why a passphrase did not do it, in words.
pub(crate) fn refusal_words(why: &LockRefusal) -> String {
    match why {
        LockRefusal::Wrong(_) => t("lock.wrong"),
        LockRefusal::Wait(view) => {
            let seconds = view.wait_ms.div_ceil(1000);
            tf("lock.wait", &[("time", &time_words(seconds))])
        }
        LockRefusal::TooShort => tf("lock.too_short", &[("count", &MIN_PASSPHRASE.to_string())]),
        LockRefusal::TooLong => tf("lock.too_long", &[("count", &MAX_PASSPHRASE.to_string())]),
        LockRefusal::NoRoom => t("passkey.no_room"),
        LockRefusal::Changed => t("lock.changed"),
        LockRefusal::Failed(why) => tf("lock.failed", &[("detail", why)]),
    }
}

/// Why a passkey did not do it, in words.
pub(crate) fn passkey_words(why: &PasskeyRefusal) -> String {
    match why {
        PasskeyRefusal::Lock(LockRefusal::Wrong(_)) => t("passkey.wrong"),
        PasskeyRefusal::Lock(why) => refusal_words(why),
        PasskeyRefusal::Platform(PasskeyError::Dismissed) => t("passkey.dismissed"),
        PasskeyRefusal::Platform(PasskeyError::Unsuitable) => t("passkey.unsuitable"),
        PasskeyRefusal::Platform(PasskeyError::Failed(why)) => tf("lock.failed", &[("detail", why)]),
    }
}
