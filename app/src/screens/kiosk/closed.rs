//! A kiosk whose rules can't be had: nothing is allowed.

use leptos::prelude::*;

use crate::components::icon::{Icon, icon};
use crate::i18n::t;
use crate::platform::reload;

/// The screen.
#[component]
pub(crate) fn Closed() -> impl IntoView {
    view! {
        <section id="kiosk-closed" class="step problem" role="alert">
            <span class="problem-icon">{icon(Icon::Lock)}</span>
            <h1>{t("kiosk.closed_title")}</h1>
            <p class="lead">{t("kiosk.closed_text")}</p>
            <div class="stack">
                <button class="button primary large" on:click=move |_| reload()>
                    {t("action.try_again")}
                </button>
            </div>
        </section>
    }
}
