//! Links that are sent with what there is to show of them (`spec/07-files-and-attachments.md §7.3`). What that is the
//! network's helper finds out, asked through an onion: the site sees the helper, and the helper does not see who asks.

use std::time::Duration;

use holdfast_protocol::file::preview::is_link;
use holdfast_protocol::file::{FileType, LinkPreview, Media, clean_content_type, lookup};
use holdfast_protocol::message::schema::Preview;
use holdfast_protocol::onion::v4::V4Request;

use super::wire;
use crate::api::{Failure, FileId, FileInfo, FileKind, LinkPage, MAX_LINK_IMAGE, MessageId, NewLink, Reply};
use crate::core::Core;
use crate::ports::{Collection, StoreError};
use crate::records::{AttachmentRecord, FilePlace, FileRecord, Held, LinkRecord, keys};
use crate::work::Work;

/// How long the helper may take: it visits the site, and the site's picture.
const TIMEOUT: Duration = Duration::from_secs(30);

impl Core {
    /// Asks the network's helper about a link.
    pub(crate) async fn look_at_link(&self, url: &str) -> Result<Reply, Failure> {
        self.require_account()?;
        let helper = self.profile.previews.as_ref().ok_or(Failure::NoLinkHelper)?;
        let body = lookup::request(url).map_err(|_| Failure::LinkBlank)?;
        let request = V4Request {
            method: "POST".to_owned(),
            endpoint: lookup::PATH.to_owned(),
            body: Some(body),
            ..V4Request::default()
        };
        let reply = self
            .ask_server(helper, request, TIMEOUT, None)
            .await
            .map_err(|_| Failure::LinkUnreachable)?;
        match reply.status {
            200 => {
                let page = lookup::Page::read_answer(&reply.body).map_err(|_| Failure::LinkUnreachable)?;
                // The title as receivers will be shown it.
                let title = page.title.as_deref().and_then(LinkPreview::clean_title);
                if title.is_none() && page.image.is_none() {
                    return Err(Failure::LinkBlank);
                }
                Ok(Reply::LinkPage(LinkPage {
                    title,
                    image: page.image,
                }))
            }
            400 | 403 | 404 => Err(Failure::LinkBlank),
            _ => Err(Failure::LinkUnreachable),
        }
    }
}

impl Work<'_> {
    /// A link as a message's record has it, and the bytes of its picture.
    pub(crate) fn new_link(
        &mut self,
        body: &str,
        link: NewLink,
    ) -> Result<(LinkRecord, Option<Vec<u8>>), Failure> {
        let NewLink { url, title, image } = link;
        let mut bytes = None;
        let image = image
            .map(|image| {
                let drawn = FileType::of(&image.bytes).media("") == Media::Image;
                if !drawn || image.bytes.len() > MAX_LINK_IMAGE {
                    return Err(Failure::LinkPreview);
                }
                let info = FileInfo {
                    content_type: clean_content_type(&image.content_type).unwrap_or_default(),
                    kind: FileKind::Image,
                    size: image.bytes.len() as u64,
                    width: image.width,
                    height: image.height,
                    ..FileInfo::default()
                };
                bytes = Some(image.bytes);
                Ok(AttachmentRecord {
                    file: FileId(self.next_number()),
                    info,
                    source: None,
                    fault: None,
                })
            })
            .transpose()?;
        let title = LinkPreview::clean_title(&title).unwrap_or_default();
        let record = LinkRecord { url, title, image };
        if record.is_shown_under(body) {
            Ok((record, bytes))
        } else {
            Err(Failure::LinkPreview)
        }
    }

    /// Keeps the picture of a message's link.
    pub(crate) fn put_link_image(
        &mut self,
        message: MessageId,
        image: &AttachmentRecord,
        bytes: Vec<u8>,
    ) -> Result<(), StoreError> {
        self.put(Collection::Pieces, keys::piece(image.file, 0), bytes);
        let record = FileRecord {
            place: FilePlace::Message(message),
            size: image.info.size,
            held: Held::Whole,
            used_at: self.now(),
            again_until: 0,
        };
        self.put_file(image.file, record)
    }
}

impl LinkRecord {
    /// Whether a message with this text shows it, as receivers decide.
    pub(crate) fn is_shown_under(&self, body: &str) -> bool {
        let shows = self.image.is_some() || !self.title.is_empty();
        shows && is_link(&self.url) && body.contains(&self.url)
    }

    /// What a message with this text says of the link, with its picture once that is on the server; nothing if there is
    /// nothing that receivers would show.
    pub(crate) fn preview(&self, body: &str) -> Option<Preview> {
        let preview = LinkPreview {
            url: self.url.clone(),
            title: Some(self.title.clone()),
            image: self.image.as_ref().and_then(wire::attachment),
        };
        preview.to_wire(body).ok()
    }
}
