//! The backup file: what the network does not keep of an account, in one file that only the account opens.
//!
//! `docs/backup-format.md` describes it byte by byte. In short: a head of fixed size says how the passphrase is stretched
//! (Argon2id); the key comes from the stretched passphrase *and* the account's seed, so that neither alone opens a file, and
//! nobody else can make one that is believed. Behind it stand chunks of 64 KiB, each sealed with XChaCha20-Poly1305 under its
//! number and whether it is the last one: what is changed, moved, left out or cut off shows. Inside them is a sequence of
//! [`Record`]s.
//!
//! [`Writer`] and [`Reader`] take and give a file piece by piece and hold back less than a record and a chunk.
//!
//! ```
//! use holdfast_protocol::account::{Account, Seed};
//! use holdfast_protocol::backup::{Cost, HEAD_SIZE, Passphrase, Reader, Record, Setting, Writer};
//! # use rand_chacha::rand_core::SeedableRng;
//! # let mut rng = rand_chacha::ChaCha20Rng::from_seed([7; 32]);
//!
//! let account = Account::from_seed(Seed::from_bytes(&[1; 16]));
//! let passphrase = Passphrase::new("three green kelp fronds".to_owned());
//! # let cost = Cost { memory_kib: 64, passes: 1, lanes: 1 };
//! let setting = Record::Setting(Setting { name: "theme".to_owned(), value: "dark".to_owned() });
//!
//! let mut file = Vec::new();
//! let mut writer = Writer::start(&account, &passphrase, cost, &mut rng, &mut file)?;
//! writer.push(&setting, &mut file)?;
//! writer.finish(&mut file)?;
//!
//! let mut reader = Reader::open(&account, &passphrase, &file[..HEAD_SIZE])?;
//! let mut records = Vec::new();
//! reader.push(&file, &mut records)?;
//! reader.finish()?;
//! assert_eq!(records, [setting]);
//! # Ok::<(), holdfast_protocol::backup::BackupError>(())
//! ```

mod head;
mod record;
mod schema;
mod stream;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

pub use head::{Cost, HEAD_SIZE};
pub use record::{MAX_RECORD, Record, parse};
pub use schema::{
    About, Attachment, Contact, Conversation, End, Expiry, FilePart, Link, Message, Quote, Reaction, Setting,
    Timer,
};
pub use stream::{CHUNK, Reader, Writer};

/// Why a backup file can't be written or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum BackupError {
    /// It does not begin as one.
    #[error("not a backup file")]
    NotABackup,
    /// A later version of the format.
    #[error("a backup file of a later version")]
    Newer,
    /// It asks for more memory or time than is given to a file.
    #[error("the passphrase of this file takes too much to check")]
    TooCostly,
    /// It was made by another account.
    #[error("a backup file of another account")]
    WrongAccount,
    /// Another passphrase than the file was made with.
    #[error("not the passphrase of this file")]
    WrongPassphrase,
    /// The file ends before its end.
    #[error("the file is cut off")]
    Truncated,
    /// Bytes were changed, moved or left out, or there are more than there should be.
    #[error("the file was changed or is damaged")]
    Altered,
    /// There is not enough memory to stretch the passphrase.
    #[error("not enough memory for the passphrase")]
    Memory,
    /// A record is larger than [`MAX_RECORD`]: it can't be written.
    #[error("a record is too large")]
    TooLarge,
}

/// What opens a backup file, together with the account. Wiped on drop, never printed.
///
/// The text is taken as it is: whoever asks for it brings it to normal form (NFKC) first, since keyboards differ.
#[derive(Clone, Zeroize, ZeroizeOnDrop, Serialize, Deserialize)]
pub struct Passphrase(String);

impl Passphrase {
    /// The fewest characters of a passphrase for a new file.
    pub const MIN_CHARS: usize = 10;
    /// The most bytes of a passphrase.
    pub const MAX_BYTES: usize = 1024;

    /// Takes the text.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// Whether it is long enough for a new file, and not longer than any.
    pub fn is_acceptable(&self) -> bool {
        self.0.chars().count() >= Self::MIN_CHARS && self.0.len() <= Self::MAX_BYTES
    }

    fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl core::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Passphrase(..)")
    }
}
