//! What all parts of the engine share: the ports, the state in memory (`state`), reading messages (`messages`), and the
//! ways to tell front ends of changes (`telling`) and of how the engine fares (`status`).

mod messages;
pub(crate) mod random;
mod state;
mod status;
mod telling;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use futures::future::{Either, select};
use futures::lock::Mutex;
use holdfast_protocol::account::{Account, Id};
use holdfast_protocol::config::AccountConfigs;

use crate::api::{Failure, NetworkStatus, Trouble};
use crate::backup::Backups;
use crate::clearing::{Clearings, Veil};
use crate::driver::{Signal, Spawner, TaskGuard};
use crate::engine::Options;
use crate::network::Net;
use crate::network::time::NetworkTime;
use crate::ports::{Ports, Store};
use crate::profile::NetworkProfile;
use crate::search::Search;
use crate::transfer::Transfers;

pub(crate) use state::{OwnAccount, State};
use telling::Broadcast;

/// See the module's description. Everything runs on one thread; no `RefCell` borrow is held across an await.
pub(crate) struct Core {
    /// The store among them passes over messages that are to go.
    pub(crate) ports: Ports,
    /// The store with them.
    pub(crate) whole_store: Rc<dyn Store>,
    /// Messages that are to go.
    pub(crate) clearings: Rc<Clearings>,
    /// Messages are to be removed.
    pub(crate) clear: Signal,
    pub(crate) profile: NetworkProfile,
    pub(crate) options: Options,
    pub(crate) spawner: Spawner,
    pub(crate) state: RefCell<State>,
    /// Units of work on the store take turns.
    pub(crate) turn: Mutex<()>,
    pub(crate) time: NetworkTime,
    pub(crate) net: Net,
    /// Poll at once.
    pub(crate) wake: Signal,
    /// Network time was measured.
    pub(crate) clock_measured: Signal,
    /// The outbox has something new to do.
    pub(crate) outbox: Signal,
    /// There is something new to do at a time or on the own swarm.
    pub(crate) due: Signal,
    /// The texts of messages, while somebody searches.
    pub(crate) search: Search,
    /// A config waits to be pushed.
    pub(crate) push: Signal,
    /// Configs are pushed without waiting for more changes: the account is about to go.
    pub(crate) hurry: Cell<bool>,
    /// A file is to be sent or fetched.
    pub(crate) files: Signal,
    /// Backup files that are being made or read.
    pub(crate) backups: RefCell<Backups>,
    /// The account is asked for, or given to another device.
    pub(crate) transfers: RefCell<Transfers>,
    /// Tasks that end with the account.
    pub(crate) session: RefCell<Vec<TaskGuard>>,
    broadcast: Broadcast,
    status: RefCell<NetworkStatus>,
    troubles: RefCell<Vec<Trouble>>,
}

impl Core {
    pub(crate) fn new(ports: Ports, profile: NetworkProfile, options: Options, spawner: Spawner) -> Rc<Self> {
        let time = NetworkTime::new(ports.clock.clone());
        let net = Net::new(&profile);
        let status = NetworkStatus {
            network: profile.name.clone(),
            ..NetworkStatus::default()
        };
        let clearings = Rc::new(Clearings::default());
        let state = State::of(&options);
        let whole_store = ports.store.clone();
        let ports = Ports {
            store: Rc::new(Veil::new(whole_store.clone(), clearings.clone())),
            ..ports
        };
        Rc::new(Self {
            ports,
            whole_store,
            clearings,
            clear: Signal::default(),
            profile,
            options,
            spawner,
            state: RefCell::new(state),
            turn: Mutex::new(()),
            time,
            net,
            wake: Signal::default(),
            clock_measured: Signal::default(),
            outbox: Signal::default(),
            due: Signal::default(),
            search: Search::default(),
            push: Signal::default(),
            hurry: Cell::default(),
            files: Signal::default(),
            backups: RefCell::default(),
            transfers: RefCell::default(),
            session: RefCell::default(),
            broadcast: Broadcast::default(),
            status: RefCell::new(status),
            troubles: RefCell::default(),
        })
    }

    /// The account's keys.
    pub(crate) fn account(&self) -> Option<Rc<Account>> {
        self.state
            .borrow()
            .account
            .as_ref()
            .map(|account| account.keys.clone())
    }

    /// The own id.
    pub(crate) fn own_id(&self) -> Option<Id> {
        self.account().map(|account| account.id())
    }

    /// The account's keys, or the failure that there are none.
    pub(crate) fn require_account(&self) -> Result<Rc<Account>, Failure> {
        self.account().ok_or(Failure::NoAccount)
    }

    /// Reads the documents of the account; `None` without one.
    pub(crate) fn read_configs<T>(&self, read: impl FnOnce(&AccountConfigs) -> T) -> Option<T> {
        let state = self.state.borrow();
        state.configs.as_ref().map(|configs| read(&configs.docs))
    }

    /// Waits, through the clock port.
    pub(crate) async fn sleep(&self, duration: Duration) {
        self.ports.clock.sleep(duration).await;
    }

    /// Waits likewise, but not beyond the first wake after `woken`, a count of [`Core::wake`].
    pub(crate) async fn sleep_unless_woken(&self, woken: u64, duration: Duration) {
        let wake = Box::pin(self.wake.passed(woken));
        let _: Either<_, _> = select(wake, self.ports.clock.sleep(duration)).await;
    }
}
