//! Onion requests both ways: paths of every length, forged and damaged packets, odd replies.

use super::v4::{TARGET, V4Reply, V4Request};
use super::*;
use crate::base64;
use crate::keys::{Ed25519KeyPair, X25519SecretKey};
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([7; 32])
}

fn node(n: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed(&[n; 32])
}

fn hop(n: u8) -> Hop {
    Hop {
        ed25519: node(n).public(),
        x25519: node(n).x25519().public(),
    }
}

fn hops(count: u8) -> Vec<Hop> {
    (1..=count).map(hop).collect()
}

fn to_server() -> Destination {
    Destination::Server {
        host: "example.org".to_owned(),
        protocol: Protocol::Https,
        port: 443,
        target: TARGET.to_owned(),
        x25519: node(0).x25519().public(),
    }
}

/// Sends the packet along nodes 1, 2, … until one of them is not a relay to another node.
fn travel(packet: &[u8]) -> Result<Peeled, PeelError> {
    let mut at = 1;
    let mut peeled = peel(&node(at).x25519(), packet)?;
    while let Peeled::RelayToNode { next, packet } = &peeled {
        at = (0..=20).find(|n| node(*n).public() == *next).unwrap();
        // The dict between nodes carries all of it.
        let packet = RelayPacket::from_bt(&packet.to_bt())?;
        peeled = packet.peel(&node(at).x25519())?;
    }
    Ok(peeled)
}

/// The control of a frame around `data` for node 1, and the frame.
fn packet_with(control: &str, plain: &[u8]) -> Vec<u8> {
    let ephemeral = X25519SecretKey::generate(&mut rng());
    let key = LayerKey::for_client(&ephemeral, &hop(1).x25519, Suite::AesGcm).unwrap();
    let control = control.replace("KEY", &ephemeral.public().to_hex());
    frame(&key.seal(plain, &mut rng()), control.as_bytes())
}

fn simple(plain: &[u8]) -> Result<Peeled, PeelError> {
    peel(
        &node(1).x25519(),
        &packet_with("{\"ephemeral_key\":\"KEY\"}", plain),
    )
}

#[test]
fn published_layer() {
    let hex = |text: &str| data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap();
    let secret = X25519SecretKey::from_bytes(
        &hex("8fcd8ad3a15c76f76f1c56dff0c529999f8c59b4acda79e05666e54d5727dca1")
            .try_into()
            .unwrap(),
    );
    let client = crate::keys::X25519PublicKey::from_hex(
        "bbdfc83022d0aff084a6f0c529a93d1c4d728bf7e41199afed0e01ae70d20540",
    );
    for (suite, sealed) in [
        (
            Suite::AesGcm,
            "1eb6ae1cd72f60999486365749bd5dc15cc0b6a2a44d7d063daa5e93722f0c025fd00306403b61",
        ),
        (
            Suite::XChaCha20,
            "9e1a3abe60eff3ea5c23556cc7e225b6f94355315f7281f66ecf4dbb06e7899a52b863e03cde3b287d1638d765db75de02b032",
        ),
    ] {
        let key = LayerKey::for_receiver(&secret, &client.unwrap(), suite).unwrap();
        assert_eq!(key.open(&hex(sealed)).unwrap(), b"Hello world");
    }
}

#[test]
fn paths_up_to_fifteen_relays_arrive() {
    for count in 0..=15 {
        let destination = if count == 0 { hop(1) } else { hop(0) };
        let (packet, keys) = build(
            &hops(count),
            &Destination::Node(destination),
            b"body",
            Suite::XChaCha20,
            &mut rng(),
        )
        .unwrap();
        let Ok(Peeled::Final {
            body,
            options,
            reply_key,
        }) = travel(&packet)
        else {
            panic!("{count}")
        };
        assert_eq!(body, b"body");
        let answer = seal_reply(&reply_key, options, 200, Body::Text("hi"), &mut rng());
        assert_eq!(keys.open(answer).unwrap().body, b"hi");
    }
    let too_many = build(
        &hops(16),
        &Destination::Node(hop(0)),
        b"",
        Suite::XChaCha20,
        &mut rng(),
    );
    assert_eq!(too_many.unwrap_err(), OnionError::TooManyRelays);
}

