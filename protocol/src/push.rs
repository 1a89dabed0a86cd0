//! Push notifications: what a push server encrypts for one device (`spec/01-accounts-and-crypto.md §9`,
//! `spec/08-push.md §3`).
//!
//! Layout: `nonce (24) ‖ XChaCha20-Poly1305(message ‖ zero padding)`. The message is a bencoded list, which never
//! ends in a zero byte.

use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bytes of the nonce.
const NONCE_SIZE: usize = 24;
/// Bytes of the tag.
const TAG_SIZE: usize = 16;

/// Why a notification was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// It is shorter than an empty notification.
    #[error("too short for a notification")]
    TooShort,
    /// It was encrypted for another device, or changed.
    #[error("the notification does not decrypt")]
    Forged,
}

/// A device's notification key: 32 random bytes that the push server gets on subscription. Wiped on drop.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct PushKey([u8; PushKey::SIZE]);

impl PushKey {
    /// Size in bytes.
    pub const SIZE: usize = 32;

    /// A new device's key.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut key = Self([0; Self::SIZE]);
        rng.fill_bytes(&mut key.0);
        key
    }

    /// Takes the bytes.
    pub fn from_bytes(bytes: &[u8; Self::SIZE]) -> Self {
        Self(*bytes)
    }

    /// The bytes, for the subscription and for storing.
    pub fn as_bytes(&self) -> &[u8; Self::SIZE] {
        &self.0
    }

    /// Decrypts a notification and strips the padding.
    pub fn decrypt(&self, payload: &[u8]) -> Result<Vec<u8>, PushError> {
        let (nonce, sealed) = payload
            .split_first_chunk::<NONCE_SIZE>()
            .filter(|(_, sealed)| sealed.len() >= TAG_SIZE)
            .ok_or(PushError::TooShort)?;
        let mut message = XChaCha20Poly1305::new(&Key::from(self.0))
            .decrypt(&XNonce::from(*nonce), sealed)
            .map_err(|_| PushError::Forged)?;
        let end = message
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last + 1);
        message.truncate(end);
        Ok(message)
    }
}

impl PartialEq for PushKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for PushKey {}

impl core::fmt::Debug for PushKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("PushKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::decode_hex;
    use proptest::prelude::*;

    fn key() -> PushKey {
        PushKey::from_bytes(
            &decode_hex("0123456789abcdef0123456789abcdeffedcba9876543210fedcba9876543210").unwrap(),
        )
    }

    #[test]
    fn the_published_notification() {
        let payload: [u8; 51] = decode_hex(
            "00112233445566778899aabbccddeeff00ffeeddccbbaa991bcba42892762dbeecbfb1a375fab4aca5f0991e99eb0344ceeafa",
        )
        .unwrap();
        assert_eq!(key().decrypt(&payload), Ok(b"TestMessage".to_vec()));
        assert_eq!(format!("{:?}", key()), "PushKey(..)");
    }

    #[test]
    fn padding_is_stripped() {
        let sealed = XChaCha20Poly1305::new(&Key::from(*key().as_bytes()))
            .encrypt(&XNonce::from([1; NONCE_SIZE]), b"le\0\0\0".as_slice())
            .unwrap();
        assert_eq!(
            key().decrypt(&[&[1; NONCE_SIZE], sealed.as_slice()].concat()),
            Ok(b"le".to_vec())
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused(payload: Vec<u8>) {
            let expected = if payload.len() < 40 { PushError::TooShort } else { PushError::Forged };
            prop_assert_eq!(key().decrypt(&payload), Err(expected));
        }
    }
}
