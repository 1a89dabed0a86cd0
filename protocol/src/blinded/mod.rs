//! Blinded identities: the names under which people appear in communities, and what can be done with them
//! (`spec/01-accounts-and-crypto.md §5`).
//!
//! A community server sees a key multiplied by a factor that depends on the server, so that the same person has
//! different ids on different servers. There is no way back from a blinded id; an account id can only be tried
//! against it ([`is_blinded_id_of`]).
//!
//! ```
//! use holdfast_protocol::account::{Account, Seed};
//! use holdfast_protocol::blinded::{BlindedKeyPair, is_blinded_id_of};
//! use holdfast_protocol::keys::X25519PublicKey;
//!
//! let account = Account::from_seed(Seed::from_bytes(&[1; 16]));
//! let server = X25519PublicKey::from([9; 32]);
//! let blinded = BlindedKeyPair::blinded15(account.ed25519(), &server);
//! assert!(is_blinded_id_of(&blinded.id(), &account.id(), &server));
//! ```

pub mod direct;
mod keys;
mod version;

pub use keys::{
    BlindedKeyPair, factor15, factor25, id15_of_key, id25_of_account, id25_of_key, ids15_of_account,
    is_blinded_id_of, is_blinded_id_of_key,
};
pub use version::{VersionRequest, version_key_pair};

use crate::keys::KeyError;

/// Why an id could not be blinded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BlindedError {
    /// The id names no account.
    #[error("only account ids can be blinded")]
    NotAnAccount,
    /// The key is no usable point.
    #[error(transparent)]
    Key(#[from] KeyError),
}

#[cfg(test)]
mod tests;
