//! Messages too large for one stored message, in parts (spec/04-configs.md §7.4).

use super::zstd::MAX_PLAIN;
use crate::bt::{Reader, Token, write_bytes};
use crate::hash::blake2b;
use std::collections::{BTreeMap, BTreeSet};
use zeroize::Zeroizing;

/// Stands before a part.
pub(super) const MARK: u8 = b'm';
/// Largest stored message, bytes (spec/04 §9).
pub const MAX_MESSAGE: usize = 76_800;
/// Most bytes of a padded message that is split.
pub const MAX_SPLIT: usize = 5_000_000;
/// Bytes of the content in every part but the last: what is left of a message after the list around it and the
/// encryption.
const CHUNK: usize = MAX_MESSAGE - 50 - super::seal::OVERHEAD;
/// Digits of the length of a full chunk. A shorter number is made up for with zeros at the end.
const CHUNK_DIGITS: usize = 5;
/// How long parts of an unfinished message are kept after the last new one, ms: 7 days.
const PENDING_MS: u64 = 7 * 24 * 60 * 60 * 1000;
/// How long a finished message is remembered, ms: 14 days.
const DONE_MS: u64 = 14 * 24 * 60 * 60 * 1000;
/// Most bytes of unfinished messages; the ones that expire first make room.
const MAX_PENDING: usize = MAX_SPLIT + MAX_MESSAGE;
/// Most finished messages that are remembered.
const MAX_DONE: usize = 1_024;

/// Hash of a whole padded message, which names it in its parts.
pub(super) type WholeHash = [u8; 32];

/// Why a part is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    /// It is no list of hash, place, number of parts and content.
    #[error("broken part")]
    Broken,
    /// There would be fewer than two parts, or this one would not be among them.
    #[error("impossible place")]
    Place,
    /// Other parts of the same message said another number of parts.
    #[error("parts disagree")]
    Disagree,
    /// The parts together are not what their hash says. They are forgotten.
    #[error("parts do not fit together")]
    Hash,
}

/// One part as it stands in a decrypted message.
struct Part<'a> {
    whole: WholeHash,
    place: u8,
    count: u8,
    chunk: &'a [u8],
}

/// A part at hand.
#[derive(Clone)]
pub(super) struct Held {
    /// Its storage hash.
    pub(super) hash: String,
    pub(super) chunk: Zeroizing<Vec<u8>>,
}

/// The parts of one message, not all there yet.
#[derive(Clone)]
pub(super) struct Pending {
    pub(super) count: u8,
    /// When it is given up, ms.
    pub(super) expiry_ms: u64,
    pub(super) parts: BTreeMap<u8, Held>,
}

impl Pending {
    fn size(&self) -> usize {
        self.parts.values().map(|held| held.chunk.len()).sum()
    }
}

/// A message whose last part came.
pub(super) struct Whole {
    pub(super) name: WholeHash,
    /// Padding, compression and message.
    pub(super) padded: Zeroizing<Vec<u8>>,
    /// The storage hashes of all parts.
    pub(super) hashes: BTreeSet<String>,
}

/// What is known of messages in parts.
#[derive(Clone, Default)]
pub(super) struct Parts {
    pub(super) pending: BTreeMap<WholeHash, Pending>,
    /// Finished ones, and until when (ms) that is remembered.
    pub(super) done: BTreeMap<WholeHash, u64>,
}

impl Parts {
    /// Takes a part (without padding). `None` when others are missing or it is already known.
    pub(super) fn add(&mut self, hash: &str, part: &[u8], now_ms: u64) -> Result<Option<Whole>, PartError> {
        let part = read(part)?;
        if self.done.contains_key(&part.whole) {
            return Ok(None);
        }
        let known = self.pending.get(&part.whole);
        if known.is_some_and(|pending| pending.count != part.count) {
            return Err(PartError::Disagree);
        }
        if known.is_some_and(|pending| pending.parts.contains_key(&part.place)) {
            return Ok(None);
        }
        self.make_room(&part);
        let pending = self.pending.entry(part.whole).or_insert_with(|| Pending {
            count: part.count,
            expiry_ms: 0,
            parts: BTreeMap::new(),
        });
        pending.expiry_ms = now_ms.saturating_add(PENDING_MS);
        pending.parts.insert(
            part.place,
            Held {
                hash: hash.to_owned(),
                chunk: Zeroizing::new(part.chunk.to_vec()),
            },
        );
        if pending.parts.len() < usize::from(part.count) {
            return Ok(None);
        }
        let mut padded = Zeroizing::new(Vec::with_capacity(pending.size()));
        for held in pending.parts.values() {
            padded.extend_from_slice(&held.chunk);
        }
        let hashes = pending.parts.values().map(|held| held.hash.clone()).collect();
        self.pending.remove(&part.whole);
        if blake2b::<32>(&[&padded]) != part.whole {
            return Err(PartError::Hash);
        }
        self.finished(part.whole, now_ms);
        Ok(Some(Whole {
            name: part.whole,
            padded,
            hashes,
        }))
    }

