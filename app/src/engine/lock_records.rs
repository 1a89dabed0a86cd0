//! What this device keeps of a lock: its record beside what is locked, and the tries in vain.

use holdfast_client::lock::{LockError, LockRecord, Tries};
use holdfast_client::ports::StoreError;
use holdfast_client::seal::VaultKey;
use js_sys::Uint8Array;

use super::indexeddb::IndexedDb;
use super::lock::{LockView, Passkey};
use super::vault;

/// The record of the lock.
const LOCK: &str = "lock";

/// The record of the tries in vain.
const TRIES: &str = "tries";

/// What a device has of a vault.
pub(crate) enum Vault {
    /// Its key.
    Open(VaultKey),
    /// Its key behind a lock.
    Locked(LockView),
    /// No vault.
    Missing,
}

/// Opens this device's vault, with the key if another tab gave it.
pub(crate) async fn open(database: &IndexedDb, known: Option<VaultKey>) -> Result<Vault, StoreError> {
    let Some(lock) = read(database).await? else {
        let found = vault::load(database).await?;
        return Ok(found.map_or(Vault::Missing, Vault::Open));
    };
    if IndexedDb::keys_exist().await {
        // The device went out while the lock was set.
        IndexedDb::delete_keys().await?;
    }
    Ok(match known {
        Some(key) => Vault::Open(key),
        None => Vault::Locked(view(database, Some(&lock)).await?),
    })
}

/// The lock, if one is set.
pub(crate) async fn read(database: &IndexedDb) -> Result<Option<LockRecord>, StoreError> {
    let Some(record) = database.vault_record(LOCK).await? else {
        return Ok(None);
    };
    let record = Uint8Array::new(&record).to_vec();
    match LockRecord::decode(&record) {
        Ok(lock) => Ok(Some(lock)),
        Err(LockError::Newer(version)) => Err(StoreError::Other(format!(
            "a newer version of this app wrote the lock (format {version}); reload the page"
        ))),
        Err(_) => Err(StoreError::Damaged),
    }
}

/// Keeps a lock, new or changed.
pub(crate) async fn put(database: &IndexedDb, lock: &LockRecord) -> Result<(), StoreError> {
    let record = Uint8Array::from(lock.encode().as_slice());
    database.put_vault_records(&[(LOCK, record.into())]).await
}

/// Removes the lock and what belongs to it.
pub(crate) async fn remove(database: &IndexedDb) -> Result<(), StoreError> {
    database.remove_vault_records(&[LOCK, TRIES]).await
}

/// The tries in vain so far, by the clock as it is now.
pub(crate) async fn tries(database: &IndexedDb) -> Result<Tries, StoreError> {
    let kept = database.vault_record(TRIES).await?;
    let tries = kept.and_then(|record| Tries::decode(&Uint8Array::new(&record).to_vec()));
    let tries = tries.unwrap_or_default();
    let settled = tries.settled(now_ms());
    if settled != tries {
        put_tries(database, settled).await?;
    }
    Ok(settled)
}

/// Keeps the tries in vain.
pub(crate) async fn put_tries(database: &IndexedDb, tries: Tries) -> Result<(), StoreError> {
    let record = Uint8Array::from(tries.encode().as_slice());
    database.put_vault_records(&[(TRIES, record.into())]).await
}

/// What a page is told of the lock.
pub(crate) async fn view(database: &IndexedDb, lock: Option<&LockRecord>) -> Result<LockView, StoreError> {
    let Some(lock) = lock else {
        return Ok(LockView::default());
    };
    let tries = tries(database).await?;
    Ok(LockView {
        set: true,
        wrong: tries.wrong(),
        wait_ms: tries.wait_ms(now_ms()),
        passkeys: lock
            .passkeys()
            .map(|(id, salt)| Passkey {
                id: id.to_vec(),
                salt: *salt,
            })
            .collect(),
    })
}

/// The wall clock.
pub(crate) fn now_ms() -> u64 {
    js_sys::Date::now() as u64
}
