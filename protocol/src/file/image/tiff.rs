//! Orientation in EXIF, which is laid out as a TIFF file: the only thing of it that is read, or written.

use super::{Orientation, Reader};

/// Number of the field that holds the orientation.
const ORIENTATION: u16 = 0x0112;
/// Type of a field of 16-bit numbers.
const SHORT: u16 = 3;
/// What stands in front of the TIFF in a JPEG segment, and often in a WebP chunk.
pub(super) const EXIF: &[u8] = b"Exif\0\0";

/// The orientation in an EXIF block, upright when there is none or the block is damaged.
pub(super) fn orientation(exif: &[u8]) -> Orientation {
    let tiff = exif.strip_prefix(EXIF).unwrap_or(exif);
    find(tiff).unwrap_or(Orientation::UPRIGHT)
}

fn find(tiff: &[u8]) -> Option<Orientation> {
    let mut header = Reader(tiff);
    let big = match header.array().ok()? {
        [b'I', b'I', 42, 0] => false,
        [b'M', b'M', 0, 42] => true,
        _ => return None,
    };
    let u16_of = |reader: &mut Reader<'_>| {
        let number = if big { reader.u16_be() } else { reader.u16_le() };
        number.ok()
    };
    let place = if big { header.u32_be() } else { header.u32_le() };
    let mut fields = Reader(tiff.get(usize::try_from(place.ok()?).ok()?..)?);
    for _ in 0..u16_of(&mut fields)? {
        let mut field = Reader(fields.take(12).ok()?);
        if u16_of(&mut field)? != ORIENTATION {
            continue;
        }
        let kind = u16_of(&mut field)?;
        // How many values there are; one, which then stands in the field itself.
        field.take(4).ok()?;
        let number = u16_of(&mut field)?;
        return Orientation::from_number(number).filter(|_| kind == SHORT);
    }
    None
}

/// An EXIF block that says the orientation and nothing else.
pub(super) fn write(orientation: Orientation) -> Vec<u8> {
    let mut exif = EXIF.to_vec();
    // Big-endian; the fields follow at once.
    exif.extend_from_slice(b"MM\0*\0\0\0\x08");
    // One field: number, type, count 1, value, filled up to four bytes; no further fields.
    exif.extend_from_slice(&[0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation.number(), 0, 0]);
    exif.extend_from_slice(&[0; 4]);
    exif
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        for number in 1..=8 {
            let orientation = Orientation::from_number(number).unwrap();
            assert_eq!(super::orientation(&write(orientation)), orientation);
        }
    }

    #[test]
    fn both_byte_orders_are_read() {
        let little = b"II*\0\x08\0\0\0\x02\0\x0f\x01\x02\0\x01\0\0\0\0\0\0\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        assert_eq!(orientation(little).number(), 6);
        assert_eq!(orientation(&[EXIF, little].concat()).number(), 6);
        // Of another type, beyond the block, out of range.
        for (place, value) in [(24, 4), (4, 200), (30, 9)] {
            let mut damaged = *little;
            damaged[place] = value;
            assert_eq!(orientation(&damaged), Orientation::UPRIGHT, "{place}");
        }
        assert_eq!(orientation(b"Exif\0\0"), Orientation::UPRIGHT);
    }
}
