//! Fuzz targets: one function for every decoder of what comes from outside, with inputs to start from.
//!
//! A target takes any bytes and must not panic; where a decoder has an inverse it also checks that both agree. The
//! wrappers in `fuzz/` run them under cargo-fuzz for as long as one likes; `tests/tests/fuzz_smoke.rs` runs each of them
//! briefly with seeded mutations, so that every run of the tests does the same.

mod accounts;
mod backups;
mod configs;
mod files;
mod kiosk;
mod lock;
mod messages;
pub mod mutate;
mod network;
mod packets;
mod releases;
mod servers;
mod transfers;

/// A decoder under test.
pub struct Target {
    /// Its name, also that of its cargo-fuzz binary.
    pub name: &'static str,
    /// Decodes the input; panics on a defect.
    pub run: fn(&[u8]),
    /// Valid inputs to start from.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Rounds of the smoke run: fewer where a round costs more.
    pub rounds: u32,
}

/// Rounds for targets that only parse.
const PARSING: u32 = 4_000;

/// Rounds for targets that compute with keys in every round.
const CRYPTOGRAPHIC: u32 = 300;

/// Every target.
pub fn targets() -> Vec<Target> {
    let groups = [
        accounts::TARGETS,
        backups::TARGETS,
        configs::TARGETS,
        files::TARGETS,
        lock::TARGETS,
        kiosk::TARGETS,
        messages::TARGETS,
        network::TARGETS,
        packets::TARGETS,
        releases::TARGETS,
        servers::TARGETS,
        transfers::TARGETS,
    ];
    groups
        .into_iter()
        .flatten()
        .map(|(name, run, seeds, rounds)| Target {
            name,
            run: *run,
            seeds: *seeds,
            rounds: *rounds,
        })
        .collect()
}

/// A row of a target list: name, function, seeds, rounds.
type Row = (&'static str, fn(&[u8]), fn() -> Vec<Vec<u8>>, u32);

/// Runs the target with this name.
///
/// # Panics
/// When there is none, or the target finds a defect.
pub fn run(name: &str, input: &[u8]) {
    let target = targets().into_iter().find(|target| target.name == name);
    let Some(target) = target else {
        panic!("no fuzz target {name}");
    };
    (target.run)(input);
}
