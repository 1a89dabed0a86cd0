//! The fields of a document, one by one: what stands in each, and what leads from one state of a document to another.

use super::super::diff::{self, Diff};
use super::super::tree::{self, Dict, Scalar, Set, Tree};

/// Stands for an element that a set has.
const PRESENT: Scalar = Scalar::Int(1);

/// What stands in a field: a scalar, or [`PRESENT`] for an element of a set; `None` for nothing.
pub(in crate::config) type Value = Option<Scalar>;

/// A leaf of the data: a scalar at a path of keys, or an element of the set there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::config) struct Field {
    pub(super) path: Vec<Vec<u8>>,
    pub(super) element: Option<Scalar>,
}

/// One field of two trees that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config) struct Change {
    pub(super) field: Field,
    pub(super) before: Value,
    pub(super) after: Value,
}

impl Field {
    fn path(&self) -> Vec<&[u8]> {
        self.path.iter().map(Vec::as_slice).collect()
    }

    pub(super) fn value(&self, data: &Dict) -> Value {
        match (tree::get(data, &self.path())?, &self.element) {
            (Tree::Scalar(scalar), None) => Some(scalar.clone()),
            (Tree::Set(set), Some(element)) => set.contains(element).then_some(PRESENT),
            _ => None,
        }
    }

    /// Whether a diff says that it changed, alone or with what is around it.
    pub(super) fn is_marked(&self, diff: &Diff) -> bool {
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
    pub(super) fn is_taken_by(&self, diff: &Diff) -> bool {
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
    pub(super) fn has_record(&self, data: &Dict) -> bool {
        match self.path.split_last() {
            Some((_, parents @ [_, ..])) => {
                let parents: Vec<&[u8]> = parents.iter().map(Vec::as_slice).collect();
                tree::get(data, &parents).is_some()
            }
            _ => true,
        }
    }

    /// The path of something of another kind that is in its place, or on the way there.
    pub(super) fn blocker(&self, data: &Dict) -> Option<&[Vec<u8>]> {
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
pub(in crate::config) fn changes(before: &Dict, after: &Dict) -> Vec<Change> {
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
pub(in crate::config) fn write<'a>(
    data: &mut Dict,
    changes: impl Iterator<Item = (&'a Field, &'a Value)> + Clone,
) {
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
pub(in crate::config) fn undone(data: &Dict, changes: &[Change]) -> Dict {
    let mut data = data.clone();
    write(
        &mut data,
        changes.iter().map(|change| (&change.field, &change.before)),
    );
    data
}
