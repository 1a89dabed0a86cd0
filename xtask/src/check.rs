//! `cargo xtask up --check`: does the whole of it work here? Everything starts on free ports and in a temporary folder,
//! the served files are compared with the built ones, two engines exchange a message, everything is ended while they wait for
//! more, and it starts once more over the same folder.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::artifacts::{self, Need};
use crate::exchange;
use crate::http;
use crate::json::Json;
use crate::options::Options;
use crate::paths;
use crate::progress::{Outcome, Progress};
use crate::size;
use crate::up;

/// How long the network may take until it says where it is.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How long a second start may take until the app is served, as is promised.
const AGAIN_LIMIT: Duration = Duration::from_secs(3);
/// How long everything may take to end after Ctrl-C.
const END_LIMIT: Duration = Duration::from_secs(2);

/// Builds what is missing, runs the whole check and says what it found.
pub(crate) fn run(options: &Options) -> Outcome {
    let progress = Progress::new();
    artifacts::prepare(&progress, Need::Serve)?;
    artifacts::headless(&progress)?;
    everything(&progress, options.nodes, &paths::headless())
}

/// The check of what is built, with so many storage nodes and that client for scripts.
pub(crate) fn everything(progress: &Progress, nodes: u16, headless: &Path) -> Outcome {
    let data = Temporary::new()?;
    let options = Options {
        port: free_port()?,
        data: data.0.join("network"),
        nodes,
        json: true,
        check: true,
        demo: false,
    };
    let mut network = Network::start(&options, &data.0)?;
    let count = network.info.list("nodes").len();
    progress.say(&format!(
        "network started: {count} storage nodes, {}",
        network.app()?
    ));
    if count != usize::from(nodes) {
        return Err(format!(
            "{nodes} storage nodes were asked for and {count} started"
        ));
    }
    if let Some(what) = missing(&network.info) {
        return Err(format!("the network's first line lacks {what}"));
    }
    let files = compare_files(network.app()?)?;
    progress.say(&format!("page served: {files} files, each as built"));
    let (took, engines) = exchange::both_ways(headless, &format!("{}networks/default.json", network.app()?))?;
    progress.say(&format!(
        "two engines wrote to each other, there and back in {} ms",
        took.as_millis()
    ));
    let took = network.end()?;
    progress.say(&format!("everything ended {} ms after Ctrl-C", took.as_millis()));
    // Until now they had a request open, as every open app has.
    drop(engines);
    let before = identities(&network.info);
    let started = Instant::now();
    network = Network::start(&options, &data.0)?;
    let app = network.app()?;
    let page = http::get(&app)?;
    let took = started.elapsed();
    if page.status != 200 {
        return Err(format!("after a second start {app} answered {}", page.status));
    }
    if took > AGAIN_LIMIT {
        return Err(format!(
            "the second start took {} ms; it is promised within {} s",
            took.as_millis(),
            AGAIN_LIMIT.as_secs()
        ));
    }
    if identities(&network.info) != before {
        return Err("after a second start over the same folder the storage nodes are others".to_owned());
    }
    progress.say(&format!(
        "the app is served {} ms after a second start",
        took.as_millis()
    ));
    network.end()?;
    println!(
        "check passed: the network starts, the app is served, two engines exchange messages, Ctrl-C ends it, and it starts again"
    );
    Ok(())
}

/// What the first line of `up --json` owes to its readers and does not say.
fn missing(info: &Json) -> Option<String> {
    let is_address = |value: &Json, name: &str| {
        value
            .text(name)
            .is_some_and(|address| address.starts_with("http://") || address.starts_with("https://"))
    };
    let is_key = |value: &Json, name: &str| {
        value
            .text(name)
            .is_some_and(|key| key.len() == 64 && key.bytes().all(|digit| digit.is_ascii_hexdigit()))
    };
    let is_number = |value: &Json, name: &str| matches!(value.get(name), Some(Json::Number(_)));
    for name in ["app", "seed", "gateway"] {
        if !is_address(info, name) {
            return Some(format!("the address of `{name}`"));
        }
    }
    info.list("nodes").iter().enumerate().find_map(|(place, node)| {
        let owed = [
            ("url", is_address(node, "url")),
            ("ip", node.text("ip").is_some()),
            (
                "https_port` or `http_port",
                is_number(node, "https_port") || is_number(node, "http_port"),
            ),
            ("ed25519", is_key(node, "ed25519")),
            ("x25519", is_key(node, "x25519")),
            ("swarm", node.text("swarm").is_some()),
        ];
        let (name, _) = owed.into_iter().find(|(_, is_there)| !is_there)?;
        Some(format!("`{name}` of storage node {place}"))
    })
}

/// Which storage nodes these are.
fn identities(info: &Json) -> Vec<String> {
    let nodes = info.list("nodes").iter();
    nodes
        .map(|node| node.text("ed25519").unwrap_or_default().to_owned())
        .collect()
}

/// A running `holdfast up`; killed if the check fails half-way.
pub(crate) struct Network {
    child: Child,
    /// The first line of its output.
    pub(crate) info: Json,
    log: PathBuf,
}

