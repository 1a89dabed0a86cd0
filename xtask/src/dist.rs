//! `cargo xtask dist`: the release folder and its archive, the same bytes from the same sources and toolchain. `--check` tries
//! that.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::artifacts;
use crate::paths;
use crate::progress::{Outcome, Progress};
use crate::setup::{self, Wasm};
use crate::size;

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

/// Makes the release folder, or with `--check` two of them.
pub(crate) fn run(rest: &[String]) -> Outcome {
    let progress = Progress::new();
    match rest {
        [] => build(&progress),
        [word] if word == "--check" => check(&progress),
        _ => Err("it takes --check or nothing".to_owned()),
    }
}

/// Builds here, and once more from a copy of what was committed in another place, and compares every byte.
fn check(progress: &Progress) -> Outcome {
    let changes = paths::output(paths::command("git").args(["status", "--porcelain"]));
    if !changes
        .ok_or("only a clone of the repository can be checked")?
        .is_empty()
    {
        return Err("commit your changes first: the copy is made of what was committed".to_owned());
    }
    build(progress)?;
    let copy = env::temp_dir().join(format!("holdfast-again-{}", std::process::id()));
    let mut clone = paths::command("git");
    clone.args(["clone", "--quiet"]).arg(paths::root()).arg(&copy);
    progress.step("copy of the sources", &mut clone)?;
    // It finds the tools that are installed here on the path; the compiler must be the same too.
    let wasm = match setup::web(progress)? {
        Wasm::Rustup => "rustup",
        Wasm::Debian => "debian",
    };
    let mut again = paths::command("cargo");
    again.args(["xtask", "dist"]).current_dir(&copy);
    again
        .env_remove("CARGO_TARGET_DIR")
        .env("HOLDFAST_WASM", wasm)
        .env("CARGO_HOME", other_cargo_home(&copy)?);
    progress.step(&format!("the same in {}", copy.display()), &mut again)?;
    let (name, other) = (name(), copy.join("target/dist"));
    let differing = differing(&folder(), &other, &name);
    if differing.is_empty() {
        println!("both builds of {name} have the same bytes");
        return fs::remove_dir_all(&copy)
            .map_err(|error| format!("cannot remove {}: {error}", copy.display()));
    }
    Err(format!(
        "these files differ between {} and {}:\n  {}",
        folder().display(),
        other.display(),
        differing.join("\n  ")
    ))
}

/// Another folder of cargo's for the copy, with what is downloaded already: no product may tell where it lay.
fn other_cargo_home(copy: &Path) -> Outcome<PathBuf> {
    let home = copy.join("target/cargo");
    let present = artifacts::cargo_home();
    fs::create_dir_all(&home).map_err(|error| format!("cannot make {}: {error}", home.display()))?;
    for name in ["registry", "config.toml"] {
        let shared = present.join(name);
        if shared.exists() {
            std::os::unix::fs::symlink(&shared, home.join(name))
                .map_err(|error| format!("cannot link {}: {error}", shared.display()))?;
        }
    }
    Ok(home)
}

/// The files whose names begin in that way and whose bytes are not the same in both folders, or that only one of them has.
fn differing(one: &Path, other: &Path, prefix: &str) -> Vec<String> {
    let names: BTreeSet<String> = [one, other].into_iter().flat_map(size::files).collect();
    let same = |name: &String| {
        let bytes = fs::read(one.join(name)).ok();
        bytes.is_some() && bytes == fs::read(other.join(name)).ok()
    };
    names
        .into_iter()
        .filter(|name| name.starts_with(prefix) && !same(name))
        .collect()
}

/// Builds the site and the server and lays them out in `target/dist/`.
fn build(progress: &Progress) -> Outcome {
    artifacts::site(progress)?;
    let (folder, name) = (folder(), name());
    let release = folder.join(&name);
    if release.exists() {
        fs::remove_dir_all(&release)
            .map_err(|error| format!("cannot empty {}: {error}", release.display()))?;
    }
    copy_folder(&paths::dist(), &site())?;
    copy(&build_server(progress)?, &server())?;
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

/// Copies a site, without what signing added to it.
pub(crate) fn copy_folder(from: &Path, to: &Path) -> Outcome {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_the_same_in_both_folders_is_named() {
        let folder = env::temp_dir().join(format!("holdfast-dist-{}", std::process::id()));
        let (one, other) = (folder.join("one"), folder.join("other"));
        for (place, path, text) in [
            (&one, "v2/site/same", "a"),
            (&other, "v2/site/same", "a"),
            (&one, "v2/site/changed", "a"),
            (&other, "v2/site/changed", "b"),
            (&one, "v2/only-one", ""),
            (&other, "v2.tar.gz", ""),
            (&one, "v1/site/older", ""),
        ] {
            setup::write(&place.join(path), text).unwrap();
        }
        let named = differing(&one, &other, "v2");
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(named, ["v2.tar.gz", "v2/only-one", "v2/site/changed"]);
    }
}
