//! Giving this account to another device: its code, the question before it is answered, and the digits of its screen.

use holdfast_client::api::TransferFault;
use holdfast_protocol::account::Code;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::super::owner::OwnerOnly;
use super::super::scan::{Purpose, Scan};
use super::super::transfer::time_left;
use super::pages::page;
use crate::components::field::Field;
use crate::components::icon::{Icon, icon};
use crate::i18n::{t, tf};
use crate::state::AppState;
use crate::state::nav::{Route, Section};
use crate::state::transfer::{Giving, fault_text};

/// The way here, on the page about recovery.
pub(super) fn card(state: AppState) -> AnyView {
    view! {
        <section class="card">
            <h2>{t("give.title")}</h2>
            <p class="help">{t("give.text")}</p>
            <button
                id="give-account"
                class="button"
                on:click=move |_| state.nav.go(Route::SettingsOf(Section::Give))
            >
                {icon(Icon::Device)}
                {t("give.open")}
            </button>
        </section>
    }
    .into_any()
}

/// The page. Who leaves it has ended what was not done.
pub(super) fn give(state: AppState) -> AnyView {
    let giving = state.transfer.giving;
    let heading = NodeRef::<html::H2>::new();
    on_cleanup(move || state.stop_giving());
    Effect::new(move |before: Option<()>| {
        let types = giving.with(|now| matches!(now, Some(Giving::Digits)));
        if before.is_some()
            && !types
            && let Some(heading) = heading.get_untracked()
        {
            // What was pressed is gone; the field for the digits takes the focus itself.
            let _ = heading.focus();
        }
    });
    let title = move || match giving.get() {
        None => t("give.code_title"),
        Some(Giving::Asked(_)) => t("give.ask_title"),
        Some(Giving::Answering) => t("give.answering"),
        Some(Giving::Digits) => t("give.digits_title"),
        Some(Giving::Given) => t("give.given_title"),
        Some(Giving::Over(_)) => t("give.over_title"),
    };
    let step = move || match giving.get() {
        None => want_code(state),
        Some(Giving::Asked(code)) => ask(state, code),
        Some(Giving::Answering) => view! { <div class="actions">{cancel(state)}</div> }.into_any(),
        Some(Giving::Digits) => want_digits(state),
        Some(Giving::Given) => given(state),
        Some(Giving::Over(why)) => over(state, why),
    };
    let body = view! {
        <section class="card" id="give">
            <h2 tabindex="-1" node_ref=heading>{title}</h2>
            {step}
        </section>
    };
    page(t("give.title"), body.into_any())
}

/// The button that ends it.
fn cancel(state: AppState) -> AnyView {
    view! {
        <button
            type="button"
            id="give-cancel"
            class="button quiet"
            on:click=move |_| state.nav.back(Route::Home)
        >
            {t("action.cancel")}
        </button>
    }
    .into_any()
}

/// Where the code of the other device is scanned, or its link pasted.
fn want_code(state: AppState) -> AnyView {
    let typed = RwSignal::new(String::new());
    let error = RwSignal::new(String::new());
    Effect::new(move |_| {
        typed.track();
        error.set(String::new());
    });
    let found = move |code: Code| {
        if let Code::Transfer(code) = code {
            state.consider_giving(code);
        }
    };
    let submit = move || match Code::read(&typed.get_untracked()) {
        Code::Transfer(code) => state.consider_giving(code),
        // Where nothing was typed too, the help says where the link is found.
        Code::Other => error.set(fault_text(TransferFault::Code)),
        other => error.set(Purpose::Transfer.objection(&other).unwrap_or_default()),
    };
    let have = t("welcome.restore");
    let offer = t("transfer.offer");
    view! {
        <p class="help">{tf("give.code_text", &[("have", &have), ("offer", &offer)])}</p>
        <form
            class="stack"
            on:submit=move |event| {
                event.prevent_default();
                submit();
            }
        >
            <Field
                id="transfer-link"
                label=t("give.link")
                value=typed
                error=error
                placeholder="https://…/#/t/…".to_owned()
                code=true
            />
            <div class="actions">
                <Scan id="scan-transfer" purpose=Purpose::Transfer on_found=found />
                <button id="use-transfer-link" class="button primary">
                    {t("action.continue")}
                </button>
            </div>
        </form>
    }
    .into_any()
}

/// What it means to go on, before anything is done.
fn ask(state: AppState, code: String) -> AnyView {
    view! {
        <p>{t("give.ask_text")}</p>
        <p class="warning">{t("give.ask_warning")}</p>
        <OwnerOnly
            id="give-go"
            action=t("give.go")
            danger=true
            cancel_id="give-cancel"
            on_cancel=move || state.nav.back(Route::Home)
            on_sure=move || state.answer_transfer(code.clone())
        />
    }
    .into_any()
}

/// The digits of the other screen.
fn want_digits(state: AppState) -> AnyView {
    let typed = RwSignal::new(String::new());
    let error = RwSignal::new(String::new());
    let busy = RwSignal::new(false);
    Effect::new(move |_| {
        typed.track();
        error.set(String::new());
    });
    let send = move || {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        spawn_local(async move {
            let result = state.give_account(&typed.get_untracked()).await;
            if let Err(words) = result {
                let _ = error.try_set(words);
            }
            let _ = busy.try_set(false);
        });
    };
    view! {
        <p class="warning">{t("give.digits_warning")}</p>
        <form
            class="stack"
            on:submit=move |event| {
                event.prevent_default();
                send();
            }
        >
            <Field
                id="give-digits"
                label=t("give.digits")
                value=typed
                error=error
                help=t("give.digits_help")
                code=true
                numeric=true
                focus=true
            />
            {time_left(state)}
            <p class="help">{t("give.not_told")}</p>
            <div class="actions">
                {cancel(state)}
                <button
                    id="give-send"
                    class="button danger solid"
                    aria-disabled=move || busy.get().to_string()
                >
                    {move || if busy.get() { t("give.sending") } else { t("give.send") }}
                </button>
            </div>
        </form>
    }
    .into_any()
}

/// It was sent; what follows, and what can't be done any more.
fn given(state: AppState) -> AnyView {
    view! {
        <p id="give-given" class="well">{icon(Icon::Check)} <span>{t("give.given_text")}</span></p>
        <p class="help">{t("give.given_for_good")}</p>
        <div class="actions">
            <button
                id="give-done"
                class="button primary"
                on:click=move |_| state.nav.back(Route::Home)
            >
                {t("give.done")}
            </button>
        </div>
    }
    .into_any()
}

/// Why it was not, and the way to another code.
fn over(state: AppState, why: String) -> AnyView {
    view! {
        <p id="give-over" class="warning" role="alert">{why}</p>
        <div class="actions">
            {cancel(state)}
            <button id="give-again" class="button primary" on:click=move |_| state.stop_giving()>
                {t("give.again")}
            </button>
        </div>
    }
    .into_any()
}
