//! The thin bars at the top of the page: what stands in the way, or what is being waited for, said honestly, without blocking
//! anything.

use std::time::Duration;

use holdfast_client::api::{Synced, Trouble};
use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;

use super::icon::{Icon, icon};
use crate::i18n::{t, tf, tn};
use crate::platform::{frame, reload};
use crate::screens::kiosk::permitted;
use crate::screens::restoring;
use crate::state::nav::Route;
use crate::state::{AppState, Phase};

/// A connection that comes back within this time is not worth a bar.
const PATIENCE: Duration = Duration::from_millis(1500);
/// Neither is news that have come within this time.
const QUIET: Duration = Duration::from_secs(1);

/// Which trouble matters most: one bar is enough.
fn weight(trouble: &Trouble) -> u8 {
    match trouble {
        Trouble::StorageLost => 7,
        Trouble::StorageFull => 6,
        Trouble::Offline => 5,
        Trouble::GatewayUnreachable => 4,
        Trouble::NoPath => 3,
        Trouble::TooMuchToSync(_) => 2,
        Trouble::ClockWrong { .. } => 1,
    }
}

/// A trouble in words.
fn words(trouble: Trouble) -> String {
    match trouble {
        Trouble::Offline => t("bar.offline"),
        Trouble::GatewayUnreachable => t("bar.gateway"),
        Trouble::NoPath => t("bar.no_path"),
        Trouble::StorageFull => t("bar.storage_full"),
        Trouble::StorageLost => t("bar.storage_lost"),
        Trouble::TooMuchToSync(Synced::Contacts) => t("bar.sync_contacts"),
        Trouble::TooMuchToSync(Synced::Groups) => t("bar.sync_groups"),
        Trouble::TooMuchToSync(Synced::Profile) => t("bar.sync_profile"),
        Trouble::TooMuchToSync(Synced::ReadPositions) => t("bar.sync_read"),
        Trouble::ClockWrong { offset_ms } => {
            let amount = clock_error(offset_ms);
            if offset_ms > 0 {
                tf("bar.clock_behind", &[("amount", &amount)])
            } else {
                tf("bar.clock_ahead", &[("amount", &amount)])
            }
        }
    }
}

/// How far a clock is off, in words.
pub(crate) fn clock_error(offset_ms: i64) -> String {
    let seconds = offset_ms.unsigned_abs() / 1000;
    match seconds {
        0..120 => tn("span.seconds", seconds),
        120..7200 => tn("span.minutes", seconds / 60),
        7200..172_800 => tn("span.hours", seconds / 3600),
        _ => tn("span.days", seconds / 86_400),
    }
}

/// Whether messages may be missing that are being fetched; follows that. While an account comes back the list says so itself.
fn catches_up(state: AppState) -> bool {
    state.phase.with(|phase| *phase == Phase::Ready)
        && state.network.with(|network| network.catching_up)
        && state.restore.with(Option::is_none)
}

/// Whether that has gone on for a moment.
fn catches_up_noticeably(state: AppState) -> RwSignal<bool> {
    let noticed = RwSignal::new(false);
    let catching = Memo::new(move |_| catches_up(state));
    Effect::new(move |timer: Option<Option<TimeoutHandle>>| {
        if let Some(timer) = timer.flatten() {
            timer.clear();
        }
        noticed.set(false);
        if !catching.get() {
            return None;
        }
        let notice = move || {
            let _ = noticed.try_set(true);
        };
        set_timeout_with_handle(notice, QUIET).ok()
    });
    noticed
}

/// The bar for the weightiest trouble; without one, that messages are being fetched.
#[component]
pub(crate) fn TroubleBar() -> impl IntoView {
    let state = AppState::get();
    let dismissed_clock = RwSignal::new(false);
    let patient = RwSignal::new(false);
    set_timeout(
        move || {
            let _ = patient.try_set(true);
        },
        PATIENCE,
    );
    let worst = Memo::new(move |_| {
        if !patient.get() {
            return None;
        }
        state.troubles.with(|all| {
            all.iter()
                .filter(|t| !(dismissed_clock.get() && matches!(t, Trouble::ClockWrong { .. })))
                .max_by_key(|t| weight(t))
                .copied()
        })
    });
    let catching = catches_up_noticeably(state);
    let shown = move || match worst.get() {
        Some(trouble) => bar(state, trouble, dismissed_clock).into_any(),
        None if catching.get() => view! { <p class="catching-up">{t("bar.catching_up")}</p> }.into_any(),
        None => ().into_any(),
    };
    view! {
        <div class="bars" role="status">
            {shown}
        </div>
    }
}

/// Whether the network panel would be shown if it were gone to now; follows that. In a frame there is none.
fn shows_network(state: AppState) -> bool {
    !frame::is_framed()
        && state.phase.with(|phase| *phase == Phase::Ready)
        && !restoring::waits(state)
        && permitted(state, Route::Network) == Route::Network
}

fn bar(state: AppState, trouble: Trouble, dismissed_clock: RwSignal<bool>) -> impl IntoView {
    let severe = matches!(trouble, Trouble::StorageLost | Trouble::StorageFull);
    let picture = if trouble == Trouble::Offline {
        Icon::Offline
    } else {
        Icon::Alert
    };
    let action = match trouble {
        Trouble::GatewayUnreachable | Trouble::NoPath => Some(details(state)),
        Trouble::StorageLost => Some(
            view! {
                <button class="bar-action" on:click=move |_| reload()>{t("action.reload")}</button>
            }
            .into_any(),
        ),
        Trouble::ClockWrong { .. } => Some(
            view! {
                <button class="bar-action" on:click=move |_| dismissed_clock.set(true)>
                    {t("bar.understood")}
                </button>
            }
            .into_any(),
        ),
        Trouble::Offline | Trouble::StorageFull | Trouble::TooMuchToSync(_) => None,
    };
    view! {
        <div class="bar" class:severe=severe>
            {icon(picture)}
            <p>{words(trouble)}</p>
            {action}
        </div>
    }
}

/// The way to what the network panel tells of it, where there is one.
fn details(state: AppState) -> AnyView {
    let leads = Memo::new(move |_| shows_network(state));
    (move || {
        leads.get().then(|| {
            view! {
                <button class="bar-action" on:click=move |_| state.nav.go(Route::Network)>
                    {t("bar.details")}
                </button>
            }
            .into_any()
        })
    })
    .into_any()
}
