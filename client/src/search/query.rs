//! What was typed, ready to be looked for, and where it occurs in one text.

use std::ops::Range;

use super::fold::{fold, folded};

/// Characters of a query that count (`Command::Search`).
const MAX_CHARS: usize = 256;
/// Words of a query that count: nobody remembers more of a message.
const MAX_WORDS: usize = 8;
/// A word of fewer letters is looked for at the beginning of words only: it would be found nearly everywhere else.
const SHORT: usize = 3;
/// From here on come scripts that write without spaces, or whole words in one character.
const DENSE_SCRIPTS: char = '\u{2e80}';

/// The words of a query, folded. All have to occur in a text, in any order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) words: Vec<Word>,
}

/// One word of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// Folded, UTF-8, not empty.
    pub(crate) bytes: Vec<u8>,
    /// Found at the beginning of words only.
    pub(crate) at_start: bool,
}

impl Query {
    pub(crate) fn new(typed: &str) -> Self {
        let end = typed
            .char_indices()
            .nth(MAX_CHARS)
            .map_or(typed.len(), |(at, _)| at);
        let mut words: Vec<Word> = Vec::new();
        for word in folded(typed.get(..end).unwrap_or(typed)).split(' ') {
            // People quote and star words out of habit; between letters these are ordinary characters.
            let inner = word.trim_matches(['"', '*']);
            let word = if inner.is_empty() { word } else { inner };
            let word = Word {
                at_start: word.chars().count() < SHORT
                    && word.chars().all(|c| c < DENSE_SCRIPTS && c.is_alphanumeric()),
                bytes: word.as_bytes().to_vec(),
            };
            if !word.bytes.is_empty() && words.len() < MAX_WORDS && !words.contains(&word) {
                words.push(word);
            }
        }
        Self { words }
    }

    /// Nothing to look for.
    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Where the words occur in a text, in bytes on character boundaries, in order and without overlaps.
    pub(crate) fn hits(&self, text: &str) -> Vec<Range<usize>> {
        let mut folded = Vec::with_capacity(text.len());
        // For each folded byte, where its character begins in the text.
        let mut origin = Vec::with_capacity(text.len());
        fold(text, |at, c| {
            folded.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            origin.resize(folded.len(), at);
        });
        let mut hits: Vec<Range<usize>> = Vec::new();
        for word in &self.words {
            let mut from = 0;
            while let Some(at) = word.find(&folded, from) {
                from = at + word.bytes.len();
                let last = origin.get(from - 1).copied().unwrap_or_default();
                let later = origin.get(from..).unwrap_or_default();
                let end = later.iter().find(|start| **start > last).copied();
                hits.push(origin.get(at).copied().unwrap_or_default()..end.unwrap_or(text.len()));
            }
        }
        hits.sort_by_key(|hit| (hit.start, hit.end));
        let mut merged: Vec<Range<usize>> = Vec::with_capacity(hits.len());
        for hit in hits {
            match merged.last_mut() {
                Some(last) if hit.start < last.end => last.end = last.end.max(hit.end),
                _ => merged.push(hit),
            }
        }
        merged
    }

    /// How well a name fits, 0 best; `None` when a word is missing.
    pub(crate) fn rank(&self, name: &str) -> Option<u8> {
        let name = folded(name);
        let name = name.trim().as_bytes();
        if self.is_empty() || !self.words.iter().all(|word| word.find(name, 0).is_some()) {
            return None;
        }
        let first = self.words.first()?;
        Some(if name.starts_with(&first.bytes) {
            0
        } else if self.words.iter().all(|word| word.begins_a_word(name)) {
            1
        } else {
            2
        })
    }
}

impl Word {
    /// The first occurrence in a folded text at or after `from`.
    pub(crate) fn find(&self, text: &[u8], from: usize) -> Option<usize> {
        self.find_by(text, from, 0)
    }

    /// As [`Word::find`], led by the byte at `rare` of the word: the rarer it is in the text, the faster.
    pub(crate) fn find_by(&self, text: &[u8], from: usize, rare: usize) -> Option<usize> {
        let byte = *self.bytes.get(rare)?;
        let mut at = from.saturating_add(rare);
        loop {
            at += find_byte(text.get(at..)?, byte)?;
            let start = at - rare;
            if text.get(start..)?.starts_with(&self.bytes) && (!self.at_start || starts_word(text, start)) {
                return Some(start);
            }
            at += 1;
        }
    }

