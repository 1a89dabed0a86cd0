//! An engine over the browser's ports, and what must be in place before it can run.

use std::rc::Rc;
use std::time::Duration;

use futures::StreamExt;
use holdfast_client::api::{Command, Event, Failure, Reply, RequestId, Snapshot};
use holdfast_client::engine::{Engine, EngineHandle, Options};
use holdfast_client::ports::{Ports, Store, StoreError};
use holdfast_client::profile::{NetworkProfile, ProfileError};
use holdfast_client::seal::{Sealed, VaultKey};
use holdfast_client::store::memory::MemoryStore;
use wasm_bindgen_futures::spawn_local;

use super::clock::BrowserClock;
use super::fetch::Fetch;
use super::indexeddb::{Claim, IndexedDb};
use super::lock::LockView;
use super::lock_records::{self, Vault};
use super::rng::BrowserRng;
use super::vault;
use super::wire::Sparing;
use crate::platform::session::StartError;

/// A day.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What to do when this device keeps no vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhenEmpty {
    /// Begin afresh.
    Create,
    /// There should be one: the browser cleared it, or another tab removed the account.
    Refuse,
}

/// Why an engine could not be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HostError {
    /// There is no vault, against expectation.
    #[error("the store is empty")]
    Empty,
    /// The vault is locked.
    #[error("the store is locked")]
    Locked(LockView),
    /// The browser does not let us store anything, or took it away.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The network profile can't be used.
    #[error(transparent)]
    Profile(#[from] ProfileError),
}

impl From<HostError> for StartError {
    fn from(error: HostError) -> Self {
        match error {
            HostError::Empty => StartError::StorageLost,
            HostError::Store(StoreError::Gone(_) | StoreError::Full) => StartError::StorageRefused,
            HostError::Store(StoreError::Damaged) => StartError::StorageDamaged,
            other => StartError::Failed(other.to_string()),
        }
    }
}

/// A running engine.
pub(crate) struct Host {
    engine: EngineHandle,
    /// The key of the database, if there is one.
    key: Option<VaultKey>,
}

impl Host {
    /// An engine that keeps nothing, and leaves some of the account alone.
    pub(crate) async fn in_memory(
        profile: &[u8],
        sparing: Sparing,
        on_event: impl Fn(Event) + 'static,
    ) -> Result<Host, HostError> {
        let options = Options {
            leave_unread: sparing.leave_unread,
            fleeting: true,
            recent: sparing.recent_days.map(|days| DAY.saturating_mul(days)),
            ..Options::default()
        };
        Host::start(profile, Rc::new(MemoryStore::default()), None, options, on_event).await
    }

    /// An engine over this device's sealed database, which it claims from any other; with the key to it if it is known.
    pub(crate) async fn on_device(
        profile: &[u8],
        when_empty: WhenEmpty,
        known: Option<VaultKey>,
        claim: Claim,
        on_event: impl Fn(Event) + 'static,
    ) -> Result<Host, HostError> {
        let mut database = IndexedDb::open().await?;
        let key = match (lock_records::open(&database, known).await?, when_empty) {
            (Vault::Open(key), _) => key,
            (Vault::Locked(view), _) => return Err(HostError::Locked(view)),
            (Vault::Missing, WhenEmpty::Create) => vault::create().await?,
            (Vault::Missing, WhenEmpty::Refuse) => {
                // Opening created an empty database: leave no trace that would look like an account.
                drop(database);
                IndexedDb::delete().await?;
                return Err(HostError::Empty);
            }
        };
        // Before anything is read: what is read from here on, nobody else changes.
        database.claim(claim).await?;
        let store = Sealed::open(database, &key, Rc::new(BrowserRng)).await?;
        Host::start(profile, Rc::new(store), Some(key), Options::default(), on_event).await
    }

    async fn start(
        profile: &[u8],
        store: Rc<dyn Store>,
        key: Option<VaultKey>,
        options: Options,
        on_event: impl Fn(Event) + 'static,
    ) -> Result<Host, HostError> {
        let profile = NetworkProfile::from_json(profile)?;
        let ports = Ports {
            network: Rc::new(Fetch),
            store,
            clock: Rc::new(BrowserClock),
            rng: Rc::new(BrowserRng),
        };
        let (engine, driver) = Engine::new(ports, profile, options);
        let mut events = engine.events();
        spawn_local(driver);
        spawn_local(async move {
            while let Some(event) = events.next().await {
                on_event(event);
            }
        });
        Ok(Host { engine, key })
    }

    /// The key of this device's database.
    pub(crate) fn key(&self) -> Option<&VaultKey> {
        self.key.as_ref()
    }

    /// Ends the engine. What it acknowledged is in the store.
    pub(crate) fn shut_down(&self) {
        self.engine.shut_down();
    }

    /// Gives a command that may have been given to an earlier engine.
    pub(crate) async fn request(&self, number: RequestId, command: Command) -> Result<Reply, Failure> {
        self.engine.request_numbered(number, command).await
    }

    /// The engine's whole state.
    pub(crate) async fn snapshot(&self) -> Option<Box<Snapshot>> {
        match self.engine.request(Command::Snapshot).await {
            Ok(Reply::Snapshot(snapshot)) => Some(snapshot),
            _ => None,
        }
    }

    /// Ends the engine after the account was removed, and removes the database.
    pub(crate) async fn remove(&self) {
        self.engine.shut_down();
        if self.key.is_some() {
            // Should the browser refuse, then what stays is an empty database.
            let _ = IndexedDb::delete().await;
        }
    }
}
