//! The windowed list of a conversation's messages.
//!
//! Only a window of them is on the page. When the reader comes near an end of it, the next page is fetched and the far
//! end let go; what is being read stays where it is.

use std::collections::HashMap;
use std::time::Duration;

use holdfast_client::api::{Anchor, Command, Message, MessageId, MessagePage, Reply};
use holdfast_protocol::account::Id;
use leptos::ev;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{HtmlElement, ResizeObserver};

use super::bubble::Bubble;
use super::scroll::Scroller;
use crate::components::focus::walk;
use crate::components::icon::{Icon, icon};
use crate::components::menu::Open;
use crate::i18n::{day_heading, local_day, number, t, tf, tn};
use crate::state::timeline::{PAGE, Row, Timeline, days};
use crate::state::{AppState, Change};

/// How long an opening conversation shows nothing, so that a quick one does not flicker.
const QUIET: Duration = Duration::from_millis(150);

/// What a day of the list shows: its number and start, and which messages.
#[derive(Clone, Debug, PartialEq, Eq)]
struct DayKeys {
    day: i64,
    at: u64,
    ids: Vec<MessageId>,
}

/// A conversation that is open on the page.
#[derive(Clone, Copy)]
pub(crate) struct Room {
    pub(crate) state: AppState,
    pub(crate) id: Id,
    timeline: RwSignal<Timeline>,
    /// The first page has come.
    opened: RwSignal<bool>,
    failed: RwSignal<bool>,
    loading: StoredValue<bool>,
    /// The list is at its end and follows what comes.
    follows: RwSignal<bool>,
    unread_from: RwSignal<Option<u64>>,
    marked: StoredValue<u64>,
    rows: StoredValue<HashMap<MessageId, ArcRwSignal<Row>>>,
    scroller: StoredValue<Option<Scroller>, LocalStorage>,
}

impl Room {
    pub(crate) fn new(state: AppState, id: Id) -> Self {
        let known = state.conversation(id);
        let read_up_to = known.as_ref().map_or(0, |c| c.read_up_to);
        let unread = known.is_some_and(|c| c.unread > 0);
        let room = Self {
            state,
            id,
            timeline: RwSignal::new(Timeline::default()),
            opened: RwSignal::new(false),
            failed: RwSignal::new(false),
            loading: StoredValue::new(false),
            follows: RwSignal::new(true),
            unread_from: RwSignal::new(unread.then(|| read_up_to.saturating_add(1))),
            marked: StoredValue::new(read_up_to),
            rows: StoredValue::new(HashMap::new()),
            scroller: StoredValue::new_local(None),
        };
        state.watch(id, move |change| room.hear(change));
        room.open(Anchor::FirstUnread);
        room
    }

    /// Reads a window anew and goes to its place.
    fn open(self, anchor: Anchor) {
        self.failed.set(false);
        spawn_local(async move {
            let Some(page) = self.fetch(anchor).await else {
                let _ = self.failed.try_set(true);
                return;
            };
            self.timeline.try_update(|t| t.replace(page));
            let _ = self.opened.try_set(true);
            request_animation_frame(move || self.go_to_start(anchor));
        });
    }

    /// The place a freshly opened conversation is read from: the new-messages line, or the end.
    fn go_to_start(self, anchor: Anchor) {
        let Some(scroller) = self.scroller() else {
            return;
        };
        let line = document().get_element_by_id("unread-line");
        match line.filter(|_| anchor == Anchor::FirstUnread) {
            Some(line) => {
                self.follows.set(false);
                scroller.show(&line);
            }
            None => {
                self.follows.set(true);
                scroller.jump_to_end();
            }
        }
        self.look();
    }

    async fn fetch(self, anchor: Anchor) -> Option<MessagePage> {
        let command = Command::Messages {
            conversation: self.id,
            anchor,
            limit: PAGE,
        };
        match self.state.request(command).await {
            Ok(Reply::Messages(page)) => Some(page),
            _ => None,
        }
    }

    fn scroller(self) -> Option<Scroller> {
        self.scroller.try_get_value().flatten()
    }

    /// Changes the list while what the reader looks at stays where it is.
    fn keeping_place(self, change: impl FnOnce(&mut Timeline)) {
        let anchor = self.scroller().and_then(|s| s.anchor());
        let follows = self.follows.try_get_untracked().unwrap_or_default();
        self.timeline.try_update(change);
        if follows {
            // The size observer keeps the end in sight.
            return;
        }
        if let Some(anchor) = anchor {
            request_animation_frame(move || {
                if let Some(scroller) = self.scroller() {
                    scroller.restore(&anchor);
                }
            });
        }
    }

    fn hear(self, change: &Change) {
        match change {
            Change::Put(message) => self.take(message.clone()),
            Change::Removed(id) => {
                let id = *id;
                self.keeping_place(|timeline| timeline.remove(id));
            }
            Change::Reread => self.open(Anchor::Latest),
        }
    }

    /// Takes a new or changed message.
    pub(crate) fn take(self, message: Message) {
        let follows = self.follows.get_untracked();
        let outgoing = message.outgoing;
        let told = (!outgoing).then(|| message.body.clone());
        let mut is_new = false;
        self.keeping_place(|timeline| {
            is_new = timeline.apply(message);
            if follows {
                timeline.trim_oldest();
            }
        });
        if !is_new {
            return;
        }
        if let Some(text) = told {
            self.announce(&text);
        }
        request_animation_frame(move || self.look());
    }

