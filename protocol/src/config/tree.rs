//! The data of a config: a tree of dicts, sets and scalars, and its encoding (spec/04-configs.md §1, §2).
//!
//! Records are edited in place in this tree and never rebuilt from typed values, so that what a newer client wrote stays.
//! Strings may be keys, so every one of them is wiped on drop and printed as its length.

use crate::bt::{BtError, Reader, Token, write_bytes, write_int};
use std::collections::{BTreeMap, BTreeSet};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Deepest nesting of dicts that is read; the documents of today nest four levels.
pub const MAX_DEPTH: usize = 24;

/// Most values of one message that are read, which bounds the memory a small message can take.
pub const MAX_NODES: usize = 500_000;

/// Most bytes that an integer, or the length before a string, takes.
pub(super) const NUMBER: usize = 24;

/// A map in byte order of its keys.
pub type Dict = BTreeMap<Vec<u8>, Tree>;

/// An ordered set of scalars: all integers before all strings.
pub type Set = BTreeSet<Scalar>;

/// A byte string that is wiped on drop. Its `Debug` form tells its length.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Zeroize, ZeroizeOnDrop)]
pub struct Blob(Vec<u8>);

impl Blob {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl core::fmt::Debug for Blob {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// A leaf.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scalar {
    /// An integer.
    Int(i64),
    /// A byte string.
    Bytes(Blob),
}

/// A value in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tree {
    /// A leaf.
    Scalar(Scalar),
    /// A set of leaves.
    Set(Set),
    /// A map.
    Dict(Dict),
}

impl From<i64> for Scalar {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<&[u8]> for Scalar {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(Blob(bytes.to_vec()))
    }
}

impl From<i64> for Tree {
    fn from(number: i64) -> Self {
        Self::Scalar(Scalar::Int(number))
    }
}

impl From<&[u8]> for Tree {
    fn from(bytes: &[u8]) -> Self {
        Self::Scalar(bytes.into())
    }
}

impl From<&str> for Tree {
    fn from(text: &str) -> Self {
        text.as_bytes().into()
    }
}

impl Tree {
    /// The integer, if this is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Scalar(Scalar::Int(number)) => Some(*number),
            _ => None,
        }
    }

    /// The bytes, if this is a string.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Scalar(Scalar::Bytes(bytes)) => Some(bytes.as_bytes()),
            _ => None,
        }
    }

    /// The elements, if this is a set.
    pub fn as_set(&self) -> Option<&Set> {
        match self {
            Self::Set(set) => Some(set),
            _ => None,
        }
    }

    /// The entries, if this is a dict.
    pub fn as_dict(&self) -> Option<&Dict> {
        match self {
            Self::Dict(dict) => Some(dict),
            _ => None,
        }
    }

    /// Whether it is a dict or set without anything in it.
    fn is_empty(&self) -> bool {
        match self {
            Self::Scalar(_) => false,
            Self::Set(set) => set.is_empty(),
            Self::Dict(dict) => dict.is_empty(),
        }
    }

    /// Removes what is empty inside; whether anything is left.
    pub(super) fn prune(&mut self) -> bool {
        match self {
            Self::Scalar(_) => true,
            Self::Set(set) => !set.is_empty(),
            Self::Dict(dict) => {
                prune(dict);
                !dict.is_empty()
            }
        }
    }
}

/// Removes sets and dicts that are empty or become so (spec/04 §2).
pub(super) fn prune(dict: &mut Dict) {
    dict.retain(|_, value| value.prune());
}

/// The value at a path of keys.
pub(super) fn get<'a>(dict: &'a Dict, path: &[&[u8]]) -> Option<&'a Tree> {
    let (last, parents) = path.split_last()?;
    let mut dict = dict;
    for key in parents {
        dict = dict.get(*key)?.as_dict()?;
    }
    dict.get(*last)
}

/// Writes a value, making the dicts on the way and replacing what is no dict there.
pub(super) fn set(dict: &mut Dict, path: &[&[u8]], value: Tree) {
    match path {
        [] => {}
        [key] => {
            dict.insert(key.to_vec(), value);
        }
        [key, rest @ ..] => {
            let child = dict
                .entry(key.to_vec())
                .or_insert_with(|| Tree::Dict(Dict::new()));
            if child.as_dict().is_none() {
                *child = Tree::Dict(Dict::new());
            }
            if let Tree::Dict(child) = child {
                set(child, rest, value);
            }
        }
    }
}

/// Removes a value, and the dicts on the way that become empty.
pub(super) fn remove(dict: &mut Dict, path: &[&[u8]]) {
    match path {
        [] => {}
        [key] => {
            dict.remove(*key);
        }
        [key, rest @ ..] => {
            if let Some(Tree::Dict(child)) = dict.get_mut(*key) {
                remove(child, rest);
                if child.is_empty() {
                    dict.remove(*key);
                }
            }
        }
    }
}

