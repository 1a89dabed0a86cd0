//! The v4 format between clients and servers behind an onion path: a bencoded list of a JSON head and a raw body
//! (spec/03-network.md §4.4, §4.5).

use crate::bt::{self, BtError, Reader, Token};
use crate::json::{JsonLimit, check_limits};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The path that v4 requests are posted to.
pub const TARGET: &str = "/oxen/v4/lsrpc";

/// Longest head that is parsed, bytes: a request line and headers, for which HTTP servers allow far less.
const MAX_HEAD_SIZE: usize = 256 * 1024;

/// Bytes that end a list.
const LIST_END: usize = 1;

/// Why bytes are no v4 request or reply.
#[derive(Debug, thiserror::Error)]
pub enum V4Error {
    /// No bencoded list of one or two strings.
    #[error("malformed list: {0}")]
    List(#[from] BtError),
    /// The head is too long or too deeply nested.
    #[error("head is {0}")]
    Limit(#[from] JsonLimit),
    /// The head is not the JSON it should be.
    #[error("malformed head: {0}")]
    Head(#[from] serde_json::Error),
    /// The endpoint does not begin with a slash.
    #[error("endpoint without leading slash")]
    Endpoint,
}

/// A request to a server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct V4Request {
    /// The HTTP method.
    pub method: String,
    /// The path, beginning with `/`, with its query.
    pub endpoint: String,
    /// Header fields.
    pub headers: BTreeMap<String, String>,
    /// The body, if there is one.
    pub body: Option<Vec<u8>>,
}

impl V4Request {
    /// Encodes. `User-Agent` is left out, so that the program cannot be told from its requests; a body without a
    /// `Content-Type` is marked as JSON.
    pub fn encode(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Head<'a> {
            endpoint: &'a str,
            headers: BTreeMap<&'a str, &'a str>,
            method: &'a str,
        }
        let is = |name: &str, other: &str| name.eq_ignore_ascii_case(other);
        let mut headers: BTreeMap<&str, &str> = self
            .headers
            .iter()
            .filter(|(name, _)| !is(name, "user-agent"))
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        if self.body.is_some() && !headers.keys().any(|name| is(name, "content-type")) {
            headers.insert("Content-Type", "application/json");
        }
        let head = Head {
            endpoint: &self.endpoint,
            headers,
            method: &self.method,
        };
        encode_parts(&head, self.body.as_deref())
    }

    /// Decodes.
    ///
    /// # Errors
    /// [`V4Error`] says which part is wrong.
    pub fn decode(plain: &[u8]) -> Result<Self, V4Error> {
        #[derive(Deserialize)]
        struct Head {
            endpoint: String,
            #[serde(default)]
            headers: BTreeMap<String, String>,
            method: String,
        }
        let (head, body) = decode_parts(plain)?;
        let head: Head = serde_json::from_slice(head)?;
        if !head.endpoint.starts_with('/') {
            return Err(V4Error::Endpoint);
        }
        Ok(Self {
            method: head.method,
            endpoint: head.endpoint,
            headers: head.headers,
            body: body.map(<[u8]>::to_vec),
        })
    }
}

/// A server's reply.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct V4Reply {
    /// The HTTP status.
    pub code: u16,
    /// Header fields, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

impl V4Reply {
    /// Encodes; always two parts. Header names become lower case and `content-length`, which nobody needs, is left out.
    pub fn encode(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Head<'a> {
            code: u16,
            headers: BTreeMap<String, &'a str>,
        }
        let headers = self
            .headers
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value.as_str()))
            .filter(|(name, _)| name != "content-length")
            .collect();
        encode_parts(
            &Head {
                code: self.code,
                headers,
            },
            Some(&self.body),
        )
    }

    /// Decodes. A missing body counts as empty; what it is stays where it was, for files are megabytes.
    ///
    /// # Errors
    /// [`V4Error`] says which part is wrong.
    pub fn decode(mut plain: Vec<u8>) -> Result<Self, V4Error> {
        #[derive(Deserialize)]
        struct Head {
            code: u16,
            #[serde(default)]
            headers: BTreeMap<String, Value>,
        }
        let (head, body) = decode_parts(&plain)?;
        let length = body.map_or(0, <[u8]>::len);
        let head: Head = serde_json::from_slice(head)?;
        // Behind the body is nothing but the end of the list.
        plain.truncate(plain.len().saturating_sub(LIST_END));
        plain.drain(..plain.len().saturating_sub(length));
        let text = |value: Value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        Ok(Self {
            code: head.code,
            headers: head
                .headers
                .into_iter()
                .map(|(name, value)| (name.to_ascii_lowercase(), text(value)))
                .collect(),
            body: plain,
        })
    }
}

fn encode_parts(head: &impl Serialize, body: Option<&[u8]>) -> Vec<u8> {
    // Maps and structs of texts and numbers always serialize.
    let head = serde_json::to_vec(head).unwrap_or_default();
    let mut out = Vec::with_capacity(head.len() + body.map_or(0, <[u8]>::len) + 32);
    out.push(b'l');
    bt::write_bytes(&mut out, &head);
    if let Some(body) = body {
        bt::write_bytes(&mut out, body);
    }
    out.push(b'e');
    out
}

fn decode_parts(plain: &[u8]) -> Result<(&[u8], Option<&[u8]>), V4Error> {
    let mut reader = Reader::new(plain)?;
    let Token::List = reader.token()? else {
        return Err(BtError::WrongType.into());
    };
    let Token::Bytes(head) = reader.token()? else {
        return Err(BtError::WrongType.into());
    };
    let body = match reader.token()? {
        Token::End => None,
        Token::Bytes(body) => {
            let Token::End = reader.token()? else {
                return Err(BtError::WrongType.into());
            };
            Some(body)
        }
        _ => return Err(BtError::WrongType.into()),
    };
    reader.finish()?;
    check_limits(head, MAX_HEAD_SIZE)?;
    Ok((head, body))
}
