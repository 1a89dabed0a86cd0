//! Where things are, and the environment that commands run in.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The workspace's folder.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_owned()
}

/// Where cargo builds.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// Logs and stamps of these tasks.
pub(crate) fn work() -> PathBuf {
    target().join("xtask")
}

/// Tools installed for this project only.
pub(crate) fn tools() -> PathBuf {
    root().join(".tools")
}

/// The built site.
pub(crate) fn dist() -> PathBuf {
    root().join("dist")
}

/// The built page of the tests.
pub(crate) fn page() -> PathBuf {
    work().join("page")
}

/// The built server.
pub(crate) fn server() -> PathBuf {
    target()
        .join("release")
        .join(format!("holdfast{}", env::consts::EXE_SUFFIX))
}

/// The built native client for scripts.
pub(crate) fn headless() -> PathBuf {
    headless_of("release")
}

/// The same client as `cargo test` builds it beside the tests, unoptimised.
pub(crate) fn tested_headless() -> PathBuf {
    headless_of("debug")
}

fn headless_of(profile: &str) -> PathBuf {
    target()
        .join(profile)
        .join("examples")
        .join(format!("headless{}", env::consts::EXE_SUFFIX))
}

/// A command in the workspace's folder that finds the project's tools first and does not see the variables `cargo run`
/// set for this program, which would make cargo rebuild what is fresh.
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root()).env("PATH", path(&[]));
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text == "CARGO"
            || ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"]
                .iter()
                .any(|p| text.starts_with(p))
        {
            command.env_remove(&name);
        }
    }
    command
}

/// `PATH` with the project's tools first, then `extra`, then what it was.
pub(crate) fn path(extra: &[&str]) -> OsString {
    let mut folders = vec![tools().join("bin"), tools().join("node_modules/.bin")];
    folders.extend(extra.iter().map(PathBuf::from));
    folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    env::join_paths(folders).unwrap_or_else(|_| env::var_os("PATH").unwrap_or_default())
}

/// The first file of that name on the path.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    env::split_paths(&path(&[]))
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// What a command prints, or nothing when it cannot be run or fails.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}
