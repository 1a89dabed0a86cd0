//! Prolonging and storing again while nodes fail and lie, the device crashes, and others edit.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use holdfast_client::api::Command;
use holdfast_protocol::config::ConfigKind;
use holdfast_protocol::keys::{Ed25519KeyPair, Ed25519PublicKey};
use holdfast_protocol::swarm::reply::{BatchReply, Expired, Expiries, MemberReply, Stamp, SwarmReply};
use holdfast_protocol::swarm::request::Request;
use holdfast_tests::net::{Device, Fault, World, run};

use super::keeping::{DAY, found_by_another, found_with, is_back, nickname, nicknamed, settled};
use super::{SOON, id, in_step, second_of, wait_for_name};

/// Says that a member has prolonged everything, which it has not. Counts how often that was told.
fn feigns(signer: Ed25519KeyPair, member: Ed25519PublicKey, told: &Arc<AtomicUsize>) -> Fault {
    let told = Arc::clone(told);
    Fault::Lying(Arc::new(move |request| {
        let Request::Sequence(batch) = request else {
            return None;
        };
        let Some(Request::Expire(expire)) = batch.requests.first() else {
            return None;
        };
        told.fetch_add(1, Ordering::Relaxed);
        let mut updated = expire.messages.clone();
        updated.sort_unstable();
        let expiry = Expiries::One(*expire.expiry.first()?);
        let result = Expired::sign(&signer, expire, updated, expiry, None);
        let reply = SwarmReply {
            swarm: BTreeMap::from([(member, MemberReply::Done(result))]),
            hash: None,
            stamp: Stamp::default(),
        };
        let answer = BatchReply {
            results: vec![reply.to_sub_reply().ok()?],
        };
        Some((200, serde_json::to_vec(&answer).ok()?))
    }))
}

