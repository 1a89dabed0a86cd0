//! What a device keeps of a config between runs (spec/04-configs.md §8): one bencoded dict, in the layout that the
//! reference library uses, with four keys more: a received frame, the edits that must not be lost, of a message in the
//! making, what was edited, and what the swarm has where that is something else. Dumps without them are of the reference
//! library or of earlier versions.

use super::kept::{self, Kept};
use super::message::{Draft, FormatError, Frozen};
use super::parts::{Held, Pending, WholeHash};
use super::published::StoredPublished;
use super::state::{Config, ConfigState, Current};
use super::tree::{Budget, NUMBER, TreeError, read_pruned, size_bound, write_dict};
use super::{ConfigKind, zstd};
use crate::account::Account;
use crate::bt::{BtError, Reader, Token, write_bytes, write_int};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use zeroize::Zeroizing;

const STATE: &[u8] = b"!";
const MESSAGE: &[u8] = b"$";
const HASHES: &[u8] = b"(";
const OLD: &[u8] = b")";
const PARTS: &[u8] = b"*";
const ARCHIVE: &[u8] = b"+";
const PACKED: &[u8] = b",";
const KEPT: &[u8] = b"-";
const DRAFT: &[u8] = b".";
const PUBLISHED: &[u8] = b"/";

// Inside what is kept of a message in the making.
const FROM_NOTHING: &[u8] = b"0";
const EDITS: &[u8] = b"e";

/// Most bytes that the keys and numbers of one dict take, hashes of whole messages included.
const HEAD: usize = 160;

// Inside the entry of an unfinished message, and of one of its parts.
const COUNT: &[u8] = b"#";
const EXPIRY: &[u8] = b"T";
const HELD: &[u8] = b"p";
const PLACE: &[u8] = b"#";
const STORAGE_HASH: &[u8] = b"M";
const CHUNK: &[u8] = b"d";

