//! Accounts: the 16-byte seed everything derives from, the recovery phrase that writes it down, and the ids that name
//! accounts, groups and blinded participants (`spec/01-accounts-and-crypto.md §1, §2, §6`).
//!
//! ```
//! use holdfast_protocol::account::{Account, Seed};
//!
//! let seed = Seed::from_phrase(
//!     "amaze buffet cake entrance symptoms tiger lamb maze nestle python dusted faxed faxed",
//! )?;
//! assert_eq!(seed.to_hex().as_str(), "000102030405060708090a0b0c0d0e0f");
//! let account = Account::from_seed(seed);
//! assert_eq!(account.id().to_hex().len(), 66);
//! # Ok::<(), holdfast_protocol::account::PhraseError>(())
//! ```

mod code;
mod id;
pub mod phrase;
mod seed;

pub use code::{Code, MAX_CODE, TRANSFER_LINK, transfer_data};
pub use id::{Id, IdError, IdKind};
pub use phrase::{Phrase, PhraseError};
pub use seed::{Seed, SeedInputError};

use crate::keys::{Ed25519KeyPair, X25519SecretKey};

/// An account with all its keys derived. Equal when the seeds are.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    seed: Seed,
    ed25519: Ed25519KeyPair,
    x25519: X25519SecretKey,
}

impl Account {
    /// Derives the key pairs (spec/01 §1.2): the Ed25519 seed is the 16 bytes followed by 16 zero bytes.
    pub fn from_seed(seed: Seed) -> Self {
        let ed25519 = Ed25519KeyPair::from_seed(&seed.padded());
        let x25519 = ed25519.x25519();
        Self {
            seed,
            ed25519,
            x25519,
        }
    }

    /// The account id: `05 ‖` X25519 public key.
    pub fn id(&self) -> Id {
        Id::account(self.x25519.public())
    }

    /// The key pair that signs.
    pub fn ed25519(&self) -> &Ed25519KeyPair {
        &self.ed25519
    }

    /// The secret that messages are sealed to.
    pub fn x25519(&self) -> &X25519SecretKey {
        &self.x25519
    }

    /// The seed, from which all of this can be had again.
    pub fn seed(&self) -> &Seed {
        &self.seed
    }
}

impl core::fmt::Debug for Account {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Account({})", self.id())
    }
}
