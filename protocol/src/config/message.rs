//! One config message as it stands before compression and encryption: layout, hash, signature, children
//! (spec/04-configs.md §3, §5).

use super::diff::{self, Diff, DiffError, diff};
use super::tree::{self, Budget, Dict, NUMBER, TreeError, prune, read_dict, write_dict};
use crate::bt::{BtError, Reader, Token, write_bytes, write_int};
use crate::hash::blake2b;
use crate::keys::{Ed25519KeyPair, Ed25519PublicKey, Signature};
use std::collections::BTreeMap;
use std::sync::Arc;
use zeroize::Zeroizing;

/// How many sequence numbers back a message carries diffs; what is further behind is not merged.
pub const LAG: i64 = 5;

/// Most rows of lagged diffs in a message: a few devices leave a few for each sequence number.
pub const MAX_ROWS: usize = 4096;

/// Sequence numbers stay inside ± this, so that counting on never overflows.
pub const MAX_SEQNO: i64 = 1 << 62;

/// Most bytes of a message besides its data, unknown keys and diffs: number, known keys and signature.
const FRAME: usize = 160;

const SEQNO: &[u8] = b"#";
const DATA: &[u8] = b"&";
const LAGGED: &[u8] = b"<";
const DIFF: &[u8] = b"=";
const SIGNATURE: &[u8] = b"~";

/// The hash of a message's bytes, which names it among the others.
pub(super) type Hash = [u8; 32];

