//! The frame of a recursive method's answer: one result or failure per member of the swarm (spec/03-network.md §3.8).

use super::{Stamp, SubReply};
use crate::json;
use crate::keys::{Ed25519PublicKey, KeyError};
use crate::swarm::MessageHash;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The answer of a recursive method.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "T: DeserializeOwned"))]
pub struct SwarmReply<T> {
    /// The result of each member, by its Ed25519 key.
    #[serde(deserialize_with = "read_members")]
    pub swarm: BTreeMap<Ed25519PublicKey, MemberReply<T>>,
    /// `store` only: the message's hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<MessageHash>,
    /// The entry node's time and fork.
    #[serde(flatten)]
    pub stamp: Stamp,
}

impl<T> SwarmReply<T> {
    /// The status of the whole: 200 if at least one member did not fail.
    pub fn code(&self) -> u16 {
        if self.done().next().is_some() { 200 } else { 500 }
    }

    /// The members that carried it out, with their results, unverified.
    pub fn done(&self) -> impl Iterator<Item = (&Ed25519PublicKey, &T)> {
        self.swarm.iter().filter_map(|(key, reply)| match reply {
            MemberReply::Done(result) => Some((key, result)),
            MemberReply::Failed(_) => None,
        })
    }

    /// The members that did not.
    pub fn failed(&self) -> impl Iterator<Item = (&Ed25519PublicKey, &Failure)> {
        self.swarm.iter().filter_map(|(key, reply)| match reply {
            MemberReply::Done(_) => None,
            MemberReply::Failed(failure) => Some((key, failure)),
        })
    }

    /// The members whose result `verify` accepts.
    pub fn verified<'a>(
        &'a self,
        verify: impl Fn(&T, &Ed25519PublicKey) -> Result<(), KeyError> + 'a,
    ) -> impl Iterator<Item = (&'a Ed25519PublicKey, &'a T)> {
        self.done()
            .filter(move |(key, result)| verify(result, key).is_ok())
    }
}

/// Reads the members one by one, so that nonsense from one of them does not hide the others. Keys that are no keys are
/// left out.
fn read_members<'de, D, T>(deserializer: D) -> Result<BTreeMap<Ed25519PublicKey, MemberReply<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let raw = BTreeMap::<String, Box<RawValue>>::deserialize(deserializer)?;
    let members = raw.into_iter().filter_map(|(key, value)| {
        let key = Ed25519PublicKey::from_hex(&key).ok()?;
        let unreadable = || Failure {
            bad_peer_response: true,
            ..Failure::default()
        };
        let reply = json::read(value.get()).unwrap_or_else(|_| MemberReply::Failed(unreadable()));
        Some((key, reply))
    });
    Ok(members.collect())
}

/// What one member did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberReply<T> {
    /// Carried it out, and says so.
    Done(T),
    /// Did not, for this reason.
    Failed(Failure),
}

/// Why a member did not carry a request out. The fields say which way it failed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Failure {
    /// It did not answer in time.
    #[serde(skip_serializing_if = "is_false")]
    pub timeout: bool,
    /// It refused with this status.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "read_code")]
    pub code: Option<String>,
    /// It refused for this reason, or its database did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Its answer could not be read.
    #[serde(skip_serializing_if = "is_false")]
    pub bad_peer_response: bool,
    /// Its database failed or is full.
    #[serde(skip_serializing_if = "is_false")]
    pub query_failure: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes fields by reference"
)]
pub(super) const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// Nodes send the code as text; a number is taken too.
fn read_code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Code {
        Text(String),
        Number(u64),
    }
    Ok(Option::<Code>::deserialize(deserializer)?.map(|code| match code {
        Code::Text(text) => text,
        Code::Number(number) => number.to_string(),
    }))
}

#[derive(Serialize, Deserialize)]
struct FailureOnWire {
    failed: bool,
    #[serde(flatten)]
    failure: Failure,
}

impl<T: Serialize> Serialize for MemberReply<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Done(result) => result.serialize(serializer),
            Self::Failed(failure) => FailureOnWire {
                failed: true,
                failure: failure.clone(),
            }
            .serialize(serializer),
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for MemberReply<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Marker {
            #[serde(default)]
            failed: bool,
        }
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let marker: Marker = json::read(raw.get()).map_err(D::Error::custom)?;
        if marker.failed {
            let wire: FailureOnWire = json::read(raw.get()).map_err(D::Error::custom)?;
            return Ok(Self::Failed(wire.failure));
        }
        json::read(raw.get()).map(Self::Done).map_err(D::Error::custom)
    }
}

impl<T: Serialize> SwarmReply<T> {
    /// As one answer of a batch.
    pub fn to_sub_reply(&self) -> Result<SubReply, serde_json::Error> {
        SubReply::object(self.code(), self)
    }
}
