//! Takes up an existing account: by its recovery phrase, or from another device.

use holdfast_protocol::account::Seed;
use leptos::prelude::*;

use super::comes_back::ComesBack;
use super::name::StartHeader;
use super::phrase_entry::PhraseEntry;
use super::transfer::offer;
use crate::i18n::t;
use crate::state::AppState;
use crate::state::nav::Route;

/// The restore screen.
#[component]
pub(crate) fn Restore() -> impl IntoView {
    let state = AppState::get();
    let accept = move |seed: Seed| {
        state.keep_seed(Some(seed));
        state.nav.go(Route::Recognise);
    };
    view! {
        <section class="step wide">
            <StartHeader />
            <h1>{t("restore.title")}</h1>
            <p class="lead">{t("restore.lead")}</p>
            {offer(state)}
            <PhraseEntry action=t("action.continue") focus=true on_seed=accept />
            <ComesBack />
        </section>
    }
}
