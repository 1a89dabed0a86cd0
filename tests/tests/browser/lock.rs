//! The lock: passphrase, passkey, tries in vain, several tabs, and nobody there.

use std::time::Duration;

use serde_json::json;

use crate::driver::Browser;
use crate::network::Network;
use crate::peer::name_is_out;
use crate::screens::pictures;
use crate::user::{Place, User};

/// What the device is locked with, and something else.
pub(crate) const PASSPHRASE: &str = "tide reef lantern brass";
const ANOTHER: &str = "Ключ под третьим камнем";
/// How often a page with a lock looks at the clock.
const LOOK: Duration = Duration::from_secs(5);
/// A minute of the page's clock.
const MINUTE: Duration = Duration::from_secs(60);

/// Opens the lock's page in the settings.
pub(crate) async fn lock_page(user: &User) {
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
    ada.reads("the heron lands at midnight").await;
    browser.fill("#message-text", "half a thought").await;
    let secrets = [own_id.as_str(), "heron", "half a thought"];
    let open = browser.content().await;
    for secret in secrets {
        assert!(open.contains(secret), "{secret} is on the open page");
    }
    lock(&ada).await;
    let locked = browser.content().await;
    for secret in secrets.into_iter().chain(["Ada"]) {
        assert!(!locked.contains(secret), "the lock screen holds {secret}");
    }
    assert_eq!(browser.script("return document.title").await, json!("Holdfast"));
    pictures(browser, "locked").await;

    // Slips cost nothing; from the third on the next one has to wait, and a reload does not end that.
    try_in_vain(browser, "tide reef").await;
    try_in_vain(browser, "tide reef lantern").await;
    try_in_vain(browser, "tide reef lantern brasses").await;
    browser.read("#lock-wait", "in ").await;
    browser.see("#unlock:not([aria-disabled=true])").await;
    try_in_vain(browser, "tide reef lantern bras").await;
    browser.picture("locked-wait").await;
    browser.reload().await;
    browser.see("#lock-wait:not([hidden])").await;
    browser.see("#unlock[aria-disabled=true]").await;
    browser.see("#unlock:not([aria-disabled=true])").await;
    try_passphrase(browser, PASSPHRASE).await;
    ada.home().await;
    ada.open(&own_id).await;
    ada.reads("the heron lands at midnight").await;

    // Locking keeps what was written and not sent; the shortcut locks too.
    enter(browser, "#message-text", "the other half").await;
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
    assert_eq!(draft, "the other half");

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
    browser.reload().await;
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
    browser.reload().await;
    ada.home().await;
    ada.open(&own_id).await;
    ada.reads("the heron lands at midnight").await;
}

#[tokio::test]
async fn the_phrase_is_shown_to_whoever_can_open_the_lock_alone() {
    let network = Network::start();
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let browser = &ada.browser;
    let phrase = ada.phrase().await;
    set_lock(&ada).await;
    browser.press("#open-profile").await;
    browser.press("#show-phrase").await;
    browser.press("#reveal-phrase").await;
    browser
        .read("#owner-passphrase-error", "Enter your passphrase")
        .await;
    enter(browser, "#owner-passphrase", "tide reef").await;
    browser.press("#reveal-phrase").await;
    browser
        .read("#owner-passphrase-error", "not the passphrase")
        .await;
    assert!(!browser.has(".phrase-word").await);
    pictures(browser, "lock-phrase").await;
    enter(browser, "#owner-passphrase", PASSPHRASE).await;
    browser.press("#reveal-phrase").await;
    let first = phrase.split(' ').next().expect("a word");
    browser.read(".phrase-word", first).await;
    let content = browser.content().await;
    assert!(!content.contains(PASSPHRASE), "the passphrase is off the page");
}

