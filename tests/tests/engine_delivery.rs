//! Nothing lost, nothing twice: whatever order, repetition or crash comes in between.

use std::rc::Rc;
use std::time::Duration;

use holdfast_client::api::{
    Anchor, Command, DeleteScope, Failure, MessageKind, MessageState, Reply, RequestId, Trouble,
};
use holdfast_client::store::memory::MemoryStore;
use holdfast_protocol::account::{Account, Id, Seed};
use holdfast_protocol::message::outgoing::encode_one_to_one;
use holdfast_protocol::message::schema::{Content, DataMessage, TypingMessage, typing_message};
use holdfast_tests::net::{Device, START_MS, TestRng, World, run};

const SOON: Duration = Duration::from_secs(60);

fn stranger() -> Account {
    Account::from_seed(Seed::from_bytes(&[0x77; 16]))
}

fn text(body: &str) -> Content {
    Content {
        data_message: Some(DataMessage {
            body: Some(body.to_owned()),
            ..DataMessage::default()
        }),
        ..Content::default()
    }
}

fn sealed(sender: &Account, to: &Id, content: &Content, sent_at: u64) -> Vec<u8> {
    encode_one_to_one(sender, to, content, sent_at, &mut TestRng).unwrap()
}

#[tokio::test(start_paused = true)]
async fn repeated_and_reordered_messages_are_shown_once_in_order() {
    run(async {
        let world = World::new().await;
        let alice = Device::new(&world);
        let id = alice.create("Alice").await;
        let sender = stranger();
        for number in [3, 1, 2, 1, 3] {
            // Encrypted anew each time, so that the storage hash differs.
            let content = text(&number.to_string());
            world
                .deposit(&id, sealed(&sender, &id, &content, START_MS + number))
                .await;
        }
        let texts = alice.wait_for_texts(sender.id(), 3, SOON).await;
        tokio::time::sleep(SOON).await;
        assert_eq!(texts, ["1", "2", "3"]);
        assert_eq!(alice.texts(sender.id()).await, ["1", "2", "3"]);
        assert_eq!(alice.conversation(sender.id()).await.unwrap().unread, 3);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn garbage_and_foreign_sync_targets_are_counted_and_stop_nothing() {
    run(async {
        let world = World::new().await;
        let alice = Device::new(&world);
        let id = alice.create("Alice").await;
        let sender = stranger();
        let mut foreign = text("not mine to place");
        foreign.data_message.as_mut().unwrap().sync_target = Some(id.to_hex());
        let typing = Content {
            typing_message: Some(TypingMessage {
                timestamp: START_MS + 4,
                action: typing_message::Action::Started.into(),
            }),
            ..Content::default()
        };
        world.deposit(&id, vec![0xff; 400]).await;
        world
            .deposit(&id, sealed(&sender, &id, &foreign, START_MS + 2))
            .await;
        world
            .deposit(&id, sealed(&sender, &id, &typing, START_MS + 4))
            .await;
        let quiet = alice
            .wait_for("garbage", SOON, |now| now.network.unreadable >= 2)
            .await;
        assert!(
            quiet.conversations.is_empty(),
            "only visible messages open conversations"
        );
        world
            .deposit(&id, sealed(&sender, &id, &text("hello"), START_MS + 5))
            .await;
        assert_eq!(alice.wait_for_texts(sender.id(), 1, SOON).await, ["hello"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_survives_a_crash_at_any_moment_of_sending() {
    run(async {
        let world = World::new().await;
        let bob = Device::new(&world);
        let bob_id = bob.create("Bob").await;
        let mut alice = Device::new(&world);
        let alice_id = alice.create("Alice").await;
        alice.send(bob_id, "warm").await.unwrap();
        bob.wait_for_texts(alice_id, 1, SOON).await;
        let mut expected = vec!["warm".to_owned()];
        // From before the packet leaves to after the copy for the own devices is stored.
        for step in 0..40 {
            let body = format!("step {step}");
            alice.send(bob_id, &body).await.unwrap();
            expected.push(body);
            tokio::time::sleep(Duration::from_millis(step * 7)).await;
            alice.restart().await;
        }
        alice.wait_until_sent(bob_id, Duration::from_secs(600)).await;
        bob.wait_for_texts(alice_id, expected.len(), SOON).await;
        tokio::time::sleep(SOON).await;
        assert_eq!(bob.texts(alice_id).await, expected);
        assert_eq!(alice.texts(bob_id).await, expected);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_crashes_shows_everything_once() {
    run(async {
        let world = World::new().await;
        let alice = Device::new(&world);
        let alice_id = alice.create("Alice").await;
        let mut bob = Device::new(&world);
        let bob_id = bob.create("Bob").await;
        let expected: Vec<String> = (0..60).map(|number| number.to_string()).collect();
        for body in &expected {
            alice.send(bob_id, body).await.unwrap();
        }
        for step in 0..25 {
            tokio::time::sleep(Duration::from_millis(step * 13)).await;
            bob.restart().await;
        }
        bob.wait_for_texts(alice_id, expected.len(), SOON).await;
        tokio::time::sleep(SOON).await;
        assert_eq!(bob.texts(alice_id).await, expected);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_numbered_text_is_accepted_once() {
    run(async {
        let world = World::new().await;
        let mut alice = Device::new(&world);
        let alice_id = alice.create("Alice").await;
        let command = || Command::SendText {
            files: Vec::new(),
            link: None,
            reply_to: None,
            conversation: alice_id,
            body: "note".to_owned(),
        };
        let number = RequestId([9; 16]);
        let first = alice.engine.request_numbered(number, command()).await.unwrap();
        alice.restart().await;
        let again = alice.engine.request_numbered(number, command()).await.unwrap();
        match (first, again) {
            (Reply::Accepted(first), Reply::Accepted(again)) => assert_eq!(first.id, again.id),
            other => panic!("{other:?}"),
        }
        assert_eq!(alice.texts(alice_id).await, ["note"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_numbered_account_is_made_once() {
    run(async {
        let world = World::new().await;
        let mut alice = Device::new(&world);
        let create = |name: &str| Command::CreateAccount {
            name: name.to_owned(),
        };
        let number = RequestId([4; 16]);
        alice
            .engine
            .request_numbered(number, create("Alice"))
            .await
            .unwrap();
        let id = alice.id().await;
        alice.restart().await;
        alice
            .engine
            .request_numbered(number, create("Alice"))
            .await
            .unwrap();
        assert_eq!(alice.id().await, id);
        let other = alice
            .engine
            .request_numbered(RequestId([5; 16]), create("Alice"))
            .await;
        assert_eq!(other.unwrap_err(), Failure::AccountExists);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_restored_account_shows_both_sides_and_the_note_to_self() {
    run(async {
        let world = World::new().await;
        let (alice, bob) = (Device::new(&world), Device::new(&world));
        let (alice_id, bob_id) = (alice.create("Alice").await, bob.create("Bob").await);
        alice.send(bob_id, "question").await.unwrap();
        bob.wait_for_texts(alice_id, 1, SOON).await;
        bob.send(alice_id, "answer").await.unwrap();
        alice.wait_for_texts(bob_id, 2, SOON).await;
        alice.send(alice_id, "note").await.unwrap();
        alice.wait_until_sent(alice_id, SOON).await;
        alice.wait_until_sent(bob_id, SOON).await;
        let other = Device::new(&world);
        other.restore(alice.seed().await).await;
        assert_eq!(
            other.wait_for_texts(bob_id, 2, SOON).await,
            ["question", "answer"]
        );
        assert_eq!(other.wait_for_texts(alice_id, 1, SOON).await, ["note"]);
        let states: Vec<_> = other
            .messages(bob_id)
            .await
            .into_iter()
            .filter(|message| message.kind == MessageKind::Text)
            .map(|message| message.state)
            .collect();
        assert_eq!(states, [MessageState::Sent, MessageState::Received]);
        // The devices stay in step.
        other.send(bob_id, "from the other one").await.unwrap();
        assert_eq!(
            alice.wait_for_texts(bob_id, 3, SOON).await[2],
            "from the other one"
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_deleted_message_does_not_come_back_from_the_swarm() {
    run(async {
        let world = World::new().await;
        let alice = Device::new(&world);
        let id = alice.create("Alice").await;
        let sender = stranger();
        let content = text("again and again");
        world
            .deposit(&id, sealed(&sender, &id, &content, START_MS + 1))
            .await;
        alice.wait_for_texts(sender.id(), 1, SOON).await;
        let message = alice.messages(sender.id()).await.remove(0);
        alice
            .ask(Command::DeleteMessages {
                messages: vec![message.id],
                scope: DeleteScope::ThisDevice,
            })
            .await;
        world
            .deposit(&id, sealed(&sender, &id, &content, START_MS + 1))
            .await;
        tokio::time::sleep(SOON).await;
        assert!(alice.texts(sender.id()).await.is_empty());
        let conversation = alice.conversation(sender.id()).await.unwrap();
        assert_eq!((conversation.unread, conversation.preview), (0, None));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_full_store_refuses_texts_and_loses_nothing_that_arrives() {
    run(async {
        let world = World::new().await;
        let store = MemoryStore::new();
        let alice = Device::with(&world, Rc::new(store.clone()), 0, world.profile());
        let id = alice.create("Alice").await;
        alice
            .wait_for("connected", SOON, |now| {
                now.network.connected && now.network.list_confirmed
            })
            .await;
        store.set_capacity(Some(store.bytes()));
        assert_eq!(alice.send(id, "too much").await, Err(Failure::StorageFull));
        assert!(alice.texts(id).await.is_empty());
        let sender = stranger();
        world
            .deposit(
                &id,
                sealed(&sender, &id, &text("kept on the swarm"), START_MS + 1),
            )
            .await;
        tokio::time::sleep(SOON).await;
        let full = alice.snapshot().await;
        assert!(
            full.conversations.is_empty() && full.troubles.contains(&Trouble::StorageFull),
            "{full:?}"
        );
        store.set_capacity(None);
        assert_eq!(
            alice.wait_for_texts(sender.id(), 1, SOON).await,
            ["kept on the swarm"]
        );
        assert!(!alice.snapshot().await.troubles.contains(&Trouble::StorageFull));
        alice.send(id, "fits now").await.unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn windows_of_a_long_conversation_are_exact() {
    run(async {
        let world = World::new().await;
        let alice = Device::new(&world);
        let id = alice.create("Alice").await;
        let sender = stranger();
        for number in 0..300 {
            let content = text(&number.to_string());
            world
                .deposit(&id, sealed(&sender, &id, &content, START_MS + number))
                .await;
        }
        alice.wait_for_texts(sender.id(), 300, SOON).await;
        let window = async |anchor, limit| {
            let command = Command::Messages {
                conversation: sender.id(),
                anchor,
                limit,
            };
            match alice.ask(command).await {
                Reply::Messages(page) => page,
                other => panic!("{other:?}"),
            }
        };
        let numbers = |page: &holdfast_client::api::MessagePage| -> Vec<u64> {
            page.messages
                .iter()
                .map(|message| message.sent_at - START_MS)
                .collect()
        };
        let latest = window(Anchor::Latest, 50).await;
        assert_eq!(numbers(&latest), (250..300).collect::<Vec<_>>());
        assert_eq!(
            (latest.total, latest.more_before, latest.more_after),
            (300, true, false)
        );
        let before = window(Anchor::Before(latest.messages[0].position()), 200).await;
        assert_eq!(numbers(&before), (50..250).collect::<Vec<_>>());
        assert!(before.more_before && before.more_after);
        let after = window(Anchor::After(before.messages[199].position()), 200).await;
        assert_eq!(numbers(&after), (250..300).collect::<Vec<_>>());
        assert!(after.more_before && !after.more_after);
        alice
            .ask(Command::MarkRead {
                conversation: sender.id(),
                up_to: START_MS + 99,
            })
            .await;
        assert_eq!(alice.conversation(sender.id()).await.unwrap().unread, 200);
        let unread = numbers(&window(Anchor::FirstUnread, 40).await);
        assert!(
            unread.contains(&99) && unread.contains(&100) && unread.len() == 40,
            "{unread:?}"
        );
        alice
            .ask(Command::MarkRead {
                conversation: sender.id(),
                up_to: START_MS + 299,
            })
            .await;
        assert_eq!(alice.conversation(sender.id()).await.unwrap().unread, 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn texts_at_and_over_the_limit() {
    run(async {
        let world = World::new().await;
        let alice = Device::new(&world);
        let id = alice.create("Alice").await;
        assert_eq!(alice.send(id, " \n ").await, Err(Failure::TextEmpty));
        let longest = "🙂".repeat(2_000);
        assert_eq!(
            alice.send(id, &format!("{longest}x")).await,
            Err(Failure::TextTooLong)
        );
        alice.send(id, &longest).await.unwrap();
        alice.wait_until_sent(id, SOON).await;
        let group = Id::new(holdfast_protocol::account::IdKind::Group, id.key());
        assert_eq!(alice.send(group, "x").await, Err(Failure::NotAnAccount));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn logging_out_leaves_nothing() {
    run(async {
        let world = World::new().await;
        let store = MemoryStore::new();
        let alice = Device::with(&world, Rc::new(store.clone()), 0, world.profile());
        let id = alice.create("Alice").await;
        alice.send(id, "note").await.unwrap();
        alice.wait_until_sent(id, SOON).await;
        alice.ask(Command::LogOut).await;
        let after = alice.snapshot().await;
        assert!(after.account.is_none() && after.conversations.is_empty() && after.preferences.is_empty());
        assert_eq!(alice.send(id, "x").await, Err(Failure::NoAccount));
        tokio::time::sleep(SOON).await;
        let again = alice.create("Alice again").await;
        assert_ne!(again, id);
    })
    .await;
}
