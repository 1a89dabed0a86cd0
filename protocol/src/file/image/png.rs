//! PNG (ISO/IEC 15948, with the animation of its third edition): chunks of length, type, content and checksum.

use super::{ImageError, Orientation, Reader, Stripped, tiff};

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Bytes of a chunk beside its content.
const CHECKSUM: usize = 4;
/// Bytes of the header's content.
const HEADER: usize = 13;

/// Chunks beside the required ones that change how the picture looks: transparency, colours, density, animation.
const KEPT: [&[u8; 4]; 15] = [
    b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"mDCV", b"cLLI", b"sBIT", b"bKGD", b"hIST",
    b"pHYs", b"acTL", b"fcTL", b"fdAT",
];

pub(super) struct Head {
    pub(super) sides: (u32, u32),
    pub(super) frames: u32,
}

struct Chunk<'a> {
    name: [u8; 4],
    content: &'a [u8],
    /// All of it.
    bytes: &'a [u8],
}

fn start(bytes: &[u8]) -> Result<Reader<'_>, ImageError> {
    let rest = bytes.strip_prefix(SIGNATURE).ok_or(ImageError::Malformed)?;
    Ok(Reader(rest))
}

fn chunk<'a>(reader: &mut Reader<'a>) -> Result<Chunk<'a>, ImageError> {
    let all = reader.0;
    let length = usize::try_from(reader.u32_be()?).map_err(|_| ImageError::Truncated)?;
    let name = reader.array()?;
    let content = reader.take(length)?;
    reader.take(CHECKSUM)?;
    let bytes = all.get(..all.len() - reader.0.len()).unwrap_or_default();
    Ok(Chunk { name, content, bytes })
}

/// The header, which comes first.
fn header<'a>(reader: &mut Reader<'a>) -> Result<(Chunk<'a>, (u32, u32)), ImageError> {
    let header = chunk(reader)?;
    if header.name != *b"IHDR" || header.content.len() != HEADER {
        return Err(ImageError::Malformed);
    }
    let mut content = Reader(header.content);
    let sides = (content.u32_be()?, content.u32_be()?);
    Ok((header, sides))
}

pub(super) fn read(bytes: &[u8]) -> Result<Head, ImageError> {
    let mut reader = start(bytes)?;
    let (_, sides) = header(&mut reader)?;
    // An animation says so in front of the picture.
    let mut frames = 1;
    while let Ok(chunk) = chunk(&mut reader) {
        match &chunk.name {
            b"IDAT" | b"IEND" => break,
            b"acTL" => frames = Reader(chunk.content).u32_be()?.max(1),
            _ => {}
        }
    }
    Ok(Head { sides, frames })
}

pub(super) fn strip(bytes: &[u8]) -> Result<Stripped, ImageError> {
    let mut reader = start(bytes)?;
    let mut out = Vec::with_capacity(bytes.len());
    out.extend_from_slice(SIGNATURE);
    let (header, _) = header(&mut reader)?;
    out.extend_from_slice(header.bytes);
    let mut orientation = Orientation::UPRIGHT;
    let mut pictured = false;
    loop {
        let chunk = chunk(&mut reader)?;
        pictured |= chunk.name == *b"IDAT";
        // Chunks that no decoder may skip begin with a capital.
        let [first, ..] = chunk.name;
        if first.is_ascii_uppercase() || KEPT.contains(&&chunk.name) {
            out.extend_from_slice(chunk.bytes);
        }
        if chunk.name == *b"eXIf" {
            orientation = tiff::orientation(chunk.content);
        }
        if chunk.name == *b"IEND" {
            break;
        }
    }
    if !pictured {
        return Err(ImageError::Malformed);
    }
    Ok(Stripped {
        bytes: out,
        orientation,
    })
}
