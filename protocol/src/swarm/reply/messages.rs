//! Answer to `retrieve` (spec/03-network.md §3.10).

use super::Stamp;
use crate::base64;
use crate::json;
use crate::swarm::{Address, MessageHash, Namespace, message_hash};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;

/// A stored message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its name, as the node says.
    pub hash: MessageHash,
    /// When it was made, ms, as its sender said.
    pub timestamp: u64,
    /// When it goes away, ms. Old nodes may not say.
    pub expiration: Option<u64>,
    /// The stored bytes.
    pub data: Vec<u8>,
}

impl Message {
    /// Whether the hash is what the bytes hash to. Nothing else keeps a node from lying about it.
    pub fn hash_matches(&self, account: &Address, namespace: Namespace) -> bool {
        message_hash(account, namespace, &self.data) == self.hash
    }
}

/// Answer to `retrieve`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RetrieveReply {
    /// The messages, in the order in which this node got them.
    pub messages: Vec<Message>,
    /// Elements that are no messages: left out, counted.
    pub unreadable: usize,
    /// There is more than the limits let through.
    pub more: bool,
    /// The node's time and fork.
    pub stamp: Stamp,
}

impl RetrieveReply {
    /// The reply as JSON, written straight from the messages. `data` is the stored bytes.
    pub fn write_json<'a>(
        out: &mut Vec<u8>,
        messages: impl IntoIterator<Item = (&'a MessageHash, u64, u64, &'a [u8])>,
        more: bool,
        stamp: Stamp,
    ) {
        out.extend_from_slice(b"{\"messages\":[");
        for (at, (hash, timestamp, expiration, data)) in messages.into_iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            out.extend_from_slice(b"{\"hash\":\"");
            out.extend_from_slice(hash.as_bytes());
            out.extend_from_slice(b"\",\"timestamp\":");
            out.extend_from_slice(timestamp.to_string().as_bytes());
            out.extend_from_slice(b",\"expiration\":");
            out.extend_from_slice(expiration.to_string().as_bytes());
            out.extend_from_slice(b",\"data\":\"");
            base64::append(out, data);
            out.extend_from_slice(b"\"}");
        }
        out.extend_from_slice(b"],\"more\":");
        out.extend_from_slice(more.to_string().as_bytes());
        if let Some(t) = stamp.t {
            out.extend_from_slice(format!(",\"t\":{t}").as_bytes());
        }
        if let Some([fork, revision]) = stamp.hf {
            out.extend_from_slice(format!(",\"hf\":[{fork},{revision}]").as_bytes());
        }
        out.push(b'}');
    }
}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Message", 4)?;
        fields.serialize_field("hash", &self.hash)?;
        fields.serialize_field("timestamp", &self.timestamp)?;
        fields.serialize_field("expiration", &self.expiration)?;
        fields.serialize_field("data", &base64::encode(&self.data))?;
        fields.end()
    }
}

impl Serialize for RetrieveReply {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct OnWire<'a> {
            messages: &'a [Message],
            more: bool,
            #[serde(flatten)]
            stamp: Stamp,
        }
        OnWire {
            messages: &self.messages,
            more: self.more,
            stamp: self.stamp,
        }
        .serialize(serializer)
    }
}

/// An element of `messages` before its texts are decoded.
#[derive(Deserialize)]
struct RawMessage<'a> {
    #[serde(borrow)]
    hash: Cow<'a, str>,
    timestamp: u64,
    /// `expiry` is what the network's own comments call it.
    #[serde(alias = "expiry", default)]
    expiration: Option<u64>,
    #[serde(borrow)]
    data: Cow<'a, str>,
}

impl RawMessage<'_> {
    fn decode(self) -> Option<Message> {
        Some(Message {
            hash: self.hash.parse().ok()?,
            timestamp: self.timestamp,
            expiration: self.expiration,
            data: base64::decode(self.data.as_bytes()).ok()?,
        })
    }
}

impl<'de> Deserialize<'de> for RetrieveReply {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct OnWire {
            messages: Vec<Box<serde_json::value::RawValue>>,
            #[serde(default)]
            more: bool,
            #[serde(flatten)]
            stamp: Stamp,
        }
        let wire = OnWire::deserialize(deserializer)?;
        let total = wire.messages.len();
        let messages: Vec<Message> = wire
            .messages
            .iter()
            .filter_map(|raw| json::read::<RawMessage<'_>>(raw.get()).ok()?.decode())
            .collect();
        Ok(Self {
            unreadable: total - messages.len(),
            messages,
            more: wire.more,
            stamp: wire.stamp,
        })
    }
}
