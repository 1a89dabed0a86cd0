//! Backup files as front ends make and read them, in slices.
//!
//! Making one: [`Command::StartBackup`](super::Command::StartBackup), then
//! [`Command::ReadBackup`](super::Command::ReadBackup) until a part is the last one. Bringing one back:
//! [`Command::OpenBackup`](super::Command::OpenBackup) with the file's beginning, then all of the file in slices through
//! [`Command::CheckBackup`](super::Command::CheckBackup), which changes nothing and says what is in it, then all of it again
//! through [`Command::TakeBackup`](super::Command::TakeBackup). Each slice is durable when it is answered; whoever stops in
//! the middle, or is stopped, may bring the same file back again from its beginning.

use holdfast_protocol::backup::BackupError;
use serde::{Deserialize, Serialize};

pub use holdfast_protocol::backup::{HEAD_SIZE as BACKUP_HEAD, Passphrase};

/// The most bytes that one [`Command::CheckBackup`](super::Command::CheckBackup) or
/// [`Command::TakeBackup`](super::Command::TakeBackup) carries: some hundred messages.
pub const BACKUP_SLICE: usize = 64 * 1024;

/// A backup that is being made or read, until it is complete or ended. An engine that takes over does not know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BackupId(pub u64);

/// A part of a new backup file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupPart {
    /// The backup.
    pub backup: BackupId,
    /// The next bytes of the file.
    pub bytes: Vec<u8>,
    /// How much was written: messages, and pieces of files.
    pub done: u64,
    /// How much there was to write when it began.
    pub total: u64,
    /// The file is complete, and the backup over.
    pub last: bool,
}

/// What is in a backup file that was checked from its beginning to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupContents {
    /// When it was made, Unix milliseconds.
    pub made_at: u64,
    /// What made it.
    pub app: String,
    /// How many conversations.
    pub conversations: u64,
    /// How many messages.
    pub messages: u64,
    /// How many files.
    pub files: u64,
}

/// What came of a backup file so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupTaken {
    /// Messages that were not here.
    pub added: u64,
    /// Messages that were here.
    pub known: u64,
    /// Messages that stay away: deleted here, disappeared meanwhile, or of a contact that was removed.
    pub left_out: u64,
    /// Files that were not here.
    pub files: u64,
    /// Contacts that the network had lost.
    pub contacts: u64,
}

/// Why a backup was not made or taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum BackupFault {
    /// The file can't be read, or not with this passphrase.
    #[error(transparent)]
    File(#[from] BackupError),
    /// The passphrase for a new file has fewer than [`Passphrase::MIN_CHARS`] characters, or is absurdly long.
    #[error("the passphrase is too short or too long")]
    Passphrase,
    /// The contacts have not come from the network since the account was taken up: what was removed could come back.
    #[error("the contacts of the account are not known yet")]
    TooEarly,
    /// The engine does not know the backup any more, or a slice is not the one that comes next: begin again.
    #[error("the backup was interrupted")]
    Interrupted,
}
