//! Message text: which parts of it are links, which messages are only emoji, how long it is, and two texts in one.

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    /// Shown as it is.
    Plain(String),
    /// An `http` or `https` address; shown as written, opened as `href`.
    Link {
        /// What the sender wrote.
        shown: String,
        /// Where it leads: with a scheme.
        href: String,
    },
}

/// The longest address made clickable (`spec/12-client-behaviour.md §5.9`).
const MAX_LINK: usize = 4096;
/// Emoji-only messages up to this many emoji are shown large.
const LARGE_EMOJI: usize = 3;

/// A text with another one below it.
pub(crate) fn joined(begun: &str, more: &str) -> String {
    match (begun.trim_end(), more.trim_start()) {
        ("", _) => more.to_owned(),
        (_, "") => begun.to_owned(),
        (begun, _) => format!("{begun}\n{more}"),
    }
}

/// A refused text with what is written now below it. Where that begins with what an earlier refused text left there, this one
/// comes below that. Gives all that came back, and the whole.
pub(crate) fn brought_back(earlier: &str, text: &str, now: &str) -> (String, String) {
    let (above, below) = match now.strip_prefix(earlier) {
        Some("") => (earlier, ""),
        Some(below) => below
            .strip_prefix('\n')
            .map_or(("", now), |below| (earlier, below)),
        None => ("", now),
    };
    let above = joined(above, text.trim_end());
    let whole = joined(&above, below);
    (above, whole)
}

/// Splits a text at its links.
pub(crate) fn segments(text: &str) -> Vec<Segment> {
    let mut out = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let word_end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(word_end);
        match link_in(word) {
            Some((start, end, href)) => {
                plain.push_str(&word[..start]);
                if !plain.is_empty() {
                    out.push(Segment::Plain(std::mem::take(&mut plain)));
                }
                out.push(Segment::Link {
                    shown: word[start..end].into(),
                    href,
                });
                plain.push_str(&word[end..]);
            }
            None => plain.push_str(word),
        }
        let space_end = tail.find(|c: char| !c.is_whitespace()).unwrap_or(tail.len());
        plain.push_str(&tail[..space_end]);
        rest = &tail[space_end..];
    }
    if !plain.is_empty() {
        out.push(Segment::Plain(plain));
    }
    out
}

/// Where a word holds a link, and its address.
fn link_in(word: &str) -> Option<(usize, usize, String)> {
    let lower = word.to_ascii_lowercase();
    let (start, scheme) = ["https://", "http://", "www."]
        .iter()
        .filter_map(|s| lower.find(s).map(|at| (at, *s)))
        .min()?;
    let starts_word = word[..start].chars().all(|c| !c.is_alphanumeric());
    if !starts_word {
        return None;
    }
    let end = start + trimmed_len(&word[start..]);
    let shown = &word[start..end];
    let after_scheme = shown.get(scheme.len()..)?;
    let host_end = after_scheme.find(['/', '?', '#']).unwrap_or(after_scheme.len());
    let host = &after_scheme[..host_end];
    if shown.len() > MAX_LINK || !plausible_host(host) {
        return None;
    }
    let href = if scheme == "www." {
        format!("https://{shown}")
    } else {
        shown.to_owned()
    };
    Some((start, end, href))
}

