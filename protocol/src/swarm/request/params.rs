//! The parameters of a request before they have meaning: one borrowed tree for JSON and bt bodies, and the rules for
//! every scalar (spec/03-network.md §3.1).

use super::RequestError;
use crate::base64;
use crate::bt::{BtError, Reader, Token};
use crate::keys::{Ed25519PublicKey, Signature};
use crate::swarm::{Address, MessageHash, Namespace, NamespaceSelection, SubaccountToken};
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// Deepest nesting of a request body: an `ifelse` chain of a few levels around a batch fits easily.
pub const MAX_REQUEST_DEPTH: usize = 24;

/// A timestamp below this looks like seconds and is refused, ms (spec/03 §3.1).
const MIN_TIMESTAMP_MS: u64 = 1_000_000_000;

/// Which encoding a body has: it decides how bytes and truth values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// JSON: bytes are base64, truth values `true` and `false`.
    Json,
    /// Bencoding: bytes are raw, truth values 0 and 1.
    Bt,
}

/// A parsed value that borrows its text from the body wherever it can.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Param<'a> {
    Null,
    Flag(bool),
    Int(i128),
    Float(f64),
    Text(Cow<'a, [u8]>),
    List(Vec<Param<'a>>),
    Dict(Params<'a>),
}

/// A JSON object or bt dict.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Params<'a> {
    form: Form,
    entries: Vec<(Cow<'a, [u8]>, Param<'a>)>,
}

impl<'a> Param<'a> {
    /// Parses a whole JSON text.
    pub(crate) fn from_json(body: &'a [u8]) -> Result<Self, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_slice(body);
        let value = JsonParam { depth: 0 }.deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(value)
    }

    /// Parses a whole bencoded value.
    pub(crate) fn from_bt(body: &'a [u8]) -> Result<Self, BtError> {
        let mut reader = Reader::new(body)?;
        let first = reader.token()?;
        let value = read_bt(&mut reader, first, 0)?;
        reader.finish()?;
        Ok(value)
    }

    /// The object, if this is one.
    pub(crate) fn into_dict(self) -> Option<Params<'a>> {
        match self {
            Self::Dict(dict) => Some(dict),
            _ => None,
        }
    }

    /// The same as a JSON value; bytes that are no text become empty strings (they cannot come from JSON).
    pub(crate) fn to_value(&self) -> serde_json::Value {
        use serde_json::Value;
        match self {
            Self::Null => Value::Null,
            Self::Flag(flag) => Value::Bool(*flag),
            Self::Int(number) => i64::try_from(*number)
                .map(Value::from)
                .or_else(|_| u64::try_from(*number).map(Value::from))
                .unwrap_or(Value::Null),
            Self::Float(number) => Value::from(*number),
            Self::Text(text) => Value::from(core::str::from_utf8(text).unwrap_or_default()),
            Self::List(list) => list.iter().map(Self::to_value).collect(),
            Self::Dict(dict) => dict
                .entries
                .iter()
                .filter_map(|(key, value)| {
                    Some((core::str::from_utf8(key).ok()?.to_owned(), value.to_value()))
                })
                .collect(),
        }
    }
}

fn read_bt<'a>(reader: &mut Reader<'a>, token: Token<'a>, depth: usize) -> Result<Param<'a>, BtError> {
    if depth >= MAX_REQUEST_DEPTH {
        return Err(BtError::TooDeep);
    }
    match token {
        Token::Int(number) => Ok(Param::Int(number)),
        Token::Bytes(bytes) => Ok(Param::Text(Cow::Borrowed(bytes))),
        Token::List => {
            let mut list = Vec::new();
            loop {
                match reader.token()? {
                    Token::End => return Ok(Param::List(list)),
                    token => list.push(read_bt(reader, token, depth + 1)?),
                }
            }
        }
        Token::Dict => {
            let mut entries = Vec::new();
            let mut last = None;
            while let Some(key) = reader.key(&mut last)? {
                let token = reader.token()?;
                entries.push((Cow::Borrowed(key), read_bt(reader, token, depth + 1)?));
            }
            Ok(Param::Dict(Params {
                form: Form::Bt,
                entries,
            }))
        }
        Token::End => Err(BtError::Unexpected),
    }
}

