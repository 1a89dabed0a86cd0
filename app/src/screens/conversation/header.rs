//! The heading of a conversation: who it is with, what is special about it, and its menu; or how many messages are selected.

use std::collections::BTreeMap;

use holdfast_client::api::{Command, Conversation, Disappearing, MAX_SELECTED, Notify, Standing};
use leptos::ev::MouseEvent;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::Element;

use super::asks::Ask;
use super::gestures::{rest, to_messages};
use super::room::Room;
use crate::components::avatar::{Size, avatar, note_avatar};
use crate::components::icon::{Icon, icon};
use crate::components::menu::{Item, Open, below};
use crate::i18n::{span, t, tf, tn};
use crate::screens::contact::{display_name, given_name};
use crate::state::Question;
use crate::state::identity::short_id;
use crate::state::nav::Route;

/// The heading.
#[component]
pub(super) fn Heading(room: Room) -> impl IntoView {
    let selecting = Memo::new(move |_| room.desk.selected.with(Option::is_some));
    move || {
        if selecting.get() {
            view! { <SelectionBar room /> }.into_any()
        } else {
            view! { <WhoBar room /> }.into_any()
        }
    }
}

/// Below the name: what is special about the conversation, or else who it is for certain.
fn subtitle(conversation: &Conversation, quiet: bool) -> AnyView {
    if conversation.note_to_self && conversation.disappearing == Disappearing::Off {
        return t("note.subtitle").into_any();
    }
    let ordinary = matches!(
        conversation.standing,
        Standing::Own | Standing::Active | Standing::OutgoingRequest
    );
    let timer = match conversation.disappearing {
        Disappearing::AfterRead(s) => Some(tf("header.after_read", &[("time", &span(u64::from(s)))])),
        Disappearing::AfterSend(s) => Some(tf("header.after_send", &[("time", &span(u64::from(s)))])),
        Disappearing::Off => None,
    }
    .filter(|_| ordinary);
    let muted = ordinary && quiet;
    if timer.is_some() || muted {
        return view! {
            {timer.map(|words| view! { <span class="heading-mark">{icon(Icon::Timer)} {words}</span> })}
            {muted
                .then(|| {
                    view! { <span class="heading-mark">{icon(Icon::Mute)} {t("header.muted")}</span> }
                })}
        }
        .into_any();
    }
    let named = display_name(conversation) != short_id(&conversation.id);
    named
        .then(|| view! { <span dir="ltr">{short_id(&conversation.id)}</span> })
        .into_any()
}

/// Who it is with.
#[component]
fn WhoBar(room: Room) -> impl IntoView {
    let (state, id) = (room.state, room.id);
    let conversation = room.desk.known;
    let tick = room.desk.tick;
    // A mute ends by itself.
    let muted = Memo::new(move |_| {
        tick.track();
        conversation.with(|known| known.as_ref().is_some_and(|known| state.is_muted(known)))
    });
    let title = move || {
        let known = conversation.get();
        let name = known.as_ref().map_or_else(|| short_id(&id), display_name);
        view! {
            {if state.is_own(&id) {
                note_avatar(Size::Small).into_any()
            } else {
                let picture = known.as_ref().and_then(|known| known.picture);
                avatar(&id, known.as_ref().map_or("", given_name), picture, Size::Small)
            }}
            <span class="heading-text">
                <span class="heading-name" dir="auto">{name}</span>
                {known.as_ref().map(|c| view! { <span class="heading-sub">{subtitle(c, muted.get())}</span> })}
            </span>
        }
        .into_any()
    };
    let open_menu = move |event: MouseEvent| {
        let button = event.current_target().and_then(|t| t.dyn_into::<Element>().ok());
        if let (Some(button), Some(known)) = (button, conversation.get_untracked()) {
            room.desk
                .menu
                .set(Some(Open::at(below(&button), items(room, &known))));
        }
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
                <button
                    id="open-details"
                    class="heading-button"
                    title=t("details.title")
                    aria-expanded=move || (state.nav.current() == Route::Details(id)).to_string()
                    on:click=move |_| {
                        if state.nav.current_untracked() == Route::Details(id) {
                            state.nav.back(Route::Conversation(id));
                        } else {
                            state.nav.go(Route::Details(id));
                        }
                    }
                >
                    {title}
                </button>
            </h1>
            <button
                id="find-in-conversation"
                class="icon-button"
                aria-label=t("find.open")
                title=t("find.open_hint")
                on:click=move |_| room.finding.set(true)
            >
                {icon(Icon::Search)}
            </button>
            <button
                id="conversation-menu"
                class="icon-button"
                aria-haspopup="menu"
                aria-label=t("header.menu")
                title=t("header.menu")
                on:click=open_menu
            >
                {icon(Icon::More)}
            </button>
        </header>
    }
}

