//! A conversation: its heading, its messages, and the composer.

mod bubble;
mod composer;
mod messages;
mod room;
mod scroll;

use holdfast_protocol::account::Id;
use leptos::prelude::*;

use super::contact::{ContactCard, display_name};
use crate::components::avatar::{Size, avatar, note_avatar};
use crate::components::icon::{Icon, icon};
use crate::components::menu::{MenuHost, Open};
use crate::i18n::t;
use crate::state::AppState;
use crate::state::identity::short_id;
use crate::state::nav::Route;
use composer::Composer;
use messages::Messages;
use room::Room;

/// A conversation with an account, or the note to self.
#[component]
pub(crate) fn ConversationView(
    /// The other account, or the own id.
    id: Id,
) -> impl IntoView {
    let state = AppState::get();
    let room = Room::new(state, id);
    let menu = RwSignal::new(None::<Open>);
    view! {
        <section class="conversation" aria-label=t("conversation.label")>
            <Heading id />
            <Messages room menu />
            <Composer room />
            <MenuHost open=menu />
        </section>
    }
}

/// Who it is with.
#[component]
fn Heading(id: Id) -> impl IntoView {
    let state = AppState::get();
    let card = RwSignal::new(false);
    let conversation = Memo::new(move |_| state.conversation(id));
    let own = state.is_own(&id);
    let title = move || {
        let name = conversation
            .get()
            .map_or_else(|| short_id(&id), |c| display_name(&c));
        let given = conversation.get().and_then(|c| c.name).unwrap_or_default();
        let named = !given.is_empty();
        view! {
            {if own {
                note_avatar(Size::Small).into_any()
            } else {
                avatar(&id, &given, Size::Small).into_any()
            }}
            <span class="heading-text">
                <span class="heading-name" dir="auto">{name}</span>
                {if own {
                    Some(view! { <span class="heading-sub">{t("note.subtitle")}</span> }.into_any())
                } else {
                    named
                        .then(|| {
                            view! {
                                <span class="heading-sub" dir="ltr">{short_id(&id)}</span>
                            }
                                .into_any()
                        })
                }}
            </span>
        }
        .into_any()
    };
    view! {
        <header class="pane-header">
            <button
                class="icon-button only-narrow"
                aria-label=t("action.back")
                on:click=move |_| state.nav.back(Route::Home)
            >
                {icon(Icon::Back)}
            </button>
            <h1 class="heading">
                {if own {
                    view! { <span class="heading-button">{title}</span> }.into_any()
                } else {
                    view! {
                        <button
                            class="heading-button"
                            title=t("contact.open")
                            on:click=move |_| card.set(true)
                        >
                            {title}
                        </button>
                    }
                        .into_any()
                }}
            </h1>
        </header>
        {move || {
            card.get()
                .then(|| conversation.get())
                .flatten()
                .map(|conversation| {
                    view! { <ContactCard conversation on_close=move || card.set(false) /> }
                        .into_any()
                })
        }}
    }
}
