//! The recovery phrase: 12 words for the seed and one that checks them (`spec/01-accounts-and-crypto.md §6`).
//!
//! Only the first three letters of a word count, so "amazing" reads as "amaze"; what was typed is normalised first, so
//! that a phrase pasted as a numbered list, with capitals or line breaks still reads.

mod typos;

use super::Seed;
use std::sync::LazyLock;
use zeroize::Zeroizing;

/// Words in the list, the base of the phrase's digits.
pub const LIST_SIZE: usize = 1626;
/// Words of a phrase: twelve that carry the seed and the checksum word.
pub const WORD_COUNT: usize = 13;
/// Words that carry the seed.
pub const SEED_WORDS: usize = WORD_COUNT - 1;
/// Letters of a word that count; unique within the list.
pub const PREFIX_LETTERS: usize = 3;
/// How far the wide letters stand from those of ASCII.
const WIDE: u32 = 0xfee0;
/// Most suggestions returned for one word.
const MAX_SUGGESTIONS: usize = 4;
/// [`LIST_SIZE`] in the arithmetic of spec/01 §6.2.
const BASE: u64 = LIST_SIZE as u64;

/// The English list, one word a line (Monero's, BSD-3-Clause; the only one that clients exchange).
const LIST: &str = include_str!("english.txt");

static WORDS: LazyLock<[&'static str; LIST_SIZE]> = LazyLock::new(|| {
    let mut lines = LIST.lines();
    core::array::from_fn(|_| lines.next().unwrap_or_default())
});

/// Why a recovery phrase does not read. Checked in the order of these variants.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PhraseError {
    /// There is no word in the input.
    #[error("no recovery phrase was entered")]
    Empty,
    /// Words are missing.
    #[error("a recovery phrase has 13 words, this has {count}")]
    TooShort {
        /// Words that were given.
        count: usize,
    },
    /// There are too many words.
    #[error("a recovery phrase has 13 words, this has {count}")]
    TooLong {
        /// Words that were given.
        count: usize,
    },
    /// Words that are not in the list, by their first three letters.
    #[error("words are not in the list")]
    UnknownWords {
        /// Which words, counted from 0; the numbers of a numbered list do not count.
        positions: Vec<usize>,
    },
    /// Three words stand for a number that no seed has, so at least one of them is wrong.
    #[error("the words do not belong together")]
    Overflow,
    /// The last word does not match the others: a word is wrong or two are swapped.
    #[error("the checksum word does not match")]
    Checksum,
}

/// A recovery phrase in its canonical form: 13 lower-case words with single spaces. Wiped on drop, never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Phrase(Zeroizing<String>);

impl Phrase {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The words in order.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.0.split(' ')
    }

    /// Whether a text holds this phrase, whatever stands between the words. For the warning before a person sends
    /// their own phrase to somebody (spec/01 §6.4).
    pub fn is_in(&self, text: &str) -> bool {
        normalise(text).contains(self.as_str())
    }
}

impl core::fmt::Debug for Phrase {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Phrase(..)")
    }
}

/// One way to make a phrase with one wrong word read.
#[derive(Clone, PartialEq, Eq)]
pub struct Correction {
    /// Which word to change, counted from 0.
    pub position: usize,
    /// The word to put there.
    pub word: &'static str,
}

impl core::fmt::Debug for Correction {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Correction {{ position: {}, .. }}", self.position)
    }
}

/// The word list in alphabetical order.
pub fn words() -> &'static [&'static str; LIST_SIZE] {
    &WORDS
}

/// The place of a word in the list by its first three letters; capitals and further letters do not matter.
pub fn index_of(word: &str) -> Option<usize> {
    let lower = lower(word);
    let wanted = prefix(&lower);
    if wanted.len() < PREFIX_LETTERS {
        return None;
    }
    WORDS.binary_search_by(|entry| prefix(entry).cmp(wanted)).ok()
}

/// Lower case as far as the words of the list need it; wiped on drop. Beside the ASCII capitals these are the two letters
/// that only look like one, a Turkish keyboard's capital I and the sign for kelvin, and the wide letters of Chinese,
/// Japanese and Korean keyboards. The whole of Unicode would be 20 kB of tables.
pub fn lower(text: &str) -> Zeroizing<String> {
    // No letter gets longer, so nothing is copied to a larger buffer and left behind.
    let mut plain = Zeroizing::new(String::with_capacity(text.len()));
    plain.extend(text.chars().map(lower_letter));
    plain
}

