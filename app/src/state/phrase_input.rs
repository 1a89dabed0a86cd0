//! The thirteen word boxes of the restore screen: what was typed, what it could mean, and what is wrong with it.

use holdfast_protocol::account::{Code, Seed, phrase};

/// Words of a recovery phrase (`spec/01-accounts-and-crypto.md §6`).
pub(crate) const WORDS: usize = 13;
/// Words that carry the seed; the last one checks them.
const DATA_WORDS: usize = 12;
/// Letters after which a word is certain.
pub(crate) const CERTAIN: usize = 3;
/// At most this many one-word corrections are offered.
const MAX_CORRECTIONS: usize = 5;

/// What was pasted or typed as one text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pasted {
    /// Words, to be spread over the boxes.
    Words(Vec<String>),
    /// A seed in hex.
    Hex(String),
    /// An Account ID or a contact link, which is not a secret and restores nothing.
    AccountId,
    /// Nothing that could be used.
    Nothing,
}

/// What a text is, before anything is computed.
pub(crate) fn classify(text: &str) -> Pasted {
    let trimmed = text.trim();
    match Code::read(trimmed) {
        Code::Account(_) | Code::ContactLink(_) | Code::OtherId(_) => Pasted::AccountId,
        Code::Recovery(_) | Code::BrokenRecovery(_) if is_hex(trimmed) => {
            Pasted::Hex(trimmed.to_ascii_lowercase())
        }
        _ => {
            let words = split_words(trimmed);
            if words.is_empty() {
                Pasted::Nothing
            } else {
                Pasted::Words(words)
            }
        }
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The words in a text: any case, with any punctuation and white space between them, numbered lists too.
pub(crate) fn split_words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphabetic())
        .filter(|word| !word.is_empty())
        .map(|word| phrase::lower(word).to_string())
        .collect()
}

/// What is known of one box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WordState {
    /// Nothing typed.
    Empty,
    /// Fewer letters than are needed to know the word.
    Unfinished,
    /// A word of the list.
    Known,
    /// Not in the list; with the nearest words.
    Unknown(Vec<String>),
}

/// What is known of a word.
pub(crate) fn word_state(word: &str) -> WordState {
    let word = phrase::lower(word.trim());
    if word.is_empty() {
        return WordState::Empty;
    }
    if phrase::index_of(&word).is_some() {
        return WordState::Known;
    }
    if word.chars().count() < CERTAIN && !phrase::complete(&word).is_empty() {
        return WordState::Unfinished;
    }
    let near = phrase::suggest(&word);
    WordState::Unknown(near.into_iter().map(Into::into).collect())
}

/// The words that a box offers while it is typed in.
pub(crate) fn completions(typed: &str) -> Vec<String> {
    let typed = phrase::lower(typed.trim());
    if typed.chars().count() < CERTAIN {
        return Vec::new();
    }
    phrase::complete(&typed).into_iter().map(Into::into).collect()
}

/// Changes of a single word that make the phrase read, likeliest first; at last the checksum word itself, when the others
/// are known.
pub(crate) fn corrections(words: &[String]) -> Vec<(usize, String)> {
    let mut out: Vec<(usize, String)> = phrase::corrections(&words.join(" "))
        .into_iter()
        .take(MAX_CORRECTIONS)
        .map(|found| (found.position, found.word.into()))
        .collect();
    let data: Vec<&str> = words.iter().take(DATA_WORDS).map(String::as_str).collect();
    if let Some(checksum) = phrase::checksum_word(&data) {
        let last = (DATA_WORDS, String::from(checksum));
        if !out.contains(&last) {
            out.push(last);
        }
    }
    out
}

/// Whether a text holds thirteen words in a row that read as a recovery phrase: nobody should send that by mistake
/// (`spec/01-accounts-and-crypto.md §6.4`).
pub(crate) fn holds_phrase(text: &str) -> bool {
    let words = split_words(text);
    words
        .windows(WORDS)
        .any(|run| Seed::from_phrase(&run.join(" ")).is_ok())
}

#[cfg(test)]
mod tests {
    use super::{
        Pasted, WordState, classify, completions, corrections, holds_phrase, split_words, word_state,
    };

    const PHRASE: &str =
        "amaze buffet cake entrance symptoms tiger lamb maze nestle python dusted faxed faxed";

    #[test]
    fn a_paste_is_told_apart_by_its_form() {
        let hex = "000102030405060708090a0b0c0d0e0f";
        assert_eq!(classify(&format!(" {hex}\n")), Pasted::Hex(hex.into()));
        assert_eq!(classify(&format!("05{}", "ab".repeat(32))), Pasted::AccountId);
        let link = format!("https://chat.example.org/#/c/05{}?n=Ada", "ab".repeat(32));
        assert_eq!(classify(&link), Pasted::AccountId);
        assert_eq!(classify(&"ab".repeat(32)), Pasted::Hex("ab".repeat(32)));
        assert_eq!(classify(" \n"), Pasted::Nothing);
        assert_eq!(
            classify("Amaze, BUFFET\n3. cake"),
            Pasted::Words(vec!["amaze".into(), "buffet".into(), "cake".into()])
        );
    }

    #[test]
    fn any_spacing_and_numbering_splits_into_thirteen() {
        let numbered = PHRASE
            .split(' ')
            .enumerate()
            .map(|(n, word)| format!("{}.  {word}\r\n", n + 1))
            .collect::<String>();
        assert_eq!(split_words(&numbered).join(" "), PHRASE);
    }

    #[test]
    fn words_are_known_by_their_first_three_letters() {
        assert_eq!(word_state("Amazing"), WordState::Known);
        assert_eq!(word_state("am"), WordState::Unfinished);
        assert_eq!(word_state(""), WordState::Empty);
        assert!(matches!(word_state("qqq"), WordState::Unknown(_)));
        assert_eq!(completions("ama"), ["amaze"]);
        assert!(completions("am").is_empty());
    }

    #[test]
    fn a_wrong_checksum_word_is_corrected() {
        let mut words: Vec<String> = PHRASE.split(' ').map(Into::into).collect();
        words[12] = "abbey".into();
        assert!(corrections(&words).contains(&(12, "faxed".into())));
    }

    #[test]
    fn a_phrase_is_found_inside_a_message() {
        assert!(holds_phrase(&format!(
            "here it is: {} ok",
            PHRASE.replace(' ', ", ")
        )));
        assert!(!holds_phrase("amaze buffet cake entrance"));
    }
}
