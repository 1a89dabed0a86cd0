//! Between records and what travels: attachments of messages, and what the file server answers.

use holdfast_protocol::file::{
    Attachment, FileKey, FileType, FileUrl, LinkPreview, Media, ProfileKey, ReceivedAttachment, UNKNOWN_TYPE,
    picture, pointer,
};
use holdfast_protocol::message::profile::Picture;
use holdfast_protocol::message::schema::{AttachmentPointer, DataMessage};

use crate::api::{FileId, FileInfo, FileKind};
use crate::records::{AttachmentRecord, Fault, LinkRecord, Source, kind_of};

/// How long file servers keep what they are given, milliseconds (`spec/07-files-and-attachments.md §4.2`).
pub(super) const SERVER_LIFE_MS: u64 = 14 * 24 * 60 * 60 * 1_000;

/// What phones record voice messages as (`spec/07-files-and-attachments.md §7.1`).
const VOICE_TYPE: &str = "audio/mp4";

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
            } => {
                let content_type = heard_type(content_type, voice);
                AttachmentRecord {
                    file: number(),
                    info: FileInfo {
                        kind: kind_of(&content_type, voice),
                        content_type,
                        name,
                        ..FileInfo::default()
                    },
                    source: None,
                    fault: Some(Fault::Damaged),
                }
            }
        })
        .collect();
    let link = LinkPreview::read(data).ok().flatten().map(|preview| LinkRecord {
        url: preview.url,
        title: preview.title.unwrap_or_default(),
        image: preview.image.map(|image| usable(image, number(), until)),
    });
    (files, link)
}

/// The type of a file as its sender claims it. A voice message that says nothing else is something to hear: by its type
/// alone it would be a document, and by its bytes, once they are here, most often a film.
fn heard_type(claimed: String, voice: bool) -> String {
    if voice && claimed == UNKNOWN_TYPE {
        VOICE_TYPE.to_owned()
    } else {
        claimed
    }
}

fn usable(attachment: Attachment, file: FileId, until: u64) -> AttachmentRecord {
    let (width, height) = attachment
        .dimensions
        .map_or((0, 0), |dimensions| (dimensions.width, dimensions.height));
    let content_type = heard_type(attachment.content_type, attachment.voice);
    AttachmentRecord {
        file,
        info: FileInfo {
            name: attachment.name,
            kind: kind_of(&content_type, attachment.voice),
            content_type,
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

#[cfg(test)]
mod tests {
    use holdfast_protocol::file::{FileServer, StreamKey};

    use super::*;

    #[test]
    fn a_voice_message_without_a_type_is_something_to_hear() {
        let key = FileKey::Stream {
            key: StreamKey::from_bytes(&[3; 32]),
        };
        let id = holdfast_protocol::file::FileId::parse("1").unwrap();
        let of = |voice: bool, content_type: Option<&str>, url: bool| {
            let attachment = Attachment {
                voice,
                ..Attachment::uploaded(&FileServer::session(), id.clone(), key.clone(), 9)
            };
            let mut pointer = attachment.to_pointer();
            pointer.content_type = content_type.map(str::to_owned);
            pointer.url = pointer.url.filter(|_| url);
            let data = DataMessage {
                attachments: vec![pointer],
                ..DataMessage::default()
            };
            let (mut files, _) = read_files(&data, 0, || FileId(1));
            files.remove(0)
        };
        for url in [true, false] {
            let info = of(true, None, url).info;
            assert_eq!(
                (info.kind, info.content_type.as_str()),
                (FileKind::Voice, VOICE_TYPE)
            );
            assert_eq!(of(false, None, url).info.kind, FileKind::Document);
            assert_eq!(of(true, Some("audio/mpeg"), url).info.content_type, "audio/mpeg");
        }
        // It stays one when it is here, whatever the container is called.
        let mut file = of(true, None, true);
        let found = FileType::of(b"\0\0\0\x18ftypisom").content_type(&file.info.content_type);
        file.arrived(found.to_owned(), 9);
        assert_eq!(file.info.kind, FileKind::Voice);
    }
}
