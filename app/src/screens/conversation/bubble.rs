//! One message. It only shows: clicks, keys and touches on any message are heard by the list ([`super::gestures`]).

use holdfast_client::api::{Message, MessageKind, MessageState, Quote, SendFailure};
use holdfast_protocol::account::Id;
use leptos::prelude::*;

use super::notice::notice;
use super::reactions::pills;
use super::room::Room;
use super::stopwatch::stopwatch;
use crate::components::avatar::{Size, avatar};
use crate::components::icon::{Icon, icon};
use crate::i18n::{clock, full_date, t, tf};
use crate::screens::contact::given_name;
use crate::screens::list::state_mark;
use crate::screens::search::marked;
use crate::state::text::{Segment, is_large_emoji, segments};
use crate::state::timeline::Row;

/// A message in its run.
pub(super) fn bubble(room: Room, row: ArcRwSignal<Row>) -> AnyView {
    let id = row.with_untracked(|r| r.message.id);
    let (line, class, inside) = (row.clone(), row.clone(), row);
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
            {move || inside.with(|row| content(room, row))}
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
            text && message.quote.is_none() && is_large_emoji(&message.body),
            " large",
        ),
    ] {
        if on {
            class.push_str(name);
        }
    }
    class
}

fn content(room: Room, row: &Row) -> AnyView {
    let message = &row.message;
    if let MessageKind::Notice(what) = message.kind {
        return notice(room, row, what);
    }
    let text = if message.kind == MessageKind::Deleted {
        view! { <span class="text">{icon(Icon::Trash)} {t("message.deleted")}</span> }.into_any()
    } else {
        let body = message.body.clone();
        // By itself, so that a search marks words without the bubble being made anew.
        let text = move || room.marks.with(|words| parts(&body, words));
        view! { <span class="text" dir="auto">{text}</span> }.into_any()
    };
    view! {
        <div class="bubble">
            <span class="unseen">{who(room, message)}</span>
            {message.quote.as_ref().map(|quote| quoted(room, quote))}
            {text}
            {foot(room, row)}
        </div>
        <button class="message-more" tabindex="-1" data-act="more" aria-label=t("message.actions") title=t("message.actions")>
            {icon(Icon::More)}
        </button>
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
    let name = if state.is_own(id) {
        state.account.get().map(|account| account.name)
    } else {
        room.desk.known.get().map(|known| given_name(&known).to_owned())
    };
    avatar(id, &name.unwrap_or_default(), Size::Small).into_any()
}

/// What the message answers.
fn quoted(room: Room, quote: &Quote) -> AnyView {
    let author = author(room, room.state.is_own(&quote.author));
    let text = match quote.found {
        None => t("quote.missing"),
        Some(_) if quote.text.is_empty() => t("message.deleted"),
        Some(_) => quote.text.clone(),
    };
    view! {
        <button class="quote" data-act="quote" class:missing=quote.found.is_none() title=t("quote.go")>
            <span class="unseen">{t("quote.label")}</span>
            <span class="quote-author" dir="auto">{author}</span>
            <span class="quote-text" dir="auto">{text}</span>
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
                {stopwatch(room.desk.tick, expiry)}
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
    }
}
