//! Known answers of onion requests: `onion_request`, `hop_encryption`, `onion_response`, `onion_parse_error`.

use super::fields::{bytes, case_list, ed25519, hex_list, same, text, x25519, x25519_secret};
use crate::replay::ReplayRng;
use holdfast_protocol::keys::X25519PublicKey;
use holdfast_protocol::onion::v4::{TARGET, V4Request};
use holdfast_protocol::onion::{
    Destination, Hop, LayerKey, Peeled, Protocol, ReplyKeys, Suite, build, open_server_request, parse_frame,
    peel,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// Runs a case; `None` when the kind is not one of these.
pub(super) fn run(kind: &str, case: &Value) -> Option<Result<(), String>> {
    Some(match kind {
        "onion_request" => onion_request(case),
        "hop_encryption" => hop_encryption(case),
        "onion_response" => onion_response(case),
        "onion_parse_error" => onion_parse_error(case),
        _ => return None,
    })
}

fn suite(case: &Value) -> Result<Suite, String> {
    Suite::parse(text(case, "enc_type")?).ok_or_else(|| "unknown enc_type".to_owned())
}

fn hop(node: &Value) -> Result<Hop, String> {
    Ok(Hop {
        ed25519: ed25519(node, "ed25519_pubkey")?,
        x25519: x25519(node, "x25519_pubkey")?,
    })
}

/// The destination and the body that is encrypted for it.
fn destination(case: &Value) -> Result<(Destination, Vec<u8>), String> {
    let dest = &case["dest"];
    let body = match &case["body"] {
        Value::Null => None,
        _ => Some(bytes(case, "body")?),
    };
    if text(dest, "kind")? == "snode" {
        return Ok((Destination::Node(hop(dest)?), body.unwrap_or_default()));
    }
    let protocol = match text(dest, "protocol")? {
        "http" => Protocol::Http,
        _ => Protocol::Https,
    };
    let port = dest["port"]
        .as_u64()
        .map_or(Ok(protocol.default_port()), u16::try_from);
    let destination = Destination::Server {
        host: text(dest, "host")?.to_owned(),
        protocol,
        port: port.map_err(|error| error.to_string())?,
        target: TARGET.to_owned(),
        x25519: x25519(dest, "x25519_pubkey")?,
    };
    let request = V4Request {
        method: text(dest, "method")?.to_owned(),
        endpoint: text(dest, "endpoint")?.to_owned(),
        headers: headers(&dest["headers"]),
        body,
    };
    Ok((destination, request.encode()))
}

/// A list of pairs, or nothing.
fn headers(list: &Value) -> BTreeMap<String, String> {
    let pairs = list.as_array().into_iter().flatten();
    pairs
        .filter_map(|pair| Some((pair[0].as_str()?.to_owned(), pair[1].as_str()?.to_owned())))
        .collect()
}

fn onion_request(case: &Value) -> Result<(), String> {
    let suite = suite(case)?;
    let hops: Vec<Hop> = case_list(case, "hops")?
        .iter()
        .map(hop)
        .collect::<Result<_, _>>()?;
    let (destination, body) = destination(case)?;
    let mut rng = ReplayRng::new(hex_list(case, "random")?);
    let (packet, keys) =
        build(&hops, &destination, &body, suite, &mut rng).map_err(|error| error.to_string())?;
    same("request", packet, bytes(case, "request")?)?;
    same("all draws used", rng.is_spent(), true)?;
    peel_layers(case, &body)?;
    reply(case, &keys, suite)
}

/// Takes the layers off as the nodes do, and compares what each finds.
fn peel_layers(case: &Value, body: &[u8]) -> Result<(), String> {
    let hops = case_list(case, "hops")?;
    let layers = case_list(case, "layers")?;
    let error = |error: holdfast_protocol::onion::PeelError| error.to_string();
    let mut packet = None;
    for (hop, layer) in hops.iter().zip(layers) {
        let secret = x25519_secret(hop, "x25519_seckey")?;
        let peeled = match &packet {
            None => peel(&secret, &bytes(case, "request")?),
            Some(packet) => holdfast_protocol::onion::RelayPacket::peel(packet, &secret),
        };
        match peeled.map_err(error)? {
            Peeled::RelayToNode { next, packet: inner } => {
                let control: Value =
                    serde_json::from_str(text(layer, "control")?).map_err(|e| e.to_string())?;
                same("destination", next, ed25519(&control, "destination")?)?;
                same(
                    "ephemeral_key",
                    inner.ephemeral_key,
                    x25519(&control, "ephemeral_key")?,
                )?;
                same("enc_type", inner.suite.as_str(), text(&control, "enc_type")?)?;
                same("blob", &inner.data, &bytes(layer, "blob")?)?;
                packet = Some(inner);
            }
            Peeled::RelayToServer { frame, target, .. } => {
                let (blob, control) = parse_frame(&frame).map_err(|e| e.to_string())?;
                let control: Value = serde_json::from_slice(control).map_err(|e| e.to_string())?;
                let expected: Value =
                    serde_json::from_str(text(layer, "control")?).map_err(|e| e.to_string())?;
                same("blob", blob, &bytes(layer, "blob")?)?;
                same("control", control, expected)?;
                same("relay accepts the target", target.url().is_some(), true)?;
                let secret = x25519_secret(&case["dest"], "x25519_seckey")?;
                let request = open_server_request(&secret, &frame).map_err(error)?;
                same("dest_plaintext", &request.plain, &bytes(case, "dest_plaintext")?)?;
                V4Request::decode(&request.plain).map_err(|e| e.to_string())?;
                return same("body", request.plain.as_slice(), body);
            }
            Peeled::Final { .. } => return Err("a relay took itself for the destination".to_owned()),
        }
    }
    let dest = &case["dest"];
    let secret = x25519_secret(dest, "x25519_seckey")?;
    let peeled = match &packet {
        None => peel(&secret, &bytes(case, "request")?).map_err(error)?,
        Some(packet) => {
            let key = LayerKey::for_receiver(&secret, &packet.ephemeral_key, packet.suite);
            let plain = key
                .and_then(|key| key.open(&packet.data))
                .map_err(|e| e.to_string())?;
            same("dest_plaintext", plain, bytes(case, "dest_plaintext")?)?;
            packet.peel(&secret).map_err(error)?
        }
    };
    match peeled {
        Peeled::Final { body: found, .. } => same("body", found.as_slice(), body),
        _ => Err("the destination took itself for a relay".to_owned()),
    }
}

/// The answer opens with the keys of the request, and with keys made from the recorded ephemeral secret.
fn reply(case: &Value, keys: &ReplyKeys, suite: Suite) -> Result<(), String> {
    let sealed = bytes(case, "reply_ciphertext")?;
    let expected = bytes(case, "reply_plaintext")?;
    let opened = keys
        .destination()
        .open_reply(&sealed)
        .map_err(|error| error.to_string())?;
    same("reply", &opened, &expected)?;
    let ephemeral = x25519_secret(case, "final_x25519_seckey")?;
    same(
        "final_x25519_pubkey",
        ephemeral.public(),
        x25519(case, "final_x25519_pubkey")?,
    )?;
    let receiver = x25519(&case["dest"], "x25519_pubkey")?;
    let opened = LayerKey::for_client(&ephemeral, &receiver, suite)
        .and_then(|key| key.open_reply(&sealed))
        .map_err(|error| error.to_string())?;
    same("reply", opened, expected)
}

fn hop_encryption(case: &Value) -> Result<(), String> {
    let suite = suite(case)?;
    let client = x25519_secret(case, "client_x25519_seckey")?;
    let server = x25519_secret(case, "server_x25519_seckey")?;
    same(
        "client key",
        client.public(),
        x25519(case, "client_x25519_pubkey")?,
    )?;
    same(
        "server key",
        server.public(),
        x25519(case, "server_x25519_pubkey")?,
    )?;
    let error = |error: holdfast_protocol::onion::OnionError| error.to_string();
    let client_key = LayerKey::for_client(&client, &server.public(), suite).map_err(error)?;
    let server_key = LayerKey::for_receiver(&server, &client.public(), suite).map_err(error)?;
    let message = bytes(case, "msg")?;
    for (direction, sender, receiver) in [
        ("client_to_server", &client_key, &server_key),
        ("server_to_client", &server_key, &client_key),
    ] {
        let sealed = bytes(&case[direction], "ciphertext")?;
        let mut rng = ReplayRng::new([bytes(&case[direction], "nonce")?]);
        same(direction, sender.seal(&message, &mut rng), sealed.clone())?;
        same(direction, receiver.open(&sealed).map_err(error)?, message.clone())?;
    }
    Ok(())
}

fn onion_response(case: &Value) -> Result<(), String> {
    let client = x25519_secret(case, "client_x25519_seckey")?;
    let receiver: X25519PublicKey = x25519(case, "dest_x25519_pubkey")?;
    let opened = LayerKey::for_client(&client, &receiver, suite(case)?)
        .and_then(|key| key.open_reply(&bytes(case, "ciphertext").unwrap_or_default()))
        .map_err(|error| error.to_string())?;
    same("reply", opened, bytes(case, "expect")?)
}

fn onion_parse_error(case: &Value) -> Result<(), String> {
    let secret = x25519_secret(&case["node"], "x25519_seckey")?;
    match peel(&secret, &bytes(case, "request")?) {
        Err(_) => Ok(()),
        Ok(_) => Err("a bad request was taken".to_owned()),
    }
}
