//! The known service nodes: sanity rules, swarms, strikes and guards (`spec/03-network.md §1.5, §1.6, §4.8`).

use std::collections::{HashMap, HashSet};
use std::net::Ipv4Addr;

use holdfast_protocol::account::Id;
use holdfast_protocol::keys::Ed25519PublicKey;
use holdfast_protocol::nodes::ServiceNode;
use holdfast_protocol::swarm::{SwarmId, swarm_of};
use serde::{Deserialize, Serialize};

/// A node with this many strikes is out (`spec/03-network.md §1.6`).
const STRIKES_OUT: usize = 3;
/// How long a strike counts on a public network.
const STRIKE_LIFE_MS: u64 = 48 * 60 * 60 * 1_000;
/// How long a strike counts on a network of one's own, whose few nodes come back when they are restarted.
const STRIKE_LIFE_LOCAL_MS: u64 = 2 * 60 * 1_000;
/// How long a node that just failed is passed over where others are left.
const AVOID_MS: u64 = 30_000;
/// A guard is kept this long (`spec/03-network.md §4.8`).
const GUARD_LIFE_MS: u64 = 10 * 24 * 60 * 60 * 1_000;
/// Destinations whose silence is remembered: a public network's nodes, and some servers.
const MAX_SILENT: usize = 4_000;

/// What makes an entry of a node list the same in two lists: comparing less would let a liar swap keys or addresses.
pub(crate) type NodeIdentity = (Ed25519PublicKey, Ipv4Addr, u16);

/// A guard that was chosen, so that it stays the same over restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Guard {
    pub(crate) key: Ed25519PublicKey,
    /// Unix milliseconds of the first use.
    pub(crate) since: u64,
}

/// The node list and what experience says of its nodes.
#[derive(Default)]
pub(crate) struct Pool {
    nodes: Vec<ServiceNode>,
    by_key: HashMap<Ed25519PublicKey, usize>,
    swarms: Vec<SwarmId>,
    /// When the list was fetched, Unix milliseconds.
    pub(crate) fetched_at: Option<u64>,
    /// Whether a quorum of nodes confirmed the list over onion paths.
    pub(crate) confirmed: bool,
    strikes: HashMap<Ed25519PublicKey, Vec<u64>>,
    avoid: HashMap<Ed25519PublicKey, u64>,
    /// Destinations that did not answer, nobody knows why, with the guard that they were asked behind.
    silent: HashMap<Ed25519PublicKey, Ed25519PublicKey>,
    pub(crate) guards: Vec<Guard>,
    /// The last list that was confirmed, and when it was fetched: what a newer one is compared with.
    last_confirmed: Option<(u64, Vec<ServiceNode>)>,
    local: bool,
}

impl Pool {
    pub(crate) fn new(local: bool) -> Self {
        Self {
            local,
            ..Self::default()
        }
    }

    /// What the list so far says of plain HTTP ports, which the binary form can't say.
    pub(crate) fn with_http_ports(&self, nodes: Vec<ServiceNode>) -> Vec<ServiceNode> {
        let known = |node: ServiceNode| match self.get(&node.ed25519) {
            Some(old) if identity(old) == identity(&node) => ServiceNode {
                http_port: old.http_port,
                https_port: old.https_port,
                ..node
            },
            _ => node,
        };
        nodes.into_iter().map(known).collect()
    }

    /// Replaces the list; the entries must have passed the address rules.
    pub(crate) fn replace(&mut self, nodes: Vec<ServiceNode>, fetched_at: u64, confirmed: bool) {
        self.by_key = nodes
            .iter()
            .enumerate()
            .map(|(index, node)| (node.ed25519, index))
            .collect();
        self.swarms = nodes
            .iter()
            .map(|node| node.swarm)
            .filter(|swarm| swarm.is_assigned())
            .collect();
        self.swarms.sort_unstable();
        self.swarms.dedup();
        if confirmed {
            self.last_confirmed = Some((fetched_at, nodes.clone()));
        }
        self.nodes = nodes;
        self.fetched_at = Some(fetched_at);
        self.confirmed = confirmed;
        self.silent.clear();
        let known = &self.by_key;
        self.guards.retain(|guard| known.contains_key(&guard.key));
        self.strikes.retain(|key, _| known.contains_key(key));
    }

    /// The last list that was confirmed, whatever came after it, and when it was fetched.
    pub(crate) fn last_confirmed(&self) -> Option<&(u64, Vec<ServiceNode>)> {
        self.last_confirmed.as_ref()
    }

