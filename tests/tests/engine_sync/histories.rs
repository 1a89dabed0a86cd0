//! Random histories of three devices of one account: cut off, crashing at whatever commit, with nodes of their swarm that
//! fail, are slow, or know something else than the others; in the end all are the same, and no edit is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use holdfast_client::api::{Command, Conversation, Disappearing, Notify, Snapshot};
use holdfast_protocol::account::{Account, Id, Seed};
use holdfast_protocol::message::outgoing::encode_one_to_one;
use holdfast_protocol::message::schema::{Content, DataMessage};
use holdfast_tests::net::{Acts, Device, Dice, Fault, PoweredDevice, TestRng, World, histories, run};

use super::{SOON, Standing, id, shared, wait_for_name};

/// Variables that begin with this say which histories to go through ([`histories`]).
const PREFIX: &str = "HOLDFAST_ENGINE";
/// Histories of a run that asks for no number.
const HISTORIES: u64 = 10;
const STEPS: u32 = 50;
/// A contact that all devices edit; each of the others, from 1 on, has one that only it edits.
const FOUGHT_FOR: u8 = 4;
/// Each device has one from here on that it removes once.
const CAST_OFF: u8 = 5;
/// Strangers who write in the course of a history, and whom any device may accept, decline or block.
const STRANGERS: std::ops::Range<u8> = 8..11;
/// Messages disappear after this many seconds and those of the step: no two steps say the same, and none goes meanwhile.
const LIVE: u32 = 7 * 24 * 60 * 60;

/// What one device last said of a contact that only it edits.
#[derive(Default)]
struct Said {
    nickname: Option<String>,
    blocked: Option<bool>,
    silent: Option<bool>,
    muted_until: Option<u64>,
    priority: Option<i32>,
    unread: Option<bool>,
    lives: Option<Disappearing>,
    was_hidden: bool,
    /// The contact that it removes is gone.
    cast_off: bool,
}

struct Machine {
    powered: PoweredDevice,
    said: Said,
    /// Display names, nicknames of the contact that all fight for, and how long notes live, as last given here.
    name: Option<String>,
    fought: Option<String>,
    notes: Option<String>,
}

/// What devices decided about a stranger.
#[derive(Clone, Copy, Default)]
struct Decided {
    has_written: bool,
    accepted: bool,
    /// Declined, blocked or unblocked.
    otherwise: bool,
}

/// An edit, and what it says.
enum Edit {
    Name(String),
    Fought(String),
    Nickname(String),
    Blocked(bool),
    Quiet(bool, Option<u64>),
    Pinned(bool),
    Hidden,
    Opened,
    Emptied,
    Unread,
    Read(u64),
    Lives(Disappearing),
    CastOff,
    NotesLive(u32),
}

impl Machine {
    fn new(world: &World, seed: u64) -> Self {
        Self {
            powered: PoweredDevice::new(world, seed),
            said: Said::default(),
            name: None,
            fought: None,
            notes: None,
        }
    }

    fn device(&self) -> &Device {
        &self.powered.device
    }

    /// Gives a command and notes it; whether it was carried out.
    async fn give(&mut self, at: usize, command: Command, acts: &Acts) -> bool {
        let said = format!("{command:?}");
        let answer = self.powered.insist(command).await;
        let came = answer
            .reply
            .as_ref()
            .map_or_else(ToString::to_string, |_| "done".to_owned());
        let again = if answer.again { ", asked again" } else { "" };
        acts.note(&format!("device {at}: {said}: {came}{again}"));
        answer.is_done()
    }

