//! The legacy form of attachments: AES-256-CBC, then HMAC-SHA256 over IV and ciphertext, and a SHA-256 of it all in the
//! message (spec/07-files-and-attachments.md §5). What all clients read and, in 2026, write.
//!
//! [`encrypt`] and [`decrypt`] take a whole file; [`Encryptor`] and [`Decryptor`] take it piece by piece and hold back
//! no more than a few blocks.

use super::{AttachmentKey, BodyDigest, DecryptError, EncryptError};
use aes::Aes256;
use aes::cipher::{Array, BlockModeDecrypt, BlockModeEncrypt, KeyIvInit, consts::U16};
use hmac::{Hmac, KeyInit, Mac};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Largest file that is sent in this form, bytes: the last padding step whose body every client takes (spec/07 §5.1).
pub const MAX_SIZE: u32 = 9_828_080;
/// Fewest bytes that a file is padded to.
const MIN_PADDED: usize = 541;
/// Most bytes that a file is padded to.
const MAX_PADDED: usize = 10_000_000;
/// What each padding step is longer than the one before.
const STEP: f64 = 1.05;

/// Bytes of an AES block, and of the IV.
const BLOCK: usize = 16;
/// Bytes of the MAC.
const MAC: usize = 32;
/// What a decryptor holds back: the block with the cipher's own padding, and the MAC.
const TAIL: usize = BLOCK + MAC;
/// Bytes that are encrypted, authenticated and hashed before the next ones, so that they stay in the processor's cache.
const PIECE: usize = 32 * 1024;

/// The length to which a file of `size` bytes is padded with zeros: powers of 1.05, at least 541 (spec/07 §5.1).
///
/// Multiplying gives the same steps as the logarithms of the specification; a test compares all of them.
pub fn padded_size(size: usize) -> usize {
    let mut step = 1.0;
    // Sizes that are padded at all are far below 2^53, so that they are exact here.
    while step < size.min(MAX_PADDED) as f64 {
        step *= STEP;
    }
    (step as usize).clamp(MIN_PADDED, MAX_PADDED).max(size)
}

/// Bytes of the encrypted form of a file of `size` bytes: IV, ciphertext with the cipher's padding, MAC.
pub fn encrypted_size(size: usize) -> usize {
    let blocks = padded_size(size) / BLOCK + 1;
    BLOCK + blocks * BLOCK + MAC
}

/// An encrypted file with what opens it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encrypted {
    /// What is uploaded.
    pub body: Vec<u8>,
    /// Its key.
    pub key: AttachmentKey,
    /// Its hash, which goes into the message beside the key.
    pub digest: BodyDigest,
}

/// Encrypts a file under a new key.
///
/// # Errors
/// [`EncryptError::Empty`], [`EncryptError::TooLarge`].
pub fn encrypt(plain: &[u8], rng: &mut impl CryptoRng) -> Result<Encrypted, EncryptError> {
    let key = AttachmentKey::generate(rng);
    let mut body = Vec::with_capacity(encrypted_size(plain.len()));
    let mut encryptor = Encryptor::start(&key, rng, &mut body);
    encryptor.push(plain, &mut body)?;
    let digest = encryptor.finish(&mut body)?;
    Ok(Encrypted { body, key, digest })
}

/// Decrypts and checks a whole body; `size` is the file's size in bytes according to the message.
///
/// # Errors
/// [`DecryptError`].
pub fn decrypt(
    key: &AttachmentKey,
    digest: &BodyDigest,
    size: u32,
    body: &[u8],
) -> Result<Vec<u8>, DecryptError> {
    let mut plain = Vec::with_capacity(body.len());
    let mut decryptor = Decryptor::new(key, digest, size)?;
    decryptor.push(body, &mut plain);
    decryptor.finish(&mut plain)?;
    Ok(plain)
}

/// The MAC, and the hash of everything.
struct Sums {
    mac: Hmac<Sha256>,
    digest: Sha256,
}

