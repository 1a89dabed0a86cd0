//! How the other account of a conversation is named, and its id in full.

use holdfast_client::api::Conversation;
use holdfast_protocol::account::Id;
use leptos::prelude::*;

use crate::components::icon::{Icon, icon};
use crate::i18n::t;
use crate::platform::kiosk;
use crate::state::AppState;
use crate::state::identity::{id_groups, short_id};

/// The name that stands for somebody: at a kiosk the operator's for them, else the user's own, else the one they gave; empty
/// when there is none.
pub(crate) fn given_name(conversation: &Conversation) -> &str {
    if let Some(name) = kiosk::contact_name(&conversation.id) {
        return name;
    }
    [&conversation.nickname, &conversation.name]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .find(|name| !name.trim().is_empty())
        .unwrap_or_default()
}

/// A conversation's name: the nickname, the other's own name, or the shortened id.
pub(crate) fn display_name(conversation: &Conversation) -> String {
    if conversation.note_to_self {
        return t("note.title");
    }
    match given_name(conversation) {
        "" => short_id(&conversation.id),
        name => name.to_owned(),
    }
}

/// An Account ID in full, in groups that can be compared, with a button that copies it.
#[component]
pub(crate) fn FullId(
    /// The id.
    id: Id,
) -> impl IntoView {
    let state = AppState::get();
    view! {
        <div class="full-id">
            <p class="id-groups" dir="ltr" data-id=id.to_hex() aria-label=id.to_hex()>
                {id_groups(&id)
                    .into_iter()
                    .map(|group| view! { <span>{group}</span> })
                    .collect_view()}
            </p>
            <button
                class="button"
                on:click=move |_| state.copy(id.to_hex(), t("toast.id_copied"))
            >
                {icon(Icon::Copy)}
                {t("id.copy")}
            </button>
        </div>
    }
}