    /// Edits something and notes what was said. What a power cut left unanswered is said again.
    async fn edit(&mut self, (at, own, note): (usize, Id, Id), dice: &mut Dice, step: u32, acts: &Acts) {
        let is = dice.coin();
        let text = format!("step {step}");
        let edit = match dice.roll(17) {
            0 | 1 => Edit::Name(text),
            2 => Edit::Fought(text),
            3 | 4 => Edit::Nickname(text),
            5 => Edit::Blocked(is),
            6 | 7 => Edit::Quiet(is, dice.coin().then(|| 2_000_000_000 + u64::from(step))),
            8 | 9 => Edit::Pinned(is),
            10 => Edit::Hidden,
            11 => Edit::Opened,
            12 => Edit::Emptied,
            13 if is => Edit::Unread,
            // Takes the mark off, too.
            13 => Edit::Read(if dice.coin() { 0 } else { u64::MAX }),
            14 if is => Edit::Lives(Disappearing::AfterRead(LIVE + step)),
            14 => Edit::Lives(Disappearing::AfterSend(LIVE + step)),
            15 if !self.said.cast_off => Edit::CastOff,
            _ => Edit::NotesLive(LIVE + step),
        };
        let cast_off = id(CAST_OFF + u8::try_from(at).unwrap());
        let command = match &edit {
            Edit::Name(name) => Command::SetDisplayName(name.clone()),
            Edit::Fought(name) => Command::SetNickname {
                id: id(FOUGHT_FOR),
                nickname: name.clone(),
            },
            Edit::Nickname(name) => Command::SetNickname {
                id: own,
                nickname: name.clone(),
            },
            Edit::Blocked(blocked) => Command::SetBlocked {
                id: own,
                blocked: *blocked,
            },
            Edit::Quiet(silent, muted_until) => Command::SetNotifications {
                id: own,
                mode: if *silent { Notify::Nothing } else { Notify::All },
                muted_until: *muted_until,
            },
            Edit::Pinned(pinned) => Command::SetPinned {
                id: own,
                pinned: *pinned,
            },
            Edit::Hidden => Command::HideConversation(own),
            Edit::Opened => Command::OpenConversation(own),
            Edit::Emptied => Command::DeleteConversation(own),
            Edit::Unread => Command::MarkUnread(own),
            Edit::Read(up_to) => Command::MarkRead {
                conversation: own,
                up_to: *up_to,
            },
            Edit::Lives(mode) => Command::SetDisappearing {
                conversation: own,
                mode: *mode,
            },
            Edit::CastOff => Command::DeleteContact(cast_off),
            Edit::NotesLive(seconds) => Command::SetDisappearing {
                conversation: note,
                mode: Disappearing::AfterSend(*seconds),
            },
        };
        // A refusal changes nothing.
        if self.give(at, command, acts).await {
            self.note(edit);
        }
    }

    /// Remembers what was said.
    fn note(&mut self, edit: Edit) {
        let said = &mut self.said;
        let priority = said.priority.unwrap_or(0);
        match edit {
            Edit::Name(name) => self.name = Some(name),
            Edit::Fought(name) => self.fought = Some(name),
            Edit::Nickname(name) => said.nickname = Some(name),
            Edit::Blocked(blocked) => said.blocked = Some(blocked),
            Edit::Quiet(silent, muted_until) => {
                said.silent = Some(silent);
                said.muted_until = Some(muted_until.unwrap_or(0));
            }
            Edit::Pinned(true) => said.priority = Some(priority.max(1)),
            // What is hidden stays so.
            Edit::Pinned(false) => said.priority = Some(priority.min(0)),
            Edit::Hidden => {
                said.priority = Some(-1);
                said.was_hidden = true;
            }
            Edit::Opened => said.priority = Some(priority.max(0)),
            Edit::Emptied => {
                said.priority = Some(-1);
                said.was_hidden = true;
                said.unread = Some(false);
            }
            Edit::Unread => said.unread = Some(true),
            Edit::Read(_) => said.unread = Some(false),
            Edit::Lives(mode) => {
                said.lives = Some(mode);
                // Whoever sets it has seen what was there.
                said.unread = Some(false);
            }
            Edit::CastOff => said.cast_off = true,
            Edit::NotesLive(seconds) => self.notes = Some(seconds.to_string()),
        }
    }

    /// Decides about a stranger, or declines all of them.
    async fn decide(
        &mut self,
        (at, number): (usize, u8),
        dice: &mut Dice,
        acts: &Acts,
        strangers: &mut BTreeMap<u8, Decided>,
    ) {
        let stranger = id(number);
        let what = dice.roll(8);
        let command = match what {
            0..=3 => Command::AcceptRequest(stranger),
            4 => Command::DeclineRequest(stranger),
            5 => Command::DeclineAllRequests,
            _ => Command::SetBlocked {
                id: stranger,
                blocked: what == 6,
            },
        };
        if !self.give(at, command, acts).await {
            return;
        }
        for (of, decided) in strangers {
            match what {
                0..=3 => decided.accepted |= *of == number,
                5 => decided.otherwise = true,
                _ => decided.otherwise |= *of == number,
            }
        }
    }
}

