//! `cargo xtask sign [DIR] [KEY]`: makes a signed release of a built site, by `holdfast sign`.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::artifacts;
use crate::check::Temporary;
use crate::dist;
use crate::paths;
use crate::progress::{Outcome, Progress};

/// The file with the release key where none is named.
const KEY: &str = "release.key";

/// Signs the site of `cargo xtask dist`, or that in a folder; the key is made on first use. The number is the date of the
/// sources, so that the same sources make the same list.
pub(crate) fn run(rest: &[String]) -> Outcome {
    // Relative to where the person stands, not to the workspace.
    let here = env::current_dir().map_err(|error| format!("no current folder: {error}"))?;
    let (folder, key) = match rest {
        [] => (dist::site(), here.join(KEY)),
        [folder] => (here.join(folder), here.join(KEY)),
        [folder, key] => (here.join(folder), here.join(key)),
        _ => return Err("it takes a folder and the file with the key".to_owned()),
    };
    if !folder.join("index.html").is_file() {
        return Err(format!(
            "{} holds no site; `cargo xtask dist` makes one",
            folder.display()
        ));
    }
    let built = dist::server();
    let program = if built.is_file() {
        built
    } else {
        artifacts::server(&Progress::new())?;
        paths::server()
    };
    let mut sign = command(&program, &folder, &key);
    let status = sign
        .status()
        .map_err(|error| format!("cannot start {}: {error}", program.display()))?;
    if !status.success() {
        return Err(format!("`{}` ended with {status}", artifacts::shown(&sign)));
    }
    println!(
        "\nPublish {}; keep {} off the server.",
        folder.display(),
        key.display()
    );
    Ok(())
}

/// Signs that folder with that key.
fn command(program: &Path, folder: &Path, key: &Path) -> Command {
    let mut sign = Command::new(program);
    sign.arg("sign").arg("--site").arg(folder).arg("--key").arg(key);
    if let Some(date) = dist::date() {
        sign.args(["--number", &date]);
    }
    sign
}

/// Whether that server signs a copy of the built site as this task asks it to, and finds it as it was signed, for
/// `cargo xtask test`.
pub(crate) fn try_it(program: &Path) -> Outcome {
    let folder = Temporary::new()?;
    let site = folder.0.join("site");
    dist::copy_folder(&paths::dist(), &site)?;
    let mut verify = Command::new(program);
    verify.arg("verify").arg(&site);
    for mut asked in [command(program, &site, &folder.0.join(KEY)), verify] {
        let output = asked
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("cannot start {}: {error}", program.display()))?;
        if !output.status.success() {
            return Err(format!(
                "`{}` ended with {}\n{}",
                artifacts::shown(&asked),
                output.status,
                String::from_utf8_lossy(&output.stderr).trim_end()
            ));
        }
    }
    Ok(())
}
