//! Files that come: when they are fetched, and what becomes of those that don't.

use std::rc::Rc;

use holdfast_client::NetworkProfile;
use holdfast_client::store::memory::MemoryStore;
use holdfast_protocol::file::FileServer;
use holdfast_protocol::keys::Ed25519KeyPair;

use super::pictures::{is_sent, seen, set};
use super::*;

#[tokio::test(start_paused = true)]
async fn files_are_fetched_by_themselves_only_where_the_user_wants_that() {
    run(async {
        let world = World::with_files().await;
        let (alice, alice_id, bob, bob_id) = friends(&world).await;
        let file = stage(&alice, bob_id, "one.png", "image/png", &png()).await;
        send(&alice, bob_id, "one", vec![file]).await.unwrap();
        wait_for_files(&bob, alice_id, "one", |message| message.body == "one").await;
        tokio::time::sleep(SOON).await;
        let waiting = newest_files(&bob, alice_id).await.unwrap();
        assert_eq!(state(&waiting), FileState::NotLoaded);

        // What waits when the switch is turned comes as well.
        let on = Command::SetAutoLoad {
            conversation: alice_id,
            on: true,
        };
        bob.ask(on).await;
        assert!(bob.conversation(alice_id).await.unwrap().auto_load);
        wait_for_files(&bob, alice_id, "one", |message| {
            message.body == "one" && state(message) == FileState::Here
        })
        .await;
        let file = stage(&alice, bob_id, "two.png", "image/png", &png()).await;
        send(&alice, bob_id, "two", vec![file]).await.unwrap();
        wait_for_files(&bob, alice_id, "two", |message| {
            message.body == "two" && state(message) == FileState::Here
        })
        .await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn nothing_comes_unasked_from_servers_that_are_not_known() {
    run(async {
        let world = World::with_files().await;
        // Bob's network has another file server: to him Alice's is one that she has named.
        let key = Ed25519KeyPair::from_seed(&[9; 32]).public();
        let profile = NetworkProfile {
            files: Some(FileServer::parse("http://other.test", key).unwrap()),
            ..world.profile()
        };
        let bob = Device::with(&world, Rc::new(MemoryStore::new()), 0, profile);
        let (alice, alice_id, bob, bob_id) = make_friends(Device::new(&world), bob).await;
        let on = || Command::SetAutoLoad {
            conversation: alice_id,
            on: true,
        };
        bob.ask(on()).await;
        set(&alice, &png()).await;
        is_sent(&alice).await;
        let file = stage(&alice, bob_id, "one.png", "image/png", &png()).await;
        send(&alice, bob_id, "one", vec![file]).await.unwrap();
        wait_for_files(&bob, alice_id, "one", |message| message.body == "one").await;
        // Neither when it comes nor when the switch is turned again.
        for _ in 0..2 {
            tokio::time::sleep(SOON).await;
            let waiting = newest_files(&bob, alice_id).await.unwrap();
            assert_eq!(state(&waiting), FileState::NotLoaded);
            assert_eq!(bob.conversation(alice_id).await.unwrap().picture, None);
            bob.ask(on()).await;
        }
        // On demand it comes from anywhere.
        assert_eq!(fetch(&bob, alice_id).await, png());

        let anywhere = Command::SetPreference {
            key: "known_file_servers".to_owned(),
            value: "off".to_owned(),
        };
        bob.ask(anywhere).await;
        assert_eq!(seen(&bob, alice_id).await, png());
        let file = stage(&alice, bob_id, "two.png", "image/png", &png()).await;
        send(&alice, bob_id, "two", vec![file]).await.unwrap();
        wait_for_files(&bob, alice_id, "two", |message| {
            message.body == "two" && state(message) == FileState::Here
        })
        .await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_file_that_the_server_lost_is_told_as_expired() {
    run(async {
        let world = World::with_files().await;
        let (alice, alice_id, bob, bob_id) = friends(&world).await;
        let file = stage(&alice, bob_id, "old.bin", "", &noise(5, 1)).await;
        send(&alice, bob_id, "", vec![file]).await.unwrap();
        let message = wait_for_files(&bob, alice_id, "the message", |_| true).await;
        world.lose_files().await;
        bob.ask(Command::LoadFile(message.files[0].file)).await;
        wait_for_files(&bob, alice_id, "the answer", |message| {
            state(message) == FileState::Expired
        })
        .await;
        // Whoever sent it still has it.
        assert_eq!(
            state(&newest_files(&alice, bob_id).await.unwrap()),
            FileState::Here
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_file_comes_by_itself_from_a_server_that_was_away_for_a_minute() {
    run(async {
        let world = World::with_files().await;
        let (alice, alice_id, bob, bob_id) = friends(&world).await;
        let file = stage(&alice, bob_id, "x.bin", "", &noise(5, 1)).await;
        send(&alice, bob_id, "", vec![file]).await.unwrap();
        let message = wait_for_files(&bob, alice_id, "the message", |_| true).await;
        let file = message.files[0].file;
        world.set_file_server_up(false);
        bob.ask(Command::LoadFile(file)).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        world.set_file_server_up(true);
        let here = |message: &Message| state(message) == FileState::Here;
        wait_for_files(&bob, alice_id, "the file", here).await;
        assert_eq!(read(&bob, file, 5).await, noise(5, 1));

        // One that stays away is given up, until somebody asks again.
        let file = stage(&alice, bob_id, "y.bin", "", &noise(6, 1)).await;
        send(&alice, bob_id, "second", vec![file]).await.unwrap();
        let is_second = |message: &Message| message.body == "second";
        let message = wait_for_files(&bob, alice_id, "the second", is_second).await;
        world.set_file_server_up(false);
        bob.ask(Command::LoadFile(message.files[0].file)).await;
        let failed = |message: &Message| is_second(message) && state(message) == FileState::Failed;
        wait_for_files_within(GIVEN_UP, &bob, alice_id, "the failure", failed).await;
        world.set_file_server_up(true);
        assert_eq!(fetch(&bob, alice_id).await, noise(6, 1));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_file_that_was_changed_on_the_server_is_never_shown() {
    run(async {
        let world = World::with_files().await;
        let (alice, alice_id, bob, bob_id) = friends(&world).await;
        let file = stage(&alice, bob_id, "x.bin", "", &noise(5_000, 1)).await;
        send(&alice, bob_id, "", vec![file]).await.unwrap();
        let message = wait_for_files(&bob, alice_id, "the message", |_| true).await;
        world.change_files();
        bob.ask(Command::LoadFile(message.files[0].file)).await;
        let message = wait_for_files(&bob, alice_id, "the answer", |message| {
            state(message) == FileState::Damaged
        })
        .await;
        let piece = Command::ReadFile {
            file: message.files[0].file,
            offset: 0,
        };
        assert_eq!(bob.engine.request(piece).await.unwrap_err(), Failure::NotFound);
        // It may have been the way: asking again fetches it again.
        world.change_files();
        assert_eq!(fetch(&bob, alice_id).await, noise(5_000, 1));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_download_goes_on_after_a_crash_and_ends_when_the_user_says_so() {
    run(async {
        let world = World::with_files().await;
        let (alice, alice_id, mut bob, bob_id) = friends(&world).await;
        let bytes = noise(FILE_PIECE * 2, 9);
        let file = stage(&alice, bob_id, "x.bin", "", &bytes).await;
        send(&alice, bob_id, "", vec![file]).await.unwrap();
        let message = wait_for_files(&bob, alice_id, "the message", |_| true).await;
        let file = message.files[0].file;
        bob.set_online(false);
        bob.ask(Command::LoadFile(file)).await;
        assert_eq!(
            state(&newest_files(&bob, alice_id).await.unwrap()),
            FileState::Moving
        );
        bob.ask(Command::CancelTransfer(file)).await;
        assert_eq!(
            state(&newest_files(&bob, alice_id).await.unwrap()),
            FileState::NotLoaded
        );
        bob.ask(Command::LoadFile(file)).await;
        bob.restart().await;
        bob.set_online(true);
        let here = |message: &Message| state(message) == FileState::Here;
        wait_for_files(&bob, alice_id, "the file", here).await;
        assert!(read(&bob, file, bytes.len() as u64).await == bytes);
    })
    .await;
}

/// Waits until the other side of a conversation has told that it saved a file.
async fn saved(device: &Device, conversation: Id) -> Message {
    let told = async {
        let saved = MessageKind::Notice(Notice::MediaSaved);
        loop {
            let messages = device.messages(conversation).await;
            if let Some(notice) = messages.into_iter().find(|message| message.kind == saved) {
                return notice;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(SOON, told).await.expect("no notice")
}

#[tokio::test(start_paused = true)]
async fn whoever_saves_a_file_tells_its_sender() {
    run(async {
        let world = World::with_files().await;
        let (alice, alice_id, bob, bob_id) = friends(&world).await;
        let file = stage(&alice, bob_id, "x.bin", "", &noise(5, 1)).await;
        send(&alice, bob_id, "", vec![file]).await.unwrap();
        fetch(&bob, alice_id).await;
        let message = newest_files(&bob, alice_id).await.unwrap();
        bob.ask(Command::FileSaved(message.files[0].file)).await;
        assert_eq!(saved(&alice, bob_id).await.expiry, None);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn where_messages_disappear_that_a_file_was_saved_disappears_once_it_was_read() {
    run(async {
        let world = World::with_files().await;
        let (alice, alice_id, bob, bob_id) = friends(&world).await;
        let file = stage(&alice, bob_id, "x.bin", "", &noise(5, 1)).await;
        send(&alice, bob_id, "", vec![file]).await.unwrap();
        fetch(&bob, alice_id).await;
        bob.ask(Command::SetDisappearing {
            conversation: alice_id,
            mode: Disappearing::AfterSend(600),
        })
        .await;
        let message = newest_files(&bob, alice_id).await.unwrap();
        bob.ask(Command::FileSaved(message.files[0].file)).await;
        let notice = saved(&alice, bob_id).await;
        let expiry = notice.expiry.expect("it disappears");
        assert_eq!((expiry.mode, expiry.at), (Disappearing::AfterRead(600), None));
        alice
            .ask(Command::MarkRead {
                conversation: bob_id,
                up_to: notice.sent_at,
            })
            .await;
        tokio::time::sleep(Duration::from_secs(11 * 60)).await;
        let left = alice.messages(bob_id).await;
        assert!(left.iter().all(|message| message.kind != notice.kind));
    })
    .await;
}
