//! Why a command was not carried out.

use serde::{Deserialize, Serialize};

use super::{BackupFault, TransferFault};
#[cfg(doc)]
use super::{MAX_FILE, MAX_FILES, MAX_LINK_IMAGE, MAX_PICTURE};

/// Why a command was not carried out. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Failure {
    /// There is no account yet.
    #[error("there is no account on this device")]
    NoAccount,
    /// There already is an account.
    #[error("there already is an account on this device")]
    AccountExists,
    /// The name is empty once trimmed.
    #[error("the name is empty")]
    NameEmpty,
    /// The name is longer than 100 bytes.
    #[error("the name is too long")]
    NameTooLong,
    /// The text is blank.
    #[error("the message is empty")]
    TextEmpty,
    /// The text has more than 2,000 code points.
    #[error("the message is too long")]
    TextTooLong,
    /// Only `05` ids can be written to.
    #[error("not an Account ID that can be written to")]
    NotAnAccount,
    /// The nickname is longer than 100 bytes.
    #[error("the nickname is too long")]
    NicknameTooLong,
    /// What was asked for is not possible in this conversation or with this message.
    #[error("not possible here")]
    NotAllowed,
    /// More than 20 reactions within a minute.
    #[error("too many reactions in a short time")]
    TooFast,
    /// The account is blocked; it has to be unblocked first.
    #[error("the account is blocked")]
    Blocked,
    /// The file is empty or larger than [`MAX_FILE`], or [`MAX_PICTURE`] for a profile picture.
    #[error("the file is empty or too large")]
    FileSize,
    /// More than [`MAX_FILES`] files.
    #[error("too many files")]
    TooManyFiles,
    /// The file's bytes are not all written.
    #[error("the file is not complete")]
    FileIncomplete,
    /// Files can be sent once the other side has accepted the request.
    #[error("not accepted yet")]
    NotAcceptedYet,
    /// The network's profile names no file server.
    #[error("this network has no file server")]
    NoFileServer,
    /// The network's profile names no helper that looks at links.
    #[error("this network has no helper that looks at links")]
    NoLinkHelper,
    /// The helper, or the link's site, did not answer.
    #[error("the link could not be looked at")]
    LinkUnreachable,
    /// There is nothing to show of the link, or it is none that can have a preview.
    #[error("nothing to show of the link")]
    LinkBlank,
    /// The preview's picture is larger than [`MAX_LINK_IMAGE`], or its link does not stand in the text.
    #[error("not a preview that can be sent")]
    LinkPreview,
    /// A backup file can't be made or brought back.
    #[error(transparent)]
    Backup(#[from] BackupFault),
    /// An account can't be asked for, given or taken.
    #[error(transparent)]
    Transfer(#[from] TransferFault),
    /// No such conversation, message or file.
    #[error("not found")]
    NotFound,
    /// No space: the message was not accepted.
    #[error("no space left to store data")]
    StorageFull,
    /// The store is gone or damaged.
    #[error("the store failed: {0}")]
    Storage(String),
    /// Not all of the own swarm confirmed in time that it deleted everything. Some of it may have.
    #[error("the network did not confirm that everything is deleted")]
    NotErased,
}
