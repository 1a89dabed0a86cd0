//! The people who can be written to where an operator says who, to choose from.

use holdfast_protocol::account::Id;
use holdfast_protocol::kiosk::Contact;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::components::avatar::{Size, avatar};
use crate::components::icon::{Icon, icon};
use crate::i18n::t;
use crate::platform::kiosk;
use crate::screens::new_conversation::{contacts, matching};
use crate::screens::profile::PaneHeader;
use crate::state::invite::Invite;
use crate::state::{AppState, error_text};

/// A button for each that the operator names.
pub(super) fn people(choose: Callback<Invite>) -> AnyView {
    let rules = kiosk::rules();
    let all = rules.map(|rules| rules.contacts.as_slice()).unwrap_or_default();
    let one = |contact: &Contact| {
        let (id, name) = (contact.id, contact.name.clone());
        let chosen = Invite {
            id,
            name: Some(name.clone()),
        };
        view! {
            <li>
                <button class="choice" data-contact=id.to_hex() on:click=move |_| choose.run(chosen.clone())>
                    {avatar(&id, &name, None, Size::Medium)}
                    <span class="choice-text">
                        <strong dir="auto">{name.clone()}</strong>
                    </span>
                    {icon(Icon::Chevron)}
                </button>
            </li>
        }
    };
    view! { <ul class="choices kiosk-people">{all.iter().map(one).collect_view()}</ul> }.into_any()
}

/// Opens the conversation with one of them.
fn open(state: AppState, id: Id) {
    spawn_local(async move {
        if let Err(why) = state.open_conversation(id).await {
            state.show_toast(error_text(&why));
        }
    });
}

/// Everybody: those whom the operator names, and the account's own contacts where they can be written to too.
pub(crate) fn everybody(state: AppState) -> AnyView {
    let rules = kiosk::rules();
    let named = rules.is_some_and(|rules| !rules.contacts.is_empty());
    let own = rules.is_some_and(|rules| rules.contacts_only);
    let of_operator = named.then(|| people(Callback::new(move |chosen: Invite| open(state, chosen.id))));
    let of_account = move || {
        let mut found = if own { matching(state, "") } else { Vec::new() };
        found.retain(|contact| kiosk::contact_name(&contact.id).is_none());
        let shown = contacts(found, Callback::new(move |id| open(state, id)));
        // While an account comes back, nobody says nothing yet.
        let nobody = shown.is_none() && !named && state.restore.with(Option::is_none);
        shown.or_else(|| nobody.then(|| view! { <p class="help">{t("kiosk.no_contacts")}</p> }.into_any()))
    };
    view! {
        {of_operator}
        {of_account}
    }
    .into_any()
}

/// The screen that a new conversation begins on, where people are named.
#[component]
pub(crate) fn PeoplePane() -> impl IntoView {
    let state = AppState::get();
    view! {
        <div class="pane">
            <PaneHeader title=t("kiosk.people") />
            <div class="pane-body">{everybody(state)}</div>
        </div>
    }
}
