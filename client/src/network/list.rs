//! The node list: bundled, from a gateway or seed as a hint, then confirmed by a quorum of nodes over onion paths
//! (`spec/03-network.md §1.4, §7.3`).

use std::collections::HashSet;
use std::rc::Rc;
use std::time::Duration;

use data_encoding::BASE64;
use futures::future::{Either, join, join_all, select};
use holdfast_protocol::keys::Ed25519PublicKey;
use holdfast_protocol::nodes::{self, AddressPolicy, NodeList, NodeState, ServiceNode};
use holdfast_protocol::swarm::request::Request;
use serde::{Deserialize, Serialize};

use super::pool::{Guard, identity, quorum};
use super::request::REQUEST_TIMEOUT;
use super::transport::{LIST_TIMEOUT, MAX_LIST, is_busy};
use crate::core::Core;
use crate::ports::{Change, Collection, HttpRequest, Method, NetworkError, StoreError};
use crate::profile::NetworkProfile;
use crate::records::{Record, decode, encode, keys};

/// How old a list may become (`spec/03-network.md §1.4`).
const REFRESH: Duration = Duration::from_secs(2 * 60 * 60);
/// Never fetched sooner than this after the last time, however often it is asked for.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(2);
/// First wait after a failure, doubled each time.
const BACKOFF: Duration = Duration::from_millis(200);
/// Longest wait while there is no list at all.
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);
/// Longest wait between attempts to confirm a list that works.
const LONGEST_CONFIRM_BACKOFF: Duration = Duration::from_secs(5 * 60);
/// Nodes asked for their list; two must agree.
const ASKED: usize = 3;

/// The list as it is kept.
#[derive(Serialize, Deserialize)]
struct ListRecord {
    fetched_at: u64,
    confirmed: bool,
    /// As a gateway writes it.
    nodes: Vec<u8>,
}

impl Record for ListRecord {}

/// A list that nobody has confirmed.
struct Hint {
    /// The gateway that told it; `None` for a seed.
    gateway: Option<String>,
    nodes: Vec<ServiceNode>,
}

impl Record for Vec<Guard> {}

/// Nodes and when they failed.
impl Record for Vec<(Ed25519PublicKey, Vec<u64>)> {}

/// The nodes of a list that stand in another one too, with the same address.
fn in_both(other: &[ServiceNode], list: Vec<ServiceNode>) -> Vec<ServiceNode> {
    let known: HashSet<_> = other.iter().map(identity).collect();
    list.into_iter()
        .filter(|node| known.contains(&identity(node)))
        .collect()
}

impl Core {
    /// Takes up the list, guards and strikes of the last session.
    pub(crate) async fn load_network(&self) -> Result<(), StoreError> {
        let store = &self.ports.store;
        let Some(list) = store.get(Collection::Network, keys::NODES).await? else {
            return Ok(());
        };
        let list: ListRecord = decode(&list)?;
        let nodes = NodeList::from_json(&list.nodes)
            .map_err(|_| StoreError::Damaged)?
            .nodes(self.policy(), 0);
        let guards = store.get(Collection::Network, keys::GUARDS).await?;
        let strikes = store.get(Collection::Network, keys::STRIKES).await?;
        if let Some(offset) = store.get(Collection::Network, keys::TIME).await? {
            self.time.remember(decode(&offset)?);
        }
        if nodes.len() >= self.profile.minimum_nodes {
            let mut pool = self.net.pool.borrow_mut();
            pool.replace(nodes, list.fetched_at, list.confirmed);
            if let Some(guards) = guards {
                pool.guards = decode::<Vec<Guard>>(&guards)?;
            }
            if let Some(strikes) = strikes {
                pool.restore_strikes(decode(&strikes)?);
            }
        }
        Ok(())
    }

