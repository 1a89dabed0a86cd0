//! `cargo xtask test` and `cargo xtask vectors`.

use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use crate::artifacts::{self, Need};
use crate::check;
use crate::options::DEFAULT_NODES;
use crate::paths;
use crate::progress::{Outcome, Progress};
use crate::sign;
use crate::size;

/// Where property tests begin: a run that passed passes again. Another number in this variable tries other cases.
const SEED: (&str, &str) = ("PROPTEST_RNG_SEED", "1");
/// What fails when nothing but browser tests did, as cargo names it.
const BROWSER: &str = "`-p holdfast-tests --test browser`";
/// So many browser tests are tried once more, each with the machine to itself: a busy one can be too slow for a browser. Where
/// more failed, that was not the reason.
const TRIED_AGAIN: usize = 3;

/// How the line about all tests of a target begins.
const RESULT: &str = "test result: ";
const FAILED: &str = "there are failed tests";

/// Builds what the tests start, then hands over to cargo. Without words for cargo, what other tasks promise is tried at the end,
/// with what the tests needed built anyway.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let progress = Progress::new();
    artifacts::prepare(&progress, Need::Tests)?;
    size::check()?;
    if !arguments.is_empty() {
        let mut tests = cargo_test(&["--workspace"]);
        tests.args(arguments);
        progress.say(&artifacts::shown(&tests));
        return passed(&mut tests, FAILED);
    }
    let headless = paths::tested_headless();
    // Cargo puts it there again, built anew or not. One that it builds no more must not stand for what it builds.
    match fs::remove_file(&headless) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(format!("cannot remove {}: {error}", headless.display()));
        }
        _ => {}
    }
    let mut outcomes = vec![("tests", all(&progress))];
    for (task, outcome) in tasks(&progress, &headless) {
        let word = if outcome.is_ok() { "passed" } else { "FAILED" };
        progress.say(&format!("{task}: {word}"));
        outcomes.push((task, outcome));
    }
    summary(outcomes)
}

/// What the tests of other tasks came to. They come last, since what they promise is promised in seconds.
fn tasks(progress: &Progress, headless: &Path) -> Vec<(&'static str, Outcome)> {
    progress.say("up --check, with what is built:");
    let check = if headless.exists() {
        check::everything(progress, DEFAULT_NODES, headless)
    } else {
        Err(format!(
            "cargo test built no {}, the client for scripts",
            headless.display()
        ))
    };
    vec![("up --check", check), ("sign", sign::try_it(&paths::server()))]
}

