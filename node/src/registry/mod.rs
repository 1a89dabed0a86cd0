//! The node list as every role sees it: who is there, where, and in which swarm.

pub mod assign;
pub mod follow;
pub mod json;
pub mod live;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use holdfast_protocol::keys::{Ed25519PublicKey, KeyError, X25519PublicKey};
use holdfast_protocol::nodes::ServiceNode;
use holdfast_protocol::swarm::{SwarmId, swarm_of};
use tokio::sync::watch;

/// The hard fork that our nodes report; 19.4 enables all of the storage methods (spec/03-network.md §8.2).
pub const HARD_FORK: [u64; 2] = [19, 4];
/// The storage server version that our nodes report; 2.11.3 has the newest calls (spec/03-network.md §8.5).
pub const STORAGE_VERSION: [u16; 3] = [2, 11, 3];

/// A service node. Its X25519 key is always derived from the Ed25519 key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    ed25519: Ed25519PublicKey,
    x25519: X25519PublicKey,
    /// Its address; unspecified when it has not told any.
    pub ip: Ipv4Addr,
    /// Where it serves HTTPS, 0 if nowhere.
    pub https_port: u16,
    /// Where it serves plain HTTP: local networks only.
    pub http_port: Option<u16>,
    /// Where the public network's nodes serve OMQ and QUIC; ours do not, and name their HTTP port.
    pub omq_port: u16,
    /// The version it runs.
    pub version: [u16; 3],
    /// Its swarm, or [`SwarmId::NONE`].
    pub swarm: SwarmId,
    /// Not decommissioned.
    pub active: bool,
    /// When its stake unlocks, 0 for never (spec/03-network.md §1.3).
    pub requested_unlock_height: u64,
}

impl Node {
    /// A node with this key and no address yet. Fails for keys that are no valid point.
    pub fn new(ed25519: Ed25519PublicKey) -> Result<Self, KeyError> {
        Ok(Self {
            ed25519,
            x25519: ed25519.to_x25519()?,
            ip: Ipv4Addr::UNSPECIFIED,
            https_port: 0,
            http_port: None,
            omq_port: 0,
            version: STORAGE_VERSION,
            swarm: SwarmId::NONE,
            active: true,
            requested_unlock_height: 0,
        })
    }

    /// Its identity.
    pub fn ed25519(&self) -> Ed25519PublicKey {
        self.ed25519
    }

    /// The key for onion layers.
    pub fn x25519(&self) -> X25519PublicKey {
        self.x25519
    }

    /// The port that carries its HTTP, secure if it has one.
    pub fn port(&self) -> u16 {
        if self.https_port != 0 {
            self.https_port
        } else {
            self.http_port.unwrap_or(0)
        }
    }

    /// The address of a path on it; nothing without contact details. Plain HTTP is used where it is offered, which only
    /// local networks do.
    pub fn url(&self, path: &str) -> Option<String> {
        if self.ip.is_unspecified() {
            return None;
        }
        match (self.http_port, self.https_port) {
            (Some(port), _) => Some(format!("http://{}:{port}{path}", self.ip)),
            (None, 0) => None,
            (None, port) => Some(format!("https://{}:{port}{path}", self.ip)),
        }
    }
}

impl From<ServiceNode> for Node {
    fn from(node: ServiceNode) -> Self {
        Self {
            ed25519: node.ed25519,
            x25519: node.x25519,
            ip: node.ip,
            // Lists of plain networks name the one port twice.
            https_port: if node.http_port == Some(node.https_port) {
                0
            } else {
                node.https_port
            },
            http_port: node.http_port,
            omq_port: node.omq_port,
            version: node.version,
            swarm: node.swarm,
            active: true,
            requested_unlock_height: 0,
        }
    }
}

/// A state of the node list. Its hash changes whenever anything in it does.
#[derive(Clone, Debug)]
pub struct NodeList {
    nodes: Vec<Node>,
    by_key: HashMap<Ed25519PublicKey, usize>,
    swarms: BTreeMap<SwarmId, Vec<usize>>,
    swarm_ids: Vec<SwarmId>,
    addresses: HashSet<Ipv4Addr>,
    /// A counter that grows with each change.
    pub height: u64,
    /// Stands for the state, as the top block's hash does on the public network.
    pub block_hash: [u8; 32],
}

/// How the roles follow the list.
pub type ListWatch = watch::Receiver<Arc<NodeList>>;

