//! How the engine reaches the network: the node list, onion paths, time, swarms and requests to nodes.

pub(crate) mod attribution;
pub(crate) mod build;
pub(crate) mod list;
pub(crate) mod paths;
pub(crate) mod pool;
pub(crate) mod proofs;
pub(crate) mod request;
pub(crate) mod server;
pub(crate) mod stores;
pub(crate) mod swarm;
pub(crate) mod time;
pub(crate) mod transport;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use holdfast_protocol::account::Id;
use holdfast_protocol::keys::Ed25519PublicKey;

use crate::api::{Hop, NetworkStatus};
use crate::driver::Signal;
use crate::profile::NetworkProfile;
use paths::Path;
use pool::Pool;
use stores::OwnStores;

/// What the engine knows of the network.
pub(crate) struct Net {
    pub(crate) pool: RefCell<Pool>,
    /// Verified paths, ready for requests.
    pub(crate) paths: RefCell<Vec<Rc<Path>>>,
    /// Paths made for destinations that lie in every ready path.
    pub(crate) detours: RefCell<HashMap<Ed25519PublicKey, Rc<Path>>>,
    /// Paths came, went or need repair.
    pub(crate) changed: Signal,
    /// The node list should be fetched again.
    pub(crate) refresh: Signal,
    /// Network time should be measured again.
    pub(crate) resync: Signal,
    /// What the platform says of the connection.
    pub(crate) online: Cell<bool>,
    pub(crate) gateway_failures: Cell<u32>,
    /// What is being stored in the own swarm.
    pub(crate) own_stores: OwnStores,
    /// How long nodes hold a retrieve, milliseconds, as they advertise it.
    pub(crate) waits: RefCell<HashMap<Ed25519PublicKey, Option<u64>>>,
    /// Swarms that members of the computed one agreed to redirect to, until the list is replaced.
    pub(crate) redirects: RefCell<HashMap<Id, swarm::Redirect>>,
    pub(crate) next_path: Cell<u64>,
    gateway: Cell<usize>,
    /// Which of the other gateways the present one's list is compared with.
    other: Cell<usize>,
    /// Gateways whose list contradicted the confirmed one.
    pub(crate) liars: RefCell<Vec<String>>,
}

impl Net {
    pub(crate) fn new(profile: &NetworkProfile) -> Self {
        Self {
            pool: RefCell::new(Pool::new(profile.local)),
            paths: RefCell::default(),
            detours: RefCell::default(),
            changed: Signal::default(),
            refresh: Signal::default(),
            resync: Signal::default(),
            online: Cell::new(true),
            gateway_failures: Cell::new(0),
            own_stores: OwnStores::default(),
            waits: RefCell::default(),
            redirects: RefCell::default(),
            next_path: Cell::new(1),
            gateway: Cell::new(0),
            other: Cell::new(0),
            liars: RefCell::default(),
        }
    }

    /// The gateway to use now: one that lied only when no other is left.
    pub(crate) fn gateway(&self, profile: &NetworkProfile) -> Option<String> {
        let liars = self.liars.borrow();
        let honest: Vec<&String> = profile
            .gateways
            .iter()
            .filter(|url| !liars.contains(url))
            .collect();
        let pick = |from: &[&String]| {
            self.gateway
                .get()
                .checked_rem(from.len())
                .and_then(|index| from.get(index).map(|url| (*url).clone()))
        };
        pick(&honest).or_else(|| pick(&profile.gateways.iter().collect::<Vec<_>>()))
    }

    pub(crate) fn next_gateway(&self) {
        self.gateway.set(self.gateway.get().wrapping_add(1));
    }

    /// Gateways besides the present one, without those that lied.
    fn other_gateways(&self, profile: &NetworkProfile) -> Vec<String> {
        let present = self.gateway(profile);
        let liars = self.liars.borrow();
        let gateways = profile.gateways.iter();
        gateways
            .filter(|url| Some(*url) != present.as_ref() && !liars.contains(url))
            .cloned()
            .collect()
    }

    /// The gateway whose list the present one's is compared with.
    pub(crate) fn other_gateway(&self, profile: &NetworkProfile) -> Option<String> {
        let others = self.other_gateways(profile);
        let index = self.other.get().checked_rem(others.len())?;
        others.get(index).cloned()
    }

    /// The lists of two gateways share too little, and which of them is wrong is not known: others are compared next.
    pub(crate) fn next_pair(&self, profile: &NetworkProfile) {
        let next = self.other.get().saturating_add(1);
        if next < self.other_gateways(profile).len() {
            self.other.set(next);
        } else {
            self.other.set(0);
            self.next_gateway();
        }
    }

    /// Fills in what front ends are told.
    pub(crate) fn describe(&self, status: &mut NetworkStatus) {
        let paths = self.paths.borrow();
        status.paths = u8::try_from(paths.len()).unwrap_or(u8::MAX);
        if let Some(path) = paths.first() {
            status.path = path
                .hops
                .iter()
                .map(|node| {
                    let key = node.ed25519.to_hex();
                    let (start, end) = (
                        key.get(..6).unwrap_or_default(),
                        key.get(58..).unwrap_or_default(),
                    );
                    Hop {
                        key: format!("{start}…{end}"),
                        address: node.ip.to_string(),
                    }
                })
                .collect();
        }
        let pool = self.pool.borrow();
        status.nodes = u32::try_from(pool.len()).unwrap_or(u32::MAX);
        status.list_fetched_at = pool.fetched_at;
        status.list_confirmed = pool.confirmed;
    }
}
