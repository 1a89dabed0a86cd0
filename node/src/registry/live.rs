//! The stand-in for the blockchain daemon: nodes register, prove that they live, and are put into swarms
//! (spec/03-network.md §8.1).

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use holdfast_protocol::keys::{Ed25519KeyPair, Ed25519PublicKey, Signature};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::{ListWatch, Node, NodeList, assign::assign};

/// How far a registration's time may be from ours, in ms.
const REGISTRATION_TOLERANCE_MS: u64 = 60_000;
/// Nodes that may be registered; a local network needs far fewer.
const MAX_NODES: usize = 4_096;

/// Why a registration was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationError {
    /// The signature is not the node's, or its key is no valid point.
    #[error("the registration is not signed by the node")]
    Signature,
    /// It is too old, too far ahead, or older than one that we have.
    #[error("the registration's time is off")]
    Stale,
    /// It names neither a secure nor a plain port.
    #[error("the registration names no port")]
    NoPort,
    /// The network is full.
    #[error("too many nodes")]
    Full,
}

/// A node's signed word about where it is: its registration and, repeated, its heartbeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// The node's key, hex.
    pub pubkey_ed25519: Ed25519PublicKey,
    /// Its address.
    pub public_ip: Ipv4Addr,
    /// Its HTTPS port, 0 for none.
    pub https_port: u16,
    /// Its plain HTTP port, for local networks.
    pub http_port: Option<u16>,
    /// Its version.
    pub version: [u16; 3],
    /// When it was signed, ms.
    pub timestamp: u64,
    /// Over [`Registration::signed_bytes`], hex.
    pub signature: Signature,
}

impl Registration {
    /// A registration signed now (ms).
    pub fn signed(keys: &Ed25519KeyPair, node: &Node, now: u64) -> Self {
        let mut registration = Self {
            pubkey_ed25519: keys.public(),
            public_ip: node.ip,
            https_port: node.https_port,
            http_port: node.http_port,
            version: node.version,
            timestamp: now,
            signature: Signature::from([0; 64]),
        };
        registration.signature = keys.sign(&registration.signed_bytes());
        registration
    }

    /// What the node signs.
    fn signed_bytes(&self) -> Vec<u8> {
        let [a, b, c] = self.version;
        format!(
            "holdfast-register {} {} {} {a}.{b}.{c} {}",
            self.public_ip,
            self.https_port,
            self.http_port.unwrap_or(0),
            self.timestamp
        )
        .into_bytes()
    }
}

struct State {
    nodes: Vec<Node>,
    proofs: HashMap<Ed25519PublicKey, u64>,
    height: u64,
}

/// The registry of a network.
pub struct Registry {
    state: Mutex<State>,
    list: watch::Sender<Arc<NodeList>>,
    swarm_size: usize,
    inactive_after_ms: u64,
}

impl Registry {
    /// An empty registry whose swarms have at least `swarm_size` members when there are enough nodes, and which
    /// decommissions nodes that were silent for `inactive_after_ms`.
    pub fn new(swarm_size: usize, inactive_after_ms: u64) -> Self {
        Self {
            state: Mutex::new(State {
                nodes: Vec::new(),
                proofs: HashMap::new(),
                height: 1,
            }),
            list: watch::Sender::new(Arc::new(NodeList::empty())),
            swarm_size,
            inactive_after_ms,
        }
    }

    /// A registry with a fixed list, swarms included.
    pub fn fixed(nodes: Vec<Node>, height: u64) -> Self {
        let registry = Self::new(1, u64::MAX);
        registry.replace(nodes, height);
        registry
    }

    /// The list, to be followed.
    pub fn watch(&self) -> ListWatch {
        self.list.subscribe()
    }

    /// The list as it is.
    pub fn list(&self) -> Arc<NodeList> {
        self.list.borrow().clone()
    }

    /// Replaces all nodes, with the swarms they have.
    pub fn replace(&self, nodes: Vec<Node>, height: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.nodes = nodes;
        state.height = state.height.max(height);
        self.publish(&mut state);
    }

    /// Takes somebody else's list over as it is, with its height.
    pub fn mirror(&self, nodes: Vec<Node>, height: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.nodes = nodes;
        state.height = height;
        self.list
            .send_replace(Arc::new(NodeList::new(state.nodes.clone(), height)));
    }

