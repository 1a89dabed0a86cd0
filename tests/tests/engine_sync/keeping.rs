//! What is shared stays in the swarm for as long as a device is there: lives are prolonged, what was lost is stored again,
//! and a device that slept for a month wakes up to all of it.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use holdfast_client::api::{Command, Event, RestoreStage, Synced, Trouble};
use holdfast_client::ports::{Change, Collection, Store};
use holdfast_client::store::memory::MemoryStore;
use holdfast_protocol::account::{Account, Seed};
use holdfast_protocol::config::{ConfigKind, Contacts, Tree};
use holdfast_protocol::swarm::request::Request;
use holdfast_tests::net::{Device, Fault, World, run};

use super::{SOON, id, in_step, second_of, wait_for_name};

pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) async fn nicknamed(device: &Device, number: u8, nickname: &str) {
    let nickname = nickname.to_owned();
    let id = id(number);
    device.ask(Command::SetNickname { id, nickname }).await;
}

pub(super) async fn nickname(device: &Device, number: u8) -> Option<String> {
    device.conversation(id(number)).await?.nickname
}

/// A device with a name, a contact and a nickname, all of it pushed.
pub(super) async fn settled(world: &World) -> Device {
    let one = Device::new(world);
    one.create("Ann").await;
    one.send(id(1), "hello").await.unwrap();
    nicknamed(&one, 1, "first").await;
    tokio::time::sleep(SOON).await;
    one
}

/// Edits the contacts that a machine keeps while it is off.
pub(super) async fn edit_kept(store: &MemoryStore, seed: &Seed, edit: impl FnOnce(&mut Contacts)) {
    let account = Account::from_seed(seed.clone());
    let namespace = ConfigKind::Contacts.namespace().0.to_be_bytes();
    let key = [b"config/", account.id().as_bytes().as_slice(), &namespace].concat();
    let dump = store.get(Collection::Meta, &key).await.unwrap().unwrap();
    let mut contacts = Contacts::load(&account, &dump).unwrap();
    edit(&mut contacts);
    let change = Change::Put(Collection::Meta, key, contacts.dump().to_vec());
    store.commit(vec![change]).await.unwrap();
}

/// Puts so many bytes that do not compress into them.
async fn weigh_down(store: &MemoryStore, seed: &Seed, bytes: usize) {
    let blocks =
        (0..bytes.div_ceil(64)).map(|at| holdfast_protocol::hash::blake2b::<64>(&[&at.to_le_bytes()]));
    let weight: Vec<u8> = blocks.flatten().collect();
    let weight = (bytes > 0).then(|| Tree::from(weight.as_slice()));
    edit_kept(store, seed, |contacts| {
        contacts.set(&[b"weight"], weight);
    })
    .await;
}

/// More than fits a document.
const TOO_MUCH: usize = 5_200_000;

/// As [`settled`], with the store that the device runs over.
async fn settled_over_a_store(world: &World) -> (Device, Rc<MemoryStore>) {
    let store = Rc::new(MemoryStore::new());
    let one = Device::with(world, store.clone(), 0, world.profile());
    one.create("Ann").await;
    one.send(id(1), "hello").await.unwrap();
    nicknamed(&one, 1, "first").await;
    tokio::time::sleep(SOON).await;
    (one, store)
}

/// What a device finds that comes now: the nickname, or that there is no profile.
pub(super) async fn found_by_another(world: &World, one: &Device) -> Option<String> {
    found_with(world, one.seed().await).await
}

/// The same when no other device is there any more.
pub(super) async fn found_with(world: &World, seed: Seed) -> Option<String> {
    let late = Device::new(world);
    late.restore(seed).await;
    let seen = late
        .wait_for("an end", SOON * 2, |now| {
            let stage = now.restore.as_ref().map(|restore| restore.stage);
            stage.is_none() || stage == Some(RestoreStage::NoProfile)
        })
        .await;
    if seen.restore.is_some() {
        return None;
    }
    tokio::time::sleep(SOON).await;
    nickname(&late, 1).await
}

