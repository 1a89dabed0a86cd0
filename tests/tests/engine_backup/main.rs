//! Backup files between whole engines over a whole network: what the swarm has forgotten comes back from a file, once, and
//! nobody hears of it.

mod files;

use std::time::Duration;

use holdfast_client::api::{
    BACKUP_HEAD, BACKUP_SLICE, BackupContents, BackupFault, BackupId, BackupTaken, Command, DeleteScope,
    Disappearing, Event, Failure, Message, Passphrase, Reply, RestoreStage, Standing,
};
use holdfast_protocol::account::Id;
use holdfast_tests::net::{Device, World, run};

const SOON: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const PHRASE: &str = "three green kelp fronds";

/// Makes a backup file, as a front end does.
async fn make(device: &Device, files: bool) -> Vec<u8> {
    let passphrase = Passphrase::new(PHRASE.to_owned());
    let mut command = Command::StartBackup { passphrase, files };
    let (mut bytes, mut part) = (Vec::new(), 0);
    loop {
        let Reply::BackupPart(next) = device.ask(command).await else {
            panic!("no part");
        };
        bytes.extend(next.bytes);
        if next.last {
            return bytes;
        }
        part += 1;
        command = Command::ReadBackup {
            backup: next.backup,
            part,
        };
    }
}

fn slices(bytes: &[u8]) -> Vec<(u64, Vec<u8>, bool)> {
    let count = bytes.len().div_ceil(BACKUP_SLICE);
    let slice = |(at, slice): (usize, &[u8])| {
        let offset = u64::try_from(at * BACKUP_SLICE).unwrap();
        (offset, slice.to_vec(), at + 1 == count)
    };
    bytes.chunks(BACKUP_SLICE).enumerate().map(slice).collect()
}

/// Opens and checks a file.
async fn look(device: &Device, bytes: &[u8]) -> Result<(BackupId, BackupContents), Failure> {
    let command = Command::OpenBackup {
        passphrase: Passphrase::new(PHRASE.to_owned()),
        head: bytes[..BACKUP_HEAD.min(bytes.len())].to_vec(),
    };
    let Reply::BackupOpened(backup) = device.engine.request(command).await? else {
        panic!("not opened");
    };
    for (offset, bytes, last) in slices(bytes) {
        let command = Command::CheckBackup {
            backup,
            offset,
            bytes,
            last,
        };
        if let Reply::BackupChecked(Some(contents)) = device.engine.request(command).await? {
            return Ok((backup, contents));
        }
    }
    panic!("never checked");
}

/// Takes so many slices of a checked file.
async fn take(device: &Device, backup: BackupId, bytes: &[u8], count: usize) -> Result<BackupTaken, Failure> {
    let mut taken = BackupTaken::default();
    for (offset, bytes, last) in slices(bytes).into_iter().take(count) {
        let command = Command::TakeBackup {
            backup,
            offset,
            bytes,
            last,
        };
        match device.engine.request(command).await? {
            Reply::BackupTaken(now) => taken = now,
            other => panic!("{other:?}"),
        }
    }
    Ok(taken)
}

async fn bring(device: &Device, bytes: &[u8]) -> BackupTaken {
    let (backup, _) = look(device, bytes).await.unwrap();
    take(device, backup, bytes, usize::MAX).await.unwrap()
}

/// Messages as they are the same on every device.
async fn shown(device: &Device, conversation: Id) -> Vec<String> {
    let line = |message: Message| {
        let reactions: Vec<_> = message
            .reactions
            .iter()
            .map(|reaction| (reaction.emoji.clone(), reaction.from.clone()))
            .collect();
        let quote = message
            .quote
            .map(|quote| (quote.author, quote.sent_at, quote.text));
        format!(
            "{} {} {:?} {} {reactions:?} {quote:?} {:?} {:?}",
            message.sent_at, message.outgoing, message.kind, message.body, message.expiry, message.state
        )
    };
    let messages = device.messages(conversation).await;
    messages.into_iter().map(line).collect()
}

/// Two people who have written to each other, with answers and reactions, and nothing left to send.
async fn pair(world: &World) -> (Device, Id, Device, Id) {
    let (alice, bob) = (Device::new(world), Device::new(world));
    let (alice_id, bob_id) = (alice.create("Alice").await, bob.create("Bob").await);
    alice.send(bob_id, "hi").await.unwrap();
    bob.wait_for_texts(alice_id, 1, SOON).await;
    bob.send(alice_id, "hello").await.unwrap();
    alice.wait_for_texts(bob_id, 2, SOON).await;
    let question = by_text(&alice, bob_id, "hello").await;
    alice
        .ask(Command::SendText {
            conversation: bob_id,
            body: "an answer".to_owned(),
            reply_to: Some(question.id),
            files: Vec::new(),
            link: None,
        })
        .await;
    alice
        .ask(Command::React {
            message: question.id,
            emoji: "😂".to_owned(),
            add: true,
        })
        .await;
    alice.send(alice_id, "a note").await.unwrap();
    alice.wait_until_sent(bob_id, SOON).await;
    alice.wait_until_sent(alice_id, SOON).await;
    settle().await;
    (alice, alice_id, bob, bob_id)
}

