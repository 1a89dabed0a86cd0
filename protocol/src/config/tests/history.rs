//! Random histories of several devices over one swarm.

use super::super::{Config, ConfigKind, Scalar, Tree};
use super::{NOW, account};
use crate::swarm::message_hash;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Devices in a history.
const DEVICES: usize = 3;
/// Rounds in which every device syncs once until all must be equal.
const ROUNDS: usize = 6;

/// What the swarm holds, by storage hash.
type Swarm = BTreeMap<String, Vec<u8>>;

struct Device {
    config: Config,
    seen: BTreeSet<String>,
}

#[derive(Debug, Clone)]
enum Step {
    /// Writes or removes something.
    Edit(usize, u8, i64),
    /// Pulls, and pushes what there is to push.
    Sync(usize),
    /// The push is stored, and the device dies before it knows.
    Die(usize),
}

impl Device {
    fn new() -> Self {
        Self {
            config: Config::new(ConfigKind::UserGroups, &account()),
            seen: BTreeSet::new(),
        }
    }

    fn edit(&mut self, field: u8, value: i64) {
        let scalar = Scalar::Int(value);
        let (path, value): (&[&[u8]], Option<Tree>) = match field % 7 {
            0 => (&[b"n"], Some(value.into())),
            1 => (&[b"n"], None),
            2 => (&[b"d", b"x"], Some(value.into())),
            3 => (&[b"d", b"y", b"z"], Some("text".into())),
            4 => (&[b"d"], None),
            5 => (&[b"d", b"x"], Some(Tree::Set([scalar].into()))),
            _ => {
                let set = self.config.get(&[b"s"]).and_then(Tree::as_set);
                let mut set = set.cloned().unwrap_or_default();
                if !set.remove(&scalar) {
                    set.insert(scalar);
                }
                (&[b"s"], Some(Tree::Set(set)))
            }
        };
        self.config.set(path, value);
    }

    fn pull(&mut self, swarm: &Swarm) {
        let new: Vec<_> = swarm
            .iter()
            .filter(|(hash, _)| !self.seen.contains(*hash))
            .collect();
        let report = self.config.merge(&new, NOW);
        assert!(report.refused.is_empty());
        self.seen.extend(new.into_iter().map(|(hash, _)| hash.clone()));
    }

    fn push(&mut self, swarm: &mut Swarm, confirm: bool) {
        if !self.config.needs_push() {
            return;
        }
        let push = self.config.push(NOW).unwrap();
        let mut hashes = Vec::new();
        for message in push.messages {
            let hash = message_hash(&account().id(), push.namespace, &message);
            let hash = hash.as_str().to_owned();
            swarm.insert(hash.clone(), message);
            hashes.push(hash);
        }
        for hash in push.obsolete {
            assert!(!hashes.contains(&hash), "a push deletes itself");
            swarm.remove(&hash);
        }
        if confirm {
            self.seen.extend(hashes.iter().cloned());
            self.config.confirm_pushed(push.seqno, hashes);
        } else {
            let dump = self.config.dump();
            self.config = Config::load(ConfigKind::UserGroups, &account(), &dump).unwrap();
        }
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let device = 0..DEVICES;
    let step = prop_oneof![
        4 => (device.clone(), any::<u8>(), 0..4_i64).prop_map(|(device, field, value)| Step::Edit(device, field, value)),
        3 => device.clone().prop_map(Step::Sync),
        1 => device.prop_map(Step::Die),
    ];
    prop::collection::vec(step, 0..24)
}

/// Pushes of devices that share a base and then go their own ways.
fn branches() -> impl Strategy<Value = Vec<Vec<(u8, i64)>>> {
    let edits = prop::collection::vec((any::<u8>(), 0..4_i64), 1..5);
    prop::collection::vec(edits, 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_order_of_the_same_messages_ends_in_the_same_bytes(
        base in prop::collection::vec((any::<u8>(), 0..4_i64), 1..4),
        branches in branches(),
        order in any::<prop::sample::Index>(),
    ) {
        let mut swarm = Swarm::new();
        let mut first = Device::new();
        base.into_iter().for_each(|(field, value)| first.edit(field, value));
        first.push(&mut swarm, true);
        let common = swarm.clone();
        for edits in branches {
            let (mut device, mut own) = (Device::new(), common.clone());
            device.pull(&own);
            for (field, value) in edits {
                device.edit(field, value);
                device.push(&mut own, true);
                swarm.append(&mut own.clone());
            }
        }
        let mut messages: Vec<_> = swarm.into_iter().collect();
        let merged = |messages: &[(String, Vec<u8>)]| {
            let mut config = Config::new(ConfigKind::UserGroups, &account());
            config.merge(messages, NOW);
            config.message().to_vec()
        };
        let expected = merged(&messages);
        let middle = order.index(messages.len().max(1));
        messages.rotate_left(middle);
        prop_assert_eq!(&merged(&messages), &expected);
        messages.reverse();
        prop_assert_eq!(&merged(&messages), &expected);
        // Twice is as good as once.
        messages.extend(messages.clone());
        prop_assert_eq!(&merged(&messages), &expected);
    }

    #[test]
    fn devices_come_to_agree_and_the_swarm_keeps_what_they_agree_on(steps in steps()) {
        let mut swarm = Swarm::new();
        let mut devices: Vec<Device> = (0..DEVICES).map(|_| Device::new()).collect();
        for step in steps {
            match step {
                Step::Edit(at, field, value) => devices[at].edit(field, value),
                Step::Sync(at) => {
                    devices[at].pull(&swarm);
                    devices[at].push(&mut swarm, true);
                }
                Step::Die(at) => devices[at].push(&mut swarm, false),
            }
        }
        for _ in 0..ROUNDS {
            for device in &mut devices {
                device.pull(&swarm);
                device.push(&mut swarm, true);
            }
        }
        let mut fresh = Device::new();
        fresh.pull(&swarm);
        for device in &devices {
            prop_assert!(!device.config.needs_push());
            prop_assert_eq!(device.config.data(), fresh.config.data());
            prop_assert_eq!(device.config.message_hash(), fresh.config.message_hash());
        }
    }

    #[test]
    fn an_edit_that_is_synced_in_time_is_never_lost(value in 1..9_i64, others in 0..4_u8) {
        let mut swarm = Swarm::new();
        let (mut one, mut two) = (Device::new(), Device::new());
        one.edit(2, 0);
        one.push(&mut swarm, true);
        two.pull(&swarm);
        two.edit(0, value);
        for _ in 0..others {
            one.edit(6, value);
            one.push(&mut swarm, true);
        }
        two.pull(&swarm);
        two.push(&mut swarm, true);
        one.pull(&swarm);
        prop_assert_eq!(one.config.get(&[b"n"]).and_then(Tree::as_int), Some(value));
        prop_assert_eq!(one.config.message_hash(), two.config.message_hash());
    }
}
