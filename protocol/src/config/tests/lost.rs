//! No edit is lost: thousands of random histories of three devices with crashes, partitions and reordering, and the single
//! cases behind the rules of `kept`.

use super::super::{Config, ConfigKind, Scalar, Set, Tree};
use super::{NOW, account};
use crate::swarm::message_hash;
use std::collections::{BTreeMap, BTreeSet};

const KIND: ConfigKind = ConfigKind::Contacts;
const MINUTE: u64 = 60 * 1000;
/// Histories of one run; `HOLDFAST_HISTORIES` asks for another number.
const HISTORIES: u64 = 3_000;
/// Losses in a thousand histories that are known and not cured yet, most of them of elements of sets: of the 3,000 of one
/// run, 35 lose something, 40 edits in all. Lower it with each cure.
const OPEN_OF_A_THOUSAND: u64 = 14;
/// Steps of one history before the network is whole again.
const STEPS: i64 = 40;

/// What the swarm holds, by storage hash.
type Swarm = BTreeMap<String, Vec<u8>>;

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

    fn index(&mut self, bound: usize) -> usize {
        usize::try_from(self.roll(bound as u64)).unwrap()
    }
}

/// What becomes of a push.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    /// The device dies before anything is out.
    NothingOut,
    /// It dies before it hears that all is stored.
    Unheard,
    /// The store is heard, the deletion does not arrive.
    NotDeleted,
    Done,
}

struct Device {
    number: u8,
    config: Config,
    seen: BTreeSet<String>,
    /// What it last wrote into fields that only it writes: `None` when it removed the field.
    wrote: BTreeMap<u8, Option<i64>>,
    /// The same of elements of a set that all write to.
    elements: BTreeMap<u8, bool>,
    /// What it last wrote into each field that all write to.
    shared: BTreeMap<u8, i64>,
}

impl Device {
    fn new(number: u8) -> Self {
        Self {
            number,
            config: Config::new(KIND, &account()),
            seen: BTreeSet::new(),
            wrote: BTreeMap::new(),
            elements: BTreeMap::new(),
            shared: BTreeMap::new(),
        }
    }

    /// Each device has a record of its own. A part of it always stays: who removes a whole record, or its last part, is
    /// heard by whoever edits it at the same time.
    fn field(number: u8, key: u8) -> [Vec<u8>; 2] {
        [vec![b'r', number], vec![b'k', key]]
    }

    fn element(number: u8, key: u8) -> Scalar {
        Scalar::from([number, key].as_slice())
    }

    fn edit(&mut self, dice: &mut Dice, value: i64) {
        let key = u8::try_from(dice.roll(3)).unwrap();
        match dice.roll(8) {
            0..=3 => {
                let value = (dice.roll(4) != 0).then_some(value);
                let [outer, name] = Self::field(self.number, key);
                self.config.set(&[&outer, b"here"], Some(1.into()));
                self.config.set(&[&outer, &name], value.map(Tree::from));
                self.wrote.insert(key, value);
            }
            4 | 5 => {
                let held = self.config.get(&[b"s"]).and_then(Tree::as_set);
                let mut set: Set = held.cloned().unwrap_or_default();
                let element = Self::element(self.number, key);
                let present = !set.remove(&element);
                if present {
                    set.insert(element);
                }
                self.config.set(&[b"s"], Some(Tree::Set(set)));
                self.elements.insert(key, present);
            }
            _ => {
                self.config.set(&[b"shared", &[key]], Some(value.into()));
                self.shared.insert(key, value);
            }
        }
    }

    fn pull(&mut self, swarm: &Swarm, dice: &mut Dice, now: u64, all: bool) {
        let mut new: Vec<(&str, &[u8])> = swarm
            .iter()
            .filter(|(hash, _)| !self.seen.contains(*hash))
            .filter(|_| all || dice.roll(3) != 0)
            .map(|(hash, data)| (hash.as_str(), data.as_slice()))
            .collect();
        for at in (1..new.len()).rev() {
            new.swap(at, dice.index(at + 1));
        }
        if new.is_empty() {
            return;
        }
        let report = self.config.merge(&new, now);
        assert!(report.refused.is_empty(), "{report:?}");
        self.seen.extend(report.accepted);
    }

    fn push(&mut self, swarm: &mut Swarm, now: u64, fate: Fate) {
        if !self.config.needs_push() {
            return;
        }
        let push = self.config.push(now).unwrap();
        if fate == Fate::NothingOut {
            self.restart();
            return;
        }
        let hashes: Vec<String> = push
            .messages
            .into_iter()
            .map(|data| {
                let hash = message_hash(&account().id(), KIND.namespace(), &data);
                swarm.insert(hash.as_str().to_owned(), data);
                hash.as_str().to_owned()
            })
            .collect();
        if fate == Fate::Unheard {
            self.restart();
            return;
        }
        if fate != Fate::NotDeleted {
            for hash in push.obsolete {
                swarm.remove(&hash);
            }
        }
        self.seen.extend(hashes.iter().cloned());
        self.config.confirm_pushed(push.seqno, hashes);
    }