impl Network {
    /// Starts it and waits for its line.
    pub(crate) fn start(options: &Options, folder: &Path) -> Outcome<Self> {
        let log = folder.join("network.log");
        let errors =
            fs::File::create(&log).map_err(|error| format!("cannot write {}: {error}", log.display()))?;
        let mut command = up::server(options)?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors);
        let mut child = command
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", artifacts::shown(&command)))?;
        let output = child.stdout.take().ok_or("the network has no output")?;
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut lines = BufReader::new(output).lines();
            // The receiver may have given up; the other lines are read so that the network never waits for a reader.
            let _ = sender.send(lines.next().and_then(Result::ok).unwrap_or_default());
            lines.map_while(Result::ok).for_each(drop);
        });
        let mut network = Self {
            child,
            info: Json::Null,
            log,
        };
        let line = receiver.recv_timeout(START_LIMIT).unwrap_or_default();
        match Json::parse(&line) {
            Some(info @ Json::Object(_)) => network.info = info,
            _ => {
                return Err(format!(
                    "the network did not start within {} s\n{}",
                    START_LIMIT.as_secs(),
                    network.said()
                ));
            }
        }
        Ok(network)
    }

    /// The app's address, with a slash at its end.
    pub(crate) fn app(&self) -> Outcome<String> {
        let address = self
            .info
            .text("app")
            .ok_or("the network's first line names no app")?;
        Ok(format!("{}/", address.trim_end_matches('/')))
    }

    /// Ctrl-C, and how long it took until everything had ended.
    fn end(&mut self) -> Outcome<Duration> {
        let app = self.app()?;
        let host = app.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let started = Instant::now();
        // The shell's own: not every system has it as a program.
        let number = self.child.id().to_string();
        paths::output(Command::new("sh").args(["-c", "kill -INT \"$1\"", "sh", &number]))
            .ok_or("cannot send Ctrl-C: `kill -INT` of the shell `sh` failed")?;
        while self
            .child
            .try_wait()
            .map_err(|error| error.to_string())?
            .is_none()
            || TcpStream::connect(&host).is_ok()
        {
            if started.elapsed() > END_LIMIT {
                return Err(format!(
                    "it still ran {} s after Ctrl-C\n{}",
                    END_LIMIT.as_secs(),
                    self.said()
                ));
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(started.elapsed())
    }

    /// The last of what it wrote to stderr.
    fn said(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines
            .get(lines.len().saturating_sub(20)..)
            .unwrap_or_default()
            .join("\n")
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // Fails when it has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Fetches the page and every file of the site and compares them with what was built.
fn compare_files(app: String) -> Outcome<usize> {
    let page = http::get(&app)?;
    if page.status != 200
        || !page
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("text/html"))
    {
        return Err(format!(
            "{app} answered {} with {:?}",
            page.status,
            page.header("content-type")
        ));
    }
    if page.header("content-security-policy").is_none() {
        return Err(format!("{app} carries no content security policy"));
    }
    let files = size::shipped(&paths::dist());
    for file in &files {
        // What the server says itself (`node/src/site.rs`).
        if ["networks/default.json", "embed.json"].contains(&file.as_str()) {
            continue;
        }
        let address = format!("{app}{file}");
        let reply = http::get(&address)?;
        let built = fs::read(paths::dist().join(file)).map_err(|error| format!("{file}: {error}"))?;
        if reply.status != 200 || reply.body != built {
            return Err(format!(
                "{address} answered {} with {} bytes instead of the {} built",
                reply.status,
                reply.body.len(),
                built.len()
            ));
        }
    }
    let profile = http::get(&format!("{app}networks/default.json"))?;
    let profile =
        Json::parse(&String::from_utf8_lossy(&profile.body)).ok_or("the network profile is not JSON")?;
    profile.text("name").ok_or("the network profile has no name")?;
    Ok(files.len())
}

/// A port nobody listens on now.
fn free_port() -> Outcome<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    listener
        .map(|address| address.port())
        .map_err(|error| format!("no free port: {error}"))
}

/// A folder that goes away with the value.
pub(crate) struct Temporary(pub(crate) PathBuf);

impl Temporary {
    /// An empty one; one at a time.
    pub(crate) fn new() -> Outcome<Self> {
        let folder = env::temp_dir().join(format!("holdfast-check-{}", std::process::id()));
        fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What stays in the system's temporary folder is removed by the system.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_line_that_owes_something_is_found() {
        let key = "ab".repeat(32);
        let line = format!(
            r#"{{"app":"http://127.0.0.1:1/","seed":"http://127.0.0.1:2/json_rpc","gateway":"http://127.0.0.1:1/","nodes":[
            {{"url":"http://127.0.0.1:3","ip":"127.0.0.1","http_port":3,"ed25519":"{key}","x25519":"{key}","swarm":"0"}}]}}"#
        );
        let missing = |line: &str| missing(&Json::parse(line).unwrap());
        assert_eq!(missing(&line), None);
        assert_eq!(missing(&line.replace("http_port", "https_port")), None);
        for (from, to, what) in [
            ("\"seed\"", "\"root\"", "the address of `seed`"),
            (
                "http_port",
                "port",
                "`https_port` or `http_port` of storage node 0",
            ),
            ("\"x25519\":\"ab", "\"x25519\":\"", "`x25519` of storage node 0"),
            ("\"swarm\"", "\"group\"", "`swarm` of storage node 0"),
        ] {
            assert_eq!(missing(&line.replace(from, to)).as_deref(), Some(what));
        }
    }
}
