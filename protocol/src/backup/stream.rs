//! The body of a backup file: chunks of 64 KiB under one key, each sealed with its number and whether it is the last one
//! (the STREAM construction), and the records in them (`docs/backup-format.md`, Chunks).

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305};
use rand_core::CryptoRng;
use zeroize::{Zeroize, Zeroizing};

use super::record::{Record, frame, parse};
use super::{BackupError, Cost, HEAD_SIZE, Passphrase, head};
use crate::account::Account;

/// Bytes of records in every chunk but the last one.
pub const CHUNK: usize = 64 * 1024;
/// Bytes of a chunk's authentication tag.
const TAG: usize = 16;
/// Bytes of the word in front of a chunk: its length, and [`LAST`].
const WORD: usize = 4;
/// Marks the word of the last chunk.
const LAST: u32 = 0x8000_0000;
/// Bytes of a sealed chunk.
const SEALED: usize = CHUNK + TAG;

/// The chunks' cipher with the number of the next one. No key is used for more than one file, so that numbers suffice.
struct Sealer {
    cipher: XChaCha20Poly1305,
    next: u64,
}

impl Sealer {
    fn new(key: &[u8; 32]) -> Self {
        Self {
            cipher: XChaCha20Poly1305::new(key.into()),
            next: 0,
        }
    }

    /// 15 zero bytes, the chunk's number (big-endian), and whether it is the last one.
    fn nonce(&mut self, last: bool) -> Result<[u8; 24], BackupError> {
        let mut nonce = [0; 24];
        let number = self.next.to_be_bytes();
        let tail = number.into_iter().chain([u8::from(last)]);
        nonce
            .iter_mut()
            .skip(15)
            .zip(tail)
            .for_each(|(to, from)| *to = from);
        self.next = self.next.checked_add(1).ok_or(BackupError::TooLarge)?;
        Ok(nonce)
    }

    /// Appends the sealed form of a chunk.
    fn seal(&mut self, chunk: &[u8], last: bool, out: &mut Vec<u8>) -> Result<(), BackupError> {
        let length = u32::try_from(chunk.len() + TAG).map_err(|_| BackupError::TooLarge)?;
        let word = (if last { length | LAST } else { length }).to_le_bytes();
        let nonce = self.nonce(last)?;
        out.extend_from_slice(&word);
        let start = out.len();
        out.extend_from_slice(chunk);
        let text = out.get_mut(start..).unwrap_or_default();
        let tag = self
            .cipher
            .encrypt_inout_detached(&nonce.into(), &word, text.into())
            .map_err(|_| BackupError::TooLarge)?;
        out.extend_from_slice(&tag);
        Ok(())
    }

    /// Appends what a sealed chunk holds.
    fn open(
        &mut self,
        word: &[u8; WORD],
        sealed: &[u8],
        last: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), BackupError> {
        let (text, tag) = sealed.split_last_chunk::<TAG>().ok_or(BackupError::Altered)?;
        let nonce = self.nonce(last)?;
        let start = out.len();
        out.extend_from_slice(text);
        let text = out.get_mut(start..).unwrap_or_default();
        self.cipher
            .decrypt_inout_detached(&nonce.into(), word, text.into(), &Tag::from(*tag))
            .map_err(|_| BackupError::Altered)
    }
}

/// Writes a backup file piece by piece.
pub struct Writer {
    sealer: Sealer,
    /// Records that do not fill a chunk yet.
    pending: Zeroizing<Vec<u8>>,
}

impl Writer {
    /// Starts a file: stretches the passphrase, which takes about half a second at [`Cost::DEFAULT`], and appends the head.
    ///
    /// # Errors
    /// [`BackupError::TooCostly`], [`BackupError::Memory`].
    pub fn start(
        account: &Account,
        passphrase: &Passphrase,
        cost: Cost,
        rng: &mut impl CryptoRng,
        out: &mut Vec<u8>,
    ) -> Result<Self, BackupError> {
        let (head, key) = head::make(account, passphrase, cost, rng)?;
        out.extend_from_slice(&head);
        Ok(Self {
            sealer: Sealer::new(&key),
            pending: Zeroizing::default(),
        })
    }

    /// Adds a record, and appends the chunks that it fills.
    ///
    /// # Errors
    /// [`BackupError::TooLarge`]: the record was not added.
    pub fn push(&mut self, record: &Record, out: &mut Vec<u8>) -> Result<(), BackupError> {
        frame(record, &mut self.pending)?;
        // One byte more than a chunk: then it is not the last one.
        while self.pending.len() > CHUNK {
            let rest = Zeroizing::new(self.pending.split_off(CHUNK));
            let chunk = std::mem::replace(&mut self.pending, rest);
            self.sealer.seal(&chunk, false, out)?;
        }
        Ok(())
    }

