//! Receipts, typing, notices, notifications.

use super::*;

fn notified(device: &Device) -> Vec<MessageId> {
    let events = device.events.borrow();
    let told = events.iter().filter_map(|event| match event {
        Event::Notify { message, .. } => Some(*message),
        _ => None,
    });
    told.collect()
}

#[tokio::test(start_paused = true)]
async fn read_receipts_need_both_sides_and_survive_a_closed_tab() {
    run(async {
        let world = World::new().await;
        let (alice, alice_id, mut bob, bob_id) = pair(&world).await;
        let states = async |device: &Device| -> Vec<MessageState> {
            let messages = device.messages(bob_id).await;
            let own = messages.into_iter().filter(|message| message.outgoing);
            own.map(|message| message.state).collect()
        };
        let read_all = async |device: &Device| {
            let last = device.messages(alice_id).await.pop().unwrap();
            let command = Command::MarkRead {
                conversation: alice_id,
                up_to: last.sent_at,
            };
            device.ask(command).await;
        };
        alice.send(bob_id, "one").await.unwrap();
        bob.wait_for_texts(alice_id, 3, SOON).await;
        turn_on(&alice, "read-receipts").await;
        read_all(&bob).await;
        settle().await;
        assert_eq!(states(&alice).await, [MessageState::Sent; 2]);
        turn_on(&bob, "read-receipts").await;
        for number in 0..3 {
            alice.send(bob_id, &format!("again {number}")).await.unwrap();
        }
        bob.wait_for_texts(alice_id, 6, SOON).await;
        settle().await;
        read_all(&bob).await;
        // What was read is told although the tab is closed at once.
        bob.restart().await;
        until(&alice, bob_id, "read", |messages| {
            let read = messages
                .iter()
                .filter(|message| message.state == MessageState::Read);
            read.count() == 3
        })
        .await;
        settle().await;
        // Read is the end, also when a copy is confirmed later.
        assert_eq!(states(&alice).await[2..], [MessageState::Read; 3]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_receipt_may_come_before_the_copy_of_its_message() {
    run(async {
        let world = World::new().await;
        let (alice, id, friend) = with_friend(&world).await;
        turn_on(&alice, "read-receipts").await;
        let receipt = Content {
            receipt_message: Some(ReceiptMessage {
                r#type: 1,
                timestamp: vec![START_MS + 60],
                msg_id: Vec::new(),
            }),
            ..Content::default()
        };
        deliver(&world, &friend, &id, &receipt, START_MS + 61).await;
        settle().await;
        let own = Account::from_seed(alice.seed().await);
        let copy = data(DataMessage {
            body: Some("from another device".to_owned()),
            sync_target: Some(friend.id().to_hex()),
            ..DataMessage::default()
        });
        deliver(&world, &own, &id, &copy, START_MS + 60).await;
        alice.wait_for_texts(friend.id(), 3, SOON).await;
        let message = by_text(&alice, friend.id(), "from another device").await.unwrap();
        assert_eq!((message.outgoing, message.state), (true, MessageState::Read));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn nobody_types_since_before_a_sleep() {
    run(async {
        let world = World::new().await;
        let (alice, alice_id, bob, bob_id) = pair(&world).await;
        settle().await;
        for device in [&alice, &bob] {
            turn_on(device, "typing-indicators").await;
        }
        let types = |expected: bool| {
            let events = bob.events.borrow();
            events.iter().any(|event| {
                matches!(event, Event::Typing { conversation, typing }
                    if *conversation == alice_id && *typing == expected)
            })
        };
        let press = Command::Typing {
            conversation: bob_id,
            typing: true,
        };
        alice.ask(press).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(types(true) && !types(false));
        bob.falls_asleep();
        tokio::time::advance(60 * MINUTE).await;
        bob.set_online(false);
        bob.wakes();
        bob.ask(Command::Wake).await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(types(false));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn typing_is_shown_and_ends_by_itself() {
    run(async {
        let world = World::new().await;
        let (alice, alice_id, bob, bob_id) = pair(&world).await;
        settle().await;
        let typed = || -> Vec<bool> {
            let events = bob.events.borrow();
            let typed = events.iter().filter_map(|event| match event {
                Event::Typing { conversation, typing } if *conversation == alice_id => Some(*typing),
                _ => None,
            });
            typed.collect()
        };
        let press = |typing| Command::Typing {
            conversation: bob_id,
            typing,
        };
        alice.ask(press(true)).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        turn_on(&alice, "typing-indicators").await;
        alice.ask(press(true)).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        // Off at the other side.
        assert_eq!(typed(), [false; 0]);
        settle().await;
        turn_on(&bob, "typing-indicators").await;
        for _ in 0..3 {
            alice.ask(press(true)).await;
            tokio::time::sleep(Duration::from_secs(6)).await;
        }
        assert_eq!(typed(), [true]);
        tokio::time::sleep(Duration::from_secs(12)).await;
        assert_eq!(typed(), [true, false]);
        // A message ends it, too.
        alice.ask(press(true)).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        alice.send(bob_id, "done").await.unwrap();
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(typed(), [true, false, true, false]);
        settle().await;
        assert_eq!(typed().len(), 4);
        // Without a word of its end it ends after a while.
        alice.ask(press(true)).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        alice.set_online(false);
        tokio::time::sleep(Duration::from_secs(15)).await;
        assert_eq!(typed(), [true, false, true, false, true, false]);
        assert_eq!(bob.texts(alice_id).await.len(), 3);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn news_is_notified_and_old_messages_are_not() {
    run(async {
        let world = World::new().await;
        let (mut alice, id, friend) = with_friend(&world).await;
        settle().await;
        assert_eq!(notified(&alice).len(), 1);
        let own = by_text(&alice, friend.id(), "hi").await.unwrap();
        deliver(
            &world,
            &friend,
            &id,
            &reaction("😂", id, own.sent_at, true),
            world.now_ms(),
        )
        .await;
        settle().await;
        assert_eq!(notified(&alice)[1..], [own.id]);
        let quiet = Command::SetNotifications {
            id: friend.id(),
            mode: Notify::Nothing,
            muted_until: None,
        };
        alice.ask(quiet).await;
        deliver(&world, &friend, &id, &text("quiet"), world.now_ms()).await;
        alice.wait_for_texts(friend.id(), 3, SOON).await;
        // A stranger is told of once.
        let third = Account::from_seed(Seed::from_bytes(&[0x78; 16]));
        for number in 0..3 {
            deliver(&world, &third, &id, &text("let me in"), world.now_ms() + number).await;
        }
        alice.wait_for_texts(third.id(), 3, SOON).await;
        let first = alice.messages(third.id()).await[0].id;
        assert_eq!(notified(&alice)[2..], [first]);
        // What came in the night is caught up with in silence.
        alice.crash();
        let fourth = Account::from_seed(Seed::from_bytes(&[0x79; 16]));
        deliver(&world, &fourth, &id, &text("good night"), world.now_ms()).await;
        tokio::time::sleep(60 * MINUTE).await;
        alice.restart().await;
        alice.wait_for_texts(fourth.id(), 1, SOON).await;
        settle().await;
        assert!(notified(&alice).is_empty());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_call_is_missed_once_and_not_when_another_device_takes_or_declines_it() {
    run(async {
        let world = World::new().await;
        let (alice, id, friend) = with_friend(&world).await;
        let call = |step: i32, uuid: &str| Content {
            call_message: Some(CallMessage {
                r#type: step,
                sdps: vec!["v=0".to_owned()],
                uuid: uuid.to_owned(),
                ..CallMessage::default()
            }),
            ..Content::default()
        };
        let (offer, answer, end, pre_offer) = (1, 2, 5, 6);
        deliver(&world, &friend, &id, &call(pre_offer, "one"), START_MS + 70).await;
        deliver(&world, &friend, &id, &call(offer, "one"), START_MS + 71).await;
        until(&alice, friend.id(), "missed", |messages| {
            notices(messages) == [Notice::MissedCall]
        })
        .await;
        settle().await;
        assert_eq!(notices(&alice.messages(friend.id()).await), [Notice::MissedCall]);
        let own = Account::from_seed(alice.seed().await);
        deliver(&world, &own, &id, &call(answer, "one"), START_MS + 72).await;
        until(&alice, friend.id(), "taken", |messages| {
            notices(messages).is_empty()
        })
        .await;
        // Declined on another device: after it was told, and before it rang here.
        deliver(&world, &friend, &id, &call(offer, "declined"), START_MS + 76).await;
        until(&alice, friend.id(), "missed", |messages| {
            notices(messages) == [Notice::MissedCall]
        })
        .await;
        deliver(&world, &own, &id, &call(end, "declined"), START_MS + 77).await;
        until(&alice, friend.id(), "declined", |messages| {
            notices(messages).is_empty()
        })
        .await;
        deliver(&world, &own, &id, &call(end, "late"), START_MS + 79).await;
        deliver(&world, &friend, &id, &call(offer, "late"), START_MS + 78).await;
        // Strangers do not ring.
        let third = Account::from_seed(Seed::from_bytes(&[0x78; 16]));
        deliver(&world, &third, &id, &call(offer, "two"), START_MS + 73).await;
        let saved = Content {
            data_extraction_notification: Some(DataExtractionNotification {
                r#type: 2,
                ..DataExtractionNotification::default()
            }),
            ..Content::default()
        };
        deliver(&world, &friend, &id, &saved, START_MS + 74).await;
        deliver(&world, &third, &id, &saved, START_MS + 75).await;
        until(&alice, friend.id(), "saved", |messages| {
            notices(messages) == [Notice::MediaSaved]
        })
        .await;
        assert!(alice.conversation(third.id()).await.is_none());
    })
    .await;
}
