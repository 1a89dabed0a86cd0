//! The lock: passphrase, passkey, tries in vain, several tabs, nobody there, and what a thief of the disk finds.

use std::time::Duration;

use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use serde_json::{Value, json};

use crate::driver::Browser;
use crate::faults::PROFILE_OUT;
use crate::network::Network;
use crate::screens::pictures;
use crate::traces::live;
use crate::user::{Place, User};

/// What the device is locked with, and something else.
pub(crate) const PASSPHRASE: &str = "tide reef lantern brass";
const ANOTHER: &str = "Ключ под третьим камнем";
/// A page that watches looks at the clock at least this often.
const LOOK: Duration = Duration::from_secs(6);

/// Opens the lock's page in the settings.
async fn lock_page(user: &User) {
    user.browser.press("#open-settings").await;
    user.browser.press("#settings-lock").await;
}

/// Sets a lock from the settings.
pub(crate) async fn set_lock(user: &User) {
    lock_page(user).await;
    user.browser.fill("#new-passphrase", PASSPHRASE).await;
    user.browser.fill("#repeat-passphrase", PASSPHRASE).await;
    user.browser.press("#set-passphrase").await;
    user.browser.see("#settings-lock-now").await;
    user.browser.see("#lock-now").await;
}

/// Locks from the conversation list.
pub(crate) async fn lock(user: &User) {
    user.browser.press("#lock-now").await;
    user.browser.see("#passphrase").await;
}

/// Types into an emptied field.
pub(crate) async fn enter(browser: &Browser, css: &str, text: &str) {
    let field = browser.see(css).await;
    field.clear().await.expect("the field is emptied");
    field.send_keys(text).await.expect("the field takes text");
}

/// Tries a passphrase on the lock screen.
pub(crate) async fn try_passphrase(browser: &Browser, passphrase: &str) {
    enter(browser, "#passphrase", passphrase).await;
    browser.press("#unlock").await;
}

/// Tries a wrong one, and reads that it is wrong.
async fn try_in_vain(browser: &Browser, passphrase: &str) {
    try_passphrase(browser, passphrase).await;
    browser.read("#passphrase-error", "not the passphrase").await;
    browser
        .see("#unlock:not([aria-disabled=true]), #lock-wait:not([hidden])")
        .await;
}

async fn reload(user: &User) {
    user.browser.driver().refresh().await.expect("the page reloads");
}

#[tokio::test]
async fn a_lock_is_set_opened_changed_and_removed() {
    let network = Network::start();
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let browser = &ada.browser;
    let own_id = ada.id().await;
    ada.write_to(&own_id).await;
    ada.send("the heron lands at midnight").await;
    ada.delivered().await;
    assert!(!browser.has("#lock-now").await, "there is nothing to lock with");

    // Too short, and not the same twice.
    lock_page(&ada).await;
    pictures(browser, "lock-unset").await;
    browser.fill("#new-passphrase", "short").await;
    browser.fill("#repeat-passphrase", "shirt").await;
    browser.press("#set-passphrase").await;
    browser.read("#repeat-passphrase-error", "not the same").await;
    enter(browser, "#repeat-passphrase", "short").await;
    browser.press("#set-passphrase").await;
    browser.read("#new-passphrase-error", "at least 8").await;
    browser.press("#open-settings").await;
    set_lock(&ada).await;
    assert!(
        !browser.has("#add-passkey").await,
        "a bare address has no passkeys"
    );
    pictures(browser, "lock-set").await;

    // Locked, the page tells nothing of what is behind.
    ada.open(&own_id).await;
    ada.browser.fill("#message-text", "half a thought").await;
    lock(&ada).await;
    let page = browser
        .script("return document.title + document.documentElement.outerHTML")
        .await;
    let page = page.as_str().expect("the page's text").to_owned();
    for secret in ["Ada", &own_id, "heron", "half a thought"] {
        assert!(!page.contains(secret), "the lock screen holds {secret}");
    }
    assert_eq!(browser.script("return document.title").await, json!("Holdfast"));
    pictures(browser, "locked").await;

    // Slips cost nothing; from the third on the next one has to wait, longer and longer, and a reload does not end it.
    try_in_vain(browser, "tide reef").await;
    try_in_vain(browser, "tide reef lantern").await;
    try_in_vain(browser, "tide reef lantern brasses").await;
    browser.read("#lock-wait", "in ").await;
    browser.see("#unlock:not([aria-disabled=true])").await;
    try_in_vain(browser, "tide reef lantern bras").await;
    browser.picture("locked-wait").await;
    reload(&ada).await;
    browser.see("#lock-wait:not([hidden])").await;
    browser.see("#unlock[aria-disabled=true]").await;
    browser.see("#unlock:not([aria-disabled=true])").await;
    try_passphrase(browser, PASSPHRASE).await;
    ada.home().await;
    ada.open(&own_id).await;
    ada.reads("the heron lands at midnight").await;

    // Locking keeps what was written and not sent; the shortcut locks too.
    browser.fill("#message-text", "half a thought").await;
    browser
        .script(
            "document.dispatchEvent(new KeyboardEvent('keydown', \
             {key: 'l', code: 'KeyL', altKey: true, bubbles: true}));",
        )
        .await;
    browser.see("#passphrase").await;
    try_passphrase(browser, PASSPHRASE).await;
    ada.open(&own_id).await;
    let draft = browser
        .until("the draft", async || {
            let field = "return document.querySelector('#message-text')?.value ?? ''";
            let text = browser.script(field).await;
            text.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
        })
        .await;
    assert_eq!(draft, "half a thought");

    // Another passphrase, for which the old one is needed.
    lock_page(&ada).await;
    browser.press("#change-passphrase").await;
    browser.fill("#old-passphrase", "tide reef").await;
    browser.fill("#new-passphrase", ANOTHER).await;
    browser.fill("#repeat-passphrase", ANOTHER).await;
    browser.press("#confirm-passphrase").await;
    browser.read("#old-passphrase-error", "not the passphrase").await;
    browser.picture("lock-change").await;
    enter(browser, "#old-passphrase", PASSPHRASE).await;
    browser.press("#confirm-passphrase").await;
    browser.gone("#confirm-passphrase").await;
    reload(&ada).await;
    try_in_vain(browser, PASSPHRASE).await;
    try_passphrase(browser, ANOTHER).await;
    ada.home().await;

    // Removed, the page opens by itself.
    lock_page(&ada).await;
    browser.press("#remove-passphrase").await;
    browser.fill("#old-passphrase", ANOTHER).await;
    browser.press("#confirm-passphrase").await;
    browser.see("#set-passphrase").await;
    browser.gone("#lock-now").await;
    reload(&ada).await;
    ada.home().await;
    ada.open(&own_id).await;
    ada.reads("the heron lands at midnight").await;
}

