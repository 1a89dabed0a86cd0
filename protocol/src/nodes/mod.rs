//! Service nodes and the lists of them: what a seed or a node says about the network, and what of it a client believes
//! (spec/03-network.md §1).
//!
//! Lists come in two forms: the seeds' JSON ([`NodeList::from_json`] reads both wrappers), and the binary form that nodes
//! serve and the app is bundled with ([`decode_active_nodes`]). X25519 keys are derived, never believed.

mod active;
mod list;
mod sanity;

pub use active::{ACTIVE_NODE_SIZE, ActiveNodesError, decode_active_nodes, encode_active_nodes};
pub use list::{
    BLOCK_TIME_MS, MAX_LIST_SIZE, NodeList, NodeListError, NodeState, SEED_METHOD, seed_request,
    service_node_fields,
};
pub use sanity::{AddressPolicy, is_globally_routable};

use crate::keys::{Ed25519PublicKey, KeyError, X25519PublicKey};
use crate::onion::Hop;
use crate::swarm::SwarmId;
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// A node as a client uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ServiceNode {
    /// The key that names it.
    pub ed25519: Ed25519PublicKey,
    /// The key that its onion layers are encrypted to; follows from [`ServiceNode::ed25519`].
    pub x25519: X25519PublicKey,
    /// Its address.
    pub ip: Ipv4Addr,
    /// Where it speaks HTTPS; 0 on local networks whose nodes speak plain HTTP only.
    pub https_port: u16,
    /// Where it speaks plain HTTP: nodes of local networks only.
    pub http_port: Option<u16>,
    /// Where it speaks OMQ (TCP) and QUIC (UDP); 0 when unknown.
    pub omq_port: u16,
    /// The storage server's version; zeros when unknown.
    pub version: [u16; 3],
    /// Its swarm; [`SwarmId::NONE`] when it is in none, or the list does not say.
    pub swarm: SwarmId,
}

impl ServiceNode {
    /// A node in no swarm, with its X25519 key derived.
    ///
    /// # Errors
    /// [`KeyError`] for a key that is no point of the prime-order group: nobody can hold its secret.
    pub fn new(ed25519: Ed25519PublicKey, ip: Ipv4Addr, https_port: u16) -> Result<Self, KeyError> {
        Ok(Self {
            ed25519,
            x25519: ed25519.to_x25519()?,
            ip,
            https_port,
            http_port: None,
            omq_port: 0,
            version: [0; 3],
            swarm: SwarmId::NONE,
        })
    }

    /// The node as a hop of an onion path.
    pub const fn hop(&self) -> Hop {
        Hop {
            ed25519: self.ed25519,
            x25519: self.x25519,
        }
    }

    /// The address that packets for it as a guard are posted to, without a path.
    pub fn base_url(&self) -> String {
        match self.http_port {
            Some(port) => format!("http://{}:{port}", self.ip),
            None => format!("https://{}:{}", self.ip, self.https_port),
        }
    }

    /// The first three bytes of the address: paths avoid two nodes that share them.
    pub const fn subnet(&self) -> [u8; 3] {
        let [a, b, c, _] = self.ip.octets();
        [a, b, c]
    }

    /// What several nodes must agree on about a node: comparing less would let one liar swap keys (spec/03 §1.4).
    pub const fn identity(&self) -> (Ed25519PublicKey, Ipv4Addr, u16) {
        (self.ed25519, self.ip, self.https_port)
    }
}

/// The swarm ids in a list of nodes, ascending and each once, as [`crate::swarm::swarm_of`] needs them.
pub fn swarm_ids<'a>(nodes: impl IntoIterator<Item = &'a ServiceNode>) -> Vec<SwarmId> {
    let mut ids: Vec<SwarmId> = nodes
        .into_iter()
        .map(|node| node.swarm)
        .filter(|swarm| swarm.is_assigned())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}
