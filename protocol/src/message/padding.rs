//! Padding of contents, so that the size of what is stored tells little (`spec/02-messages-v1.md §2.1`).

/// Padded sizes are multiples of this many bytes.
pub const PADDING_BLOCK: usize = 160;
/// Marks where the content ends.
const TERMINATOR: u8 = 0x80;

/// The size of a content of `length` bytes once padded. There is always at least one zero after the terminator.
pub const fn padded_size(length: usize) -> usize {
    let terminated = length + 1;
    terminated + (PADDING_BLOCK - terminated % PADDING_BLOCK)
}

/// Appends the terminator and zeros.
pub fn pad(content: &[u8]) -> Vec<u8> {
    let mut padded = Vec::with_capacity(padded_size(content.len()));
    padded.extend_from_slice(content);
    pad_in_place(&mut padded, 0);
    padded
}

/// Pads what a buffer holds from `start` on.
pub(super) fn pad_in_place(buffer: &mut Vec<u8>, start: usize) {
    let size = start + padded_size(buffer.len().saturating_sub(start));
    buffer.push(TERMINATOR);
    buffer.resize(size, 0);
}

/// The content without its padding, of whatever length. Never fails: what has no terminator is taken as it is, less
/// its trailing zeros.
pub fn unpad(padded: &[u8]) -> &[u8] {
    let end = padded
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1);
    match padded.get(..end) {
        Some([content @ .., TERMINATOR]) => content,
        Some(content) => content,
        None => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_of_the_published_rule() {
        for (length, size) in [
            (0, 160),
            (157, 160),
            (158, 160),
            (159, 320),
            (160, 320),
            (319, 480),
        ] {
            assert_eq!(pad(&vec![1; length]).len(), size);
            assert_eq!(padded_size(length), size);
        }
    }

    #[test]
    fn odd_paddings_are_taken_as_they_are() {
        assert_eq!(unpad(&[]), b"");
        assert_eq!(unpad(&[0, 0]), b"");
        assert_eq!(unpad(&[0x80, 0]), b"");
        assert_eq!(unpad(&[7, 8, 0, 0]), [7, 8]);
        assert_eq!(unpad(&[7, 0x80]), [7]);
        assert_eq!(unpad(&[7, 0x80, 0x80, 0]), [7, 0x80]);
    }

    proptest! {
        #[test]
        fn unpadding_inverts_padding(content: Vec<u8>) {
            let padded = pad(&content);
            prop_assert_eq!(unpad(&padded), content);
        }
    }
}
