//! Known answers, every error, and the round trip of the recovery phrase.

use super::*;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

const COUNTING: &str = "amaze buffet cake entrance symptoms tiger lamb maze nestle python dusted faxed faxed";
const COUNTING_SEED: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

#[test]
fn the_list_is_the_published_one() {
    let digest = Sha256::digest(LIST.as_bytes());
    assert_eq!(
        data_encoding::HEXLOWER.encode(&digest),
        "eaa6bce7dd92f4d6dd74f224264e0ef4ad21095d68ec77616b26ceb599baf4f7"
    );
    assert_eq!(LIST.lines().count(), LIST_SIZE);
    assert!(WORDS.is_sorted_by(|one, other| prefix(one) < prefix(other)));
}

#[test]
fn published_phrases_write_and_read() {
    assert_eq!(Seed::from_bytes(&COUNTING_SEED).phrase().as_str(), COUNTING);
    assert_eq!(decode(COUNTING), Ok(Seed::from_bytes(&COUNTING_SEED)));
    let zeros = Seed::from_bytes(&[0; 16]);
    assert_eq!(zeros.phrase().as_str(), ["abbey"; 13].join(" "));
    assert_eq!(decode(zeros.phrase().as_str()), Ok(zeros));
}

#[test]
fn only_three_letters_count() {
    let longer = "amazing buffalo cakewalk entropy symbol tigger lambda mazurka nestling pythons dustpan faxing faxing";
    assert_eq!(decode(longer), Ok(Seed::from_bytes(&COUNTING_SEED)));
}

#[test]
fn capitals_punctuation_and_line_breaks_do_not_matter() {
    let pasted = format!("\n “{}”. ", COUNTING.to_uppercase().replace(' ', ",\r\n\u{a0}"));
    assert_eq!(decode(&pasted), Ok(Seed::from_bytes(&COUNTING_SEED)));
}

#[test]
fn a_numbered_list_reads() {
    let numbered = |mark: &str| -> String {
        let words = COUNTING.split(' ').enumerate();
        words
            .map(|(at, word)| format!("{}{mark}{word}\n", at + 1))
            .collect()
    };
    for mark in [". ", ") ", ".", " ", "\t", ": ", " - "] {
        assert_eq!(decode(&numbered(mark)), Ok(Seed::from_bytes(&COUNTING_SEED)));
    }
    let misspelt = numbered(". ").replace("cake", "qqke");
    assert_eq!(
        decode(&misspelt),
        Err(PhraseError::UnknownWords { positions: vec![2] })
    );
    let other_checksum = numbered(". ")
        .replace("maze\n", "haze\n")
        .replace("ahaze", "amaze");
    assert!(corrections(&other_checksum).contains(&Correction {
        position: 7,
        word: "maze"
    }));
    assert!(Seed::from_bytes(&COUNTING_SEED).phrase().is_in(&numbered(") ")));
    assert_eq!(decode("1. 2) 3"), Err(PhraseError::Empty));
    // Digits inside a word are a typing error, not a list.
    let inside = COUNTING.replace("cake", "c4ke");
    assert_eq!(
        decode(&inside),
        Err(PhraseError::UnknownWords { positions: vec![2] })
    );
}

#[test]
fn a_dotted_capital_reads() {
    let turkish = COUNTING.to_uppercase().replace('I', "\u{130}");
    assert_eq!(decode(&turkish), Ok(Seed::from_bytes(&COUNTING_SEED)));
}

#[test]
fn wide_letters_read() {
    let widened = |text: &str| -> String {
        let wide = |letter: char| match letter {
            ' ' => '\u{3000}',
            other => char::from_u32(u32::from(other) + 0xfee0).unwrap(),
        };
        text.chars().map(wide).collect()
    };
    for text in [COUNTING.to_owned(), COUNTING.to_uppercase()] {
        assert_eq!(decode(&widened(&text)), Ok(Seed::from_bytes(&COUNTING_SEED)));
    }
    assert_eq!(index_of("ａｂｂｅｙ"), index_of("abbey"));
    // What stands beside the letters is none.
    assert_eq!(lower("＠［｀｛").as_str(), "＠［｀｛");
}