#[tokio::test]
async fn all_tabs_are_locked_and_opened_together() {
    let network = Network::start();
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let browser = &ada.browser;
    let own_id = ada.id().await;
    set_lock(&ada).await;
    let first = browser.tab().await;
    let second = browser.new_tab().await;
    browser.open(&network.app()).await;
    // Beside an open tab a new one is open too.
    ada.home().await;

    lock(&ada).await;
    browser.go_to(&first).await;
    browser.see("#passphrase").await;
    try_passphrase(browser, PASSPHRASE).await;
    ada.home().await;
    browser.go_to(&second).await;
    ada.home().await;

    // The tab that was unlocked goes; the other takes over without asking again.
    browser.go_to(&first).await;
    browser.close_tab(&second).await;
    ada.write_to(&own_id).await;
    ada.send("the other tab goes on").await;
    ada.delivered().await;
    assert!(!browser.has("#passphrase").await);
    browser.reload().await;
    browser.see("#passphrase").await;
}

#[tokio::test]
async fn a_page_that_is_locked_while_it_opens_shows_the_lock() {
    let network = Network::start();
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let browser = &ada.browser;
    set_lock(&ada).await;
    // What a tab tells the others when it locks them, again and again for as long as a page takes to open.
    browser
        .before_each_page(
            "const tabs = new BroadcastChannel('holdfast-engine'); \
             const locking = setInterval(() => tabs.postMessage(Uint8Array.of(6)), 5); \
             setTimeout(() => { clearInterval(locking); globalThis.quiet = true; }, 3000);",
        )
        .await;
    browser.reload().await;
    browser
        .until("nobody locks any more", async || {
            let quiet = browser.script("return globalThis.quiet === true").await;
            (quiet == json!(true)).then_some(())
        })
        .await;
    browser.see("#passphrase").await;
    try_passphrase(browser, PASSPHRASE).await;
    ada.home().await;
}

#[tokio::test]
async fn it_locks_when_nobody_was_there_for_as_long_as_was_chosen() {
    let network = Network::start();
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let browser = &ada.browser;
    let own_id = ada.id().await;
    browser.holds_clock().await;
    set_lock(&ada).await;
    browser.press("input[name=lock-after][value='5']").await;
    browser.see("input[name=lock-after][value='5']:checked").await;
    // The page's clock goes ahead as it does while a machine sleeps. What is asked of the worker after that look is
    // answered, so it had not locked; and whoever writes is there.
    ada.write_to(&own_id).await;
    browser.clock_ahead(4 * MINUTE).await;
    browser.has_looked(LOOK).await;
    ada.send("four minutes are not five").await;
    ada.delivered().await;
    browser.clock_ahead(8 * MINUTE).await;
    browser.has_looked(LOOK).await;
    ada.send("four minutes since then").await;
    ada.delivered().await;
    assert!(!browser.has("#passphrase").await, "it is open");
    browser.clock_ahead(14 * MINUTE).await;
    browser.see("#passphrase").await;
    try_passphrase(browser, PASSPHRASE).await;
    ada.home().await;
    // The choice stays.
    lock_page(&ada).await;
    browser.see("input[name=lock-after][value='5']:checked").await;
}

/// The app's address by name: passkeys belong to names.
pub(crate) fn by_name(network: &Network) -> String {
    network.app().replace("127.0.0.1", "localhost")
}

/// Gives the browser an authenticator that knows its user.
pub(crate) async fn add_authenticator(browser: &Browser) {
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
    let ada = User::at_new_browser().await;
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
    browser.reload().await;
    browser.press("#unlock-passkey").await;
    ada.home().await;

    // It shows the phrase, too.
    browser.press("#open-profile").await;
    browser.press("#show-phrase").await;
    browser.press("#owner-passkey").await;
    browser.press("#phrase-done").await;
    browser.gone(".dialog").await;

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
    name_is_out(&network, &phrase).await;
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
    let browser = &ada.browser;
    browser.open("about:blank").await;
    let origin = network.app().trim_end_matches('/').to_owned();
    let clear = |what: &'static str| {
        let parameters = json!({ "origin": origin, "storageTypes": what });
        browser.cdp("Storage.clearDataForOrigin", parameters)
    };
    // Without the marker the lock is still there, and still shown.
    clear("local_storage").await;
    browser.open(&network.app()).await;
    try_passphrase(browser, PASSPHRASE).await;
    ada.home().await;
    // Without the data the marker tells that there was something.
    browser.open("about:blank").await;
    clear("indexeddb").await;
    browser.open(&network.app()).await;
    browser.press("#start-over").await;
    browser.see("#have-account").await;
}
