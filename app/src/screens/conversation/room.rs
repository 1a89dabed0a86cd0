//! A conversation that is open on the page: its window of messages, and what happens to it.
//!
//! Only a window of them is on the page. When the reader comes near an end of it, the next page is fetched and the far
//! end let go; what is being read stays where it is.

use std::collections::HashMap;
use std::time::Duration;

use holdfast_client::api::{
    Anchor, Command, FileId, Message, MessageId, MessageKind, MessagePage, Position, Reply,
};
use holdfast_protocol::account::Id;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::desk::Desk;
use super::notice;
use super::scroll::Scroller;
use crate::components::focus::{focus, hold, matching};
use crate::i18n::{local_day, t, tf};
use crate::screens::files::words::brief;
use crate::state::timeline::{PAGE, Row, Timeline, days, next_voice};
use crate::state::{AppState, Change};

/// Marks the message that was gone to.
const MARKED: &str = "data-marked";
/// For how long.
const MARK_TIME: Duration = Duration::from_millis(1800);

/// What a day of the list shows: its number and start, and which messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DayKeys {
    pub(super) day: i64,
    pub(super) at: u64,
    pub(super) ids: Vec<MessageId>,
}

/// Which message an element shows, by its id.
fn shown_in(id: &str) -> Option<MessageId> {
    Some(MessageId(id.strip_prefix('m')?.parse().ok()?))
}

/// Whether somebody is going through the hits of a search in the conversation.
fn in_find_bar() -> bool {
    document()
        .active_element()
        .is_some_and(|focused| focused.closest(".find-bar").is_ok_and(|bar| bar.is_some()))
}

/// A conversation that is open on the page.
#[derive(Clone, Copy)]
pub(super) struct Room {
    pub(super) state: AppState,
    pub(super) id: Id,
    pub(super) desk: Desk,
    pub(super) timeline: RwSignal<Timeline>,
    /// The first page has come.
    pub(super) opened: RwSignal<bool>,
    pub(super) failed: RwSignal<bool>,
    /// A page is on its way.
    loading: StoredValue<bool>,
    /// Counts the windows that were asked for.
    window: StoredValue<u32>,
    /// When the newest message that is known was sent, here or beyond a gap.
    newest: StoredValue<u64>,
    /// The list is at its end and follows what comes.
    pub(super) follows: RwSignal<bool>,
    unread_from: RwSignal<Option<u64>>,
    marked: StoredValue<u64>,
    /// It was marked as unread when it was opened, and the mark has not been taken off yet. One that is set while it is open
    /// stays until it is opened again.
    unmarks: StoredValue<bool>,
    /// Height of the content and of what is seen of it, as last observed.
    size: StoredValue<(i32, i32)>,
    pub(super) rows: StoredValue<HashMap<MessageId, ArcRwSignal<Row>>>,
    pub(super) scroller: StoredValue<Option<Scroller>, LocalStorage>,
    /// The bar that searches in this conversation is open.
    pub(super) finding: RwSignal<bool>,
    /// Words that are marked wherever they occur.
    pub(super) marks: RwSignal<String>,
}

impl Room {
    pub(super) fn new(state: AppState, id: Id) -> Self {
        state.catch_up();
        let known = state.conversations.get_untracked(id);
        let read_up_to = known.as_ref().map_or(0, |c| c.read_up_to);
        let by_hand = known.as_ref().is_some_and(|c| c.marked_unread);
        let preview = known.as_ref().and_then(|c| c.preview.as_ref());
        let newest = preview.map_or(0, |preview| preview.sent_at);
        let unread = known.is_some_and(|c| c.unread > 0);
        let room = Self {
            state,
            id,
            desk: Desk::new(state, id),
            timeline: RwSignal::new(Timeline::default()),
            opened: RwSignal::new(false),
            failed: RwSignal::new(false),
            loading: StoredValue::new(false),
            window: StoredValue::new(0),
            newest: StoredValue::new(newest),
            follows: RwSignal::new(true),
            unread_from: RwSignal::new(unread.then(|| read_up_to.saturating_add(1))),
            marked: StoredValue::new(read_up_to),
            unmarks: StoredValue::new(by_hand),
            size: StoredValue::new((0, 0)),
            rows: StoredValue::new(HashMap::new()),
            scroller: StoredValue::new_local(None),
            finding: RwSignal::new(false),
            marks: RwSignal::new(String::new()),
        };
        state.watch(Some(id), move |change| room.hear(change));
        let target = state.take_target(id);
        room.open(
            target
                .as_ref()
                .map_or(Anchor::FirstUnread, |target| Anchor::Around(target.place)),
        );
        room.marks
            .set(target.map(|target| target.words).unwrap_or_default());
        Effect::new(move |_| {
            state.target.track();
            if let Some(target) = state.take_target(id) {
                room.finding.set(false);
                room.marks.set(target.words);
                room.show(target.place);
            }
        });
        Effect::new(move |_| {
            if let Some(file) = state.playback.ended.get() {
                state.playback.ended.set(None);
                room.play_after(file);
            }
        });
        room
    }

