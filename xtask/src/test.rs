//! `cargo xtask test` and `cargo xtask vectors`.

use std::process::Command;

use crate::artifacts::{self, Need};
use crate::paths;
use crate::progress::{Outcome, Progress};
use crate::size;

/// Where property tests begin: a run that passed passes again. Another number in this variable tries other cases.
const SEED: (&str, &str) = ("PROPTEST_RNG_SEED", "1");

/// Builds what the tests start, then hands over to cargo, whose results are the last lines.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let progress = Progress::new();
    artifacts::prepare(&progress, Need::Tests)?;
    size::check()?;
    let mut cargo = paths::command("cargo");
    cargo.args(["test", "--workspace"]).args(arguments);
    cargo
        .env("HOLDFAST_DIST", paths::dist())
        .env("HOLDFAST_BIN", paths::server())
        .env("HOLDFAST_PAGE", paths::page());
    if std::env::var_os(SEED.0).is_none() {
        cargo.env(SEED.0, SEED.1);
    }
    progress.say(&artifacts::shown(&cargo));
    passed(&mut cargo, "there are failed tests")
}

/// Runs the conformance cases of a folder.
pub(crate) fn vectors(arguments: &[String]) -> Outcome {
    let [folder] = arguments else {
        return Err("name the folder of the cases: cargo xtask vectors DIR".to_owned());
    };
    let here = std::env::current_dir().map_err(|error| format!("no current folder: {error}"))?;
    let mut cargo = paths::command("cargo");
    cargo
        .args(["run", "--quiet", "-p", "holdfast-tests", "--bin", "vectors", "--"])
        .arg(here.join(folder));
    passed(&mut cargo, "there are failed cases")
}

/// Runs a command with our own output.
pub(crate) fn passed(command: &mut Command, failure: &str) -> Outcome {
    let status = command
        .status()
        .map_err(|error| format!("cannot start {}: {error}", artifacts::shown(command)))?;
    if status.success() {
        Ok(())
    } else {
        Err(failure.to_owned())
    }
}
