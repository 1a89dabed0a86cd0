//! `cargo xtask dist`: the release folder and its archive, the same bytes from the same sources and toolchain.

use std::fs;
use std::path::Path;

use crate::artifacts;
use crate::paths;
use crate::progress::{Outcome, Progress};

/// Files beside the server and the site.
const TEXTS: [&str; 3] = ["LICENSE", "README.md", "SECURITY.md"];

/// Builds the site and the server and lays them out in `target/dist/`.
pub(crate) fn run() -> Outcome {
    let progress = Progress::new();
    artifacts::site(&progress)?;
    let folder = paths::target().join("dist");
    let name = format!(
        "holdfast-{}-{}-{}",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH
    );
    let release = folder.join(&name);
    if release.exists() {
        fs::remove_dir_all(&release)
            .map_err(|error| format!("cannot empty {}: {error}", release.display()))?;
    }
    copy_folder(&paths::dist(), &release.join("site"))?;
    copy(&server(&progress)?, &release.join("holdfast"))?;
    for text in TEXTS {
        copy(&paths::root().join(text), &release.join(text))?;
    }
    // One date for everything: that of the sources.
    let date = paths::output(paths::command("git").args(["log", "-1", "--format=%ct"])).unwrap_or_default();
    let date = format!("@{}", if date.trim().is_empty() { "0" } else { date.trim() });
    let mut tar = paths::command("tar");
    tar.current_dir(&folder).args([
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
fn server(progress: &Progress) -> Outcome<std::path::PathBuf> {
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
    for entry in fs::read_dir(from)
        .map_err(|error| format!("cannot read {}: {error}", from.display()))?
        .flatten()
    {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target)?
        } else {
            copy(&entry.path(), &target)?
        }
    }
    Ok(())
}
