//! An account goes from one device to another: by a link, before the camera, at a kiosk; and what stops it.

use serde_json::json;
use tempfile::TempDir;

use crate::driver::Browser;
use crate::lock::{PASSPHRASE, enter, lock, set_lock, try_passphrase};
use crate::network::Network;
use crate::screens::pictures;
use crate::traces::secrets;
use crate::user::{Place, User};

impl User {
    /// Goes from the start page to the code that asks for an account of another device, and reads its link.
    pub(crate) async fn asks_for_account(&self, place: &str) -> String {
        self.browser.press("#have-account").await;
        self.browser.press(place).await;
        self.browser.press("#from-device").await;
        self.transfer_link().await
    }

    /// The link that is shown.
    pub(crate) async fn transfer_link(&self) -> String {
        self.shown(".transfer-code", "data-link").await
    }

    /// The digits that are shown once somebody answered.
    pub(crate) async fn digits(&self) -> String {
        let digits = self.shown("#transfer-digits", "data-digits").await;
        assert!(
            digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_digit()),
            "{digits}"
        );
        digits
    }

    /// The value of an attribute of something that is shown.
    pub(crate) async fn shown(&self, css: &str, attribute: &str) -> String {
        let shown = self.browser.see(css).await;
        let value = shown.attr(attribute).await.expect("the page answers");
        value.expect("a value")
    }

    /// Opens the page where the own account is given.
    pub(crate) async fn to_giving(&self) {
        self.browser.press("#open-settings").await;
        self.browser.press("#settings-recovery").await;
        self.browser.press("#give-account").await;
        self.browser.see("#transfer-link").await;
    }

    /// Goes on in spite of the warning, up to the digits.
    pub(crate) async fn answers(&self) {
        self.browser.press("#give-go").await;
        self.browser.see("#give-digits").await;
    }

    pub(crate) async fn types_digits(&self, digits: &str) {
        enter(&self.browser, "#give-digits", digits).await;
        self.browser.press("#give-send").await;
    }

    /// Sees whose account came.
    async fn is_offered(&self, id: &str, name: &str) {
        self.browser.read(".recognised .own-name", name).await;
        assert_eq!(self.shown(".recognised .short-id", "data-id").await, id);
    }

    async fn address(&self) -> serde_json::Value {
        self.browser.script("return location.href").await
    }

    async fn is_quiet(&self) {
        assert_eq!(
            self.browser.console().await,
            Vec::<String>::new(),
            "the console is quiet"
        );
    }
}

/// Other digits than these.
pub(crate) fn other(digits: &str) -> String {
    digits
        .chars()
        .map(|digit| if digit == '9' { '0' } else { '9' })
        .collect()
}

#[tokio::test]
async fn an_account_goes_to_an_own_device_by_a_link() {
    let network = Network::start();
    let ada = User::join(&network, "Ada Ångström", Place::OwnDevice).await;
    ada.connected().await;
    let id = ada.id().await;
    let new = User::arrive(&network).await;
    let link = new.asks_for_account("#own-device").await;
    assert!(link.starts_with(&format!("{}#/t/", network.app())), "{link}");
    pictures(&new.browser, "transfer-1-code").await;

    ada.browser.open(&link).await;
    ada.browser.see("#give-go").await;
    assert_eq!(
        ada.address().await,
        network.app(),
        "the code is out of the address"
    );
    pictures(&ada.browser, "transfer-2-question").await;
    ada.answers().await;
    let digits = new.digits().await;
    pictures(&new.browser, "transfer-3-digits").await;
    pictures(&ada.browser, "transfer-4-digits-asked").await;
    ada.types_digits(&digits).await;
    ada.browser.see("#give-given").await;
    pictures(&ada.browser, "transfer-5-sent").await;

    new.is_offered(&id, "Ada Ångström").await;
    pictures(&new.browser, "transfer-6-offered").await;
    new.browser.press("#transfer-use").await;
    new.home().await;
    assert_eq!(new.id().await, id);
    new.browser.read(".own-name", "Ada Ångström").await;
    ada.browser.press("#give-done").await;
    ada.browser.gone("#give").await;
    for user in [&ada, &new] {
        user.is_quiet().await;
    }

    // It is kept as any account on an own device.
    new.browser.reload().await;
    new.home().await;
    assert_eq!(new.id().await, id);
}

