//! Several devices of one account: what one decides, all have, whatever comes in between.

use std::rc::Rc;
use std::time::Duration;

use holdfast_client::api::{
    Command, Event, Failure, MessageKind, Notice, Notify, Place, RestoreStage, Snapshot, Standing,
};
use holdfast_client::store::memory::MemoryStore;
use holdfast_protocol::account::{Account, Id, Seed};
use holdfast_tests::net::{Device, World, run};

const SOON: Duration = Duration::from_secs(60);

fn id(number: u8) -> Id {
    Account::from_seed(Seed::from_bytes(&[number; 16])).id()
}

/// What must be the same on all devices of an account.
fn shared(snapshot: &Snapshot) -> Vec<String> {
    let account = snapshot.account.as_ref().unwrap();
    let mut all: Vec<String> = snapshot
        .conversations
        .iter()
        .map(|held| {
            format!(
                "{} {:?} {:?} {:?} {:?} {} {:?} {:?} {:?} {} {}",
                held.id.to_hex(),
                held.name,
                held.nickname,
                held.standing,
                held.place,
                held.priority,
                held.notify,
                held.muted_until,
                held.disappearing,
                held.marked_unread,
                held.read_up_to,
            )
        })
        .collect();
    all.sort();
    all.push(account.name.clone());
    all
}

