//! Requests a storage node answers a second, over plain HTTP on loopback with 1, 16 and 64 kept-alive connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use holdfast_protocol::account::Account;
use holdfast_protocol::onion::{self, Destination, Suite};
use holdfast_protocol::swarm::Namespace;
use holdfast_protocol::swarm::auth::Signer;
use holdfast_protocol::swarm::request::{Request, Retrieve, Store};
use rand_core::CryptoRng;
use serde_json::Value;

use super::http::Connection;
use super::network::{Network, now_ms};
use super::{Outcome, percentile, print};

/// Connections at a time.
const CONNECTIONS: [usize; 3] = [1, 16, 64];
/// How long each case runs.
const CASE_TIME: Duration = Duration::from_secs(3);
/// Bytes of a stored message.
const STORED: usize = 500;
/// Messages in the mailbox that is retrieved.
const RETRIEVED: usize = 50;
/// Prepared stores; more than any case gets through.
const PREPARED: usize = 60_000;
/// Relays before the member.
const HOPS: usize = 3;
/// Prepared onion packets.
const PREPARED_ONIONS: usize = 20_000;
/// A week.
const TTL_MS: u64 = 7 * 24 * 60 * 60 * 1000;
/// The direct requests' path.
const RPC: &str = "/storage_rpc/v1";
/// The onion packets' path.
const ONION: &str = "/onion_req/v2";

/// Stores to, and retrieves from, the first node, whose swarm has `members` members.
pub async fn run(network: &Network, members: usize, rng: &mut impl CryptoRng) -> Outcome {
    let account = network.account_of_first(rng)?;
    let node = network.nodes.first().ok_or("no nodes")?.clone();
    let bodies = Arc::new(
        (0..PREPARED)
            .map(|_| store_body(&account, rng))
            .collect::<Vec<_>>(),
    );
    let next = Arc::new(AtomicUsize::new(0));
    for connections in CONNECTIONS {
        let name = format!("store_swarm_of_{members}_connections_{connections}");
        load(&name, &node.url, RPC, connections, &bodies, &next).await?;
    }
    let (reader, retrieve) = mailbox(network, rng).await?;
    let bodies = Arc::new(vec![retrieve]);
    for connections in CONNECTIONS {
        let name = format!("retrieve_{RETRIEVED}_swarm_of_{members}_connections_{connections}");
        load(&name, &node.url, RPC, connections, &bodies, &next).await?;
    }
    if network.nodes.len() > HOPS {
        onions(network, members, &reader, rng).await?;
    }
    Ok(())
}

/// Stores and retrieves as clients do: guard, relay, relay, member.
async fn onions(network: &Network, members: usize, account: &Account, rng: &mut impl CryptoRng) -> Outcome {
    let member = network.nodes.first().ok_or("no nodes")?.hop;
    let relays: Vec<_> = network.nodes.iter().rev().take(HOPS).collect();
    let guard = relays.first().ok_or("no relays")?.url.clone();
    let hops: Vec<_> = relays.iter().map(|node| node.hop).collect();
    let mut packets = Vec::with_capacity(PREPARED_ONIONS);
    for _ in 0..PREPARED_ONIONS {
        let body = store_body(account, rng);
        packets.push(onion::build(&hops, &Destination::Node(member), &body, Suite::XChaCha20, rng)?.0);
    }
    let packets = Arc::new(packets);
    let next = Arc::new(AtomicUsize::new(0));
    for connections in CONNECTIONS {
        let name = format!("store_onion_swarm_of_{members}_connections_{connections}");
        load(&name, &guard, ONION, connections, &packets, &next).await?;
    }
    let (_, body) = mailbox(network, rng).await?;
    let (packet, _) = onion::build(&hops, &Destination::Node(member), &body, Suite::XChaCha20, rng)?;
    let packets = Arc::new(vec![packet]);
    for connections in CONNECTIONS {
        let name = format!("retrieve_{RETRIEVED}_onion_swarm_of_{members}_connections_{connections}");
        load(&name, &guard, ONION, connections, &packets, &next).await?;
    }
    Ok(())
}

/// An account with [`RETRIEVED`] messages, and its signed request for all of them.
async fn mailbox(network: &Network, rng: &mut impl CryptoRng) -> Outcome<(Account, Vec<u8>)> {
    let account = network.account_of_first(rng)?;
    let mut connection = Connection::open(&network.nodes.first().ok_or("no nodes")?.url).await?;
    for _ in 0..RETRIEVED {
        let (status, answer) = connection.post(RPC, &store_body(&account, rng)).await?;
        if status != 200 {
            return Err(format!("store: {status} {}", String::from_utf8_lossy(&answer)).into());
        }
    }
    let signer = Signer::Account(account.ed25519());
    let retrieve =
        Request::Retrieve(Retrieve::new(account.id(), Namespace::default(), None).signed(&signer, now_ms()));
    let body = retrieve.to_json_body();
    let (status, answer) = connection.post(RPC, &body).await?;
    let answer: Value = serde_json::from_slice(&answer)?;
    let count = answer
        .get("messages")
        .and_then(Value::as_array)
        .map_or(0, Vec::len);
    if status != 200 || count != RETRIEVED {
        return Err(format!("retrieve: {status} with {count} messages").into());
    }
    Ok((account, body))
}

/// A store of random bytes, as a request's body.
fn store_body(account: &Account, rng: &mut impl CryptoRng) -> Vec<u8> {
    let mut data = vec![0; STORED];
    rng.fill_bytes(&mut data);
    Request::Store(Store::new(
        account.id(),
        Namespace::default(),
        data,
        now_ms(),
        TTL_MS,
    ))
    .to_json_body()
}

/// Posts bodies over so many connections for [`CASE_TIME`] and prints the rate and the slowest hundredth.
async fn load(
    name: &str,
    url: &str,
    path: &'static str,
    connections: usize,
    bodies: &Arc<Vec<Vec<u8>>>,
    next: &Arc<AtomicUsize>,
) -> Outcome {
    let started = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..connections {
        let (bodies, next) = (Arc::clone(bodies), Arc::clone(next));
        let mut connection = Connection::open(url).await?;
        tasks.push(tokio::spawn(async move {
            let mut times = Vec::new();
            while started.elapsed() < CASE_TIME {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let body = bodies.get(place % bodies.len()).ok_or("nothing prepared")?;
                let asked = Instant::now();
                let (status, answer) = connection.post(path, body).await?;
                if status != 200 {
                    return Err(format!("{status} {}", String::from_utf8_lossy(&answer)).into());
                }
                times.push(asked.elapsed());
            }
            Outcome::Ok(times)
        }));
    }
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await??);
    }
    let seconds = started.elapsed().as_secs_f64();
    print(name, times.len() as f64 / seconds, "1/s", times.len());
    print(
        &format!("{name}_p99"),
        percentile(&mut times, 0.99),
        "ms",
        times.len(),
    );
    Ok(())
}