#[tokio::test]
async fn an_account_goes_to_a_shared_computer_before_the_camera() {
    let (network, folder) = (Network::start(), TempDir::new().expect("a temporary folder"));
    let new = User::arrive(&network).await;
    let link = new.asks_for_account("#shared-computer").await;
    let ada = User::arrive_with_code(&network, folder.path(), &link).await;
    ada.create("Ada", Place::OwnDevice).await;
    ada.connected().await;
    let (id, phrase) = (ada.id().await, ada.phrase().await);
    ada.to_giving().await;
    pictures(&ada.browser, "transfer-7-scan").await;
    ada.browser.press("#scan-transfer").await;
    ada.browser.press("#scan-camera").await;
    ada.browser.see("#give-go").await;
    ada.camera_is_off().await;
    ada.answers().await;
    // However they are typed.
    let digits = new.digits().await;
    let (first, last) = digits.split_at(3);
    ada.types_digits(&format!(" {first}-{last}")).await;
    new.is_offered(&id, "Ada").await;
    new.browser.press("#transfer-use").await;
    new.home().await;
    assert_eq!(new.id().await, id);

    // The account is on the other device: nothing is lost with the session, and nothing of it stays.
    new.end_session().await;
    let remains = new.browser.quit_to_search().await;
    remains.hold_none_of(&secrets(&[&id], &phrase));
    assert_eq!(remains.database_bytes(), 0, "no database was made");
    ada.home().await;
}

#[tokio::test]
async fn an_account_visits_a_kiosk_without_being_typed() {
    let mut network = Network::start();
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    ada.connected().await;
    let (id, phrase) = (ada.id().await, ada.phrase().await);
    ada.to_giving().await;
    // Her page stays what it was.
    network.become_kiosk(&json!({ "version": 1, "allow": ["transfer"], "idle_seconds": 600 }));
    let visitor = User {
        browser: Browser::start().await,
    };
    let browser = &visitor.browser;
    browser.open(&network.app()).await;
    browser.press("#have-account").await;
    browser.see("#from-device").await;
    assert!(!browser.has("#type-anyway").await, "no phrase can be typed");
    pictures(browser, "transfer-kiosk-1-caution").await;
    browser.press("#from-device").await;
    let link = visitor.transfer_link().await;
    assert!(!browser.has("#copy-transfer").await);
    pictures(browser, "transfer-kiosk-2-code").await;

    ada.browser.fill("#transfer-link", &link).await;
    ada.browser.press("#use-transfer-link").await;
    ada.answers().await;
    ada.types_digits(&visitor.digits().await).await;
    ada.browser.see("#give-given").await;
    visitor.is_offered(&id, "Ada").await;
    browser.press("#transfer-use").await;
    visitor.home().await;
    browser.press("#open-settings").await;
    browser.see("#settings-language").await;
    assert!(
        !browser.has("#settings-recovery").await,
        "no account is given from here"
    );
    browser.press("#end-session").await;
    browser.see(".kiosk-start").await;

    // Whoever opens the kiosk's link learns where the code belongs.
    browser.open("about:blank").await;
    browser.open(&link).await;
    browser.read("#no-account-to-give", "Settings › Recovery").await;
    assert_eq!(visitor.address().await, network.app());
    browser.press("#no-account-close").await;
    browser.see(".kiosk-start").await;
    let remains = visitor.browser.quit_to_search().await;
    remains.hold_none_of(&secrets(&[&id], &phrase));
    assert_eq!(remains.database_bytes(), 0, "no database was made");
}

