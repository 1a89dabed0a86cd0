//! The display name of a new account; with it the account is made.

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::components::field::Field;
use crate::components::icon::{Icon, icon};
use crate::i18n::t;
use crate::platform::kiosk;
use crate::state::AppState;
use crate::state::nav::Route;

/// The way back on a start screen.
#[component]
pub(crate) fn StartHeader() -> impl IntoView {
    let state = AppState::get();
    view! {
        <header class="start-header">
            <button
                class="icon-button"
                aria-label=t("action.back")
                title=t("action.back")
                on:click=move |_| state.nav.back(Route::Welcome)
            >
                {icon(Icon::Back)}
            </button>
        </header>
    }
}

/// Sends a form with a name and shows what came of it.
pub(crate) fn enter(
    state: AppState,
    name: RwSignal<String>,
    busy: RwSignal<bool>,
    error: RwSignal<String>,
    restore: bool,
) {
    if busy.get_untracked() {
        return;
    }
    if !restore && name.with_untracked(|n| n.trim().is_empty()) {
        error.set(t("name.error_empty"));
        return;
    }
    error.set(String::new());
    busy.set(true);
    spawn_local(async move {
        let result = state.enter(name.get_untracked(), restore).await;
        // The screen may be gone by now: that is the good case.
        let _ = error.try_set(result.err().unwrap_or_default());
        let _ = busy.try_set(false);
    });
}

/// Asks for a name and makes the account.
#[component]
pub(crate) fn Name() -> impl IntoView {
    let state = AppState::get();
    let name = RwSignal::new(String::new());
    let error = RwSignal::new(String::new());
    let busy = RwSignal::new(false);
    Effect::new(move |_| {
        name.track();
        error.set(String::new());
    });
    view! {
        <section class="step">
            <StartHeader />
            <h1>{t("name.title")}</h1>
            <p class="lead">{t("name.lead")}</p>
            {kiosk::is_on().then(|| view! { <p class="help">{t("kiosk.account_help")}</p> })}
            <form
                class="stack"
                on:submit=move |event| {
                    event.prevent_default();
                    enter(state, name, busy, error, false);
                }
            >
                <Field
                    id="display-name"
                    label=t("name.label")
                    value=name
                    error=error
                    help=t("name.help")
                    focus=true
                />
                <button id="name-continue" class="button primary large" aria-disabled=move || busy.get().to_string()>
                    {move || if busy.get() { t("name.working") } else { t("action.continue") }}
                </button>
            </form>
        </section>
    }
}
