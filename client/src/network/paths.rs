//! Onion paths and what requests teach about them: which one to take, and what a failure costs whom
//! (`spec/03-network.md §4.7, §4.8`). A destination never lies in its own path.
//!
//! A path that carries a small question after a failure is not cleared by that: a hop may lose what is larger, so that
//! destinations get the blame. A destination is struck when it is silent behind two guards. A path keeps its strike when
//! the destination answers behind another guard, or when one destination after the other is silent behind this one.

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

/// What put a path in doubt, until it was checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Doubt {
    destination: Ed25519PublicKey,
    cause: Cause,
}

/// What is known of a failure that put a path in doubt.
#[derive(Clone, Copy, Debug)]
enum Cause {
    /// The guard said that it is not ready.
    Guard,
    /// A hop was named, by whoever it was.
    Hop,
    /// Somebody in the path, or the destination.
    Unknown,
}

/// A chain of nodes, the guard first.
pub(crate) struct Path {
    id: u64,
    pub(crate) hops: Vec<ServiceNode>,
    pub(crate) strikes: Cell<u32>,
    pub(crate) active: Cell<u32>,
    /// Set by a request that failed, until the path was checked.
    pub(crate) doubt: Cell<Option<Doubt>>,
    /// Destinations that clear text blamed since the last success.
    blamed: Cell<u32>,
    /// The destination that was silent last, as long as it is not known whose fault that was.
    silent: Cell<Option<Ed25519PublicKey>>,
    /// When the nodes behind the guard are replaced, monotonic milliseconds.
    pub(crate) renew_at: Cell<u64>,
}

impl Path {
    pub(crate) fn new(id: u64, hops: Vec<ServiceNode>, renew_at: u64) -> Self {
        Self {
            id,
            hops,
            strikes: Cell::new(0),
            active: Cell::new(0),
            doubt: Cell::new(None),
            blamed: Cell::new(0),
            silent: Cell::new(None),
            renew_at: Cell::new(renew_at),
        }
    }

    pub(crate) fn guard(&self) -> Option<Ed25519PublicKey> {
        self.hops.first().map(|node| node.ed25519)
    }

    /// What is held against a path stays with the mended one.
    pub(crate) fn inherit(&self, old: &Path) {
        self.strikes.set(old.strikes.get());
        self.silent.set(old.silent.get());
    }

    fn add_strike(&self) {
        self.strikes.set(self.strikes.get().saturating_add(1));
    }

