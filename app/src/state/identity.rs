//! How an account is shown when there is no picture: initials, colour, short id.

use holdfast_protocol::account::Id;
use sha2::{Digest, Sha512};

use crate::platform::upper_case;

/// How many avatar colours there are (`spec/12-client-behaviour.md §9.2`).
const HUES: u64 = 7;
/// Characters kept at either end of a shortened id.
const SHORT_ENDS: usize = 4;

/// The avatar colour of an id: the same index that other clients take.
pub(crate) fn hue(id: &Id) -> u8 {
    let digest = Sha512::digest(id.to_hex().as_bytes());
    // The first twelve hex characters are the first six bytes.
    let number = digest
        .iter()
        .take(6)
        .fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
    (number % HUES) as u8
}

/// One or two characters that stand for a name; empty if it has no letter or digit.
pub(crate) fn initials(name: &str) -> String {
    let words: Vec<&str> = name
        .split([' ', '-'])
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .collect();
    let letters = |word: &str| -> Vec<char> {
        word.chars()
            .skip_while(|c| !c.is_alphanumeric())
            .take_while(|c| c.is_alphanumeric())
            .collect()
    };
    let picked: Vec<char> = match words.as_slice() {
        [] => Vec::new(),
        [one] => letters(one).into_iter().take(2).collect(),
        [first, second, ..] => [first, second]
            .iter()
            .filter_map(|word| letters(word).into_iter().next())
            .collect(),
    };
    let picked: String = picked.into_iter().collect();
    upper_case(&picked).chars().take(2).collect()
}

/// An id short enough to be read: `05ab…cdef`.
pub(crate) fn short_id(id: &Id) -> String {
    let hex = id.to_hex();
    let end = hex.len().saturating_sub(SHORT_ENDS);
    format!(
        "{}…{}",
        hex.get(..SHORT_ENDS).unwrap_or_default(),
        hex.get(end..).unwrap_or_default()
    )
}

/// An id in groups of characters, so that two people can compare it and lines break evenly.
pub(crate) fn id_groups(id: &Id) -> Vec<String> {
    const GROUP: usize = 6;
    let hex: Vec<char> = id.to_hex().chars().collect();
    hex.chunks(GROUP).map(|chunk| chunk.iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use holdfast_protocol::account::Id;

    use super::{hue, id_groups, initials, short_id};

    fn id(hex: &str) -> Id {
        Id::parse(hex).expect("id")
    }

    #[test]
    fn colours_are_the_ones_other_clients_take() {
        let first = id("05123456789012345678901234567890123456789012345678901234567890abcd");
        assert_eq!(hue(&first), 5);
        assert_eq!(hue(&id(&format!("05{}", "22".repeat(32)))), 2);
    }

    #[test]
    fn initials_come_from_the_first_two_words() {
        assert_eq!(initials("Ada Lovelace"), "AL");
        assert_eq!(initials("ada"), "AD");
        assert_eq!(initials("jean-luc picard"), "JL");
        assert_eq!(initials("🦊 fox"), "FO");
        assert_eq!(initials("李 小龙"), "李小");
        assert_eq!(initials("…"), "");
    }

    #[test]
    fn ids_are_shortened_and_grouped_without_loss() {
        let id = id("05123456789012345678901234567890123456789012345678901234567890abcd");
        assert_eq!(short_id(&id), "0512…abcd");
        assert_eq!(id_groups(&id).concat(), id.to_hex());
        assert_eq!(id_groups(&id).len(), 11);
    }
}
