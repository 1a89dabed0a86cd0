//! Edits made on this device that a merge must not take away (`spec/04-configs.md §6`).
//!
//! The merge of the reference library loses edits in two ways: whatever is five or more sequence numbers behind is
//! dropped unmerged, and a device without edits of its own that resolves a conflict writes all data as if it were new,
//! which outranks what another device changed at the same time. An edit is therefore kept beside the document, field by
//! field, from when it is made until [`GRACE_MS`] after the push that carried it was confirmed: by then every other
//! device has pulled it before it pushed anything of its own.
//!
//! After a merge each kept edit is looked for. Where the field shows what was there before the edit, nobody else decided
//! anything about it, and the edit is made again, on top of the merge and with a later sequence number. Where the field
//! shows something else, or where a message that was made with knowledge of the edit changed the field, somebody else
//! decided: theirs stays, and the edit is over. That is what "lost" means here: an edit has disappeared although no other
//! device wrote the same field. It hardly happens; `tests/lost.rs` counts how often it still does. Which of two devices wins
//! a field that both wrote is for the merge to say: the later sequence number, then the greater hash.
//!
//! Others learn what changed from the diffs of the last messages only. An edit that waited for so long that its own diff
//! is not among them any more goes into the diff of the message that is pushed.
//!
//! One case cannot be told apart: of a push that was stored but whose confirmation was lost in a crash, and which five or
//! more messages followed, one of which took the edit back. The edit is made again then.

mod dump;
mod field;

use super::diff::{self, Diff};
use super::message::{Frozen, Hash, LAG};
use super::tree::Dict;
use std::collections::{BTreeMap, BTreeSet};

pub(super) use dump::{changes_bound, dump_changes, load_changes};
pub(super) use field::{Change, Field, changes, undone};
use field::{Value, write};

/// How long after its push an edit is still looked for, ms. A device pulls before it pushes, so one that did not know of
/// the edit had asked the swarm before it was stored: what is later than that by more than requests take cannot be.
pub(super) const GRACE_MS: u64 = 10 * 60 * 1000;

/// Most values that are remembered of one field before its edit; of more, the oldest is forgotten.
const MAX_BEFORE: usize = 8;

/// A diff of fewer leaves is taken for an edit: a document has more.
const EVERYTHING: usize = 2;

