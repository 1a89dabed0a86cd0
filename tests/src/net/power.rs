//! Machines whose power goes at whatever commit.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use holdfast_client::api::{Command, Failure, Reply, RequestId};
use holdfast_client::ports::{Change, Collection, Entry, Scan, Store, StoreError};
use holdfast_client::store::memory::MemoryStore;

use super::{Device, World};

/// How long an answer may take that needs no network: without one after that, there is no power.
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);

/// A store under which the power goes at a commit: made or not made, it is the last one until the machine is started
/// again.
#[derive(Default)]
struct Unplugged {
    inner: MemoryStore,
    commits_left: Cell<Option<u64>>,
    keeps_last: Cell<bool>,
}

impl Store for Unplugged {
    fn get(
        &self,
        collection: Collection,
        key: &[u8],
    ) -> LocalBoxFuture<'_, Result<Option<Vec<u8>>, StoreError>> {
        self.inner.get(collection, key)
    }

    fn scan(&self, scan: Scan) -> LocalBoxFuture<'_, Result<Vec<Entry>, StoreError>> {
        self.inner.scan(scan)
    }

    fn commit(&self, changes: Vec<Change>) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        async move {
            match self.commits_left.get() {
                None => return self.inner.commit(changes).await,
                Some(0) => {}
                Some(1) => {
                    self.commits_left.set(Some(0));
                    if self.keeps_last.get() {
                        self.inner.commit(changes).await?;
                    }
                }
                Some(left) => {
                    self.commits_left.set(Some(left - 1));
                    return self.inner.commit(changes).await;
                }
            }
            // Nothing that follows in this engine's life is of any account.
            std::future::pending().await
        }
        .boxed_local()
    }

    fn wipe(&self) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        self.inner.wipe()
    }
}

/// What came of a command.
pub struct Answer {
    /// What the engine said.
    pub reply: Result<Reply, Failure>,
    /// The power went before the engine answered, and it was asked again: the first time may have had its effect, which
    /// the second one then found.
    pub again: bool,
}

impl Answer {
    /// It was carried out.
    pub fn is_done(&self) -> bool {
        self.reply.is_ok()
    }

    /// It certainly changed nothing.
    pub fn is_refused(&self) -> bool {
        self.reply.is_err() && !self.again
    }
}

/// A device whose power may go at any commit.
pub struct PoweredDevice {
    /// The device.
    pub device: Device,
    store: Rc<Unplugged>,
    seed: u64,
    given: u64,
}

impl PoweredDevice {
    /// A device with an empty store, whose engine's randomness comes again with its seed.
    pub fn new(world: &World, seed: u64) -> Self {
        let store = Rc::new(Unplugged::default());
        Self {
            device: Device::seeded(world, store.clone(), seed),
            store,
            seed,
            given: 0,
        }
    }

    /// The power goes at the last of so many commits, which is made or not. Where it went already, it stays away until the
    /// next start: what was being committed then never ends.
    pub fn unplug_at(&self, commit: u64, keeps_last: bool) {
        if self.is_dead() {
            return;
        }
        self.store.commits_left.set(Some(commit));
        self.store.keeps_last.set(keeps_last);
    }

    /// Whether the power went.
    pub fn is_dead(&self) -> bool {
        self.store.commits_left.get() == Some(0)
    }

    /// Starts the engine anew over what the store holds, with power.
    pub async fn restart(&mut self) {
        self.device.crash();
        self.store.commits_left.set(None);
        self.device.restart().await;
    }

    /// Gives a command until it is answered: where the power goes first, again under the same number once it is back.
    pub async fn insist(&mut self, command: Command) -> Answer {
        self.given += 1;
        let number = (u128::from(self.seed) << 64) | u128::from(self.given);
        let number = RequestId(number.to_be_bytes());
        let mut again = false;
        loop {
            let request = self.device.engine.request_numbered(number, command.clone());
            let answered = tokio::time::timeout(ANSWERED_WITHIN, request).await;
            if let Ok(reply) = answered {
                return Answer { reply, again };
            }
            assert!(self.is_dead(), "no answer to {command:?}");
            self.restart().await;
            again = true;
        }
    }
}
