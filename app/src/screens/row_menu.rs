//! What can be done with a conversation of the list (`spec/12-client-behaviour.md §4.4`).

use holdfast_client::api::{Command, Conversation, Notify, Place, Standing};
use leptos::prelude::*;

use crate::components::icon::Icon;
use crate::components::menu::Item;
use crate::i18n::t;
use crate::platform::kiosk;
use crate::state::nav::Route;
use crate::state::{AppState, Question};

/// The menu of a conversation, in the order that users of other clients know.
pub(crate) fn items(state: AppState, conversation: &Conversation) -> Vec<Item> {
    let c = conversation;
    let id = c.id;
    let request = c.place == Place::Requests;
    let blocked = c.standing == Standing::Blocked;
    let friend = c.standing == Standing::Active;
    let other = !c.note_to_self;
    let mut items = Vec::new();
    let mut add = |icon, label: String, danger, action: Callback<()>| {
        items.push(Item {
            icon,
            label,
            danger,
            action,
        });
    };
    let command = |command: Command| Callback::new(move |()| state.command(command.clone()));
    let ask = |question| Callback::new(move |()| state.question.set(Some(question)));
    let pinned = c.priority > 0;
    // What is pinned already can be taken off, whoever it is with.
    if friend || c.note_to_self || pinned {
        let label = if pinned { t("row.unpin") } else { t("row.pin") };
        add(
            Icon::Pin,
            label,
            false,
            command(Command::SetPinned { id, pinned: !pinned }),
        );
    }
    if request {
        let accept = move |()| {
            state.command(Command::AcceptRequest(id));
            state.nav.switch(Route::Conversation(id));
        };
        add(Icon::Check, t("request.accept"), false, Callback::new(accept));
    }
    if friend {
        let muted = state.is_muted(c);
        let (label, mode) = if muted {
            (t("details.unmute"), Notify::All)
        } else {
            (t("details.mute"), Notify::Nothing)
        };
        let set = Command::SetNotifications {
            id,
            mode,
            muted_until: None,
        };
        add(
            if muted { Icon::Bell } else { Icon::Mute },
            label,
            false,
            command(set),
        );
    }
    if !request && (c.unread > 0 || c.marked_unread) {
        let up_to = c
            .preview
            .as_ref()
            .map_or(c.read_up_to, |p| p.sent_at.max(c.read_up_to));
        let read = Command::MarkRead {
            conversation: id,
            up_to,
        };
        add(Icon::Check, t("row.read"), false, command(read));
    } else if !request && !blocked && c.preview.is_some() {
        add(
            Icon::Unread,
            t("details.mark_unread"),
            false,
            command(Command::MarkUnread(id)),
        );
    }
    if other && !request && c.standing != Standing::Fresh && !kiosk::is_on() {
        let label = if c.nickname.is_some() {
            t("nickname.edit")
        } else {
            t("nickname.add")
        };
        add(Icon::Edit, label, false, ask(Question::Nickname(id)));
    }
    if other {
        let copy = move |()| state.copy(id.to_hex(), t("toast.id_copied"));
        add(Icon::Copy, t("id.copy"), false, Callback::new(copy));
    } else {
        add(
            Icon::Hide,
            t("row.hide_note"),
            false,
            command(Command::HideConversation(id)),
        );
    }
    if request {
        add(
            Icon::Trash,
            t("request.decline"),
            true,
            ask(Question::Decline(id)),
        );
    }
    if blocked {
        add(Icon::Block, t("block.undo"), false, ask(Question::Unblock(id)));
    } else if other {
        add(Icon::Block, t("block.do"), true, ask(Question::Block(id)));
    }
    if !request {
        add(Icon::Clear, t("clear.do"), true, ask(Question::Clear(id)));
        if other {
            add(
                Icon::Trash,
                t("delete_conversation.do"),
                true,
                ask(Question::DeleteConversation(id)),
            );
            add(
                Icon::PersonOff,
                t("delete_contact.do"),
                true,
                ask(Question::DeleteContact(id)),
            );
        }
    }
    items
}
