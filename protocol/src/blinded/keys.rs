//! Blinding factors, ids and key pairs of both kinds (`spec/01-accounts-and-crypto.md §5.1–§5.4`).

use super::BlindedError;
use crate::account::{Id, IdKind};
use crate::hash::{blake2b, blake2b_keyed};
use crate::keys::{
    Ed25519KeyPair, Ed25519PublicKey, KeyError, Signature, X25519PublicKey, multiply, multiply_base,
    scalar_from_wide,
};
use crate::xed25519::sign_with;
use curve25519_dalek::Scalar;
use sha2::{Digest, Sha512};
use zeroize::{ZeroizeOnDrop, Zeroizing};

/// Key of the hash that makes the secret part of a 25 signature's nonce from the seed.
const SEED_DOMAIN_25: &[u8; 20] = b"SessCommBlind25_seed";
/// Key of the hash that makes a 25 signature's nonce.
const NONCE_DOMAIN_25: &[u8; 19] = b"SessCommBlind25_sig";
/// The sign bit of an encoded point.
const SIGN_BIT: u8 = 0x80;

/// The 15 factor: the same for every user of a server.
pub fn factor15(server: &X25519PublicKey) -> Scalar {
    scalar_from_wide(&blake2b::<64>(&[server.as_bytes()]))
}

/// The 25 factor of an account on a server. An account whose own Ed25519 key is negative multiplies by its negation.
pub fn factor25(account: &Id, server: &X25519PublicKey) -> Scalar {
    scalar_from_wide(&blake2b::<64>(&[account.as_bytes(), server.as_bytes()]))
}

/// The two ids under which an account may appear on a server that blinds with 15. The account id hides the sign of
/// the account's Ed25519 key, so one of them is right and both must be reckoned with.
pub fn ids15_of_account(account: &Id, server: &X25519PublicKey) -> Result<[Id; 2], BlindedError> {
    let positive = account
        .x25519()
        .ok_or(BlindedError::NotAnAccount)?
        .to_ed25519_positive()?;
    let id = id15_of_key(&positive, server)?;
    Ok([id, with_other_sign(&id)])
}

/// The id under which an account appears on a server that blinds with 25.
pub fn id25_of_account(account: &Id, server: &X25519PublicKey) -> Result<Id, BlindedError> {
    let positive = account
        .x25519()
        .ok_or(BlindedError::NotAnAccount)?
        .to_ed25519_positive()?;
    let key = multiply(&factor25(account, server), &positive)?;
    Ok(Id::new(IdKind::Blinded25, key.as_bytes()))
}

/// The 15 id of a known Ed25519 key.
pub fn id15_of_key(key: &Ed25519PublicKey, server: &X25519PublicKey) -> Result<Id, KeyError> {
    let key = multiply(&factor15(server), key)?;
    Ok(Id::new(IdKind::Blinded15, key.as_bytes()))
}

/// The 25 id of a known Ed25519 key.
pub fn id25_of_key(key: &Ed25519PublicKey, server: &X25519PublicKey) -> Result<Id, KeyError> {
    let account = Id::account(key.to_x25519()?);
    let key = multiply(&factor25(&account, server), &key.to_positive())?;
    Ok(Id::new(IdKind::Blinded25, key.as_bytes()))
}

/// Whether a blinded id may be this account's on this server. `false` for every id that is not blinded.
///
/// Trusted only with the account and server at hand; what a server says about its users proves nothing.
pub fn is_blinded_id_of(blinded: &Id, account: &Id, server: &X25519PublicKey) -> bool {
    match blinded.kind() {
        IdKind::Blinded15 => ids15_of_account(account, server).is_ok_and(|ids| ids.contains(blinded)),
        IdKind::Blinded25 => id25_of_account(account, server).as_ref() == Ok(blinded),
        _ => false,
    }
}

