//! Which kept edits hold against what others stored, and which are over.

use super::super::diff::{self, Diff};
use super::super::message::{Frozen, LAG};
use super::super::published::Name;
use super::super::tree::Dict;
use super::field::{Field, Value, changes};
use super::{Edit, GRACE_MS, Kept};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A diff of fewer leaves is taken for an edit: a document has more.
const EVERYTHING: usize = 2;

/// What a merge brought.
pub(in crate::config) struct View<'a> {
    /// What was received.
    pub(in crate::config) received: &'a [Arc<Frozen>],
    /// The message that all published ones come to.
    pub(in crate::config) found: &'a Frozen,
    /// The data that they come to.
    pub(in crate::config) data: &'a Dict,
    /// What the merge of the reference library comes to, with the edits made here.
    pub(in crate::config) merged: &'a Dict,
    /// Names of messages whose changes were known here before.
    pub(in crate::config) known: &'a BTreeSet<Name>,
    /// The sequence number of what was published before.
    pub(in crate::config) before: i64,
    /// Unix ms.
    pub(in crate::config) now_ms: u64,
}

impl<'a> View<'a> {
    fn messages(&self) -> impl Iterator<Item = &'a Frozen> {
        self.received.iter().map(|message| &**message).chain([self.found])
    }

    /// The changes that others made and that were not known before.
    fn news(&self) -> BTreeMap<Name, &'a Diff> {
        let mut news = BTreeMap::new();
        for message in self.messages() {
            news.insert((message.seqno, message.hash), &*message.diff);
            for row in &message.lagged {
                news.insert((row.seqno, row.hash), &*row.diff);
            }
        }
        news.retain(|name, _| !self.known.contains(name));
        news
    }

    /// Names of what was found and of all that leads to it, as far as the received messages tell.
    fn ancestry(&self) -> BTreeSet<Name> {
        let mut descending: Vec<&Frozen> = self.messages().collect();
        descending.sort_by_key(|message| std::cmp::Reverse(message.seqno));
        let mut names = BTreeSet::from([(self.found.seqno, self.found.hash)]);
        for message in descending {
            if names.contains(&(message.seqno, message.hash)) {
                names.extend(message.lagged.iter().map(|row| (row.seqno, row.hash)));
            }
        }
        names
    }

    /// Whether others stored so much since that nobody tells what was changed.
    fn is_far(&self) -> bool {
        self.before + LAG <= self.found.seqno
    }

    /// Whether a diff looks like one of those that say of all data that it is new (`spec/04-configs.md §6.1`): nothing
    /// was removed, most of the data is in it, and all the rest came by other messages.
    fn is_everything(&self, name: Name, all: &Diff, leaves: &[Field]) -> bool {
        if diff::removes(all) {
            return false;
        }
        let found = (self.found.seqno, self.found.hash);
        let rows = self.found.lagged.iter();
        let rows = rows.map(|row| ((row.seqno, row.hash), &*row.diff));
        let others: Vec<&Diff> = rows
            .chain([(found, &*self.found.diff)])
            .filter(|(other, _)| *other != name)
            .map(|(_, diff)| diff)
            .collect();
        let (marked, rest): (Vec<&Field>, Vec<&Field>) = leaves.iter().partition(|leaf| leaf.is_marked(all));
        marked.len() >= EVERYTHING
            && marked.len() >= rest.len()
            && rest
                .into_iter()
                .all(|leaf| others.iter().any(|diff| leaf.is_marked(diff)))
    }
}

impl Kept {
    /// Fields that somebody else decided about, with the edit before their eyes: what was stored goes on from a message
    /// that has the edit, another value stands there, and a diff says that somebody changed it. Of an edit that arrived, it
    /// is enough that somebody changed the field, and when so much was stored since that nobody tells what was
    /// changed, that others took over what else was edited here.
    pub(in crate::config) fn overruled(&self, view: &View<'_>) -> BTreeSet<Field> {
        let differs = |field: &Field, edit: &Edit| field.value(view.data) != edit.after;
        if !self.0.iter().any(|(field, edit)| differs(field, edit)) {
            return BTreeSet::new();
        }
        let news = view.news();
        let ancestry = view.ancestry();
        let leaves: Vec<Field> = changes(&Dict::new(), view.data)
            .into_iter()
            .map(|change| change.field)
            .collect();
        let edits: BTreeMap<Name, &Diff> = news
            .into_iter()
            .filter(|(name, diff)| !view.is_everything(*name, diff, &leaves))
            .collect();
        let arrived = |(field, edit): (&Field, &Edit)| edit.confirmed_ms.is_some() && !differs(field, edit);
        let is_far = view.is_far();
        let others_know = is_far && self.0.iter().any(arrived);
        let overruled = self.0.iter().filter(|(field, edit)| {
            if !differs(field, edit) {
                return false;
            }
            let changed = edits.values().any(|diff| field.is_marked(diff));
            let knew = || edit.carriers.iter().any(|carrier| ancestry.contains(carrier));
            match edit.confirmed_ms {
                Some(at) => changed || others_know || is_far && view.now_ms.abs_diff(at) >= GRACE_MS,
                None => changed && knew(),
            }
        });
        overruled.map(|(field, _)| field.clone()).collect()
    }

    /// Fields in records from which somebody removed something without knowing of the edit. Where there is nothing of the
    /// record then, they removed it, and a part of it must not come back.
    pub(in crate::config) fn taken(&self, view: &View<'_>) -> BTreeSet<Field> {
        let mut news = view.news();
        news.retain(|_, diff| diff::removes(diff));
        let taken = self.0.iter().filter(|(field, edit)| {
            edit.after.is_some() && news.values().any(|diff| field.is_taken_by(diff))
        });
        taken.map(|(field, _)| field.clone()).collect()
    }

    /// Sorts out what a merge came to: the fields that must show the edits made here, although what was published does
    /// not. What arrived stays, what is over goes.
    pub(in crate::config) fn decide(
        &mut self,
        view: &View<'_>,
        overruled: &BTreeSet<Field>,
        taken: &BTreeSet<Field>,
    ) -> Vec<(Field, Value)> {
        let is_open = |field: &Field, edit: &Edit| {
            let value = field.value(view.data);
            value != edit.after && edit.before.contains(&value) && !overruled.contains(field)
        };
        // Own removals that are to be made again: what they remove is in nobody's way.
        let removed = self
            .0
            .iter()
            .filter(|(field, edit)| edit.after.is_none() && field.element.is_none() && is_open(field, edit));
        let removed: BTreeSet<Vec<Vec<u8>>> = removed.map(|(field, _)| field.path.clone()).collect();
        let mut own = Vec::new();
        self.0.retain(|field, edit| {
            if field.value(view.data) == edit.after {
                return true;
            }
            let blocked = || {
                field
                    .blocker(view.data)
                    .is_some_and(|path| !removed.contains(path))
            };
            let taken = || taken.contains(field) && !field.has_record(view.data);
            // Who wins a field that two wrote at the same time is for the merge to say.
            let wins = edit.confirmed_ms.is_none()
                && !overruled.contains(field)
                && field.value(view.merged) == edit.after;
            let holds = wins || is_open(field, edit) && !blocked() && !taken();
            if holds {
                edit.confirmed_ms = None;
                own.push((field.clone(), edit.after.clone()));
            }
            holds
        });
        own
    }
}
