//! Profile pictures: sent, seen by contacts and own devices, replaced and removed.

use super::*;

/// Sets a picture.
async fn set(device: &Device, bytes: &[u8]) -> FileId {
    let staged = announce(device, Purpose::Picture, info("", "image/png", bytes.len()))
        .await
        .unwrap();
    write(device, staged.file, bytes).await;
    device.ask(Command::SetPicture(Some(staged.file))).await;
    staged.file
}

/// Waits until a device shows a picture of somebody, and gives its bytes.
async fn seen(device: &Device, of: Id) -> Vec<u8> {
    let snapshot = device
        .wait_for("a picture", SOON, |snapshot| {
            let mut conversations = snapshot.conversations.iter();
            conversations.any(|conversation| conversation.id == of && conversation.picture.is_some())
        })
        .await;
    let mut conversations = snapshot.conversations.into_iter();
    let conversation = conversations.find(|conversation| conversation.id == of).unwrap();
    match device
        .ask(Command::ReadFile {
            file: conversation.picture.unwrap(),
            offset: 0,
        })
        .await
    {
        Reply::Bytes(bytes) => bytes,
        other => panic!("{other:?}"),
    }
}

/// Waits until the file server has the own picture.
async fn is_sent(device: &Device) {
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
async fn pictures_of_people_stay_when_there_is_no_room() {
    run(async {
        let world = World::with_files().await;
        let (alice, alice_id, bob, bob_id) = friends(&world).await;
        set(&alice, &png()).await;
        is_sent(&alice).await;
        alice.send(bob_id, "look").await.unwrap();
        assert_eq!(seen(&bob, alice_id).await, png());
        let before = bob.conversation(alice_id).await.unwrap().picture;
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
