//! A history that goes into a file and comes out of it: equal, once, in pieces, and without what was deleted.

use std::rc::Rc;

use futures::future::LocalBoxFuture;

use futures::StreamExt;
use futures::executor::block_on;
use holdfast_protocol::account::{Id, Seed};
use holdfast_protocol::backup::BackupError;
use holdfast_protocol::config::ConfigKind;

use crate::Options;
use crate::api::{
    BACKUP_HEAD, BACKUP_SLICE, BackupFault, BackupId, BackupTaken, Command, Disappearing, Event, Expiry,
    Failure, FileId, FileInfo, MessageKind, MessageState, Notice, Notify, Passphrase, Position, Reply,
};
use crate::core::Core;
use crate::driver::Driver;
use crate::ports::{Collection, Scan, Store};
use crate::records::{
    AttachmentRecord, FilePlace, FileRecord, Gone, Held, MessageRecord, ReactionRecord, Target, decode, keys,
};
use crate::store::memory::MemoryStore;
use crate::test_support::{CountingRng, ManualClock, id};
use crate::testing::offline;
use crate::work::{Reader, Work};

const NOW: u64 = 1_780_000_000_000;
const DAY: u64 = 24 * 60 * 60 * 1_000;
/// When the first message of a history was sent: no swarm has it any more.
const LONG_AGO: u64 = NOW - 100 * DAY;
const PHRASE: &str = "three green kelp fronds";

/// Carries out a command, on the heap: unoptimised, what all commands of a test wait for takes more than its stack.
fn carried(core: &Rc<Core>, command: Command) -> LocalBoxFuture<'_, Result<Reply, Failure>> {
    Box::pin(core.carry_out(None, command))
}

fn core_at(store: &Rc<MemoryStore>, now: u64) -> Rc<Core> {
    let clock = Rc::new(ManualClock::new(now));
    let (ports, profile) = offline(store.clone(), clock, Rc::new(CountingRng::default()));
    let (spawner, _driver) = Driver::new();
    Core::new(ports, profile, Options::default(), spawner)
}

/// A device of the account, over a store that may hold it already, that has heard from the network.
async fn device_at(store: &Rc<MemoryStore>, now: u64) -> Rc<Core> {
    let core = core_at(store, now);
    core.load().await.unwrap();
    if core.own_id().is_none() {
        let command = Command::RestoreAccount {
            seed: Seed::from_bytes(&[1; 16]),
            name: Some("Ann".to_owned()),
        };
        carried(&core, command).await.unwrap();
    }
    if let Some(configs) = &mut core.state.borrow_mut().configs {
        configs.sync.pulled = true;
    }
    core
}

async fn device(store: &Rc<MemoryStore>) -> Rc<Core> {
    device_at(store, NOW).await
}

fn message(outgoing: bool, body: &str) -> MessageRecord {
    let (author, state) = if outgoing {
        (id(1), MessageState::Sent)
    } else {
        (id(2), MessageState::Received)
    };
    MessageRecord {
        hash: Some("A".repeat(43)),
        received_at: (!outgoing).then_some(LONG_AGO),
        ..MessageRecord::text(author, outgoing, body.to_owned(), state)
    }
}

async fn friend(core: &Core) {
    let mut work = Work::begin(core).await;
    let contact = work.contact(&id(2));
    contact.name = Some("Bert".to_owned());
    contact.approved = true;
    contact.approved_me = true;
    work.commit().await.unwrap();
}

/// A device with a friend and a history of so many texts, of which the last three are unread.
async fn filled(store: &Rc<MemoryStore>, texts: u64) -> Rc<Core> {
    let core = device_at(store, NOW - 10 * DAY).await;
    friend(&core).await;
    let mut work = Work::begin(&core).await;
    for at in 0..texts {
        let record = message(at % 3 == 0, &format!("text {at}"));
        work.insert(&id(2), LONG_AGO + at, record).await.unwrap();
    }
    work.mark_read(&id(2), LONG_AGO + texts - 4, Reader::Elsewhere);
    work.commit().await.unwrap();
    core
}

