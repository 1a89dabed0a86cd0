//! The settings that a kiosk has: what matters for as long as a session goes on.

use leptos::prelude::*;

use crate::components::icon::{Icon, icon};
use crate::i18n::t;
use crate::platform::kiosk;
use crate::screens::profile::PaneHeader;
use crate::screens::settings::LanguageChoice;
use crate::state::AppState;
use crate::state::nav::{Route, Section};

/// The screen.
pub(crate) fn settings(state: AppState) -> AnyView {
    let entry = |id: &'static str, picture: Icon, label: String, to: Route| {
        view! {
            <button id=id class="row-link entry" on:click=move |_| state.nav.go(to)>
                {icon(picture)}
                <span class="choice-label">{label}</span>
                {icon(Icon::Chevron)}
            </button>
        }
        .into_any()
    };
    view! {
        <div class="pane">
            <PaneHeader title=t("settings.title") />
            <div class="pane-body">
                <section class="card">
                    <LanguageChoice id="settings-language" />
                </section>
                <section class="card link-card">
                    {entry(
                        "settings-privacy",
                        Icon::Lock,
                        t("privacy.title"),
                        Route::SettingsOf(Section::Privacy),
                    )}
                    {(!kiosk::names_people())
                        .then(|| {
                            view! {
                                {entry(
                                    "settings-requests",
                                    Icon::Requests,
                                    t("requests.title"),
                                    Route::Requests,
                                )}
                                {entry(
                                    "settings-blocked",
                                    Icon::Block,
                                    t("blocked.title"),
                                    Route::Blocked,
                                )}
                            }
                                .into_any()
                        })}
                </section>
            </div>
        </div>
    }
    .into_any()
}
