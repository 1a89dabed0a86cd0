//! Nodes and gateways that fail or lie, clocks that are wrong, machines that sleep.

use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use holdfast_client::api::{Command, Event, MessageState, SendFailure, Trouble};
use holdfast_client::ports::{Collection, Scan, Store};
use holdfast_client::store::memory::MemoryStore;
use holdfast_protocol::account::{Account, Seed};
use holdfast_protocol::keys::{Ed25519KeyPair, Ed25519PublicKey};
use holdfast_protocol::swarm::reply::{BatchReply, MemberReply, Stamp, Stored, SwarmReply};
use holdfast_protocol::swarm::request::Request;
use holdfast_tests::net::{Device, Fault, World, names, run, service};

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

#[tokio::test(start_paused = true)]
async fn a_clock_off_by_an_hour_is_noticed_and_corrected() {
    run(async {
        for skew in [HOUR_MS, -HOUR_MS] {
            let world = World::new().await;
            let bob = Device::new(&world);
            let bob_id = bob.create("Bob").await;
            let store = Rc::new(MemoryStore::new());
            let alice = Device::with(&world, store, skew, world.profile());
            let alice_id = alice.create("Alice").await;
            // Accepted before anybody could know the true time.
            alice.send(bob_id, "first").await.unwrap();
            alice.send(bob_id, "second").await.unwrap();
            let texts = bob.wait_for_texts(alice_id, 2, LATER).await;
            assert_eq!(texts, ["first", "second"]);
            for message in bob.messages(alice_id).await {
                assert!(message.sent_at.abs_diff(world.now_ms()) < 60_000, "{message:?}");
            }
            bob.send(alice_id, "answer").await.unwrap();
            assert_eq!(
                alice.wait_for_texts(bob_id, 3, SOON).await,
                ["first", "second", "answer"]
            );
            let snapshot = alice.snapshot().await;
            let wrong = snapshot.troubles.iter().any(|trouble| {
                matches!(trouble, Trouble::ClockWrong { offset_ms } if offset_ms.abs_diff(-skew) < 2_000)
            });
            assert!(wrong, "{:?}", snapshot.troubles);
            alice.set_skew(0);
            alice.ask(Command::Wake).await;
            alice
                .wait_for("right again", LATER, |now| now.troubles.is_empty())
                .await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn after_sleep_everything_missed_arrives_at_once() {
    run(async {
        let world = World::new().await;
        let (alice, bob) = pair(&world).await;
        let (alice_id, bob_id) = (alice.id().await, bob.id().await);
        alice.send(bob_id, "good night").await.unwrap();
        bob.wait_for_texts(alice_id, 1, SOON).await;
        bob.set_online(false);
        tokio::time::sleep(Duration::from_secs(20 * 60)).await;
        for number in 0..30 {
            alice.send(bob_id, &number.to_string()).await.unwrap();
        }
        tokio::time::sleep(Duration::from_secs(20 * 60)).await;
        bob.set_online(true);
        bob.ask(Command::Wake).await;
        bob.wait_for_texts(alice_id, 31, Duration::from_secs(20)).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn after_sleep_it_is_told_that_messages_may_be_missing_until_the_mailbox_was_read_to_its_end() {
    run(async {
        // A front end may notice that the machine woke, or may not.
        for told in [true, false] {
            let world = World::new().await;
            let (alice, bob) = pair(&world).await;
            let (alice_id, bob_id) = (alice.id().await, bob.id().await);
            alice.send(bob_id, "good night").await.unwrap();
            bob.wait_for_texts(alice_id, 1, SOON).await;
            alice.wait_until_sent(bob_id, SOON).await;
            assert!(!bob.network().await.catching_up);
            bob.falls_asleep();
            tokio::time::advance(DAY).await;
            // Several pages of what nobody can read, and a message behind them.
            for number in 0..130_u8 {
                world.deposit(&bob_id, vec![number; 70_000]).await;
            }
            alice.send(bob_id, "good morning").await.unwrap();
            alice.wait_until_sent(bob_id, LATER).await;
            bob.events.borrow_mut().clear();
            bob.wakes();
            if told {
                bob.ask(Command::Wake).await;
                assert!(bob.network().await.catching_up);
            }
            bob.wait_for_texts(alice_id, 2, LATER).await;
            bob.wait_for("up to date", SOON, |now| !now.network.catching_up)
                .await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            let events = bob.events.borrow();
            let says = |event: &Event, expected: bool| {
                matches!(event, Event::Network(status) if status.catching_up == expected)
            };
            let behind = events.iter().position(|event| says(event, true)).unwrap();
            let since = &events[behind..];
            let over = since.iter().position(|event| says(event, false)).unwrap();
            let is_last = |event: &Event| match event {
                Event::Message(message) => message.body == "good morning",
                _ => false,
            };
            let last = since.iter().position(is_last).unwrap();
            assert!(last < over, "told {told}: {last} {over}");
            let polls: HashSet<_> = since[..over]
                .iter()
                .filter_map(|event| match event {
                    Event::Network(status) => Some(status.last_poll),
                    _ => None,
                })
                .collect();
            assert!(polls.len() >= 3, "told {told}: {polls:?}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_wake_without_news_is_over_as_soon_as_a_node_says_so() {
    run(async {
        let world = World::new().await;
        let (alice, mut bob) = pair(&world).await;
        let (alice_id, bob_id) = (alice.id().await, bob.id().await);
        assert!(!bob.network().await.catching_up, "a new account has no mail");
        alice.send(bob_id, "hello").await.unwrap();
        bob.wait_for_texts(alice_id, 1, SOON).await;
        tokio::time::sleep(SOON).await;
        // Sooner than a node answers that was asked to wait for something new.
        let at_once = Duration::from_secs(10);
        bob.ask(Command::Wake).await;
        assert!(bob.network().await.catching_up);
        bob.wait_for("up to date", at_once, |now| !now.network.catching_up)
            .await;
        bob.restart().await;
        assert!(
            bob.network().await.catching_up,
            "there may be mail since the last time"
        );
        bob.wait_for("up to date", SOON, |now| !now.network.catching_up)
            .await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_whose_last_known_message_is_gone_is_read_from_its_beginning() {
    run(async {
        let world = World::new().await;
        let (alice, bob) = pair(&world).await;
        let (alice_id, bob_id) = (alice.id().await, bob.id().await);
        alice.send(bob_id, "before").await.unwrap();
        bob.wait_for_texts(alice_id, 1, SOON).await;
        bob.falls_asleep();
        alice.send(bob_id, "too long ago").await.unwrap();
        alice.wait_until_sent(bob_id, LATER).await;
        tokio::time::advance(DAY * 15).await;
        tokio::time::sleep(SOON).await;
        alice.send(bob_id, "in time").await.unwrap();
        alice.wait_until_sent(bob_id, LATER).await;
        bob.wakes();
        bob.ask(Command::Wake).await;
        bob.wait_for_texts(alice_id, 2, LATER).await;
        tokio::time::sleep(SOON * 5).await;
        assert_eq!(bob.texts(alice_id).await, ["before", "in time"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_far_ahead_makes_a_device_forget_nothing() {
    run(async {
        let world = World::new().await;
        let (alice, mut bob) = pair(&world).await;
        let (alice_id, bob_id) = (alice.id().await, bob.id().await);
        alice.send(bob_id, "hello").await.unwrap();
        bob.wait_for_texts(alice_id, 1, SOON).await;
        tokio::time::sleep(SOON).await;
        let store = bob.store.clone();
        let known = async || {
            let scan = Scan {
                collection: Collection::Seen,
                from: Vec::new(),
                to: None,
                reverse: false,
                limit: usize::MAX,
            };
            store.scan(scan).await.unwrap().len()
        };
        let before = known().await;
        assert!(before > 0);
        bob.set_online(false);
        bob.set_skew(60 * 24 * HOUR_MS);
        bob.restart().await;
        tokio::time::sleep(SOON * 3).await;
        assert_eq!(known().await, before);
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