    /// Remembers a message that is complete, whether received or sent.
    pub(super) fn finished(&mut self, whole: WholeHash, now_ms: u64) {
        self.pending.remove(&whole);
        self.done.insert(whole, now_ms.saturating_add(DONE_MS));
        while self.done.len() > MAX_DONE {
            let first = self.done.iter().min_by_key(|(_, expiry)| **expiry);
            let Some(first) = first.map(|(whole, _)| *whole) else {
                return;
            };
            self.done.remove(&first);
        }
    }

    /// Forgets what expired; whether anything did.
    pub(super) fn expire(&mut self, now_ms: u64) -> bool {
        let before = (self.pending.len(), self.done.len());
        self.pending.retain(|_, pending| pending.expiry_ms > now_ms);
        self.done.retain(|_, expiry| *expiry > now_ms);
        before != (self.pending.len(), self.done.len())
    }

    /// Storage hashes of the parts at hand.
    pub(super) fn hashes(&self) -> impl Iterator<Item = &String> {
        let pending = self.pending.values();
        pending.flat_map(|pending| pending.parts.values().map(|held| &held.hash))
    }

    fn make_room(&mut self, part: &Part<'_>) {
        loop {
            let size: usize = self.pending.values().map(Pending::size).sum();
            if size + part.chunk.len() <= MAX_PENDING {
                return;
            }
            let others = self.pending.iter().filter(|(whole, _)| **whole != part.whole);
            let first = others.min_by_key(|(_, pending)| pending.expiry_ms);
            // The message may be larger than what fits at all; then it starts over and never completes.
            let first = first.map_or(part.whole, |(whole, _)| *whole);
            if self.pending.remove(&first).is_none() {
                return;
            }
        }
    }
}

/// Splits a padded message that does not fit one stored message; each part is ready to be encrypted. `None` when it is
/// larger than [`MAX_SPLIT`].
pub(super) fn split(padded: &[u8]) -> Option<(WholeHash, Vec<Zeroizing<Vec<u8>>>)> {
    if padded.len() > MAX_SPLIT {
        return None;
    }
    let whole: WholeHash = blake2b(&[padded]);
    let count = u8::try_from(padded.len().div_ceil(CHUNK)).ok()?;
    let parts = padded.chunks(CHUNK).zip(0_u8..).map(|(chunk, place)| {
        let mut part = Zeroizing::new(Vec::with_capacity(MAX_MESSAGE));
        part.extend_from_slice(&[MARK, b'l']);
        write_bytes(&mut part, &whole);
        write_bytes(&mut part, &[place]);
        write_bytes(&mut part, &[count]);
        write_bytes(&mut part, chunk);
        part.push(b'e');
        let digits = chunk.len().checked_ilog10().unwrap_or_default() as usize + 1;
        let end = part.len() + CHUNK_DIGITS.saturating_sub(digits);
        part.resize(end, 0);
        part
    });
    Some((whole, parts.collect()))
}

fn read(part: &[u8]) -> Result<Part<'_>, PartError> {
    let end = part
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1);
    let list = part
        .get(..end)
        .and_then(|part| part.strip_prefix(&[MARK]))
        .filter(|list| list.len() <= MAX_PLAIN)
        .ok_or(PartError::Broken)?;
    let mut reader = Reader::new(list).map_err(|_| PartError::Broken)?;
    let mut token = || reader.token().map_err(|_| PartError::Broken);
    let (
        Token::List,
        Token::Bytes(whole),
        Token::Bytes(&[place]),
        Token::Bytes(&[count]),
        Token::Bytes(chunk),
        Token::End,
    ) = (token()?, token()?, token()?, token()?, token()?, token()?)
    else {
        return Err(PartError::Broken);
    };
    reader.finish().map_err(|_| PartError::Broken)?;
    let whole = WholeHash::try_from(whole).map_err(|_| PartError::Broken)?;
    if count <= 1 || place >= count {
        return Err(PartError::Place);
    }
    if chunk.is_empty() {
        return Err(PartError::Broken);
    }
    Ok(Part {
        whole,
        place,
        count,
        chunk,
    })
}
