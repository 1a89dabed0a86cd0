//! Onion packets: from outside, and under layers that no mutation from outside would open.

use super::{CRYPTOGRAPHIC, PARSING, Row};
use crate::replay::ReplayRng;
use holdfast_protocol::keys::{Ed25519KeyPair, X25519SecretKey};
use holdfast_protocol::onion::v4::{V4Reply, V4Request};
use holdfast_protocol::onion::{
    Body, Destination, Hop, LayerKey, PeelError, Peeled, RelayPacket, ReplyKeys, ReplyOptions, Suite,
    V3Request, build, frame, open_server_request, parse_frame, peel, seal_reply,
};

pub(super) const TARGETS: &[Row] = &[
    ("onion_packet", packet, packet_seeds, CRYPTOGRAPHIC),
    ("onion_layer", layer, layer_seeds, CRYPTOGRAPHIC),
    ("relay_packet", relay, relay_seeds, CRYPTOGRAPHIC),
    ("onion_reply", reply, reply_seeds, CRYPTOGRAPHIC),
    ("onion_reply_body", reply_body, reply_body_seeds, CRYPTOGRAPHIC),
    ("server_request", server_request, packet_seeds, CRYPTOGRAPHIC),
    ("v4", v4, v4_seeds, PARSING),
];

fn node(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed(&[seed; 32])
}

fn hop(seed: u8) -> Hop {
    Hop {
        ed25519: node(seed).public(),
        x25519: node(seed).x25519().public(),
    }
}

/// Nonces and keys of no consequence.
fn rng() -> ReplayRng {
    let keys = (1..=20_u8).flat_map(|draw| [vec![draw; 32], vec![draw; 24]]);
    ReplayRng::new(keys)
}

fn request() -> (Vec<u8>, ReplyKeys) {
    let hops = [hop(1), hop(2), hop(3)];
    build(
        &hops,
        &Destination::Node(hop(4)),
        b"{}",
        Suite::XChaCha20,
        &mut rng(),
    )
    .expect("ordinary keys")
}

/// What a node does with whatever it found.
fn use_peeled(peeled: Result<Peeled, PeelError>) {
    match peeled {
        Ok(Peeled::Final {
            options, reply_key, ..
        }) => {
            let _ = seal_reply(&reply_key, options, 200, Body::Text("x"), &mut rng());
        }
        Ok(Peeled::RelayToServer { target, .. }) => {
            let _ = target.url();
        }
        Ok(Peeled::RelayToNode { packet, .. }) => {
            assert_eq!(RelayPacket::from_bt(&packet.to_bt()).ok(), Some(packet));
        }
        Err(error) => {
            let _ = error.to_string();
        }
    }
}

fn packet(input: &[u8]) {
    if let Ok((blob, control)) = parse_frame(input) {
        assert_eq!(frame(blob, control), input);
    }
    use_peeled(peel(&node(1).x25519(), input));
}

fn packet_seeds() -> Vec<Vec<u8>> {
    vec![request().0]
}

/// The plaintext of node 1's layer.
fn layer(input: &[u8]) {
    let ephemeral = X25519SecretKey::from_bytes(&[9; 32]);
    let Ok(key) = LayerKey::for_client(&ephemeral, &hop(1).x25519, Suite::XChaCha20) else {
        return;
    };
    let packet = RelayPacket {
        data: key.seal(input, &mut ReplayRng::new([vec![0; 24]])),
        ephemeral_key: ephemeral.public(),
        suite: Suite::XChaCha20,
        hop_no: 0,
    };
    use_peeled(packet.peel(&node(1).x25519()));
}

fn layer_seeds() -> Vec<Vec<u8>> {
    let key = "ab".repeat(32);
    vec![
        frame(b"body", br#"{"headers":"","json":true,"base64":false}"#),
        frame(
            b"blob",
            br#"{"host":"example.org","target":"/oxen/v4/lsrpc","protocol":"https","port":443}"#,
        ),
        frame(
            b"blob",
            format!(r#"{{"destination":"{key}","ephemeral_key":"{key}","enc_type":"xchacha20"}}"#).as_bytes(),
        ),
    ]
}

fn relay(input: &[u8]) {
    if let Ok(packet) = RelayPacket::from_bt(input) {
        use_peeled(packet.peel(&node(2).x25519()));
    }
}

fn relay_seeds() -> Vec<Vec<u8>> {
    match peel(&node(1).x25519(), &request().0) {
        Ok(Peeled::RelayToNode { packet, .. }) => vec![packet.to_bt()],
        _ => Vec::new(),
    }
}

fn reply(input: &[u8]) {
    let _ = request().1.open(input.to_vec());
}

/// The key that the destination of [`request`] seals with.
fn destination_key() -> LayerKey {
    request().1.destination().clone()
}

fn reply_seeds() -> Vec<Vec<u8>> {
    let raw = ReplyOptions {
        json: true,
        base64: false,
    };
    let body = Body::Json(b"{\"t\":1}");
    vec![
        seal_reply(&destination_key(), ReplyOptions::default(), 200, body, &mut rng()),
        seal_reply(&destination_key(), raw, 421, body, &mut rng()),
    ]
}

/// The plaintext of a reply.
fn reply_body(input: &[u8]) {
    let keys = request().1;
    let sealed = keys.destination().seal(input, &mut ReplayRng::new([vec![0; 24]]));
    let _ = keys.open(sealed);
}

fn reply_body_seeds() -> Vec<Vec<u8>> {
    vec![
        br#"{"body":"{\"t\":1}","status":200}"#.to_vec(),
        br#"{"status_code":421,"body":{"snodes":[]}}"#.to_vec(),
    ]
}

fn server_request(input: &[u8]) {
    if let Ok(request) = open_server_request(&node(1).x25519(), input) {
        let _ = V4Request::decode(&request.plain);
    }
}

fn v4(input: &[u8]) {
    let _ = V3Request::decode(input);
    if let Ok(request) = V4Request::decode(input) {
        let encoded = request.encode();
        // Encoding drops and adds header fields; once it did, nothing changes any more.
        assert_eq!(
            V4Request::decode(&encoded).ok().map(|again| again.encode()),
            Some(encoded)
        );
    }
    if let Ok(reply) = V4Reply::decode(input.to_vec()) {
        let encoded = reply.encode();
        assert_eq!(
            V4Reply::decode(encoded.clone()).ok().map(|again| again.encode()),
            Some(encoded)
        );
    }
}

fn v4_seeds() -> Vec<Vec<u8>> {
    let headers = [("accept".to_owned(), "*/*".to_owned())];
    let request = V4Request {
        method: "POST".to_owned(),
        endpoint: "/rooms?x=1".to_owned(),
        headers: headers.clone().into(),
        body: Some(b"{}".to_vec()),
    };
    let reply = V4Reply {
        code: 200,
        headers: headers.into(),
        body: b"hello".to_vec(),
    };
    let old = br#"{"endpoint":"files","method":"POST","body":"x","headers":{}}"#.to_vec();
    vec![request.encode(), reply.encode(), old]
}
