//! Base64 as the network reads and writes it: standard alphabet, padded on output, padding optional on input, the
//! URL-safe alphabet refused (spec/03-network.md §3.1).

use data_encoding::{BASE64, BASE64_NOPAD};

/// The text is not base64 of the standard alphabet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not base64")]
pub(crate) struct Base64Error;

/// Decodes, with or without padding.
pub(crate) fn decode(text: &[u8]) -> Result<Vec<u8>, Base64Error> {
    let unpadded = match text {
        [rest @ .., b'=', b'='] if text.len().is_multiple_of(4) => rest,
        [rest @ .., b'='] if text.len().is_multiple_of(4) => rest,
        _ => text,
    };
    BASE64_NOPAD.decode(unpadded).map_err(|_| Base64Error)
}

/// Encodes with padding.
pub(crate) fn encode(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

/// Appends the padded encoding without a buffer of its own.
pub(crate) fn append(out: &mut Vec<u8>, bytes: &[u8]) {
    let start = out.len();
    out.resize(start + BASE64.encode_len(bytes.len()), 0);
    if let Some(tail) = out.get_mut(start..) {
        BASE64.encode_mut(bytes, tail);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_optional_but_must_be_right() {
        for good in ["", "YQ==", "YQ", "YWI=", "YWI", "YWJj"] {
            assert!(decode(good.as_bytes()).is_ok(), "{good}");
        }
        for bad in [
            "Y", "YQ=", "YQ===", "YWJj====", "YQ==YQ==", "====", "=", "YWJj=", "-_-_",
        ] {
            assert_eq!(decode(bad.as_bytes()), Err(Base64Error), "{bad}");
        }
        assert_eq!(encode(b"a"), "YQ==");
    }

    #[test]
    fn appending_keeps_what_was_there() {
        let mut out = b"x".to_vec();
        append(&mut out, b"ab");
        assert_eq!(out, b"xYWI=");
    }
}
