//! One message. It only shows: clicks, keys and touches on any message are heard by the list ([`super::gestures`]).

use holdfast_client::api::{Message, MessageKind, MessageState, Quote, SendFailure};
use holdfast_protocol::account::Id;
use leptos::prelude::*;

use super::attached;
use super::notice::notice;
use super::reactions::pills;
use super::room::Room;
use super::stopwatch::stopwatch;
use crate::components::avatar::{Size, avatar};
use crate::components::icon::{Icon, icon};
use crate::i18n::{clock, full_date, t, tf};
use crate::platform::kiosk;
use crate::screens::contact::given_name;
use crate::screens::files::{has_seen, words};
use crate::screens::list::state_mark;
use crate::screens::search::marked;
use crate::state::text::{Segment, is_large_emoji, segments};
use crate::state::timeline::Row;

/// A message in its run.
pub(super) fn bubble(room: Room, row: ArcRwSignal<Row>) -> AnyView {
    let id = row.with_untracked(|r| r.message.id);
    let (line, class) = (row.clone(), row.clone());
    let selected = room.desk.selected;
    let checked = move || selected.with(|all| all.as_ref().map(|all| all.contains_key(&id)));
    view! {
        {move || line.with(|r| r.unread_line).then(unread_line)}
        <article
            class=move || class.with(class_of)
            id=format!("m{}", id.0)
            tabindex="-1"
            role=move || checked().map(|_| "checkbox")
            aria-checked=move || checked().map(|yes| yes.to_string())
        >
            {inside(room, row)}
        </article>
    }
    .into_any()
}

fn unread_line() -> AnyView {
    view! {
        <p class="unread-line" id="unread-line">
            <span>{t("conversation.unread_line")}</span>
        </p>
    }
    .into_any()
}

fn class_of(row: &Row) -> String {
    let message = &row.message;
    let mut class = String::from("message");
    let text = message.kind == MessageKind::Text;
    for (on, name) in [
        (matches!(message.kind, MessageKind::Notice(_)), " notice"),
        (message.kind == MessageKind::Deleted, " gone"),
        (message.outgoing, " own"),
        (row.first, " first"),
        (row.last, " last"),
        (!message.reactions.is_empty(), " reacted"),
        (
            text && message.quote.is_none()
                && message.files.is_empty()
                && message.link.is_none()
                && is_large_emoji(&message.body),
            " large",
        ),
        (text && !message.files.is_empty(), " attached"),
        (text && has_seen(message), " seen"),
        (
            // Nothing but pictures: the time stands on them.
            text && has_seen(message)
                && message.body.is_empty()
                && message.quote.is_none()
                && message.link.is_none()
                && attached::only_seen(message),
            " bare",
        ),
    ] {
        if on {
            class.push_str(name);
        }
    }
    class
}

/// What is in a message. Files stay as they are while the rest of their message changes: what plays goes on, and no
/// picture is drawn anew.
fn inside(room: Room, row: ArcRwSignal<Row>) -> AnyView {
    let with_files = row.with_untracked(|row| attached::any(&row.message));
    if !with_files {
        return (move || row.with(|row| content(room, row))).into_any();
    }
    let of = row.clone();
    let kept = Memo::new(move |_| of.with(|row| row.message.kind == MessageKind::Text));
    (move || {
        let row = row.clone();
        if kept.get() {
            with_files_content(room, row)
        } else {
            (move || row.with(|row| content(room, row))).into_any()
        }
    })
    .into_any()
}

/// A message with files, in parts that change by themselves.
fn with_files_content(room: Room, row: ArcRwSignal<Row>) -> AnyView {
    let files = attached::files(room, &row);
    let link = attached::link(room, &row);
    let textless = row.with_untracked(|row| row.message.body.is_empty() && row.message.link.is_none());
    let part = |show: fn(Room, &Row) -> AnyView| {
        let row = row.clone();
        move || row.with(|row| show(room, row))
    };
    view! {
        <div class="bubble">
            <span class="unseen">{part(|room, row| who(room, &row.message).into_any())}</span>
            {part(|room, row| row.message.quote.as_ref().map(|quote| quoted(room, quote)).into_any())}
            {files}
            <div class="caption" class:textless=textless>
                {part(|room, row| {
                    (!row.message.body.is_empty()).then(|| text(room, &row.message)).into_any()
                })}
                {link}
                {part(|room, row| foot(room, row).into_any())}
            </div>
        </div>
        {more()}
        {part(|room, row| pills(room, &row.message).into_any())}
        {part(|_, row| failure(row.message.state).into_any())}
    }
    .into_any()
}

/// The text of a message.
fn text(room: Room, message: &Message) -> AnyView {
    let body = message.body.clone();
    // By itself, so that a search marks words without the bubble being made anew.
    let text = move || room.marks.with(|words| parts(&body, words));
    view! { <span class="text" dir="auto">{text}</span> }.into_any()
}

/// The button that opens the message's menu.
fn more() -> AnyView {
    view! {
        <button class="message-more" tabindex="-1" data-act="more" aria-label=t("message.actions") title=t("message.actions")>
            {icon(Icon::More)}
        </button>
    }
    .into_any()
}

