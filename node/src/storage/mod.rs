//! A service node: keeps the messages of its swarm's accounts, answers clients directly and through onion requests,
//! and relays onion requests of others (spec/03-network.md §3, §4, §8).
//!
//! [`StorageNode::handle`] takes one HTTP exchange as plain data. Sockets are a thin layer above it ([`http`]) and the way
//! to other nodes is a [`PeerTransport`], so that tests run whole networks in one thread under virtual time.

pub mod db;
mod entry;
pub mod http;
mod member;
mod onion;
mod reply;
mod service;
mod sync;
mod tasks;
mod waiters;

pub(crate) use service::shuffle;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use ::http::Method;
use bytes::Bytes;
use holdfast_protocol::keys::{Ed25519KeyPair, Ed25519PublicKey, X25519SecretKey};
use holdfast_protocol::swarm::SwarmId;
use holdfast_protocol::swarm::reply::Stamp;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use crate::clock::Clock;
use crate::metrics::Counter;
use crate::net::client::HttpClient;
use crate::net::ratelimit::{Rate, RateLimiter};
use crate::peer::channel::Channel;
use crate::peer::links::Links;
use crate::peer::transport::PeerTransport;
use crate::registry::{HARD_FORK, ListWatch, NodeList};
use db::{Db, DbError, Durability};
use waiters::Waiters;

/// Onion requests of clients under way at once; beyond it a guard says that it is busy (spec/03-network.md §4.6).
const MAX_ONIONS: usize = 16_384;

/// Where a node keeps its messages.
#[derive(Clone, Debug)]
pub enum Storage {
    /// In memory, for tests.
    Memory,
    /// In a database file, with this promise for acknowledged writes.
    File(PathBuf, Durability),
}

/// How a node runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where messages are kept.
    pub storage: Storage,
    /// The limit of one client address on the direct RPC; `None` for none.
    pub rate: Option<Rate>,
    /// The limit of one client address on onion packets; `None` for none. Active nodes of the list have no limit.
    pub onion_rate: Option<Rate>,
    /// Onion requests may be passed on to servers on private addresses. Only for networks on one machine or site.
    pub local_network: bool,
    /// Servers on private addresses that onion requests may be passed on to all the same.
    pub local_servers: Vec<SocketAddr>,
    /// The database size, in bytes, from which on stores are refused.
    pub max_size: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            storage: Storage::Memory,
            rate: Some(Rate::DIRECT_RPC),
            onion_rate: Some(Rate::ONIONS),
            local_network: false,
            local_servers: Vec::new(),
            // As the reference server's (spec/03-network.md §3.5).
            max_size: 3_584 * 1024 * 1024,
        }
    }
}

/// Why a node could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database did not open.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The client for onion requests to servers could not be set up.
    #[error(transparent)]
    Tls(#[from] crate::net::tls::TlsError),
    /// The system gave no randomness.
    #[error("no system randomness")]
    Random,
}

/// One HTTP exchange's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers, without those that the HTTP layer adds.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Bytes,
}

/// What the node counts.
#[derive(Debug, Default)]
struct Metrics {
    requests: Counter,
    onion: Counter,
    relayed: Counter,
    stored: Counter,
    retrieved: Counter,
    limited: Counter,
    forward_failures: Counter,
    resent: Counter,
    adopted: Counter,
    handed_over: Counter,
}

/// What all parts of a node share.
struct Inner {
    keys: Ed25519KeyPair,
    public: Ed25519PublicKey,
    onion_secret: X25519SecretKey,
    options: Options,
    db: Db,
    clock: Arc<dyn Clock>,
    list: ListWatch,
    channel: Arc<Channel>,
    links: Links,
    servers: HttpClient,
    waiters: Waiters,
    limiter: RateLimiter,
    onion_limiter: RateLimiter,
    onions: tokio::sync::Semaphore,
    metrics: Metrics,
    full: AtomicBool,
    stopping: tokio::sync::watch::Sender<bool>,
    random: Mutex<ChaCha20Rng>,
    tasks: Mutex<tokio::task::JoinSet<()>>,
}

