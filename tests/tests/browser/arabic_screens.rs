//! The screens of files, lock, backup files, releases, recovery, contact links, kiosks and transfers in Arabic.

use std::time::Duration;

use holdfast_protocol::account::Seed;
use serde_json::json;
use tempfile::TempDir;
use thirtyfour::prelude::*;

use crate::arabic::fits;
use crate::backup::{NO_PICKER, PHRASE, downloaded};
use crate::driver::Browser;
use crate::files_sending::{choose, staged};
use crate::files_showing::{Friends, photo, voice, with_friends};
use crate::kiosk::{Visit, at_kiosk};
use crate::lock::{PASSPHRASE, add_authenticator, by_name, lock, lock_page, set_lock, try_passphrase};
use crate::network::Network;
use crate::own_link::printed;
use crate::peer::Sent;
use crate::releases::{Site, WORDS, about, check, pinned};
use crate::samples::{coast, noise};
use crate::transfer::other;
use crate::user::{Place, User};

/// A note in Arabic, which is no text of the app.
const NOTE: &str = "المد عند الظهر";

/// Waits until an error is said, whatever its words are.
async fn errs(browser: &Browser, id: &str) {
    browser.see(&format!("#{id}:not(:empty)")).await;
}

/// Closes the open dialog by keys.
async fn escapes(browser: &Browser) {
    browser.keys(Key::Escape).await;
    browser.gone("dialog[open]").await;
}

/// Chooses Arabic on the start page.
async fn starts_in_arabic(user: &User) {
    user.browser.press("#start-language option[value=ar]").await;
    user.browser.see("html[dir=rtl][lang=ar]").await;
}

#[tokio::test]
async fn files_are_received_and_looked_at_in_arabic() {
    with_friends(Place::OwnDevice, async |friends| {
        let Friends {
            ada, ada_id, bert, ..
        } = friends;
        let browser = &ada.browser;
        ada.speaks_arabic().await;
        bert.send(&ada_id, NOTE, &[photo(0), photo(1)]).await;
        for file in [
            Sent::new("جدول المد.pdf", "application/pdf", noise(50_000)),
            voice(14),
        ] {
            bert.send(&ada_id, "", &[file]).await;
        }
        ada.open(&bert.id()).await;
        browser.see(".sound.voice").await;
        fits(browser, "files-waiting").await;
        browser.press(".load-all").await;
        browser.see("#load-always").await;
        fits(browser, "files-question").await;
        browser.press("#load-always").await;
        ada.sees_pictures(2).await;
        fits(browser, "files").await;

        browser.press(".tile-open").await;
        browser.see("dialog.viewer img.viewer-image").await;
        fits(browser, "viewer").await;
        escapes(browser).await;
        ada.gallery().await;
        browser.see(".gallery-tiles").await;
        fits(browser, "gallery").await;
        browser.press("#gallery-documents").await;
        browser.see(".gallery-rows").await;
        fits(browser, "gallery-documents").await;
        browser.press("#open-settings").await;
        browser.press("#settings-storage").await;
        browser.see(".storage-line").await;
        browser.see("#storage-keeping").await;
        fits(browser, "storage").await;
        browser.press("#clear-again").await;
        browser.see("#confirm").await;
        fits(browser, "storage-clear").await;
    })
    .await;
}

#[tokio::test]
async fn files_are_attached_and_recorded_in_arabic() {
    with_friends(Place::OwnDevice, async |friends| {
        let Friends {
            network: _network,
            ada,
            ada_id: _,
            bert,
        } = friends;
        let browser = &ada.browser;
        let folder = TempDir::new().expect("a temporary folder");
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).expect("a file of the test");
            path
        };
        ada.speaks_arabic().await;
        ada.open(&bert.id()).await;
        browser.press("#record-voice").await;
        browser.see(".voice-time").await;
        fits(browser, "voice-recording").await;
        browser.press("#stop-voice").await;
        staged(browser, 1).await;
        fits(browser, "voice-recorded").await;
        let picture = write("reef.png", &coast(300, 300, 2));
        choose(browser, "#pick-media", &[&picture]).await;
        staged(browser, 2).await;
        fits(browser, "tray").await;
        let empty = write("nothing.txt", b"");
        choose(browser, "#pick-file", &[&empty]).await;
        browser.see(".refused").await;
        fits(browser, "tray-refused").await;
    })
    .await;
}

