//! Pictures before they are decoded: how large they are, which way up, whether they move
//! (spec/07-files-and-attachments.md §8.4, §11), and the same pictures without what cameras and programs write into them
//! ([`strip`], spec/07 §7.2).
//!
//! Only headers are read. A file of a few bytes can claim any size; one that decodes to more than [`MAX_PIXELS`] is
//! refused here, before a decoder reserves the memory.
//!
//! [`MAX_PIXELS`]: super::pointer::MAX_PIXELS

mod gif;
mod jpeg;
mod png;
mod tiff;
mod webp;

use super::pointer::Dimensions;
use super::sniff::FileType;

/// Why a picture is not shown, or not sent as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ImageError {
    /// It is none of JPEG, PNG, GIF and WebP.
    #[error("not a picture that can be shown")]
    Type,
    /// It ends before what was to be read.
    #[error("the picture breaks off")]
    Truncated,
    /// It contradicts its format.
    #[error("the picture is damaged")]
    Malformed,
    /// It has no pixels, or more of them than are decoded.
    #[error("the picture is too large")]
    Dimensions,
}

/// Which way up a picture is, as EXIF counts: 1 is upright, 2 to 8 are turned or mirrored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Orientation(u8);

impl Orientation {
    /// As it is stored.
    pub const UPRIGHT: Self = Self(1);

    /// From the number in EXIF; others than 1 to 8 say nothing.
    pub fn from_number(number: u16) -> Option<Self> {
        u8::try_from(number)
            .ok()
            .filter(|number| (1..=8).contains(number))
            .map(Self)
    }

    /// 1 to 8.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Whether width and height change places when it is shown.
    pub const fn swaps_sides(self) -> bool {
        self.0 >= 5
    }
}

/// What the headers of a picture say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageInfo {
    /// Its format.
    pub format: FileType,
    /// As it is stored.
    pub stored: Dimensions,
    /// Which way up it is; of JPEG only, where all browsers follow it.
    pub orientation: Orientation,
    /// How many pictures it shows one after the other, as far as the given bytes reach.
    pub frames: u32,
}

impl ImageInfo {
    /// As it is shown.
    pub const fn shown(&self) -> Dimensions {
        let Dimensions { width, height } = self.stored;
        if self.orientation.swaps_sides() {
            Dimensions {
                width: height,
                height: width,
            }
        } else {
            self.stored
        }
    }

    /// Whether it moves.
    pub const fn is_animated(&self) -> bool {
        self.frames > 1
    }
}

/// Reads the headers of a picture. Its beginning is enough for everything but the number of frames; in JPEG the EXIF and
/// everything else in front of the size must be there, up to some 100 KiB.
///
/// # Errors
/// [`ImageError`].
pub fn read(bytes: &[u8]) -> Result<ImageInfo, ImageError> {
    let format = FileType::of(bytes);
    let ((width, height), orientation, frames) = match format {
        FileType::Jpeg => {
            let head = jpeg::read(bytes)?;
            (head.sides, head.orientation, 1)
        }
        FileType::Png => {
            let head = png::read(bytes)?;
            (head.sides, Orientation::UPRIGHT, head.frames)
        }
        FileType::Gif => {
            let head = gif::read(bytes)?;
            (head.sides, Orientation::UPRIGHT, head.frames)
        }
        FileType::WebP => {
            let head = webp::read(bytes)?;
            (head.sides, Orientation::UPRIGHT, head.frames)
        }
        _ => return Err(ImageError::Type),
    };
    Ok(ImageInfo {
        format,
        stored: Dimensions::new(width, height).ok_or(ImageError::Dimensions)?,
        orientation,
        frames,
    })
}

/// A picture without metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stripped {
    /// The file; its pixels are those of the original.
    pub bytes: Vec<u8>,
    /// Which way up it was said to be. JPEG keeps saying so; of other formats it is up to the caller to turn it.
    pub orientation: Orientation,
}

/// Takes out everything that does not change how a picture looks: EXIF with place and time, XMP, captions, comments,
/// thumbnails, and whatever hangs behind the picture. Colour profiles stay.
///
/// Only blocks that are known to be needed are kept, so that what programs add in future goes too.
///
/// # Errors
/// [`ImageError`], for a file that is not sent as it is then.
pub fn strip(bytes: &[u8]) -> Result<Stripped, ImageError> {
    match FileType::of(bytes) {
        FileType::Jpeg => jpeg::strip(bytes),
        FileType::Png => png::strip(bytes),
        FileType::Gif => gif::strip(bytes),
        FileType::WebP => webp::strip(bytes),
        _ => Err(ImageError::Type),
    }
}

/// Reads from the front of a file.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], ImageError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(ImageError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ImageError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(ImageError::Truncated)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn byte(&mut self) -> Result<u8, ImageError> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    fn u16_be(&mut self) -> Result<u16, ImageError> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    fn u16_le(&mut self) -> Result<u16, ImageError> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    fn u32_be(&mut self) -> Result<u32, ImageError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    fn u32_le(&mut self) -> Result<u32, ImageError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// A little-endian number of three bytes.
    fn u24_le(&mut self) -> Result<u32, ImageError> {
        let [low, middle, high] = self.array()?;
        Ok(u32::from_le_bytes([low, middle, high, 0]))
    }
}

#[cfg(test)]
mod tests;
