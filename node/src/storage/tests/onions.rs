//! Onion requests through nodes (spec/03-network.md §4).

use super::*;
use holdfast_protocol::onion::{Destination, Hop, Protocol, Reply, ReplyKeys, ReplySender, Suite, build};

const FIVE: &[u64] = &[0, 0, 0, 0, 0];

impl Net {
    fn hop(&self, number: usize) -> Hop {
        Hop {
            ed25519: self.keys[number].public(),
            x25519: self.keys[number].x25519().public(),
        }
    }

    /// Sends a request to the guard, node 0, by nodes 1 and 2. Gives the clear status and body.
    async fn send(&self, destination: &Destination, body: &[u8], suite: Suite) -> (u16, Bytes, ReplyKeys) {
        let hops = [self.hop(0), self.hop(1), self.hop(2)];
        let mut random = ChaCha20Rng::from_seed([3; 32]);
        let (packet, keys) = build(&hops, destination, body, suite, &mut random).unwrap();
        let answer = self
            .node(0)
            .handle(&Method::POST, "/onion_req/v2", packet.into(), CLIENT)
            .await;
        (answer.status, answer.body, keys)
    }

    async fn open(&self, destination: &Destination, body: &[u8], suite: Suite) -> Reply {
        let (status, body, keys) = self.send(destination, body, suite).await;
        assert_eq!(status, 200, "{body:?}");
        keys.open(body.to_vec()).unwrap()
    }
}

const INFO: &[u8] = br#"{"method":"info","params":{}}"#;

#[tokio::test(start_paused = true)]
async fn a_request_goes_through_three_hops_with_either_cipher() {
    let net = Net::new(FIVE);
    for suite in [Suite::XChaCha20, Suite::AesGcm] {
        let reply = net.open(&Destination::Node(net.hop(3)), INFO, suite).await;
        assert_eq!(reply.status, 200);
        let info: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(info["timestamp"], START);
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_of_the_destination_come_sealed() {
    let swarms = &[0, 0, 0, 1 << 63];
    let net = Net::new(swarms);
    let user = User::account_in(0, swarms);
    let store = Request::from(Store::new(user.id, Namespace::MESSAGES, vec![1], START, DAY));
    let reply = net
        .open(
            &Destination::Node(net.hop(3)),
            &store.to_json_body(),
            Suite::XChaCha20,
        )
        .await;
    assert_eq!(reply.status, 421);
    let reply = net
        .open(&Destination::Node(net.hop(3)), b"{}", Suite::XChaCha20)
        .await;
    assert_eq!(reply.status, 400);
}

#[tokio::test(start_paused = true)]
async fn failures_on_the_way_come_in_clear_with_their_texts() {
    let net = Net::new(FIVE);
    let stranger = Ed25519KeyPair::from_seed(&[88; 32]);
    let nowhere = Destination::Node(Hop {
        ed25519: stranger.public(),
        x25519: stranger.x25519().public(),
    });
    let clear =
        |(status, body, _): (u16, Bytes, ReplyKeys)| (status, String::from_utf8(body.to_vec()).unwrap());
    let (status, text) = clear(net.send(&nowhere, INFO, Suite::XChaCha20).await);
    assert_eq!(
        (status, text),
        (502, format!("Next node not found: {}", stranger.public()))
    );
    let there = Destination::Node(net.hop(3));
    net.set_down(3, true);
    let (status, text) = clear(net.send(&there, INFO, Suite::XChaCha20).await);
    let expected = format!("Next node is currently unreachable: {}", net.keys[3].public());
    assert_eq!((status, text), (502, expected));
    net.set_down(3, false);
    net.set_silent(1);
    let start = tokio::time::Instant::now();
    let (status, text) = clear(net.send(&there, INFO, Suite::XChaCha20).await);
    assert_eq!((status, text.as_str()), (504, "Request time out"));
    assert_eq!(start.elapsed(), Duration::from_secs(55));
    let garbage = net
        .node(0)
        .handle(&Method::POST, "/onion_req/v2", "garbage".into(), CLIENT)
        .await;
    assert_eq!(garbage.status, 400);
    let text = String::from_utf8(garbage.body.to_vec()).unwrap();
    assert!(text.starts_with("Error parsing onion request: "), "{text}");
    // A packet for another guard.
    let hops = [net.hop(2), net.hop(1)];
    let (packet, _) = build(
        &hops,
        &there,
        INFO,
        Suite::XChaCha20,
        &mut ChaCha20Rng::from_seed([3; 32]),
    )
    .unwrap();
    let foreign = net
        .node(0)
        .handle(&Method::POST, "/onion_req/v2", packet.into(), CLIENT)
        .await;
    assert_eq!(
        (foreign.status, foreign.body.as_ref()),
        (400, b"Invalid ciphertext".as_slice())
    );
}

#[tokio::test(start_paused = true)]
async fn nodes_that_are_not_ready_say_so() {
    let net = Net::new(FIVE);
    net.place(&[0, 0, 0, SwarmId::NONE.0, 0]);
    let (status, body, _) = net
        .send(&Destination::Node(net.hop(3)), INFO, Suite::XChaCha20)
        .await;
    let expected = format!("Snode not ready: {}", net.keys[3].public());
    assert_eq!((status, body.as_ref()), (503, expected.as_bytes()));
    net.place(&[SwarmId::NONE.0, 0, 0, 0, 0]);
    let (status, body, _) = net
        .send(&Destination::Node(net.hop(3)), INFO, Suite::XChaCha20)
        .await;
    assert_eq!(status, 503);
    assert!(body.starts_with(b"Service node is not ready: "));
}

#[tokio::test]
async fn servers_on_private_addresses_are_never_called() {
    let net = Net::new(FIVE);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = Ed25519KeyPair::from_seed(&[9; 32]);
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "10.1.2.3",
        "169.254.169.254",
        "0.0.0.0",
    ] {
        let destination = Destination::Server {
            host: host.to_owned(),
            protocol: Protocol::Http,
            port,
            target: "/oxen/v4/lsrpc".to_owned(),
            x25519: server.x25519().public(),
        };
        let reply = net.open(&destination, b"", Suite::XChaCha20).await;
        assert_eq!(
            (reply.status, reply.sender),
            (400, ReplySender::LastRelay),
            "{host}"
        );
        assert_eq!(reply.body, b"Invalid url");
    }
    assert!(
        futures::FutureExt::now_or_never(listener.accept()).is_none(),
        "something connected"
    );
}
