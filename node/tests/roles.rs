//! The program itself: each role as its own process, with TLS between them, and `up`.

mod processes;

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use holdfast_protocol::account::{Account, Seed};
use holdfast_protocol::keys::Ed25519PublicKey;
use holdfast_protocol::swarm::Namespace;
use holdfast_protocol::swarm::auth::Signer;
use holdfast_protocol::swarm::reply::{RetrieveReply, Stored, SwarmReply};
use holdfast_protocol::swarm::request::{Request, Retrieve, Store};
use processes::{World, client, start_up};

const TIMEOUT: Duration = Duration::from_secs(20);
const MAX: usize = 1 << 20;

/// Starts the program.
fn run(world: &mut World, args: &[&str]) {
    let child = Command::new(env!("CARGO_BIN_EXE_holdfast"))
        .args(args)
        .env("HOLDFAST_LOG", "error")
        .spawn()
        .unwrap();
    world.children.push(child);
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// Asks again until the condition holds: processes take a moment to find each other.
async fn until<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let looking = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), looking)
        .await
        .expect(what);
}

fn now_ms() -> u64 {
    u64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap()
}

fn account() -> Account {
    Account::from_seed(Seed::from_input("00112233445566778899aabbccddeeff").unwrap())
}

async fn rpc(url: &str, request: Request) -> (u16, Bytes) {
    let answer = client()
        .post(
            &format!("{url}/storage_rpc/v1"),
            "application/json",
            request.to_json_body().into(),
            MAX,
            TIMEOUT,
        )
        .await
        .unwrap();
    (answer.status, answer.body)
}

#[tokio::test]
async fn nodes_register_find_each_other_over_tls_and_replicate() {
    let mut world = World::new("roles");
    let (seed_port, gateway_port) = (free_port(), free_port());
    let seed = format!("http://127.0.0.1:{seed_port}/json_rpc");
    run(
        &mut world,
        &[
            "seed",
            "--listen",
            &format!("127.0.0.1:{seed_port}"),
            "--swarm-size",
            "2",
        ],
    );
    let mut nodes = Vec::new();
    for name in ["a", "b"] {
        let port = free_port();
        let data = world.folder.join(name);
        let listen = format!("127.0.0.1:{port}");
        run(
            &mut world,
            &[
                "storage",
                "--local",
                "--seed",
                &seed,
                "--listen",
                &listen,
                "--data",
                data.to_str().unwrap(),
            ],
        );
        nodes.push(format!("https://127.0.0.1:{port}"));
    }
    run(
        &mut world,
        &[
            "gateway",
            "--local",
            "--seed",
            &seed,
            "--listen",
            &format!("127.0.0.1:{gateway_port}"),
        ],
    );
    for node in &nodes {
        let url = format!("{node}/health");
        until("the node is ready", || async {
            client()
                .get(&url, MAX, TIMEOUT)
                .await
                .is_ok_and(|answer| answer.status == 200)
        })
        .await;
    }
    let account = account();
    let store = |text: &str| {
        Store::new(
            account.id(),
            Namespace::MESSAGES,
            text.as_bytes().to_vec(),
            now_ms(),
            60_000,
        )
    };
    until("both members store", || async {
        let (status, body) = rpc(&nodes[0], store("hello").into()).await;
        let reply: Result<SwarmReply<Stored>, _> = serde_json::from_slice(&body);
        status == 200 && reply.is_ok_and(|reply| reply.done().count() == 2)
    })
    .await;
    for node in &nodes {
        let retrieve = Retrieve::new(account.id(), Namespace::MESSAGES, None)
            .signed(&Signer::Account(account.ed25519()), now_ms());
        let (status, body) = rpc(node, retrieve.into()).await;
        let reply: RetrieveReply = serde_json::from_slice(&body).unwrap();
        assert_eq!((status, reply.messages.len()), (200, 1));
    }
    let list = format!("http://127.0.0.1:{gateway_port}/v1/nodes");
    until("the gateway knows both", || async {
        client().get(&list, MAX, TIMEOUT).await.is_ok_and(|answer| {
            serde_json::from_slice::<serde_json::Value>(&answer.body).is_ok_and(|list| {
                list["service_node_states"]
                    .as_array()
                    .is_some_and(|states| states.len() == 2)
            })
        })
    })
    .await;
}

#[tokio::test]
#[cfg(unix)]
async fn up_tells_where_everything_is_ends_on_order_and_keeps_its_data() {
    let mut world = World::new("up");
    let data = world.folder.join("data");
    let account = account();
    let first = start_up(&mut world, &data);
    for node in &first.nodes {
        rpc(
            &node.url,
            Store::new(account.id(), Namespace::MESSAGES, vec![7], now_ms(), 60_000).into(),
        )
        .await;
    }
    let mut child = world.children.pop().unwrap();
    let asked = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(asked.success());
    assert!(child.wait().unwrap().success());
    let second = start_up(&mut world, &data);
    assert_eq!(second.nodes, first.nodes);
    let mut holders = 0;
    for node in &second.nodes {
        let retrieve = Retrieve::new(account.id(), Namespace::MESSAGES, None)
            .signed(&Signer::Account(account.ed25519()), now_ms());
        let (status, body) = rpc(&node.url, retrieve.into()).await;
        if status == 200 {
            let reply: RetrieveReply = serde_json::from_slice(&body).unwrap();
            assert_eq!(reply.messages.len(), 1);
            holders += 1;
        }
    }
    assert_eq!(holders, 2, "the members of the account's swarm");
}

#[test]
fn a_second_up_says_what_is_taken_and_changes_nothing() {
    let mut world = World::new("second");
    let data = world.folder.join("data");
    let first = start_up(&mut world, &data);
    let taken = first.app.trim_end_matches('/').rsplit(':').next().unwrap();
    let ports = std::fs::read(data.join("ports.json")).unwrap();
    for (port, data, wanted) in [
        (
            taken,
            world.folder.join("other"),
            format!("port {taken} is taken"),
        ),
        ("0", data.clone(), format!("{} is in use", data.display())),
    ] {
        let ended = Command::new(env!("CARGO_BIN_EXE_holdfast"))
            .args(["up", "--port", port, "--nodes", "4", "--json", "--data"])
            .arg(data)
            .env("HOLDFAST_LOG", "error")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(ended.stdout.is_empty() && said.contains(&wanted), "{said}");
    }
    assert_eq!(std::fs::read(data.join("ports.json")).unwrap(), ports);
}

#[test]
fn servers_behind_the_nodes_tell_their_key_at_the_start() {
    let mut world = World::new("keys");
    for role in ["files", "previews"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_holdfast"))
            .args([role, "--listen", "127.0.0.1:0", "--data"])
            .arg(world.folder.join(role))
            .env_remove("HOLDFAST_LOG")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let told = BufReader::new(child.stderr.take().unwrap()).lines();
        world.children.push(child);
        let told = told.map_while(Result::ok).find_map(|line| {
            let (_, key) = line.split_once("key=")?;
            Some(key.to_owned())
        });
        let key = told.unwrap_or_default();
        assert!(Ed25519PublicKey::from_hex(key.trim()).is_ok(), "{role}: {key}");
    }
}

#[test]
fn a_wrong_command_line_says_what_is_wrong() {
    let run = |args: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_holdfast"))
            .args(args)
            .output()
            .unwrap()
    };
    let wrong = run(&["up", "--fly"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("--fly"));
    assert!(String::from_utf8_lossy(&run(&["--help"]).stdout).contains("gateway"));
    assert!(run(&["--version"]).stdout.starts_with(b"holdfast "));
}
