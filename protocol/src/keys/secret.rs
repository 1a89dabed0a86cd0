//! Secret halves: Ed25519 key pairs, X25519 secrets and what they agree on. All are wiped on drop, compare in constant
//! time and print nothing of themselves.

use super::{Ed25519PublicKey, KeyError, SEED_SIZE, Signature, X25519PublicKey};
use curve25519_dalek::Scalar;
use curve25519_dalek::constants::X25519_BASEPOINT;
use curve25519_dalek::montgomery::MontgomeryPoint;
use ed25519_dalek::{Signer, SigningKey};
use rand_core::CryptoRng;
use sha2::{Digest, Sha512};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// An Ed25519 secret with its public key (RFC 8032). Its 32-byte seed is wiped on drop.
#[derive(Clone)]
pub struct Ed25519KeyPair(SigningKey);

impl Ed25519KeyPair {
    /// The key pair of a 32-byte seed.
    pub fn from_seed(seed: &[u8; SEED_SIZE]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// A new random key pair.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut seed = Zeroizing::new([0; SEED_SIZE]);
        rng.fill_bytes(seed.as_mut_slice());
        Self::from_seed(&seed)
    }

    /// The public key.
    pub fn public(&self) -> Ed25519PublicKey {
        Ed25519PublicKey::from(self.0.verifying_key().to_bytes())
    }

    /// The 32-byte seed.
    pub fn seed(&self) -> &[u8; SEED_SIZE] {
        self.0.as_bytes()
    }

    /// `seed ‖ public key`, the 64-byte form that libsodium calls the secret key.
    pub fn to_keypair_bytes(&self) -> Zeroizing<[u8; 64]> {
        Zeroizing::new(self.0.to_keypair_bytes())
    }

    /// Signs a message (RFC 8032, deterministic).
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature::from(self.0.sign(message).to_bytes())
    }

    /// The X25519 secret: the clamped first half of `SHA-512(seed)` (spec/01 §3.3).
    pub fn x25519(&self) -> X25519SecretKey {
        let mut clamped = curve25519_dalek::scalar::clamp_integer(self.0.to_scalar_bytes());
        let public = X25519PublicKey::from(self.0.verifying_key().to_montgomery().to_bytes());
        let secret = X25519SecretKey {
            bytes: clamped,
            public,
        };
        clamped.zeroize();
        secret
    }

    /// The scalar `a` of spec/01 §1.2 reduced modulo the group order, for blinding.
    pub(crate) fn scalar(&self) -> Zeroizing<Scalar> {
        Zeroizing::new(self.0.to_scalar())
    }
}

impl ZeroizeOnDrop for Ed25519KeyPair {}

impl core::fmt::Debug for Ed25519KeyPair {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Ed25519KeyPair({})", self.public())
    }
}

impl PartialEq for Ed25519KeyPair {
    fn eq(&self, other: &Self) -> bool {
        self.seed().ct_eq(other.seed()).into()
    }
}

impl Eq for Ed25519KeyPair {}

/// An X25519 secret (32 bytes) with its public key at hand.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct X25519SecretKey {
    bytes: [u8; 32],
    #[zeroize(skip)]
    public: X25519PublicKey,
}

impl X25519SecretKey {
    /// Takes the bytes as they are; they are clamped whenever they are used.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self {
            bytes: *bytes,
            public: X25519PublicKey::from(MontgomeryPoint::mul_base_clamped(*bytes).to_bytes()),
        }
    }

    /// A new random secret.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        rng.fill_bytes(bytes.as_mut_slice());
        Self::from_bytes(&bytes)
    }

    /// `crypto_box_seed_keypair`: the secret is the first half of `SHA-512(seed)` (spec/01 §3.6).
    pub fn from_box_seed(seed: &[u8; 32]) -> Self {
        Self::from_bytes(&box_secret(seed))
    }

    /// The public key of [`X25519SecretKey::from_box_seed`], computed without the table of the base point.
    pub(crate) fn public_of_box_seed(seed: &[u8; 32]) -> X25519PublicKey {
        let public = X25519_BASEPOINT.mul_clamped(*box_secret(seed));
        X25519PublicKey::from(public.to_bytes())
    }

    /// The public key.
    pub fn public(&self) -> X25519PublicKey {
        self.public
    }

    /// The secret bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// Agrees with the holder of `their` secret. An all-zero result (low-order peer key) is refused (spec/01 §3.6).
    pub fn diffie_hellman(&self, their: &X25519PublicKey) -> Result<SharedSecret, KeyError> {
        let shared = SharedSecret(
            MontgomeryPoint(*their.as_bytes())
                .mul_clamped(self.bytes)
                .to_bytes(),
        );
        if bool::from(shared.0.ct_eq(&[0; 32])) {
            return Err(KeyError::ZeroSharedSecret);
        }
        Ok(shared)
    }
}

/// The first half of `SHA-512(seed)`.
fn box_secret(seed: &[u8; 32]) -> Zeroizing<[u8; 32]> {
    let mut hash: [u8; 64] = Sha512::digest(seed).into();
    let mut bytes = Zeroizing::new([0; 32]);
    bytes
        .iter_mut()
        .zip(hash.iter())
        .for_each(|(to, from)| *to = *from);
    hash.zeroize();
    bytes
}

impl core::fmt::Debug for X25519SecretKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "X25519SecretKey({})", self.public)
    }
}

impl PartialEq for X25519SecretKey {
    fn eq(&self, other: &Self) -> bool {
        self.bytes.ct_eq(&other.bytes).into()
    }
}

impl Eq for X25519SecretKey {}

/// The raw 32-byte result of an X25519 agreement: never zero, to be hashed into a key before use.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SharedSecret([u8; 32]);

impl SharedSecret {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl core::fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SharedSecret(..)")
    }
}