/// What a contact without an engine writes.
async fn write(world: &World, from: u8, to: &Id) {
    let sender = Account::from_seed(Seed::from_bytes(&[from; 16]));
    let content = Content {
        data_message: Some(DataMessage {
            body: Some("hello yourself".to_owned()),
            ..DataMessage::default()
        }),
        ..Content::default()
    };
    let bytes = encode_one_to_one(&sender, to, &content, world.now_ms(), &mut TestRng).unwrap();
    world.deposit(to, bytes).await;
}

/// What must be the same on all devices. Of strangers that is how one stands to them: a request is listed where its message
/// is, which may have come to one device before another one declined it, and to none after.
fn followed(mut snapshot: Snapshot) -> Vec<String> {
    let strangers: BTreeSet<Id> = STRANGERS.map(id).collect();
    let held = std::mem::take(&mut snapshot.conversations);
    let (asking, known): (Vec<Conversation>, Vec<Conversation>) =
        held.into_iter().partition(|held| strangers.contains(&held.id));
    snapshot.conversations = known;
    let mut all = shared(&snapshot);
    let asking = asking.iter().filter(|held| held.standing != Standing::Fresh);
    all.extend(asking.map(|held| format!("{} {:?}", held.id.to_hex(), held.standing)));
    all.sort();
    all
}

