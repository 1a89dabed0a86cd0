//! A site that is served as a kiosk: for computers that many people use one after the other.
//!
//! The operator's `kiosk.json` is checked here and handed out as it is, never to be kept by a browser. The page itself
//! carries a mark: a browser that does not get the file knows all the same that it should, and begins no session.

use std::path::{Path, PathBuf};

use axum::body::Bytes;
use holdfast_protocol::kiosk::{Kiosk, KioskError, MAX_SIZE};

use crate::files::read_capped;

/// Where the page asks for what is allowed.
pub(crate) const ADDRESS: &str = "/kiosk.json";
/// Where it finds the operator's logo.
pub(crate) const LOGO_ADDRESS: &str = "/kiosk-logo";
/// Where it goes when a session has ended: the browser is told to forget everything, and sent to a fresh page.
pub(crate) const END_ADDRESS: &str = "/end";
/// What is forgotten then.
pub(crate) const FORGET: &str = "\"cache\", \"storage\"";
/// What stands in the page where it is a kiosk's, before the first [`META`].
const MARK: &str = "<meta name=\"kiosk\" content=\"kiosk.json\">";
/// How the page's own marks begin. Its `<head>` may be left out, as small pages do.
const META: &str = "<meta ";
/// The largest logo, bytes.
const MAX_LOGO: usize = 512 * 1024;

/// Why a site can't be served as a kiosk.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A file can't be read.
    #[error("{0}: {1}")]
    File(PathBuf, std::io::Error),
    /// A file is larger than it may be.
    #[error("{0}: larger than {1} bytes")]
    Size(PathBuf, usize),
    /// What is allowed is not said as it should be.
    #[error("{0}: {1}")]
    Kiosk(PathBuf, KioskError),
    /// The logo is not a picture that every browser shows.
    #[error("{0}: the logo must be a PNG, JPEG or WebP picture")]
    Logo(PathBuf),
    /// The site has no words in a language.
    #[error("{0}: the site has no language \"{1}\"")]
    Language(PathBuf, String),
    /// The site's page can't be marked.
    #[error("{0}: no page of this app")]
    Page(PathBuf),
}

/// What a kiosk's site has beside other sites' files.
#[derive(Clone, Debug)]
pub struct KioskSite {
    json: Bytes,
    logo: Option<(&'static str, Bytes)>,
}

impl KioskSite {
    /// Reads and checks a `kiosk.json`, its logo beside it, and that the site is one that it can be used with.
    ///
    /// # Errors
    /// What is wrong, with the file that it is wrong in.
    pub fn read(file: &Path, site: &Path) -> Result<Self, ReadError> {
        let json = read(file, MAX_SIZE)?;
        let kiosk = Kiosk::read(&json).map_err(|error| ReadError::Kiosk(file.to_owned(), error))?;
        for tag in kiosk.languages.iter().chain(&kiosk.language) {
            if !site.join(format!("languages/{tag}.json")).is_file() {
                return Err(ReadError::Language(file.to_owned(), tag.clone()));
            }
        }
        let page = site.join("index.html");
        let text = std::fs::read(&page).map_err(|error| ReadError::File(page.clone(), error))?;
        if marked(&text).is_none() {
            return Err(ReadError::Page(page));
        }
        let logo = kiosk
            .logo
            .map(|name| logo(&file.with_file_name(name)))
            .transpose()?;
        Ok(Self {
            json: json.into(),
            logo,
        })
    }

    /// What there is at an address of a kiosk's own: its type and content.
    pub(crate) fn at(&self, path: &str) -> Option<(&'static str, Bytes)> {
        match path {
            ADDRESS => Some(("application/json", self.json.clone())),
            LOGO_ADDRESS => self.logo.clone(),
            _ => None,
        }
    }
}

/// The page with its mark; `None` for what is no page.
pub(crate) fn marked(page: &[u8]) -> Option<Bytes> {
    let (before, after) = split(page, META.as_bytes())?;
    Some([before, MARK.as_bytes(), META.as_bytes(), after].concat().into())
}

/// The page without its mark: as its release was signed.
pub(crate) fn unmarked(page: &Bytes) -> Bytes {
    match split(page, MARK.as_bytes()) {
        Some((before, after)) => [before, after].concat().into(),
        None => page.clone(),
    }
}

/// What stands before and behind the first `part`.
fn split<'a>(text: &'a [u8], part: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = text.windows(part.len()).position(|window| window == part)?;
    Some((text.get(..at)?, text.get(at + part.len()..)?))
}