    fn restart(&mut self) {
        let (state, seqno, hash) = (
            self.config.state(),
            self.config.seqno(),
            self.config.message_hash(),
        );
        let dump = self.config.dump();
        self.config = Config::load(KIND, &account(), &dump).unwrap();
        assert_eq!(
            (
                self.config.state(),
                self.config.seqno(),
                self.config.message_hash()
            ),
            (state, seqno, hash)
        );
    }
}

/// One history; gives what it lost. A device pulls all there is before it pushes, as the engine does; between pulls it may
/// see any part of it.
fn history(seed: u64) -> Vec<String> {
    let mut dice = Dice(seed);
    let mut now = NOW;
    let mut swarm = Swarm::new();
    let mut devices: Vec<Device> = (0..3).map(Device::new).collect();
    // Some histories have no crashes, some have many.
    let crashes = dice.roll(4);
    for step in 0..STEPS {
        // Mostly seconds, sometimes longer than edits are kept after their push.
        now += match dice.roll(20) {
            0 => 60 * MINUTE,
            _ => dice.roll(20_000),
        };
        let at = dice.index(3);
        let device = &mut devices[at];
        match dice.roll(10) {
            0..=3 => device.edit(&mut dice, step),
            4 | 5 => device.pull(&swarm, &mut dice, now, false),
            6..=8 => {
                let fate = match dice.roll(12) {
                    0 | 1 if crashes > 0 => Fate::NothingOut,
                    2 | 3 if crashes > 0 => Fate::Unheard,
                    4 | 5 => Fate::NotDeleted,
                    _ => Fate::Done,
                };
                device.pull(&swarm, &mut dice, now, true);
                device.push(&mut swarm, now, fate);
            }
            _ => (0..crashes).for_each(|_| device.restart()),
        }
    }
    // The network is whole again: everyone pulls and pushes until nothing is left to do.
    let mut rounds = 0;
    loop {
        for device in &mut devices {
            device.pull(&swarm, &mut dice, now, true);
            device.push(&mut swarm, now, Fate::Done);
        }
        now += 1_000;
        let first = devices[0].config.message_hash();
        let done = |device: &Device| !device.config.needs_push() && device.config.message_hash() == first;
        if devices.iter().all(done) {
            break;
        }
        rounds += 1;
        assert!(rounds < 12, "history {seed} does not end");
    }
    let mut late = Config::new(KIND, &account());
    late.merge(&swarm.iter().collect::<Vec<_>>(), now);
    assert_eq!(
        late.message_hash(),
        devices[0].config.message_hash(),
        "history {seed}"
    );
    let mut lost = Vec::new();
    for device in &devices {
        for (key, value) in &device.wrote {
            let [outer, name] = Device::field(device.number, *key);
            let held = late.get(&[&outer, &name]).and_then(Tree::as_int);
            if held != *value {
                lost.push(format!("history {seed}: device {} lost {key}", device.number));
            }
        }
        let set = late
            .get(&[b"s"])
            .and_then(Tree::as_set)
            .cloned()
            .unwrap_or_default();
        for (key, present) in &device.elements {
            let element = Device::element(device.number, *key);
            if set.contains(&element) != *present {
                lost.push(format!(
                    "history {seed}: device {} lost element {key}",
                    device.number
                ));
            }
        }
    }
    for key in 0..3 {
        let last: BTreeSet<Option<i64>> = devices
            .iter()
            .filter_map(|device| device.shared.get(&key).copied().map(Some))
            .collect();
        let held = late.get(&[b"shared", &[key]]).and_then(Tree::as_int);
        if !(last.contains(&held) || (last.is_empty() && held.is_none())) {
            lost.push(format!(
                "history {seed}: {held:?} is nobody's last word of {last:?}"
            ));
        }
    }
    lost
}

