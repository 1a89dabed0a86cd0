//! JPEG (ITU T.81): segments between markers, then the coded picture.

use super::{ImageError, Orientation, Reader, Stripped, tiff};

const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;
const APP0: u8 = 0xe0;
const APP1: u8 = 0xe1;
const APP2: u8 = 0xe2;
const APP14: u8 = 0xee;
const APP15: u8 = 0xef;
const COM: u8 = 0xfe;

/// What the segments begin with that are kept.
const JFIF: &[u8] = b"JFIF\0";
const ICC: &[u8] = b"ICC_PROFILE\0";
const ADOBE: &[u8] = b"Adobe";
/// Bytes of a JFIF segment before its thumbnail, whose sides are the last two.
const JFIF_SIZE: usize = 14;

/// What stands in front of the coded picture.
pub(super) struct Head {
    pub(super) sides: (u32, u32),
    pub(super) orientation: Orientation,
}

/// A marker that stands alone, without a length.
const fn is_bare(marker: u8) -> bool {
    matches!(marker, 0x01 | 0xd0..=0xd7)
}

/// A frame header: it holds the size. Three markers in the same range are others.
const fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc)
}

/// The next marker; any number of 0xff may stand in front of it.
fn marker(reader: &mut Reader<'_>) -> Result<u8, ImageError> {
    if reader.byte()? != 0xff {
        return Err(ImageError::Malformed);
    }
    loop {
        match reader.byte()? {
            0xff => {}
            0x00 => return Err(ImageError::Malformed),
            marker => return Ok(marker),
        }
    }
}

/// What a marker's length spans.
fn segment<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], ImageError> {
    let length = reader.u16_be()?.checked_sub(2).ok_or(ImageError::Malformed)?;
    reader.take(length.into())
}

fn start<'a>(bytes: &'a [u8]) -> Result<Reader<'a>, ImageError> {
    let mut reader = Reader(bytes);
    if marker(&mut reader)? != SOI {
        return Err(ImageError::Malformed);
    }
    Ok(reader)
}

pub(super) fn read(bytes: &[u8]) -> Result<Head, ImageError> {
    let mut reader = start(bytes)?;
    let mut orientation = None;
    loop {
        let marker = marker(&mut reader)?;
        if is_bare(marker) {
            continue;
        }
        if matches!(marker, SOI | EOI | SOS) {
            return Err(ImageError::Malformed);
        }
        let content = segment(&mut reader)?;
        if is_frame(marker) {
            let mut frame = Reader(content);
            frame.byte()?;
            let (height, width) = (frame.u16_be()?, frame.u16_be()?);
            return Ok(Head {
                sides: (width.into(), height.into()),
                orientation: orientation.unwrap_or(Orientation::UPRIGHT),
            });
        }
        if marker == APP1 && content.starts_with(tiff::EXIF) {
            orientation.get_or_insert_with(|| tiff::orientation(content));
        }
    }
}

pub(super) fn strip(bytes: &[u8]) -> Result<Stripped, ImageError> {
    let head = read(bytes)?;
    let mut reader = start(bytes)?;
    let mut out = Vec::with_capacity(bytes.len());
    out.extend_from_slice(&[0xff, SOI]);
    let mut orientation = Some(head.orientation).filter(|found| *found != Orientation::UPRIGHT);
    loop {
        let marker = marker(&mut reader)?;
        // EXIF follows the JFIF segment, which has to come first.
        if marker != APP0
            && let Some(orientation) = orientation.take()
        {
            write(&mut out, APP1, &tiff::write(orientation));
        }
        match marker {
            EOI => {
                out.extend_from_slice(&[0xff, EOI]);
                return Ok(Stripped {
                    bytes: out,
                    orientation: head.orientation,
                });
            }
            SOI => return Err(ImageError::Malformed),
            marker if is_bare(marker) => out.extend_from_slice(&[0xff, marker]),
            APP0..=APP15 | COM => application(&mut out, marker, segment(&mut reader)?),
            SOS => {
                write(&mut out, SOS, segment(&mut reader)?);
                let coded = coded(reader.0);
                out.extend_from_slice(reader.take(coded)?);
            }
            marker => write(&mut out, marker, segment(&mut reader)?),
        }
    }
}

/// Keeps what decoding needs: JFIF without thumbnail, colour profiles, and Adobe's note on how colours are stored.
fn application(out: &mut Vec<u8>, marker: u8, content: &[u8]) {
    match marker {
        APP0 if content.starts_with(JFIF) => {
            if let Some((fixed, _)) = content.split_at_checked(JFIF_SIZE - 2) {
                write(out, APP0, &[fixed, &[0, 0]].concat());
            }
        }
        APP2 if content.starts_with(ICC) => write(out, APP2, content),
        APP14 if content.starts_with(ADOBE) => write(out, APP14, content),
        _ => {}
    }
}

fn write(out: &mut Vec<u8>, marker: u8, content: &[u8]) {
    // What was read with a length has one, and what is made here is short.
    let length = u16::try_from(content.len() + 2).unwrap_or(u16::MAX);
    out.extend_from_slice(&[0xff, marker]);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(content);
}

/// How many bytes are coded data: up to a marker that is no restart and no escaped 0xff.
fn coded(bytes: &[u8]) -> usize {
    let ends = |pair: &[u8]| matches!(pair, [0xff, next] if !matches!(next, 0x00 | 0xff | 0xd0..=0xd7));
    bytes.windows(2).position(ends).unwrap_or(bytes.len())
}
