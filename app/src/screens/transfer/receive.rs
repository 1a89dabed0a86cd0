//! The screen of a device that wants an account: its code, the digits to compare, and whose account came.

use holdfast_protocol::account::Id;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{time_left, way};
use crate::components::avatar::{Size, avatar};
use crate::components::focus::nothing_has_focus;
use crate::components::icon::{Icon, icon};
use crate::components::qr::qr;
use crate::i18n::{t, tf};
use crate::platform::kiosk;
use crate::screens::name::StartHeader;
use crate::state::identity::short_id;
use crate::state::nav::Route;
use crate::state::transfer::Asking;
use crate::state::{AppState, error_text, invite};

/// So many digits stand together.
const TOGETHER: usize = 3;

/// The screen. As long as it is there, this device asks.
#[component]
pub(crate) fn Receive() -> impl IntoView {
    let state = AppState::get();
    let asking = state.transfer.asking;
    let heading = NodeRef::<html::H1>::new();
    state.ask_for_account();
    on_cleanup(move || state.stop_asking());
    Effect::new(move |before: Option<()>| {
        asking.track();
        if before.is_some() {
            request_animation_frame(move || keep_focus(heading));
        }
    });
    let title = move || match asking.get() {
        Some(Asking::Compare(_)) => t("transfer.compare_title"),
        Some(Asking::Offered { .. }) => t("recognise.title"),
        Some(Asking::Over(_)) => t("transfer.over_title"),
        Some(Asking::Preparing | Asking::Code(_)) | None => t("transfer.title"),
    };
    // What comes by itself is told to screen readers; the rest they find where they are.
    let told = move || match asking.get() {
        Some(Asking::Compare(digits)) => format!("{}: {}", t("transfer.compare_title"), spoken(&digits)),
        Some(Asking::Offered { .. }) => t("recognise.title"),
        _ => String::new(),
    };
    let body = move || match asking.get() {
        Some(Asking::Preparing) | None => view! { <p class="lead">{t("transfer.preparing")}</p> }.into_any(),
        Some(Asking::Code(link)) => code(state, link),
        Some(Asking::Compare(digits)) => compare(state, &digits),
        Some(Asking::Offered { id, name }) => offered(state, id, &name),
        Some(Asking::Over(why)) => over(state, why),
    };
    let leave = move || match asking.get() {
        Some(Asking::Offered { .. }) => t("transfer.no"),
        _ => t("action.cancel"),
    };
    view! {
        <section class="step transfer">
            <StartHeader />
            <h1 tabindex="-1" node_ref=heading>{title}</h1>
            <p class="unseen" role="status">{told}</p>
            {body}
            <button
                id="transfer-cancel"
                class="button quiet large"
                on:click=move |_| state.nav.back(Route::Welcome)
            >
                {leave}
            </button>
        </section>
    }
}

/// Puts the focus on the heading if what had it is gone: much comes here by itself.
fn keep_focus(heading: NodeRef<html::H1>) {
    if nothing_has_focus()
        && let Some(heading) = heading.try_get_untracked().flatten()
    {
        let _ = heading.focus();
    }
}

/// The code, how to get to it, and how long it is good.
fn code(state: AppState, link: String) -> AnyView {
    let picture = qr(&link, t("transfer.qr"));
    // Where the page is a kiosk's nobody has an account at its address, and nothing goes to its clipboard.
    let home = (!kiosk::is_on()).then(|| {
        let copied = link.clone();
        // Set apart from the words around it, which may run from right to left.
        let address = format!("\u{2066}{}\u{2069}", invite::page_address());
        view! {
            <p class="help">{tf("transfer.camera", &[("address", &address)])}</p>
            <p class="help">{t("transfer.paste")}</p>
            <p class="link-text-own" dir="ltr">{link.clone()}</p>
            <button
                id="copy-transfer"
                class="button"
                on:click=move |_| state.copy(copied.clone(), t("toast.link_copied"))
            >
                {icon(Icon::Copy)}
                {t("link_own.copy")}
            </button>
        }
        .into_any()
    });
    view! {
        <ol class="transfer-steps">
            <li>{t("transfer.step_open")}</li>
            <li>{tf("transfer.step_way", &[("way", &way())])}</li>
            <li>{t("transfer.step_scan")}</li>
        </ol>
        <div class="transfer-code" data-link=link>
            {picture} {time_left(state)}
        </div>
        {home}
    }
    .into_any()
}

/// Digits as screen readers read them one by one.
fn spoken(digits: &str) -> String {
    let each: Vec<String> = digits.chars().map(String::from).collect();
    each.join(" ")
}

/// The digits, for the other device.
fn compare(state: AppState, digits: &str) -> AnyView {
    let (first, last) = digits.split_at_checked(TOGETHER).unwrap_or((digits, ""));
    view! {
        <p class="lead">{t("transfer.compare_text")}</p>
        <p id="transfer-digits" class="transfer-digits" dir="ltr" data-digits=digits.to_owned()>
            <span aria-hidden="true">{first.to_owned()}</span>
            <span aria-hidden="true">{last.to_owned()}</span>
            <span class="unseen">{spoken(digits)}</span>
        </p>
        {time_left(state)}
        <p class="warning">{t("transfer.compare_warning")}</p>
    }
    .into_any()
}

/// Whose account came.
fn offered(state: AppState, id: Id, name: &str) -> AnyView {
    let error = RwSignal::new(String::new());
    let busy = RwSignal::new(false);
    let take = move |_| {
        if busy.get_untracked() {
            return;
        }
        error.set(String::new());
        busy.set(true);
        spawn_local(async move {
            if let Err(why) = state.take_account().await {
                // It may be over, and this screen gone.
                let _ = error.try_set(error_text(&why));
            }
            let _ = busy.try_set(false);
        });
    };
    let called = (!name.is_empty()).then(|| {
        let name = name.to_owned();
        view! { <p class="own-name" dir="auto">{name}</p> }.into_any()
    });
    view! {
        <div class="recognised">
            {avatar(&id, name, None, Size::Large)} {called}
            <p class="short-id" dir="ltr" data-id=id.to_hex()>{short_id(&id)}</p>
            <p class="help">{t("transfer.offered_text")}</p>
        </div>
        <p class="error" role="alert">{error}</p>
        <button
            id="transfer-use"
            class="button primary large"
            aria-disabled=move || busy.get().to_string()
            on:click=take
        >
            {move || if busy.get() { t("recognise.working") } else { t("transfer.use") }}
        </button>
    }
    .into_any()
}

/// Why none comes, and the way to a new code.
fn over(state: AppState, why: String) -> AnyView {
    view! {
        <p id="transfer-over" class="warning" role="alert">{why}</p>
        <button id="transfer-again" class="button primary large" on:click=move |_| state.ask_for_account()>
            {icon(Icon::Retry)}
            {t("transfer.again")}
        </button>
    }
    .into_any()
}
