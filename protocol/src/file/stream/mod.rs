//! The stream form of attachments and profile pictures: an XChaCha20-Poly1305 secretstream in pieces of 32 KiB, padded
//! in front (spec/07-files-and-attachments.md §6). All clients read it.
//!
//! Key and header come from the account's seed and the file ([`SecretHasher`]), so that the same file is stored once, or
//! are random ([`StreamSecret::random`]), as is better for attachments (spec/07 §11): others can then not tell that two
//! files are equal.
//!
//! [`encrypt`] and [`decrypt`] take a whole file; [`Encryptor`] and [`Decryptor`] take it piece by piece and hold back
//! less than 32 KiB.

mod secretstream;

use super::{DecryptError, EncryptError, StreamKey};
use blake2b_simd::{Params, State};
use rand_core::CryptoRng;
use secretstream::{MAC, OVERHEAD, SecretStream, Tag};
use zeroize::Zeroizing;

/// First byte of every body.
pub const MARK: u8 = b'S';
/// Bytes of the header.
pub const HEADER_SIZE: usize = 24;
/// Largest file in this form, bytes (spec/07 §6.3).
pub const MAX_SIZE: u32 = 10_218_286;
/// Bytes of the plain stream in a piece.
const PIECE: usize = 32_768;
/// Bytes of an encrypted piece.
const SEALED: usize = PIECE + OVERHEAD;
/// Bytes in front of the first piece.
const START: usize = 1 + HEADER_SIZE;
/// Bytes of the hash that becomes header and key.
const HASH: usize = HEADER_SIZE + StreamKey::SIZE;
/// What ends the padding.
const PADDING_END: u8 = 0x01;
/// Padding steps are a 32nd of the size's power of two, as for files of at least this many bytes.
const MIN_STEP_SIZE: usize = 131_072;
const STEPS: usize = 32;

/// What a file is: keys of different uses differ for the same file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Domain {
    /// An attachment.
    Attachment,
    /// A profile picture.
    ProfilePicture,
}

impl Domain {
    /// The personalisation of the hash.
    const fn person(self) -> &'static [u8; 16] {
        match self {
            Self::Attachment => b"SessionAttachmnt",
            Self::ProfilePicture => b"Session_Prof_Pic",
        }
    }
}

/// What a body is encrypted with. It must be used for one file only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSecret {
    key: StreamKey,
    header: [u8; HEADER_SIZE],
}

impl StreamSecret {
    /// A new random one.
    pub fn random(rng: &mut impl CryptoRng) -> Self {
        let mut header = [0; HEADER_SIZE];
        rng.fill_bytes(&mut header);
        Self {
            key: StreamKey::generate(rng),
            header,
        }
    }

    /// The one that follows from the account's seed (32 bytes, Ed25519) and the file.
    pub fn derive(seed: &[u8; 32], domain: Domain, plain: &[u8]) -> Self {
        let mut hasher = SecretHasher::new(seed, domain);
        hasher.push(plain);
        hasher.finish()
    }

    /// The key, which goes to the receivers.
    pub const fn key(&self) -> &StreamKey {
        &self.key
    }
}

/// Derives a [`StreamSecret`] from a file piece by piece: the first of two passes.
///
/// Both passes must see the same bytes. Two files under one secret could be read without it.
pub struct SecretHasher(State);

impl SecretHasher {
    /// For a file of the account with this seed (32 bytes, Ed25519).
    pub fn new(seed: &[u8; 32], domain: Domain) -> Self {
        let mut params = Params::new();
        params.hash_length(HASH).key(seed).personal(domain.person());
        Self(params.to_state())
    }

    /// Takes the next bytes of the file.
    pub fn push(&mut self, plain: &[u8]) {
        self.0.update(plain);
    }