impl Sums {
    fn new(mac_key: &[u8; 32]) -> Self {
        // HMAC fills shorter keys with zeros up to the hash's block, which makes them infallible here.
        let mut block = zeroize::Zeroizing::new([0; 64]);
        block.iter_mut().zip(mac_key).for_each(|(to, from)| *to = *from);
        Self {
            mac: Hmac::new((&*block).into()),
            digest: Sha256::new(),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        Mac::update(&mut self.mac, bytes);
        Digest::update(&mut self.digest, bytes);
    }
}

/// Encrypts a file piece by piece.
pub struct Encryptor {
    cipher: cbc::Encryptor<Aes256>,
    sums: Sums,
    /// Bytes that fill no block yet.
    rest: Vec<u8>,
    /// Bytes that were pushed.
    size: usize,
}

impl Encryptor {
    /// Starts a body: appends the IV to `out`. A key must not be used for a second file.
    pub fn start(key: &AttachmentKey, rng: &mut impl CryptoRng, out: &mut Vec<u8>) -> Self {
        let mut iv = [0; BLOCK];
        rng.fill_bytes(&mut iv);
        let (aes_key, mac_key) = key.halves();
        let mut sums = Sums::new(mac_key);
        sums.update(&iv);
        out.extend_from_slice(&iv);
        Self {
            cipher: cbc::Encryptor::new(aes_key.into(), &iv.into()),
            sums,
            rest: Vec::with_capacity(BLOCK),
            size: 0,
        }
    }

    /// Takes the next bytes of the file and appends what they make of the body.
    ///
    /// # Errors
    /// [`EncryptError::TooLarge`] when the file is larger than [`MAX_SIZE`]; what was written is of no use then.
    pub fn push(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), EncryptError> {
        self.size = self.size.saturating_add(plain.len());
        check_size(self.size)?;
        self.encrypt(plain, out);
        Ok(())
    }

    /// Appends padding and MAC; returns the body's digest.
    ///
    /// # Errors
    /// [`EncryptError::Empty`] when nothing was pushed: readers take a size of zero for a missing one.
    /// [`EncryptError::TooLarge`] when a push has failed.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<BodyDigest, EncryptError> {
        check_size(self.size)?;
        if self.size == 0 {
            return Err(EncryptError::Empty);
        }
        let zeros = [0; 4096];
        let mut padding = padded_size(self.size) - self.size;
        while padding > 0 {
            let piece = zeros.get(..padding).unwrap_or(&zeros);
            self.encrypt(piece, out);
            padding -= piece.len();
        }
        // PKCS#7: as many bytes as are missing to a whole block, a full block if none, each saying how many.
        let missing = BLOCK - self.rest.len();
        let padding = [u8::try_from(missing).unwrap_or_default(); BLOCK];
        self.encrypt(padding.get(..missing).unwrap_or_default(), out);
        let mac = self.sums.mac.finalize().into_bytes();
        self.sums.digest.update(mac);
        out.extend_from_slice(&mac);
        Ok(BodyDigest::from(<[u8; 32]>::from(self.sums.digest.finalize())))
    }

    fn encrypt(&mut self, plain: &[u8], out: &mut Vec<u8>) {
        out.reserve(self.rest.len() + plain.len());
        for piece in plain.chunks(PIECE) {
            let start = out.len();
            out.append(&mut self.rest);
            out.extend_from_slice(piece);
            let whole = (out.len() - start) / BLOCK * BLOCK;
            self.rest.extend(out.drain(start + whole..));
            let (blocks, _) = blocks(out, start);
            self.cipher.encrypt_blocks(blocks);
            self.sums.update(out.get(start..).unwrap_or_default());
        }
    }
}

fn check_size(size: usize) -> Result<(), EncryptError> {
    if size > MAX_SIZE as usize {
        return Err(EncryptError::TooLarge);
    }
    Ok(())
}

/// The blocks of everything behind `start`, and what is left over.
fn blocks(bytes: &mut [u8], start: usize) -> (&mut [Array<u8, U16>], &mut [u8]) {
    let (_, fresh) = bytes.split_at_mut_checked(start).unwrap_or_default();
    Array::slice_as_chunks_mut(fresh)
}

/// Decrypts a body piece by piece.
///
/// What [`Decryptor::push`] appends is **not checked**: it must neither be shown nor kept before [`Decryptor::finish`]
/// has succeeded, and be discarded if anything fails.
pub struct Decryptor {
    cipher: cbc::Decryptor<Aes256>,
    sums: Sums,
    digest: BodyDigest,
    /// The end of what was pushed, at least [`TAIL`] bytes once there are as many.
    tail: Vec<u8>,
    /// Whether the IV was decrypted and dropped.
    started: bool,
    /// Bytes of the file that are still to come.
    wanted: usize,
}

