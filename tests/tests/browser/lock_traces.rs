//! What a thief of the disk finds of a device that is locked.

use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use serde_json::Value;

use crate::driver::Browser;
use crate::lock::{PASSPHRASE, lock, set_lock};
use crate::network::Network;
use crate::traces::live;
use crate::user::{Place, User};

/// What a device without a lock keeps of its vault key: the key itself, as the page's own script can have it unwrapped,
/// and its wrapped form.
async fn vault_key(browser: &Browser) -> [Vec<u8>; 2] {
    const SCRIPT: &str = "
        const done = arguments[0];
        const open = indexedDB.open('holdfast-key');
        open.onsuccess = () => {
            const database = open.result;
            const store = database.transaction('vault').objectStore('vault');
            const [wrapping, wrapped] = [store.get('wrapping'), store.get('wrapped')];
            wrapped.onsuccess = async () => {
                database.close();
                const iv = wrapped.result.slice(0, 12);
                const key = await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, wrapping.result, wrapped.result.slice(12));
                done([[...new Uint8Array(key)], [...wrapped.result]]);
            };
        };";
    let found = browser
        .driver()
        .execute_async(SCRIPT, Vec::new())
        .await
        .expect("the vault's records");
    [0, 1].map(|at| {
        let bytes = found.json().get(at).and_then(Value::as_array).expect("bytes");
        bytes
            .iter()
            .map(|byte| {
                byte.as_u64()
                    .and_then(|byte| u8::try_from(byte).ok())
                    .expect("a byte")
            })
            .collect()
    })
}

/// Whether any 32 bytes of a file, taken as a key, open what was wrapped.
fn holds_key_to(wrapped: &[u8], file: &[u8]) -> bool {
    let (nonce, sealed) = wrapped.split_first_chunk::<12>().expect("a nonce");
    file.windows(32).any(|key| {
        Aes256Gcm::new_from_slice(key)
            .is_ok_and(|cipher| cipher.decrypt(&Nonce::from(*nonce), sealed).is_ok())
    })
}

#[tokio::test]
async fn a_locked_profile_folder_tells_nothing_and_holds_no_key() {
    let network = Network::start();
    // Without a lock the folder does hold the key to the key: so the search finds it where it is.
    let open = User::join(&network, "Open", Place::OwnDevice).await;
    let [_, wrapped] = vault_key(&open.browser).await;
    let remains = open.browser.quit().await;
    assert!(remains.in_databases(|file| holds_key_to(&wrapped, file)));

    let (ada, mut secrets) = live(&network, Place::OwnDevice).await;
    let [key, wrapped] = vault_key(&ada.browser).await;
    secrets.extend([key, PASSPHRASE.as_bytes().to_vec()]);
    set_lock(&ada).await;
    lock(&ada).await;
    // Browsers drop what was removed from their files when they start again, at the latest.
    let ada = ada.killed(&network).await;
    ada.browser.see("#passphrase").await;
    let remains = ada.browser.quit_to_search().await;
    assert!(remains.database_bytes() > 0, "the account is kept");
    remains.hold_none_of(&secrets);
    assert!(
        !remains.in_databases(|file| holds_key_to(&wrapped, file)),
        "the old way in is still on the disk"
    );
}