fn content(room: Room, row: &Row) -> AnyView {
    let message = &row.message;
    if let MessageKind::Notice(what) = message.kind {
        return view! {
            {notice(room, row, what)}
            {failure(message.state)}
        }
        .into_any();
    }
    let text = if message.kind == MessageKind::Deleted {
        view! { <span class="text">{icon(Icon::Trash)} {t("message.deleted")}</span> }.into_any()
    } else {
        text(room, message)
    };
    view! {
        <div class="bubble">
            <span class="unseen">{who(room, message)}</span>
            {message.quote.as_ref().map(|quote| quoted(room, quote))}
            {text}
            {foot(room, row)}
        </div>
        {more()}
        {pills(room, message)}
        {failure(message.state)}
    }
    .into_any()
}

/// Author and time, for screen readers.
fn who(room: Room, message: &Message) -> String {
    tf(
        "message.heading",
        &[
            ("name", &author(room, message.outgoing)),
            ("time", &clock(message.sent_at)),
        ],
    )
}

/// The author's name, which follows the conversation's.
pub(super) fn author(room: Room, own: bool) -> String {
    if own {
        t("message.you")
    } else {
        room.desk.about.with(|about| about.name.clone())
    }
}

/// An author's picture: the own one, or the other side's.
pub(super) fn picture(room: Room, id: &Id) -> AnyView {
    let state = room.state;
    let (name, picture) = if state.is_own(id) {
        let account = state.account.get();
        account.map_or_else(Default::default, |account| (account.name, account.picture))
    } else {
        let known = room.desk.known.get();
        known.map_or_else(Default::default, |known| {
            (given_name(&known).to_owned(), known.picture)
        })
    };
    avatar(id, &name, picture, Size::Small)
}

/// What the message answers.
fn quoted(room: Room, quote: &Quote) -> AnyView {
    let author = author(room, room.state.is_own(&quote.author));
    let text = match (quote.found, &quote.files) {
        (None, _) => t("quote.missing"),
        (Some(_), _) if !quote.text.is_empty() => quote.text.clone(),
        (Some(_), Some(files)) => words::summary_words(files),
        (Some(_), None) => t("message.deleted"),
    };
    let picture = quote
        .files
        .filter(|_| quote.found.is_some())
        .map(|files| icon(words::kind_icon(files.kind)));
    view! {
        <button class="quote" data-act="quote" class:missing=quote.found.is_none() title=t("quote.go")>
            <span class="unseen">{t("quote.label")}</span>
            <span class="quote-author" dir="auto">{author}</span>
            <span class="quote-text" dir="auto">{picture} {text}</span>
        </button>
    }
    .into_any()
}

/// The time and how far the message got; what disappears shows its stopwatch.
fn foot(room: Room, row: &Row) -> Option<AnyView> {
    let message = &row.message;
    let (at, state) = (message.sent_at, message.state);
    let settled = matches!(
        state,
        MessageState::Sent | MessageState::Read | MessageState::Received
    );
    let expiry = message.expiry.filter(|_| settled);
    let shown = row.last || !settled || expiry.is_some();
    shown.then(|| {
        let mark = match expiry {
            Some(expiry) => view! {
                {(state == MessageState::Read).then(|| state_mark(state))}
                {stopwatch(room.state, room.desk.tick, expiry)}
            }
            .into_any(),
            None => message.outgoing.then(|| state_mark(state)).into_any(),
        };
        view! {
            <span class="foot">
                <time title=full_date(at)>{clock(at)}</time>
                {mark}
            </span>
        }
        .into_any()
    })
}

/// Why it was not sent, and the way to try again.
fn failure(state: MessageState) -> Option<AnyView> {
    let MessageState::Failed(why) = state else {
        return None;
    };
    Some(
        view! {
            <p class="failure">
                <span>{failure_text(why)}</span>
                <button class="link-button" data-act="retry">
                    {icon(Icon::Retry)}
                    {t("action.try_again")}
                </button>
            </p>
        }
        .into_any(),
    )
}

/// The text with its links, and with words marked.
pub(super) fn parts(text: &str, words: &str) -> AnyView {
    segments(text)
        .into_iter()
        .map(|segment| match segment {
            Segment::Plain(text) => marked(&text, words),
            // The address stands there, and leads nowhere.
            Segment::Link { shown, .. } if kiosk::is_on() => marked(&shown, words),
            Segment::Link { shown, href } => view! {
                <a href=href target="_blank" rel="noopener noreferrer">{marked(&shown, words)}</a>
            }
            .into_any(),
        })
        .collect_view()
        .into_any()
}

/// Why a message was given up, in words.
pub(super) fn failure_text(why: SendFailure) -> String {
    match why {
        SendFailure::Network => t("failure.network"),
        SendFailure::Refused => t("failure.refused"),
        SendFailure::Clock => t("failure.clock"),
        SendFailure::TooLarge => t("failure.too_large"),
        SendFailure::FileServer => t("failure.file_server"),
        SendFailure::Cancelled => t("failure.cancelled"),
    }
}
