//! Bencoding ("bt"): integers `i<n>e`, strings `<len>:<bytes>`, lists `l…e`, dicts `d…e` with keys in ascending byte
//! order (spec/03-network.md, Conventions).
//!
//! There is exactly one encoding of a value, and the decoder takes no other: no leading zeros, no `-0`, keys strictly
//! ascending, nothing after the value. What was signed or hashed can so be rebuilt from what was read. Size and depth are
//! capped.
//!
//! ```
//! use holdfast_protocol::bt::{Value, decode, encode};
//!
//! let value = Value::dict([("n", Value::from(-5)), ("data", Value::from(&b"\x00\x01"[..]))]);
//! assert_eq!(encode(&value), b"d4:data2:\x00\x011:ni-5ee");
//! assert_eq!(decode(&encode(&value)).unwrap(), value);
//! ```

use std::collections::BTreeMap;

/// Deepest nesting that is read. Session's own structures (configs) nest fewer than ten levels.
pub const MAX_DEPTH: usize = 32;

/// Longest input that is read: the body cap of the network, 10 MiB (spec/03 §3.5).
pub const MAX_LEN: usize = 10 * 1024 * 1024;

/// Digits of the longest integer, 2^64 − 1.
const MAX_DIGITS: usize = 20;

/// A bencoded value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// An integer from −2^63 to 2^64 − 1; [`encode`] cuts others to that range.
    Int(i128),
    /// A byte string.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Value>),
    /// A dict; the map keeps the keys in their encoding order.
    Dict(BTreeMap<Vec<u8>, Value>),
}

/// Why bytes are no canonical bencoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BtError {
    /// The input ends inside a value.
    #[error("input ends inside a value")]
    Truncated,
    /// The input is longer than [`MAX_LEN`].
    #[error("input too long")]
    TooLong,
    /// Lists and dicts are nested deeper than [`MAX_DEPTH`].
    #[error("nested too deeply")]
    TooDeep,
    /// An integer or a length is not written in its shortest decimal form, or is out of range.
    #[error("bad number")]
    BadNumber,
    /// A byte that starts no value stands where a value or an end must be.
    #[error("unexpected byte")]
    Unexpected,
    /// Dict keys are not strictly ascending, so the same dict could be written in several ways.
    #[error("dict keys out of order")]
    KeyOrder,
    /// Something follows the value.
    #[error("bytes after the value")]
    Trailing,
    /// A value has another type than its place needs.
    #[error("value of another type expected")]
    WrongType,
}

impl Value {
    /// A dict of text keys.
    pub fn dict<K: Into<Vec<u8>>>(entries: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self::Dict(
            entries
                .into_iter()
                .map(|(key, value)| (key.into(), value))
                .collect(),
        )
    }

    /// The integer, if this is one.
    pub fn as_int(&self) -> Option<i128> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The bytes, if this is a string.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The elements, if this is a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// The entries, if this is a dict.
    pub fn as_dict(&self) -> Option<&BTreeMap<Vec<u8>, Value>> {
        match self {
            Self::Dict(dict) => Some(dict),
            _ => None,
        }
    }

    /// The entry of a dict; nothing when this is no dict or has no such key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_dict()?.get(key.as_bytes())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number.into())
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Int(number.into())
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Int(number.into())
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Bytes(text.as_bytes().to_vec())
    }
}

impl From<Vec<Value>> for Value {
    fn from(list: Vec<Value>) -> Self {
        Self::List(list)
    }
}

/// Encodes a value; the result is canonical.
pub fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write_value(&mut out, value);
    out
}

fn write_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Int(number) => write_int(out, *number),
        Value::Bytes(bytes) => write_bytes(out, bytes),
        Value::List(list) => {
            out.push(b'l');
            list.iter().for_each(|element| write_value(out, element));
            out.push(b'e');
        }
        Value::Dict(dict) => {
            out.push(b'd');
            for (key, element) in dict {
                write_bytes(out, key);
                write_value(out, element);
            }
            out.push(b'e');
        }
    }
}

/// Appends an integer.
pub(crate) fn write_int(out: &mut Vec<u8>, number: i128) {
    let number = number.clamp(i64::MIN.into(), u64::MAX.into());
    out.extend_from_slice(format!("i{number}e").as_bytes());
}

/// Appends a byte string.
pub(crate) fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bytes.len() + MAX_DIGITS);
    out.extend_from_slice(format!("{}:", bytes.len()).as_bytes());
    out.extend_from_slice(bytes);
}

/// Decodes exactly one value from the whole input.
pub fn decode(input: &[u8]) -> Result<Value, BtError> {
    let mut reader = Reader::new(input)?;
    let first = reader.token()?;
    let value = read_value(&mut reader, first, 0)?;
    reader.finish()?;
    Ok(value)
}

