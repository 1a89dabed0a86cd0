//! Guards and paths: which are left, which are renewed.

use std::collections::HashSet;
use std::rc::Rc;
use std::time::Duration;

use holdfast_client::store::memory::MemoryStore;
use holdfast_protocol::account::{Account, Seed};
use holdfast_tests::net::{Device, Fault, World, run};

use super::{DAY, LATER, SOON};

#[tokio::test(start_paused = true)]
async fn a_guard_that_loses_what_is_large_is_hardly_used() {
    run(async {
        let world = World::with_nodes(12, 2).await;
        // Chance decides how often each guard is used: the same each time.
        let alice = Device::seeded(&world, Rc::new(MemoryStore::new()), 1);
        alice.create("Alice").await;
        alice
            .wait_for("connected", SOON, |now| {
                now.network.paths > 1 && now.network.list_confirmed
            })
            .await;
        let stranger = Account::from_seed(Seed::from_bytes(&[0x77; 16])).id();
        let lossy = *world.guards_used.borrow().last().unwrap();
        // What paths are checked with gets through.
        world.set_fault(&lossy, Fault::LosesLarge(1_200));
        let send = async |count: u32| {
            for number in 0..count {
                alice.send(stranger, &number.to_string()).await.unwrap();
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            alice.wait_until_sent(stranger, LATER).await;
        };
        send(60).await;
        world.guards_used.borrow_mut().clear();
        send(60).await;
        let used = world.guards_used.borrow();
        let lost = used.iter().filter(|guard| **guard == lossy).count();
        assert!(lost * 5 < used.len(), "{lost} of {}", used.len());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn paths_are_renewed_however_often_something_fails() {
    run(async {
        // Swarms of two.
        let world = World::with_nodes(12, 6).await;
        // Chance decides which paths there are: the same each time.
        let alice = Device::seeded(&world, Rc::new(MemoryStore::new()), 1);
        let id = alice.create("Alice").await;
        alice
            .wait_for("connected", SOON, |now| now.network.paths > 1)
            .await;
        world.set_fault(&world.swarm_of(&id)[0], Fault::Dead);
        tokio::time::sleep(SOON * 2).await;
        let mut seen = HashSet::new();
        for number in 0..90 {
            alice.send(id, &number.to_string()).await.unwrap();
            tokio::time::sleep(SOON).await;
            let path = alice.network().await.path;
            seen.insert(path.into_iter().map(|hop| hop.key).collect::<Vec<_>>());
        }
        assert!(seen.len() >= 6, "{seen:?}");
    })
    .await;
}

/// Whether a device has a guard after eleven days that it did not have before.
async fn has_a_new_guard_after_eleven_days(seed: u64) -> bool {
    let world = World::with_nodes(12, 2).await;
    let alice = Device::seeded(&world, Rc::new(MemoryStore::new()), seed);
    alice.create("Alice").await;
    alice
        .wait_for("connected", SOON, |now| now.network.paths > 1)
        .await;
    tokio::time::sleep(SOON).await;
    let before: HashSet<_> = world.guards_used.take().into_iter().collect();
    tokio::time::advance(DAY * 11).await;
    tokio::time::sleep(SOON * 20).await;
    let after: HashSet<_> = world.guards_used.take().into_iter().collect();
    after.difference(&before).next().is_some()
}

#[tokio::test(start_paused = true)]
async fn a_guard_is_replaced_after_ten_days_though_its_path_works() {
    run(async {
        // The new one may be one that was used before; not every time.
        let mut seed = 0;
        while seed < 5 && !has_a_new_guard_after_eleven_days(seed).await {
            seed += 1;
        }
        assert!(seed < 5, "none of five devices has another guard");
    })
    .await;
}
