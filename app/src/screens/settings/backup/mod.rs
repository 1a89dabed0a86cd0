//! Backup files: making one, bringing one back, and the line that offers it after the return of an account.

mod bring;
mod make;
mod strength;

use leptos::prelude::*;

use super::pages::page;
use crate::components::icon::{Icon, icon};
use crate::i18n::{number, t, tf};
use crate::platform::session::StorageMode;
use crate::state::AppState;
use crate::state::nav::{Route, Section};
use crate::state::preferences::key;

/// The page.
pub(super) fn backup(state: AppState) -> AnyView {
    let own = state.mode.get_untracked() == StorageMode::OwnDevice;
    let body = view! {
        <p class="help">{t("backup.about")}</p>
        {make::make(state, own)}
        {bring::bring(state)}
    };
    page(t("backup.title"), body.into_any())
}

/// How far something is, as a line and in hundredths; a total of 0 for what can't be measured. The view stays while the
/// amount grows, so that a button beside it keeps the focus.
fn progress(id: &'static str, label: Signal<String>, amount: Signal<(u64, u64)>) -> AnyView {
    let percent = Memo::new(move |_| {
        let (done, total) = amount.get();
        (done.min(total) * 100).checked_div(total)
    });
    let words = move || match percent.get() {
        Some(percent) => tf("backup.percent", &[("percent", &number(percent as f64))]),
        None => String::new(),
    };
    view! {
        <div class="backup-progress">
            <label for=id>{label}</label>
            <progress id=id max="100" value=move || percent.get().map(|percent| percent.to_string())></progress>
            <span aria-hidden="true">{words}</span>
        </div>
    }
    .into_any()
}

/// Above the list after the return of an account: a backup file may have what the network does not.
#[component]
pub(crate) fn OfferBanner() -> impl IntoView {
    let state = AppState::get();
    let wanted =
        Memo::new(move |_| state.preferences.offer_backup.get() && state.restore.with(Option::is_none));
    let on_page = Memo::new(move |_| state.nav.current() == Route::SettingsOf(Section::Backup));
    move || {
        (wanted.get() && !on_page.get()).then(|| {
            view! {
                <section class="banner">
                    <span class="banner-icon">{icon(Icon::Clock)}</span>
                    <div>
                        <h2>{t("backup.offer_title")}</h2>
                        <p>{t("backup.offer_text")}</p>
                        <div class="row-actions">
                            <button
                                id="offer-backup"
                                class="button"
                                on:click=move |_| state.nav.switch(Route::SettingsOf(Section::Backup))
                            >
                                {t("backup.offer_yes")}
                            </button>
                            <button
                                id="offer-backup-no"
                                class="button quiet"
                                on:click=move |_| state.set_preference(key::OFFER_BACKUP, "")
                            >
                                {t("backup.offer_no")}
                            </button>
                        </div>
                    </div>
                </section>
            }
            .into_any()
        })
    }
}
