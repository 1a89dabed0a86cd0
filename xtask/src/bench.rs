//! `cargo xtask bench`: starts the measurements of the tests crate, built as released.

use std::path::PathBuf;

use crate::artifacts::{self, Need};
use crate::paths;
use crate::progress::{Outcome, Progress};
use crate::setup;
use crate::test;

/// The measured page's wasm is optimised as the app's is (static/index.html).
const WASM_OPT: [&str; 7] = [
    "-Oz",
    "--enable-bulk-memory",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
    "--enable-multivalue",
];

/// Prints one JSON object a line; names choose what is measured.
pub(crate) fn run(names: &[String]) -> Outcome {
    let progress = Progress::new();
    artifacts::prepare(&progress, Need::Browser)?;
    artifacts::headless(&progress)?;
    let page = page(&progress)?;
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
        .env("HOLDFAST_PAGE_BENCH", page);
    test::passed(&mut bench, "a measurement failed")
}

/// Builds the page that measures cryptography in a browser.
fn page(progress: &Progress) -> Outcome<PathBuf> {
    let wasm = setup::web(progress)?;
    let folder = paths::work().join("page-bench");
    let mut cargo = wasm.command("cargo");
    cargo.args([
        "build",
        "--profile",
        "site",
        "--target",
        "wasm32-unknown-unknown",
        "-p",
        "holdfast-page-bench",
    ]);
    cargo.env(
        "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
        artifacts::rustflags(wasm),
    );
    progress.step("page of the benches", &mut cargo)?;
    let built = paths::target().join("web/wasm32-unknown-unknown/site/holdfast-page-bench.wasm");
    let mut bindgen = paths::command("wasm-bindgen");
    bindgen
        .args([
            "--target",
            "web",
            "--no-typescript",
            "--out-name",
            "page",
            "--out-dir",
        ])
        .arg(&folder)
        .arg(built);
    progress.step("glue of the page", &mut bindgen)?;
    let module = folder.join("page_bg.wasm");
    let mut optimise = paths::command("wasm-opt");
    progress.step(
        "optimised page",
        optimise.args(WASM_OPT).arg(&module).arg("-o").arg(&module),
    )?;
    for file in ["index.html", "start.js"] {
        let from = paths::root().join("tests/page").join(file);
        let text = std::fs::read_to_string(&from).map_err(|error| format!("{}: {error}", from.display()))?;
        setup::write(&folder.join(file), &text)?;
    }
    Ok(folder)
}
