//! A conversation: its heading, its messages, and its foot; beside it its settings.

mod asks;
mod attach;
mod attached;
mod bubble;
mod composer;
mod desk;
mod details;
mod draft;
mod embedded;
mod find;
mod gestures;
mod header;
mod link;
mod messages;
mod meter;
mod notice;
mod reactions;
mod room;
mod scroll;
mod standing;
mod stopwatch;
mod tray;
mod voice;

use holdfast_protocol::account::Id;
use leptos::prelude::*;

use crate::components::menu::MenuHost;
use crate::i18n::t;
use crate::screens::list::PhraseBanner;
use crate::state::AppState;
use crate::state::nav::Route;
use asks::Asks;
use attach::{DropZone, on_paste};
use details::Side;
pub(crate) use embedded::EmbeddedConversation;
use find::Find;
use header::Heading;
use messages::Messages;
use reactions::ReactionPicker;
use room::Room;
use standing::Foot;

/// The messages and their foot under a heading; what is dropped or pasted there is attached.
fn talk(room: Room, heading: AnyView) -> AnyView {
    let drop = DropZone::new(room);
    view! {
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
    }
    .into_any()
}

/// A conversation with an account, or the note to self.
#[component]
pub(crate) fn ConversationView(
    /// The other account, or the own id.
    id: Id,
) -> impl IntoView {
    let state = AppState::get();
    let room = Room::new(state, id);
    let desk = room.desk;
    let beside = Memo::new(move |_| state.nav.current() != Route::Conversation(id));
    view! {
        <div class="conversation-frame" class:beside=beside>
            {talk(
                room,
                view! {
                    <Heading room />
                    <Find room />
                    // On a narrow page the list, which reminds of the phrase, is not seen from here.
                    <PhraseBanner id="chat-phrase" />
                }
                    .into_any(),
            )}
            <Side room />
            <MenuHost open=desk.menu />
            <ReactionPicker room />
            <Asks room />
        </div>
    }
}
