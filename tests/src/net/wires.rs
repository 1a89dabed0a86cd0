//! The machines that nodes run on, and the wires between them, with what is wrong with each.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use holdfast_node::peer::PEER_PATH;
use holdfast_node::peer::transport::{PeerTransport, TransportError};
use holdfast_node::registry::Node;
use holdfast_node::registry::live::Registry;
use holdfast_node::storage::{self, StorageNode};
use holdfast_protocol::keys::{Ed25519KeyPair, Ed25519PublicKey};
use holdfast_protocol::nodes::ServiceNode;

use super::{Fault, LATENCY, MEMBERS_TAKE};

pub(super) struct Machine {
    pub(super) service: ServiceNode,
    pub(super) keys: Ed25519KeyPair,
    pub(super) node: StorageNode,
    pub(super) fault: Fault,
}

/// What nodes and ports share.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) machines: Mutex<HashMap<Ed25519PublicKey, Machine>>,
}

impl Shared {
    pub(super) fn fault(&self, key: &Ed25519PublicKey) -> Fault {
        self.machines
            .lock()
            .unwrap()
            .get(key)
            .map_or(Fault::Dead, |machine| machine.fault.clone())
    }

    pub(super) fn node(&self, key: &Ed25519PublicKey) -> Option<StorageNode> {
        self.machines
            .lock()
            .unwrap()
            .get(key)
            .map(|machine| machine.node.clone())
    }

    pub(super) fn keys(&self, key: &Ed25519PublicKey) -> Option<Ed25519KeyPair> {
        self.machines
            .lock()
            .unwrap()
            .get(key)
            .map(|machine| machine.keys.clone())
    }

    pub(super) fn any_lies(&self) -> bool {
        let machines = self.machines.lock().unwrap();
        machines.values().any(|machine| {
            matches!(
                machine.fault,
                Fault::GarbageHop
                    | Fault::ForgingHop(..)
                    | Fault::LosesLarge(_)
                    | Fault::Lying(_)
                    | Fault::Stock
                    | Fault::WrongClock
            )
        })
    }
}

/// Carries messages between nodes.
struct Wires(Arc<Shared>);

impl PeerTransport for Wires {
    fn send(
        &self,
        to: &Node,
        message: Bytes,
        timeout: Duration,
    ) -> BoxFuture<'static, Result<Bytes, TransportError>> {
        let shared = self.0.clone();
        let key = to.ed25519();
        async move {
            let exchange = async {
                tokio::time::sleep(LATENCY).await;
                let node = shared.node(&key).ok_or(TransportError::Unreachable)?;
                let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
                match shared.fault(&key) {
                    Fault::Dead => return Err(TransportError::Unreachable),
                    Fault::Behind if timeout < MEMBERS_TAKE => return Err(TransportError::Unreachable),
                    Fault::WrongClock if timeout < MEMBERS_TAKE => return Err(TransportError::Refused(406)),
                    Fault::Silent => std::future::pending().await,
                    Fault::Slow(duration) => tokio::time::sleep(duration).await,
                    _ => {}
                }
                let response = node.handle(&http::Method::POST, PEER_PATH, message, peer).await;
                match shared.fault(&key) {
                    Fault::Dead | Fault::DiesAnswering => return Err(TransportError::Unreachable),
                    _ => {}
                }
                tokio::time::sleep(LATENCY).await;
                if response.status == 200 {
                    Ok(response.body)
                } else {
                    Err(TransportError::Refused(response.status))
                }
            };
            tokio::time::timeout(timeout, exchange)
                .await
                .unwrap_or(Err(TransportError::Timeout))
        }
        .boxed()
    }
}

/// A node with an empty memory.
pub(super) fn start_node(
    shared: &Arc<Shared>,
    keys: &Ed25519KeyPair,
    registry: &Registry,
    clock: &Arc<holdfast_node::clock::TokioClock>,
) -> StorageNode {
    let options = storage::Options {
        rate: None,
        onion_rate: None,
        local_network: true,
        ..storage::Options::default()
    };
    let wires = Arc::new(Wires(shared.clone()));
    let node = StorageNode::new(keys.clone(), options, registry.watch(), wires, clock.clone()).unwrap();
    node.start();
    node
}
