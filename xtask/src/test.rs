//! `cargo xtask test` and `cargo xtask vectors`.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::thread;

use crate::artifacts::{self, Need};
use crate::paths;
use crate::progress::{Outcome, Progress};
use crate::size;

/// Where property tests begin: a run that passed passes again. Another number in this variable tries other cases.
const SEED: (&str, &str) = ("PROPTEST_RNG_SEED", "1");
/// What fails when nothing but browser tests did, as cargo names it.
const BROWSER: &str = "`-p holdfast-tests --test browser`";
/// So many browser tests are tried once more, each with the machine to itself: a busy one can be too slow for a browser. Where
/// more failed, that was not the reason.
const TRIED_AGAIN: usize = 3;

/// Builds what the tests start, then hands over to cargo, whose results are the last lines.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let progress = Progress::new();
    artifacts::prepare(&progress, Need::Tests)?;
    size::check()?;
    let mut tests = cargo_test(&["--workspace", "--no-fail-fast"]);
    tests.args(arguments);
    progress.say(&artifacts::shown(&tests));
    let first = Heard::from(&mut tests)?;
    if first.passed {
        return Ok(());
    }
    let Some(again) = first.to_try_again() else {
        return Err("there are failed tests".to_owned());
    };
    let mut tests = cargo_test(&["--workspace", "--test", "browser", "--"]);
    tests.args(["--test-threads", "1", "--exact"]).args(again);
    progress.say("failed, tried once more alone:");
    progress.say(&artifacts::shown(&tests));
    passed(&mut tests, "there are failed tests")?;
    progress.say(&format!("passed, at the second try only: {}", again.join(", ")));
    Ok(())
}

/// `cargo test` with what the tests have to know.
fn cargo_test(arguments: &[&str]) -> Command {
    let mut cargo = paths::command("cargo");
    cargo
        .arg("test")
        .args(arguments)
        .env("HOLDFAST_DIST", paths::dist())
        .env("HOLDFAST_BIN", paths::server())
        .env("HOLDFAST_PAGE", paths::page());
    if std::env::var_os(SEED.0).is_none() {
        cargo.env(SEED.0, SEED.1);
    }
    cargo
}

/// What a run of cargo said about failures, beside showing it.
#[derive(Debug, Default)]
struct Heard {
    passed: bool,
    /// The names of the failed tests.
    tests: Vec<String>,
    /// The failed targets, as cargo names them.
    targets: Vec<String>,
}

impl Heard {
    /// Runs cargo and shows all that it says.
    fn from(cargo: &mut Command) -> Result<Heard, String> {
        let mut running = cargo
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", artifacts::shown(cargo)))?;
        let (out, err) = (running.stdout.take(), running.stderr.take());
        let targets = thread::spawn(move || gather(err, |line| eprintln!("{line}"), failed_target));
        let tests = gather(out, |line| println!("{line}"), failed_test);
        let targets = targets.join().unwrap_or_default();
        let status = running
            .wait()
            .map_err(|error| format!("cargo's end was missed: {error}"))?;
        Ok(Heard {
            passed: status.success(),
            tests,
            targets,
        })
    }

    /// The browser tests that deserve a second try: all that failed, if they are few and nothing else did.
    fn to_try_again(&self) -> Option<&[String]> {
        let few = !self.tests.is_empty() && self.tests.len() <= TRIED_AGAIN;
        (few && self.targets == [BROWSER]).then_some(&self.tests)
    }
}

/// Shows each line of a stream and keeps what `find` finds in them.
fn gather(
    stream: Option<impl Read>,
    show: impl Fn(&str),
    find: impl Fn(&str) -> Option<String>,
) -> Vec<String> {
    let mut found = Vec::new();
    for line in stream
        .into_iter()
        .flat_map(|stream| BufReader::new(stream).split(b'\n'))
    {
        let Ok(line) = line else { break };
        let line = String::from_utf8_lossy(&line);
        show(&line);
        found.extend(find(&line));
    }
    found
}

fn failed_test(line: &str) -> Option<String> {
    let name = line.strip_prefix("test ")?.strip_suffix(" ... FAILED")?;
    Some(name.to_owned())
}

fn failed_target(line: &str) -> Option<String> {
    let target = line.trim();
    (target.starts_with("`-p ") && target.ends_with('`')).then(|| target.to_owned())
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

#[cfg(test)]
mod tests {
    use super::*;

    const OUT: &str = "test lock::a ... ok\ntest tabs::b ... FAILED\n\nfailures:\n    tabs::b\n";
    const ERR: &str = "     Running tests/browser/main.rs\nerror: 1 target failed:\n    `-p holdfast-tests --test browser`\n";

    fn heard(out: &str, err: &str) -> Heard {
        Heard {
            passed: false,
            tests: gather(Some(out.as_bytes()), |_| (), failed_test),
            targets: gather(Some(err.as_bytes()), |_| (), failed_target),
        }
    }

    #[test]
    fn a_few_browser_tests_are_tried_again() {
        assert_eq!(heard(OUT, ERR).to_try_again(), Some(&["tabs::b".to_owned()][..]));
    }

    #[test]
    fn other_failures_and_many_are_not() {
        let others = format!("{ERR}    `-p holdfast-client --lib`\n");
        assert_eq!(heard(OUT, &others).to_try_again(), None);
        assert_eq!(heard(&OUT.repeat(4), ERR).to_try_again(), None);
        assert_eq!(
            heard("", ERR).to_try_again(),
            None,
            "it did not compile, or was killed"
        );
    }
}
