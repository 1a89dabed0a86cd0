//! Films without what phones write beside the pictures: where they were taken, with what, and captions.
//!
//! A film is a row of boxes, and what tells about it lies in boxes of their own. These are made empty in place, so that
//! nothing else moves and no place in the film has to be corrected. What is sent is put together from parts of the chosen
//! file, which the browser holds.

use js_sys::Array;
use web_sys::Blob;

use super::{blob_of, bytes, size};
use crate::engine::jobs::Refusal;

/// A film's directory is read as a whole; one that is larger than this is none.
const MAX_DIRECTORY: u64 = 16 * 1024 * 1024;
/// The most boxes in a row that are looked at.
const MAX_BOXES: usize = 4_096;
/// Bytes of a box's header: its length and its name; and with a long length behind them.
const HEADER: usize = 8;
const LONG_HEADER: usize = 16;

/// Boxes that tell about a film: user data, metadata, and extensions of programs, such as XMP.
const TELLING: [&[u8; 4]; 3] = [b"udta", b"meta", b"uuid"];
/// The name of a box that holds nothing.
const EMPTY: &[u8; 4] = b"free";

/// A box: its name, its length with the header, and the header's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    name: [u8; 4],
    length: u64,
    header: usize,
}

/// Reads a box's header; `rest` is how many bytes there are from its beginning on.
fn header(bytes: &[u8], rest: u64) -> Option<Header> {
    let short = u32::from_be_bytes(*bytes.first_chunk()?);
    let name = *bytes.get(4..HEADER)?.first_chunk()?;
    let (length, header) = match short {
        // To the end of the file.
        0 => (rest, HEADER),
        1 => (
            u64::from_be_bytes(*bytes.get(HEADER..LONG_HEADER)?.first_chunk()?),
            LONG_HEADER,
        ),
        short => (u64::from(short), HEADER),
    };
    (length >= header as u64 && length <= rest).then_some(Header { name, length, header })
}

/// Empties the boxes that tell about the film, in a directory or in one of its tracks.
fn empty(inside: &mut [u8]) {
    let mut at = 0;
    for _ in 0..MAX_BOXES {
        let Some(rest) = inside.get_mut(at..).filter(|rest| !rest.is_empty()) else {
            return;
        };
        let Some(found) = header(rest, rest.len() as u64) else {
            return;
        };
        let length = usize::try_from(found.length).unwrap_or(usize::MAX);
        let Some(whole) = rest.get_mut(..length) else {
            return;
        };
        if TELLING.contains(&&found.name) {
            if let Some(name) = whole.get_mut(4..HEADER) {
                name.copy_from_slice(EMPTY);
            }
            if let Some(content) = whole.get_mut(found.header..) {
                content.fill(0);
            }
        } else if &found.name == b"trak"
            && let Some(content) = whole.get_mut(found.header..)
        {
            empty(content);
        }
        at += length;
    }
}

/// A film without what tells about it; `None` when there is nothing of that in it.
pub(super) async fn clean(blob: &Blob) -> Result<Option<Blob>, Refusal> {
    let total = size(blob);
    let parts = Array::new();
    // What is taken over as it is begins here.
    let mut kept = 0;
    let mut at = 0;
    for _ in 0..MAX_BOXES {
        if at >= total {
            break;
        }
        let head = bytes(blob, at, total.min(at + LONG_HEADER as u64)).await?;
        let Some(found) = header(&head, total - at) else {
            break;
        };
        let end = at + found.length;
        let replaced = if &found.name == b"moov" && found.length <= MAX_DIRECTORY {
            let mut directory = bytes(blob, at, end).await?;
            let before = directory.clone();
            if let Some(inside) = directory.get_mut(found.header..) {
                empty(inside);
            }
            (directory != before).then_some(directory)
        } else if TELLING.contains(&&found.name) && found.length <= MAX_DIRECTORY {
            let mut nothing = vec![0; usize::try_from(found.length).unwrap_or_default()];
            for (to, from) in nothing.iter_mut().zip(head.iter().take(found.header)) {
                *to = *from;
            }
            if let Some(name) = nothing.get_mut(4..HEADER) {
                name.copy_from_slice(EMPTY);
            }
            Some(nothing)
        } else {
            None
        };
        if let Some(replaced) = replaced {
            let before = part(blob, kept, at)?;
            parts.push(&before);
            let instead = blob_of(&replaced)?;
            parts.push(&instead);
            kept = end;
        }
        at = end;
    }
    if parts.length() == 0 {
        return Ok(None);
    }
    let rest = part(blob, kept, total)?;
    parts.push(&rest);
    Blob::new_with_blob_sequence(&parts)
        .map(Some)
        .map_err(|_| Refusal::Unreadable)
}

fn part(blob: &Blob, start: u64, end: u64) -> Result<Blob, Refusal> {
    blob.slice_with_f64_and_f64(start as f64, end as f64)
        .map_err(|_| Refusal::Unreadable)
}

#[cfg(test)]
mod tests {
    use super::{Header, empty, header};

    fn boxed(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let mut out = (content.len() as u32 + 8).to_be_bytes().to_vec();
        out.extend(name);
        out.extend(content);
        out
    }

    #[test]
    fn the_place_is_gone_and_nothing_moves() {
        let place = boxed(b"udta", &boxed(b"\xa9xyz", b"+54.3213-004.0150/"));
        let keys = boxed(b"meta", b"com.apple.quicktime.location.ISO6709");
        let track = boxed(b"trak", &[boxed(b"tkhd", b"track"), place.clone()].concat());
        let directory = [boxed(b"mvhd", b"header"), track, place, keys].concat();
        let mut cleaned = directory.clone();
        empty(&mut cleaned);
        assert_eq!(cleaned.len(), directory.len());
        for trace in [&b"+54."[..], b"xyz", b"location"] {
            assert!(!cleaned.windows(trace.len()).any(|w| w == trace));
        }
        for kept in [&b"header"[..], b"track", b"tkhd", b"mvhd", b"trak"] {
            assert!(cleaned.windows(kept.len()).any(|w| w == kept));
        }
        assert_eq!(cleaned.windows(4).filter(|w| w == b"free").count(), 3);
    }

    #[test]
    fn what_is_no_film_is_left_alone() {
        for bytes in [
            &b""[..],
            b"\0\0\0\x04udta",
            b"\xff\xff\xff\xffudta",
            b"\0\0\0\x01udta\0",
            b"udta",
        ] {
            let mut same = bytes.to_vec();
            empty(&mut same);
            assert_eq!(same, bytes);
        }
        let mut endless = vec![0; 100_000];
        empty(&mut endless);
    }

    #[test]
    fn lengths_are_short_long_or_to_the_end() {
        let of = |bytes: &[u8], rest| header(bytes, rest).map(|h| (h.length, h.header));
        assert_eq!(of(b"\0\0\0\x10moov", 100), Some((16, 8)));
        assert_eq!(of(b"\0\0\0\0mdat", 100), Some((100, 8)));
        assert_eq!(of(b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x40", 100), Some((64, 16)));
        assert_eq!(of(b"\0\0\0\x10moov", 15), None);
        assert_eq!(of(b"\0\0\0\x07moov", 100), None);
        let found = header(b"\0\0\0\x08free", 8);
        assert_eq!(
            found,
            Some(Header {
                name: *b"free",
                length: 8,
                header: 8
            })
        );
    }
}
