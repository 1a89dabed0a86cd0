//! Whole networks of nodes in one thread under virtual time, with faults between them.

mod methods;
mod onions;
mod replication;
mod surface;

use super::*;
use crate::clock::TokioClock;
use crate::peer::transport::{MAX_PEER_MESSAGE, TransportError};
use crate::peer::{Call, PEER_PATH};
use crate::registry::Node;
use crate::registry::live::Registry;
use futures::future::BoxFuture;
use holdfast_protocol::account::Id;
use holdfast_protocol::swarm::auth::Signer;
use holdfast_protocol::swarm::reply::RetrieveReply;
use holdfast_protocol::swarm::request::{Request, Retrieve, Store};
use holdfast_protocol::swarm::{Namespace, swarm_of};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::net::Ipv4Addr;
use std::time::Duration;

/// When every test begins, ms.
const START: u64 = 1_700_000_000_000;
/// A day of life for ordinary messages, ms.
const DAY: u64 = 24 * 3600 * 1000;
/// Some client.
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

/// Answers a sealed message instead of a node.
type Liar = Arc<dyn Fn(Bytes) -> Bytes + Send + Sync>;

/// Carries messages between the nodes of a test.
#[derive(Clone, Default)]
struct Wire {
    nodes: Arc<Mutex<HashMap<Ed25519PublicKey, StorageNode>>>,
    down: Arc<Mutex<HashSet<Ed25519PublicKey>>>,
    silent: Arc<Mutex<HashSet<Ed25519PublicKey>>>,
    liars: Arc<Mutex<HashMap<Ed25519PublicKey, Liar>>>,
}

impl PeerTransport for Wire {
    fn send(
        &self,
        to: &Node,
        message: Bytes,
        timeout: Duration,
    ) -> BoxFuture<'static, Result<Bytes, TransportError>> {
        let key = to.ed25519();
        let wire = self.clone();
        Box::pin(async move {
            if wire.down.lock().unwrap().contains(&key) {
                return Err(TransportError::Unreachable);
            }
            if wire.silent.lock().unwrap().contains(&key) {
                tokio::time::sleep(timeout).await;
                return Err(TransportError::Timeout);
            }
            let liar = wire.liars.lock().unwrap().get(&key).cloned();
            if let Some(answer) = liar {
                // Time goes on for whoever asks it for ever.
                tokio::time::sleep(Duration::from_millis(100)).await;
                return Ok(answer(message));
            }
            let node = wire.nodes.lock().unwrap().get(&key).cloned();
            let node = node.ok_or(TransportError::Unreachable)?;
            let answer = node.handle(&Method::POST, PEER_PATH, message, CLIENT).await;
            if answer.body.len() > MAX_PEER_MESSAGE {
                Err(TransportError::Unreachable)
            } else if answer.status == 200 {
                Ok(answer.body)
            } else {
                Err(TransportError::Refused(answer.status))
            }
        })
    }
}

/// A network under test.
struct Net {
    registry: Registry,
    wire: Wire,
    clock: Arc<dyn Clock>,
    keys: Vec<Ed25519KeyPair>,
}

impl Net {
    /// Nodes in the swarms that are named, in order.
    fn new(swarms: &[u64]) -> Self {
        let keys: Vec<_> = (1..=swarms.len())
            .map(|n| Ed25519KeyPair::from_seed(&[u8::try_from(n).unwrap(); 32]))
            .collect();
        let net = Self {
            registry: Registry::fixed(Vec::new(), 0),
            wire: Wire::default(),
            clock: Arc::new(TokioClock::starting_at(START)),
            keys,
        };
        net.place(swarms);
        for number in 0..swarms.len() {
            net.boot(number);
        }
        net
    }

    /// Puts the nodes into these swarms.
    fn place(&self, swarms: &[u64]) {
        let records = self
            .keys
            .iter()
            .zip(swarms)
            .enumerate()
            .map(|(n, (keys, swarm))| {
                let mut node = Node::new(keys.public()).unwrap();
                node.ip = Ipv4Addr::new(100, 1, 1, u8::try_from(n + 1).unwrap());
                node.https_port = 22021;
                node.swarm = SwarmId(*swarm);
                node
            });
        self.registry.replace(records.collect(), 0);
    }

    /// Starts a node with an empty memory.
    fn boot(&self, number: usize) {
        self.boot_with(number, Options::default());
    }

