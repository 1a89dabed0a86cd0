//! Encryption to one recipient: a sealed box around the content, the sender's key and a signature
//! (`spec/02-messages-v1.md §2.2`).
//!
//! ```text
//! signature  = Ed25519(content ‖ sender key ‖ recipient key)
//! ciphertext = sealed box(content ‖ sender key (32) ‖ signature (64))
//! ```
//! The recipient's key is signed too, so that a recipient cannot pass the message on as if it were meant for another.

use super::senders::SenderCache;
use crate::hash::blake2b_keyed;
use crate::keys::{Ed25519KeyPair, Ed25519PublicKey, Signature, X25519PublicKey, X25519SecretKey};
use crate::sealed_box;
use rand_core::CryptoRng;

/// Bytes between the content and the end of the box: the sender's key and the signature.
const TRAILER: usize = Ed25519PublicKey::SIZE + Signature::SIZE;
/// Bytes by which the ciphertext is longer than the content.
pub const OVERHEAD: usize = sealed_box::OVERHEAD + TRAILER;
/// Key of the hash that gives the ephemeral key of the deterministic variant.
const EPHEMERAL_DOMAIN: &[u8; 26] = b"SessionBoxEphemeralHashKey";

/// Why a ciphertext was refused, in the order of the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum V1Error {
    /// Shorter than a ciphertext without content.
    #[error("too short")]
    TooShort,
    /// The sealed box was made for another key, or changed; or, when encrypting, the recipient's key is of low order.
    #[error("sealed box does not open")]
    Sealed,
    /// The sender's signature does not cover this content for this recipient.
    #[error("sender's signature does not verify")]
    Signature,
    /// The sender's key stands for no account id (it is of mixed order).
    #[error("sender's key has no account id")]
    SenderKey,
}

/// What came out of a ciphertext.
#[derive(Clone, PartialEq, Eq)]
pub struct Decrypted {
    /// The padded content.
    pub content: Vec<u8>,
    /// The key that signed it.
    pub sender: Ed25519PublicKey,
    /// The same key as it stands in the account id.
    pub sender_x25519: X25519PublicKey,
}

impl core::fmt::Debug for Decrypted {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "Decrypted {{ {} bytes from {} }}",
            self.content.len(),
            self.sender
        )
    }
}

