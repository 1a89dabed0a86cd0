//! Random histories of two accounts that talk on three or four machines: one of them at least has two. Machines are cut off
//! and come back, their power goes at whatever commit, nodes fail, are slow, or know something else than the others.
//!
//! In the end the machines of an account agree in all that follows it; both sides have every message that was accepted and
//! not deleted, once, in the same words, with the same answers and reactions; and what was deleted is gone. What need not
//! come out the same is what the protocol itself leaves open, and each history has its [`Temper`], so that the others stay
//! as strict as can be:
//!
//! - What was removed on one device only, or cleared there, is gone there alone. If it was not out yet, it never goes out.
//! - Where a message was deleted for everyone, a mark stays on the device that did it and on the other side; other own
//!   devices have nothing (`spec/02-messages-v1.md §5.9`). Marks are not compared.
//! - Whatever comes from a blocked account is dropped when it comes, deletions among it. Devices of one account hear of a
//!   block, and of its end, at different times: each may have something that the other has not (§6.3).
//! - While a conversation is hidden, what is two minutes older than the newest document is dropped when it comes (§6.5).
//! - Who removes a contact, or declines their request, loses the conversation on all own devices, with what was not out.
//! - Drafts and settings of the front end stay on their device.
//! - That a request was accepted is noted where it was seen to happen: such notices are not compared.

mod acts;
mod faults;
mod right;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use holdfast_protocol::keys::Ed25519PublicKey;
use holdfast_tests::net::{Acts, Answer, Dice, PoweredDevice, histories};

use super::*;

/// Variables that begin with this say which histories to go through ([`histories`]).
const PREFIX: &str = "HOLDFAST_TALK";
/// Histories of a run that asks for no number: each temper once.
const HISTORIES: u64 = 6;
const STEPS: u32 = 45;
/// Timers beyond this end after the history, those below within it. Both are made longer by the number of the step, so that
/// no two steps set the same.
const LONG: u32 = 7 * 24 * 60 * 60;
/// See [`LONG`]; seconds.
const SHORT: u32 = 90;
/// Nodes that are not well at once, of eight.
const BROKEN: usize = 3;
/// How long it may take until everything has come right: a node that missed something compares with others every ten
/// minutes, and each node is asked for two and a half.
const COMES_RIGHT: Duration = Duration::from_secs(45 * 60);
const EMOJI: [&str; 3] = ["😂", "❤️", "👍🏽"];

/// What happens in a history beside what happens in all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Temper {
    Plain,
    /// Some messages disappear within the history.
    Fleeting,
    /// Devices clear conversations for themselves.
    Clearing,
    Blocking,
    /// Conversations are hidden, or deleted with the contact staying.
    Hiding,
    /// Contacts are removed and requests declined, and all of the above.
    Removing,
}

const TEMPERS: [Temper; 6] = [
    Temper::Plain,
    Temper::Fleeting,
    Temper::Clearing,
    Temper::Blocking,
    Temper::Hiding,
    Temper::Removing,
];

/// One of the two who talk.
struct Side {
    id: Id,
    /// Display names that it ever had.
    names: BTreeSet<String>,
    /// It blocked the other one at some time.
    blocks: bool,
    /// It hid the conversation at some time.
    hides: bool,
    /// It removed the other one, or declined their request, at some time.
    removes: bool,
}

/// A machine of one of them.
struct Machine {
    powered: PoweredDevice,
    side: usize,
    /// What it has ever shown.
    had: BTreeSet<String>,
    /// What was removed on it alone.
    removed: BTreeSet<String>,
    /// What was accepted before this may have been cleared here, in the conversation and in the notes.
    cleared: [usize; 2],
    /// Names that it last gave to its account and to the other one.
    name: Option<String>,
    nickname: Option<String>,
}

