//! A local network for a test: the `holdfast` program with the built site, on free ports and in a folder of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use holdfast_protocol::account::Id;
use holdfast_protocol::message::TTL_DEFAULT;
use holdfast_protocol::swarm::Namespace;
use holdfast_protocol::swarm::request::{Request, Store};
use holdfast_tests::bench::http::Connection;
use holdfast_tests::bench::network::now_ms;
use serde_json::Value;
use tempfile::TempDir;

use crate::apart::{Apart, free_port};
use crate::choke::Choke;

/// How long the program may take to end after it was asked to.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// A running network and what it keeps.
pub(crate) struct Network {
    server: Option<Child>,
    data: TempDir,
    port: u16,
    site: PathBuf,
    /// More options of the program.
    arguments: Vec<String>,
    /// The page of somebody else's, where that was asked for.
    pub(crate) demo: Option<String>,
    /// The addresses of the storage nodes.
    nodes: Vec<String>,
    /// Keeps a site that was put together for this network.
    _folder: Option<TempDir>,
    /// The gateway and file server that its users have instead of the program's own.
    apart: Option<Apart>,
}

impl Network {
    /// Starts a network that serves the app.
    pub(crate) fn start() -> Network {
        Self::serving(built_app())
    }

    /// Starts a network that serves the app, and whose helper trusts the sites with these certificates.
    pub(crate) fn start_trusting(authorities: &Path) -> Network {
        Self::start_with(&["--previews-ca", word(authorities)])
    }

    /// Starts a network that serves a copy of the app, which the test may change meanwhile.
    pub(crate) fn start_at(site: &Path) -> Network {
        Self::serving(site.to_owned())
    }

    /// Starts a network that serves the app, with more options.
    pub(crate) fn start_with(arguments: &[&str]) -> Network {
        let mut network = Self::new(built_app());
        network.arguments = arguments.iter().map(|word| (*word).to_owned()).collect();
        let addresses = network.resume_with_addresses();
        network.demo = addresses["demo"].as_str().map(ToOwned::to_owned);
        network
    }

    /// Starts a network that serves the page of the tests instead of the app.
    pub(crate) fn start_with_test_page() -> Network {
        Self::serving(built("HOLDFAST_PAGE", "target/xtask/page"))
    }

    /// Starts a network that serves the app, and beside it the page of the tests.
    pub(crate) fn start_with_both() -> Network {
        let folder = TempDir::new().expect("a temporary folder");
        let both = folder.path().join("site");
        let (app, page) = (built_app(), built("HOLDFAST_PAGE", "target/xtask/page"));
        holdfast_tests::site::side_by_side(&app, &page, &both).expect("a folder with both");
        let mut network = Self::serving(both);
        network._folder = Some(folder);
        network
    }

    fn serving(site: PathBuf) -> Network {
        let mut network = Self::new(site);
        network.resume();
        network
    }

    fn new(site: PathBuf) -> Network {
        Network {
            server: None,
            data: TempDir::new().expect("a temporary folder"),
            port: free_port(),
            site,
            arguments: Vec::new(),
            demo: None,
            nodes: Vec::new(),
            _folder: None,
            apart: None,
        }
    }

    /// Starts a network whose gateway and file server are processes of their own.
    pub(crate) async fn start_apart() -> Network {
        let site = built_app();
        let mut network = Self::new(site.clone());
        let files_port = free_port();
        let choke = Choke::to(files_port).await;
        // Nodes reach no server of this machine that is not named.
        network.arguments = vec!["--local-server".to_owned(), format!("127.0.0.1:{}", choke.port)];
        let addresses = network.resume_with_addresses();
        let seed = addresses["seed"].as_str().expect("the seed's address").to_owned();
        network.apart = Some(Apart::start(program(), site, seed, (choke, files_port)));
        network
    }

    /// The gateway and file server of [`Self::start_apart`].
    pub(crate) fn apart(&mut self) -> &mut Apart {
        self.apart.as_mut().expect("a network with parts of its own")
    }

    /// What holds transfers of that file server.
    pub(crate) fn choke(&self) -> &Choke {
        &self
            .apart
            .as_ref()
            .expect("a network with parts of its own")
            .choke
    }

    /// The app's address.
    pub(crate) fn app(&self) -> String {
        let port = self.apart.as_ref().map_or(self.port, |apart| apart.port);
        format!("http://127.0.0.1:{port}/")
    }

    /// Starts the program again with the same data and address, and waits until it serves.
    pub(crate) fn resume(&mut self) {
        self.resume_with_addresses();
    }

