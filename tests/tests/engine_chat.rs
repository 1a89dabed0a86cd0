//! Two engines on a network of real nodes: what an undisturbed chat must do.

use std::time::Duration;

use holdfast_client::api::{Command, MessageState};
use holdfast_tests::net::{Device, World, run};

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
    })
    .await;
}
