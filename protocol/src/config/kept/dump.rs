//! Kept edits in a document's dump: bencoded, bounded before they are written, and checked when they are read.

use super::super::dump::DumpError;
use super::super::message::{Hash, MAX_SEQNO};
use super::super::published::Name;
use super::super::tree::{MAX_DEPTH, NUMBER, Scalar, write_scalar};
use super::field::{Change, Field, Value};
use super::{Edit, Kept, MAX_BEFORE, MAX_CARRIERS};
use crate::bt::{Reader, Token, write_bytes, write_int};
use std::collections::BTreeMap;

// Keys of an entry, in their order.
const AFTER: &[u8] = b"a";
const BEFORE: &[u8] = b"b";
const CONFIRMED: &[u8] = b"c";
const ELEMENT: &[u8] = b"e";
const CARRIERS: &[u8] = b"m";
const PATH: &[u8] = b"p";
const ROW: &[u8] = b"r";

/// Most bytes that the keys and numbers of one entry take.
const HEAD: usize = 160;

/// Most bytes that a message's name takes.
const NAME: usize = 2 * NUMBER + size_of::<Hash>();

impl Kept {
    /// At most how many bytes they take in a dump.
    pub(in crate::config) fn size_bound(&self) -> usize {
        let edit = |(field, edit): (&Field, &Edit)| {
            let before: usize = edit.before.iter().map(value_bound).sum();
            let carriers = names_bound(&edit.carriers);
            HEAD + field.size_bound() + before + value_bound(&edit.after) + carriers
        };
        self.0.iter().map(edit).sum::<usize>() + 2
    }

    /// Appends them to a dump.
    pub(in crate::config) fn dump(&self, out: &mut Vec<u8>) {
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
            write_bytes(out, CARRIERS);
            write_names(out, &edit.carriers);
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
    pub(in crate::config) fn load(reader: &mut Reader<'_>) -> Result<Self, DumpError> {
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
                carriers: entry.carriers,
                confirmed_ms: entry.confirmed_ms,
                row: entry.row.map(|row| row.clamp(-MAX_SEQNO, MAX_SEQNO)),
            };
            kept.insert(entry.field, edit);
        }
        Ok(Self(kept))
    }
}

/// At most how many bytes changes take in a dump.
pub(in crate::config) fn changes_bound(changes: &[Change]) -> usize {
    let change = |change: &Change| {
        HEAD + change.field.size_bound() + value_bound(&change.before) + value_bound(&change.after)
    };
    changes.iter().map(change).sum::<usize>() + 2
}

/// Appends changes to a dump.
pub(in crate::config) fn dump_changes(out: &mut Vec<u8>, changes: &[Change]) {
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
pub(in crate::config) fn load_changes(reader: &mut Reader<'_>) -> Result<Vec<Change>, DumpError> {
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

/// At most how many bytes names take in a dump.
pub(in crate::config) fn names_bound(names: &[Name]) -> usize {
    names.len() * NAME + 2
}

/// Appends names of messages: numbers and hashes by turns.
pub(in crate::config) fn write_names(out: &mut Vec<u8>, names: &[Name]) {
    out.push(b'l');
    for (seqno, hash) in names {
        write_int(out, (*seqno).into());
        write_bytes(out, hash);
    }
    out.push(b'e');
}

/// Reads names of messages.
pub(in crate::config) fn read_names(reader: &mut Reader<'_>) -> Result<Vec<Name>, DumpError> {
    read_list(reader, |reader, token| {
        let seqno: i64 = number(token)?;
        let Token::Bytes(hash) = reader.token()? else {
            return Err(DumpError::Broken);
        };
        let hash = Hash::try_from(hash).map_err(|_| DumpError::Broken)?;
        Ok((seqno.clamp(-MAX_SEQNO, MAX_SEQNO), hash))
    })
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
    carriers: Vec<Name>,
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
    let (mut carriers, mut confirmed_ms, mut row) = (Vec::new(), None, None);
    let mut last = None;
    while let Some(key) = reader.key(&mut last)? {
        match key {
            AFTER => after = Some(read_value(reader)?),
            BEFORE => before = read_list(reader, read_next_value)?,
            CONFIRMED => confirmed_ms = Some(number(reader.token()?)?),
            ELEMENT => element = read_value(reader)?,
            CARRIERS => {
                carriers = read_names(reader)?;
                carriers.truncate(MAX_CARRIERS);
            }
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
        carriers,
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
