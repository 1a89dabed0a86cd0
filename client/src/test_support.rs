//! Small doubles for the unit tests of this crate.

use std::cell::Cell;
use std::time::Duration;

use futures::future::LocalBoxFuture;
use holdfast_protocol::account::{Id, Seed};
use holdfast_protocol::keys::Ed25519KeyPair;
use holdfast_protocol::nodes::ServiceNode;
use holdfast_protocol::swarm::SwarmId;

use crate::ports::{Clock, Rng};

/// Bytes that never repeat, for tests that need difference rather than secrecy.
#[derive(Default)]
pub(crate) struct CountingRng(Cell<u64>);

impl Rng for CountingRng {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            self.0.set(self.0.get() + 1);
            let block = blake2b_simd::blake2b(&self.0.get().to_le_bytes());
            let length = chunk.len();
            chunk.copy_from_slice(&block.as_bytes()[..length]);
        }
    }
}

/// A clock that moves when told to.
pub(crate) struct ManualClock {
    wall: Cell<u64>,
    monotonic: Cell<u64>,
}

impl ManualClock {
    pub(crate) fn new(wall: u64) -> Self {
        Self {
            wall: Cell::new(wall),
            monotonic: Cell::new(0),
        }
    }

    pub(crate) fn advance(&self, milliseconds: u64) {
        self.wall.set(self.wall.get() + milliseconds);
        self.monotonic.set(self.monotonic.get() + milliseconds);
    }

    pub(crate) fn set_wall(&self, wall: u64) {
        self.wall.set(wall);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> u64 {
        self.wall.get()
    }

    fn monotonic_ms(&self) -> u64 {
        self.monotonic.get()
    }

    fn sleep(&self, duration: Duration) -> LocalBoxFuture<'static, ()> {
        self.advance(u64::try_from(duration.as_millis()).unwrap());
        Box::pin(std::future::ready(()))
    }
}

/// An account id that differs by its number.
pub(crate) fn id(number: u8) -> Id {
    let keys = holdfast_protocol::account::Account::from_seed(Seed::from_bytes(&[number; 16]));
    keys.id()
}

/// A node that differs by its number.
pub(crate) fn node(number: u8, swarm: u64) -> ServiceNode {
    let key = Ed25519KeyPair::from_seed(&[number; 32]).public();
    let node = ServiceNode::new(key, [8, 8, number, 1].into(), 22_021).unwrap();
    ServiceNode {
        swarm: SwarmId(swarm),
        ..node
    }
}
