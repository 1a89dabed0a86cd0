//! Clocks that are wrong, and machines that sleep.

use std::collections::HashSet;
use std::rc::Rc;
use std::time::Duration;

use holdfast_client::api::{Command, Event, Trouble};
use holdfast_client::ports::{Collection, Scan};
use holdfast_client::store::memory::MemoryStore;
use holdfast_tests::net::{Device, World, run};

use super::{DAY, HOUR_MS, LATER, SOON, pair};

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
