//! What stands beside a conversation: its settings, how long its messages live, or everything about one message.

mod disappearing;
mod gallery;
mod info;
mod settings;

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::room::Room;
use crate::components::focus::focus;
use crate::components::icon::{Icon, icon, icon_button};
use crate::i18n::t;
use crate::state::nav::Route;

/// The pane beside a conversation, or over it where there is no room.
#[component]
pub(super) fn Side(room: Room) -> impl IntoView {
    let state = room.state;
    let id = room.id;
    let route = Memo::new(move |_| state.nav.current());
    move || match route.get() {
        Route::Details(open) if open == id => Some(pane(room, t("details.title"), settings::settings(room))),
        Route::Disappearing(open) if open == id => {
            Some(pane(room, t("timer.title"), disappearing::disappearing(room)))
        }
        Route::Gallery(open) if open == id => Some(pane(room, t("gallery.title"), gallery::gallery(room))),
        Route::MessageInfo(open, place) if open == id => {
            Some(pane(room, t("info.title"), info::info(room, place.id)))
        }
        _ => None,
    }
}

/// A pane with its heading.
fn pane(room: Room, title: String, body: AnyView) -> AnyView {
    let nav = room.state.nav;
    let heading = NodeRef::<leptos::html::H1>::new();
    // Readers and keys go on where the new content is.
    Effect::new(move |_| {
        if let Some(heading) = heading.get() {
            request_animation_frame(move || focus(&heading));
        }
    });
    let label = title.clone();
    return_focus();
    view! {
        <aside
            class="side"
            aria-label=label
            on:keydown=move |event| {
                if event.key() == "Escape" && !event.default_prevented() {
                    event.prevent_default();
                    nav.back(Route::Conversation(room.id));
                }
            }
        >
            <header class="pane-header">
                {icon_button("close-side", Icon::Back, t("action.back"), move || {
                    nav.back(Route::Conversation(room.id));
                })}
                <h1 node_ref=heading tabindex="-1">{title}</h1>
            </header>
            <div class="side-body">{body}</div>
        </aside>
    }
    .into_any()
}

/// When the pane goes, the focus returns to where it was.
fn return_focus() {
    let before = document()
        .active_element()
        .and_then(|element| element.dyn_into::<HtmlElement>().ok());
    let before = StoredValue::new_local(before);
    on_cleanup(move || {
        if let Some(Some(element)) = before.try_get_value() {
            focus(&element);
        }
    });
}

/// A row that does something, in a card.
fn action(id: &'static str, picture: Icon, label: String, danger: bool, act: impl Fn() + 'static) -> AnyView {
    let act: Box<dyn Fn()> = Box::new(act);
    view! {
        <button id=id class="side-action" class:danger=danger on:click=move |_| act()>
            {icon(picture)}
            <span>{label}</span>
        </button>
    }
    .into_any()
}