#[tokio::test]
async fn wrong_digits_send_nothing() {
    let network = Network::start();
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    ada.connected().await;
    let new = User::arrive(&network).await;
    let link = new.asks_for_account("#own-device").await;
    ada.browser.open(&link).await;
    ada.answers().await;
    let wrong = other(&new.digits().await);
    ada.types_digits(&wrong[..5]).await;
    ada.browser.read("#give-digits-error", "all six").await;
    ada.types_digits(&wrong).await;
    ada.browser.read("#give-digits-error", "2 more tries").await;
    pictures(&ada.browser, "transfer-8-wrong-digits").await;
    ada.types_digits(&wrong).await;
    ada.browser.read("#give-digits-error", "one more try").await;
    ada.types_digits(&wrong).await;
    ada.browser.read("#give-over", "wrong too often").await;
    pictures(&ada.browser, "transfer-9-over").await;
    assert!(!new.browser.has("#transfer-use").await);

    // Another code leads all the way again.
    new.browser.press("#transfer-cancel").await;
    new.browser.see("#phrase-continue").await;
    new.browser.press("#from-device").await;
    let second = new.transfer_link().await;
    assert_ne!(second, link);
    ada.browser.press("#give-again").await;
    ada.browser.fill("#transfer-link", &second).await;
    ada.browser.press("#use-transfer-link").await;
    ada.answers().await;
    ada.types_digits(&new.digits().await).await;
    new.browser.see("#transfer-use").await;
    // It need not be taken.
    new.browser.press("#transfer-cancel").await;
    new.browser.see("#phrase-continue").await;
    new.browser.reload().await;
    new.browser.see("#create-account").await;
}

#[tokio::test]
async fn it_can_be_given_up_on_both_sides() {
    let network = Network::start();
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    ada.connected().await;
    let new = User::arrive(&network).await;
    let link = new.asks_for_account("#own-device").await;
    ada.browser.open(&link).await;
    ada.browser.see("#give-go").await;
    ada.browser.press("#give-cancel").await;
    ada.browser.gone("#give").await;
    assert!(!new.browser.has("#transfer-digits").await);

    // In a second tab, whose engine is the first one's: the first shows nothing of it.
    let first = ada.browser.tab().await;
    let tab = ada.browser.new_tab().await;
    ada.browser.open(&link).await;
    ada.answers().await;
    ada.browser.read("#give [role=timer]", "Time left").await;
    new.digits().await;
    ada.browser.go_to(&first).await;
    assert!(!ada.browser.has("#give").await);
    ada.browser.go_to(&tab).await;
    ada.browser.press("#give-cancel").await;
    ada.browser.gone("#give").await;
    new.browser.press("#transfer-cancel").await;
    new.browser.see("#phrase-continue").await;
    new.browser.reload().await;
    new.browser.see("#create-account").await;
}

#[tokio::test]
async fn a_link_waits_at_the_lock_and_a_damaged_one_leads_nowhere() {
    let network = Network::start();
    let link = format!("{}#/t/AQ", network.app());

    // There is no account to give.
    let user = User {
        browser: Browser::start().await,
    };
    user.browser.open(&link).await;
    user.browser
        .read("#no-account-to-give", "no account in this browser")
        .await;
    assert_eq!(user.address().await, network.app());
    pictures(&user.browser, "transfer-no-account").await;
    user.browser.press("#no-account-close").await;
    user.browser.see("#create-account").await;

    user.create("Ada", Place::OwnDevice).await;
    set_lock(&user).await;
    lock(&user).await;
    user.browser.open(&link).await;
    user.browser.see("#passphrase").await;
    assert_eq!(user.address().await, network.app());
    try_passphrase(&user.browser, PASSPHRASE).await;
    // Whoever finds the page open gives nothing away.
    user.browser.press("#give-go").await;
    user.browser
        .read("#owner-passphrase-error", "Enter your passphrase")
        .await;
    pictures(&user.browser, "transfer-10-lock").await;
    enter(&user.browser, "#owner-passphrase", PASSPHRASE).await;
    user.browser.press("#give-go").await;
    user.browser
        .read("#give-over", "not the code of a device that wants an account")
        .await;
    user.browser.press("#give-again").await;
    user.browser.fill("#transfer-link", "https://example.org/").await;
    user.browser.press("#use-transfer-link").await;
    user.browser.read("#transfer-link-error", "not the code").await;
}
