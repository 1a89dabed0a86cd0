//! One request to one node over one path, with blame where it belongs; retries are up to who knows what a repetition
//! means.

use std::rc::Rc;
use std::time::Duration;

use holdfast_protocol::nodes::ServiceNode;
use holdfast_protocol::onion::{self, Destination, Hop, ReplySender, Suite};
use holdfast_protocol::swarm::reply::is_success;
use holdfast_protocol::swarm::request::Request;

use super::attribution::{self, Blame};
use super::paths::Path;
use crate::core::Core;

/// How long a request may take unless it waits for something (`spec/03-network.md §4.9`).
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a request waits for a path to come up.
const PATH_WAIT: Duration = Duration::from_secs(10);

/// What the destination answered, authenticated by its key.
#[derive(Debug)]
pub(crate) struct NodeReply {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// Why a node did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallError {
    /// Offline, no gateway or no path, or it is held back: waiting helps, other nodes do not.
    Unavailable,
    /// The path or the node failed; another of either may work.
    Failed,
}

impl Core {
    /// Sends a request through a chain of nodes and opens the answer. Blames, but strikes nobody.
    pub(crate) async fn attempt(
        &self,
        hops: &[ServiceNode],
        destination: &ServiceNode,
        request: &Request,
        timeout: Duration,
    ) -> Result<NodeReply, Blame> {
        let chain: Vec<Hop> = hops.iter().map(ServiceNode::hop).collect();
        let target = Destination::Node(destination.hop());
        let body = request.to_json_body();
        let (packet, keys) = onion::build(&chain, &target, &body, Suite::XChaCha20, &mut self.rng())
            .map_err(|_| Blame::Path)?;
        let guard = hops.first().unwrap_or(destination);
        let answer = self
            .send_packet(guard, packet, timeout, None)
            .await
            .map_err(attribution::of_send_error)?;
        if answer.status != 200 {
            let keys: Vec<_> = hops.iter().map(|node| node.ed25519).collect();
            return Err(attribution::of_clear_answer(&answer, &keys, &destination.ed25519));
        }
        let reply = keys.open(answer.body).map_err(|_| Blame::Path)?;
        if reply.sender != ReplySender::Destination {
            return Err(Blame::Path);
        }
        Ok(NodeReply {
            status: reply.status,
            body: reply.body,
        })
    }

    /// Whether a request stores something in the own swarm.
    fn stores_for_self(&self, request: &Request) -> bool {
        let stores = |request: &Request| match request {
            Request::Store(store) => self.own_id() == Some(store.account),
            _ => false,
        };
        match request {
            Request::Batch(batch) | Request::Sequence(batch) => batch.requests.iter().any(stores),
            request => stores(request),
        }
    }

    /// Sends a request to a node over a ready path.
    pub(crate) async fn call(
        &self,
        destination: &ServiceNode,
        request: &Request,
        timeout: Duration,
    ) -> Result<NodeReply, CallError> {
        if !self.path_ready(PATH_WAIT).await {
            return Err(CallError::Unavailable);
        }
        let Some(path) = self.pick_path(&destination.ed25519) else {
            return Err(CallError::Unavailable);
        };
        let own_store = if self.stores_for_self(request) {
            let running = self.net.own_stores.begin();
            Some(running.ok_or(CallError::Unavailable)?)
        } else {
            None
        };
        let outcome = {
            let _busy = Busy::new(&path);
            self.attempt(&path.hops, destination, request, timeout).await
        };
        drop(own_store);
        match outcome {
            Ok(reply) => {
                self.path_worked(&path, &destination.ed25519);
                if !is_success(reply.status) && reply.status >= 500 {
                    self.net
                        .pool
                        .borrow_mut()
                        .avoid(&destination.ed25519, self.time.now());
                }
                Ok(reply)
            }
            Err(blame) => {
                self.path_failed(&path, &destination.ed25519, blame);
                Err(if blame == Blame::Nobody {
                    CallError::Unavailable
                } else {
                    CallError::Failed
                })
            }
        }
    }
}

/// Counts a request as running on a path, however it ends.
pub(super) struct Busy(Rc<Path>);

impl Busy {
    pub(super) fn new(path: &Rc<Path>) -> Self {
        path.active.set(path.active.get().saturating_add(1));
        Self(path.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.active.set(self.0.active.get().saturating_sub(1));
    }
}
