//! The app in a frame of another page (`docs/embedding.md`): one chat with the account that the page names. No list, no
//! settings, no phrase, and no account of this device; everything is in memory only and goes with the page.

mod chat;
mod start;

use holdfast_protocol::account::{Id, IdError};
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use crate::components::focus::{focus, touch};
use crate::components::icon::{Icon, icon};
use crate::i18n::t;
use crate::platform::frame::{FromHost, Host, Stranger, ToHost};
use crate::platform::object::field;
use crate::platform::reload;
use crate::state::early;
use crate::state::invite::{self, Invite};
use crate::state::{AppState, Phase};
use chat::Chat;
use start::Start;

/// What the page around says of how it shows the frame: as something that can be closed.
const VIEW: (&str, &str) = ("view", "button");
/// Where the keys go when the frame is opened: the text, or the name before there is a chat.
const FIELDS: [&str; 2] = ["message-text", "display-name"];

/// A chat in a frame: whom it is with, and the page around it.
#[derive(Clone)]
pub(super) struct Place {
    host: Host,
    invite: Invite,
    /// The page around can hide the frame.
    closable: bool,
}

impl Place {
    /// The same chat as a page of its own.
    fn tab(&self) -> String {
        let name = self.invite.name.as_deref().unwrap_or_default();
        format!("./{}", invite::data(&self.invite.id, name))
    }
}

/// What is shown in a frame.
#[component]
pub(crate) fn Embedded() -> impl IntoView {
    let met = RwSignal::new(None::<Result<Host, Stranger>>);
    spawn_local(async move {
        let host = Host::meet().await;
        let _ = met.try_set(Some(host));
    });
    let whom = StoredValue::new(invite::named_in_address());
    move || {
        let host = met.get()?;
        Some(shown(host, whom.get_value()))
    }
}

fn shown(host: Result<Host, Stranger>, whom: Option<Result<Invite, IdError>>) -> AnyView {
    let whom = whom.and_then(Result::ok);
    match (host, whom) {
        (Ok(host), Some(invite)) => {
            let place = Place {
                host,
                invite,
                closable: early::query(VIEW.0).as_deref() == Some(VIEW.1),
            };
            view! { <Inside place /> }.into_any()
        }
        (Ok(_), None) => problem(t("embed.nobody_title"), t("embed.nobody_text"), None),
        (Err(Stranger::NotAllowed), _) => {
            problem(t("embed.refused_title"), t("embed.refused_text"), Some(to_tab()))
        }
        (Err(Stranger::NoList), _) => {
            problem(t("problem.failed_title"), t("embed.no_list"), Some(try_again()))
        }
    }
}

/// The chat, or what comes before it.
#[component]
fn Inside(place: Place) -> impl IntoView {
    let state = AppState::get();
    let id = place.invite.id;
    follow_host(state, &place);
    guard_unsaved(state, id);
    end_with_page(state);
    let shown = StoredValue::new(place);
    move || match state.phase.get() {
        // A lock belongs to an account of this device, which is never opened here.
        Phase::Opening | Phase::Locked | Phase::Ended => ().into_any(),
        Phase::Start => view! { <Start place=shown.get_value() /> }.into_any(),
        Phase::Ready => view! { <Chat place=shown.get_value() /> }.into_any(),
        // The memory that held the chat is gone, whatever the reason.
        Phase::Stopped(_) => problem(t("problem.engine_title"), t("embed.stopped"), Some(try_again())),
    }
}

/// Tells the page around what it may know, and does what it asks for.
fn follow_host(state: AppState, place: &Place) {
    let id = place.invite.id;
    place.host.listen(|message| match message {
        FromHost::Open if !touch() => to_field(),
        FromHost::Open | FromHost::Closed => {}
    });
    let unread = Memo::new(move |_| state.conversation(id).map_or(0, |c| c.unread));
    let host = place.host.clone();
    Effect::new(move |before: Option<u32>| {
        let now = unread.get();
        // Nothing unread is what the page around takes for granted.
        if before.unwrap_or_default() != now {
            host.tell(ToHost::Unread(now));
        }
        now
    });
    if place.closable {
        let host = place.host.clone();
        let keys = window_event_listener(leptos::ev::keydown, move |event| {
            let over = document().query_selector("dialog[open]").ok().flatten();
            if event.key() == "Escape" && !event.default_prevented() && over.is_none() {
                event.prevent_default();
                host.tell(ToHost::Close);
            }
        });
        on_cleanup(move || keys.remove());
    }
    place.host.tell(ToHost::Ready);
}

/// Puts the focus where something is written.
fn to_field() {
    let field = FIELDS
        .iter()
        .find_map(|id| document().get_element_by_id(id))
        .and_then(|field| field.dyn_into::<HtmlElement>().ok());
    if let Some(field) = field {
        focus(&field);
    }
}

/// Has the browser ask before the page goes with something that was not sent.
fn guard_unsaved(state: AppState, id: Id) {
    let guard = window_event_listener_untyped("beforeunload", move |event| {
        let staged = state.conversations.get_untracked(id);
        let written = !state.begun(id).is_empty() || staged.is_some_and(|known| !known.staged.is_empty());
        let waits = state.network.with_untracked(|network| network.outbox) > 0;
        if written || waits {
            event.prevent_default();
        }
    });
    on_cleanup(move || guard.remove());
}

/// Ends the chat when the page goes. The browser may keep the page to come back to: that holds no chat, and begins anew.
fn end_with_page(state: AppState) {
    let left = window_event_listener_untyped("pagehide", move |_| {
        if let Some(link) = state.drop_session() {
            link.kill();
        }
    });
    let back = window_event_listener_untyped("pageshow", |event| {
        if field(&event, "persisted").is_truthy() {
            reload();
        }
    });
    on_cleanup(move || {
        left.remove();
        back.remove();
    });
}

/// A frame that shows no chat: why, and what can be done.
fn problem(title: String, text: String, action: Option<AnyView>) -> AnyView {
    view! {
        <main class="start embedded">
            <section class="step problem" role="alert">
                <span class="problem-icon">{icon(Icon::Alert)}</span>
                <h1>{title}</h1>
                <p class="lead">{text}</p>
                {action}
            </section>
        </main>
    }
    .into_any()
}

fn to_tab() -> AnyView {
    // Whom the page wanted to show stays behind: it may not lead anybody here.
    view! {
        <a class="button primary" href="./" target="_blank" rel="noopener">
            {icon(Icon::External)}
            {t("embed.open_app")}
        </a>
    }
    .into_any()
}

fn try_again() -> AnyView {
    view! {
        <button class="button primary" on:click=move |_| reload()>
            {t("action.try_again")}
        </button>
    }
    .into_any()
}
