//! The people that an operator names, to choose from.

use holdfast_protocol::kiosk::Contact;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::components::avatar::{Size, avatar};
use crate::components::icon::{Icon, icon};
use crate::i18n::t;
use crate::platform::kiosk;
use crate::screens::profile::PaneHeader;
use crate::state::invite::Invite;
use crate::state::{AppState, error_text};

/// A button for each.
pub(crate) fn people(choose: Callback<Invite>) -> AnyView {
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
pub(crate) fn open(state: AppState) -> Callback<Invite> {
    Callback::new(move |invite: Invite| {
        spawn_local(async move {
            if let Err(why) = state.open_conversation(invite.id).await {
                state.show_toast(error_text(&why));
            }
        });
    })
}

/// The screen that a new conversation begins on, where people are named.
#[component]
pub(crate) fn PeoplePane() -> impl IntoView {
    let state = AppState::get();
    view! {
        <div class="pane">
            <PaneHeader title=t("kiosk.people") />
            <div class="pane-body">{people(open(state))}</div>
        </div>
    }
}
