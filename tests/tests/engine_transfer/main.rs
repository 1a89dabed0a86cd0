//! An account goes from one device to another: the whole way, and whatever may come in between.

mod ending;
mod strangers;

use std::rc::Rc;
use std::time::Duration;

use holdfast_client::api::{
    AccountRequest, Command, Event, Failure, Reply, TransferEnd, TransferFault, TransferStage,
};
use holdfast_client::ports::{Collection, Scan, Store};
use holdfast_client::store::memory::MemoryStore;
use holdfast_protocol::account::Id;
use holdfast_protocol::transfer::{Code, LIFETIME_MS};
use holdfast_tests::net::{Device, Fault, World, run};

const SOON: Duration = Duration::from_secs(60);
const LATER: Duration = Duration::from_secs(200);
const HOUR_MS: i64 = 60 * 60 * 1_000;

/// What a device told last of its transfer.
fn stage(device: &Device) -> Option<TransferStage> {
    device.events.borrow().iter().rev().find_map(|event| match event {
        Event::AccountTransfer(stage) => Some(stage.clone()),
        _ => None,
    })
}

/// Waits until the last that a device told of its transfer is what is looked for.
async fn wait<T>(device: &Device, longest: Duration, found: impl Fn(TransferStage) -> Option<T>) -> T {
    let reached = async {
        loop {
            if let Some(found) = stage(device).and_then(&found) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    match tokio::time::timeout(longest, reached).await {
        Ok(found) => found,
        Err(_) => panic!("not after {longest:?}: {:?}", stage(device)),
    }
}

async fn wait_for(device: &Device, wanted: TransferStage) {
    wait(device, SOON, |stage| (stage == wanted).then_some(())).await;
}

/// Waits for the digits on the new device.
async fn shown_digits(device: &Device) -> String {
    wait(device, SOON, |stage| match stage {
        TransferStage::Compare { digits } => Some(digits),
        _ => None,
    })
    .await
}

/// Waits for the account on the new device.
async fn offered(device: &Device, longest: Duration) -> (Id, String) {
    wait(device, longest, |stage| match stage {
        TransferStage::Offered { id, name } => Some((id, name)),
        _ => None,
    })
    .await
}

async fn ask(device: &Device) -> AccountRequest {
    match device.ask(Command::AskForAccount).await {
        Reply::AccountAsked(asked) => asked,
        other => panic!("{other:?}"),
    }
}

async fn refused(device: &Device, command: Command) -> Failure {
    device.engine.request(command).await.unwrap_err()
}

fn no(fault: TransferFault) -> Failure {
    Failure::Transfer(fault)
}

fn answer(asked: &AccountRequest) -> Command {
    Command::AnswerTransfer(asked.code.clone())
}

fn give(digits: &str) -> Command {
    Command::GiveAccount {
        digits: digits.to_owned(),
    }
}

fn over(end: TransferEnd) -> TransferStage {
    TransferStage::Over(end)
}

fn mailbox(asked: &AccountRequest) -> Id {
    Code::read(&asked.code).unwrap().mailbox()
}

/// A device with an account whose profile is in its swarm.
async fn with_account(world: &World, name: &str) -> (Device, Id) {
    let device = Device::new(world);
    let id = device.create(name).await;
    tokio::time::sleep(SOON).await;
    (device, id)
}

/// Goes on until the new device shows digits.
async fn compared(old: &Device, new: &Device) -> (AccountRequest, String) {
    let asked = ask(new).await;
    old.ask(answer(&asked)).await;
    let digits = shown_digits(new).await;
    (asked, digits)
}

/// How many messages all nodes have together.
fn messages(world: &World) -> u64 {
    world.nodes.iter().map(|node| world.messages_on(node)).sum()
}

/// Whether these bytes stand anywhere in a store.
async fn holds(store: &Rc<dyn Store>, wanted: &[u8]) -> bool {
    let found = |bytes: &[u8]| bytes.windows(wanted.len()).any(|window| window == wanted);
    for collection in Collection::ALL {
        let scan = Scan {
            collection,
            from: Vec::new(),
            to: None,
            reverse: false,
            limit: usize::MAX,
        };
        for (key, value) in store.scan(scan).await.unwrap() {
            if found(&key) || found(&value) {
                return true;
            }
        }
    }
    false
}

#[tokio::test(start_paused = true)]
async fn an_account_is_given_to_a_new_device_and_comes_back_there() {
    run(async {
        let world = World::new().await;
        let (old, id) = with_account(&world, "Ann").await;
        let new = Device::new(&world);
        let asked = ask(&new).await;
        assert!((LIFETIME_MS - 999..=LIFETIME_MS).contains(&asked.lasts_ms));
        wait_for(&new, TransferStage::Waiting).await;
        let link = format!("https://chat.example.org/#/t/{}", asked.code);
        match old.ask(Command::AnswerTransfer(link)).await {
            Reply::TransferAnswered { lasts_ms } => assert!((1..=LIFETIME_MS + 1_000).contains(&lasts_ms)),
            other => panic!("{other:?}"),
        }
        wait_for(&old, TransferStage::Answered).await;
        let digits = shown_digits(&new).await;
        assert_eq!((digits.len(), digits.parse::<u32>().is_ok()), (6, true));
        old.ask(give(&digits)).await;
        wait_for(&old, TransferStage::Given).await;
        assert_eq!(offered(&new, SOON).await, (id, "Ann".to_owned()));
        // Nothing is kept before the user has said yes: neither of the account nor of the meeting place.
        let code = Code::read(&asked.code).unwrap();
        let seed = old.seed().await;
        for secret in [&seed.as_bytes()[..], code.key().as_bytes(), code.mailbox().key()] {
            assert!(!holds(&new.store, secret).await);
        }
        assert!(new.snapshot().await.account.is_none());
        new.ask(Command::TakeAccount).await;
        assert_eq!(new.id().await, id);
        assert!(new.snapshot().await.restore.is_some());
        let back = new.wait_for("restored", SOON, |now| now.restore.is_none()).await;
        assert_eq!(back.account.unwrap().name, "Ann");
        assert!(holds(&new.store, seed.as_bytes()).await);
        assert!(!holds(&new.store, code.mailbox().key()).await);
        // Both are devices of the account like any others.
        old.send(id, "a note").await.unwrap();
        assert_eq!(new.wait_for_texts(id, 1, SOON).await, ["a note"]);
        assert_eq!(refused(&old, give(&digits)).await, no(TransferFault::NotNow));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn clocks_that_are_hours_off_do_not_matter() {
    run(async {
        let world = World::new().await;
        let device = |skew| Device::with(&world, Rc::new(MemoryStore::new()), skew, world.profile());
        let (old, new) = (device(-3 * HOUR_MS), device(5 * HOUR_MS));
        let id = old.create("Ann").await;
        let (_, digits) = compared(&old, &new).await;
        old.ask(give(&digits)).await;
        assert_eq!(offered(&new, SOON).await.0, id);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn nodes_that_hold_nothing_open_delay_only() {
    run(async {
        let world = World::new().await;
        for node in &world.nodes {
            world.set_fault(node, Fault::Stock);
        }
        let (old, id) = with_account(&world, "Ann").await;
        let new = Device::new(&world);
        let (_, digits) = compared(&old, &new).await;
        old.ask(give(&digits)).await;
        assert_eq!(offered(&new, SOON).await.0, id);
    })
    .await;
}

/// Has a code answered while its swarm takes the answer and tells nobody.
async fn answered_unheard(world: &World, old: &Device, new: &Device) -> AccountRequest {
    let asked = ask(new).await;
    new.wait_for("paths", SOON, |now| now.network.paths > 1).await;
    let swarm = world.swarm_of(&mailbox(&asked));
    for node in &swarm {
        world.set_fault(node, Fault::DiesAnswering);
    }
    assert_eq!(refused(old, answer(&asked)).await, no(TransferFault::Unreachable));
    wait_for(old, over(TransferEnd::Unreachable)).await;
    for node in &swarm {
        world.set_fault(node, Fault::None);
    }
    asked
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_confirmed_is_repeated_as_it_was() {
    run(async {
        let world = World::new().await;
        let (old, id) = with_account(&world, "Ann").await;
        let before = messages(&world);
        let new = Device::new(&world);
        let asked = answered_unheard(&world, &old, &new).await;
        // It had arrived, and the other device opens its commitment before the code is read again.
        tokio::time::sleep(SOON).await;
        let digits = shown_digits(&new).await;
        assert_eq!(refused(&old, give(&digits)).await, no(TransferFault::NotNow));
        old.ask(answer(&asked)).await;
        wait_for(&old, TransferStage::Answered).await;
        old.ask(give(&digits)).await;
        wait_for(&old, TransferStage::Given).await;
        assert_eq!(offered(&new, SOON).await, (id, "Ann".to_owned()));
        new.ask(Command::EndTransfer).await;
        tokio::time::sleep(SOON).await;
        assert_eq!(messages(&world), before);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_confirmed_is_forgotten_when_it_is_stopped() {
    run(async {
        let world = World::new().await;
        let (old, _) = with_account(&world, "Ann").await;
        let new = Device::new(&world);
        let asked = answered_unheard(&world, &old, &new).await;
        old.ask(Command::EndTransfer).await;
        // That it is over was said before.
        assert_eq!(stage(&old), Some(over(TransferEnd::Unreachable)));
        tokio::time::sleep(SOON).await;
        shown_digits(&new).await;
        old.ask(answer(&asked)).await;
        wait_for(&new, over(TransferEnd::TwoAnswers)).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn nodes_that_die_in_the_middle_delay_only() {
    run(async {
        let world = World::new().await;
        let (old, id) = with_account(&world, "Ann").await;
        let new = Device::new(&world);
        let (asked, digits) = compared(&old, &new).await;
        let swarm = world.swarm_of(&mailbox(&asked));
        world.set_fault(&swarm[0], Fault::Dead);
        world.set_fault(&swarm[1], Fault::DiesAnswering);
        let mut given = old.engine.request(give(&digits)).await;
        for _ in 0..4 {
            if let Err(failure) = &given {
                // The same digits may be typed again.
                assert_eq!(*failure, no(TransferFault::Unreachable));
                given = old.engine.request(give(&digits)).await;
            }
        }
        given.unwrap();
        assert_eq!(offered(&new, LATER).await.0, id);
    })
    .await;
}
