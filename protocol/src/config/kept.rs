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

use super::diff::{self, Diff};
use super::dump::DumpError;
use super::message::{Frozen, Hash, LAG, MAX_SEQNO};
use super::tree::{self, Dict, MAX_DEPTH, NUMBER, Scalar, Set, Tree, write_scalar};
use crate::bt::{Reader, Token, write_bytes, write_int};
use std::collections::{BTreeMap, BTreeSet};

/// How long after its push an edit is still looked for, ms. A device pulls before it pushes, so one that did not know of
/// the edit had asked the swarm before it was stored: what is later than that by more than requests take cannot be.
pub(super) const GRACE_MS: u64 = 10 * 60 * 1000;

/// Most values that are remembered of one field before its edit; of more, the oldest is forgotten.
const MAX_BEFORE: usize = 8;

/// A diff of fewer leaves is taken for an edit: a document has more.
const EVERYTHING: usize = 2;

/// Stands for an element that a set has.
const PRESENT: Scalar = Scalar::Int(1);

// In a dump.
const AFTER: &[u8] = b"a";
const BEFORE: &[u8] = b"b";
const CONFIRMED: &[u8] = b"c";
const ELEMENT: &[u8] = b"e";
const CARRIER_HASH: &[u8] = b"h";
const CARRIER: &[u8] = b"n";
const PATH: &[u8] = b"p";
const ROW: &[u8] = b"r";

/// Most bytes that the keys and numbers of one entry take.
const HEAD: usize = 200;

/// What stands in a field: a scalar, or [`PRESENT`] for an element of a set; `None` for nothing.
type Value = Option<Scalar>;

/// A leaf of the data: a scalar at a path of keys, or an element of the set there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Field {
    path: Vec<Vec<u8>>,
    element: Option<Scalar>,
}

/// One field of two trees that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    field: Field,
    before: Value,
    after: Value,
}

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

impl Field {
    fn path(&self) -> Vec<&[u8]> {
        self.path.iter().map(Vec::as_slice).collect()
    }

    fn value(&self, data: &Dict) -> Value {
        match (tree::get(data, &self.path())?, &self.element) {
            (Tree::Scalar(scalar), None) => Some(scalar.clone()),
            (Tree::Set(set), Some(element)) => set.contains(element).then_some(PRESENT),
            _ => None,
        }
    }

    /// Whether a diff says that it changed, alone or with what is around it.
    fn is_marked(&self, diff: &Diff) -> bool {
        let Some((last, parents)) = self.path.split_last() else {
            return false;
        };
        let mut diff = diff;
        for key in parents {
            match diff.get(key) {
                None => return false,
                Some(diff::Change::Dict(inner)) => diff = inner,
                Some(_) => return true,
            }
        }
        match (diff.get(last), &self.element) {
            (None, _) => false,
            (Some(diff::Change::Set { added, removed }), Some(element)) => {
                added.contains(element) || removed.contains(element)
            }
            (Some(_), _) => true,
        }
    }

    /// Whether a diff removes something from the dict that it is in, or puts something else in the place of that.
    fn is_taken_by(&self, diff: &Diff) -> bool {
        let Some((_, parents @ [_, ..])) = self.path.split_last() else {
            return false;
        };
        let mut diff = diff;
        for key in parents {
            match diff.get(key) {
                None => return false,
                Some(diff::Change::Dict(inner)) => diff = inner,
                Some(_) => return true,
            }
        }
        diff::removes(diff)
    }

    /// Whether there is anything in the dict that it is in.
    fn has_record(&self, data: &Dict) -> bool {
        match self.path.split_last() {
            Some((_, parents @ [_, ..])) => {
                let parents: Vec<&[u8]> = parents.iter().map(Vec::as_slice).collect();
                tree::get(data, &parents).is_some()
            }
            _ => true,
        }
    }