async fn make(core: &Rc<Core>, files: bool) -> Vec<u8> {
    let passphrase = Passphrase::new(PHRASE.to_owned());
    let mut command = Command::StartBackup { passphrase, files };
    let (mut bytes, mut part) = (Vec::new(), 0);
    loop {
        let Reply::BackupPart(next) = carried(core, command).await.unwrap() else {
            panic!("no part");
        };
        assert!(next.done <= next.total, "{next:?}");
        bytes.extend(next.bytes);
        if next.last {
            assert_eq!(next.done, next.total);
            return bytes;
        }
        part += 1;
        command = Command::ReadBackup {
            backup: next.backup,
            part,
        };
    }
}

fn slices(bytes: &[u8]) -> impl Iterator<Item = (u64, Vec<u8>, bool)> + '_ {
    let count = bytes.len().div_ceil(BACKUP_SLICE);
    bytes.chunks(BACKUP_SLICE).enumerate().map(move |(at, slice)| {
        let offset = u64::try_from(at * BACKUP_SLICE).unwrap();
        (offset, slice.to_vec(), at + 1 == count)
    })
}

async fn open(core: &Rc<Core>, bytes: &[u8]) -> Result<BackupId, Failure> {
    let command = Command::OpenBackup {
        passphrase: Passphrase::new(PHRASE.to_owned()),
        head: bytes[..BACKUP_HEAD.min(bytes.len())].to_vec(),
    };
    match carried(core, command).await? {
        Reply::BackupOpened(backup) => Ok(backup),
        other => panic!("{other:?}"),
    }
}

async fn check(core: &Rc<Core>, bytes: &[u8]) -> Result<BackupId, Failure> {
    let backup = open(core, bytes).await?;
    for (offset, bytes, last) in slices(bytes) {
        let command = Command::CheckBackup {
            backup,
            offset,
            bytes,
            last,
        };
        let Reply::BackupChecked(contents) = carried(core, command).await? else {
            panic!("not checked");
        };
        assert_eq!(contents.is_some(), last);
    }
    Ok(backup)
}

/// Takes as many slices of a checked file.
async fn take_some(core: &Rc<Core>, backup: BackupId, bytes: &[u8], count: usize) -> BackupTaken {
    take(core, backup, slices(bytes).take(count)).await
}

async fn take(
    core: &Rc<Core>,
    backup: BackupId,
    slices: impl Iterator<Item = (u64, Vec<u8>, bool)>,
) -> BackupTaken {
    let mut taken = BackupTaken::default();
    for (offset, bytes, last) in slices {
        let command = Command::TakeBackup {
            backup,
            offset,
            bytes,
            last,
        };
        match carried(core, command).await.unwrap() {
            Reply::BackupTaken(now) => taken = now,
            other => panic!("{other:?}"),
        }
    }
    taken
}

async fn bring(core: &Rc<Core>, bytes: &[u8]) -> BackupTaken {
    let backup = check(core, bytes).await.unwrap();
    take_some(core, backup, bytes, usize::MAX).await
}

/// All messages of the store without what only numbers them.
async fn messages(store: &MemoryStore) -> Vec<(Id, u64, MessageRecord)> {
    let scan = Scan {
        collection: Collection::Messages,
        from: Vec::new(),
        to: None,
        reverse: false,
        limit: usize::MAX,
    };
    let mut all = Vec::new();
    for (key, value) in store.scan(scan).await.unwrap() {
        let (conversation, position) = keys::read_message(&key).unwrap();
        let mut record: MessageRecord = decode(&value).unwrap();
        for file in &mut record.files {
            file.file = FileId(0);
        }
        all.push((conversation, position.sent_at, record));
    }
    all
}

/// What counts messages, and what they leave behind.
fn counters(core: &Core) -> (u32, u32, u64, usize, usize) {
    let state = core.state.borrow();
    let held = &state.conversations[&id(2)];
    (
        held.total,
        held.unread,
        held.read_up_to,
        state.expiring.len(),
        state.outbox.len(),
    )
}

/// The documents that the account's devices share, as they are kept.
fn documents(core: &Core) -> [Option<Vec<u8>>; 4] {
    ConfigKind::ALL.map(|kind| core.read_configs(|docs| docs.get(kind).clone().dump().to_vec()))
}

