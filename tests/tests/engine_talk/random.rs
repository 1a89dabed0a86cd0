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

    async fn write(&mut self, at: usize, note: bool, body: &str, reply_to: Option<MessageId>) {
        let command = Command::SendText {
            conversation: self.conversation(at, note),
            body: body.to_owned(),
            reply_to,
            files: Vec::new(),
            link: None,
        };
        if let Ok(Reply::Accepted(message)) = self.give(at, command).await.reply {
            self.accepted(at, note, &message);
        }
    }

    /// Whether a message is in all swarms that it is for, so that nothing that is done to it here keeps it back.
    async fn is_synced(&mut self, at: usize, message: &Message) -> bool {
        let answer = self.machines[at]
            .powered
            .insist(Command::MessageDetails(message.id))
            .await;
        matches!(answer.reply, Ok(Reply::Details(details)) if details.synced == Some(true))
    }

    async fn delete(&mut self, at: usize, message: &Message, scope: DeleteScope) {
        let synced = self.is_synced(at, message).await;
        let messages = vec![message.id];
        let answer = self.give(at, Command::DeleteMessages { messages, scope }).await;
        let side = self.machines[at].side;
        let Some(told) = self.told.get_mut(&message.body) else {
            return;
        };
        if !answer.is_done() {
            // A mark that was left the first time can't be deleted the second time.
            told.loose |= answer.again;
            return;
        }
        match scope {
            DeleteScope::ThisDevice => {
                told.loose |= told.writer == at && !synced;
                self.machines[at].removed.insert(message.body.clone());
            }
            DeleteScope::OwnDevices => {
                told.deleted_by.insert(side);
                // It never gets to the other side then.
                told.loose |= told.side == side && !is_out(message);
            }
            DeleteScope::Everyone => told.deleted_for_everyone = true,
        }
    }

    /// Carries out a command that removes all of a conversation here; whether it did.
    async fn clear(&mut self, at: usize, note: bool, command: Command) -> bool {
        let (mut here, mut unsynced) = (Vec::new(), Vec::new());
        for message in self.messages(at, note).await {
            let Some(label) = label(&message) else { continue };
            let own = self.told.get(&label).is_some_and(|told| told.writer == at);
            if own && !self.is_synced(at, &message).await {
                unsynced.push(label.clone());
            }
            here.push(label);
        }
        let answer = self.give(at, command).await;
        if answer.is_refused() {
            return false;
        }
        let done = answer.is_done();
        let uncertain = if done { &unsynced } else { &here };
        for label in uncertain {
            if let Some(told) = self.told.get_mut(label) {
                told.loose = true;
            }
        }
        let machine = &mut self.machines[at];
        if done {
            machine.removed.extend(here);
        }
        // Something may have come just before it was carried out.
        machine.cleared[usize::from(note)] = self.told.len();
        true
    }

    /// One act of somebody, or of fate.
    async fn step(&mut self, step: u32) {
        // Two devices of one account never write in the same millisecond, as long as they agree about the time.
        tokio::time::sleep(Duration::from_millis(7)).await;
        if self.dice.roll(3) == 0 {
            tokio::time::sleep(Duration::from_millis(self.dice.roll(8_000))).await;
        }
        let at = self.dice.pick(self.machines.len());
        let note = self.dice.roll(6) == 0;
        let messages = self.messages(at, note).await;
        self.machines[at].had.extend(messages.iter().filter_map(label));
        let texts: Vec<&Message> = messages
            .iter()
            .filter(|message| message.kind == MessageKind::Text)
            .collect();
        let some = if texts.is_empty() {
            None
        } else {
            Some(texts[self.dice.pick(texts.len())])
        };
        let (conversation, own) = (self.conversation(at, note), self.own(at));
        match (self.dice.roll(40), some) {
            (0..=8, _) => self.write(at, note, &format!("{step}"), None).await,
            (9..=11, Some(message)) => {
                let body = format!("{step} answers");
                self.write(at, note, &body, Some(message.id)).await;
            }
            (12..=16, Some(message)) => {
                let command = Command::React {
                    message: message.id,
                    emoji: EMOJI[self.dice.pick(EMOJI.len())].to_owned(),
                    add: self.dice.roll(3) > 0,
                };
                self.give(at, command).await;
            }
            (17, Some(message)) => self.delete(at, message, DeleteScope::ThisDevice).await,
            (18, Some(message)) => self.delete(at, message, DeleteScope::OwnDevices).await,
            (19 | 20, Some(message)) if message.author == own => {
                self.delete(at, message, DeleteScope::Everyone).await;
            }
            (21 | 22, Some(message)) => {
                let up_to = if self.dice.coin() {
                    message.sent_at
                } else {
                    u64::MAX
                };
                let read = Command::MarkRead { conversation, up_to };
                self.give(at, read).await;
            }
            (23..=29, _) => self.decide(at, note, step, &messages).await,
            (30 | 31, _) => self.act_by_temper(at, note).await,
            _ => self.suffer(at).await,
        }
        for at in 0..self.machines.len() {
            if self.machines[at].powered.is_dead() {
                self.acts.note(&format!("machine {at}: has power again"));
                self.machines[at].powered.restart().await;
            }
        }
    }

    /// What follows the account, beside messages.
    async fn decide(&mut self, at: usize, note: bool, step: u32, messages: &[Message]) {
        let (conversation, other) = (self.conversation(at, note), self.other(at));
        let is = self.dice.coin();
        match self.dice.roll(8) {
            0 => {
                let command = Command::MarkUnread(conversation);
                self.give(at, command).await;
            }
            1 => {
                let life = match self.temper {
                    Temper::Fleeting if self.dice.roll(3) > 0 => SHORT + step,
                    _ => LONG + step,
                };
                let mode = match self.dice.roll(5) {
                    0 => Disappearing::Off,
                    1 | 2 if !note => Disappearing::AfterRead(life),
                    _ => Disappearing::AfterSend(life),
                };
                let command = Command::SetDisappearing { conversation, mode };
                self.give(at, command).await;
                for message in self.messages(at, note).await {
                    if message.outgoing && message.kind != MessageKind::Text {
                        self.accepted(at, note, &message);
                    }
                }
            }
            2 => {
                let name = format!("name {step}");
                let command = Command::SetDisplayName(name.clone());
                if self.give(at, command).await.is_done() {
                    let machine = &mut self.machines[at];
                    self.sides[machine.side].names.insert(name.clone());
                    machine.name = Some(name);
                }
            }
            3 => {
                let nickname = format!("nickname {step}");
                let command = Command::SetNickname {
                    id: other,
                    nickname: nickname.clone(),
                };
                if self.give(at, command).await.is_done() {
                    self.machines[at].nickname = Some(nickname);
                }
            }
            4 => {
                let command = Command::SetPinned {
                    id: conversation,
                    pinned: is,
                };
                self.give(at, command).await;
            }
            5 => {
                let command = Command::SetNotifications {
                    id: other,
                    mode: if is { Notify::Nothing } else { Notify::All },
                    muted_until: self.dice.coin().then(|| 2_000_000_000 + u64::from(step)),
                };
                self.give(at, command).await;
            }
            6 => {
                self.give(at, Command::AcceptRequest(other)).await;
            }
            _ => {
                let failed = messages
                    .iter()
                    .find(|message| matches!(message.state, MessageState::Failed(_)));
                if let Some(message) = failed {
                    self.retry(at, message).await;
                }
            }
        }
    }

    async fn retry(&mut self, at: usize, message: &Message) {
        if let Some(label) = label(message)
            && let Some(told) = self.told.get_mut(&label)
        {
            told.retried = true;
        }
        self.give(at, Command::Retry(message.id)).await;
    }

    /// What not every history has.
    async fn act_by_temper(&mut self, at: usize, note: bool) {
        let (side, other) = (self.machines[at].side, self.other(at));
        let what = match self.temper {
            Temper::Plain | Temper::Fleeting => 0,
            Temper::Clearing => 1,
            Temper::Blocking => 2,
            Temper::Hiding => self.dice.roll(2) * 3,
            Temper::Removing => self.dice.roll(6),
        };
        match what {
            0 => {
                self.give(at, Command::OpenConversation(other)).await;
            }
            1 => {
                let command = Command::ClearMessages(self.conversation(at, note));
                self.clear(at, note, command).await;
            }
            2 => {
                let blocked = self.dice.coin();
                let command = Command::SetBlocked { id: other, blocked };
                if !self.give(at, command).await.is_refused() {
                    self.sides[side].blocks |= blocked;
                }
            }
            3 => {
                let hidden = if self.dice.coin() {
                    !self.give(at, Command::HideConversation(other)).await.is_refused()
                } else {
                    self.clear(at, false, Command::DeleteConversation(other)).await
                };
                self.sides[side].hides |= hidden;
            }
            4 => {
                let removed = self.clear(at, false, Command::DeleteContact(other)).await;
                self.sides[side].removes |= removed;
            }
            _ => {
                let standing = self
                    .device(at)
                    .conversation(other)
                    .await
                    .map(|held| held.standing);
                // Where there is none, nothing is removed.
                if standing == Some(Standing::IncomingRequest) {
                    let command = if self.dice.coin() {
                        Command::DeclineAllRequests
                    } else {
                        Command::DeclineRequest(other)
                    };
                    let removed = self.clear(at, false, command).await;
                    self.sides[side].removes |= removed;
                }
            }
        }
    }

    /// What nobody wants.
    async fn suffer(&mut self, at: usize) {
        match self.dice.roll(10) {
            0 => {
                self.acts.note(&format!("machine {at}: restarted"));
                self.machines[at].powered.restart().await;
            }
            1 => {
                let (commit, kept) = (1 + self.dice.roll(6), self.dice.coin());
                self.acts.note(&format!(
                    "machine {at}: power goes at commit {commit}, kept: {kept}"
                ));
                self.machines[at].powered.unplug_at(commit, kept);
            }
            2..=4 => {
                let device = &self.machines[at].powered.device;
                let what = match self.dice.roll(5) {
                    0 | 1 => {
                        device.set_online(false);
                        "offline"
                    }
                    2 => {
                        device.cut_off();
                        "cut off"
                    }
                    _ => {
                        device.set_online(true);
                        "online"
                    }
                };
                self.acts.note(&format!("machine {at}: {what}"));
            }
            5..=7 => self.break_node(),
            8 => {
                let up = self.dice.roll(3) > 0;
                self.acts.note(&format!("gateway up: {up}"));
                self.world.set_gateway(up);
            }
            _ if self.dice.roll(6) == 0 => {
                self.acts.note("an hour passes");
                tokio::time::advance(60 * MINUTE).await;
            }
            _ => {
                let longest = if self.temper == Temper::Fleeting { 120 } else { 20 };
                tokio::time::sleep(Duration::from_secs(self.dice.roll(longest))).await;
            }
        }
    }

    /// Something happens to a node. What others have and it has not makes things come to some in another order.
    fn break_node(&mut self) {
        let node = self.world.nodes[self.dice.pick(self.world.nodes.len())];
        let slow = Duration::from_millis(self.dice.roll(8_000));
        let (what, fault) = match self.dice.roll(8) {
            0 => ("dead", Fault::Dead),
            1 => ("dies answering", Fault::DiesAnswering),
            2 | 3 => ("slow", Fault::Slow(slow)),
            4..=6 => ("behind", Fault::Behind),
            _ => ("mended", Fault::None),
        };
        self.acts.note(&format!("node {node}: {what} ({slow:?})"));
        self.world.set_fault(&node, fault);
        self.broken.retain(|other| *other != node);
        self.broken.push_back(node);
        if self.broken.len() > BROKEN
            && let Some(node) = self.broken.pop_front()
        {
            self.world.set_fault(&node, Fault::None);
        }
    }

    /// Everything is well again.
    async fn mend(&mut self) {
        self.acts.note("everything is mended");
        self.world.set_gateway(true);
        for node in &self.world.nodes {
            self.world.set_fault(node, Fault::None);
        }
        for machine in &mut self.machines {
            machine.powered.restart().await;
            machine.powered.device.set_online(true);
            machine
                .powered
                .device
                .ask(Command::Connectivity { online: true })
                .await;
        }
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
