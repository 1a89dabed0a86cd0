//! What a page says of itself: its title and the picture that it offers for previews.

use encoding_rs::Encoding;
use holdfast_protocol::file::lookup::MAX_RAW_TITLE;
use holdfast_protocol::file::{FileType, Media};
use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer};

/// How far a page is searched for the encoding that it names (the HTML standard's prescan).
const PRESCAN: usize = 1_024;
/// Longest address of a picture, bytes.
const MAX_ADDRESS: usize = 4_096;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) title: Option<String>,
    /// The picture's address, as the page names it.
    pub(super) image: Option<String>,
}

/// Whether these bytes begin like a picture that every client draws.
pub(super) fn is_picture(bytes: &[u8]) -> bool {
    FileType::of(bytes).media("") == Media::Image
}

/// Reads a page's beginning. What is said for previews counts more than the page's own title.
pub(super) fn read(bytes: &[u8], content_type: Option<&str>) -> Found {
    let text = decode(bytes, content_type);
    let mut emitter = DefaultEmitter::default();
    // What stands in scripts and styles is not markup.
    emitter.naively_switch_states(true);
    let tokens = Tokenizer::new_with_emitter(text.as_str(), emitter);
    let (mut said, mut plain, mut in_title) = (Said::default(), String::new(), false);
    for Ok(token) in tokens {
        match token {
            Token::StartTag(tag) => match tag.name.as_slice() {
                b"meta" => said.take(&tag),
                b"title" if plain.is_empty() => in_title = true,
                b"body" => break,
                _ => {}
            },
            Token::EndTag(tag) if *tag.name == b"title" => in_title = false,
            Token::EndTag(tag) if *tag.name == b"head" => break,
            Token::String(text) if in_title => {
                push(&mut plain, &String::from_utf8_lossy(&text.value), MAX_RAW_TITLE)
            }
            _ => {}
        }
    }
    Found {
        title: said
            .title
            .or(said.other_title)
            .or(Some(plain))
            .filter(|title| !title.trim().is_empty()),
        image: said.image.or(said.other_image),
    }
}

/// What `meta` elements say: those of the Open Graph protocol, and those that one large site reads.
#[derive(Default)]
struct Said {
    title: Option<String>,
    other_title: Option<String>,
    image: Option<String>,
    other_image: Option<String>,
}

impl Said {
    fn take(&mut self, tag: &StartTag<()>) {
        let value = |name: &[u8]| {
            tag.attributes
                .get(name)
                .map(|value| String::from_utf8_lossy(&value.value).into_owned())
        };
        let (Some(name), Some(content)) = (value(b"property").or_else(|| value(b"name")), value(b"content"))
        else {
            return;
        };
        let (slot, most) = match name.trim().to_ascii_lowercase().as_str() {
            "og:title" => (&mut self.title, MAX_RAW_TITLE),
            "twitter:title" => (&mut self.other_title, MAX_RAW_TITLE),
            "og:image" | "og:image:url" | "og:image:secure_url" => (&mut self.image, MAX_ADDRESS),
            "twitter:image" | "twitter:image:src" => (&mut self.other_image, MAX_ADDRESS),
            _ => return,
        };
        let content = content.trim();
        // A title may be cut, an address may not.
        if slot.is_none() && !content.is_empty() && (most == MAX_RAW_TITLE || content.len() <= most) {
            let mut kept = String::new();
            push(&mut kept, content, most);
            *slot = Some(kept);
        }
    }
}

/// Adds to a text what fits of another into `most` bytes.
fn push(text: &mut String, more: &str, most: usize) {
    for letter in more.chars() {
        if text.len() + letter.len_utf8() > most {
            return;
        }
        text.push(letter);
    }
}

/// The page's text, in the encoding that its sender or itself names; in UTF-8 otherwise.
fn decode(bytes: &[u8], content_type: Option<&str>) -> String {
    let named = content_type
        .and_then(charset)
        .or_else(|| charset(&String::from_utf8_lossy(bytes.get(..PRESCAN).unwrap_or(bytes))));
    let encoding = named
        .and_then(|name| Encoding::for_label(name.as_bytes()))
        .unwrap_or(encoding_rs::UTF_8);
    // A byte order mark counts more than what is named.
    encoding.decode(bytes).0.into_owned()
}

