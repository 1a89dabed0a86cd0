//! The JSON list: what seeds and gateways answer, and what nodes answer to `oxend_request` (spec/03-network.md §1.2, §1.3, §8.2).

use super::{AddressPolicy, ServiceNode};
use crate::json::{self, JsonLimit, check_limits};
use crate::keys::{Ed25519PublicKey, X25519PublicKey};
use crate::swarm::SwarmId;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::net::Ipv4Addr;

/// Largest list that is parsed, bytes. The whole public network takes 680 kB; this leaves room for it to grow.
pub const MAX_LIST_SIZE: usize = 8 * 1024 * 1024;

/// Time between blocks, ms: what a list's height grows by while it ages (spec/03 §1.3).
pub const BLOCK_TIME_MS: u64 = 120 * 1000;

/// The seeds' JSON-RPC method.
pub const SEED_METHOD: &str = "get_n_service_nodes";

/// Why a list cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum NodeListError {
    /// Too long or too deeply nested to be parsed.
    #[error("list is {0}")]
    Limit(#[from] JsonLimit),
    /// No JSON object with a `service_node_states` list, in either wrapper.
    #[error("malformed list: {0}")]
    Malformed(#[from] serde_json::Error),
}

/// One entry as it is written. Everything but address, port and Ed25519 key is optional.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeState {
    /// The IPv4 address.
    pub public_ip: Ipv4Addr,
    /// The HTTPS port.
    pub storage_port: u16,
    /// The Ed25519 key.
    pub pubkey_ed25519: Ed25519PublicKey,
    /// The X25519 key; an entry whose keys disagree is dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pubkey_x25519: Option<X25519PublicKey>,
    /// The OMQ and QUIC port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_lmq_port: Option<u16>,
    /// The storage server's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_server_version: Option<[u16; 3]>,
    /// The swarm, as hex: as a number it would not survive JavaScript.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swarm: Option<SwarmId>,
    /// The height at which the node leaves; 0 when it stays. Always written: one client takes absence for "has left".
    #[serde(default, deserialize_with = "null_is_zero")]
    pub requested_unlock_height: u64,
    /// Local networks: the port for plain HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_port: Option<u16>,
}

/// Nothing requested may be written as null.
fn null_is_zero<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl NodeState {
    /// The entry of a node.
    pub fn of(node: &ServiceNode) -> Self {
        Self {
            public_ip: node.ip,
            storage_port: node.https_port,
            pubkey_ed25519: node.ed25519,
            pubkey_x25519: Some(node.x25519),
            storage_lmq_port: (node.omq_port != 0).then_some(node.omq_port),
            storage_server_version: (node.version != [0; 3]).then_some(node.version),
            swarm: node.swarm.is_assigned().then_some(node.swarm),
            requested_unlock_height: 0,
            http_port: node.http_port,
        }
    }

    /// The node, unless its keys are unusable or disagree.
    pub fn to_node(&self) -> Option<ServiceNode> {
        let node = ServiceNode::new(self.pubkey_ed25519, self.public_ip, self.storage_port).ok()?;
        if self.pubkey_x25519.is_some_and(|given| given != node.x25519) {
            return None;
        }
        Some(ServiceNode {
            http_port: self.http_port,
            omq_port: self.storage_lmq_port.unwrap_or_default(),
            version: self.storage_server_version.unwrap_or_default(),
            swarm: self.swarm.unwrap_or(SwarmId::NONE),
            ..node
        })
    }
}

/// A list of nodes with the height of the chain it was made at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeList {
    /// The chain's height.
    pub height: u64,
    /// When the list was fetched, ms, where it says so.
    pub fetched_at: Option<u64>,
    /// Where the list comes from, in words, where it says so.
    pub source: Option<String>,
    /// The entries that could be read.
    pub states: Vec<NodeState>,
}

