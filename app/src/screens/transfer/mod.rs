//! An account that comes from another device: the screen that asks for it, and what is said where there is none to give.

mod receive;

use std::time::Duration;

use holdfast_protocol::kiosk::Feature;
use leptos::prelude::*;

use crate::components::clock::every;
use crate::components::icon::{Icon, icon};
use crate::i18n::{playing_time, t, tf};
use crate::platform::kiosk;
use crate::state::AppState;
use crate::state::nav::Route;

pub(crate) use receive::Receive;

/// How often the time left is written anew.
const SECOND: Duration = Duration::from_secs(1);

/// How long what goes on may take yet. Not read out each second.
pub(crate) fn time_left(state: AppState) -> AnyView {
    let second = every(SECOND);
    let left = Memo::new(move |_| {
        second.track();
        let left = state.transfer.until_ms.get() - js_sys::Date::now();
        (left / 1000.0).ceil().max(0.0)
    });
    let words = move || tf("transfer.left", &[("time", &playing_time(left.get()))]);
    view! {
        <p class="help" role="timer">
            {words}
        </p>
    }
    .into_any()
}

/// The way to the page where an account is given: what stands on the entries that lead there.
fn way() -> String {
    format!(
        "{} › {} › {}",
        t("settings.title"),
        t("recovery.title"),
        t("give.title")
    )
}

/// The way in that needs no phrase, where it is allowed.
pub(crate) fn offer(state: AppState) -> Option<AnyView> {
    kiosk::allows(Feature::Transfer).then(|| {
        view! {
            <button id="from-device" class="choice" on:click=move |_| state.nav.go(Route::Receive)>
                <span class="choice-icon">{icon(Icon::Qr)}</span>
                <span class="choice-text">
                    <strong>{t("transfer.offer")}</strong>
                    <span>{t("transfer.offer_help")}</span>
                </span>
                {icon(Icon::Chevron)}
            </button>
        }
        .into_any()
    })
}

/// Somebody opened the link of a device that wants an account, in a browser that has none.
#[component]
pub(crate) fn NoAccount() -> impl IntoView {
    let state = AppState::get();
    view! {
        <section class="step problem" id="no-account-to-give">
            <span class="problem-icon">{icon(Icon::Info)}</span>
            <h1>{t("transfer.missing_title")}</h1>
            <p class="lead">{tf("transfer.missing_text", &[("way", &way())])}</p>
            <div class="stack">
                <button
                    id="no-account-close"
                    class="button primary large"
                    on:click=move |_| state.transfer.opened.set(None)
                >
                    {t("action.close")}
                </button>
            </div>
        </section>
    }
}
