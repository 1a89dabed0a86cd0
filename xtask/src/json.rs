//! As much of JSON as reading our own programs' lines takes.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;

/// A parsed value. Numbers keep their spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

impl Json {
    /// Parses one whole value.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut chars = text.chars().peekable();
        let value = value(&mut chars)?;
        space(&mut chars);
        chars.next().is_none().then_some(value)
    }

    /// A member of an object.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        if let Self::Object(members) = self {
            members.get(name)
        } else {
            None
        }
    }

    /// A member that is text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        if let Some(Self::Text(text)) = self.get(name) {
            Some(text)
        } else {
            None
        }
    }

    /// A member that is a list.
    pub(crate) fn list(&self, name: &str) -> &[Self] {
        if let Some(Self::List(items)) = self.get(name) {
            items
        } else {
            &[]
        }
    }
}

fn space(chars: &mut Peekable<Chars<'_>>) {
    while chars.next_if(|c| c.is_ascii_whitespace()).is_some() {}
}

fn value(chars: &mut Peekable<Chars<'_>>) -> Option<Json> {
    space(chars);
    match chars.peek()? {
        '{' => object(chars),
        '[' => list(chars),
        '"' => text(chars).map(Json::Text),
        _ => word(chars),
    }
}

fn word(chars: &mut Peekable<Chars<'_>>) -> Option<Json> {
    let mut word = String::new();
    while let Some(c) = chars.next_if(|c| c.is_ascii_alphanumeric() || "+-.".contains(*c)) {
        word.push(c);
    }
    match word.as_str() {
        "null" => Some(Json::Null),
        "true" => Some(Json::Bool(true)),
        "false" => Some(Json::Bool(false)),
        number => number
            .parse::<f64>()
            .is_ok()
            .then(|| Json::Number(number.to_owned())),
    }
}

fn text(chars: &mut Peekable<Chars<'_>>) -> Option<String> {
    chars.next_if_eq(&'"')?;
    let mut text = String::new();
    loop {
        match chars.next()? {
            '"' => return Some(text),
            '\\' => text.push(escape(chars)?),
            c => text.push(c),
        }
    }
}

fn escape(chars: &mut Peekable<Chars<'_>>) -> Option<char> {
    Some(match chars.next()? {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'u' => {
            let mut unit = || (0..4).try_fold(0, |sum, _| Some(sum * 16 + chars.next()?.to_digit(16)?));
            let first = unit()?;
            if (0xd800..0xdc00).contains(&first) {
                (chars.next()?, chars.next()?).eq(&('\\', 'u')).then_some(())?;
                let second = (0..4).try_fold(0, |sum, _| Some(sum * 16 + chars.next()?.to_digit(16)?))?;
                char::from_u32(0x10000 + ((first - 0xd800) << 10) + second.checked_sub(0xdc00)?)?
            } else {
                char::from_u32(first)?
            }
        }
        c @ ('"' | '\\' | '/') => c,
        _ => return None,
    })
}

fn list(chars: &mut Peekable<Chars<'_>>) -> Option<Json> {
    chars.next();
    let mut items = Vec::new();
    space(chars);
    if chars.next_if_eq(&']').is_some() {
        return Some(Json::List(items));
    }
    loop {
        items.push(value(chars)?);
        space(chars);
        match chars.next()? {
            ',' => {}
            ']' => return Some(Json::List(items)),
            _ => return None,
        }
    }
}

fn object(chars: &mut Peekable<Chars<'_>>) -> Option<Json> {
    chars.next();
    let mut members = BTreeMap::new();
    space(chars);
    if chars.next_if_eq(&'}').is_some() {
        return Some(Json::Object(members));
    }
    loop {
        space(chars);
        let name = text(chars)?;
        space(chars);
        chars.next_if_eq(&':')?;
        members.insert(name, value(chars)?);
        space(chars);
        match chars.next()? {
            ',' => {}
            '}' => return Some(Json::Object(members)),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_was_written() {
        let json = Json::parse(r#" {"app":"http://127.0.0.1:80/","nodes":[{"https_port":22,"ok":true},{}],"e":"\u00e9\n\ud83d\ude00\""} "#).unwrap();
        assert_eq!(json.text("app"), Some("http://127.0.0.1:80/"));
        assert_eq!(json.list("nodes").len(), 2);
        assert_eq!(
            json.list("nodes")[0].get("https_port"),
            Some(&Json::Number("22".to_owned()))
        );
        assert_eq!(json.text("e"), Some("é\n😀\""));
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in [
            "",
            "{",
            "{\"a\"}",
            "[1,]",
            "tru",
            "{} {}",
            "\"\\x\"",
            "\"\\ud83d\\u0020\"",
        ] {
            assert_eq!(Json::parse(text), None, "{text}");
        }
    }
}