    /// The secret of the file that was pushed.
    pub fn finish(self) -> StreamSecret {
        let hash = self.0.finalize();
        let mut header = [0; HEADER_SIZE];
        let mut key = Zeroizing::new([0; StreamKey::SIZE]);
        let bytes = header.iter_mut().chain(key.iter_mut());
        bytes.zip(hash.as_bytes()).for_each(|(to, from)| *to = *from);
        StreamSecret {
            key: StreamKey::from_bytes(&key),
            header,
        }
    }
}

impl core::fmt::Debug for SecretHasher {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SecretHasher(..)")
    }
}

/// Bytes of padding in front of a file of `size` bytes, at least 1 (spec/07 §6.3).
fn padding(size: usize) -> usize {
    let pieces = size.div_ceil(PIECE);
    let least = size + START + 1 + pieces * OVERHEAD;
    let step = (1 << least.max(MIN_STEP_SIZE).ilog2()) / STEPS;
    let padding = least.next_multiple_of(step) - least + 1;
    // Padding that fills pieces of its own makes their overhead count too.
    let mut overhead = padding / SEALED * OVERHEAD;
    let room = pieces * PIECE - size;
    if padding % SEALED > room {
        overhead += OVERHEAD;
    }
    padding - overhead
}

/// Bytes of the encrypted form of a file of `size` bytes.
///
/// # Errors
/// [`EncryptError::TooLarge`] above [`MAX_SIZE`].
pub fn encrypted_size(size: usize) -> Result<usize, EncryptError> {
    check_size(size)?;
    Ok(sealed_size(size + padding(size)))
}

/// Bytes of the encrypted form of a plain stream.
const fn sealed_size(stream: usize) -> usize {
    START + stream + stream.div_ceil(PIECE) * OVERHEAD
}

const fn check_size(size: usize) -> Result<(), EncryptError> {
    if size > MAX_SIZE as usize {
        return Err(EncryptError::TooLarge);
    }
    Ok(())
}

/// Encrypts a file.
///
/// # Errors
/// [`EncryptError::TooLarge`].
pub fn encrypt(secret: &StreamSecret, plain: &[u8]) -> Result<Vec<u8>, EncryptError> {
    let mut body = Vec::with_capacity(encrypted_size(plain.len())?);
    let mut encryptor = Encryptor::start(secret, plain.len(), &mut body)?;
    encryptor.push(plain, &mut body)?;
    encryptor.finish()?;
    Ok(body)
}

/// Decrypts a whole body. Where the message names the file's `size` in bytes, what is behind it is cut off.
///
/// # Errors
/// [`DecryptError`].
pub fn decrypt(key: &StreamKey, size: Option<u32>, body: &[u8]) -> Result<Vec<u8>, DecryptError> {
    let mut plain = Vec::with_capacity(body.len());
    let mut decryptor = Decryptor::new(key, size);
    decryptor.push(body, &mut plain)?;
    decryptor.finish(&mut plain)?;
    Ok(plain)
}

/// Encrypts a file piece by piece.
pub struct Encryptor {
    stream: SecretStream,
    /// The beginning of a piece.
    pending: Vec<u8>,
    /// Bytes of the plain stream that are not encrypted yet.
    left: usize,
    /// Bytes of the file that were not pushed yet.
    expected: usize,
}

impl Encryptor {
    /// Starts the body of a file of `size` bytes: appends what comes before the file to `out`. The padding stands in
    /// front, so that the size must be known.
    ///
    /// # Errors
    /// [`EncryptError::TooLarge`].
    pub fn start(secret: &StreamSecret, size: usize, out: &mut Vec<u8>) -> Result<Self, EncryptError> {
        check_size(size)?;
        let padding = padding(size);
        out.push(MARK);
        out.extend_from_slice(&secret.header);
        let mut encryptor = Self {
            stream: SecretStream::new(&secret.key, &secret.header),
            pending: Vec::with_capacity(PIECE),
            left: size + padding,
            expected: size,
        };
        let zeros = [0; 4096];
        let mut rest = padding - 1;
        while rest > 0 {
            let piece = zeros.get(..rest).unwrap_or(&zeros);
            encryptor.take(piece, out);
            rest -= piece.len();
        }
        encryptor.take(&[PADDING_END], out);
        Ok(encryptor)
    }

