//! The start page: what this is, and the two ways in.

use leptos::prelude::*;

use crate::components::icon::mark;
use crate::i18n::t;
use crate::screens::settings::LanguageChoice;
use crate::state::AppState;
use crate::state::nav::Route;

/// The start page.
#[component]
pub(crate) fn Welcome() -> impl IntoView {
    let state = AppState::get();
    view! {
        <section class="welcome">
            <div class="welcome-body">
                {mark()}
                <h1>{t("welcome.title")}</h1>
                <p class="lead">{t("welcome.lead")}</p>
                <div class="stack">
                    <button
                        id="create-account"
                        class="button primary large"
                        on:click=move |_| state.nav.go(Route::Place { restore: false })
                    >
                        {t("welcome.create")}
                    </button>
                    <button
                        id="have-account"
                        class="button large"
                        on:click=move |_| state.nav.go(Route::Place { restore: true })
                    >
                        {t("welcome.restore")}
                    </button>
                </div>
            </div>
            <footer class="welcome-foot">
                <p>{t("welcome.network")}</p>
                <LanguageChoice id="start-language" />
            </footer>
        </section>
    }
}