#[test]
fn a_history_comes_back_equal_and_only_once() {
    block_on(async {
        let (old, new) = (Rc::default(), Rc::default());
        let before = filled(&old, 1_000).await;
        let mut work = Work::begin(&before).await;
        let answered = Target {
            author: id(2),
            sent_at: LONG_AGO + 1,
        };
        let word = |emoji: &str, from, on| ReactionRecord {
            emoji: emoji.to_owned(),
            from,
            at: LONG_AGO + 5,
            on,
        };
        let rich = MessageRecord {
            quote: Some(answered),
            reactions: vec![word("😂", id(1), true), word("🥰", id(2), false)],
            state: MessageState::Read,
            expiry: Some(Expiry {
                mode: Disappearing::AfterRead(1_000_000_000),
                at: Some(NOW + DAY),
            }),
            ..message(true, "rich")
        };
        let notice = Notice::Disappearing(Disappearing::AfterSend(60));
        work.insert(&id(2), LONG_AGO + 2_000, rich).await.unwrap();
        let told = MessageRecord::notice(id(2), false, notice, MessageState::Received);
        work.insert(&id(2), LONG_AGO + 2_001, told).await.unwrap();
        let gone = MessageRecord {
            kind: MessageKind::Deleted,
            ..message(false, "")
        };
        work.insert(&id(2), LONG_AGO + 2_002, gone).await.unwrap();
        let own = MessageRecord::text(id(1), true, "note".to_owned(), MessageState::Sent);
        work.insert(&id(1), LONG_AGO, own).await.unwrap();
        let unsent = MessageRecord::text(id(1), true, "not sent".to_owned(), MessageState::Queued);
        let unsent = work.insert(&id(2), LONG_AGO + 2_003, unsent).await.unwrap();
        work.commit().await.unwrap();
        let file = make(&before, false).await;
        let mut work = Work::begin(&before).await;
        work.remove(unsent.id, Gone::Here).await.unwrap();
        work.commit().await.unwrap();

        let after = device(&new).await;
        friend(&after).await;
        let before_it = documents(&after);
        let mut events = after.subscribe();
        let taken = bring(&after, &file).await;
        assert_eq!((taken.added, taken.known, taken.left_out), (1_004, 0, 0));
        assert!(messages(&new).await == messages(&old).await);
        assert_eq!(counters(&after), counters(&before));
        // What was unread is, and nobody was told of anything.
        assert_eq!(after.state.borrow().conversations[&id(2)].unread, 2);
        assert!(documents(&after) == before_it, "no config has changed");
        {
            let state = after.state.borrow();
            assert!(state.jobs.is_empty() && state.receipts.is_empty() && state.outbox.is_empty());
        }
        while let Some(Some(event)) = futures::FutureExt::now_or_never(events.next()) {
            assert!(!matches!(event, Event::Notify { .. }), "{event:?}");
        }

        let again = bring(&after, &file).await;
        assert_eq!((again.added, again.known, again.left_out), (0, 1_004, 0));
        assert!(messages(&new).await == messages(&old).await);
        assert_eq!(counters(&after), counters(&before));
    });
}

#[test]
fn a_crash_at_any_slice_costs_nothing_but_beginning_again() {
    block_on(async {
        let old = Rc::default();
        let before = filled(&old, 2_500).await;
        let file = make(&before, false).await;
        let all = file.len().div_ceil(BACKUP_SLICE);
        assert!(all > 3);
        for crash in 1..all {
            let new = Rc::default();
            let first = device(&new).await;
            friend(&first).await;
            let backup = check(&first, &file).await.unwrap();
            let some = take_some(&first, backup, &file, crash).await;
            drop(first);
            let second = device(&new).await;
            let taken = bring(&second, &file).await;
            assert_eq!((taken.known, taken.added + taken.known), (some.added, 2_500));
            assert!(
                messages(&new).await == messages(&old).await,
                "after {crash} slices"
            );
            assert_eq!(counters(&second), counters(&before));
        }
    });
}

#[test]
fn what_was_deleted_here_stays_deleted_however_old_it_is() {
    block_on(async {
        let store = Rc::default();
        let core = filled(&store, 50).await;
        let file = make(&core, false).await;
        let page = messages(&store).await;
        let mut work = Work::begin(&core).await;
        for sent_at in [LONG_AGO + 3, LONG_AGO + 4] {
            let author = page.iter().find(|(_, at, _)| *at == sent_at).unwrap().2.author;
            let target = Target { author, sent_at };
            let crate::work::Known::Present(id) = work.known(&id(2), &target).await.unwrap() else {
                panic!("not here");
            };
            work.remove(id, Gone::Here).await.unwrap();
        }
        work.commit().await.unwrap();
        core.prune_seen().await.unwrap();
        let taken = bring(&core, &file).await;
        assert_eq!((taken.added, taken.known, taken.left_out), (0, 48, 2));
        core.clear_conversation(id(2)).await.unwrap();
        let taken = bring(&core, &file).await;
        assert_eq!((taken.added, taken.known, taken.left_out), (0, 0, 50));
        core.delete_contact(id(2)).await.unwrap();
        let taken = bring(&core, &file).await;
        assert_eq!((taken.added, taken.contacts, taken.left_out), (0, 0, 50));
        assert!(!core.state.borrow().conversations.contains_key(&id(2)));
    });
}

