//! Everything about one message.

use holdfast_client::api::{Command, Message, MessageDetails, MessageId, MessageState, Reply};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::action;
use crate::components::icon::Icon;
use crate::i18n::{full_time, t};
use crate::screens::conversation::asks::Ask;
use crate::screens::conversation::bubble::{author, failure_text, parts, picture};
use crate::screens::conversation::desk::may_unsend;
use crate::screens::conversation::gestures::{can_reply, to_composer};
use crate::screens::conversation::room::Room;
use crate::screens::conversation::stopwatch;
use crate::state::identity::short_id;
use crate::state::nav::Route;

/// The page. It follows the message as long as it is loaded.
pub(super) fn info(room: Room, id: MessageId) -> AnyView {
    let state = room.state;
    let details = RwSignal::new(None::<MessageDetails>);
    let missing = RwSignal::new(false);
    let row = room.row(id);
    Effect::new(move |_| {
        if let Some(row) = &row {
            row.track();
        }
        spawn_local(async move {
            match state.request(Command::MessageDetails(id)).await {
                Ok(Reply::Details(found)) => {
                    let _ = details.try_set(Some(*found));
                }
                _ => {
                    let _ = missing.try_set(true);
                }
            }
        });
    });
    view! {
        {move || {
            let gone = missing.get() && details.with(Option::is_none);
            gone.then(|| view! { <p class="help" role="alert">{t("error.not_found")}</p> })
        }}
        {move || details.get().map(|found| page(room, &found))}
    }
    .into_any()
}

fn page(room: Room, found: &MessageDetails) -> AnyView {
    let message = &found.message;
    let name = author(room, message.outgoing);
    let fact = |label: String, value: String| {
        view! {
            <div>
                <dt>{label}</dt>
                <dd>{value}</dd>
            </div>
        }
        .into_any()
    };
    let state = match message.state {
        MessageState::Received => None,
        MessageState::Queued => Some(t("state.queued")),
        MessageState::Sending => Some(t("state.sending")),
        MessageState::Sent => Some(t("state.sent")),
        MessageState::Read => Some(t("state.read")),
        MessageState::Failed(why) => Some(failure_text(why)),
    };
    let synced = found.synced.map(|yes| {
        if yes {
            t("info.synced_yes")
        } else {
            t("info.synced_no")
        }
    });
    view! {
        <section class="card">
            <p class="info-text" dir="auto">{parts(&message.body, "")}</p>
        </section>
        <section class="card">
            <dl class="facts">
                {fact(t("info.sent"), full_time(message.sent_at))}
                {found.received_at.map(|at| fact(t("info.received"), full_time(at)))}
                {state.map(|words| fact(t("info.state"), words))}
                {synced.map(|words| fact(t("info.synced"), words))}
                {message.expiry.map(|expiry| fact(t("timer.title"), stopwatch::words(expiry)))}
            </dl>
        </section>
        <section class="card">
            <h2>{t("info.from")}</h2>
            <div class="reactor">
                {picture(room, &message.author)}
                <span class="side-text">
                    <span dir="auto">{name.clone()}</span>
                    <span class="help" dir="ltr">{short_id(&message.author)}</span>
                </span>
            </div>
        </section>
        {actions(room, message)}
    }
    .into_any()
}

fn actions(room: Room, message: &Message) -> AnyView {
    let state = room.state;
    let id = message.id;
    let leave = move || state.nav.back(Route::Conversation(room.id));
    let retry = matches!(message.state, MessageState::Failed(_)).then(|| {
        action(
            "info-retry",
            Icon::Retry,
            t("action.try_again"),
            false,
            move || {
                state.command(Command::Retry(id));
            },
        )
    });
    let reply = can_reply(room, message).then(|| {
        let message = message.clone();
        action("info-reply", Icon::Reply, t("message.reply"), false, move || {
            room.desk.reply.set(Some(message.clone()));
            leave();
            set_timeout(to_composer, std::time::Duration::ZERO);
        })
    });
    let body = message.body.clone();
    let copy = action("info-copy", Icon::Copy, t("message.copy"), false, move || {
        state.copy(body.clone(), t("toast.text_copied"));
    });
    let author = message.author;
    let copy_id = action("info-copy-id", Icon::Person, t("id.copy"), false, move || {
        state.copy(author.to_hex(), t("toast.id_copied"));
    });
    let one = vec![(id, may_unsend(message))];
    let delete = action("info-delete", Icon::Trash, t("message.delete"), true, move || {
        room.desk.asks.set(Some(Ask::Delete(one.clone())));
    });
    view! { <section class="card side-actions">{retry} {reply} {copy} {copy_id} {delete}</section> }
        .into_any()
}