#[test]
fn relays_count_on_from_what_the_client_says() {
    let plain = frame(b"", b"{\"headers\":\"\"}");
    let numbered = |number: &str| {
        let control = format!("{{\"ephemeral_key\":\"KEY\",\"hop_no\":{number}}}");
        peel(&node(1).x25519(), &packet_with(&control, &plain))
    };
    assert!(numbered("15").is_ok());
    for number in ["16", "18446744073709551615"] {
        assert!(
            matches!(numbered(number), Err(PeelError::PathTooLong)),
            "{number}"
        );
    }
    for number in ["-1", "\"3\"", "1.5"] {
        assert!(matches!(numbered(number), Err(PeelError::Packet(_))), "{number}");
    }
}

#[test]
fn suites_may_be_mixed_and_unknown_ones_are_refused() {
    let plain = frame(b"", b"{\"headers\":\"\"}");
    for (name, fits) in [
        ("aes-gcm", true),
        ("gcm", true),
        ("xchacha20", false),
        ("aes-cbc", false),
        ("", false),
    ] {
        let control = format!("{{\"enc_type\":\"{name}\",\"ephemeral_key\":\"KEY\"}}");
        assert_eq!(
            peel(&node(1).x25519(), &packet_with(&control, &plain)).is_ok(),
            fits,
            "{name}"
        );
    }
}

