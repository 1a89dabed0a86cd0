//! Ed25519 and X25519 keys and signatures: the types, the two maps between the curves, and strict verification.
//!
//! Everything follows `spec/01-accounts-and-crypto.md §3`. Verification accepts what libsodium's
//! `crypto_sign_verify_detached` accepts and nothing else; a conversion fails for every point outside the prime-order
//! subgroup, because a key with a small-order component would let one signer appear under several account ids.
//!
//! ```
//! use holdfast_protocol::keys::Ed25519KeyPair;
//!
//! let pair = Ed25519KeyPair::from_seed(&[7; 32]);
//! let signature = pair.sign(b"hello");
//! assert!(pair.public().verify(b"hello", &signature).is_ok());
//! assert_eq!(pair.public().to_x25519().unwrap(), pair.x25519().public());
//! ```

mod bytes;
mod point;
mod secret;
mod serial;

pub(crate) use bytes::byte_string;
pub(crate) use point::{DecodedKey, multiply, multiply_base, scalar_from_wide};
pub use secret::{Ed25519KeyPair, SharedSecret, X25519SecretKey};
pub(crate) use serial::{decode_hex, deserialize_bytes, serialize_bytes};

use curve25519_dalek::montgomery::MontgomeryPoint;

/// Bytes of an Ed25519 seed (RFC 8032 private key).
pub const SEED_SIZE: usize = 32;

/// Why a key or signature was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The input has the wrong number of bytes for its kind.
    #[error("expected {expected} bytes, got {actual}")]
    Length {
        /// Bytes this kind has.
        expected: usize,
        /// Bytes that were given.
        actual: usize,
    },
    /// The text holds something else than hex digits.
    #[error("not hexadecimal")]
    NotHex,
    /// The bytes are no canonical encoding of a point on the curve.
    #[error("not a valid curve point")]
    InvalidPoint,
    /// The point has small order: whoever made it has no secret for it.
    #[error("point of small order")]
    SmallOrder,
    /// The point is not in the prime-order subgroup, so several encodings would stand for one identity.
    #[error("point outside the prime-order subgroup")]
    MixedOrder,
    /// The signature was not made over this message with this key, or its encoding is not strict.
    #[error("signature does not verify")]
    BadSignature,
    /// A Diffie-Hellman result is zero: the peer's key is of low order and the "secret" would be public.
    #[error("key agreement is not contributory")]
    ZeroSharedSecret,
}

byte_string!(
    /// An Ed25519 public key: 32 bytes as RFC 8032 encodes a point. Not checked until it is used.
    Ed25519PublicKey,
    32,
    "an Ed25519 public key"
);

byte_string!(
    /// An X25519 public key: 32 bytes, the u-coordinate. The body of every `05` account id.
    X25519PublicKey,
    32,
    "an X25519 public key"
);

byte_string!(
    /// An Ed25519 signature: 64 bytes `R ‖ S`.
    Signature,
    64,
    "an Ed25519 signature"
);

impl Ed25519PublicKey {
    /// Verifies strictly (spec/01 §3.4): canonical key, neither key nor `R` of small order, `S` below the group
    /// order, cofactorless equation.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), KeyError> {
        DecodedKey::new(self)?.verify(message, signature)
    }

    /// The X25519 key of the same secret (spec/01 §3.1).
    ///
    /// Fails when the bytes are no canonical point, or the point is of small or mixed order.
    pub fn to_x25519(&self) -> Result<X25519PublicKey, KeyError> {
        DecodedKey::new(self)?.to_x25519()
    }

    /// Whether bit 255 is set: the x-coordinate is "negative" and the account id alone does not give this key back.
    pub fn is_negative(&self) -> bool {
        self.0.last().is_some_and(|last| last & 0x80 != 0)
    }

    /// The same point or its negation, whichever is positive: this key with bit 255 cleared (spec/01 §4).
    pub fn to_positive(&self) -> Self {
        let mut bytes = self.0;
        if let Some(last) = bytes.last_mut() {
            *last &= 0x7f;
        }
        Self(bytes)
    }
}

impl X25519PublicKey {
    /// The positive one of the two Ed25519 keys that map to this X25519 key (spec/01 §3.2).
    ///
    /// Bit 255 of the input is ignored. Fails when the u-coordinate belongs to no point of the Edwards curve (it lies on the twist).
    pub fn to_ed25519_positive(&self) -> Result<Ed25519PublicKey, KeyError> {
        MontgomeryPoint(self.0)
            .to_edwards(0)
            .map(|point| Ed25519PublicKey(point.compress().to_bytes()).to_positive())
            .ok_or(KeyError::InvalidPoint)
    }
}

#[cfg(test)]
mod tests;
