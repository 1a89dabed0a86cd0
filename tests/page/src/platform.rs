//! What the app's adapters use of its module of that name.

#[path = "../../../app/src/platform/errors.rs"]
mod errors;

pub(crate) use errors::error_text;

/// Fills a buffer from the browser's secure source.
pub(crate) fn fill_random(bytes: &mut [u8]) {
    assert!(
        getrandom::fill(bytes).is_ok(),
        "the browser gives no random bytes"
    );
}

/// Bytes from the browser's secure source.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill_random(&mut bytes);
    bytes
}