impl NodeList {
    /// Parses a list: bare, or wrapped in a JSON-RPC `result`. Entries that cannot be read (nodes without a proof leave
    /// fields out) are skipped; so is an absent `height`, which then is 0.
    ///
    /// # Errors
    /// [`NodeListError`] when there is no list.
    pub fn from_json(text: &[u8]) -> Result<Self, NodeListError> {
        #[derive(Deserialize)]
        struct Bare<'a> {
            #[serde(borrow)]
            service_node_states: Vec<&'a RawValue>,
            #[serde(default)]
            height: u64,
            #[serde(default)]
            fetched_at: Option<u64>,
            #[serde(default)]
            source: Option<String>,
        }
        #[derive(Deserialize)]
        struct Wrapped<'a> {
            #[serde(borrow)]
            result: Option<&'a RawValue>,
        }
        check_limits(text, MAX_LIST_SIZE)?;
        let wrapper: Wrapped<'_> = serde_json::from_slice(text)?;
        let list: Bare<'_> = match wrapper.result {
            Some(result) => json::read(result.get())?,
            None => serde_json::from_slice(text)?,
        };
        Ok(Self {
            height: list.height,
            fetched_at: list.fetched_at,
            source: list.source,
            states: list
                .service_node_states
                .iter()
                .filter_map(|raw| json::read(raw.get()).ok())
                .collect(),
        })
    }

    /// Writes the bare list, as gateways have it.
    pub fn to_json(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Bare<'a> {
            height: u64,
            #[serde(skip_serializing_if = "Option::is_none")]
            fetched_at: Option<u64>,
            #[serde(skip_serializing_if = "Option::is_none")]
            source: Option<&'a str>,
            service_node_states: &'a [NodeState],
        }
        let list = Bare {
            height: self.height,
            fetched_at: self.fetched_at,
            source: self.source.as_deref(),
            service_node_states: &self.states,
        };
        // Structs of texts and numbers always serialize.
        serde_json::to_vec(&list).unwrap_or_default()
    }

    /// The usable nodes: those that `policy` accepts, with usable keys, that have not left by the height which the chain
    /// has reached since the list was made `age_ms` ago. Of several entries with one key the first counts.
    pub fn nodes(&self, policy: AddressPolicy, age_ms: u64) -> Vec<ServiceNode> {
        let height = self.height.saturating_add(age_ms / BLOCK_TIME_MS);
        let mut seen = std::collections::HashSet::new();
        self.states
            .iter()
            .filter(|state| state.requested_unlock_height == 0 || state.requested_unlock_height > height)
            .filter_map(NodeState::to_node)
            .filter(|node| policy.accepts(node) && seen.insert(node.ed25519))
            .collect()
    }
}

/// The fields that a client asks for.
const FIELDS: [&str; 9] = [
    "public_ip",
    "storage_port",
    "pubkey_x25519",
    "pubkey_ed25519",
    "requested_unlock_height",
    "height",
    "storage_lmq_port",
    "storage_server_version",
    "swarm",
];

/// `{"active_only":true,"fields":{…}}`: the parameters of the seeds' method and of `oxend_request`'s
/// `get_service_nodes`. Never with `limit`: cached swarms are pruned against the full list.
pub fn service_node_fields() -> serde_json::Value {
    let fields: serde_json::Map<String, serde_json::Value> = FIELDS
        .iter()
        .map(|field| ((*field).to_owned(), true.into()))
        .collect();
    serde_json::json!({ "active_only": true, "fields": fields })
}