    /// Plays the voice message after one that has ended, if the user wants that.
    fn play_after(self, ended: FileId) {
        if !self.state.preferences.audio_autoplay.get_untracked() {
            return;
        }
        let next = self
            .timeline
            .with_untracked(|timeline| next_voice(timeline.messages(), ended).cloned());
        if let Some(next) = next {
            self.state.playback.toggle(self.state, &next);
        }
    }

    /// Reads a window anew and goes to its place.
    pub(super) fn open(self, anchor: Anchor) {
        self.failed.set(false);
        let window = self.next_window();
        spawn_local(async move {
            let page = self.fetch(anchor, PAGE).await;
            if !self.arrives(window) {
                return;
            }
            let Some(page) = page else {
                let _ = self.failed.try_set(true);
                return;
            };
            self.timeline.try_update(|t| t.replace(page));
            let _ = self.opened.try_set(true);
            request_animation_frame(move || self.go_to_start(anchor));
        });
    }

    /// Reads the window anew, since another engine tells from now on what happens. What the reader looks at stays where it
    /// is.
    fn reread(self) {
        if !self.opened.get_untracked() {
            // What was asked is asked of the new engine, unless the one before had answered that it can't.
            if self.failed.get_untracked() {
                self.open(Anchor::FirstUnread);
            }
            return;
        }
        let first_seen = self
            .scroller()
            .and_then(|scroller| scroller.anchor())
            .and_then(|anchor| self.message(shown_in(anchor.id())?))
            .map(|message| message.position());
        let Some(place) = first_seen.filter(|_| !self.follows.get_untracked()) else {
            self.open(Anchor::Latest);
            return;
        };
        // As much as is loaded: what lies around it has its height.
        let loaded = self.timeline.with_untracked(|timeline| timeline.messages().len());
        let limit = u16::try_from(loaded).unwrap_or(PAGE).max(PAGE);
        let window = self.next_window();
        spawn_local(async move {
            let page = self.fetch(Anchor::Around(place), limit).await;
            if !self.arrives(window) {
                return;
            }
            let Some(page) = page else {
                let _ = self.failed.try_set(true);
                return;
            };
            self.keeping_place(|timeline| timeline.replace(page));
            request_animation_frame(move || self.settle());
        });
    }

    /// Another window is asked for. Until it is here nothing is read beside the one before, since that would be far from it.
    fn next_window(self) -> u32 {
        self.loading.set_value(true);
        let window = self.window.get_value().wrapping_add(1);
        self.window.set_value(window);
        window
    }

    /// Something has come that was asked for in this window. Whether it has a place: not if another one was asked for since.
    fn arrives(self, window: u32) -> bool {
        let wanted = self.window.try_get_value() == Some(window);
        if wanted {
            self.loading.set_value(false);
        }
        wanted
    }

    /// The place a freshly opened conversation is read from: the new-messages line, or the end.
    fn go_to_start(self, anchor: Anchor) {
        let Some(scroller) = self.scroller() else {
            return;
        };
        if let Anchor::Around(place) = anchor {
            self.point_at(place.id);
            self.settle();
            return;
        }
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
        self.settle();
    }

