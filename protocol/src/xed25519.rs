//! Signatures with an X25519 key, checked by those who know only the account id
//! (`spec/01-accounts-and-crypto.md §4`): what unblinded members of communities sign with.
//!
//! They are ordinary Ed25519 signatures under the positive one of the two Ed25519 keys behind the X25519 key.

use crate::hash::blake2b_personal;
use crate::keys::{KeyError, Signature, X25519PublicKey, X25519SecretKey, multiply_base, scalar_from_wide};
use curve25519_dalek::Scalar;
use rand_core::CryptoRng;
use sha2::{Digest, Sha512};
use zeroize::{Zeroize, Zeroizing};

/// Personalisation of the hash that gives the nonce.
const NONCE_PERSONAL: &[u8; 16] = b"xed25519signatur";

/// Signs a message, drawing 64 random bytes that go into the nonce.
pub fn sign(secret: &X25519SecretKey, message: &[u8], rng: &mut impl CryptoRng) -> Signature {
    let mut clamped = curve25519_dalek::scalar::clamp_integer(*secret.as_bytes());
    let mut scalar = Zeroizing::new(Scalar::from_bytes_mod_order(clamped));
    let key = multiply_base(&scalar);
    // What is hashed into the nonce: the secret as it stands, or its negation modulo the group order.
    let mut hashed = Zeroizing::new(clamped);
    clamped.zeroize();
    if key.is_negative() {
        *scalar = -*scalar;
        *hashed = scalar.to_bytes();
    }
    let mut random = Zeroizing::new([0; 64]);
    rng.fill_bytes(random.as_mut_slice());
    let nonce = Zeroizing::new(blake2b_personal::<64>(
        NONCE_PERSONAL,
        &[hashed.as_slice(), message, random.as_slice()],
    ));
    sign_with(&scalar, key.to_positive().as_bytes(), &nonce, message)
}

/// Verifies strictly; the public key is the body of an account id.
pub fn verify(public: &X25519PublicKey, message: &[u8], signature: &Signature) -> Result<(), KeyError> {
    public.to_ed25519_positive()?.verify(message, signature)
}

/// An Ed25519 signature by a bare scalar: `nonce` is 64 bytes that nobody can guess and that differ by message.
pub(crate) fn sign_with(secret: &Scalar, public: &[u8; 32], nonce: &[u8; 64], message: &[u8]) -> Signature {
    let nonce = Zeroizing::new(scalar_from_wide(nonce));
    let point = multiply_base(&nonce);
    let challenge = Sha512::new()
        .chain_update(point.as_bytes())
        .chain_update(public)
        .chain_update(message)
        .finalize();
    let s = *nonce + scalar_from_wide(&challenge.into()) * secret;
    let mut bytes = [0; Signature::SIZE];
    let (first, second) = bytes.split_at_mut(Signature::SIZE / 2);
    first.copy_from_slice(point.as_bytes());
    second.copy_from_slice(s.as_bytes());
    Signature::from(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand_core::SeedableRng;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn signing_and_verifying_agree(secret: [u8; 32], message: Vec<u8>, seed: [u8; 32], flip in 0_usize..512) {
            let secret = X25519SecretKey::from_bytes(&secret);
            let mut rng = rand_chacha::ChaCha20Rng::from_seed(seed);
            let signature = sign(&secret, &message, &mut rng);
            prop_assert!(verify(&secret.public(), &message, &signature).is_ok());
            // Random: the same message is signed differently the next time.
            prop_assert_ne!(signature, sign(&secret, &message, &mut rng));
            let mut changed = *signature.as_bytes();
            changed[flip / 8] ^= 1 << (flip % 8);
            prop_assert!(verify(&secret.public(), &message, &Signature::from(changed)).is_err());
        }

        #[test]
        fn any_bytes_are_refused(public: [u8; 32], half: [u8; 32]) {
            let mut signature = [0; 64];
            signature[..32].copy_from_slice(&half);
            prop_assert!(verify(&X25519PublicKey::from(public), b"m", &Signature::from(signature)).is_err());
        }
    }
}
