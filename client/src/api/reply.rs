//! What a command that succeeded is answered with.

use serde::{Deserialize, Serialize};

use super::{
    AccountRequest, BackupContents, BackupId, BackupPart, BackupTaken, Conversation, Found, LinkPage,
    Message, MessageDetails, MessagePage, Snapshot, StagedFile, StorageUse,
};

/// The answer to a command that succeeded.
#[allow(
    clippy::large_enum_variant,
    reason = "one is on its way at a time, and a box would burden every front end"
)]
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Reply {
    /// Nothing to tell.
    Done,
    /// The whole state.
    Snapshot(Box<Snapshot>),
    /// The recovery phrase: thirteen words.
    Phrase(String),
    /// A conversation.
    Conversation(Conversation),
    /// The message was stored and will be sent.
    Accepted(Message),
    /// A window of messages.
    Messages(MessagePage),
    /// Everything about one message.
    Details(Box<MessageDetails>),
    /// What a search found.
    Found(Found),
    /// A file was announced.
    Staged(StagedFile),
    /// A piece of a file.
    Bytes(Vec<u8>),
    /// What files take up.
    StorageUse(StorageUse),
    /// What there is to show of a link.
    LinkPage(LinkPage),
    /// A part of a new backup file.
    BackupPart(BackupPart),
    /// A backup file was opened.
    BackupOpened(BackupId),
    /// So far the file is what was written; with its last slice, what is in it.
    BackupChecked(Option<BackupContents>),
    /// What came of the file so far.
    BackupTaken(BackupTaken),
    /// What to show to the device that has the account.
    AccountAsked(AccountRequest),
    /// The device that wants the account was answered.
    TransferAnswered {
        /// How long the transfer may take from now, milliseconds.
        lasts_ms: u64,
    },
}