/// The body of a POST to a seed's `/json_rpc`.
pub fn seed_request() -> Vec<u8> {
    let request = serde_json::json!({
        "jsonrpc": "2.0",
        "id": 0,
        "method": SEED_METHOD,
        "params": service_node_fields(),
    });
    request.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Ed25519KeyPair;

    fn state(seed: u8) -> NodeState {
        let key = Ed25519KeyPair::from_seed(&[seed; 32]).public();
        let node = ServiceNode::new(key, [1, 2, 3, seed].into(), 22021).unwrap();
        NodeState::of(&ServiceNode {
            swarm: SwarmId(0xf),
            omq_port: 22020,
            version: [2, 11, 3],
            ..node
        })
    }

    fn list(states: Vec<NodeState>) -> NodeList {
        NodeList {
            height: 1000,
            states,
            ..NodeList::default()
        }
    }

    #[test]
    fn both_wrappers_are_read() {
        let list = list(vec![state(1), state(2)]);
        let bare = list.to_json();
        assert_eq!(NodeList::from_json(&bare).unwrap(), list);
        let text = String::from_utf8(bare).unwrap();
        let wrapped = format!("{{\"jsonrpc\":\"2.0\",\"result\":{text}}}");
        assert_eq!(NodeList::from_json(wrapped.as_bytes()).unwrap(), list);
        assert!(text.contains("\"swarm\":\"f\"") && text.contains("\"requested_unlock_height\":0"));
    }

    #[test]
    fn entries_without_a_proof_do_not_hide_the_others() {
        let good = serde_json::to_string(&state(1)).unwrap();
        let text = format!("{{\"service_node_states\":[{{\"requested_unlock_height\":0}},7,{good}]}}");
        let list = NodeList::from_json(text.as_bytes()).unwrap();
        assert_eq!(list.states, [state(1)]);
    }

    #[test]
    fn everything_but_address_port_and_key_is_optional() {
        let key = state(1).pubkey_ed25519;
        let entry = format!("\"public_ip\":\"1.2.3.4\",\"storage_port\":22021,\"pubkey_ed25519\":\"{key}\"");
        for entry in [
            entry.clone(),
            format!("{entry},\"requested_unlock_height\":null,\"swarm\":null,\"storage_lmq_port\":null"),
        ] {
            let text = format!("{{\"service_node_states\":[{{{entry}}}]}}");
            let list = NodeList::from_json(text.as_bytes()).unwrap();
            assert_eq!(list.nodes(AddressPolicy::Public, 0).len(), 1, "{entry}");
        }
    }

    #[test]
    fn an_error_answer_is_no_list() {
        for text in [
            "{\"error\":{\"code\":-1}}",
            "{\"result\":{\"status\":\"BUSY\"}}",
            "[]",
            "",
            "{\"result\":null}",
        ] {
            assert!(NodeList::from_json(text.as_bytes()).is_err(), "{text}");
        }
        let deep = format!(
            "{{\"service_node_states\":{}{}}}",
            "[".repeat(100),
            "]".repeat(100)
        );
        assert!(matches!(
            NodeList::from_json(deep.as_bytes()),
            Err(NodeListError::Limit(JsonLimit::TooDeep))
        ));
    }

    #[test]
    fn nodes_that_left_are_dropped_as_the_list_ages() {
        let mut leaving = state(1);
        leaving.requested_unlock_height = 1002;
        let list = list(vec![leaving, state(2)]);
        assert_eq!(list.nodes(AddressPolicy::Public, 2 * BLOCK_TIME_MS - 1).len(), 2);
        assert_eq!(list.nodes(AddressPolicy::Public, 2 * BLOCK_TIME_MS).len(), 1);
    }

    #[test]
    fn a_node_whose_keys_disagree_is_dropped() {
        let mut liar = state(1);
        liar.pubkey_x25519 = state(2).pubkey_x25519;
        assert_eq!(
            list(vec![liar, state(2), state(2)])
                .nodes(AddressPolicy::Public, 0)
                .len(),
            1
        );
    }

    #[test]
    fn the_request_never_limits_the_list() {
        let request: serde_json::Value = serde_json::from_slice(&seed_request()).unwrap();
        assert_eq!(request["method"], "get_n_service_nodes");
        assert_eq!(request["params"]["fields"]["storage_server_version"], true);
        assert!(request["params"].get("limit").is_none());
    }
}