    /// Keeps the list present, confirmed and young.
    pub(crate) async fn run_list(self: Rc<Self>) {
        let mut failures = 0u32;
        let mut wait = self.time_to_refresh();
        loop {
            let seen = self.net.refresh.count();
            if !wait.is_zero() && self.net.pool.borrow().len() >= self.profile.minimum_nodes {
                let asked = Box::pin(self.net.refresh.passed(seen));
                if let Either::Left(_) = select(asked, self.ports.clock.sleep(wait)).await {
                    self.sleep(SHORTEST_INTERVAL).await;
                }
            } else {
                self.sleep(wait).await;
            }
            if self.net.pool.borrow().len() < self.profile.minimum_nodes && !self.bootstrap().await {
                failures = failures.saturating_add(1);
                wait = self.jitter(BACKOFF.saturating_mul(1 << failures.min(8)).min(LONGEST_BACKOFF));
                continue;
            }
            self.net.changed.notify();
            if self.confirm().await {
                failures = 0;
                wait = self.jitter(REFRESH);
            } else {
                failures = failures.saturating_add(1);
                let longest = LONGEST_CONFIRM_BACKOFF;
                wait = self.jitter(BACKOFF.saturating_mul(1 << failures.min(12)).min(longest));
                // Where every path fails, the list itself may be out of date.
                if self.net.paths.borrow().is_empty() && self.net.online.get() {
                    self.bootstrap().await;
                }
            }
        }
    }

    /// A confirmed list from the last session serves until it is old.
    fn time_to_refresh(&self) -> Duration {
        let pool = self.net.pool.borrow();
        let age = self.time.now().saturating_sub(pool.fetched_at.unwrap_or(0));
        if pool.confirmed {
            REFRESH.saturating_sub(Duration::from_millis(age))
        } else {
            Duration::ZERO
        }
    }

    fn policy(&self) -> AddressPolicy {
        if self.profile.local {
            AddressPolicy::Local
        } else {
            AddressPolicy::Public
        }
    }

    /// The nodes of a binary list that may be used.
    fn read_active_nodes(&self, records: &[u8]) -> Option<Vec<ServiceNode>> {
        let mut seen = HashSet::new();
        let nodes = nodes::decode_active_nodes(records).ok()?;
        let policy = self.policy();
        Some(
            nodes
                .into_iter()
                .filter(|node| policy.accepts(node) && seen.insert(node.ed25519))
                .collect(),
        )
    }

    /// Gets a first list, or a newer one while no path works: what ships with the app, or what was confirmed before, and what a
    /// gateway or seed says.
    async fn bootstrap(&self) -> bool {
        let before = self.confirmed_before();
        let known = match &before {
            Some((_, nodes)) => Some(nodes.clone()),
            None => self.fetch_bundled().await,
        };
        let (hint, other) = join(self.fetch_hint(), self.fetch_other_hint()).await;
        let hint = self.vouched_for(known.as_deref(), hint, other);
        let now = self.time.now();
        let mut pool = self.net.pool.borrow_mut();
        match (hint, known) {
            (Some(hint), known) => {
                let old: HashSet<_> = pool.nodes().iter().map(identity).collect();
                let kept = hint.iter().filter(|node| old.contains(&identity(node))).count();
                if known.is_none() && !old.is_empty() && !self.profile.local && kept * 2 < old.len() {
                    return false;
                }
                pool.replace(hint, now, false);
            }
            // It is in force.
            (None, Some(_)) if pool.confirmed => return false,
            (None, Some(known)) => {
                let fetched_at = before.map(|(fetched_at, _)| fetched_at);
                pool.replace(known, fetched_at.unwrap_or(now), fetched_at.is_some());
            }
            (None, None) => return false,
        }
        drop(pool);
        self.net.redirects.borrow_mut().clear();
        self.net.changed.notify();
        self.refresh_status();
        true
    }

    /// The list that was confirmed last. What ships with the app is older; and a network of one's own, which ships with none,
    /// may be made anew and then shares nothing with what was known.
    fn confirmed_before(&self) -> Option<(u64, Vec<ServiceNode>)> {
        let lasts = !self.profile.local || self.profile.bundled_nodes.is_some();
        let pool = self.net.pool.borrow();
        pool.last_confirmed().filter(|_| lasts).cloned()
    }

