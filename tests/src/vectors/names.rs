//! Known answers of Session names: `sns_xchacha20`, `sns_legacy`, `sns_error`.

use super::fields::{bytes, failed, id, refused, same, same_bytes, text};
use holdfast_protocol::account::Id;
use holdfast_protocol::name::{self, NameError};
use serde_json::Value;

/// Runs a case; `None` when the kind is not one of these.
pub(super) fn run(kind: &str, case: &Value) -> Option<Result<(), String>> {
    Some(match kind {
        "sns_xchacha20" | "sns_legacy" => resolves(case),
        "sns_error" => decrypt(case).and_then(refused),
        _ => return None,
    })
}

fn resolves(case: &Value) -> Result<(), String> {
    let registered = text(case, "sns_name")?;
    same_bytes(
        "name_hash",
        name::name_hash(registered),
        bytes(case, "name_hash")?,
    )?;
    let key = match &case["nonce"] {
        Value::Null => name::legacy_key(registered).map_err(failed)?,
        _ => name::value_key(registered),
    };
    same_bytes("key", key, bytes(case, "key")?)?;
    same(
        "session_id",
        decrypt(case)?.map_err(failed)?,
        id(case, "session_id")?,
    )
}

/// Decrypts in today's form when there is a nonce, else in the older one.
fn decrypt(case: &Value) -> Result<Result<Id, NameError>, String> {
    let (registered, value) = (text(case, "sns_name")?, bytes(case, "ciphertext")?);
    Ok(match &case["nonce"] {
        Value::Null => name::decrypt_legacy(registered, &value),
        _ => name::decrypt(registered, &value, &bytes(case, "nonce")?),
    })
}
