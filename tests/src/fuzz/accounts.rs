//! Keys, ids, phrases, names, and what is encrypted to a blinded id or a device.

use super::{CRYPTOGRAPHIC, PARSING, Row};
use crate::replay::ReplayRng;
use holdfast_protocol::account::{Account, Code, Id, MAX_CODE, Seed, phrase};
use holdfast_protocol::blinded::{BlindedKeyPair, direct};
use holdfast_protocol::keys::{Ed25519KeyPair, Ed25519PublicKey, Signature, X25519PublicKey};
use holdfast_protocol::message::name::{clean_display_name, received_name};
use holdfast_protocol::name;
use holdfast_protocol::push::PushKey;

pub(super) const TARGETS: &[Row] = &[
    ("id", id, id_seeds, PARSING),
    ("phrase", recovery_phrase, phrase_seeds, CRYPTOGRAPHIC),
    ("code", code, code_seeds, CRYPTOGRAPHIC),
    ("display_name", display_name, name_seeds, PARSING),
    ("keys", keys, key_seeds, CRYPTOGRAPHIC),
    ("session_name", session_name, session_name_seeds, PARSING),
    (
        "blinded_message",
        blinded_message,
        blinded_message_seeds,
        CRYPTOGRAPHIC,
    ),
    ("push", push, || vec![vec![0; 64]], PARSING),
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

/// What a QR code holds, as it is and as the data of Holdfast's own links.
fn code(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    match Code::read(&text) {
        Code::Recovery(seed) => {
            assert_eq!(Code::read(&seed.to_hex()), Code::Recovery(seed.clone()));
        }
        Code::Account(id) | Code::ContactLink(id) => {
            assert_eq!(Code::read(&id.to_hex()), Code::Account(id));
        }
        Code::Transfer(data) => {
            let link = format!("https://example.org/#/t/{data}");
            assert!(link.len() > MAX_CODE || Code::read(&link) == Code::Transfer(data));
        }
        Code::OtherId(_) | Code::BrokenRecovery(_) | Code::Community | Code::Other => {}
    }
    let _ = Code::read(&format!("https://example.org/#/c/{text}"));
    let _ = Code::read(&format!("https://example.org/#/t/{text}"));
}

fn code_seeds() -> Vec<Vec<u8>> {
    let account = account();
    let id = account.id();
    let mut seeds = phrase_seeds();
    seeds.push(format!("https://example.org/#/c/{id}?n=Ada").into_bytes());
    seeds.push(b"https://example.org/#/t/AYxEsCrfT4e_".to_vec());
    seeds.push(format!("https://example.org/reef?public_key={}", "ab".repeat(32)).into_bytes());
    seeds
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

/// A typed name; then `nonce (24) ‖ value` as a node answers a lookup. The older form hashes with 256 MiB before it reads
/// anything, so that its little parsing is left to its own tests.
fn session_name(input: &[u8]) {
    if let Ok(text) = core::str::from_utf8(input)
        && let Ok(parsed) = name::parse(text)
    {
        assert_eq!(name::parse(&parsed), Ok(parsed));
    }
    if let Some((nonce, value)) = input.split_first_chunk::<24>() {
        let _ = name::decrypt("name", value, nonce);
    }
}

fn session_name_seeds() -> Vec<Vec<u8>> {
    let nonce = [5; 24];
    let value = name::encrypt("name", &account().id(), &nonce).unwrap_or_default();
    vec![b" Some_Name-1 ".to_vec(), [nonce.as_slice(), &value].concat()]
}

fn server() -> X25519PublicKey {
    Ed25519KeyPair::from_seed(&[6; 32]).x25519().public()
}

/// A direct message of a community from one blinded id to another.
fn blinded_message(input: &[u8]) {
    let own = Ed25519KeyPair::from_seed(&[7; 32]);
    let recipient = BlindedKeyPair::blinded15(&own, &server()).id();
    let sender = BlindedKeyPair::blinded15(account().ed25519(), &server()).id();
    let _ = direct::decrypt(&own, &sender, &recipient, &server(), input);
}

fn blinded_message_seeds() -> Vec<Vec<u8>> {
    let own = Ed25519KeyPair::from_seed(&[7; 32]);
    let recipient = BlindedKeyPair::blinded15(&own, &server()).id();
    let mut rng = ReplayRng::new([vec![8; 24]]);
    let message = direct::encrypt(account().ed25519(), &recipient, &server(), b"hello", &mut rng);
    vec![message.unwrap_or_default()]
}

fn push(input: &[u8]) {
    let _ = PushKey::from_bytes(&[9; 32]).decrypt(input);
}
