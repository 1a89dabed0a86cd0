//! The user's own name for a contact.

use holdfast_client::api::Command;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::components::field::Field;
use crate::components::icon::{Icon, icon};
use crate::engine::LinkError;
use crate::i18n::t;
use crate::screens::conversation::room::Room;
use crate::state::failure_text;

/// The nickname and the field that changes it.
pub(super) fn nickname(room: Room) -> AnyView {
    let state = room.state;
    let editing = RwSignal::new(false);
    let typed = RwSignal::new(String::new());
    let error = RwSignal::new(String::new());
    let present = move || {
        let known = state.conversation_untracked(room.id);
        known.and_then(|c| c.nickname).unwrap_or_default()
    };
    let keep = move |nickname: String| {
        spawn_local(async move {
            let command = Command::SetNickname {
                id: room.id,
                nickname,
            };
            let said = match state.request(command).await {
                Ok(_) => {
                    let _ = editing.try_set(false);
                    String::new()
                }
                Err(LinkError::Failed(failure)) => failure_text(&failure),
                Err(LinkError::Lost) => t("error.engine_lost"),
            };
            let _ = error.try_set(said);
        });
    };
    let begin = move |_| {
        typed.set(present());
        error.set(String::new());
        editing.set(true);
    };
    let form = move || {
        view! {
            <form
                class="stack"
                on:submit=move |event| {
                    event.prevent_default();
                    keep(typed.get_untracked());
                }
                on:keydown=move |event| {
                    if event.key() == "Escape" {
                        event.prevent_default();
                        editing.set(false);
                    }
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
                    {(!present().is_empty())
                        .then(|| {
                            view! {
                                <button
                                    type="button"
                                    id="remove-nickname"
                                    class="button danger"
                                    on:click=move |_| keep(String::new())
                                >
                                    {t("nickname.remove")}
                                </button>
                            }
                        })}
                    <button type="button" class="button quiet" on:click=move |_| editing.set(false)>
                        {t("action.cancel")}
                    </button>
                    <button id="save-nickname" class="button primary">{t("action.save")}</button>
                </div>
            </form>
        }
        .into_any()
    };
    view! {
        {move || {
            if editing.get() {
                form()
            } else {
                view! {
                    <button id="edit-nickname" class="button quiet" on:click=begin>
                        {icon(Icon::Edit)}
                        {if present().is_empty() { t("nickname.add") } else { t("nickname.edit") }}
                    </button>
                }
                    .into_any()
            }
        }}
    }
    .into_any()
}
