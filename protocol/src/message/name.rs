//! Display names: what a person may call themselves, and what is made of the name somebody sends
//! (`spec/02-messages-v1.md §6.7, §12`; `spec/12-client-behaviour.md §2`).

/// Most bytes of a display name in UTF-8.
pub const MAX_NAME: usize = 100;

/// Why a name cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DisplayNameError {
    /// Nothing visible is left of it.
    #[error("the name is empty")]
    Empty,
    /// It is longer than 100 bytes.
    #[error("the name takes {bytes} bytes, more than {MAX_NAME}")]
    TooLong {
        /// Bytes in UTF-8 after trimming.
        bytes: usize,
    },
}

/// The own name as it is stored: without white space at its ends (the invisible kinds too) and without line breaks.
pub fn clean_display_name(typed: &str) -> Result<String, DisplayNameError> {
    let name = trimmed(typed);
    match name.len() {
        0 => Err(DisplayNameError::Empty),
        1..=MAX_NAME => Ok(name),
        bytes => Err(DisplayNameError::TooLong { bytes }),
    }
}

/// A name that came from somebody else: trimmed, without characters that reorder the text around it, cut to
/// 100 bytes. `None` if nothing is left.
pub fn received_name(name: &str) -> Option<String> {
    let visible: String = name.chars().filter(|letter| !reorders(*letter)).collect();
    let mut name = trimmed(&visible);
    if name.len() > MAX_NAME {
        let mut end = MAX_NAME;
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        name.truncate(end);
        // A blank may stand at the cut.
        name = trimmed(&name);
    }
    (!name.is_empty()).then_some(name)
}

fn trimmed(name: &str) -> String {
    name.trim_matches(|letter: char| letter.is_whitespace() || letter.is_control() || invisible(letter))
        .chars()
        .filter(|letter| !breaks_line(*letter))
        .collect()
}

/// White space that takes no room, which `char::is_whitespace` does not know: zero-width space and joiners, word
/// joiner, byte order mark, Mongolian vowel separator, and the marks of direction.
fn invisible(letter: char) -> bool {
    matches!(
        letter,
        '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{180e}'
    )
}

fn breaks_line(letter: char) -> bool {
    matches!(
        letter,
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

/// Controls that change the direction of the text after them, with which a name could disguise what follows it.
fn reorders(letter: char) -> bool {
    matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_lose_white_space_at_their_ends_only() {
        assert_eq!(
            clean_display_name(" \u{feff}Ann  Lee\u{2060}\n"),
            Ok("Ann  Lee".to_owned())
        );
        assert_eq!(clean_display_name("Ann\nLee"), Ok("AnnLee".to_owned()));
        // The joiner inside an emoji stays.
        assert_eq!(clean_display_name("👩\u{200d}🚀"), Ok("👩\u{200d}🚀".to_owned()));
    }

    #[test]
    fn names_have_1_to_100_bytes() {
        assert_eq!(clean_display_name("\u{200b} \t"), Err(DisplayNameError::Empty));
        assert!(clean_display_name(&"é".repeat(50)).is_ok());
        let long = clean_display_name(&format!("{}x", "é".repeat(50)));
        assert_eq!(long, Err(DisplayNameError::TooLong { bytes: 101 }));
    }

    #[test]
    fn received_names_are_cut_and_cannot_reorder_text() {
        assert_eq!(received_name("x\u{202e}y"), Some("xy".to_owned()));
        assert_eq!(received_name(&format!("x{}", "é".repeat(50))).unwrap().len(), 99);
        let cut = "x".repeat(99);
        assert_eq!(received_name(&format!("{cut} y")), Some(cut));
        assert_eq!(received_name("\u{2066}\u{2069}"), None);
    }

    proptest! {
        #[test]
        fn cleaning_twice_changes_nothing(name in "\\PC{0,60}") {
            if let Ok(clean) = clean_display_name(&name) {
                prop_assert_eq!(clean_display_name(&clean), Ok(clean));
            }
            prop_assert!(received_name(&name).is_none_or(|name| (1..=MAX_NAME).contains(&name.len())));
        }
    }
}