    pub(crate) fn take_strike_back(&self) {
        self.strikes.set(self.strikes.get().saturating_sub(1));
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

    /// A path for a request: ready, not through its destination, healthy ones and idle ones first. Where a destination was
    /// silent, another guard tells whose fault it was.
    pub(crate) fn pick_path(&self, destination: &Ed25519PublicKey) -> Option<Rc<Path>> {
        let silent = self.net.pool.borrow().silent_behind(destination);
        let is_silent = |path: &Path| silent.is_some() && path.guard() == silent;
        let ready = self
            .net
            .paths
            .borrow()
            .iter()
            .filter(|path| !path.contains(destination))
            .min_by_key(|path| {
                (
                    path.doubt.get().is_some(),
                    is_silent(path),
                    path.strikes.get(),
                    path.active.get(),
                )
            })
            .cloned();
        if let Some(path) = &ready
            && path.doubt.get().is_none()
            && !is_silent(path)
        {
            return ready;
        }
        self.detour(destination).or(ready)
    }

    /// A ready path with the destination replaced by another node: on small networks every path may meet it.
    fn detour(&self, destination: &Ed25519PublicKey) -> Option<Rc<Path>> {
        let silent = self.net.pool.borrow().silent_behind(destination);
        let is_silent = |path: &Path| silent.is_some() && path.guard() == silent;
        let now = self.ports.clock.monotonic_ms();
        if let Some(path) = self.net.detours.borrow().get(destination)
            && path.renew_at.get() > now
        {
            return Some(path.clone());
        }
        let base = self
            .net
            .paths
            .borrow()
            .iter()
            .min_by_key(|path| (is_silent(path), path.strikes.get()))
            .cloned()?;
        if silent.is_some() && !base.contains(destination) {
            return None;
        }
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
            let guard = self.choose_guard(&excluded, &hops)?;
            self.remember_guard(&guard);
            hops.insert(0, guard);
        }
        let missing = self.profile.hops.saturating_sub(hops.len());
        hops.extend(self.choose(missing, &excluded, &hops));
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
        for other in self.net.paths.borrow().iter() {
            if other.silent.get() == Some(*destination) && other.guard() != path.guard() {
                other.silent.set(None);
                other.add_strike();
            }
        }
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
        // What fails before the path is checked fails for one reason.
        let doubt = |cause| {
            if path.doubt.get().is_none() {
                path.add_strike();
                path.doubt.set(Some(Doubt {
                    destination: *destination,
                    cause,
                }));
            }
        };
        let detour = self
            .net
            .detours
            .borrow()
            .values()
            .any(|other| other.id == path.id);
        match blame {
            Blame::Nobody => return,
            Blame::Guard => {
                strike(path.guard());
                self.remove_path(path);
            }
            Blame::UnknownGuard => self.pass_over(path),
            Blame::GuardBusy => {
                strike(path.guard());
                doubt(Cause::Guard);
            }
            Blame::Hop(place) => {
                strike(path.hops.get(place).map(|node| node.ed25519));
                doubt(Cause::Hop);
            }
            Blame::Destination => {
                // Clear text may be forged: pass the node over for a while, and suspect a path that blames many.
                self.net.pool.borrow_mut().avoid(destination, now);
                path.blamed.set(path.blamed.get().saturating_add(1));
                if path.blamed.get() >= STRIKES {
                    path.blamed.set(0);
                    doubt(Cause::Unknown);
                }
            }
            Blame::Path => doubt(Cause::Unknown),
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

    /// The gateway does not know a path's guard, which has done nothing wrong.
    pub(crate) fn pass_over(&self, path: &Rc<Path>) {
        if let Some(guard) = path.guard() {
            self.net.pool.borrow_mut().avoid(&guard, self.time.now());
        }
        self.remove_path(path);
    }

    /// A path that was in doubt carries a small question: what that says of the path and of the destination.
    pub(crate) fn path_answers(&self, path: &Path, doubt: Doubt) {
        let Doubt { destination, cause } = doubt;
        match cause {
            // It keeps its strike: any hop before the named one may have lied.
            Cause::Hop => {}
            Cause::Guard => path.take_strike_back(),
            Cause::Unknown => {
                let Some(guard) = path.guard() else {
                    return;
                };
                let now = self.time.now();
                let mut pool = self.net.pool.borrow_mut();
                pool.avoid(&destination, now);
                if pool.note_silence(&destination, &guard) {
                    pool.strike(&destination, now);
                    path.take_strike_back();
                    // Other paths are cleared of it too.
                    for other in self.net.paths.borrow().iter() {
                        if other.silent.get() == Some(destination) {
                            other.silent.set(None);
                        }
                    }
                } else if path
                    .silent
                    .replace(Some(destination))
                    .is_none_or(|before| before == destination)
                {
                    path.take_strike_back();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;
    use crate::driver::Driver;
    use crate::store::memory::MemoryStore;
    use crate::test_support::{CountingRng, ManualClock, node};
    use crate::testing::offline;

    const NOW: u64 = 1_780_000_000_000;

    /// Two paths, behind nodes 1 and 4, and six nodes outside of them.
    fn two_paths() -> (Rc<Core>, [Rc<Path>; 2]) {
        let clock = Rc::new(ManualClock::new(NOW));
        let store = Rc::new(MemoryStore::new());
        let (ports, profile) = offline(store, clock, Rc::new(CountingRng::default()));
        let (spawner, _driver) = Driver::new();
        let core = Core::new(ports, profile, Options::default(), spawner);
        let nodes = (1..13).map(|number| node(number, 0)).collect();
        core.net.pool.borrow_mut().replace(nodes, NOW, true);
        let paths =
            [1, 4].map(|first| core.new_path((first..first + 3).map(|number| node(number, 0)).collect()));
        core.net.paths.borrow_mut().extend(paths.iter().cloned());
        (core, paths)
    }

    /// A request fails, and then the path carries a small one.
    fn fails(core: &Core, path: &Rc<Path>, destination: u8, blame: Blame) {
        core.path_failed(path, &node(destination, 0).ed25519, blame);
        let doubt = path.doubt.take().unwrap();
        core.path_answers(path, doubt);
    }

    fn struck(core: &Core) -> Vec<Ed25519PublicKey> {
        let strikes = core.net.pool.borrow().strikes();
        strikes.into_iter().map(|(key, _)| key).collect()
    }

    #[test]
    fn a_path_that_loses_what_is_large_is_to_blame_and_no_destination_is() {
        let (core, [lossy, _]) = two_paths();
        let strikes = [7, 7, 8, 9].map(|destination| {
            fails(&core, &lossy, destination, Blame::Path);
            lossy.strikes.get()
        });
        assert_eq!(strikes, [0, 0, 1, 2]);
        assert!(struck(&core).is_empty());
        let pool = core.net.pool.borrow();
        assert_eq!(pool.rank(&node(7, 0).ed25519, NOW), 1, "passed over for a while");
    }

    #[test]
    fn a_destination_that_is_silent_behind_two_guards_is_to_blame() {
        let (core, [one, two]) = two_paths();
        fails(&core, &one, 7, Blame::Path);
        assert!(struck(&core).is_empty());
        fails(&core, &two, 7, Blame::Path);
        assert_eq!(struck(&core), [node(7, 0).ed25519]);
        // The first path is cleared of it.
        fails(&core, &one, 8, Blame::Path);
        assert_eq!((one.strikes.get(), two.strikes.get()), (0, 0));
    }

    #[test]
    fn a_named_hop_costs_the_path_and_never_the_destination() {
        let (core, [path, _]) = two_paths();
        fails(&core, &path, 7, Blame::Hop(1));
        assert_eq!(path.strikes.get(), 1);
        assert_eq!(struck(&core), [node(2, 0).ed25519]);
        assert_eq!(core.net.pool.borrow().rank(&node(7, 0).ed25519, NOW), 0);
    }

    #[test]
    fn what_fails_before_a_path_is_checked_counts_once() {
        let (core, [path, _]) = two_paths();
        for destination in 7..12 {
            core.path_failed(&path, &node(destination, 0).ed25519, Blame::Path);
        }
        assert_eq!(path.strikes.get(), 1);
    }

    #[test]
    fn a_guard_that_the_gateway_does_not_know_is_passed_over_and_not_struck() {
        let (core, [path, other]) = two_paths();
        core.path_failed(&path, &node(7, 0).ed25519, Blame::UnknownGuard);
        assert!(struck(&core).is_empty());
        let paths: Vec<_> = core.net.paths.borrow().iter().map(|path| path.guard()).collect();
        assert_eq!(paths, [other.guard()]);
        assert_eq!(core.net.pool.borrow().rank(&node(1, 0).ed25519, NOW), 1);
    }

    #[test]
    fn a_silent_destination_is_asked_behind_the_other_guard() {
        let (core, [one, two]) = two_paths();
        fails(&core, &one, 7, Blame::Path);
        let guard_for = |number| core.pick_path(&node(number, 0).ed25519).unwrap().guard();
        assert_eq!(guard_for(7), two.guard());
        assert_eq!(guard_for(8), one.guard());
        // Also where it lies in the path behind that one.
        fails(&core, &one, 5, Blame::Path);
        let detour = core.pick_path(&node(5, 0).ed25519).unwrap();
        assert_eq!(detour.guard(), two.guard());
        assert!(!detour.contains(&node(5, 0).ed25519));
    }

    #[test]
    fn what_answers_behind_another_guard_was_the_paths_fault() {
        let (core, [one, two]) = two_paths();
        fails(&core, &one, 7, Blame::Path);
        core.path_worked(&one, &node(7, 0).ed25519);
        assert_eq!(one.strikes.get(), 0);
        core.path_worked(&two, &node(7, 0).ed25519);
        assert_eq!((one.strikes.get(), two.strikes.get()), (1, 0));
        core.path_worked(&two, &node(7, 0).ed25519);
        assert_eq!(one.strikes.get(), 1, "once");
    }

    #[test]
    fn new_guards_push_out_none_that_is_in_use() {
        let (core, _) = two_paths();
        for number in [1, 4, 7, 8, 9] {
            core.remember_guard(&node(number, 0));
        }
        let guards: Vec<_> = core
            .net
            .pool
            .borrow()
            .guards
            .iter()
            .map(|guard| guard.key)
            .collect();
        assert_eq!(guards, [1, 4, 8, 9].map(|number| node(number, 0).ed25519));
    }
}
