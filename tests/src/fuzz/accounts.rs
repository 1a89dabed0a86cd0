//! Keys, ids, phrases and names.

use super::{CRYPTOGRAPHIC, PARSING, Row};
use holdfast_protocol::account::{Account, Id, Seed, phrase};
use holdfast_protocol::keys::{Ed25519KeyPair, Ed25519PublicKey, Signature, X25519PublicKey};
use holdfast_protocol::message::name::{clean_display_name, received_name};

pub(super) const TARGETS: &[Row] = &[
    ("id", id, id_seeds, PARSING),
    ("phrase", recovery_phrase, phrase_seeds, CRYPTOGRAPHIC),
    ("display_name", display_name, name_seeds, PARSING),
    ("keys", keys, key_seeds, CRYPTOGRAPHIC),
];

fn account() -> Account {
    Account::from_seed(Seed::from_bytes(&[1; 16]))
}

fn id(input: &[u8]) {
    if let Ok(id) = Id::from_slice(input) {
        assert_eq!(Id::parse(&id.to_hex()), Ok(id));
    }
    if let Ok(text) = core::str::from_utf8(input) {
        if let Ok(id) = Id::parse(text) {
            assert_eq!(id.to_hex(), text.to_lowercase());
        }
        let _ = Id::parse_account(text);
    }
}

fn id_seeds() -> Vec<Vec<u8>> {
    let id = account().id();
    vec![id.to_hex().into_bytes(), id.as_bytes().to_vec()]
}

fn recovery_phrase(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Ok(seed) = Seed::from_phrase(&text) {
        assert!(Seed::from_phrase(seed.phrase().as_str()).is_ok_and(|again| again == seed));
    }
    let _ = Seed::from_input(&text);
    let _ = phrase::corrections(&text);
    for word in text.split_whitespace().take(4) {
        let _ = (
            phrase::complete(word),
            phrase::suggest(word),
            phrase::index_of(word),
        );
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let _ = phrase::checksum_word(&words);
}

fn phrase_seeds() -> Vec<Vec<u8>> {
    let account = account();
    vec![
        account.seed().phrase().as_str().as_bytes().to_vec(),
        account.seed().to_hex().as_bytes().to_vec(),
        account.id().to_hex().into_bytes(),
    ]
}

fn display_name(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Ok(name) = clean_display_name(&text) {
        assert_eq!(clean_display_name(&name), Ok(name));
    }
    let _ = received_name(&text);
}

fn name_seeds() -> Vec<Vec<u8>> {
    vec![
        "\u{200b} Zoë \u{feff}".into(),
        "a".repeat(100).into_bytes(),
        "😀".repeat(25).into_bytes(),
    ]
}

/// `key (32) ‖ signature (64) ‖ message`, and the same bytes as hex.
fn keys(input: &[u8]) {
    if let Some((key, rest)) = input.split_first_chunk::<32>() {
        let ed25519 = Ed25519PublicKey::from_bytes(key);
        if let Ok(x25519) = ed25519.to_x25519() {
            assert_eq!(x25519.to_ed25519_positive(), Ok(ed25519.to_positive()));
        }
        let _ = X25519PublicKey::from_bytes(key).to_ed25519_positive();
        let _ = account()
            .x25519()
            .diffie_hellman(&X25519PublicKey::from_bytes(key));
        if let Some((signature, message)) = rest.split_first_chunk::<64>() {
            let _ = ed25519.verify(message, &Signature::from_bytes(signature));
        }
    }
    if let Ok(text) = core::str::from_utf8(input) {
        let _ = (Ed25519PublicKey::from_hex(text), Signature::from_hex(text));
        let _ = serde_json::from_str::<Ed25519PublicKey>(text);
    }
}

fn key_seeds() -> Vec<Vec<u8>> {
    let pair = Ed25519KeyPair::from_seed(&[3; 32]);
    let signature = pair.sign(b"hello");
    vec![
        [
            pair.public().as_bytes().as_slice(),
            signature.as_bytes(),
            b"hello",
        ]
        .concat(),
        pair.public().to_hex().into_bytes(),
        format!("\"{}\"", pair.public()).into_bytes(),
    ]
}
