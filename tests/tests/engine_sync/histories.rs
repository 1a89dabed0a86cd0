//! Random histories of three devices: cut off, crashing at whatever commit, with nodes of their swarm failing; in the end
//! all are the same, and no edit is lost.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use holdfast_client::api::{Command, Disappearing, Notify};
use holdfast_client::ports::{Change, Collection, Entry, Scan, Store, StoreError};
use holdfast_client::store::memory::MemoryStore;
use holdfast_protocol::account::Id;
use holdfast_tests::net::{Device, Fault, World, run};

use super::{SOON, id, in_step, wait_for_name};

/// Histories of one run; `HOLDFAST_ENGINE_HISTORIES` asks for another number.
const HISTORIES: u64 = 10;
const STEPS: u32 = 50;
/// A contact that all devices edit; each of the others has one that is edited.
const FOUGHT_FOR: u8 = 4;
/// Notes disappear after this many seconds and those of the step: no two steps say the same, and none goes meanwhile.
const NOTES_LIVE: u32 = 7 * 24 * 60 * 60;

/// Numbers that look random and come again with their seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, bound: u64) -> u64 {
        // SplitMix64: neighbouring seeds give histories that have nothing in common.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// A store under which the power goes at a commit: made or not made, it is the last one until the machine is started
/// again.
#[derive(Default)]
struct Unplugged {
    inner: MemoryStore,
    commits_left: Cell<Option<u64>>,
    keeps_last: Cell<bool>,
}

impl Unplugged {
    /// The power goes at the commit after so many.
    fn unplug_after(&self, commits: u64, keeps_last: bool) {
        self.commits_left.set(Some(commits));
        self.keeps_last.set(keeps_last);
    }

    fn plug_in(&self) {
        self.commits_left.set(None);
    }

    fn is_dead(&self) -> bool {
        self.commits_left.get() == Some(0)
    }
}

impl Store for Unplugged {
    fn get(
        &self,
        collection: Collection,
        key: &[u8],
    ) -> LocalBoxFuture<'_, Result<Option<Vec<u8>>, StoreError>> {
        self.inner.get(collection, key)
    }

    fn scan(&self, scan: Scan) -> LocalBoxFuture<'_, Result<Vec<Entry>, StoreError>> {
        self.inner.scan(scan)
    }

    fn commit(&self, changes: Vec<Change>) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        async move {
            match self.commits_left.get() {
                None => return self.inner.commit(changes).await,
                Some(0) => {}
                Some(1) => {
                    self.commits_left.set(Some(0));
                    if self.keeps_last.get() {
                        self.inner.commit(changes).await?;
                    }
                }
                Some(left) => {
                    self.commits_left.set(Some(left - 1));
                    return self.inner.commit(changes).await;
                }
            }
            // Nothing that follows in this engine's life is of any account.
            std::future::pending().await
        }
        .boxed_local()
    }

    fn wipe(&self) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        self.inner.wipe()
    }
}

/// What one device last said of a contact that only it edits.
#[derive(Default)]
struct Said {
    nickname: Option<String>,
    blocked: Option<bool>,
    silent: Option<bool>,
    pinned: Option<bool>,
    unread: Option<bool>,
}

struct Machine {
    device: Device,
    store: Rc<Unplugged>,
    said: Said,
    /// Display names, nicknames of the contact that all fight for, and how long notes live, as last given here.
    name: Option<String>,
    fought: Option<String>,
    notes: Option<String>,
}

impl Machine {
    fn new(world: &World) -> Self {
        let store = Rc::new(Unplugged::default());
        Self {
            device: Device::with(world, store.clone(), 0, world.profile()),
            store,
            said: Said::default(),
            name: None,
            fought: None,
            notes: None,
        }
    }

    /// Gives a command. Whether it was carried out is not known when the power goes meanwhile.
    async fn tell(&self, command: Command) -> Option<bool> {
        let answer = self.device.engine.request(command);
        match tokio::time::timeout(Duration::from_secs(5), answer).await {
            Ok(answer) => Some(answer.is_ok()),
            Err(_) => None,
        }
    }

    async fn restart(&mut self) {
        self.device.crash();
        self.store.plug_in();
        self.device.restart().await;
    }

    /// Edits something and notes what was said. What a power cut left unanswered is said again.
    async fn edit(&mut self, own: Id, note: Id, dice: &mut Dice, (seed, step): (u64, u32)) {
        let is = dice.roll(2) == 0;
        let what = dice.roll(9);
        let text = &format!("{seed} {step}");
        let seconds = NOTES_LIVE + step;
        let command = || match what {
            0 => Command::SetDisplayName(text.to_owned()),
            1 => Command::SetNickname {
                id: id(FOUGHT_FOR),
                nickname: text.to_owned(),
            },
            2 | 3 => Command::SetNickname {
                id: own,
                nickname: text.to_owned(),
            },
            4 => Command::SetBlocked { id: own, blocked: is },
            5 => Command::SetNotifications {
                id: own,
                mode: if is { Notify::Nothing } else { Notify::All },
                muted_until: None,
            },
            6 => Command::SetPinned { id: own, pinned: is },
            7 if is => Command::MarkUnread(own),
            // Takes the mark off, too.
            7 => Command::MarkRead {
                conversation: own,
                up_to: 0,
            },
            _ => Command::SetDisappearing {
                conversation: note,
                mode: Disappearing::AfterSend(seconds),
            },
        };
        let done = match self.tell(command()).await {
            Some(done) => done,
            None => {
                self.restart().await;
                self.tell(command()).await.unwrap()
            }
        };
        // A refusal changes nothing.
        if !done {
            return;
        }
        match what {
            0 => self.name = Some(text.to_owned()),
            1 => self.fought = Some(text.to_owned()),
            2 | 3 => self.said.nickname = Some(text.to_owned()),
            4 => self.said.blocked = Some(is),
            5 => self.said.silent = Some(is),
            6 => self.said.pinned = Some(is),
            7 => self.said.unread = Some(is),
            _ => self.notes = Some(seconds.to_string()),
        }
    }
}

