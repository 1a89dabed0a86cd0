//! Direct messages between people who know only each other's blinded ids (`spec/02-messages-v1.md §2.5`).
//!
//! ```text
//! key     = BLAKE2b-32(shared point ‖ sender's blinded key ‖ recipient's blinded key)
//! message = 0x00 ‖ XChaCha20-Poly1305(content ‖ sender's Ed25519 key) ‖ nonce (24)
//! ```
//! There is no signature: both sides could have written a message. What shows the sender is that the key inside,
//! blinded, is the id the server vouches for.

use super::keys::{BlindedKeyPair, is_blinded_id_of_key};
use crate::account::{Id, IdKind};
use crate::hash::blake2b;
use crate::keys::{Ed25519KeyPair, Ed25519PublicKey, X25519PublicKey, multiply};
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

/// First byte of every message.
const VERSION: u8 = 0;
/// Bytes of the nonce.
const NONCE_SIZE: usize = 24;
/// Bytes by which a message is longer than its content: version, sender's key, tag, nonce.
pub const OVERHEAD: usize = 1 + Ed25519PublicKey::SIZE + 16 + NONCE_SIZE;

/// Why a direct message was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DirectError {
    /// Sender and recipient are not blinded ids of one kind.
    #[error("sender and recipient are not blinded ids of one kind")]
    Kind,
    /// Neither the sender nor the recipient is the own blinded id on this server.
    #[error("the message is neither from nor to us")]
    NotOurs,
    /// The other party's id is no usable key.
    #[error("the other's blinded id is no usable key")]
    Key,
    /// It is shorter than a message without content.
    #[error("too short")]
    TooShort,
    /// Its first byte is not 0.
    #[error("unknown version {0}")]
    Version(u8),
    /// It does not decrypt: it is for other parties, or was changed.
    #[error("does not decrypt")]
    Forged,
    /// The key inside is not the sender's that the server names.
    #[error("the sender is not who the server says")]
    Sender,
}

/// What came out of a direct message.
#[derive(Clone, PartialEq, Eq)]
pub struct Decrypted {
    /// The padded content.
    pub content: Vec<u8>,
    /// The sender's Ed25519 key.
    pub sender: Ed25519PublicKey,
    /// The sender's account id; from now on it is known that the blinded id is theirs.
    pub sender_id: Id,
}

impl core::fmt::Debug for Decrypted {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "Decrypted {{ {} bytes from {} }}",
            self.content.len(),
            self.sender_id
        )
    }
}

/// Encrypts a padded content to a blinded id, as the own blinded id of the same kind.
pub fn encrypt(
    own: &Ed25519KeyPair,
    recipient: &Id,
    server: &X25519PublicKey,
    content: &[u8],
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, DirectError> {
    let blinded = BlindedKeyPair::of_kind(recipient.kind(), own, server).ok_or(DirectError::Kind)?;
    let cipher = cipher(own, &blinded, recipient, &blinded.id(), recipient)?;
    let mut nonce = [0; NONCE_SIZE];
    rng.fill_bytes(&mut nonce);
    let plaintext = Zeroizing::new([content, own.public().as_bytes()].concat());
    let sealed = cipher
        .encrypt(&XNonce::from(nonce), plaintext.as_slice())
        .map_err(|_| DirectError::Forged)?;
    let mut message = Vec::with_capacity(1 + sealed.len() + NONCE_SIZE);
    message.push(VERSION);
    message.extend_from_slice(&sealed);
    message.extend_from_slice(&nonce);
    Ok(message)
}

/// Decrypts a message of the inbox (to us) or the outbox (from us). The ids are those the server names.
pub fn decrypt(
    own: &Ed25519KeyPair,
    sender: &Id,
    recipient: &Id,
    server: &X25519PublicKey,
    message: &[u8],
) -> Result<Decrypted, DirectError> {
    if sender.kind() != recipient.kind() {
        return Err(DirectError::Kind);
    }
    let blinded = BlindedKeyPair::of_kind(recipient.kind(), own, server).ok_or(DirectError::Kind)?;
    let other = if blinded.id() == *recipient {
        sender
    } else if blinded.id() == *sender {
        recipient
    } else {
        return Err(DirectError::NotOurs);
    };
    if message.len() < OVERHEAD {
        return Err(DirectError::TooShort);
    }
    let (version, rest) = message.split_first().ok_or(DirectError::TooShort)?;
    if *version != VERSION {
        return Err(DirectError::Version(*version));
    }
    let (sealed, nonce) = rest
        .split_last_chunk::<NONCE_SIZE>()
        .ok_or(DirectError::TooShort)?;
    let mut content = cipher(own, &blinded, other, sender, recipient)?
        .decrypt(&XNonce::from(*nonce), sealed)
        .map_err(|_| DirectError::Forged)?;
    let (body, key) = content
        .split_last_chunk::<{ Ed25519PublicKey::SIZE }>()
        .ok_or(DirectError::TooShort)?;
    let (length, key) = (body.len(), Ed25519PublicKey::from_bytes(key));
    let x25519 = key.to_x25519().map_err(|_| DirectError::Sender)?;
    if !is_blinded_id_of_key(sender, &key, server) {
        return Err(DirectError::Sender);
    }
    content.truncate(length);
    Ok(Decrypted {
        content,
        sender: key,
        sender_id: Id::account(x25519),
    })
}

/// The cipher of two parties. The sender's key is hashed first, whichever of them we are.
fn cipher(
    own: &Ed25519KeyPair,
    blinded: &BlindedKeyPair,
    other: &Id,
    sender: &Id,
    recipient: &Id,
) -> Result<XChaCha20Poly1305, DirectError> {
    // With 15 both factors are the server's, and the other's is in their key already; with 25 each brings its own.
    let scalar = match blinded.id().kind() {
        IdKind::Blinded25 => Zeroizing::new(*blinded.secret()),
        _ => own.scalar(),
    };
    let other = Ed25519PublicKey::from_bytes(other.key());
    let shared = multiply(&scalar, &other).map_err(|_| DirectError::Key)?;
    let key = Zeroizing::new(blake2b::<32>(&[shared.as_bytes(), sender.key(), recipient.key()]));
    Ok(XChaCha20Poly1305::new(&Key::from(*key)))
}