/// Whether a blinded id is that of a known Ed25519 key; a 15 id also with the other sign (spec/01 §5.6).
pub fn is_blinded_id_of_key(blinded: &Id, key: &Ed25519PublicKey, server: &X25519PublicKey) -> bool {
    match blinded.kind() {
        IdKind::Blinded15 => {
            id15_of_key(key, server).is_ok_and(|id| id == *blinded || with_other_sign(&id) == *blinded)
        }
        IdKind::Blinded25 => id25_of_key(key, server).as_ref() == Ok(blinded),
        _ => false,
    }
}

fn with_other_sign(id: &Id) -> Id {
    let mut key = *id.key();
    if let Some(last) = key.last_mut() {
        *last ^= SIGN_BIT;
    }
    Id::new(id.kind(), &key)
}

/// The own key pair as one server sees it. Wiped on drop.
#[derive(Clone)]
pub struct BlindedKeyPair {
    id: Id,
    factor: Scalar,
    secret: Zeroizing<Scalar>,
    /// What makes nonces secret: 32 bytes derived from the seed.
    nonce_key: Zeroizing<[u8; 32]>,
}

impl BlindedKeyPair {
    /// The 15 pair.
    pub fn blinded15(own: &Ed25519KeyPair, server: &X25519PublicKey) -> Self {
        let hash = Zeroizing::new(<[u8; 64]>::from(Sha512::digest(
            own.to_keypair_bytes().as_slice(),
        )));
        let mut nonce_key = Zeroizing::new([0; 32]);
        let second_half = hash.iter().skip(nonce_key.len());
        nonce_key
            .iter_mut()
            .zip(second_half)
            .for_each(|(to, from)| *to = *from);
        Self::new(IdKind::Blinded15, own, factor15(server), nonce_key)
    }

    /// The 25 pair.
    pub fn blinded25(own: &Ed25519KeyPair, server: &X25519PublicKey) -> Self {
        let mut factor = factor25(&Id::account(own.x25519().public()), server);
        if own.public().is_negative() {
            factor = -factor;
        }
        let nonce_key = Zeroizing::new(blake2b_keyed(SEED_DOMAIN_25, &[own.seed()]));
        Self::new(IdKind::Blinded25, own, factor, nonce_key)
    }

    /// The pair of the kind of a blinded id; `None` for other kinds.
    pub fn of_kind(kind: IdKind, own: &Ed25519KeyPair, server: &X25519PublicKey) -> Option<Self> {
        match kind {
            IdKind::Blinded15 => Some(Self::blinded15(own, server)),
            IdKind::Blinded25 => Some(Self::blinded25(own, server)),
            _ => None,
        }
    }

    fn new(kind: IdKind, own: &Ed25519KeyPair, factor: Scalar, nonce_key: Zeroizing<[u8; 32]>) -> Self {
        let secret = Zeroizing::new(factor * *own.scalar());
        Self {
            id: Id::new(kind, multiply_base(&secret).as_bytes()),
            factor,
            secret,
            nonce_key,
        }
    }

    /// The blinded id.
    pub fn id(&self) -> Id {
        self.id
    }

    /// The blinded public key: the id without its prefix.
    pub fn public(&self) -> Ed25519PublicKey {
        Ed25519PublicKey::from_bytes(self.id.key())
    }

    /// The factor; of a 25 pair already negated when the own key is negative.
    pub fn factor(&self) -> &Scalar {
        &self.factor
    }

    /// The blinded secret scalar.
    pub fn secret(&self) -> &Scalar {
        &self.secret
    }

    /// Signs as the blinded key; everyone verifies it as an ordinary Ed25519 signature.
    pub fn sign(&self, message: &[u8]) -> Signature {
        let parts: [&[u8]; 3] = [self.nonce_key.as_slice(), self.id.key(), message];
        let nonce = Zeroizing::new(match self.id.kind() {
            IdKind::Blinded25 => blake2b_keyed(NONCE_DOMAIN_25, &parts),
            _ => {
                let mut hash = Sha512::new();
                parts.iter().for_each(|part| hash.update(part));
                hash.finalize().into()
            }
        });
        sign_with(&self.secret, self.id.key(), &nonce, message)
    }
}

impl ZeroizeOnDrop for BlindedKeyPair {}

impl core::fmt::Debug for BlindedKeyPair {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "BlindedKeyPair({})", self.id)
    }
}
