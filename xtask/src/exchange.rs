//! Two native engines that write to each other, for `--check`.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use crate::json::Json;
use crate::progress::Outcome;

/// How long an engine may take to find its way through the network.
const READY_LIMIT: Duration = Duration::from_secs(60);
/// How long a message may take.
const MESSAGE_LIMIT: Duration = Duration::from_secs(30);

/// Lets two new accounts write to each other once each way, by the client for scripts; gives the time of the way there and back,
/// and both engines, which go on asking for messages as long as they are kept.
pub(crate) fn both_ways(headless: &Path, profile: &str) -> Outcome<(Duration, [Engine; 2])> {
    let mut first = Engine::start("first engine", headless, profile)?;
    let mut second = Engine::start("second engine", headless, profile)?;
    first.wait_connected()?;
    second.wait_connected()?;
    let started = Instant::now();
    first.send(&second.id, "Good morning")?;
    second.wait_text("Good morning", &first.id)?;
    second.send(&first.id, "Good evening")?;
    first.wait_text("Good evening", &second.id)?;
    Ok((started.elapsed(), [first, second]))
}

/// A running headless client; ends with the value.
pub(crate) struct Engine {
    name: &'static str,
    child: Child,
    input: ChildStdin,
    lines: Receiver<Json>,
    id: String,
}

impl Engine {
    fn start(name: &'static str, headless: &Path, profile: &str) -> Outcome<Self> {
        let mut command = Command::new(headless);
        command
            .args(["--network", profile, "listen"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command
            .spawn()
            .map_err(|error| format!("{name}: cannot start {}: {error}", headless.display()))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(format!("{name}: no pipes"));
        };
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            let lines = BufReader::new(output).lines().map_while(Result::ok);
            for json in lines.filter_map(|line| Json::parse(&line)) {
                if sender.send(json).is_err() {
                    return;
                }
            }
        });
        let mut engine = Self {
            name,
            child,
            input,
            lines,
            id: String::new(),
        };
        let ready = engine.wait("its account", READY_LIMIT, |line| {
            line.text("event") == Some("ready")
        })?;
        engine.id = ready.text("id").unwrap_or_default().to_owned();
        Ok(engine)
    }

    fn wait_connected(&self) -> Outcome {
        let connected = |line: &Json| line.get("connected") == Some(&Json::Bool(true));
        self.wait("a connection through the network", READY_LIMIT, connected)
            .map(drop)
    }

    fn send(&mut self, to: &str, text: &str) -> Outcome {
        writeln!(self.input, "{{\"to\":\"{to}\",\"text\":\"{text}\"}}")
            .map_err(|error| format!("{}: {error}", self.name))
    }

    fn wait_text(&self, text: &str, author: &str) -> Outcome {
        let arrived = |line: &Json| line.text("text") == Some(text) && line.text("author") == Some(author);
        self.wait("a message", MESSAGE_LIMIT, arrived).map(drop)
    }

    /// The first line that is wanted; an error line ends the wait.
    fn wait(&self, what: &str, limit: Duration, wanted: impl Fn(&Json) -> bool) -> Outcome<Json> {
        let until = Instant::now() + limit;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let late = |_| format!("{} waited {} s for {what} in vain", self.name, limit.as_secs());
            let line = self.lines.recv_timeout(left).map_err(late)?;
            if wanted(&line) {
                return Ok(line);
            }
            if let Some(error) = line.text("error") {
                return Err(format!("{}: {error}", self.name));
            }
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Fails when it has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