#[tokio::test]
async fn the_lock_is_set_and_opened_in_arabic() {
    let network = Network::start();
    let ada = User::at_new_browser().await;
    let browser = &ada.browser;
    browser.open(&by_name(&network)).await;
    add_authenticator(browser).await;
    ada.create("آدا", Place::OwnDevice).await;
    ada.speaks_arabic().await;
    lock_page(&ada).await;
    browser.see("#set-passphrase").await;
    fits(browser, "lock-unset").await;
    browser.fill("#new-passphrase", PASSPHRASE).await;
    browser.fill("#repeat-passphrase", NOTE).await;
    browser.press("#set-passphrase").await;
    errs(browser, "repeat-passphrase-error").await;
    fits(browser, "lock-differs").await;
    browser.press("#open-settings").await;
    set_lock(&ada).await;
    fits(browser, "lock-set").await;
    browser.press("#change-passphrase").await;
    browser.see("#old-passphrase").await;
    fits(browser, "lock-change").await;
    escapes(browser).await;
    browser.press("#add-passkey").await;
    browser.fill("#old-passphrase", PASSPHRASE).await;
    browser.press("#confirm-passphrase").await;
    browser.see(".passkey").await;
    fits(browser, "lock-passkey").await;

    // The language is known before the lock is open.
    lock(&ada).await;
    browser.reload().await;
    browser.see("#unlock-passkey").await;
    fits(browser, "locked").await;
    try_passphrase(browser, NOTE).await;
    errs(browser, "passphrase-error").await;
    fits(browser, "locked-wrong").await;
    browser.press("#forgotten").await;
    browser.see("#confirm").await;
    fits(browser, "locked-forgotten").await;
    escapes(browser).await;
    try_passphrase(browser, PASSPHRASE).await;
    ada.home().await;
}

#[tokio::test]
async fn a_backup_file_is_made_and_brought_back_in_arabic() {
    let network = Network::start();
    let ada = User::join(&network, "آدا", Place::OwnDevice).await;
    let browser = &ada.browser;
    let folder = TempDir::new().expect("a temporary folder");
    browser.before_each_page(NO_PICKER).await;
    ada.downloads_to(folder.path()).await;
    let own = ada.id().await;
    ada.write_to(&own).await;
    ada.send(NOTE).await;
    ada.delivered().await;
    ada.speaks_arabic().await;
    ada.to_backups().await;
    fits(browser, "backup").await;
    ada.make_backup("kelp").await;
    errs(browser, "backup-passphrase-error").await;
    fits(browser, "backup-short").await;
    ada.to_backups().await;
    ada.make_backup(PHRASE).await;
    browser.see("#backup-made").await;
    fits(browser, "backup-made").await;
    let file = downloaded(browser, folder.path()).await;
    ada.open_backup(&file, NOTE).await;
    errs(browser, "backup-open-passphrase-error").await;
    fits(browser, "backup-wrong").await;
    browser.fill("#backup-open-passphrase", PHRASE).await;
    browser.press("#open-backup").await;
    browser.see("#take-backup").await;
    fits(browser, "backup-contents").await;
    browser.press("#take-backup").await;
    browser.see("#backup-result").await;
    fits(browser, "backup-back").await;
}

#[tokio::test]
async fn releases_are_told_of_in_arabic() {
    let site = Site::signed();
    let (_network, ada) = pinned(&site).await;
    let browser = &ada.browser;
    ada.speaks_arabic().await;
    about(browser).await;
    browser.see("#release-build").await;
    fits(browser, "about-kept").await;
    // A file that is as before need not be fetched again.
    site.call_settings("Choices");
    site.sign(11, 1);
    site.append(WORDS, " ");
    check(browser).await;
    browser.see("#release-bar").await;
    browser.see("#release-refused").await;
    fits(browser, "release-refused").await;
    browser.press("#release-understood").await;
    browser.gone("#release-bar").await;
    site.restore();
    check(browser).await;
    browser.gone("#release-refused").await;
    site.append(WORDS, " ");
    site.sign(11, 1);
    check(browser).await;
    browser.see("#release-restart").await;
    fits(browser, "release-ready").await;

    let unsigned = Network::start();
    let bert = User::join(&unsigned, "بيرت", Place::SharedComputer).await;
    bert.speaks_arabic().await;
    about(&bert.browser).await;
    fits(&bert.browser, "about-shared").await;
}

