//! The `07` identity: a key derived from the seed that authenticates requests for version and network information
//! without naming the account (`spec/01-accounts-and-crypto.md §5.5`).

use crate::account::{Id, IdKind};
use crate::hash::blake2b_keyed;
use crate::keys::{Ed25519KeyPair, Signature};
use zeroize::Zeroizing;

/// Key of the hash that derives the seed.
const DOMAIN: &[u8; 19] = b"VersionCheckKey_sig";

/// The derived key pair.
pub fn version_key_pair(own: &Ed25519KeyPair) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed(&Zeroizing::new(blake2b_keyed(DOMAIN, &[own.seed()])))
}

/// A request as it is signed.
#[derive(Debug, Clone, Copy)]
pub struct VersionRequest<'a> {
    /// Network time in seconds.
    pub timestamp: u64,
    /// HTTP method, upper case.
    pub method: &'a str,
    /// Path with query.
    pub path: &'a str,
    /// Body, empty if there is none.
    pub body: &'a [u8],
}

impl VersionRequest<'_> {
    /// Signs the request; returns the `07` id to send with the signature.
    pub fn sign(&self, own: &Ed25519KeyPair) -> (Id, Signature) {
        let pair = version_key_pair(own);
        let mut message = format!("{}{}{}", self.timestamp, self.method, self.path).into_bytes();
        message.extend_from_slice(self.body);
        let id = Id::new(IdKind::VersionBlinded, pair.public().as_bytes());
        (id, pair.sign(&message))
    }
}