impl Decryptor {
    /// Starts a body, of which the message says the digest, and the file's `size` in bytes.
    ///
    /// # Errors
    /// [`DecryptError::NoSize`] for size 0: the padding could not be told from the file.
    pub fn new(key: &AttachmentKey, digest: &BodyDigest, size: u32) -> Result<Self, DecryptError> {
        if size == 0 {
            return Err(DecryptError::NoSize);
        }
        let (aes_key, mac_key) = key.halves();
        Ok(Self {
            // The IV in front of the body is decrypted like a block of it, and its result dropped. After it the cipher
            // is in the same state as if it had been given the IV.
            cipher: cbc::Decryptor::new(aes_key.into(), &[0; BLOCK].into()),
            sums: Sums::new(mac_key),
            digest: *digest,
            tail: Vec::with_capacity(TAIL + BLOCK),
            started: false,
            wanted: size as usize,
        })
    }

    /// Takes the next bytes of the body and appends what they make of the file, unchecked.
    pub fn push(&mut self, body: &[u8], out: &mut Vec<u8>) {
        let mut body = body;
        // First what was held back, filled up from the new bytes, then pieces of these, always leaving a tail.
        while self.tail.len() + body.len() >= TAIL + BLOCK {
            let held = self.tail.len();
            let ready = (held + body.len() - TAIL) / BLOCK * BLOCK;
            let ready = ready.min(PIECE);
            let start = out.len();
            let (piece, rest) = body
                .split_at_checked(ready.saturating_sub(held))
                .unwrap_or_default();
            out.extend(self.tail.drain(..held.min(ready)));
            out.extend_from_slice(piece);
            body = rest;
            self.decrypt(start, out);
        }
        self.tail.extend_from_slice(body);
    }

    /// Decrypts the end and checks the MAC, the digest, the cipher's padding and the size. Only if it succeeds is the
    /// file what its sender encrypted.
    ///
    /// # Errors
    /// [`DecryptError`]; everything that was appended must be discarded.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), DecryptError> {
        let Some((last, mac)) = self.tail.split_last_chunk::<MAC>() else {
            return Err(DecryptError::Length);
        };
        if last.len() != BLOCK || !self.started {
            return Err(DecryptError::Length);
        }
        self.sums.update(last);
        let right = self.sums.mac.finalize().into_bytes().ct_eq(mac);
        self.sums.digest.update(mac);
        if !bool::from(right) {
            return Err(DecryptError::Forged);
        }
        let digest = self.sums.digest.finalize();
        if !bool::from(digest.ct_eq(self.digest.as_bytes())) {
            return Err(DecryptError::Digest);
        }
        let mut block = Array::default();
        block.iter_mut().zip(last).for_each(|(to, from)| *to = *from);
        self.cipher.decrypt_block(&mut block);
        let plain = without_pkcs7(&block)?;
        out.extend_from_slice(plain.get(..self.wanted).unwrap_or(plain));
        if plain.len() < self.wanted {
            return Err(DecryptError::Size);
        }
        Ok(())
    }

    /// Decrypts everything behind `start` in place, and cuts what is not of the file.
    fn decrypt(&mut self, start: usize, out: &mut Vec<u8>) {
        self.sums.update(out.get(start..).unwrap_or_default());
        let (blocks, _) = blocks(out, start);
        self.cipher.decrypt_blocks(blocks);
        if !self.started {
            self.started = true;
            out.drain(start..start + BLOCK);
        }
        let kept = self.wanted.min(out.len() - start);
        self.wanted -= kept;
        out.truncate(start + kept);
    }
}

/// What is before the padding: as many bytes at the end as the last one says, 1 to 16, all alike.
fn without_pkcs7(block: &[u8]) -> Result<&[u8], DecryptError> {
    let padding = block.last().copied().unwrap_or_default();
    let length = usize::from(padding);
    let plain = block.len().checked_sub(length).filter(|_| length > 0);
    let (plain, padded) = plain
        .and_then(|plain| block.split_at_checked(plain))
        .ok_or(DecryptError::Padding)?;
    if padded.iter().any(|byte| *byte != padding) {
        return Err(DecryptError::Padding);
    }
    Ok(plain)
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
