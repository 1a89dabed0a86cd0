//! A local network as `cargo xtask up` starts it, in a process of its own.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use holdfast_protocol::account::{Account, Seed};
use holdfast_protocol::keys::{Ed25519PublicKey, X25519PublicKey};
use holdfast_protocol::onion::Hop;
use holdfast_protocol::swarm::{SwarmId, swarm_of};
use rand_core::CryptoRng;
use serde_json::Value;

use super::Outcome;

/// Its processes end with the value.
pub struct Network {
    child: Child,
    /// The app's address, with a slash at its end.
    pub app: String,
    /// The storage nodes.
    pub nodes: Vec<Node>,
}

/// One storage node.
#[derive(Clone)]
pub struct Node {
    /// Its HTTP address.
    pub url: String,
    /// Its keys.
    pub hop: Hop,
    /// Its swarm.
    pub swarm: SwarmId,
}

impl Network {
    /// Starts `holdfast up`; `HOLDFAST_BIN` names the server.
    pub fn start(folder: &Path, nodes: usize) -> Outcome<Self> {
        let site = std::env::var_os("HOLDFAST_DIST");
        Self::start_with_site(folder, nodes, site.as_deref().map(Path::new))
    }

    /// The same with another site.
    pub fn start_with_site(folder: &Path, nodes: usize, site: Option<&Path>) -> Outcome<Self> {
        let server =
            std::env::var_os("HOLDFAST_BIN").ok_or("HOLDFAST_BIN names no server; use cargo xtask bench")?;
        let port = std::net::TcpListener::bind(("127.0.0.1", 0))?
            .local_addr()?
            .port();
        let mut command = Command::new(server);
        command.args([
            "up",
            "--json",
            "--port",
            &port.to_string(),
            "--nodes",
            &nodes.to_string(),
        ]);
        command.arg("--data").arg(folder);
        if let Some(site) = site {
            command.arg("--site").arg(site);
        }
        let mut child = command
            .env("HOLDFAST_LOG", "error")
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let output = child.stdout.take().ok_or("no output")?;
        BufReader::new(output).read_line(&mut line)?;
        let mut network = Self {
            child,
            app: String::new(),
            nodes: Vec::new(),
        };
        let info: Value =
            serde_json::from_str(&line).map_err(|error| format!("the network's first line: {error}"))?;
        network.app = format!("{}/", text(&info, "app")?.trim_end_matches('/'));
        for node in info.get("nodes").and_then(Value::as_array).into_iter().flatten() {
            network.nodes.push(Node {
                url: text(node, "url")?.to_owned(),
                hop: Hop {
                    ed25519: Ed25519PublicKey::from_hex(text(node, "ed25519")?)?,
                    x25519: X25519PublicKey::from_hex(text(node, "x25519")?)?,
                },
                swarm: SwarmId::parse(text(node, "swarm")?)?,
            });
        }
        Ok(network)
    }

    /// A new account of the first node's swarm.
    pub fn account_of_first(&self, rng: &mut impl CryptoRng) -> Outcome<Account> {
        let mut swarms: Vec<SwarmId> = self.nodes.iter().map(|node| node.swarm).collect();
        swarms.sort();
        swarms.dedup();
        let wanted = self.nodes.first().map(|node| node.swarm);
        loop {
            let account = Account::from_seed(Seed::generate(rng));
            if swarm_of(account.id().key(), &swarms) == wanted {
                return Ok(account);
            }
        }
    }

    /// The nodes of an account's swarm.
    pub fn swarm(&self, account: &Account) -> Vec<Node> {
        let mut swarms: Vec<SwarmId> = self.nodes.iter().map(|node| node.swarm).collect();
        swarms.sort();
        swarms.dedup();
        let swarm = swarm_of(account.id().key(), &swarms);
        self.nodes
            .iter()
            .filter(|node| Some(node.swarm) == swarm)
            .cloned()
            .collect()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // Fails when it has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A member that is text.
pub fn text<'a>(value: &'a Value, name: &str) -> Outcome<&'a str> {
    value
        .get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| format!("{name} is missing in {value}").into())
}

/// Unix time in milliseconds.
pub fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}
