//! Backup files: made, kept, brought back where the network has forgotten everything, and refused where they must be.

use std::path::{Path, PathBuf};

use serde_json::json;
use tempfile::TempDir;

use crate::driver::Browser;
use crate::files_sending::choose;
use crate::network::Network;
use crate::screens::pictures;
use crate::traces::bytes_of;
use crate::user::{Place, User};

pub(crate) const PHRASE: &str = "three green kelp fronds by the pier";

/// Leaves the browser no way to write straight to a file, so that it downloads.
pub(crate) const NO_PICKER: &str = "globalThis.showSaveFilePicker = undefined;";

/// A file of the test's own in the place of one that the user would choose.
const PICKER: &str = "
    globalThis.saved = [];
    globalThis.showSaveFilePicker = async (options) => {
        globalThis.suggested = options.suggestedName;
        return { createWritable: async () => ({
            write: async (bytes) => { globalThis.saved.push(...bytes); },
            close: async () => { globalThis.whole = true; },
            abort: async () => { globalThis.aborted = true; },
        }) };
    };";

impl User {
    /// Goes to the page about backup files.
    pub(crate) async fn to_backups(&self) {
        self.browser.press("#open-settings").await;
        self.browser.press("#settings-backup").await;
        self.browser.see("#make-backup").await;
    }

    /// Types the passphrase for a new file twice, and begins.
    pub(crate) async fn make_backup(&self, passphrase: &str) {
        self.browser.fill("#backup-passphrase", passphrase).await;
        self.browser.fill("#backup-again", passphrase).await;
        self.browser.press("#make-backup").await;
    }

    /// Opens a file with a passphrase.
    pub(crate) async fn open_backup(&self, file: &Path, passphrase: &str) {
        choose(&self.browser, "#backup-file", &[file]).await;
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        self.browser.read("#backup-file-name", &name).await;
        self.browser.fill("#backup-open-passphrase", passphrase).await;
        self.browser.press("#open-backup").await;
    }
}

/// Waits for a backup file in a folder of downloads.
pub(crate) async fn downloaded(browser: &Browser, folder: &Path) -> PathBuf {
    browser
        .until("the backup file", async || {
            let entries = std::fs::read_dir(folder).ok()?.flatten();
            // While it is written it has another name, and an empty file holds this one's place.
            let is_backup = |path: &PathBuf| {
                path.extension().is_some_and(|ending| ending == "holdfast")
                    && path.metadata().is_ok_and(|file| file.len() > 0)
            };
            entries.map(|entry| entry.path()).find(is_backup)
        })
        .await
}

