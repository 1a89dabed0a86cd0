//! The frame inside and around each layer: `u32_le(len) ‖ blob ‖ JSON` (spec/03-network.md §4.3).

/// Bytes of the length in front.
pub(super) const LENGTH_SIZE: usize = 4;

/// Why bytes are no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Shorter than the length field.
    #[error("too short")]
    TooShort,
    /// The length reaches beyond the end.
    #[error("size larger than the request")]
    Size,
    /// The control part is no JSON object, or too large for one.
    #[error("control is not json")]
    Json,
    /// A field of the control part is missing or of another type.
    #[error("control field is missing or wrong")]
    Field,
    /// The `enc_type` is unknown.
    #[error("unknown enc_type")]
    Suite,
}

/// Puts a frame together. `control` is JSON text. Blobs from 4 GiB on cannot be framed and give a frame that no parser
/// takes; packets are capped far below.
pub fn frame(blob: &[u8], control: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(LENGTH_SIZE + blob.len() + control.len());
    out.extend_from_slice(&length(blob.len()));
    out.extend_from_slice(blob);
    out.extend_from_slice(control);
    out
}

/// The length field.
pub(super) fn length(len: usize) -> [u8; LENGTH_SIZE] {
    u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes()
}

/// Takes a frame apart into blob and control text; the control text is not looked at.
///
/// # Errors
/// [`FrameError::TooShort`] and [`FrameError::Size`].
pub fn parse_frame(frame: &[u8]) -> Result<(&[u8], &[u8]), FrameError> {
    let (length, rest) = frame
        .split_first_chunk::<LENGTH_SIZE>()
        .ok_or(FrameError::TooShort)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| FrameError::Size)?;
    rest.split_at_checked(length).ok_or(FrameError::Size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn short_and_overlong_frames_are_refused() {
        assert_eq!(parse_frame(&[1, 0, 0]), Err(FrameError::TooShort));
        assert_eq!(parse_frame(&[1, 0, 0, 0]), Err(FrameError::Size));
        assert_eq!(parse_frame(&[0xff; 8]), Err(FrameError::Size));
        assert_eq!(parse_frame(&[0; 4]), Ok((&[][..], &[][..])));
    }

    proptest! {
        #[test]
        fn parsing_inverts_framing(blob: Vec<u8>, control: Vec<u8>) {
            let framed = frame(&blob, &control);
            prop_assert_eq!(parse_frame(&framed), Ok((&blob[..], &control[..])));
        }
    }
}
