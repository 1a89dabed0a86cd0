//! A network on sockets: comes up, keeps its ports, survives its nodes.

use super::*;
use crate::net::client::HttpClient;
use holdfast_protocol::onion::{Destination, Hop, Protocol, Suite, build};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use std::path::Path;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(10);

fn options(data: &Path) -> Options {
    Options {
        port: 0,
        data: data.to_owned(),
        nodes: 4,
        site: None,
        kiosk: None,
        durability: Durability::Process,
        previews_ca: None,
        embed_origins: Vec::new(),
        demo: false,
        trusted_proxies: Vec::new(),
        local_servers: Vec::new(),
    }
}

async fn get(url: &str) -> (u16, String) {
    let client = HttpClient::verifying(true).unwrap();
    let answer = client.get(url, 1 << 20, TIMEOUT).await.unwrap();
    (answer.status, String::from_utf8(answer.body.to_vec()).unwrap())
}

#[tokio::test]
async fn everything_answers_and_a_second_start_is_the_same_network() {
    let folder = crate::files::temporary_folder("up");
    let network = Network::start(options(&folder)).await.unwrap();
    let first = network.addresses().clone();
    assert_eq!(first.nodes.len(), 4);
    let in_zero = first.nodes.iter().filter(|node| node.swarm == SwarmId(0)).count();
    assert_eq!(in_zero, 2);
    for node in &first.nodes {
        assert_eq!(
            get(&format!("{}/health", node.url)).await,
            (200, "ready".to_owned())
        );
    }
    let (status, list) = get(&format!("{}v1/nodes", first.gateway)).await;
    assert_eq!(status, 200);
    assert!(
        first
            .nodes
            .iter()
            .all(|node| list.contains(&node.ed25519.to_hex()))
    );
    let (_, profile) = get(&format!("{}networks/default.json", first.app)).await;
    assert!(profile.contains("\"name\":\"local\"") && profile.contains("\"minimum_nodes\":4"));
    network.stop().await;
    let network = Network::start(options(&folder)).await.unwrap();
    assert_eq!(network.addresses().nodes, first.nodes);
    assert_eq!(network.addresses().seed, first.seed);
    network.stop().await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn nodes_and_gateway_can_be_killed_and_started_again() {
    let folder = crate::files::temporary_folder("up");
    let mut network = Network::start(options(&folder)).await.unwrap();
    let addresses = network.addresses().clone();
    network.kill_node(1).await.unwrap();
    assert!(network.node(1).is_none());
    let client = HttpClient::verifying(true).unwrap();
    let health = format!("{}/health", addresses.nodes[1].url);
    assert!(client.get(&health, 100, TIMEOUT).await.is_err());
    network.start_node(1).await.unwrap();
    assert_eq!(get(&health).await.0, 200);
    network.kill_gateway().await;
    assert!(client.get(&addresses.app, 100, TIMEOUT).await.is_err());
    network.start_gateway().await.unwrap();
    assert_eq!(get(&format!("{}v1/nodes", addresses.gateway)).await.0, 200);
    assert!(matches!(network.kill_node(9).await, Err(UpError::NoSuchNode(9))));
    network.stop().await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn the_page_of_somebody_else_is_another_origin_that_the_app_allows() {
    let folder = crate::files::temporary_folder("up");
    let site = folder.join("site");
    std::fs::create_dir_all(&site).unwrap();
    std::fs::write(site.join("embed.html"), "<html>").unwrap();
    let network = Network::start(Options {
        demo: true,
        site: Some(site),
        ..options(&folder)
    })
    .await
    .unwrap();
    let addresses = network.addresses().clone();
    let demo = addresses.demo.unwrap();
    assert_ne!(demo, addresses.app);
    let (_, list) = get(&format!("{}embed.json", addresses.app)).await;
    assert!(list.contains(demo.trim_end_matches('/')), "{list}");
    let (status, page) = get(&demo.replace("localhost", "127.0.0.1")).await;
    assert_eq!(status, 200);
    assert!(page.contains(&format!("content=\"{}\"", addresses.app)), "{page}");
    network.stop().await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn nodes_pass_requests_on_to_servers_of_the_network_only() {
    let folder = crate::files::temporary_folder("up");
    let named = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let other = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (named_port, other_port) = (port_of(&named, 0).unwrap(), port_of(&other, 0).unwrap());
    let _server = Server::start(named, Router::new().fallback(|| async { "heard" }));
    let network = Network::start(Options {
        local_servers: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, named_port))],
        ..options(&folder)
    })
    .await
    .unwrap();
    let hops: Vec<Hop> = network.addresses().nodes[..3]
        .iter()
        .map(|node| Hop {
            ed25519: node.ed25519,
            x25519: node.x25519,
        })
        .collect();
    let client = HttpClient::verifying(true).unwrap();
    for (port, allowed) in [(named_port, true), (other_port, false)] {
        let server = Destination::Server {
            host: "127.0.0.1".to_owned(),
            protocol: Protocol::Http,
            port,
            target: "/oxen/v4/lsrpc".to_owned(),
            x25519: network.addresses().files.ed25519.to_x25519().unwrap(),
        };
        let mut random = ChaCha20Rng::from_seed([1; 32]);
        let (packet, keys) = build(&hops, &server, b"x", Suite::XChaCha20, &mut random).unwrap();
        let url = format!("{}/onion_req/v2", network.addresses().nodes[0].url);
        let answer = client.post(&url, "application/octet-stream", packet.into(), 1 << 20, TIMEOUT);
        let answer = answer.await.unwrap();
        assert_eq!(answer.status, 200);
        if allowed {
            assert_eq!(answer.body.as_ref(), b"heard");
        } else {
            let reply = keys.open(answer.body.to_vec()).unwrap();
            assert_eq!(
                (reply.status, reply.body.as_slice()),
                (400, b"Invalid url".as_slice())
            );
        }
    }
    let connected = futures::FutureExt::now_or_never(other.accept());
    assert!(connected.is_none(), "something connected");
    network.stop().await;
    std::fs::remove_dir_all(folder).unwrap();
}
