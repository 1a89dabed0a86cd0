//! Steps with names and times. Everything goes to stderr, so that stdout stays free for results.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::paths;

/// A result whose failure is a sentence for the person at the terminal.
pub(crate) type Outcome<T = ()> = Result<T, String>;

/// How often a running step says that it still runs.
const HEARTBEAT: Duration = Duration::from_secs(20);
/// How often a running step is looked at.
const POLL: Duration = Duration::from_millis(50);
/// Lines of a failed step's log that are shown.
const SHOWN_LINES: usize = 40;

/// Says what happens and how long it takes.
pub(crate) struct Progress {
    started: Instant,
    logs: PathBuf,
    failed: AtomicBool,
}

impl Progress {
    /// Starts the clock.
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            logs: paths::work().join("logs"),
            failed: AtomicBool::new(false),
        }
    }

    /// One line with the time since the start.
    pub(crate) fn say(&self, text: &str) {
        let seconds = self.started.elapsed().as_secs();
        eprintln!("[{:3}:{:02}] {text}", seconds / 60, seconds % 60);
    }

    /// Runs one named step to its end; its output goes to a log that is shown when it fails. A failure ends the steps
    /// that run beside it.
    pub(crate) fn step(&self, name: &str, command: &mut Command) -> Outcome {
        let result = self.run(name, command, None);
        if result.is_err() {
            self.failed.store(true, Ordering::Relaxed);
        }
        result
    }

    /// A step, ended when it takes longer than `limit`, whose failure ends nothing else.
    pub(crate) fn attempt(&self, name: &str, command: &mut Command, limit: Duration) -> Outcome {
        self.run(name, command, Some(limit))
    }

    fn run(&self, name: &str, command: &mut Command, limit: Option<Duration>) -> Outcome {
        fs::create_dir_all(&self.logs)
            .map_err(|error| format!("cannot write to {}: {error}", self.logs.display()))?;
        let file: String = name
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || c == '.' {
                    c
                } else {
                    '-'
                }
            })
            .collect();
        let log = self.logs.join(format!("{file}.log"));
        let output =
            File::create(&log).map_err(|error| format!("cannot write {}: {error}", log.display()))?;
        let errors = output
            .try_clone()
            .map_err(|error| format!("cannot write {}: {error}", log.display()))?;
        self.say(&format!("{name} …"));
        let started = Instant::now();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(|error| {
                format!(
                    "{name}: cannot start {}: {error}",
                    command.get_program().to_string_lossy()
                )
            })?;
        let mut said = started;
        loop {
            match child.try_wait().map_err(|error| format!("{name}: {error}"))? {
                Some(status) if status.success() => {
                    self.say(&format!("{name}: done in {} s", started.elapsed().as_secs()));
                    return Ok(());
                }
                Some(status) => return Err(format!("{name} failed ({status})\n{}", tail(&log))),
                None => {}
            }
            if limit.is_some_and(|limit| started.elapsed() > limit) {
                stop(&mut child);
                return Err(format!(
                    "{name} took longer than {} s and was ended",
                    started.elapsed().as_secs()
                ));
            }
            if self.failed.load(Ordering::Relaxed) {
                stop(&mut child);
                return Err(format!("{name} was ended, because another step failed"));
            }
            if said.elapsed() >= HEARTBEAT {
                said = Instant::now();
                self.say(&format!(
                    "{name} … {} s  {}",
                    started.elapsed().as_secs(),
                    last_line(&log)
                ));
            }
            thread::sleep(POLL);
        }
    }
}

/// Ends a child at once.
fn stop(child: &mut Child) {
    // Both fail only when the child has just ended by itself, which is what is wanted.
    let _ = child.kill();
    let _ = child.wait();
}

/// What a log says of its failure, and where all of it is: from the first error on, or else its last lines.
fn tail(log: &Path) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let error = lines.iter().position(|line| line.starts_with("error"));
    let first = error.unwrap_or(lines.len().saturating_sub(SHOWN_LINES));
    let shown: Vec<&str> = lines.into_iter().skip(first).take(SHOWN_LINES).collect();
    format!("{}\n(all of it: {})", shown.join("\n"), log.display())
}

/// The last line of a log, to show what a step is at.
fn last_line(log: &Path) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    String::from_utf8_lossy(&bytes)
        .lines()
        .last()
        .unwrap_or_default()
        .trim()
        .chars()
        .take(80)
        .collect()
}

/// Joins two outcomes of steps that ran side by side; the cause is preferred to what was ended because of it.
pub(crate) fn both(first: Outcome, second: Outcome) -> Outcome {
    match (first, second) {
        (Err(a), Err(b)) => Err(if a.contains("another step failed") { b } else { a }),
        (Err(a), Ok(())) | (Ok(()), Err(a)) => Err(a),
        (Ok(()), Ok(())) => Ok(()),
    }
}