    /// The path of something of another kind that is in its place, or on the way there.
    fn blocker(&self, data: &Dict) -> Option<&[Vec<u8>]> {
        let (last, parents) = self.path.split_last()?;
        let mut data = data;
        for (at, key) in parents.iter().enumerate() {
            match data.get(key)? {
                Tree::Dict(inner) => data = inner,
                _ => return self.path.get(..=at),
            }
        }
        match (data.get(last)?, &self.element) {
            (Tree::Scalar(_), None) | (Tree::Set(_), Some(_)) => None,
            _ => Some(&self.path),
        }
    }

    /// Writes a value, in the place of whatever of another kind is there.
    fn write(&self, data: &mut Dict, value: Scalar) {
        let path = self.path();
        let value = match &self.element {
            None => Tree::Scalar(value),
            Some(element) => {
                let held = tree::get(data, &path).and_then(Tree::as_set);
                let mut set = held.cloned().unwrap_or_default();
                set.insert(element.clone());
                Tree::Set(set)
            }
        };
        tree::set(data, &path, value);
    }

    /// Removes its value and nothing else.
    fn clear(&self, data: &mut Dict) {
        if self.value(data).is_none() {
            return;
        }
        let path = self.path();
        let rest = self.element.as_ref().and_then(|element| {
            let mut set = tree::get(data, &path)?.as_set()?.clone();
            set.remove(element);
            (!set.is_empty()).then_some(set)
        });
        match rest {
            Some(set) => tree::set(data, &path, Tree::Set(set)),
            None => tree::remove(data, &path),
        }
    }
}

/// What leads from one tree to another.
pub(super) fn changes(before: &Dict, after: &Dict) -> Vec<Change> {
    let mut found = Vec::new();
    walk(&mut Vec::new(), Some(before), Some(after), &mut found);
    found
}

fn walk(path: &mut Vec<Vec<u8>>, before: Option<&Dict>, after: Option<&Dict>, found: &mut Vec<Change>) {
    let empty = Dict::new();
    let (before, after) = (before.unwrap_or(&empty), after.unwrap_or(&empty));
    let added = after.keys().filter(|key| !before.contains_key(*key));
    for key in before.keys().chain(added) {
        let (old, new) = (before.get(key), after.get(key));
        if old == new {
            continue;
        }
        path.push(key.clone());
        let scalar = |tree: Option<&Tree>| match tree {
            Some(Tree::Scalar(scalar)) => Some(scalar.clone()),
            _ => None,
        };
        let mut note = |element, before, after| {
            let path = path.clone();
            let field = Field { path, element };
            found.push(Change { field, before, after });
        };
        let (old_scalar, new_scalar) = (scalar(old), scalar(new));
        if old_scalar != new_scalar {
            note(None, old_scalar, new_scalar);
        }
        let none = Set::new();
        let set = |tree: Option<&'_ Tree>| tree.and_then(Tree::as_set).cloned();
        let (old_set, new_set) = (set(old), set(new));
        let (old_set, new_set) = (
            old_set.as_ref().unwrap_or(&none),
            new_set.as_ref().unwrap_or(&none),
        );
        for element in old_set.symmetric_difference(new_set) {
            let has = |set: &Set| set.contains(element).then_some(PRESENT);
            note(Some(element.clone()), has(old_set), has(new_set));
        }
        let (old, new) = (old.and_then(Tree::as_dict), new.and_then(Tree::as_dict));
        if old.is_some() || new.is_some() {
            walk(path, old, new, found);
        }
        path.pop();
    }
}

/// Makes changes in a tree: what goes first, because something else may take its place.
fn write<'a>(data: &mut Dict, changes: impl Iterator<Item = (&'a Field, &'a Value)> + Clone) {
    for (field, _) in changes.clone().filter(|(_, value)| value.is_none()) {
        field.clear(data);
    }
    for (field, value) in changes {
        if let Some(value) = value {
            field.write(data, value.clone());
        }
    }
}

