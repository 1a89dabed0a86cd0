//! The list of a conversation's messages, in days and runs.

use std::time::Duration;

use holdfast_client::api::{Anchor, MessageId};
use leptos::ev;
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{HtmlElement, ResizeObserver};

use super::bubble::bubble;
use super::gestures;
use super::room::Room;
use super::scroll::Scroller;
use crate::components::clock::every;
use crate::components::focus::walk;
use crate::components::icon::{Icon, icon};
use crate::i18n::{day_heading, number, t, tf, tn};

/// How long an opening conversation shows nothing, so that a quick one does not flicker.
const QUIET: Duration = Duration::from_millis(150);

/// The headings of days follow the clock this often.
const MINUTE: Duration = Duration::from_secs(60);

/// The list.
#[component]
pub(crate) fn Messages(room: Room) -> impl IntoView {
    let scroller = NodeRef::<html::Div>::new();
    let content = NodeRef::<html::Div>::new();
    observe(room, scroller, content);
    let layout = Memo::new(move |_| room.layout());
    let minute = every(MINUTE);
    let waiting = RwSignal::new(false);
    set_timeout(
        move || {
            let _ = waiting.try_set(true);
        },
        QUIET,
    );
    let scheduled = StoredValue::new(false);
    let on_scroll = move |_| {
        if scheduled.get_value() {
            return;
        }
        scheduled.set_value(true);
        request_animation_frame(move || {
            let _ = scheduled.try_set_value(false);
            room.settle();
        });
    };
    let focused = window_event_listener(ev::focus, move |_| room.look());
    on_cleanup(move || focused.remove());
    let day_list = move || {
        view! {
            <For
                each=move || layout.get()
                key=|day| day.day
                children=move |day| {
                    let (number, at) = (day.day, day.at);
                    let ids = Memo::new(move |_| {
                        layout
                            .with(|days| {
                                days.iter()
                                    .find(|d| d.day == number)
                                    .map(|d| d.ids.clone())
                                    .unwrap_or_default()
                            })
                    });
                    view! { <Day room at ids minute /> }.into_any()
                }
            />
        }
        .into_any()
    };
    let empty = move || {
        let nothing = room.opened.get() && room.timeline.with(|t| t.messages().is_empty());
        nothing.then(|| view! { <Empty room /> }.into_any())
    };
    let skeleton = move || {
        (waiting.get() && !room.opened.get() && !room.failed.get()).then(|| {
            view! {
                <div class="skeleton-bubbles" role="status">
                    <span class="unseen">{t("conversation.loading")}</span>
                    <span></span>
                    <span></span>
                    <span></span>
                </div>
            }
            .into_any()
        })
    };
    let failed = move || {
        room.failed.get().then(|| {
            view! {
                <div class="empty-conversation" role="alert">
                    <p>{t("conversation.failed")}</p>
                    <button class="button" on:click=move |_| room.open(Anchor::FirstUnread)>
                        {t("action.try_again")}
                    </button>
                </div>
            }
            .into_any()
        })
    };
    view! {
        <div class="timeline">
            <div
                class="messages"
                node_ref=scroller
                tabindex="0"
                role="log"
                aria-live="off"
                aria-label=t("conversation.messages")
                class:selecting=move || room.desk.selected.with(Option::is_some)
                on:scroll=on_scroll
                on:click=move |event| gestures::on_click(room, &event)
                on:contextmenu=move |event| gestures::on_context(room, &event)
                on:pointerdown=move |event| gestures::on_press(room, &event)
                on:pointermove=move |event| room.desk.press.slip(&event)
                on:pointercancel=move |_| room.desk.press.cancel()
                on:touchend=move |event| room.desk.press.lift(&event)
                on:keydown=move |event| {
                    gestures::on_key(room, &event);
                    // Home and End scroll, as in any page.
                    let arrow = matches!(event.key().as_str(), "ArrowUp" | "ArrowDown");
                    if let Some(list) = scroller.get_untracked().filter(|_| arrow) {
                        walk(&list, ".message", false, &event);
                    }
                }
            >
                <div class="messages-content" node_ref=content>
                    {skeleton} {failed} {empty} {day_list} <TypingBubble room />
                </div>
            </div>
            <Jump room />
        </div>
    }
}

/// Keeps the end in sight when the list, the page or the composer changes its size.
fn observe(room: Room, scroller: NodeRef<html::Div>, content: NodeRef<html::Div>) {
    Effect::new(move |_| {
        let (Some(outer), Some(inner)) = (scroller.get(), content.get()) else {
            return;
        };
        room.scroller
            .set_value(Some(Scroller(HtmlElement::from(outer.clone()))));
        let callback = Closure::<dyn Fn()>::new(move || room.resized());
        if let Ok(observer) = ResizeObserver::new(callback.as_ref().unchecked_ref()) {
            observer.observe(&outer);
            observer.observe(&inner);
            let kept = StoredValue::new_local((observer, callback));
            on_cleanup(move || {
                let _ = kept.try_with_value(|(observer, _)| observer.disconnect());
            });
        }
    });
}

/// The messages of one day, below a heading that sticks.
#[component]
fn Day(room: Room, at: u64, ids: Memo<Vec<MessageId>>, minute: RwSignal<()>) -> impl IntoView {
    // At midnight the day before is not called today any more.
    let heading = move || {
        minute.track();
        day_heading(at)
    };
    view! {
        <section class="day">
            <h2 class="day-heading">
                <span>{heading}</span>
            </h2>
            <For
                each=move || ids.get()
                key=|id| *id
                children=move |id| {
                    room.rows
                        .with_value(|rows| rows.get(&id).cloned())
                        .map(|row| bubble(room, row))
                }
            />
        </section>
    }
}

/// The other side types.
#[component]
fn TypingBubble(room: Room) -> impl IntoView {
    let types = Memo::new(move |_| room.state.typing.with(|all| all.contains(&room.id)));
    move || {
        types.get().then(|| {
            view! {
                <div class="typing" role="status">
                    <span class="unseen">
                        {move || room.desk.about.with(|a| tf("typing.words", &[("name", &a.name)]))}
                    </span>
                    <span class="typing-dots" aria-hidden="true">
                        <i></i>
                        <i></i>
                        <i></i>
                    </span>
                </div>
            }
            .into_any()
        })
    }
}

/// A conversation without messages says what happens with the first one.
#[component]
fn Empty(room: Room) -> impl IntoView {
    let own = room.state.is_own(&room.id);
    view! {
        <div class="empty-conversation">
            {icon(if own { Icon::Note } else { Icon::Lock })}
            <p>{if own { t("note.empty") } else { t("conversation.empty") }}</p>
        </div>
    }
}

/// The button to the newest message, with the number of those not read.
#[component]
fn Jump(room: Room) -> impl IntoView {
    let state = room.state;
    let shown = Memo::new(move |_| !room.follows.get() && room.opened.get());
    let unread = Memo::new(move |_| state.conversation(room.id).map_or(0, |c| c.unread));
    move || {
        shown.get().then(|| {
            view! {
                <button
                    class="jump"
                    title=t("conversation.jump")
                    aria-label=move || {
                        match unread.get() {
                            0 => t("conversation.jump"),
                            n => tn("conversation.jump_unread", u64::from(n)),
                        }
                    }
                    on:click=move |_| room.jump()
                >
                    {icon(Icon::Down)}
                    {move || {
                        (unread.get() > 0)
                            .then(|| {
                                view! {
                                    <span class="unread">{number(f64::from(unread.get()))}</span>
                                }
                            })
                    }}
                </button>
            }
            .into_any()
        })
    }
}
