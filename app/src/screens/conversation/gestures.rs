//! What a click, key or finger on a message does. The list hears them for all of its messages.

use holdfast_client::api::{
    Attachment, Command, FileId, FileKind, Message, MessageId, MessageKind, MessageState, Notice, Position,
    Standing,
};
use leptos::ev::{Event, KeyboardEvent, MouseEvent, PointerEvent};
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use super::asks::Ask;
use super::desk::may_unsend;
use super::reactions::{bar, react};
use super::room::Room;
use crate::components::focus::{focus, touch};
use crate::components::icon::Icon;
use crate::components::menu::{Item, Open, below};
use crate::i18n::{t, tn};
use crate::platform::{frame, picture};
use crate::screens::files::{act, do_act, savable, save};
use crate::screens::viewer::Look;
use crate::state::files::Wanted;
use crate::state::nav::Route;

fn target(event: &Event) -> Option<Element> {
    event.target()?.dyn_into().ok()
}

fn closest(element: &Element, selector: &str) -> Option<Element> {
    element.closest(selector).ok().flatten()
}

/// The message that an element belongs to.
fn message_at(room: Room, element: &Element) -> Option<(Element, Message)> {
    let article = closest(element, ".message")?;
    let id = article.id().strip_prefix('m')?.parse().ok()?;
    Some((article, room.message(MessageId(id))?))
}

/// A click somewhere on the list.
pub(super) fn on_click(room: Room, event: &MouseEvent) {
    let Some(element) = target(event) else {
        return;
    };
    let Some((article, message)) = message_at(room, &element) else {
        return;
    };
    if room.desk.selecting() {
        event.prevent_default();
        room.desk.toggle(&message);
        return;
    }
    if let Some(link) = closest(&element, ".text a, a.link-preview") {
        event.prevent_default();
        room.state.leaving_to.set(link.get_attribute("href"));
        return;
    }
    let Some(button) = closest(&element, "[data-act]") else {
        return;
    };
    match button.get_attribute("data-act").unwrap_or_default().as_str() {
        "more" => open_menu(room, message, None, below(&button)),
        act::LOOK => {
            if let Some(file) = file_at(&button) {
                look(room, message, file);
            }
        }
        "react" if may_react(room, &message) => {
            react(
                room,
                &message,
                button.get_attribute("data-emoji").unwrap_or_default(),
            );
        }
        "unfold" => room.desk.unfolded.update(|ids| {
            if !ids.remove(&message.id) {
                ids.insert(message.id);
            }
        }),
        "quote" => go_to_original(room, &message),
        "retry" => room.state.command(Command::Retry(message.id)),
        "follow" => {
            if let MessageKind::Notice(Notice::Disappearing(mode)) = message.kind {
                room.desk.asks.set(Some(Ask::Follow(mode)));
            }
        }
        what => {
            if let Some(file) = file_at(&button).or(message.files.first().map(|file| file.file)) {
                do_act(room.state, &message, file, what);
            }
        }
    }
    // A press that was not by keyboard leaves the focus on the message rather than on a button that may go.
    if event.detail() > 0
        && let Ok(article) = article.dyn_into::<HtmlElement>()
        && button.class_name() == "message-more"
    {
        focus(&article);
    }
}

/// The file that an element belongs to.
fn file_at(element: &Element) -> Option<FileId> {
    let number = closest(element, "[data-file]")?.get_attribute("data-file")?;
    number.parse().ok().map(FileId)
}

/// Opens a picture or film of a message in the viewer.
fn look(room: Room, message: Message, file: FileId) {
    room.state.look.set(Some(Look::File {
        message: Box::new(message),
        file,
    }));
}

