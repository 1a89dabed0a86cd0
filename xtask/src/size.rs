//! `cargo xtask size`: what is shipped, and what of it a first visit waits for.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::artifacts;
use crate::paths;
use crate::progress::{Outcome, Progress};

/// Read before the first screen besides what the page and its scripts name: one language and the network's profile.
const FIRST_SCREEN: [&str; 2] = ["languages/en.json", "networks/default.json"];

/// Bytes of one file as stored, and as sent to a browser that takes gzip or brotli.
#[derive(Clone, Copy, Default)]
struct Size {
    raw: u64,
    gzip: u64,
    brotli: u64,
}

impl Size {
    fn add(&mut self, other: Self) {
        self.raw += other.raw;
        self.gzip += other.gzip;
        self.brotli += other.brotli;
    }
}

/// The most that the site may weigh, bytes sent to a browser that takes brotli. A little above what it does: raise it only
/// for a feature that is worth that much of every visit, and say so in the commit.
const BUDGET: Budget = Budget {
    before: 204_000,
    all: 1_712_000,
};

/// See [`BUDGET`].
struct Budget {
    /// What a first visit waits for.
    before: u64,
    /// Every shipped file.
    all: u64,
}

/// Builds the site when it is not fresh and prints its sizes. More than the budget is a failure.
pub(crate) fn run() -> Outcome {
    artifacts::site(&Progress::new())?;
    let dist = paths::dist();
    let files = shipped(&dist);
    let first = first_screen(&dist, &files);
    println!(
        "{:>9} {:>9} {:>9}  file (* before the first screen)",
        "raw", "gzip", "brotli"
    );
    for file in &files {
        let size = size(&dist, file);
        let mark = if first.contains(file) { "*" } else { " " };
        println!("{:>9} {:>9} {:>9} {mark}{file}", size.raw, size.gzip, size.brotli);
    }
    let totals = totals(&dist, &files, &first);
    for (name, size) in [("before first screen", totals.before), ("all", totals.all)] {
        println!("{:>9} {:>9} {:>9}  {name}", size.raw, size.gzip, size.brotli);
    }
    totals.keep_to(&BUDGET)
}

/// Whether the built site keeps to the budget.
pub(crate) fn check() -> Outcome {
    let dist = paths::dist();
    let files = shipped(&dist);
    totals(&dist, &files, &first_screen(&dist, &files)).keep_to(&BUDGET)
}

/// What files weigh together.
struct Totals {
    before: Size,
    all: Size,
}

impl Totals {
    fn keep_to(&self, budget: &Budget) -> Outcome {
        for (name, size, most) in [
            ("before the first screen", self.before.brotli, budget.before),
            ("in all", self.all.brotli, budget.all),
        ] {
            if size > most {
                return Err(format!(
                    "the site takes {size} bytes of brotli {name}, {} more than its budget of {most}: see `cargo xtask \
                     size`, and CONTRIBUTING.md on keeping it small",
                    size - most
                ));
            }
        }
        Ok(())
    }
}

fn totals(dist: &Path, files: &[String], first: &BTreeSet<String>) -> Totals {
    let mut totals = Totals {
        before: Size::default(),
        all: Size::default(),
    };
    for file in files {
        let size = size(dist, file);
        totals.all.add(size);
        if first.contains(file) {
            totals.before.add(size);
        }
    }
    totals
}

/// The site's files as addresses, without the compressed copies.
pub(crate) fn shipped(dist: &Path) -> Vec<String> {
    let mut files = files(dist);
    let names: BTreeSet<String> = files.iter().cloned().collect();
    let copy = |file: &String| {
        [".gz", ".br"]
            .iter()
            .any(|end| file.strip_suffix(end).is_some_and(|name| names.contains(name)))
    };
    files.retain(|file| !copy(file));
    files.sort();
    files
}

/// Every file of a folder, by its path below it.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    walk(folder, "", &mut files);
    files
}

fn walk(folder: &Path, prefix: &str, files: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            walk(&entry.path(), &format!("{name}/"), files);
        } else {
            files.push(name);
        }
    }
}

fn size(dist: &Path, file: &str) -> Size {
    let length = |ending: &str| {
        fs::metadata(dist.join(format!("{file}{ending}")))
            .ok()
            .map(|meta| meta.len())
    };
    let raw = length("").unwrap_or_default();
    Size {
        raw,
        gzip: length(".gz").unwrap_or(raw),
        brotli: length(".br").unwrap_or(raw),
    }
}

/// The page, what it names, what its scripts and styles name, and what those read at once.
fn first_screen(dist: &Path, files: &[String]) -> BTreeSet<String> {
    let mut first = BTreeSet::from(["index.html".to_owned()]);
    first.extend(
        FIRST_SCREEN
            .iter()
            .map(|file| (*file).to_owned())
            .filter(|file| files.contains(file)),
    );
    let mut open = vec!["index.html".to_owned()];
    while let Some(file) = open.pop() {
        let text = fs::read_to_string(dist.join(&file)).unwrap_or_default();
        for named in named_in(&text, files) {
            // Icons and the manifest are read when the page is idle or installed; the service worker, the engine and the
            // second part of the program after the start.
            let later = named.ends_with(".json")
                || named.ends_with("_later.wasm")
                || named.ends_with(".webmanifest")
                || named.starts_with("icons/")
                || named.contains("service");
            if !later && first.insert(named.clone()) && !named.ends_with(".wasm") {
                open.push(named);
            }
        }
    }
    first
}

/// The shipped files whose names stand in a text.
fn named_in<'a>(text: &'a str, files: &'a [String]) -> impl Iterator<Item = String> + 'a {
    files
        .iter()
        .filter(move |file| {
            text.match_indices(file.as_str()).any(|(at, _)| {
                let before = text
                    .get(..at)
                    .and_then(|start| start.chars().next_back())
                    .unwrap_or(' ');
                matches!(before, '"' | '\'' | '/' | '(' | '=' | '`')
            })
        })
        .cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_over_its_budget_is_refused() {
        let weigh = |before, all| {
            let size = |brotli| Size {
                brotli,
                ..Size::default()
            };
            let totals = Totals {
                before: size(before),
                all: size(all),
            };
            totals.keep_to(&Budget { before: 10, all: 20 })
        };
        assert!(weigh(10, 20).is_ok());
        assert!(weigh(11, 20).is_err_and(|why| why.contains("before the first screen, 1 more")));
        assert!(weigh(10, 21).is_err_and(|why| why.contains("in all, 1 more")));
    }

    #[test]
    fn names_are_found_whole() {
        let files = vec![
            "app.js".to_owned(),
            "other-app.js".to_owned(),
            "styles/a.css".to_owned(),
        ];
        let named = |text| named_in(text, &files).collect::<Vec<_>>();
        assert_eq!(named("<script src=\"/app.js\">"), ["app.js"]);
        assert_eq!(named("import './other-app.js'"), ["other-app.js"]);
        assert!(named("my_app.js").is_empty());
    }
}
