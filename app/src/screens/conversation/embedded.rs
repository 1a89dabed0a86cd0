//! A conversation in a frame of another page: its messages and its foot, under a heading of the frame's own. Nothing leads
//! from it to another screen.

use holdfast_protocol::account::Id;
use leptos::prelude::*;

use super::asks::Asks;
use super::attach::{DropZone, on_paste};
use super::gestures;
use super::messages::Messages;
use super::reactions::ReactionPicker;
use super::room::Room;
use super::standing::Foot;
use crate::components::menu::MenuHost;
use crate::i18n::t;
use crate::state::AppState;

/// The conversation.
#[component]
pub(crate) fn EmbeddedConversation(
    /// The other account.
    id: Id,
    /// What stands above the messages.
    heading: AnyView,
) -> impl IntoView {
    let room = Room::new(AppState::get(), id);
    let drop = DropZone::new(room);
    view! {
        <main class="conversation-frame">
            <section
                class="conversation"
                aria-label=t("conversation.label")
                on:keydown=move |event| gestures::on_escape(room, &event)
                on:dragenter=move |event| drop.enter(&event)
                on:dragover=move |event| drop.enter(&event)
                on:dragleave=move |event| drop.leave(&event)
                on:drop=move |event| drop.take(&event)
                on:paste=move |event| on_paste(room, &event)
            >
                {heading}
                <Messages room />
                <Foot room />
                {drop.target()}
            </section>
            <MenuHost open=room.desk.menu />
            <ReactionPicker room />
            <Asks room />
        </main>
    }
}