/// Why a dump cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DumpError {
    /// It is no bencoded dict with these keys.
    #[error("broken dump")]
    Broken,
    /// The message in it is none.
    #[error(transparent)]
    Message(#[from] FormatError),
    /// The archive in it is no data tree.
    #[error(transparent)]
    Archive(#[from] TreeError),
}

impl From<BtError> for DumpError {
    fn from(_: BtError) -> Self {
        Self::Broken
    }
}

impl Config {
    /// Everything that is to be kept, secrets included; [`Self::needs_dump`] is false afterwards.
    pub fn dump(&mut self) -> Zeroizing<Vec<u8>> {
        let dump = self.to_dump();
        self.needs_dump = false;
        dump
    }

    fn to_dump(&self) -> Zeroizing<Vec<u8>> {
        let message = self.current.freeze();
        let edits = match &self.current.edited {
            Some(edited) => edited.clone(),
            None => self.current.changes(),
        };
        let published = self.published.dump(&message);
        // Room for everything at once: a buffer that grows leaves copies of the keys in the message behind.
        let mut out = Zeroizing::new(Vec::with_capacity(
            self.dump_bound(&message) + kept::changes_bound(&edits) + published.len(),
        ));
        out.push(b'd');
        write_bytes(&mut out, STATE);
        let state = match self.state {
            ConfigState::Clean => 0,
            ConfigState::Dirty => 1,
            ConfigState::Waiting => 2,
        };
        write_int(&mut out, state);
        write_bytes(&mut out, MESSAGE);
        write_bytes(&mut out, &message.plain);
        for (key, hashes) in [(HASHES, &self.hashes), (OLD, &self.old)] {
            write_bytes(&mut out, key);
            out.push(b'l');
            hashes
                .iter()
                .for_each(|hash| write_bytes(&mut out, hash.as_bytes()));
            out.push(b'e');
        }
        write_bytes(&mut out, PARTS);
        self.write_parts(&mut out);
        write_bytes(&mut out, ARCHIVE);
        write_dict(&mut out, &self.archive);
        if let Some(packed) = &message.packed {
            write_bytes(&mut out, PACKED);
            write_bytes(&mut out, packed);
        }
        write_bytes(&mut out, KEPT);
        self.kept.dump(&mut out);
        let merged = self.current.draft.as_ref().map(|draft| draft.merged.is_some());
        if let Some(from_nothing) = merged.or(self.current.edited.as_ref().map(|_| true)) {
            write_bytes(&mut out, DRAFT);
            out.push(b'd');
            write_bytes(&mut out, FROM_NOTHING);
            write_int(&mut out, from_nothing.into());
            write_bytes(&mut out, EDITS);
            kept::dump_changes(&mut out, &edits);
            out.push(b'e');
        }
        write_bytes(&mut out, PUBLISHED);
        out.extend_from_slice(&published);
        out.push(b'e');
        out
    }

    /// At most how many bytes the dump takes.
    fn dump_bound(&self, message: &Frozen) -> usize {
        let packed = message.packed.as_ref().map_or(0, |packed| packed.len());
        let hashes = self
            .hashes
            .iter()
            .chain(&self.old)
            .map(|hash| hash.len() + NUMBER);
        let held = self
            .parts
            .pending
            .values()
            .flat_map(|pending| pending.parts.values());
        let held = held.map(|held| held.hash.len() + held.chunk.len() + HEAD);
        let sets = self.parts.pending.len() + self.parts.done.len();
        message.plain.len()
            + packed
            + size_bound(&self.archive)
            + self.kept.size_bound()
            + hashes.chain(held).sum::<usize>()
            + (sets + 1) * HEAD
    }

    /// Unfinished messages as dicts, finished ones as the time until which they are remembered.
    fn write_parts(&self, out: &mut Vec<u8>) {
        out.push(b'd');
        let names: BTreeSet<&WholeHash> = self.parts.pending.keys().chain(self.parts.done.keys()).collect();
        for whole in names {
            write_bytes(out, whole);
            out.push(b'd');
            match self.parts.pending.get(whole) {
                Some(pending) => {
                    write_bytes(out, COUNT);
                    write_int(out, pending.count.into());
                    write_bytes(out, EXPIRY);
                    write_int(out, pending.expiry_ms.into());
                    write_bytes(out, HELD);
                    out.push(b'l');
                    for (place, held) in &pending.parts {
                        out.push(b'd');
                        write_bytes(out, PLACE);
                        write_int(out, (*place).into());
                        write_bytes(out, STORAGE_HASH);
                        write_bytes(out, held.hash.as_bytes());
                        write_bytes(out, CHUNK);
                        write_bytes(out, &held.chunk);
                        out.push(b'e');
                    }
                    out.push(b'e');
                }
                None => {
                    let expiry = self.parts.done.get(whole).copied().unwrap_or_default();
                    write_bytes(out, EXPIRY);
                    write_int(out, expiry.into());
                }
            }
            out.push(b'e');
        }
        out.push(b'e');
    }

    /// Goes on from a dump. What the reference library or an earlier version kept does not tell a message in the making
    /// from one that was pushed: its edits become a message of their own once more, because the app may have died after
    /// it stored one with the same number.
    ///
    /// # Errors
    /// When it is no dump of this version or the reference library's.
    pub fn load(kind: ConfigKind, account: &Account, dump: &[u8]) -> Result<Self, DumpError> {
        let mut config = Self::new(kind, account);
        let mut message = None;
        let mut packed = None;
        let mut draft = None;
        let mut published = None;
        let mut reader = Reader::own(dump);
        expect(&mut reader, Token::Dict)?;
        let mut last = None;
        while let Some(key) = reader.key(&mut last)? {
            match key {
                STATE => {
                    config.state = match reader.token()? {
                        Token::Int(0) => ConfigState::Clean,
                        Token::Int(1) => ConfigState::Dirty,
                        Token::Int(2) => ConfigState::Waiting,
                        _ => return Err(DumpError::Broken),
                    }
                }
                MESSAGE => {
                    let plain = Zeroizing::new(bytes(&mut reader)?.to_vec());
                    message = Some(Frozen::parse_own(plain)?);
                }
                HASHES => config.hashes = hashes(&mut reader)?,
                OLD => config.old = hashes(&mut reader)?,
                PARTS => read_parts(&mut reader, &mut config)?,
                ARCHIVE => {
                    expect(&mut reader, Token::Dict)?;
                    // Earlier versions wrote records in it that say nothing.
                    config.archive = read_pruned(&mut reader, &mut Budget::own())?;
                }
                PACKED => packed = Some(Zeroizing::new(bytes(&mut reader)?.to_vec())),
                KEPT => config.kept = Kept::load(&mut reader)?,
                DRAFT => draft = Some(read_draft(&mut reader)?),
                PUBLISHED => published = Some(StoredPublished::read(&mut reader)?),
                _ => {
                    reader.raw_value()?;
                }
            }
        }
        reader.finish()?;
        let mut message = message.ok_or(DumpError::Broken)?;
        message.packed = packed.filter(|packed| packed.first() == Some(&zstd::MARK));
        let message = Arc::new(message);
        // Where it is not told, what the swarm has is not known, and what is here counts as that.
        config.published = published.unwrap_or_default().resumed(&message);
        config.current = match (config.state, draft) {
            (ConfigState::Dirty, Some((from_nothing, edits))) => {
                let draft = Draft::resumed(&message, from_nothing, kept::undone(&message.data, &edits));
                let mut current = Current::frozen(message);
                current.draft = Some(draft);
                current
            }
            (ConfigState::Dirty, None) => {
                let mut current = Current::frozen(message);
                current.edit();
                current
            }
            (ConfigState::Waiting, Some((_, edits))) => {
                let mut current = Current::frozen(message);
                current.edited = Some(edits);
                current
            }
            _ => Current::frozen(message),
        };
        Ok(config)
    }
}

/// Whether its diff is computed from nothing, and what was edited.
fn read_draft(reader: &mut Reader<'_>) -> Result<(bool, Vec<kept::Change>), DumpError> {
    expect(reader, Token::Dict)?;
    let (mut from_nothing, mut edits) = (false, Vec::new());
    let mut last = None;
    while let Some(key) = reader.key(&mut last)? {
        match key {
            FROM_NOTHING => from_nothing = number::<u8>(reader)? != 0,
            EDITS => edits = kept::load_changes(reader)?,
            _ => {
                reader.raw_value()?;
            }
        }
    }
    Ok((from_nothing, edits))
}

fn expect(reader: &mut Reader<'_>, token: Token<'_>) -> Result<(), DumpError> {
    if reader.token()? == token {
        Ok(())
    } else {
        Err(DumpError::Broken)
    }
}

fn bytes<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], DumpError> {
    match reader.token()? {
        Token::Bytes(bytes) => Ok(bytes),
        _ => Err(DumpError::Broken),
    }
}

