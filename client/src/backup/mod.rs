//! Backup files: what this device knows of its account and the network does not keep, written into one file and brought
//! back from it (`holdfast_protocol::backup`, `docs/backup-format.md`).
//!
//! Both ways go in slices that a front end asks for one after the other, so that neither the file nor a history is ever in
//! memory as a whole and whoever asks may stop at any time. Bringing back merges: a message is known by its author and sent
//! time, as when it comes from the network; what is here stays as it is, what was deleted here or has disappeared stays
//! away, and nobody is told: no notification, no receipt, and configs change only where contacts come back. Each slice is one
//! commit or a few, so that a crash in the middle costs nothing but beginning again.

mod convert;
mod export;
mod files;
mod import;
mod merge;
#[cfg(test)]
mod tests;

use holdfast_protocol::backup::BackupError;

use crate::api::{BackupFault, BackupId, Failure, Reply};
use crate::core::Core;
use export::Export;
use import::Import;

/// The settings that go into a backup file and come out of it, by the names that front ends keep them under. What belongs to
/// one browser alone stays there, and so does what would weaken another one.
const SETTINGS: [&str; 10] = [
    "theme",
    "language",
    "enter",
    "emoji",
    "reactions",
    "read-receipts",
    "typing-indicators",
    "link_previews",
    "notify_content",
    "load_asked",
];

/// Backup files that are being made or read: one of each at most.
#[derive(Default)]
pub(crate) struct Backups {
    export: Option<Export>,
    import: Option<Import>,
}

impl Backups {
    /// The account is gone.
    pub(crate) fn end_all(&mut self) {
        *self = Self::default();
    }
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        BackupFault::from(error).into()
    }
}

impl Core {
    /// A number that no other engine gives to a backup.
    fn new_backup(&self) -> BackupId {
        let mut bytes = [0; 8];
        self.ports.rng.fill(&mut bytes);
        BackupId(u64::from_le_bytes(bytes))
    }

    /// Ends a backup; one that is not known is over already.
    pub(crate) fn end_backup(&self, backup: BackupId) -> Reply {
        let mut backups = self.backups.borrow_mut();
        if backups.export.as_ref().is_some_and(|export| export.id == backup) {
            backups.export = None;
        }
        if backups.import.as_ref().is_some_and(|import| import.id == backup) {
            backups.import = None;
        }
        Reply::Done
    }
}