fn lower_letter(letter: char) -> char {
    match letter {
        '\u{130}' => 'i',
        '\u{212a}' => 'k',
        '\u{ff21}'..='\u{ff3a}' | '\u{ff41}'..='\u{ff5a}' => char::from_u32(u32::from(letter) - WIDE)
            .unwrap_or(letter)
            .to_ascii_lowercase(),
        other => other.to_ascii_lowercase(),
    }
}

/// The words that start with what was typed so far; none for an empty start.
pub fn complete(start: &str) -> Vec<&'static str> {
    let start = lower(start.trim());
    if start.is_empty() {
        return Vec::new();
    }
    WORDS
        .iter()
        .copied()
        .filter(|word| word.starts_with(start.as_str()))
        .collect()
}

/// The words a misspelt one was probably meant to be, likeliest first; at most four.
pub fn suggest(word: &str) -> Vec<&'static str> {
    let typed = lower(word.trim());
    near(&typed)
        .into_iter()
        .take(MAX_SUGGESTIONS)
        .map(|(_, word)| word)
        .collect()
}

/// The checksum word of twelve words: one of them, chosen by a CRC-32 over their first three letters.
///
/// `None` unless there are exactly twelve known words.
pub fn checksum_word(words: &[&str]) -> Option<&'static str> {
    let words: &[&str; SEED_WORDS] = words.try_into().ok()?;
    let mut indices = Zeroizing::new([0_usize; SEED_WORDS]);
    for (index, word) in indices.iter_mut().zip(words) {
        *index = index_of(word)?;
    }
    WORDS.get(checksum(&indices)?).copied()
}

/// Single words whose replacement makes a phrase read, each a probable misspelling of what stands there, likeliest first.
///
/// For thirteen words of which one is not in the list, that one is replaced; for thirteen known words that do not belong
/// together, any one of them. Empty when something else is wrong. The checksum tells only one wrong word in twelve, so
/// that what was meant is among others: offer a handful, and show whose account it opens.
pub fn corrections(text: &str) -> Vec<Correction> {
    let text = normalise(text);
    let only = match decode(&text) {
        Err(PhraseError::Checksum | PhraseError::Overflow) => None,
        Err(PhraseError::UnknownWords { positions }) => match positions.as_slice() {
            [position] => Some(*position),
            _ => return Vec::new(),
        },
        _ => return Vec::new(),
    };
    let typed: Vec<&str> = text.split(' ').collect();
    let mut found = Vec::new();
    for (position, word) in typed.iter().enumerate() {
        if only.is_some_and(|only| only != position) {
            continue;
        }
        for (likelihood, candidate) in near(word) {
            let mut words = typed.clone();
            if let Some(slot) = words.get_mut(position) {
                *slot = candidate;
            }
            if decode(&Zeroizing::new(words.join(" "))).is_ok() {
                let word = candidate;
                found.push((likelihood, Correction { position, word }));
            }
        }
    }
    found.sort_by_key(|(likelihood, _)| *likelihood);
    found.into_iter().map(|(_, correction)| correction).collect()
}

/// Writes a seed down (spec/01 §6.2).
pub(super) fn encode(seed: &Seed) -> Phrase {
    let mut indices = Zeroizing::new([0_usize; SEED_WORDS]);
    for (group, slots) in seed
        .as_bytes()
        .as_chunks::<4>()
        .0
        .iter()
        .zip(indices.as_chunks_mut::<3>().0)
    {
        let value = u64::from(u32::from_le_bytes(*group));
        let first = value % BASE;
        let second = (value / BASE + first) % BASE;
        let third = (value / BASE / BASE + second) % BASE;
        *slots = [first as usize, second as usize, third as usize];
    }
    // Room for the longest words at once, so that no copy of a part stays behind in freed memory.
    let mut text = Zeroizing::new(String::with_capacity(WORD_COUNT * 13));
    for index in indices.iter().copied().chain(checksum(&indices)) {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(WORDS.get(index).copied().unwrap_or_default());
    }
    Phrase(text)
}

