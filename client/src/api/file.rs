//! Files as front ends see them: staged for sending, as parts of messages, on their way, and what of them is kept here.
//!
//! A front end stages a file (name, size, what it knows of a picture or a recording), writes its bytes in pieces, and sends a
//! message that names it. What was staged is kept sealed like everything else: a draft's files survive a reload. Files of
//! messages have numbers of their own; their bytes are read in pieces too.

use holdfast_protocol::account::Id;
use serde::{Deserialize, Serialize};

use super::MessageId;

/// A file's number on this device. Never reused; says nothing about order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileId(pub u64);

/// The most bytes that one [`Command::WriteFile`](super::Command::WriteFile) or
/// [`Command::ReadFile`](super::Command::ReadFile) carries: small enough to be copied between threads within a frame.
pub const FILE_PIECE: usize = 256 * 1024;
/// The largest file that is sent, in bytes: encrypted, it is below the 10,000,000 that every client takes
/// (`spec/07-files-and-attachments.md §3.1, §6.3`).
pub const MAX_FILE: u64 = 9_900_000;
/// The most files of a message (`spec/07-files-and-attachments.md §7`).
pub const MAX_FILES: usize = 32;
/// The largest small picture that is kept beside a message to stand for a file that is not here, in bytes.
pub const MAX_FILE_PREVIEW: usize = 2_048;
/// The most loudness values of a recording.
pub const MAX_WAVEFORM: usize = 64;
/// The largest profile picture that is sent, in bytes. Ours are at most 600 pixels wide and far smaller.
pub const MAX_PICTURE: u64 = 2 * 1024 * 1024;
/// The largest picture that is sent with a link, in bytes: one piece. Ours are at most 640 pixels wide and far smaller.
pub const MAX_LINK_IMAGE: usize = FILE_PIECE;

/// A file of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Its number.
    pub file: FileId,
    /// What it is and how large.
    pub info: FileInfo,
    /// Where its bytes are.
    pub state: FileState,
}

/// What is known of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileInfo {
    /// The name its sender gave it, without folders and control characters; `None` for none.
    pub name: Option<String>,
    /// Its MIME type: the sender's claim until the file is here, then what its first bytes say.
    pub content_type: String,
    /// How it is shown; follows `content_type`.
    pub kind: FileKind,
    /// Bytes.
    pub size: u64,
    /// Pixels; 0 when not known.
    pub width: u32,
    /// Pixels; 0 when not known.
    pub height: u32,
    /// How long a recording lasts, milliseconds; 0 when not known.
    pub duration_ms: u32,
    /// A small picture that stands for the file, at most [`MAX_FILE_PREVIEW`] bytes of WebP, JPEG or PNG; empty for none.
    pub preview: Vec<u8>,
    /// How loud a recording is from its beginning to its end, at most [`MAX_WAVEFORM`] values; empty when not known.
    pub waveform: Vec<u8>,
}

/// How a file is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FileKind {
    /// A picture that browsers draw: JPEG, PNG, GIF, WebP.
    Image,
    /// A film that browsers may play.
    Video,
    /// A sound.
    Audio,
    /// A voice message.
    Voice,
    /// Anything else: offered for saving, never opened in place.
    #[default]
    Document,
}

/// Where a file's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FileState {
    /// Here, to be read with [`Command::ReadFile`](super::Command::ReadFile).
    Here,
    /// On the file server: it waits for a tap, or for its turn.
    NotLoaded,
    /// On its way here, or there. [`Event::Transfer`](super::Event::Transfer) tells how far.
    Moving,
    /// Could not be fetched; may be tried again.
    Failed,
    /// The file server does not keep it any more, and it is not here.
    Expired,
    /// What came is not what was sent, or the message does not say how to open it.
    Damaged,
}

/// How far a file got on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// The file.
    pub file: FileId,
    /// Its message.
    pub message: MessageId,
    /// The message's conversation.
    pub conversation: Id,
    /// Whether it leaves this device.
    pub upload: bool,
    /// Bytes that have gone or come, encrypted.
    pub done: u64,
    /// Bytes in all, encrypted; 0 when not known yet.
    pub total: u64,
}

/// A file that was chosen, and is not part of a message yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagedFile {
    /// Its number.
    pub file: FileId,
    /// What it is.
    pub info: FileInfo,
    /// Whether all of its bytes were written.
    pub complete: bool,
}

/// What a file is staged for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Purpose {
    /// A message of this conversation: the file belongs to its draft.
    Message(Id),
    /// The own profile picture: square, at most 600 pixels wide (`spec/07-files-and-attachments.md §8.4`).
    Picture,
}

/// Which files of a conversation a gallery shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Gallery {
    /// Pictures and films.
    Media,
    /// Everything else, without voice messages.
    Documents,
}

/// What a message's files are, in the list of conversations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FilesSummary {
    /// The kind of the first one.
    pub kind: FileKind,
    /// How many there are.
    pub count: u8,
}

/// What files take up on this device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageUse {
    /// Files that are here.
    pub files: u32,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes of those that can be removed: neither of drafts nor of messages that wait to be sent, nor the own picture.
    pub removable: u64,
    /// Bytes of these that the file server still keeps: they can be fetched again.
    pub again: u64,
    /// Received files are removed, the longest unused first and only those that can be fetched again, when all together
    /// take more bytes than this.
    pub quota: u64,
}

/// A link of a message as its sender saw it. The sender's claim: the page may say something else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkPreview {
    /// Where it leads; stands in the text as well.
    pub url: String,
    /// The page's title.
    pub title: String,
    /// A small picture.
    pub image: Option<Attachment>,
}

/// What there is to show of a link, as its site says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkPage {
    /// The page's title.
    pub title: Option<String>,
    /// A picture as the site gave it. To be drawn anew before it is shown or sent.
    pub image: Option<Vec<u8>>,
}

/// A link to send with what receivers are shown of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewLink {
    /// Where it leads; stands in the text as well.
    pub url: String,
    /// The page's title; may be blank where there is a picture.
    pub title: String,
    /// A small picture.
    pub image: Option<LinkImage>,
}

/// A picture to send with a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkImage {
    /// Its bytes, at most [`MAX_LINK_IMAGE`].
    pub bytes: Vec<u8>,
    /// Its MIME type.
    pub content_type: String,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}
