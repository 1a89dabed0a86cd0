//! The vault key: 256 random bits that seal everything stored, themselves wrapped by a WebCrypto key that no script can
//! read, in a database of its own. That is so without a lock; with one, the lock's record is all there is of the vault key
//! (`lock_records.rs`), and that database is removed: what a browser drops with a whole database does not linger in its files
//! as single records do.

use holdfast_client::ports::StoreError;
use holdfast_client::seal::VaultKey;
use js_sys::{Array, ArrayBuffer, Object, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{CryptoKey, SubtleCrypto};
use zeroize::Zeroizing;

use super::indexeddb::IndexedDb;
use super::rng::BrowserRng;

/// The record of the wrapping key, a `CryptoKey` that can't be exported.
const WRAPPING_KEY: &str = "wrapping";

/// The record of the wrapped vault key: nonce, then AES-GCM ciphertext.
const WRAPPED_KEY: &str = "wrapped";

/// Bytes of a vault key.
const KEY_SIZE: usize = 32;

/// Bytes of an AES-GCM nonce.
const NONCE_SIZE: usize = 12;

/// Draws a new vault key and keeps it for this device.
pub(crate) async fn create() -> Result<VaultKey, StoreError> {
    let key = VaultKey::generate(&BrowserRng);
    keep(&key).await?;
    Ok(key)
}

/// The key of a vault without a lock; `None` when there is none.
pub(crate) async fn load(database: &IndexedDb) -> Result<Option<VaultKey>, StoreError> {
    if let Some(key) = read(&IndexedDb::open_keys().await?).await? {
        return Ok(Some(key));
    }
    // Where it was before it had a database of its own.
    let Some(key) = read(database).await? else {
        return Ok(None);
    };
    keep(&key).await?;
    database
        .remove_vault_records(&[WRAPPING_KEY, WRAPPED_KEY])
        .await?;
    Ok(Some(key))
}

async fn read(database: &IndexedDb) -> Result<Option<VaultKey>, StoreError> {
    let (Some(wrapping), Some(wrapped)) = (
        database.vault_record(WRAPPING_KEY).await?,
        database.vault_record(WRAPPED_KEY).await?,
    ) else {
        return Ok(None);
    };
    let wrapping: CryptoKey = wrapping.dyn_into().map_err(|_| StoreError::Damaged)?;
    let wrapped = Uint8Array::new(&wrapped).to_vec();
    let (nonce, ciphertext) = wrapped.split_at_checked(NONCE_SIZE).ok_or(StoreError::Damaged)?;
    let opened = subtle()?
        .decrypt_with_object_and_js_u8_array(&algorithm(nonce), &wrapping, &Uint8Array::from(ciphertext))
        .map_err(|_| StoreError::Damaged)?;
    let opened = JsFuture::from(opened).await.map_err(|_| StoreError::Damaged)?;
    let opened = Uint8Array::new(&opened);
    if opened.length() as usize != KEY_SIZE {
        return Err(StoreError::Damaged);
    }
    let mut key = Zeroizing::new([0; KEY_SIZE]);
    opened.copy_to(key.as_mut_slice());
    // The browser's copy: overwritten as far as a script can.
    opened.fill(0, 0, KEY_SIZE as u32);
    Ok(Some(VaultKey::from_bytes(&key)))
}

/// Keeps a vault key so that this device opens it by itself: wrapped by a new WebCrypto key.
pub(crate) async fn keep(key: &VaultKey) -> Result<(), StoreError> {
    let subtle = subtle()?;
    let usages = Array::of2(&"encrypt".into(), &"decrypt".into());
    let kind = Object::new();
    let _ = Reflect::set(&kind, &"name".into(), &"AES-GCM".into());
    let _ = Reflect::set(&kind, &"length".into(), &256.into());
    let wrapping = subtle
        .generate_key_with_object(&kind, false, &usages)
        .map_err(refused)?;
    let wrapping: CryptoKey = JsFuture::from(wrapping).await.map_err(refused)?.unchecked_into();
    let nonce: [u8; NONCE_SIZE] = crate::platform::random_bytes();
    let plain = Uint8Array::from(key.as_bytes().as_slice());
    let sealed = subtle
        .encrypt_with_object_and_js_u8_array(&algorithm(&nonce), &wrapping, &plain)
        .map_err(refused)?;
    let sealed: ArrayBuffer = JsFuture::from(sealed).await.map_err(refused)?.unchecked_into();
    plain.fill(0, 0, KEY_SIZE as u32);
    let mut wrapped = nonce.to_vec();
    wrapped.extend_from_slice(&Uint8Array::new(&sealed).to_vec());
    IndexedDb::open_keys()
        .await?
        .put_vault_records(&[
            (WRAPPING_KEY, wrapping.into()),
            (WRAPPED_KEY, Uint8Array::from(wrapped.as_slice()).into()),
        ])
        .await
}

fn subtle() -> Result<SubtleCrypto, StoreError> {
    let crypto = Reflect::get(&js_sys::global(), &"crypto".into()).map_err(refused)?;
    let subtle = Reflect::get(&crypto, &"subtle".into()).map_err(refused)?;
    if subtle.is_undefined() {
        return Err(StoreError::Other("no WebCrypto".into()));
    }
    Ok(subtle.unchecked_into())
}

fn algorithm(nonce: &[u8]) -> Object {
    let algorithm = Object::new();
    let _ = Reflect::set(&algorithm, &"name".into(), &"AES-GCM".into());
    let _ = Reflect::set(&algorithm, &"iv".into(), &Uint8Array::from(nonce));
    algorithm
}

fn refused(error: JsValue) -> StoreError {
    StoreError::Other(crate::platform::error_text(&error))
}
