//! A gateway and a file server as processes of their own, to be killed and started again one by one.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use holdfast_protocol::keys::Ed25519KeyPair;
use tempfile::TempDir;

use crate::choke::Choke;

/// How long a process may take until it serves.
const START_LIMIT: Duration = Duration::from_secs(20);

/// Both, beside a network that runs the nodes. Nodes reach the file server through a wire that can be held.
pub(crate) struct Apart {
    program: PathBuf,
    site: PathBuf,
    seed: String,
    /// The gateway's port, where the app is.
    pub(crate) port: u16,
    gateway: Option<Child>,
    files: Option<Child>,
    files_port: u16,
    files_key: String,
    files_data: TempDir,
    /// The wire.
    pub(crate) choke: Choke,
}

impl Apart {
    /// Starts both. The wire leads to a port that the file server then has.
    pub(crate) fn start(program: PathBuf, site: PathBuf, seed: String, wire: (Choke, u16)) -> Apart {
        let files_data = TempDir::new().expect("a temporary folder");
        let secret = holdfast_node::files::secret_in(&files_data.path().join("ed25519.key"));
        let keys = Ed25519KeyPair::from_seed(&secret.expect("a key"));
        let (choke, files_port) = wire;
        let mut apart = Apart {
            program,
            site,
            seed,
            port: free_port(),
            gateway: None,
            files: None,
            files_port,
            files_key: keys.public().to_hex(),
            files_data,
            choke,
        };
        apart.start_files();
        apart.start_gateway();
        apart
    }

    /// Starts the gateway, on its old port.
    pub(crate) fn start_gateway(&mut self) {
        let mut command = Command::new(&self.program);
        command
            .args(["gateway", "--local", "--seed", &self.seed, "--listen"])
            .arg(format!("127.0.0.1:{}", self.port))
            .arg("--files")
            .arg(format!("http://127.0.0.1:{}", self.choke.port))
            .args(["--files-key", &self.files_key, "--site"])
            .arg(&self.site);
        self.gateway = Some(serving(command, self.port));
    }

    /// Starts the file server, on its old port with its old files.
    pub(crate) fn start_files(&mut self) {
        self.start_files_with(&[]);
    }

    /// The same, and it takes no file of more than so many bytes.
    pub(crate) fn start_files_taking(&mut self, bytes: usize) {
        self.start_files_with(&["--max-size", &bytes.to_string()]);
    }

    fn start_files_with(&mut self, more: &[&str]) {
        let mut command = Command::new(&self.program);
        command
            .args(["files", "--no-rate-limit", "--listen"])
            .arg(format!("127.0.0.1:{}", self.files_port))
            .arg("--data")
            .arg(self.files_data.path())
            .args(more);
        self.files = Some(serving(command, self.files_port));
    }

    /// Kills the gateway as a crash would.
    pub(crate) fn kill_gateway(&mut self) {
        kill(&mut self.gateway);
    }

    /// Kills the file server as a crash would.
    pub(crate) fn kill_files(&mut self) {
        kill(&mut self.files);
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        self.kill_gateway();
        self.kill_files();
    }
}

fn kill(process: &mut Option<Child>) {
    if let Some(mut process) = process.take() {
        // Fails when it has ended, which is what is wanted.
        let _ = process.kill();
        let _ = process.wait();
    }
}

/// Starts a process and waits until it says that it serves.
fn serving(mut command: Command, port: u16) -> Child {
    let process = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let deadline = Instant::now() + START_LIMIT;
    while !is_healthy(port) {
        assert!(Instant::now() < deadline, "{command:?} serves nothing");
        std::thread::sleep(Duration::from_millis(20));
    }
    process
}

fn is_healthy(port: u16) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(START_LIMIT))?;
        stream.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

/// A port that is free in a moment; other tests draw other ones.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .port()
}
