//! The single cases behind the rules by which edits are kept; `lost` runs thousands of histories.

use super::super::{Config, ConfigKind, LAG, Scalar, Tree};
use super::{NOW, account};
use crate::swarm::message_hash;

const KIND: ConfigKind = ConfigKind::Contacts;
const MINUTE: u64 = 60 * 1000;

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

#[test]
fn who_empties_a_set_takes_nothing_that_others_put_in() {
    let set = |values: &[i64]| Some(Tree::Set(values.iter().copied().map(Scalar::from).collect()));
    let (mut one, _) = common();
    one.set(&[b"s"], set(&[1]));
    stored(&mut one, NOW);
    let mut two = one.clone();
    two.set(&[b"s"], set(&[1, 2]));
    let theirs = stored(&mut two, NOW);
    // An hour later the other one looks: its own element goes, the new one stays.
    one.set(&[b"s"], None);
    one.merge(&theirs, NOW + 60 * MINUTE);
    assert_eq!(one.get(&[b"s"]), set(&[2]).as_ref());
    two.merge(&stored(&mut one, NOW + 60 * MINUTE), NOW + 60 * MINUTE);
    assert_eq!(two.get(&[b"s"]), set(&[2]).as_ref());
    assert_eq!(two.message_hash(), one.message_hash());
}

#[test]
fn who_ran_ahead_while_pushes_failed_drops_nothing_of_others() {
    let (mut one, _) = common();
    let mut two = one.clone();
    two.set(&[b"f"], Some(1.into()));
    let theirs = stored(&mut two, NOW);
    for at in 0..8 {
        one.set(&[b"g"], Some(at.into()));
        one.push(NOW).unwrap();
    }
    assert!(one.seqno() > two.seqno() + LAG);
    one.merge(&theirs, NOW + 60 * MINUTE);
    assert_eq!((field(&one), one.get(&[b"g"])), (Some(1), Some(&7.into())));
    two.merge(&stored(&mut one, NOW + 60 * MINUTE), NOW + 60 * MINUTE);
    assert_eq!((field(&two), two.get(&[b"g"])), (Some(1), Some(&7.into())));
}

#[test]
fn who_made_a_message_and_who_read_it_merge_alike() {
    let (mut one, _) = common();
    let write = |config: &mut Config, name: &[u8], value: i64| {
        config.set(&[name], Some(value.into()));
        stored(config, NOW)
    };
    (0..3).for_each(|at| drop(write(&mut one, b"h", at)));
    // The other one changes a field that an old row of the first names, and goes on until no row names that change.
    let mut two = one.clone();
    write(&mut two, b"f", 9);
    let mut last = Vec::new();
    for at in 0..5 {
        last = write(&mut two, b"g", at);
    }
    (3..5).for_each(|at| drop(write(&mut one, b"h", at)));
    let mut again = Config::load(KIND, &account(), &one.dump()).unwrap();
    for device in [&mut one, &mut again] {
        device.merge(&last, NOW + 60 * MINUTE);
        assert_eq!(field(device), Some(9));
    }
    assert_eq!(one.message_hash(), again.message_hash());
}

#[test]
fn a_confirmation_is_for_the_message_that_was_pushed() {
    let set = |values: &[i64]| Some(Tree::Set(values.iter().copied().map(Scalar::from).collect()));
    let (mut one, _) = common();
    let [mut two, mut three] = [one.clone(), one.clone()];
    two.set(&[b"s"], set(&[2]));
    three.set(&[b"g"], Some(1.into()));
    let theirs = [stored(&mut two, NOW), stored(&mut three, NOW)].concat();
    // What it puts in and takes out again leaves a message of the number that the others' conflict comes to as well.
    one.set(&[b"s"], set(&[1]));
    one.push(NOW).unwrap();
    one.set(&[b"s"], None);
    let push = one.push(NOW).unwrap();
    one.merge(&theirs, NOW);
    assert_eq!((one.seqno(), one.get(&[b"s"])), (push.seqno, set(&[2]).as_ref()));
    one.confirm_pushed(push.seqno, ["another"]);
    assert!(one.needs_push());
    two.merge(&stored(&mut one, NOW), NOW);
    assert_eq!(
        (two.get(&[b"s"]), two.get(&[b"g"])),
        (set(&[2]).as_ref(), Some(&1.into()))
    );
    assert_eq!(two.message_hash(), one.message_hash());
}

#[test]
fn who_only_listens_makes_what_the_others_make_and_does_not_run_ahead() {
    let (mut one, _) = common();
    let [mut two, mut three] = [one.clone(), one.clone()];
    two.set(&[b"a"], Some(1.into()));
    three.set(&[b"b"], Some(1.into()));
    let conflict = [stored(&mut two, NOW), stored(&mut three, NOW)].concat();
    one.merge(&conflict, NOW);
    one.set(&[b"f"], Some(1.into()));
    let unheard = one.push(NOW).unwrap().messages;
    two.merge(&[("unheard", &unheard[0])], NOW);
    three.merge(&[("unheard", &unheard[0])], NOW);
    // The others contradict each other and agree, again and again.
    for at in 0..8 {
        two.set(&[b"g"], Some(at.into()));
        three.set(&[b"h"], Some(at.into()));
        let (from_two, from_three) = (stored(&mut two, NOW), stored(&mut three, NOW));
        two.merge(&from_three, NOW);
        let merged = stored(&mut two, NOW);
        three.merge(&[from_two.clone(), merged.clone()].concat(), NOW);
        for heard in [from_two, from_three, merged] {
            assert_eq!(one.merge(&heard, NOW).redone, 0);
        }
        assert_eq!(one.message_hash(), two.message_hash());
        assert_eq!(three.message_hash(), two.message_hash());
    }
    assert_eq!(
        (one.get(&[b"g"]), one.get(&[b"h"])),
        (Some(&7.into()), Some(&7.into()))
    );
    assert_eq!(field(&one), Some(1));
}

#[test]
fn a_push_of_which_nothing_was_heard_looks_like_one_that_never_arrived() {
    // Two worlds. In one of them the push arrived, and another device took the edit back to what was before; in the other
    // it never arrived. Five messages later what is in the swarm is the same, to the byte of all data, and says of neither
    // what happened: messages name what was changed in the last four before them. The edit is made again in both.
    let swarm = |arrived: bool| {
        let (mut one, _) = common();
        let mut two = one.clone();
        one.set(&[b"f"], Some(1.into()));
        let push = one.push(NOW).unwrap();
        let one = Config::load(KIND, &account(), &one.dump()).unwrap();
        if arrived {
            two.merge(&[("unheard", &push.messages[0])], NOW);
            two.set(&[b"f"], Some(0.into()));
        }
        let mut last = Vec::new();
        for at in 0..6 {
            two.set(&[b"g"], Some(at.into()));
            last = stored(&mut two, NOW);
        }
        (one, two, last)
    };
    let [
        (mut never, mut other, nothing),
        (mut unheard, mut knew, taken_back),
    ] = [swarm(false), swarm(true)];
    assert_eq!(other.data(), knew.data());
    never.merge(&nothing, NOW);
    unheard.merge(&taken_back, NOW);
    assert_eq!((field(&never), field(&unheard)), (Some(1), Some(1)));
    other.merge(&stored(&mut never, NOW), NOW);
    knew.merge(&stored(&mut unheard, NOW), NOW);
    assert_eq!((field(&other), field(&knew)), (Some(1), Some(1)));
}
