//! Shows texts with the words that were looked for.

use holdfast_client::search::hits;
use leptos::prelude::*;

/// Characters shown before the first hit.
const BEFORE: usize = 28;
/// Characters of a message that its row shows at most.
const LENGTH: usize = 160;

/// A text with its hits marked.
pub(crate) fn marked(text: &str, words: &str) -> AnyView {
    if words.is_empty() {
        return text.to_owned().into_any();
    }
    pieces(text, words)
        .into_iter()
        .map(|(piece, hit)| {
            if hit {
                view! { <mark>{piece}</mark> }.into_any()
            } else {
                piece.into_any()
            }
        })
        .collect_view()
        .into_any()
}

/// A text cut at its hits, and which pieces they are.
fn pieces(text: &str, words: &str) -> Vec<(String, bool)> {
    let mut out = Vec::new();
    let mut done = 0;
    for hit in hits(text, words) {
        if hit.start > done {
            out.push((text[done..hit.start].to_owned(), false));
        }
        done = hit.end;
        out.push((text[hit].to_owned(), true));
    }
    if done < text.len() {
        out.push((text[done..].to_owned(), false));
    }
    out
}

/// The part of a message around its first hit, on one line.
pub(super) fn snippet(text: &str, hit: u32) -> String {
    let hit = usize::try_from(hit).unwrap_or_default();
    let (before, from_hit) = text.split_at_checked(hit).unwrap_or((text, ""));
    let mut start = before.char_indices().rev().nth(BEFORE).map_or(0, |(at, _)| at);
    if start > 0 {
        // Rather a whole word than a piece of one.
        start += before[start..].find(char::is_whitespace).unwrap_or(0);
    }
    let mut out = String::new();
    if start > 0 {
        out.push('…');
    }
    let mut space = start > 0;
    for c in before[start..].chars().chain(from_hit.chars()).take(LENGTH) {
        if !c.is_whitespace() {
            out.push(c);
        } else if !space {
            out.push(' ');
        }
        space = c.is_whitespace();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{pieces, snippet};

    #[test]
    fn a_text_is_cut_at_its_hits() {
        let cut = pieces("Viele Grüße, viel Spaß", "viel gruss");
        let shape: Vec<_> = cut.iter().map(|(piece, hit)| (piece.as_str(), *hit)).collect();
        assert_eq!(
            shape,
            [
                ("Viel", true),
                ("e ", false),
                ("Grüß", true),
                ("e, ", false),
                ("viel", true),
                (" Spaß", false)
            ]
        );
        assert_eq!(pieces("text", "other"), [("text".to_owned(), false)]);
    }

    #[test]
    fn a_snippet_begins_before_the_hit() {
        assert_eq!(snippet("See you\n\nat the station", 15), "See you at the station");
        let long = format!("{} station ahead", "word ".repeat(40));
        let hit = u32::try_from(long.find("station").expect("a hit")).expect("short");
        let shown = snippet(&long, hit);
        assert!(
            shown.starts_with("…word word") && shown.ends_with("station ahead"),
            "{shown}"
        );
        assert!(shown.find("station").expect("the hit") < 40);
        let dense = "語".repeat(400);
        assert!(snippet(&dense, 900).starts_with("…語"));
        assert_eq!(snippet("ab", 9), "ab", "a place beyond the text");
    }
}