/// An edit of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Edit {
    /// What the field had before, on this device: the last one and those of earlier edits that may not have arrived.
    before: Vec<Value>,
    after: Value,
    /// The first message that was handed to a push with it.
    carrier: Option<(i64, Hash)>,
    /// When the push was made that is known to have arrived, Unix ms.
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
                carrier: None,
                confirmed_ms: None,
                row: None,
            });
            let was = core::mem::replace(&mut edit.after, after);
            for value in [before, was] {
                if value != edit.after && !edit.before.contains(&value) {
                    edit.before.push(value);
                }
            }
            let excess = edit.before.len().saturating_sub(MAX_BEFORE);
            edit.before.drain(..excess);
            edit.carrier = None;
            edit.confirmed_ms = None;
            edit.row = row;
        }
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
    pub(super) fn carried(&mut self, by: (i64, Hash)) {
        for edit in self.0.values_mut() {
            edit.carrier.get_or_insert(by);
        }
    }

    /// The message with all of them has arrived.
    pub(super) fn confirmed(&mut self, pushed_ms: u64) {
        for edit in self.0.values_mut() {
            edit.confirmed_ms.get_or_insert(pushed_ms);
        }
    }

    /// All but these have arrived.
    pub(super) fn confirmed_except(&mut self, now_ms: u64, others: &[Field]) {
        let others: BTreeSet<&Field> = others.iter().collect();
        for (field, edit) in &mut self.0 {
            if !others.contains(field) {
                edit.confirmed_ms.get_or_insert(now_ms);
            }
        }
    }

    /// Lets go of what is safe. A clock that was set back does not keep edits for ever.
    pub(super) fn settle(&mut self, now_ms: u64) {
        self.0
            .retain(|_, edit| edit.confirmed_ms.is_none_or(|at| now_ms.abs_diff(at) < GRACE_MS));
    }

    /// Fields in records from which somebody removed something without knowing of the edit. Where the merge then has
    /// nothing of the record, they removed it, and a part of it must not come back.
    pub(super) fn taken(&self, messages: &[&Frozen], local: &Frozen) -> BTreeSet<Field> {
        let known: BTreeSet<(i64, Hash)> = local.lagged.iter().map(|row| (row.seqno, row.hash)).collect();
        let is_new = |name: (i64, Hash)| name != (local.seqno, local.hash) && !known.contains(&name);
        let mut news: BTreeMap<(i64, Hash), &Diff> = BTreeMap::new();
        for message in messages {
            news.insert((message.seqno, message.hash), &message.diff);
            for row in &message.lagged {
                news.insert((row.seqno, row.hash), &row.diff);
            }
        }
        news.retain(|name, diff| is_new(*name) && diff::removes(diff));
        let taken = self.0.iter().filter(|(field, edit)| {
            edit.after.is_some() && news.values().any(|diff| field.is_taken_by(diff))
        });
        taken.map(|(field, _)| field.clone()).collect()
    }

    /// Fields that somebody changed who knew of the edit: messages that follow the one that carried it, however far, have
    /// another value, and somebody's diff says so.
    pub(super) fn overruled(&self, messages: &[&Frozen]) -> BTreeSet<Field> {
        let mut ascending = messages.to_vec();
        ascending.sort_by_key(|message| message.seqno);
        let mut followers: BTreeMap<(i64, Hash), Vec<&Frozen>> = BTreeMap::new();
        for carrier in self.0.values().filter_map(|edit| edit.carrier) {
            followers.entry(carrier).or_insert_with(|| {
                // Rows name only what is older, so one pass finds everything.
                let mut known = BTreeSet::from([carrier]);
                let mut found = Vec::new();
                for message in &ascending {
                    if message
                        .lagged
                        .iter()
                        .any(|row| known.contains(&(row.seqno, row.hash)))
                    {
                        known.insert((message.seqno, message.hash));
                        found.push(*message);
                    }
                }
                found
            });
        }
        let overruled = self.0.iter().filter(|(field, edit)| {
            let Some(carrier) = edit.carrier else { return false };
            let mut knew = followers.get(&carrier).into_iter().flatten();
            knew.any(|message| {
                let arrived = edit.confirmed_ms.is_some();
                field.value(&message.data) != edit.after && was_changed(message, field, carrier, arrived)
            })
        });
        overruled.map(|(field, _)| field.clone()).collect()
    }

    /// Sorts out what a merge came to: edits that are in it stay, those that somebody else overruled go, and those that
    /// were lost are given back to be made again.
    pub(super) fn lost(
        &mut self,
        merged: &Dict,
        overruled: &BTreeSet<Field>,
        taken: &BTreeSet<Field>,
    ) -> Vec<Field> {
        // Own removals that are to be made again: what they remove is in nobody's way.
        let is_lost = |field: &Field, edit: &Edit| {
            let value = field.value(merged);
            value != edit.after && edit.before.contains(&value) && !overruled.contains(field)
        };
        let removed = self
            .0
            .iter()
            .filter(|(field, edit)| edit.after.is_none() && field.element.is_none() && is_lost(field, edit));
        let removed: BTreeSet<Vec<Vec<u8>>> = removed.map(|(field, _)| field.path.clone()).collect();
        let mut lost = Vec::new();
        self.0.retain(|field, edit| {
            if field.value(merged) == edit.after {
                return true;
            }
            let blocked = field.blocker(merged).is_some_and(|path| !removed.contains(path));
            let taken = taken.contains(field) && !field.has_record(merged);
            let own = is_lost(field, edit) && !blocked && !taken;
            if own {
                edit.carrier = None;
                edit.confirmed_ms = None;
                edit.row = None;
                lost.push(field.clone());
            }
            own
        });
        lost
    }

    /// Makes edits again.
    pub(super) fn redo(&self, data: &mut Dict, fields: &[Field]) {
        let edits = fields
            .iter()
            .filter_map(|field| Some((field, &self.0.get(field)?.after)));
        write(data, edits);
    }
}

/// Whether a field was changed on purpose between a message and one that follows it, as far as that one's diffs tell.
/// Where they do not reach back so far, that is taken for granted of an edit that is known to have arrived.
fn was_changed(message: &Frozen, field: &Field, carrier: (i64, Hash), arrived: bool) -> bool {
    if carrier.0 <= message.seqno - LAG {
        return arrived;
    }
    let own = ((message.seqno, message.hash), &*message.diff);
    let rows = message
        .lagged
        .iter()
        .map(|row| ((row.seqno, row.hash), &*row.diff));
    let mut since = rows.chain([own]).filter(|(name, diff)| {
        *name >= (carrier.0, Hash::default()) && *name != carrier && field.is_marked(diff)
    });
    since.any(|(_, diff)| !is_everything(diff, &message.data))
}

/// Whether a diff looks like one of those that say of all data that it is new (`spec/04-configs.md §6.1`): nothing was
/// removed, and most of the data is in it. The rest came by other messages.
fn is_everything(all: &Diff, data: &Dict) -> bool {
    let leaves = changes(&Dict::new(), data);
    let marked = leaves.iter().filter(|leaf| leaf.field.is_marked(all)).count();
    !diff::removes(all) && marked >= EVERYTHING && marked.saturating_mul(2) >= leaves.len()
}