/// Waits until all devices show the same.
async fn in_step(devices: &[&Device], longest: Duration) {
    let same = async {
        loop {
            let mut shown = Vec::new();
            for device in devices {
                shown.push(shared(&device.snapshot().await));
            }
            if shown.iter().all(|one| *one == shown[0]) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    if tokio::time::timeout(longest, same).await.is_err() {
        let mut shown = Vec::new();
        for device in devices {
            shown.push(shared(&device.snapshot().await));
        }
        panic!("not in step after {longest:?}: {shown:#?}");
    }
}

async fn place(device: &Device, id: Id) -> Option<(Standing, Place)> {
    let held = device.conversation(id).await?;
    Some((held.standing, held.place))
}

async fn wait_for_place(device: &Device, id: Id, wanted: (Standing, Place)) {
    device
        .wait_for(&format!("{wanted:?}"), SOON, |now| {
            now.conversations
                .iter()
                .any(|held| held.id == id && (held.standing, held.place) == wanted)
        })
        .await;
}

async fn wait_for_name(device: &Device, name: &str) {
    device
        .wait_for(name, SOON, |now| now.account.as_ref().unwrap().name == name)
        .await;
}

fn notices(messages: &[holdfast_client::api::Message]) -> Vec<(bool, Notice)> {
    messages
        .iter()
        .filter_map(|message| match message.kind {
            MessageKind::Notice(notice) => Some((message.outgoing, notice)),
            _ => None,
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_request_is_accepted_by_answering_and_both_sides_see_it() {
    run(async {
        let world = World::new().await;
        let (alice, bob) = (Device::new(&world), Device::new(&world));
        let (alice_id, bob_id) = (alice.create("Alice").await, bob.create("Bob").await);
        alice.send(bob_id, "hello").await.unwrap();
        assert_eq!(
            place(&alice, bob_id).await,
            Some((Standing::OutgoingRequest, Place::List))
        );
        bob.wait_for_texts(alice_id, 1, SOON).await;
        assert_eq!(
            place(&bob, alice_id).await,
            Some((Standing::IncomingRequest, Place::Requests))
        );
        bob.send(alice_id, "hello yourself").await.unwrap();
        assert_eq!(place(&bob, alice_id).await, Some((Standing::Active, Place::List)));
        wait_for_place(&alice, bob_id, (Standing::Active, Place::List)).await;
        alice.wait_for_texts(bob_id, 2, SOON).await;
        tokio::time::sleep(SOON).await;
        assert_eq!(
            notices(&alice.messages(bob_id).await),
            [(false, Notice::RequestAccepted)]
        );
        assert_eq!(
            notices(&bob.messages(alice_id).await),
            [(true, Notice::RequestAccepted)]
        );
        let alice_sees = alice.conversation(bob_id).await.unwrap();
        assert_eq!(alice_sees.name.as_deref(), Some("Bob"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_request_is_accepted_without_a_word() {
    run(async {
        let world = World::new().await;
        let (alice, bob) = (Device::new(&world), Device::new(&world));
        let (alice_id, bob_id) = (alice.create("Alice").await, bob.create("Bob").await);
        alice.send(bob_id, "hello").await.unwrap();
        bob.wait_for_texts(alice_id, 1, SOON).await;
        bob.ask(Command::AcceptRequest(alice_id)).await;
        bob.ask(Command::AcceptRequest(alice_id)).await;
        wait_for_place(&alice, bob_id, (Standing::Active, Place::List)).await;
        let seen = alice.conversation(bob_id).await.unwrap();
        assert_eq!(seen.name.as_deref(), Some("Bob"));
        tokio::time::sleep(SOON).await;
        assert_eq!(
            notices(&alice.messages(bob_id).await),
            [(false, Notice::RequestAccepted)]
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn blocked_senders_are_not_heard_until_unblocked() {
    run(async {
        let world = World::new().await;
        let (alice, bob) = (Device::new(&world), Device::new(&world));
        let (alice_id, bob_id) = (alice.create("Alice").await, bob.create("Bob").await);
        alice.send(bob_id, "one").await.unwrap();
        bob.wait_for_texts(alice_id, 1, SOON).await;
        bob.ask(Command::SetBlocked {
            id: alice_id,
            blocked: true,
        })
        .await;
        assert_eq!(
            place(&bob, alice_id).await,
            Some((Standing::Blocked, Place::Blocked))
        );
        assert_eq!(bob.send(alice_id, "no").await, Err(Failure::Blocked));
        alice.send(bob_id, "two").await.unwrap();
        alice.wait_until_sent(bob_id, SOON).await;
        tokio::time::sleep(SOON).await;
        assert_eq!(bob.texts(alice_id).await, ["one"]);
        bob.ask(Command::SetBlocked {
            id: alice_id,
            blocked: false,
        })
        .await;
        assert_eq!(
            place(&bob, alice_id).await,
            Some((Standing::IncomingRequest, Place::Requests))
        );
        alice.send(bob_id, "three").await.unwrap();
        assert_eq!(bob.wait_for_texts(alice_id, 2, SOON).await, ["one", "three"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_declined_request_goes_and_a_new_message_brings_it_back() {
    run(async {
        let world = World::new().await;
        let (alice, bob) = (Device::new(&world), Device::new(&world));
        let (alice_id, bob_id) = (alice.create("Alice").await, bob.create("Bob").await);
        alice.send(bob_id, "one").await.unwrap();
        bob.wait_for_texts(alice_id, 1, SOON).await;
        bob.ask(Command::DeclineAllRequests).await;
        assert_eq!(place(&bob, alice_id).await, None);
        let removed = |event: &Event| matches!(event, Event::ConversationRemoved(id) if *id == alice_id);
        tokio::task::yield_now().await;
        assert!(bob.events.borrow().iter().any(removed));
        tokio::time::sleep(SOON * 4).await;
        assert_eq!(place(&bob, alice_id).await, None);
        alice.send(bob_id, "two").await.unwrap();
        assert_eq!(bob.wait_for_texts(alice_id, 1, SOON).await, ["two"]);
        assert_eq!(
            place(&bob, alice_id).await,
            Some((Standing::IncomingRequest, Place::Requests))
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_one_device_decides_the_other_has() {
    run(async {
        let world = World::new().await;
        let (one, bob) = (Device::new(&world), Device::new(&world));
        let (own_id, bob_id) = (one.create("Ann").await, bob.create("Bob").await);
        one.send(bob_id, "hello").await.unwrap();
        bob.wait_for_texts(own_id, 1, SOON).await;
        bob.send(own_id, "hello yourself").await.unwrap();
        wait_for_place(&one, bob_id, (Standing::Active, Place::List)).await;
        let two = Device::new(&world);
        two.restore(one.seed().await).await;
        wait_for_name(&two, "Ann").await;
        in_step(&[&one, &two], SOON).await;

        two.ask(Command::SetDisplayName("Anna".to_owned())).await;
        wait_for_name(&one, "Anna").await;
        one.ask(Command::SetNickname {
            id: bob_id,
            nickname: "Bobby".to_owned(),
        })
        .await;
        one.ask(Command::SetPinned {
            id: bob_id,
            pinned: true,
        })
        .await;
        two.ask(Command::SetNotifications {
            id: bob_id,
            mode: Notify::Nothing,
            muted_until: None,
        })
        .await;
        two.ask(Command::MarkUnread(bob_id)).await;
        tokio::time::sleep(Duration::from_secs(30)).await;
        in_step(&[&one, &two], SOON).await;
        let seen = one.conversation(bob_id).await.unwrap();
        assert_eq!(seen.nickname.as_deref(), Some("Bobby"));
        assert_eq!(
            (seen.priority, seen.notify, seen.marked_unread),
            (1, Notify::Nothing, true)
        );

        let last = one.messages(bob_id).await.last().unwrap().sent_at;
        one.ask(Command::MarkRead {
            conversation: bob_id,
            up_to: last,
        })
        .await;
        two.wait_for("read", SOON, |now| {
            now.conversations
                .iter()
                .any(|held| held.id == bob_id && held.unread == 0 && !held.marked_unread)
        })
        .await;
        one.ask(Command::SetBlocked {
            id: bob_id,
            blocked: true,
        })
        .await;
        wait_for_place(&two, bob_id, (Standing::Blocked, Place::Blocked)).await;
        two.ask(Command::SetBlocked {
            id: bob_id,
            blocked: false,
        })
        .await;
        wait_for_place(&one, bob_id, (Standing::Active, Place::List)).await;
        one.ask(Command::HideConversation(bob_id)).await;
        wait_for_place(&two, bob_id, (Standing::Active, Place::Hidden)).await;
        bob.send(own_id, "still there?").await.unwrap();
        wait_for_place(&two, bob_id, (Standing::Active, Place::List)).await;
        tokio::time::sleep(Duration::from_secs(30)).await;
        in_step(&[&one, &two], SOON).await;
        one.ask(Command::DeleteContact(bob_id)).await;
        two.wait_for("removed", SOON, |now| {
            now.conversations.iter().all(|held| held.id != bob_id)
        })
        .await;
        assert!(two.texts(bob_id).await.is_empty());
        in_step(&[&one, &two], SOON).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_deleted_contact_does_not_come_back_from_the_mailbox() {
    run(async {
        let world = World::new().await;
        let (one, bob) = (Device::new(&world), Device::new(&world));
        let (own_id, bob_id) = (one.create("Ann").await, bob.create("Bob").await);
        one.send(bob_id, "hello").await.unwrap();
        bob.wait_for_texts(own_id, 1, SOON).await;
        bob.send(own_id, "hello yourself").await.unwrap();
        wait_for_place(&one, bob_id, (Standing::Active, Place::List)).await;
        tokio::time::sleep(Duration::from_secs(600)).await;
        one.ask(Command::DeleteContact(bob_id)).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        let two = Device::new(&world);
        two.restore(one.seed().await).await;
        two.wait_for("restored", SOON, |now| now.restore.is_none()).await;
        tokio::time::sleep(SOON).await;
        assert_eq!(place(&two, bob_id).await, None);
        assert_eq!(place(&one, bob_id).await, None);
        // Who writes again makes a request.
        bob.send(own_id, "why?").await.unwrap();
        wait_for_place(&two, bob_id, (Standing::IncomingRequest, Place::Requests)).await;
        wait_for_place(&one, bob_id, (Standing::IncomingRequest, Place::Requests)).await;
        in_step(&[&one, &two], SOON).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_deleted_conversation_stays_deleted_for_devices_that_come_later() {
    run(async {
        let world = World::new().await;
        let (one, bob) = (Device::new(&world), Device::new(&world));
        let (own_id, bob_id) = (one.create("Ann").await, bob.create("Bob").await);
        one.send(bob_id, "hello").await.unwrap();
        bob.wait_for_texts(own_id, 1, SOON).await;
        bob.send(own_id, "hello yourself").await.unwrap();
        wait_for_place(&one, bob_id, (Standing::Active, Place::List)).await;
        one.wait_until_sent(bob_id, SOON).await;
        one.ask(Command::DeleteConversation(bob_id)).await;
        assert_eq!(place(&one, bob_id).await, Some((Standing::Active, Place::Hidden)));
        assert!(one.texts(bob_id).await.is_empty());
        tokio::time::sleep(SOON).await;
        bob.send(own_id, "and now?").await.unwrap();
        wait_for_place(&one, bob_id, (Standing::Active, Place::List)).await;
        tokio::time::sleep(SOON).await;
        let two = Device::new(&world);
        two.restore(one.seed().await).await;
        two.wait_for("restored", SOON, |now| now.restore.is_none()).await;
        assert_eq!(two.wait_for_texts(bob_id, 1, SOON).await, ["and now?"]);
        tokio::time::sleep(SOON).await;
        assert_eq!(two.texts(bob_id).await, one.texts(bob_id).await);
        in_step(&[&one, &two], SOON).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_restore_tells_its_steps_and_is_usable_from_the_profile_on() {
    run(async {
        let world = World::new().await;
        let (one, bob) = (Device::new(&world), Device::new(&world));
        let (own_id, bob_id) = (one.create("Ann").await, bob.create("Bob").await);
        one.send(bob_id, "hello").await.unwrap();
        bob.wait_for_texts(own_id, 1, SOON).await;
        bob.send(own_id, "hello yourself").await.unwrap();
        wait_for_place(&one, bob_id, (Standing::Active, Place::List)).await;
        one.wait_until_sent(bob_id, SOON).await;
        tokio::time::sleep(SOON).await;
        let mut two = Device::new(&world);
        two.restore(one.seed().await).await;
        two.wait_for("complete", SOON, |now| now.restore.is_none()).await;
        tokio::task::yield_now().await;
        let told: Vec<_> = two
            .events
            .borrow()
            .iter()
            .filter_map(|event| match event {
                Event::Restore(progress) => Some(progress.clone()),
                _ => None,
            })
            .collect();
        let stages: Vec<_> = told.iter().map(|progress| progress.stage).collect();
        let order = [
            RestoreStage::FindingSwarm,
            RestoreStage::LookingForProfile,
            RestoreStage::ReadingMailbox,
            RestoreStage::Complete,
        ];
        let mut steps = stages.clone();
        steps.dedup();
        assert_eq!(steps, order, "{told:?}");
        let last = told.last().unwrap();
        assert_eq!(last.name.as_deref(), Some("Ann"));
        assert_eq!((last.contacts, last.groups), (Some(1), Some(0)));
        assert!(last.messages >= 2, "{last:?}");
        in_step(&[&one, &two], SOON).await;
        two.restart().await;
        assert!(two.snapshot().await.restore.is_none());
        assert_eq!(two.texts(bob_id).await.len(), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_a_profile_the_user_is_asked_and_a_real_one_wins_later() {
    run(async {
        let world = World::new().await;
        let seed = Seed::from_bytes(&[0x31; 16]);
        let mut one = Device::new(&world);
        one.restore(seed.clone()).await;
        one.wait_for("no profile", SOON, |now| {
            now.restore.as_ref().map(|restore| restore.stage) == Some(RestoreStage::NoProfile)
        })
        .await;
        // The question survives a reload.
        one.restart().await;
        one.wait_for("no profile", SOON, |now| {
            now.restore.as_ref().map(|restore| restore.stage) == Some(RestoreStage::NoProfile)
        })
        .await;
        one.ask(Command::ContinueWithoutProfile {
            name: "Stopgap".to_owned(),
        })
        .await;
        one.wait_for("complete", SOON, |now| now.restore.is_none()).await;
        assert_eq!(one.snapshot().await.account.unwrap().name, "Stopgap");
        tokio::time::sleep(SOON).await;
        // A device that was out of reach comes back with the real one.
        let store = Rc::new(MemoryStore::new());
        let two = Device::with(&world, store, 0, world.profile());
        two.set_online(false);
        two.ask(Command::RestoreAccount { seed, name: None }).await;
        two.ask(Command::SetDisplayName("Real".to_owned())).await;
        two.set_online(true);
        two.ask(Command::Connectivity { online: true }).await;
        wait_for_name(&one, "Real").await;
        tokio::time::sleep(SOON * 2).await;
        assert_eq!(one.snapshot().await.account.unwrap().name, "Real");
        assert_eq!(two.snapshot().await.account.unwrap().name, "Real");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn edits_of_two_devices_at_once_are_both_kept() {
    run(async {
        let world = World::new().await;
        let one = Device::new(&world);
        one.create("Ann").await;
        let two = Device::new(&world);
        two.restore(one.seed().await).await;
        wait_for_name(&two, "Ann").await;
        for number in 1..=6 {
            one.send(id(number), "hello").await.unwrap();
        }
        tokio::time::sleep(SOON).await;
        in_step(&[&one, &two], SOON).await;
        // Both are cut off, and both go on.
        one.set_online(false);
        two.set_online(false);
        for number in 1..=3 {
            one.ask(Command::SetNickname {
                id: id(number),
                nickname: format!("one {number}"),
            })
            .await;
            two.ask(Command::SetNickname {
                id: id(number + 3),
                nickname: format!("two {number}"),
            })
            .await;
        }
        two.ask(Command::SetBlocked {
            id: id(1),
            blocked: true,
        })
        .await;
        tokio::time::sleep(SOON).await;
        one.set_online(true);
        two.set_online(true);
        tokio::time::sleep(SOON * 2).await;
        in_step(&[&one, &two], SOON).await;
        for number in 1..=3 {
            let name = one.conversation(id(number)).await.unwrap().nickname;
            assert_eq!(name, Some(format!("one {number}")));
            let name = one.conversation(id(number + 3)).await.unwrap().nickname;
            assert_eq!(name, Some(format!("two {number}")));
        }
        assert_eq!(one.conversation(id(1)).await.unwrap().standing, Standing::Blocked);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_device_left_far_behind_brings_its_edits_and_takes_the_others() {
    run(async {
        let world = World::new().await;
        let mut one = Device::new(&world);
        one.create("Ann").await;
        for number in 1..=2 {
            one.send(id(number), "hello").await.unwrap();
        }
        let mut two = Device::new(&world);
        two.restore(one.seed().await).await;
        wait_for_name(&two, "Ann").await;
        tokio::time::sleep(SOON).await;
        in_step(&[&one, &two], SOON).await;
        one.set_online(false);
        one.ask(Command::SetNickname {
            id: id(1),
            nickname: "offline".to_owned(),
        })
        .await;
        one.crash();
        // Far more steps than a merge looks back.
        for number in 0..12 {
            two.ask(Command::SetNickname {
                id: id(2),
                nickname: format!("step {number}"),
            })
            .await;
            tokio::time::sleep(SOON).await;
            two.crash();
            tokio::time::sleep(SOON * 10).await;
            two.restart().await;
        }
        one.set_online(true);
        one.restart().await;
        tokio::time::sleep(SOON * 3).await;
        in_step(&[&one, &two], SOON).await;
        let nickname =
            async |device: &Device, number| device.conversation(id(number)).await.unwrap().nickname;
        assert_eq!(nickname(&two, 1).await.as_deref(), Some("offline"));
        assert_eq!(nickname(&one, 2).await.as_deref(), Some("step 11"));
        // A new device finds it all.
        let three = Device::new(&world);
        three.restore(one.seed().await).await;
        wait_for_name(&three, "Ann").await;
        tokio::time::sleep(SOON).await;
        assert_eq!(nickname(&three, 1).await.as_deref(), Some("offline"));
        assert_eq!(nickname(&three, 2).await.as_deref(), Some("step 11"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_any_two_commits_loses_no_edit() {
    run(async {
        let world = World::new().await;
        let mut one = Device::new(&world);
        one.create("Ann").await;
        one.send(id(1), "hello").await.unwrap();
        let two = Device::new(&world);
        two.restore(one.seed().await).await;
        wait_for_name(&two, "Ann").await;
        tokio::time::sleep(SOON).await;
        for step in 0..40_u64 {
            one.ask(Command::SetNickname {
                id: id(1),
                nickname: format!("step {step}"),
            })
            .await;
            // From before the push is prepared to after it is confirmed.
            tokio::time::sleep(Duration::from_millis(1_900 + step * 13)).await;
            one.restart().await;
        }
        tokio::time::sleep(SOON).await;
        in_step(&[&one, &two], SOON).await;
        let nickname = two.conversation(id(1)).await.unwrap().nickname;
        assert_eq!(nickname.as_deref(), Some("step 39"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn devices_with_wrong_clocks_stay_in_step() {
    run(async {
        let world = World::new().await;
        let hour = 60 * 60 * 1_000;
        let skewed = |skew| Device::with(&world, Rc::new(MemoryStore::new()), skew, world.profile());
        let (one, two) = (skewed(hour), skewed(-hour));
        one.create("Ann").await;
        two.restore(one.seed().await).await;
        wait_for_name(&two, "Ann").await;
        two.ask(Command::SetDisplayName("Anna".to_owned())).await;
        wait_for_name(&one, "Anna").await;
        one.ask(Command::SetDisplayName("Annabel".to_owned())).await;
        wait_for_name(&two, "Annabel").await;
        one.send(id(1), "hello").await.unwrap();
        tokio::time::sleep(SOON).await;
        in_step(&[&one, &two], SOON).await;
    })
    .await;
}

/// Numbers that look random and come again with their seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Three devices do what they like, cut off and crashing as it comes; in the end all are the same.
async fn history(seed: u64) {
    let world = World::new().await;
    let mut dice = Dice(seed);
    let first = Device::new(&world);
    first.create("Ann").await;
    let account = first.seed().await;
    for number in 1..=4 {
        first.send(id(number), "hello").await.unwrap();
    }
    let mut devices = vec![first];
    for _ in 0..2 {
        let device = Device::new(&world);
        device.restore(account.clone()).await;
        wait_for_name(&device, "Ann").await;
        devices.push(device);
    }
    tokio::time::sleep(SOON).await;
    for step in 0..40 {
        let at = usize::try_from(dice.roll(3)).unwrap();
        let who = id(u8::try_from(1 + dice.roll(4)).unwrap());
        let device = &mut devices[at];
        let (is, text) = (dice.roll(2) == 0, format!("{seed} {step}"));
        let command = match dice.roll(12) {
            0 => Command::SetDisplayName(text),
            1 | 2 => Command::SetNickname {
                id: who,
                nickname: text,
            },
            3 => Command::SetBlocked { id: who, blocked: is },
            4 => Command::SetPinned {
                id: who,
                pinned: false,
            },
            5 => Command::HideConversation(who),
            6 => Command::SetNotifications {
                id: who,
                mode: if is { Notify::All } else { Notify::Nothing },
                muted_until: None,
            },
            7 => Command::MarkUnread(who),
            8 => Command::OpenConversation(who),
            9 => {
                device.set_online(is);
                continue;
            }
            10 => {
                device.restart().await;
                continue;
            }
            _ => {
                tokio::time::sleep(Duration::from_millis(dice.roll(8_000))).await;
                continue;
            }
        };
        // Refusals are fine: nothing changed then.
        let _ = device.engine.request(command).await;
    }
    for device in &devices {
        device.set_online(true);
        device.ask(Command::Connectivity { online: true }).await;
    }
    tokio::time::sleep(SOON * 3).await;
    let all: Vec<&Device> = devices.iter().collect();
    in_step(&all, Duration::from_secs(300)).await;
    // A new device finds the same.
    let late = Device::new(&world);
    late.restore(account).await;
    late.wait_for("complete", SOON, |now| now.restore.is_none()).await;
    tokio::time::sleep(SOON).await;
    let all: Vec<&Device> = devices.iter().chain([&late]).collect();
    in_step(&all, SOON).await;
}

#[tokio::test(start_paused = true)]
async fn three_devices_end_in_step_whatever_happens() {
    for seed in 1..=12 {
        run(history(seed)).await;
    }
}
