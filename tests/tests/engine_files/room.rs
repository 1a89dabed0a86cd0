//! What files take up, and how room is made without losing anything.

use super::*;

async fn used(device: &Device) -> StorageUse {
    match device.ask(Command::StorageUse).await {
        Reply::StorageUse(used) => used,
        other => panic!("{other:?}"),
    }
}

async fn gallery(device: &Device, conversation: Id, which: Gallery) -> MessagePage {
    let command = Command::Gallery {
        conversation,
        which,
        before: None,
        limit: 50,
    };
    match device.ask(command).await {
        Reply::Messages(page) => page,
        other => panic!("{other:?}"),
    }
}

/// A message with one file, fetched by its receiver.
async fn exchange(from: &Device, to: &Device, ids: (Id, Id), name: &str, bytes: &[u8]) -> Attachment {
    let file = stage(from, ids.1, name, "", bytes).await;
    send(from, ids.1, name, vec![file]).await.unwrap();
    wait_for_files(to, ids.0, name, |message| message.body == name).await;
    assert!(fetch(to, ids.0).await == bytes);
    newest_files(to, ids.0).await.unwrap().files.remove(0)
}

#[tokio::test(start_paused = true)]
async fn the_quota_throws_away_what_can_be_fetched_again_and_nothing_else() {
    run(async {
        let world = World::with_files().await;
        let (alice, alice_id, bob, bob_id) = friends(&world).await;
        let ids = (alice_id, bob_id);
        let own = stage(&bob, alice_id, "own.bin", "", &noise(50_000, 1)).await;
        let first = exchange(&alice, &bob, ids, "first.bin", &noise(40_000, 2)).await;
        let second = exchange(&alice, &bob, ids, "second.bin", &noise(40_000, 3)).await;
        assert_eq!(
            (used(&bob).await.bytes, used(&bob).await.again),
            (130_000, 80_000)
        );
        assert_eq!(used(&bob).await.removable, 80_000);
        bob.ask(Command::SetFileQuota(100_000)).await;
        let after = used(&bob).await;
        assert_eq!((after.bytes, after.again, after.quota), (90_000, 40_000, 100_000));
        let states: Vec<_> = bob.messages(alice_id).await;
        let of = |file: FileId| {
            let mut files = states.iter().flat_map(|message| &message.files);
            files.find(|held| held.file == file).unwrap().state
        };
        assert_eq!(
            (of(first.file), of(second.file)),
            (FileState::NotLoaded, FileState::Here)
        );
        let staged = bob.conversation(alice_id).await.unwrap().staged;
        assert_eq!(staged.first().map(|file| file.file), Some(own));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_the_server_does_not_have_any_more_is_only_cleared_on_purpose() {
    run(async {
        let world = World::with_files().await;
        let (alice, alice_id, mut bob, bob_id) = friends(&world).await;
        let ids = (alice_id, bob_id);
        exchange(&alice, &bob, ids, "old.bin", &noise(1_000, 1)).await;
        // A fortnight later, on a device without a connection: living through it would take long.
        bob.set_online(false);
        bob.set_skew(15 * 24 * 60 * 60 * 1_000);
        bob.restart().await;
        assert_eq!((used(&bob).await.again, used(&bob).await.removable), (0, 1_000));
        bob.ask(Command::SetFileQuota(10)).await;
        bob.ask(Command::ClearFiles { again_only: true }).await;
        assert_eq!(used(&bob).await.bytes, 1_000);
        bob.ask(Command::ClearFiles { again_only: false }).await;
        assert_eq!(used(&bob).await.bytes, 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_keeps_files_shortly_is_believed() {
    run(async {
        // An hour: less than a message with files is made to last where the server does not say.
        let world = World::with_files_kept_for(60 * 60).await;
        let (alice, alice_id, mut bob, bob_id) = friends(&world).await;
        exchange(&alice, &bob, (alice_id, bob_id), "brief.bin", &noise(1_000, 1)).await;
        alice.wait_until_sent(bob_id, SOON).await;
        assert_eq!(used(&bob).await.again, 1_000);
        assert_eq!(world.file_expiries().await.len(), 1, "it was sent once");
        bob.set_online(false);
        bob.set_skew(2 * 60 * 60 * 1_000);
        bob.restart().await;
        assert_eq!(used(&bob).await.again, 0);
        bob.ask(Command::SetFileQuota(10)).await;
        bob.ask(Command::ClearFiles { again_only: true }).await;
        assert_eq!(used(&bob).await.bytes, 1_000, "nobody else has it");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_waits_keeps_its_files_whatever_the_quota_says() {
    run(async {
        let world = World::with_files().await;
        let (alice, alice_id, bob, bob_id) = friends(&world).await;
        let bytes = noise(2_000, 4);
        let files = vec![
            stage(&alice, bob_id, "one.bin", "", &bytes).await,
            stage(&alice, bob_id, "two.bin", "", &bytes).await,
        ];
        world.set_file_server_up(false);
        let staged = used(&alice).await;
        send(&alice, bob_id, "both", files).await.unwrap();
        let waiting = used(&alice).await;
        for now in [staged, waiting] {
            assert_eq!((now.bytes, now.removable, now.again), (4_000, 0, 0));
        }
        alice.ask(Command::SetFileQuota(10)).await;
        alice.ask(Command::ClearFiles { again_only: false }).await;
        assert_eq!(used(&alice).await.bytes, 4_000);
        world.set_file_server_up(true);
        alice.wait_until_sent(bob_id, SOON).await;
        assert!(fetch(&bob, alice_id).await == bytes);
        // Now the server has them, nothing waits any more, and the quota holds.
        tokio::time::sleep(SOON).await;
        alice.ask(Command::SetFileQuota(10)).await;
        assert_eq!(used(&alice).await.bytes, 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn files_go_with_their_messages() {
    run(async {
        let world = World::with_files().await;
        let (alice, alice_id, mut bob, bob_id) = friends(&world).await;
        let ids = (alice_id, bob_id);
        for name in ["one.bin", "two.bin"] {
            exchange(&alice, &bob, ids, name, &noise(1_000, 1)).await;
        }
        let page = gallery(&bob, alice_id, Gallery::Documents).await;
        assert_eq!(page.messages.len(), 2);
        assert!(gallery(&bob, alice_id, Gallery::Media).await.messages.is_empty());
        let newest = newest_files(&bob, alice_id).await.unwrap();
        bob.ask(Command::DeleteMessages {
            messages: vec![newest.id],
            scope: holdfast_client::api::DeleteScope::ThisDevice,
        })
        .await;
        assert_eq!(used(&bob).await.files, 1);
        bob.ask(Command::ClearMessages(alice_id)).await;
        assert_eq!((used(&bob).await.files, used(&bob).await.bytes), (0, 0));
        assert!(
            gallery(&bob, alice_id, Gallery::Documents)
                .await
                .messages
                .is_empty()
        );
        bob.restart().await;
        assert_eq!(used(&bob).await.files, 0);
    })
    .await;
}
