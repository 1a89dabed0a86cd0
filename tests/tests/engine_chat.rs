//! Two engines on a network of real nodes: what an undisturbed chat must do.

use std::rc::Rc;
use std::time::Duration;

use holdfast_client::api::{Command, Event, Failure, MessageState};
use holdfast_client::native::SystemRng;
use holdfast_client::seal::{Sealed, VaultKey};
use holdfast_client::store::memory::MemoryStore;
use holdfast_client::store::sqlite::SqliteStore;
use holdfast_tests::net::{Device, Fault, World, run};

const SOON: Duration = Duration::from_secs(30);

#[tokio::test(start_paused = true)]
async fn a_message_arrives_and_the_answer_comes_back() {
    run(async {
        let world = World::new().await;
        let (alice, bob) = (Device::new(&world), Device::new(&world));
        let (alice_id, bob_id) = (alice.create("Alice").await, bob.create("Bob").await);
        let sent = alice.send(bob_id, "hello").await.unwrap();
        assert_eq!(sent.state, MessageState::Queued);
        assert_eq!(bob.wait_for_texts(alice_id, 1, SOON).await, ["hello"]);
        let conversation = bob.conversation(alice_id).await.unwrap();
        assert_eq!(
            (conversation.name.as_deref(), conversation.unread),
            (Some("Alice"), 1)
        );
        bob.send(alice_id, "hello yourself").await.unwrap();
        assert_eq!(
            alice.wait_for_texts(bob_id, 2, SOON).await,
            ["hello", "hello yourself"]
        );
        alice.wait_until_sent(bob_id, SOON).await;
        bob.ask(Command::MarkRead {
            conversation: alice_id,
            up_to: sent.sent_at,
        })
        .await;
        assert_eq!(bob.conversation(alice_id).await.unwrap().unread, 0);
        let network = alice.network().await;
        assert!(network.list_confirmed && network.connected, "{network:?}");
        assert!(
            network
                .gateway
                .is_some_and(|url| url.starts_with("http") && !url.ends_with('/'))
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_is_shown_within_300_ms_of_sending() {
    run(async {
        let world = World::new().await;
        let (alice, bob) = (Device::new(&world), Device::new(&world));
        let (alice_id, bob_id) = (alice.create("Alice").await, bob.create("Bob").await);
        alice.send(bob_id, "warm").await.unwrap();
        bob.wait_for_texts(alice_id, 1, SOON).await;
        tokio::time::sleep(SOON).await;
        for number in 2..12 {
            let sent = world.now_ms();
            alice.send(bob_id, &number.to_string()).await.unwrap();
            bob.wait_for_texts(alice_id, number, SOON).await;
            let took = world.now_ms() - sent;
            assert!(took < 300, "{took} ms");
            tokio::time::sleep(Duration::from_millis(1_700 * number as u64)).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn nodes_that_hold_nothing_open_are_polled() {
    run(async {
        let world = World::new().await;
        for node in &world.nodes {
            world.set_fault(node, Fault::Stock);
        }
        let (alice, bob) = (Device::new(&world), Device::new(&world));
        let (alice_id, bob_id) = (alice.create("Alice").await, bob.create("Bob").await);
        bob.wait_for("connected", SOON, |now| now.network.connected).await;
        tokio::time::sleep(SOON).await;
        let before = world.packets.get();
        tokio::time::sleep(SOON).await;
        // Two devices, one poll every five seconds or so each: neither spinning nor asleep.
        let packets = world.packets.get() - before;
        assert!((8..30).contains(&packets), "{packets}");
        alice.send(bob_id, "hello").await.unwrap();
        assert_eq!(bob.wait_for_texts(alice_id, 1, SOON).await, ["hello"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn guards_are_reached_directly_where_the_profile_says_so() {
    run(async {
        let world = World::new().await;
        world.set_gateway(false);
        let device = || Device::with(&world, Rc::new(MemoryStore::new()), 0, world.direct_profile());
        let (alice, bob) = (device(), device());
        let (alice_id, bob_id) = (alice.create("Alice").await, bob.create("Bob").await);
        alice.send(bob_id, "hello").await.unwrap();
        assert_eq!(bob.wait_for_texts(alice_id, 1, SOON).await, ["hello"]);
        let confirmed = alice
            .wait_for("confirmed", SOON, |now| now.network.list_confirmed)
            .await;
        assert!(confirmed.troubles.is_empty(), "{:?}", confirmed.troubles);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn everything_is_there_after_a_restart_over_a_sealed_file() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("account.sqlite");
        let open = async |key: u8| {
            let key = VaultKey::from_bytes(&[key; 32]);
            Sealed::open(SqliteStore::open(&path).unwrap(), &key, Rc::new(SystemRng)).await
        };
        let world = World::new().await;
        let bob = Device::new(&world);
        let bob_id = bob.create("Bob").await;
        let store = Rc::new(open(1).await.unwrap());
        let mut alice = Device::with(&world, store, 0, world.profile());
        let alice_id = alice.create("Alice").await;
        alice.send(bob_id, "see you at the station").await.unwrap();
        bob.wait_for_texts(alice_id, 1, SOON).await;
        alice.wait_until_sent(bob_id, SOON).await;
        let preference = Command::SetPreference {
            key: "theme".to_owned(),
            value: "dark".to_owned(),
        };
        alice.ask(preference).await;
        let before = alice.snapshot().await;
        alice.restart().await;
        let after = alice.snapshot().await;
        assert_eq!(after.account, before.account);
        assert_eq!(after.conversations, before.conversations);
        assert_eq!(after.preferences, [("theme".to_owned(), "dark".to_owned())]);
        assert_eq!(alice.texts(bob_id).await, ["see you at the station"]);
        assert!(open(2).await.is_err());
        drop(alice);
        let file = std::fs::read(&path).unwrap();
        let secret = b"station";
        assert!(!file.windows(secret.len()).any(|window| window == secret));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn every_listener_hears_of_changes_and_a_second_account_is_refused() {
    run(async {
        let world = World::new().await;
        let alice = Device::new(&world);
        let command = || Command::CreateAccount {
            name: "Alice".to_owned(),
        };
        let none = alice.engine.request(Command::RevealPhrase).await;
        assert_eq!(none.unwrap_err(), Failure::NoAccount);
        let mut other = alice.engine.events();
        alice.ask(command()).await;
        let refused = alice.engine.request(command()).await;
        assert_eq!(refused.unwrap_err(), Failure::AccountExists);
        alice.ask(Command::SetDisplayName(" Alicia ".to_owned())).await;
        let mut names = Vec::new();
        while names.last().is_none_or(|name| name != "Alicia") {
            if let Some(Event::Account(account)) = futures::StreamExt::next(&mut other).await {
                names.push(account.name);
            }
        }
        tokio::task::yield_now().await;
        assert_eq!(names, ["Alice", "Alicia"]);
        let accounts = |event: &&Event| matches!(event, Event::Account(_));
        assert_eq!(alice.events.borrow().iter().filter(accounts).count(), 2);
        let too_long = alice
            .engine
            .request(Command::SetDisplayName("x".repeat(101)))
            .await;
        assert_eq!(too_long.unwrap_err(), Failure::NameTooLong);
    })
    .await;
}
