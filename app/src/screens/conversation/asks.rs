//! The questions that only an open conversation asks. Those that its row asks too are in [`crate::screens::questions`].

use holdfast_client::api::{Command, DeleteScope, Disappearing, MAX_SELECTED, MessageId};
use leptos::prelude::*;

use super::gestures::rest;
use super::reactions::Reactors;
use super::room::Room;
use crate::components::dialog::{Confirm, Dialog};
use crate::components::qr::qr;
use crate::i18n::{span, t, tf, tn};
use crate::screens::contact::FullId;

/// What is asked or shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// Delete these messages? With each, whether it may be deleted for everyone.
    Delete(Vec<(MessageId, bool)>),
    /// Who reacted to this message.
    Reactions(MessageId),
    /// Let own messages disappear as the other's do?
    Follow(Disappearing),
    /// The QR code of the Account ID.
    Qr,
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
            Ask::Follow(mode) => follow(room, mode, close),
        })
    }
}

/// Whether own messages shall disappear as the other's do.
fn follow(room: Room, mode: Disappearing, on_close: Callback<()>) -> AnyView {
    let text = match mode {
        Disappearing::Off => t("timer.follow_off"),
        Disappearing::AfterRead(s) => tf("timer.follow_read", &[("time", &span(u64::from(s)))]),
        Disappearing::AfterSend(s) => tf("timer.follow_send", &[("time", &span(u64::from(s)))]),
    };
    let confirm = move || {
        room.state.command(Command::SetDisappearing {
            conversation: room.id,
            mode,
        });
    };
    view! {
        <Confirm
            title=t("timer.follow_title")
            text
            action=t("timer.follow_do")
            on_confirm=confirm
            on_close
        />
    }
    .into_any()
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
        if room.desk.selecting() {
            room.desk.selected.set(None);
            rest();
        }
        room.state.command(Command::DeleteMessages {
            messages: ids.clone(),
            scope: scope.get_untracked(),
        });
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
