//! The questions that a conversation asks before it removes, blocks or changes something.

use holdfast_client::api::{Command, DeleteScope, Disappearing, MAX_SELECTED, MessageId};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::reactions::Reactors;
use super::room::Room;
use crate::components::dialog::{Confirm, Dialog};
use crate::components::qr::qr;
use crate::engine::LinkError;
use crate::i18n::{span, t, tf, tn};
use crate::screens::contact::FullId;
use crate::state::failure_text;
use crate::state::nav::Route;

/// What is asked or shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// Delete these messages? With each, whether it may be deleted for everyone.
    Delete(Vec<(MessageId, bool)>),
    /// Who reacted to this message.
    Reactions(MessageId),
    /// Let own messages disappear as the other's do?
    Follow(Disappearing),
    /// Block the other account?
    Block,
    /// Decline the message request?
    Decline,
    /// Remove all messages from this device?
    Clear,
    /// Remove the conversation, and keep the contact?
    DeleteConversation,
    /// Remove the contact and the conversation?
    DeleteContact,
    /// The QR code of the Account ID.
    Qr,
}

/// Gives a command; once it is carried out, shows the list if the conversation has no place there any more.
pub(super) fn carry_out(room: Room, command: Command, leaves: bool, done: Option<String>) {
    let state = room.state;
    spawn_local(async move {
        match state.request(command).await {
            Ok(_) => {
                if leaves && state.nav.current_untracked().conversation() == Some(room.id) {
                    state.nav.reset(Route::Home);
                }
                if let Some(done) = done {
                    state.show_toast(done);
                }
            }
            Err(LinkError::Failed(failure)) => state.show_toast(failure_text(&failure)),
            // The page says so itself.
            Err(LinkError::Lost) => {}
        }
    });
}

/// The open question.
#[component]
pub(super) fn Asks(room: Room) -> impl IntoView {
    let asks = room.desk.asks;
    move || {
        let close = Callback::new(move |()| asks.set(None));
        asks.get().map(|ask| match ask {
            Ask::Delete(messages) => view! { <DeleteQuestion room messages on_close=close /> }.into_any(),
            Ask::Reactions(id) => view! { <Reactors room id on_close=close /> }.into_any(),
            Ask::Qr => view! {
                <Dialog title=room.desk.about.with_untracked(|a| a.name.clone()) on_close=close>
                    <div class="card-body">
                        {qr(&room.id.to_hex(), t("id.qr"))} <FullId id=room.id />
                    </div>
                    <div class="actions">
                        <button class="button" on:click=move |_| close.run(())>
                            {t("action.close")}
                        </button>
                    </div>
                </Dialog>
            }
            .into_any(),
            other => plain(room, other, close),
        })
    }
}

/// A question with one way on.
fn plain(room: Room, ask: Ask, close: Callback<()>) -> AnyView {
    let id = room.id;
    let name = room.desk.about.with_untracked(|about| about.name.clone());
    let (title, text, action, command, leaves, done) = match ask {
        Ask::Follow(mode) => (
            t("timer.follow_title"),
            match mode {
                Disappearing::Off => t("timer.follow_off"),
                Disappearing::AfterRead(s) => tf("timer.follow_read", &[("time", &span(u64::from(s)))]),
                Disappearing::AfterSend(s) => tf("timer.follow_send", &[("time", &span(u64::from(s)))]),
            },
            t("timer.follow_do"),
            Command::SetDisappearing {
                conversation: id,
                mode,
            },
            false,
            None,
        ),
        Ask::Block => {
            let request = super::standing::is_request(room);
            (
                tf("block.title", &[("name", &name)]),
                t("block.text"),
                t("block.do"),
                Command::SetBlocked { id, blocked: true },
                request,
                Some(tf("block.done", &[("name", &name)])),
            )
        }
        Ask::Decline => (
            t("request.decline_title"),
            tf("request.decline_text", &[("name", &name)]),
            t("request.decline"),
            Command::DeclineRequest(id),
            true,
            None,
        ),
        Ask::Clear => (
            t("clear.title"),
            t("clear.text"),
            t("clear.do"),
            Command::ClearMessages(id),
            false,
            Some(t("clear.done")),
        ),
        Ask::DeleteConversation => (
            t("delete_conversation.title"),
            tf("delete_conversation.text", &[("name", &name)]),
            t("delete_conversation.do"),
            Command::DeleteConversation(id),
            true,
            None,
        ),
        _ => (
            tf("delete_contact.title", &[("name", &name)]),
            t("delete_contact.text"),
            t("delete_contact.do"),
            Command::DeleteContact(id),
            true,
            None,
        ),
    };
    let danger = !matches!(command, Command::SetDisappearing { .. });
    let confirm = Callback::new(move |()| carry_out(room, command.clone(), leaves, done.clone()));
    view! { <Confirm title text action on_confirm=confirm on_close=close danger /> }.into_any()
}

/// For whom messages are deleted (`spec/12-client-behaviour.md §5.14`).
#[component]
fn DeleteQuestion(room: Room, messages: Vec<(MessageId, bool)>, on_close: Callback<()>) -> impl IntoView {
    let own = room.state.is_own(&room.id);
    let everyone = !own && messages.iter().all(|(_, may)| *may);
    let first = match (own, everyone) {
        (true, _) => DeleteScope::OwnDevices,
        (false, true) => DeleteScope::Everyone,
        (false, false) => DeleteScope::ThisDevice,
    };
    let scope = RwSignal::new(first);
    let count = messages.len() as u64;
    let ids: Vec<MessageId> = messages
        .into_iter()
        .map(|(id, _)| id)
        .take(MAX_SELECTED)
        .collect();
    let choice = move |value: DeleteScope, id: &'static str, label: String, enabled: bool| {
        view! {
            <label class="choice-line" class:off=!enabled>
                <input
                    type="radio"
                    name="scope"
                    id=id
                    disabled=!enabled
                    prop:checked=scope.get_untracked() == value
                    on:change=move |_| scope.set(value)
                />
                <span>{label}</span>
            </label>
        }
        .into_any()
    };
    let name = room.desk.about.with_untracked(|about| about.name.clone());
    let confirm = move |_| {
        on_close.run(());
        room.desk.selected.set(None);
        carry_out(
            room,
            Command::DeleteMessages {
                messages: ids.clone(),
                scope: scope.get_untracked(),
            },
            false,
            None,
        );
    };
    view! {
        <Dialog title=tn("delete.title", count) on_close>
            <fieldset class="setting">
                <legend class="unseen">{t("delete.scope")}</legend>
                {choice(DeleteScope::ThisDevice, "delete-here", t("delete.here"), true)}
                {choice(DeleteScope::OwnDevices, "delete-own", t("delete.own"), true)}
                {(!own)
                    .then(|| {
                        choice(
                            DeleteScope::Everyone,
                            "delete-everyone",
                            tf("delete.everyone", &[("name", &name)]),
                            everyone,
                        )
                    })}
            </fieldset>
            {(!own && !everyone).then(|| view! { <p class="help">{t("delete.not_everyone")}</p> })}
            <div class="actions">
                <button class="button quiet" on:click=move |_| on_close.run(())>
                    {t("action.cancel")}
                </button>
                <button id="confirm" class="button danger solid" autofocus on:click=confirm>
                    {t("delete.do")}
                </button>
            </div>
        </Dialog>
    }
}
