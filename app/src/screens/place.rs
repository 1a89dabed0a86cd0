//! *My own device or a shared computer?* – the one question that decides where everything is kept.

use leptos::prelude::*;

use super::name::StartHeader;
use crate::components::icon::{Icon, icon};
use crate::i18n::t;
use crate::platform::session::StorageMode;
use crate::state::AppState;
use crate::state::nav::Route;

/// The question, with what each answer means.
#[component]
pub(crate) fn Place(
    /// An existing account is taken up.
    restore: bool,
) -> impl IntoView {
    let state = AppState::get();
    let choose = move |mode| {
        state.mode.set(mode);
        state.nav.go(if restore { Route::Restore } else { Route::Name });
    };
    view! {
        <section class="step">
            <StartHeader />
            <h1>{t("place.title")}</h1>
            <p class="lead">{t("place.lead")}</p>
            <div class="choices">
                <button
                    id="own-device"
                    class="choice"
                    on:click=move |_| choose(StorageMode::OwnDevice)
                >
                    <span class="choice-icon">{icon(Icon::Device)}</span>
                    <span class="choice-text">
                        <strong>{t("place.own")}</strong>
                        <span>{t("place.own_meaning")}</span>
                    </span>
                    {icon(Icon::Chevron)}
                </button>
                <button
                    id="shared-computer"
                    class="choice"
                    on:click=move |_| choose(StorageMode::SharedComputer)
                >
                    <span class="choice-icon">{icon(Icon::Shared)}</span>
                    <span class="choice-text">
                        <strong>{t("place.shared")}</strong>
                        <span>
                            {if restore {
                                t("place.shared_meaning_restore")
                            } else {
                                t("place.shared_meaning")
                            }}
                        </span>
                    </span>
                    {icon(Icon::Chevron)}
                </button>
            </div>
            <p class="help">{t("place.unsure")}</p>
        </section>
    }
}