/// At most how many bytes a dict takes.
pub(super) fn size_bound(dict: &Dict) -> usize {
    let scalar = |scalar: &Scalar| match scalar {
        Scalar::Int(_) => NUMBER,
        Scalar::Bytes(bytes) => NUMBER + bytes.as_bytes().len(),
    };
    let entry = |(key, value): (&Vec<u8>, &Tree)| {
        let value = match value {
            Tree::Scalar(value) => scalar(value),
            Tree::Set(set) => set.iter().map(scalar).sum::<usize>() + 2,
            Tree::Dict(child) => size_bound(child),
        };
        NUMBER + key.len() + value
    };
    dict.iter().map(entry).sum::<usize>() + 2
}

/// Appends a dict.
pub(super) fn write_dict(out: &mut Vec<u8>, dict: &Dict) {
    out.push(b'd');
    for (key, value) in dict {
        write_bytes(out, key);
        match value {
            Tree::Scalar(scalar) => write_scalar(out, scalar),
            Tree::Set(set) => write_set(out, set),
            Tree::Dict(child) => write_dict(out, child),
        }
    }
    out.push(b'e');
}

/// Appends the elements of a set as a list.
pub(super) fn write_set(out: &mut Vec<u8>, set: &Set) {
    out.push(b'l');
    set.iter().for_each(|scalar| write_scalar(out, scalar));
    out.push(b'e');
}

/// Appends a scalar.
pub(super) fn write_scalar(out: &mut Vec<u8>, scalar: &Scalar) {
    match scalar {
        Scalar::Int(number) => write_int(out, (*number).into()),
        Scalar::Bytes(bytes) => write_bytes(out, bytes.as_bytes()),
    }
}

/// How many values may still be read.
pub(super) struct Budget(usize);

impl Budget {
    /// The budget of one message.
    pub(super) fn new() -> Self {
        Self(MAX_NODES)
    }

    /// The budget of what this program wrote itself: of a document that grew too large to be pushed, too.
    pub(super) fn own() -> Self {
        Self(usize::MAX)
    }

    /// Counts one value.
    pub(super) fn spend(&mut self) -> Result<(), TreeError> {
        self.0 = self.0.checked_sub(1).ok_or(TreeError::TooMany)?;
        Ok(())
    }
}

/// Why bytes are no data tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// The bencoding is broken.
    #[error(transparent)]
    Bt(#[from] BtError),
    /// Dicts are nested deeper than [`MAX_DEPTH`].
    #[error("nested too deeply")]
    TooDeep,
    /// There are more values than [`MAX_NODES`].
    #[error("too many values")]
    TooMany,
    /// A dict or set inside the tree is empty, which no writer leaves.
    #[error("empty container")]
    Empty,
    /// The elements of a set are not strictly ascending, or are no scalars.
    #[error("set out of order")]
    SetOrder,
    /// An integer does not fit 64 bits with a sign.
    #[error("integer out of range")]
    Range,
}

/// What becomes of an empty dict or set inside a tree.
#[derive(Clone, Copy)]
enum Empty {
    /// The tree is refused: no writer leaves any.
    Refused,
    /// It is as if it were not there.
    PassedOver,
}

/// Reads the entries of a dict whose start was read.
pub(super) fn read_dict(reader: &mut Reader<'_>, budget: &mut Budget) -> Result<Dict, TreeError> {
    read_entries(reader, 0, budget, Empty::Refused)
}

/// The same, without what is empty in it.
pub(super) fn read_pruned(reader: &mut Reader<'_>, budget: &mut Budget) -> Result<Dict, TreeError> {
    read_entries(reader, 0, budget, Empty::PassedOver)
}

fn read_entries(
    reader: &mut Reader<'_>,
    depth: usize,
    budget: &mut Budget,
    empty: Empty,
) -> Result<Dict, TreeError> {
    if depth >= MAX_DEPTH {
        return Err(TreeError::TooDeep);
    }
    let mut dict = Dict::new();
    let mut last = None;
    while let Some(key) = reader.key(&mut last)? {
        budget.spend()?;
        let value = match reader.token()? {
            Token::Dict => Tree::Dict(read_entries(reader, depth + 1, budget, empty)?),
            Token::List => Tree::Set(read_set(reader, budget)?),
            token => Tree::Scalar(scalar(token)?),
        };
        match (value.is_empty(), empty) {
            (true, Empty::Refused) => return Err(TreeError::Empty),
            (true, Empty::PassedOver) => {}
            (false, _) => {
                dict.insert(key.to_vec(), value);
            }
        }
    }
    Ok(dict)
}

/// Reads the elements of a set whose start was read.
pub(super) fn read_set(reader: &mut Reader<'_>, budget: &mut Budget) -> Result<Set, TreeError> {
    let mut set = Set::new();
    loop {
        let token = match reader.token()? {
            Token::End => return Ok(set),
            Token::List | Token::Dict => return Err(TreeError::SetOrder),
            token => token,
        };
        budget.spend()?;
        let element = scalar(token)?;
        if set.last().is_some_and(|last| *last >= element) {
            return Err(TreeError::SetOrder);
        }
        set.insert(element);
    }
}

fn scalar(token: Token<'_>) -> Result<Scalar, TreeError> {
    match token {
        Token::Int(number) => i64::try_from(number)
            .map(Scalar::Int)
            .map_err(|_| TreeError::Range),
        Token::Bytes(bytes) => Ok(bytes.into()),
        Token::List | Token::Dict | Token::End => Err(BtError::Unexpected.into()),
    }
}
