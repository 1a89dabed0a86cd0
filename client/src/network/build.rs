//! Builds, verifies, mends and renews onion paths (`spec/03-network.md §4.8`).

use std::collections::HashSet;
use std::rc::Rc;
use std::time::Duration;

use futures::future::{Either, select};
use holdfast_protocol::keys::Ed25519PublicKey;
use holdfast_protocol::nodes::ServiceNode;
use holdfast_protocol::swarm::reply::{self, InfoReply};
use holdfast_protocol::swarm::request::Request;

use super::attribution::Blame;
use super::paths::{Path, STRIKES};
use super::pool::Guard;
use crate::api::Trouble;
use crate::core::Core;

/// Paths kept ready (`spec/03-network.md §4.8`).
const PATHS: usize = 2;
/// Guards remembered: the two in use, and those that they may go back to.
const MAX_GUARDS: usize = 4;
/// How long verifying a whole path may take.
const VERIFY_TIMEOUT: Duration = Duration::from_secs(8);
/// How long each step of finding a failing hop may take.
const PROBE_TIMEOUT: Duration = Duration::from_secs(4);
/// Hops that are replaced in one path before it is given up.
const MAX_REPAIRS: usize = 3;
/// A path is renewed behind its guard after this long.
const PATH_LIFE: Duration = Duration::from_secs(10 * 60);
/// A renewal that failed is tried again after this long.
const RENEWAL_RETRY_MS: u64 = 60 * 1_000;
/// First wait after a failed build, doubled each time.
const BUILD_BACKOFF: Duration = Duration::from_millis(200);
/// Longest wait between builds when no path is ready.
const MAX_BACKOFF: Duration = Duration::from_secs(5);
/// Longest wait between builds of a second path.
const MAX_BACKOFF_SPARE: Duration = Duration::from_secs(60);
/// After this many failed builds without any path the user is told.
const FAILURES_TO_TELL: u32 = 3;

/// Why a path could not be built.
#[derive(Debug, PartialEq, Eq)]
enum BuildError {
    /// Offline, or no gateway.
    Unavailable,
    /// Too few nodes are left.
    NoNodes,
    /// Nodes failed; they have their strikes.
    Failed,
}

/// What checking a chain found.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Works,
    /// The first hop that did not answer.
    Bad(usize),
    /// Every hop answers, but nothing came through.
    Unclear,
    /// The gateway does not know the guard.
    UnknownGuard,
    /// Offline, or no gateway.
    Unavailable,
}

impl Core {
    /// Keeps paths ready for as long as the engine runs.
    pub(crate) async fn run_paths(self: Rc<Self>) {
        let mut failures = 0u32;
        loop {
            let seen = self.net.changed.count();
            let doubtful = self
                .net
                .paths
                .borrow()
                .iter()
                .find(|path| path.doubt.get().is_some())
                .cloned();
            if let Some(path) = doubtful {
                self.repair(&path).await;
                continue;
            }
            self.prune();
            if let Some(path) = self.path_due() {
                self.renew_path(&path).await;
                continue;
            }
            let ready = self.net.paths.borrow().len();
            let wait = if ready < self.wanted_paths() {
                match self.build_path().await {
                    Ok(()) => {
                        failures = 0;
                        continue;
                    }
                    Err(error) => {
                        failures = failures.saturating_add(1);
                        if ready == 0 && error != BuildError::Unavailable && failures >= FAILURES_TO_TELL {
                            self.trouble(Trouble::NoPath);
                        }
                        if error == BuildError::NoNodes || failures.is_multiple_of(FAILURES_TO_TELL) {
                            self.net.refresh.notify();
                        }
                        let longest = if ready == 0 {
                            MAX_BACKOFF
                        } else {
                            MAX_BACKOFF_SPARE
                        };
                        self.jitter(BUILD_BACKOFF.saturating_mul(1 << failures.min(10)).min(longest))
                    }
                }
            } else {
                failures = 0;
                PATH_LIFE
            };
            let wait = wait.min(self.until_renewal());
            let changed = Box::pin(self.net.changed.passed(seen));
            let _: Either<_, _> = select(changed, self.ports.clock.sleep(wait)).await;
        }
    }

    /// A path that has served for long enough.
    fn path_due(&self) -> Option<Rc<Path>> {
        let now = self.ports.clock.monotonic_ms();
        let paths = self.net.paths.borrow();
        paths.iter().find(|path| path.renew_at.get() <= now).cloned()
    }

