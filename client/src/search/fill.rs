//! Fills the index from the store, in short steps between which everything else goes on.

use std::rc::Rc;
use std::time::Duration;

use futures::future::{Either, select};
use futures::pin_mut;
use holdfast_protocol::account::Id;

use super::{Phase, Search};
use crate::api::{MessageId, MessageKind, Position};
use crate::core::Core;
use crate::driver::yield_now;
use crate::ports::{Collection, Scan, StoreError};
use crate::records::{MessageRecord, decode, keys};

/// Messages read at once: unsealing and folding them takes a few milliseconds in a browser.
const PAGE: usize = 200;
/// After so many milliseconds of reading, others get their turn.
const SLICE_MS: u64 = 8;
/// A pause that lets a browser's event loop turn.
const PAUSE: Duration = Duration::from_millis(1);
/// How long texts stay in memory at least after the last search, and up to twice as long.
const KEEP: Duration = Duration::from_secs(10 * 60);
/// The newest messages are read first: those of these last days of each conversation, then of these, then the rest.
const RECENT_DAYS: [u64; 2] = [30, 365];
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// A stretch of a conversation to be read, by sent time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    conversation: Id,
    /// Inclusive.
    from: Position,
    /// Exclusive.
    to: Position,
}

/// Before all messages sent at a time.
fn before(sent_at: u64) -> Position {
    Position {
        sent_at,
        id: MessageId(0),
    }
}

impl Part {
    /// All of a conversation.
    pub(super) fn whole(conversation: Id) -> Self {
        Self {
            conversation,
            from: before(0),
            to: before(u64::MAX),
        }
    }
}

impl Core {
    /// Begins to fill the index, if that has not begun.
    pub(super) fn fill_search(self: &Rc<Self>) {
        let search = &self.search;
        search.used_at.set(self.ports.clock.monotonic_ms());
        if search.phase.get() != Phase::Unused {
            return;
        }
        search.phase.set(Phase::Filling);
        *search.parts.borrow_mut() = self.search_parts();
        let task = self.spawner.spawn_scoped(self.clone().run_search());
        *search.task.borrow_mut() = Some(task);
    }

    /// Everything there is to read, what comes first last.
    fn search_parts(&self) -> Vec<Part> {
        let now = self.time.now();
        let mut newest: Vec<(u64, Id)> = {
            let state = self.state.borrow();
            let newest = |(id, record): (&Id, &crate::records::ConversationRecord)| {
                Some((record.newest.as_ref()?.position.sent_at, *id))
            };
            state.conversations.iter().filter_map(newest).collect()
        };
        newest.sort_unstable();
        let mut parts = Vec::new();
        let mut to = u64::MAX;
        for days in RECENT_DAYS.into_iter().map(Some).chain([None]) {
            let from = days.map_or(0, |days| now.saturating_sub(days * DAY_MS));
            let with_messages = newest.iter().rev().filter(|(sent_at, _)| *sent_at >= from);
            parts.extend(with_messages.map(|(_, conversation)| Part {
                conversation: *conversation,
                from: before(from),
                to: before(to),
            }));
            to = from;
        }
        parts.reverse();
        parts
    }

    /// Reads everything, then waits for more, until nobody has searched for a while.
    async fn run_search(self: Rc<Self>) {
        let search = &self.search;
        loop {
            let seen = search.moved.count();
            if let Err(error) = self.read_parts().await {
                search.clear();
                *search.failure.borrow_mut() = Some(error);
                search.moved.notify();
                return;
            }
            if search.phase.replace(Phase::Complete) == Phase::Filling {
                search.moved.notify();
                continue;
            }
            let idle_since = search.used_at.get();
            let more = search.moved.passed(seen);
            let sleep = self.sleep(KEEP);
            pin_mut!(more, sleep);
            if let Either::Right(_) = select(more, sleep).await
                && search.used_at.get() == idle_since
            {
                search.clear();
                return;
            }
        }
    }

    async fn read_parts(&self) -> Result<(), StoreError> {
        let mut slice = self.ports.clock.monotonic_ms();
        while let Some(mut part) = self.search.next_part() {
            while let Some(rest) = self.read_page(part).await? {
                part = rest;
                if self.search.index.borrow().is_full() {
                    self.search.parts.borrow_mut().clear();
                    return Ok(());
                }
                if self.ports.clock.monotonic_ms().saturating_sub(slice) < SLICE_MS {
                    yield_now().await;
                } else {
                    self.sleep(PAUSE).await;
                    slice = self.ports.clock.monotonic_ms();
                }
            }
        }
        Ok(())
    }

    /// Reads a page of a part and gives what is left of it.
    async fn read_page(&self, part: Part) -> Result<Option<Part>, StoreError> {
        let scan = Scan {
            collection: Collection::Messages,
            from: keys::message(&part.conversation, part.from),
            to: Some(keys::message(&part.conversation, part.to)),
            reverse: false,
            limit: PAGE,
        };
        // Nobody changes a message between its being read and its being added.
        let _turn = self.turn.lock().await;
        let page = self.ports.store.scan(scan).await?;
        let mut index = self.search.index.borrow_mut();
        for (key, value) in &page {
            let (conversation, position) = keys::read_message(key)?;
            let record: MessageRecord = decode(value)?;
            if record.kind == MessageKind::Text {
                index.put(&conversation, position, &record.body);
            }
        }
        let last = page.last().filter(|_| page.len() == PAGE);
        last.map(|(key, _)| {
            let (_, position) = keys::read_message(key)?;
            let from = Position {
                id: MessageId(position.id.0.saturating_add(1)),
                ..position
            };
            Ok(Part { from, ..part })
        })
        .transpose()
    }
}

impl Search {
    fn next_part(&self) -> Option<Part> {
        self.parts.borrow_mut().pop()
    }
}
