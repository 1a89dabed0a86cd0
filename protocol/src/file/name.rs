//! Names and content types as senders claim them: made harmless before anybody sees or saves them
//! (spec/07-files-and-attachments.md §7).

/// Most bytes of a file's name: what file systems hold.
pub const MAX_FILE_NAME: usize = 255;
/// Most bytes of a content type; RFC 6838 allows 127 for each half.
pub const MAX_CONTENT_TYPE: usize = 255;
/// Longest ending that stays when a name is cut, bytes.
const MAX_ENDING: usize = 16;

/// The content type of what is not known.
pub const UNKNOWN_TYPE: &str = "application/octet-stream";

/// Content types by the ending of a name: what people send, and what the sender of a file without a type may have meant.
const TYPES: [(&str, &str); 32] = [
    ("aac", "audio/aac"),
    ("avif", "image/avif"),
    ("bmp", "image/bmp"),
    ("csv", "text/csv"),
    ("doc", "application/msword"),
    (
        "docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
    ("flac", "audio/flac"),
    ("gif", "image/gif"),
    ("gz", "application/gzip"),
    ("heic", "image/heic"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("json", "application/json"),
    ("m4a", "audio/mp4"),
    ("m4v", "video/mp4"),
    ("mkv", "video/x-matroska"),
    ("mov", "video/quicktime"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("oga", "audio/ogg"),
    ("ogg", "audio/ogg"),
    ("opus", "audio/ogg"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain"),
    ("wav", "audio/wav"),
    ("webm", "video/webm"),
    ("webp", "image/webp"),
    (
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    ("xml", "application/xml"),
    ("zip", "application/zip"),
];

/// A name that can be shown and saved: the last part of a path, without controls, characters that reorder or hide text,
/// and dots and white space at either end; cut to [`MAX_FILE_NAME`] bytes with its ending kept.
///
/// `None` when nothing is left.
pub fn clean_file_name(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let visible: String = last.chars().filter(|letter| !is_hidden(*letter)).collect();
    let trimmed = visible.trim_matches(is_edge);
    if trimmed.is_empty() {
        return None;
    }
    if trimmed.len() <= MAX_FILE_NAME {
        return Some(trimmed.to_owned());
    }
    let ending = ending(trimmed).filter(|ending| ending.len() < MAX_ENDING);
    let ending = ending.map(|ending| format!(".{ending}")).unwrap_or_default();
    let stem = cut(trimmed, MAX_FILE_NAME - ending.len()).trim_end_matches(is_edge);
    Some(format!("{stem}{ending}"))
}

/// A content type in lower case, if it is one: `type/subtype`, with or without parameters, in printable ASCII.
pub fn clean_content_type(text: &str) -> Option<String> {
    let text = text.trim();
    if text.len() > MAX_CONTENT_TYPE || !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return None;
    }
    let (essence, parameters) = match text.split_once(';') {
        Some((essence, parameters)) => (essence.trim_end(), Some(parameters)),
        None => (text, None),
    };
    let (kind, subtype) = essence.split_once('/')?;
    let token = |part: &str| !part.is_empty() && part.bytes().all(is_token);
    if !token(kind) || !token(subtype) {
        return None;
    }
    let essence = essence.to_ascii_lowercase();
    Some(match parameters {
        Some(parameters) => format!("{essence};{parameters}"),
        None => essence,
    })
}

/// The content type that a name's ending stands for; [`UNKNOWN_TYPE`] for others.
pub fn content_type_of(name: &str) -> &'static str {
    let found = ending(name).and_then(|ending| {
        let known = TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(ending));
        known.map(|(_, content_type)| *content_type)
    });
    found.unwrap_or(UNKNOWN_TYPE)
}

/// What names neither begin nor end with.
fn is_edge(letter: char) -> bool {
    letter == '.' || letter.is_whitespace()
}

fn ending(name: &str) -> Option<&str> {
    name.rsplit_once('.').map(|(_, ending)| ending)
}

/// The beginning of a text, in whole code points.
pub(super) fn cut(text: &str, limit: usize) -> &str {
    let mut end = text.len().min(limit);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Characters that show nothing, or change how those around them show: controls, line and paragraph separators, marks
/// and overrides of direction, zero-width spaces, the byte order mark. Joiners stay: emoji and many scripts need them.
pub(super) fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{180e}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}' | '\u{feff}'
        )
}

/// A character of a token (RFC 6838 §4.2).
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#' | b'$' | b'&' | b'-' | b'^' | b'_' | b'.' | b'+')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_lose_what_is_dangerous() {
        for (name, clean) in [
            ("photo.jpg", Some("photo.jpg")),
            ("../../etc/passwd", Some("passwd")),
            ("C:\\x\\y.txt", Some("y.txt")),
            (".bashrc", Some("bashrc")),
            (" ..a b.txt. ", Some("a b.txt")),
            ("a\u{202e}gpj.exe", Some("agpj.exe")),
            ("a\n\0b\u{2028}c", Some("abc")),
            ("\u{200b}.\u{feff}.", None),
            ("x/", None),
            ("", None),
            ("👩\u{200d}🚀.png", Some("👩\u{200d}🚀.png")),
        ] {
            assert_eq!(clean_file_name(name).as_deref(), clean, "{name:?}");
        }
    }

    #[test]
    fn long_names_keep_their_ending() {
        let long = clean_file_name(&format!("{}.jpeg", "é".repeat(200))).unwrap();
        assert!(long.ends_with("é.jpeg") && long.len() <= MAX_FILE_NAME);
        let odd = clean_file_name(&format!("a.{}", "b".repeat(300))).unwrap();
        assert_eq!(odd.len(), MAX_FILE_NAME);
    }

    #[test]
    fn content_types_are_types() {
        for (text, clean) in [
            ("image/JPEG", Some("image/jpeg")),
            (" audio/webm; codecs=Opus", Some("audio/webm; codecs=Opus")),
            ("image/svg+xml", Some("image/svg+xml")),
            ("image", None),
            ("image/", None),
            ("/png", None),
            ("image/png\n", Some("image/png")),
            ("image/p\nng", None),
            ("a/b/c", None),
            ("é/b", None),
            ("text/html<script>", None),
            ("", None),
        ] {
            assert_eq!(clean_content_type(text).as_deref(), clean, "{text:?}");
        }
        assert_eq!(clean_content_type(&format!("a/{}", "b".repeat(254))), None);
    }

    #[test]
    fn endings_stand_for_types() {
        assert_eq!(content_type_of("A.JPG"), "image/jpeg");
        assert_eq!(content_type_of("a.tar.gz"), "application/gzip");
        assert_eq!(content_type_of("jpg"), UNKNOWN_TYPE);
        assert_eq!(content_type_of("a."), UNKNOWN_TYPE);
    }

    proptest! {
        #[test]
        fn cleaning_twice_changes_nothing(name in "\\PC{0,40}[./ ]{0,3}", content_type in "[ -~]{0,20}") {
            if let Some(clean) = clean_file_name(&name) {
                prop_assert!(!clean.starts_with('.') && !clean.contains(['/', '\\']));
                prop_assert!((1..=MAX_FILE_NAME).contains(&clean.len()));
                prop_assert_eq!(clean_file_name(&clean), Some(clean));
            }
            if let Some(clean) = clean_content_type(&content_type) {
                prop_assert_eq!(clean_content_type(&clean), Some(clean));
            }
        }
    }
}