/// Something that was accepted for sending: a text, or a timer that was set.
#[derive(Default)]
struct Told {
    /// How many there were before.
    order: usize,
    side: usize,
    /// The machine that it was written on.
    writer: usize,
    note: bool,
    fleeting: bool,
    deleted_for_everyone: bool,
    /// Sides on whose devices it was deleted.
    deleted_by: BTreeSet<usize>,
    /// It was removed before it was out, or it is not known whether it was: some may have it and some not.
    loose: bool,
    /// It was given up, and tried again.
    retried: bool,
}

struct History<'a> {
    temper: Temper,
    dice: Dice,
    world: World,
    sides: Vec<Side>,
    machines: Vec<Machine>,
    told: BTreeMap<String, Told>,
    broken: VecDeque<Ed25519PublicKey>,
    acts: &'a Acts,
}

/// How something is told apart from everything else in its history: by words or numbers that no other step uses. Other
/// notices, marks of what was deleted, and the end of a timer have none.
fn label(message: &Message) -> Option<String> {
    match message.kind {
        MessageKind::Text => Some(message.body.clone()),
        // The own devices hear of the timer of notes from the account's documents.
        MessageKind::Notice(_) if message.author == message.conversation && message.outgoing => None,
        MessageKind::Notice(Notice::Disappearing(Disappearing::Off)) => None,
        MessageKind::Notice(Notice::Disappearing(mode)) => Some(format!("timer {mode:?}")),
        _ => None,
    }
}

fn is_short(mode: Disappearing) -> bool {
    match mode {
        Disappearing::Off => false,
        Disappearing::AfterRead(seconds) | Disappearing::AfterSend(seconds) => seconds < LONG,
    }
}

fn is_out(message: &Message) -> bool {
    matches!(message.state, MessageState::Sent | MessageState::Read)
}

impl<'a> History<'a> {
    /// Two who have written to each other, or of whom only the first has, on all their machines.
    async fn begin(seed: u64, acts: &'a Acts) -> Self {
        let world = World::new().await;
        let mut dice = Dice::new(seed);
        let kinds = TEMPERS.len() as u64;
        let temper = TEMPERS[usize::try_from(seed % kinds).unwrap()];
        // Whose machines they are; the first of each makes the account.
        let owners: &[usize] = match (seed % kinds + seed / kinds) % 3 {
            0 => &[0, 1, 0],
            1 => &[0, 1, 0, 1],
            _ => &[0, 1, 1],
        };
        let strangers = temper == Temper::Removing || dice.roll(3) == 0;
        let receipts = dice.coin();
        acts.note(&format!(
            "{temper:?}, machines of {owners:?}, strangers: {strangers}, receipts: {receipts}"
        ));
        let machines: Vec<Machine> = (0_u64..)
            .zip(owners)
            .map(|(number, side)| Machine {
                powered: PoweredDevice::new(&world, seed * 4 + number),
                side: *side,
                had: BTreeSet::new(),
                removed: BTreeSet::new(),
                cleared: [0; 2],
                name: None,
                nickname: None,
            })
            .collect();
        let mut sides = Vec::new();
        for (machine, name) in machines.iter().zip(["Alice", "Bob"]) {
            sides.push(Side {
                id: machine.powered.device.create(name).await,
                names: BTreeSet::from([name.to_owned()]),
                blocks: false,
                hides: false,
                removes: false,
            });
        }
        let mut history = Self {
            temper,
            dice,
            world,
            sides,
            machines,
            told: BTreeMap::new(),
            broken: VecDeque::new(),
            acts,
        };
        history.write(0, false, "hi", None).await;
        let texts = if strangers { 1 } else { 2 };
        let alice = history.conversation(1, false);
        history.device(1).wait_for_texts(alice, 1, SOON).await;
        if !strangers {
            history.write(1, false, "hello", None).await;
        }
        for at in 0..2 {
            // It was hidden until now, and what a document calls hidden may be passed over (§6.5).
            history.write(at, true, &format!("note {at}"), None).await;
            let conversation = history.conversation(at, false);
            let device = history.device(at);
            device.wait_for_texts(conversation, texts, SOON).await;
            device.wait_for("sent", SOON, |now| now.network.outbox == 0).await;
        }
        for at in 2..history.machines.len() {
            let seed = history.device(history.machines[at].side).seed().await;
            let (conversation, notes) = (history.conversation(at, false), history.conversation(at, true));
            let device = history.device(at);
            device.restore(seed).await;
            device
                .wait_for("complete", SOON, |now| now.restore.is_none())
                .await;
            device.wait_for_texts(conversation, texts, SOON).await;
            device.wait_for_texts(notes, 1, SOON).await;
        }
        settle().await;
        if receipts {
            for at in 0..history.machines.len() {
                turn_on(history.device(at), "read-receipts").await;
            }
        }
        history
    }