/// Encrypts a padded content. Fails only when the recipient's key is of low order.
pub fn encrypt(
    sender: &Ed25519KeyPair,
    recipient: &X25519PublicKey,
    content: &[u8],
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, V1Error> {
    encrypt_with(&X25519SecretKey::generate(rng), sender, recipient, content)
}

/// Encrypts with an ephemeral key derived from seed, recipient and content: the same inputs give the same ciphertext.
/// Not for chats, where it would show that a message was sent twice.
pub fn encrypt_deterministic(
    sender: &Ed25519KeyPair,
    recipient: &X25519PublicKey,
    content: &[u8],
) -> Result<Vec<u8>, V1Error> {
    let seed = blake2b_keyed::<32, _>(EPHEMERAL_DOMAIN, &[sender.seed(), recipient.as_bytes(), content]);
    encrypt_with(&X25519SecretKey::from_box_seed(&seed), sender, recipient, content)
}

/// Encrypts with a given ephemeral key, which must be used once only.
pub fn encrypt_with(
    ephemeral: &X25519SecretKey,
    sender: &Ed25519KeyPair,
    recipient: &X25519PublicKey,
    content: &[u8],
) -> Result<Vec<u8>, V1Error> {
    let mut buffer = Vec::with_capacity(OVERHEAD + content.len());
    buffer.resize(sealed_box::OVERHEAD, 0);
    buffer.extend_from_slice(content);
    seal(ephemeral, sender, recipient, buffer)
}

/// Signs and seals a content that stands in the buffer after [`sealed_box::OVERHEAD`] free bytes.
pub(super) fn seal(
    ephemeral: &X25519SecretKey,
    sender: &Ed25519KeyPair,
    recipient: &X25519PublicKey,
    mut buffer: Vec<u8>,
) -> Result<Vec<u8>, V1Error> {
    sign(sender, recipient, &mut buffer, sealed_box::OVERHEAD);
    sealed_box::seal_in_place(ephemeral, recipient, &mut buffer).map_err(|_| V1Error::Sealed)?;
    Ok(buffer)
}

/// What goes into the sealed box: `content ‖ sender key ‖ signature`.
pub fn sign_for_recipient(sender: &Ed25519KeyPair, recipient: &X25519PublicKey, content: &[u8]) -> Vec<u8> {
    let mut buffer = Vec::with_capacity(content.len() + TRAILER);
    buffer.extend_from_slice(content);
    sign(sender, recipient, &mut buffer, 0);
    buffer
}

/// Appends the trailer to the content that stands in the buffer from `start` on.
fn sign(sender: &Ed25519KeyPair, recipient: &X25519PublicKey, buffer: &mut Vec<u8>, start: usize) {
    buffer.extend_from_slice(sender.public().as_bytes());
    let signed_end = buffer.len();
    // The recipient's key is signed but not sent: the signature takes its place.
    buffer.extend_from_slice(recipient.as_bytes());
    let signature = sender.sign(buffer.get(start..).unwrap_or_default());
    buffer.truncate(signed_end);
    buffer.extend_from_slice(signature.as_bytes());
}

/// Decrypts with the recipient's secret and authenticates the sender.
pub fn decrypt(recipient: &X25519SecretKey, ciphertext: &[u8]) -> Result<Decrypted, V1Error> {
    decrypt_cached(recipient, &mut SenderCache::default(), ciphertext)
}

/// The same for one of many messages: quicker for a sender who was heard before.
pub fn decrypt_cached(
    recipient: &X25519SecretKey,
    senders: &mut SenderCache,
    ciphertext: &[u8],
) -> Result<Decrypted, V1Error> {
    if ciphertext.len() < OVERHEAD {
        return Err(V1Error::TooShort);
    }
    let mut content = sealed_box::open(recipient, ciphertext).map_err(|_| V1Error::Sealed)?;
    let (signed, signature) = content
        .split_last_chunk::<{ Signature::SIZE }>()
        .ok_or(V1Error::TooShort)?;
    let signature = Signature::from_bytes(signature);
    let (body, key) = signed
        .split_last_chunk::<{ Ed25519PublicKey::SIZE }>()
        .ok_or(V1Error::TooShort)?;
    let (length, signed_length) = (body.len(), signed.len());
    let sender = Ed25519PublicKey::from_bytes(key);

    // What was signed ends in our key where the signature stands now.
    content.truncate(signed_length);
    content.extend_from_slice(recipient.public().as_bytes());
    let sender_x25519 = senders.verify(&sender, &content, &signature)?;
    content.truncate(length);
    Ok(Decrypted {
        content,
        sender,
        sender_x25519,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{Account, Seed};
    use curve25519_dalek::Scalar;
    use curve25519_dalek::constants::EIGHT_TORSION;
    use curve25519_dalek::edwards::EdwardsPoint;
    use proptest::prelude::*;
    use sha2::{Digest, Sha512};

    fn account(seed: &str) -> Account {
        Account::from_seed(Seed::from_input(seed).unwrap())
    }

    fn alice() -> Account {
        account("0123456789abcdef0123456789abcdef")
    }

    fn bob() -> Account {
        account("00112233445566778899aabbccddeeff")
    }

    #[test]
    fn the_published_deterministic_ciphertext() {
        let ciphertext =
            encrypt_deterministic(alice().ed25519(), &bob().x25519().public(), b"hello").unwrap();
        assert_eq!(
            data_encoding::HEXLOWER.encode(&ciphertext),
            "208f96785db92319bc7a14afecc01e17bde912d17bbb32834c03ea63b1862c2a1b730e0725ef75b2f1a276db\
             584c59a0ed9b5497bcb9f4effa893b5cb8b04dbe7a6ab457ebf972f03b006dd4572980a725399616d40184b8\
             6aa3b7b218bdc6dd7c1adccda8ef4897f0f458492240b39079c27a6c791067ab26a03067a7602b50f0434639\
             906f93e548f909d5286edde365ebddc146"
        );
        let opened = decrypt(bob().x25519(), &ciphertext).unwrap();
        assert_eq!(opened.content, b"hello");
        assert_eq!(opened.sender, alice().ed25519().public());
        assert_eq!(opened.sender_x25519, alice().x25519().public());
    }

    #[test]
    fn a_message_for_another_recipient_is_refused() {
        // Bob opens what Alice sent him and seals it again, unchanged, to a third person.
        let third = account("ffffffffffffffffffffffffffffffff");
        let inner = sign_for_recipient(alice().ed25519(), &bob().x25519().public(), b"hello");
        let ephemeral = X25519SecretKey::from_bytes(&[3; 32]);
        let passed_on = sealed_box::seal_with(&ephemeral, &third.x25519().public(), &inner).unwrap();
        assert_eq!(decrypt(third.x25519(), &passed_on), Err(V1Error::Signature));
        assert_eq!(decrypt(bob().x25519(), &passed_on), Err(V1Error::Sealed));
    }

    #[test]
    fn short_ciphertexts_are_told_apart() {
        let inner = vec![0; TRAILER - 1];
        let ephemeral = X25519SecretKey::from_bytes(&[3; 32]);
        let short = sealed_box::seal_with(&ephemeral, &bob().x25519().public(), &inner).unwrap();
        assert_eq!(decrypt(bob().x25519(), &short), Err(V1Error::TooShort));
        assert_eq!(decrypt(bob().x25519(), &[]), Err(V1Error::TooShort));
    }

    /// A signature by a key with a small-order component can satisfy the equation; such a key would let one signer
    /// speak under several keys.
    #[test]
    fn a_sender_of_mixed_order_has_no_account_id() {
        let secret = Scalar::from(11_u8);
        let recipient = bob().x25519().public();
        let mixed = EdwardsPoint::mul_base(&secret) + EIGHT_TORSION[4];
        let key = mixed.compress().to_bytes();
        // T has order 2, so an even challenge cancels it: try nonces until there is one.
        let ciphertext = (1_u8..=64)
            .find_map(|nonce| {
                let nonce = Scalar::from(nonce);
                let r = EdwardsPoint::mul_base(&nonce).compress().to_bytes();
                let signed = [b"m".as_slice(), &key, recipient.as_bytes()].concat();
                let hash = Sha512::new()
                    .chain_update(r)
                    .chain_update(key)
                    .chain_update(&signed)
                    .finalize();
                let challenge = Scalar::from_bytes_mod_order_wide(&hash.into());
                let s = nonce + challenge * secret;
                let inner = [b"m".as_slice(), &key, &r, s.as_bytes()].concat();
                let even = challenge.as_bytes()[0] & 1 == 0;
                even.then(|| {
                    let ephemeral = X25519SecretKey::from_bytes(&[3; 32]);
                    sealed_box::seal_with(&ephemeral, &recipient, &inner).unwrap()
                })
            })
            .unwrap();
        let mut senders = SenderCache::default();
        for _ in 0..2 {
            assert_eq!(
                decrypt_cached(bob().x25519(), &mut senders, &ciphertext),
                Err(V1Error::SenderKey)
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn encrypting_and_decrypting_invert(content: Vec<u8>, ephemeral: [u8; 32], flip: usize) {
            let ephemeral = X25519SecretKey::from_bytes(&ephemeral);
            let mut ciphertext =
                encrypt_with(&ephemeral, alice().ed25519(), &bob().x25519().public(), &content).unwrap();
            prop_assert_eq!(ciphertext.len(), content.len() + OVERHEAD);
            prop_assert_eq!(decrypt(bob().x25519(), &ciphertext).unwrap().content, content);
            let at = flip % ciphertext.len();
            ciphertext[at] ^= 1;
            prop_assert!(decrypt(bob().x25519(), &ciphertext).is_err());
            ciphertext[at] ^= 1;
            ciphertext.truncate(at);
            prop_assert!(decrypt(bob().x25519(), &ciphertext).is_err());
        }

        #[test]
        fn any_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(decrypt(bob().x25519(), &bytes).is_err());
        }
    }
}
