//! Two whole engines over a local network: how long a message takes, and what 10,000 of them cost.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use holdfast_protocol::account::{Account, Seed};
use holdfast_protocol::message::outgoing::encode_one_to_one;
use holdfast_protocol::message::schema::{Content, DataMessage};
use holdfast_protocol::swarm::Namespace;
use holdfast_protocol::swarm::reply::BatchReply;
use holdfast_protocol::swarm::request::{Batch, MAX_BATCH, Request, Store};
use rand_core::CryptoRng;
use serde_json::{Value, json};

use super::http::Connection;
use super::network::{Network, now_ms, text};
use super::{Outcome, percentile, print};

/// Messages whose way is timed.
const LATENCY_MESSAGES: usize = 200;
/// Messages that are not counted, while paths and mailboxes are found.
const WARM_UP: usize = 5;
/// Messages of the memory measurement.
const MANY: usize = 10_000;
/// Connections that fill the mailbox.
const FILLERS: usize = 16;
/// A week.
const TTL_MS: u64 = 7 * 24 * 60 * 60 * 1000;
/// Longest wait for a line of an engine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A native engine that speaks JSON lines: `client/examples/headless`.
struct Client {
    child: Child,
    input: ChildStdin,
    lines: Receiver<(Instant, Value)>,
}

