//! Nodes and gateways that fail or lie, clocks that are wrong, machines that sleep.

mod clocks;
mod gateways;
mod members;
mod nodes;
mod paths;

use std::time::Duration;

use holdfast_tests::net::{Device, World};

const SOON: Duration = Duration::from_secs(60);
const LATER: Duration = Duration::from_secs(900);
const HOUR_MS: i64 = 60 * 60 * 1_000;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn pair(world: &World) -> (Device, Device) {
    let (alice, bob) = (Device::new(world), Device::new(world));
    alice.create("Alice").await;
    bob.create("Bob").await;
    (alice, bob)
}
