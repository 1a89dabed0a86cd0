//! What the messages of the swarm come to, as far as this device has them, without the edits made here that are in none.
//!
//! The merge of the reference library (`spec/04-configs.md §6`) weighs this device's message with its edits against the
//! others'. What it comes to may have less than both: a diff that empties a set takes all of it, whatever others put in;
//! a message that is five or more behind is dropped, even when this device's own number ran ahead only because pushes
//! failed; a message that says of all data that it is new outranks what was changed at the same time. So the messages of
//! others are merged among themselves as well, and what that comes to is what every field must show that was not edited
//! here.

mod dump;

use super::diff::Diff;
use super::merge::{Merged, Outcome, merge};
use super::message::{Draft, Frozen, Hash};
use super::tree::Dict;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(super) use dump::StoredPublished;

/// What names a message among the others: its sequence number and its hash.
pub(super) type Name = (i64, Hash);

/// Most names of own messages that are remembered. A message names what was changed in the last few only.
const MAX_OWN: usize = 16;

/// See the module's description.
#[derive(Clone)]
pub(super) struct Published {
    pub(super) message: Arc<Frozen>,
    /// Of a message that a merge made here: what was edited besides. Its own diff may say that everything was.
    pub(super) claim: Option<Arc<Diff>>,
    /// A merge made the message here, and nobody stored it.
    pub(super) made_here: bool,
    /// Own messages, stored or not, whose diffs may stand in what others store.
    pub(super) own: Vec<Name>,
}

/// What received messages and the published one come to.
pub(super) struct Meeting {
    /// Where the message is that has all of it: at this place among those received, or nowhere else.
    pub(super) place: Place,
    /// The message that has all of it.
    pub(super) message: Arc<Frozen>,
    /// Of a message that this merge made, its data, where nobody's claim to have changed everything was heard.
    unclaimed: Option<Dict>,
}

/// See [`Meeting::place`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It is the published one, as before.
    Unchanged,
    /// One of those received.
    Received(usize),
    /// Made by this merge.
    Made,
}

impl Published {
    /// A message as it was received, or stored with no more than its diff says.
    pub(super) fn new(message: Arc<Frozen>) -> Self {
        Self {
            message,
            claim: None,
            made_here: false,
            own: Vec::new(),
        }
    }

    pub(super) fn name(&self) -> Name {
        (self.message.seqno, self.message.hash)
    }

    /// Remembers a message of this device.
    pub(super) fn note_own(&mut self, name: Name) {
        if !self.own.contains(&name) {
            self.own.push(name);
        }
        let excess = self.own.len().saturating_sub(MAX_OWN);
        self.own.drain(..excess);
    }

    /// Names of messages whose changes this device knew before a merge, besides those of its current message.
    pub(super) fn known(&self) -> BTreeSet<Name> {
        let rows = self.message.lagged.iter().map(|row| (row.seqno, row.hash));
        rows.chain([self.name()])
            .chain(self.own.iter().copied())
            .collect()
    }

    /// It with the diff that it claims.
    fn claimed(&self) -> Option<Frozen> {
        self.claim.as_ref().map(|claim| {
            let mut message = (*self.message).clone();
            message.diff = Arc::clone(claim);
            message
        })
    }

    /// Merges received messages with the published one. `None` when there are none.
    pub(super) fn meet(&self, received: &[Arc<Frozen>]) -> Option<Meeting> {
        // Nobody heard the claims of a message that was never stored.
        let mine = if self.made_here { self.claimed() } else { None };
        let mine = (self.message.seqno != 0).then(|| mine.as_ref().unwrap_or(&self.message));
        let merged = match merge(&together(mine, received), false)? {
            Outcome::One(place) => {
                let place = place.checked_sub(usize::from(mine.is_some()));
                let found = place.and_then(|place| Some((place, received.get(place)?)));
                return Some(Meeting {
                    place: found.map_or(Place::Unchanged, |(place, _)| Place::Received(place)),
                    message: Arc::clone(found.map_or(&self.message, |(_, message)| message)),
                    unclaimed: None,
                });
            }
            Outcome::Merged(merged) => merged,
        };
        let claimed = if self.made_here { None } else { self.claimed() };
        let unclaimed = claimed.and_then(|mine| match merge(&together(Some(&mine), received), false)? {
            Outcome::Merged(merged) => Some(merged.data),
            Outcome::One(_) => None,
        });
        Some(Meeting {
            place: Place::Made,
            message: Arc::new(from_nothing(merged).freeze(None)),
            unclaimed,
        })
    }

    /// Takes up what a meeting came to.
    pub(super) fn become_met(&mut self, met: &Meeting) {
        match met.place {
            Place::Unchanged => return,
            Place::Received(_) => {
                self.claim = None;
                self.made_here = false;
            }
            Place::Made => {
                self.claim = Some(Arc::default());
                self.made_here = true;
            }
        }
        self.message = Arc::clone(&met.message);
    }

    /// A stored message shows all that the others' come to, and stands for them. What merges made here and nobody stored
    /// would run ahead of the others with each conflict that they resolve, until theirs counted as too old.
    pub(super) fn become_stored(&mut self, message: &Arc<Frozen>) {
        if self.message.hash != message.hash {
            *self = Self {
                own: std::mem::take(&mut self.own),
                ..Self::new(Arc::clone(message))
            };
        }
    }
}

impl Meeting {
    /// As the merge of the reference library says it: `None` when nothing changes.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        match self.place {
            Place::Unchanged => None,
            Place::Received(place) => Some(Outcome::One(place)),
            Place::Made => Some(Outcome::Merged(Merged {
                seqno: self.message.seqno,
                data: self.message.data.clone(),
                lagged: self.message.lagged.clone(),
            })),
        }
    }

    /// The data that it comes to.
    pub(super) fn data(&self) -> &Dict {
        self.unclaimed.as_ref().unwrap_or(&self.message.data)
    }
}

/// The messages of a merge: this device's, which goes first, and those received.
pub(super) fn together<'a>(mine: Option<&'a Frozen>, received: &'a [Arc<Frozen>]) -> Vec<&'a Frozen> {
    let others = received.iter().map(|message| &**message);
    mine.into_iter().chain(others).collect()
}

/// What other clients that have no edits make of a conflict: a message that says of all data that it is new
/// (spec/04 §6.1).
pub(super) fn from_nothing(merged: Merged) -> Draft {
    Draft {
        seqno: merged.seqno,
        base: Dict::new(),
        merged: Some(merged.data.clone()),
        data: merged.data,
        unknown: BTreeMap::new(),
        lagged: merged.lagged,
    }
}
