//! The conformance runner: known answers in JSON files, as `tests/vectors` holds them.
//!
//! A file is an array of cases. A case has a `name` and a `kind`; a module here runs the kinds it knows and leaves the
//! others to the next. What no module knows is skipped and named.

mod accounts;
mod blinding;
mod configs;
mod fields;
mod messages;
mod names;
mod onion;
mod records;
mod swarm;
mod xed25519;

use serde_json::Value;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Runs a case of a kind; `None` when the kind belongs to another module.
type Runner = fn(&str, &Value) -> Option<Result<(), String>>;

/// Every module with known answers.
const RUNNERS: &[Runner] = &[
    accounts::run,
    blinding::run,
    configs::run,
    messages::run,
    names::run,
    onion::run,
    swarm::run,
    xed25519::run,
];

/// What came of the cases of a folder.
#[derive(Debug, Default)]
pub struct Report {
    /// Cases whose answers are ours.
    pub passed: usize,
    /// File, case and reason of every other case.
    pub failed: Vec<String>,
    /// Kinds that nothing here runs, with the number of their cases.
    pub skipped: BTreeMap<String, usize>,
}

impl Report {
    fn case(&mut self, file: &str, case: &Value) {
        let name = case["name"].as_str().unwrap_or("unnamed");
        let scenario = case["type"].as_str();
        let kind = case["kind"].as_str().or(scenario).unwrap_or("without kind");
        let run = || RUNNERS.iter().find_map(|runner| runner(kind, case));
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(Some(Ok(()))) => self.passed += 1,
            Ok(Some(Err(reason))) => self.failed.push(format!("{file}: {name}: {reason}")),
            Ok(None) => *self.skipped.entry(kind.to_owned()).or_default() += 1,
            Err(_) => self.failed.push(format!("{file}: {name}: panicked")),
        }
    }
}

/// Runs every case of every `*.json` file in a folder, in the order of the file names.
///
/// # Errors
/// A text when the folder or a file cannot be read, or a file is no array of cases.
pub fn run_folder(folder: &Path) -> Result<Report, String> {
    let shown = folder.display();
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{shown}: {error}"))?;
    let mut files: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    let mut report = Report::default();
    for path in files {
        let file = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let text = std::fs::read(&path).map_err(|error| format!("{file}: {error}"))?;
        let cases: Vec<Value> = serde_json::from_slice(&text).map_err(|error| format!("{file}: {error}"))?;
        cases.iter().for_each(|case| report.case(&file, case));
    }
    Ok(report)
}
