//! How the other account of a conversation is named, and its card.

use holdfast_client::api::Conversation;
use holdfast_protocol::account::Id;
use leptos::prelude::*;

use crate::components::avatar::{Size, avatar};
use crate::components::dialog::Dialog;
use crate::components::icon::{Icon, icon};
use crate::components::qr::qr;
use crate::i18n::t;
use crate::state::AppState;
use crate::state::identity::{id_groups, short_id};

/// A conversation's name: the other's own name, or the shortened id.
pub(crate) fn display_name(conversation: &Conversation) -> String {
    if conversation.note_to_self {
        return t("note.title");
    }
    conversation
        .name
        .clone()
        .filter(|name| !name.trim().is_empty())
        .unwrap_or_else(|| short_id(&conversation.id))
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

/// The card of another account.
#[component]
pub(crate) fn ContactCard(
    /// The conversation with it.
    conversation: Conversation,
    /// Called when the card is to be closed.
    #[prop(into)]
    on_close: Callback<()>,
) -> impl IntoView {
    let id = conversation.id;
    let name = display_name(&conversation);
    view! {
        <Dialog title=name.clone() on_close=on_close>
            <div class="card-body">
                {avatar(&id, conversation.name.as_deref().unwrap_or_default(), Size::Large)}
                <p class="help">{t("contact.explanation")}</p>
                <FullId id />
                {qr(&id.to_hex(), t("id.qr"))}
            </div>
            <div class="actions">
                <button class="button" on:click=move |_| on_close.run(())>
                    {t("action.close")}
                </button>
            </div>
        </Dialog>
    }
}
