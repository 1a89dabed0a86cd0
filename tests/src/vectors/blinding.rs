//! Known answers of blinded identities: `blind_keys`, `blind15_sign`, `blind25_sign`, `blind_encrypt`,
//! `blind_decrypt_error`, `blind_version_sign`, `blind_version_sign_request`.

use super::fields::{
    bytes, case_list, ed25519, failed, id, key_pair, number, refused, same, same_bytes, signature, text,
    x25519,
};
use crate::replay::ReplayRng;
use holdfast_protocol::account::{Id, IdKind};
use holdfast_protocol::blinded::{
    BlindedKeyPair, VersionRequest, direct, id15_of_key, id25_of_account, id25_of_key, ids15_of_account,
    is_blinded_id_of, version_key_pair,
};
use holdfast_protocol::keys::X25519PublicKey;
use serde_json::Value;

/// Runs a case; `None` when the kind is not one of these.
pub(super) fn run(kind: &str, case: &Value) -> Option<Result<(), String>> {
    Some(match kind {
        "blind_keys" => blind_keys(case),
        "blind15_sign" => blind_sign(case, IdKind::Blinded15),
        "blind25_sign" => blind_sign(case, IdKind::Blinded25),
        "blind_encrypt" => blind_encrypt(case),
        "blind_decrypt_error" => blind_decrypt_error(case),
        "blind_version_sign" => blind_version_sign(case),
        "blind_version_sign_request" => blind_version_sign_request(case),
        _ => return None,
    })
}

fn blind_keys(case: &Value) -> Result<(), String> {
    let (own, server) = (key_pair(case, "seed")?, x25519(case, "server_pk")?);
    let account = id(case, "session_id")?;
    same("session_id", Id::account(own.x25519().public()), account)?;
    same("ed25519_pubkey", own.public(), ed25519(case, "ed25519_pubkey")?)?;
    let pairs = [
        ("blind15", BlindedKeyPair::blinded15(&own, &server)),
        ("blind25", BlindedKeyPair::blinded25(&own, &server)),
    ];
    for (name, pair) in &pairs {
        let field = |part: &str| bytes(case, &format!("{name}_{part}"));
        same_bytes("factor", pair.factor().as_bytes(), field("factor")?)?;
        same_bytes("pubkey", pair.public(), field("pubkey")?)?;
        same_bytes("seckey", pair.secret().as_bytes(), field("seckey")?)?;
        same("match", is_blinded_id_of(&pair.id(), &account, &server), true)?;
    }
    let (from_key15, from_key25) = (
        id15_of_key(&own.public(), &server),
        id25_of_key(&own.public(), &server),
    );
    same(
        "blinded15_id_from_ed",
        from_key15.map_err(failed)?,
        id(case, "blinded15_id_from_ed")?,
    )?;
    same(
        "blinded25_id_from_ed",
        from_key25.map_err(failed)?,
        id(case, "blinded25_id_from_ed")?,
    )?;
    let mut candidates = ids15_of_account(&account, &server)
        .map_err(failed)?
        .map(|id| id.to_hex());
    let mut expected: Vec<&str> = case_list(case, "blind15_ids_from_session_id")?
        .iter()
        .filter_map(Value::as_str)
        .collect();
    candidates.sort();
    expected.sort_unstable();
    same(
        "blind15_ids_from_session_id",
        candidates.each_ref().map(String::as_str).as_slice(),
        &expected,
    )?;
    let from_account = id25_of_account(&account, &server).map_err(failed)?;
    same(
        "blind25_id_from_session_id",
        from_account,
        id(case, "blind25_id_from_session_id")?,
    )
}

fn blind_sign(case: &Value, kind: IdKind) -> Result<(), String> {
    let (own, server) = (key_pair(case, "seed")?, x25519(case, "server_pk")?);
    let pair = BlindedKeyPair::of_kind(kind, &own, &server).ok_or("not a blinded kind")?;
    let (message, expected) = (bytes(case, "msg")?, signature(case, "sig")?);
    same("pubkey", pair.public(), ed25519(case, "pubkey")?)?;
    same("sig", pair.sign(&message), expected)?;
    pair.public().verify(&message, &expected).map_err(failed)
}

fn blind_encrypt(case: &Value) -> Result<(), String> {
    let (sender, recipient) = (key_pair(case, "sender_seed")?, key_pair(case, "recipient_seed")?);
    let server = x25519(case, "server_pk")?;
    let (from, to) = (id(case, "sender_id")?, id(case, "recipient_id")?);
    let (message, expected) = (bytes(case, "msg")?, bytes(case, "ciphertext")?);
    let mut rng = ReplayRng::new([bytes(case, "nonce")?]);
    let encrypted = direct::encrypt(&sender, &to, &server, &message, &mut rng).map_err(failed)?;
    same_bytes("ciphertext", encrypted, &expected)?;
    same("all random bytes used", rng.is_spent(), true)?;
    for reader in [&sender, &recipient] {
        let opened = direct::decrypt(reader, &from, &to, &server, &expected).map_err(failed)?;
        same_bytes("msg", opened.content, &message)?;
        same("expect_sender", opened.sender_id, id(case, "expect_sender")?)?;
    }
    Ok(())
}

fn blind_decrypt_error(case: &Value) -> Result<(), String> {
    let recipient = key_pair(case, "recipient_seed")?;
    let (from, to) = (
        Id::from_slice(&bytes(case, "sender_id")?),
        Id::from_slice(&bytes(case, "recipient_id")?),
    );
    let server = X25519PublicKey::from_slice(&bytes(case, "server_pk")?);
    let (Ok(from), Ok(to), Ok(server)) = (from, to, server) else {
        // Refused already: these bytes are no ids, or no key.
        return Ok(());
    };
    refused(direct::decrypt(
        &recipient,
        &from,
        &to,
        &server,
        &bytes(case, "ciphertext")?,
    ))
}

fn blind_version_sign(case: &Value) -> Result<(), String> {
    let path = format!("/session_version?platform={}", text(case, "platform")?);
    version_sign(case, "GET", &path, &[])
}

fn blind_version_sign_request(case: &Value) -> Result<(), String> {
    let body = match &case["body"] {
        Value::Null => Vec::new(),
        _ => bytes(case, "body")?,
    };
    version_sign(case, text(case, "method")?, text(case, "path")?, &body)
}

fn version_sign(case: &Value, method: &str, path: &str, body: &[u8]) -> Result<(), String> {
    let own = key_pair(case, "seed")?;
    let pair = version_key_pair(&own);
    same("pubkey", pair.public(), ed25519(case, "pubkey")?)?;
    same_bytes(
        "seckey",
        pair.to_keypair_bytes().as_slice(),
        bytes(case, "seckey")?,
    )?;
    let request = VersionRequest {
        timestamp: number(case, "timestamp")?,
        method,
        path,
        body,
    };
    let (id, got) = request.sign(&own);
    same_bytes("id", id.key(), pair.public())?;
    same("sig", got, signature(case, "sig")?)
}
