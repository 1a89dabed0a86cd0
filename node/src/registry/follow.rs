//! Following a node list that somebody else keeps: the public network's seeds, or a local network's.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use holdfast_protocol::keys::Ed25519KeyPair;
use holdfast_protocol::nodes::{AddressPolicy, MAX_LIST_SIZE, NodeList as ReceivedList, seed_request};

use super::Node;
use super::live::{Registration, Registry};
use crate::clock::Clock;
use crate::net::client::HttpClient;
use crate::net::server::Stopping;
use crate::net::tls::{SEED_PINS, TlsError, client_pinned, client_unverified};

/// The seeds of the public network (spec/03-network.md §1.1).
pub const PUBLIC_SEEDS: [&str; 3] = [
    "https://seed1.getsession.org:4443/json_rpc",
    "https://seed2.getsession.org:4443/json_rpc",
    "https://seed3.getsession.org:4443/json_rpc",
];
/// How long a seed may take; the public list is about 700 kB.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How often the public list is fetched again (spec/03-network.md §7.3 asks for at least every 2 h).
const PUBLIC_EVERY: Duration = Duration::from_secs(3600);
/// How often a local network's list is fetched, and how often its nodes prove that they live.
const LOCAL_EVERY: Duration = Duration::from_secs(2);
/// The pause after a fetch that failed everywhere; it doubles up to the usual interval.
const RETRY: Duration = Duration::from_secs(1);

/// Where a list comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The public network's seeds, with pinned certificates.
    Public,
    /// Seeds of a local network.
    Local(Vec<String>),
}

/// Keeps a registry equal to what seeds say.
pub struct Follower {
    source: Source,
    client: HttpClient,
    registry: Arc<Registry>,
}

impl Follower {
    /// A follower that fills this registry.
    pub fn new(source: Source, registry: Arc<Registry>) -> Result<Self, TlsError> {
        let client = match &source {
            Source::Public => HttpClient::new(client_pinned(&SEED_PINS)?, false),
            Source::Local(_) => HttpClient::new(client_unverified()?, true),
        };
        Ok(Self {
            source,
            client,
            registry,
        })
    }

    /// Follows until told to stop.
    pub async fn run(self, mut stopping: Stopping) {
        let usual = match self.source {
            Source::Public => PUBLIC_EVERY,
            Source::Local(_) => LOCAL_EVERY,
        };
        let mut retry = RETRY;
        while let Some(fetched) = stopping.or(self.fetch()).await {
            let pause = if fetched {
                retry = RETRY;
                usual
            } else {
                tracing::warn!("no seed gave a node list");
                retry = (retry * 2).min(usual);
                retry
            };
            if stopping.or(tokio::time::sleep(pause)).await.is_none() {
                return;
            }
        }
    }

    /// Asks the seeds in turn until one gives a list. False if none did.
    pub async fn fetch(&self) -> bool {
        let urls: Vec<&str> = match &self.source {
            Source::Public => PUBLIC_SEEDS.to_vec(),
            Source::Local(urls) => urls.iter().map(String::as_str).collect(),
        };
        for url in urls {
            let request = Bytes::from(seed_request());
            let answer = self
                .client
                .post(url, "application/json", request, MAX_LIST_SIZE, TIMEOUT)
                .await;
            if let Ok(answer) = answer
                && answer.status == 200
                && self.take(&answer.body)
            {
                return true;
            }
        }
        false
    }

    /// Takes a list over. False if it holds no usable node.
    pub fn take(&self, json: &[u8]) -> bool {
        let policy = match self.source {
            Source::Public => AddressPolicy::Public,
            Source::Local(_) => AddressPolicy::Local,
        };
        let Ok(list) = ReceivedList::from_json(json) else {
            return false;
        };
        let nodes: Vec<Node> = list.nodes(policy, 0).into_iter().map(Node::from).collect();
        if nodes.is_empty() {
            return false;
        }
        let known = self.registry.list();
        if known.height != list.height || known.nodes() != nodes_in_order(&nodes) {
            self.registry.mirror(nodes, list.height);
        }
        true
    }
}

fn nodes_in_order(nodes: &[Node]) -> Vec<Node> {
    let mut nodes = nodes.to_vec();
    nodes.sort_by_key(Node::ed25519);
    nodes
}

/// Tells a local network's seed where a node is, now and again, until told to stop. `register` is the address of the
/// seed's registration.
pub async fn prove_life(
    keys: Ed25519KeyPair,
    node: Node,
    register: Vec<String>,
    clock: Arc<dyn Clock>,
    mut stopping: Stopping,
) -> Result<(), TlsError> {
    let client = HttpClient::new(client_unverified()?, true);
    loop {
        let registration = Registration::signed(&keys, &node, clock.now_ms());
        let body = Bytes::from(serde_json::to_vec(&registration).unwrap_or_default());
        let told = async {
            for url in &register {
                let answer = client
                    .post(url, "application/json", body.clone(), 4_096, TIMEOUT)
                    .await;
                if !answer.is_ok_and(|answer| answer.status == 200) {
                    tracing::warn!("a seed did not take the registration");
                }
            }
            tokio::time::sleep(LOCAL_EVERY).await;
        };
        if stopping.or(told).await.is_none() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::json::client_list;
    use super::super::tests::node;
    use super::*;

    #[test]
    fn a_list_is_taken_over_once_and_bad_ones_are_not() {
        let registry = Arc::new(Registry::fixed(Vec::new(), 0));
        let follower = Follower::new(Source::Local(Vec::new()), Arc::clone(&registry)).unwrap();
        let list = super::super::NodeList::new(vec![node(1, 0), node(2, 5)], 9);
        let json = client_list(&list, 0, "test").to_string();
        assert!(follower.take(json.as_bytes()));
        assert_eq!(registry.list().nodes(), list.nodes());
        let hash = registry.list().block_hash;
        assert!(follower.take(json.as_bytes()));
        assert_eq!(registry.list().block_hash, hash);
        assert!(!follower.take(b"{}"));
        assert!(!follower.take(b"{\"service_node_states\":[]}"));
        assert_eq!(registry.list().block_hash, hash, "a bad list changes nothing");
    }

    #[test]
    fn plain_ports_stay_plain() {
        let mut plain = node(1, 0);
        plain.https_port = 0;
        plain.http_port = Some(4000);
        plain.ip = std::net::Ipv4Addr::LOCALHOST;
        plain.omq_port = 4000;
        let registry = Arc::new(Registry::fixed(Vec::new(), 0));
        let follower = Follower::new(Source::Local(Vec::new()), Arc::clone(&registry)).unwrap();
        let list = super::super::NodeList::new(vec![plain.clone()], 9);
        assert!(follower.take(client_list(&list, 0, "test").to_string().as_bytes()));
        assert_eq!(registry.list().nodes(), [plain]);
        let public = Follower::new(Source::Public, registry).unwrap();
        assert!(
            !public.take(client_list(&list, 0, "test").to_string().as_bytes()),
            "loopback on the public network"
        );
    }
}
