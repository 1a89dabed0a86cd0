//! Message requests between strangers, and blocked senders.

use holdfast_client::api::{Command, Event, Failure, MessageKind, Notice, Place, Standing};
use holdfast_protocol::account::{Account, Seed};
use holdfast_protocol::message::outgoing::encode_one_to_one;
use holdfast_protocol::message::schema::{Content, DataMessage, MessageRequestResponse};
use holdfast_tests::net::{Device, TestRng, World, run};

use super::{SOON, notices, place, wait_for_place};

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
async fn the_notice_that_they_accepted_takes_no_messages_place() {
    run(async {
        let text = |body: &str| Content {
            data_message: Some(DataMessage {
                body: Some(body.to_owned()),
                ..DataMessage::default()
            }),
            ..Content::default()
        };
        let accepts = Content {
            message_request_response: Some(MessageRequestResponse {
                is_approved: true,
                ..MessageRequestResponse::default()
            }),
            ..Content::default()
        };
        // By writing, and another message was sent just before; by a word alone, and a message was sent with it.
        for (first, second, before) in [(text("later"), "sooner", 1), (accepts, "at once", 0)] {
            let world = World::new().await;
            let alice = Device::new(&world);
            let id = alice.create("Alice").await;
            let bob = Account::from_seed(Seed::from_bytes(&[0x77; 16]));
            alice.send(bob.id(), "hello").await.unwrap();
            tokio::time::sleep(SOON).await;
            let accepted_at = world.now_ms();
            let sealed =
                |content: &Content, at| encode_one_to_one(&bob, &id, content, at, &mut TestRng).unwrap();
            world.deposit(&id, sealed(&first, accepted_at)).await;
            wait_for_place(&alice, bob.id(), (Standing::Active, Place::List)).await;
            world
                .deposit(&id, sealed(&text(second), accepted_at - before))
                .await;
            let count = if before == 0 { 2 } else { 3 };
            let texts = alice.wait_for_texts(bob.id(), count, SOON).await;
            assert_eq!(texts[..2], ["hello", second]);
            let messages = alice.messages(bob.id()).await;
            let notice = MessageKind::Notice(Notice::RequestAccepted);
            assert_eq!(messages.len(), count + 1);
            assert_eq!(messages[1].kind, notice);
            assert!(messages[1].sent_at < accepted_at - before);
        }
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