/// Why bytes are no config message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// The bencoding is broken.
    #[error(transparent)]
    Bt(#[from] BtError),
    /// The data tree is wrong.
    #[error("data: {0}")]
    Data(#[from] TreeError),
    /// A diff is wrong.
    #[error("diff: {0}")]
    Diff(#[from] DiffError),
    /// A key stands before the sequence number: a break of the format by a newer version.
    #[error("made by a newer version")]
    NewerVersion,
    /// The sequence number is missing, no integer or absurd.
    #[error("bad sequence number")]
    Seqno,
    /// The data or what must follow it is missing.
    #[error("part of the message is missing")]
    Missing,
    /// The lagged diffs are no rows of three, are out of order, too many, or not older than the message.
    #[error("bad lagged diffs")]
    Lagged,
    /// The signature has the wrong size or something follows it.
    #[error("bad signature field")]
    SignatureField,
    /// The signature is missing or not the group's.
    #[error("signature does not verify")]
    Signature,
}

/// A diff of an earlier message.
#[derive(Clone)]
pub(super) struct Row {
    /// That message's sequence number.
    pub(super) seqno: i64,
    /// That message's hash.
    pub(super) hash: Hash,
    /// What it changed.
    pub(super) diff: Arc<Diff>,
}

/// A message that does not change any more.
#[derive(Clone)]
pub(super) struct Frozen {
    pub(super) seqno: i64,
    pub(super) data: Dict,
    pub(super) unknown: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(super) lagged: Vec<Row>,
    pub(super) diff: Arc<Diff>,
    /// The exact bytes, which [`Self::hash`] is of.
    pub(super) plain: Zeroizing<Vec<u8>>,
    pub(super) hash: Hash,
    /// The compressed form that was received. Another encoder would make other bytes of it, and storing those would
    /// put the same message into the swarm twice (spec/04 §7.6).
    pub(super) packed: Option<Zeroizing<Vec<u8>>>,
}

/// A message in the making.
#[derive(Clone)]
pub(super) struct Draft {
    pub(super) seqno: i64,
    /// What the diff is computed from.
    pub(super) base: Dict,
    /// The data before the edits made here, where that is something else: other clients compute the diff of some merges
    /// from nothing (spec/04 §6.1).
    pub(super) merged: Option<Dict>,
    pub(super) data: Dict,
    pub(super) unknown: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(super) lagged: Vec<Row>,
}

impl Frozen {
    /// The message of a config in which nothing was ever set.
    pub(super) fn empty() -> Self {
        Draft {
            seqno: 0,
            base: Dict::new(),
            merged: None,
            data: Dict::new(),
            unknown: BTreeMap::new(),
            lagged: Vec::new(),
        }
        .freeze(None)
    }

    /// A draft that follows this message (spec/04 §5.4).
    pub(super) fn child(&self) -> Draft {
        let mut lagged: Vec<Row> = self
            .lagged
            .iter()
            .filter(|row| row.seqno > self.seqno - LAG && row.seqno < self.seqno)
            .cloned()
            .collect();
        lagged.push(Row {
            seqno: self.seqno,
            hash: self.hash,
            diff: Arc::clone(&self.diff),
        });
        Draft {
            seqno: self.seqno + 1,
            base: self.data.clone(),
            merged: None,
            data: self.data.clone(),
            unknown: self.unknown.clone(),
            lagged,
        }
    }

    /// Reads a message; with a verifier it must be signed by it.
    pub(super) fn parse(
        plain: Zeroizing<Vec<u8>>,
        verifier: Option<&Ed25519PublicKey>,
    ) -> Result<Self, FormatError> {
        let reader = Reader::new(&plain)?;
        Self::read(reader, Budget::new(), &plain, verifier).map(|read| read.with(plain))
    }

    /// Reads a message that this device keeps.
    pub(super) fn parse_own(plain: Zeroizing<Vec<u8>>) -> Result<Self, FormatError> {
        let reader = Reader::own(&plain);
        Self::read(reader, Budget::own(), &plain, None).map(|read| read.with(plain))
    }

    fn read(
        mut reader: Reader<'_>,
        mut budget: Budget,
        plain: &[u8],
        verifier: Option<&Ed25519PublicKey>,
    ) -> Result<Contents, FormatError> {
        if reader.token()? != Token::Dict {
            return Err(BtError::Unexpected.into());
        }
        let mut last = None;
        match reader.key(&mut last)? {
            Some(SEQNO) => {}
            Some(key) if key < SEQNO => return Err(FormatError::NewerVersion),
            _ => return Err(FormatError::Seqno),
        }
        let Token::Int(seqno) = reader.token()? else {
            return Err(FormatError::Seqno);
        };
        let seqno = i64::try_from(seqno)
            .ok()
            .filter(|seqno| (-MAX_SEQNO..=MAX_SEQNO).contains(seqno))
            .ok_or(FormatError::Seqno)?;

        let mut data = None;
        let mut unknown = BTreeMap::new();
        let mut lagged = Vec::new();
        let mut own = Diff::new();
        let mut signature = None;
        let mut ends_late = false;
        loop {
            let start = reader.consumed(plain);
            let Some(key) = reader.key(&mut last)? else { break };
            if data.is_none() && key > DATA || signature.is_some() || key > SIGNATURE {
                return Err(if data.is_none() {
                    FormatError::Missing
                } else {
                    FormatError::SignatureField
                });
            }
            ends_late = key >= DIFF;
            match key {
                DATA => {
                    expect(&mut reader, Token::Dict)?;
                    data = Some(read_dict(&mut reader, &mut budget)?);
                }
                LAGGED => {
                    expect(&mut reader, Token::List)?;
                    lagged = read_rows(&mut reader, seqno, &mut budget)?;
                }
                DIFF => {
                    expect(&mut reader, Token::Dict)?;
                    own = diff::read(&mut reader, 0, &mut budget)?;
                }
                SIGNATURE => {
                    let Token::Bytes(bytes) = reader.token()? else {
                        return Err(FormatError::SignatureField);
                    };
                    let bytes = Signature::from_slice(bytes).map_err(|_| FormatError::SignatureField)?;
                    signature = Some((start, bytes));
                }
                key => {
                    budget.spend()?;
                    unknown.insert(key.to_vec(), reader.raw_value()?.to_vec());
                }
            }
        }
        reader.finish()?;
        let data = data.filter(|_| ends_late).ok_or(FormatError::Missing)?;
        if let Some(verifier) = verifier {
            let (start, signature) = signature.ok_or(FormatError::Signature)?;
            let signed = plain.get(..start).ok_or(FormatError::Signature)?;
            verifier
                .verify(signed, &signature)
                .map_err(|_| FormatError::Signature)?;
        }
        Ok(Contents {
            seqno,
            data,
            unknown,
            lagged,
            diff: own,
        })
    }
}

/// What stands in a message.
struct Contents {
    seqno: i64,
    data: Dict,
    unknown: BTreeMap<Vec<u8>, Vec<u8>>,
    lagged: Vec<Row>,
    diff: Diff,
}

impl Contents {
    /// With the bytes that it was read from.
    fn with(self, plain: Zeroizing<Vec<u8>>) -> Frozen {
        Frozen {
            seqno: self.seqno,
            data: self.data,
            unknown: self.unknown,
            lagged: self.lagged,
            diff: Arc::new(self.diff),
            hash: blake2b(&[&plain]),
            plain,
            packed: None,
        }
    }
}

impl Draft {
    /// A draft as it was when it was kept, from what it would have been as a message.
    pub(super) fn resumed(message: &Frozen, from_nothing: bool, before: Dict) -> Self {
        let (base, merged) = if from_nothing {
            (Dict::new(), Some(before))
        } else {
            (before, None)
        };
        Self {
            seqno: message.seqno,
            base,
            merged,
            data: message.data.clone(),
            unknown: message.unknown.clone(),
            lagged: message.lagged.clone(),
        }
    }

    /// The data before the edits made here.
    pub(super) fn before_edits(&self) -> &Dict {
        self.merged.as_ref().unwrap_or(&self.base)
    }

    /// Ends the editing: prunes, computes the diff, signs and hashes. Sequence number 0 is never signed, because every
    /// device must give it the same hash.
    pub(super) fn freeze(mut self, signer: Option<&Ed25519KeyPair>) -> Frozen {
        prune(&mut self.data);
        // Whoever reads the message finds these rows only, and must come to the same as whoever made it.
        let seqno = self.seqno;
        self.lagged
            .retain(|row| row.seqno > seqno - LAG && row.seqno < seqno);
        let own = diff(&self.base, &self.data);
        let plain = self.serialize(&own, signer.filter(|_| self.seqno != 0));
        Frozen {
            hash: blake2b(&[&plain]),
            plain,
            seqno: self.seqno,
            data: self.data,
            unknown: self.unknown,
            lagged: self.lagged,
            diff: Arc::new(own),
            packed: None,
        }
    }

    fn serialize(&self, own: &Diff, signer: Option<&Ed25519KeyPair>) -> Zeroizing<Vec<u8>> {
        let tail = self.tail(own);
        // Room for everything at once: a buffer that grows leaves copies of the keys in the data behind.
        let unknown: usize = self
            .unknown
            .iter()
            .map(|(key, value)| key.len() + value.len() + NUMBER)
            .sum();
        let room = tree::size_bound(&self.data) + unknown + tail.len() + FRAME;
        let mut out = Zeroizing::new(Vec::with_capacity(room));
        out.push(b'd');
        write_bytes(&mut out, SEQNO);
        write_int(&mut out, self.seqno.into());
        self.write_unknown(&mut out, SEQNO, DATA);
        write_bytes(&mut out, DATA);
        write_dict(&mut out, &self.data);
        out.extend_from_slice(&tail);
        if let Some(signer) = signer {
            let signature = signer.sign(&out);
            write_bytes(&mut out, SIGNATURE);
            write_bytes(&mut out, signature.as_bytes());
        }
        out.push(b'e');
        out
    }

    /// Everything between the data and the signature. Diffs hold keys of dicts and elements of sets only.
    fn tail(&self, own: &Diff) -> Vec<u8> {
        let mut out = Vec::new();
        self.write_unknown(&mut out, DATA, LAGGED);
        write_bytes(&mut out, LAGGED);
        out.push(b'l');
        for row in &self.lagged {
            out.push(b'l');
            write_int(&mut out, row.seqno.into());
            write_bytes(&mut out, &row.hash);
            diff::write(&mut out, &row.diff);
            out.push(b'e');
        }
        out.push(b'e');
        self.write_unknown(&mut out, LAGGED, DIFF);
        write_bytes(&mut out, DIFF);
        diff::write(&mut out, own);
        self.write_unknown(&mut out, DIFF, SIGNATURE);
        out
    }

    /// The unknown keys between two known ones.
    fn write_unknown(&self, out: &mut Vec<u8>, after: &[u8], before: &[u8]) {
        let between = |key: &[u8]| key > after && key < before;
        for (key, value) in self.unknown.iter().filter(|(key, _)| between(key)) {
            write_bytes(out, key);
            out.extend_from_slice(value);
        }
    }
}

fn expect(reader: &mut Reader<'_>, token: Token<'_>) -> Result<(), FormatError> {
    if reader.token()? == token {
        Ok(())
    } else {
        Err(BtError::WrongType.into())
    }
}

fn read_rows(reader: &mut Reader<'_>, seqno: i64, budget: &mut Budget) -> Result<Vec<Row>, FormatError> {
    let mut rows: Vec<Row> = Vec::new();
    loop {
        match reader.token()? {
            Token::End => return Ok(rows),
            Token::List => {}
            _ => return Err(FormatError::Lagged),
        }
        let (Token::Int(row_seqno), Token::Bytes(hash)) = (reader.token()?, reader.token()?) else {
            return Err(FormatError::Lagged);
        };
        expect(reader, Token::Dict)?;
        let diff = diff::read(reader, 0, budget)?;
        if reader.token()? != Token::End {
            return Err(FormatError::Lagged);
        }
        let row_seqno = i64::try_from(row_seqno).map_err(|_| FormatError::Lagged)?;
        let hash = Hash::try_from(hash).map_err(|_| FormatError::Lagged)?;
        if row_seqno >= seqno {
            return Err(FormatError::Lagged);
        }
        if row_seqno <= seqno - LAG {
            continue;
        }
        let ascending = rows
            .last()
            .is_none_or(|last| (last.seqno, last.hash) < (row_seqno, hash));
        if !ascending || rows.len() >= MAX_ROWS {
            return Err(FormatError::Lagged);
        }
        rows.push(Row {
            seqno: row_seqno,
            hash,
            diff: Arc::new(diff),
        });
    }
}
