//! What is asked before files come here by themselves, and before they are written to a disk that is not the user's.

use holdfast_client::api::{Command, FileId};
use holdfast_protocol::account::Id;
use leptos::prelude::*;

use super::{Saving, fetch, note_asked};
use crate::components::dialog::{Confirm, Dialog};
use crate::i18n::{t, tf, tn};
use crate::screens::contact::display_name;
use crate::state::AppState;
use crate::state::identity::short_id;

/// A question about files.
#[derive(Clone, Debug)]
pub(crate) enum FileAsk {
    /// Shall files of this conversation load by themselves from now on?
    Load {
        /// The conversation.
        conversation: Id,
        /// Those that are wanted now.
        files: Vec<FileId>,
    },
    /// Shall these be written to the disk of a shared computer?
    Save(Saving),
}

/// The open question.
#[component]
pub(crate) fn FileAsks() -> impl IntoView {
    let state = AppState::get();
    move || {
        let close = Callback::new(move |()| state.file_ask.set(None));
        state.file_ask.get().map(|ask| match ask {
            FileAsk::Load { conversation, files } => {
                view! { <LoadQuestion conversation files on_close=close /> }.into_any()
            }
            FileAsk::Save(saving) => {
                let count = saving.files.len() as u64;
                let text = tn("file.save_shared_text", count);
                let confirm = move || saving.clone().go_on(state);
                view! {
                    <Confirm
                        title=t("file.save_shared_title")
                        text
                        action=t("action.save")
                        on_confirm=confirm
                        on_close=close
                    />
                }
                .into_any()
            }
        })
    }
}

/// Whether files of somebody come without a tap for each.
#[component]
fn LoadQuestion(conversation: Id, files: Vec<FileId>, on_close: Callback<()>) -> impl IntoView {
    let state = AppState::get();
    let known = state.conversations.get_untracked(conversation);
    let name = known
        .as_ref()
        .map_or_else(|| short_id(&conversation), display_name);
    let answer = move |always: bool| {
        on_close.run(());
        note_asked(state, conversation);
        if always {
            state.command(Command::SetAutoLoad {
                conversation,
                on: true,
            });
        }
        fetch(state, files.clone());
    };
    let once = answer.clone();
    view! {
        <Dialog title=tf("file.ask_title", &[("name", &name)]) on_close>
            <p>{t("file.ask_text")}</p>
            <div class="actions">
                <button id="load-once" class="button quiet" on:click=move |_| once(false)>
                    {t("file.ask_once")}
                </button>
                <button
                    id="load-always"
                    class="button primary"
                    autofocus
                    on:click=move |_| answer(true)
                >
                    {t("file.ask_always")}
                </button>
            </div>
        </Dialog>
    }
}