/// A host, perhaps with a port; user info would only dress up another host, so it is refused.
fn plausible_host(host: &str) -> bool {
    let (name, port) = host.split_once(':').unwrap_or((host, ""));
    !name.is_empty()
        && !host.contains('@')
        && !host.contains('%')
        && port.chars().all(|c| c.is_ascii_digit())
        && name
            .split('.')
            .all(|label| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-'))
}

/// The length of an address without the punctuation that belongs to the sentence around it.
fn trimmed_len(address: &str) -> usize {
    let mut end = address.len();
    while let Some(last) = address[..end].chars().next_back() {
        let kept = &address[..end];
        let drop = match last {
            '.' | ',' | ';' | ':' | '!' | '?' | '"' | '\'' | '»' | '”' | '’' | '>' | '…' => true,
            ')' => kept.matches('(').count() < kept.matches(')').count(),
            ']' => kept.matches('[').count() < kept.matches(']').count(),
            _ => false,
        };
        if !drop {
            break;
        }
        end -= last.len_utf8();
    }
    end
}

/// Whether a message is nothing but one to three emoji.
pub(crate) fn is_large_emoji(text: &str) -> bool {
    let mut count = 0_usize;
    let mut joined = false;
    let mut flag_half = false;
    for c in text.trim().chars() {
        match c {
            '\u{200D}' => joined = true,
            // Variation selectors, skin tones, the keycap ring and tag letters change the emoji before them.
            '\u{FE0F}' | '\u{1F3FB}'..='\u{1F3FF}' | '\u{20E3}' | '\u{E0020}'..='\u{E007F}' => {}
            '\u{1F1E6}'..='\u{1F1FF}' => {
                if !flag_half {
                    count += 1;
                }
                flag_half = !flag_half;
            }
            _ if is_emoji(c) => {
                if !joined {
                    count += 1;
                }
                joined = false;
            }
            _ => return false,
        }
    }
    (1..=LARGE_EMOJI).contains(&count)
}

/// The blocks that emoji live in. Digits and © are emoji only with a selector, and are left to the text.
fn is_emoji(c: char) -> bool {
    matches!(c,
        '\u{1F000}'..='\u{1FAFF}'
        | '\u{2600}'..='\u{27BF}'
        | '\u{2B05}'..='\u{2B07}' | '\u{2B1B}' | '\u{2B1C}' | '\u{2B50}' | '\u{2B55}'
        | '\u{231A}' | '\u{231B}' | '\u{23E9}'..='\u{23F3}' | '\u{25FD}' | '\u{25FE}'
    )
}

/// The length that the limit counts: Unicode code points of the trimmed text.
pub(crate) fn counted_length(text: &str) -> usize {
    text.trim().chars().count()
}

#[cfg(test)]
mod tests {
    use super::{Segment, brought_back, counted_length, is_large_emoji, joined, segments};

    #[test]
    fn of_two_texts_the_first_stays_above() {
        assert_eq!(joined("", "shared"), "shared");
        assert_eq!(joined("Look: \n", "shared"), "Look:\nshared");
        assert_eq!(joined("Refused", "the next"), "Refused\nthe next");
        assert_eq!(joined("Refused", " "), "Refused");
    }

    #[test]
    fn texts_that_are_refused_one_after_the_other_come_back_in_their_order() {
        let (above, whole) = brought_back("", "One \n", "the next");
        assert_eq!((above.as_str(), whole.as_str()), ("One", "One\nthe next"));
        let (above, whole) = brought_back(&above, "Two", &whole);
        assert_eq!(
            (above.as_str(), whole.as_str()),
            ("One\nTwo", "One\nTwo\nthe next")
        );
        // Nothing was written since.
        assert_eq!(brought_back("One", "Two", "One").1, "One\nTwo");
        // The earlier one was changed, or is gone.
        assert_eq!(brought_back("One", "Two", "One more").1, "Two\nOne more");
        assert_eq!(brought_back("One", "Two", "").1, "Two");
    }

    fn links(text: &str) -> Vec<String> {
        segments(text)
            .into_iter()
            .filter_map(|s| match s {
                Segment::Link { href, .. } => Some(href),
                Segment::Plain(_) => None,
            })
            .collect()
    }

    #[test]
    fn links_end_before_the_sentence_does() {
        assert_eq!(links("see https://a.org/x."), ["https://a.org/x"]);
        assert_eq!(links("(http://a.org/wiki/B_(c))"), ["http://a.org/wiki/B_(c)"]);
        assert_eq!(links("«https://a.org»"), ["https://a.org"]);
        assert_eq!(links("www.a.org, then"), ["https://www.a.org"]);
    }

    #[test]
    fn only_web_addresses_become_links() {
        assert!(links("javascript:alert(1) data:text/html,x file:///etc").is_empty());
        assert!(links("https:// https://@b https://user@evil.example http://.").is_empty());
        assert!(links("xhttps://a.org").is_empty());
    }

    #[test]
    fn no_character_is_lost() {
        for text in [
            "a  https://b.c\n\n d.",
            "",
            " ",
            "https://é.fr/ü x",
            "»https://a.b«",
        ] {
            let joined: String = segments(text)
                .into_iter()
                .map(|s| match s {
                    Segment::Plain(text) => text,
                    Segment::Link { shown, .. } => shown,
                })
                .collect();
            assert_eq!(joined, text);
        }
    }

    #[test]
    fn one_to_three_emoji_are_large() {
        for yes in ["😀", "👍🏽", "👨‍👩‍👧 ❤️ 🇩🇪".replace(' ', "").as_str(), "🎉🎉🎉"]
        {
            assert!(is_large_emoji(yes), "{yes}");
        }
        for no in ["", "a😀", "😀😀😀😀", "12", "😀 ok"] {
            assert!(!is_large_emoji(no), "{no}");
        }
    }

    #[test]
    fn the_limit_counts_code_points() {
        assert_eq!(counted_length("  a😀é\n"), 3);
    }
}
