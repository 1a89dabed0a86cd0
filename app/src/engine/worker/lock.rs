//! What a worker does about the lock: waits at it, takes the vault's key, and ends when all tabs are locked.
//!
//! A worker that waits gives back the right to run the engine, so that whichever tab is unlocked first runs it; the others
//! are given the key by that one and follow. Locking ends every worker: its page ends it with all its memory and starts a
//! new one, which waits.

use std::rc::Rc;

use holdfast_client::api::Event;
use holdfast_client::seal::VaultKey;
use wasm_bindgen_futures::spawn_local;

use super::{Role, Worker, tell_page};
use crate::engine::indexeddb::IndexedDb;
use crate::engine::lock::LockView;
use crate::engine::wire::{BetweenTabs, FromWorker, Secret};

impl Worker {
    /// Waits for the key.
    pub(super) fn wait_at_lock(&self, view: LockView) {
        *self.role.borrow_mut() = Role::Locked;
        self.term.set(None);
        self.started.set(false);
        tell_page(&FromWorker::Locked(view));
    }

    /// Goes on with the key.
    pub(super) fn unlock(self: &Rc<Self>, key: &Secret) {
        if !matches!(*self.role.borrow(), Role::Locked) {
            return;
        }
        *self.role.borrow_mut() = Role::Waiting;
        *self.key.borrow_mut() = key.bytes().try_into().ok().map(VaultKey::from_bytes);
        let worker = Rc::clone(self);
        spawn_local(async move { worker.seek().await });
    }

    /// Locks all tabs.
    pub(super) fn lock_up(&self) {
        self.post(&BetweenTabs::LockUp);
        self.end_locked();
    }

    /// Ends this worker, since all tabs are locked. One that waits at the lock goes on waiting.
    pub(super) fn end_locked(&self) {
        if matches!(*self.role.borrow(), Role::Locked) {
            return;
        }
        if let Role::Leading { host, .. } = self.role.replace(Role::Ended) {
            host.shut_down();
        }
        drop(self.key.take());
        tell_page(&FromWorker::LockedUp);
    }

    /// Removes a locked account from this device.
    pub(super) fn forget(self: &Rc<Self>) {
        if !matches!(*self.role.borrow(), Role::Locked) {
            return;
        }
        let worker = Rc::clone(self);
        spawn_local(async move {
            match IndexedDb::delete().await {
                Ok(()) => {
                    worker.post(&BetweenTabs::Event(Event::LoggedOut));
                    worker.end();
                }
                Err(_) => tell_page(&FromWorker::NotForgotten),
            }
        });
    }

    /// Somebody is active in the own tab.
    pub(super) fn note_active(&self, at_ms: u64) {
        self.hear_active(at_ms);
        self.post(&BetweenTabs::Active { at_ms });
    }

    /// Somebody is active in some tab. The last word counts, also after the clock was set back.
    pub(super) fn hear_active(&self, at_ms: u64) {
        self.active_ms.set(at_ms);
    }

    /// Nobody is active in the own tab. Whoever runs the engine hears of all of them; one that is silent, since its tab was
    /// frozen, is replaced, and then this one judges.
    pub(super) fn note_idle(self: &Rc<Self>, now_ms: u64, limit_ms: u64) {
        let leads = matches!(*self.role.borrow(), Role::Leading { .. });
        if leads {
            self.judge_idle(now_ms, limit_ms);
        } else {
            self.told_idle.set(true);
            self.post(&BetweenTabs::Idle { now_ms, limit_ms });
            self.look();
        }
    }

    /// Locks all tabs if nobody was active in any of them.
    pub(super) fn judge_idle(&self, now_ms: u64, limit_ms: u64) {
        // A clock that was set back: the time begins anew.
        let active_ms = self.active_ms.get().min(now_ms);
        self.active_ms.set(active_ms);
        if now_ms - active_ms >= limit_ms {
            self.lock_up();
        }
    }
}
