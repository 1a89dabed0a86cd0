//! Every development task of the project, as `cargo xtask …`. It has no dependencies, so that the first call on a new
//! machine answers within seconds; what needs real libraries lives in the tests crate and is started from here.

mod artifacts;
mod bench;
mod check;
mod dist;
mod exchange;
mod http;
mod json;
mod lint;
mod options;
mod paths;
mod progress;
mod setup;
mod sign;
mod size;
mod test;
mod up;

use std::process::ExitCode;

use options::Options;
use progress::Outcome;

/// What `cargo xtask help` prints.
const USAGE: &str = "\
cargo xtask <task>

  up [--port 8080] [--data DIR] [--nodes 8] [--json] [--demo] [--check]
                 set up what is missing, build, start a local network and serve the app (--demo: and a page of somebody
                 else's that shows the chat; --check: try all of it and end)
  test [ARGS…]   all tests: formats, vectors, engine, node, browser, and at their end `up --check` and `sign` with what is
                 built (ARGS go to cargo test, which is all that runs then)
  vectors DIR    run the conformance cases in a folder of the shapes of tests/vectors
  bench [NAME…]  measure; one JSON object a line
  size           bytes of every shipped file, raw, gzip and brotli
  dist [--check] the release folder: the site with its compressed files, and the server (--check: built once more in
                 another place, every byte the same)
  sign [DIR] [KEY]
                 lists the files of that site and signs the list (KEY is release.key, made on first use)
  lint           format, clippy, dependencies, leftovers
  setup          only the set-up of `up` and `test`, nothing built";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let task = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    match run(&task, &rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask {task}: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Runs one task by its name.
fn run(task: &str, rest: &[String]) -> Outcome {
    match task {
        "up" => {
            let options = Options::parse(rest)?;
            if options.check {
                check::run(&options)
            } else {
                up::run(&options)
            }
        }
        "test" => test::run(rest),
        "vectors" => test::vectors(rest),
        "bench" => bench::run(rest),
        "size" => size::run(),
        "dist" => dist::run(rest),
        "sign" => sign::run(rest),
        "lint" => lint::run(),
        "setup" => setup::run(),
        "" | "help" | "-h" | "--help" => {
            println!("{USAGE}");
            Ok(())
        }
        other => Err(format!("there is no task `{other}`\n\n{USAGE}")),
    }
}