fn text(bytes: &[u8]) -> Result<String, DumpError> {
    let text = core::str::from_utf8(bytes).map_err(|_| DumpError::Broken)?;
    Ok(text.to_owned())
}

/// A list of storage hashes; old dumps have a single one instead, empty for none.
fn hashes(reader: &mut Reader<'_>) -> Result<BTreeSet<String>, DumpError> {
    let mut hashes = BTreeSet::new();
    match reader.token()? {
        Token::Bytes(b"") => return Ok(hashes),
        Token::Bytes(hash) => return Ok(BTreeSet::from([text(hash)?])),
        Token::List => {}
        _ => return Err(DumpError::Broken),
    }
    loop {
        match reader.token()? {
            Token::End => return Ok(hashes),
            Token::Bytes(hash) => hashes.insert(text(hash)?),
            _ => return Err(DumpError::Broken),
        };
    }
}

fn number<N: TryFrom<i128>>(reader: &mut Reader<'_>) -> Result<N, DumpError> {
    match reader.token()? {
        Token::Int(number) => N::try_from(number).map_err(|_| DumpError::Broken),
        _ => Err(DumpError::Broken),
    }
}

fn read_parts(reader: &mut Reader<'_>, config: &mut Config) -> Result<(), DumpError> {
    expect(reader, Token::Dict)?;
    let mut last = None;
    while let Some(whole) = reader.key(&mut last)? {
        let whole = WholeHash::try_from(whole).map_err(|_| DumpError::Broken)?;
        expect(reader, Token::Dict)?;
        let (mut count, mut expiry_ms, mut held) = (0_u8, 0_u64, BTreeMap::new());
        let mut last = None;
        while let Some(key) = reader.key(&mut last)? {
            match key {
                COUNT => count = number(reader)?,
                EXPIRY => expiry_ms = number(reader)?,
                HELD => held = read_held(reader)?,
                _ => {
                    reader.raw_value()?;
                }
            }
        }
        if held.is_empty() {
            config.parts.done.insert(whole, expiry_ms);
            continue;
        }
        let complete = held.len() >= usize::from(count);
        if complete || held.keys().any(|place| *place >= count) {
            return Err(DumpError::Broken);
        }
        let pending = Pending {
            count,
            expiry_ms,
            parts: held,
        };
        config.parts.pending.insert(whole, pending);
    }
    Ok(())
}

fn read_held(reader: &mut Reader<'_>) -> Result<BTreeMap<u8, Held>, DumpError> {
    expect(reader, Token::List)?;
    let mut parts = BTreeMap::new();
    loop {
        match reader.token()? {
            Token::End => return Ok(parts),
            Token::Dict => {}
            _ => return Err(DumpError::Broken),
        }
        let (mut place, mut hash, mut chunk) = (None, None, None);
        let mut last = None;
        while let Some(key) = reader.key(&mut last)? {
            match key {
                PLACE => place = Some(number(reader)?),
                STORAGE_HASH => hash = Some(text(bytes(reader)?)?),
                CHUNK => chunk = Some(Zeroizing::new(bytes(reader)?.to_vec())),
                _ => {
                    reader.raw_value()?;
                }
            }
        }
        let (Some(place), Some(hash), Some(chunk)) = (place, hash, chunk) else {
            return Err(DumpError::Broken);
        };
        parts.insert(place, Held { hash, chunk });
    }
}
