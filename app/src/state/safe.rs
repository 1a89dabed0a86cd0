//! What a file may be shown as: decided by its first bytes, whatever it is called.
//!
//! A file's address on the page is an address of this site, so only types that hold no scripts are given one
//! (`spec/07-files-and-attachments.md §7`); everything else can only be saved.

use holdfast_client::api::{FileInfo, FileKind};
use holdfast_protocol::file::image::{self, ImageError};
use holdfast_protocol::file::{FileType, Media, clean_file_name};

use crate::platform::blob::OCTETS;

/// What the first bytes of a file tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// The type that the page gives it: one that runs nothing.
    pub content_type: &'static str,
    /// It is a picture that may have several frames.
    pub moves: bool,
}

impl Head {
    /// Looks at the beginning of a file. `claimed` tells sounds from films where they are kept alike.
    pub(crate) fn of(claimed: &str, head: &[u8]) -> Self {
        let kind = FileType::of(head);
        let (shown, moves) = match kind.media(claimed) {
            Media::Image => match image::read(head) {
                // Of a GIF file the other frames may stand beyond its beginning.
                Ok(info) => (true, info.is_animated() || kind == FileType::Gif),
                // It would fill the memory when it is decoded.
                Err(ImageError::Dimensions) => (false, false),
                // Its size stands further back: the browser decides.
                Err(_) => (true, false),
            },
            Media::Video | Media::Audio => (true, false),
            Media::File => (false, false),
        };
        Self {
            content_type: if shown { kind.content_type(claimed) } else { OCTETS },
            moves,
        }
    }

    /// Whether it is a picture.
    pub(crate) fn is_picture(self) -> bool {
        self.content_type.starts_with("image/")
    }
}

/// Whether a file is shown in place rather than offered for saving only.
pub(crate) fn is_seen(info: &FileInfo) -> bool {
    matches!(info.kind, FileKind::Image | FileKind::Video)
}

/// The small picture that stands for a file, as an address; none if there is none or it is no picture.
pub(crate) fn preview_address(info: &FileInfo) -> Option<String> {
    let head = Some(Head::of("", &info.preview)).filter(|head| head.is_picture())?;
    Some(crate::platform::blob::data_address(
        head.content_type,
        &info.preview,
    ))
}

/// A file's name as it is shown and saved: without what would turn its letters around, so that its ending is seen where it
/// is.
pub(crate) fn shown_name(info: &FileInfo) -> Option<String> {
    clean_file_name(info.name.as_deref()?)
}

/// The ending of a file's name in capitals, if it is short enough to be one; for its icon.
pub(crate) fn ending(name: &str) -> Option<String> {
    /// Longer ones are part of the name.
    const LONGEST: usize = 5;
    let (before, ending) = name.rsplit_once('.')?;
    let short = !before.is_empty()
        && (1..=LONGEST).contains(&ending.len())
        && ending.chars().all(|c| c.is_ascii_alphanumeric());
    short.then(|| ending.to_ascii_uppercase())
}

/// The usual ending of a type, for files that came without a name.
pub(crate) fn usual_ending(content_type: &str) -> &'static str {
    match content_type {
        "image/jpeg" => "jpg",
        "image/png" => "png",
        "image/gif" => "gif",
        "image/webp" => "webp",
        "audio/mpeg" => "mp3",
        "audio/mp4" => "m4a",
        "audio/aac" => "aac",
        "audio/ogg" => "ogg",
        "audio/wav" => "wav",
        "audio/flac" => "flac",
        "audio/webm" | "video/webm" => "webm",
        "video/mp4" => "mp4",
        "video/quicktime" => "mov",
        "video/ogg" => "ogv",
        "application/pdf" => "pdf",
        "text/plain" => "txt",
        "application/zip" => "zip",
        _ => "bin",
    }
}

#[cfg(test)]
mod tests {
    use holdfast_client::api::FileInfo;

    use super::{Head, ending, shown_name};

    /// The beginning of a PNG file of so many pixels.
    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes.extend(b"\x08\x02\0\0\0crc!\0\0\0\0IDAT");
        bytes
    }

    fn shown(claimed: &str, head: &[u8]) -> &'static str {
        Head::of(claimed, head).content_type
    }

    #[test]
    fn what_can_run_scripts_is_only_saved() {
        let saved = "application/octet-stream";
        for claimed in [
            "image/svg+xml",
            "text/html",
            "application/pdf",
            "image/png",
            "audio/midi",
            "",
        ] {
            for content in [
                &b"<svg onload=alert(1)>"[..],
                b"<!doctype html>",
                b"%PDF-1.7",
                b"",
            ] {
                assert_eq!(shown(claimed, content), saved);
            }
        }
        assert_eq!(shown("text/html", &png(64, 64)), "image/png");
        assert_eq!(shown("text/html", b"ID3\x04\0\0\0\0\0\0"), "audio/mpeg");
        assert_eq!(shown("audio/ogg", b"OggS\0\x02\0\0\0\0\0\0\0\0"), "audio/ogg");
    }

    #[test]
    fn a_picture_that_fills_the_memory_is_only_saved() {
        assert_eq!(
            shown("image/png", &png(65_536, 65_536)),
            "application/octet-stream"
        );
    }

    #[test]
    fn a_name_shows_its_ending_where_it_is() {
        let named = |name: &str| {
            shown_name(&FileInfo {
                name: Some(name.to_owned()),
                ..FileInfo::default()
            })
        };
        assert_eq!(named("invoice\u{202E}fdp.exe").as_deref(), Some("invoicefdp.exe"));
        assert_eq!(named("../../.bashrc").as_deref(), Some("bashrc"));
        assert_eq!(named(" \u{200F} "), None);
        assert_eq!(ending("Tide tables.pdf").as_deref(), Some("PDF"));
        assert_eq!(ending("v1.0 of the chart"), None);
        assert_eq!(ending(".profile"), None);
    }
}
