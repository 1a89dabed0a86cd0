//! Gateways that go, that have no room, and that hand out lists of their own.

use std::rc::Rc;
use std::sync::Arc;

use holdfast_client::api::{MessageState, Trouble};
use holdfast_client::store::memory::MemoryStore;
use holdfast_protocol::keys::Ed25519KeyPair;
use holdfast_protocol::swarm::request::Request;
use holdfast_tests::net::{Device, Fault, World, names, run, service};

use super::{LATER, SOON, pair};

/// What becomes of a device behind a gateway that names machines of its own beside the true nodes.
async fn behind_a_padded_list(bundled: bool, gateways: usize) {
    let world = World::new().await;
    let truth = world.list();
    world.set_false_list(world.add_accomplices(40));
    let mut profile = world.guarded_profile();
    profile.gateways.truncate(gateways);
    if bundled {
        world.set_bundled(truth);
    } else {
        profile.bundled_nodes = None;
    }
    let alice = Device::with(&world, Rc::new(MemoryStore::new()), 0, profile);
    let id = alice.create("Alice").await;
    let network = alice
        .wait_for("confirmed", LATER, |now| now.network.list_confirmed)
        .await
        .network;
    assert_eq!(network.nodes, 8);
    alice.send(id, "note").await.unwrap();
    alice.wait_until_sent(id, LATER).await;
}

#[tokio::test(start_paused = true)]
async fn machines_that_only_a_gateway_names_do_not_confirm_themselves() {
    run(behind_a_padded_list(true, 1)).await;
}

#[tokio::test(start_paused = true)]
async fn machines_that_only_one_of_two_gateways_names_do_not_confirm_themselves() {
    run(behind_a_padded_list(false, 2)).await;
}

#[tokio::test(start_paused = true)]
async fn the_two_of_three_gateways_that_agree_are_found() {
    run(async {
        let world = World::new().await;
        let own = world.add_accomplices(12).split_off(world.nodes.len());
        world.set_false_list(own);
        let profile = world.three_gateways_profile();
        let alice = Device::with(&world, Rc::new(MemoryStore::new()), 0, profile);
        alice.create("Alice").await;
        let network = alice
            .wait_for("confirmed", LATER, |now| now.network.list_confirmed)
            .await
            .network;
        assert_eq!(network.nodes, 8);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_confirmed_list_outlasts_a_gateway_that_lets_nothing_through() {
    run(async {
        let world = World::new().await;
        let truth = world.list();
        world.set_bundled(truth.clone());
        let mut profile = world.guarded_profile();
        profile.gateways.truncate(1);
        let alice = Device::with(&world, Rc::new(MemoryStore::new()), 0, profile);
        let id = alice.create("Alice").await;
        alice
            .wait_for("confirmed", LATER, |now| now.network.list_confirmed)
            .await;
        let own: Vec<_> = world.add_accomplices(12).split_off(truth.len());
        world.set_bundled(own.clone());
        world.set_false_list(own);
        world.guards_used.borrow_mut().clear();
        for node in &world.nodes {
            world.set_fault(node, Fault::Dead);
        }
        tokio::time::sleep(SOON * 5).await;
        for node in &world.nodes {
            world.set_fault(node, Fault::None);
        }
        alice.send(id, "note").await.unwrap();
        alice.wait_until_sent(id, LATER).await;
        assert_eq!(alice.network().await.nodes, 8);
        let used = world.guards_used.borrow();
        assert!(used.iter().all(|guard| world.nodes.contains(guard)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_lies_about_the_nodes_is_found_out() {
    run(async {
        let world = World::new().await;
        let truth = world.list();
        let liars = (100..112).map(|number| {
            let keys = Ed25519KeyPair::from_seed(&[number; 32]);
            service(&keys, number, u64::from(number % 2))
        });
        world.set_bundled(truth.clone());
        world.set_false_list(liars.collect());
        let store = Rc::new(MemoryStore::new());
        let alice = Device::with(&world, store, 0, world.guarded_profile());
        let id = alice.create("Alice").await;
        alice.send(id, "note").await.unwrap();
        alice.wait_until_sent(id, LATER).await;
        let network = alice
            .wait_for("confirmed", LATER, |now| now.network.list_confirmed)
            .await
            .network;
        assert_eq!(network.nodes, 8);
        assert!(
            world
                .guards_used
                .borrow()
                .iter()
                .all(|guard| world.nodes.contains(guard))
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_node_cannot_put_others_into_the_list() {
    run(async {
        let world = World::new().await;
        let mut false_list = world.list();
        for number in 100..140 {
            let keys = Ed25519KeyPair::from_seed(&[number; 32]);
            false_list.push(service(&keys, number, 0));
        }
        let lie = names(&false_list);
        world.set_fault(
            &world.nodes[0],
            Fault::Lying(Arc::new(move |request| {
                matches!(request, Request::ActiveNodesBin).then(|| (200, lie.clone().into_bytes()))
            })),
        );
        let alice = Device::new(&world);
        let id = alice.create("Alice").await;
        let network = alice
            .wait_for("confirmed", LATER, |now| now.network.list_confirmed)
            .await
            .network;
        assert_eq!(network.nodes, 8);
        alice.send(id, "note").await.unwrap();
        alice.wait_until_sent(id, LATER).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_gateway_restart_delays_and_says_so() {
    run(async {
        let world = World::new().await;
        let (alice, bob) = pair(&world).await;
        let (alice_id, bob_id) = (alice.id().await, bob.id().await);
        alice.send(bob_id, "before").await.unwrap();
        bob.wait_for_texts(alice_id, 1, SOON).await;
        world.set_gateway(false);
        alice.send(bob_id, "during").await.unwrap();
        let down = alice
            .wait_for("trouble", SOON, |now| {
                now.troubles.contains(&Trouble::GatewayUnreachable)
            })
            .await;
        assert!(!down.network.connected || down.network.outbox > 0);
        tokio::time::sleep(LATER).await;
        let states: Vec<_> = alice
            .messages(bob_id)
            .await
            .iter()
            .map(|message| message.state)
            .collect();
        assert_eq!(states[0], MessageState::Sent);
        assert!(
            !matches!(states[1], MessageState::Failed(_) | MessageState::Sent),
            "{states:?}"
        );
        world.set_gateway(true);
        assert_eq!(bob.wait_for_texts(alice_id, 2, SOON).await, ["before", "during"]);
        alice
            .wait_for("trouble over", SOON, |now| now.troubles.is_empty())
            .await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_gateway_without_room_only_delays_and_is_not_called_gone() {
    run(async {
        let world = World::new().await;
        let (alice, bob) = pair(&world).await;
        let (alice_id, bob_id) = (alice.id().await, bob.id().await);
        alice.send(bob_id, "before").await.unwrap();
        bob.wait_for_texts(alice_id, 1, SOON).await;
        world.set_gateway_busy(true);
        alice.send(bob_id, "during").await.unwrap();
        // Far longer than a gateway that is gone is waited for.
        for _ in 0..30 {
            tokio::time::sleep(SOON / 2).await;
            let now = alice.snapshot().await;
            assert!(now.troubles.is_empty(), "{:?}", now.troubles);
        }
        let state = alice.messages(bob_id).await[1].state;
        assert!(
            !matches!(state, MessageState::Failed(_) | MessageState::Sent),
            "{state:?}"
        );
        world.set_gateway_busy(false);
        assert_eq!(bob.wait_for_texts(alice_id, 2, SOON).await, ["before", "during"]);
    })
    .await;
}