/// Waits until all devices show the same.
async fn in_step(devices: &[&Device], longest: Duration) {
    let deadline = tokio::time::Instant::now() + longest;
    loop {
        let mut shown = Vec::new();
        for device in devices {
            shown.push(followed(device.snapshot().await));
        }
        if shown.iter().all(|one| *one == shown[0]) {
            return;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "not in step after {longest:?}: {shown:#?}"
        );
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// One history.
async fn history(seed: u64, acts: &Acts) {
    let world = World::new().await;
    let mut dice = Dice::new(seed);
    let first = Machine::new(&world, seed * 4);
    let account_id = first.device().create("Ann").await;
    let account = first.device().seed().await;
    for number in 1..STRANGERS.start {
        first.device().send(id(number), "hello").await.unwrap();
        write(&world, number, &account_id).await;
    }
    // What is decided about notes shows where there is one.
    first.device().send(account_id, "note").await.unwrap();
    first
        .device()
        .wait_for("answers", SOON, |now| {
            let friends = now.conversations.iter();
            let friends = friends.filter(|held| held.standing == Standing::Active);
            friends.count() == usize::from(STRANGERS.start - 1)
        })
        .await;
    let mut machines = vec![first];
    for number in 1..3 {
        let machine = Machine::new(&world, seed * 4 + number);
        machine.device().restore(account.clone()).await;
        wait_for_name(machine.device(), "Ann").await;
        machines.push(machine);
    }
    // Longer than messages may be older than a removal and still bring a contact back (`spec/02-messages-v1.md §6.5`).
    tokio::time::sleep(SOON * 3).await;
    let all: Vec<&Device> = machines.iter().map(Machine::device).collect();
    in_step(&all, SOON).await;
    let mut strangers = BTreeMap::from_iter(STRANGERS.map(|number| (number, Decided::default())));
    let swarm = world.swarm_of(&account_id);
    for step in 0..STEPS {
        let at = dice.pick(3);
        let machine = &mut machines[at];
        match dice.roll(14) {
            0..=5 => {
                let own = id(u8::try_from(at + 1).unwrap());
                machine.edit((at, own, account_id), &mut dice, step, acts).await;
            }
            6 => match dice.roll(5) {
                0..=2 => {
                    acts.note(&format!("device {at}: online"));
                    machine.device().set_online(true);
                }
                3 => {
                    acts.note(&format!("device {at}: offline"));
                    machine.device().set_online(false);
                }
                _ => {
                    acts.note(&format!("device {at}: cut off"));
                    machine.device().cut_off();
                }
            },
            7 => {
                acts.note(&format!("device {at}: restarted"));
                machine.powered.restart().await;
            }
            8 => {
                let (commit, kept) = (1 + dice.roll(6), dice.coin());
                acts.note(&format!(
                    "device {at}: power goes at commit {commit}, kept: {kept}"
                ));
                machine.powered.unplug_at(commit, kept);
            }
            9 => {
                let node = &swarm[dice.pick(swarm.len())];
                let slow = Duration::from_millis(dice.roll(8_000));
                let (what, fault) = match dice.roll(7) {
                    0 => ("dead", Fault::Dead),
                    1 => ("dies answering", Fault::DiesAnswering),
                    2 => ("slow", Fault::Slow(slow)),
                    // Several at once, each with what it was given itself: one hears things in another order than the next.
                    3 | 4 => ("behind", Fault::Behind),
                    _ => ("mended", Fault::None),
                };
                acts.note(&format!("node {node}: {what} ({slow:?})"));
                world.set_fault(node, fault);
            }
            10 => {
                let numbers: Vec<u8> = STRANGERS.collect();
                let number = numbers[dice.pick(numbers.len())];
                let stranger = strangers.get_mut(&number).unwrap();
                if stranger.has_written {
                    let which = (at, number);
                    machine.decide(which, &mut dice, acts, &mut strangers).await;
                } else {
                    acts.note(&format!("stranger {number} writes"));
                    stranger.has_written = true;
                    write(&world, number, &account_id).await;
                }
            }
            11 if dice.roll(4) == 0 => {
                acts.note("an hour passes");
                tokio::time::advance(Duration::from_secs(3_600)).await;
            }
            _ => tokio::time::sleep(Duration::from_millis(dice.roll(8_000))).await,
        }
        for (at, machine) in machines.iter_mut().enumerate() {
            if machine.powered.is_dead() {
                acts.note(&format!("device {at}: has power again"));
                machine.powered.restart().await;
            }
        }
    }
    acts.note("everything is mended");
    for node in &swarm {
        world.set_fault(node, Fault::None);
    }
    for machine in &mut machines {
        machine.powered.restart().await;
        machine.device().set_online(true);
        machine.device().ask(Command::Connectivity { online: true }).await;
    }
    tokio::time::sleep(SOON * 3).await;
    let all: Vec<&Device> = machines.iter().map(Machine::device).collect();
    in_step(&all, Duration::from_secs(300)).await;
    // A new device finds the same.
    let late = Device::new(&world);
    late.restore(account).await;
    late.wait_for("complete", SOON, |now| now.restore.is_none()).await;
    tokio::time::sleep(SOON).await;
    let all: Vec<&Device> = machines.iter().map(Machine::device).chain([&late]).collect();
    in_step(&all, SOON).await;
    nothing_is_lost(seed, &machines, &strangers, &late).await;
}

/// What only one device edited is as it last said; what all edited is the last word of one of them.
async fn nothing_is_lost(seed: u64, machines: &[Machine], strangers: &BTreeMap<u8, Decided>, late: &Device) {
    for (at, machine) in machines.iter().enumerate() {
        let number = u8::try_from(at).unwrap();
        let held = late.conversation(id(number + 1)).await.unwrap();
        let said = &machine.said;
        let place = format!("history {seed}: device {at}");
        if said.nickname.is_some() {
            assert_eq!(held.nickname, said.nickname, "{place}");
        }
        if let Some(blocked) = said.blocked {
            assert_eq!(held.standing == Standing::Blocked, blocked, "{place}");
        }
        if let Some(silent) = said.silent {
            assert_eq!(held.notify == Notify::Nothing, silent, "{place}");
        }
        if let Some(until) = said.muted_until {
            assert_eq!(held.muted_until.unwrap_or(0), until, "{place}");
        }
        if let Some(priority) = said.priority {
            assert_eq!(held.priority, priority, "{place}");
        }
        if let Some(unread) = said.unread {
            assert_eq!(held.marked_unread, unread, "{place}");
        }
        // A hidden conversation may pass over the message that says so last, but not over an earlier one
        // (`spec/02-messages-v1.md §6.5`), and both have a say in the document.
        if let Some(lives) = said.lives.filter(|_| !said.was_hidden) {
            assert_eq!(held.disappearing, lives, "{place}");
        }
        let cast_off = late.conversation(id(CAST_OFF + number)).await;
        assert_eq!(cast_off.is_none(), said.cast_off, "{place}: {cast_off:?}");
    }
    for (number, decided) in strangers {
        let held = late.conversation(id(*number)).await;
        let standing = held.map(|held| held.standing);
        if decided.has_written && !decided.otherwise {
            let expected = if decided.accepted {
                Standing::Active
            } else {
                Standing::IncomingRequest
            };
            assert_eq!(standing, Some(expected), "history {seed}: stranger {number}");
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
    for seed in histories(PREFIX, HISTORIES) {
        let acts = Acts::new(PREFIX, seed);
        run(history(seed, &acts)).await;
    }
}
