//! Onion paths and what requests teach about them: which one to take, and what a failure costs whom
//! (`spec/03-network.md §4.7, §4.8`). A destination never lies in its own path.

use std::cell::Cell;
use std::collections::HashSet;
use std::rc::Rc;
use std::time::Duration;

use futures::future::{Either, select};
use holdfast_protocol::keys::Ed25519PublicKey;
use holdfast_protocol::nodes::ServiceNode;

use super::attribution::Blame;
use crate::core::Core;

/// A path is dropped at this many strikes.
pub(crate) const STRIKES: u32 = 3;

/// A chain of nodes, the guard first.
pub(crate) struct Path {
    id: u64,
    pub(crate) hops: Vec<ServiceNode>,
    pub(crate) strikes: Cell<u32>,
    pub(crate) active: Cell<u32>,
    /// The destination of a request that failed for an unknown reason, until the path was checked.
    pub(crate) suspect: Cell<Option<Ed25519PublicKey>>,
    /// Destinations that clear text blamed since the last success.
    blamed: Cell<u32>,
    /// Monotonic milliseconds.
    pub(crate) built_at: u64,
}

impl Path {
    pub(crate) fn new(id: u64, hops: Vec<ServiceNode>, built_at: u64) -> Self {
        Self {
            id,
            hops,
            strikes: Cell::new(0),
            active: Cell::new(0),
            suspect: Cell::new(None),
            blamed: Cell::new(0),
            built_at,
        }
    }

    pub(crate) fn contains(&self, key: &Ed25519PublicKey) -> bool {
        self.hops.iter().any(|node| node.ed25519 == *key)
    }

    pub(crate) fn keys(&self) -> Vec<Ed25519PublicKey> {
        self.hops.iter().map(|node| node.ed25519).collect()
    }
}

impl Core {
    pub(crate) fn remove_path(&self, path: &Rc<Path>) {
        self.net.paths.borrow_mut().retain(|other| other.id != path.id);
        self.net
            .detours
            .borrow_mut()
            .retain(|_, other| other.id != path.id);
    }

    pub(crate) fn drop_path(&self, path: &Rc<Path>) {
        self.remove_path(path);
        let now = self.time.now();
        let mut pool = self.net.pool.borrow_mut();
        for node in &path.hops {
            pool.strike(&node.ed25519, now);
        }
    }

    /// A path for a request: ready, not through its destination, healthy ones and idle ones first.
    pub(crate) fn pick_path(&self, destination: &Ed25519PublicKey) -> Option<Rc<Path>> {
        let ready = self
            .net
            .paths
            .borrow()
            .iter()
            .filter(|path| !path.contains(destination))
            .min_by_key(|path| {
                (
                    path.suspect.get().is_some(),
                    path.strikes.get(),
                    path.active.get(),
                )
            })
            .cloned();
        if let Some(path) = &ready
            && path.suspect.get().is_none()
        {
            return ready;
        }
        self.detour(destination).or(ready)
    }

    /// A ready path with the destination replaced by another node. Only on small networks does every path meet it.
    fn detour(&self, destination: &Ed25519PublicKey) -> Option<Rc<Path>> {
        if let Some(path) = self.net.detours.borrow().get(destination) {
            return Some(path.clone());
        }
        let base = self
            .net
            .paths
            .borrow()
            .iter()
            .min_by_key(|path| path.strikes.get())
            .cloned()?;
        let mut excluded: HashSet<_> = base.keys().into_iter().collect();
        excluded.insert(*destination);
        let guard_lost = base
            .hops
            .first()
            .is_none_or(|guard| guard.ed25519 == *destination);
        let mut hops: Vec<_> = base
            .hops
            .iter()
            .filter(|node| node.ed25519 != *destination)
            .cloned()
            .collect();
        if guard_lost {
            hops.insert(0, self.choose_guard(&excluded, &hops)?);
        }
        let missing = self.profile.hops.saturating_sub(hops.len());
        hops.extend(self.choose(missing, &excluded, &hops, false));
        if hops.len() < self.profile.hops {
            return None;
        }
        let path = self.new_path(hops);
        self.net.detours.borrow_mut().insert(*destination, path.clone());
        Some(path)
    }

    /// Waits until a path is ready, at most for the given time.
    pub(crate) async fn path_ready(&self, longest: Duration) -> bool {
        let mut timeout = self.ports.clock.sleep(longest);
        loop {
            let seen = self.net.changed.count();
            if !self.net.paths.borrow().is_empty() {
                return true;
            }
            match select(Box::pin(self.net.changed.passed(seen)), timeout).await {
                Either::Left((_, rest)) => timeout = rest,
                Either::Right(_) => return false,
            }
        }
    }

    /// A request came back through a path.
    pub(crate) fn path_worked(&self, path: &Path, destination: &Ed25519PublicKey) {
        path.blamed.set(0);
        let mut pool = self.net.pool.borrow_mut();
        for node in &path.hops {
            pool.worked(&node.ed25519);
        }
        pool.worked(destination);
    }

    /// A request failed: strikes go where they belong, and the path is mended or dropped.
    pub(crate) fn path_failed(&self, path: &Rc<Path>, destination: &Ed25519PublicKey, blame: Blame) {
        let now = self.time.now();
        let strike = |key: Option<Ed25519PublicKey>| {
            if let Some(key) = key {
                self.net.pool.borrow_mut().strike(&key, now);
            }
        };
        let add_strike = || path.strikes.set(path.strikes.get().saturating_add(1));
        let detour = self
            .net
            .detours
            .borrow()
            .values()
            .any(|other| other.id == path.id);
        match blame {
            Blame::Nobody => return,
            Blame::Guard => {
                strike(path.hops.first().map(|node| node.ed25519));
                self.remove_path(path);
            }
            Blame::GuardBusy => {
                strike(path.hops.first().map(|node| node.ed25519));
                add_strike();
                path.suspect.set(Some(*destination));
            }
            Blame::Hop(place) => {
                strike(path.hops.get(place).map(|node| node.ed25519));
                add_strike();
                path.suspect.set(Some(*destination));
            }
            Blame::Destination => {
                // Clear text may be forged: pass the node over for a while, and suspect a path that blames many.
                self.net.pool.borrow_mut().avoid(destination, now);
                path.blamed.set(path.blamed.get().saturating_add(1));
                if path.blamed.get() >= STRIKES {
                    path.blamed.set(0);
                    add_strike();
                    path.suspect.set(Some(*destination));
                }
            }
            Blame::Path => {
                add_strike();
                path.suspect.set(Some(*destination));
            }
        }
        if detour {
            // Never verified and cheap to make again.
            self.remove_path(path);
            if blame == Blame::Path {
                let mut pool = self.net.pool.borrow_mut();
                for node in path.hops.iter().skip(1) {
                    pool.avoid(&node.ed25519, now);
                }
                pool.avoid(destination, now);
            }
        }
        self.net.changed.notify();
        self.refresh_status();
    }
}
