//! `cargo xtask dist`: the release folder and its archive, the same bytes from the same sources and toolchain.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::artifacts;
use crate::paths;
use crate::progress::{Outcome, Progress};

/// Files beside the server and the site.
const TEXTS: [&str; 3] = ["LICENSE", "README.md", "SECURITY.md"];
/// The folder of the site in it.
const SITE: &str = "site";
/// The server in it.
const SERVER: &str = "holdfast";
/// What signing adds to a site, so that it is no part of what is built.
const SIGNATURE: [&str; 2] = ["release.json", "release.sig"];

/// What is made here, by its version and the machine that it runs on.
fn name() -> String {
    format!(
        "holdfast-{}-{}-{}",
        env!("CARGO_PKG_VERSION"),
        env::consts::OS,
        env::consts::ARCH
    )
}

/// Where it is made.
fn folder() -> PathBuf {
    paths::target().join("dist")
}

/// The site that was made last.
pub(crate) fn site() -> PathBuf {
    folder().join(name()).join(SITE)
}

/// The server that was made last.
pub(crate) fn server() -> PathBuf {
    folder().join(name()).join(SERVER)
}

/// When the sources were changed last, Unix seconds: by the variable that reproducible builds have for it, or by git.
pub(crate) fn date() -> Option<String> {
    let given = env::var("SOURCE_DATE_EPOCH").ok();
    let date = given.or_else(|| paths::output(paths::command("git").args(["log", "-1", "--format=%ct"])))?;
    let date = date.trim().to_owned();
    (!date.is_empty()).then_some(date)
}

/// Builds the site and the server and lays them out in `target/dist/`.
pub(crate) fn run() -> Outcome {
    let progress = Progress::new();
    artifacts::site(&progress)?;
    let (folder, name) = (folder(), name());
    let release = folder.join(&name);
    if release.exists() {
        fs::remove_dir_all(&release)
            .map_err(|error| format!("cannot empty {}: {error}", release.display()))?;
    }
    copy_folder(&paths::dist(), &site())?;
    copy(&build_server(&progress)?, &server())?;
    for text in TEXTS {
        copy(&paths::root().join(text), &release.join(text))?;
    }
    // One date for everything: that of the sources.
    let date = format!("@{}", date().as_deref().unwrap_or("0"));
    let mut tar = paths::command("tar");
    tar.current_dir(&folder).args([
        // The form that says nothing of when files were read or made.
        "--format=gnu",
        "--sort=name",
        "--owner=0",
        "--group=0",
        "--numeric-owner",
        "--mtime",
        &date,
        "--mode=u=rwX,go=rX",
    ]);
    tar.args([
        "--use-compress-program=gzip -n -9",
        "-cf",
        &format!("{name}.tar.gz"),
        &name,
    ]);
    progress.step("archive", &mut tar)?;
    let sum = paths::output(
        paths::command("sha256sum")
            .current_dir(&folder)
            .arg(format!("{name}.tar.gz")),
    );
    println!("{}", release.display());
    print!("{}", sum.ok_or("sha256sum failed")?);
    Ok(())
}

/// The server without paths of this machine in it, built apart so that everyday builds stay fresh.
fn build_server(progress: &Progress) -> Outcome<PathBuf> {
    let target = paths::target().join("reproducible");
    let flags: Vec<String> = artifacts::remapped()
        .iter()
        .map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()))
        .collect();
    let mut cargo = paths::command("cargo");
    cargo.args([
        "build",
        "--release",
        "--locked",
        "-p",
        "holdfast-node",
        "--bin",
        "holdfast",
        // What operators of several machines need, and nobody else waits for.
        "--features",
        "clusters",
    ]);
    cargo
        .env("CARGO_TARGET_DIR", &target)
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
    progress.step("server without local paths", &mut cargo)?;
    Ok(target.join("release/holdfast"))
}

fn copy(from: &Path, to: &Path) -> Outcome {
    fs::copy(from, to)
        .map(|_| ())
        .map_err(|error| format!("cannot copy {} to {}: {error}", from.display(), to.display()))
}

fn copy_folder(from: &Path, to: &Path) -> Outcome {
    fs::create_dir_all(to).map_err(|error| format!("cannot make {}: {error}", to.display()))?;
    let failed = |error: std::io::Error| format!("cannot read {}: {error}", from.display());
    for entry in fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if SIGNATURE.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target)?
        } else {
            copy(&entry.path(), &target)?
        }
    }
    Ok(())
}