#[tokio::test]
async fn what_the_network_has_forgotten_comes_back_from_a_file() {
    let mut network = Network::start();
    let [(ada, ada_id), (bert, bert_id)] = User::pair(&network).await;
    let folder = TempDir::new().expect("a temporary folder");
    ada.browser.before_each_page(NO_PICKER).await;
    ada.downloads_to(folder.path()).await;
    ada.write_to(&bert_id).await;
    ada.send("The tide turns at noon").await;
    bert.accept(&ada_id).await;
    bert.send("Then we leave at eleven").await;
    ada.reads("Then we leave at eleven").await;
    ada.delivered().await;
    let phrase = ada.phrase().await;

    // Too short, and not the same twice: said beside the fields.
    ada.to_backups().await;
    pictures(&ada.browser, "50-backup").await;
    ada.browser.fill("#backup-passphrase", "kelp").await;
    ada.browser.read("#backup-passphrase-help", "At least 6").await;
    ada.browser.press("#make-backup").await;
    ada.browser
        .read("#backup-passphrase-error", "at least 10 characters")
        .await;
    ada.browser.fill("#backup-passphrase", " and three fronds").await;
    ada.browser.press("#make-backup").await;
    ada.browser
        .read("#backup-again-error", "not the passphrase above")
        .await;
    pictures(&ada.browser, "51-backup-differs").await;
    // A fresh form.
    ada.to_backups().await;
    ada.make_backup(PHRASE).await;
    ada.browser.see("#backup-made").await;
    pictures(&ada.browser, "52-backup-made").await;
    let file = downloaded(&ada.browser, folder.path()).await;
    let bytes = std::fs::read(&file).expect("the file");
    assert!(bytes.starts_with(b"Holdfast backup\n"));
    let holds = |text: &[u8]| bytes.windows(text.len()).any(|part| part == text);
    for secret in [
        b"tide turns".to_vec(),
        bert_id.clone().into_bytes(),
        bytes_of(&bert_id),
    ] {
        assert!(!holds(&secret), "{}", String::from_utf8_lossy(&secret));
    }
    drop(ada);

    // A month later, at another browser.
    network.forget_messages();
    let ada = User::arrive(&network).await;
    let browser = &ada.browser;
    ada.recognise(&phrase, Place::OwnDevice).await;
    browser.press("#restore-continue").await;
    browser.press("#restore-new-name").await;
    browser.fill("#display-name", "Ada").await;
    browser.press("#name-continue").await;
    ada.home().await;
    let row = format!(".row[data-conversation='{bert_id}']");
    // It is offered once everything was read that the network still has.
    browser.see("#offer-backup").await;
    assert!(!browser.has(&row).await);
    pictures(browser, "53-backup-offer").await;
    browser.press("#offer-backup").await;

    // Without a file, without a passphrase, with a wrong one.
    browser.press("#open-backup").await;
    browser.read("#backup-file-error", "Choose the file").await;
    ada.open_backup(&file, "three green kelp").await;
    browser
        .read("#backup-open-passphrase-error", "not the passphrase of this file")
        .await;
    pictures(browser, "54-backup-wrong").await;
    // The file stays chosen.
    browser.fill("#backup-open-passphrase", PHRASE).await;
    browser.press("#open-backup").await;
    browser.see("#take-backup").await;
    browser.read("#backup-conversations", "1").await;
    pictures(browser, "55-backup-contents").await;
    assert!(!browser.has(&row).await, "a look takes nothing");
    browser.press("#take-backup").await;
    browser.read("#backup-result", "brought back").await;
    pictures(browser, "56-backup-back").await;
    browser.read(&row, "Bert").await;
    assert!(!browser.has(&format!("{row} .unread")).await);
    ada.open(&bert_id).await;
    ada.reads("The tide turns at noon").await;
    ada.reads("Then we leave at eleven").await;
    assert!(!browser.has("#offer-backup").await);

    // Once more: nothing comes twice, and what was read stays after a reload.
    ada.to_backups().await;
    browser.press("#backup-taken").await;
    ada.open_backup(&file, PHRASE).await;
    browser.press("#take-backup").await;
    browser.read("#backup-result", "here already").await;
    browser.reload().await;
    ada.open(&bert_id).await;
    ada.reads("The tide turns at noon").await;
    assert_eq!(ada.count("The tide turns at noon").await, 1);
    browser.is_quiet().await;
}

#[tokio::test]
async fn a_file_that_can_not_be_brought_back_says_why() {
    let network = Network::start();
    let (ada, bert) = futures::join!(
        User::join(&network, "Ada", Place::SharedComputer),
        User::join(&network, "Bert", Place::OwnDevice),
    );
    let browser = &ada.browser;
    browser.script(PICKER).await;
    let own = ada.id().await;
    ada.write_to(&own).await;
    ada.send("A note on a shared computer").await;
    ada.delivered().await;
    ada.to_backups().await;
    browser.read("#backup-make .warning", "shared computer").await;
    pictures(browser, "57-backup-shared").await;
    ada.make_backup(PHRASE).await;
    browser.see("#backup-made").await;
    let name = browser.script("return globalThis.suggested").await;
    let name = name.as_str().expect("a name");
    assert!(
        name.starts_with("holdfast-backup-2") && name.ends_with(".holdfast"),
        "{name}"
    );
    assert_eq!(browser.script("return globalThis.whole").await, json!(true));
    let saved = browser.script("return globalThis.saved").await;
    let bytes: Vec<u8> = saved
        .as_array()
        .expect("bytes")
        .iter()
        .map(|byte| u8::try_from(byte.as_u64().expect("a number")).expect("a byte"))
        .collect();
    let folder = TempDir::new().expect("a temporary folder");
    let keep = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("a file of the test");
        path
    };
    let mut altered = bytes.clone();
    let middle = bytes.len() - 20;
    altered[middle] ^= 1;
    let whole = keep("whole.holdfast", &bytes);
    for (path, words) in [
        (keep("altered.holdfast", &altered), "changed or is damaged"),
        (
            keep("cut.holdfast", &bytes[..bytes.len() - 1]),
            "end of this file is missing",
        ),
        (keep("note.holdfast", b"a note"), "not a backup file"),
    ] {
        ada.open_backup(&path, PHRASE).await;
        browser.read("#backup-file-error", words).await;
    }
    pictures(browser, "58-backup-damaged").await;
    bert.to_backups().await;
    bert.open_backup(&whole, PHRASE).await;
    bert.browser.read("#backup-file-error", "another account").await;
    ada.open_backup(&whole, PHRASE).await;
    browser.press("#close-backup").await;
    browser.see("#open-backup").await;
}