async fn by_text(device: &Device, conversation: Id, body: &str) -> Message {
    let messages = device.messages(conversation).await;
    messages
        .into_iter()
        .find(|message| message.body == body)
        .expect("the message")
}

async fn settle() {
    tokio::time::sleep(SOON).await;
}

/// The swarms forget every message, and keep what the account's devices share.
async fn weeks_pass(alice: &Device, bob_id: Id) {
    tokio::time::advance(DAY * 15).await;
    tokio::time::sleep(SOON * 2).await;
    assert!(!alice.texts(bob_id).await.is_empty());
}

/// Another device of the account, which has read all that the network has.
async fn restored(world: &World, first: &Device) -> Device {
    let device = Device::new(world);
    device.restore(first.seed().await).await;
    device
        .wait_for("restored", SOON * 2, |now| now.restore.is_none())
        .await;
    settle().await;
    device
}

#[tokio::test(start_paused = true)]
async fn what_the_network_has_forgotten_comes_back_from_the_file() {
    run(async {
        let world = World::new().await;
        let (alice, alice_id, bob, bob_id) = pair(&world).await;
        bob.ask(Command::MarkRead {
            conversation: alice_id,
            up_to: world.now_ms(),
        })
        .await;
        let file = make(&alice, false).await;
        weeks_pass(&alice, bob_id).await;
        let mut late = restored(&world, &alice).await;
        assert!(late.texts(bob_id).await.is_empty());
        assert_eq!(
            late.conversation(bob_id).await.unwrap().standing,
            Standing::Active
        );
        assert!(late.find("answer", None).await.messages.is_empty());
        // Everybody listens.
        for device in [&alice, &bob, &late] {
            device.events.borrow_mut().clear();
        }
        let (backup, contents) = look(&late, &file).await.unwrap();
        assert_eq!((contents.conversations, contents.files), (2, 0));
        assert!(late.texts(bob_id).await.is_empty(), "a look takes nothing");
        let taken = take(&late, backup, &file, usize::MAX).await.unwrap();
        assert_eq!(
            (taken.added, taken.known, taken.left_out),
            (contents.messages, 0, 0)
        );
        for conversation in [bob_id, alice_id] {
            assert_eq!(
                shown(&late, conversation).await,
                shown(&alice, conversation).await
            );
        }
        let (one, other) = (
            alice.conversation(bob_id).await.unwrap(),
            late.conversation(bob_id).await.unwrap(),
        );
        assert_eq!((one.unread, one.read_up_to), (other.unread, other.read_up_to));
        assert_eq!(one.preview, other.preview);
        assert_eq!(late.find("answer", None).await.messages.len(), 1);
        settle().await;
        assert_eq!(late.network().await.outbox, 0);
        let told = |device: &Device| {
            let events = device.events.borrow();
            let loud = |event: &&Event| matches!(event, Event::Notify { .. } | Event::Message(_));
            events.iter().filter(loud).count()
        };
        assert_eq!((told(&alice), told(&bob)), (0, 0));
        assert!(
            !late
                .events
                .borrow()
                .iter()
                .any(|event| matches!(event, Event::Notify { .. }))
        );
        // Again, and after a restart: the same.
        let again = bring(&late, &file).await;
        assert_eq!((again.added, again.known), (0, contents.messages));
        late.restart().await;
        assert_eq!(shown(&late, bob_id).await, shown(&alice, bob_id).await);
        // And the conversation goes on.
        bob.send(alice_id, "still there?").await.unwrap();
        settle().await;
        assert_eq!(
            late.texts(bob_id).await.last().map(String::as_str),
            Some("still there?")
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_in_the_middle_is_followed_by_the_same_file() {
    run(async {
        let world = World::new().await;
        let (alice, _, _bob, bob_id) = pair(&world).await;
        for at in 0..90 {
            // Long enough for several slices.
            alice
                .send(bob_id, &format!("{at} {}", "x".repeat(1_900)))
                .await
                .unwrap();
        }
        alice.wait_until_sent(bob_id, SOON * 12).await;
        let file = make(&alice, false).await;
        assert!(slices(&file).len() > 2);
        weeks_pass(&alice, bob_id).await;
        let mut late = restored(&world, &alice).await;
        let (backup, contents) = look(&late, &file).await.unwrap();
        // What was encrypted together is whole with the second.
        let some = take(&late, backup, &file, 2).await.unwrap();
        assert!(some.added > 0 && some.added < contents.messages);
        late.restart().await;
        let gone = take(&late, backup, &file, 1).await;
        assert_eq!(gone.unwrap_err(), Failure::Backup(BackupFault::Interrupted));
        let taken = bring(&late, &file).await;
        assert_eq!(
            (taken.known, taken.known + taken.added),
            (some.added, contents.messages)
        );
        assert_eq!(shown(&late, bob_id).await, shown(&alice, bob_id).await);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn deleted_stays_deleted_and_disappeared_stays_away() {
    run(async {
        let world = World::new().await;
        let (alice, _, _bob, bob_id) = pair(&world).await;
        let mode = Disappearing::AfterSend(20 * 24 * 60 * 60);
        alice
            .ask(Command::SetDisappearing {
                conversation: bob_id,
                mode,
            })
            .await;
        alice.send(bob_id, "for twenty days").await.unwrap();
        alice.wait_until_sent(bob_id, SOON).await;
        let file = make(&alice, false).await;
        let deleted = by_text(&alice, bob_id, "an answer").await;
        alice
            .ask(Command::DeleteMessages {
                messages: vec![deleted.id],
                scope: DeleteScope::ThisDevice,
            })
            .await;
        weeks_pass(&alice, bob_id).await;
        // Two more weeks: marks of what a swarm could still have are gone, and so is what lived for twenty days.
        weeks_pass(&alice, bob_id).await;
        let left = shown(&alice, bob_id).await;
        let taken = bring(&alice, &file).await;
        assert_eq!(taken.added, 0);
        assert_eq!(shown(&alice, bob_id).await, left);
        let late = restored(&world, &alice).await;
        bring(&late, &file).await;
        // Here nobody deleted it; what disappeared stays away everywhere.
        let texts = late.texts(bob_id).await;
        assert!(texts.iter().any(|text| text == "an answer"), "{texts:?}");
        assert!(!texts.iter().any(|text| text == "for twenty days"), "{texts:?}");
        // A contact that one device removes does not come back on another.
        alice.ask(Command::DeleteContact(bob_id)).await;
        settle().await;
        let later = restored(&world, &alice).await;
        for device in [&alice, &late, &later] {
            let taken = bring(device, &file).await;
            assert_eq!((taken.contacts, taken.files), (0, 0));
            assert!(device.texts(bob_id).await.is_empty());
            assert!(device.conversation(bob_id).await.is_none());
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn contacts_that_the_network_lost_come_back_for_all_devices() {
    run(async {
        let world = World::new().await;
        let (mut alice, alice_id, bob, bob_id) = pair(&world).await;
        let nickname = "Bobby".to_owned();
        alice.ask(Command::SetNickname { id: bob_id, nickname }).await;
        settle().await;
        let file = make(&alice, false).await;
        let seed = alice.seed().await;
        // Nobody is there for more than a month.
        alice.crash();
        tokio::time::advance(DAY * 40).await;
        tokio::time::sleep(SOON).await;
        let late = Device::new(&world);
        late.restore(seed.clone()).await;
        late.wait_for("no profile", SOON * 2, |now| {
            now.restore.as_ref().map(|restore| restore.stage) == Some(RestoreStage::NoProfile)
        })
        .await;
        let name = "Alice".to_owned();
        late.ask(Command::ContinueWithoutProfile { name }).await;
        late.wait_for("complete", SOON * 2, |now| now.restore.is_none())
            .await;
        settle().await;
        assert!(late.conversation(bob_id).await.is_none());
        let taken = bring(&late, &file).await;
        assert_eq!(taken.contacts, 1);
        let held = late.conversation(bob_id).await.unwrap();
        assert_eq!(
            (held.standing, held.nickname.as_deref()),
            (Standing::Active, Some("Bobby"))
        );
        assert_eq!(held.unread, 0, "what was read is read");
        settle().await;
        let other = Device::new(&world);
        other.restore(seed).await;
        other
            .wait_for("the contact", SOON * 2, |now| {
                let named =
                    |held: &holdfast_client::api::Conversation| held.nickname.as_deref() == Some("Bobby");
                now.conversations.iter().any(named)
            })
            .await;
        bob.send(alice_id, "back again?").await.unwrap();
        settle().await;
        assert_eq!(
            late.texts(bob_id).await.last().map(String::as_str),
            Some("back again?")
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn another_account_is_refused() {
    run(async {
        let world = World::new().await;
        let (alice, _, bob, _) = pair(&world).await;
        let file = make(&alice, false).await;
        let refused = look(&bob, &file).await.unwrap_err();
        let why = holdfast_protocol::backup::BackupError::WrongAccount;
        assert_eq!(refused, Failure::Backup(BackupFault::File(why)));
    })
    .await;
}