/// What the heading's menu offers.
fn items(room: Room, known: &Conversation) -> Vec<Item> {
    let (state, id) = (room.state, room.id);
    let own = known.note_to_self;
    let request = known.standing == Standing::IncomingRequest;
    let blocked = known.standing == Standing::Blocked;
    let mut items = vec![Item::new(Icon::Settings, t("details.title"), move || {
        state.nav.go(Route::Details(id));
    })];
    if matches!(known.standing, Standing::Own | Standing::Active) {
        items.push(Item::new(Icon::Timer, t("timer.title"), move || {
            state.nav.go(Route::Disappearing(id));
        }));
    }
    if !own && !request && !blocked && known.standing != Standing::Fresh {
        let muted = state.is_muted(known);
        let (picture, label, mode) = if muted {
            (Icon::Bell, t("details.unmute"), Notify::All)
        } else {
            (Icon::Mute, t("details.mute"), Notify::Nothing)
        };
        items.push(Item::new(picture, label, move || {
            state.command(Command::SetNotifications {
                id,
                mode,
                muted_until: None,
            });
        }));
    }
    items.push(Item::new(Icon::Select, t("message.select_many"), move || {
        room.desk.selected.set(Some(BTreeMap::new()));
        to_messages();
    }));
    if !request && !blocked {
        items.push(Item::new(Icon::Unread, t("details.mark_unread"), move || {
            state.command(Command::MarkUnread(id));
            state.nav.reset(Route::Home);
        }));
    }
    if !own && !blocked {
        items.push(
            Item::new(Icon::Block, t("block.do"), move || {
                state.question.set(Some(Question::Block(id)))
            })
            .dangerous(),
        );
    }
    items
}

/// How many messages are selected, and what can be done with them.
#[component]
fn SelectionBar(room: Room) -> impl IntoView {
    let selected = room.desk.selected;
    let count = Memo::new(move |_| selected.with(|all| all.as_ref().map_or(0, |all| all.len())));
    let end = move |_| {
        selected.set(None);
        rest();
    };
    let delete = move |_| {
        let picked: Vec<_> = selected
            .get_untracked()
            .unwrap_or_default()
            .into_iter()
            .take(MAX_SELECTED)
            .collect();
        if !picked.is_empty() {
            room.desk.asks.set(Some(Ask::Delete(picked)));
        }
    };
    view! {
        <header class="pane-header selection">
            <button
                id="end-selection"
                class="icon-button"
                aria-label=t("select.end")
                title=t("select.end")
                on:click=end
            >
                {icon(Icon::Close)}
            </button>
            <h1 class="heading">
                <span role="status">
                    {move || match count.get() {
                        0 => t("select.none"),
                        n => tn("select.count", n as u64),
                    }}
                </span>
            </h1>
            <button
                id="delete-selected"
                class="button danger"
                disabled=move || count.get() == 0
                on:click=delete
            >
                {icon(Icon::Trash)}
                {t("delete.do")}
            </button>
        </header>
    }
}
