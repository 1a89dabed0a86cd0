//! Shows whose account a phrase opens, before anything is done: many wrong phrases read as right ones.

use leptos::prelude::*;

use super::name::{StartHeader, enter};
use crate::components::avatar::{Size, avatar};
use crate::i18n::t;
use crate::state::AppState;
use crate::state::identity::short_id;
use crate::state::nav::Route;

/// The account that was recognised.
#[component]
pub(crate) fn Recognise() -> impl IntoView {
    let state = AppState::get();
    let Some(seed) = state.kept_seed() else {
        // Came here by the browser's forward button after the seed was given up.
        return view! { <super::welcome::Welcome /> }.into_any();
    };
    let id = seed.id();
    let name = RwSignal::new(String::new());
    let error = RwSignal::new(String::new());
    let busy = RwSignal::new(false);
    view! {
        <section class="step">
            <StartHeader />
            <h1>{t("recognise.title")}</h1>
            <div class="recognised">
                {avatar(&id, "", None, Size::Large)}
                <p class="short-id" dir="ltr">{short_id(&id)}</p>
                <p class="help">{t("recognise.compare")}</p>
            </div>
            <form
                class="stack"
                on:submit=move |event| {
                    event.prevent_default();
                    enter(state, name, busy, error, true);
                }
            >
                <p class="error" role="alert">{error}</p>
                <button
                    id="restore-continue"
                    class="button primary large"
                    aria-disabled=move || busy.get().to_string()
                >
                    {move || if busy.get() { t("recognise.working") } else { t("recognise.confirm") }}
                </button>
                <button
                    type="button"
                    class="button quiet large"
                    on:click=move |_| state.nav.back(Route::Restore)
                >
                    {t("recognise.wrong")}
                </button>
            </form>
        </section>
    }
    .into_any()
}
