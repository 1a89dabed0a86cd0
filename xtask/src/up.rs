//! `cargo xtask up`: the local network and the app from one command.

use std::env;
use std::process::Command;

use crate::artifacts::{self, Need};
use crate::options::Options;
use crate::paths;
use crate::progress::{Outcome, Progress};

/// Builds what has changed and becomes the server, so that Ctrl-C reaches it directly.
pub(crate) fn run(options: &Options) -> Outcome {
    artifacts::prepare(&Progress::new(), Need::Serve)?;
    become_server(&mut server(options)?)
}

/// The server's command line for these options.
pub(crate) fn server(options: &Options) -> Outcome<Command> {
    // Relative to where the person stands, not to the workspace.
    let here = env::current_dir().map_err(|error| format!("no current folder: {error}"))?;
    let mut command = Command::new(paths::server());
    command.args([
        "up",
        "--port",
        &options.port.to_string(),
        "--nodes",
        &options.nodes.to_string(),
    ]);
    command
        .arg("--data")
        .arg(here.join(&options.data))
        .arg("--site")
        .arg(paths::dist());
    if options.json {
        command.arg("--json");
    }
    if options.demo {
        command.arg("--demo");
    }
    Ok(command)
}

#[cfg(unix)]
fn become_server(command: &mut Command) -> Outcome {
    use std::os::unix::process::CommandExt;
    let error = command.exec();
    Err(format!("cannot start {}: {error}", artifacts::shown(command)))
}

#[cfg(not(unix))]
fn become_server(command: &mut Command) -> Outcome {
    let status = command
        .status()
        .map_err(|error| format!("cannot start {}: {error}", artifacts::shown(command)))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("the server ended with {status}"))
    }
}