fn read_value(reader: &mut Reader<'_>, token: Token<'_>, depth: usize) -> Result<Value, BtError> {
    if depth >= MAX_DEPTH {
        return Err(BtError::TooDeep);
    }
    match token {
        Token::Int(number) => Ok(Value::Int(number)),
        Token::Bytes(bytes) => Ok(Value::Bytes(bytes.to_vec())),
        Token::List => {
            let mut list = Vec::new();
            loop {
                match reader.token()? {
                    Token::End => return Ok(Value::List(list)),
                    token => list.push(read_value(reader, token, depth + 1)?),
                }
            }
        }
        Token::Dict => {
            let mut dict = BTreeMap::new();
            let mut last = None;
            while let Some(key) = reader.key(&mut last)? {
                let token = reader.token()?;
                dict.insert(key.to_vec(), read_value(reader, token, depth + 1)?);
            }
            Ok(Value::Dict(dict))
        }
        Token::End => Err(BtError::Unexpected),
    }
}

/// What stands next in the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// An integer.
    Int(i128),
    /// A byte string, borrowed from the input.
    Bytes(&'a [u8]),
    /// The start of a list.
    List,
    /// The start of a dict.
    Dict,
    /// The end of the innermost list or dict.
    End,
}

/// Reads tokens without copying; nesting is the caller's business.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the front of `input`, which must not exceed [`MAX_LEN`].
    pub(crate) fn new(input: &'a [u8]) -> Result<Self, BtError> {
        if input.len() > MAX_LEN {
            return Err(BtError::TooLong);
        }
        Ok(Self { rest: input })
    }

    /// Starts at the front of what this program wrote itself, however long it is.
    pub(crate) fn own(input: &'a [u8]) -> Self {
        Self { rest: input }
    }

    /// The next token.
    pub(crate) fn token(&mut self) -> Result<Token<'a>, BtError> {
        let (first, rest) = self.rest.split_first().ok_or(BtError::Truncated)?;
        match first {
            b'i' => {
                self.rest = rest;
                self.int().map(Token::Int)
            }
            b'l' => {
                self.rest = rest;
                Ok(Token::List)
            }
            b'd' => {
                self.rest = rest;
                Ok(Token::Dict)
            }
            b'e' => {
                self.rest = rest;
                Ok(Token::End)
            }
            b'0'..=b'9' => self.bytes().map(Token::Bytes),
            _ => Err(BtError::Unexpected),
        }
    }

    /// The next key of a dict, which must be above `last`; `None` at the dict's end.
    pub(crate) fn key(&mut self, last: &mut Option<&'a [u8]>) -> Result<Option<&'a [u8]>, BtError> {
        match self.token()? {
            Token::End => Ok(None),
            Token::Bytes(key) => {
                if last.is_some_and(|last| last >= key) {
                    return Err(BtError::KeyOrder);
                }
                *last = Some(key);
                Ok(Some(key))
            }
            _ => Err(BtError::Unexpected),
        }
    }

    /// How many bytes of `input`, which must be the whole input, are read.
    pub(crate) fn consumed(&self, input: &[u8]) -> usize {
        input.len().saturating_sub(self.rest.len())
    }

    /// Skips a value of any type and gives the bytes it was written with.
    pub(crate) fn raw_value(&mut self) -> Result<&'a [u8], BtError> {
        let start = self.rest;
        let first = self.token()?;
        read_value(self, first, 0)?;
        start.get(..self.consumed(start)).ok_or(BtError::Truncated)
    }

    /// Checks that the input was read to its end.
    pub(crate) fn finish(&self) -> Result<(), BtError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(BtError::Trailing)
        }
    }

    /// The digits before `end`, which is consumed too.
    fn digits(&mut self, end: u8) -> Result<&'a [u8], BtError> {
        let window = self.rest.get(..MAX_DIGITS + 2).unwrap_or(self.rest);
        let Some(length) = window.iter().position(|byte| *byte == end) else {
            let truncated = window.len() <= MAX_DIGITS
                && window
                    .iter()
                    .enumerate()
                    .all(|(at, byte)| byte.is_ascii_digit() || (at == 0 && *byte == b'-'));
            return Err(if truncated {
                BtError::Truncated
            } else {
                BtError::BadNumber
            });
        };
        let (digits, rest) = self.rest.split_at_checked(length).ok_or(BtError::Truncated)?;
        self.rest = rest.split_first().ok_or(BtError::Truncated)?.1;
        Ok(digits)
    }

    fn int(&mut self) -> Result<i128, BtError> {
        let text = self.digits(b'e')?;
        let (negative, digits) = match text.split_first() {
            Some((b'-', digits)) => (true, digits),
            _ => (false, text),
        };
        let magnitude = i128::from(parse_digits(digits)?);
        if !negative {
            return Ok(magnitude);
        }
        if magnitude == 0 || -magnitude < i128::from(i64::MIN) {
            return Err(BtError::BadNumber);
        }
        Ok(-magnitude)
    }

    fn bytes(&mut self) -> Result<&'a [u8], BtError> {
        let length = parse_digits(self.digits(b':')?)?;
        let length = usize::try_from(length).map_err(|_| BtError::Truncated)?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(BtError::Truncated)?;
        self.rest = rest;
        Ok(bytes)
    }
}

