//! Answers, reactions, drafts, details, windows.

use super::*;

#[tokio::test(start_paused = true)]
async fn an_answer_shows_what_it_answers_on_every_device() {
    run(async {
        let world = World::new().await;
        let (alice, alice_id, bob, bob_id) = pair(&world).await;
        let question = by_text(&alice, bob_id, "hello").await.unwrap();
        let command = Command::SendText {
            files: Vec::new(),
            link: None,
            conversation: bob_id,
            body: "as I said".to_owned(),
            reply_to: Some(question.id),
        };
        let Reply::Accepted(sent) = alice.ask(command).await else {
            panic!("not accepted")
        };
        let quote = sent.quote.unwrap();
        assert_eq!(
            (quote.author, quote.text.as_str(), quote.found),
            (bob_id, "hello", Some(question.id))
        );
        let other = second(&world, &alice, bob_id, 3).await;
        for (device, conversation) in [(&bob, alice_id), (&other, bob_id)] {
            device.wait_for_texts(conversation, 3, SOON).await;
            let quote = by_text(device, conversation, "as I said")
                .await
                .unwrap()
                .quote
                .unwrap();
            assert_eq!(
                (quote.author, quote.text.as_str(), quote.sent_at),
                (bob_id, "hello", question.sent_at)
            );
        }
        // Only messages of the same conversation can be answered.
        let note = alice.send(alice_id, "note").await.unwrap();
        let elsewhere = Command::SendText {
            files: Vec::new(),
            link: None,
            conversation: bob_id,
            body: "x".to_owned(),
            reply_to: Some(note.id),
        };
        assert_eq!(
            alice.engine.request(elsewhere).await.unwrap_err(),
            Failure::NotAllowed
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_finds_its_question_later_and_loses_it_with_the_question() {
    run(async {
        let world = World::new().await;
        let (mut alice, id, friend) = with_friend(&world).await;
        let asked_at = START_MS + 5;
        deliver(
            &world,
            &friend,
            &id,
            &answer("yes", friend.id(), asked_at),
            START_MS + 6,
        )
        .await;
        alice.wait_for_texts(friend.id(), 3, SOON).await;
        let quote = by_text(&alice, friend.id(), "yes").await.unwrap().quote.unwrap();
        assert_eq!((quote.found, quote.text.as_str()), (None, ""));
        alice.restart().await;
        deliver(&world, &friend, &id, &text("coming?"), asked_at).await;
        alice.wait_for_texts(friend.id(), 4, SOON).await;
        let found = by_text(&alice, friend.id(), "yes").await.unwrap().quote.unwrap();
        assert_eq!(found.text, "coming?");
        let told = |event: &Event| {
            matches!(event, Event::Message(message) if message.body == "yes"
                && message.quote.as_ref().is_some_and(|quote| quote.text == "coming?"))
        };
        assert!(
            alice.events.borrow().iter().any(told),
            "the front end was not told"
        );
        deliver(&world, &friend, &id, &unsend(friend.id(), asked_at), START_MS + 7).await;
        until(&alice, friend.id(), "the quote goes", |messages| {
            let answer = messages.iter().find(|message| message.body == "yes").unwrap();
            answer.quote.as_ref().unwrap().text.is_empty()
        })
        .await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_invitation_to_a_community_is_told_by_its_name_and_address() {
    run(async {
        let world = World::new().await;
        let (alice, id, friend) = with_friend(&world).await;
        let url = "https://example.org/tides?public_key=0123";
        let invitation = |name: &str, body: Option<&str>| {
            data(DataMessage {
                body: body.map(str::to_owned),
                open_group_invitation: Some(OpenGroupInvitation {
                    url: url.to_owned(),
                    name: name.to_owned(),
                }),
                ..DataMessage::default()
            })
        };
        let sent = [
            (invitation(" Tides\u{202e} ", None), format!("Tides\n{url}")),
            (invitation("", Some(" ")), url.to_owned()),
            (invitation("Tides", Some("Come too!")), "Come too!".to_owned()),
        ];
        for (at, (content, _)) in (START_MS + 5..).zip(&sent) {
            deliver(&world, &friend, &id, content, at).await;
        }
        alice.wait_for_texts(friend.id(), 5, SOON).await;
        for (_, shown) in &sent {
            assert!(by_text(&alice, friend.id(), shown).await.is_some(), "{shown}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn reactions_are_the_same_everywhere() {
    run(async {
        let world = World::new().await;
        let (mut alice, alice_id, bob, bob_id) = pair(&world).await;
        let other = second(&world, &alice, bob_id, 2).await;
        let message = by_text(&alice, bob_id, "hello").await.unwrap();
        for emoji in ["😂", "❤️"] {
            react(&alice, message.id, emoji, true).await.unwrap();
        }
        // What was accepted is sent, whatever happens to the tab.
        alice.restart().await;
        react(&alice, message.id, "😂", true).await.unwrap();
        let at_bob = by_text(&bob, alice_id, "hello").await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        react(&bob, at_bob.id, "😂", true).await.unwrap();
        react(&bob, at_bob.id, "😡", true).await.unwrap();
        react(&bob, at_bob.id, "😡", false).await.unwrap();
        settle().await;
        for (device, conversation) in [(&alice, bob_id), (&bob, alice_id), (&other, bob_id)] {
            let message = by_text(device, conversation, "hello").await.unwrap();
            assert_eq!(emoji_of(&message), [("😂", 2), ("❤️", 1)]);
            assert_eq!(message.reactions[0].from, [alice_id, bob_id]);
            assert_eq!(device.texts(conversation).await.len(), 2);
        }
        react(&alice, message.id, "😂", false).await.unwrap();
        settle().await;
        for (device, conversation) in [(&alice, bob_id), (&bob, alice_id), (&other, bob_id)] {
            let message = by_text(device, conversation, "hello").await.unwrap();
            assert_eq!(emoji_of(&message), [("❤️", 1), ("😂", 1)]);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn reactions_are_limited_and_must_be_emoji() {
    run(async {
        let world = World::new().await;
        let (alice, _, friend) = with_friend(&world).await;
        let message = by_text(&alice, friend.id(), "hello").await.unwrap();
        assert_eq!(
            react(&alice, message.id, "text", true).await.unwrap_err(),
            Failure::NotAllowed
        );
        for number in 0..20 {
            react(&alice, message.id, "😂", number % 2 == 0).await.unwrap();
        }
        assert_eq!(
            react(&alice, message.id, "😂", true).await.unwrap_err(),
            Failure::TooFast
        );
        // Nothing is sent for what is so already.
        react(&alice, message.id, "😂", false).await.unwrap();
        tokio::time::sleep(MINUTE).await;
        react(&alice, message.id, "😂", true).await.unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_request_gets_no_reaction() {
    run(async {
        let world = World::new().await;
        let alice = Device::new(&world);
        let id = alice.create("Alice").await;
        deliver(&world, &stranger(), &id, &text("hello"), START_MS).await;
        alice.wait_for_texts(stranger().id(), 1, SOON).await;
        let message = by_text(&alice, stranger().id(), "hello").await.unwrap();
        assert_eq!(
            react(&alice, message.id, "😂", true).await.unwrap_err(),
            Failure::NotAllowed
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_comes_before_its_message_takes_effect_with_it() {
    run(async {
        let world = World::new().await;
        let (mut alice, id, friend) = with_friend(&world).await;
        let (liked, gone) = (START_MS + 10, START_MS + 20);
        deliver(
            &world,
            &friend,
            &id,
            &reaction("😂", friend.id(), liked, true),
            START_MS + 30,
        )
        .await;
        deliver(&world, &friend, &id, &unsend(friend.id(), gone), START_MS + 31).await;
        settle().await;
        alice.restart().await;
        deliver(&world, &friend, &id, &text("funny"), liked).await;
        deliver(&world, &friend, &id, &text("a mistake"), gone).await;
        alice.wait_for_texts(friend.id(), 3, SOON).await;
        settle().await;
        let messages = alice.messages(friend.id()).await;
        assert!(
            messages.iter().all(|message| message.body != "a mistake"),
            "{messages:?}"
        );
        let funny = by_text(&alice, friend.id(), "funny").await.unwrap();
        assert_eq!(emoji_of(&funny), [("😂", 1)]);
        let seen = |event: &Event| matches!(event, Event::Message(message) if message.body == "a mistake");
        assert!(!alice.events.borrow().iter().any(seen));
        // The swarm has forgotten it too: a new device reads nothing of it.
        let late = second(&world, &alice, friend.id(), 3).await;
        settle().await;
        assert_eq!(late.texts(friend.id()).await.len(), 3);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn drafts_stay_until_they_are_sent() {
    run(async {
        let world = World::new().await;
        let (mut alice, _, friend) = with_friend(&world).await;
        let draft = |text: &str| Command::SetDraft {
            conversation: friend.id(),
            text: text.to_owned(),
        };
        alice.ask(draft("I wanted to")).await;
        alice.restart().await;
        let held = alice.conversation(friend.id()).await.unwrap().draft;
        assert_eq!(held.as_deref(), Some("I wanted to"));
        alice.send(friend.id(), "I wanted to say").await.unwrap();
        assert_eq!(alice.conversation(friend.id()).await.unwrap().draft, None);
        let long = alice.engine.request(draft(&"x".repeat(64 * 1024 + 1))).await;
        assert_eq!(long.unwrap_err(), Failure::TextTooLong);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn details_and_windows_around_a_message() {
    run(async {
        let world = World::new().await;
        let (alice, id, friend) = with_friend(&world).await;
        for number in 1..40 {
            deliver(
                &world,
                &friend,
                &id,
                &text(&number.to_string()),
                START_MS + 100 + number,
            )
            .await;
        }
        alice.wait_for_texts(friend.id(), 41, SOON).await;
        alice.wait_until_sent(friend.id(), SOON).await;
        let middle = by_text(&alice, friend.id(), "20").await.unwrap();
        let around = Command::Messages {
            conversation: friend.id(),
            anchor: Anchor::Around(middle.position()),
            limit: 10,
        };
        let Reply::Messages(MessagePage {
            messages,
            more_before,
            more_after,
            total,
        }) = alice.ask(around).await
        else {
            panic!("no page")
        };
        let texts: Vec<_> = messages.iter().map(|message| message.body.as_str()).collect();
        assert_eq!(
            texts,
            ["15", "16", "17", "18", "19", "20", "21", "22", "23", "24"]
        );
        assert!(more_before && more_after && total == 42);
        let details = async |message: MessageId| -> MessageDetails {
            match alice.ask(Command::MessageDetails(message)).await {
                Reply::Details(details) => *details,
                other => panic!("{other:?}"),
            }
        };
        let received = details(middle.id).await;
        assert!(received.received_at.unwrap() > START_MS && received.synced.is_none());
        let own = by_text(&alice, friend.id(), "hi").await.unwrap();
        let sent = details(own.id).await;
        assert_eq!((sent.received_at, sent.synced), (None, Some(true)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn times_that_are_corrected_carry_answers_and_reactions_along() {
    run(async {
        let world = World::new().await;
        let (alice, alice_id, bob, bob_id) = pair(&world).await;
        alice.wait_until_sent(bob_id, SOON).await;
        alice.set_online(false);
        // The machine slept, and woke with another time.
        alice.set_skew(3 * 60 * 60 * 1_000);
        let first = alice.send(bob_id, "first").await.unwrap();
        let command = Command::SendText {
            files: Vec::new(),
            link: None,
            conversation: bob_id,
            body: "second".to_owned(),
            reply_to: Some(first.id),
        };
        alice.ask(command).await;
        react(&alice, first.id, "😂", true).await.unwrap();
        alice.set_online(true);
        alice.ask(Command::Wake).await;
        until(&bob, alice_id, "the reaction comes", |messages| {
            messages
                .iter()
                .any(|message| message.body == "first" && !message.reactions.is_empty())
        })
        .await;
        bob.wait_for_texts(alice_id, 4, SOON).await;
        for (device, conversation) in [(&alice, bob_id), (&bob, alice_id)] {
            let second = by_text(device, conversation, "second").await.unwrap();
            assert_eq!(second.quote.unwrap().text, "first");
            assert!(second.sent_at.abs_diff(world.now_ms()) < 120_000);
        }
    })
    .await;
}
