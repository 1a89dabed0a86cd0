//! Known answers of signatures with X25519 keys: `xed25519`, `xed25519_verify`.

use super::fields::{bytes, ed25519, failed, same, signature, x25519, x25519_secret};
use crate::replay::ReplayRng;
use holdfast_protocol::keys::{Signature, X25519PublicKey};
use holdfast_protocol::xed25519;
use serde_json::Value;

/// Runs a case; `None` when the kind is not one of these.
pub(super) fn run(kind: &str, case: &Value) -> Option<Result<(), String>> {
    Some(match kind {
        "xed25519" => sign(case),
        "xed25519_verify" => verify(case),
        _ => return None,
    })
}

fn sign(case: &Value) -> Result<(), String> {
    let (secret, public) = (
        x25519_secret(case, "x25519_seckey")?,
        x25519(case, "x25519_pubkey")?,
    );
    same("x25519_pubkey", secret.public(), public)?;
    let positive = public.to_ed25519_positive().map_err(failed)?;
    same(
        "ed25519_pubkey_even",
        positive,
        ed25519(case, "ed25519_pubkey_even")?,
    )?;
    if !case["real_ed25519_pubkey"].is_null() {
        let real = ed25519(case, "real_ed25519_pubkey")?;
        same(
            "converted real_ed25519_pubkey",
            real.to_x25519().map_err(failed)?,
            public,
        )?;
    }
    let (message, expected) = (bytes(case, "msg")?, signature(case, "sig")?);
    let mut rng = ReplayRng::new([bytes(case, "random")?]);
    same("sig", xed25519::sign(&secret, &message, &mut rng), expected)?;
    same("all random bytes used", rng.is_spent(), true)?;
    xed25519::verify(&public, &message, &expected).map_err(failed)
}

fn verify(case: &Value) -> Result<(), String> {
    let expected = case["ok"].as_bool().ok_or("'ok' is no truth value")?;
    let (public, message, sig) = (
        bytes(case, "x25519_pubkey")?,
        bytes(case, "msg")?,
        bytes(case, "sig")?,
    );
    // A key or signature of another size is refused like one that does not verify.
    let verdict = X25519PublicKey::from_slice(&public)
        .and_then(|public| xed25519::verify(&public, &message, &Signature::from_slice(&sig)?));
    same("ok", verdict.is_ok(), expected)
}
