//! What JSON from outside must pass before it is parsed, and the little that is written by hand.

/// Deepest nesting of a reply or list that is parsed; Session's own replies nest fewer than ten levels.
pub const MAX_DEPTH: usize = 32;

/// Why a JSON text is not even parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonLimit {
    /// The text is longer than its place allows.
    #[error("too long")]
    TooLong,
    /// Objects and arrays are nested deeper than [`MAX_DEPTH`].
    #[error("nested too deeply")]
    TooDeep,
}

/// Checks length and nesting in one pass; says nothing about whether the text is JSON.
pub fn check_limits(text: &[u8], max_len: usize) -> Result<(), JsonLimit> {
    if text.len() > max_len {
        return Err(JsonLimit::TooLong);
    }
    let mut depth = 0_usize;
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(JsonLimit::TooDeep);
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => {
                // A string ends at the first quote that no backslash escapes.
                while let Some(inner) = bytes.next() {
                    match inner {
                        b'"' => break,
                        b'\\' => {
                            bytes.next();
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Reads a value out of a text. [`serde_json::from_str`] would bring a second parser for every type, 20 kB in the browser.
pub(crate) fn read<'a, T: serde::Deserialize<'a>>(text: &'a str) -> serde_json::Result<T> {
    serde_json::from_slice(text.as_bytes())
}

/// Appends a JSON string with its quotes.
pub(crate) fn write_string(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 2);
    // A string always serializes, and a Vec takes every byte.
    let written = serde_json::to_writer(out, text);
    debug_assert!(written.is_ok());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_inside_strings_do_not_nest() {
        let text = format!("[\"{}\\\"[[\"]", "[".repeat(100));
        assert_eq!(check_limits(text.as_bytes(), 1000), Ok(()));
    }

    #[test]
    fn depth_and_length_are_capped() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert_eq!(check_limits(nested(MAX_DEPTH).as_bytes(), 1000), Ok(()));
        assert_eq!(
            check_limits(nested(MAX_DEPTH + 1).as_bytes(), 1000),
            Err(JsonLimit::TooDeep)
        );
        assert_eq!(check_limits(b"[1]", 2), Err(JsonLimit::TooLong));
    }

    #[test]
    fn strings_are_escaped() {
        let mut out = Vec::new();
        write_string(&mut out, "a\"\\\u{1}é");
        assert_eq!(out, "\"a\\\"\\\\\\u0001é\"".as_bytes());
    }
}