#[test]
fn what_is_cleared_while_a_file_comes_back_stays_away() {
    block_on(async {
        let before = filled(&Rc::default(), 2_500).await;
        let file = make(&before, false).await;
        let after = device(&Rc::default()).await;
        friend(&after).await;
        let backup = check(&after, &file).await.unwrap();
        let some = take_some(&after, backup, &file, 2).await;
        assert!(some.added > 0 && some.added < 2_500);
        after.clear_conversation(id(2)).await.unwrap();
        let taken = take(&after, backup, slices(&file).skip(2)).await;
        assert_eq!((taken.added, taken.left_out), (some.added, 2_500 - some.added));
    });
}

#[test]
fn what_has_disappeared_stays_away() {
    block_on(async {
        let before = filled(&Rc::default(), 1).await;
        let mut work = Work::begin(&before).await;
        let timed = |at, mode| MessageRecord {
            expiry: Some(Expiry { mode, at }),
            ..message(false, "timed")
        };
        let day = u32::try_from(DAY / 1_000).unwrap();
        let (after_read, after_send) = (
            Disappearing::AfterRead(5 * day),
            Disappearing::AfterSend(30 * day),
        );
        let sent = NOW - 10 * DAY;
        for (sent_at, at, mode) in [
            // Over by the time of the file's return, over if it was read, and neither.
            (sent, Some(NOW - 1), after_send),
            (sent + 1, None, after_read),
            (sent + 2, Some(NOW + 20 * DAY), after_send),
        ] {
            work.insert(&id(2), sent_at, timed(at, mode)).await.unwrap();
        }
        work.commit().await.unwrap();
        let file = make(&before, false).await;
        for (read_up_to, expected) in [(sent, vec![sent + 1, sent + 2]), (sent + 1, vec![sent + 2])] {
            let new: Rc<MemoryStore> = Rc::default();
            let after = device(&new).await;
            friend(&after).await;
            let mut work = Work::begin(&after).await;
            work.mark_read(&id(2), read_up_to, Reader::Elsewhere);
            work.commit().await.unwrap();
            bring(&after, &file).await;
            let times: Vec<u64> = messages(&new)
                .await
                .into_iter()
                .map(|(_, at, _)| at)
                .skip(1)
                .collect();
            assert_eq!(times, expected);
            assert_eq!(after.state.borrow().expiring.len(), 1);
        }
    });
}

#[test]
fn newer_words_of_this_device_are_not_written_over() {
    block_on(async {
        let (old, new) = (Rc::default(), Rc::default());
        let before = filled(&old, 3).await;
        let word = |at, on| ReactionRecord {
            emoji: "😂".to_owned(),
            from: id(1),
            at,
            on,
        };
        let mut work = Work::begin(&before).await;
        work.conversation(&id(2)).draft = "an old draft".to_owned();
        let reacted = MessageRecord {
            reactions: vec![word(10, true)],
            ..message(false, "reacted")
        };
        work.insert(&id(2), LONG_AGO + 10, reacted).await.unwrap();
        work.commit().await.unwrap();
        before
            .set_preference("enter".to_owned(), "line".to_owned())
            .await
            .unwrap();
        before
            .set_preference("theme".to_owned(), "dark".to_owned())
            .await
            .unwrap();
        let file = make(&before, false).await;

        let after = device(&new).await;
        friend(&after).await;
        after
            .set_preference("theme".to_owned(), "light".to_owned())
            .await
            .unwrap();
        let mut work = Work::begin(&after).await;
        let taken_back = MessageRecord {
            reactions: vec![word(20, false)],
            ..message(false, "reacted")
        };
        work.insert(&id(2), LONG_AGO + 10, taken_back).await.unwrap();
        work.conversation(&id(2)).marked_unread = true;
        work.commit().await.unwrap();
        bring(&after, &file).await;
        let all = messages(&new).await;
        assert_eq!(all.last().unwrap().2.reactions, [word(20, false)]);
        {
            let state = after.state.borrow();
            let held = &state.conversations[&id(2)];
            // Nothing was begun or chosen here since the account came.
            assert_eq!((held.draft.as_str(), held.marked_unread), ("an old draft", true));
            assert_eq!(state.preferences["enter"], "line");
            assert_eq!(state.preferences["theme"], "light");
        }

        // On a device that had the account when the file was made, what is blank was made so.
        let mut work = Work::begin(&before).await;
        work.conversation(&id(2)).draft = String::new();
        work.commit().await.unwrap();
        bring(&before, &file).await;
        assert_eq!(before.state.borrow().conversations[&id(2)].draft, "");
    });
}