impl NodeList {
    /// Orders and indexes nodes. Of two with one key the first counts.
    pub fn new(mut nodes: Vec<Node>, height: u64) -> Self {
        nodes.sort_by_key(Node::ed25519);
        nodes.dedup_by_key(|node| node.ed25519);
        let mut by_key = HashMap::with_capacity(nodes.len());
        let mut swarms: BTreeMap<SwarmId, Vec<usize>> = BTreeMap::new();
        let mut hash = blake2b_simd::Params::new().hash_length(32).to_state();
        hash.update(&height.to_be_bytes());
        for (at, node) in nodes.iter().enumerate() {
            by_key.insert(node.ed25519, at);
            if node.active && node.swarm.is_assigned() {
                swarms.entry(node.swarm).or_default().push(at);
            }
            hash.update(node.ed25519.as_bytes())
                .update(&node.swarm.0.to_be_bytes())
                .update(&node.ip.octets())
                .update(&node.https_port.to_be_bytes())
                .update(&node.http_port.unwrap_or(0).to_be_bytes())
                .update(&[u8::from(node.active)]);
        }
        let mut block_hash = [0; 32];
        block_hash.copy_from_slice(hash.finalize().as_bytes());
        let reachable = nodes
            .iter()
            .filter(|node| node.active && !node.ip.is_unspecified());
        Self {
            addresses: reachable.map(|node| node.ip).collect(),
            swarm_ids: swarms.keys().copied().collect(),
            nodes,
            by_key,
            swarms,
            height,
            block_hash,
        }
    }

    /// An empty list, before any was learnt.
    pub fn empty() -> Self {
        Self::new(Vec::new(), 0)
    }

    /// All nodes, by key.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// One node.
    pub fn get(&self, key: &Ed25519PublicKey) -> Option<&Node> {
        self.by_key.get(key).and_then(|at| self.nodes.get(*at))
    }

    /// The swarm that keeps an account (spec/03-network.md §2.1), by the 32 bytes after its prefix.
    pub fn swarm_of(&self, account_key: &[u8; 32]) -> Option<SwarmId> {
        swarm_of(account_key, &self.swarm_ids)
    }

    /// The members of a swarm.
    pub fn members(&self, swarm: SwarmId) -> impl Iterator<Item = &Node> {
        self.swarms
            .get(&swarm)
            .into_iter()
            .flatten()
            .filter_map(|at| self.nodes.get(*at))
    }

    /// Whether an active node is at this address.
    pub fn has_node_at(&self, address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V4(v4) => self.addresses.contains(&v4),
            IpAddr::V6(_) => false,
        }
    }

    /// All swarms in ascending order.
    pub fn swarm_ids(&self) -> &[SwarmId] {
        &self.swarm_ids
    }

    /// The block hash in hex.
    pub fn block_hash_hex(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.block_hash)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use holdfast_protocol::keys::Ed25519KeyPair;

    /// A node of a test network, reachable at a made-up public address.
    pub(crate) fn node(number: u8, swarm: u64) -> Node {
        let keys = Ed25519KeyPair::from_seed(&[number; 32]);
        let mut node = Node::new(keys.public()).unwrap();
        node.ip = Ipv4Addr::new(100, 1, number, 1);
        node.https_port = 22021;
        node.omq_port = 22020;
        node.swarm = SwarmId(swarm);
        node
    }

    #[test]
    fn members_are_the_active_nodes_of_a_swarm() {
        let mut off = node(3, 7);
        off.active = false;
        let list = NodeList::new(vec![node(1, 7), node(2, 9), off, node(4, SwarmId::NONE.0)], 1);
        assert_eq!(list.members(SwarmId(7)).count(), 1);
        assert_eq!(list.swarm_ids(), [SwarmId(7), SwarmId(9)]);
        assert_eq!(list.nodes().len(), 4);
    }

    #[test]
    fn active_nodes_are_known_by_their_addresses() {
        let (mut off, mut nowhere) = (node(2, 7), node(3, 7));
        off.active = false;
        nowhere.ip = Ipv4Addr::UNSPECIFIED;
        let list = NodeList::new(vec![node(1, 7), off, nowhere], 1);
        for (address, known) in [
            ("100.1.1.1", true),
            ("::ffff:100.1.1.1", true),
            ("100.1.2.1", false),
            ("0.0.0.0", false),
            ("::1", false),
        ] {
            assert_eq!(list.has_node_at(address.parse().unwrap()), known, "{address}");
        }
    }

    #[test]
    fn the_block_hash_follows_every_change() {
        let before = NodeList::new(vec![node(1, 7), node(2, 9)], 1).block_hash;
        assert_eq!(before, NodeList::new(vec![node(2, 9), node(1, 7)], 1).block_hash);
        assert_ne!(before, NodeList::new(vec![node(1, 7), node(2, 7)], 1).block_hash);
        assert_ne!(before, NodeList::new(vec![node(1, 7)], 1).block_hash);
    }

    #[test]
    fn plain_http_is_used_where_it_is_offered() {
        let mut node = node(1, 0);
        assert_eq!(node.url("/x").unwrap(), "https://100.1.1.1:22021/x");
        node.http_port = Some(80);
        assert_eq!(node.url("/x").unwrap(), "http://100.1.1.1:80/x");
        node.ip = Ipv4Addr::UNSPECIFIED;
        assert_eq!(node.url("/x"), None);
    }
}
