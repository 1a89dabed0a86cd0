//! Messages whose time ends.

use super::*;

#[tokio::test(start_paused = true)]
async fn messages_disappear_after_sending_on_every_device() {
    run(async {
        let world = World::new().await;
        let (alice, alice_id, mut bob, bob_id) = pair(&world).await;
        let other = second(&world, &alice, bob_id, 2).await;
        let mode = Disappearing::AfterSend(600);
        set_timer(&alice, bob_id, mode).await;
        set_timer(&alice, bob_id, mode).await;
        alice.send(bob_id, "for ten minutes").await.unwrap();
        for (device, conversation) in [(&alice, bob_id), (&bob, alice_id), (&other, bob_id)] {
            device.wait_for_texts(conversation, 3, SOON).await;
            assert_eq!(
                notices(&device.messages(conversation).await),
                [Notice::Disappearing(mode)]
            );
        }
        assert_eq!(alice.conversation(bob_id).await.unwrap().disappearing, mode);
        assert_eq!(other.conversation(bob_id).await.unwrap().disappearing, mode);
        // Everyone has a setting of their own.
        assert_eq!(
            bob.conversation(alice_id).await.unwrap().disappearing,
            Disappearing::Off
        );
        bob.send(alice_id, "for ever").await.unwrap();
        alice.wait_for_texts(bob_id, 4, SOON).await;
        alice.wait_until_sent(bob_id, SOON).await;
        let at = by_text(&bob, alice_id, "for ten minutes")
            .await
            .unwrap()
            .expiry
            .unwrap()
            .at;
        assert!(at.unwrap().abs_diff(world.now_ms() + 600_000) < 120_000);
        // One sleeps through the end, and shows nothing of it when it wakes.
        bob.crash();
        tokio::time::sleep(11 * MINUTE).await;
        bob.restart().await;
        let first = bob.snapshot().await;
        let listed = first
            .conversations
            .iter()
            .find(|other| other.id == alice_id)
            .unwrap();
        assert_eq!(listed.preview.as_ref().unwrap().text, "for ever");
        assert_eq!(bob.texts(alice_id).await, ["hi", "hello", "for ever"]);
        let shown =
            |event: &Event| matches!(event, Event::Message(message) if message.body == "for ten minutes");
        assert!(!bob.events.borrow().iter().any(shown));
        for device in [&alice, &other] {
            until(device, bob_id, "gone", |messages| count(messages) == 3).await;
        }
        let late = Device::new(&world);
        late.restore(alice.seed().await).await;
        settle().await;
        assert_eq!(late.texts(bob_id).await, ["hi", "hello", "for ever"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_over_while_the_machine_slept_is_gone_as_soon_as_it_wakes() {
    run(async {
        let world = World::new().await;
        let (alice, alice_id, bob, bob_id) = pair(&world).await;
        set_timer(&alice, bob_id, Disappearing::AfterSend(600)).await;
        alice.send(bob_id, "for ten minutes").await.unwrap();
        bob.wait_for_texts(alice_id, 3, SOON).await;
        bob.falls_asleep();
        tokio::time::advance(60 * MINUTE).await;
        // Whether there is a connection does not matter.
        bob.set_online(false);
        bob.wakes();
        bob.ask(Command::Wake).await;
        // The network is asked first what time it is, and not for long: much less than timers had left when they stopped.
        tokio::time::sleep(Duration::from_secs(25)).await;
        assert_eq!(bob.texts(alice_id).await, ["hi", "hello"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn reading_starts_the_time_here_and_in_the_swarm() {
    run(async {
        let world = World::new().await;
        let (mut alice, id, friend) = with_friend(&world).await;
        let timed = disappearing(text("read me"), content::ExpirationType::DeleteAfterRead, 300);
        let sent_at = START_MS + 50;
        deliver(&world, &friend, &id, &timed, sent_at).await;
        alice.wait_for_texts(friend.id(), 3, SOON).await;
        let waiting = by_text(&alice, friend.id(), "read me")
            .await
            .unwrap()
            .expiry
            .unwrap();
        assert_eq!((waiting.mode, waiting.at), (Disappearing::AfterRead(300), None));
        tokio::time::sleep(60 * MINUTE).await;
        assert_eq!(alice.texts(friend.id()).await.len(), 3);
        alice.set_online(false);
        let read = Command::MarkRead {
            conversation: friend.id(),
            up_to: sent_at,
        };
        alice.ask(read).await;
        let started = by_text(&alice, friend.id(), "read me")
            .await
            .unwrap()
            .expiry
            .unwrap();
        assert!(started.at.unwrap().abs_diff(world.now_ms() + 300_000) < 10_000);
        // The swarm hears of it although the tab was closed before there was a connection.
        alice.restart().await;
        alice.set_online(true);
        tokio::time::sleep(6 * MINUTE).await;
        assert_eq!(alice.texts(friend.id()).await.len(), 2);
        let late = Device::new(&world);
        late.restore(alice.seed().await).await;
        settle().await;
        assert!(late.texts(friend.id()).await.iter().all(|text| text != "read me"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_over_when_it_arrives_is_never_shown() {
    run(async {
        let world = World::new().await;
        let (mut alice, id, friend) = with_friend(&world).await;
        alice.crash();
        let short = disappearing(text("too late"), content::ExpirationType::DeleteAfterSend, 60);
        // The sender's client keeps it in the swarm for longer than its time.
        deliver(&world, &friend, &id, &short, START_MS + 1).await;
        tokio::time::sleep(5 * MINUTE).await;
        alice.restart().await;
        settle().await;
        assert!(
            alice
                .texts(friend.id())
                .await
                .iter()
                .all(|text| text != "too late")
        );
        let shown = |event: &Event| matches!(event, Event::Message(message) if message.body == "too late");
        assert!(!alice.events.borrow().iter().any(shown));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_timer_of_the_note_to_self_and_of_requests() {
    run(async {
        let world = World::new().await;
        let alice = Device::new(&world);
        let id = alice.create("Alice").await;
        let refused = Command::SetDisappearing {
            conversation: id,
            mode: Disappearing::AfterRead(300),
        };
        assert_eq!(
            alice.engine.request(refused).await.unwrap_err(),
            Failure::NotAllowed
        );
        alice.send(id, "kept").await.unwrap();
        set_timer(&alice, id, Disappearing::AfterSend(3_600)).await;
        alice.send(id, "for an hour").await.unwrap();
        alice.wait_until_sent(id, SOON).await;
        tokio::time::sleep(61 * MINUTE).await;
        assert_eq!(alice.texts(id).await, ["kept"]);
        deliver(&world, &stranger(), &id, &text("hello"), START_MS).await;
        alice.wait_for_texts(stranger().id(), 1, SOON).await;
        let request = Command::SetDisappearing {
            conversation: stranger().id(),
            mode: Disappearing::AfterSend(3_600),
        };
        assert_eq!(
            alice.engine.request(request).await.unwrap_err(),
            Failure::NotAllowed
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_setting_that_was_changed_since_does_not_come_back_with_an_old_message() {
    run(async {
        let world = World::new().await;
        let (alice, _, _, bob_id) = pair(&world).await;
        let slept = second(&world, &alice, bob_id, 2).await;
        let (day, week) = (24 * 60 * 60, 7 * 24 * 60 * 60);
        let short = Disappearing::AfterSend(600);
        for mode in [Disappearing::AfterSend(week), Disappearing::AfterSend(day), short] {
            set_timer(&alice, bob_id, mode).await;
            alice.wait_until_sent(bob_id, SOON).await;
            tokio::time::sleep(5 * MINUTE).await;
            slept.cut_off();
        }
        // The swarm has the messages that said it before, and no longer the one that said it last.
        tokio::time::sleep(6 * MINUTE).await;
        slept.set_online(true);
        let late = second(&world, &alice, bob_id, 2).await;
        settle().await;
        for device in [&alice, &slept, &late] {
            assert_eq!(device.conversation(bob_id).await.unwrap().disappearing, short);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_not_sent_does_not_disappear() {
    run(async {
        let world = World::new().await;
        let (alice, _, _, bob_id) = pair(&world).await;
        set_timer(&alice, bob_id, Disappearing::AfterRead(300)).await;
        alice.wait_until_sent(bob_id, SOON).await;
        alice.set_online(false);
        alice.send(bob_id, "waiting").await.unwrap();
        tokio::time::sleep(60 * MINUTE).await;
        let waiting = by_text(&alice, bob_id, "waiting").await.unwrap();
        assert_eq!(waiting.expiry.unwrap().at, None);
        alice.set_online(true);
        until(&alice, bob_id, "sent", |messages| {
            messages.last().unwrap().state == MessageState::Sent
        })
        .await;
        tokio::time::sleep(6 * MINUTE).await;
        assert!(by_text(&alice, bob_id, "waiting").await.is_none());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_one_device_has_read_disappears_on_the_other() {
    run(async {
        let world = World::new().await;
        let (alice, id, friend) = with_friend(&world).await;
        let mut other = second(&world, &alice, friend.id(), 2).await;
        let timed = disappearing(text("read me"), content::ExpirationType::DeleteAfterRead, 300);
        let sent_at = START_MS + 50;
        deliver(&world, &friend, &id, &timed, sent_at).await;
        for device in [&alice, &other] {
            device.wait_for_texts(friend.id(), 3, SOON).await;
        }
        other.set_online(false);
        let read = Command::MarkRead {
            conversation: friend.id(),
            up_to: sent_at,
        };
        alice.ask(read).await;
        tokio::time::sleep(2 * MINUTE).await;
        other.restart().await;
        other.set_online(true);
        until(&other, friend.id(), "started", |messages| {
            let message = messages.iter().find(|message| message.body == "read me");
            message.is_some_and(|message| message.expiry.unwrap().at.is_some())
        })
        .await;
        // The swarm says when it began: not later than on the device that read it.
        tokio::time::sleep(4 * MINUTE).await;
        for device in [&alice, &other] {
            assert_eq!(device.texts(friend.id()).await, ["hi", "hello"]);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_device_that_comes_later_follows_the_last_setting_though_the_swarm_kept_an_older_one() {
    run(async {
        let world = World::new().await;
        let (alice, _, _, bob_id) = pair(&world).await;
        for mode in [Disappearing::AfterSend(86_400), Disappearing::Off] {
            set_timer(&alice, bob_id, mode).await;
            alice.wait_until_sent(bob_id, SOON).await;
            tokio::time::sleep(MINUTE).await;
        }
        let last = Disappearing::AfterRead(300);
        set_timer(&alice, bob_id, last).await;
        alice.wait_until_sent(bob_id, SOON).await;
        // What told the own devices of it lives for five minutes.
        tokio::time::sleep(10 * MINUTE).await;
        let late = Device::new(&world);
        late.restore(alice.seed().await).await;
        settle().await;
        for device in [&late, &alice] {
            assert_eq!(device.conversation(bob_id).await.unwrap().disappearing, last);
        }
    })
    .await;
}
