//! What changed between two data trees, and how it is replayed onto a third (spec/04-configs.md §4).
//!
//! A diff names what changed; the values stand in the data of the message that carries it.

use super::tree::{Budget, Dict, MAX_DEPTH, Set, Tree, TreeError, read_set, write_set};
use crate::bt::{BtError, Reader, Token, write_bytes};
use std::collections::BTreeMap;

/// Marks a scalar that was added or changed.
const CHANGED: &[u8] = b"";
/// Marks a scalar that was removed.
const REMOVED: &[u8] = b"-";

/// Changes by key.
pub(super) type Diff = BTreeMap<Vec<u8>, Change>;

/// A change of one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// A scalar was added or has another value.
    Changed,
    /// A scalar was removed.
    Removed,
    /// Something inside a dict changed.
    Dict(Diff),
    /// Elements of a set came and went.
    Set {
        /// New elements.
        added: Set,
        /// Elements that are gone.
        removed: Set,
    },
}

/// Why bytes are no diff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DiffError {
    /// The bencoding, the depth, the number of values or the order of a set is wrong.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A value is neither of the two marks, nor a dict, nor a list of two lists.
    #[error("unknown change")]
    Unknown,
}

impl From<BtError> for DiffError {
    fn from(error: BtError) -> Self {
        Self::Tree(error.into())
    }
}

/// What turns `old` into `new`, both pruned.
pub(super) fn diff(old: &Dict, new: &Dict) -> Diff {
    let gone = old
        .iter()
        .filter(|(key, _)| !new.contains_key(*key))
        .map(|(key, value)| (key, all_removed(value)));
    let others = new.iter().filter_map(|(key, value)| {
        let change = match (old.get(key), value) {
            (Some(Tree::Scalar(old)), Tree::Scalar(new)) => (old != new).then_some(Change::Changed),
            (Some(Tree::Dict(old)), Tree::Dict(new)) => {
                let inner = diff(old, new);
                (!inner.is_empty()).then_some(Change::Dict(inner))
            }
            (Some(Tree::Set(old)), Tree::Set(new)) => {
                let added: Set = new.difference(old).cloned().collect();
                let removed: Set = old.difference(new).cloned().collect();
                (!added.is_empty() || !removed.is_empty()).then_some(Change::Set { added, removed })
            }
            _ => Some(all_added(value)),
        }?;
        Some((key, change))
    });
    gone.chain(others)
        .map(|(key, change)| (key.clone(), change))
        .collect()
}

/// Whether anything is removed in it.
pub(super) fn removes(diff: &Diff) -> bool {
    diff.values().any(|change| match change {
        Change::Changed => false,
        Change::Removed => true,
        Change::Dict(inner) => removes(inner),
        Change::Set { removed, .. } => !removed.is_empty(),
    })
}

fn all_added(value: &Tree) -> Change {
    match value {
        Tree::Scalar(_) => Change::Changed,
        Tree::Dict(dict) => Change::Dict(diff(&Dict::new(), dict)),
        Tree::Set(set) => Change::Set {
            added: set.clone(),
            removed: Set::new(),
        },
    }
}

fn all_removed(value: &Tree) -> Change {
    match value {
        Tree::Scalar(_) => Change::Removed,
        Tree::Dict(dict) => Change::Dict(diff(dict, &Dict::new())),
        Tree::Set(set) => Change::Set {
            added: Set::new(),
            removed: set.clone(),
        },
    }
}

/// Replays a diff onto `data`; `source` is the data of the message that carried it. May leave empty containers.
pub(super) fn apply(data: &mut Dict, diff: &Diff, source: &Dict) {
    for (key, change) in diff {
        match (change, source.get(key)) {
            (Change::Changed, Some(value @ Tree::Scalar(_))) => {
                data.insert(key.clone(), value.clone());
            }
            (Change::Dict(inner), Some(Tree::Dict(source))) => {
                let slot = data.entry(key.clone()).or_insert_with(|| Tree::Dict(Dict::new()));
                if slot.as_dict().is_none() {
                    *slot = Tree::Dict(Dict::new());
                }
                if let Tree::Dict(data) = slot {
                    apply(data, inner, source);
                }
            }
            (Change::Set { added, removed }, Some(Tree::Set(_))) => {
                let slot = data.entry(key.clone()).or_insert_with(|| Tree::Set(Set::new()));
                if slot.as_set().is_none() {
                    *slot = Tree::Set(Set::new());
                }
                if let Tree::Set(set) = slot {
                    set.extend(added.iter().cloned());
                    set.retain(|element| !removed.contains(element));
                }
            }
            // Removed, or the source has nothing of this kind there (any more).
            _ => {
                data.remove(key);
            }
        }
    }
}

/// Appends a diff.
pub(super) fn write(out: &mut Vec<u8>, diff: &Diff) {
    out.push(b'd');
    for (key, change) in diff {
        write_bytes(out, key);
        match change {
            Change::Changed => write_bytes(out, CHANGED),
            Change::Removed => write_bytes(out, REMOVED),
            Change::Dict(inner) => write(out, inner),
            Change::Set { added, removed } => {
                out.push(b'l');
                write_set(out, added);
                write_set(out, removed);
                out.push(b'e');
            }
        }
    }
    out.push(b'e');
}

/// Reads the entries of a diff whose start was read.
pub(super) fn read(reader: &mut Reader<'_>, depth: usize, budget: &mut Budget) -> Result<Diff, DiffError> {
    if depth >= MAX_DEPTH {
        return Err(TreeError::TooDeep.into());
    }
    let mut diff = Diff::new();
    let mut last = None;
    while let Some(key) = reader.key(&mut last)? {
        budget.spend()?;
        let change = match reader.token()? {
            Token::Bytes(CHANGED) => Change::Changed,
            Token::Bytes(REMOVED) => Change::Removed,
            Token::Dict => Change::Dict(read(reader, depth + 1, budget)?),
            Token::List => {
                let added = read_list(reader, budget)?;
                let removed = read_list(reader, budget)?;
                if reader.token()? != Token::End {
                    return Err(DiffError::Unknown);
                }
                Change::Set { added, removed }
            }
            _ => return Err(DiffError::Unknown),
        };
        diff.insert(key.to_vec(), change);
    }
    Ok(diff)
}

fn read_list(reader: &mut Reader<'_>, budget: &mut Budget) -> Result<Set, DiffError> {
    match reader.token()? {
        Token::List => Ok(read_set(reader, budget)?),
        _ => Err(DiffError::Unknown),
    }
}