#[test]
fn contacts_come_from_the_file_only_where_the_network_has_none() {
    block_on(async {
        let old = Rc::default();
        let before = filled(&old, 5).await;
        let mut work = Work::begin(&before).await;
        let contact = work.contact(&id(2));
        contact.nickname = Some("Bertie".to_owned());
        contact.priority = 1;
        contact.notify = Notify::Nothing;
        work.commit().await.unwrap();
        let file = make(&before, false).await;

        // The network kept nothing.
        let after = device(&Rc::default()).await;
        let taken = bring(&after, &file).await;
        assert_eq!((taken.added, taken.contacts), (5, 1));
        {
            let state = after.state.borrow();
            assert_eq!(state.contacts[&id(2)], before.state.borrow().contacts[&id(2)]);
            assert!(
                state
                    .configs
                    .as_ref()
                    .unwrap()
                    .docs
                    .contacts
                    .contact(&id(2))
                    .is_some()
            );
        }

        // It kept contacts that were stored later, without this one: somebody removed it.
        let after = device(&Rc::default()).await;
        if let Some(configs) = &mut after.state.borrow_mut().configs {
            configs.sync.stored_at = [NOW; 4];
        }
        let taken = bring(&after, &file).await;
        assert_eq!((taken.added, taken.contacts, taken.left_out), (0, 0, 5));
        assert!(!after.state.borrow().conversations.contains_key(&id(2)));

        // Nothing has come from the network yet.
        let after = device(&Rc::default()).await;
        if let Some(configs) = &mut after.state.borrow_mut().configs {
            configs.sync.pulled = false;
        }
        let backup = check(&after, &file).await.unwrap();
        let (offset, bytes, last) = slices(&file).next().unwrap();
        let command = Command::TakeBackup {
            backup,
            offset,
            bytes,
            last,
        };
        let refused = carried(&after, command).await.unwrap_err();
        assert_eq!(refused, Failure::Backup(BackupFault::TooEarly));
        // The file stays open, and is taken as soon as that has come.
        if let Some(configs) = &mut after.state.borrow_mut().configs {
            configs.sync.pulled = true;
        }
        let taken = take_some(&after, backup, &file, usize::MAX).await;
        assert!(taken.added > 0);
    });
}

