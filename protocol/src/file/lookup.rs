//! What clients ask a helper about a link, so that they need not visit it themselves. Holdfast's own: no part of Session's
//! protocol. The request travels in an onion, so that the helper sees what is asked and not who asks; the site that the link
//! leads to sees the helper.

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

use super::preview::{MAX_LINK, is_link};
use crate::json::{JsonLimit, check_limits};

/// Where a link is asked about, by POST.
pub const PATH: &str = "/preview";
/// Longest request that is read, bytes: a link of [`MAX_LINK`] bytes, each of them escaped.
pub const MAX_REQUEST: usize = 6 * MAX_LINK + 64;
/// Largest picture of a page that is handed on, bytes. Those that pages offer for previews are mostly a third of that.
pub const MAX_IMAGE: usize = 1_000_000;
/// Longest title that is handed on, bytes; what is shown is far shorter.
pub const MAX_RAW_TITLE: usize = 2_048;
/// Longest answer that is read, bytes: the picture in base64, and the title with each byte escaped.
pub const MAX_ANSWER: usize = MAX_IMAGE / 3 * 4 + 6 * MAX_RAW_TITLE + 128;

/// Why a request or an answer is not used.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// It is longer or more deeply nested than it can be.
    #[error("it is {0}")]
    Limit(#[from] JsonLimit),
    /// It is not the JSON it should be.
    #[error("malformed: {0}")]
    Json(#[from] serde_json::Error),
    /// The link is none that can have a preview.
    #[error("not a link to preview")]
    Link,
    /// The picture is no base64, or larger than [`MAX_IMAGE`].
    #[error("no picture")]
    Image,
}

#[derive(Serialize, Deserialize)]
struct Asked {
    url: String,
}

/// The body of a request.
///
/// # Errors
/// [`LookupError::Link`] where receivers would not show a preview.
pub fn request(url: &str) -> Result<Vec<u8>, LookupError> {
    if !is_link(url) {
        return Err(LookupError::Link);
    }
    Ok(serde_json::to_vec(&Asked { url: url.to_owned() })?)
}

/// The link that a request asks about.
///
/// # Errors
/// See [`LookupError`].
pub fn read_request(body: &[u8]) -> Result<String, LookupError> {
    check_limits(body, MAX_REQUEST)?;
    let Asked { url } = serde_json::from_slice(body)?;
    if is_link(&url) {
        Ok(url)
    } else {
        Err(LookupError::Link)
    }
}

/// What a page says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Its title.
    pub title: Option<String>,
    /// The picture that it offers for previews, as its site gave it: nothing of it was checked but its size.
    pub image: Option<Vec<u8>>,
}

#[derive(Serialize, Deserialize)]
struct Told {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    image: Option<String>,
}

impl Page {
    /// The body of an answer.
    ///
    /// # Errors
    /// [`LookupError::Image`] when the picture is too large.
    pub fn to_answer(&self) -> Result<Vec<u8>, LookupError> {
        if self.image.as_ref().is_some_and(|image| image.len() > MAX_IMAGE) {
            return Err(LookupError::Image);
        }
        Ok(serde_json::to_vec(&Told {
            title: self.title.clone(),
            image: self.image.as_ref().map(|image| BASE64.encode(image)),
        })?)
    }

    /// Reads an answer.
    ///
    /// # Errors
    /// See [`LookupError`].
    pub fn read_answer(body: &[u8]) -> Result<Self, LookupError> {
        check_limits(body, MAX_ANSWER)?;
        let told: Told = serde_json::from_slice(body)?;
        let image = told
            .image
            .map(|image| BASE64.decode(image.as_bytes()).map_err(|_| LookupError::Image))
            .transpose()?;
        if image.as_ref().is_some_and(|image| image.len() > MAX_IMAGE) {
            return Err(LookupError::Image);
        }
        Ok(Self {
            title: told.title,
            image,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_link_is_asked_about_and_others_are_not() {
        let body = request("https://example.org/?q=\"a\"").unwrap();
        assert_eq!(read_request(&body).unwrap(), "https://example.org/?q=\"a\"");
        for url in [
            "http://example.org/",
            "https://user@example.org/",
            "file:///etc/passwd",
            "",
        ] {
            assert!(matches!(request(url), Err(LookupError::Link)), "{url}");
            let body = serde_json::to_vec(&Asked { url: url.to_owned() }).unwrap();
            assert!(matches!(read_request(&body), Err(LookupError::Link)), "{url}");
        }
        assert!(matches!(read_request(b"[]"), Err(LookupError::Json(_))));
        let long = vec![b' '; MAX_REQUEST + 1];
        assert!(matches!(
            read_request(&long),
            Err(LookupError::Limit(JsonLimit::TooLong))
        ));
    }

    #[test]
    fn the_largest_answer_is_read() {
        let page = Page {
            title: Some("\u{1}".repeat(MAX_RAW_TITLE)),
            image: Some(vec![7; MAX_IMAGE]),
        };
        let answer = page.to_answer().unwrap();
        assert_eq!(Page::read_answer(&answer).unwrap(), page);
        let page = Page {
            image: Some(vec![7; MAX_IMAGE + 1]),
            ..Page::default()
        };
        assert!(matches!(page.to_answer(), Err(LookupError::Image)));
    }

    proptest! {
        #[test]
        fn pages_come_back_and_anything_else_is_refused(title in ".{0,60}", image in prop::collection::vec(any::<u8>(), 0..200), junk in prop::collection::vec(any::<u8>(), 0..100)) {
            let page = Page { title: Some(title), image: Some(image) };
            let mut answer = page.to_answer().unwrap();
            prop_assert_eq!(Page::read_answer(&answer).unwrap(), page);
            answer.truncate(answer.len() - 1);
            prop_assert!(Page::read_answer(&answer).is_err());
            let _ = Page::read_answer(&junk);
            let _ = read_request(&junk);
        }
    }
}
