//! What a front end says to the engine and hears from it: plain data, postcard-encoded at the worker's edge.
//!
//! A [`Command`] gets exactly one [`Reply`] or [`Failure`]. What a command changes is durable before its reply is given.
//! [`Event`]s tell every front end what changed, whoever caused it.

mod backup;
mod command;
mod conversation;
mod event;
mod failure;
mod file;
mod message;
mod reply;
mod restore;
mod search;
mod snapshot;
mod transfer;

pub use backup::{
    BACKUP_HEAD, BACKUP_SLICE, BackupContents, BackupFault, BackupId, BackupPart, BackupTaken, Passphrase,
};
pub use command::{Anchor, Command, DeleteScope, MAX_SELECTED, RequestId};
pub use conversation::{Conversation, Disappearing, Notify, Place, Preview, Standing};
pub use event::{Event, Synced, Trouble};
pub use failure::Failure;
pub use file::{
    Attachment, FILE_PIECE, FileId, FileInfo, FileKind, FileState, FilesSummary, Gallery, LinkImage,
    LinkPage, LinkPreview, MAX_FILE, MAX_FILE_PREVIEW, MAX_FILES, MAX_LINK_IMAGE, MAX_PICTURE, MAX_WAVEFORM,
    NewLink, Purpose, StagedFile, StorageUse, Transfer,
};
pub use message::{
    Expiry, Message, MessageDetails, MessageId, MessageKind, MessagePage, MessageState, Notice, Position,
    Quote, Reaction, SendFailure,
};
pub use reply::Reply;
pub use restore::{RestoreProgress, RestoreStage};
pub use search::{Found, FoundMessage};
pub use snapshot::{Account, Hop, NetworkStatus, Snapshot};
pub use transfer::{AccountRequest, TransferEnd, TransferFault, TransferStage};