    /// What ships with the app.
    async fn fetch_bundled(&self) -> Option<Vec<ServiceNode>> {
        let url = self.profile.bundled_nodes.as_ref()?;
        let list = self.fetch_file(url).await.ok()?;
        self.read_bundled(&list)
    }

    /// The nodes of a list that other sources name too: what is known, and another gateway where there is one that answers. They
    /// serve until a quorum confirms the list: one source alone must not choose who sees this device, who is asked about the
    /// list, or where messages go.
    fn vouched_for(
        &self,
        known: Option<&[ServiceNode]>,
        hint: Option<Hint>,
        other: Option<Hint>,
    ) -> Option<Vec<ServiceNode>> {
        let hint = hint?;
        // Where the present gateway failed meanwhile, the other one may have told both.
        let other = other.filter(|other| other.gateway != hint.gateway);
        let compared = other.is_some();
        let mut nodes = hint.nodes;
        if let Some(other) = other {
            nodes = in_both(&other.nodes, nodes);
        }
        let mut needed = self.profile.minimum_nodes;
        if let Some(known) = known {
            nodes = in_both(known, nodes);
            // More than half of the known network gone: not without confirmation.
            needed = needed.max(known.len().div_ceil(2));
        }
        if nodes.len() >= needed {
            return Some(nodes);
        }
        if compared {
            self.net.next_pair(&self.profile);
        }
        None
    }

    /// The list of another gateway than the present one.
    async fn fetch_other_hint(&self) -> Option<Hint> {
        let gateway = self.net.other_gateway(&self.profile)?;
        let list = self
            .fetch_file(&NetworkProfile::below(&gateway, "v1/nodes"))
            .await
            .ok()?;
        let nodes = self.parse_list(&list)?;
        let gateway = Some(gateway);
        Some(Hint { gateway, nodes })
    }

    /// The list that ships with the app: JSON as a gateway has it, or the binary form, which is smaller.
    fn read_bundled(&self, list: &[u8]) -> Option<Vec<ServiceNode>> {
        self.parse_list(list).or_else(|| {
            let nodes = self.read_active_nodes(list)?;
            (nodes.len() >= self.profile.minimum_nodes).then_some(nodes)
        })
    }

    fn parse_list(&self, json: &[u8]) -> Option<Vec<ServiceNode>> {
        let list = NodeList::from_json(json).ok()?;
        let age = list
            .fetched_at
            .map_or(0, |fetched_at| self.time.now().saturating_sub(fetched_at));
        let nodes = list.nodes(self.policy(), age);
        (nodes.len() >= self.profile.minimum_nodes).then_some(nodes)
    }

    /// The list of the present gateway, or of a seed.
    async fn fetch_hint(&self) -> Option<Hint> {
        for _ in 0..self.profile.gateways.len() {
            let gateway = self.net.gateway(&self.profile)?;
            match self
                .fetch_answer(&NetworkProfile::below(&gateway, "v1/nodes"))
                .await
            {
                Ok(response) if is_busy(&response) => self.gateway_busy(),
                Ok(response) if response.status == 200 => {
                    self.gateway_works();
                    if let Some(nodes) = self.parse_list(&response.body) {
                        let gateway = Some(gateway);
                        return Some(Hint { gateway, nodes });
                    }
                    self.net.next_gateway();
                }
                Err(NetworkError::Offline) => {
                    self.trouble(crate::api::Trouble::Offline);
                    return None;
                }
                Ok(_) | Err(_) => self.gateway_failed(),
            }
        }
        for seed in &self.profile.seeds {
            let request = HttpRequest {
                method: Method::Post,
                url: seed.clone(),
                body: nodes::seed_request(),
                timeout: LIST_TIMEOUT,
                max_response: MAX_LIST,
                progress: None,
            };
            if let Ok(response) = self.ports.network.send(request).await
                && response.status == 200
                && let Some(nodes) = self.parse_list(&response.body)
            {
                return Some(Hint { gateway: None, nodes });
            }
        }
        None
    }