#[tokio::test]
async fn all_tabs_are_locked_and_opened_together() {
    let network = Network::start();
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let browser = &ada.browser;
    let own_id = ada.id().await;
    set_lock(&ada).await;
    let driver = browser.driver();
    let first = driver.window().await.expect("a tab");
    let second = driver.new_tab().await.expect("a tab");
    driver.switch_to_window(second.clone()).await.expect("the tab");
    browser.open(&network.app()).await;
    // Beside an open tab a new one is open too.
    ada.home().await;

    lock(&ada).await;
    driver.switch_to_window(first.clone()).await.expect("the tab");
    browser.see("#passphrase").await;
    try_passphrase(browser, PASSPHRASE).await;
    ada.home().await;
    driver.switch_to_window(second.clone()).await.expect("the tab");
    ada.home().await;

    // The tab that was unlocked goes; the other takes over without asking again.
    driver.switch_to_window(first).await.expect("the tab");
    driver.close_window().await.expect("the tab closes");
    driver.switch_to_window(second).await.expect("the tab");
    ada.write_to(&own_id).await;
    ada.send("the other tab goes on").await;
    ada.delivered().await;
    assert!(!browser.has("#passphrase").await);
    reload(&ada).await;
    browser.see("#passphrase").await;
}

#[tokio::test]
async fn it_locks_when_nobody_was_there_for_as_long_as_was_chosen() {
    let network = Network::start();
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let browser = &ada.browser;
    set_lock(&ada).await;
    browser.press("input[name=lock-after][value='5']").await;
    // The page's clock goes ahead as it does while a machine sleeps.
    browser
        .script("globalThis.ahead = 0; const real = Date.now; Date.now = () => real() + globalThis.ahead * 60000;")
        .await;
    let ahead = move |minutes: u32| {
        let script = format!("globalThis.ahead = {minutes}");
        async move { browser.script(&script).await }
    };
    ahead(4).await;
    tokio::time::sleep(LOOK).await;
    assert!(!browser.has("#passphrase").await, "four minutes are not five");
    // Somebody is there.
    browser.press("#open-profile").await;
    ahead(8).await;
    tokio::time::sleep(LOOK).await;
    assert!(!browser.has("#passphrase").await, "four minutes since then");
    ahead(14).await;
    browser.see("#passphrase").await;
    try_passphrase(browser, PASSPHRASE).await;
    ada.home().await;
    // The choice stays.
    lock_page(&ada).await;
    browser.see("input[name=lock-after][value='5']:checked").await;
}

/// The app's address by name: passkeys belong to names.
fn by_name(network: &Network) -> String {
    network.app().replace("127.0.0.1", "localhost")
}

