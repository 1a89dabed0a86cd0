//! Runs the known answers of a folder: `vectors DIR`. Ends with the line `N passed, N failed`, and with 1 when one failed.

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: vectors DIR");
        return ExitCode::from(2);
    };
    let report = match holdfast_tests::vectors::run_folder(&folder) {
        Ok(report) => report,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    for failure in &report.failed {
        println!("failed: {failure}");
    }
    for (kind, count) in &report.skipped {
        println!("skipped: {kind} ({count})");
    }
    println!("{} passed, {} failed", report.passed, report.failed.len());
    ExitCode::from(u8::from(!report.failed.is_empty()))
}
