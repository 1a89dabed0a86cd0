//! What servers read: each other's messages, requests for the node list, registrations, and what an operator names.

use std::sync::Arc;

use bytes::Bytes;
use holdfast_node::clock::SystemClock;
use holdfast_node::embed::EmbedOrigin;
use holdfast_node::fileserver::{ContentPlace, RecordsPlace};
use holdfast_node::net::proxies::TrustedProxy;
use holdfast_node::peer::Call;
use holdfast_node::peer::channel::Channel;
use holdfast_node::peer::links::{Forward, decode_forwards, encode_forwards};
use holdfast_node::registry::Node;
use holdfast_node::registry::live::{Registration, Registry};
use holdfast_node::seed::Seed;
use holdfast_protocol::keys::Ed25519KeyPair;
use holdfast_protocol::nodes;
use serde_json::json;

use super::{CRYPTOGRAPHIC, PARSING, Row};

pub(super) const TARGETS: &[Row] = &[
    ("peer_message", peer_message, peer_message_seeds, CRYPTOGRAPHIC),
    ("seed_request", seed_request, seed_request_seeds, CRYPTOGRAPHIC),
    ("operator_names", operator_names, operator_name_seeds, PARSING),
];

/// Some time, ms.
const NOW: u64 = 1_754_971_101_000;

fn keys(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed(&[seed; 32])
}

fn channel(seed: u8) -> Channel {
    Channel::new(&keys(seed), NOW)
}

/// The bytes as a request, under a known node's seal, and as a reply; then as the operations in a request.
fn peer_message(input: &[u8]) {
    let bytes = Bytes::copy_from_slice(input);
    let _ = channel(2).open(bytes.clone(), NOW, |_| true);
    let (sender, receiver) = (channel(1), channel(2));
    let sealed = sender
        .seal(&keys(2).public(), Call::Operations, input, NOW)
        .expect("a good key");
    let opened = receiver
        .open(sealed.message.clone(), NOW, |known| *known == keys(1).public())
        .expect("its own message");
    assert_eq!(opened.body, bytes);
    assert!(
        sender.open_reply(&sealed, bytes.clone()).is_err(),
        "nobody sent this"
    );
    let reply = receiver.seal_reply(&opened, input).expect("a good key");
    assert_eq!(sender.open_reply(&sealed, reply).as_ref(), Ok(&bytes));
    if let Ok(batch) = decode_forwards(bytes) {
        assert_eq!(decode_forwards(encode_forwards(&batch)).as_ref(), Ok(&batch));
    }
}

fn peer_message_seeds() -> Vec<Vec<u8>> {
    let forward = |method: &str, late| Forward {
        at: NOW,
        late,
        method: method.to_owned(),
        params: Bytes::from_static(b"d6:pubkey3:abce"),
    };
    let batch = encode_forwards(&[forward("store", false), forward("delete", true)]);
    let sealed = channel(1).seal(&keys(2).public(), Call::Operations, &batch, NOW);
    vec![batch.to_vec(), sealed.expect("a good key").message.to_vec()]
}

fn node(seed: u8) -> Node {
    let mut node = Node::new(keys(seed).public()).expect("a good key");
    node.ip = [127, 0, 0, seed].into();
    node.http_port = Some(22_021);
    node
}

/// One body for both paths of a seed.
fn seed_request(input: &[u8]) {
    let registry = Arc::new(Registry::fixed(vec![node(1), node(2)], 1));
    let seed = Seed::new(Arc::clone(&registry), Arc::new(SystemClock), true);
    let answer = seed.answer(input);
    assert_eq!(answer["jsonrpc"], "2.0");
    assert!(answer.get("result").is_some() != answer.get("error").is_some());
    let Ok(registration) = serde_json::from_slice::<Registration>(input) else {
        return;
    };
    if registry.register(&registration, registration.timestamp).is_ok() {
        let list = registry.list();
        let key = registration.pubkey_ed25519;
        assert!(list.nodes().iter().any(|node| node.ed25519() == key));
        let _ = seed.answer(&nodes::seed_request());
    }
}

fn seed_request_seeds() -> Vec<Vec<u8>> {
    let asked = json!({
        "jsonrpc": "2.0", "id": 1, "method": "get_service_nodes",
        "params": {"fields": ["all"], "limit": 1, "active_only": true, "service_node_pubkeys": [keys(1).public()],
                   "poll_block_hash": "0".repeat(64)},
    });
    let registration = Registration::signed(&keys(3), &node(3), NOW);
    vec![
        nodes::seed_request(),
        asked.to_string().into_bytes(),
        serde_json::to_vec(&registration).expect("JSON"),
    ]
}

/// Words on a command line or in a configuration file.
fn operator_names(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Ok(origin) = text.parse::<EmbedOrigin>() {
        assert_eq!(origin.to_string().parse::<EmbedOrigin>().as_ref(), Ok(&origin));
    }
    let _ = text.parse::<TrustedProxy>();
    let _ = (RecordsPlace::parse(&text), ContentPlace::parse(&text));
}

fn operator_name_seeds() -> Vec<Vec<u8>> {
    [
        "https://www.example.org:8443/",
        "http://localhost:80",
        "172.18.0.0/16",
        "::ffff:127.0.0.1",
        "postgres://files@db.example.org/files",
        "s3://bucket/folder",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_understood() {
        let (batch, sealed) = match peer_message_seeds().as_slice() {
            [batch, sealed] => (batch.clone(), sealed.clone()),
            _ => panic!("other seeds"),
        };
        assert_eq!(
            decode_forwards(Bytes::from(batch)).map(|batch| batch.len()),
            Ok(2)
        );
        assert!(channel(2).open(Bytes::from(sealed), NOW, |_| true).is_ok());
        let registry = Registry::new(1, u64::MAX);
        let registration = seed_request_seeds().pop().unwrap();
        let registration: Registration = serde_json::from_slice(&registration).unwrap();
        assert_eq!(registry.register(&registration, NOW), Ok(()));
    }
}