    async fn fetch(self, anchor: Anchor, limit: u16) -> Option<MessagePage> {
        let command = Command::Messages {
            conversation: self.id,
            anchor,
            limit,
        };
        match self.state.request(command).await {
            Ok(Reply::Messages(page)) => {
                if let Some(last) = page.messages.last() {
                    self.is_newest(last.sent_at);
                }
                Some(page)
            }
            _ => None,
        }
    }

    /// Notes a message that is known. Whether it was sent after all others.
    fn is_newest(self, sent_at: u64) -> bool {
        let newer = self.newest.try_update_value(|newest| {
            let newer = sent_at > *newest;
            *newest = sent_at.max(*newest);
            newer
        });
        newer.unwrap_or_default()
    }

    fn scroller(self) -> Option<Scroller> {
        self.scroller.try_get_value().flatten()
    }

    /// Changes the list while what the reader looks at stays where it is.
    fn keeping_place(self, change: impl FnOnce(&mut Timeline)) {
        let anchor = self.scroller().and_then(|s| s.anchor());
        let follows = self.follows.try_get_untracked().unwrap_or_default();
        if let Some(scroller) = self.scroller() {
            // Messages of a day are moved when earlier ones come before them, and others go.
            hold(&scroller.0, ".message", "id");
        }
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
            Change::Put(message) => self.take(Message::clone(message)),
            Change::Removed(id) => {
                let id = *id;
                self.desk.forget(id);
                self.keeping_place(|timeline| timeline.remove(id));
            }
            Change::Cleared => self.open(Anchor::Latest),
            Change::Reread => self.reread(),
        }
    }

    /// Takes a new or changed message.
    pub(super) fn take(self, message: Message) {
        let follows = self.follows.get_untracked();
        let outgoing = message.outgoing;
        let told = (!outgoing).then(|| self.spoken(&message));
        // It may have come in beyond a gap, where the window does not take it.
        let newest = self.is_newest(message.sent_at);
        if message.kind == MessageKind::Deleted {
            self.desk.forget(message.id);
        }
        let mut is_new = false;
        self.keeping_place(|timeline| {
            is_new = timeline.apply(message);
            if follows {
                timeline.trim_oldest();
            }
        });
        if let Some(text) = told.filter(|_| is_new || newest) {
            self.state.announce(text);
        }
        if !is_new {
            return;
        }
        request_animation_frame(move || {
            self.keep_end();
            self.look();
        });
    }

    /// What a screen reader is told of a message that came in.
    fn spoken(self, message: &Message) -> String {
        let name = self.desk.about.with_untracked(|about| about.name.clone());
        match message.kind {
            MessageKind::Text => tf("message.announce", &[("name", &name), ("text", &brief(message))]),
            MessageKind::Deleted => t("message.deleted"),
            MessageKind::Notice(what) => notice::words(what, message.outgoing, &name),
        }
    }

    /// A loaded message's signal.
    pub(super) fn row(self, id: MessageId) -> Option<ArcRwSignal<Row>> {
        self.rows.with_value(|rows| rows.get(&id).cloned())
    }

    /// A loaded message, as it is now.
    pub(super) fn message(self, id: MessageId) -> Option<Message> {
        self.row(id)
            .map(|row| row.with_untracked(|row| row.message.clone()))
    }

    /// Goes to a message and marks it for a moment, reading the window around it if it is not loaded.
    pub(super) fn show(self, place: Position) {
        if self.row(place.id).is_some() {
            self.point_at(place.id);
            self.settle();
        } else {
            self.open(Anchor::Around(place));
        }
    }

    /// Scrolls to a loaded message, gives it the focus and marks it for a moment.
    fn point_at(self, id: MessageId) {
        let element = document()
            .get_element_by_id(&format!("m{}", id.0))
            .and_then(|element| element.dyn_into::<HtmlElement>().ok());
        let (Some(element), Some(scroller)) = (element, self.scroller()) else {
            self.state.show_toast(t("quote.missing"));
            return;
        };
        self.follows.set(false);
        scroller.show(&element);
        self.unmark();
        // An attribute of this name can always be set.
        let _ = element.set_attribute(MARKED, "");
        if in_find_bar() {
            // The keys go on from hit to hit; the mark stays until the next one.
            return;
        }
        focus(&element);
        set_timeout(
            move || {
                let _ = element.remove_attribute(MARKED);
            },
            MARK_TIME,
        );
    }

    /// No message is marked any more as the one that was gone to.
    pub(super) fn unmark(self) {
        let marked = self
            .scroller()
            .map(|scroller| matching(&scroller.0, ".message[data-marked]"));
        for element in marked.into_iter().flatten() {
            let _ = element.remove_attribute(MARKED);
        }
    }

    /// The own message was sent from here: the end of the list is where the reader now looks.
    pub(super) fn sent(self, message: Message) {
        self.unread_from.set(None);
        if self.timeline.with_untracked(|t| t.more_after) {
            self.open(Anchor::Latest);
        } else {
            self.follows.set(true);
            self.take(message);
            // The engine's event may have brought it before the reply did.
            request_animation_frame(move || self.keep_end());
        }
    }

    /// Goes to the newest message.
    pub(super) fn jump(self) {
        if self.timeline.with_untracked(|t| t.more_after) {
            self.open(Anchor::Latest);
        } else if let Some(scroller) = self.scroller() {
            self.follows.set(true);
            scroller.jump_to_end();
            self.look();
        }
    }

    /// Puts the end in sight, if the list follows it.
    fn keep_end(self) {
        if let Some(scroller) = self.scroller()
            && self.follows.try_get_untracked() == Some(true)
        {
            scroller.jump_to_end();
        }
    }

    /// The list or the page around it has a new size.
    pub(super) fn resized(self) {
        if let Some(scroller) = self.scroller() {
            let _ = self.size.try_set_value(scroller.size());
            self.keep_end();
            self.settle();
        }
    }

    /// The reader has moved, or the list has: decides whether the end is followed from now on.
    pub(super) fn settle(self) {
        let after = self.timeline.try_with_untracked(|t| t.more_after);
        if let (Some(scroller), Some(after)) = (self.scroller(), after) {
            if self.size.get_value() != scroller.size() {
                // Not the reader's doing; `resized` follows in this frame.
                return;
            }
            let follows = scroller.at_end() && !after;
            if self.follows.get_untracked() != follows {
                self.follows.set(follows);
            }
        }
        self.look();
    }

    /// Looks at what is seen: fetches ahead, marks as read.
    pub(super) fn look(self) {
        let Some(scroller) = self.scroller() else {
            return;
        };
        let Some((before, after)) = self
            .timeline
            .try_with_untracked(|t| (t.more_before, t.more_after))
        else {
            return;
        };
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
        let window = self.window.get_value();
        spawn_local(async move {
            let anchor = if older {
                Anchor::Before(place)
            } else {
                Anchor::After(place)
            };
            let page = self.fetch(anchor, PAGE).await;
            if !self.arrives(window) {
                return;
            }
            if let Some(page) = page {
                self.keeping_place(|timeline| {
                    if older {
                        timeline.prepend(page);
                    } else {
                        timeline.append(page);
                    }
                });
                request_animation_frame(move || self.settle());
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
            .and_then(|id| self.row(shown_in(&id)?))
            .map(|row| row.with_untracked(|row| row.message.sent_at));
        let (marked, by_hand) = (self.marked.get_value(), self.unmarks.get_value());
        // A mark goes though nothing new is seen, and though there is nothing to see.
        let seen = seen.unwrap_or_default();
        // What the engine takes for read, which may be less than it was told: an own message may have a wrong clock's time.
        let read = || {
            let known = self.state.conversations.get_untracked(self.id);
            known.map_or(0, |known| known.read_up_to)
        };
        if (seen != marked && seen > read()) || (by_hand && self.opened.get_untracked()) {
            let up_to = seen.max(read());
            self.marked.set_value(seen);
            self.unmarks.set_value(false);
            self.state.command(Command::MarkRead {
                conversation: self.id,
                up_to,
            });
        }
    }

    /// Lays the list out, and gives each message's signal its present content.
    pub(super) fn layout(self) -> Vec<DayKeys> {
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
