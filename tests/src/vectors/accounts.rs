//! Known answers of keys and hashes: `keypair`, `ed25519_sign`, `blake2b`, `argon2id13`.

use super::fields::{array, bytes, failed, key_pair, number, same, same_bytes, signature, text};
use holdfast_protocol::account::Id;
use holdfast_protocol::hash::{argon2id13, blake2b_into};
use holdfast_protocol::keys::X25519SecretKey;
use serde_json::Value;

/// Runs a case; `None` when the kind is not one of these.
pub(super) fn run(kind: &str, case: &Value) -> Option<Result<(), String>> {
    Some(match kind {
        "keypair" => keypair(case),
        "ed25519_sign" => ed25519_sign(case),
        "blake2b" => blake2b(case),
        "argon2id13" => argon2(case),
        _ => return None,
    })
}

fn keypair(case: &Value) -> Result<(), String> {
    let pair = key_pair(case, "seed")?;
    let x25519 = pair.x25519();
    same_bytes("ed25519_pubkey", pair.public(), bytes(case, "ed25519_pubkey")?)?;
    let secret = pair.to_keypair_bytes();
    same_bytes(
        "ed25519_seckey",
        secret.as_slice(),
        bytes(case, "ed25519_seckey")?,
    )?;
    same_bytes("x25519_pubkey", x25519.public(), bytes(case, "x25519_pubkey")?)?;
    same_bytes("x25519_seckey", x25519.as_bytes(), bytes(case, "x25519_seckey")?)?;
    same(
        "session_id",
        Id::account(x25519.public()).to_hex().as_str(),
        text(case, "session_id")?,
    )?;
    let converted = pair.public().to_x25519().map_err(failed)?;
    same("converted key", converted, x25519.public())?;
    let alone = X25519SecretKey::from_bytes(&array(case, "x25519_seckey")?);
    same("key of the bare secret", alone.public(), x25519.public())
}

fn ed25519_sign(case: &Value) -> Result<(), String> {
    let (pair, message) = (key_pair(case, "seed")?, bytes(case, "msg")?);
    let expected = signature(case, "sig")?;
    same("sig", pair.sign(&message), expected)?;
    pair.public().verify(&message, &expected).map_err(failed)
}

fn blake2b(case: &Value) -> Result<(), String> {
    let key = match &case["key"] {
        Value::Null => Vec::new(),
        _ => bytes(case, "key")?,
    };
    let mut digest = vec![0; size(case, "size")?];
    blake2b_into(&key, &bytes(case, "msg")?, &mut digest).map_err(failed)?;
    same_bytes("hash", digest, bytes(case, "hash")?)
}

fn argon2(case: &Value) -> Result<(), String> {
    let passes = u32::try_from(number(case, "opslimit")?).map_err(failed)?;
    let memory = size(case, "memlimit")?;
    let mut digest = vec![0; size(case, "size")?];
    let (password, salt) = (bytes(case, "password")?, bytes(case, "salt")?);
    argon2id13(&password, &salt, passes, memory, &mut digest).map_err(failed)?;
    same_bytes("hash", digest, bytes(case, "hash")?)
}

fn size(case: &Value, name: &str) -> Result<usize, String> {
    usize::try_from(number(case, name)?).map_err(failed)
}