    /// Asks three nodes over onion paths and takes what two of them agree on.
    async fn confirm(&self) -> bool {
        if !self.path_ready(REQUEST_TIMEOUT).await {
            return false;
        }
        let asked = self.some_nodes(ASKED);
        let calls = asked
            .iter()
            .map(|node| self.call(node, &Request::ActiveNodesBin, REQUEST_TIMEOUT));
        let mut lists = Vec::new();
        for reply in join_all(calls).await.into_iter().flatten() {
            if reply.status == 200
                && let Ok(records) = BASE64.decode(reply.body.trim_ascii())
                && let Some(nodes) = self.read_active_nodes(&records)
            {
                lists.push(nodes);
            }
        }
        let agreed = self.net.pool.borrow().with_http_ports(quorum(&lists));
        if agreed.len() < self.profile.minimum_nodes {
            return false;
        }
        self.check_gateway(&agreed).await;
        let states = agreed.iter().map(NodeState::of).collect();
        let bytes = NodeList {
            states,
            ..NodeList::default()
        }
        .to_json();
        let now = self.time.now();
        self.net.pool.borrow_mut().replace(agreed, now, true);
        self.net.redirects.borrow_mut().clear();
        self.net.changed.notify();
        self.refresh_status();
        let record = ListRecord {
            fetched_at: now,
            confirmed: true,
            nodes: bytes,
        };
        self.save(keys::NODES, &record).await;
        self.save_guards().await;
        let strikes = self.net.pool.borrow().strikes();
        self.save(keys::STRIKES, &strikes).await;
        true
    }

    /// A gateway whose list has little to do with the confirmed one is passed over from now on.
    async fn check_gateway(&self, agreed: &[ServiceNode]) {
        let Some(gateway) = self.net.gateway(&self.profile) else {
            return;
        };
        let Ok(json) = self
            .fetch_file(&NetworkProfile::below(&gateway, "v1/nodes"))
            .await
        else {
            return;
        };
        let Some(claimed) = self.parse_list(&json) else {
            return;
        };
        let known: HashSet<_> = agreed.iter().map(identity).collect();
        let shared = claimed
            .iter()
            .filter(|node| known.contains(&identity(node)))
            .count();
        if shared * 2 < claimed.len().max(agreed.len()) && !self.net.liars.borrow().contains(&gateway) {
            self.net.liars.borrow_mut().push(gateway);
            self.net.next_gateway();
        }
    }

    /// Random nodes for questions that any node can answer, those that work first.
    pub(crate) fn some_nodes(&self, count: usize) -> Vec<ServiceNode> {
        let now = self.time.now();
        let pool = self.net.pool.borrow();
        let mut nodes: Vec<_> = pool
            .nodes()
            .iter()
            .map(|node| (pool.rank(&node.ed25519, now), node))
            .collect();
        self.shuffle(&mut nodes);
        nodes.sort_by_key(|(rank, _)| *rank);
        nodes.into_iter().take(count).map(|(_, node)| *node).collect()
    }

    /// Keeps the guards over restarts.
    pub(crate) async fn save_guards(&self) {
        let guards = self.net.pool.borrow().guards.clone();
        self.save(keys::GUARDS, &guards).await;
    }

    /// Keeps something of the network. It can be learnt again, so that a full store is no failure here.
    pub(crate) async fn save<T: Serialize>(&self, key: &[u8], record: &T) {
        if let Ok(value) = encode(record) {
            let _ = self
                .ports
                .store
                .commit(vec![Change::Put(Collection::Network, key.to_vec(), value)])
                .await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_list_is_readable_and_big_enough_to_spread_over() {
        let list = include_bytes!("../../../static/networks/mainnet-nodes.bin");
        let nodes = nodes::decode_active_nodes(list).unwrap();
        let usable = nodes.iter().filter(|node| AddressPolicy::Public.accepts(node));
        assert!(usable.count() > 1_000 && nodes::swarm_ids(&nodes).len() > 100);
    }
}