/// Reads a phrase back (spec/01 §6.3).
pub(super) fn decode(text: &str) -> Result<Seed, PhraseError> {
    let text = normalise(text);
    match text.split_ascii_whitespace().count() {
        0 => return Err(PhraseError::Empty),
        count @ ..WORD_COUNT => return Err(PhraseError::TooShort { count }),
        WORD_COUNT => {}
        count => return Err(PhraseError::TooLong { count }),
    }
    let mut indices = Zeroizing::new([0_usize; WORD_COUNT]);
    let mut positions = Vec::new();
    let words = text.split_ascii_whitespace().enumerate();
    for ((position, word), index) in words.zip(indices.iter_mut()) {
        match index_of(word) {
            Some(found) => *index = found,
            None => positions.push(position),
        }
    }
    if !positions.is_empty() {
        return Err(PhraseError::UnknownWords { positions });
    }
    let [words @ .., last] = &*indices;

    let mut bytes = Zeroizing::new([0; Seed::SIZE]);
    for (triple, group) in words.as_chunks::<3>().0.iter().zip(bytes.as_chunks_mut::<4>().0) {
        let [first, second, third] = triple.map(|index| index as u64);
        let value =
            first + BASE * ((BASE - first + second) % BASE) + BASE * BASE * ((BASE - second + third) % BASE);
        *group = u32::try_from(value)
            .map_err(|_| PhraseError::Overflow)?
            .to_le_bytes();
    }
    if checksum(words) != Some(*last) {
        return Err(PhraseError::Checksum);
    }
    Ok(Seed::from_bytes(&bytes))
}

/// The list index of the checksum word.
fn checksum(indices: &[usize; SEED_WORDS]) -> Option<usize> {
    let mut crc = !0;
    for index in indices {
        crc = crc32(crc, prefix(WORDS.get(*index)?).as_bytes());
    }
    indices.get(!crc as usize % SEED_WORDS).copied()
}

/// Takes bytes into a CRC-32 (IEEE 802.3), which begins at all ones and ends inverted. Bit by bit: a table would be 16 kB
/// of every visit for 36 letters.
fn crc32(crc: u32, bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0xedb8_8320;
    bytes.iter().fold(crc, |crc, byte| {
        (0..u8::BITS).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (POLYNOMIAL & (crc & 1).wrapping_neg())
        })
    })
}

/// The first three letters, or the whole word when it is shorter.
fn prefix(word: &str) -> &str {
    let end = word
        .char_indices()
        .nth(PREFIX_LETTERS)
        .map_or(word.len(), |(at, _)| at);
    word.get(..end).unwrap_or(word)
}

/// Lower case, with one space for every run of characters that are not part of a word. Numbers that stand alone are
/// those of a numbered list and left out, so "1. Amaze 2) buffet" becomes "amaze buffet"; no word has digits.
fn normalise(text: &str) -> Zeroizing<String> {
    let in_word = |letter: &char| letter.is_alphanumeric() || *letter == '_';
    // No letter gets longer, so nothing is copied to a larger buffer and left behind.
    let mut plain = Zeroizing::new(String::with_capacity(text.len()));
    for token in text.split(|letter| !in_word(&letter)) {
        if token.chars().all(char::is_numeric) {
            continue;
        }
        if !plain.is_empty() {
            plain.push(' ');
        }
        plain.extend(token.chars().map(lower_letter));
    }
    plain
}

/// How likely a word was meant, the smallest number first: what its typing errors cost, and whether its first letter is
/// another one, which is rarely mistyped unnoticed.
type Likelihood = (usize, bool);

/// List words within a few typing errors of a word (but not equal to it), likeliest first.
fn near(word: &str) -> Vec<(Likelihood, &'static str)> {
    // Room for all of them at once, as above.
    let mut letters = Zeroizing::new(Vec::<char>::with_capacity(word.len()));
    letters.extend(word.chars());
    let mut found: Vec<(Likelihood, &'static str)> = WORDS
        .iter()
        .filter_map(|entry| {
            let cost = typos::cost(&letters, entry)?;
            Some(((cost, entry.chars().next() != letters.first().copied()), *entry))
        })
        .collect();
    found.sort_by_key(|(likelihood, _)| *likelihood);
    found
}

#[cfg(test)]
mod tests;
