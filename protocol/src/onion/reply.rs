//! Replies: what a node seals and a client opens (spec/03-network.md §4.5).

use super::cipher::LayerKey;
use super::control::ReplyOptions;
use super::v4::V4Reply;
use super::{MAX_ONION_REPLY_SIZE, OnionError};
use crate::base64;
use crate::json::{self, check_limits};
use rand_core::CryptoRng;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// What a node answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body<'a> {
    /// JSON text.
    Json(&'a [u8]),
    /// Plain text, as refusals are.
    Text(&'a str),
    /// Bytes, which travel as a base64 string.
    Binary(&'a [u8]),
}

/// Seals a node's answer `{"body":…,"status":…}` for the client.
///
/// The answer is the body of an HTTP 200 to the hop before, whatever `status` is.
pub fn seal_reply(
    key: &LayerKey,
    options: ReplyOptions,
    status: u16,
    body: Body<'_>,
    rng: &mut impl CryptoRng,
) -> Vec<u8> {
    let nonce = key.suite().nonce_size();
    let mut out = vec![0; nonce];
    out.extend_from_slice(b"{\"body\":");
    match body {
        Body::Json(json) if options.json => out.extend_from_slice(json),
        Body::Json(json) => write_quoted(&mut out, json),
        Body::Text(text) => write_quoted(&mut out, text.as_bytes()),
        Body::Binary(bytes) => {
            out.push(b'"');
            base64::append(&mut out, bytes);
            out.push(b'"');
        }
    }
    out.extend_from_slice(b",\"status\":");
    out.extend_from_slice(status.to_string().as_bytes());
    out.push(b'}');
    key.seal_in_place(&mut out, 0, rng);
    if options.base64 {
        base64::encode(&out).into_bytes()
    } else {
        out
    }
}

/// Appends UTF-8 text as a JSON string, copying what needs no escape in one piece: a retrieve is mostly base64.
fn write_quoted(out: &mut Vec<u8>, text: &[u8]) {
    out.reserve(text.len() + text.len() / 8 + 2);
    out.push(b'"');
    let mut rest = text;
    while let Some(at) = rest
        .iter()
        .position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))
    {
        let (plain, tail) = rest.split_at_checked(at).unwrap_or_default();
        let (special, tail) = tail.split_first().unwrap_or((&b' ', &[]));
        out.extend_from_slice(plain);
        match special {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *special]),
            control => out.extend_from_slice(format!("\\u{control:04x}").as_bytes()),
        }
        rest = tail;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Who wrote a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplySender {
    /// The destination.
    Destination,
    /// The last relay, which refused to go on.
    LastRelay,
}

/// An opened reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The inner status, which is the real one.
    pub status: u16,
    /// Header fields of a server, names in lower case; nodes send none.
    pub headers: BTreeMap<String, String>,
    /// JSON or plain text of a node, the body of a server.
    pub body: Vec<u8>,
    /// Who says so.
    pub sender: ReplySender,
}

/// How the destination writes its reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReplyFormat {
    /// A node's JSON.
    Node,
    /// A server's v4 list.
    ServerV4,
}

/// The secrets that open the answer to one request.
#[derive(Debug, Clone)]
pub struct ReplyKeys {
    destination: LayerKey,
    last_relay: Option<LayerKey>,
    format: ReplyFormat,
}

impl ReplyKeys {
    pub(super) const fn new(
        destination: LayerKey,
        last_relay: Option<LayerKey>,
        format: ReplyFormat,
    ) -> Self {
        Self {
            destination,
            last_relay,
            format,
        }
    }

    /// Opens the body of a guard's HTTP 200: sealed by the destination, or else by the last relay; as base64 or raw. A
    /// raw one is not copied: a file has ten megabytes.
    ///
    /// # Errors
    /// [`OnionError::Undecryptable`] when neither sealed it, which any hop can cause; [`OnionError::MalformedReply`] when
    /// one of them did and it makes no sense.
    pub fn open(&self, answer: Vec<u8>) -> Result<Reply, OnionError> {
        if answer.len() > MAX_ONION_REPLY_SIZE {
            return Err(OnionError::TooLarge);
        }
        let mut sealed = match from_base64(&answer) {
            Some(decoded) => {
                drop(answer);
                decoded
            }
            None => answer,
        };
        if self.destination.open_reply_in_place(&mut sealed).is_ok() {
            return match self.format {
                ReplyFormat::Node => parse_node_reply(&sealed, ReplySender::Destination),
                ReplyFormat::ServerV4 => parse_server_reply(sealed),
            };
        }
        let relay = self.last_relay.as_ref().ok_or(OnionError::Undecryptable)?;
        relay.open_reply_in_place(&mut sealed)?;
        parse_node_reply(&sealed, ReplySender::LastRelay)
    }

    /// The key that the destination seals its reply with.
    pub const fn destination(&self) -> &LayerKey {
        &self.destination
    }

    /// The key that the last relay seals its own refusals with; nothing for a path without relays.
    pub const fn last_relay(&self) -> Option<&LayerKey> {
        self.last_relay.as_ref()
    }
}

/// An answer that is base64. What is sealed is random bytes, and the first of them tell that they are none.
fn from_base64(answer: &[u8]) -> Option<Vec<u8>> {
    let text = answer.trim_ascii();
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    text.iter().all(fits).then(|| base64::decode(text).ok()).flatten()
}

/// `{"status":…,"body":…}`, the body a JSON value or a string that holds one.
fn parse_node_reply(plain: &[u8], sender: ReplySender) -> Result<Reply, OnionError> {
    #[derive(Deserialize)]
    struct OnWire<'a> {
        #[serde(default)]
        status: Option<i64>,
        #[serde(default)]
        status_code: Option<i64>,
        #[serde(borrow, default)]
        body: Option<&'a RawValue>,
    }
    check_limits(plain, MAX_ONION_REPLY_SIZE).map_err(|_| OnionError::MalformedReply)?;
    let wire: OnWire<'_> = serde_json::from_slice(plain).map_err(|_| OnionError::MalformedReply)?;
    let status = wire
        .status
        .or(wire.status_code)
        .and_then(|status| u16::try_from(status).ok())
        .ok_or(OnionError::MalformedReply)?;
    let body = match wire.body.map(RawValue::get) {
        None => Vec::new(),
        Some(text) if text.starts_with('"') => {
            let text: String = json::read(text).map_err(|_| OnionError::MalformedReply)?;
            text.into_bytes()
        }
        Some(json) => json.as_bytes().to_vec(),
    };
    Ok(Reply {
        status,
        headers: BTreeMap::new(),
        body,
        sender,
    })
}

fn parse_server_reply(plain: Vec<u8>) -> Result<Reply, OnionError> {
    let reply = V4Reply::decode(plain).map_err(|_| OnionError::MalformedReply)?;
    Ok(Reply {
        status: reply.code,
        headers: reply.headers,
        body: reply.body,
        sender: ReplySender::Destination,
    })
}
