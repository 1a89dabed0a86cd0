//! Search in a running engine: what is found while messages come, change and go, and while the index is still read.

use std::rc::Rc;
use std::time::Duration;

use holdfast_client::api::{Anchor, Command, DeleteScope, Found, Reply};
use holdfast_client::native::{SystemRng, TokioClock};
use holdfast_client::testing::{History, fill};
use holdfast_tests::net::{Device, World, run};

const SOON: Duration = Duration::from_secs(30);

fn texts(found: &Found) -> Vec<&str> {
    found
        .messages
        .iter()
        .map(|found| found.message.body.as_str())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn what_comes_changes_and_goes_is_found_as_it_is() {
    run(async {
        let world = World::new().await;
        let (alice, bob) = (Device::new(&world), Device::new(&world));
        let (alice_id, bob_id) = (alice.create("Alice").await, bob.create("Bob").await);
        alice.send(bob_id, "Meet me at the harbour").await.unwrap();
        bob.wait_for_texts(alice_id, 1, SOON).await;
        bob.send(alice_id, "Which harbour?").await.unwrap();
        alice.wait_for_texts(bob_id, 2, SOON).await;

        // Nothing was searched before: the index is read from the store.
        let found = alice.find("harb", None).await;
        assert_eq!(texts(&found), ["Which harbour?", "Meet me at the harbour"]);
        assert_eq!((found.total, found.messages[0].hit), (2, (6, 10)));
        assert!(found.conversations.is_empty());
        assert_eq!(alice.find("bo", None).await.conversations, [bob_id]);
        assert_eq!(alice.find(&bob_id.to_hex(), None).await.conversations, [bob_id]);
        assert!(alice.find(" ", None).await.messages.is_empty());

        // From now on it follows what happens.
        bob.send(alice_id, "The HÁRBOUR of Hamburg").await.unwrap();
        alice.wait_for_texts(bob_id, 3, SOON).await;
        assert_eq!(alice.find("harbour hamburg", None).await.total, 1);
        let oldest = alice.find("meet", Some(bob_id)).await.messages[0].message.clone();
        alice
            .ask(Command::DeleteMessages {
                messages: vec![oldest.id],
                scope: DeleteScope::ThisDevice,
            })
            .await;
        assert_eq!(alice.find("harbour", Some(bob_id)).await.total, 2);
        assert_eq!(alice.find("harbour", Some(alice_id)).await.total, 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_long_history_is_found_in_pages_and_read_around_a_hit() {
    run(async {
        let world = World::new().await;
        let mut alice = Device::new(&world);
        alice.create("Alice").await;
        alice.crash();
        let history = History {
            contacts: 7,
            messages: 5_000,
        };
        let (clock, rng) = (Rc::new(TokioClock::new()), Rc::new(SystemRng));
        let contacts = fill(alice.store.clone(), clock, rng, history).await.unwrap();
        alice.restart().await;

        let rare = alice.find("kelp", None).await;
        assert_eq!(rare.total, 5);
        assert!(rare.messages[0].message.body.ends_with("kelp-4000"));
        let place = alice.find("kelp-2000", None).await.messages[0].message.clone();
        let page = match alice
            .ask(Command::Messages {
                conversation: place.conversation,
                anchor: Anchor::Around(place.position()),
                limit: 20,
            })
            .await
        {
            Reply::Messages(page) => page,
            other => panic!("{other:?}"),
        };
        assert_eq!((page.messages.len(), page.messages[10].id), (20, place.id));
        assert!(page.more_before && page.more_after);

        // Page by page, newest first, nothing twice and nothing left out.
        let total = alice.find("station", Some(contacts[3])).await.total as usize;
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let command = Command::Search {
                query: "station".to_owned(),
                conversation: Some(contacts[3]),
                limit: 30,
                after,
            };
            let Reply::Found(found) = alice.ask(command).await else {
                panic!("no answer")
            };
            all.extend(found.messages.iter().map(|found| found.message.position()));
            after = found.next;
            if after.is_none() {
                break;
            }
        }
        assert!(total > 60);
        assert_eq!(all.len(), total);
        assert!(all.windows(2).all(|pair| pair[0] > pair[1]));
    })
    .await;
}