    fn resume_with_addresses(&mut self) -> Value {
        let program = program();
        let mut server = Command::new(&program)
            .args(["up", "--json", "--port", &self.port.to_string(), "--data"])
            .arg(self.data.path())
            .arg("--site")
            .arg(&self.site)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; `cargo xtask test` builds it", program.display()));
        let mut first_line = String::new();
        BufReader::new(server.stdout.take().expect("a pipe"))
            .read_line(&mut first_line)
            .expect("the first line");
        self.server = Some(server);
        let addresses: Value = serde_json::from_str(&first_line)
            .unwrap_or_else(|error| panic!("{error}: `up --json` said: {first_line}"));
        let nodes = addresses["nodes"].as_array().into_iter().flatten();
        self.nodes = nodes
            .filter_map(|node| node["url"].as_str().map(ToOwned::to_owned))
            .collect();
        addresses
    }

    /// Puts a message into an account's mailbox, as any client can. It stays there for two weeks, whatever it says itself.
    pub(crate) async fn deposit(&self, to: &Id, data: Vec<u8>) {
        let store = Store::new(*to, Namespace::MESSAGES, data, now_ms(), TTL_DEFAULT);
        let body = Request::Store(store).to_json_body();
        for node in &self.nodes {
            let mut connection = Connection::open(node).await.expect("a node");
            let answer = connection.post("/storage_rpc/v1", &body).await;
            // Nodes of other swarms refuse.
            if answer.expect("an answer").0 == 200 {
                return;
            }
        }
        panic!("no node takes the message");
    }

    /// Starts the program again at the same address, as a kiosk with this `kiosk.json`. Once.
    pub(crate) fn become_kiosk(&mut self, allowed: &Value) {
        self.stop();
        let file = self.data.path().join("kiosk.json");
        std::fs::write(&file, allowed.to_string()).expect("kiosk.json");
        self.arguments
            .extend(["--kiosk", word(&file)].map(ToOwned::to_owned));
        self.resume();
    }

    /// Puts a file beside `kiosk.json`.
    pub(crate) fn beside_kiosk(&self, name: &str, content: &[u8]) {
        std::fs::write(self.data.path().join(name), content).expect("a file beside kiosk.json");
    }

    /// Has the file server forget every file, as it does when their time is over, and starts again.
    pub(crate) fn forget_files(&mut self) {
        self.stop();
        let folder = self.data.path().join("files");
        for entry in std::fs::read_dir(&folder)
            .expect("the file server's folder")
            .flatten()
        {
            if entry.file_name().to_string_lossy().starts_with("files.db") {
                std::fs::remove_file(entry.path()).expect("a file of the records");
            }
        }
        self.resume();
    }

    /// Has every node forget all that it keeps, as when nobody was there for a month, and starts again.
    pub(crate) fn forget_messages(&mut self) {
        self.stop();
        for folder in std::fs::read_dir(self.data.path())
            .expect("the network's folder")
            .flatten()
            .filter(|folder| folder.file_name().to_string_lossy().starts_with("node-"))
        {
            for entry in std::fs::read_dir(folder.path())
                .expect("a node's folder")
                .flatten()
            {
                if entry.file_name().to_string_lossy().starts_with("storage.db") {
                    std::fs::remove_file(entry.path()).expect("a file of the messages");
                }
            }
        }
        self.resume();
    }

    /// Stops the program where it is, so that it takes connections and answers none; or has it go on.
    pub(crate) fn freeze(&self, frozen: bool) {
        let server = self.server.as_ref().expect("the program runs");
        let signal = if frozen { "-STOP" } else { "-CONT" };
        let sent = Command::new("kill")
            .args([signal, &server.id().to_string()])
            .status();
        assert!(sent.is_ok_and(|status| status.success()), "kill {signal}");
    }

    /// Ends the program as Ctrl-C does. Its data stays.
    pub(crate) fn stop(&mut self) {
        let Some(mut server) = self.server.take() else {
            return;
        };
        let _ = Command::new("kill")
            .args(["-INT", &server.id().to_string()])
            .status();
        let deadline = Instant::now() + STOP_LIMIT;
        while Instant::now() < deadline {
            if matches!(server.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = server.kill();
        let _ = server.wait();
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A path as a word of a command line.
fn word(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// The servers' program.
fn program() -> PathBuf {
    built("HOLDFAST_BIN", "target/release/holdfast")
}

/// The built app.
pub(crate) fn built_app() -> PathBuf {
    built("HOLDFAST_DIST", "dist")
}

/// Something that `cargo xtask test` builds and names in a variable; by default where it lies in the workspace.
fn built(variable: &str, default: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(|| workspace().join(default), PathBuf::from)
}

/// The workspace's folder.
pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ lies in the workspace")
}