    /// How long no path has to be renewed.
    fn until_renewal(&self) -> Duration {
        let now = self.ports.clock.monotonic_ms();
        let paths = self.net.paths.borrow();
        let next = paths.iter().map(|path| path.renew_at.get()).min();
        next.map_or(PATH_LIFE, |at| Duration::from_millis(at.saturating_sub(now)))
    }

    /// Two paths where the list is large enough for them to be disjoint with a destination outside.
    fn wanted_paths(&self) -> usize {
        if self.net.pool.borrow().len() > PATHS * self.profile.hops {
            PATHS
        } else {
            1
        }
    }

    /// Drops paths with nodes that are no longer known.
    fn prune(&self) {
        let pool = self.net.pool.borrow();
        let known = |path: &Rc<Path>| path.hops.iter().all(|node| pool.get(&node.ed25519).is_some());
        self.net.paths.borrow_mut().retain(known);
        self.net.detours.borrow_mut().retain(|_, path| known(path));
    }

    pub(crate) fn new_path(&self, hops: Vec<ServiceNode>) -> Rc<Path> {
        let id = self.net.next_path.get();
        self.net.next_path.set(id.wrapping_add(1));
        let life = u64::try_from(self.jitter(PATH_LIFE).as_millis()).unwrap_or(0);
        let renew_at = self.ports.clock.monotonic_ms().saturating_add(life);
        Rc::new(Path::new(id, hops, renew_at))
    }

    /// Random nodes, those that work first, without those that are excluded and with /24 diversity where asked for.
    pub(crate) fn choose(
        &self,
        count: usize,
        excluded: &HashSet<Ed25519PublicKey>,
        near: &[ServiceNode],
    ) -> Vec<ServiceNode> {
        let now = self.time.now();
        let pool = self.net.pool.borrow();
        let mut candidates: Vec<(u8, &ServiceNode)> = pool
            .nodes()
            .iter()
            .filter(|node| !excluded.contains(&node.ed25519))
            .map(|node| (pool.rank(&node.ed25519, now), node))
            .collect();
        self.shuffle(&mut candidates);
        candidates.sort_by_key(|(rank, _)| *rank);
        let mut subnets: HashSet<[u8; 3]> = near.iter().map(ServiceNode::subnet).collect();
        let mut chosen = Vec::new();
        for (_, node) in candidates {
            if chosen.len() == count {
                break;
            }
            if !self.profile.subnet_diversity || subnets.insert(node.subnet()) {
                chosen.push(*node);
            }
        }
        chosen
    }

    /// The guard to use: a remembered one that works, otherwise a new one.
    pub(crate) fn choose_guard(
        &self,
        excluded: &HashSet<Ed25519PublicKey>,
        near: &[ServiceNode],
    ) -> Option<ServiceNode> {
        let now = self.time.now();
        {
            let mut pool = self.net.pool.borrow_mut();
            pool.prune_guards(now);
            let works = |guard: &&Guard| !excluded.contains(&guard.key) && pool.rank(&guard.key, now) == 0;
            if let Some(node) = pool
                .guards
                .iter()
                .find(works)
                .and_then(|guard| pool.get(&guard.key))
            {
                return Some(*node);
            }
        }
        self.choose(1, excluded, near).pop()
    }

    /// Keeps to a guard once it has carried something: whatever fails before that must not push others out.
    pub(crate) fn remember_guard(&self, node: &ServiceNode) {
        let in_use: HashSet<_> = self
            .net
            .paths
            .borrow()
            .iter()
            .filter_map(|path| path.guard())
            .collect();
        let mut pool = self.net.pool.borrow_mut();
        if pool.guards.iter().any(|guard| guard.key == node.ed25519) {
            return;
        }
        if pool.guards.len() >= MAX_GUARDS {
            let idle = pool.guards.iter().position(|guard| !in_use.contains(&guard.key));
            pool.guards.remove(idle.unwrap_or(0));
        }
        let guard = Guard {
            key: node.ed25519,
            since: self.time.now(),
        };
        pool.guards.push(guard);
    }

    fn nodes_in_use(&self) -> Vec<ServiceNode> {
        self.net
            .paths
            .borrow()
            .iter()
            .flat_map(|path| path.hops.clone())
            .collect()
    }