    /// Tells a screen reader of a message that came in.
    fn announce(self, text: &str) {
        let name = self
            .state
            .conversation(self.id)
            .map_or_else(String::new, |c| super::super::contact::display_name(&c));
        self.state
            .announcement
            .set(tf("message.announce", &[("name", &name), ("text", text)]));
    }

    /// The own message was sent from here: the end of the list is where the reader now looks.
    pub(crate) fn sent(self, message: Message) {
        self.unread_from.set(None);
        if self.timeline.with_untracked(|t| t.more_after) {
            self.open(Anchor::Latest);
        } else {
            self.follows.set(true);
            self.take(message);
        }
    }

    /// Goes to the newest message.
    fn jump(self) {
        if self.timeline.with_untracked(|t| t.more_after) {
            self.open(Anchor::Latest);
        } else if let Some(scroller) = self.scroller() {
            self.follows.set(true);
            scroller.jump_to_end();
            self.look();
        }
    }

    /// Looks at what is seen: fetches ahead, follows the end, marks as read.
    fn look(self) {
        let Some(scroller) = self.scroller() else {
            return;
        };
        let Some((before, after)) = self
            .timeline
            .try_with_untracked(|t| (t.more_before, t.more_after))
        else {
            return;
        };
        let follows = scroller.at_end() && !after;
        if self.follows.get_untracked() != follows {
            self.follows.set(follows);
        }
        if before && scroller.near_start() {
            self.fetch_more(true);
        } else if after && scroller.near_end() {
            self.fetch_more(false);
        }
        self.mark_read(&scroller);
    }

    fn fetch_more(self, older: bool) {
        let place = self
            .timeline
            .with_untracked(|t| if older { t.first() } else { t.last() });
        let Some(place) = place else { return };
        if self.loading.get_value() {
            return;
        }
        self.loading.set_value(true);
        spawn_local(async move {
            let anchor = if older {
                Anchor::Before(place)
            } else {
                Anchor::After(place)
            };
            let page = self.fetch(anchor).await;
            let _ = self.loading.try_set_value(false);
            if let Some(page) = page {
                self.keeping_place(|timeline| {
                    if older {
                        timeline.prepend(page);
                    } else {
                        timeline.append(page);
                    }
                });
                request_animation_frame(move || self.look());
            }
        });
    }

    fn mark_read(self, scroller: &Scroller) {
        let attentive = document().has_focus().unwrap_or(true)
            && document().visibility_state() == web_sys::VisibilityState::Visible;
        if !attentive {
            return;
        }
        let seen = scroller
            .newest_seen()
            .and_then(|id| id.strip_prefix('m')?.parse().ok())
            .and_then(|id| self.rows.with_value(|rows| rows.get(&MessageId(id)).cloned()))
            .map(|row| row.with_untracked(|row| row.message.sent_at));
        if let Some(up_to) = seen
            && up_to > self.marked.get_value()
        {
            self.marked.set_value(up_to);
            self.state.command(Command::MarkRead {
                conversation: self.id,
                up_to,
            });
        }
    }

    /// Lays the list out, and gives each message's signal its present content.
    fn layout(self) -> Vec<DayKeys> {
        let unread_from = self.unread_from.get();
        let laid = self
            .timeline
            .with(|timeline| days(timeline.messages(), unread_from, local_day));
        let mut kept = HashMap::new();
        let mut out = Vec::with_capacity(laid.len());
        self.rows.update_value(|old| {
            for day in laid {
                let mut ids = Vec::with_capacity(day.rows.len());
                for row in day.rows {
                    let id = row.message.id;
                    ids.push(id);
                    let signal = match old.remove(&id) {
                        Some(signal) => {
                            if signal.with_untracked(|was| *was != row) {
                                signal.set(row);
                            }
                            signal
                        }
                        None => ArcRwSignal::new(row),
                    };
                    kept.insert(id, signal);
                }
                out.push(DayKeys {
                    day: day.day,
                    at: day.at,
                    ids,
                });
            }
            *old = kept;
        });
        out
    }
}

/// The list.
#[component]
pub(crate) fn Messages(room: Room, menu: RwSignal<Option<Open>>) -> impl IntoView {
    let scroller = NodeRef::<html::Div>::new();
    let content = NodeRef::<html::Div>::new();
    observe(room, scroller, content);
    let layout = Memo::new(move |_| room.layout());
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
            room.look();
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
                    view! { <Day room at ids menu /> }.into_any()
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
                on:scroll=on_scroll
                on:keydown=move |event| {
                    // Home and End scroll, as in any page.
                    let arrow = matches!(event.key().as_str(), "ArrowUp" | "ArrowDown");
                    if let Some(list) = scroller.get_untracked().filter(|_| arrow) {
                        walk(&list, ".message", false, &event);
                    }
                }
            >
                <div class="messages-content" node_ref=content>
                    {skeleton} {failed} {empty} {day_list}
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
        let callback = Closure::<dyn Fn()>::new(move || {
            if let Some(scroller) = room.scroller()
                && room.follows.try_get_untracked() == Some(true)
            {
                scroller.jump_to_end();
            }
        });
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
fn Day(room: Room, at: u64, ids: Memo<Vec<MessageId>>, menu: RwSignal<Option<Open>>) -> impl IntoView {
    view! {
        <section class="day">
            <h2 class="day-heading">
                <span>{day_heading(at)}</span>
            </h2>
            <For
                each=move || ids.get()
                key=|id| *id
                children=move |id| {
                    room.rows
                        .with_value(|rows| rows.get(&id).cloned())
                        .map(|row| view! { <Bubble room row menu /> }.into_any())
                }
            />
        </section>
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
