//! What is asked before it is done, whichever screen asks: [`AppState::question`] holds the question, and this answers it.

use holdfast_client::api::{Command, Standing};
use holdfast_protocol::account::Id;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::contact::display_name;
use crate::components::dialog::{Confirm, Dialog};
use crate::components::field::Field;
use crate::engine::LinkError;
use crate::i18n::t;
use crate::state::identity::short_id;
use crate::state::nav::Route;
use crate::state::{AppState, Question, failure_text};

/// The open question.
#[component]
pub(crate) fn Questions() -> impl IntoView {
    let state = AppState::get();
    move || {
        state.question.get().map(|question| match question {
            Question::Nickname(id) => view! { <Nickname id /> }.into_any(),
            question => confirm(state, question),
        })
    }
}

/// A question with two answers.
fn confirm(state: AppState, question: Question) -> AnyView {
    let filled = |text: String, id: Id| {
        let name = state
            .conversations
            .get_untracked(id)
            .map_or_else(|| short_id(&id), |c| display_name(&c));
        text.replace("{name}", &name)
    };
    // What it asks, what happens then, what the button says and does, and which conversation leaves the screen with it.
    let (title, text, action, command, leaves) = match question {
        Question::Block(id) => (
            filled(t("block.title"), id),
            t("block.text"),
            t("block.do"),
            Command::SetBlocked { id, blocked: true },
            // A conversation stays open, with the way to take it back at its foot.
            state
                .conversations
                .get_untracked(id)
                .filter(|c| c.standing == Standing::IncomingRequest)
                .map(|_| id),
        ),
        Question::Unblock(id) => (
            filled(t("unblock.title"), id),
            t("unblock.text"),
            t("block.undo"),
            Command::SetBlocked { id, blocked: false },
            None,
        ),
        Question::Decline(id) => (
            t("request.decline_title"),
            filled(t("request.decline_text"), id),
            t("request.decline"),
            Command::DeclineRequest(id),
            Some(id),
        ),
        Question::DeclineAll => (
            t("decline_all.title"),
            t("decline_all.text"),
            t("decline_all.do"),
            Command::DeclineAllRequests,
            None,
        ),
        Question::Clear(id) => (
            t("clear.title"),
            t("clear.text"),
            t("clear.do"),
            Command::ClearMessages(id),
            None,
        ),
        Question::DeleteConversation(id) => (
            t("delete_conversation.title"),
            filled(t("delete_conversation.text"), id),
            t("delete_conversation.do"),
            Command::DeleteConversation(id),
            Some(id),
        ),
        Question::DeleteContact(id) | Question::Nickname(id) => (
            filled(t("delete_contact.title"), id),
            t("delete_contact.text"),
            t("delete_contact.do"),
            Command::DeleteContact(id),
            Some(id),
        ),
    };
    let danger = !matches!(question, Question::Unblock(_));
    let go = Callback::new(move |()| {
        let command = command.clone();
        spawn_local(async move {
            match state.request(command).await {
                Ok(_) => {
                    if let Question::DeleteConversation(id) = question {
                        state.drop_draft(id);
                    }
                    let open = state.nav.current_untracked().conversation();
                    if leaves.is_some() && leaves == open {
                        state.nav.reset(Route::Home);
                    }
                }
                Err(LinkError::Failed(failure)) => state.show_toast(failure_text(&failure)),
                Err(LinkError::Lost) => {}
            }
        });
    });
    let close = move || state.question.set(None);
    view! { <Confirm title text action on_confirm=go on_close=close danger /> }.into_any()
}

/// The own name for a contact.
#[component]
fn Nickname(id: Id) -> impl IntoView {
    let state = AppState::get();
    let own = state.conversations.get_untracked(id).and_then(|c| c.nickname);
    let had = own.is_some();
    let typed = RwSignal::new(own.unwrap_or_default());
    let error = RwSignal::new(String::new());
    let close = move || state.question.set(None);
    let save = move |nickname: String| {
        spawn_local(async move {
            match state.request(Command::SetNickname { id, nickname }).await {
                Ok(_) => close(),
                Err(LinkError::Failed(failure)) => {
                    let _ = error.try_set(failure_text(&failure));
                }
                Err(LinkError::Lost) => close(),
            }
        });
    };
    view! {
        <Dialog title=if had { t("nickname.edit") } else { t("nickname.add") } on_close=close>
            <form
                class="stack"
                on:submit=move |event| {
                    event.prevent_default();
                    save(typed.get_untracked());
                }
            >
                <Field
                    id="nickname"
                    label=t("nickname.label")
                    value=typed
                    error=error
                    help=t("nickname.help")
                    focus=true
                />
                <div class="actions">
                    {had
                        .then(|| {
                            view! {
                                <button
                                    id="remove-nickname"
                                    type="button"
                                    class="button danger"
                                    on:click=move |_| save(String::new())
                                >
                                    {t("nickname.remove")}
                                </button>
                            }
                                .into_any()
                        })}
                    <button type="button" class="button quiet" on:click=move |_| close()>
                        {t("action.cancel")}
                    </button>
                    <button id="save-nickname" class="button primary">
                        {t("action.save")}
                    </button>
                </div>
            </form>
        </Dialog>
    }
}
