//! Random histories of one document on three devices and a swarm: whatever is reordered, held back, repeated or lost in a
//! crash, all end with the same bytes; and as long as nothing crashes, no edit is lost.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_protocol::account::{Account, Seed};
use holdfast_protocol::config::{Config, ConfigKind, Tree};
use holdfast_protocol::swarm::message_hash;

use super::base;

const NOW: u64 = 1_780_000_000_000;
const KIND: ConfigKind = ConfigKind::Contacts;
const HISTORIES: u64 = 400;

/// Numbers that look random and come again with their seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

struct Device {
    config: Config,
    seen: BTreeSet<String>,
    /// The last value of each key of its own.
    wrote: BTreeMap<usize, i64>,
    /// What the engine keeps beside the document.
    base: Option<Config>,
}

impl Device {
    fn edit(&mut self, number: usize, key: usize, value: i64) {
        if !self.config.needs_push() {
            self.base = Some(self.config.clone());
        }
        let name = [b'k', u8::try_from(number).unwrap(), u8::try_from(key).unwrap()];
        self.config.set(&[b"x", &name], Some(Tree::from(value)));
        // Something that all of them fight for.
        self.config.set(&[b"x", b"shared"], Some(Tree::from(value)));
        self.wrote.insert(key, value);
    }

    fn pull(&mut self, swarm: &BTreeMap<String, Vec<u8>>, dice: &mut Dice, all: bool) {
        let mut new: Vec<(&str, &[u8])> = swarm
            .iter()
            .filter(|(hash, _)| !self.seen.contains(*hash))
            .filter(|_| all || dice.roll(4) != 0)
            .map(|(hash, data)| (hash.as_str(), data.as_slice()))
            .collect();
        for at in (1..new.len()).rev() {
            new.swap(at, dice.roll(at + 1));
        }
        if new.is_empty() {
            return;
        }
        let before = self.config.clone();
        let edits = self
            .base
            .as_ref()
            .filter(|_| before.needs_push())
            .map(|base| base::edits(base.data(), before.data()));
        let report = self.config.merge(&new, NOW);
        assert!(report.refused.is_empty(), "{report:?}");
        if let Some(edits) = edits {
            base::redo(&mut self.config, &edits);
            self.base = Some(base::without(&self.config, &edits));
        } else if self.config.needs_push() {
            self.base = Some(before);
        }
        self.seen.extend(report.accepted);
    }

    fn push(&mut self, account: &Account, swarm: &mut BTreeMap<String, Vec<u8>>, step: usize) {
        if !self.config.needs_push() {
            return;
        }
        let push = self.config.push(NOW).unwrap();
        if step == 0 {
            // It dies before anything is out.
            return;
        }
        let hashes: Vec<String> = push
            .messages
            .into_iter()
            .map(|data| {
                let hash = message_hash(&account.id(), KIND.namespace(), &data)
                    .as_str()
                    .to_owned();
                swarm.insert(hash.clone(), data);
                hash
            })
            .collect();
        if step == 1 {
            // It dies before it hears that all is stored.
            return;
        }
        for hash in push.obsolete {
            swarm.remove(&hash);
        }
        self.seen.extend(hashes.iter().cloned());
        self.config.confirm_pushed(push.seqno, hashes);
    }

    fn crash(&mut self, account: &Account) {
        let dump = self.config.dump();
        self.config = Config::load(KIND, account, &dump).unwrap();
    }
}

#[test]
fn three_devices_end_with_the_same_bytes() {
    let account = Account::from_seed(Seed::from_bytes(&[5; 16]));
    for seed in 0..HISTORIES {
        let mut dice = Dice(seed);
        // Every other history has crashes and lost confirmations: a document that starts again and again with edits, and
        // merges in between, may count past what others do (`spec/04-configs.md §8`).
        let breaks = seed % 2 == 1;
        let mut swarm = BTreeMap::new();
        let mut devices: Vec<Device> = (0..3)
            .map(|_| Device {
                config: Config::new(KIND, &account),
                seen: BTreeSet::new(),
                wrote: BTreeMap::new(),
                base: None,
            })
            .collect();
        for step in 0..30 {
            let at = dice.roll(3);
            let device = &mut devices[at];
            match dice.roll(8) {
                0..=2 => device.edit(at, dice.roll(3), step),
                3 | 4 => device.pull(&swarm, &mut dice, false),
                5 | 6 => {
                    let fate = if breaks { dice.roll(6) } else { 2 };
                    // Whoever pushes without pulling first may be too far behind to be heard.
                    device.pull(&swarm, &mut dice, true);
                    device.push(&account, &mut swarm, fate);
                }
                _ if breaks => device.crash(&account),
                _ => {}
            }
        }
        // The network is whole again: everyone pulls and pushes until nothing is left to do.
        for _ in 0..12 {
            for device in &mut devices {
                device.pull(&swarm, &mut dice, true);
                device.push(&account, &mut swarm, 9);
            }
        }
        for device in &devices {
            assert!(!device.config.needs_push(), "history {seed}");
            assert_eq!(
                device.config.message_hash(),
                devices[0].config.message_hash(),
                "history {seed}"
            );
        }
        for (number, device) in devices.iter().enumerate() {
            for (key, value) in device.wrote.iter().filter(|_| !breaks) {
                let name = [b'k', u8::try_from(number).unwrap(), u8::try_from(*key).unwrap()];
                let held = devices[0].config.get(&[b"x", &name]).and_then(Tree::as_int);
                assert_eq!(held, Some(*value), "history {seed}: device {number} lost {key}");
            }
        }
        let mut late = Config::new(KIND, &account);
        let all: Vec<_> = swarm.iter().collect();
        late.merge(&all, NOW);
        assert_eq!(
            late.message_hash(),
            devices[0].config.message_hash(),
            "history {seed}"
        );
    }
}
