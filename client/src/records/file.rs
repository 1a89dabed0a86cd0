//! Files as they are kept: what a message says of its files, and which bytes are here.

use holdfast_protocol::account::Id;
use holdfast_protocol::file::{FileKey, FileUrl};
use holdfast_protocol::message::profile::Picture;
use serde::{Deserialize, Serialize};

use crate::api::{FileId, FileInfo, FileKind, FilesSummary, MessageId};

/// A file of a message, within the message's record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AttachmentRecord {
    pub(crate) file: FileId,
    pub(crate) info: FileInfo,
    /// Where the file server has it; `None` until it was sent there.
    pub(crate) source: Option<Source>,
    /// Why it is not here although it was asked for.
    pub(crate) fault: Option<Fault>,
}

/// Where the file server has a file, and what opens it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Source {
    pub(crate) url: FileUrl,
    pub(crate) key: FileKey,
    /// Until when the server keeps it, Unix milliseconds.
    pub(crate) until: u64,
}

/// See [`AttachmentRecord::fault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Fault {
    /// It could not be fetched in several attempts.
    Failed,
    /// The server does not have it.
    Expired,
    /// It does not open, or the message does not say how.
    Damaged,
}

/// A link of a message as its sender saw it, within the message's record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LinkRecord {
    pub(crate) url: String,
    pub(crate) title: String,
    pub(crate) image: Option<AttachmentRecord>,
}

/// A file of which something is here or on its way here, in `Files` under [`super::keys::file`]. Its bytes lie in `Pieces`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileRecord {
    pub(crate) place: FilePlace,
    /// Bytes in all.
    pub(crate) size: u64,
    pub(crate) held: Held,
    /// When it was last looked at, Unix milliseconds.
    pub(crate) used_at: u64,
    /// Until when the file server keeps it, so that it can be fetched again, Unix milliseconds; 0 for not at all.
    pub(crate) again_until: u64,
}

/// What a file belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FilePlace {
    /// The draft of a conversation.
    Draft(Id, FileInfo),
    /// A message.
    Message(MessageId),
    /// Nothing yet: it is about to become the own picture.
    NewPicture(FileInfo),
    /// The own picture; without an address while it waits to be sent.
    OwnPicture(Option<Picture>),
    /// Somebody's picture.
    Picture(Id, Picture),
}

/// How much of a file is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Held {
    /// Nothing; it is to be fetched.
    Wanted,
    /// So many bytes from its beginning.
    Part(u64),
    /// All of it.
    Whole,
}

impl AttachmentRecord {
    /// All of it is here: its type follows from its bytes. What is not what it claimed to be is offered for saving only.
    pub(crate) fn arrived(&mut self, content_type: String, size: u64) {
        let voice = self.info.kind == FileKind::Voice;
        self.info.kind = kind_of(&content_type, voice);
        self.info.content_type = content_type;
        self.info.size = size;
        self.fault = None;
    }
}

impl FilePlace {
    /// Whether the file can be thrown away, as long as it can be fetched again.
    pub(crate) fn is_cache(&self) -> bool {
        matches!(self, Self::Message(_) | Self::Picture(..))
    }
}

/// What a message's files are, in a word.
pub(crate) fn summary(files: &[AttachmentRecord]) -> Option<FilesSummary> {
    let first = files.first()?;
    Some(FilesSummary {
        kind: first.info.kind,
        count: u8::try_from(files.len()).unwrap_or(u8::MAX),
    })
}

/// How a file of that type is shown. Nothing that could carry script counts as a picture.
pub(crate) fn kind_of(content_type: &str, voice: bool) -> FileKind {
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    match essence.as_str() {
        "image/jpeg" | "image/jpg" | "image/png" | "image/gif" | "image/webp" => FileKind::Image,
        other if other.starts_with("video/") => FileKind::Video,
        other if other.starts_with("audio/") && voice => FileKind::Voice,
        other if other.starts_with("audio/") => FileKind::Audio,
        _ => FileKind::Document,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_types_are_drawn() {
        assert_eq!(kind_of("image/jpeg", false), FileKind::Image);
        assert_eq!(kind_of("IMAGE/PNG; x=y", false), FileKind::Image);
        for document in ["image/svg+xml", "text/html", "application/xhtml+xml", "", "audio"] {
            assert_eq!(kind_of(document, true), FileKind::Document, "{document}");
        }
        assert_eq!(kind_of("audio/mpeg", false), FileKind::Audio);
        assert_eq!(kind_of("audio/mpeg", true), FileKind::Voice);
        assert_eq!(kind_of("video/mp4", true), FileKind::Video);
    }
}
