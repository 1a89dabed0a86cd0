//! WebP (RFC 9649): chunks of name, length and content, filled up to an even length, inside one RIFF chunk.

use super::{ImageError, Orientation, Reader, Stripped, tiff};

/// Flags of the extended header.
const ANIMATION: u8 = 0x02;
const XMP: u8 = 0x04;
const EXIF: u8 = 0x08;
/// Chunks that make the picture.
const KEPT: [&[u8; 4]; 7] = [b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"];
/// What a lossy picture's size follows.
const KEY_FRAME: [u8; 3] = [0x9d, 0x01, 0x2a];
/// What a lossless picture begins with.
const LOSSLESS: u8 = 0x2f;

pub(super) struct Head {
    pub(super) sides: (u32, u32),
    pub(super) frames: u32,
}

/// The chunks, and how many bytes of them are missing. What hangs behind the RIFF chunk is not part of the picture.
fn start(bytes: &[u8]) -> Result<(Reader<'_>, usize), ImageError> {
    let mut reader = Reader(bytes);
    reader.take(4)?;
    let length = usize::try_from(reader.u32_le()?).map_err(|_| ImageError::Truncated)?;
    let missing = length.saturating_sub(reader.0.len());
    let mut reader = Reader(reader.0.get(..length).unwrap_or(reader.0));
    reader.take(4)?;
    Ok((reader, missing))
}

fn chunk<'a>(reader: &mut Reader<'a>) -> Result<([u8; 4], &'a [u8]), ImageError> {
    let name = reader.array()?;
    let length = usize::try_from(reader.u32_le()?).map_err(|_| ImageError::Truncated)?;
    let content = reader.take(length)?;
    // The last byte of a file is sometimes left out.
    if !length.is_multiple_of(2) && !reader.is_empty() {
        reader.byte()?;
    }
    Ok((name, content))
}

pub(super) fn read(bytes: &[u8]) -> Result<Head, ImageError> {
    let (mut reader, _) = start(bytes)?;
    let name: [u8; 4] = reader.array()?;
    let length = reader.u32_le()?;
    let mut content = Reader(reader.0);
    let mut frames = 1;
    let sides = match &name {
        b"VP8X" => {
            let flags = content.byte()?;
            content.take(3)?;
            let sides = (content.u24_le()? + 1, content.u24_le()? + 1);
            if flags & ANIMATION != 0 {
                let length = usize::try_from(length).map_err(|_| ImageError::Truncated)?;
                reader.take(length)?;
                frames = count_frames(reader);
            }
            sides
        }
        b"VP8 " => {
            // Three bytes on the frame, of which the first bit says that it is a whole picture.
            let [first, ..] = content.array::<3>()?;
            if first & 1 != 0 || content.array()? != KEY_FRAME {
                return Err(ImageError::Malformed);
            }
            // Two bits of each say how to scale.
            let side = |number: u16| u32::from(number & 0x3fff);
            (side(content.u16_le()?), side(content.u16_le()?))
        }
        b"VP8L" => {
            if content.byte()? != LOSSLESS {
                return Err(ImageError::Malformed);
            }
            let bits = content.u32_le()?;
            ((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1)
        }
        _ => return Err(ImageError::Malformed),
    };
    Ok(Head { sides, frames })
}

/// How many frames there are, as far as the bytes reach; an animation has two at least.
fn count_frames(mut reader: Reader<'_>) -> u32 {
    let mut frames = 0_u32;
    while let Ok((name, _)) = chunk(&mut reader) {
        frames = frames.saturating_add(u32::from(name == *b"ANMF"));
    }
    frames.max(2)
}

pub(super) fn strip(bytes: &[u8]) -> Result<Stripped, ImageError> {
    read(bytes)?;
    let (mut reader, missing) = start(bytes)?;
    if missing > 1 {
        return Err(ImageError::Truncated);
    }
    let mut out = Vec::with_capacity(bytes.len());
    out.extend_from_slice(b"RIFF\0\0\0\0WEBP");
    let mut orientation = Orientation::UPRIGHT;
    let mut pictured = false;
    while !reader.is_empty() {
        let (name, content) = chunk(&mut reader)?;
        pictured |= matches!(&name, b"VP8 " | b"VP8L" | b"ANMF");
        if name == *b"EXIF" {
            orientation = tiff::orientation(content);
        }
        if !KEPT.contains(&&name) {
            continue;
        }
        let start = out.len();
        out.extend_from_slice(&name);
        let length = u32::try_from(content.len()).map_err(|_| ImageError::Malformed)?;
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(content);
        if !content.len().is_multiple_of(2) {
            out.push(0);
        }
        if name == *b"VP8X"
            && let Some(flags) = out.get_mut(start + 8)
        {
            *flags &= !(XMP | EXIF);
        }
    }
    if !pictured {
        return Err(ImageError::Malformed);
    }
    let length = u32::try_from(out.len() - 8).map_err(|_| ImageError::Malformed)?;
    out.iter_mut()
        .skip(4)
        .zip(length.to_le_bytes())
        .for_each(|(to, from)| *to = from);
    Ok(Stripped {
        bytes: out,
        orientation,
    })
}
