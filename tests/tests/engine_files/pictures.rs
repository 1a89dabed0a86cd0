//! Profile pictures: sent, seen by contacts and own devices, replaced and removed.

use super::*;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Sets a picture.
pub(super) async fn set(device: &Device, bytes: &[u8]) -> FileId {
    let staged = announce(device, Purpose::Picture, info("", "image/png", bytes.len()))
        .await
        .unwrap();
    write(device, staged.file, bytes).await;
    device.ask(Command::SetPicture(Some(staged.file))).await;
    staged.file
}

/// Waits until a device shows a picture of somebody, and gives its bytes.
pub(super) async fn seen(device: &Device, of: Id) -> Vec<u8> {
    let snapshot = device
        .wait_for("a picture", SOON, |snapshot| {
            let mut conversations = snapshot.conversations.iter();
            conversations.any(|conversation| conversation.id == of && conversation.picture.is_some())
        })
        .await;
    let mut conversations = snapshot.conversations.into_iter();
    let conversation = conversations.find(|conversation| conversation.id == of).unwrap();
    content(device, conversation.picture.unwrap()).await
}

/// Reads a picture.
async fn content(device: &Device, file: FileId) -> Vec<u8> {
    match device.ask(Command::ReadFile { file, offset: 0 }).await {
        Reply::Bytes(bytes) => bytes,
        other => panic!("{other:?}"),
    }
}

/// Two friends, one of whom has a picture that the other sees, and its number there.
async fn with_picture(world: &World) -> (Device, Id, Device, Id, Option<FileId>) {
    let (alice, alice_id, bob, bob_id) = friends(world).await;
    set(&alice, &png()).await;
    is_sent(&alice).await;
    alice.send(bob_id, "look").await.unwrap();
    assert_eq!(seen(&bob, alice_id).await, png());
    let picture = bob.conversation(alice_id).await.unwrap().picture;
    (alice, alice_id, bob, bob_id, picture)
}

/// Waits until a device shows its own picture, and gives its bytes.
async fn own(device: &Device) -> Vec<u8> {
    let snapshot = device
        .wait_for("the own picture", SOON, |snapshot| {
            let account = snapshot.account.as_ref();
            account.is_some_and(|account| account.picture.is_some())
        })
        .await;
    content(device, snapshot.account.unwrap().picture.unwrap()).await
}

/// Days pass, each with some time for what devices do once a day.
async fn days_pass(count: u32) {
    for _ in 0..count {
        tokio::time::advance(DAY).await;
        tokio::time::sleep(SOON).await;
    }
}

