//! Messages: sealed boxes, version 1, and the layers around the content.

use super::{CRYPTOGRAPHIC, PARSING, Row};
use holdfast_protocol::account::{Account, Seed};
use holdfast_protocol::message::kind::Kind;
use holdfast_protocol::message::schema::{
    Content, DataMessage, Envelope, WebSocketMessage, WebSocketRequestMessage,
};
use holdfast_protocol::message::{incoming, pad, profile, unpad, v1};
use holdfast_protocol::sealed_box;
use prost::Message;

pub(super) const TARGETS: &[Row] = &[
    ("sealed_box", sealed, sealed_seeds, CRYPTOGRAPHIC),
    ("padding", padding, || vec![pad(b"hello")], PARSING),
    ("stored_message", stored, stored_seeds, CRYPTOGRAPHIC),
    ("envelope", envelope, envelope_seeds, CRYPTOGRAPHIC),
    ("content", content, content_seeds, CRYPTOGRAPHIC),
];

/// What a sender might put as the time, ms.
const SENT_AT: u64 = 1_754_971_101_000;

fn recipient() -> Account {
    Account::from_seed(Seed::from_bytes(&[1; 16]))
}

fn sender() -> Account {
    Account::from_seed(Seed::from_bytes(&[2; 16]))
}

fn encrypt(plain: &[u8]) -> Vec<u8> {
    let to = recipient().x25519().public();
    v1::encrypt_deterministic(sender().ed25519(), &to, plain).unwrap_or_default()
}

fn sealed(input: &[u8]) {
    let _ = sealed_box::open(recipient().x25519(), input);
    let _ = v1::decrypt(recipient().x25519(), input);
}

fn sealed_seeds() -> Vec<Vec<u8>> {
    vec![encrypt(b""), encrypt(&pad(b"hello"))]
}

fn padding(input: &[u8]) {
    let _ = unpad(input);
    assert_eq!(unpad(&pad(input)), input);
}

/// The bytes as a node stores them.
fn stored(input: &[u8]) {
    let recipient = recipient();
    let Ok(received) = incoming::decode_one_to_one(&recipient, input) else {
        return;
    };
    let _ = received.is_own(&recipient);
    let _ = Kind::of(&received.content, received.sent_at);
    if let Some(data) = &received.content.data_message {
        let _ = profile::change_in_message(data, received.sent_at);
    }
    if let Some(response) = &received.content.message_request_response {
        let _ = profile::change_in_response(response, received.sent_at);
    }
}

/// A frame around an envelope's bytes.
fn framed(envelope: Vec<u8>) -> Vec<u8> {
    let request = WebSocketRequestMessage {
        body: Some(envelope),
        ..WebSocketRequestMessage::default()
    };
    let frame = WebSocketMessage {
        r#type: Some(1),
        request: Some(request),
    };
    frame.encode_to_vec()
}

/// An envelope around a content's bytes.
fn enveloped(content: &[u8]) -> Vec<u8> {
    let envelope = Envelope {
        r#type: 6,
        timestamp: SENT_AT,
        content: Some(encrypt(&pad(content))),
        ..Envelope::default()
    };
    envelope.encode_to_vec()
}

fn stored_seeds() -> Vec<Vec<u8>> {
    content_seeds()
        .iter()
        .map(|content| framed(enveloped(content)))
        .collect()
}

fn envelope(input: &[u8]) {
    stored(&framed(input.to_vec()));
}

fn envelope_seeds() -> Vec<Vec<u8>> {
    content_seeds().iter().map(|content| enveloped(content)).collect()
}

/// The content under all layers, which no mutation from outside would reach.
fn content(input: &[u8]) {
    stored(&framed(enveloped(input)));
}

fn content_seeds() -> Vec<Vec<u8>> {
    let data = DataMessage {
        body: Some("hello".to_owned()),
        timestamp: Some(SENT_AT),
        ..DataMessage::default()
    };
    let content = Content {
        data_message: Some(data),
        sig_timestamp: Some(SENT_AT),
        ..Content::default()
    };
    vec![content.encode_to_vec(), Vec::new()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_pass_every_layer() {
        for seed in stored_seeds() {
            assert!(incoming::decode_one_to_one(&recipient(), &seed).is_ok());
        }
    }
}
