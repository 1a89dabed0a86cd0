//! How the engine fares: what stands in the way, and the state of the network.

use super::Core;
use crate::api::{Event, NetworkStatus, Trouble};
use crate::config::Configs;
use crate::ports::StoreError;

impl Core {
    /// Everything that stands in the way now.
    pub(crate) fn troubles(&self) -> Vec<Trouble> {
        self.troubles.borrow().clone()
    }

    /// Something stands in the way.
    pub(crate) fn trouble(&self, trouble: Trouble) {
        if self.troubles.borrow().contains(&trouble) {
            return;
        }
        let same_kind = |other: &Trouble| std::mem::discriminant(other) == std::mem::discriminant(&trouble);
        let replaced: Vec<_> = self.troubles.borrow().iter().copied().filter(same_kind).collect();
        for old in replaced {
            self.trouble_over(old);
        }
        self.troubles.borrow_mut().push(trouble);
        self.emit(Event::Trouble(trouble));
    }

    /// It does not any more; nothing happens when it did not.
    pub(crate) fn trouble_over(&self, trouble: Trouble) {
        let before = self.troubles.borrow().len();
        self.troubles.borrow_mut().retain(|other| *other != trouble);
        if self.troubles.borrow().len() < before {
            self.emit(Event::TroubleOver(trouble));
        }
    }

    /// Any trouble with the clock is over.
    pub(crate) fn clock_trouble_over(&self) {
        for trouble in self.troubles() {
            if matches!(trouble, Trouble::ClockWrong { .. }) {
                self.trouble_over(trouble);
            }
        }
    }

    /// Learns from how a commit went.
    pub(crate) fn note_store(&self, result: &Result<(), StoreError>) {
        match result {
            Ok(()) => {
                self.trouble_over(Trouble::StorageFull);
                self.trouble_over(Trouble::StorageLost);
            }
            Err(StoreError::Full) => self.trouble(Trouble::StorageFull),
            Err(StoreError::Gone(_)) => self.trouble(Trouble::StorageLost),
            Err(StoreError::Damaged | StoreError::Other(_)) => {}
        }
    }

    /// The network's state as front ends see it.
    pub(crate) fn network_status(&self) -> NetworkStatus {
        let mut status = NetworkStatus {
            network: self.profile.name.clone(),
            gateway: self.gateway_shown(),
            clock_offset_ms: self.time.offset(),
            files: self.profile.files.is_some(),
            previews: self.profile.previews.is_some() && self.profile.files.is_some(),
            ..NetworkStatus::default()
        };
        self.net.describe(&mut status);
        let state = self.state.borrow();
        status.connected = state.polling_works;
        status.last_poll = state.last_poll;
        status.catching_up = state.catching_up;
        status.unreadable = state.unreadable;
        status.outbox = u32::try_from(state.outbox.len()).unwrap_or(u32::MAX);
        status.unsynced = state.configs.as_ref().is_some_and(Configs::unsynced);
        status
    }

    fn gateway_shown(&self) -> Option<String> {
        if self.profile.direct {
            return None;
        }
        let gateway = self.net.gateway(&self.profile)?;
        Some(gateway.trim_end_matches('/').to_owned())
    }

    /// Tells front ends when there is something for the other devices that waits here, and when there is nothing any more.
    pub(crate) fn refresh_unsynced(&self) {
        let unsynced = {
            let state = self.state.borrow();
            state.configs.as_ref().is_some_and(Configs::unsynced)
        };
        if self.status.borrow().unsynced != unsynced {
            self.refresh_status();
        }
    }

    /// Tells front ends of the network's state when it has changed.
    pub(crate) fn refresh_status(&self) {
        let status = self.network_status();
        if *self.status.borrow() == status {
            return;
        }
        *self.status.borrow_mut() = status.clone();
        self.emit(Event::Network(status));
    }
}
