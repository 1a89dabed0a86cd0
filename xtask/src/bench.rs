//! `cargo xtask bench`: starts the measurements of the tests crate, built as released.

use crate::artifacts::{self, Need};
use crate::paths;
use crate::progress::{Outcome, Progress};
use crate::test;

/// Prints one JSON object a line; names choose what is measured.
pub(crate) fn run(names: &[String]) -> Outcome {
    let progress = Progress::new();
    artifacts::prepare(&progress, Need::Browser)?;
    artifacts::headless(&progress)?;
    let mut build = paths::command("cargo");
    progress.step(
        "benches",
        build.args(["build", "--release", "-p", "holdfast-tests", "--bin", "bench"]),
    )?;
    let mut bench = paths::command(&paths::target().join("release/bench").to_string_lossy());
    bench
        .args(names)
        .env("HOLDFAST_DIST", paths::dist())
        .env("HOLDFAST_BIN", paths::server());
    bench
        .env("HOLDFAST_HEADLESS", paths::headless())
        .env("HOLDFAST_PAGE", paths::page());
    test::passed(&mut bench, "a measurement failed")
}
