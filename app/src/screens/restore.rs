//! Takes up an existing account: by its recovery phrase, or from another device.

use holdfast_protocol::account::Seed;
use leptos::prelude::*;

use super::comes_back::ComesBack;
use super::kiosk::dangers;
use super::name::StartHeader;
use super::phrase_entry::PhraseEntry;
use super::transfer::offer;
use crate::i18n::t;
use crate::platform::kiosk;
use crate::platform::session::StorageMode;
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
    // A kiosk has said it on a page of its own.
    let cautions = state.mode.get_untracked() == StorageMode::SharedComputer && !kiosk::is_on();
    let caution = cautions.then(|| {
        view! {
            <div id="caution" class="stack">
                <p>{t("caution.lead")}</p>
                {dangers()}
            </div>
        }
        .into_any()
    });
    view! {
        <section class="step wide">
            <StartHeader />
            <h1>{t("restore.title")}</h1>
            <p class="lead">{t("restore.lead")}</p>
            {caution}
            {offer(state)}
            <PhraseEntry action=t("action.continue") focus=true on_seed=accept />
            <ComesBack />
        </section>
    }
}
