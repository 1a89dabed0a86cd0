//! A conversation in a frame of another page: its messages and its foot, under a heading of the frame's own. Nothing leads
//! from it to another screen.

use holdfast_protocol::account::Id;
use leptos::prelude::*;

use super::asks::Asks;
use super::reactions::ReactionPicker;
use super::room::Room;
use super::talk;
use crate::components::menu::MenuHost;
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
    view! {
        <main class="conversation-frame">
            {talk(room, heading)}
            <MenuHost open=room.desk.menu />
            <ReactionPicker room />
            <Asks room />
        </main>
    }
}