    async fn build_path(&self) -> Result<(), BuildError> {
        let near = self.nodes_in_use();
        let mut excluded: HashSet<_> = near.iter().map(|node| node.ed25519).collect();
        let guard = self.choose_guard(&excluded, &near).ok_or(BuildError::NoNodes)?;
        excluded.insert(guard.ed25519);
        let mut hops = vec![guard];
        let near: Vec<ServiceNode> = near.into_iter().chain(hops.clone()).collect();
        hops.extend(self.choose(self.profile.hops.saturating_sub(1), &excluded, &near));
        if hops.len() < self.profile.hops {
            return Err(BuildError::NoNodes);
        }
        let hops = self.verified(hops).await?;
        self.remember_guard(&guard);
        self.net.paths.borrow_mut().push(self.new_path(hops));
        self.save_guards().await;
        self.trouble_over(Trouble::NoPath);
        self.net.changed.notify();
        self.refresh_status();
        Ok(())
    }

    /// Tries a chain out, replacing hops that fail, until an `info` comes back through it.
    ///
    /// A hop that seems dead may be, or the one before it pretends so. The hop is struck only when another one works in
    /// its place; when a second one fails there, the one before is to blame.
    async fn verified(&self, mut hops: Vec<ServiceNode>) -> Result<Vec<ServiceNode>, BuildError> {
        let mut suspects: Vec<(Ed25519PublicKey, Ed25519PublicKey)> = Vec::new();
        for _ in 0..=MAX_REPAIRS {
            let place = match self.check(&hops).await {
                Verdict::Works => {
                    for (suspect, _) in suspects {
                        self.strike(&suspect);
                    }
                    return Ok(hops);
                }
                Verdict::Unavailable => return Err(BuildError::Unavailable),
                Verdict::UnknownGuard => {
                    if let Some(guard) = hops.first() {
                        self.net.pool.borrow_mut().avoid(&guard.ed25519, self.time.now());
                    }
                    return Err(BuildError::Failed);
                }
                // Nobody at the end answered though each hop does: try another end.
                Verdict::Unclear => continue,
                Verdict::Bad(place) => place,
            };
            let mut bad = place;
            if let Some(before) = place.checked_sub(1)
                && let (Some(before_key), Some(key)) = (hops.get(before), hops.get(place))
            {
                let (before_key, key) = (before_key.ed25519, key.ed25519);
                if suspects
                    .iter()
                    .any(|(other, behind)| *behind == before_key && *other != key)
                {
                    suspects.retain(|(_, behind)| *behind != before_key);
                    bad = before;
                } else {
                    suspects.push((key, before_key));
                }
            }
            let key = hops.get(bad).map(|node| node.ed25519).ok_or(BuildError::Failed)?;
            if bad < place || bad == 0 {
                self.strike(&key);
            } else {
                self.net.pool.borrow_mut().avoid(&key, self.time.now());
            }
            if bad == 0 {
                return Err(BuildError::Failed);
            }
            let other = self.substitute(&hops, &key).ok_or(BuildError::NoNodes)?;
            if let Some(hop) = hops.get_mut(bad) {
                *hop = other;
            }
        }
        // Whoever lets nothing through: the guard is in every attempt.
        if let Some(guard) = hops.first() {
            self.strike(&guard.ed25519);
        }
        Err(BuildError::Failed)
    }

    fn strike(&self, key: &Ed25519PublicKey) {
        self.net.pool.borrow_mut().strike(key, self.time.now());
    }

    /// Another node for a hop of a chain.
    fn substitute(&self, hops: &[ServiceNode], bad: &Ed25519PublicKey) -> Option<ServiceNode> {
        let mut near = self.nodes_in_use();
        near.extend(hops.iter().filter(|node| node.ed25519 != *bad).cloned());
        let mut excluded: HashSet<_> = near.iter().map(|node| node.ed25519).collect();
        excluded.insert(*bad);
        self.choose(1, &excluded, &near).pop()
    }

    /// Sends an `info` through a chain; when none comes back, finds the first hop that does not answer.
    async fn check(&self, hops: &[ServiceNode]) -> Verdict {
        let excluded: HashSet<_> = hops.iter().map(|node| node.ed25519).collect();
        let Some(end) = self.choose(1, &excluded, &[]).pop() else {
            return Verdict::Unclear;
        };
        match self.probe(hops, &end, VERIFY_TIMEOUT).await {
            Ok(()) => return Verdict::Works,
            Err(Blame::Nobody) => return Verdict::Unavailable,
            Err(Blame::Guard) => return Verdict::Bad(0),
            Err(Blame::UnknownGuard) => return Verdict::UnknownGuard,
            Err(_) => {}
        }
        for (place, hop) in hops.iter().enumerate() {
            let before = hops.get(..place).unwrap_or_default();
            match self.probe(before, hop, PROBE_TIMEOUT).await {
                Ok(()) => {}
                Err(Blame::Nobody) => return Verdict::Unavailable,
                Err(Blame::UnknownGuard) => return Verdict::UnknownGuard,
                Err(_) => return Verdict::Bad(place),
            }
        }
        self.net.pool.borrow_mut().avoid(&end.ed25519, self.time.now());
        Verdict::Unclear
    }