#[test]
fn files_come_back_with_their_messages() {
    block_on(async {
        let (old, new) = (Rc::default(), Rc::<MemoryStore>::default());
        let before = filled(&old, 2).await;
        let mut content = b"\x89PNG\r\n\x1a\n".to_vec();
        content.resize(600_000, 7);
        let mut work = Work::begin(&before).await;
        let number = FileId(work.next_number());
        let attachment = AttachmentRecord {
            file: number,
            info: FileInfo {
                name: Some("chart.png".to_owned()),
                content_type: "image/png".to_owned(),
                kind: crate::api::FileKind::Image,
                size: 600_000,
                ..FileInfo::default()
            },
            source: None,
            fault: None,
        };
        let with_file = MessageRecord {
            files: vec![attachment],
            ..message(false, "with a file")
        };
        let position = work.insert(&id(2), LONG_AGO + 50, with_file).await.unwrap();
        for (index, piece) in (0..).zip(content.chunks(crate::api::FILE_PIECE)) {
            work.put(Collection::Pieces, keys::piece(number, index), piece.to_vec());
        }
        let record = FileRecord {
            place: FilePlace::Message(position.id),
            size: 600_000,
            held: Held::Whole,
            used_at: 0,
            again_until: 0,
        };
        work.put_file(number, record).unwrap();
        work.commit().await.unwrap();
        let (without, with) = (make(&before, false).await, make(&before, true).await);

        let after = device(&new).await;
        friend(&after).await;
        assert_eq!(bring(&after, &without).await.files, 0);
        let taken = bring(&after, &with).await;
        assert_eq!((taken.added, taken.known, taken.files), (0, 3, 1));
        assert_eq!(bring(&after, &with).await.files, 0);
        let held: Vec<(FileId, FileRecord)> = {
            let state = after.state.borrow();
            state
                .files
                .iter()
                .map(|(file, record)| (file, record.clone()))
                .collect()
        };
        assert_eq!(
            (held.len(), held[0].1.held, held[0].1.size),
            (1, Held::Whole, 600_000)
        );
        let mut read = Vec::new();
        for index in 0..3 {
            read.extend(after.piece(held[0].0, index).await.unwrap().unwrap());
        }
        assert!(read == content);
        let gallery = keys::gallery(
            &id(2),
            crate::api::Gallery::Media,
            Position {
                sent_at: LONG_AGO + 50,
                id: match held[0].1.place {
                    FilePlace::Message(message) => message,
                    _ => panic!("not of a message"),
                },
            },
        );
        assert!(new.get(Collection::Gallery, &gallery).await.unwrap().is_some());
    });
}

#[test]
fn what_can_not_be_brought_back_is_told_apart_and_changes_nothing() {
    block_on(async {
        let store = Rc::default();
        let core = filled(&store, 100).await;
        let file = make(&core, false).await;
        let before = messages(&store).await;
        let why = |error| Failure::Backup(BackupFault::File(error));
        let mut altered = file.clone();
        *altered.last_mut().unwrap() ^= 1;
        for (bytes, expected) in [
            (&altered[..], BackupError::Altered),
            (&file[..file.len() - 1], BackupError::Truncated),
            (&b"something else"[..], BackupError::NotABackup),
        ] {
            assert_eq!(check(&core, bytes).await.unwrap_err(), why(expected));
        }
        let wrong = Command::OpenBackup {
            passphrase: Passphrase::new("three green kelp".to_owned()),
            head: file[..BACKUP_HEAD].to_vec(),
        };
        assert_eq!(
            carried(&core, wrong).await.unwrap_err(),
            why(BackupError::WrongPassphrase)
        );
        let stranger = core_at(&Rc::default(), NOW);
        let name = "Cleo".to_owned();
        carried(&stranger, Command::CreateAccount { name }).await.unwrap();
        assert_eq!(
            check(&stranger, &file).await.unwrap_err(),
            why(BackupError::WrongAccount)
        );
        // Only what was checked is taken, in its order, and only by the engine that checked it.
        let interrupted = Failure::Backup(BackupFault::Interrupted);
        let take = |backup, offset| Command::TakeBackup {
            backup,
            offset,
            bytes: file[..10].to_vec(),
            last: false,
        };
        let opened = open(&core, &file).await.unwrap();
        assert_eq!(carried(&core, take(opened, 0)).await.unwrap_err(), interrupted);
        let checked = check(&core, &file).await.unwrap();
        assert_eq!(
            carried(&core, take(BackupId(1), 0)).await.unwrap_err(),
            interrupted
        );
        assert_eq!(carried(&core, take(checked, 5)).await.unwrap_err(), interrupted);
        let ended = check(&core, &file).await.unwrap();
        carried(&core, Command::EndBackup(ended)).await.unwrap();
        assert_eq!(carried(&core, take(ended, 0)).await.unwrap_err(), interrupted);
        // And parts of a new file in theirs.
        let passphrase = Passphrase::new(PHRASE.to_owned());
        let short = Command::StartBackup {
            passphrase: Passphrase::new("short".to_owned()),
            files: false,
        };
        assert_eq!(
            carried(&core, short).await.unwrap_err(),
            Failure::Backup(BackupFault::Passphrase)
        );
        let start = Command::StartBackup {
            passphrase,
            files: false,
        };
        carried(&core, start).await.unwrap();
        let command = Command::ReadBackup {
            backup: BackupId(1),
            part: 1,
        };
        assert_eq!(carried(&core, command).await.unwrap_err(), interrupted);
        assert!(messages(&store).await == before);
    });
}
