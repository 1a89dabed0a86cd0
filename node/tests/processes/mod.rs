//! What the tests of the program share: processes, and a client to talk to them.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use holdfast_node::net::client::HttpClient;
use holdfast_node::net::tls::client_unverified;
use holdfast_node::up::Addresses;

/// Processes and files that go when the test does.
pub(crate) struct World {
    /// Where the processes keep their data.
    pub(crate) folder: PathBuf,
    /// The processes that run.
    pub(crate) children: Vec<Child>,
}

impl World {
    /// An empty one.
    pub(crate) fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("holdfast-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self {
            folder,
            children: Vec::new(),
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A client that takes any certificate and any address.
pub(crate) fn client() -> HttpClient {
    HttpClient::new(client_unverified().unwrap(), true)
}

/// Starts `up` with four nodes on free ports.
pub(crate) fn start_up(world: &mut World, data: &Path) -> Addresses {
    let mut child = Command::new(env!("CARGO_BIN_EXE_holdfast"))
        .args([
            "up",
            "--port",
            "0",
            "--nodes",
            "4",
            "--json",
            "--data",
            data.to_str().unwrap(),
        ])
        .env("HOLDFAST_LOG", "error")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    world.children.push(child);
    serde_json::from_str(&line).unwrap()
}
