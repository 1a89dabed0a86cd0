//! What a chosen file is, by its first bytes.

use holdfast_protocol::file::FileType;
use holdfast_protocol::file::image::{self, ImageError};

/// So many bytes are looked at: enough to get past what cameras write before the sizes of a picture.
pub(super) const HEAD: u64 = 512 * 1024;
/// A drawing that can hold scripts: a document here, as everywhere else.
const SVG: &str = "image/svg+xml";

/// A file as far as its beginning tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Look {
    /// Its type.
    pub(super) content_type: String,
    /// How it is sent.
    pub(super) kind: Kind,
    /// Pixels as shown, 0 where not known.
    pub(super) size: (u32, u32),
}

/// How a file is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A photo, drawn anew.
    Jpeg,
    /// A drawing or a photo that must lose nothing, drawn anew.
    Png,
    /// A still picture that may be transparent, drawn anew.
    WebP,
    /// Moves: cleaned without being drawn.
    Moving,
    /// A picture of another type: drawn anew if the browser can.
    OtherPicture,
    /// A picture of more pixels than are decoded.
    Huge,
    /// A film or recording in boxes: sent without what tells about it.
    Film,
    /// Anything else: sent as it is.
    Plain,
}

/// Looks at a file's beginning; `claimed` is the browser's guess at its type, made from its name.
pub(super) fn look(head: &[u8], claimed: &str) -> Look {
    let claimed = claimed.split(';').next().unwrap_or_default().trim();
    let found = FileType::of(head);
    let content_type = match found {
        // What the browser calls HTML or a drawing with scripts is sent as such: it is the recipient's to be careful.
        FileType::Unknown if !claimed.is_empty() => claimed,
        _ => found.content_type(claimed),
    };
    let mut size = (0, 0);
    let mut moves = found == FileType::Gif;
    let mut huge = false;
    match image::read(head) {
        Ok(info) => {
            let shown = info.shown();
            size = (shown.width, shown.height);
            moves |= info.is_animated();
        }
        Err(ImageError::Dimensions) => huge = true,
        // Perhaps the browser knows better.
        Err(ImageError::Type | ImageError::Truncated | ImageError::Malformed) => {}
    }
    let kind = match found {
        _ if huge => Kind::Huge,
        _ if moves => Kind::Moving,
        FileType::Jpeg => Kind::Jpeg,
        FileType::Png | FileType::Bmp | FileType::Ico => Kind::Png,
        FileType::WebP => Kind::WebP,
        FileType::Mp4 | FileType::M4a | FileType::QuickTime | FileType::ThreeGp => Kind::Film,
        _ if content_type.starts_with("image/") && content_type != SVG => Kind::OtherPicture,
        _ => Kind::Plain,
    };
    Look {
        content_type: content_type.into(),
        kind,
        size,
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, look};

    #[test]
    fn a_file_is_what_its_first_bytes_say() {
        let kind = |head: &[u8], claimed: &str| look(head, claimed).kind;
        assert_eq!(kind(b"\xff\xd8\xff\xe0", "text/plain"), Kind::Jpeg);
        assert_eq!(kind(b"\x89PNG\r\n\x1a\n", ""), Kind::Png);
        assert_eq!(kind(b"GIF89a\x01\0\x01\0\0\0\0", "image/gif"), Kind::Moving);
        assert_eq!(kind(b"\0\0\0\x1cftypheic", "image/heic"), Kind::OtherPicture);
        assert_eq!(kind(b"\0\0\0\x18ftypisom", ""), Kind::Film);
        assert_eq!(kind(b"%PDF-1.7", "image/png"), Kind::Plain);
        assert_eq!(kind(b"<svg onload=x()>", "image/svg+xml"), Kind::Plain);
        assert_eq!(kind(b"anything", ""), Kind::Plain);
    }

    #[test]
    fn the_browsers_guess_counts_where_the_bytes_say_nothing() {
        let of = |head: &[u8], claimed: &str| look(head, claimed).content_type;
        assert_eq!(of(b"a,b,c", "text/csv"), "text/csv");
        assert_eq!(of(b"a,b,c", ""), "application/octet-stream");
        assert_eq!(of(b"ID3\x04", "text/html"), "audio/mpeg");
    }

    #[test]
    fn a_few_bytes_that_claim_a_huge_picture_are_not_decoded() {
        let bomb = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\x01\0\0\0\x01\0\0\x08\x02\0\0\0\x92\x6e\xf3\x0c";
        assert_eq!(look(bomb, "image/png").kind, Kind::Huge);
    }
}
