//! A history that goes into a file and comes out of it: what the tests of it have in common.

mod files;
mod merging;
mod refusals;
mod returning;
mod staying_away;

use std::rc::Rc;

use futures::future::LocalBoxFuture;
use holdfast_protocol::account::{Id, Seed};
use holdfast_protocol::config::ConfigKind;

use crate::Options;
use crate::api::{
    BACKUP_HEAD, BACKUP_SLICE, BackupId, BackupTaken, Command, Failure, FileId, MessageState, Passphrase,
    Reply,
};
use crate::core::Core;
use crate::driver::Driver;
use crate::ports::{Collection, Scan, Store};
use crate::records::{MessageRecord, decode, keys};
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
