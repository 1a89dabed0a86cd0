//! What waits to be sent when its contact is blocked.

use super::*;

async fn set_blocked(device: &Device, id: Id, blocked: bool) {
    device.ask(Command::SetBlocked { id, blocked }).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_that_waits_goes_to_somebody_who_was_blocked() {
    run(async {
        let world = World::new().await;
        let (alice, alice_id, bob, bob_id) = pair(&world).await;
        let other = second(&world, &alice, bob_id, 2).await;
        alice.wait_until_sent(bob_id, SOON).await;

        alice.set_online(false);
        let hello = by_text(&alice, bob_id, "hello").await.unwrap();
        react(&alice, hello.id, "😂", true).await.unwrap();
        let message = alice.send(bob_id, "not to be read yet").await.unwrap();
        set_timer(&alice, bob_id, Disappearing::AfterRead(300)).await;
        set_blocked(&alice, bob_id, true).await;
        let given_up = alice.messages(bob_id).await;
        let given_up = given_up
            .iter()
            .filter(|message| message.state == MessageState::Failed(SendFailure::Cancelled));
        assert_eq!(given_up.count(), 2, "the text and the timer");
        let again = alice.engine.request(Command::Retry(message.id)).await;
        assert_eq!(again.unwrap_err(), Failure::Blocked);

        alice.set_online(true);
        settle().await;
        // The own devices hear what the contact does not.
        until(&other, bob_id, "the reaction", |messages| {
            messages.iter().any(|message| emoji_of(message) == [("😂", 1)])
        })
        .await;
        settle().await;
        let seen = bob.messages(alice_id).await;
        assert_eq!(count(&seen), 2);
        assert!(notices(&seen).is_empty());
        assert!(seen.iter().all(|message| message.reactions.is_empty()));

        set_blocked(&alice, bob_id, false).await;
        alice.ask(Command::Retry(message.id)).await;
        let texts = bob.wait_for_texts(alice_id, 3, SOON).await;
        assert!(texts.contains(&"not to be read yet".to_owned()));
        until(&alice, bob_id, "sent", |messages| {
            let sent = |message: &Message| {
                message.body == "not to be read yet" && message.state == MessageState::Sent
            };
            messages.iter().any(sent)
        })
        .await;
    })
    .await;
}