    fn boot_with(&self, number: usize, options: Options) {
        let node = StorageNode::new(
            self.keys[number].clone(),
            options,
            self.registry.watch(),
            Arc::new(self.wire.clone()),
            Arc::clone(&self.clock),
        )
        .unwrap();
        node.start();
        self.wire.nodes.lock().unwrap().insert(node.public(), node);
    }

    fn node(&self, number: usize) -> StorageNode {
        self.wire.nodes.lock().unwrap()[&self.keys[number].public()].clone()
    }

    fn now(&self) -> u64 {
        self.clock.now_ms()
    }

    fn set_down(&self, number: usize, down: bool) {
        let key = self.keys[number].public();
        let mut set = self.wire.down.lock().unwrap();
        if down {
            set.insert(key)
        } else {
            set.remove(&key)
        };
    }

    fn set_silent(&self, number: usize) {
        self.wire
            .silent
            .lock()
            .unwrap()
            .insert(self.keys[number].public());
    }

    /// Other nodes get these answers of a node, sealed with its true key.
    fn set_lying(&self, number: usize, lie: impl Fn(Call, Bytes) -> Bytes + Send + Sync + 'static) {
        let channel = Channel::new(&self.keys[number], START);
        let clock = Arc::clone(&self.clock);
        let answer = move |message: Bytes| {
            let Ok(asked) = channel.open(message, clock.now_ms(), |_| true) else {
                return Bytes::new();
            };
            let told = lie(asked.call, asked.body.clone());
            channel.seal_reply(&asked, &told).unwrap()
        };
        let key = self.keys[number].public();
        self.wire.liars.lock().unwrap().insert(key, Arc::new(answer));
    }

    /// Sends JSON to a node's direct RPC.
    async fn post(&self, number: usize, body: impl Into<Bytes>) -> (u16, Value) {
        let answer = self
            .node(number)
            .handle(&Method::POST, "/storage_rpc/v1", body.into(), CLIENT)
            .await;
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        (
            answer.status,
            serde_json::from_str(&text).unwrap_or(Value::String(text)),
        )
    }

    async fn ask(&self, number: usize, request: impl Into<Request>) -> (u16, Value) {
        self.post(number, request.into().to_json_body()).await
    }

    /// An unsigned message for namespace 0, stored at a node.
    async fn leave(&self, number: usize, user: &User, text: &str) -> (u16, Value) {
        let store = Store::new(
            user.id,
            Namespace::MESSAGES,
            text.as_bytes().to_vec(),
            self.now(),
            DAY,
        );
        self.ask(number, store).await
    }

    /// What a node gives the owner of a namespace.
    async fn texts(&self, number: usize, user: &User, namespace: Namespace) -> Vec<String> {
        let retrieve = Retrieve::new(user.id, namespace, None).signed(&user.signer(), self.now());
        let (status, body) = self.ask(number, retrieve).await;
        assert_eq!(status, 200, "{body}");
        texts(&body)
    }
}

/// The messages of a retrieve's answer.
fn texts(body: &Value) -> Vec<String> {
    let reply: RetrieveReply = serde_json::from_value(body.clone()).unwrap();
    reply
        .messages
        .into_iter()
        .map(|message| String::from_utf8(message.data).unwrap())
        .collect()
}

/// An account or group with its key.
struct User {
    keys: Ed25519KeyPair,
    id: Id,
}

impl User {
    /// An account of this swarm of a network with these swarms.
    fn account_in(swarm: u64, swarms: &[u64]) -> Self {
        Self::find(swarm, swarms, |keys| Id::account(keys.x25519().public()))
    }

    /// A group of this swarm.
    fn group_in(swarm: u64, swarms: &[u64]) -> Self {
        Self::find(swarm, swarms, |keys| Id::group(keys.public()))
    }

    fn find(swarm: u64, swarms: &[u64], id: impl Fn(&Ed25519KeyPair) -> Id) -> Self {
        let mut ids: Vec<SwarmId> = swarms.iter().map(|id| SwarmId(*id)).collect();
        ids.sort_unstable();
        ids.dedup();
        (100..=255_u8)
            .map(|n| Ed25519KeyPair::from_seed(&[n; 32]))
            .map(|keys| Self { id: id(&keys), keys })
            .find(|user| swarm_of(user.id.key(), &ids) == Some(SwarmId(swarm)))
            .unwrap()
    }

    fn signer(&self) -> Signer<'_> {
        if self.id.x25519().is_some() {
            Signer::Account(&self.keys)
        } else {
            Signer::Group(&self.keys)
        }
    }
}

/// Lets background work of this many seconds happen.
async fn seconds(count: u64) {
    tokio::time::sleep(Duration::from_secs(count)).await;
}
