//! GIF (version 89a): a screen, then pictures and extensions in sub-blocks of at most 255 bytes.

use super::{ImageError, Orientation, Reader, Stripped};

const EXTENSION: u8 = 0x21;
const PICTURE: u8 = 0x2c;
const TRAILER: u8 = 0x3b;
/// Kinds of extensions.
const APPLICATION: u8 = 0xff;
const COMMENT: u8 = 0xfe;
/// Bytes of the version in front of the screen.
const VERSION: usize = 6;
/// What the first sub-block of an application extension says that matters: how often to repeat, and colours.
const KEPT: [&[u8]; 3] = [b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012"];

pub(super) struct Head {
    pub(super) sides: (u32, u32),
    pub(super) frames: u32,
}

/// A part behind the screen.
enum Block {
    Picture,
    /// With whether it is needed.
    Extension(bool),
    Trailer,
}

/// The screen's sides; skips its table of colours.
fn screen(reader: &mut Reader<'_>) -> Result<(u32, u32), ImageError> {
    reader.take(VERSION)?;
    let sides = (reader.u16_le()?.into(), reader.u16_le()?.into());
    let flags = reader.byte()?;
    reader.take(2)?;
    table(reader, flags)?;
    Ok(sides)
}

/// A table of colours, if the flags say that there is one.
fn table(reader: &mut Reader<'_>, flags: u8) -> Result<(), ImageError> {
    if flags & 0x80 != 0 {
        reader.take(3 << ((flags & 0x07) + 1))?;
    }
    Ok(())
}

/// Sub-blocks up to the empty one.
fn sub_blocks(reader: &mut Reader<'_>) -> Result<(), ImageError> {
    loop {
        match reader.byte()? {
            0 => return Ok(()),
            length => reader.take(length.into())?,
        };
    }
}

fn block(reader: &mut Reader<'_>) -> Result<Block, ImageError> {
    match reader.byte()? {
        PICTURE => {
            reader.take(8)?;
            let flags = reader.byte()?;
            table(reader, flags)?;
            // How many bits the codes have at first.
            reader.byte()?;
            sub_blocks(reader)?;
            Ok(Block::Picture)
        }
        EXTENSION => {
            let needed = match reader.byte()? {
                COMMENT => false,
                APPLICATION => KEPT
                    .iter()
                    .any(|name| reader.0.get(1..).is_some_and(|rest| rest.starts_with(name))),
                _ => true,
            };
            sub_blocks(reader)?;
            Ok(Block::Extension(needed))
        }
        TRAILER => Ok(Block::Trailer),
        _ => Err(ImageError::Malformed),
    }
}

pub(super) fn read(bytes: &[u8]) -> Result<Head, ImageError> {
    let mut reader = Reader(bytes);
    let sides = screen(&mut reader)?;
    let mut frames = 0_u32;
    while let Ok(block) = block(&mut reader) {
        match block {
            Block::Picture => frames = frames.saturating_add(1),
            Block::Extension(_) => {}
            Block::Trailer => break,
        }
    }
    Ok(Head {
        sides,
        frames: frames.max(1),
    })
}

pub(super) fn strip(bytes: &[u8]) -> Result<Stripped, ImageError> {
    let mut reader = Reader(bytes);
    let mut out = Vec::with_capacity(bytes.len());
    screen(&mut reader)?;
    keep(&mut out, bytes, &reader);
    let mut pictured = false;
    while !reader.is_empty() {
        let before = reader.0;
        match block(&mut reader)? {
            Block::Picture => {
                pictured = true;
                keep(&mut out, before, &reader);
            }
            Block::Extension(true) => keep(&mut out, before, &reader),
            Block::Extension(false) => {}
            Block::Trailer => break,
        }
    }
    if !pictured {
        return Err(ImageError::Malformed);
    }
    // Some encoders forget the trailer, and decoders do not miss it.
    out.push(TRAILER);
    Ok(Stripped {
        bytes: out,
        orientation: Orientation::UPRIGHT,
    })
}

/// Copies what was read since `before`.
fn keep(out: &mut Vec<u8>, before: &[u8], reader: &Reader<'_>) {
    let read = before.len() - reader.0.len();
    out.extend_from_slice(before.get(..read).unwrap_or_default());
}
