//! The first screen from a contact link: whom it leads to, a name, and on to the chat.

use holdfast_protocol::account::Id;
use leptos::prelude::*;

use super::name::enter;
use crate::components::avatar::{Size, avatar};
use crate::components::choice::{Choice, choices};
use crate::components::field::Field;
use crate::i18n::{t, tf};
use crate::platform::session::StorageMode;
use crate::screens::settings::LanguageChoice;
use crate::state::AppState;
use crate::state::identity::short_id;
use crate::state::invite::{self, Invite};
use crate::state::nav::Route;

/// The values of the choice of a place.
const SHARED: &str = "shared";
const OWN: &str = "own";

/// Who a link leads to, in words: the name that it claims, else the beginning of the Account ID.
pub(crate) fn claimed_name(invite: &Invite) -> String {
    invite.name.clone().unwrap_or_else(|| short_id(&invite.id))
}

/// The screen.
#[component]
pub(crate) fn Invited(
    /// Whom the link leads to.
    invite: Invite,
) -> impl IntoView {
    let state = AppState::get();
    let name = RwSignal::new(String::new());
    let error = RwSignal::new(String::new());
    let busy = RwSignal::new(false);
    // Until somebody says otherwise, nothing stays behind.
    state.mode.set(StorageMode::SharedComputer);
    Effect::new(move |_| {
        name.track();
        error.set(String::new());
    });
    let chosen = Signal::derive(move || {
        match state.mode.get() {
            StorageMode::OwnDevice => OWN,
            StorageMode::SharedComputer => SHARED,
        }
        .to_owned()
    });
    let choose = Callback::new(move |value| {
        state.mode.set(if value == OWN {
            StorageMode::OwnDevice
        } else {
            StorageMode::SharedComputer
        });
    });
    let places = vec![
        Choice {
            value: SHARED,
            label: t("place.shared"),
            help: t("place.shared_meaning"),
        },
        Choice {
            value: OWN,
            label: t("place.own"),
            help: t("place.own_meaning"),
        },
    ];
    let who = claimed_name(&invite);
    view! {
        <section class="step invited">
            {whom(&invite.id, &who, invite.name.is_some())}
            <form
                class="stack"
                on:submit=move |event| {
                    event.prevent_default();
                    enter(state, name, busy, error, false);
                }
            >
                <Field
                    id="display-name"
                    label=t("invite.name")
                    value=name
                    error=error
                    help=t("invite.name_help")
                    focus=true
                />
                {choices("place", t("place.title"), places, chosen, choose)}
                <button id="invite-start" class="button primary large" aria-disabled=move || busy.get().to_string()>
                    {move || if busy.get() { t("name.working") } else { t("invite.start") }}
                </button>
                <button
                    type="button"
                    id="have-account"
                    class="button large"
                    on:click=move |_| {
                        // The way there leaves entries in the browser's history, which name nobody.
                        invite::clear_address();
                        state.nav.go(Route::Place { restore: true });
                    }
                >
                    {t("welcome.restore")}
                </button>
            </form>
            <footer class="welcome-foot">
                <button
                    type="button"
                    id="invite-decline"
                    class="link-button"
                    on:click=move |_| {
                        invite::clear_address();
                        state.invite.set(None);
                    }
                >
                    {t("invite.decline")}
                </button>
                <LanguageChoice id="start-language" />
            </footer>
        </section>
    }
}

/// The other account, and that a link's name proves nothing.
fn whom(id: &Id, who: &str, named: bool) -> AnyView {
    view! {
        <div class="invited-whom">
            {avatar(id, if named { who } else { "" }, None, Size::Large)}
            <h1>{tf("invite.title", &[("name", who)])}</h1>
            <p class="help">
                {if named { t("invite.claim") } else { t("invite.no_claim") }} " "
                <span class="invited-id" dir="ltr" title=id.to_hex()>{short_id(id)}</span>
            </p>
            <p class="lead">{t("invite.lead")}</p>
        </div>
    }
    .into_any()
}
