//! Attachments as messages point at them: read with every claim checked, and written
//! (spec/07-files-and-attachments.md §7, spec/02-messages-v1.md §4.3).
//!
//! One bad pointer does not cost the message: what cannot be opened stays visible as such, with the reason.

use super::name::{UNKNOWN_TYPE, clean_content_type, clean_file_name, content_type_of};
use super::{AddressError, FileId, FileKey, FileKeyError, FileServer, FileUrl};
use crate::message::MAX_ATTACHMENTS;
use crate::message::schema::{AttachmentPointer, DataMessage, attachment_pointer::Flags};
use serde::{Deserialize, Serialize};

/// Largest file that any client sends, bytes (spec/07 §3.1): what claims to be larger cannot be downloaded.
pub const MAX_FILE_SIZE: u32 = 10 * 1024 * 1024;
/// Longest side of a picture in pixels that is believed: what JPEG and GIF can say.
pub const MAX_SIDE: u32 = 65_535;
/// Most pixels of a picture that are believed (spec/07 §11).
pub const MAX_PIXELS: u64 = 100_000_000;

/// Why an attachment cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PointerError {
    /// There is no address.
    #[error("no address")]
    NoUrl,
    /// The address is none.
    #[error("bad address: {0}")]
    Url(#[from] AddressError),
    /// It could not be decrypted.
    #[error("unusable key: {0}")]
    Key(#[from] FileKeyError),
    /// It does not say how large it is, without which the legacy form cannot be told from its padding.
    #[error("no size")]
    NoSize,
    /// It claims to be larger than [`MAX_FILE_SIZE`].
    #[error("too large")]
    TooLarge,
}

/// Width and height in pixels, both above 0, within [`MAX_SIDE`] and [`MAX_PIXELS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Dimensions {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

impl Dimensions {
    /// Dimensions within the limits.
    pub fn new(width: u32, height: u32) -> Option<Self> {
        let sides = 1..=MAX_SIDE;
        let pixels = u64::from(width) * u64::from(height);
        (sides.contains(&width) && sides.contains(&height) && pixels <= MAX_PIXELS)
            .then_some(Self { width, height })
    }
}

/// A file that belongs to a message. Everything but address and key is what the sender claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Where it is.
    pub url: FileUrl,
    /// What decrypts it.
    pub key: FileKey,
    /// Bytes of the file; 0 if not known, in the stream form only.
    pub size: u32,
    /// What it claims to be; how it is shown follows from its content.
    pub content_type: String,
    /// Its name, clean.
    pub name: Option<String>,
    /// Whether it is a voice message.
    pub voice: bool,
    /// Of a picture or video.
    pub dimensions: Option<Dimensions>,
}

impl Attachment {
    /// One that was just uploaded: its server, the id it got there, what opens it and its size in bytes. Of unknown type
    /// and without a name.
    pub fn uploaded(server: &FileServer, id: FileId, key: FileKey, size: u32) -> Self {
        Self {
            url: server.url_of(id, key.is_stream()),
            key,
            size,
            content_type: UNKNOWN_TYPE.to_owned(),
            name: None,
            voice: false,
            dimensions: None,
        }
    }

    /// Reads what a message says.
    ///
    /// # Errors
    /// [`PointerError`] when the file cannot be opened.
    pub fn read(pointer: &AttachmentPointer) -> Result<Self, PointerError> {
        let url = pointer.url().trim();
        if url.is_empty() {
            return Err(PointerError::NoUrl);
        }
        let url = FileUrl::parse(url)?;
        let key = FileKey::decide(&url, pointer.key(), pointer.digest())?;
        let size = pointer.size();
        if size > MAX_FILE_SIZE {
            return Err(PointerError::TooLarge);
        }
        if size == 0 && !key.is_stream() {
            return Err(PointerError::NoSize);
        }
        let Claims {
            content_type,
            name,
            voice,
        } = Claims::read(pointer);
        Ok(Self {
            // Some clients write the form in a way that others do not read; we pass it on in the one that all read.
            url: url.with_form(key.is_stream()),
            key,
            size,
            content_type,
            name,
            voice,
            dimensions: Dimensions::new(pointer.width(), pointer.height()),
        })
    }

