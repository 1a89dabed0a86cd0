//! From choosing a file to its message in the other's hands, with everything that can go wrong in between.

use super::*;

#[tokio::test(start_paused = true)]
async fn files_arrive_bit_for_bit_with_their_names_and_the_text() {
    run(async {
        let world = World::with_files().await;
        let (alice, alice_id, bob, bob_id) = friends(&world).await;
        let (photo, report) = (png(), noise(3 * FILE_PIECE + 17, 1));
        let files = vec![
            stage(&alice, bob_id, "photo.png", "image/png", &photo).await,
            stage(&alice, bob_id, "../report.pdf", "application/pdf", &report).await,
        ];
        let sent = send(&alice, bob_id, "two files", files).await.unwrap();
        assert_eq!(sent.files.len(), 2);
        assert_eq!(state(&sent), FileState::Here);
        let staged = alice.conversation(bob_id).await.unwrap().staged;
        assert!(staged.is_empty(), "{staged:?}");
        alice.wait_until_sent(bob_id, SOON).await;

        let message = wait_for_files(&bob, alice_id, "the message", |_| true).await;
        assert_eq!(message.body, "two files");
        let [first, second] = &message.files[..] else {
            panic!("{message:?}")
        };
        assert_eq!(
            (first.info.kind, first.state),
            (FileKind::Image, FileState::NotLoaded)
        );
        assert_eq!(second.info.name.as_deref(), Some("report.pdf"));
        assert_eq!(second.info.size, report.len() as u64);
        for file in [first, second] {
            bob.ask(Command::LoadFile(file.file)).await;
        }
        let here = |message: &Message| message.files.iter().all(|file| file.state == FileState::Here);
        let message = wait_for_files(&bob, alice_id, "both files", here).await;
        for (file, bytes) in message.files.iter().zip([&photo, &report]) {
            assert!(read(&bob, file.file, file.info.size).await == *bytes);
        }
        let preview = bob.conversation(alice_id).await.unwrap().preview.unwrap();
        let summary = preview.files.unwrap();
        assert_eq!((summary.kind, summary.count), (FileKind::Image, 2));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_draft_stays_when_files_are_sent_without_a_text() {
    run(async {
        let world = World::with_files().await;
        let (alice, _, _bob, bob_id) = friends(&world).await;
        alice
            .ask(Command::SetDraft {
                conversation: bob_id,
                text: "I wanted to say".to_owned(),
            })
            .await;
        let spoken = stage(&alice, bob_id, "voice.ogg", "audio/ogg", &noise(50, 1)).await;
        send(&alice, bob_id, " ", vec![spoken]).await.unwrap();
        let kept = alice.conversation(bob_id).await.unwrap().draft;
        assert_eq!(kept.as_deref(), Some("I wanted to say"));
        let photo = stage(&alice, bob_id, "photo.png", "image/png", &png()).await;
        send(&alice, bob_id, "I wanted to say this", vec![photo])
            .await
            .unwrap();
        assert_eq!(alice.conversation(bob_id).await.unwrap().draft, None);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_largest_file_arrives_bit_for_bit() {
    run(async {
        let world = World::with_files().await;
        let (alice, alice_id, bob, bob_id) = friends(&world).await;
        let bytes = noise(9_900_000, 8);
        let file = stage(&alice, bob_id, "survey.dat", "", &bytes).await;
        send(&alice, bob_id, "", vec![file]).await.unwrap();
        alice.wait_until_sent(bob_id, SOON).await;
        assert!(fetch(&bob, alice_id).await == bytes);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_file_without_a_text_is_a_message_and_no_file_without_a_text_is_none() {
    run(async {
        let world = World::with_files().await;
        let (alice, alice_id, bob, bob_id) = friends(&world).await;
        assert_eq!(
            send(&alice, bob_id, "  ", Vec::new()).await.unwrap_err(),
            Failure::TextEmpty
        );
        let file = stage(&alice, bob_id, "a.bin", "", &noise(10, 2)).await;
        send(&alice, bob_id, "", vec![file]).await.unwrap();
        assert_eq!(fetch(&bob, alice_id).await, noise(10, 2));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_sent_is_refused_before_it_is_staged() {
    run(async {
        let world = World::with_files().await;
        let (alice, _, _bob, bob_id) = friends(&world).await;
        let to_bob = Purpose::Message(bob_id);
        for size in [0, 9_900_001] {
            assert_eq!(
                announce(&alice, to_bob, info("x", "", size)).await.unwrap_err(),
                Failure::FileSize
            );
        }
        let carol = Device::new(&world);
        let carol_id = carol.create("Carol").await;
        alice.ask(Command::OpenConversation(carol_id)).await;
        let to_carol = Purpose::Message(carol_id);
        assert_eq!(
            announce(&alice, to_carol, info("x", "", 1)).await.unwrap_err(),
            Failure::NotAcceptedYet
        );
        // A message waits for every byte of its files.
        let staged = announce(&alice, to_bob, info("x", "", FILE_PIECE + 1))
            .await
            .unwrap();
        let offset = 0;
        let bytes = noise(FILE_PIECE, 3);
        let file = staged.file;
        alice.ask(Command::WriteFile { file, offset, bytes }).await;
        assert_eq!(
            send(&alice, bob_id, "", vec![file]).await.unwrap_err(),
            Failure::FileIncomplete
        );
        let too_long = Command::WriteFile {
            file,
            offset: FILE_PIECE as u64,
            bytes: vec![1, 2],
        };
        assert_eq!(
            alice.engine.request(too_long).await.unwrap_err(),
            Failure::FileSize
        );
        alice.ask(Command::DiscardFile(file)).await;
        assert_eq!(
            send(&alice, bob_id, "", vec![file]).await.unwrap_err(),
            Failure::NotFound
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn files_of_a_draft_survive_a_crash_and_half_written_ones_go() {
    run(async {
        let world = World::with_files().await;
        let (mut alice, alice_id, bob, bob_id) = friends(&world).await;
        let bytes = noise(FILE_PIECE + 5, 4);
        let whole = stage(&alice, bob_id, "whole.bin", "", &bytes).await;
        announce(
            &alice,
            Purpose::Message(bob_id),
            info("half.bin", "", FILE_PIECE * 2),
        )
        .await
        .unwrap();
        alice.restart().await;
        let staged = alice.conversation(bob_id).await.unwrap().staged;
        let names: Vec<_> = staged.iter().map(|file| (file.file, file.complete)).collect();
        assert_eq!(names, [(whole, true)]);
        send(&alice, bob_id, "", vec![whole]).await.unwrap();
        assert!(fetch(&bob, alice_id).await == bytes);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_files_were_on_their_way_goes_out_after_a_crash() {
    run(async {
        let world = World::with_files().await;
        let (mut alice, alice_id, bob, bob_id) = friends(&world).await;
        let bytes = noise(2 * FILE_PIECE, 5);
        world.set_file_server_up(false);
        let file = stage(&alice, bob_id, "a.bin", "", &bytes).await;
        send(&alice, bob_id, "crash", vec![file]).await.unwrap();
        tokio::time::sleep(Duration::from_secs(3)).await;
        for _ in 0..3 {
            alice.restart().await;
            tokio::time::sleep(Duration::from_millis(700)).await;
        }
        world.set_file_server_up(true);
        alice.restart().await;
        alice.wait_until_sent(bob_id, SOON).await;
        assert!(fetch(&bob, alice_id).await == bytes);
        let messages = bob.messages(alice_id).await;
        assert_eq!(
            messages.iter().filter(|message| message.body == "crash").count(),
            1
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_file_server_that_stays_away_fails_the_message_and_trying_again_sends_it() {
    run(async {
        let world = World::with_files().await;
        let (alice, alice_id, bob, bob_id) = friends(&world).await;
        world.set_file_server_up(false);
        let file = stage(&alice, bob_id, "a.bin", "", &noise(9, 6)).await;
        let sent = send(&alice, bob_id, "", vec![file]).await.unwrap();
        let failed = MessageState::Failed(SendFailure::FileServer);
        let is_given_up = |message: &Message| message.state == failed;
        wait_for_files_within(GIVEN_UP, &alice, bob_id, "the failure", is_given_up).await;
        // Texts go on meanwhile.
        alice.send(bob_id, "after it").await.unwrap();
        bob.wait_for_texts(alice_id, 3, SOON).await;
        world.set_file_server_up(true);
        alice.ask(Command::Retry(sent.id)).await;
        alice.wait_until_sent(bob_id, SOON).await;
        assert_eq!(fetch(&bob, alice_id).await, noise(9, 6));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_file_server_that_comes_back_after_two_minutes_gets_the_file_by_itself() {
    run(async {
        let world = World::with_files().await;
        let (alice, alice_id, bob, bob_id) = friends(&world).await;
        world.set_file_server_up(false);
        let file = stage(&alice, bob_id, "a.bin", "", &noise(9, 6)).await;
        send(&alice, bob_id, "", vec![file]).await.unwrap();
        tokio::time::sleep(Duration::from_secs(120)).await;
        world.set_file_server_up(true);
        alice.wait_until_sent(bob_id, SOON).await;
        assert_eq!(fetch(&bob, alice_id).await, noise(9, 6));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_file_server_without_time_is_asked_again() {
    run(async {
        let world = World::with_files().await;
        let (alice, alice_id, bob, bob_id) = friends(&world).await;
        for status in [408, 425, 429] {
            let body = format!("while {status}");
            world.set_file_server_status(Some(status));
            let file = stage(&alice, bob_id, "a.bin", "", &noise(9, 6)).await;
            send(&alice, bob_id, &body, vec![file]).await.unwrap();
            tokio::time::sleep(Duration::from_secs(5)).await;
            world.set_file_server_status(None);
            alice.wait_until_sent(bob_id, SOON).await;
            let arrived = |message: &Message| message.body == body;
            let message = wait_for_files(&bob, alice_id, "the message", arrived).await;

            world.set_file_server_status(Some(status));
            bob.ask(Command::LoadFile(message.files[0].file)).await;
            tokio::time::sleep(Duration::from_secs(5)).await;
            world.set_file_server_status(None);
            let here = |message: &Message| arrived(message) && state(message) == FileState::Here;
            wait_for_files(&bob, alice_id, "the file", here).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_stopped_stays_and_can_be_sent_later() {
    run(async {
        let world = World::with_files().await;
        let (alice, alice_id, bob, bob_id) = friends(&world).await;
        world.set_file_server_up(false);
        let file = stage(&alice, bob_id, "a.bin", "", &noise(9, 7)).await;
        let sent = send(&alice, bob_id, "stop", vec![file]).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        alice.ask(Command::CancelTransfer(file)).await;
        let cancelled = MessageState::Failed(SendFailure::Cancelled);
        wait_for_files(&alice, bob_id, "the stop", |message| message.state == cancelled).await;
        world.set_file_server_up(true);
        tokio::time::sleep(SOON).await;
        assert!(newest_files(&bob, alice_id).await.is_none());
        alice.ask(Command::Retry(sent.id)).await;
        assert_eq!(fetch(&bob, alice_id).await, noise(9, 7));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_own_devices_get_the_files_too() {
    run(async {
        let world = World::with_files().await;
        let (alice, _, _bob, bob_id) = friends(&world).await;
        let other = Device::new(&world);
        other.restore(alice.seed().await).await;
        other.wait_for_texts(bob_id, 2, SOON).await;
        let file = stage(&alice, bob_id, "note.png", "image/png", &png()).await;
        send(&alice, bob_id, "", vec![file]).await.unwrap();
        // Own messages are trusted: nobody has to ask.
        let here = |message: &Message| state(message) == FileState::Here;
        let message = wait_for_files(&other, bob_id, "the file", here).await;
        assert_eq!(
            read(&other, message.files[0].file, message.files[0].info.size).await,
            png()
        );
    })
    .await;
}
