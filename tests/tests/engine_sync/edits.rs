//! Edits of several devices: in turn, at once, offline, and with crashes in between.

use std::rc::Rc;
use std::time::Duration;

use holdfast_client::Options;
use holdfast_client::api::{Command, MessageState, Notify, Place, Standing};
use holdfast_client::store::memory::MemoryStore;
use holdfast_protocol::account::Id;
use holdfast_protocol::config::Tree;
use holdfast_tests::net::{Device, Fault, World, run};

use super::keeping::{DAY, edit_kept};
use super::{SOON, id, in_step, place, second_of, wait_for_name, wait_for_place, written_to};

#[tokio::test(start_paused = true)]
async fn what_one_device_decides_the_other_has() {
    run(async {
        let world = World::new().await;
        let (one, own_id, bob, bob_id) = written_to(&world).await;
        bob.send(own_id, "hello yourself").await.unwrap();
        wait_for_place(&one, bob_id, (Standing::Active, Place::List)).await;
        let two = second_of(&world, &one).await;
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
async fn a_mark_as_unread_outlives_what_was_written_before_it() {
    run(async {
        let world = World::new().await;
        let (one, own_id, bob, bob_id) = written_to(&world).await;
        bob.send(own_id, "hello yourself").await.unwrap();
        one.wait_for_texts(bob_id, 2, SOON).await;
        let two = second_of(&world, &one).await;
        tokio::time::sleep(SOON).await;
        in_step(&[&one, &two], SOON).await;
        two.set_online(false);
        one.send(bob_id, "soon").await.unwrap();
        one.wait_until_sent(bob_id, SOON).await;
        one.ask(Command::MarkUnread(bob_id)).await;
        tokio::time::sleep(Duration::from_secs(30)).await;
        // It learns of the mark first, and then of the message.
        two.set_online(true);
        two.wait_for_texts(bob_id, 3, SOON).await;
        // As does one that comes later.
        let three = second_of(&world, &one).await;
        three.wait_for_texts(bob_id, 3, SOON).await;
        tokio::time::sleep(SOON).await;
        in_step(&[&one, &two, &three], SOON).await;
        assert!(one.conversation(bob_id).await.unwrap().marked_unread);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_mark_on_notes_that_nobody_wrote_yet_goes_and_the_account_opens_again() {
    run(async {
        let world = World::new().await;
        let mut one = Device::new(&world);
        let own = one.create("Ann").await;
        one.ask(Command::OpenConversation(own)).await;
        one.ask(Command::MarkUnread(own)).await;
        tokio::time::sleep(SOON).await;
        let (conversation, up_to) = (own, 0);
        one.ask(Command::MarkRead { conversation, up_to }).await;
        tokio::time::sleep(SOON).await;
        one.restart().await;
        assert!(!one.conversation(own).await.unwrap().marked_unread);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_mark_on_what_was_read_long_ago_goes_on_all_devices_for_good() {
    run(async {
        let world = World::new().await;
        let (one, own_id, bob, bob_id) = written_to(&world).await;
        bob.send(own_id, "hello yourself").await.unwrap();
        wait_for_place(&one, bob_id, (Standing::Active, Place::List)).await;
        let read = Command::MarkRead {
            conversation: bob_id,
            up_to: one.messages(bob_id).await.last().unwrap().sent_at,
        };
        one.ask(read.clone()).await;
        let two = second_of(&world, &one).await;
        tokio::time::sleep(SOON).await;
        in_step(&[&one, &two], SOON).await;
        for _ in 0..3 {
            tokio::time::advance(DAY * 11).await;
            tokio::time::sleep(SOON * 2).await;
        }
        one.ask(Command::MarkUnread(bob_id)).await;
        for marked in [true, false] {
            two.wait_for(&format!("marked: {marked}"), SOON, |now| {
                let mut all = now.conversations.iter();
                all.any(|held| held.id == bob_id && held.marked_unread == marked)
            })
            .await;
            if marked {
                one.ask(read.clone()).await;
            }
        }
        // What the other device changes of that conversation does not bring it back.
        two.ask(Command::SetDraft {
            conversation: bob_id,
            text: "about to say".to_owned(),
        })
        .await;
        tokio::time::sleep(SOON).await;
        in_step(&[&one, &two], SOON).await;
        assert!(!one.conversation(bob_id).await.unwrap().marked_unread);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_contact_whose_nickname_is_too_long_for_us_can_be_changed() {
    run(async {
        let world = World::new().await;
        let store = Rc::new(MemoryStore::new());
        let mut one = Device::with(&world, store.clone(), 0, world.profile());
        one.create("Ann").await;
        one.send(id(1), "hello").await.unwrap();
        tokio::time::sleep(SOON).await;
        let seed = one.seed().await;
        one.crash();
        edit_kept(&store, &seed, |contacts| {
            let contact = id(1);
            let path: [&[u8]; 3] = [b"c", contact.as_bytes(), b"N"];
            contacts.set(&path, Some(Tree::from("x".repeat(120).as_str())));
        })
        .await;
        one.restart().await;
        tokio::time::sleep(SOON).await;
        let two = second_of(&world, &one).await;
        tokio::time::sleep(SOON).await;
        two.ask(Command::SetBlocked {
            id: id(1),
            blocked: true,
        })
        .await;
        wait_for_place(&one, id(1), (Standing::Blocked, Place::Blocked)).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_decided_last_goes_out_before_the_account_does() {
    run(async {
        let world = World::new().await;
        let one = Device::new(&world);
        one.create("Ann").await;
        one.send(id(1), "hello").await.unwrap();
        let two = second_of(&world, &one).await;
        tokio::time::sleep(SOON).await;
        in_step(&[&one, &two], SOON).await;
        assert!(!two.network().await.unsynced);
        let block = |blocked| Command::SetBlocked { id: id(1), blocked };
        two.ask(block(true)).await;
        assert!(two.network().await.unsynced);
        two.ask(Command::LogOut).await;
        wait_for_place(&one, id(1), (Standing::Blocked, Place::Blocked)).await;

        // Where nothing is kept it does not even take that.
        let options = Options {
            fleeting: true,
            ..Options::default()
        };
        let mut shared = Device::with_options(&world, options);
        shared.restore(one.seed().await).await;
        wait_for_name(&shared, "Ann").await;
        tokio::time::sleep(SOON).await;
        shared.ask(block(false)).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!shared.network().await.unsynced);
        shared.crash();
        wait_for_place(&one, id(1), (Standing::OutgoingRequest, Place::List)).await;

        // Without a connection it is known that it waits, and leaving does not take long.
        one.set_online(false);
        one.ask(block(true)).await;
        tokio::time::sleep(SOON).await;
        assert!(one.network().await.unsynced);
        let start = tokio::time::Instant::now();
        one.ask(Command::LogOut).await;
        assert!(start.elapsed() < Duration::from_secs(3));
        assert!(!one.network().await.unsynced);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_decided_last_goes_out_though_it_was_refused_before() {
    run(async {
        let world = World::new().await;
        let one = Device::new(&world);
        let own_id = one.create("Ann").await;
        one.send(id(1), "hello").await.unwrap();
        let two = second_of(&world, &one).await;
        tokio::time::sleep(SOON).await;
        in_step(&[&one, &two], SOON).await;
        let swarm = world.swarm_of(&own_id);
        for node in &swarm {
            world.set_fault(node, Fault::WrongClock);
        }
        let blocked = true;
        two.ask(Command::SetBlocked { id: id(1), blocked }).await;
        // The next try is a minute away by then.
        tokio::time::sleep(SOON * 3).await;
        assert!(two.network().await.unsynced);
        for node in &swarm {
            world.set_fault(node, Fault::None);
        }
        two.ask(Command::LogOut).await;
        wait_for_place(&one, id(1), (Standing::Blocked, Place::Blocked)).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_deleted_conversation_is_hidden_on_the_other_device_which_keeps_what_it_has() {
    run(async {
        let world = World::new().await;
        let (one, own_id, bob, bob_id) = written_to(&world).await;
        bob.send(own_id, "hello yourself").await.unwrap();
        one.wait_for_texts(bob_id, 2, SOON).await;
        one.wait_until_sent(bob_id, SOON).await;
        let two = second_of(&world, &one).await;
        two.wait_for_texts(bob_id, 2, SOON).await;
        one.ask(Command::DeleteConversation(bob_id)).await;
        assert!(one.texts(bob_id).await.is_empty());
        wait_for_place(&two, bob_id, (Standing::Active, Place::Hidden)).await;
        bob.send(own_id, "still there?").await.unwrap();
        for device in [&one, &two] {
            wait_for_place(device, bob_id, (Standing::Active, Place::List)).await;
        }
        assert_eq!(one.texts(bob_id).await, ["still there?"]);
        let kept = ["hello", "hello yourself", "still there?"];
        assert_eq!(two.texts(bob_id).await, kept);
    })
    .await;
}

/// Two devices of Ann's that both know Bob, with two texts between them, and the second one cut off.
async fn with_second_cut_off(world: &World) -> (Device, Device, Id, Device, Id) {
    let (one, own_id, bob, bob_id) = written_to(world).await;
    bob.send(own_id, "hello yourself").await.unwrap();
    wait_for_place(&one, bob_id, (Standing::Active, Place::List)).await;
    one.wait_until_sent(bob_id, SOON).await;
    let two = second_of(world, &one).await;
    two.wait_for_texts(bob_id, 2, SOON).await;
    tokio::time::sleep(SOON).await;
    in_step(&[&one, &two], SOON).await;
    two.set_online(false);
    (one, two, own_id, bob, bob_id)
}

async fn back_online(device: &Device) {
    device.set_online(true);
    device.ask(Command::Wake).await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_to_be_sent_outlives_the_removal_of_its_contact_on_another_device() {
    run(async {
        let world = World::new().await;
        let (one, two, own_id, bob, bob_id) = with_second_cut_off(&world).await;
        one.ask(Command::DeleteContact(bob_id)).await;
        tokio::time::sleep(SOON).await;
        two.send(bob_id, "one more thing").await.unwrap();
        back_online(&two).await;
        let told = bob.wait_for_texts(own_id, 3, SOON).await;
        assert_eq!(told[2], "one more thing");
        tokio::time::sleep(SOON * 2).await;
        in_step(&[&one, &two], SOON).await;
        for device in [&one, &two] {
            // What was there before is gone. Whether Bob's approval is depends on which device heard of the text first.
            assert_eq!(device.texts(bob_id).await, ["one more thing"]);
        }
        assert_eq!(two.conversation(bob_id).await.unwrap().unread, 0);
        bob.send(own_id, "and one from me").await.unwrap();
        for device in [&one, &two] {
            wait_for_place(device, bob_id, (Standing::Active, Place::List)).await;
            assert_eq!(device.texts(bob_id).await, ["one more thing", "and one from me"]);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_draft_outlives_the_removal_of_its_contact_on_another_device() {
    run(async {
        let world = World::new().await;
        let (one, two, own_id, bob, bob_id) = with_second_cut_off(&world).await;
        let text = "dear Bob".to_owned();
        let conversation = bob_id;
        two.ask(Command::SetDraft { conversation, text }).await;
        one.ask(Command::DeleteContact(bob_id)).await;
        tokio::time::sleep(SOON).await;
        back_online(&two).await;
        wait_for_place(&two, bob_id, (Standing::Fresh, Place::List)).await;
        assert!(two.texts(bob_id).await.is_empty());
        let held = two.conversation(bob_id).await.unwrap();
        assert_eq!(held.draft.as_deref(), Some("dear Bob"));
        tokio::time::sleep(SOON).await;
        // A draft alone makes nobody a contact.
        assert_eq!(place(&one, bob_id).await, None);
        two.send(bob_id, "dear Bob").await.unwrap();
        bob.wait_for_texts(own_id, 3, SOON).await;
        assert_eq!(one.wait_for_texts(bob_id, 1, SOON).await, ["dear Bob"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_was_removed_and_wrote_again_is_a_stranger_on_a_device_that_hears_of_both_at_once() {
    run(async {
        let world = World::new().await;
        let (one, two, own_id, bob, bob_id) = with_second_cut_off(&world).await;
        one.ask(Command::DeleteContact(bob_id)).await;
        tokio::time::sleep(SOON * 5).await;
        bob.send(own_id, "why?").await.unwrap();
        let request = (Standing::IncomingRequest, Place::Requests);
        wait_for_place(&one, bob_id, request).await;
        tokio::time::sleep(SOON).await;
        back_online(&two).await;
        wait_for_place(&two, bob_id, request).await;
        tokio::time::sleep(SOON).await;
        for device in [&one, &two] {
            assert_eq!(device.texts(bob_id).await, ["why?"]);
            assert_eq!(device.conversation(bob_id).await.unwrap().unread, 1);
        }
        in_step(&[&one, &two], SOON).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn edits_of_two_devices_at_once_are_both_kept() {
    run(async {
        let world = World::new().await;
        let one = Device::new(&world);
        one.create("Ann").await;
        let two = second_of(&world, &one).await;
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
        let mut two = second_of(&world, &one).await;
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
        let two = second_of(&world, &one).await;
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

#[tokio::test(start_paused = true)]
async fn what_is_read_where_it_leaves_no_mark_stays_unread_elsewhere() {
    run(async {
        let world = World::new().await;
        let (one, own_id, bob, bob_id) = written_to(&world).await;
        bob.send(own_id, "hello yourself").await.unwrap();
        wait_for_place(&one, bob_id, (Standing::Active, Place::List)).await;
        let options = Options {
            leave_unread: true,
            ..Options::default()
        };
        let kiosk = Device::with_options(&world, options);
        kiosk.restore(one.seed().await).await;
        wait_for_name(&kiosk, "Ann").await;
        kiosk.wait_for_texts(bob_id, 2, SOON).await;
        in_step(&[&one, &kiosk], SOON).await;
        for device in [&kiosk, &bob] {
            let (key, value) = ("read-receipts".to_owned(), "on".to_owned());
            device.ask(Command::SetPreference { key, value }).await;
        }
        let unread = one.conversation(bob_id).await.unwrap().unread;
        assert!(unread > 0);
        let read_all = async |device: &Device| {
            let up_to = device.messages(bob_id).await.last().unwrap().sent_at;
            let conversation = bob_id;
            device.ask(Command::MarkRead { conversation, up_to }).await;
        };
        read_all(&kiosk).await;
        assert_eq!(kiosk.conversation(bob_id).await.unwrap().unread, 0);
        // What else is decided there goes out.
        kiosk
            .ask(Command::SetPinned {
                id: bob_id,
                pinned: true,
            })
            .await;
        one.wait_for("pinned", SOON, |now| {
            now.conversations
                .iter()
                .any(|held| held.id == bob_id && held.priority == 1)
        })
        .await;
        tokio::time::sleep(SOON).await;
        assert_eq!(one.conversation(bob_id).await.unwrap().unread, unread);
        let told = bob.messages(own_id).await;
        assert!(told.iter().all(|message| message.state != MessageState::Read));

        // And what another device has read is read there.
        bob.send(own_id, "one more").await.unwrap();
        one.wait_for_texts(bob_id, 3, SOON).await;
        kiosk.wait_for_texts(bob_id, 3, SOON).await;
        assert!(kiosk.conversation(bob_id).await.unwrap().unread > 0);
        read_all(&one).await;
        kiosk
            .wait_for("read", SOON, |now| {
                now.conversations
                    .iter()
                    .any(|held| held.id == bob_id && held.unread == 0)
            })
            .await;
    })
    .await;
}
