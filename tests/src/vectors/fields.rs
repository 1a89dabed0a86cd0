//! Reading the fields of a case.

use data_encoding::HEXLOWER_PERMISSIVE;
use holdfast_protocol::account::{Account, Id, Seed};
use holdfast_protocol::keys::{
    Ed25519KeyPair, Ed25519PublicKey, Signature, X25519PublicKey, X25519SecretKey,
};
use serde_json::Value;

/// A text field.
pub(super) fn text<'a>(case: &'a Value, name: &str) -> Result<&'a str, String> {
    case[name].as_str().ok_or_else(|| format!("'{name}' is no text"))
}

/// A list field.
pub(super) fn case_list<'a>(case: &'a Value, name: &str) -> Result<&'a [Value], String> {
    let list = case[name]
        .as_array()
        .ok_or_else(|| format!("'{name}' is no list"))?;
    Ok(list)
}

/// A field of hex bytes.
pub(super) fn bytes(case: &Value, name: &str) -> Result<Vec<u8>, String> {
    from_hex(name, text(case, name)?)
}

/// A field that lists hex bytes.
pub(super) fn hex_list(case: &Value, name: &str) -> Result<Vec<Vec<u8>>, String> {
    let element = |value: &Value| from_hex(name, value.as_str().unwrap_or("not a text"));
    case_list(case, name)?.iter().map(element).collect()
}

fn from_hex(name: &str, text: &str) -> Result<Vec<u8>, String> {
    HEXLOWER_PERMISSIVE
        .decode(text.as_bytes())
        .map_err(|error| format!("'{name}': {error}"))
}

/// A field of base64, with or without padding.
pub(super) fn bytes_b64(case: &Value, name: &str) -> Result<Vec<u8>, String> {
    data_encoding::BASE64_NOPAD
        .decode(text(case, name)?.trim_end_matches('=').as_bytes())
        .map_err(|error| format!("'{name}': {error}"))
}

/// A hex field of a known size.
pub(super) fn array<const N: usize>(case: &Value, name: &str) -> Result<[u8; N], String> {
    bytes(case, name)?
        .try_into()
        .map_err(|_| format!("'{name}' has not {N} bytes"))
}

/// An Ed25519 public key.
pub(super) fn ed25519(case: &Value, name: &str) -> Result<Ed25519PublicKey, String> {
    Ok(Ed25519PublicKey::from(array(case, name)?))
}

/// An X25519 public key.
pub(super) fn x25519(case: &Value, name: &str) -> Result<X25519PublicKey, String> {
    Ok(X25519PublicKey::from(array(case, name)?))
}

/// An X25519 secret.
pub(super) fn x25519_secret(case: &Value, name: &str) -> Result<X25519SecretKey, String> {
    Ok(X25519SecretKey::from_bytes(&array(case, name)?))
}

/// An Ed25519 signature.
pub(super) fn signature(case: &Value, name: &str) -> Result<Signature, String> {
    Ok(Signature::from(array(case, name)?))
}

/// The key pair of a 32-byte seed.
pub(super) fn key_pair(case: &Value, name: &str) -> Result<Ed25519KeyPair, String> {
    Ok(Ed25519KeyPair::from_seed(&array(case, name)?))
}

/// The account of a 32-byte seed that ends in zeros.
pub(super) fn account(case: &Value, name: &str) -> Result<Account, String> {
    let seed = Seed::from_input(text(case, name)?).map_err(|error| format!("'{name}': {error}"))?;
    Ok(Account::from_seed(seed))
}

/// An id of any kind.
pub(super) fn id(case: &Value, name: &str) -> Result<Id, String> {
    Id::parse(text(case, name)?).map_err(|error| format!("'{name}': {error}"))
}

/// A whole number.
pub(super) fn number(case: &Value, name: &str) -> Result<u64, String> {
    case[name]
        .as_u64()
        .ok_or_else(|| format!("'{name}' is no number"))
}

/// Compares an answer with the known one.
pub(super) fn same<T: PartialEq + core::fmt::Debug>(what: &str, got: T, expected: T) -> Result<(), String> {
    if got == expected {
        return Ok(());
    }
    Err(format!("{what}: got {got:?}, expected {expected:?}"))
}

/// Compares bytes, shown in hex when they differ.
pub(super) fn same_bytes(
    what: &str,
    got: impl AsRef<[u8]>,
    expected: impl AsRef<[u8]>,
) -> Result<(), String> {
    let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
    same(what, hex(got.as_ref()), hex(expected.as_ref()))
}

/// Passes when the answer is a refusal.
pub(super) fn refused<T, E>(answer: Result<T, E>) -> Result<(), String> {
    match answer {
        Ok(_) => Err("was accepted".to_owned()),
        Err(_) => Ok(()),
    }
}

/// An error as the reason of a failed case.
pub(super) fn failed(error: impl core::fmt::Display) -> String {
    error.to_string()
}