    /// What a message says of it.
    pub fn to_pointer(&self) -> AttachmentPointer {
        AttachmentPointer {
            id: self.url.id().number(),
            content_type: Some(self.content_type.clone()),
            key: Some(self.key.key_bytes().to_vec()),
            size: (self.size > 0).then_some(self.size),
            digest: self.key.digest().map(|digest| digest.as_bytes().to_vec()),
            file_name: self.name.clone(),
            flags: self.voice.then_some(Flags::VoiceMessage as u32),
            width: self.dimensions.map(|dimensions| dimensions.width),
            height: self.dimensions.map(|dimensions| dimensions.height),
            url: Some(self.url.clone().with_form(self.key.is_stream()).to_string()),
            ..AttachmentPointer::default()
        }
    }
}

/// What is shown of a file before it is opened.
struct Claims {
    content_type: String,
    name: Option<String>,
    voice: bool,
}

impl Claims {
    fn read(pointer: &AttachmentPointer) -> Self {
        let name = clean_file_name(pointer.file_name());
        let claimed = clean_content_type(pointer.content_type());
        let content_type =
            claimed.unwrap_or_else(|| content_type_of(name.as_deref().unwrap_or_default()).to_owned());
        let audible = content_type.starts_with("audio/") || content_type == UNKNOWN_TYPE;
        Self {
            voice: audible && pointer.flags() & Flags::VoiceMessage as u32 != 0,
            content_type,
            name,
        }
    }
}

/// An attachment of a received message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReceivedAttachment {
    /// It can be downloaded.
    Usable(Attachment),
    /// It cannot be opened.
    Unusable {
        /// Why not.
        reason: PointerError,
        /// What it claims to be.
        content_type: String,
        /// Its name, clean.
        name: Option<String>,
        /// Whether it is a voice message.
        voice: bool,
    },
}

impl ReceivedAttachment {
    /// Reads what a message says.
    pub fn read(pointer: &AttachmentPointer) -> Self {
        Attachment::read(pointer).map_or_else(
            |reason| {
                let claims = Claims::read(pointer);
                Self::Unusable {
                    reason,
                    content_type: claims.content_type,
                    name: claims.name,
                    voice: claims.voice,
                }
            },
            Self::Usable,
        )
    }
}

