//! Previews of links: title and picture of a page that a message links to (spec/07-files-and-attachments.md §7.3,
//! spec/02-messages-v1.md §5.1).

use super::Attachment;
use super::name::{cut, is_hidden};
use crate::message::schema::{DataMessage, Preview};

/// Longest link that is shown with a preview, bytes: what browsers commonly take.
pub const MAX_LINK: usize = 2_048;
/// Most bytes of a title, which takes a few lines at most.
pub const MAX_TITLE: usize = 300;

/// Why a preview is not shown, or not sent. The message's text is not affected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PreviewError {
    /// The link does not occur in the text, so that the preview would pass for that of another link.
    #[error("the link does not stand in the text")]
    NotInBody,
    /// The link is none to `https:`, or its host is not plain ASCII and could pass for another.
    #[error("not a link to preview")]
    Link,
    /// Neither title nor picture.
    #[error("nothing to show")]
    Blank,
}

/// The preview of a link.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LinkPreview {
    /// The link, as it stands in the text.
    pub url: String,
    /// Title of the page, on one line.
    pub title: Option<String>,
    /// Picture of the page.
    pub image: Option<Attachment>,
}

impl LinkPreview {
    /// The preview of a visible message: the first one in it. A picture that cannot be opened is left out.
    ///
    /// # Errors
    /// [`PreviewError`] when there is one that must not be shown.
    pub fn read(data: &DataMessage) -> Result<Option<Self>, PreviewError> {
        let Some(preview) = data.preview.first() else {
            return Ok(None);
        };
        let image = preview
            .image
            .as_ref()
            .and_then(|image| Attachment::read(image).ok());
        let preview = Self {
            url: preview.url.clone(),
            title: clean_title(preview.title()),
            image,
        };
        preview.check(data.body())?;
        Ok(Some(preview))
    }

    /// The preview as a message with this text carries it.
    ///
    /// # Errors
    /// [`PreviewError`] when receivers would not show it.
    pub fn to_wire(&self, body: &str) -> Result<Preview, PreviewError> {
        let preview = Self {
            title: self.title.as_deref().and_then(clean_title),
            ..self.clone()
        };
        preview.check(body)?;
        Ok(Preview {
            url: preview.url,
            title: preview.title,
            image: preview.image.as_ref().map(Attachment::to_pointer),
        })
    }

    /// A title as receivers show it: on one line, without hidden characters, of at most [`MAX_TITLE`] bytes; `None` when
    /// nothing is left of it.
    pub fn clean_title(title: &str) -> Option<String> {
        clean_title(title)
    }

    fn check(&self, body: &str) -> Result<(), PreviewError> {
        if !is_link(&self.url) {
            return Err(PreviewError::Link);
        }
        if !body.contains(&self.url) {
            return Err(PreviewError::NotInBody);
        }
        if self.title.is_none() && self.image.is_none() {
            return Err(PreviewError::Blank);
        }
        Ok(())
    }
}

/// Whether a link can have a preview: `https:`, to a named host in plain ASCII, without user and password, which serve to
/// disguise the host.
pub fn is_link(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_at_checked("https://".len()) else {
        return false;
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end).unwrap_or_default();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':');
    scheme.eq_ignore_ascii_case("https://")
        && url.len() <= MAX_LINK
        && authority.contains('.')
        && authority.bytes().all(allowed)
        && !path
            .chars()
            .any(|letter| letter.is_whitespace() || is_hidden(letter))
}

fn clean_title(title: &str) -> Option<String> {
    let words = title.split_whitespace().map(|word| {
        let shown: String = word.chars().filter(|letter| !is_hidden(*letter)).collect();
        shown
    });
    let words: Vec<String> = words.filter(|word| !word.is_empty()).collect();
    let title = words.join(" ");
    let title = cut(&title, MAX_TITLE).trim_end();
    (!title.is_empty()).then(|| title.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::{FileId, FileKey, FileServer, StreamKey};
    use crate::message::schema::AttachmentPointer;
    use proptest::prelude::*;

    const LINK: &str = "https://example.org/a?b#c";

    fn preview() -> LinkPreview {
        LinkPreview {
            url: LINK.to_owned(),
            title: Some("A page".to_owned()),
            image: Some(Attachment::uploaded(
                &FileServer::session(),
                FileId::parse("1").unwrap(),
                FileKey::Stream {
                    key: StreamKey::from_bytes(&[1; 32]),
                },
                9,
            )),
        }
    }

    fn message(preview: Preview, body: &str) -> DataMessage {
        DataMessage {
            body: Some(body.to_owned()),
            preview: vec![preview, Preview::default()],
            ..DataMessage::default()
        }
    }

    #[test]
    fn writing_and_reading_agree() {
        let body = format!("look: {LINK}!");
        let wire = preview().to_wire(&body).unwrap();
        assert_eq!(LinkPreview::read(&message(wire, &body)), Ok(Some(preview())));
        assert_eq!(LinkPreview::read(&DataMessage::default()), Ok(None));
    }

    #[test]
    fn a_preview_belongs_to_a_link_in_the_text() {
        let wire = preview().to_wire(LINK).unwrap();
        assert_eq!(
            LinkPreview::read(&message(wire, "https://example.org/a")),
            Err(PreviewError::NotInBody)
        );
        assert_eq!(preview().to_wire("other"), Err(PreviewError::NotInBody));
    }

    #[test]
    fn a_preview_shows_something() {
        let title_only = LinkPreview {
            image: None,
            ..preview()
        };
        assert!(title_only.to_wire(LINK).is_ok());
        let blank = LinkPreview {
            title: Some(" \u{202e}\n".to_owned()),
            image: None,
            ..preview()
        };
        assert_eq!(blank.to_wire(LINK), Err(PreviewError::Blank));
        // A picture that cannot be opened is no picture.
        let wire = Preview {
            url: LINK.to_owned(),
            title: None,
            image: Some(AttachmentPointer::default()),
        };
        assert_eq!(LinkPreview::read(&message(wire, LINK)), Err(PreviewError::Blank));
    }

    #[test]
    fn deceptive_links_have_no_preview() {
        for link in [
            "https://a.org",
            "HTTPS://a.org:8443/é",
            "https://xn--80ak6aa92e.com/",
        ] {
            assert!(is_link(link), "{link}");
        }
        for link in [
            "http://a.org",
            "https://аррӏе.com",
            "https://bank.com@evil.org/",
            "https://a.org\\@b.org",
            "https://host",
            "https://",
            "https://a.org/ b",
            "https://a.org/\u{202e}x",
            "javascript:x",
            "https:/é",
        ] {
            assert!(!is_link(link), "{link}");
        }
        assert!(!is_link(&format!("https://a.org/{}", "x".repeat(MAX_LINK))));
    }

    proptest! {
        #[test]
        fn titles_fit_on_a_line(title in "\\PC{0,200}[\n\t é]{0,80}") {
            if let Some(clean) = clean_title(&title) {
                prop_assert!(clean.len() <= MAX_TITLE && !clean.contains('\n'));
                prop_assert_eq!(clean_title(&clean), Some(clean));
            }
        }
    }
}
