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

/// Empties the boxes that tell about the film, in a directory and in its tracks.
fn empty(directory: &mut [u8]) {
    each(directory, |found, whole| {
        if &found.name == b"trak" {
            // A track has no tracks: boxes in boxes without end would end the worker.
            if let Some(content) = whole.get_mut(found.header..) {
                each(content, empty_one);
            }
        } else {
            empty_one(found, whole);
        }
    });
}

/// Empties a box if it tells about the film.
fn empty_one(found: Header, whole: &mut [u8]) {
    if !TELLING.contains(&&found.name) {
        return;
    }
    if let Some(name) = whole.get_mut(4..HEADER) {
        name.copy_from_slice(EMPTY);
    }
    if let Some(content) = whole.get_mut(found.header..) {
        content.fill(0);
    }
}

/// Goes through the boxes of a row.
fn each(inside: &mut [u8], mut seen: impl FnMut(Header, &mut [u8])) {
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
        seen(found, whole);
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
    use super::{Header, TELLING, each, empty, header};

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

    /// The names of the boxes of a row, and of those in its tracks.
    fn names(row: &[u8]) -> Vec<[u8; 4]> {
        let mut found = Vec::new();
        each(&mut row.to_vec(), |outer, whole| {
            found.push(outer.name);
            if &outer.name == b"trak" {
                each(&mut whole[outer.header..], |inner, _| found.push(inner.name));
            }
        });
        found
    }

    #[test]
    fn whatever_a_film_holds_nothing_moves_and_a_second_look_finds_nothing() {
        let mut state = 1_u32;
        let mut below = |end: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as usize % end
        };
        let kinds = [b"udta", b"meta", b"uuid", b"trak", b"mvhd", b"free", b"moov"];
        for _ in 0..2_000 {
            // Boxes behind and within each other, some with a wrong or a long length, then changed and cut off.
            let mut film = Vec::new();
            for _ in 0..below(8) {
                let content = if below(2) == 0 {
                    std::mem::take(&mut film)
                } else {
                    (0..below(40)).map(|_| below(256) as u8).collect()
                };
                let name = kinds[below(kinds.len())];
                let mut one = if below(6) == 0 {
                    let length = (content.len() as u64 + 16).to_be_bytes();
                    [&[0, 0, 0, 1][..], &name[..], &length[..], &content[..]].concat()
                } else {
                    boxed(name, &content)
                };
                if below(12) == 0 {
                    one[3] = below(256) as u8;
                }
                film.extend(one);
            }
            for _ in 0..below(3) {
                if !film.is_empty() {
                    let at = below(film.len());
                    film[at] = below(256) as u8;
                }
            }
            if below(3) == 0 {
                film.truncate(below(film.len() + 1));
            }
            let mut cleaned = film.clone();
            empty(&mut cleaned);
            assert_eq!(cleaned.len(), film.len());
            assert_eq!(names(&cleaned).len(), names(&film).len(), "all boxes stay");
            assert!(names(&cleaned).iter().all(|name| !TELLING.contains(&name)));
            let mut again = cleaned.clone();
            empty(&mut again);
            assert_eq!(again, cleaned);
        }
        // Tracks in tracks without end are gone through once.
        let mut deep = Vec::new();
        for length in (1..100_000_u32).rev() {
            deep.extend((length * 8).to_be_bytes());
            deep.extend(b"trak");
        }
        let before = deep.clone();
        empty(&mut deep);
        assert_eq!(deep, before);
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