/// Nothing, or what failed, each in its own words.
fn summary(outcomes: Vec<(&'static str, Outcome)>) -> Outcome {
    let failed: Vec<String> = outcomes
        .into_iter()
        .filter_map(|(name, outcome)| outcome.err().map(|why| format!("{name}: {why}")))
        .collect();
    if failed.is_empty() {
        Ok(())
    } else {
        Err(failed.join("\n"))
    }
}

/// All tests that cargo runs; a few browser tests that fail get a second try.
fn all(progress: &Progress) -> Outcome {
    let mut tests = cargo_test(&["--workspace", "--no-fail-fast"]);
    progress.say(&artifacts::shown(&tests));
    let first = Heard::from(&mut tests)?;
    if first.passed {
        return Ok(());
    }
    let again = first.to_try_again().ok_or(FAILED)?;
    let mut tests = cargo_test(&["--workspace", "--test", "browser", "--"]);
    tests.args(["--test-threads", "1", "--exact"]).args(&again);
    progress.say("failed, tried once more alone:");
    progress.say(&artifacts::shown(&tests));
    let second = Heard::from(&mut tests)?;
    if !second.passed || second.counts() != [(again.len(), 0)] {
        return Err(FAILED.to_owned());
    }
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

/// What a run of cargo said, beside showing it.
#[derive(Debug, Default)]
struct Heard {
    passed: bool,
    /// The lines about failed tests, and about all tests of a target.
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
        let targets = thread::spawn(move || gather(err, |line| eprintln!("{line}"), is_target));
        let tests = gather(out, |line| println!("{line}"), is_result);
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

    /// How many tests of each target that had any passed, and how many failed.
    fn counts(&self) -> Vec<(usize, usize)> {
        let read = |line: &String| {
            let words: Vec<&str> = line.strip_prefix(RESULT)?.split_whitespace().collect();
            match words[..] {
                [_, passed, "passed;", failed, "failed;", ..] => {
                    Some((passed.parse().ok()?, failed.parse().ok()?))
                }
                _ => None,
            }
        };
        let counts = self.tests.iter().filter_map(read);
        counts.filter(|count| *count != (0, 0)).collect()
    }

    /// The browser tests that deserve a second try: all that failed, if they are few, nothing else did, and all were run.
    fn to_try_again(&self) -> Option<Vec<String>> {
        let name = |line: &String| {
            Some(
                line.strip_prefix("test ")?
                    .strip_suffix(" ... FAILED")?
                    .to_owned(),
            )
        };
        let names: Vec<String> = self.tests.iter().filter_map(name).collect();
        let failed: Vec<usize> = self
            .counts()
            .into_iter()
            .map(|count| count.1)
            .filter(|failed| *failed > 0)
            .collect();
        let few = names.len() <= TRIED_AGAIN && failed == [names.len()];
        (few && self.targets == [BROWSER]).then_some(names)
    }
}

/// Shows each line of a stream and keeps those that are wanted.
fn gather(stream: Option<impl Read>, show: impl Fn(&str), wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for line in stream
        .into_iter()
        .flat_map(|stream| BufReader::new(stream).split(b'\n'))
    {
        let Ok(line) = line else { break };
        let line = String::from_utf8_lossy(&line);
        show(&line);
        if wanted(line.trim()) {
            found.push(line.trim().to_owned());
        }
    }
    found
}

fn is_result(line: &str) -> bool {
    line.starts_with(RESULT) || (line.starts_with("test ") && line.ends_with(" ... FAILED"))
}

fn is_target(line: &str) -> bool {
    line.starts_with("`-p ") && line.ends_with('`')
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

    const OUT: &str = "test lock::a ... ok\ntest tabs::b ... FAILED\n\nfailures:\n    tabs::b\n\n";
    const RESULTS: &str = "test result: ok. 5 passed; 0 failed; 0 ignored\ntest result: FAILED. 1 passed; 1 failed; 0 ignored\n";
    const ERR: &str = "     Running tests/browser/main.rs\nerror: 1 target failed:\n    `-p holdfast-tests --test browser`\n";

    fn heard(out: &str, err: &str) -> Heard {
        Heard {
            passed: false,
            tests: gather(Some(out.as_bytes()), |_| (), is_result),
            targets: gather(Some(err.as_bytes()), |_| (), is_target),
        }
    }

    #[test]
    fn every_failure_is_in_the_summary_in_its_own_words() {
        assert_eq!(summary(vec![("tests", Ok(())), ("sign", Ok(()))]), Ok(()));
        let failed = |why: &str| Err(why.to_owned());
        assert_eq!(
            summary(vec![
                ("tests", failed(FAILED)),
                ("up --check", failed("it still ran 2 s after Ctrl-C")),
                ("sign", Ok(())),
            ]),
            failed("tests: there are failed tests\nup --check: it still ran 2 s after Ctrl-C")
        );
    }

    #[test]
    fn a_few_browser_tests_are_tried_again() {
        let heard = heard(&format!("{OUT}{RESULTS}"), ERR);
        assert_eq!(heard.to_try_again(), Some(vec!["tabs::b".to_owned()]));
        assert_eq!(heard.counts(), [(5, 0), (1, 1)]);
    }

    #[test]
    fn other_failures_and_many_are_not() {
        let whole = format!("{OUT}{RESULTS}");
        let others = format!("{ERR}    `-p holdfast-client --lib`\n");
        let many = RESULTS.replace("1 failed", "4 failed");
        for (out, err, why) in [
            (whole.clone(), others.as_str(), "another target failed"),
            (format!("{}{many}", OUT.repeat(4)), ERR, "many failed"),
            (OUT.to_owned(), ERR, "it was killed before its end"),
            (format!("{OUT}{many}"), ERR, "not all are known"),
            (String::new(), ERR, "it did not compile"),
        ] {
            assert_eq!(heard(&out, err).to_try_again(), None, "{why}");
        }
    }
}
