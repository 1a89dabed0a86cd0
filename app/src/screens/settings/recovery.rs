//! Recovery: the check of a phrase that was kept, the way to another device, and what comes back.

use holdfast_protocol::account::Seed;
use leptos::prelude::*;

use super::super::comes_back::comes_back;
use super::super::phrase_entry::PhraseEntry;
use super::give::card;
use super::pages::page;
use crate::components::icon::{Icon, icon};
use crate::i18n::{date, t, tf};
use crate::state::nav::Route;
use crate::state::{AppState, reminder};

/// What a check showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Checked {
    Right,
    Wrong,
}

/// What the settings say of it: when it was last checked.
pub(super) fn present(state: AppState) -> String {
    match state.preferences.phrase_checked.get() {
        0 => String::new(),
        when => tf("check.on", &[("date", &date(when))]),
    }
}

/// The page.
pub(super) fn recovery(state: AppState) -> AnyView {
    let checked = RwSignal::new(None::<Checked>);
    let asks = Memo::new(move |_| checked.get() != Some(Checked::Right));
    let check = Callback::new(move |seed: Seed| {
        let own = state.account.get_untracked().map(|account| account.id);
        let right = own.is_some_and(|own| seed.opens(&own));
        if right {
            reminder::phrase_checked(state);
        }
        checked.set(Some(if right { Checked::Right } else { Checked::Wrong }));
    });
    let body = view! {
        <section class="card">
            <h2>{t("check.title")}</h2>
            <p class="help">{t("check.text")}</p>
            <p id="check-date" class="help">
                {move || {
                    let words = present(state);
                    if words.is_empty() { t("check.never") } else { words }
                }}
            </p>
            <div id="check-result" role="status">{move || checked.get().map(|found| result(state, found))}</div>
            {move || {
                asks.get()
                    .then(|| view! { <PhraseEntry action=t("check.action") on_seed=check /> }.into_any())
            }}
        </section>
        {card(state)}
        <section class="card comes-back">
            <h2>{t("comes_back.title")}</h2>
            {comes_back()}
        </section>
    };
    page(t("recovery.title"), body.into_any())
}

fn result(state: AppState, found: Checked) -> AnyView {
    match found {
        Checked::Right => view! {
            <p class="well">{icon(Icon::Check)} <span>{t("check.right")}</span></p>
        }
        .into_any(),
        Checked::Wrong => view! {
            <div class="warning">
                <p>{t("check.wrong")}</p>
                <button
                    type="button"
                    id="check-show"
                    class="button"
                    on:click=move |_| state.nav.go(Route::Profile)
                >
                    {icon(Icon::Key)}
                    {t("check.show")}
                </button>
            </div>
        }
        .into_any(),
    }
}