/// A decimal number in its shortest form.
fn parse_digits(digits: &[u8]) -> Result<u64, BtError> {
    if digits.is_empty() || (digits.len() > 1 && digits.first() == Some(&b'0')) {
        return Err(BtError::BadNumber);
    }
    digits.iter().try_fold(0_u64, |sum, digit| {
        let value = digit.checked_sub(b'0').filter(|value| *value <= 9);
        value
            .and_then(|value| sum.checked_mul(10)?.checked_add(value.into()))
            .ok_or(BtError::BadNumber)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_kind_of_value_decodes() {
        let value = decode(b"d1:ai-7e1:bl2:xyi0ee1:cd0:18446744073709551615:ee");
        assert_eq!(value, Err(BtError::Truncated));
        let value = decode(b"d1:ai-7e1:bl2:xyi0ee1:cd0:i18446744073709551615eee").unwrap();
        assert_eq!(value.get("a").and_then(Value::as_int), Some(-7));
        assert_eq!(
            value.get("b").and_then(Value::as_list).map(<[Value]>::len),
            Some(2)
        );
        assert_eq!(
            value.get("c").and_then(|c| c.get("")).and_then(Value::as_int),
            Some(u64::MAX.into())
        );
    }

    #[test]
    fn other_spellings_of_a_value_are_refused() {
        for (input, error) in [
            (&b"i-0e"[..], BtError::BadNumber),
            (b"i01e", BtError::BadNumber),
            (b"ie", BtError::BadNumber),
            (b"i-e", BtError::BadNumber),
            (b"i+1e", BtError::BadNumber),
            (b"i18446744073709551616e", BtError::BadNumber),
            (b"i-9223372036854775809e", BtError::BadNumber),
            (b"01:a", BtError::BadNumber),
            (b"1x:a", BtError::BadNumber),
            (b"99999999999999999999:a", BtError::BadNumber),
            (b"9999999999999999999:a", BtError::Truncated),
            (b"2:a", BtError::Truncated),
            (b"i1", BtError::Truncated),
            (b"l", BtError::Truncated),
            (b"", BtError::Truncated),
            (b"e", BtError::Unexpected),
            (b"x", BtError::Unexpected),
            (b"i1ei2e", BtError::Trailing),
            (b"d1:bi1e1:ai1ee", BtError::KeyOrder),
            (b"d1:ai1e1:ai1ee", BtError::KeyOrder),
            (b"di1ei1ee", BtError::Unexpected),
            (b"d1:ae", BtError::Unexpected),
        ] {
            assert_eq!(decode(input), Err(error), "{}", String::from_utf8_lossy(input));
        }
    }

    #[test]
    fn depth_is_capped() {
        let nested = |levels: usize| [vec![b'l'; levels], vec![b'e'; levels]].concat();
        assert!(decode(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(decode(&nested(MAX_DEPTH + 1)), Err(BtError::TooDeep));
        assert_eq!(decode(&vec![b'l'; 1_000_000]), Err(BtError::TooDeep));
    }

    #[test]
    fn length_is_capped() {
        assert_eq!(decode(&vec![b'0'; MAX_LEN + 1]), Err(BtError::TooLong));
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            (i64::MIN..=i64::MAX).prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<Vec<u8>>().prop_map(Value::Bytes),
        ];
        leaf.prop_recursive(5, 48, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::List),
                prop::collection::btree_map(any::<Vec<u8>>(), inner, 0..6).prop_map(Value::Dict),
            ]
        })
    }

    proptest! {
        #[test]
        fn decoding_inverts_encoding(value in values()) {
            prop_assert_eq!(decode(&encode(&value)), Ok(value));
        }

        #[test]
        fn what_decodes_encodes_to_the_same_bytes(input in "[ilde0-9:-]{0,12}") {
            if let Ok(value) = decode(input.as_bytes()) {
                prop_assert_eq!(encode(&value), input.as_bytes());
            }
        }
    }
}
