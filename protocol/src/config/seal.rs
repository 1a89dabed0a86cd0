//! Padding and encryption of config messages (spec/04-configs.md §7.2, §7.3).
//!
//! The encryption is deterministic: key and nonce follow from the content, so that two devices that resolve a conflict
//! alike store the same bytes once.

use crate::hash::{blake2b, blake2b_into};
use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

/// Bytes by which an encrypted message is longer: tag (16) and nonce (24).
pub const OVERHEAD: usize = 40;
/// Bytes of an encryption key, and of what it is derived from.
pub const KEY_SIZE: usize = 32;
/// Longest domain in bytes; the key of the nonce's hash has room for no more.
pub const MAX_DOMAIN: usize = 24;

const NONCE_SIZE: usize = 24;
const NONCE_KEY: &[u8; 32] = b"libsessionutil-config-encrypted-";
/// Up to which encrypted size (exclusive) messages are padded to multiples of what; [`LARGEST_STEP`] above.
const STEPS: [(usize, usize); 3] = [(5_120, 256), (20_480, 1_024), (40_960, 2_048)];
const LARGEST_STEP: usize = 5_120;

/// The bytes do not decrypt: another key or domain, or they were changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("config message does not decrypt")]
pub struct Undecryptable;

/// The size to which `length` bytes are padded before encryption.
pub fn padded_size(length: usize) -> usize {
    let size = length + OVERHEAD;
    let step = STEPS
        .iter()
        .find(|(limit, _)| size < *limit)
        .map_or(LARGEST_STEP, |(_, step)| *step);
    size.next_multiple_of(step) - OVERHEAD
}

/// Puts zeros in front up to [`padded_size`].
pub fn pad(message: &[u8]) -> Zeroizing<Vec<u8>> {
    let size = padded_size(message.len());
    let mut padded = Vec::with_capacity(size);
    padded.resize(size - message.len(), 0);
    padded.extend_from_slice(message);
    Zeroizing::new(padded)
}

/// The bytes behind the zeros in front.
pub fn unpad(padded: &[u8]) -> &[u8] {
    let start = padded.iter().position(|byte| *byte != 0).unwrap_or(padded.len());
    padded.get(start..).unwrap_or_default()
}

/// Encrypts: ciphertext ‖ tag (16) ‖ nonce (24). A domain longer than [`MAX_DOMAIN`] is refused.
pub fn encrypt(base: &[u8; KEY_SIZE], domain: &str, message: &[u8]) -> Result<Vec<u8>, Undecryptable> {
    let mut nonce = [0; NONCE_SIZE];
    let nonce_key = [NONCE_KEY.as_slice(), domain.as_bytes()].concat();
    blake2b_into(&nonce_key, message, &mut nonce).map_err(|_| Undecryptable)?;
    let mut out = Vec::with_capacity(message.len() + OVERHEAD);
    out.extend_from_slice(message);
    cipher(base, message.len(), domain)
        .encrypt_in_place(&XNonce::from(nonce), &[], &mut out)
        .map_err(|_| Undecryptable)?;
    out.extend_from_slice(&nonce);
    Ok(out)
}

/// Decrypts what [`encrypt`] made with the same key and domain.
pub fn decrypt(
    base: &[u8; KEY_SIZE],
    domain: &str,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Undecryptable> {
    let (body, nonce) = sealed.split_last_chunk::<NONCE_SIZE>().ok_or(Undecryptable)?;
    let length = sealed.len().checked_sub(OVERHEAD).ok_or(Undecryptable)?;
    let mut message = Zeroizing::new(body.to_vec());
    cipher(base, length, domain)
        .decrypt_in_place(&XNonce::from(*nonce), &[], &mut *message)
        .map_err(|_| Undecryptable)?;
    Ok(message)
}

/// The cipher for a message of this length.
fn cipher(base: &[u8; KEY_SIZE], length: usize, domain: &str) -> XChaCha20Poly1305 {
    let length = u64::try_from(length).unwrap_or(u64::MAX).to_be_bytes();
    let key = Zeroizing::new(blake2b::<KEY_SIZE>(&[base, &length, domain.as_bytes()]));
    XChaCha20Poly1305::new((&*key).into())
}