/// Gives the browser an authenticator that knows its user.
async fn add_authenticator(browser: &Browser) {
    browser.cdp("WebAuthn.enable", json!({})).await;
    let options = json!({
        "protocol": "ctap2",
        "ctap2Version": "ctap2_1",
        "transport": "internal",
        "hasResidentKey": true,
        "hasUserVerification": true,
        "hasPrf": true,
        "isUserVerified": true,
        "automaticPresenceSimulation": true,
    });
    browser
        .cdp("WebAuthn.addVirtualAuthenticator", json!({ "options": options }))
        .await;
}

#[tokio::test]
async fn a_passkey_opens_the_lock_until_it_is_removed() {
    let network = Network::start();
    let ada = User {
        browser: Browser::start().await,
    };
    let browser = &ada.browser;
    browser.open(&by_name(&network)).await;
    add_authenticator(browser).await;
    ada.create("Ada", Place::OwnDevice).await;
    set_lock(&ada).await;
    browser.press("#add-passkey").await;
    browser.fill("#old-passphrase", "not this one").await;
    browser.press("#confirm-passphrase").await;
    browser.read("#old-passphrase-error", "not the passphrase").await;
    enter(browser, "#old-passphrase", PASSPHRASE).await;
    browser.press("#confirm-passphrase").await;
    browser.see(".passkey").await;
    pictures(browser, "lock-passkey").await;

    lock(&ada).await;
    pictures(browser, "locked-passkey").await;
    browser.press("#unlock-passkey").await;
    ada.home().await;
    reload(&ada).await;
    browser.press("#unlock-passkey").await;
    ada.home().await;

    // The authenticator has one already.
    lock_page(&ada).await;
    browser.press("#add-passkey").await;
    browser.fill("#old-passphrase", PASSPHRASE).await;
    browser.press("#confirm-passphrase").await;
    browser.read("#old-passphrase-error", "already").await;
    browser.press(".dialog .button.quiet").await;
    browser.gone(".dialog").await;

    browser.press(".remove-passkey").await;
    browser.press("#confirm").await;
    browser.gone(".passkey").await;
    lock(&ada).await;
    browser.see("#unlock").await;
    assert!(!browser.has("#unlock-passkey").await);
    try_passphrase(browser, PASSPHRASE).await;
    ada.home().await;
}

#[tokio::test]
async fn who_forgot_the_passphrase_starts_over_with_the_phrase() {
    let network = Network::start();
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let browser = &ada.browser;
    let (own_id, phrase) = (ada.id().await, ada.phrase().await);
    // The restore finds what has reached the swarm.
    tokio::time::sleep(PROFILE_OUT).await;
    set_lock(&ada).await;
    lock(&ada).await;
    browser.press("#forgotten").await;
    browser.see("#confirm").await;
    pictures(browser, "locked-forgotten").await;
    browser.press("#confirm").await;
    // The question where the account is to be kept, and the phrase.
    browser.press("#own-device").await;
    ada.enter_phrase(&phrase).await;
    browser.press("#restore-continue").await;
    ada.home().await;
    assert_eq!(ada.id().await, own_id);
    assert!(!browser.has("#lock-now").await, "the lock went with the rest");
}

#[tokio::test]
async fn a_lock_whose_data_the_browser_cleared_leads_to_recovery() {
    let network = Network::start();
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    set_lock(&ada).await;
    ada.browser.open("about:blank").await;
    let origin = network.app().trim_end_matches('/').to_owned();
    let clear = |what: &'static str| {
        let parameters = json!({ "origin": origin, "storageTypes": what });
        ada.browser.cdp("Storage.clearDataForOrigin", parameters)
    };
    // Without the marker the lock is still there, and still shown.
    clear("local_storage").await;
    ada.browser.open(&network.app()).await;
    try_passphrase(&ada.browser, PASSPHRASE).await;
    ada.home().await;
    // Without the data the marker tells that there was something.
    ada.browser.open("about:blank").await;
    clear("indexeddb").await;
    ada.browser.open(&network.app()).await;
    ada.browser.press("#start-over").await;
    ada.browser.see("#have-account").await;
}

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
    set_lock(&ada).await;
    lock(&ada).await;
    // Browsers drop what was removed from their files when they start again, at the latest.
    let ada = ada.killed(&network).await;
    ada.browser.see("#passphrase").await;
    let remains = ada.browser.quit().await;
    secrets.push(key);
    secrets.push(PASSPHRASE.as_bytes().to_vec());
    assert!(remains.database_bytes() > 0, "the account is kept");
    assert_eq!(remains.files_with(&secrets), Vec::<String>::new());
    assert!(
        !remains.in_databases(|file| holds_key_to(&wrapped, file)),
        "the old way in is still on the disk"
    );
}