    /// Appends the last chunk.
    ///
    /// # Errors
    /// [`BackupError::TooLarge`], after 2⁶⁴ chunks.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), BackupError> {
        self.sealer.seal(&self.pending, true, out)
    }
}

impl core::fmt::Debug for Writer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Writer(..)")
    }
}

/// Reads a backup file piece by piece, from its first byte on. Records that it gives are as they were written and in their
/// order; that none is missing at the end shows when [`Reader::finish`] has succeeded.
pub struct Reader {
    sealer: Sealer,
    head: Vec<u8>,
    /// Bytes of the head that were passed.
    passed: usize,
    /// The beginning of a chunk.
    sealed: Vec<u8>,
    /// The beginning of a record.
    plain: Zeroizing<Vec<u8>>,
    /// Whether the last chunk was there.
    ended: bool,
    /// What went wrong; nothing is right any more then.
    failed: Option<BackupError>,
}

impl Reader {
    /// Opens a file by its first bytes, of which [`HEAD_SIZE`] are needed. The passphrase is stretched only when they are a
    /// whole head of this account.
    ///
    /// # Errors
    /// All but [`BackupError::TooLarge`].
    pub fn open(account: &Account, passphrase: &Passphrase, head: &[u8]) -> Result<Self, BackupError> {
        let key = head::open(account, passphrase, head)?;
        Ok(Self {
            sealer: Sealer::new(&key),
            head: head.iter().copied().take(HEAD_SIZE).collect(),
            passed: 0,
            sealed: Vec::new(),
            plain: Zeroizing::default(),
            ended: false,
            failed: None,
        })
    }

    /// Begins again with the first byte of the same file.
    pub fn rewind(&mut self) {
        self.sealer.next = 0;
        self.passed = 0;
        self.sealed.clear();
        self.plain.zeroize();
        self.ended = false;
        self.failed = None;
    }

    /// Takes the next bytes of the file and adds the records that they complete.
    ///
    /// # Errors
    /// [`BackupError::Altered`]; it is the answer to everything that follows, too.
    pub fn push(&mut self, bytes: &[u8], records: &mut Vec<Record>) -> Result<(), BackupError> {
        let taken = match self.failed {
            Some(error) => Err(error),
            None => self.take(bytes, records),
        };
        self.failed = taken.err();
        taken
    }

    /// The file has no more bytes.
    ///
    /// # Errors
    /// [`BackupError::Truncated`] or [`BackupError::Altered`].
    pub fn finish(&mut self) -> Result<(), BackupError> {
        match self.failed {
            Some(error) => Err(error),
            None if !self.ended => Err(BackupError::Truncated),
            None if !self.plain.is_empty() => Err(BackupError::Altered),
            None => Ok(()),
        }
    }

    fn take(&mut self, bytes: &[u8], records: &mut Vec<Record>) -> Result<(), BackupError> {
        let head = self.head.get(self.passed..).unwrap_or_default();
        let (first, body) = bytes.split_at_checked(head.len()).unwrap_or((bytes, &[]));
        if !head.starts_with(first) {
            return Err(BackupError::Altered);
        }
        self.passed += first.len();
        if self.ended && !body.is_empty() {
            return Err(BackupError::Altered);
        }
        self.sealed.extend_from_slice(body);
        let held = std::mem::take(&mut self.sealed);
        let rest = self.chunks(&held)?;
        self.sealed.extend_from_slice(rest);
        if self.ended && !rest.is_empty() {
            return Err(BackupError::Altered);
        }
        self.records(records)
    }

    /// Opens all whole chunks; gives what is left.
    fn chunks<'a>(&mut self, mut held: &'a [u8]) -> Result<&'a [u8], BackupError> {
        while !self.ended {
            let Some((word, rest)) = held.split_first_chunk::<WORD>() else {
                break;
            };
            let number = u32::from_le_bytes(*word);
            let last = number & LAST != 0;
            let length = usize::try_from(number & !LAST).map_err(|_| BackupError::Altered)?;
            let fits = if last {
                (TAG..=SEALED).contains(&length)
            } else {
                length == SEALED
            };
            if !fits {
                return Err(BackupError::Altered);
            }
            let Some((sealed, rest)) = rest.split_at_checked(length) else {
                break;
            };
            self.sealer.open(word, sealed, last, &mut self.plain)?;
            self.ended = last;
            held = rest;
        }
        Ok(held)
    }

    /// Takes all whole records out of what was opened.
    fn records(&mut self, records: &mut Vec<Record>) -> Result<(), BackupError> {
        let (mut found, rest) = parse(&self.plain)?;
        let rest = Zeroizing::new(rest.to_vec());
        records.append(&mut found);
        self.plain.zeroize();
        self.plain = rest;
        Ok(())
    }
}

impl core::fmt::Debug for Reader {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Reader(..)")
    }
}
