//! What members of a swarm say that they keep, and how many of them have to say it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use holdfast_client::api::MessageState;
use holdfast_protocol::account::{Account, Seed};
use holdfast_protocol::keys::{Ed25519KeyPair, Ed25519PublicKey};
use holdfast_protocol::swarm::reply::{BatchReply, MemberReply, Stamp, Stored, SwarmReply};
use holdfast_protocol::swarm::request::Request;
use holdfast_tests::net::{Device, Fault, World, run};

use super::{LATER, SOON, pair};

#[tokio::test(start_paused = true)]
async fn one_node_cannot_send_a_swarm_elsewhere_or_feign_a_store() {
    run(async {
        let world = World::new().await;
        let (alice, bob) = pair(&world).await;
        let (alice_id, bob_id) = (alice.id().await, bob.id().await);
        let liar = world.swarm_of(&bob_id)[0];
        let elsewhere: Vec<_> = world
            .nodes
            .iter()
            .filter(|node| !world.swarm_of(&bob_id).contains(node))
            .collect();
        let members: Vec<String> = elsewhere
            .iter()
            .map(|key| {
                format!(
                    r#"{{"pubkey_ed25519":"{}","ip":"10.0.0.9","port_https":1}}"#,
                    key.to_hex()
                )
            })
            .collect();
        let redirect = format!(r#"{{"snodes":[{}],"swarm":"0","t":1}}"#, members.join(","));
        world.set_fault(
            &liar,
            Fault::Lying(Arc::new(move |request| match request {
                Request::Store(_) | Request::Sequence(_) => {
                    Some((200, br#"{"swarm":{},"hash":"x"}"#.to_vec()))
                }
                Request::Batch(_) => Some((421, redirect.clone().into_bytes())),
                _ => None,
            })),
        );
        for number in 0..10 {
            alice.send(bob_id, &number.to_string()).await.unwrap();
        }
        bob.wait_for_texts(alice_id, 10, LATER).await;
        alice.wait_until_sent(bob_id, LATER).await;
    })
    .await;
}

/// Signs for everything that it is to store, and neither keeps it nor passes it on.
fn signs_alone(keys: Ed25519KeyPair) -> Fault {
    let stored = move |request: &Request| {
        let Request::Store(store) = request else {
            return None;
        };
        let result = Stored::sign(&keys, store.hash(), store.expiry, false);
        Some(SwarmReply {
            swarm: BTreeMap::from([(keys.public(), MemberReply::Done(result))]),
            hash: Some(store.hash()),
            stamp: Stamp::default(),
        })
    };
    Fault::Lying(Arc::new(move |request: &Request| {
        let answer = match request {
            Request::Sequence(batch) => {
                let replies = batch
                    .requests
                    .iter()
                    .map(|request| stored(request)?.to_sub_reply().ok());
                let results = replies.collect::<Option<Vec<_>>>()?;
                serde_json::to_vec(&BatchReply { results })
            }
            request => serde_json::to_vec(&stored(request)?),
        };
        Some((200, answer.ok()?))
    }))
}

/// A node's keys.
fn keys_of(world: &World, key: &Ed25519PublicKey) -> Ed25519KeyPair {
    let number = world.nodes.iter().position(|node| node == key).unwrap();
    Ed25519KeyPair::from_seed(&[u8::try_from(number).unwrap() + 1; 32])
}

#[tokio::test(start_paused = true)]
async fn what_one_member_alone_signs_for_is_not_sent() {
    run(async {
        let world = World::new().await;
        let (alice, bob) = pair(&world).await;
        let (alice_id, bob_id) = (alice.id().await, bob.id().await);
        let liar = world.swarm_of(&bob_id)[0];
        world.set_fault(&liar, signs_alone(keys_of(&world, &liar)));
        for number in 0..20 {
            alice.send(bob_id, &number.to_string()).await.unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        bob.wait_for_texts(alice_id, 20, LATER).await;
        alice.wait_until_sent(bob_id, LATER).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_last_member_of_a_swarm_is_enough() {
    run(async {
        let world = World::with_nodes(12, 3).await;
        let (alice, bob) = pair(&world).await;
        let (alice_id, bob_id) = (alice.id().await, bob.id().await);
        for node in &world.swarm_of(&bob_id)[1..] {
            world.set_fault(node, Fault::Dead);
        }
        for number in 0..5 {
            alice.send(bob_id, &number.to_string()).await.unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        bob.wait_for_texts(alice_id, 5, LATER).await;
        alice.wait_until_sent(bob_id, LATER).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_last_member_of_a_swarm_is_enough_though_another_one_refuses() {
    run(async {
        // Swarms of three.
        let world = World::with_nodes(12, 4).await;
        let (alice, bob) = pair(&world).await;
        let (alice_id, bob_id) = (alice.id().await, bob.id().await);
        alice
            .wait_for("connected", SOON, |now| now.network.connected)
            .await;
        tokio::time::sleep(SOON).await;
        for id in [alice_id, bob_id] {
            let swarm = world.swarm_of(&id);
            world.set_fault(&swarm[1], Fault::Dead);
            world.set_fault(&swarm[2], Fault::WrongClock);
        }
        for number in 0..3 {
            alice.send(bob_id, &number.to_string()).await.unwrap();
        }
        bob.wait_for_texts(alice_id, 3, LATER).await;
        alice.wait_until_sent(bob_id, LATER).await;
        // The document that says whom she knows now.
        alice
            .wait_for("in step", LATER, |now| !now.network.unsynced)
            .await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_member_whose_clock_is_wrong_fails_no_message() {
    run(async {
        // Swarms of two.
        let world = World::with_nodes(8, 4).await;
        let alice = Device::new(&world);
        alice.create("Alice").await;
        alice
            .wait_for("connected", SOON, |now| now.network.connected)
            .await;
        let stranger = Account::from_seed(Seed::from_bytes(&[0x77; 16])).id();
        let swarm = world.swarm_of(&stranger);
        let refuses = |request: &Request| match request {
            Request::Store(_) | Request::Sequence(_) => Some((406_u16, b"Timestamp error".to_vec())),
            _ => None,
        };
        world.set_fault(&swarm[0], Fault::Lying(Arc::new(refuses)));
        world.set_fault(&swarm[1], Fault::Dead);
        alice.send(stranger, "patience").await.unwrap();
        tokio::time::sleep(SOON).await;
        let state = alice.messages(stranger).await[0].state;
        assert!(
            !matches!(state, MessageState::Failed(_) | MessageState::Sent),
            "{state:?}"
        );
        world.set_fault(&swarm[1], Fault::None);
        alice.wait_until_sent(stranger, LATER).await;
    })
    .await;
}
