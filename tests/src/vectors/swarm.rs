//! Known answers of swarms: `storage_message_hash`, `swarm_space`.

use super::fields::{bytes_b64, text, x25519};
use holdfast_protocol::swarm::{Address, Namespace, message_hash, swarm_space};
use serde_json::Value;

/// Runs a case; `None` when the kind is not one of these.
pub(super) fn run(kind: &str, case: &Value) -> Option<Result<(), String>> {
    Some(match kind {
        "storage_message_hash" => storage_message_hash(case),
        "swarm_space" => space(case),
        _ => return None,
    })
}

fn storage_message_hash(case: &Value) -> Result<(), String> {
    let account = Address::parse(text(case, "pubkey")?).map_err(|error| error.to_string())?;
    let namespace = case["ns"].as_i64().and_then(|number| i16::try_from(number).ok());
    let namespace = Namespace(namespace.ok_or("ns is no namespace")?);
    let hash = message_hash(&account, namespace, &bytes_b64(case, "data_b64")?);
    let expected = text(case, "hash")?.trim_end_matches('=');
    if hash.as_str() == expected {
        return Ok(());
    }
    Err(format!("got {hash}, expected {expected}"))
}

fn space(case: &Value) -> Result<(), String> {
    let place = swarm_space(x25519(case, "x25519_pubkey")?.as_bytes()).to_string();
    let expected = match &case["swarm_space"] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if place == expected {
        return Ok(());
    }
    Err(format!("got {place}, expected {expected}"))
}
