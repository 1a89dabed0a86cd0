//! The node list as seeds and nodes answer it (spec/03-network.md §1.2, §2.3, §8.2).

use holdfast_protocol::keys::Ed25519PublicKey;
use holdfast_protocol::swarm::SwarmId;
use holdfast_protocol::swarm::reply::{Stamp, SwarmInfo, SwarmMember};
use serde_json::{Map, Value, json};

use super::{HARD_FORK, Node, NodeList};

/// What a caller wants to know about the list.
#[derive(Clone, Debug, Default)]
pub struct Query {
    fields: Option<Vec<String>>,
    limit: Option<usize>,
    active_only: bool,
    poll_block_hash: Option<String>,
    keys: Vec<Ed25519PublicKey>,
}

impl Query {
    /// Reads the parameters of `get_service_nodes`. Unknown ones are ignored, as are values of the wrong kind.
    pub fn from_params(params: &Value) -> Self {
        let fields = match params.get("fields") {
            Some(Value::Object(map)) => Some(
                map.iter()
                    .filter(|(_, wanted)| wanted.as_bool().unwrap_or(false))
                    .map(|(name, _)| name.clone())
                    .collect::<Vec<_>>(),
            ),
            Some(Value::Array(list)) => Some(
                list.iter()
                    .filter_map(|name| name.as_str().map(str::to_owned))
                    .collect(),
            ),
            _ => None,
        };
        let keys = params
            .get("service_node_pubkeys")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|key| Ed25519PublicKey::from_hex(key.as_str()?).ok())
            .collect();
        Self {
            fields: fields.filter(|names| !names.iter().any(|name| name == "all")),
            limit: params
                .get("limit")
                .and_then(Value::as_i64)
                .filter(|limit| *limit > 0)
                .and_then(|limit| usize::try_from(limit).ok()),
            active_only: params
                .get("active_only")
                .and_then(Value::as_bool)
                .unwrap_or(false),
            poll_block_hash: params
                .get("poll_block_hash")
                .and_then(Value::as_str)
                .filter(|hash| !hash.is_empty())
                .map(str::to_owned),
            keys,
        }
    }

    fn wants(&self, name: &str) -> bool {
        self.fields
            .as_ref()
            .is_none_or(|names| names.iter().any(|n| n == name))
    }
}

/// The `result` of `get_service_nodes`. `shuffle` orders the nodes: it must be random for every answer.
pub fn service_nodes(list: &NodeList, query: &Query, shuffle: impl FnOnce(&mut Vec<&Node>)) -> Value {
    let mut result = Map::new();
    result.insert("status".into(), "OK".into());
    let hash = list.block_hash_hex();
    if let Some(polled) = &query.poll_block_hash {
        let unchanged = *polled == hash;
        result.insert("unchanged".into(), unchanged.into());
        if unchanged {
            return Value::Object(result);
        }
        result.insert("block_hash".into(), hash.clone().into());
    }
    let mut put = |name: &str, value: Value| {
        if query.wants(name) {
            result.insert(name.into(), value);
        }
    };
    put("target_height", list.height.into());
    put("block_hash", hash.into());
    put("hardfork", HARD_FORK[0].into());
    put("snode_revision", HARD_FORK[1].into());
    // Clients require the height whether they ask for it or not.
    result.insert("height".into(), list.height.into());
    let mut nodes: Vec<&Node> = list
        .nodes()
        .iter()
        .filter(|node| node.active || !query.active_only)
        .filter(|node| query.keys.is_empty() || query.keys.contains(&node.ed25519()))
        .collect();
    shuffle(&mut nodes);
    if let Some(limit) = query.limit {
        nodes.truncate(limit);
    }
    let states = nodes.into_iter().map(|node| state(node, query)).collect();
    result.insert("service_node_states".into(), Value::Array(states));
    Value::Object(result)
}

/// One entry of `service_node_states`.
fn state(node: &Node, query: &Query) -> Value {
    let mut state = Map::new();
    let mut put = |name: &str, value: Value| {
        if query.wants(name) {
            state.insert(name.into(), value);
        }
    };
    put("service_node_pubkey", node.ed25519().to_hex().into());
    put("requested_unlock_height", node.requested_unlock_height.into());
    put("active", node.active.into());
    put("funded", true.into());
    put("swarm_id", node.swarm.0.into());
    put("swarm", node.swarm.to_string().into());
    if !node.ip.is_unspecified() {
        put("public_ip", node.ip.to_string().into());
        put("storage_port", node.port().into());
        put("storage_lmq_port", node.omq_port.into());
        put("pubkey_ed25519", node.ed25519().to_hex().into());
        put("pubkey_x25519", node.x25519().to_hex().into());
        put("storage_server_version", json!(node.version));
        put("service_node_version", json!(node.version));
        put("storage_server_reachable", true.into());
    }
    // Ours, for local networks: whoever asks for the port must learn that it speaks plain HTTP.
    if let Some(port) = node.http_port
        && (query.wants("http_port") || query.wants("storage_port"))
    {
        state.insert("http_port".into(), port.into());
    }
    Value::Object(state)
}

/// The list for `GET /v1/nodes`: the fields that clients use, and nothing that differs between callers
/// (spec/03-network.md §7.3).
pub fn client_list(list: &NodeList, fetched_at: u64, source: &str) -> Value {
    let query = Query {
        fields: Some(
            [
                "public_ip",
                "storage_port",
                "http_port",
                "pubkey_ed25519",
                "pubkey_x25519",
                "requested_unlock_height",
                "storage_lmq_port",
                "storage_server_version",
                "swarm",
            ]
            .map(str::to_owned)
            .to_vec(),
        ),
        active_only: true,
        ..Query::default()
    };
    let states: Vec<Value> = list
        .nodes()
        .iter()
        .filter(|node| node.active && !node.ip.is_unspecified())
        .map(|node| state(node, &query))
        .collect();
    json!({"height": list.height, "fetched_at": fetched_at, "source": source, "service_node_states": states})
}

