//! What stands on the keys of the keyboard on the screen, by language.

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// Types a letter, digit or sign.
    Letter(char),
    /// Letters are large for the next one.
    Shift,
    /// Takes away what stands before the caret.
    Backspace,
    /// Signs in place of letters, or back.
    Signs,
    /// Another language's letters.
    Language,
    /// A blank.
    Space,
    /// Ends a line or sends a form.
    Enter,
    /// Puts the keyboard away.
    Hide,
}

/// The letters of a language, row by row from the top.
struct Letters {
    tag: &'static str,
    rows: [&'static str; 3],
    /// Whether its script has large letters.
    cased: bool,
}

const DIGITS: &str = "1234567890";
const SIGNS: [&str; 3] = ["@#€$%&*()'", "-+=/\\_:;!?", ".,\"<>[]{}~^"];
const LETTERS: [Letters; 4] = [
    Letters {
        tag: "en",
        rows: ["qwertyuiop", "asdfghjkl", "zxcvbnm,."],
        cased: true,
    },
    Letters {
        tag: "de",
        rows: ["qwertzuiopü", "asdfghjklöä", "yxcvbnmß,."],
        cased: true,
    },
    Letters {
        tag: "ru",
        rows: ["йцукенгшщзхъ", "фывапролджэё", "ячсмитьбю,."],
        cased: true,
    },
    Letters {
        tag: "ar",
        rows: ["ضصثقفغعهخحجد", "شسيبلاأإتنمكط", "ئءؤرىةوزظذآ،."],
        cased: false,
    },
];

/// What is shown of the keyboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Face {
    /// Which of [`LETTERS`].
    letters: usize,
    /// Large letters.
    pub(super) shift: bool,
    /// Signs in place of letters.
    pub(super) signs: bool,
}

impl Face {
    /// The letters of a language; English ones for those that have none here.
    pub(super) fn of(tag: &str) -> Self {
        let letters = LETTERS.iter().position(|letters| letters.tag == tag);
        Self {
            letters: letters.unwrap_or_default(),
            shift: false,
            signs: false,
        }
    }

    /// The language of the letters.
    pub(super) fn tag(self) -> &'static str {
        self.letters().tag
    }

    fn letters(self) -> &'static Letters {
        &LETTERS[self.letters.min(LETTERS.len() - 1)]
    }

    /// The rows of keys, from the top. The last one has the same keys on every face.
    pub(super) fn rows(self) -> Vec<Vec<Key>> {
        let letters = self.letters();
        let rows = if self.signs { SIGNS } else { letters.rows };
        let mut all = vec![typed(DIGITS, false)];
        all.extend(rows.into_iter().map(|row| typed(row, self.shift && !self.signs)));
        if let Some(last) = all.last_mut() {
            if letters.cased && !self.signs {
                last.insert(0, Key::Shift);
            }
            last.push(Key::Backspace);
        }
        all.push(vec![Key::Signs, Key::Language, Key::Space, Key::Enter, Key::Hide]);
        all
    }

    /// The face after a key was pressed.
    pub(super) fn after(self, key: Key, own: &str) -> Self {
        match key {
            Key::Shift => Self {
                shift: !self.shift,
                ..self
            },
            Key::Signs => Self {
                signs: !self.signs,
                shift: false,
                ..self
            },
            // Names of accounts and words of phrases have Latin letters.
            Key::Language if self.tag() == own => Self::of(if own == "en" { "de" } else { "en" }),
            Key::Language => Self::of(own),
            Key::Letter(_) => Self { shift: false, ..self },
            Key::Backspace | Key::Space | Key::Enter | Key::Hide => self,
        }
    }
}

fn typed(row: &str, large: bool) -> Vec<Key> {
    row.chars()
        .map(|letter| {
            let mut upper = letter.to_uppercase();
            // A letter that becomes two when it is large, as ß does, stays as it is.
            let one = upper.next().filter(|_| large && upper.next().is_none());
            Key::Letter(one.unwrap_or(letter))
        })
        .collect()
}

/// Where what a backspace takes away begins, in a field's text before the caret: one character, which takes one or two
/// UTF-16 units.
pub(super) fn before_caret(text: &[u16]) -> usize {
    let low = |unit: u16| (0xdc00..0xe000).contains(&unit);
    let high = |unit: u16| (0xd800..0xdc00).contains(&unit);
    match text {
        [.., first, second] if high(*first) && low(*second) => text.len() - 2,
        [] => 0,
        _ => text.len() - 1,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Face, Key, LETTERS, before_caret};
    use crate::i18n::LANGUAGES;

    fn letters(face: Face) -> BTreeSet<char> {
        face.rows()
            .into_iter()
            .flatten()
            .filter_map(|key| match key {
                Key::Letter(letter) => Some(letter),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn every_language_has_its_letters() {
        for language in LANGUAGES {
            assert_eq!(Face::of(language.tag).tag(), language.tag);
        }
        assert!(letters(Face::of("en")).is_superset(&('a'..='z').chain('0'..='9').collect()));
        assert!(letters(Face::of("de")).is_superset(&('a'..='z').chain("äöüß".chars()).collect()));
        let russian: BTreeSet<char> = ('а'..='я').chain(['ё']).collect();
        assert!(letters(Face::of("ru")).is_superset(&russian));
        let arabic: BTreeSet<char> = ('ا'..='غ').chain('ف'..='ي').collect();
        let missing: Vec<char> = arabic.difference(&letters(Face::of("ar"))).copied().collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn no_letter_is_there_twice_on_a_face() {
        for set in &LETTERS {
            for signs in [false, true] {
                let face = Face {
                    signs,
                    ..Face::of(set.tag)
                };
                let keys: Vec<Key> = face.rows().into_iter().flatten().collect();
                let letters = keys.iter().filter(|key| matches!(key, Key::Letter(_))).count();
                assert_eq!(super::tests::letters(face).len(), letters, "{} {signs}", set.tag);
                for key in [Key::Backspace, Key::Enter, Key::Space, Key::Signs, Key::Hide] {
                    assert!(keys.contains(&key));
                }
            }
        }
    }

    #[test]
    fn shift_is_for_one_letter_and_changes_only_letters() {
        let small = Face::of("de");
        let large = small.after(Key::Shift, "de");
        assert!(letters(large).contains(&'Ä') && letters(large).contains(&'ß'));
        assert!(letters(large).contains(&'1'));
        assert_eq!(large.after(Key::Letter('Ä'), "de"), small);
        assert!(
            !Face::of("ar")
                .rows()
                .into_iter()
                .flatten()
                .any(|key| key == Key::Shift)
        );
    }

    #[test]
    fn the_language_key_leads_to_latin_letters_and_back() {
        let own = Face::of("ru");
        let other = own.after(Key::Language, "ru");
        assert_eq!(other.tag(), "en");
        assert_eq!(other.after(Key::Language, "ru"), own);
        assert_eq!(Face::of("xx").tag(), "en");
    }

    #[test]
    fn backspace_takes_one_character() {
        let units = |text: &str| text.encode_utf16().collect::<Vec<u16>>();
        assert_eq!(before_caret(&units("")), 0);
        assert_eq!(before_caret(&units("ab")), 1);
        assert_eq!(before_caret(&units("a😀")), 1);
        assert_eq!(before_caret(&[0xdc00]), 0);
    }
}
