//! Every fuzz target, briefly: valid inputs, their truncations, random bytes and seeded mutations.

use holdfast_tests::fuzz::mutate::{Choices, mutate};
use holdfast_tests::fuzz::{Target, targets};
use std::panic::catch_unwind;

/// Longest seed that is cut at every byte; longer ones are cut at as many evenly spread places.
const TRUNCATIONS: usize = 64;

fn try_input(target: &Target, input: &[u8]) {
    let run = target.run;
    if catch_unwind(|| run(input)).is_err() {
        panic!(
            "{} fails on {}",
            target.name,
            data_encoding::HEXLOWER.encode(input)
        );
    }
}

fn smoke(target: &Target) {
    let seeds = (target.seeds)();
    assert!(
        seeds.iter().any(|seed| !seed.is_empty()),
        "{} has no seeds",
        target.name
    );
    for seed in &seeds {
        try_input(target, seed);
        let step = seed.len().div_ceil(TRUNCATIONS).max(1);
        (0..seed.len())
            .step_by(step)
            .for_each(|at| try_input(target, &seed[..at]));
    }
    let name = target
        .name
        .bytes()
        .fold(0_u64, |sum, byte| sum.rotate_left(8) ^ u64::from(byte));
    let mut choices = Choices::new(name);
    for round in 0..target.rounds {
        let start = if round % 16 == 0 {
            let length = choices.below(200);
            (0..length).map(|_| choices.below(256) as u8).collect()
        } else {
            choices.pick(&seeds).cloned().unwrap_or_default()
        };
        try_input(target, &mutate(&mut choices, start, &seeds));
    }
}

#[test]
fn no_decoder_panics() {
    // Two threads share the targets: that is as many as the machines have that this must be quick on.
    let all = targets();
    let (left, right): (Vec<_>, Vec<_>) = all.iter().enumerate().partition(|(at, _)| at % 2 == 0);
    std::thread::scope(|scope| {
        for half in [left, right] {
            scope.spawn(move || half.into_iter().for_each(|(_, target)| smoke(target)));
        }
    });
}

#[test]
fn every_target_has_a_cargo_fuzz_binary() {
    let manifest = include_str!("../../fuzz/Cargo.toml");
    for target in targets() {
        let line = format!("name = \"{}\"", target.name);
        assert!(
            manifest.lines().any(|found| found == line),
            "fuzz/Cargo.toml lacks {}",
            target.name
        );
    }
}
