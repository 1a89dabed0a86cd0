//! The app with an open account: the list beside what is chosen, or one of them on a narrow page.

use holdfast_client::api::Place;
use leptos::ev::{self, KeyboardEvent, PointerEvent};
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::conversation::ConversationView;
use super::files::FileAsks;
use super::kiosk::{PeoplePane, permitted};
use super::list::{ListPane, MINUTE, listed};
use super::questions::Questions;
use super::share::ShareQuestion;
use super::viewer::Viewer;
use super::{blocked, network, new_conversation, profile, requests, settings};
use crate::components::clock::every;
use crate::components::focus::set_style;
use crate::components::icon::mark;
use crate::components::keys::with_alt;
use crate::i18n::{is_rtl, t};
use crate::platform::kiosk;
use crate::platform::notifications::badge;
use crate::platform::session::StorageMode;
use crate::state::AppState;
use crate::state::nav::Route;
use crate::state::preferences::{LIST_WIDTH, key};

/// The page's title.
const PRODUCT: &str = "Holdfast";
/// How far an arrow key moves the edge of the list, in pixels.
const RESIZE_STEP: i64 = 16;

/// The list and the main pane. Which of them a narrow page shows is decided by the style sheet.
#[component]
pub(crate) fn Home() -> impl IntoView {
    let state = AppState::get();
    let frame = NodeRef::<html::Div>::new();
    Effect::new(move |_| {
        let width = state.preferences.list_width.get();
        if let Some(frame) = frame.get() {
            set_style(&frame, "--list-width", &format!("{width}px"));
        }
    });
    name_page(state);
    follow_focus(state);
    let keys = window_event_listener(ev::keydown, move |event| shortcut(state, &event));
    on_cleanup(move || keys.remove());
    // What stands beside a conversation comes and goes without the conversation being read anew.
    let shown = Memo::new(move |_| {
        let route = permitted(state, state.nav.current());
        route.conversation().map_or(route, Route::Conversation)
    });
    let pane = move || match shown.get() {
        Route::Conversation(id) => view! { <ConversationView id /> }.into_any(),
        Route::NewConversation if kiosk::names_people() => view! { <PeoplePane /> }.into_any(),
        Route::NewConversation => view! { <new_conversation::NewConversation /> }.into_any(),
        Route::Profile => view! { <profile::Profile /> }.into_any(),
        Route::Settings => view! { <settings::Settings /> }.into_any(),
        Route::SettingsOf(section) => settings::section(section),
        Route::Blocked => view! { <blocked::Blocked /> }.into_any(),
        Route::Requests => requests::nothing(),
        Route::Network => view! { <network::Network /> }.into_any(),
        _ => view! { <Nothing /> }.into_any(),
    };
    view! {
        <div
            class="home"
            node_ref=frame
            data-pane=move || if shown.get().is_list() { "list" } else { "main" }
        >
            <ListPane />
            <Edge frame />
            <main class="main-pane">{pane}</main>
        </div>
        <Questions />
        <Viewer />
        <FileAsks />
        <ShareQuestion />
    }
}

/// Shows the number of unread messages in the page's title, and on the icon of an installed app. On a shared computer they
/// tell nothing, and neither do they once this screen has gone.
fn name_page(state: AppState) {
    let own_device = state.mode.get_untracked() == StorageMode::OwnDevice;
    let unread = Memo::new(move |_| state.conversations.counts().unread);
    let minute = every(MINUTE);
    Effect::new(move |_| {
        // A mute ends by itself.
        minute.track();
        state.conversations.count();
    });
    Effect::new(move |_| {
        let count = if own_device { unread.get() } else { 0 };
        document().set_title(&if kiosk::is_on() {
            t("kiosk.title")
        } else {
            page_title(count)
        });
        badge(count);
    });
    on_cleanup(|| {
        document().set_title(PRODUCT);
        badge(0);
    });
}

/// Withdraws notifications when the user comes back, or when nothing is unread any more.
fn follow_focus(state: AppState) {
    Effect::new(move |_| {
        let counts = state.conversations.counts();
        if counts.unread == 0 && counts.new_requests == 0 {
            state.notifier.withdraw();
        }
    });
}