/// One history.
async fn history(seed: u64) {
    let world = World::new().await;
    let mut dice = Dice(seed);
    let first = Machine::new(&world);
    let account_id = first.device.create("Ann").await;
    let account = first.device.seed().await;
    for number in 1..=FOUGHT_FOR {
        first.device.send(id(number), "hello").await.unwrap();
    }
    // What is decided about notes shows where there is one.
    first.device.send(account_id, "note").await.unwrap();
    let mut machines = vec![first];
    for _ in 0..2 {
        let machine = Machine::new(&world);
        machine.device.restore(account.clone()).await;
        wait_for_name(&machine.device, "Ann").await;
        machines.push(machine);
    }
    tokio::time::sleep(SOON).await;
    let swarm = world.swarm_of(&account_id);
    for step in 0..STEPS {
        let at = usize::try_from(dice.roll(3)).unwrap();
        let machine = &mut machines[at];
        match dice.roll(12) {
            0..=4 => {
                let own = id(u8::try_from(at + 1).unwrap());
                machine.edit(own, account_id, &mut dice, (seed, step)).await;
            }
            5 => machine.device.set_online(dice.roll(2) == 0),
            6 => machine.restart().await,
            7 => machine.store.unplug_after(1 + dice.roll(6), dice.roll(2) == 0),
            8 => {
                let node = &swarm[usize::try_from(dice.roll(swarm.len() as u64)).unwrap()];
                let fault = match dice.roll(5) {
                    0 => Fault::Dead,
                    1 => Fault::DiesAnswering,
                    2 => Fault::Slow(Duration::from_millis(dice.roll(8_000))),
                    _ => Fault::None,
                };
                world.set_fault(node, fault);
            }
            9 if dice.roll(4) == 0 => tokio::time::advance(Duration::from_secs(3_600)).await,
            _ => tokio::time::sleep(Duration::from_millis(dice.roll(8_000))).await,
        }
        for machine in &mut machines {
            if machine.store.is_dead() {
                machine.restart().await;
            }
        }
    }
    for node in &swarm {
        world.set_fault(node, Fault::None);
    }
    for machine in &mut machines {
        machine.restart().await;
        machine.device.set_online(true);
        machine.device.ask(Command::Connectivity { online: true }).await;
    }
    tokio::time::sleep(SOON * 3).await;
    let all: Vec<&Device> = machines.iter().map(|machine| &machine.device).collect();
    in_step(&all, Duration::from_secs(300)).await;
    // A new device finds the same.
    let late = Device::new(&world);
    late.restore(account).await;
    late.wait_for("complete", SOON, |now| now.restore.is_none()).await;
    tokio::time::sleep(SOON).await;
    let all: Vec<&Device> = machines
        .iter()
        .map(|machine| &machine.device)
        .chain([&late])
        .collect();
    in_step(&all, SOON).await;
    nothing_is_lost(seed, &machines, &late).await;
}

/// What only one device edited is as it last said; what all edited is the last word of one of them.
async fn nothing_is_lost(seed: u64, machines: &[Machine], late: &Device) {
    for (at, machine) in machines.iter().enumerate() {
        let held = late
            .conversation(id(u8::try_from(at + 1).unwrap()))
            .await
            .unwrap();
        let said = &machine.said;
        let place = format!("history {seed}: device {at}");
        if said.nickname.is_some() {
            assert_eq!(held.nickname, said.nickname, "{place}");
        }
        if let Some(blocked) = said.blocked {
            assert_eq!(held.standing == super::Standing::Blocked, blocked, "{place}");
        }
        if let Some(silent) = said.silent {
            assert_eq!(held.notify == Notify::Nothing, silent, "{place}");
        }
        if let Some(pinned) = said.pinned {
            assert_eq!(held.priority > 0, pinned, "{place}");
        }
        if let Some(unread) = said.unread {
            assert_eq!(held.marked_unread, unread, "{place}");
        }
    }
    let words = |word: fn(&Machine) -> &Option<String>| -> BTreeSet<String> {
        machines
            .iter()
            .filter_map(|machine| word(machine).clone())
            .collect()
    };
    let notes = late.conversation(late.id().await).await.unwrap();
    let shown = BTreeMap::from([
        (
            "name",
            (
                words(|machine| &machine.name),
                late.snapshot().await.account.map(|own| own.name),
            ),
        ),
        (
            "nickname",
            (
                words(|machine| &machine.fought),
                late.conversation(id(FOUGHT_FOR)).await.unwrap().nickname,
            ),
        ),
        (
            "notes",
            (
                words(|machine| &machine.notes),
                match notes.disappearing {
                    Disappearing::AfterSend(seconds) => Some(seconds.to_string()),
                    _ => None,
                },
            ),
        ),
    ]);
    for (what, (words, shown)) in shown {
        assert!(
            words.is_empty() || shown.as_ref().is_some_and(|shown| words.contains(shown)),
            "history {seed}: {what} is {shown:?}, nobody's last word of {words:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_happens_three_devices_end_in_step_and_nothing_is_lost() {
    let asked = std::env::var("HOLDFAST_ENGINE_HISTORIES").ok();
    let count = asked.map_or(HISTORIES, |count| count.parse().unwrap());
    for seed in 0..count {
        run(history(seed)).await;
    }
}
