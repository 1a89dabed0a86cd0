//! Nodes that die, say nothing, are slow, or say what is not true.

use std::time::Duration;

use holdfast_client::api::{Command, MessageState, SendFailure, Trouble};
use holdfast_tests::net::{Fault, World, run};

use super::{LATER, SOON, pair};

#[tokio::test(start_paused = true)]
async fn half_of_the_nodes_die_while_200_messages_are_sent() {
    run(async {
        let world = World::new().await;
        let (alice, bob) = pair(&world).await;
        let (alice_id, bob_id) = (alice.id().await, bob.id().await);
        let expected: Vec<String> = (0..200).map(|number| number.to_string()).collect();
        // Every other node of each swarm dies, one at a time, in the middle of it.
        let doomed = [0, 1, 4, 5].map(|index| world.nodes[index]);
        for (number, body) in expected.iter().enumerate() {
            alice.send(bob_id, body).await.unwrap();
            tokio::time::sleep(Duration::from_millis(40)).await;
            if number % 40 == 20
                && let Some(node) = doomed.get(number / 40)
            {
                world.set_fault(node, Fault::Dead);
            }
        }
        bob.wait_for_texts(alice_id, 200, LATER).await;
        alice.wait_until_sent(bob_id, LATER).await;
        tokio::time::sleep(SOON).await;
        assert_eq!(bob.texts(alice_id).await, expected);
        assert_eq!(alice.texts(bob_id).await, expected);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn nodes_that_die_before_they_answer_make_nothing_appear_twice() {
    run(async {
        let world = World::new().await;
        let (alice, bob) = pair(&world).await;
        let (alice_id, bob_id) = (alice.id().await, bob.id().await);
        for node in &world.swarm_of(&bob_id)[..2] {
            world.set_fault(node, Fault::DiesAnswering);
        }
        for number in 0..10 {
            alice.send(bob_id, &number.to_string()).await.unwrap();
        }
        bob.wait_for_texts(alice_id, 10, LATER).await;
        alice.wait_until_sent(bob_id, LATER).await;
        tokio::time::sleep(SOON).await;
        assert_eq!(bob.texts(alice_id).await.len(), 10);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn silent_and_slow_nodes_only_delay() {
    run(async {
        let world = World::new().await;
        world.set_fault(&world.nodes[0], Fault::Silent);
        world.set_fault(&world.nodes[3], Fault::Slow(Duration::from_secs(3)));
        let (alice, bob) = pair(&world).await;
        let (alice_id, bob_id) = (alice.id().await, bob.id().await);
        for number in 0..5 {
            alice.send(bob_id, &number.to_string()).await.unwrap();
        }
        let texts = bob.wait_for_texts(alice_id, 5, LATER).await;
        assert_eq!(texts, ["0", "1", "2", "3", "4"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_hop_of_garbage_only_delays() {
    run(async {
        let world = World::new().await;
        world.set_fault(&world.nodes[2], Fault::GarbageHop);
        let (alice, bob) = pair(&world).await;
        let bob_id = bob.id().await;
        for number in 0..5 {
            alice.send(bob_id, &number.to_string()).await.unwrap();
        }
        bob.wait_for_texts(alice.id().await, 5, LATER).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn forged_errors_do_not_steer() {
    run(async {
        let world = World::with_nodes(6, 1).await;
        let (forger, victim) = (world.nodes[0], world.nodes[1]);
        let forged = format!("Next node not found: {}", victim.to_hex());
        world.set_fault(&forger, Fault::ForgingHop(502, forged));
        let (alice, bob) = pair(&world).await;
        let bob_id = bob.id().await;
        for number in 0..20 {
            alice.send(bob_id, &number.to_string()).await.unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        bob.wait_for_texts(alice.id().await, 20, LATER).await;
        alice.wait_until_sent(bob_id, LATER).await;
        // The path that works leaves out the forger, not its victim.
        let path = alice.network().await.path;
        let starts = forger.to_hex()[..6].to_owned();
        assert!(
            !path.is_empty() && path.iter().all(|hop| !hop.key.starts_with(&starts)),
            "{path:?}"
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn offline_messages_wait_and_unreachable_swarms_fail_and_can_be_retried() {
    run(async {
        let world = World::new().await;
        let (alice, bob) = pair(&world).await;
        let (alice_id, bob_id) = (alice.id().await, bob.id().await);
        alice
            .wait_for("connected", SOON, |now| now.network.connected)
            .await;
        alice.ask(Command::Connectivity { online: false }).await;
        let message = alice.send(bob_id, "patience").await.unwrap();
        tokio::time::sleep(LATER).await;
        assert_eq!(alice.messages(bob_id).await[0].state, MessageState::Queued);
        assert!(alice.snapshot().await.troubles.contains(&Trouble::Offline));
        for node in world.swarm_of(&bob_id) {
            world.set_fault(&node, Fault::DiesAnswering);
        }
        alice.ask(Command::Connectivity { online: true }).await;
        alice
            .wait_for("given up", LATER, |now| {
                let state = now.conversations.first().and_then(|held| held.preview.as_ref());
                state.is_some_and(|preview| preview.state == MessageState::Failed(SendFailure::Network))
            })
            .await;
        for node in world.swarm_of(&bob_id) {
            world.set_fault(&node, Fault::None);
        }
        alice.ask(Command::Retry(message.id)).await;
        assert_eq!(bob.wait_for_texts(alice_id, 1, LATER).await, ["patience"]);
        alice.wait_until_sent(bob_id, LATER).await;
        assert_eq!(bob.messages(alice_id).await[0].sent_at, message.sent_at);
    })
    .await;
}