/// The browser asks for a context menu, by mouse, by finger or by key.
pub(super) fn on_context(room: Room, event: &MouseEvent) {
    let Some(element) = target(event) else {
        return;
    };
    // A link keeps the browser's own menu, and so does selected text.
    if closest(&element, ".text a, .link-preview").is_some() || has_selection() {
        return;
    }
    room.desk.press.cancel();
    if let Some((article, message)) = message_at(room, &element) {
        event.prevent_default();
        if room.desk.selecting() {
            return;
        }
        let by_key = event.client_x() == 0 && event.client_y() == 0;
        let place = if by_key {
            below(&article)
        } else {
            (event.client_x(), event.client_y())
        };
        open_menu(room, message, file_at(&element), place);
    }
}

/// A key on a message that has the focus.
pub(super) fn on_key(room: Room, event: &KeyboardEvent) {
    let Some(element) = target(event) else {
        return;
    };
    if !element.class_list().contains("message") || event.ctrl_key() || event.alt_key() || event.meta_key() {
        return;
    }
    let Some((article, message)) = message_at(room, &element) else {
        return;
    };
    match (event.key().as_str(), room.desk.selecting()) {
        ("Enter" | " ", true) => room.desk.toggle(&message),
        ("Enter", false) => open_menu(room, message, None, below(&article)),
        _ => return,
    }
    event.prevent_default();
}

/// Escape ends what is going on: the selection, then the answer. Otherwise it leads to the message field.
pub(super) fn on_escape(room: Room, event: &KeyboardEvent) {
    if event.key() != "Escape" || event.default_prevented() {
        return;
    }
    let desk = room.desk;
    if desk.selecting() {
        desk.selected.set(None);
    } else if desk.reply.with_untracked(Option::is_some) {
        desk.reply.set(None);
    } else if target(event).is_none_or(|e| closest(&e, ".messages").is_none()) {
        return;
    }
    event.prevent_default();
    rest();
}

/// Where the focus goes when what it was on is gone: the message field, or the messages where a keyboard would jump up.
pub(super) fn rest() {
    if touch() {
        to_messages();
    } else {
        to_composer();
    }
}

/// Puts the focus on the list of messages.
pub(super) fn to_messages() {
    let list = document().query_selector(".messages").ok().flatten();
    if let Some(list) = list.and_then(|list| list.dyn_into::<HtmlElement>().ok()) {
        focus(&list);
    }
}

/// Puts the focus on the message field.
pub(super) fn to_composer() {
    let field = document().get_element_by_id("message-text");
    if let Some(field) = field.and_then(|f| f.dyn_into::<HtmlElement>().ok()) {
        focus(&field);
    }
}

/// A finger comes down.
pub(super) fn on_press(room: Room, event: &PointerEvent) {
    let press = room.desk.press;
    press.end();
    let Some(element) = target(event).filter(|_| !room.desk.selecting()) else {
        return;
    };
    if let Some((_, message)) = message_at(room, &element) {
        let file = file_at(&element);
        press.start(event, move |x, y| open_menu(room, message, file, (x, y)));
    }
}

/// Goes to the message that another one answers.
fn go_to_original(room: Room, message: &Message) {
    let found = message.quote.as_ref().and_then(|quote| {
        Some(Position {
            sent_at: quote.sent_at,
            id: quote.found?,
        })
    });
    match found {
        Some(place) => room.show(place),
        None => room.state.show_toast(t("quote.missing")),
    }
}

/// Whether a message can be reacted to (`spec/02-messages-v1.md §10`).
fn may_react(room: Room, message: &Message) -> bool {
    let standing = room.desk.about.with_untracked(|about| about.standing);
    message.kind == MessageKind::Text
        && is_out(message)
        && matches!(
            standing,
            Standing::Own | Standing::Active | Standing::OutgoingRequest
        )
}

/// Whether a message can be answered.
pub(super) fn can_reply(room: Room, message: &Message) -> bool {
    let standing = room.desk.about.with_untracked(|about| about.standing);
    message.kind == MessageKind::Text && is_out(message) && standing != Standing::Blocked
}

/// Whether the network has the message: others can be referred to it only then.
fn is_out(message: &Message) -> bool {
    matches!(
        message.state,
        MessageState::Received | MessageState::Sent | MessageState::Read
    )
}