    /// One `info` through a chain to a node. Its time is only a hint, unless several agree.
    async fn probe(&self, hops: &[ServiceNode], end: &ServiceNode, timeout: Duration) -> Result<(), Blame> {
        let reply = self.attempt(hops, end, &Request::Info, timeout).await?;
        let info: InfoReply = reply::parse(&reply.body).map_err(|_| Blame::Destination)?;
        self.net.waits.borrow_mut().insert(end.ed25519, info.wait);
        self.net.pool.borrow_mut().worked(&end.ed25519);
        Ok(())
    }

    /// Looks at a path that failed for an unknown reason: clears it, mends it, or drops it.
    async fn repair(&self, path: &Rc<Path>) {
        let doubt = path.doubt.take();
        if path.strikes.get() >= STRIKES {
            self.drop_path(path);
            return;
        }
        match self.check(&path.hops).await {
            Verdict::Works => {
                if let Some(doubt) = doubt {
                    self.path_answers(path, doubt);
                }
            }
            Verdict::Unavailable => path.take_strike_back(),
            Verdict::UnknownGuard => self.pass_over(path),
            Verdict::Unclear => {}
            Verdict::Bad(place) => self.replace_hop(path, place).await,
        }
        self.net.changed.notify();
        self.refresh_status();
    }

    async fn replace_hop(&self, path: &Rc<Path>, place: usize) {
        self.remove_path(path);
        let Some(bad) = path.hops.get(place).map(|node| node.ed25519) else {
            return;
        };
        if place == 0 {
            self.strike(&bad);
            return;
        }
        self.net.pool.borrow_mut().avoid(&bad, self.time.now());
        let Some(other) = self.substitute(&path.hops, &bad) else {
            return;
        };
        let mut hops = path.hops.clone();
        if let Some(hop) = hops.get_mut(place) {
            *hop = other;
        }
        if let Ok(hops) = self.verified(hops).await {
            let mended = self.new_path(hops);
            mended.inherit(path);
            mended.renew_at.set(path.renew_at.get());
            self.net.paths.borrow_mut().push(mended);
        }
    }

    /// Replaces the nodes of a path behind its guard, so that no chain of them sees a client for long.
    async fn renew_path(&self, path: &Rc<Path>) {
        let Some(hops) = self.renewed_hops(path).await else {
            let now = self.ports.clock.monotonic_ms();
            path.renew_at.set(now.saturating_add(RENEWAL_RETRY_MS));
            return;
        };
        if let Some(guard) = hops.first() {
            self.remember_guard(guard);
        }
        let fresh = self.new_path(hops);
        self.remove_path(path);
        self.net.paths.borrow_mut().push(fresh);
        self.save_guards().await;
        self.refresh_status();
    }

    /// A chain that works, to take a path's place.
    async fn renewed_hops(&self, path: &Path) -> Option<Vec<ServiceNode>> {
        let in_use = self.nodes_in_use();
        let guard = self.renewed_guard(path.hops.first()?, &in_use);
        // A small network: the old hops may serve again.
        for near in [in_use, Vec::new()] {
            let near: Vec<ServiceNode> = near.into_iter().chain([guard]).collect();
            let excluded: HashSet<_> = near.iter().map(|node| node.ed25519).collect();
            let mut hops = vec![guard];
            hops.extend(self.choose(self.profile.hops.saturating_sub(1), &excluded, &near));
            if hops.len() < self.profile.hops {
                continue;
            }
            match self.verified(hops).await {
                Ok(hops) => return Some(hops),
                Err(BuildError::NoNodes) => {}
                Err(BuildError::Unavailable | BuildError::Failed) => return None,
            }
        }
        None
    }

    /// The guard of a path that is renewed: its own until that is too old or out.
    fn renewed_guard(&self, old: &ServiceNode, in_use: &[ServiceNode]) -> ServiceNode {
        let kept = {
            let mut pool = self.net.pool.borrow_mut();
            pool.prune_guards(self.time.now());
            pool.guards.iter().any(|guard| guard.key == old.ed25519)
        };
        if kept {
            return *old;
        }
        let excluded: HashSet<_> = in_use.iter().map(|node| node.ed25519).collect();
        self.choose_guard(&excluded, in_use).unwrap_or(*old)
    }
}
