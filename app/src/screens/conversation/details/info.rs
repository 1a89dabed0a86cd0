//! Everything about one message.

use holdfast_client::api::{Command, FileInfo, Message, MessageDetails, MessageId, MessageState, Reply};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::action;
use crate::components::icon::{Icon, icon};
use crate::i18n::{bytes, full_time, t, tn};
use crate::screens::conversation::asks::Ask;
use crate::screens::conversation::bubble::{author, failure_text, parts, picture};
use crate::screens::conversation::desk::may_unsend;
use crate::screens::conversation::gestures::{can_reply, to_composer};
use crate::screens::conversation::room::Room;
use crate::screens::conversation::stopwatch;
use crate::screens::files::{savable, save, words};
use crate::state::Change;
use crate::state::identity::short_id;
use crate::state::nav::Route;

/// The page. It follows the message, and shows nothing of it when it is gone.
pub(super) fn info(room: Room, id: MessageId) -> AnyView {
    let state = room.state;
    let details = RwSignal::new(None::<MessageDetails>);
    let missing = RwSignal::new(false);
    let show = move |found: Option<MessageDetails>| {
        let _ = missing.try_set(found.is_none());
        let _ = details.try_set(found);
    };
    let ask = move || {
        spawn_local(async move {
            show(match state.request(Command::MessageDetails(id)).await {
                Ok(Reply::Details(found)) => Some(*found),
                _ => None,
            });
        });
    };
    ask();
    state.watch(Some(room.id), move |change| match change {
        Change::Put(message) if message.id == id => ask(),
        Change::Removed(gone) if *gone == id => show(None),
        Change::Put(_) | Change::Removed(_) => {}
        Change::Cleared | Change::Reread => ask(),
    });
    view! {
        {move || {
            missing.get().then(|| view! { <p class="help" role="alert">{t("error.not_found")}</p> })
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
        {(!message.body.is_empty())
            .then(|| {
                view! {
                    <section class="card">
                        <p class="info-text" dir="auto">{parts(&message.body, "")}</p>
                    </section>
                }
            })}
        {message.files.iter().map(|file| file_facts(&file.info)).collect_view()}
        <section class="card">
            <dl class="facts">
                {fact(t("info.sent"), full_time(message.sent_at))}
                {found.received_at.map(|at| fact(t("info.received"), full_time(at)))}
                {state.map(|words| fact(t("info.state"), words))}
                {synced.map(|words| fact(t("info.synced"), words))}
                {message.expiry.map(|expiry| fact(t("timer.title"), stopwatch::words(room.state, expiry)))}
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

/// What is known of a file (`spec/12-client-behaviour.md §5.13`).
fn file_facts(info: &FileInfo) -> AnyView {
    let fact = |label: String, value: String, dir: &'static str| {
        view! {
            <div>
                <dt>{label}</dt>
                <dd dir=dir>{value}</dd>
            </div>
        }
        .into_any()
    };
    view! {
        <section class="card">
            <h2 class="file-heading">
                {icon(words::kind_icon(info.kind))} <span dir="auto">{words::title(info)}</span>
            </h2>
            <dl class="facts">
                {fact(t("info.file_type"), info.content_type.clone(), "ltr")}
                {fact(t("info.file_size"), bytes(info.size), "auto")}
                {words::resolution(info).map(|size| fact(t("info.file_resolution"), size, "auto"))}
                {words::duration(info).map(|time| fact(t("info.file_duration"), time, "auto"))}
            </dl>
        </section>
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
    let files = savable(message);
    let saves = (!files.is_empty()).then(|| {
        let message = message.clone();
        let label = match files.len() {
            1 => t("message.save"),
            count => tn("message.save_all", count as u64),
        };
        action("info-save", Icon::Download, label, false, move || {
            save(state, &message, files.clone());
        })
    });
    let body = message.body.clone();
    let copy = (!body.is_empty()).then(|| {
        action("info-copy", Icon::Copy, t("message.copy"), false, move || {
            state.copy(body.clone(), t("toast.text_copied"));
        })
    });
    let author = message.author;
    let copy_id = action("info-copy-id", Icon::Person, t("id.copy"), false, move || {
        state.copy(author.to_hex(), t("toast.id_copied"));
    });
    let one = vec![(id, may_unsend(message))];
    let delete = action("info-delete", Icon::Trash, t("message.delete"), true, move || {
        room.desk.asks.set(Some(Ask::Delete(one.clone())));
    });
    view! { <section class="card side-actions">{retry} {saves} {reply} {copy} {copy_id} {delete}</section> }
        .into_any()
}
