//! The pseudo-locale: English made longer, accented and bracketed, to be read by people who check a layout.

/// Each letter with an accented look-alike.
const ACCENTED: &[(char, char)] = &[
    ('a', 'á'),
    ('c', 'ç'),
    ('e', 'é'),
    ('g', 'ğ'),
    ('i', 'í'),
    ('l', 'ł'),
    ('n', 'ñ'),
    ('o', 'ó'),
    ('s', 'š'),
    ('t', 'ţ'),
    ('u', 'ü'),
    ('y', 'ý'),
    ('z', 'ž'),
    ('A', 'Á'),
    ('E', 'É'),
    ('N', 'Ñ'),
    ('O', 'Ó'),
    ('S', 'Š'),
];

/// How much longer other languages tend to be than English: one filler letter per this many.
const STRETCH: usize = 4;

/// The pseudo form of a text; placeholders stay as they are.
pub(super) fn pseudo(text: &str) -> String {
    let mut out = String::from("⟦");
    let mut in_placeholder = false;
    let mut letters = 0;
    for c in text.chars() {
        match c {
            '{' => in_placeholder = true,
            '}' => in_placeholder = false,
            _ => {}
        }
        if in_placeholder || c == '}' {
            out.push(c);
            continue;
        }
        letters += 1;
        let found = ACCENTED.iter().find(|(plain, _)| *plain == c);
        out.push(found.map_or(c, |(_, accented)| *accented));
    }
    for _ in 0..letters / STRETCH {
        out.push('~');
    }
    out.push('⟧');
    out
}

#[cfg(test)]
mod tests {
    use super::pseudo;

    #[test]
    fn placeholders_survive_and_the_text_grows() {
        let out = pseudo("Last seen {time} ago");
        assert!(out.contains("{time}"));
        assert!(out.chars().count() > "Last seen {time} ago".chars().count() + 2);
    }
}
