//! Chromedriver, which starts a browser and drives it, on a port of its choice.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// How often it is started before a test gives up: its choice of a port can collide with another one's.
const TRIES: usize = 5;

/// A running chromedriver, in a process group of its own with its browser.
pub(crate) struct Service {
    process: Child,
    port: u16,
}

impl Service {
    /// Starts one.
    pub(crate) fn start() -> Service {
        (0..TRIES)
            .find_map(|_| Self::try_start())
            .expect("chromedriver says its port")
    }

    fn try_start() -> Option<Service> {
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("chromedriver is installed; `cargo xtask setup` does that");
        let lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        let port = lines.map_while(Result::ok).find_map(|line| {
            line.contains("started successfully")
                .then(|| line.trim_end_matches('.').rsplit(' ').next()?.parse().ok())?
        });
        let Some(port) = port else {
            let _ = process.kill();
            let _ = process.wait();
            return None;
        };
        Some(Service { process, port })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Kills it with its browser, as a crash of the machine would.
    pub(crate) fn kill(&mut self) {
        // The whole group: the service and every process of its browser.
        let _ = Command::new("kill")
            .args(["-KILL", "--", &format!("-{}", self.process.id())])
            .stderr(Stdio::null())
            .status();
        let _ = self.process.wait();
    }
}
