//! Files that `holdfast files` takes and gives a second, over plain HTTP on loopback with 1, 16 and 64 kept-alive
//! connections, and what the process then holds in memory. Everything is as by default: SQLite, a folder, and an answered
//! upload survives a power failure.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rand_core::CryptoRng;
use serde_json::Value;
use tokio::sync::Mutex;

use super::http::Connection;
use super::{Outcome, percentile, print};

/// Connections at a time.
const CONNECTIONS: [usize; 3] = [1, 16, 64];
/// How long each case runs.
const CASE_TIME: Duration = Duration::from_secs(5);
/// A photograph as a phone sends it, bytes.
const FILE: usize = 1_000_000;
/// How often the memory is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// How long the server may take to listen.
const START_TIME: Duration = Duration::from_secs(10);

/// A server of its own, which ends with the value.
struct Server {
    child: Child,
    url: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    async fn start(data: &Path) -> Outcome<Self> {
        let binary =
            std::env::var_os("HOLDFAST_BIN").ok_or("HOLDFAST_BIN names no server; use cargo xtask bench")?;
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let child = Command::new(binary)
            .args([
                "files",
                "--no-rate-limit",
                "--listen",
                &address.to_string(),
                "--data",
            ])
            .arg(data)
            .env("HOLDFAST_LOG", "error")
            .spawn()?;
        let server = Self {
            child,
            url: format!("http://{address}"),
        };
        let started = Instant::now();
        while Connection::open(&server.url).await.is_err() {
            if started.elapsed() > START_TIME {
                return Err("the file server does not listen".into());
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(server)
    }

    /// What it holds in memory, bytes.
    fn memory(&self) -> Outcome<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes: u64 = line
            .and_then(|line| line.split_whitespace().next())
            .ok_or("no VmRSS")?
            .parse()?;
        Ok(kibibytes * 1024)
    }
}

/// One server for each number of connections, so that none inherits the memory of another.
pub async fn run(folder: &Path, rng: &mut impl CryptoRng) -> Outcome {
    let mut body = vec![0; FILE];
    rng.fill_bytes(&mut body);
    let body = Arc::new(body);
    for connections in CONNECTIONS {
        let data = folder.join(connections.to_string());
        let server = Server::start(&data).await?;
        print("file_server_memory_idle", server.memory()? as f64 / 1e6, "MB", 1);
        let kept = Arc::new(Mutex::new(Vec::new()));
        let next = Arc::new(AtomicU64::new(0));
        let (sent, ids) = (Arc::clone(&body), Arc::clone(&kept));
        case(
            "upload",
            &server,
            connections,
            async move |connection: &mut Connection| {
                let mut body = sent.to_vec();
                // Another file each time, or it would be kept once.
                let number = next.fetch_add(1, Ordering::Relaxed).to_le_bytes();
                body.iter_mut().zip(number).for_each(|(to, from)| *to = from);
                let (status, answer) = connection.post("/file", &body).await?;
                let answer: Value = serde_json::from_slice(&answer)?;
                let id = answer.get("id").and_then(Value::as_str);
                let id = id.ok_or(format!("an upload was answered {status}"))?;
                ids.lock().await.push(id.to_owned());
                Ok(())
            },
        )
        .await?;
        let ids = Arc::new(kept.lock().await.clone());
        let next = Arc::new(AtomicU64::new(0));
        case(
            "download",
            &server,
            connections,
            async move |connection: &mut Connection| {
                let place = usize::try_from(next.fetch_add(1, Ordering::Relaxed))? % ids.len();
                let id = ids.get(place).ok_or("nothing was uploaded")?;
                let (status, answer) = connection.get(&format!("/file/{id}")).await?;
                if status != 200 || answer.len() != FILE {
                    return Err(
                        format!("a download was answered {status} with {} bytes", answer.len()).into(),
                    );
                }
                Ok(())
            },
        )
        .await?;
        drop(server);
        std::fs::remove_dir_all(&data)?;
    }
    Ok(())
}

/// Does the work over so many connections for [`CASE_TIME`] and prints the rate, the slowest hundredth and the most memory.
async fn case<W>(name: &str, server: &Server, connections: usize, work: W) -> Outcome
where
    W: AsyncFn(&mut Connection) -> Outcome,
{
    let name = format!("file_server_{name}_1MB_connections_{connections}");
    let started = Instant::now();
    let work = &work;
    let workers = futures::future::try_join_all((0..connections).map(|_| async move {
        let mut connection = Connection::open(&server.url).await?;
        let mut times = Vec::new();
        while started.elapsed() < CASE_TIME {
            let asked = Instant::now();
            work(&mut connection).await?;
            times.push(asked.elapsed());
        }
        Outcome::Ok(times)
    }));
    let mut workers = std::pin::pin!(workers);
    let mut memory = 0;
    let times = loop {
        tokio::select! {
            done = &mut workers => break done?,
            () = tokio::time::sleep(LOOK) => memory = memory.max(server.memory()?),
        }
    };
    let seconds = started.elapsed().as_secs_f64();
    let mut times = times.concat();
    let n = times.len();
    print(&name, n as f64 / seconds, "1/s", n);
    print(&format!("{name}_p99"), percentile(&mut times, 0.99), "ms", n);
    print(&format!("{name}_memory"), memory as f64 / 1e6, "MB", n);
    Ok(())
}
