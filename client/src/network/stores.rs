//! What stores something in the own swarm can be held back, while the account is being deleted there.

use std::cell::Cell;

use crate::driver::Signal;

/// Requests that store something in the own swarm: how many are on their way, and how many want none to go.
#[derive(Default)]
pub(crate) struct OwnStores {
    running: Cell<usize>,
    held: Cell<usize>,
    ended: Signal,
}

impl OwnStores {
    /// Counts a request for as long as the guard lives; `None` while none may go.
    pub(super) fn begin(&self) -> Option<Running<'_>> {
        if self.held.get() > 0 {
            return None;
        }
        self.running.set(self.running.get().saturating_add(1));
        Some(Running(self))
    }

    /// Lets none go for as long as the guard lives.
    pub(crate) fn hold(&self) -> Held<'_> {
        self.held.set(self.held.get().saturating_add(1));
        Held(self)
    }

    /// Waits until none is on its way.
    pub(crate) async fn over(&self) {
        loop {
            let seen = self.ended.count();
            if self.running.get() == 0 {
                return;
            }
            self.ended.passed(seen).await;
        }
    }
}

/// A request is on its way.
pub(super) struct Running<'a>(&'a OwnStores);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.set(self.0.running.get().saturating_sub(1));
        self.0.ended.notify();
    }
}

/// None may go.
pub(crate) struct Held<'a>(&'a OwnStores);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.held.set(self.0.held.get().saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn what_is_held_does_not_begin_and_what_runs_is_waited_for() {
        let stores = OwnStores::default();
        let running = stores.begin();
        assert!(running.is_some());
        let held = stores.hold();
        assert!(stores.begin().is_none());
        let mut over = Box::pin(stores.over());
        assert!((&mut over).now_or_never().is_none());
        drop(running);
        assert!((&mut over).now_or_never().is_some());
        let other = stores.hold();
        drop(held);
        assert!(stores.begin().is_none());
        drop(other);
        assert!(stores.begin().is_some());
    }
}