#[test]
fn every_error_is_told_apart() {
    assert_eq!(decode(" ,.\n"), Err(PhraseError::Empty));
    let twelve = COUNTING.rsplit_once(' ').unwrap().0;
    assert_eq!(decode(twelve), Err(PhraseError::TooShort { count: 12 }));
    assert_eq!(
        decode(&format!("{COUNTING} faxed")),
        Err(PhraseError::TooLong { count: 14 })
    );
    let misspelt = COUNTING.replace("cake", "qqke").replace("lamb", "la");
    assert_eq!(
        decode(&misspelt),
        Err(PhraseError::UnknownWords {
            positions: vec![2, 6]
        })
    );
    let overflowing = format!("abbey abbey zoom {}", ["abbey"; 10].join(" "));
    assert_eq!(decode(&overflowing), Err(PhraseError::Overflow));
    let swapped = COUNTING.replace("amaze buffet", "buffet amaze");
    assert_eq!(decode(&swapped), Err(PhraseError::Checksum));
}

#[test]
fn unknown_words_are_reported_before_the_checksum() {
    let both = COUNTING.replace("amaze buffet", "buffet xxxxx");
    assert_eq!(
        decode(&both),
        Err(PhraseError::UnknownWords { positions: vec![1] })
    );
}

#[test]
fn completion_and_suggestions_help_typing() {
    assert_eq!(complete("ama"), ["amaze"]);
    assert!(complete("").is_empty());
    assert!(complete("zz").is_empty());
    assert_eq!(suggest("entrence").first(), Some(&"entrance"));
    assert_eq!(suggest("zomo").first(), Some(&"zoom"));
    assert!(suggest("qqqqqqqqqqqq").is_empty());
    assert_eq!(index_of("ZOOMING"), Some(LIST_SIZE - 1));
    assert_eq!(index_of("zo"), None);
}

#[test]
fn the_checksum_word_is_found() {
    let words: Vec<&str> = COUNTING.split(' ').collect();
    assert_eq!(checksum_word(&words[..12]), Some("faxed"));
    assert_eq!(checksum_word(&words), None);
}

#[test]
fn one_misread_word_is_corrected() {
    // "maze" read as "haze", which is in the list too: only the checksum tells.
    let misread = COUNTING.replace("maze nestle", "haze nestle");
    assert_eq!(decode(&misread), Err(PhraseError::Checksum));
    let found = corrections(&misread);
    assert!(found.contains(&Correction {
        position: 7,
        word: "maze"
    }));
    assert!(corrections(COUNTING).is_empty());
}

#[test]
fn the_likeliest_correction_comes_first() {
    // One key beside the right one is likelier than any other single wrong letter, and that likelier than two.
    let costs = |misread: &str| -> Vec<usize> {
        let typed: Vec<&str> = misread.split(' ').collect();
        corrections(misread)
            .iter()
            .map(|found| {
                let letters: Vec<char> = typed[found.position].chars().collect();
                typos::cost(&letters, found.word).unwrap()
            })
            .collect()
    };
    let misread = COUNTING.replace("maze nestle", "haze nestle");
    let costs = costs(&misread);
    assert!(costs.len() > 1 && costs.is_sorted(), "{costs:?}");
}

#[test]
fn the_one_word_that_is_not_in_the_list_is_corrected() {
    let misspelt = COUNTING.replace("tiger", "itger");
    assert_eq!(
        decode(&misspelt),
        Err(PhraseError::UnknownWords { positions: vec![5] })
    );
    let found = corrections(&misspelt);
    assert_eq!(
        found.first().map(|first| (first.position, first.word)),
        Some((5, "tiger"))
    );
    assert!(found.iter().all(|found| found.position == 5));
    // Of two of them there are too many ways to put them right.
    assert!(corrections(&misspelt.replace("cake", "qqke")).is_empty());
}

