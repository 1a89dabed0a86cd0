//! The start page of a kiosk: whose it is, who can be written to, and a way in that leaves nothing behind.

use holdfast_protocol::kiosk::{Feature, Kiosk};
use leptos::prelude::*;

use super::people::people;
use crate::components::icon::mark;
use crate::i18n::t;
use crate::platform::kiosk;
use crate::platform::session::StorageMode;
use crate::screens::settings::LanguageChoice;
use crate::state::AppState;
use crate::state::invite::Invite;
use crate::state::nav::Route;

/// The start page.
#[component]
pub(crate) fn Start() -> impl IntoView {
    let state = AppState::get();
    state.mode.set(StorageMode::SharedComputer);
    let rules = kiosk::rules();
    let title = rules
        .and_then(|rules| rules.name.clone())
        .unwrap_or_else(|| t("kiosk.title"));
    let logo = rules.is_some_and(|rules| rules.logo.is_some());
    // Without anybody to write to, a new account is of no use.
    let takes_new = rules.is_some_and(Kiosk::takes_new_accounts);
    let choose = Callback::new(move |invite: Invite| {
        state.invite.set(Some(invite));
        state.nav.go(Route::Name);
    });
    let begin = move |_| {
        state.invite.set(None);
        state.nav.go(Route::Name);
    };
    view! {
        <section class="welcome kiosk-start">
            <div class="welcome-body">
                {if logo {
                    view! { <img class="kiosk-logo" src=kiosk::LOGO alt="" /> }.into_any()
                } else {
                    mark().into_any()
                }}
                <h1 dir="auto">{title}</h1>
                <p class="lead">{t("kiosk.lead")}</p>
                {if !takes_new {
                    ().into_any()
                } else if kiosk::names_people() {
                    view! {
                        <h2>{t("kiosk.people")}</h2>
                        {people(choose)}
                    }
                        .into_any()
                } else {
                    view! {
                        <div class="stack">
                            <button id="create-account" class="button primary large" on:click=begin>
                                {t("kiosk.start")}
                            </button>
                        </div>
                    }
                        .into_any()
                }}
                {takes_new.then(|| view! { <p class="help">{t("kiosk.account_help")}</p> })}
                {(kiosk::allows(Feature::Restore) || kiosk::allows(Feature::Transfer))
                    .then(|| {
                        view! {
                            <button
                                id="have-account"
                                class="button quiet"
                                on:click=move |_| state.nav.go(Route::Place { restore: true })
                            >
                                {t("welcome.restore")}
                            </button>
                        }
                    })}
            </div>
            <footer class="welcome-foot">
                <LanguageChoice id="start-language" />
            </footer>
        </section>
    }
}
