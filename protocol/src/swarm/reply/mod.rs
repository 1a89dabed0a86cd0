//! Replies of storage nodes: one type per method, read leniently and written as the network writes them
//! (spec/03-network.md §2.3, §3.8 – §3.15).
//!
//! Recursive methods answer with a [`SwarmReply`]: one result per member of the swarm, each signed by that member. Nothing
//! in a reply is true because it parses; see [`member`] for what a client checks.

mod member;
mod messages;
mod nodes;
mod swarm;
#[cfg(test)]
mod tests;

pub use member::{
    BulkRequest, ByNamespace, Deleted, DeletedIn, Expired, Expiries, NamespaceKey, RevocationRequest,
    Revoked, Stored, Updated,
};
pub use messages::{Message, RetrieveReply};
pub use nodes::{SwarmInfo, SwarmMember, snode_address};
pub use swarm::{Failure, MemberReply, SwarmReply};

use super::{MAX_BODY_SIZE, MessageHash, SubaccountToken};
use crate::base64;
use crate::json::{self, JsonLimit, check_limits};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Largest reply that is parsed, bytes: what a node may answer at most, encoded as base64 twice, with some slack.
pub const MAX_REPLY_SIZE: usize = 2 * MAX_BODY_SIZE;

/// Why a reply cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReplyError {
    /// Too long or too deeply nested to be parsed.
    #[error("reply is {0}")]
    Limit(#[from] JsonLimit),
    /// Not the JSON that this method answers with.
    #[error("malformed reply: {0}")]
    Malformed(#[from] serde_json::Error),
}

/// Parses a reply body after checking its size and nesting.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ReplyError> {
    check_limits(body, MAX_REPLY_SIZE)?;
    Ok(serde_json::from_slice(body)?)
}

/// Hard fork and revision, as in the field `hf`.
pub type HardFork = [u64; 2];

/// The fields that every reply object of an entry node gains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Stamp {
    /// The node's time, ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub t: Option<u64>,
    /// Hard fork and revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hf: Option<HardFork>,
}

impl Stamp {
    /// A node's own stamp.
    pub const fn new(now_ms: u64, hf: HardFork) -> Self {
        Self {
            t: Some(now_ms),
            hf: Some(hf),
        }
    }
}

/// Answer to `info`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InfoReply {
    /// The node's version.
    pub version: [u64; 3],
    /// The node's time, ms.
    pub timestamp: u64,
    /// Holdfast: the longest `wait` that this node takes, ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<u64>,
    /// Time and fork.
    #[serde(flatten)]
    pub stamp: Stamp,
}

/// Answer to `get_expiries`. Carries no stamp on the network.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ExpiriesReply {
    /// The expiry of each message that exists, ms.
    pub expiries: BTreeMap<MessageHash, u64>,
}

/// Answer to `revoked_subaccounts`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RevokedSubaccountsReply {
    /// The tokens.
    #[serde(with = "token_list")]
    pub revoked_subaccounts: Vec<SubaccountToken>,
    /// Time and fork.
    #[serde(flatten)]
    pub stamp: Stamp,
}

/// Answer to `oxend_request`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OxendReply {
    /// What the daemon answered.
    pub result: serde_json::Value,
    /// Time and fork.
    #[serde(flatten)]
    pub stamp: Stamp,
}

/// Answer to `batch` and `sequence`: one element per request, in request order; a sequence ends at the first refusal.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct BatchReply {
    /// The answers.
    pub results: Vec<SubReply>,
}

/// One answer in a batch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SubReply {
    /// HTTP-style status.
    pub code: u16,
    /// The reply object, or a text for a refusal.
    pub body: Box<RawValue>,
}

impl BatchReply {
    /// The code that all answers share when none of them succeeded: then it counts as the code of the whole
    /// (spec/03 §2.4).
    pub fn common_failure(&self) -> Option<u16> {
        let first = self.results.first()?.code;
        let shared = self.results.iter().all(|result| result.code == first);
        (shared && !is_success(first)).then_some(first)
    }
}

impl SubReply {
    /// An answer whose body is a reply object.
    pub fn object(code: u16, body: &impl Serialize) -> Result<Self, serde_json::Error> {
        Ok(Self {
            code,
            body: serde_json::value::to_raw_value(body)?,
        })
    }

    /// Whether the code is 2xx.
    pub const fn is_success(&self) -> bool {
        is_success(self.code)
    }

    /// The body as the reply of its method.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ReplyError> {
        parse(self.body.get().as_bytes())
    }

    /// The body of a refusal: its text, or the JSON as it stands.
    pub fn text(&self) -> String {
        json::read::<String>(self.body.get()).unwrap_or_else(|_| self.body.get().to_owned())
    }
}

/// Whether a status is 2xx.
pub const fn is_success(code: u16) -> bool {
    matches!(code, 200..=299)
}

/// Answer to `ifelse`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IfElseReply {
    /// Hard fork and revision.
    pub hf: HardFork,
    /// The node's version.
    pub v: [u64; 3],
    /// The chain's height.
    pub height: u64,
    /// Whether the condition held.
    pub condition: bool,
    /// The answer of the chosen branch, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<SubReply>,
}

/// Tokens as base64 texts.
mod token_list {
    use super::{SubaccountToken, base64};
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        tokens: &[SubaccountToken],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(tokens.iter().map(|token| base64::encode(token.as_bytes())))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<SubaccountToken>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        let token = |text: &String| {
            let bytes = base64::decode(text.as_bytes()).ok()?;
            SubaccountToken::from_slice(&bytes).ok()
        };
        let tokens: Option<Vec<_>> = texts.iter().map(token).collect();
        tokens.ok_or_else(|| D::Error::custom("not a subaccount token"))
    }
}