/// Opens a message's menu, over one of its files or as a whole.
fn open_menu(room: Room, message: Message, file: Option<FileId>, place: (i32, i32)) {
    let head = may_react(room, &message).then(|| {
        let message = message.clone();
        ViewFn::from(move || bar(room, message.clone(), place))
    });
    room.desk.menu.set(Some(Open {
        head,
        ..Open::at(place, items(room, message, file))
    }));
}

/// What can be done with a message, in the order of `spec/12-client-behaviour.md §5.5`.
fn items(room: Room, message: Message, file: Option<FileId>) -> Vec<Item> {
    let (state, desk) = (room.state, room.desk);
    let id = message.id;
    let text = message.kind == MessageKind::Text;
    // There is one screen in a frame, without room for a pane or a second heading.
    let framed = frame::is_framed();
    let mut items = Vec::new();
    if matches!(message.state, MessageState::Failed(_)) {
        items.push(Item::new(Icon::Retry, t("action.try_again"), move || {
            state.command(Command::Retry(id));
        }));
    }
    items.extend(of_files(room, &message, file));
    if can_reply(room, &message) {
        let message = message.clone();
        items.push(Item::new(Icon::Reply, t("message.reply"), move || {
            desk.reply.set(Some(message.clone()));
            to_composer();
        }));
    }
    if text {
        let body = message.body.clone();
        if !body.is_empty() {
            items.push(Item::new(Icon::Copy, t("message.copy"), move || {
                state.copy(body.clone(), t("toast.text_copied"));
            }));
        }
        let place = message.position();
        if !framed {
            items.push(Item::new(Icon::Info, t("message.info"), move || {
                state.nav.go(Route::MessageInfo(room.id, place));
            }));
        }
    }
    if !message.reactions.is_empty() {
        items.push(Item::new(Icon::Emoji, t("reaction.view"), move || {
            desk.asks.set(Some(Ask::Reactions(id)));
        }));
    }
    if !framed {
        let picked = message.clone();
        items.push(Item::new(Icon::Select, t("message.select"), move || {
            desk.toggle(&picked)
        }));
    }
    let one = vec![(id, may_unsend(&message))];
    items.push(
        Item::new(Icon::Trash, t("message.delete"), move || {
            desk.asks.set(Some(Ask::Delete(one.clone())));
        })
        .dangerous(),
    );
    items
}

/// What can be done with the files of a message: with the one that the menu was opened on, or with all.
fn of_files(room: Room, message: &Message, file: Option<FileId>) -> Vec<Item> {
    let state = room.state;
    let mut files = savable(message);
    if let Some(file) = file
        && files.iter().any(|other| other.file == file)
    {
        files.retain(|other| other.file == file);
    }
    let mut items = Vec::new();
    if let [one] = files.as_slice()
        && one.info.kind == FileKind::Image
        && picture::can_copy()
    {
        let one = one.clone();
        items.push(Item::new(Icon::Copy, t("message.copy_picture"), move || {
            copy_picture(room, one.clone());
        }));
    }
    if !files.is_empty() {
        let label = match files.len() {
            1 => t("message.save"),
            count => tn("message.save_all", count as u64),
        };
        let message = message.clone();
        items.push(Item::new(Icon::Download, label, move || {
            save(state, &message, files.clone());
        }));
    }
    items
}

/// Copies a picture to the clipboard and says so.
fn copy_picture(room: Room, attachment: Attachment) {
    let state = room.state;
    state.note_copied();
    spawn_local(async move {
        let copied = match state.files.blob(state, &Wanted::of(&attachment)).await {
            Some(blob) => picture::copy(blob).await,
            None => false,
        };
        state.show_toast(if copied {
            t("toast.picture_copied")
        } else {
            t("toast.picture_not_copied")
        });
    });
}

/// Whether some text is selected on the page.
fn has_selection() -> bool {
    window()
        .get_selection()
        .ok()
        .flatten()
        .is_some_and(|selection| !selection.is_collapsed())
}