impl Client {
    /// Starts `headless … listen`; `HOLDFAST_HEADLESS` names the program.
    fn listen(network: &Network, data: Option<&Path>) -> Outcome<Self> {
        let mut command = headless(network, data)?;
        let mut child = command
            .arg("listen")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take().ok_or("no input")?;
        let output = BufReader::new(child.stdout.take().ok_or("no output")?);
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let arrived = Instant::now();
                let value = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if sender.send((arrived, value)).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, input, lines })
    }

    /// The next line that is wanted, and when it came.
    fn wait(&self, wanted: impl Fn(&Value) -> bool) -> Outcome<(Instant, Value)> {
        loop {
            let (arrived, line) = self.lines.recv_timeout(PATIENCE)?;
            if wanted(&line) {
                return Ok((arrived, line));
            }
            if let Some(error) = line.get("error") {
                return Err(format!("engine: {error}").into());
            }
        }
    }

    fn connected(&self) -> Outcome {
        self.wait(|line| line.get("connected") == Some(&Value::Bool(true)))
            .map(drop)
    }

    fn id(&self) -> Outcome<String> {
        let (_, ready) = self.wait(|line| line.get("event") == Some(&json!("ready")))?;
        Ok(text(&ready, "id")?.to_owned())
    }

    fn send(&mut self, to: &str, text: &str) -> Outcome {
        Ok(writeln!(self.input, "{}", json!({ "to": to, "text": text }))?)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Fails when it has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn headless(network: &Network, data: Option<&Path>) -> Outcome<Command> {
    let program = std::env::var_os("HOLDFAST_HEADLESS")
        .ok_or("HOLDFAST_HEADLESS names no program; use cargo xtask bench")?;
    let mut command = Command::new(program);
    command.args(["--network", &format!("{}networks/default.json", network.app)]);
    if let Some(file) = data {
        command.arg("--data").arg(file);
    }
    Ok(command)
}

/// From the sender's command to the receiver's event, one message at a time, alternating directions.
pub fn latency(network: &Network) -> Outcome {
    let mut one = Client::listen(network, None)?;
    let mut other = Client::listen(network, None)?;
    let (first, second) = (one.id()?, other.id()?);
    one.connected()?;
    other.connected()?;
    let mut times = Vec::new();
    for number in 0..WARM_UP + LATENCY_MESSAGES {
        let body = format!("message {number}");
        let arrived = |line: &Value| {
            line.get("text").and_then(Value::as_str) == Some(&body)
                && line.get("outgoing") == Some(&Value::Bool(false))
        };
        let sent = Instant::now();
        let (shown, _) = if number % 2 == 0 {
            one.send(&second, &body)?;
            other.wait(arrived)?
        } else {
            other.send(&first, &body)?;
            one.wait(arrived)?
        };
        if number >= WARM_UP {
            times.push(shown.duration_since(sent));
        }
    }
    print(
        "send_to_shown_p50",
        percentile(&mut times, 0.5),
        "ms",
        times.len(),
    );
    print(
        "send_to_shown_p99",
        percentile(&mut times, 0.99),
        "ms",
        times.len(),
    );
    Ok(())
}

/// An engine that was away while 10,000 messages came: time to catch up, and its memory then.
pub async fn many(network: &Network, folder: &Path, rng: &mut impl CryptoRng) -> Outcome {
    let data = folder.join("client.db");
    let made = headless(network, Some(&data))?.args(["new", "Many"]).output()?;
    let made: Value = serde_json::from_slice(&made.stdout)?;
    let account = Account::from_seed(Seed::from_phrase(text(&made, "phrase")?)?);
    fill(network, &account, rng).await?;
    let started = Instant::now();
    let client = Client::listen(network, Some(&data))?;
    for _ in 0..MANY {
        client.wait(|line| line.get("event") == Some(&json!("message")))?;
    }
    print(
        "catch_up_10000_messages",
        started.elapsed().as_secs_f64(),
        "s",
        MANY,
    );
    let status = std::fs::read_to_string(format!("/proc/{}/status", client.child.id()))?;
    for (name, field) in [
        ("engine_memory_10000_messages", "VmRSS:"),
        ("engine_memory_10000_messages_peak", "VmHWM:"),
    ] {
        let line = status
            .lines()
            .find(|line| line.starts_with(field))
            .ok_or("no memory figure")?;
        let kib: f64 = line.split_whitespace().nth(1).unwrap_or_default().parse()?;
        print(name, kib / 1024.0, "MiB", MANY);
    }
    Ok(())
}

/// Stores 10,000 messages of ten senders straight into the account's mailbox.
async fn fill(network: &Network, account: &Account, rng: &mut impl CryptoRng) -> Outcome {
    let senders: Vec<Account> = (0..10).map(|_| Account::from_seed(Seed::generate(rng))).collect();
    let started = now_ms() - MANY as u64;
    let mut stores = Vec::with_capacity(MANY);
    for number in 0..MANY {
        let sender = senders.get(number % senders.len()).ok_or("no sender")?;
        let content = Content {
            data_message: Some(DataMessage {
                body: Some(format!("Message number {number}")),
                ..DataMessage::default()
            }),
            ..Content::default()
        };
        let sent_at = started + number as u64;
        let data = encode_one_to_one(sender, &account.id(), &content, sent_at, rng)?;
        stores.push(Store::new(
            account.id(),
            Namespace::default(),
            data,
            now_ms(),
            TTL_MS,
        ));
    }
    store_all(network, account, stores).await
}

/// Stores at the first node of an account's swarm: as many in one request as a node takes, over several connections, so that
/// the members commit and pass on many at a time.
pub(super) async fn store_all(network: &Network, account: &Account, stores: Vec<Store>) -> Outcome {
    let node = network.swarm(account).first().ok_or("no swarm")?.url.clone();
    let mut stores = stores.into_iter().map(Request::Store).peekable();
    let mut batches = Vec::new();
    while stores.peek().is_some() {
        let together: Vec<Request> = stores.by_ref().take(MAX_BATCH).collect();
        batches.push((
            together.len(),
            Request::Batch(Batch::new(together)).to_json_body(),
        ));
    }
    let batches = Arc::new(batches);
    let mut tasks = Vec::new();
    for filler in 0..FILLERS {
        let batches = Arc::clone(&batches);
        let mut connection = Connection::open(&node).await?;
        tasks.push(tokio::spawn(async move {
            for (count, body) in batches.iter().skip(filler).step_by(FILLERS) {
                let (status, answer) = connection.post("/storage_rpc/v1", body).await?;
                if status != 200 || stored(&answer) != *count {
                    return Err(format!("store: {status} {}", String::from_utf8_lossy(&answer)).into());
                }
            }
            Outcome::Ok(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    Ok(())
}

/// How many stores of a batch succeeded.
fn stored(answer: &[u8]) -> usize {
    serde_json::from_slice::<BatchReply>(answer).map_or(0, |reply| {
        reply.results.iter().filter(|result| result.is_success()).count()
    })
}