    /// Takes a registration or heartbeat.
    pub fn register(&self, registration: &Registration, now: u64) -> Result<(), RegistrationError> {
        let key = registration.pubkey_ed25519;
        if registration.timestamp.abs_diff(now) > REGISTRATION_TOLERANCE_MS {
            return Err(RegistrationError::Stale);
        }
        if registration.https_port == 0 && registration.http_port.unwrap_or(0) == 0 {
            return Err(RegistrationError::NoPort);
        }
        key.verify(&registration.signed_bytes(), &registration.signature)
            .map_err(|_| RegistrationError::Signature)?;
        let mut new = Node::new(key).map_err(|_| RegistrationError::Signature)?;
        new.ip = registration.public_ip;
        new.https_port = registration.https_port;
        new.http_port = registration.http_port;
        new.omq_port = new.port();
        new.version = registration.version;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state
            .proofs
            .get(&key)
            .is_some_and(|last| *last > registration.timestamp)
        {
            return Err(RegistrationError::Stale);
        }
        let room = state.nodes.len() < MAX_NODES;
        let known = state.nodes.iter_mut().find(|node| node.ed25519() == key);
        let mut changed = true;
        match known {
            Some(node) => {
                new.swarm = node.swarm;
                changed = *node != new;
                *node = new;
            }
            None if !room => return Err(RegistrationError::Full),
            None => state.nodes.push(new),
        }
        state.proofs.insert(key, registration.timestamp);
        if changed {
            assign(&mut state.nodes, self.swarm_size);
            self.publish(&mut state);
        }
        Ok(())
    }

    /// Decommissions nodes that were silent for too long. Call it now and then.
    pub fn retire_silent(&self, now: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { nodes, proofs, .. } = &mut *state;
        let mut changed = false;
        for node in nodes.iter_mut().filter(|node| node.active) {
            let silent = proofs.get(&node.ed25519()).map(|last| now.saturating_sub(*last));
            if silent.is_some_and(|silent| silent > self.inactive_after_ms) {
                node.active = false;
                changed = true;
            }
        }
        if changed {
            assign(nodes, self.swarm_size);
            self.publish(&mut state);
        }
    }

    fn publish(&self, state: &mut State) {
        state.height += 1;
        self.list
            .send_replace(Arc::new(NodeList::new(state.nodes.clone(), state.height)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000_000;

    fn registration(number: u8, now: u64) -> Registration {
        let keys = Ed25519KeyPair::from_seed(&[number; 32]);
        let mut node = Node::new(keys.public()).unwrap();
        node.ip = Ipv4Addr::LOCALHOST;
        node.http_port = Some(4000 + u16::from(number));
        Registration::signed(&keys, &node, now)
    }

    #[test]
    fn nodes_register_and_are_put_into_swarms() {
        let registry = Registry::new(2, 60_000);
        let first = registry.list().block_hash;
        for number in 1..=4 {
            registry.register(&registration(number, NOW), NOW).unwrap();
        }
        let list = registry.list();
        assert_ne!(list.block_hash, first);
        assert_eq!(list.swarm_ids().len(), 2);
        registry.register(&registration(1, NOW + 1), NOW + 1).unwrap();
        assert_eq!(
            registry.list().block_hash,
            list.block_hash,
            "a heartbeat changes nothing"
        );
    }

    #[test]
    fn forged_old_and_portless_registrations_are_refused() {
        let registry = Registry::new(2, 60_000);
        let mut forged = registration(1, NOW);
        forged.public_ip = Ipv4Addr::new(1, 2, 3, 4);
        assert_eq!(registry.register(&forged, NOW), Err(RegistrationError::Signature));
        let old = registration(1, NOW);
        assert_eq!(
            registry.register(&old, NOW + 60_001),
            Err(RegistrationError::Stale)
        );
        registry.register(&registration(1, NOW + 5), NOW).unwrap();
        assert_eq!(registry.register(&old, NOW), Err(RegistrationError::Stale));
        let mut portless = registration(2, NOW);
        portless.http_port = None;
        assert_eq!(registry.register(&portless, NOW), Err(RegistrationError::NoPort));
    }

    #[test]
    fn a_silent_node_is_decommissioned_and_may_return() {
        let registry = Registry::new(2, 60_000);
        registry.register(&registration(1, NOW), NOW).unwrap();
        registry.retire_silent(NOW + 60_001);
        assert!(registry.list().swarm_ids().is_empty());
        registry
            .register(&registration(1, NOW + 61_000), NOW + 61_000)
            .unwrap();
        assert_eq!(registry.list().swarm_ids().len(), 1);
    }
}
