//! The settings that a kiosk has: what matters for as long as a session goes on.

use leptos::prelude::*;

use super::caution::spares;
use crate::components::icon::Icon;
use crate::i18n::t;
use crate::platform::kiosk;
use crate::screens::profile::PaneHeader;
use crate::screens::settings::{LanguageChoice, entry, offers_languages};
use crate::state::nav::{Route, Section};

/// The screen.
pub(crate) fn settings() -> AnyView {
    let entry = |id, picture, label, to| entry(id, picture, label, Signal::stored(String::new()), to);
    view! {
        <div class="pane">
            <PaneHeader title=t("settings.title") />
            <div class="pane-body">
                {offers_languages()
                    .then(|| {
                        view! {
                            <section class="card">
                                <LanguageChoice id="settings-language" />
                            </section>
                        }
                    })}
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
                {spares()}
            </div>
        </div>
    }
    .into_any()
}
