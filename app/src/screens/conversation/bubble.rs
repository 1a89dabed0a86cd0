//! One message.

use holdfast_client::api::{Command, DeleteScope, Message, MessageState, SendFailure};
use leptos::ev::{KeyboardEvent, MouseEvent};
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::room::Room;
use crate::components::icon::{Icon, icon};
use crate::components::menu::{Item, Open};
use crate::i18n::{clock, full_date, t, tf};
use crate::screens::contact::display_name;
use crate::screens::list::state_mark;
use crate::state::AppState;
use crate::state::text::{Segment, is_large_emoji, segments};
use crate::state::timeline::Row;

/// A message in its run.
#[component]
pub(crate) fn Bubble(room: Room, row: ArcRwSignal<Row>, menu: RwSignal<Option<Open>>) -> impl IntoView {
    let state = room.state;
    let (id, own, body) = row.with_untracked(|r| (r.message.id, r.message.outgoing, r.message.body.clone()));
    let row = RwSignal::from(row);
    let text = Memo::new(move |_| row.with(|r| r.message.body.clone()));
    let large = is_large_emoji(&body);
    let open_menu = move |x: i32, y: i32| {
        let message = row.with_untracked(|r| r.message.clone());
        menu.set(Some(Open {
            x,
            y,
            items: items(room, message),
        }));
    };
    let on_context = move |event: MouseEvent| {
        // A link keeps the browser's own menu, and so does selected text.
        let on_link = event
            .target()
            .and_then(|t| t.dyn_into::<web_sys::Element>().ok())
            .is_some_and(|e| e.closest("a").is_ok_and(|a| a.is_some()));
        if !on_link && !has_selection() {
            event.prevent_default();
            open_menu(event.client_x(), event.client_y());
        }
    };
    let on_key = move |event: KeyboardEvent| {
        let itself = event.target() == event.current_target();
        if itself && event.key() == "Enter" {
            event.prevent_default();
            let place = event
                .current_target()
                .and_then(|t| t.dyn_into::<web_sys::Element>().ok())
                .map(|e| e.get_bounding_client_rect());
            if let Some(rect) = place {
                open_menu(rect.left() as i32, rect.bottom() as i32);
            }
        }
    };
    let who = move || {
        row.with(|r| {
            let author = if own {
                t("message.you")
            } else {
                state
                    .conversation(room.id)
                    .map_or_else(String::new, |c| display_name(&c))
            };
            tf(
                "message.heading",
                &[("name", &author), ("time", &clock(r.message.sent_at))],
            )
        })
    };
    let foot = move || {
        let (state, at, last) = row.with(|r| (r.message.state, r.message.sent_at, r.last));
        let settled = matches!(
            state,
            MessageState::Sent | MessageState::Read | MessageState::Received
        );
        (last || !settled).then(|| {
            view! {
                <span class="foot">
                    <time title=full_date(at)>{clock(at)}</time>
                    {own.then(|| state_mark(state))}
                </span>
            }
            .into_any()
        })
    };
    let failure = move || match row.with(|r| r.message.state) {
        MessageState::Failed(why) => Some(
            view! {
                <p class="failure">
                    <span>{failure_text(why)}</span>
                    <button
                        class="link-button"
                        on:click=move |_| state.command(Command::Retry(id))
                    >
                        {icon(Icon::Retry)}
                        {t("action.try_again")}
                    </button>
                </p>
            }
            .into_any(),
        ),
        _ => None,
    };
    view! {
        {move || {
            row.with(|r| r.unread_line)
                .then(|| {
                    view! {
                        <p class="unread-line" id="unread-line">
                            <span>{t("conversation.unread_line")}</span>
                        </p>
                    }
                        .into_any()
                })
        }}
        <article
            class="message"
            class:own=own
            class:first=move || row.with(|r| r.first)
            class:last=move || row.with(|r| r.last)
            class:large=large
            id=format!("m{}", id.0)
            tabindex="-1"
            on:contextmenu=on_context
            on:keydown=on_key
        >
            <div class="bubble">
                <span class="unseen">{who}</span>
                <span class="text" dir="auto">{move || text.with(|text| parts(state, text))}</span>
                {foot}
            </div>
            <button
                class="message-more"
                tabindex="-1"
                aria-label=t("message.actions")
                title=t("message.actions")
                on:click=move |event: MouseEvent| open_menu(event.client_x(), event.client_y())
            >
                {icon(Icon::More)}
            </button>
            {failure}
        </article>
    }
}

/// The text with its links.
fn parts(state: AppState, text: &str) -> AnyView {
    segments(text)
        .into_iter()
        .map(|segment| match segment {
            Segment::Plain(text) => text.into_any(),
            Segment::Link { shown, href } => {
                let target = href.clone();
                view! {
                    <a
                        href=href
                        target="_blank"
                        rel="noopener noreferrer"
                        on:click=move |event: MouseEvent| {
                            event.prevent_default();
                            state.leaving_to.set(Some(target.clone()));
                        }
                    >
                        {shown}
                    </a>
                }
                .into_any()
            }
        })
        .collect_view()
        .into_any()
}

/// What can be done with a message.
fn items(room: Room, message: Message) -> Vec<Item> {
    let state = room.state;
    let id = message.id;
    let mut items = Vec::new();
    if matches!(message.state, MessageState::Failed(_)) {
        items.push(Item {
            icon: Icon::Retry,
            label: t("action.try_again"),
            danger: false,
            action: Callback::new(move |()| state.command(Command::Retry(id))),
        });
    }
    let body = message.body;
    items.push(Item {
        icon: Icon::Copy,
        label: t("message.copy"),
        danger: false,
        action: Callback::new(move |()| state.copy(body.clone(), t("toast.text_copied"))),
    });
    items.push(Item {
        icon: Icon::Trash,
        label: t("message.delete"),
        danger: true,
        action: Callback::new(move |()| {
            state.command(Command::DeleteMessages {
                messages: vec![id],
                scope: DeleteScope::ThisDevice,
            })
        }),
    });
    items
}

/// Why a message was given up, in words.
fn failure_text(why: SendFailure) -> String {
    match why {
        SendFailure::Network => t("failure.network"),
        SendFailure::Refused => t("failure.refused"),
        SendFailure::Clock => t("failure.clock"),
        SendFailure::TooLarge => t("failure.too_large"),
    }
}

/// Whether some text is selected on the page.
fn has_selection() -> bool {
    window()
        .get_selection()
        .ok()
        .flatten()
        .is_some_and(|selection| !selection.is_collapsed())
}
