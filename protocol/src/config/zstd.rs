//! Compression of config messages: zstd frames behind the letter `z` (spec/04-configs.md §7.1).
//!
//! Any decoder reads what is written here, but the bytes are not those of the C encoder that other clients use: two
//! encoders may find different matches in the same text. What this costs is said in [`super`].
//!
//! What goes in and what comes out is wiped on drop; the buffers inside the library are not.

use ruzstd::decoding::StreamingDecoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use std::io::Read;
use zeroize::Zeroizing;

/// Stands before a zstd frame.
pub(super) const MARK: u8 = b'z';
/// Longest message that is decompressed or sent, bytes. Far above any real config, far below what hurts.
pub const MAX_PLAIN: usize = 5_000_000;

/// Largest window a decoder must keep for a frame, bytes: no frame needs more than its content.
const MAX_WINDOW: u64 = 8 * 1024 * 1024;
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// What our encoder writes between the magic number and the first block: no content size, and a window.
const OWN_HEADER: usize = 2;
/// Frame header flag: the window is as large as the content, whose size follows.
const SINGLE_SEGMENT: u8 = 0x20;
/// Frame header flags for a content size of two and of four bytes.
const SIZE_2: u8 = 0x40;
const SIZE_4: u8 = 0x80;
/// From this content size on two bytes are used, which hold the size less this.
const SIZE_2_MIN: usize = 256;

/// Why a compressed message cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CompressionError {
    /// It is no zstd frame, or a broken one.
    #[error("broken compression")]
    Broken,
    /// It would grow beyond [`MAX_PLAIN`].
    #[error("decompresses to too much")]
    TooLarge,
}

/// The compressed message with its mark, if that is shorter than the message.
pub(super) fn pack(plain: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let frame = Zeroizing::new(compress_to_vec(plain, CompressionLevel::Fastest));
    let blocks = frame.strip_prefix(&MAGIC)?.get(OWN_HEADER..)?;
    let mut packed = Zeroizing::new(Vec::with_capacity(frame.len() + MAGIC.len()));
    packed.push(MARK);
    packed.extend_from_slice(&MAGIC);
    // The content size instead of the window, as the C encoder does for a message given in one piece: a byte less, and
    // readers that ask the frame for its size get an answer.
    if let Ok(size) = u8::try_from(plain.len()) {
        packed.extend_from_slice(&[SINGLE_SEGMENT, size]);
    } else if let Ok(size) = u16::try_from(plain.len() - SIZE_2_MIN) {
        packed.push(SINGLE_SEGMENT | SIZE_2);
        packed.extend_from_slice(&size.to_le_bytes());
    } else {
        packed.push(SINGLE_SEGMENT | SIZE_4);
        packed.extend_from_slice(&u32::try_from(plain.len()).ok()?.to_le_bytes());
    }
    packed.extend_from_slice(blocks);
    (packed.len() < plain.len()).then_some(packed)
}

/// Decompresses a frame (without the mark) to at most [`MAX_PLAIN`] bytes.
pub(super) fn unpack(frame: &[u8]) -> Result<Zeroizing<Vec<u8>>, CompressionError> {
    let mut rest = frame;
    let decoder = StreamingDecoder::new_with_max_window_size(&mut rest, MAX_WINDOW);
    let decoder = decoder.map_err(|_| CompressionError::Broken)?;
    let limit = u64::try_from(MAX_PLAIN).unwrap_or(u64::MAX) + 1;
    let mut plain = Zeroizing::new(Vec::new());
    decoder
        .take(limit)
        .read_to_end(&mut plain)
        .map_err(|_| CompressionError::Broken)?;
    if plain.len() > MAX_PLAIN {
        return Err(CompressionError::TooLarge);
    }
    Ok(plain)
}