/// What a new device finds twenty days after the last one has gone, when that one's last day was the first on which its
/// swarm prolonged anything: for a month it had said so without doing it.
async fn found_after_a_month_of(fault: impl Fn(&World, &Arc<AtomicUsize>) -> Fault) -> Option<String> {
    let world = World::new().await;
    let mut one = settled(&world).await;
    let swarm = world.swarm_of(&one.id().await);
    let told = Arc::<AtomicUsize>::default();
    for node in &swarm {
        world.set_fault(node, fault(&world, &told));
    }
    tokio::time::advance(DAY * 29).await;
    tokio::time::sleep(SOON * 5).await;
    assert!(told.load(Ordering::Relaxed) > 0, "the swarm was asked");
    for node in &swarm {
        world.set_fault(node, Fault::None);
    }
    tokio::time::sleep(SOON * 5).await;
    let seed = one.seed().await;
    one.crash();
    tokio::time::advance(DAY * 20).await;
    tokio::time::sleep(SOON).await;
    found_with(&world, seed).await
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_is_awake_for_minutes_only_prolongs_what_is_stored_too() {
    run(async {
        let world = World::new().await;
        let mut one = settled(&world).await;
        tokio::time::sleep(SOON * 5).await;
        one.falls_asleep();
        tokio::time::advance(DAY * 20).await;
        one.wakes();
        one.ask(Command::Wake).await;
        tokio::time::sleep(SOON * 4).await;
        let seed = one.seed().await;
        one.crash();
        tokio::time::advance(DAY * 20).await;
        tokio::time::sleep(SOON).await;
        assert_eq!(found_with(&world, seed).await.as_deref(), Some("first"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_wrong_for_a_moment_does_not_put_renewals_off() {
    run(async {
        let world = World::new().await;
        let one = settled(&world).await;
        tokio::time::sleep(SOON * 5).await;
        let two_months = i64::try_from((DAY * 60).as_millis()).unwrap();
        for skew in [two_months, 0] {
            one.set_skew(skew);
            one.ask(Command::Wake).await;
            tokio::time::sleep(SOON).await;
        }
        for _ in 0..3 {
            tokio::time::advance(DAY * 14).await;
            tokio::time::sleep(SOON * 2).await;
        }
        assert_eq!(found_by_another(&world, &one).await.as_deref(), Some("first"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_its_member_did_not_sign_is_asked_for_again() {
    run(async {
        let found = found_after_a_month_of(|world, told| {
            let signer = Ed25519KeyPair::from_seed(&[0x99; 32]);
            feigns(signer, world.nodes[0], told)
        });
        assert_eq!(found.await.as_deref(), Some("first"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_nobody_known_signed_is_asked_for_again() {
    run(async {
        let found = found_after_a_month_of(|_, told| {
            let signer = Ed25519KeyPair::from_seed(&[0x99; 32]);
            let member = signer.public();
            feigns(signer, member, told)
        });
        assert_eq!(found.await.as_deref(), Some("first"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_lost_is_stored_again_once_the_nodes_are_back() {
    run(async {
        let world = World::new().await;
        let mut one = settled(&world).await;
        let swarm = world.swarm_of(&one.id().await);
        world.lose_messages(&swarm);
        // None can be reached, then each dies whenever it has carried something out; the device starts anew in between.
        for fault in [Fault::Dead, Fault::DiesAnswering] {
            for node in &swarm {
                world.set_fault(node, fault.clone());
            }
            tokio::time::advance(DAY).await;
            tokio::time::sleep(SOON * 5).await;
            one.restart().await;
        }
        for node in &swarm {
            world.set_fault(node, Fault::None);
        }
        tokio::time::sleep(SOON * 15).await;
        assert_eq!(found_by_another(&world, &one).await.as_deref(), Some("first"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_while_it_is_stored_again_leaves_nothing_lost() {
    run(async {
        let world = World::new().await;
        let mut one = settled(&world).await;
        let swarm = world.swarm_of(&one.id().await);
        for step in 0..20_u64 {
            world.lose_messages(&swarm);
            tokio::time::advance(DAY).await;
            // From before the swarm is asked to after all of it is there again.
            tokio::time::sleep(Duration::from_millis(step * 53)).await;
            one.restart().await;
        }
        tokio::time::sleep(SOON * 2).await;
        is_back(&world, &one).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn edits_of_two_devices_survive_the_loss_of_everything_in_the_swarm() {
    run(async {
        let world = World::new().await;
        let one = settled(&world).await;
        one.send(id(2), "hello").await.unwrap();
        let two = second_of(&world, &one).await;
        tokio::time::sleep(SOON).await;
        in_step(&[&one, &two], SOON).await;
        one.set_online(false);
        two.set_online(false);
        nicknamed(&one, 1, "by one").await;
        nicknamed(&two, 2, "by two").await;
        world.lose_messages(&world.swarm_of(&one.id().await));
        tokio::time::sleep(SOON).await;
        one.set_online(true);
        two.set_online(true);
        tokio::time::sleep(SOON * 2).await;
        in_step(&[&one, &two], SOON).await;
        for device in [&one, &two] {
            assert_eq!(nickname(device, 1).await.as_deref(), Some("by one"));
            assert_eq!(nickname(device, 2).await.as_deref(), Some("by two"));
        }
        // What neither of them edited comes back too.
        tokio::time::advance(DAY).await;
        tokio::time::sleep(SOON * 2).await;
        assert_eq!(found_by_another(&world, &one).await.as_deref(), Some("by one"));
    })
    .await;
}

/// Nodes that answer no polls, store and prolong what they are asked to, and where `pulls` is false say that no document
/// has anything new.
fn holds_back(pulls: bool) -> Fault {
    Fault::Lying(Arc::new(move |request| {
        let Request::Batch(batch) = request else {
            return None;
        };
        if batch.requests.len() != ConfigKind::ALL.len() {
            return Some((406, b"not now".to_vec()));
        }
        let nothing = [r#"{"code":200,"body":{"messages":[],"more":false}}"#; ConfigKind::ALL.len()];
        let nothing = format!(r#"{{"results":[{}]}}"#, nothing.join(","));
        (!pulls).then(|| (200, nothing.into_bytes()))
    }))
}

/// One of two devices is away while the other changes the name, which replaces what both have in the swarm. When it is back,
/// it prolongs what it has before any poll succeeds. Gives the device, the other one, and whether it stored anything.
async fn prolongs_what_was_replaced(world: &World, pulls: bool) -> (Device, Device, bool) {
    let one = settled(world).await;
    let two = second_of(world, &one).await;
    tokio::time::sleep(SOON * 3).await;
    in_step(&[&one, &two], SOON).await;
    two.set_online(false);
    // A request that waits at a node is answered all the same.
    tokio::time::sleep(SOON).await;
    one.ask(Command::SetDisplayName("Anna".to_owned())).await;
    tokio::time::sleep(SOON).await;
    tokio::time::advance(DAY).await;
    tokio::time::sleep(SOON).await;
    let swarm = world.swarm_of(&one.id().await);
    let held = || -> u64 { swarm.iter().map(|node| world.messages_on(node)).sum() };
    let before = held();
    for node in &swarm {
        world.set_fault(node, holds_back(pulls));
    }
    two.set_online(true);
    two.ask(Command::Connectivity { online: true }).await;
    tokio::time::sleep(SOON * 4).await;
    let stored = held() > before;
    (two, one, stored)
}

#[tokio::test(start_paused = true)]
async fn what_another_device_replaced_is_looked_for_before_it_is_stored_again() {
    run(async {
        let world = World::new().await;
        let (two, one, stored) = prolongs_what_was_replaced(&world, true).await;
        assert!(!stored, "the old profile is there again");
        wait_for_name(&two, "Anna").await;
        in_step(&[&one, &two], SOON).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_stored_again_hides_nothing_that_others_stored_meanwhile() {
    run(async {
        let world = World::new().await;
        let (mut two, one, stored) = prolongs_what_was_replaced(&world, false).await;
        assert!(stored, "the old profile was stored again");
        for node in world.swarm_of(&one.id().await) {
            world.set_fault(&node, Fault::None);
        }
        two.restart().await;
        wait_for_name(&two, "Anna").await;
        in_step(&[&one, &two], SOON * 2).await;
        // A new device finds the same.
        let late = Device::new(&world);
        late.restore(one.seed().await).await;
        wait_for_name(&late, "Anna").await;
    })
    .await;
}
