//! Sealed boxes: encryption to an X25519 key by a sender who leaves no key of their own
//! (`spec/01-accounts-and-crypto.md §3.6`, libsodium's `crypto_box_seal`).
//!
//! Layout: `ephemeral public key (32) ‖ Poly1305 tag (16) ‖ ciphertext`.

use crate::hash::blake2b;
use crate::keys::{KeyError, X25519PublicKey, X25519SecretKey};
use poly1305::Poly1305;
use poly1305::universal_hash::KeyInit;
use rand_core::CryptoRng;
use salsa20::cipher::consts::U10;
use salsa20::cipher::{KeyIvInit, StreamCipher};
use salsa20::{Key, XNonce, XSalsa20, hsalsa};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// Bytes of an ephemeral public key.
const PUBLIC_SIZE: usize = 32;
/// Bytes of a Poly1305 tag.
pub(crate) const TAG_SIZE: usize = 16;
/// Bytes by which a sealed box is longer than what is in it.
pub const OVERHEAD: usize = PUBLIC_SIZE + TAG_SIZE;

/// Why a box could not be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealedBoxError {
    /// There are fewer bytes than an empty box has.
    #[error("too short for a sealed box")]
    TooShort,
    /// The recipient's or the ephemeral key is of low order.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The box was sealed to another key, or was changed.
    #[error("sealed box does not open")]
    Forged,
}

/// Seals with a fresh ephemeral key. Fails only for a low-order recipient key.
pub fn seal(
    recipient: &X25519PublicKey,
    plaintext: &[u8],
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, SealedBoxError> {
    seal_with(&X25519SecretKey::generate(rng), recipient, plaintext)
}

/// Seals with a given ephemeral key, which must be used once only: the nonce depends on nothing but the two keys.
pub fn seal_with(
    ephemeral: &X25519SecretKey,
    recipient: &X25519PublicKey,
    plaintext: &[u8],
) -> Result<Vec<u8>, SealedBoxError> {
    let mut buffer = Vec::with_capacity(OVERHEAD + plaintext.len());
    buffer.resize(OVERHEAD, 0);
    buffer.extend_from_slice(plaintext);
    seal_in_place(ephemeral, recipient, &mut buffer)?;
    Ok(buffer)
}

/// Seals a buffer whose first [`OVERHEAD`] bytes are free for the key and the tag.
pub(crate) fn seal_in_place(
    ephemeral: &X25519SecretKey,
    recipient: &X25519PublicKey,
    buffer: &mut [u8],
) -> Result<(), SealedBoxError> {
    let (public, rest) = buffer
        .split_at_mut_checked(PUBLIC_SIZE)
        .ok_or(SealedBoxError::TooShort)?;
    let (tag, body) = rest
        .split_at_mut_checked(TAG_SIZE)
        .ok_or(SealedBoxError::TooShort)?;
    let (mut cipher, mac) = ciphers(ephemeral, recipient, &ephemeral.public(), recipient)?;
    cipher.apply_keystream(body);
    public.copy_from_slice(ephemeral.public().as_bytes());
    tag.copy_from_slice(&mac.compute_unpadded(body));
    Ok(())
}

/// Opens a box sealed to this key.
pub fn open(recipient: &X25519SecretKey, sealed: &[u8]) -> Result<Vec<u8>, SealedBoxError> {
    let (public, rest) = sealed
        .split_first_chunk::<PUBLIC_SIZE>()
        .ok_or(SealedBoxError::TooShort)?;
    let (tag, body) = rest
        .split_first_chunk::<TAG_SIZE>()
        .ok_or(SealedBoxError::TooShort)?;
    let ephemeral = X25519PublicKey::from_bytes(public);
    let (mut cipher, mac) = ciphers(recipient, &ephemeral, &ephemeral, &recipient.public())?;
    if !bool::from(mac.compute_unpadded(body).as_slice().ct_eq(tag)) {
        return Err(SealedBoxError::Forged);
    }
    let mut plaintext = body.to_vec();
    cipher.apply_keystream(&mut plaintext);
    Ok(plaintext)
}

/// The cipher, past the block that keys the MAC, and the MAC.
fn ciphers(
    secret: &X25519SecretKey,
    peer: &X25519PublicKey,
    ephemeral: &X25519PublicKey,
    recipient: &X25519PublicKey,
) -> Result<(XSalsa20, Poly1305), SealedBoxError> {
    let shared = secret.diffie_hellman(peer)?;
    let nonce = blake2b::<24>(&[ephemeral.as_bytes(), recipient.as_bytes()]);
    let mut key = hsalsa::<U10>(&Key::from(*shared.as_bytes()), &[0; 16].into());
    let pair = secretbox_ciphers(&key, &XNonce::from(nonce));
    key.zeroize();
    Ok(pair)
}

/// What `crypto_secretbox` makes of a key and a nonce: the first 32 bytes of the key stream key the MAC, the rest
/// encrypts.
pub(crate) fn secretbox_ciphers(key: &Key, nonce: &XNonce) -> (XSalsa20, Poly1305) {
    let mut cipher = XSalsa20::new(key, nonce);
    let mut mac_key = Zeroizing::new([0; 32]);
    cipher.apply_keystream(mac_key.as_mut_slice());
    let mac = Poly1305::new(&poly1305::Key::from(*mac_key));
    (cipher, mac)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_low_order_key_is_refused_in_both_directions() {
        let zero = X25519PublicKey::from([0; 32]);
        let secret = X25519SecretKey::from_bytes(&[5; 32]);
        let refused = Err(SealedBoxError::Key(KeyError::ZeroSharedSecret));
        assert_eq!(seal_with(&secret, &zero, b"m"), refused);
        assert_eq!(open(&secret, &[0; OVERHEAD]), refused);
    }

    #[test]
    fn short_input_is_told_apart_from_forged() {
        let secret = X25519SecretKey::from_bytes(&[5; 32]);
        assert_eq!(open(&secret, &[9; OVERHEAD - 1]), Err(SealedBoxError::TooShort));
        assert_eq!(open(&secret, &[9; OVERHEAD]), Err(SealedBoxError::Forged));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn sealing_and_opening_invert(ephemeral: [u8; 32], own: [u8; 32], plaintext: Vec<u8>, flip: u16) {
            let own = X25519SecretKey::from_bytes(&own);
            let mut sealed =
                seal_with(&X25519SecretKey::from_bytes(&ephemeral), &own.public(), &plaintext).unwrap();
            prop_assert_eq!(sealed.len(), plaintext.len() + OVERHEAD);
            let opened = open(&own, &sealed);
            prop_assert_eq!(opened.as_ref(), Ok(&plaintext));
            let at = usize::from(flip) % (8 * sealed.len());
            // Bit 255 of the ephemeral key is no part of the u-coordinate, but it is part of the nonce.
            sealed[at / 8] ^= 1 << (at % 8);
            prop_assert!(open(&own, &sealed).is_err());
        }

        #[test]
        fn any_bytes_open_or_are_refused(own: [u8; 32], sealed: Vec<u8>) {
            prop_assert!(open(&X25519SecretKey::from_bytes(&own), &sealed).is_err());
        }
    }
}
