//! Before an account is opened on somebody else's computer: what can't be protected.

use holdfast_protocol::kiosk::{Feature, Kiosk};
use leptos::prelude::*;

use crate::components::icon::{Icon, icon};
use crate::i18n::{t, tn};
use crate::platform::kiosk;
use crate::screens::name::StartHeader;
use crate::state::AppState;
use crate::state::nav::Route;

/// What nobody can protect an account from that is opened on somebody else's computer.
pub(crate) fn dangers() -> AnyView {
    view! {
        <ul class="caution-list">
            <li>{t("caution.keys")}</li>
            <li>{t("caution.extensions")}</li>
            <li>{t("caution.forever")}</li>
        </ul>
    }
    .into_any()
}

/// What of an account the operator has left alone here: marks as read on its other devices, and what is not recent.
pub(super) fn spares() -> Option<AnyView> {
    let rules = kiosk::rules()?;
    let unread = rules
        .leave_unread
        .then(|| view! { <p id="leaves-unread" class="help">{t("kiosk.leaves_unread")}</p> });
    let recent = rules.recent_days.map(|days| {
        view! { <p id="recent-only" class="help">{tn("kiosk.recent_only", u64::from(days))}</p> }
    });
    Some(view! { {unread} {recent} }.into_any())
}

/// The screen.
#[component]
pub(crate) fn Caution() -> impl IntoView {
    let state = AppState::get();
    view! {
        <section class="step">
            <StartHeader />
            <span class="problem-icon">{icon(Icon::Alert)}</span>
            <h1>{t("caution.title")}</h1>
            <p class="lead">{t("caution.lead")}</p>
            {dangers()}
            {spares()}
            <div class="stack">
                {kiosk::rules()
                    .is_some_and(Kiosk::takes_new_accounts)
                    .then(|| {
                        view! {
                            <button
                                id="new-instead"
                                class="button primary large"
                                on:click=move |_| state.nav.switch(Route::Welcome)
                            >
                                {t("caution.instead")}
                            </button>
                        }
                    })}
                {kiosk::allows(Feature::Transfer)
                    .then(|| {
                        view! {
                            <button
                                id="from-device"
                                class="button large"
                                on:click=move |_| state.nav.go(Route::Receive)
                            >
                                {t("transfer.offer")}
                            </button>
                        }
                    })}
                {kiosk::allows(Feature::Restore)
                    .then(|| {
                        view! {
                            <button
                                id="type-anyway"
                                class="button large"
                                on:click=move |_| state.nav.go(Route::Restore)
                            >
                                {t("caution.anyway")}
                            </button>
                            <p class="help">{t("caution.code")}</p>
                        }
                    })}
            </div>
        </section>
    }
}