/// What follows the first `charset=`.
fn charset(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let (_, rest) = lower.split_once("charset=")?;
    let name = rest.trim_start_matches(['"', '\'', ' ']);
    let end = name
        .find(|letter: char| !(letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | ':' | '.')))
        .unwrap_or(name.len());
    Some(name.get(..end)?.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(page: &str) -> (Option<String>, Option<String>) {
        let found = read(page.as_bytes(), None);
        (found.title, found.image)
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn what_is_said_for_previews_counts_most() {
        let page = r#"<!doctype html><head><title>Plain &amp; long</title>
            <meta name=twitter:title content=Other><META PROPERTY="og:title" CONTENT="Tide &quot;tables&quot;">
            <meta property="og:image" content=" /harbour.jpg "></head>"#;
        assert_eq!(of(page), (some("Tide \"tables\""), some("/harbour.jpg")));
        assert_eq!(
            of("<title>Plain &amp; simple</title>"),
            (some("Plain & simple"), None)
        );
        assert_eq!(of("<html><body>nothing"), (None, None));
    }

    #[test]
    fn markup_in_scripts_and_pictures_is_none() {
        let page = r#"<script>document.write('<meta property="og:title" content="Wrong">')</script>
            <style><title>Wrong</title></style><!-- <title>Wrong</title> --><title>Right</title>"#;
        assert_eq!(of(page), (some("Right"), None));
        assert_eq!(
            of("<title>First</title><svg><title>Second</title></svg>"),
            (some("First"), None)
        );
        assert_eq!(
            of("<head></head><meta property=og:title content=Late>"),
            (None, None)
        );
    }

    #[test]
    fn other_encodings_are_read() {
        let (russian, _, _) = encoding_rs::WINDOWS_1251.encode("<title>Порт</title>");
        let title = |bytes: &[u8], kind| read(bytes, kind).title;
        assert_eq!(
            title(&russian, Some("text/html; charset=windows-1251")),
            some("Порт")
        );
        let mut named = b"<meta charset=\"windows-1251\">".to_vec();
        named.extend_from_slice(&russian);
        assert_eq!(title(&named, None), some("Порт"));
        assert_eq!(title("<title>Порт</title>".as_bytes(), None), some("Порт"));
        assert_eq!(
            title(b"<title>\xff</title>", Some("text/html; charset=nonsense")),
            some("\u{fffd}")
        );
    }

    #[test]
    fn long_titles_are_cut_and_long_addresses_left_out() {
        let long = "é".repeat(10_000);
        let (title, image) = of(&format!(
            "<title>{long}</title><meta property=og:image content={long}>"
        ));
        assert!(title.is_some_and(|title| title.len() <= MAX_RAW_TITLE && title.starts_with("éé")));
        assert_eq!(image, None);
    }

    /// A page of pieces that mean something to the reader, some of them cut off or too long, with anything in between.
    fn any_page() -> impl Strategy<Value = Vec<u8>> {
        let known = prop::sample::select(vec![
            "<title>",
            "</title",
            "<meta property=og:title content=",
            "<meta name='twitter:title' content='",
            "<meta property=\"og:image\" content=\"",
            "<meta charset=\"",
            "<meta charset=utf-16>",
            "charset=gb18030",
            "<script>",
            "</script>",
            "<style><!--",
            "-->",
            "<![CDATA[",
            "<svg>",
            "</head>",
            "<body",
            "&quot;",
            "&#x10ffff;",
            "&#xd800;",
            "Порт ",
            "\u{feff}",
            " ",
            ">",
            "'",
            "\"",
            "/",
        ]);
        let long = prop::sample::select(vec!["é", "\u{3000}", "&amp;", "<p>"]);
        let piece = prop_oneof![
            8 => known.prop_map(|piece| piece.as_bytes().to_vec()),
            1 => (long, 500_usize..3_000).prop_map(|(letter, times)| letter.repeat(times).into_bytes()),
            4 => proptest::collection::vec(any::<u8>(), 0..24),
        ];
        let pieces = proptest::collection::vec(piece, 0..24);
        (pieces, any::<prop::sample::Index>(), any::<bool>()).prop_map(|(pieces, end, whole)| {
            let mut page = pieces.concat();
            if !whole {
                page.truncate(end.index(page.len() + 1));
            }
            page
        })
    }

    fn any_content_type() -> impl Strategy<Value = Option<&'static str>> {
        prop::sample::select(vec![
            None,
            Some(""),
            Some("charset="),
            Some("text/html; charset=\"utf-16be"),
            Some("text/html; CHARSET=Shift_JIS"),
            Some("text/html; charset=iso-2022-jp"),
            Some("text/html; charset=windows-1251"),
            Some("text/html; charset=replacement"),
            Some("text/html; charset=Ünknown"),
        ])
    }

    proptest! {
        #[test]
        fn whatever_a_site_says_is_read_and_nothing_grows(page in any_page(), kind in any_content_type()) {
            let found = read(&page, kind);
            if let Some(title) = &found.title {
                prop_assert!(!title.trim().is_empty() && title.len() <= MAX_RAW_TITLE);
            }
            if let Some(image) = &found.image {
                prop_assert!(!image.is_empty() && image.len() <= MAX_ADDRESS);
            }
        }
    }
}