#[test]
fn whatever_happens_all_devices_end_the_same_and_no_more_is_lost_than_is_known() {
    let asked = std::env::var("HOLDFAST_HISTORIES").ok();
    let count = asked.map_or(HISTORIES, |count| count.parse().unwrap());
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    let lost: Vec<String> = std::thread::scope(|scope| {
        let parts: Vec<_> = (0..threads)
            .map(|first| {
                scope.spawn(move || {
                    (first..count)
                        .step_by(threads as usize)
                        .flat_map(history)
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
    });
    assert!(
        lost.len() as u64 <= OPEN_OF_A_THOUSAND * count.div_ceil(1_000),
        "{lost:#?}"
    );
}

/// Stores what a device pushes; gives the messages with their hashes.
fn stored(config: &mut Config, now: u64) -> Vec<(String, Vec<u8>)> {
    let push = config.push(now).unwrap();
    let named = |data: Vec<u8>| {
        let hash = message_hash(&account().id(), KIND.namespace(), &data);
        (hash.as_str().to_owned(), data)
    };
    let stored: Vec<_> = push.messages.into_iter().map(named).collect();
    config.confirm_pushed(push.seqno, stored.iter().map(|(hash, _)| hash.as_str()));
    stored
}

/// A device with a field at 0, which others have too.
fn common() -> (Config, Vec<(String, Vec<u8>)>) {
    let mut config = Config::new(KIND, &account());
    config.set(&[b"f"], Some(0.into()));
    let stored = stored(&mut config, NOW);
    (config, stored)
}

fn field(config: &Config) -> Option<i64> {
    config.get(&[b"f"]).and_then(Tree::as_int)
}

#[test]
fn who_takes_an_edit_back_knowingly_is_heard() {
    for others in [0, 3, 9] {
        let (mut one, _) = common();
        let mut two = one.clone();
        one.set(&[b"f"], Some(1.into()));
        two.merge(&stored(&mut one, NOW), NOW);
        two.set(&[b"f"], Some(0.into()));
        let mut heard = stored(&mut two, NOW);
        for at in 0..others {
            two.set(&[b"g"], Some(at.into()));
            heard.extend(stored(&mut two, NOW));
        }
        // Meanwhile the first one edits something else, so that there is a conflict.
        one.set(&[b"h"], Some(1.into()));
        let report = one.merge(&heard, NOW + MINUTE);
        assert_eq!(
            (field(&one), one.get(&[b"h"])),
            (Some(0), Some(&1.into())),
            "{report:?}"
        );
    }
}

#[test]
fn an_edit_that_a_merge_elsewhere_wrote_over_comes_back() {
    // Two devices contradict each other; a third one, without edits, writes down what they come to, and everything in it
    // counts as new. A fourth one changes something at the same time.
    let (base, _) = common();
    let [mut one, mut two, mut three] = [base.clone(), base.clone(), base];
    one.set(&[b"a"], Some(1.into()));
    two.set(&[b"b"], Some(1.into()));
    let (from_one, from_two) = (stored(&mut one, NOW), stored(&mut two, NOW));
    let mut four = three.clone();
    four.merge(&from_one, NOW);
    three.merge(&[from_one, from_two].concat(), NOW);
    let merged = stored(&mut three, NOW);
    let mut again = 0;
    for value in 1..40 {
        let mut device = four.clone();
        device.set(&[b"f"], Some(value.into()));
        let mine = stored(&mut device, NOW);
        let report = device.merge(&merged, NOW);
        again += report.redone;
        assert_eq!(field(&device), Some(value));
        // The others come to the same once they hear of it.
        let theirs = stored(&mut device, NOW);
        let mut other = three.clone();
        other.merge(&[mine, theirs].concat(), NOW);
        assert_eq!(other.message_hash(), device.message_hash());
    }
    assert!((5..35).contains(&again), "the merge wrote over {again} of 39");
}

#[test]
fn what_was_undone_before_it_was_pushed_is_not_done_again() {
    let (mut one, _) = common();
    let mut two = one.clone();
    one.set(&[b"f"], Some(1.into()));
    one.merge(&[("noise", b"x")], NOW);
    one.set(&[b"f"], Some(0.into()));
    let mut last = Vec::new();
    for at in 1..9 {
        two.set(&[b"g"], Some(at.into()));
        last = stored(&mut two, NOW);
    }
    let report = one.merge(&last, NOW);
    assert_eq!(
        (report.redone, field(&one), one.needs_push()),
        (0, Some(0), false)
    );
}

#[test]
fn an_edit_counts_as_arrived_some_minutes_after_its_push() {
    for (minutes, redone) in [(1, 1), (60, 0)] {
        let (mut one, _) = common();
        let mut two = one.clone();
        one.set(&[b"f"], Some(1.into()));
        stored(&mut one, NOW);
        // The others never saw it, which nobody can tell from having taken it back.
        let mut last = Vec::new();
        for at in 1..9 {
            two.set(&[b"g"], Some(at.into()));
            last = stored(&mut two, NOW);
        }
        let report = one.merge(&last, NOW + minutes * MINUTE);
        assert_eq!((report.redone, field(&one)), (redone, Some(redone as i64)));
    }
}

#[test]
fn elements_of_sets_and_whole_records_come_back_too() {
    let (mut one, _) = common();
    let set = |values: &[i64]| Some(Tree::Set(values.iter().copied().map(Scalar::from).collect()));
    one.set(&[b"s"], set(&[1, 2]));
    one.set(&[b"r", b"a"], Some(1.into()));
    one.set(&[b"r", b"b"], Some(1.into()));
    one.set(&[b"turned"], Some(1.into()));
    stored(&mut one, NOW);
    let mut two = one.clone();
    one.set(&[b"s"], set(&[2, 3]));
    one.set(&[b"r"], None);
    one.set(&[b"turned", b"into"], Some("a dict".into()));
    let mut last = Vec::new();
    for at in 4..12 {
        two.set(&[b"s"], set(&[1, 2, at]));
        last = stored(&mut two, NOW);
    }
    let dump = one.dump();
    let mut one = Config::load(KIND, &account(), &dump).unwrap();
    let report = one.merge(&last, NOW);
    assert_eq!(report.redone, 6, "{report:?}");
    assert_eq!(one.get(&[b"s"]), set(&[2, 3, 11]).as_ref());
    assert_eq!(one.get(&[b"r"]), None);
    assert_eq!(one.get(&[b"turned", b"into"]), Some(&"a dict".into()));
}
