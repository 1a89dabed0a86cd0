//! Texts in the form in which they are compared: without case and accents, with plain quotes, dashes and spaces.
//!
//! The tables are small on purpose, since they travel with the page: Latin letters of all European languages and of
//! Vietnamese, and the few Greek, Cyrillic and Arabic letters that people write in two ways. Everything else is only
//! put in lower case.

/// The base letters of U+00C0 to U+024F; a dot where there is none.
const LATIN: &[u8] = b"aaaaaa.ceeeeiiiidnooooo.ouuuuy..aaaaaa.ceeeeiiiidnooooo.ouuuuy.y\
aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiii..jjkkklllllll\
lllnnnnnnnnnoooooo..rrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs\
................................oo.............uu...............\
.............aaiioouuuuuuuuuu.aaaa....ggkkoooo..j...gg..nnaa....\
aaaaeeeeiiiioooorrrruuuusstt..hh......aaeeooooooooyy............\
................";
const LATIN_START: u32 = 0xC0;

/// The base letters of U+1E00 to U+1EFF.
const LATIN_MORE: &[u8] = b"aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmm\
mmmmnnnnnnnnoooooooopppprrrrrrrrssssssssssttttttttuuuuuuuuuuvvvv\
wwwwwwwwwwxxxxyyzzzzzzhtwy.s....aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeee\
eeeeeeeeiiiioooooooooooooooooooooooouuuuuuuuuuuuuuyyyyyyyy......";
const LATIN_MORE_START: u32 = 0x1E00;

/// Calls `take` with every folded character and the byte offset in `text` of the character that it comes from. Marks
/// that only change the letter before them are left out.
pub(crate) fn fold(text: &str, mut take: impl FnMut(usize, char)) {
    for (at, c) in text.char_indices() {
        if c.is_ascii() {
            let plain = if c.is_ascii_whitespace() { ' ' } else { c };
            take(at, plain.to_ascii_lowercase());
        } else if !is_mark(c) {
            fold_other(c, |folded| take(at, folded));
        }
    }
}

/// The folded text.
pub(crate) fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    fold(text, |_, c| out.push(c));
    out
}

fn fold_other(c: char, mut take: impl FnMut(char)) {
    let pair = match c {
        'ß' | 'ẞ' => Some(['s', 's']),
        'æ' | 'Æ' => Some(['a', 'e']),
        'œ' | 'Œ' => Some(['o', 'e']),
        'þ' | 'Þ' => Some(['t', 'h']),
        'ĳ' | 'Ĳ' => Some(['i', 'j']),
        _ => None,
    };
    if let Some(pair) = pair {
        pair.into_iter().for_each(take);
    } else if let Some(base) = base_letter(c) {
        take(base);
    } else if c.is_whitespace() {
        take(' ');
    } else {
        // A few signs, such as that of the ångström, are letters once in lower case.
        let lower = c.to_lowercase().filter(|c| !is_mark(*c));
        lower
            .map(|c| base_letter(c).unwrap_or_else(|| plain(c)))
            .for_each(take);
    }
}

/// The ASCII letter under a Latin one.
fn base_letter(c: char) -> Option<char> {
    let code = u32::from(c);
    let from = |table: &[u8], start: u32| {
        let place = usize::try_from(code.checked_sub(start)?).ok()?;
        table.get(place).map(|letter| char::from(*letter))
    };
    from(LATIN_MORE, LATIN_MORE_START)
        .or_else(|| from(LATIN, LATIN_START))
        .filter(|letter| *letter != '.')
}

/// One lower-case character for all those that people use for the same.
fn plain(c: char) -> char {
    match c {
        '‘' | '’' | '‚' | '‛' | '′' | 'ʼ' => '\'',
        '“' | '”' | '„' | '‟' | '″' | '«' | '»' => '"',
        '‐' | '‑' | '‒' | '–' | '—' | '−' => '-',
        'ά' => 'α',
        'έ' => 'ε',
        'ή' => 'η',
        'ί' | 'ϊ' | 'ΐ' => 'ι',
        'ό' => 'ο',
        'ύ' | 'ϋ' | 'ΰ' => 'υ',
        'ώ' => 'ω',
        'ς' => 'σ',
        'ё' => 'е',
        'й' => 'и',
        'ї' => 'і',
        'ў' => 'у',
        'أ' | 'إ' | 'آ' | 'ٱ' => 'ا',
        'ى' | 'ئ' => 'ي',
        'ؤ' => 'و',
        'ة' => 'ه',
        // Full-width forms of ASCII stand at a fixed distance from it.
        '！'..='～' => u32::from(c)
            .checked_sub(0xFEE0)
            .and_then(char::from_u32)
            .map_or(c, |c| c.to_ascii_lowercase()),
        _ => c,
    }
}

/// Whether a character only changes the one before it, or is not seen at all.
fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' // combining accents
        | '\u{483}'..='\u{487}' // Cyrillic
        | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}' | '\u{5c5}' | '\u{5c7}' // Hebrew points
        | '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}' // Arabic vowels, stretching
        | '\u{6d6}'..='\u{6dc}' | '\u{6df}'..='\u{6e8}' | '\u{6ea}'..='\u{6ed}'
        | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' // not seen
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_cover_their_ranges() {
        assert_eq!(LATIN.len(), 0x250 - 0xC0);
        assert_eq!(LATIN_MORE.len(), 0x1F00 - 0x1E00);
    }

    #[test]
    fn case_and_accents_go() {
        for (text, expected) in [
            ("Grüße aus Łódź", "grusse aus lodz"),
            ("ÇA VA, Œuvre", "ca va, oeuvre"),
            ("Ｈｅｌｌｏ　World", "hello world"),
            ("Việt Nam, ĐƯỜNG", "viet nam, duong"),
            ("İstanbul ısı", "istanbul isi"),
            ("ΆΝΟΙΞΗ ώς", "ανοιξη ωσ"),
            ("Ёлка Й", "елка и"),
            ("مُحَمَّد أحمد", "محمد احمد"),
            ("שָׁלוֹם", "שלום"),
            ("日本語", "日本語"),
            ("don’t “stop” — now", "don't \"stop\" - now"),
            ("soft\u{ad}hyphen\ttab\nline", "softhyphen tab line"),
        ] {
            assert_eq!(folded(text), expected);
        }
    }

    #[test]
    fn composed_and_decomposed_letters_fold_alike() {
        for (one, other) in [
            ("é", "e\u{301}"),
            ("ế", "e\u{302}\u{301}"),
            ("й", "и\u{306}"),
            ("ά", "α\u{301}"),
        ] {
            assert_eq!(folded(one), folded(other));
        }
    }

    #[test]
    fn every_character_folds_to_what_folds_to_itself() {
        for c in (0..=0x1_FFFF).filter_map(char::from_u32) {
            let once = folded(c.encode_utf8(&mut [0; 4]));
            assert_eq!(folded(&once), once, "U+{:04X}", u32::from(c));
        }
    }
}