    /// Takes the next bytes of the file and appends what they make of the body.
    ///
    /// # Errors
    /// [`EncryptError::OtherSize`] when there are more of them than was said; what was written is of no use then.
    pub fn push(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), EncryptError> {
        self.expected = self
            .expected
            .checked_sub(plain.len())
            .ok_or(EncryptError::OtherSize)?;
        self.take(plain, out);
        Ok(())
    }

    /// Ends the body: with the last byte everything was written.
    ///
    /// # Errors
    /// [`EncryptError::OtherSize`] when there were less bytes than was said.
    pub fn finish(self) -> Result<(), EncryptError> {
        if self.expected != 0 {
            return Err(EncryptError::OtherSize);
        }
        Ok(())
    }

    /// Takes bytes of the plain stream and encrypts each piece as soon as it is complete.
    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut bytes = bytes;
        while !bytes.is_empty() {
            let piece = self.left.min(PIECE);
            let missing = piece - self.pending.len();
            let Some((first, rest)) = bytes.split_at_checked(missing) else {
                self.pending.extend_from_slice(bytes);
                return;
            };
            bytes = rest;
            self.left -= piece;
            let tag = if self.left == 0 { Tag::Final } else { Tag::Message };
            let start = out.len();
            out.push(0);
            out.append(&mut self.pending);
            out.extend_from_slice(first);
            let (_, fresh) = out.split_at_mut_checked(start).unwrap_or_default();
            if let Some((front, message)) = fresh.split_first_mut() {
                let (sealed_tag, mac) = self.stream.seal(tag, message);
                *front = sealed_tag;
                out.extend_from_slice(&mac);
            }
        }
    }
}

/// Decrypts a body piece by piece.
///
/// What [`Decryptor::push`] appends was made by a holder of the key, but whether the file is complete shows at its end: it
/// must neither be shown nor kept before [`Decryptor::finish`] has succeeded, and be discarded if anything fails.
pub struct Decryptor {
    key: StreamKey,
    /// None before the header.
    stream: Option<SecretStream>,
    /// The beginning of what is to come next: header or piece.
    pending: Vec<u8>,
    /// Whether the padding is behind.
    in_file: bool,
    /// Whether the last piece was there.
    ended: bool,
    /// Bytes of the file that are still to come, if its size is known.
    wanted: Option<usize>,
    /// What went wrong; nothing is right any more then.
    failed: Option<DecryptError>,
}

impl Decryptor {
    /// Starts a body. Where the message names the file's `size` in bytes, what is behind it is cut off.
    pub fn new(key: &StreamKey, size: Option<u32>) -> Self {
        Self {
            key: key.clone(),
            stream: None,
            pending: Vec::with_capacity(SEALED),
            in_file: false,
            ended: false,
            wanted: size.map(|size| size as usize),
            failed: None,
        }
    }

    /// Takes the next bytes of the body and appends what they make of the file.
    ///
    /// # Errors
    /// [`DecryptError`]; everything that was appended must be discarded.
    pub fn push(&mut self, body: &[u8], out: &mut Vec<u8>) -> Result<(), DecryptError> {
        let taken = match self.failed {
            Some(error) => Err(error),
            None => self.take(body, out),
        };
        self.failed = taken.err();
        taken
    }

    fn take(&mut self, body: &[u8], out: &mut Vec<u8>) -> Result<(), DecryptError> {
        let mut body = body;
        while !body.is_empty() {
            if self.ended {
                return Err(DecryptError::Length);
            }
            let whole = if self.stream.is_some() { SEALED } else { START };
            let missing = whole - self.pending.len();
            let Some((first, rest)) = body.split_at_checked(missing) else {
                self.pending.extend_from_slice(body);
                return Ok(());
            };
            body = rest;
            if self.stream.is_some() {
                self.open(first, out)?;
            } else {
                self.pending.extend_from_slice(first);
                self.begin()?;
            }
        }
        Ok(())
    }