    pub(crate) fn nodes(&self) -> &[ServiceNode] {
        &self.nodes
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn get(&self, key: &Ed25519PublicKey) -> Option<&ServiceNode> {
        self.by_key.get(key).and_then(|index| self.nodes.get(*index))
    }

    /// The swarm that holds an account, computed here so that nobody is told of the interest in it.
    pub(crate) fn swarm_for(&self, account: &Id) -> Option<SwarmId> {
        swarm_of(account.key(), &self.swarms)
    }

    /// The members of a swarm.
    pub(crate) fn members(&self, swarm: SwarmId) -> Vec<ServiceNode> {
        self.nodes
            .iter()
            .filter(|node| node.swarm == swarm)
            .cloned()
            .collect()
    }

    /// A node failed: one strike, and others come first for a while.
    pub(crate) fn strike(&mut self, key: &Ed25519PublicKey, now: u64) {
        if !self.by_key.contains_key(key) {
            return;
        }
        let strikes = self.strikes.entry(*key).or_default();
        strikes.push(now);
        self.avoid(key, now);
    }

    /// Others come first for a while: for failures that may be somebody else's doing.
    pub(crate) fn avoid(&mut self, key: &Ed25519PublicKey, now: u64) {
        if self.by_key.contains_key(key) {
            self.avoid.insert(*key, now.saturating_add(AVOID_MS));
        }
    }

    /// A node did its work.
    pub(crate) fn worked(&mut self, key: &Ed25519PublicKey) {
        self.avoid.remove(key);
        self.silent.remove(key);
    }

    /// A destination, a node or a server, did not answer behind a guard, and nobody knows why. Tells whether it did not behind
    /// another one either: then it is not the path's doing.
    pub(crate) fn note_silence(&mut self, destination: &Ed25519PublicKey, guard: &Ed25519PublicKey) -> bool {
        match self.silent.remove(destination) {
            Some(other) if other != *guard => true,
            _ => {
                if self.silent.len() >= MAX_SILENT {
                    self.silent.clear();
                }
                self.silent.insert(*destination, *guard);
                false
            }
        }
    }

    /// The guard behind which a destination did not answer, if it has not answered since.
    pub(crate) fn silent_behind(&self, destination: &Ed25519PublicKey) -> Option<Ed25519PublicKey> {
        self.silent.get(destination).copied()
    }

    /// Whether a node has too many strikes.
    pub(crate) fn is_out(&self, key: &Ed25519PublicKey, now: u64) -> bool {
        let life = if self.local {
            STRIKE_LIFE_LOCAL_MS
        } else {
            STRIKE_LIFE_MS
        };
        let young = |time: &&u64| now.saturating_sub(**time) < life;
        self.strikes
            .get(key)
            .is_some_and(|times| times.iter().filter(young).count() >= STRIKES_OUT)
    }

    /// 0 for nodes to use, 1 for those that just failed, 2 for those with too many strikes: still used when none else is
    /// left, since a small network must not lock itself out.
    pub(crate) fn rank(&self, key: &Ed25519PublicKey, now: u64) -> u8 {
        if self.is_out(key, now) {
            2
        } else {
            u8::from(self.avoid.get(key).is_some_and(|until| *until > now))
        }
    }

    /// Drops guards that are too old or out, and says whether any was.
    pub(crate) fn prune_guards(&mut self, now: u64) -> bool {
        let before = self.guards.len();
        let guards = std::mem::take(&mut self.guards);
        self.guards = guards
            .into_iter()
            .filter(|guard| now.saturating_sub(guard.since) < GUARD_LIFE_MS && !self.is_out(&guard.key, now))
            .collect();
        self.guards.len() < before
    }

    /// Strikes to persist.
    pub(crate) fn strikes(&self) -> Vec<(Ed25519PublicKey, Vec<u64>)> {
        self.strikes
            .iter()
            .map(|(key, times)| (*key, times.clone()))
            .collect()
    }

    /// Takes up persisted strikes.
    pub(crate) fn restore_strikes(&mut self, strikes: Vec<(Ed25519PublicKey, Vec<u64>)>) {
        self.strikes = strikes
            .into_iter()
            .filter(|(key, _)| self.by_key.contains_key(key))
            .collect();
    }
}

/// What identifies an entry of a list.
pub(crate) fn identity(node: &ServiceNode) -> NodeIdentity {
    // A plain HTTP node of a local network has one port, which the binary form puts where the HTTPS port goes.
    let port = if node.https_port == 0 {
        node.http_port.unwrap_or(0)
    } else {
        node.https_port
    };
    (node.ed25519, node.ip, port)
}

/// The entries that at least two of the lists hold.
pub(crate) fn quorum(lists: &[Vec<ServiceNode>]) -> Vec<ServiceNode> {
    let mut votes: HashMap<(NodeIdentity, SwarmId), (usize, &ServiceNode)> = HashMap::new();
    for list in lists {
        let mut once = HashSet::new();
        for node in list {
            let claim = (identity(node), node.swarm);
            if once.insert(claim) {
                votes.entry(claim).or_insert((0, node)).0 += 1;
            }
        }
    }
    let mut agreed: Vec<ServiceNode> = votes
        .into_values()
        .filter(|(count, _)| *count >= 2)
        .map(|(_, node)| *node)
        .collect();
    agreed.sort_by_key(|node| node.ed25519);
    // One key may stand for one node only.
    agreed.dedup_by(|one, other| one.ed25519 == other.ed25519);
    agreed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::node;

    #[test]
    fn a_quorum_needs_key_address_and_swarm_twice() {
        let honest = vec![node(1, 0), node(2, 0), node(3, 5)];
        let mut liar = vec![node(1, 0), node(9, 0), node(9, 0)];
        let mut swapped = node(2, 0);
        swapped.ip = [9, 9, 9, 9].into();
        liar.push(swapped);
        let mut moved = node(3, 0);
        moved.swarm = SwarmId(77);
        liar.push(moved);
        let agreed = quorum(&[honest.clone(), honest.clone(), liar.clone()]);
        assert_eq!(agreed.len(), 3);
        assert!(
            honest
                .iter()
                .all(|node| agreed.iter().any(|other| identity(other) == identity(node)))
        );
        let agreed = quorum(&[honest, liar]);
        assert_eq!(agreed.len(), 1);
    }

    #[test]
    fn three_strikes_put_a_node_last_until_they_are_old() {
        let mut pool = Pool::new(false);
        pool.replace(vec![node(1, 0)], 0, false);
        let key = node(1, 0).ed25519;
        pool.strike(&key, 1_000);
        assert_eq!(pool.rank(&key, 1_000), 1);
        assert_eq!(pool.rank(&key, 1_000 + AVOID_MS), 0);
        pool.strike(&key, 2_000);
        pool.strike(&key, 3_000);
        assert_eq!(pool.rank(&key, 3_000), 2);
        assert_eq!(pool.rank(&key, 1_000 + STRIKE_LIFE_MS), 0);
    }

    #[test]
    fn silence_counts_behind_two_guards() {
        let mut pool = Pool::new(false);
        let [one, two, silent] = [1, 2, 3].map(|number| node(number, 0).ed25519);
        assert!(!pool.note_silence(&silent, &one));
        assert!(!pool.note_silence(&silent, &one));
        assert!(pool.note_silence(&silent, &two));
        assert!(!pool.note_silence(&silent, &two), "each time anew");
        pool.worked(&silent);
        assert!(!pool.note_silence(&silent, &one));
    }

    #[test]
    fn what_was_confirmed_last_is_kept_beside_what_was_not() {
        let mut pool = Pool::new(false);
        pool.replace(vec![node(1, 0)], 1, true);
        pool.replace(vec![node(2, 0)], 2, false);
        assert_eq!(pool.last_confirmed(), Some(&(1, vec![node(1, 0)])));
        pool.replace(vec![node(2, 0)], 3, true);
        assert_eq!(pool.last_confirmed(), Some(&(3, vec![node(2, 0)])));
    }

    #[test]
    fn strikes_of_unknown_nodes_are_not_kept() {
        let mut pool = Pool::new(false);
        pool.replace(vec![node(1, 0)], 0, false);
        pool.strike(&node(2, 0).ed25519, 1);
        assert!(pool.strikes().is_empty());
    }

    #[test]
    fn guards_leave_with_the_list_with_age_and_with_strikes() {
        let mut pool = Pool::new(false);
        pool.replace(vec![node(1, 0), node(2, 0), node(3, 0)], 0, false);
        let guard = |number, since| Guard {
            key: node(number, 0).ed25519,
            since,
        };
        pool.guards = vec![guard(1, 0), guard(2, GUARD_LIFE_MS), guard(3, GUARD_LIFE_MS)];
        for _ in 0..STRIKES_OUT {
            pool.strike(&node(3, 0).ed25519, GUARD_LIFE_MS);
        }
        assert!(pool.prune_guards(GUARD_LIFE_MS + 1));
        assert_eq!(pool.guards, [guard(2, GUARD_LIFE_MS)]);
        pool.replace(vec![node(1, 0)], 1, true);
        assert!(pool.guards.is_empty());
    }
}