/// Reads a JSON value at a known depth.
#[derive(Clone, Copy)]
struct JsonParam {
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for JsonParam {
    type Value = Param<'de>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Param<'de>, D::Error> {
        if self.depth >= MAX_REQUEST_DEPTH {
            return Err(D::Error::custom("nested too deeply"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for JsonParam {
    type Value = Param<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Param::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Param::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Param::Int(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Param::Int(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Param::Float(number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Param::Text(Cow::Borrowed(text.as_bytes())))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Param::Text(Cow::Owned(text.as_bytes().to_vec())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let inner = Self {
            depth: self.depth + 1,
        };
        let mut list = Vec::new();
        while let Some(element) = seq.next_element_seed(inner)? {
            list.push(element);
        }
        Ok(Param::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let inner = Self {
            depth: self.depth + 1,
        };
        let mut entries = Vec::new();
        while let Some(key) = map.next_key_seed(JsonKey)? {
            entries.push((key, map.next_value_seed(inner)?));
        }
        Ok(Param::Dict(Params {
            form: Form::Json,
            entries,
        }))
    }
}

/// Reads an object key, borrowed when it has no escapes.
struct JsonKey;

impl<'de> DeserializeSeed<'de> for JsonKey {
    type Value = Cow<'de, [u8]>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for JsonKey {
    type Value = Cow<'de, [u8]>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object key")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text.as_bytes()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.as_bytes().to_vec()))
    }
}

/// The refusal of one field.
fn bad(name: &str, expected: &str) -> RequestError {
    RequestError::invalid(format!("'{name}' must be {expected}"))
}

impl<'a> Params<'a> {
    /// No parameters at all.
    pub(crate) const fn empty(form: Form) -> Self {
        Self {
            form,
            entries: Vec::new(),
        }
    }

    /// The encoding this came in.
    pub(crate) const fn form(&self) -> Form {
        self.form
    }

    /// The value of a key; null counts as absent, of several equal keys the last one counts.
    pub(crate) fn get(&self, name: &str) -> Option<&Param<'a>> {
        self.entries
            .iter()
            .rev()
            .find(|(key, _)| key.as_ref() == name.as_bytes())
            .map(|(_, value)| value)
            .filter(|value| **value != Param::Null)
    }

    /// Refuses when a mandatory field is absent.
    pub(crate) fn require<T>(name: &str, value: Option<T>) -> Result<T, RequestError> {
        value.ok_or_else(|| RequestError::invalid(format!("required field '{name}' missing")))
    }

    /// The bytes of a string field as they stand in the body.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&[u8]>, RequestError> {
        match self.get(name) {
            None => Ok(None),
            Some(Param::Text(text)) => Ok(Some(text)),
            Some(_) => Err(bad(name, "a string")),
        }
    }

    /// An object field.
    pub(crate) fn dict(&self, name: &str) -> Result<Option<&Params<'a>>, RequestError> {
        match self.get(name) {
            None => Ok(None),
            Some(Param::Dict(dict)) => Ok(Some(dict)),
            Some(_) => Err(bad(name, "an object")),
        }
    }

    /// Bytes: base64 in JSON, raw in bt.
    pub(crate) fn binary(&self, name: &str) -> Result<Option<Vec<u8>>, RequestError> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        match self.form {
            Form::Bt => Ok(Some(text.to_vec())),
            Form::Json => base64::decode(text).map(Some).map_err(|_| bad(name, "base64")),
        }
    }

    /// An integer in a range.
    pub(crate) fn int(&self, name: &str, low: i128, high: i128) -> Result<Option<i128>, RequestError> {
        match self.get(name) {
            None => Ok(None),
            Some(Param::Int(number)) if (low..=high).contains(number) => Ok(Some(*number)),
            Some(_) => Err(bad(name, "an integer in range")),
        }
    }

    /// A count or duration: a non-negative integer, or its decimal text where `text_too`.
    pub(crate) fn unsigned(&self, name: &str, text_too: bool) -> Result<Option<u64>, RequestError> {
        let number = match self.get(name) {
            None => return Ok(None),
            Some(Param::Int(number)) => u64::try_from(*number).ok(),
            Some(Param::Text(text)) if text_too => parse_decimal(text),
            Some(_) => None,
        };
        number.map(Some).ok_or_else(|| bad(name, "an unsigned integer"))
    }

    /// A timestamp in ms; what looks like seconds is refused.
    pub(crate) fn timestamp(&self, name: &str, text_too: bool) -> Result<Option<u64>, RequestError> {
        let timestamp = self.unsigned(name, text_too)?;
        timestamp.map(|value| check_timestamp(name, value)).transpose()
    }

    /// Truth value: `true`/`false`, in bt 0/1; absent means false.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, RequestError> {
        match (self.get(name), self.form) {
            (None, _) => Ok(false),
            (Some(Param::Flag(flag)), _) => Ok(*flag),
            (Some(Param::Int(number @ 0..=1)), Form::Bt) => Ok(*number == 1),
            _ => Err(bad(name, "a boolean")),
        }
    }

    /// A namespace number.
    pub(crate) fn namespace(&self) -> Result<Option<Namespace>, RequestError> {
        let number = self.int("namespace", i16::MIN.into(), i16::MAX.into())?;
        Ok(number
            .and_then(|number| i16::try_from(number).ok())
            .map(Namespace))
    }

    /// A namespace number or `"all"`; namespace 0 when absent.
    pub(crate) fn namespace_selection(&self) -> Result<NamespaceSelection, RequestError> {
        if let Some(Param::Text(text)) = self.get("namespace") {
            return if text.as_ref() == b"all" {
                Ok(NamespaceSelection::All)
            } else {
                Err(bad("namespace", "an integer or \"all\""))
            };
        }
        Ok(self.namespace()?.map(NamespaceSelection::One).unwrap_or_default())
    }

    /// The account: `pubkey` or `pubKey`, 66 hex digits or 33 bytes.
    pub(crate) fn account(&self) -> Result<Address, RequestError> {
        let name = "pubkey";
        let text = match self.text(name)? {
            Some(text) => Some(text),
            None => self.text("pubKey")?,
        };
        let text = Self::require(name, text)?;
        let parsed = if text.len() == Address::SIZE {
            Address::from_slice(text).ok()
        } else {
            core::str::from_utf8(text)
                .ok()
                .and_then(|text| Address::parse(text).ok())
        };
        parsed.ok_or_else(|| bad(name, "a 66-digit hex account"))
    }

    /// `pubkey_ed25519`: 64 hex digits or 32 bytes.
    pub(crate) fn ed25519(&self) -> Result<Option<Ed25519PublicKey>, RequestError> {
        let name = "pubkey_ed25519";
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let parsed = if text.len() == Ed25519PublicKey::SIZE {
            Ed25519PublicKey::from_slice(text).ok()
        } else {
            core::str::from_utf8(text)
                .ok()
                .and_then(|text| Ed25519PublicKey::from_hex(text).ok())
        };
        parsed.map(Some).ok_or_else(|| bad(name, "a 64-digit hex key"))
    }

    /// A signature: 64 bytes.
    pub(crate) fn signature(&self, name: &str) -> Result<Option<Signature>, RequestError> {
        let bytes = self.binary(name)?;
        let parse =
            |bytes: Vec<u8>| Signature::from_slice(&bytes).map_err(|_| bad(name, "a 64-byte signature"));
        bytes.map(parse).transpose()
    }

    /// A subaccount token; an empty value counts as absent.
    pub(crate) fn token(&self, name: &str) -> Result<Option<SubaccountToken>, RequestError> {
        match self.text(name)? {
            None | Some([]) => Ok(None),
            Some(text) => parse_token(name, text, self.form).map(Some),
        }
    }

    /// Every element of a list field, or its single scalar.
    fn elements(&self, name: &str) -> Option<&[Param<'a>]> {
        match self.get(name)? {
            Param::List(list) => Some(list),
            single => Some(core::slice::from_ref(single)),
        }
    }

    fn each<T>(
        &self,
        name: &str,
        expected: &str,
        parse: impl Fn(&Param<'a>) -> Option<T>,
    ) -> Result<Vec<T>, RequestError> {
        let elements = Self::require(name, self.elements(name))?;
        if elements.is_empty() {
            return Err(bad(name, "a list that is not empty"));
        }
        let parsed: Option<Vec<T>> = elements.iter().map(parse).collect();
        parsed.ok_or_else(|| bad(name, expected))
    }

    /// One or more message hashes.
    pub(crate) fn hashes(&self, name: &str) -> Result<Vec<MessageHash>, RequestError> {
        self.each(name, "message hashes", |element| match element {
            Param::Text(text) => MessageHash::from_text(text).ok(),
            _ => None,
        })
    }

    /// One or more timestamps.
    pub(crate) fn timestamps(&self, name: &str) -> Result<Vec<u64>, RequestError> {
        self.each(name, "timestamps in milliseconds", |element| match element {
            Param::Int(number) => {
                let value = u64::try_from(*number).ok()?;
                check_timestamp(name, value).ok()
            }
            _ => None,
        })
    }

    /// One or more subaccount tokens.
    pub(crate) fn tokens(&self, name: &str) -> Result<Vec<SubaccountToken>, RequestError> {
        self.each(name, "subaccount tokens", |element| match element {
            Param::Text(text) => parse_token(name, text, self.form).ok(),
            _ => None,
        })
    }
}

fn check_timestamp(name: &str, value: u64) -> Result<u64, RequestError> {
    if value < MIN_TIMESTAMP_MS {
        return Err(bad(name, "a timestamp in milliseconds"));
    }
    Ok(value)
}

fn parse_decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    core::str::from_utf8(text).ok()?.parse().ok()
}

fn parse_token(name: &str, text: &[u8], form: Form) -> Result<SubaccountToken, RequestError> {
    let bytes = match form {
        Form::Bt => Some(text.to_vec()),
        Form::Json if text.len() == 2 * SubaccountToken::SIZE => {
            data_encoding::HEXLOWER_PERMISSIVE.decode(text).ok()
        }
        Form::Json => base64::decode(text).ok(),
    };
    bytes
        .and_then(|bytes| SubaccountToken::from_slice(&bytes).ok())
        .ok_or_else(|| bad(name, "a 36-byte subaccount token"))
}