    /// Decrypts the end. Only if it succeeds is the file what its sender encrypted.
    ///
    /// # Errors
    /// [`DecryptError`]; everything that was appended must be discarded.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), DecryptError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if self.stream.is_none() {
            // An unknown form is told apart from one that breaks off.
            return match self.pending.first() {
                Some(first) if *first != MARK => Err(DecryptError::Form),
                _ => Err(DecryptError::Length),
            };
        }
        if !self.pending.is_empty() {
            self.open(&[], out)?;
        }
        if !self.ended {
            return Err(DecryptError::Length);
        }
        if !self.in_file {
            return Err(DecryptError::Padding);
        }
        if self.wanted.is_some_and(|wanted| wanted > 0) {
            return Err(DecryptError::Size);
        }
        Ok(())
    }

    /// Reads the header.
    fn begin(&mut self) -> Result<(), DecryptError> {
        match self.pending.split_first() {
            Some((&MARK, header)) => {
                let header = header.try_into().map_err(|_| DecryptError::Length)?;
                self.stream = Some(SecretStream::new(&self.key, header));
                self.pending.clear();
                Ok(())
            }
            _ => Err(DecryptError::Form),
        }
    }

    /// Decrypts the piece that `rest` completes.
    fn open(&mut self, rest: &[u8], out: &mut Vec<u8>) -> Result<(), DecryptError> {
        let stream = self.stream.as_mut().ok_or(DecryptError::Length)?;
        let length = (self.pending.len() + rest.len()).checked_sub(OVERHEAD);
        let length = length.filter(|length| *length > 0).ok_or(DecryptError::Length)?;
        let start = out.len();
        let sealed_tag = match self.pending.split_first() {
            Some((tag, held)) => {
                out.extend_from_slice(held);
                out.extend_from_slice(rest);
                Some(*tag)
            }
            None => rest.split_first().map(|(tag, rest)| {
                out.extend_from_slice(rest);
                *tag
            }),
        };
        self.pending.clear();
        let (_, piece) = out.split_at_mut_checked(start).unwrap_or_default();
        let opened = match (sealed_tag, piece.split_last_chunk_mut::<MAC>()) {
            (Some(tag), Some((message, mac))) => stream.open(tag, message, mac),
            _ => Err(DecryptError::Length),
        };
        out.truncate(start + if opened.is_ok() { length } else { 0 });
        self.ended = opened? == Tag::Final;
        self.keep_file(start, out)
    }

    /// Takes the padding from the front of what is behind `start`, and from its end what is beyond the file's size.
    fn keep_file(&mut self, start: usize, out: &mut Vec<u8>) -> Result<(), DecryptError> {
        if !self.in_file {
            let (_, fresh) = out.split_at_checked(start).unwrap_or_default();
            let zeros = fresh.iter().position(|byte| *byte != 0);
            match zeros.map(|zeros| (zeros, fresh.get(zeros))) {
                Some((zeros, Some(&PADDING_END))) => {
                    self.in_file = true;
                    out.drain(start..=start + zeros);
                }
                Some(_) => {
                    out.truncate(start);
                    return Err(DecryptError::Padding);
                }
                None => out.truncate(start),
            }
        }
        if let Some(wanted) = &mut self.wanted {
            let kept = (*wanted).min(out.len() - start);
            *wanted -= kept;
            out.truncate(start + kept);
        }
        Ok(())
    }
}

impl core::fmt::Debug for Encryptor {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Encryptor(..)")
    }
}

impl core::fmt::Debug for Decryptor {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Decryptor(..)")
    }
}

#[cfg(test)]
mod tests;
