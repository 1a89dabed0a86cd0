//! Every known answer in `tests/vectors` is ours.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

/// Kinds of cases whose part of the protocol is not built yet; a kind leaves this list when it is.
const NOT_BUILT: [&str; 7] = [
    "group_keys",
    "groupinfo",
    "groupmembers",
    "multi_raw",
    "multi_simple",
    "multi_simple_none",
    "multi_simple_padded",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

#[test]
fn known_answers() {
    let report = holdfast_tests::vectors::run_folder(&folder()).unwrap();
    assert!(report.failed.is_empty(), "{}", report.failed.join("\n"));
    let skipped: Vec<&str> = report.skipped.keys().map(String::as_str).collect();
    assert_eq!(skipped, NOT_BUILT, "a kind of known answer is left out");
}

/// `cargo xtask vectors DIR`: what it prints, by line, and its exit status.
fn program(cases: &Value) -> (Vec<String>, Option<i32>) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("cases.json"), cases.to_string()).unwrap();
    let ended = Command::new(env!("CARGO_BIN_EXE_vectors"))
        .arg(folder.path())
        .output()
        .unwrap();
    let lines = String::from_utf8(ended.stdout).unwrap();
    (lines.lines().map(str::to_owned).collect(), ended.status.code())
}

#[test]
fn the_program_names_what_failed_and_what_it_skips_and_counts_at_the_end() {
    let known = std::fs::read(folder().join("accounts.json")).unwrap();
    let known: Vec<Value> = serde_json::from_slice(&known).unwrap();
    let right = known.iter().find(|case| case["kind"] == "keypair").unwrap();
    let mut wrong = right.clone();
    wrong["name"] = json!("wrong");
    wrong["session_id"] = json!(format!("05{}", "0".repeat(64)));
    let new = json!({"name": "new", "kind": "of another day"});
    let (lines, code) = program(&json!([right, wrong, new, new]));
    let [failed, skipped, count] = lines.as_slice() else {
        panic!("{lines:?}");
    };
    assert!(failed.starts_with("failed: cases.json: wrong: "), "{failed}");
    assert_eq!(skipped, "skipped: of another day (2)");
    assert_eq!(count, "1 passed, 1 failed");
    assert_eq!(code, Some(1));
    let (lines, code) = program(&json!([right, new]));
    assert_eq!(lines, ["skipped: of another day (1)", "1 passed, 0 failed"]);
    assert_eq!(code, Some(0));
}