    fn begins_a_word(&self, text: &[u8]) -> bool {
        let mut from = 0;
        while let Some(at) = self.find(text, from) {
            if starts_word(text, at) {
                return true;
            }
            from = at + 1;
        }
        false
    }
}

/// Whether a word of the text begins here.
fn starts_word(text: &[u8], at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let start = before.iter().rposition(|byte| byte & 0xC0 != 0x80).unwrap_or(0);
    // What is not a character, such as the mark between two texts, ends a word.
    let after_letter = std::str::from_utf8(before.get(start..).unwrap_or_default())
        .is_ok_and(|c| c.chars().next().is_some_and(char::is_alphanumeric));
    !after_letter
}

/// The first place of a byte: eight bytes at a time, since compilers don't do this by themselves.
fn find_byte(text: &[u8], byte: u8) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    let pattern = u64::from(byte) * ONES;
    let (chunks, rest) = text.as_chunks::<8>();
    for (n, chunk) in chunks.iter().enumerate() {
        // A byte of `same` is 0 where the text has the wanted one; the lowest such byte keeps its top bit below.
        let same = u64::from_le_bytes(*chunk) ^ pattern;
        let zeros = same.wrapping_sub(ONES) & !same & TOPS;
        if zeros != 0 {
            return Some(n * 8 + usize::try_from(zeros.trailing_zeros() / 8).unwrap_or_default());
        }
    }
    let place = rest.iter().position(|other| *other == byte)?;
    Some(chunks.len() * 8 + place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits<'t>(query: &str, text: &'t str) -> Vec<&'t str> {
        Query::new(query)
            .hits(text)
            .into_iter()
            .map(|hit| &text[hit])
            .collect()
    }

    #[test]
    fn words_are_found_anywhere() {
        assert_eq!(hits("station see", "See you at the station"), ["See", "station"]);
        assert_eq!(hits("tatio", "See you at the station"), ["tatio"]);
        assert_eq!(hits("harbour", "See you at the station"), [""; 0]);
        assert_eq!(hits("", "text"), [""; 0]);
    }

    #[test]
    fn hits_are_the_words_as_written() {
        assert_eq!(hits("grusse", "Viele Grüße!"), ["Grüße"]);
        assert_eq!(hits("s", "Straße s"), ["S", "s"]);
        assert_eq!(hits("cafe", "Cafe\u{301} Nero"), ["Cafe\u{301}"]);
        assert_eq!(hits("abcd bcde", "xabcdex"), ["abcde"]);
        assert_eq!(hits("stras", "Straße"), ["Straß"]);
    }

    #[test]
    fn short_words_begin_words() {
        assert_eq!(hits("at", "the cat at home"), ["at"]);
        assert_eq!(hits("at", "the cat"), [""; 0]);
        assert_eq!(hits("по", "то по суп опора"), ["по"]);
        assert_eq!(hits("語", "日本語"), ["語"]);
        assert_eq!(hits(":)", "hello:)"), [":)"]);
    }

    #[test]
    fn quotes_and_stars_around_words_do_not_count() {
        assert_eq!(hits("“see* you\"", "see you"), ["see", "you"]);
        assert_eq!(hits("\"", "say \"yes\""), ["\"", "\""]);
    }

    #[test]
    fn names_rank_by_where_they_match() {
        let rank = |query: &str, name| Query::new(query).rank(name);
        assert_eq!(rank("ann", "Anna Berg"), Some(0));
        assert_eq!(rank("berg", "Anna Berg"), Some(1));
        assert_eq!(rank("berg an", "Anna Berg"), Some(1));
        assert_eq!(rank("nna", "Anna Berg"), Some(2));
        assert_eq!(rank("anna x", "Anna Berg"), None);
        assert_eq!(rank(" ", "Anna Berg"), None);
    }

    #[test]
    fn a_byte_is_found_wherever_it_lies() {
        for length in 0..40 {
            for at in 0..length {
                // Neighbours that differ in one bit must not pass for it.
                let mut text = vec![b'`'; length];
                text[at] = b'a';
                assert_eq!(find_byte(&text, b'a'), Some(at));
            }
            assert_eq!(find_byte(&vec![0xFF; length], 0), None);
        }
    }
}
