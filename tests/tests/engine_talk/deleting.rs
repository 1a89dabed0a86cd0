//! Deletion in every scope, by whoever may.

use super::*;

#[tokio::test(start_paused = true)]
async fn nobody_deletes_what_somebody_else_wrote() {
    run(async {
        let world = World::new().await;
        let (alice, id, friend) = with_friend(&world).await;
        let own = by_text(&alice, friend.id(), "hi").await.unwrap();
        let third = Account::from_seed(Seed::from_bytes(&[0x78; 16]));
        deliver(&world, &third, &id, &text("third"), START_MS + 1).await;
        alice.wait_for_texts(third.id(), 1, SOON).await;
        // The friend asks for Alice's message and for the third's; the third asks for the friend's.
        deliver(&world, &friend, &id, &unsend(id, own.sent_at), START_MS + 40).await;
        deliver(
            &world,
            &friend,
            &id,
            &unsend(third.id(), START_MS + 1),
            START_MS + 41,
        )
        .await;
        deliver(
            &world,
            &third,
            &id,
            &unsend(friend.id(), START_MS + 4),
            START_MS + 42,
        )
        .await;
        // Nor before it comes.
        deliver(
            &world,
            &friend,
            &id,
            &unsend(third.id(), START_MS + 2),
            START_MS + 43,
        )
        .await;
        deliver(&world, &third, &id, &text("third again"), START_MS + 2).await;
        settle().await;
        assert_eq!(alice.texts(friend.id()).await, ["hi", "hello"]);
        assert_eq!(alice.texts(third.id()).await, ["third", "third again"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_deleted_for_everyone_goes_everywhere() {
    run(async {
        let world = World::new().await;
        let (mut alice, alice_id, bob, bob_id) = pair(&world).await;
        let other = second(&world, &alice, bob_id, 2).await;
        let secret = alice.send(bob_id, "secret").await.unwrap();
        for (device, conversation) in [(&bob, alice_id), (&other, bob_id)] {
            device.wait_for_texts(conversation, 3, SOON).await;
        }
        alice.wait_until_sent(bob_id, SOON).await;
        let unread = bob.conversation(alice_id).await.unwrap().unread;
        alice.set_online(false);
        delete(&alice, &secret, DeleteScope::Everyone).await.unwrap();
        let marker = alice.messages(bob_id).await.pop().unwrap();
        assert_eq!((marker.kind, marker.body.as_str()), (MessageKind::Deleted, ""));
        alice.restart().await;
        alice.set_online(true);
        until(&bob, alice_id, "deleted at the other side", |messages| {
            messages.last().unwrap().kind == MessageKind::Deleted
        })
        .await;
        assert!(bob.texts(alice_id).await.iter().all(|text| text != "secret"));
        assert_eq!(bob.conversation(alice_id).await.unwrap().unread, unread - 1);
        until(&other, bob_id, "gone on the other device", |messages| {
            count(messages) == 2
        })
        .await;
        settle().await;
        // Neither swarm has it any more.
        let (late, late_bob) = (
            second(&world, &alice, bob_id, 2).await,
            second(&world, &bob, alice_id, 2).await,
        );
        settle().await;
        assert_eq!(late.texts(bob_id).await, ["hi", "hello"]);
        assert!(late_bob.texts(alice_id).await.iter().all(|text| text != "secret"));
        // A marker is nobody's to delete for everyone, but it can be taken away.
        let refused = delete(&alice, &marker, DeleteScope::Everyone).await;
        assert_eq!(refused.unwrap_err(), Failure::NotAllowed);
        delete(&alice, &marker, DeleteScope::ThisDevice).await.unwrap();
        assert_eq!(alice.texts(bob_id).await, ["hi", "hello"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn own_devices_delete_anything_and_the_other_side_keeps_it() {
    run(async {
        let world = World::new().await;
        let (alice, alice_id, bob, bob_id) = pair(&world).await;
        let other = second(&world, &alice, bob_id, 2).await;
        let theirs = by_text(&alice, bob_id, "hello").await.unwrap();
        assert_eq!(
            delete(&alice, &theirs, DeleteScope::Everyone).await.unwrap_err(),
            Failure::NotAllowed
        );
        for text in ["hello", "hi"] {
            let message = by_text(&alice, bob_id, text).await.unwrap();
            delete(&alice, &message, DeleteScope::OwnDevices).await.unwrap();
        }
        assert!(alice.texts(bob_id).await.is_empty());
        until(&other, bob_id, "gone on the other device", |messages| {
            count(messages) == 0
        })
        .await;
        assert_eq!(bob.texts(alice_id).await, ["hi", "hello"]);
        settle().await;
        let late = Device::new(&world);
        late.restore(alice.seed().await).await;
        settle().await;
        assert!(late.texts(bob_id).await.is_empty());
        // The same again is no failure.
        delete(&alice, &theirs, DeleteScope::OwnDevices).await.unwrap();
        // Notes to self go from all devices too.
        let note = alice.send(alice_id, "note").await.unwrap();
        other.wait_for_texts(alice_id, 1, SOON).await;
        delete(
            &other,
            &by_text(&other, alice_id, "note").await.unwrap(),
            DeleteScope::Everyone,
        )
        .await
        .unwrap();
        until(&alice, note.conversation, "the note goes", <[Message]>::is_empty).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_deletion_waits_for_nodes_that_do_not_confirm_it() {
    run(async {
        let world = World::new().await;
        let (alice, id, friend) = with_friend(&world).await;
        let message = by_text(&alice, friend.id(), "hello").await.unwrap();
        let swarm = world.swarm_of(&id);
        for node in &swarm {
            world.set_fault(node, Fault::Dead);
        }
        delete(&alice, &message, DeleteScope::OwnDevices).await.unwrap();
        tokio::time::sleep(10 * MINUTE).await;
        for node in &swarm {
            world.set_fault(node, Fault::None);
        }
        tokio::time::sleep(15 * MINUTE).await;
        let late = Device::new(&world);
        late.restore(alice.seed().await).await;
        settle().await;
        assert_eq!(late.texts(friend.id()).await, ["hi"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn cleared_messages_stay_away_and_later_ones_come() {
    run(async {
        let world = World::new().await;
        let (mut alice, id, friend) = with_friend(&world).await;
        alice.wait_until_sent(friend.id(), SOON).await;
        alice.ask(Command::ClearMessages(friend.id())).await;
        let listed = alice.conversation(friend.id()).await.unwrap();
        assert_eq!((listed.unread, listed.preview), (0, None));
        // The same message, encrypted anew, and a late one from before.
        deliver(&world, &friend, &id, &text("hello"), START_MS + 4).await;
        deliver(&world, &friend, &id, &text("late"), START_MS + 1).await;
        alice.wait_for_texts(friend.id(), 1, SOON).await;
        alice.restart().await;
        settle().await;
        assert_eq!(alice.texts(friend.id()).await, ["late"]);
    })
    .await;
}