/// The product's name, with the number of unread messages before it.
fn page_title(unread: u32) -> String {
    match unread {
        0 => PRODUCT.to_owned(),
        1..=99 => format!("({unread}) {PRODUCT}"),
        _ => format!("(99+) {PRODUCT}"),
    }
}

/// Nothing is chosen: what to do next.
#[component]
fn Nothing() -> impl IntoView {
    let state = AppState::get();
    view! {
        <div class="nothing">
            {mark()}
            <p>
                {move || {
                    if listed(state, Place::List).is_empty() {
                        t("home.nothing_first")
                    } else {
                        t("home.nothing")
                    }
                }}
            </p>
        </div>
    }
}

/// The movable edge between list and main pane.
#[component]
fn Edge(frame: NodeRef<html::Div>) -> impl IntoView {
    let state = AppState::get();
    let (low, high) = (*LIST_WIDTH.start(), *LIST_WIDTH.end());
    let moving = RwSignal::new(false);
    let follow = move |event: &PointerEvent| {
        if let Some(frame) = frame.get_untracked() {
            let rect = frame.get_bounding_client_rect();
            let x = f64::from(event.client_x());
            let wanted = if is_rtl() {
                rect.right() - x
            } else {
                x - rect.left()
            };
            let width = wanted.clamp(f64::from(low), f64::from(high)) as u32;
            state.preferences.list_width.set(width);
        }
    };
    let keep = move || {
        let width = state.preferences.list_width.get_untracked();
        state.set_preference(key::LIST_WIDTH, &width.to_string());
    };
    view! {
        <div
            class="edge"
            class:moving=moving
            role="separator"
            tabindex="0"
            aria-orientation="vertical"
            aria-label=t("home.edge")
            aria-valuemin=low
            aria-valuemax=high
            aria-valuenow=move || state.preferences.list_width.get()
            on:pointerdown=move |event: PointerEvent| {
                if let Some(edge) = event.current_target().and_then(|t| t.dyn_into::<HtmlElement>().ok()) {
                    // Without capture the pointer just has to stay on the edge.
                    let _ = edge.set_pointer_capture(event.pointer_id());
                }
                moving.set(true);
                event.prevent_default();
            }
            on:pointermove=move |event: PointerEvent| {
                if moving.get_untracked() {
                    follow(&event);
                }
            }
            on:pointerup=move |_| {
                moving.set(false);
                keep();
            }
            on:pointercancel=move |_| moving.set(false)
            on:keydown=move |event: KeyboardEvent| {
                let forward = if is_rtl() { -1 } else { 1 };
                let step = match event.key().as_str() {
                    "ArrowRight" => RESIZE_STEP * forward,
                    "ArrowLeft" => -RESIZE_STEP * forward,
                    _ => return,
                };
                event.prevent_default();
                let now = i64::from(state.preferences.list_width.get_untracked());
                let width = (now + step).clamp(i64::from(low), i64::from(high)) as u32;
                state.preferences.list_width.set(width);
                keep();
            }
        ></div>
    }
}

/// Shortcuts that no browser uses itself (`spec/12-client-behaviour.md §10.1`).
fn shortcut(state: AppState, event: &KeyboardEvent) {
    if !with_alt(event) {
        return;
    }
    // By the key's place: what it types depends on the keyboard.
    let code = event.code();
    match code.as_str() {
        "KeyN" => state.nav.switch(Route::NewConversation),
        "KeyL" => state.lock_now(),
        "ArrowDown" | "ArrowUp" => {
            let place = super::list::place(state);
            let order: Vec<_> = untrack(|| state.conversations.at(place))
                .into_iter()
                .map(|c| c.id)
                .collect();
            let open = state.nav.current_untracked().conversation();
            let at = open.and_then(|id| order.iter().position(|other| *other == id));
            let next = match (code.as_str(), at) {
                ("ArrowDown", Some(at)) => at + 1,
                (_, Some(at)) => at.wrapping_sub(1),
                (_, None) => 0,
            };
            if let Some(id) = order.get(next) {
                state.nav.switch(Route::Conversation(*id));
            }
        }
        _ => return,
    }
    event.prevent_default();
}