fn logo(file: &Path) -> Result<(&'static str, Bytes), ReadError> {
    let bytes = read(file, MAX_LOGO)?;
    let kind = match bytes.as_slice() {
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => "image/png",
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
        _ => return Err(ReadError::Logo(file.to_owned())),
    };
    Ok((kind, bytes.into()))
}

fn read(file: &Path, max: usize) -> Result<Vec<u8>, ReadError> {
    read_capped(file, max)
        .map_err(|error| ReadError::File(file.to_owned(), error))?
        .ok_or_else(|| ReadError::Size(file.to_owned(), max))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A folder with a small site in it.
    pub(crate) fn site() -> PathBuf {
        let folder = crate::files::temporary_folder("kiosk");
        std::fs::create_dir(folder.join("languages")).unwrap();
        std::fs::write(folder.join("languages/en.json"), "{}").unwrap();
        std::fs::write(
            folder.join("index.html"),
            "<html><meta charset=utf-8><title>x</title></html>",
        )
        .unwrap();
        std::fs::write(folder.join("index.html.br"), "packed").unwrap();
        folder
    }

    fn read_with(folder: &Path, text: &str) -> Result<KioskSite, String> {
        let file = folder.join("kiosk.json");
        std::fs::write(&file, text).unwrap();
        KioskSite::read(&file, folder).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_wrong_is_said_with_the_file_that_it_is_wrong_in() {
        let folder = site();
        let said = |text: &str| read_with(&folder, text).unwrap_err();
        let wrong = said(r#"{"version":1,"idle_seconds":5}"#);
        assert!(
            wrong.ends_with("kiosk.json: \"idle_seconds\" must be from 30 to 600"),
            "{wrong}"
        );
        assert!(said(r#"{"version":1,"idle":5}"#).contains("unknown field `idle`"));
        assert!(said(r#"{"version":1,"languages":["fr"]}"#).ends_with("the site has no language \"fr\""));
        assert!(said(r#"{"version":1,"logo":"none.png"}"#).contains("none.png: "));
        std::fs::write(folder.join("logo.svg"), "<svg onload=x>").unwrap();
        assert!(said(r#"{"version":1,"logo":"logo.svg"}"#).contains("PNG, JPEG or WebP"));
        let large = [b"\xff\xd8\xff".as_slice(), &vec![0; MAX_LOGO]].concat();
        std::fs::write(folder.join("large.jpg"), large).unwrap();
        assert!(said(r#"{"version":1,"logo":"large.jpg"}"#).contains("larger than"));
        let none = KioskSite::read(&folder.join("missing.json"), &folder).unwrap_err();
        assert!(none.to_string().contains("missing.json"));
        std::fs::write(folder.join("index.html"), "no page").unwrap();
        assert!(said(r#"{"version":1}"#).ends_with("index.html: no page of this app"));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_logo_has_the_type_that_its_content_tells() {
        let folder = site();
        for (bytes, kind) in [
            (b"\x89PNG\r\n\x1a\nx".as_slice(), "image/png"),
            (b"\xff\xd8\xff\xe0".as_slice(), "image/jpeg"),
            (b"RIFF\0\0\0\0WEBPVP8 ".as_slice(), "image/webp"),
        ] {
            std::fs::write(folder.join("logo"), bytes).unwrap();
            let site = read_with(&folder, r#"{"version":1,"logo":"logo","language":"en"}"#).unwrap();
            let (found, content) = site.at(LOGO_ADDRESS).unwrap();
            assert_eq!((found, content.as_ref()), (kind, bytes));
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_mark_can_be_taken_out_again_and_nothing_else_is() {
        let page = Bytes::from_static(b"<html><meta charset=utf-8><title>x</title></html>");
        let with = marked(&page).unwrap();
        assert_ne!(with, page);
        assert_eq!(unmarked(&with), page);
        assert_eq!(unmarked(&page), page);
        let other = Bytes::from_static(b"<html><meta name=\"kiosk\" content=\"other\">");
        assert_eq!(unmarked(&other), other);
    }
}