/// A running service node. Cloning shares it.
#[derive(Clone)]
pub struct StorageNode {
    inner: Arc<Inner>,
}

impl StorageNode {
    /// Sets a node up. It serves requests as soon as the list names it; [`StorageNode::start`] adds its background work.
    pub fn new(
        keys: Ed25519KeyPair,
        options: Options,
        list: ListWatch,
        transport: Arc<dyn PeerTransport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StartError> {
        let db = match &options.storage {
            Storage::Memory => Db::in_memory()?,
            Storage::File(path, durability) => Db::open(path, *durability)?,
        };
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|_| StartError::Random)?;
        let channel = Arc::new(Channel::new(&keys, clock.now_ms()));
        Ok(Self {
            inner: Arc::new(Inner {
                public: keys.public(),
                onion_secret: keys.x25519(),
                keys,
                db,
                links: Links::new(Arc::clone(&channel), transport, Arc::clone(&clock)),
                servers: HttpClient::verifying_with(options.local_network, &options.local_servers)?,
                limiter: RateLimiter::new(options.rate),
                onion_limiter: RateLimiter::new(options.onion_rate),
                onions: tokio::sync::Semaphore::new(MAX_ONIONS),
                options,
                clock,
                list,
                channel,
                waiters: Waiters::default(),
                metrics: Metrics::default(),
                full: AtomicBool::new(false),
                stopping: tokio::sync::watch::Sender::new(false),
                random: Mutex::new(ChaCha20Rng::from_seed(seed)),
                tasks: Mutex::new(tokio::task::JoinSet::new()),
            }),
        })
    }

    /// The node's identity.
    pub fn public(&self) -> Ed25519PublicKey {
        self.inner.public
    }

    /// Starts the background work: sweeping, sending again, comparing with other members, handing over. Call it inside
    /// the runtime that is to do it.
    pub fn start(&self) {
        tasks::start(&self.inner);
    }

    /// Serves one exchange. `peer` is the client's address, for limits only.
    pub async fn handle(&self, method: &Method, path: &str, body: Bytes, peer: IpAddr) -> Response {
        http::handle(&self.inner, method, path, body, peer).await
    }

    /// Answers those who wait for messages now, as if their time was over, and lets nobody wait any more.
    pub fn end_waiting(&self) {
        self.inner.stopping.send_replace(true);
    }

    /// Ends waiting and the background work, and closes the database. What was acknowledged stays.
    pub fn stop(&self) {
        self.end_waiting();
        self.inner
            .tasks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .abort_all();
        self.inner.db.close();
    }

    /// Compares notes with every member of the swarm now, and hands over what belongs elsewhere. True if all of them
    /// answered. Happens by itself after start, on changes and now and then.
    pub async fn synchronise(&self) -> bool {
        sync::synchronise(&self.inner).await
    }

    /// The number of messages stored, expired ones included until they are swept.
    pub fn message_count(&self) -> Result<u64, DbError> {
        self.inner.db.read(db::count)
    }
}

impl Inner {
    fn now(&self) -> u64 {
        self.clock.now_ms()
    }

    fn list(&self) -> Arc<NodeList> {
        self.list.borrow().clone()
    }

    fn stamp(&self) -> Stamp {
        Stamp::new(self.now(), HARD_FORK)
    }

    /// The swarm we are in, once the list says so.
    fn swarm(&self, list: &NodeList) -> Option<SwarmId> {
        list.get(&self.public)
            .filter(|node| node.active && node.swarm.is_assigned())
            .map(|node| node.swarm)
    }

    /// Why we cannot serve yet, if so.
    fn not_ready(&self) -> Option<&'static str> {
        let list = self.list.borrow();
        match list.get(&self.public) {
            None => Some("not registered"),
            Some(node) if !node.active => Some("decommissioned"),
            Some(node) if !node.swarm.is_assigned() => Some("not in a swarm"),
            Some(_) => None,
        }
    }

    /// Runs something with the node's random generator.
    fn with_random<T>(&self, work: impl FnOnce(&mut ChaCha20Rng) -> T) -> T {
        work(&mut self.random.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests;
