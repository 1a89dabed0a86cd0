//! Several devices of one account: what one decides, all have, whatever comes in between.

mod edits;
mod erasing;
mod histories;
mod keeping;
mod renewal;
mod requests;
mod restore;

use std::time::Duration;

use holdfast_client::api::{Command, MessageKind, Notice, Place, RestoreStage, Snapshot, Standing};
use holdfast_protocol::account::{Account, Id, Seed};
use holdfast_tests::net::{Device, World};

const SOON: Duration = Duration::from_secs(60);

fn id(number: u8) -> Id {
    Account::from_seed(Seed::from_bytes(&[number; 16])).id()
}

/// Ann, who has written to Bob, and Bob, who has read it.
async fn written_to(world: &World) -> (Device, Id, Device, Id) {
    let (one, bob) = (Device::new(world), Device::new(world));
    let (own_id, bob_id) = (one.create("Ann").await, bob.create("Bob").await);
    one.send(bob_id, "hello").await.unwrap();
    bob.wait_for_texts(own_id, 1, SOON).await;
    (one, own_id, bob, bob_id)
}

/// What must be the same on all devices of an account.
fn shared(snapshot: &Snapshot) -> Vec<String> {
    let account = snapshot.account.as_ref().unwrap();
    let mut all: Vec<String> = snapshot
        .conversations
        .iter()
        .map(|held| {
            format!(
                "{} {:?} {:?} {:?} {:?} {} {:?} {:?} {:?} {} {}",
                held.id.to_hex(),
                held.name,
                held.nickname,
                held.standing,
                held.place,
                held.priority,
                held.notify,
                held.muted_until,
                held.disappearing,
                held.marked_unread,
                held.read_up_to,
            )
        })
        .collect();
    all.sort();
    all.push(account.name.clone());
    all
}

/// Waits until all devices show the same.
async fn in_step(devices: &[&Device], longest: Duration) {
    let same = async {
        loop {
            let mut shown = Vec::new();
            for device in devices {
                shown.push(shared(&device.snapshot().await));
            }
            if shown.iter().all(|one| *one == shown[0]) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    if tokio::time::timeout(longest, same).await.is_err() {
        let mut shown = Vec::new();
        for device in devices {
            shown.push(shared(&device.snapshot().await));
        }
        panic!("not in step after {longest:?}: {shown:#?}");
    }
}

/// Another device of Ann's account, which knows her name.
async fn second_of(world: &World, one: &Device) -> Device {
    let two = Device::new(world);
    two.restore(one.seed().await).await;
    wait_for_name(&two, "Ann").await;
    two
}

async fn place(device: &Device, id: Id) -> Option<(Standing, Place)> {
    let held = device.conversation(id).await?;
    Some((held.standing, held.place))
}

async fn wait_for_place(device: &Device, id: Id, wanted: (Standing, Place)) {
    device
        .wait_for(&format!("{wanted:?}"), SOON, |now| {
            now.conversations
                .iter()
                .any(|held| held.id == id && (held.standing, held.place) == wanted)
        })
        .await;
}

/// Has a restored account that finds no profile go on under a new name.
async fn goes_on_without_profile(device: &Device, name: &str) {
    device
        .wait_for("no profile", SOON, |now| {
            now.restore.as_ref().map(|restore| restore.stage) == Some(RestoreStage::NoProfile)
        })
        .await;
    let name = name.to_owned();
    device.ask(Command::ContinueWithoutProfile { name }).await;
    device
        .wait_for("complete", SOON, |now| now.restore.is_none())
        .await;
    tokio::time::sleep(SOON).await;
}

async fn wait_for_name(device: &Device, name: &str) {
    device
        .wait_for(name, SOON, |now| now.account.as_ref().unwrap().name == name)
        .await;
}

fn notices(messages: &[holdfast_client::api::Message]) -> Vec<(bool, Notice)> {
    messages
        .iter()
        .filter_map(|message| match message.kind {
            MessageKind::Notice(notice) => Some((message.outgoing, notice)),
            _ => None,
        })
        .collect()
}