/// The attachments of a visible message, in order. [`crate::message::kind::Kind::of`] refuses messages with more than
/// [`MAX_ATTACHMENTS`]; no more are read here.
pub fn attachments(data: &DataMessage) -> Vec<ReceivedAttachment> {
    let pointers = data.attachments.iter().take(MAX_ATTACHMENTS);
    pointers.map(ReceivedAttachment::read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::{AttachmentKey, BodyDigest, StreamKey};

    fn legacy() -> Attachment {
        let key = FileKey::Legacy {
            key: AttachmentKey::from_bytes(&[1; 64]),
            digest: BodyDigest::from([2; 32]),
        };
        Attachment {
            content_type: "image/png".to_owned(),
            name: Some("a.png".to_owned()),
            dimensions: Dimensions::new(3, 4),
            ..Attachment::uploaded(&FileServer::session(), FileId::parse("77").unwrap(), key, 5)
        }
    }

    fn stream() -> Attachment {
        let key = FileKey::Stream {
            key: StreamKey::from_bytes(&[3; 32]),
        };
        Attachment {
            content_type: "audio/mp4".to_owned(),
            voice: true,
            ..Attachment::uploaded(&FileServer::session(), FileId::parse("x_y").unwrap(), key, 0)
        }
    }

    #[test]
    fn writing_and_reading_agree() {
        for attachment in [legacy(), stream()] {
            assert_eq!(Attachment::read(&attachment.to_pointer()), Ok(attachment.clone()));
            let stored = serde_json::to_vec(&attachment).unwrap();
            assert_eq!(serde_json::from_slice::<Attachment>(&stored).unwrap(), attachment);
        }
        let pointer = legacy().to_pointer();
        assert_eq!((pointer.id, pointer.size()), (77, 5));
        assert_eq!((pointer.key().len(), pointer.digest().len()), (64, 32));
        let pointer = stream().to_pointer();
        assert_eq!((pointer.id, pointer.flags()), (0, 1));
        assert_eq!(pointer.url(), "http://filev2.getsession.org/file/x_y#d");
        assert!(pointer.digest.is_none() && pointer.size.is_none() && pointer.width.is_none());
    }

    #[test]
    fn a_form_that_only_the_key_tells_is_written_for_all() {
        let pointer = AttachmentPointer {
            url: Some("http://h.example/file/1#d=".to_owned()),
            ..stream().to_pointer()
        };
        let read = Attachment::read(&pointer).unwrap();
        assert_eq!(read.to_pointer().url(), "http://h.example/file/1#d");
        let pointer = AttachmentPointer {
            url: Some("http://h.example/file/1".to_owned()),
            ..pointer
        };
        let read = Attachment::read(&pointer).unwrap();
        assert_eq!(read.to_pointer().url(), "http://h.example/file/1#d");
    }

    #[test]
    fn what_cannot_be_opened_says_why() {
        let read = |change: &dyn Fn(&mut AttachmentPointer)| {
            let mut pointer = legacy().to_pointer();
            change(&mut pointer);
            match ReceivedAttachment::read(&pointer) {
                ReceivedAttachment::Unusable { reason, name, .. } => {
                    assert_eq!(name.as_deref(), Some("a.png"));
                    Some(reason)
                }
                ReceivedAttachment::Usable(_) => None,
            }
        };
        assert_eq!(read(&|_| {}), None);
        assert_eq!(read(&|it| it.url = None), Some(PointerError::NoUrl));
        assert_eq!(
            read(&|it| it.url = Some(" ".to_owned())),
            Some(PointerError::NoUrl)
        );
        assert_eq!(
            read(&|it| it.url = Some("http://h/1".to_owned())),
            Some(PointerError::Url(AddressError::Path))
        );
        assert_eq!(
            read(&|it| it.key = None),
            Some(PointerError::Key(FileKeyError::NoKey))
        );
        assert_eq!(
            read(&|it| it.digest = Some(vec![])),
            Some(PointerError::Key(FileKeyError::NoDigest))
        );
        assert_eq!(read(&|it| it.size = None), Some(PointerError::NoSize));
        assert_eq!(
            read(&|it| it.size = Some(MAX_FILE_SIZE + 1)),
            Some(PointerError::TooLarge)
        );
        assert_eq!(read(&|it| it.size = Some(MAX_FILE_SIZE)), None);
    }

    #[test]
    fn claims_are_made_harmless() {
        let mut pointer = legacy().to_pointer();
        pointer.file_name = Some("../x\u{202e}gnp.JPG".to_owned());
        pointer.content_type = Some("bad".to_owned());
        pointer.flags = Some(0xff);
        pointer.width = Some(0);
        let read = Attachment::read(&pointer).unwrap();
        assert_eq!(read.name.as_deref(), Some("xgnp.JPG"));
        assert_eq!(read.content_type, "image/jpeg");
        assert!(!read.voice && read.dimensions.is_none());
        pointer.file_name = None;
        let read = Attachment::read(&pointer).unwrap();
        assert_eq!((read.content_type.as_str(), read.voice), (UNKNOWN_TYPE, true));
    }

    #[test]
    fn dimensions_have_limits() {
        assert!(Dimensions::new(10_000, 10_000).is_some());
        assert!(Dimensions::new(10_001, 10_000).is_none());
        assert!(Dimensions::new(1, 65_536).is_none());
        assert!(Dimensions::new(u32::MAX, u32::MAX).is_none());
        assert!(Dimensions::new(1, 0).is_none());
    }

    #[test]
    fn one_bad_pointer_costs_no_other() {
        let data = DataMessage {
            attachments: vec![AttachmentPointer::default(), legacy().to_pointer()],
            ..DataMessage::default()
        };
        let read = attachments(&data);
        assert!(matches!(read[0], ReceivedAttachment::Unusable { .. }));
        assert_eq!(read[1], ReceivedAttachment::Usable(legacy()));
        let many = DataMessage {
            attachments: vec![AttachmentPointer::default(); MAX_ATTACHMENTS + 1],
            ..DataMessage::default()
        };
        assert_eq!(attachments(&many).len(), MAX_ATTACHMENTS);
    }
}
