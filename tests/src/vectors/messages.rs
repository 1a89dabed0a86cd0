//! Known answers of messages: `sign_for_recipient`, `encrypt_deterministic`, `encrypt_sealed`, `decrypt`,
//! `decrypt_error`, `pad160`, `wire_1to1_receive`, `push_notification`.

use super::fields::{
    account, array, bytes, bytes_b64, failed, id, key_pair, number, refused, same, same_bytes, text,
    x25519_secret,
};
use holdfast_protocol::account::Id;
use holdfast_protocol::keys::{Ed25519KeyPair, X25519PublicKey};
use holdfast_protocol::message::{SenderCache, incoming, pad, unpad, v1};
use holdfast_protocol::push::PushKey;
use serde_json::Value;

/// Runs a case; `None` when the kind is not one of these.
pub(super) fn run(kind: &str, case: &Value) -> Option<Result<(), String>> {
    Some(match kind {
        "sign_for_recipient" => sign_for_recipient(case),
        "encrypt_deterministic" => encrypt_deterministic(case),
        "encrypt_sealed" => encrypt_sealed(case),
        "decrypt" => decrypt(case),
        "decrypt_error" => decrypt_error(case),
        "pad160" => pad160(case),
        "wire_1to1_receive" => wire(case),
        "push_notification" => push_notification(case),
        _ => return None,
    })
}

/// Sender, recipient's key and message, after checking that the ids given are those of the seeds.
fn parties(case: &Value) -> Result<(Ed25519KeyPair, X25519PublicKey, Vec<u8>), String> {
    let sender = key_pair(case, "sender_seed")?;
    let recipient = id(case, "recipient_session_id")?;
    let given = key_pair(case, "recipient_seed")?.x25519().public();
    same("recipient_session_id", recipient, Id::account(given))?;
    same(
        "sender_session_id",
        id(case, "sender_session_id")?,
        Id::account(sender.x25519().public()),
    )?;
    Ok((sender, given, bytes(case, "msg")?))
}

fn sign_for_recipient(case: &Value) -> Result<(), String> {
    let (sender, recipient, message) = parties(case)?;
    let signed = v1::sign_for_recipient(&sender, &recipient, &message);
    same_bytes("data", signed, bytes(case, "data")?)
}

fn encrypt_deterministic(case: &Value) -> Result<(), String> {
    let (sender, recipient, message) = parties(case)?;
    let ciphertext = v1::encrypt_deterministic(&sender, &recipient, &message).map_err(failed)?;
    same_bytes("ciphertext", ciphertext, bytes(case, "ciphertext")?)?;
    opens(case, &message, &sender)
}

fn encrypt_sealed(case: &Value) -> Result<(), String> {
    let (sender, recipient, message) = parties(case)?;
    let ephemeral = x25519_secret(case, "ephemeral_x25519_seckey")?;
    let ciphertext = v1::encrypt_with(&ephemeral, &sender, &recipient, &message).map_err(failed)?;
    same_bytes("ciphertext", ciphertext, bytes(case, "ciphertext")?)?;
    opens(case, &message, &sender)
}

/// The receiving direction of an encryption.
fn opens(case: &Value, message: &[u8], sender: &Ed25519KeyPair) -> Result<(), String> {
    let recipient = key_pair(case, "recipient_seed")?.x25519();
    let opened = v1::decrypt(&recipient, &bytes(case, "ciphertext")?).map_err(failed)?;
    same_bytes("decrypted", opened.content, message)?;
    same("sender", opened.sender, sender.public())
}

fn decrypt(case: &Value) -> Result<(), String> {
    let recipient = key_pair(case, "recipient_seed")?.x25519();
    let ciphertext = bytes(case, "ciphertext")?;
    let opened = v1::decrypt(&recipient, &ciphertext).map_err(failed)?;
    let mut senders = SenderCache::default();
    for _ in ["new sender", "known sender"] {
        let again = v1::decrypt_cached(&recipient, &mut senders, &ciphertext).map_err(failed)?;
        same("decrypted again", &again, &opened)?;
    }
    same_bytes("expect_msg", opened.content, bytes(case, "expect_msg")?)?;
    same(
        "expect_sender",
        Id::account(opened.sender_x25519),
        id(case, "expect_sender")?,
    )?;
    same_bytes(
        "expect_sender_ed25519",
        opened.sender,
        bytes(case, "expect_sender_ed25519")?,
    )
}

fn decrypt_error(case: &Value) -> Result<(), String> {
    let recipient = key_pair(case, "recipient_seed")?.x25519();
    refused(v1::decrypt(&recipient, &bytes(case, "ciphertext")?))
}

fn pad160(case: &Value) -> Result<(), String> {
    let (message, padded) = (bytes(case, "msg")?, bytes(case, "padded")?);
    same_bytes("padded", pad(&message), &padded)?;
    same_bytes("unpadded", unpad(&padded), message)
}

fn wire(case: &Value) -> Result<(), String> {
    let recipient = account(case, "recipient_seed")?;
    let received = incoming::decode_one_to_one(&recipient, &bytes_b64(case, "data_b64")?).map_err(failed)?;
    same(
        "sender_session_id",
        received.sender,
        id(case, "sender_session_id")?,
    )?;
    same("timestamp_ms", received.sent_at, number(case, "timestamp_ms")?)?;
    let data = received.content.data_message.ok_or("no data message")?;
    same("body", data.body(), text(case, "body")?)
}

fn push_notification(case: &Value) -> Result<(), String> {
    let key = PushKey::from_bytes(&array(case, "key")?);
    let message = key.decrypt(&bytes(case, "payload")?).map_err(failed)?;
    same_bytes("expect_msg", message, bytes(case, "expect_msg")?)
}