    fn device(&self, at: usize) -> &Device {
        &self.machines[at].powered.device
    }

    fn own(&self, at: usize) -> Id {
        self.sides[self.machines[at].side].id
    }

    fn other(&self, at: usize) -> Id {
        self.sides[1 - self.machines[at].side].id
    }

    fn conversation(&self, at: usize, note: bool) -> Id {
        if note { self.own(at) } else { self.other(at) }
    }

    async fn messages(&self, at: usize, note: bool) -> Vec<Message> {
        self.device(at).messages(self.conversation(at, note)).await
    }

    /// Gives a command, and notes it.
    async fn give(&mut self, at: usize, command: Command) -> Answer {
        let said = format!("{command:?}");
        let answer = self.machines[at].powered.insist(command).await;
        let came = match &answer.reply {
            Ok(_) => "done".to_owned(),
            Err(failure) => failure.to_string(),
        };
        let again = if answer.again { ", asked again" } else { "" };
        self.acts.note(&format!("machine {at}: {said}: {came}{again}"));
        answer
    }

    /// Remembers what was accepted.
    fn accepted(&mut self, at: usize, note: bool, message: &Message) {
        let Some(label) = label(message) else { return };
        let told = Told {
            order: self.told.len(),
            side: self.machines[at].side,
            writer: at,
            note,
            fleeting: message.expiry.is_some_and(|expiry| is_short(expiry.mode)),
            ..Told::default()
        };
        self.told.entry(label).or_insert(told);
    }

    /// Waits until nothing is wrong any more, and makes sure that it stays so. At the end everything is read, so that what
    /// disappears goes.
    async fn comes_right(&mut self, end: bool) {
        let deadline = tokio::time::Instant::now() + COMES_RIGHT;
        loop {
            for at in 0..self.machines.len() {
                for note in [false, true] {
                    let messages = self.messages(at, note).await;
                    for message in &messages {
                        if matches!(message.state, MessageState::Failed(_)) {
                            self.retry(at, message).await;
                        }
                    }
                    if let Some(newest) = messages.last().filter(|_| end) {
                        let read = Command::MarkRead {
                            conversation: self.conversation(at, note),
                            up_to: newest.sent_at,
                        };
                        self.device(at).ask(read).await;
                    }
                }
            }
            let wrong = self.what_is_wrong(end).await;
            if wrong.is_empty() {
                break;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "after {COMES_RIGHT:?}: {wrong:#?}"
            );
            tokio::time::sleep(Duration::from_secs(20)).await;
        }
        settle().await;
        let wrong = self.what_is_wrong(end).await;
        assert!(wrong.is_empty(), "came right and went wrong again: {wrong:#?}");
    }
}

async fn random_history(seed: u64, acts: &Acts) {
    let mut history = History::begin(seed, acts).await;
    for step in 0..STEPS {
        history.step(step).await;
    }
    history.mend().await;
    history.comes_right(false).await;
    history.comes_right(true).await;
}

#[tokio::test(start_paused = true)]
async fn random_histories_end_the_same_on_all_devices() {
    for seed in histories(PREFIX, HISTORIES) {
        let acts = Acts::new(PREFIX, seed);
        run(random_history(seed, &acts)).await;
    }
}
