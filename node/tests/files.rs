//! Files through a whole network: from a browser's gateway over three nodes to the file server and back.

mod processes;
#[path = "files/stores.rs"]
mod stores;

use std::time::Duration;

use holdfast_node::up::Addresses;
use holdfast_protocol::onion::v4::{TARGET, V4Request};
use holdfast_protocol::onion::{Destination, Hop, Protocol, Reply, Suite, build};
use processes::{World, client, start_up};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use serde_json::Value;

const TIMEOUT: Duration = Duration::from_secs(60);
/// Answers are read whole, whatever their size: the file and what the layers add.
const MAX: usize = 20 << 20;
/// What a legacy attachment of nearly the largest size is, bytes (spec/07-files-and-attachments.md §5.1).
const LARGE: usize = 9_900_000;
/// The largest body of all (spec/07-files-and-attachments.md §6.3).
const LARGEST: usize = 10_223_616;

/// Sends a request to the file server as the app does: three hops, and the gateway before them.
async fn ask(network: &Addresses, method: &str, endpoint: &str, body: Option<Vec<u8>>) -> Reply {
    let request = V4Request {
        method: method.to_owned(),
        endpoint: endpoint.to_owned(),
        body,
        ..V4Request::default()
    };
    let hops: Vec<Hop> = network.nodes[..3]
        .iter()
        .map(|node| Hop {
            ed25519: node.ed25519,
            x25519: node.x25519,
        })
        .collect();
    let (host, port) = network
        .files
        .url
        .strip_prefix("http://")
        .and_then(|address| address.split_once(':'))
        .unwrap();
    let server = Destination::Server {
        host: host.to_owned(),
        protocol: Protocol::Http,
        port: port.parse().unwrap(),
        target: TARGET.to_owned(),
        x25519: network.files.ed25519.to_x25519().unwrap(),
    };
    let mut random = ChaCha20Rng::from_seed([1; 32]);
    let (packet, keys) = build(&hops, &server, &request.encode(), Suite::XChaCha20, &mut random).unwrap();
    let url = format!("{}v1/onion/{}", network.gateway, hops[0].ed25519);
    let answer = client()
        .post(&url, "application/octet-stream", packet.into(), MAX, TIMEOUT)
        .await
        .unwrap();
    assert_eq!(
        (answer.status, &answer.headers["x-guard-status"]),
        (200, &"200".parse().unwrap())
    );
    keys.open(answer.body.to_vec()).unwrap()
}

fn bytes(length: usize, seed: u8) -> Vec<u8> {
    let mut bytes = vec![0; length];
    ChaCha20Rng::from_seed([seed; 32]).fill_bytes(&mut bytes);
    bytes
}

#[tokio::test]
async fn the_largest_files_go_up_and_down_through_three_hops_and_survive_a_killed_server() {
    let mut world = World::new("files");
    let data = world.folder.join("data");
    let first = start_up(&mut world, &data);
    let mut kept = Vec::new();
    for (seed, length) in [(1, 1000), (2, LARGE), (3, LARGEST)] {
        let body = bytes(length, seed);
        let reply = ask(&first, "POST", "/file", Some(body.clone())).await;
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        let told: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(told["size"], length);
        assert!(told["expires"].as_f64() > told["uploaded"].as_f64());
        let path = format!("/file/{}", told["id"].as_str().unwrap());
        let reply = ask(&first, "GET", &path, None).await;
        assert!(
            reply.status == 200 && reply.body == body,
            "{length} before the end"
        );
        kept.push((path, body));
    }
    let mut child = world.children.pop().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let second = start_up(&mut world, &data);
    assert_eq!(second.files, first.files, "addresses of files stay valid");
    for (path, body) in kept {
        let reply = ask(&second, "GET", &path, None).await;
        assert!(
            reply.status == 200 && reply.body == body,
            "{} afterwards",
            body.len()
        );
        // And directly, as the browser of a local network could.
        let direct = client()
            .get(&format!("{}{path}", second.files.url), MAX, TIMEOUT)
            .await
            .unwrap();
        assert!(direct.status == 200 && direct.body == body);
    }
    let missing = ask(&second, "GET", "/file/1", None).await;
    assert_eq!(missing.status, 404);
}

#[tokio::test]
async fn the_app_learns_which_file_server_is_its_networks() {
    let mut world = World::new("files-profile");
    let data = world.folder.join("data");
    let network = start_up(&mut world, &data);
    let url = format!("{}networks/default.json", network.app);
    let profile = client().get(&url, MAX, TIMEOUT).await.unwrap();
    let profile: Value = serde_json::from_slice(&profile.body).unwrap();
    assert_eq!(profile["files"]["url"], network.files.url);
    assert_eq!(profile["files"]["key"], network.files.ed25519.to_hex());
}
