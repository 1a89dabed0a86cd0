//! Search: in names at once, in messages by an index of their texts in memory.
//!
//! The store stays sealed: texts are unsealed into the index when somebody begins to search, kept up to date by what the
//! engine tells its front ends, and wiped when nobody has searched for a while.

mod command;
mod fill;
mod fold;
mod index;
mod query;

use std::cell::{Cell, RefCell};
use std::ops::Range;

use crate::api::{Event, MessageKind};
use crate::driver::{Signal, TaskGuard};
use crate::ports::StoreError;
use fill::Part;
use index::{Index, MAX_BYTES};
use query::Query;

/// Where the words of a query occur in a text, in bytes on character boundaries, in order and without overlaps. Case and
/// accents do not count. For showing hits as the engine finds them.
pub fn hits(text: &str, query: &str) -> Vec<Range<usize>> {
    Query::new(query).hits(text)
}

/// Whether a name fits a query, as the engine decides it: for names that only a front end knows.
pub fn fits_name(name: &str, query: &str) -> bool {
    Query::new(query).rank(name).is_some()
}

/// The engine's part of the search.
pub(crate) struct Search {
    index: RefCell<Index>,
    phase: Cell<Phase>,
    /// Fills the index while it is in use.
    task: RefCell<Option<TaskGuard>>,
    /// What is still to be read, last first.
    parts: RefCell<Vec<Part>>,
    /// Something was added to `parts`, or the index is complete.
    moved: Signal,
    /// When somebody last searched, on the monotonic clock, milliseconds.
    used_at: Cell<u64>,
    /// Why the index could not be filled.
    failure: RefCell<Option<StoreError>>,
}

/// How far the index is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Empty, and nothing is added.
    Unused,
    /// Being filled; changes are added too.
    Filling,
    /// It holds everything, unless it is full.
    Complete,
}

impl Default for Search {
    fn default() -> Self {
        Self {
            index: RefCell::new(Index::new(MAX_BYTES)),
            phase: Cell::new(Phase::Unused),
            task: RefCell::default(),
            parts: RefCell::default(),
            moved: Signal::default(),
            used_at: Cell::new(0),
            failure: RefCell::default(),
        }
    }
}

impl Search {
    /// Follows what changes in the store; called with every event after its commit.
    pub(crate) fn hear(&self, event: &Event) {
        if self.phase.get() == Phase::Unused {
            return;
        }
        let mut index = self.index.borrow_mut();
        match event {
            Event::Message(message) => {
                let text = match message.kind {
                    MessageKind::Text => message.body.as_str(),
                    MessageKind::Deleted | MessageKind::Notice(_) => "",
                };
                index.put(&message.conversation, message.position(), text);
            }
            Event::MessageRemoved { id, .. } => index.remove(*id),
            Event::MessagesCleared { conversation } => {
                index.remove_conversation(conversation);
                // Newer messages may have stayed.
                self.parts.borrow_mut().push(Part::whole(*conversation));
                self.moved.notify();
            }
            Event::ConversationRemoved(conversation) => index.remove_conversation(conversation),
            Event::LoggedOut => {
                drop(index);
                self.clear();
            }
            _ => {}
        }
    }

    /// Wipes everything.
    fn clear(&self) {
        self.index.replace(Index::new(MAX_BYTES));
        self.parts.borrow_mut().clear();
        self.phase.set(Phase::Unused);
        self.task.take();
    }
}
