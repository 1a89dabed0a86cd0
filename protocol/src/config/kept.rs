//! Edits made on this device that a merge must not take away (`spec/04-configs.md §6`).
//!
//! The merge of the reference library loses edits: whatever is five or more sequence numbers behind is dropped unmerged; a
//! device without edits of its own that resolves a conflict writes all data as if it were new, which outranks what another
//! device changed at the same time; and whoever removes the last element of a set removes those that others put in. An edit
//! is therefore kept beside the document, field by field, from when it is made until [`GRACE_MS`] after it was seen in
//! the swarm: by then every other device has pulled it before it pushed anything of its own.
//!
//! At each merge, what others stored is merged without the edits made here as well ([`super::published`]), and every field
//! is then looked at. Where it was not edited here, it must show what the others' messages come to. Where it was, and what
//! they come to shows what was there before the edit, nobody else decided anything about it, and the edit holds. Where they
//! show something else, two wrote the field at the same time, and the merge of the reference library says who wins: the
//! later sequence number, then the greater hash. Where somebody changed the field who knew of the edit, the edit is over
//! ([`judge`]). If the merge of the reference library shows all that, it stands, to the byte. If not, the edits
//! are made again, as a message that goes on from the others'.
//!
//! An edit is *lost* when in the end the field shows neither it nor an edit of the same field that was made at the same
//! time, by a device that did not know of it, nor one that was made later with knowledge of it. In particular a
//! field shows an older value again, or nothing. A part of a record is not lost that somebody else removed as a whole at the same
//! time. `tests/lost.rs` looks for losses in thousands of random histories, and finds none as long as each device pulls all
//! there is before it pushes.
//!
//! Others learn what changed from the diffs of the last messages only. An edit that waited for so long that its own diff
//! is not among them any more goes into the diff of the message that is pushed.
//!
//! Two things cannot be told apart from what messages say, and then the edit is made again: a push that never arrived, and
//! one that was stored but whose confirmation was lost in a crash, and which five or more messages followed, one of which
//! took the edit back to the very value before. And what a device lost that pushed without pulling at the moment when another
//! did, comes back only when the other looks: if that never happens again, it stays lost.

mod dump;
mod field;
mod judge;

use super::message::LAG;
use super::published::Name;
use super::tree::Dict;
use std::collections::{BTreeMap, BTreeSet};

pub(super) use dump::{changes_bound, dump_changes, load_changes, names_bound, read_names, write_names};
use field::Value;
pub(super) use field::write;
pub(super) use field::{Change, Field, changes, undone};
pub(super) use judge::View;

/// How long after its push an edit is still looked for, ms. A device pulls before it pushes, so one that did not know of
/// the edit had asked the swarm before it was stored: what is later than that by more than requests take cannot be.
pub(super) const GRACE_MS: u64 = 10 * 60 * 1000;

/// Most values that are remembered of one field before its edit; of more, the oldest is forgotten.
const MAX_BEFORE: usize = 8;

/// Most messages that are remembered to have an edit; the oldest is forgotten.
const MAX_CARRIERS: usize = 8;

/// An edit of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Edit {
    /// What the field had before, on this device: the last one and those of earlier edits that may not have arrived.
    before: Vec<Value>,
    after: Value,
    /// Messages that have it: handed to a push, or received.
    carriers: Vec<Name>,
    /// When it was seen to be in the swarm, or the push was made that brought it there, Unix ms.
    confirmed_ms: Option<u64>,
    /// The last own message, pushed or not, whose diff has it.
    row: Option<i64>,
}

/// See the module's description.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Kept(BTreeMap<Field, Edit>);

impl Kept {
    /// Takes up what was edited, and stands in the diff of an own message of this sequence number.
    pub(super) fn add(&mut self, changes: Vec<Change>, row: Option<i64>) {
        for Change { field, before, after } in changes {
            let edit = self.0.entry(field).or_insert_with(|| Edit {
                before: Vec::new(),
                after: before.clone(),
                carriers: Vec::new(),
                confirmed_ms: None,
                row: None,
            });
            let was = core::mem::replace(&mut edit.after, after);
            if was != edit.after {
                edit.carriers.clear();
            }
            for value in [before, was] {
                if !edit.before.contains(&value) {
                    edit.before.push(value);
                }
            }
            edit.before.retain(|value| *value != edit.after);
            let excess = edit.before.len().saturating_sub(MAX_BEFORE);
            edit.before.drain(..excess);
            edit.confirmed_ms = None;
            edit.row = row;
        }
    }

    /// Takes up which of the edits were edited again, back to what the message has that they follow: nothing else shows it.
    pub(super) fn follow(&mut self, data: &Dict, row: Option<i64>) {
        let changed = self.0.iter().filter_map(|(field, edit)| {
            let value = field.value(data);
            (value != edit.after).then(|| Change {
                field: field.clone(),
                before: edit.after.clone(),
                after: value,
            })
        });
        self.add(changed.collect(), row);
    }

    /// What has not arrived, was not `edited` since, and stands in no diff that a message of this sequence number carries,
    /// as changes of its data.
    pub(super) fn uncovered(&self, seqno: i64, data: &Dict, edited: &[Change]) -> Vec<Change> {
        let edited: BTreeSet<&Field> = edited.iter().map(|change| &change.field).collect();
        let uncovered = self.0.iter().filter(|(field, edit)| {
            let covered = edit.row.is_some_and(|row| row > seqno - LAG);
            let open = edit.confirmed_ms.is_none() && !covered && !edited.contains(field);
            open && field.value(data) == edit.after
        });
        let change = |(field, edit): (&Field, &Edit)| {
            Some(Change {
                field: field.clone(),
                before: edit.before.last()?.clone(),
                after: edit.after.clone(),
            })
        };
        uncovered.filter_map(change).collect()
    }

    /// All of them are in a message that goes out.
    pub(super) fn carried(&mut self, by: Name) {
        self.0.values_mut().for_each(|edit| edit.carried(by));
    }

    /// The message with all of them has arrived.
    pub(super) fn confirmed(&mut self, pushed_ms: u64) {
        for edit in self.0.values_mut() {
            edit.confirmed_ms.get_or_insert(pushed_ms);
        }
    }

    /// What a published message has of them has arrived.
    pub(super) fn arrived(&mut self, by: Name, data: &Dict, now_ms: u64) {
        for (field, edit) in &mut self.0 {
            if field.value(data) == edit.after {
                edit.confirmed_ms.get_or_insert(now_ms);
                edit.carried(by);
            }
        }
    }

    /// Lets go of what is safe. A clock that was set back does not keep edits for ever.
    pub(super) fn settle(&mut self, now_ms: u64) {
        self.0
            .retain(|_, edit| edit.confirmed_ms.is_none_or(|at| now_ms.abs_diff(at) < GRACE_MS));
    }
}

impl Edit {
    fn carried(&mut self, by: Name) {
        if !self.carriers.contains(&by) {
            self.carriers.push(by);
        }
        let excess = self.carriers.len().saturating_sub(MAX_CARRIERS);
        self.carriers.drain(..excess);
    }
}