#[test]
fn words_that_no_seed_has_are_corrected_too() {
    // Three words make a number of which a few in ten thousand are beyond four bytes: the first such misreading.
    let found = (0..=u8::MAX)
        .map(|byte| Seed::from_bytes(&[byte; 16]))
        .find_map(|seed| {
            let phrase = seed.phrase();
            let words: Vec<String> = phrase.words().map(Into::into).collect();
            words.iter().enumerate().find_map(|(at, word)| {
                let (_, other) = near(word).into_iter().find(|(_, other)| {
                    let mut wrong = words.clone();
                    wrong[at] = (*other).into();
                    decode(&wrong.join(" ")) == Err(PhraseError::Overflow)
                })?;
                let mut wrong = words.clone();
                wrong[at] = other.into();
                Some((at, word.clone(), wrong.join(" ")))
            })
        });
    let (position, right, wrong) = found.unwrap();
    assert!(
        corrections(&wrong)
            .iter()
            .any(|found| found.position == position && found.word == right)
    );
}

/// Of a hundred phrases with one word taken for its nearest neighbour, so many are put right by the first five offers.
#[test]
fn a_handful_of_offers_is_nearly_always_enough() {
    let right = (0..100_u8)
        .filter(|number| {
            let seed = Seed::from_bytes(&Sha256::digest([*number])[..16].try_into().unwrap());
            let phrase = seed.phrase();
            let words: Vec<&str> = phrase.words().collect();
            // The first word from there on that has a neighbour.
            let (at, other) = (0..WORD_COUNT)
                .map(|step| (usize::from(*number) + step) % WORD_COUNT)
                .find_map(|at| near(words[at]).first().map(|(_, other)| (at, *other)))
                .unwrap();
            let mut misread = words.clone();
            misread[at] = other;
            let misread = misread.join(" ");
            decode(&misread).is_ok()
                || corrections(&misread)
                    .iter()
                    .take(5)
                    .any(|found| found.position == at && found.word == words[at])
        })
        .count();
    assert!(right >= 90, "{right}");
}

#[test]
fn a_phrase_inside_a_message_is_noticed() {
    let phrase = Seed::from_bytes(&COUNTING_SEED).phrase();
    assert!(phrase.is_in(&format!("here it is:\n{}!", COUNTING.replace(' ', "  "))));
    assert!(!phrase.is_in("amaze buffet"));
    assert_eq!(format!("{phrase:?}"), "Phrase(..)");
    assert_eq!(phrase.words().count(), WORD_COUNT);
}

proptest! {
    #[test]
    fn writing_and_reading_invert(bytes: [u8; 16]) {
        let seed = Seed::from_bytes(&bytes);
        prop_assert_eq!(decode(seed.phrase().as_str()), Ok(seed));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        let _ = decode(&text);
        let _ = suggest(&text);
        let _ = complete(&text);
        let _ = corrections(&text);
    }

    #[test]
    fn what_was_meant_is_among_the_corrections(bytes: [u8; 16], position in 0..WORD_COUNT, choice: prop::sample::Index) {
        let seed = Seed::from_bytes(&bytes);
        let phrase = seed.phrase();
        let mut words: Vec<&str> = phrase.words().collect();
        let meant = words[position];
        let neighbours = near(meant);
        prop_assume!(!neighbours.is_empty());
        words[position] = choice.get(&neighbours).1;
        let misread = words.join(" ");
        let found = corrections(&misread);
        // A wrong word can make another phrase that reads: nothing tells that one from the right one.
        let offered = found.iter().any(|offer| (offer.position, offer.word) == (position, meant));
        prop_assert!(decode(&misread).is_ok() || offered);
        for correction in found {
            let mut corrected = words.clone();
            corrected[correction.position] = correction.word;
            prop_assert!(decode(&corrected.join(" ")).is_ok());
        }
    }

    #[test]
    fn any_thirteen_words_are_read_or_refused(indices in prop::collection::vec(0..LIST_SIZE, 13)) {
        let text: Vec<&str> = indices.iter().map(|index| WORDS[*index]).collect();
        if let Ok(seed) = decode(&text.join(" ")) {
            let phrase = seed.phrase();
            prop_assert_eq!(phrase.as_str(), text.join(" "));
        }
    }
}
