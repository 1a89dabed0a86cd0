//! `cargo xtask lint`: format, clippy, dependencies and leftovers.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::artifacts;
use crate::paths;
use crate::progress::{Outcome, Progress};
use crate::setup::{self, Wasm};

/// What must not stay in the sources, in two parts each so that this list does not find itself.
const LEFTOVERS: [(&str, &str); 8] = [
    ("todo", "!("),
    ("unimplemented", "!("),
    ("dbg", "!("),
    ("FIX", "ME"),
    ("XX", "X "),
    ("#[ig", "nore"),
    ("console.", "log("),
    ("debugger", ";"),
];
/// Files that leftovers are looked for in.
const SOURCES: [&str; 8] = [
    "*.rs", "*.toml", "*.css", "*.html", "*.js", "*.mjs", "*.proto", "*.md",
];

/// No check takes longer than this, even with everything still to compile.
const LIMIT: Duration = Duration::from_secs(30 * 60);
/// The advisory database has a few megabytes.
const FETCH_LIMIT: Duration = Duration::from_secs(2 * 60);

/// Runs every check and names all that failed.
pub(crate) fn run() -> Outcome {
    let progress = Progress::new();
    let wasm = setup::web(&progress)?;
    let (dependencies, advisories) = match setup::cargo_deny(&progress) {
        Ok(()) => (dependencies(&progress), advisories(&progress)),
        Err(error) => (Err(error), Ok(())),
    };
    let strict = [
        "clippy",
        "--workspace",
        "--exclude",
        "holdfast-app",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    let outcomes = [
        progress.attempt("format", &mut cargo(&["fmt", "--all", "--check"]), LIMIT),
        progress.attempt("clippy", &mut cargo(&strict), LIMIT),
        progress.attempt("clippy of the app", &mut app_clippy(wasm), LIMIT),
        dependencies,
        advisories,
        leftovers(),
    ];
    let failures: Vec<String> = outcomes.into_iter().filter_map(Result::err).collect();
    if failures.is_empty() {
        progress.say("nothing to complain about");
        Ok(())
    } else {
        Err(format!(
            "{} complaints\n\n{}",
            failures.len(),
            failures.join("\n\n")
        ))
    }
}

fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = paths::command("cargo");
    cargo.args(arguments);
    cargo
}

/// Duplicates of the cryptography, licences and where crates come from: known without a network.
fn dependencies(progress: &Progress) -> Outcome {
    let mut check = cargo(&[
        "deny",
        "--log-level",
        "error",
        "check",
        "bans",
        "licenses",
        "sources",
    ]);
    progress.attempt("dependencies", &mut check, LIMIT)
}

/// Known weaknesses of dependencies, by the newest database that can be had. Without any, that is said and nothing fails.
fn advisories(progress: &Progress) -> Outcome {
    let mut fetch = cargo(&["deny", "--log-level", "error", "fetch", "db"]);
    let fetched = progress.attempt("advisory database", &mut fetch, FETCH_LIMIT);
    if fetched.is_err() {
        if !has_advisory_database() {
            progress.say("advisories not checked: no database could be fetched");
            return Ok(());
        }
        progress
            .say("advisories are checked by the database of an earlier run: no newer one could be fetched");
    }
    let mut check = cargo(&["deny", "--offline", "--log-level", "error", "check", "advisories"]);
    progress.attempt("advisories", &mut check, LIMIT)
}

/// Whether cargo-deny keeps an advisory database, in the folder that is its default.
fn has_advisory_database() -> bool {
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    home.and_then(|home| fs::read_dir(home.join("advisory-dbs")).ok())
        .is_some_and(|entries| entries.flatten().any(|entry| entry.path().join(".git").exists()))
}

/// The app for wasm32, where the pinned toolchain has it; else natively, which compiles the same sources.
fn app_clippy(wasm: Wasm) -> Command {
    let native = cargo(&["clippy", "-p", "holdfast-app", "--all-targets"]);
    let mut command = if wasm == Wasm::Rustup {
        wasm.command("cargo")
    } else {
        native
    };
    if wasm == Wasm::Rustup {
        command.args([
            "clippy",
            "-p",
            "holdfast-app",
            "--target",
            "wasm32-unknown-unknown",
        ]);
        command.env(
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
            artifacts::rustflags(wasm),
        );
    }
    command.args(["--", "-D", "warnings"]);
    command
}

/// The files that leftovers are looked for in, one a line; nothing where git does not say.
fn sources() -> Option<String> {
    paths::output(paths::command("git").args(["ls-files", "--"]).args(SOURCES))
}

/// Nothing half-done stays.
fn leftovers() -> Outcome {
    leftovers_in(&sources().ok_or("git ls-files failed")?)
}

fn leftovers_in(list: &str) -> Outcome {
    let mut complaints = Vec::new();
    for file in list.lines() {
        let text = fs::read_to_string(paths::root().join(file)).unwrap_or_default();
        for (number, line) in text.lines().enumerate() {
            if let Some((a, b)) = LEFTOVERS.iter().find(|(a, b)| line.contains(&format!("{a}{b}"))) {
                complaints.push(format!("{file}:{}: {a}{b}", number + 1));
            }
        }
    }
    if complaints.is_empty() {
        Ok(())
    } else {
        Err(format!("leftovers:\n{}", complaints.join("\n")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_half_done_is_in_the_sources() {
        // A copy of the sources without their history has no list of them, nor has a machine without git.
        if let Some(list) = sources() {
            assert_eq!(leftovers_in(&list), Ok(()));
        }
    }
}