/// Waits until the file server has the own picture.
pub(super) async fn is_sent(device: &Device) {
    device
        .wait_for("the picture on the server", SOON, |snapshot| {
            let account = snapshot.account.as_ref();
            account.is_some_and(|account| !account.picture_waits)
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_picture_reaches_contacts_and_the_own_devices_and_goes_again() {
    run(async {
        let world = World::with_files().await;
        let (alice, alice_id, bob, bob_id) = friends(&world).await;
        let other = Device::new(&world);
        other.restore(alice.seed().await).await;
        other.wait_for_texts(bob_id, 2, SOON).await;
        set(&alice, &png()).await;
        let account = alice.snapshot().await.account.unwrap();
        assert!(account.picture.is_some(), "it is shown at once");
        is_sent(&alice).await;
        alice.send(bob_id, "look").await.unwrap();
        assert_eq!(seen(&bob, alice_id).await, png());
        other
            .wait_for("the picture on the other device", SOON, |snapshot| {
                snapshot
                    .account
                    .as_ref()
                    .is_some_and(|account| account.picture.is_some())
            })
            .await;

        alice.ask(Command::SetPicture(None)).await;
        alice.send(bob_id, "gone").await.unwrap();
        let gone = |snapshot: &holdfast_client::api::Snapshot| {
            snapshot
                .conversations
                .iter()
                .all(|conversation| conversation.picture.is_none())
        };
        bob.wait_for("no picture", SOON, gone).await;
        other
            .wait_for("no picture on the other device", SOON, |snapshot| {
                snapshot
                    .account
                    .as_ref()
                    .is_some_and(|account| account.picture.is_none())
            })
            .await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_picture_waits_for_the_file_server_and_survives_a_crash() {
    run(async {
        let world = World::with_files().await;
        let (mut alice, alice_id, bob, bob_id) = friends(&world).await;
        world.set_file_server_up(false);
        set(&alice, &png()).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(alice.snapshot().await.account.unwrap().picture_waits);
        alice.restart().await;
        assert!(alice.snapshot().await.account.unwrap().picture_waits);
        world.set_file_server_up(true);
        alice
            .wait_for(
                "the picture on the server",
                Duration::from_secs(20 * 60),
                |snapshot| {
                    snapshot
                        .account
                        .as_ref()
                        .is_some_and(|account| !account.picture_waits)
                },
            )
            .await;
        alice.send(bob_id, "look").await.unwrap();
        assert_eq!(seen(&bob, alice_id).await, png());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_picture_that_could_not_be_fetched_comes_when_the_connection_is_back() {
    run(async {
        let world = World::with_files().await;
        let (alice, alice_id, bob, bob_id) = friends(&world).await;
        set(&alice, &png()).await;
        is_sent(&alice).await;
        world.set_file_server_up(false);
        alice.send(bob_id, "look").await.unwrap();
        bob.wait_for_texts(alice_id, 3, SOON).await;
        tokio::time::sleep(GIVEN_UP).await;
        assert_eq!(bob.conversation(alice_id).await.unwrap().picture, None);
        world.set_file_server_up(true);
        bob.ask(Command::Wake).await;
        assert_eq!(seen(&bob, alice_id).await, png());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn pictures_of_people_stay_when_there_is_no_room() {
    run(async {
        let world = World::with_files().await;
        let (_alice, alice_id, bob, _, before) = with_picture(&world).await;
        // What is not sent yet takes all the room there is.
        stage(&bob, alice_id, "large.bin", "", &noise(10_000, 1)).await;
        bob.ask(Command::SetFileQuota(100)).await;
        tokio::time::sleep(SOON).await;
        // Thrown away, it would have been fetched again, under another number, without an end.
        assert_eq!(bob.conversation(alice_id).await.unwrap().picture, before);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_own_picture_is_kept_alive_on_the_server() {
    run(async {
        let world = World::with_files().await;
        let (mut alice, alice_id, bob, bob_id) = friends(&world).await;
        set(&alice, &png()).await;
        is_sent(&alice).await;
        let before = world.file_expiries().await;
        alice.crash();
        tokio::time::sleep(Duration::from_secs(3 * 60 * 60)).await;
        alice.restart().await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        let after = world.file_expiries().await;
        assert_eq!((before.len(), after.len()), (1, 1));
        assert!(after[0] > before[0] + 2 * 60 * 60 * 1_000, "{before:?} {after:?}");
        alice.send(bob_id, "still here").await.unwrap();
        assert_eq!(seen(&bob, alice_id).await, png());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_own_picture_outlives_the_servers_two_weeks_under_the_same_address() {
    run(async {
        let world = World::with_files().await;
        let (alice, alice_id, bob, bob_id, before) = with_picture(&world).await;
        days_pass(16).await;
        let expiries = world.file_expiries().await;
        assert_eq!(expiries.len(), 1);
        let soon = world.now_ms() + 12 * DAY.as_millis() as u64;
        assert!(expiries[0] > soon, "{expiries:?}");
        alice.send(bob_id, "still here").await.unwrap();
        bob.wait_for_texts(alice_id, 4, SOON).await;
        tokio::time::sleep(SOON).await;
        let after = bob.conversation(alice_id).await.unwrap().picture;
        assert_eq!(after, before, "it was told as another one, and fetched again");
        // Whoever comes now finds it.
        let late = Device::new(&world);
        late.restore(alice.seed().await).await;
        assert_eq!(own(&late).await, png());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_own_picture_is_sent_again_when_the_server_lost_it_before_its_time() {
    run(async {
        let world = World::with_files().await;
        let (alice, alice_id, bob, bob_id, before) = with_picture(&world).await;
        world.lose_files().await;
        // A new device asks for it; that is when the server notices.
        let other = Device::new(&world);
        other.restore(alice.seed().await).await;
        other
            .wait_for("restored", SOON, |snapshot| snapshot.restore.is_none())
            .await;
        tokio::time::sleep(SOON).await;
        assert_eq!(other.snapshot().await.account.unwrap().picture, None);
        // For twelve days after it was told, it is let be (`spec/07-files-and-attachments.md §8.5`).
        days_pass(10).await;
        assert!(world.file_expiries().await.is_empty());
        days_pass(5).await;
        assert_eq!(world.file_expiries().await.len(), 1, "once");
        assert_eq!(own(&other).await, png());
        alice.send(bob_id, "look again").await.unwrap();
        let anew = bob
            .wait_for("the picture from its new place", SOON, |snapshot| {
                let mut all = snapshot.conversations.iter();
                all.any(|one| one.id == alice_id && one.picture.is_some() && one.picture != before)
            })
            .await;
        let mut all = anew.conversations.into_iter();
        let picture = all.find(|one| one.id == alice_id).and_then(|one| one.picture);
        assert_eq!(content(&bob, picture.unwrap()).await, png());
    })
    .await;
}
