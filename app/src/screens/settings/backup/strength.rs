//! How hard a passphrase is to guess, in words. A rough measure that errs on the safe side: it knows no dictionary, so a letter
//! of a word counts for less than its alphabet would say, and what repeats or counts on for hardly anything.

use holdfast_client::api::Passphrase;

/// How hard to guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strength {
    /// Nothing typed yet.
    Empty,
    /// So many characters are missing.
    Short(usize),
    /// Guessed by whoever tries for a while.
    Weak,
    /// Good enough.
    Fair,
    /// Hard to guess.
    Strong,
}

/// Tenths of a bit for a character that follows from the one before.
const FOLLOWS: u32 = 5;
/// Tenths of a bit for a letter within a word.
const LETTER: u32 = 20;
/// Tenths of a bit for a digit, a sign, a capital, or a letter of a large alphabet.
const OTHER: u32 = 30;
/// So many characters are measured: whoever types more has a strong one.
const MEASURED: usize = 200;
/// From so many tenths of a bit on it is fair, and strong.
const FAIR: u32 = 300;
const STRONG: u32 = 440;

/// How hard a passphrase is to guess.
pub(super) fn strength(text: &str) -> Strength {
    let length = text.chars().count();
    match length {
        0 => return Strength::Empty,
        _ if length < Passphrase::MIN_CHARS => return Strength::Short(Passphrase::MIN_CHARS - length),
        _ => {}
    }
    let mut before: Option<char> = None;
    let mut sum = 0;
    for (at, c) in text.chars().take(MEASURED).enumerate() {
        let follows = before.is_some_and(|before| u32::from(before).abs_diff(u32::from(c)) <= 1);
        let seen = text.chars().take(at).filter(|other| *other == c).count();
        sum += match c {
            _ if follows || seen >= 3 => FOLLOWS,
            'a'..='z' => LETTER,
            _ => OTHER,
        };
        before = Some(c);
    }
    match sum {
        0..FAIR => Strength::Weak,
        FAIR..STRONG => Strength::Fair,
        _ => Strength::Strong,
    }
}

#[cfg(test)]
mod tests {
    use super::{Strength, strength};

    #[test]
    fn words_are_measured_with_caution() {
        for (text, expected) in [
            ("", Strength::Empty),
            ("kelp", Strength::Short(6)),
            ("aaaaaaaaaaaaaaaaaaaa", Strength::Weak),
            ("1234567890", Strength::Weak),
            ("password12", Strength::Weak),
            ("correct-horse-7", Strength::Fair),
            ("three green kelp fronds by the pier", Strength::Strong),
            ("gH7#pQ2!mZ9&xK4$", Strength::Strong),
            ("зелёная ламинария", Strength::Strong),
        ] {
            assert_eq!(strength(text), expected, "{text}");
        }
    }
}