/// The body of `get_swarm` and of 421 (spec/03-network.md §2.3). Members without an address are left out.
pub fn swarm_info(list: &NodeList, account_key: &[u8; 32], stamp: Stamp) -> SwarmInfo {
    let swarm = list.swarm_of(account_key).unwrap_or(SwarmId::NONE);
    let snodes = list
        .members(swarm)
        .filter(|node| !node.ip.is_unspecified())
        .map(|node| SwarmMember::new(node.ed25519(), node.x25519(), node.ip, node.port(), node.omq_port))
        .collect();
    SwarmInfo { snodes, swarm, stamp }
}

/// `active_nodes_bin`: 51 bytes for each active node in a swarm (spec/03-network.md §1.4).
pub fn active_nodes_bin(list: &NodeList) -> Vec<u8> {
    let mut out = Vec::with_capacity(list.nodes().len() * 51);
    let usable = |node: &&Node| node.active && node.swarm.is_assigned() && !node.ip.is_unspecified();
    for node in list.nodes().iter().filter(usable) {
        out.extend_from_slice(node.ed25519().as_bytes());
        out.extend_from_slice(&node.swarm.0.to_be_bytes());
        out.extend_from_slice(&node.ip.octets());
        out.extend_from_slice(&node.port().to_be_bytes());
        out.extend_from_slice(&node.omq_port.to_be_bytes());
        out.extend(node.version.map(|part| u8::try_from(part).unwrap_or(u8::MAX)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::tests::node;
    use super::*;

    fn list() -> NodeList {
        let mut off = node(3, 7);
        off.active = false;
        NodeList::new(vec![node(1, 7), node(2, 0xb1ff_ffff_ffff_ffff), off], 42)
    }

    fn ask(params: Value) -> Value {
        service_nodes(&list(), &Query::from_params(&params), |_| {})
    }

    #[test]
    fn fields_come_as_object_or_list_and_nothing_else_is_told() {
        for fields in [
            json!({"public_ip": true, "swarm": true, "active": false}),
            json!(["public_ip", "swarm"]),
        ] {
            let result = ask(json!({"fields": fields, "active_only": true}));
            let states = result["service_node_states"].as_array().unwrap();
            assert_eq!(states.len(), 2);
            assert!(states.iter().all(|s| s.as_object().unwrap().len() == 2));
            assert_eq!(result["height"], 42);
            assert!(result.get("hardfork").is_none());
        }
        let all = ask(json!({"fields": {"all": true}}));
        assert_eq!(all["service_node_states"].as_array().unwrap().len(), 3);
        assert_eq!(all["hardfork"], 19);
        assert_eq!(ask(json!({})), all);
    }

    #[test]
    fn limit_and_keys_narrow_the_list() {
        assert_eq!(
            ask(json!({"limit": 1}))["service_node_states"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
        let key = node(2, 0).ed25519().to_hex();
        let one = ask(json!({"service_node_pubkeys": [key]}));
        assert_eq!(one["service_node_states"][0]["pubkey_ed25519"], key);
        assert_eq!(one["service_node_states"][0]["swarm"], "b1ffffffffffffff");
        assert_eq!(
            one["service_node_states"][0]["swarm_id"],
            0xb1ff_ffff_ffff_ffff_u64
        );
    }

    #[test]
    fn a_caller_that_knows_the_block_gets_no_list() {
        let hash = list().block_hash_hex();
        assert_eq!(
            ask(json!({"poll_block_hash": hash})),
            json!({"status": "OK", "unchanged": true})
        );
        let changed = ask(json!({"poll_block_hash": "00", "fields": ["public_ip"]}));
        assert_eq!(changed["unchanged"], false);
        assert_eq!(changed["block_hash"], hash);
    }

    #[test]
    fn a_node_without_a_proof_shows_no_address() {
        let bare = Node::new(node(1, 0).ed25519()).unwrap();
        let result = service_nodes(&NodeList::new(vec![bare], 1), &Query::default(), |_| {});
        let state = &result["service_node_states"][0];
        assert!(state.get("public_ip").is_none() && state.get("pubkey_ed25519").is_none());
        assert_eq!(state["requested_unlock_height"], 0);
    }

    #[test]
    fn the_swarm_of_an_account_is_told_with_its_members() {
        let info = swarm_info(&list(), &[0; 32], Stamp::default());
        assert_eq!((info.swarm, info.snodes.len()), (SwarmId(7), 1));
        assert_eq!(info.snodes[0].port_https, Some(22021));
        let none = swarm_info(&NodeList::empty(), &[0; 32], Stamp::default());
        assert_eq!((none.swarm, none.snodes.len()), (SwarmId::NONE, 0));
    }

    #[test]
    fn the_binary_list_has_51_bytes_for_each_active_node() {
        let bin = active_nodes_bin(&list());
        assert_eq!(bin.len(), 2 * 51);
        let first = list().nodes()[0].ed25519();
        let at = if list().get(&first).unwrap().active {
            &bin[..32]
        } else {
            &bin[51..51 + 32]
        };
        assert!(list().nodes().iter().any(|n| n.ed25519().as_bytes() == at));
    }
}