#[test]
fn headers_with_any_value_make_the_destination() {
    for control in [
        r#"{"headers":""}"#,
        r#"{"headers":null,"host":"x"}"#,
        r#"{"headers":{"a":{}},"body":null}"#,
        r#"{ "destination": 5, "headers": 1 }"#,
    ] {
        assert!(
            matches!(simple(&frame(b"x", control.as_bytes())), Ok(Peeled::Final { .. })),
            "{control}"
        );
    }
    let Ok(Peeled::Final { options, .. }) =
        simple(&frame(b"", br#"{"headers":"","json":true,"base64":false}"#))
    else {
        panic!()
    };
    assert_eq!(
        options,
        ReplyOptions {
            json: true,
            base64: false
        }
    );
}

#[test]
fn what_is_no_frame_inside_is_refused_with_a_key_to_answer() {
    for plain in [
        &b""[..],
        b"\x05\0\0\0abc",
        b"\0\0\0\0",
        b"\0\0\0\0[]",
        b"\0\0\0\0{}",
        b"\0\0\0\0{\"headers\":\"\",\"json\":1}",
        b"\0\0\0\0{\"host\":\"a\"}",
        b"\0\0\0\0{\"host\":1,\"target\":\"/oxen/v4/lsrpc\"}",
        b"\0\0\0\0{\"destination\":\"00\"}",
    ] {
        assert!(
            matches!(simple(plain), Err(PeelError::InvalidJson(_))),
            "{}",
            plain.escape_ascii()
        );
    }
}

#[test]
fn answers_of_peeling_are_the_networks_texts() {
    let text = |result: Result<Peeled, PeelError>| result.unwrap_err().to_string();
    assert!(text(peel(&node(1).x25519(), b"abc")).starts_with("Error parsing onion request: "));
    let (packet, _) = build(
        &hops(1),
        &Destination::Node(hop(0)),
        b"",
        Suite::XChaCha20,
        &mut rng(),
    )
    .unwrap();
    assert_eq!(text(peel(&node(2).x25519(), &packet)), "Invalid ciphertext");
    assert_eq!(text(simple(b"")), "Invalid json");
    let key = format!("{{\"ephemeral_key\":\"{}\"}}", "00".repeat(32));
    let low_order = frame(&[0; 64], key.as_bytes());
    assert_eq!(text(peel(&node(1).x25519(), &low_order)), "Invalid ciphertext");
}

#[test]
fn every_changed_byte_of_the_layer_is_noticed() {
    let (packet, _) = build(
        &hops(1),
        &Destination::Node(hop(0)),
        b"",
        Suite::XChaCha20,
        &mut rng(),
    )
    .unwrap();
    let (data, _) = parse_frame(&packet).unwrap();
    for at in 4..4 + data.len() {
        let mut changed = packet.clone();
        changed[at] ^= 1;
        assert!(matches!(
            peel(&node(1).x25519(), &changed),
            Err(PeelError::InvalidCiphertext)
        ));
    }
}

#[test]
fn server_targets_are_restricted() {
    let target = |protocol: &str, host: &str, target: &str| {
        let target = ServerTarget {
            host: host.to_owned(),
            protocol: protocol.to_owned(),
            port: 443,
            target: target.to_owned(),
        };
        target.url()
    };
    assert_eq!(
        target("https", "example.org", TARGET).as_deref(),
        Some("https://example.org:443/oxen/v4/lsrpc")
    );
    assert!(target("http", "[2001:db8::1]", "/loki/v3/lsrpc").is_some());
    for (protocol, host, path) in [
        ("ftp", "example.org", TARGET),
        ("https", "", TARGET),
        ("https", "user@example.org", TARGET),
        ("https", "example.org/x", TARGET),
        ("https", "example.org", "/other/lsrpc"),
        ("https", "example.org", "/oxen/v4/lsrpc?x"),
        ("https", "example.org", "/oxen/v4?/lsrpc"),
        ("https", "example.org", "/oxen/v4 /lsrpc"),
        ("https", "example.org", "/oxen/v4#/lsrpc"),
    ] {
        assert_eq!(target(protocol, host, path), None, "{protocol} {host} {path}");
    }
}

#[test]
fn a_server_answers_in_v4_and_v3() {
    let request = V4Request {
        method: "GET".into(),
        endpoint: "/rooms".into(),
        ..V4Request::default()
    };
    let (packet, keys) = build(
        &hops(3),
        &to_server(),
        &request.encode(),
        Suite::AesGcm,
        &mut rng(),
    )
    .unwrap();
    let Ok(Peeled::RelayToServer {
        target,
        frame,
        reply_key,
    }) = travel(&packet)
    else {
        panic!()
    };
    assert_eq!(
        target.url().as_deref(),
        Some("https://example.org:443/oxen/v4/lsrpc")
    );
    let opened = open_server_request(&node(0).x25519(), &frame).unwrap();
    assert_eq!(V4Request::decode(&opened.plain).unwrap(), request);
    let reply = V4Reply {
        code: 201,
        headers: [("Content-Type".to_owned(), "text/plain".to_owned())].into(),
        body: vec![0, 255],
    };
    let answer = keys
        .open(seal_v4_reply(&opened.reply_key, &reply, &mut rng()))
        .unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (201, &[0, 255][..]));
    assert_eq!(
        answer.headers.get("content-type").map(String::as_str),
        Some("text/plain")
    );
    assert_eq!(answer.sender, ReplySender::Destination);

    // A file is opened where it lies: no byte of it is in memory twice.
    let file = V4Reply {
        body: vec![7; 100_000],
        ..reply
    };
    let sealed = seal_v4_reply(&opened.reply_key, &file, &mut rng());
    let place = sealed.as_ptr();
    let answer = keys.open(sealed).unwrap();
    assert!(answer.body == file.body);
    assert_eq!(answer.body.as_ptr(), place);

    let refusal = seal_reply(
        &reply_key,
        ReplyOptions::default(),
        400,
        Body::Text("Invalid url"),
        &mut rng(),
    );
    let refusal = keys.open(refusal).unwrap();
    assert_eq!(
        (refusal.status, refusal.body.as_slice()),
        (400, &b"Invalid url"[..])
    );
    assert_eq!(refusal.sender, ReplySender::LastRelay);

    let v3 = base64::decode(&seal_v3_reply(&opened.reply_key, 403, b"ignored", &mut rng())).unwrap();
    assert_eq!(opened.reply_key.open(&v3).unwrap(), b"{\"status_code\":403}");
    let v3 = V3Request::decode(br#"{"endpoint":"files","method":"POST","body":"x","headers":{}}"#).unwrap();
    assert_eq!((v3.endpoint.as_str(), v3.method.as_str()), ("files", "POST"));
}

/// The keys of a request to node 0 and what node 0 seals with.
fn exchange(suite: Suite) -> (ReplyKeys, LayerKey) {
    let (packet, keys) = build(&hops(1), &Destination::Node(hop(0)), b"", suite, &mut rng()).unwrap();
    let Ok(Peeled::Final { reply_key, .. }) = travel(&packet) else {
        panic!()
    };
    (keys, reply_key)
}

#[test]
fn every_form_of_a_reply_opens() {
    let (keys, key) = exchange(Suite::XChaCha20);
    let json = r#"{"a":"\"\\ \n é","t":1}"#.as_bytes();
    for base64 in [true, false] {
        for as_json in [true, false] {
            let options = ReplyOptions {
                json: as_json,
                base64,
            };
            let reply = keys
                .open(seal_reply(&key, options, 421, Body::Json(json), &mut rng()))
                .unwrap();
            assert_eq!((reply.status, reply.body.as_slice()), (421, json), "{options:?}");
            let reply = keys
                .open(seal_reply(&key, options, 200, Body::Binary(&[0, 1]), &mut rng()))
                .unwrap();
            assert_eq!(reply.body, b"AAE=");
        }
    }
    let unpadded = base64::encode(&key.seal(br#"{"status_code":200,"body":"x"}"#, &mut rng()));
    let unpadded = format!("{}\n", unpadded.trim_end_matches('='));
    assert_eq!(keys.open(unpadded.into_bytes()).unwrap().body, b"x");
    let bare = key.seal(br#"{"status":204}"#, &mut rng());
    assert_eq!(keys.open(bare).unwrap().body, b"");
}

#[test]
fn replies_without_sense_are_told_from_those_of_strangers() {
    let (keys, key) = exchange(Suite::XChaCha20);
    for plain in [
        "",
        "[]",
        "{}",
        "{\"status\":\"200\"}",
        "{\"status\":-1}",
        "{\"status\":70000}",
    ] {
        let sealed = key.seal(plain.as_bytes(), &mut rng());
        assert_eq!(keys.open(sealed), Err(OnionError::MalformedReply), "{plain}");
    }
    let deep = format!("{{\"status\":200,\"body\":{}}}", "[".repeat(100_000));
    assert_eq!(
        keys.open(key.seal(deep.as_bytes(), &mut rng())),
        Err(OnionError::MalformedReply)
    );
    let (_, stranger) = exchange(Suite::AesGcm);
    let sealed = stranger.seal(b"{\"status\":200}", &mut ChaCha20Rng::from_seed([8; 32]));
    assert!(
        keys.open(sealed).is_ok(),
        "an aes-gcm answer to an xchacha20 request"
    );
    for answer in [&b""[..], b"Not found", &[0; 100]] {
        assert_eq!(keys.open(answer.to_vec()), Err(OnionError::Undecryptable));
    }
    assert_eq!(
        keys.open(vec![0; MAX_ONION_REPLY_SIZE + 1]),
        Err(OnionError::TooLarge)
    );
}

#[test]
fn v4_heads_are_checked() {
    for plain in [
        &b""[..],
        b"de",
        b"le",
        b"li1ee",
        b"l2:{}e",
        b"l2:{}1:ai1ee",
        b"l2:{}1:a1:be",
        b"l36:{\"endpoint\":\"rooms\",\"method\":\"GET\"} e",
        b"l35:{\"endpoint\":\"rooms\",\"method\":\"GET\"}e",
    ] {
        assert!(V4Request::decode(plain).is_err(), "{}", plain.escape_ascii());
    }
    let with_agent = V4Request {
        method: "POST".into(),
        endpoint: "/".into(),
        headers: [("user-agent".to_owned(), "x".to_owned())].into(),
        body: Some(Vec::new()),
    };
    let decoded = V4Request::decode(&with_agent.encode()).unwrap();
    assert_eq!(
        decoded.headers,
        [("Content-Type".to_owned(), "application/json".to_owned())].into()
    );
    assert_eq!(decoded.body, Some(Vec::new()));
}

#[test]
fn packets_are_capped() {
    let body = vec![0; MAX_PACKET_SIZE];
    let built = build(
        &hops(1),
        &Destination::Node(hop(0)),
        &body,
        Suite::AesGcm,
        &mut rng(),
    );
    assert_eq!(built.unwrap_err(), OnionError::TooLarge);
    assert!(matches!(
        peel(&node(1).x25519(), &vec![0; MAX_PACKET_SIZE + 1]),
        Err(PeelError::TooLarge)
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn peeling_inverts_building(body: Vec<u8>, count in 1_u8..5, gcm: bool, seed: [u8; 32]) {
        let suite = if gcm { Suite::AesGcm } else { Suite::XChaCha20 };
        let mut rng = ChaCha20Rng::from_seed(seed);
        let (packet, _) = build(&hops(count), &Destination::Node(hop(0)), &body, suite, &mut rng).unwrap();
        let Ok(Peeled::Final { body: found, .. }) = travel(&packet) else { panic!() };
        prop_assert_eq!(found, body);
    }

    #[test]
    fn v4_is_read_as_written(
        endpoint in "/[a-zé?=]{0,20}", method in "[A-Z]{1,6}", body: Option<Vec<u8>>, code: u16,
        headers in prop::collection::btree_map("[a-z]{2,8}", "\\PC{0,8}", 0..4),
    ) {
        let request = V4Request { method, endpoint, headers: headers.clone(), body: body.clone() };
        let decoded = V4Request::decode(&request.encode()).unwrap();
        prop_assert_eq!((&decoded.endpoint, &decoded.method, &decoded.body), (&request.endpoint, &request.method, &request.body));
        prop_assert!(headers.iter().all(|(name, value)| decoded.headers.get(name) == Some(value)));
        let reply = V4Reply { code, headers, body: body.unwrap_or_default() };
        prop_assert_eq!(V4Reply::decode(reply.encode()).unwrap(), reply);
    }
}