/// Makes sure that the swarm has what was lost, and that the device goes on from there.
pub(super) async fn is_back(world: &World, one: &Device) {
    assert_eq!(found_by_another(world, one).await.as_deref(), Some("first"));
    nicknamed(one, 1, "second").await;
    tokio::time::sleep(SOON).await;
    assert_eq!(found_by_another(world, one).await.as_deref(), Some("second"));
}

#[tokio::test(start_paused = true)]
async fn the_life_of_what_is_stored_is_prolonged_as_long_as_a_device_is_there() {
    run(async {
        let world = World::new().await;
        let mut one = settled(&world).await;
        for _ in 0..5 {
            tokio::time::advance(DAY * 14).await;
            tokio::time::sleep(SOON * 2).await;
        }
        assert_eq!(found_by_another(&world, &one).await.as_deref(), Some("first"));
        // Without one it ends.
        let seed = one.seed().await;
        one.crash();
        tokio::time::advance(DAY * 31).await;
        tokio::time::sleep(SOON).await;
        let late = Device::new(&world);
        late.restore(seed).await;
        late.wait_for("no profile", SOON * 2, |now| {
            now.restore.as_ref().map(|restore| restore.stage) == Some(RestoreStage::NoProfile)
        })
        .await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_the_swarm_lost_is_stored_again() {
    run(async {
        let world = World::new().await;
        let one = settled(&world).await;
        let swarm = world.swarm_of(&one.id().await);
        world.lose_messages(&swarm);
        assert_eq!(found_by_another(&world, &one).await, None);
        tokio::time::advance(DAY).await;
        tokio::time::sleep(SOON * 2).await;
        is_back(&world, &one).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_device_that_slept_for_a_month_brings_what_it_had_and_takes_what_there_is() {
    run(async {
        let world = World::new().await;
        let one = settled(&world).await;
        let two = second_of(&world, &one).await;
        one.send(id(2), "hello").await.unwrap();
        tokio::time::sleep(SOON).await;
        in_step(&[&one, &two], SOON).await;
        // One falls asleep with an edit that is not out, the other with one that it just pushed.
        two.set_online(false);
        nicknamed(&two, 1, "asleep").await;
        nicknamed(&one, 2, "before the night").await;
        tokio::time::sleep(Duration::from_secs(20)).await;
        tokio::time::advance(DAY * 32).await;
        two.set_online(true);
        two.ask(Command::Wake).await;
        tokio::time::sleep(SOON * 3).await;
        in_step(&[&one, &two], SOON).await;
        for device in [&one, &two] {
            assert_eq!(nickname(device, 1).await.as_deref(), Some("asleep"));
            assert_eq!(nickname(device, 2).await.as_deref(), Some("before the night"));
        }
        assert_eq!(found_by_another(&world, &one).await.as_deref(), Some("asleep"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_document_that_is_too_large_is_told_and_goes_out_once_it_is_small_again() {
    run(async {
        let world = World::new().await;
        let store = Rc::new(MemoryStore::new());
        let mut one = Device::with(&world, store.clone(), 0, world.profile());
        one.create("Ann").await;
        one.send(id(1), "hello").await.unwrap();
        tokio::time::sleep(SOON).await;
        let seed = one.seed().await;
        one.crash();
        weigh_down(&store, &seed, TOO_MUCH).await;
        one.restart().await;
        let too_much = Trouble::TooMuchToSync(Synced::Contacts);
        nicknamed(&one, 1, "only here").await;
        one.wait_for("told", SOON, |now| now.troubles.contains(&too_much))
            .await;
        // What is not too large is not held up, and nothing is tried over and over.
        one.ask(Command::SetDisplayName("Anna".to_owned())).await;
        tokio::time::sleep(SOON).await;
        let packets = world.packets.get();
        tokio::time::sleep(SOON * 10).await;
        let spent = world.packets.get() - packets;
        assert!(spent < 200, "{spent} packets in ten minutes");
        assert!(one.snapshot().await.troubles.contains(&too_much));
        let told = |event: &&Event| matches!(event, Event::Trouble(trouble) if *trouble == too_much);
        assert_eq!(one.events.borrow().iter().filter(told).count(), 1);
        let two = Device::new(&world);
        two.restore(seed.clone()).await;
        wait_for_name(&two, "Anna").await;
        assert_eq!(nickname(&two, 1).await, None);
        // It survives a restart, and is over when there is less.
        one.restart().await;
        one.wait_for("told again", SOON, |now| now.troubles.contains(&too_much))
            .await;
        one.crash();
        weigh_down(&store, &seed, 0).await;
        one.restart().await;
        nicknamed(&one, 1, "for all").await;
        tokio::time::sleep(SOON).await;
        assert!(!one.snapshot().await.troubles.contains(&too_much));
        in_step(&[&one, &two], SOON).await;
        assert_eq!(nickname(&two, 1).await.as_deref(), Some("for all"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_last_version_of_a_document_that_grew_too_large_lives_on_in_the_swarm() {
    run(async {
        let world = World::new().await;
        let (mut one, store) = settled_over_a_store(&world).await;
        let seed = one.seed().await;
        one.crash();
        weigh_down(&store, &seed, TOO_MUCH).await;
        one.restart().await;
        for _ in 0..3 {
            tokio::time::advance(DAY * 14).await;
            tokio::time::sleep(SOON * 2).await;
        }
        assert_eq!(found_by_another(&world, &one).await.as_deref(), Some("first"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_last_version_is_not_deleted_for_one_that_never_came_and_then_grew_too_large() {
    run(async {
        let world = World::new().await;
        let (mut one, store) = settled_over_a_store(&world).await;
        let seed = one.seed().await;
        let swarm = world.swarm_of(&one.id().await);
        let stores_nothing = Fault::Lying(Arc::new(|request| {
            let Request::Sequence(batch) = request else {
                return None;
            };
            let stores = batch
                .requests
                .iter()
                .any(|request| matches!(request, Request::Store(_)));
            stores.then(|| (503, b"no room".to_vec()))
        }));
        for node in &swarm {
            world.set_fault(node, stores_nothing.clone());
        }
        // Made to be stored, in the place of the first one.
        nicknamed(&one, 1, "never stored").await;
        tokio::time::sleep(SOON).await;
        one.crash();
        weigh_down(&store, &seed, TOO_MUCH).await;
        for node in &swarm {
            world.set_fault(node, Fault::None);
        }
        one.restart().await;
        tokio::time::sleep(SOON * 3).await;
        assert_eq!(found_by_another(&world, &one).await.as_deref(), Some("first"));
        // Once there is less, it is replaced.
        one.crash();
        weigh_down(&store, &seed, 0).await;
        one.restart().await;
        nicknamed(&one, 1, "second").await;
        tokio::time::sleep(SOON).await;
        assert_eq!(found_by_another(&world, &one).await.as_deref(), Some("second"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_overtakes_another_on_its_way_leaves_no_copy_in_the_swarm() {
    run(async {
        let world = World::new().await;
        let mut one = settled(&world).await;
        tokio::time::sleep(SOON).await;
        let swarm = world.swarm_of(&one.id().await);
        let held = || -> Vec<u64> { swarm.iter().map(|node| world.messages_on(node)).collect() };
        let before = held();
        for node in &swarm {
            world.set_fault(node, Fault::Slow(Duration::from_millis(300)));
        }
        for step in 0..24_u64 {
            nicknamed(&one, 1, &format!("overtaken {step}")).await;
            // From before it is stored to after the device has heard of that.
            tokio::time::sleep(Duration::from_millis(2_000 + step * 130)).await;
            if step % 2 == 1 {
                one.restart().await;
            }
            nicknamed(&one, 1, &format!("overtaking {step}")).await;
            tokio::time::sleep(SOON * 2).await;
            assert_eq!(held(), before, "step {step}");
        }
        assert_eq!(
            found_by_another(&world, &one).await.as_deref(),
            Some("overtaking 23")
        );
    })
    .await;
}
