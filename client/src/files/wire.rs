//! Between records and what travels: attachments of messages, and what the file server answers.

use holdfast_protocol::file::{
    Attachment, FileKey, FileType, FileUrl, LinkPreview, Media, ProfileKey, ReceivedAttachment, picture,
    pointer,
};
use holdfast_protocol::message::profile::Picture;
use holdfast_protocol::message::schema::{AttachmentPointer, DataMessage};

use crate::api::{FileId, FileInfo, FileKind};
use crate::records::{AttachmentRecord, Fault, LinkRecord, Source, kind_of};

/// How long file servers keep what they are given, milliseconds (`spec/07-files-and-attachments.md §4.2`).
pub(super) const SERVER_LIFE_MS: u64 = 14 * 24 * 60 * 60 * 1_000;

/// An opened file.
pub(super) struct Opened {
    pub(super) plain: Vec<u8>,
    /// What its first bytes say that it is.
    pub(super) content_type: String,
}

/// The files and the link of a received message. `number` gives each file its number.
pub(crate) fn read_files(
    data: &DataMessage,
    sent_at: u64,
    mut number: impl FnMut() -> FileId,
) -> (Vec<AttachmentRecord>, Option<LinkRecord>) {
    let until = sent_at.saturating_add(SERVER_LIFE_MS);
    let files = pointer::attachments(data)
        .into_iter()
        .map(|attachment| match attachment {
            ReceivedAttachment::Usable(attachment) => usable(attachment, number(), until),
            ReceivedAttachment::Unusable {
                content_type,
                name,
                voice,
                ..
            } => AttachmentRecord {
                file: number(),
                info: FileInfo {
                    kind: kind_of(&content_type, voice),
                    content_type,
                    name,
                    ..FileInfo::default()
                },
                source: None,
                fault: Some(Fault::Damaged),
            },
        })
        .collect();
    let link = LinkPreview::read(data).ok().flatten().map(|preview| LinkRecord {
        url: preview.url,
        title: preview.title.unwrap_or_default(),
        image: preview.image.map(|image| usable(image, number(), until)),
    });
    (files, link)
}

fn usable(attachment: Attachment, file: FileId, until: u64) -> AttachmentRecord {
    let (width, height) = attachment
        .dimensions
        .map_or((0, 0), |dimensions| (dimensions.width, dimensions.height));
    AttachmentRecord {
        file,
        info: FileInfo {
            name: attachment.name,
            kind: kind_of(&attachment.content_type, attachment.voice),
            content_type: attachment.content_type,
            size: attachment.size.into(),
            width,
            height,
            ..FileInfo::default()
        },
        source: Some(Source {
            url: attachment.url,
            key: attachment.key,
            until,
        }),
        fault: None,
    }
}

/// What a message says of a file that is on the server.
pub(super) fn pointer(record: &AttachmentRecord) -> Option<AttachmentPointer> {
    Some(attachment(record)?.to_pointer())
}

/// A file that is on the server, to be named in a message.
pub(super) fn attachment(record: &AttachmentRecord) -> Option<Attachment> {
    let source = record.source.as_ref()?;
    let info = &record.info;
    Some(Attachment {
        url: source.url.clone(),
        key: source.key.clone(),
        size: u32::try_from(info.size).ok()?,
        content_type: info.content_type.clone(),
        name: info.name.clone(),
        voice: info.kind == FileKind::Voice,
        dimensions: pointer::Dimensions::new(info.width, info.height),
    })
}

/// Opens a file of a message; `None` when it is not what was sent.
pub(super) fn open_attachment(key: &FileKey, info: &FileInfo, body: &[u8]) -> Option<Opened> {
    let plain = key.decrypt(u32::try_from(info.size).ok()?, body).ok()?;
    let content_type = FileType::of(&plain).content_type(&info.content_type).to_owned();
    Some(Opened { plain, content_type })
}

/// Opens somebody's picture; `None` when it is none that can be drawn.
pub(super) fn open_picture(url: &FileUrl, named: &Picture, body: &[u8]) -> Option<Opened> {
    let key = ProfileKey::from_slice(&named.key).ok()?;
    let plain = picture::decrypt(url, &key, body).ok()?;
    let found = FileType::of(&plain);
    (found.media("") == Media::Image).then(|| Opened {
        plain,
        content_type: found.content_type("").to_owned(),
    })
}