#[tokio::test]
async fn a_phrase_is_checked_and_scanned_in_arabic() {
    let network = Network::start();
    let ada = User::join(&network, "آدا", Place::OwnDevice).await;
    let browser = &ada.browser;
    let phrase = ada.phrase().await;
    ada.speaks_arabic().await;
    browser.press("#open-settings").await;
    browser.press("#settings-recovery").await;
    browser.see("#check-date").await;
    fits(browser, "recovery").await;
    browser.press("#scan-phrase").await;
    browser.see("#scan-camera").await;
    fits(browser, "scan").await;
    browser.press("#scan-camera").await;
    browser.see(".scan-view video").await;
    fits(browser, "scan-camera").await;
    browser.press("#scan-cancel").await;
    browser.gone("video").await;
    ada.type_phrase("abbey abbey").await;
    errs(browser, "phrase-error").await;
    fits(browser, "recovery-short").await;
    ada.type_phrase(Seed::from_bytes(&[3; Seed::SIZE]).phrase().as_str())
        .await;
    errs(browser, "check-result").await;
    fits(browser, "recovery-wrong").await;
    ada.type_phrase(&phrase).await;
    browser.gone(".words").await;
    fits(browser, "recovery-right").await;
}

#[tokio::test]
async fn the_own_link_goes_to_paper_and_pages_in_arabic() {
    let network = Network::start_with(&["--demo"]);
    let ada = User::join(&network, "آدا", Place::OwnDevice).await;
    let browser = &ada.browser;
    ada.speaks_arabic().await;
    let link = ada.contact_link().await;
    browser.see("#show-snippet").await;
    fits(browser, "own-link").await;
    let folder = TempDir::new().expect("a temporary folder");
    ada.downloads_to(folder.path()).await;
    assert_eq!(printed(&ada, &folder).await, link);
    browser.press("#show-snippet").await;
    browser.see(".snippet").await;
    fits(browser, "snippet").await;
}

#[tokio::test]
async fn a_kiosk_is_used_and_left_in_arabic() {
    let allowed = json!({ "languages": ["ar"], "name": "مكتبة الميناء", "idle_seconds": 30 });
    at_kiosk(allowed, async |visit: Visit| {
        let browser = &visit.visitor.browser;
        browser.see("html[dir=rtl][lang=ar]").await;
        fits(browser, "kiosk-start").await;
        // Nobody goes away while the screens are looked at.
        browser.holds_clock().await;
        browser.clock_stops().await;
        visit.choose_desk().await;
        browser.see("#display-name").await;
        fits(browser, "kiosk-name").await;
        browser.fill("#display-name", "زائر").await;
        browser.press("#name-continue").await;
        visit.visitor.send(NOTE).await;
        visit.visitor.delivered().await;
        fits(browser, "kiosk-conversation").await;
        browser.press("#open-settings").await;
        browser.see("#settings-privacy").await;
        fits(browser, "kiosk-settings").await;
        browser.clock_ahead(Duration::from_secs(31)).await;
        browser.see(".countdown[open]").await;
        fits(browser, "kiosk-countdown").await;
        browser.clock_ahead(Duration::from_secs(31 + 21)).await;
        visit.is_fresh().await;
        browser.see("html[dir=rtl][lang=ar]").await;
    })
    .await;
}

#[tokio::test]
async fn an_account_goes_to_another_device_in_arabic() {
    let network = Network::start();
    let ada = User::join(&network, "آدا", Place::OwnDevice).await;
    ada.connected().await;
    ada.speaks_arabic().await;
    let new = User::arrive(&network).await;
    starts_in_arabic(&new).await;
    fits(&new.browser, "start").await;
    new.browser.press("#have-account").await;
    new.browser.see("#own-device").await;
    fits(&new.browser, "place").await;
    new.browser.press("#own-device").await;
    new.browser.see("#from-device").await;
    fits(&new.browser, "restore").await;
    new.browser.press("#from-device").await;
    let link = new.transfer_link().await;
    fits(&new.browser, "transfer-code").await;

    ada.to_giving().await;
    fits(&ada.browser, "give-code").await;
    ada.browser.fill("#transfer-link", &link).await;
    ada.browser.press("#use-transfer-link").await;
    ada.browser.see("#give-go").await;
    fits(&ada.browser, "give-question").await;
    ada.answers().await;
    let digits = new.digits().await;
    fits(&new.browser, "transfer-digits").await;
    fits(&ada.browser, "give-digits").await;
    ada.types_digits(&other(&digits)).await;
    errs(&ada.browser, "give-digits-error").await;
    fits(&ada.browser, "give-wrong").await;
    ada.types_digits(&digits).await;
    ada.browser.see("#give-given").await;
    new.browser.see("#transfer-use").await;
    fits(&ada.browser, "give-given").await;
    fits(&new.browser, "transfer-offered").await;
    new.browser.press("#transfer-use").await;
    new.home().await;
    new.browser.see("html[dir=rtl][lang=ar]").await;
}