/// A tree as it was before changes.
pub(super) fn undone(data: &Dict, changes: &[Change]) -> Dict {
    let mut data = data.clone();
    write(
        &mut data,
        changes.iter().map(|change| (&change.field, &change.before)),
    );
    data
}

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

    /// At most how many bytes they take in a dump.
    pub(super) fn size_bound(&self) -> usize {
        let edit = |(field, edit): (&Field, &Edit)| {
            let before: usize = edit.before.iter().map(value_bound).sum();
            HEAD + field.size_bound() + before + value_bound(&edit.after)
        };
        self.0.iter().map(edit).sum::<usize>() + 2
    }

    /// Appends them to a dump.
    pub(super) fn dump(&self, out: &mut Vec<u8>) {
        out.push(b'l');
        for (field, edit) in &self.0 {
            out.push(b'd');
            write_bytes(out, AFTER);
            write_value(out, &edit.after);
            write_bytes(out, BEFORE);
            out.push(b'l');
            edit.before.iter().for_each(|value| write_value(out, value));
            out.push(b'e');
            if let Some(at) = edit.confirmed_ms {
                write_bytes(out, CONFIRMED);
                write_int(out, at.into());
            }
            field.dump_element(out);
            if let Some((_, hash)) = &edit.carrier {
                write_bytes(out, CARRIER_HASH);
                write_bytes(out, hash);
            }
            if let Some((seqno, _)) = edit.carrier {
                write_bytes(out, CARRIER);
                write_int(out, seqno.into());
            }
            field.dump_path(out);
            if let Some(row) = edit.row {
                write_bytes(out, ROW);
                write_int(out, row.into());
            }
            out.push(b'e');
        }
        out.push(b'e');
    }

    /// Reads them from a dump.
    pub(super) fn load(reader: &mut Reader<'_>) -> Result<Self, DumpError> {
        let mut kept = BTreeMap::new();
        for entry in read_entries(reader)? {
            let mut before = Vec::new();
            for value in entry.before {
                if value != entry.after && !before.contains(&value) && before.len() < MAX_BEFORE {
                    before.push(value);
                }
            }
            let edit = Edit {
                before,
                after: entry.after,
                carrier: entry.seqno.zip(entry.hash),
                confirmed_ms: entry.confirmed_ms,
                row: entry.row.map(|row| row.clamp(-MAX_SEQNO, MAX_SEQNO)),
            };
            kept.insert(entry.field, edit);
        }
        Ok(Self(kept))
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

/// At most how many bytes changes take in a dump.
pub(super) fn changes_bound(changes: &[Change]) -> usize {
    let change = |change: &Change| {
        HEAD + change.field.size_bound() + value_bound(&change.before) + value_bound(&change.after)
    };
    changes.iter().map(change).sum::<usize>() + 2
}

/// Appends changes to a dump.
pub(super) fn dump_changes(out: &mut Vec<u8>, changes: &[Change]) {
    out.push(b'l');
    for Change { field, before, after } in changes {
        out.push(b'd');
        write_bytes(out, AFTER);
        write_value(out, after);
        write_bytes(out, BEFORE);
        out.push(b'l');
        write_value(out, before);
        out.push(b'e');
        field.dump_element(out);
        field.dump_path(out);
        out.push(b'e');
    }
    out.push(b'e');
}

/// Reads changes from a dump.
pub(super) fn load_changes(reader: &mut Reader<'_>) -> Result<Vec<Change>, DumpError> {
    let change = |entry: Entry| Change {
        field: entry.field,
        before: entry.before.into_iter().next().flatten(),
        after: entry.after,
    };
    Ok(read_entries(reader)?.into_iter().map(change).collect())
}

impl Field {
    fn size_bound(&self) -> usize {
        let path: usize = self.path.iter().map(|key| key.len() + NUMBER).sum();
        path + value_bound(&self.element)
    }

    fn dump_element(&self, out: &mut Vec<u8>) {
        if self.element.is_some() {
            write_bytes(out, ELEMENT);
            write_value(out, &self.element);
        }
    }

    fn dump_path(&self, out: &mut Vec<u8>) {
        write_bytes(out, PATH);
        out.push(b'l');
        self.path.iter().for_each(|key| write_bytes(out, key));
        out.push(b'e');
    }
}

fn value_bound(value: &Value) -> usize {
    match value {
        Some(Scalar::Bytes(bytes)) => NUMBER + bytes.as_bytes().len(),
        _ => NUMBER,
    }
}

/// A list of the value, or of nothing.
fn write_value(out: &mut Vec<u8>, value: &Value) {
    out.push(b'l');
    if let Some(value) = value {
        write_scalar(out, value);
    }
    out.push(b'e');
}

/// What one entry of either list holds.
struct Entry {
    field: Field,
    before: Vec<Value>,
    after: Value,
    seqno: Option<i64>,
    hash: Option<Hash>,
    confirmed_ms: Option<u64>,
    row: Option<i64>,
}

fn read_entries(reader: &mut Reader<'_>) -> Result<Vec<Entry>, DumpError> {
    if reader.token()? != Token::List {
        return Err(DumpError::Broken);
    }
    let mut entries = Vec::new();
    loop {
        match reader.token()? {
            Token::End => return Ok(entries),
            Token::Dict => entries.push(read_entry(reader)?),
            _ => return Err(DumpError::Broken),
        }
    }
}

fn read_entry(reader: &mut Reader<'_>) -> Result<Entry, DumpError> {
    let (mut path, mut element, mut after) = (Vec::new(), None, None);
    let mut before = Vec::new();
    let (mut seqno, mut hash, mut confirmed_ms, mut row) = (None, None, None, None);
    let mut last = None;
    while let Some(key) = reader.key(&mut last)? {
        match key {
            AFTER => after = Some(read_value(reader)?),
            BEFORE => before = read_list(reader, read_next_value)?,
            CONFIRMED => confirmed_ms = Some(number(reader.token()?)?),
            ELEMENT => element = read_value(reader)?,
            CARRIER_HASH => {
                let bytes = match reader.token()? {
                    Token::Bytes(bytes) => bytes,
                    _ => return Err(DumpError::Broken),
                };
                hash = Some(Hash::try_from(bytes).map_err(|_| DumpError::Broken)?);
            }
            CARRIER => seqno = Some(number(reader.token()?)?),
            ROW => row = Some(number(reader.token()?)?),
            PATH => {
                path = read_list(reader, |_, token| match token {
                    Token::Bytes(key) => Ok(key.to_vec()),
                    _ => Err(DumpError::Broken),
                })?;
            }
            _ => {
                reader.raw_value()?;
            }
        }
    }
    if path.is_empty() || path.len() > MAX_DEPTH {
        return Err(DumpError::Broken);
    }
    Ok(Entry {
        field: Field { path, element },
        before,
        after: after.ok_or(DumpError::Broken)?,
        seqno,
        hash,
        confirmed_ms,
        row,
    })
}

/// The elements of a list, each from its first token on.
fn read_list<T>(
    reader: &mut Reader<'_>,
    mut read: impl FnMut(&mut Reader<'_>, Token<'_>) -> Result<T, DumpError>,
) -> Result<Vec<T>, DumpError> {
    if reader.token()? != Token::List {
        return Err(DumpError::Broken);
    }
    let mut found = Vec::new();
    loop {
        match reader.token()? {
            Token::End => return Ok(found),
            token => found.push(read(reader, token)?),
        }
    }
}

fn read_value(reader: &mut Reader<'_>) -> Result<Value, DumpError> {
    let token = reader.token()?;
    read_next_value(reader, token)
}

fn read_next_value(reader: &mut Reader<'_>, token: Token<'_>) -> Result<Value, DumpError> {
    if token != Token::List {
        return Err(DumpError::Broken);
    }
    let value = match reader.token()? {
        Token::End => return Ok(None),
        Token::Bytes(bytes) => Scalar::from(bytes),
        token => Scalar::Int(number(token)?),
    };
    if reader.token()? == Token::End {
        Ok(Some(value))
    } else {
        Err(DumpError::Broken)
    }
}

fn number<N: TryFrom<i128>>(token: Token<'_>) -> Result<N, DumpError> {
    match token {
        Token::Int(number) => N::try_from(number).map_err(|_| DumpError::Broken),
        _ => Err(DumpError::Broken),
    }
}
