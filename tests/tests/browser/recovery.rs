//! Ways into an account by its words that are not typed well, and by its key in hex; the check of what was kept, and the
//! reminder to keep it.

use std::path::{Path, PathBuf};

use holdfast_protocol::account::{PhraseError, Seed, phrase};
use tempfile::TempDir;
use thirtyfour::prelude::*;

use crate::files_sending::choose;
use crate::network::Network;
use crate::screens::pictures;
use crate::user::{Place, User};

impl User {
    /// Goes to the screen where a phrase is entered.
    pub(crate) async fn to_phrase(&self, place: &str) {
        self.browser.press("#have-account").await;
        self.browser.press(place).await;
        self.browser.see("#phrase-continue").await;
    }

    /// Enters a text in the form for a phrase.
    pub(crate) async fn type_phrase(&self, text: &str) {
        if !self.browser.has("#phrase-text").await {
            self.browser.press(".word-tools button:first-child").await;
        }
        let field = self.browser.see("#phrase-text").await;
        field.clear().await.expect("it is emptied");
        self.browser.fill("#phrase-text", text).await;
        self.browser.press("#phrase-continue").await;
    }

    /// Sees whose account was recognised, by the ends of its id.
    pub(crate) async fn recognises(&self, id: &str) {
        self.browser.see("#restore-continue").await;
        self.browser.read(".recognised .short-id", &id[..4]).await;
        self.browser.read(".recognised .short-id", &id[62..]).await;
    }

    /// A picture of the whole page in a file, as somebody's screenshot.
    pub(crate) async fn screenshot(&self, folder: &Path, name: &str) -> PathBuf {
        self.browser.at_rest().await;
        let file = folder.join(name);
        let taken = self.browser.driver().screenshot(&file).await;
        taken.expect("a screenshot");
        file
    }

    /// Shows the QR code of the own phrase.
    pub(crate) async fn show_code(&self) {
        self.browser.press("#open-profile").await;
        self.browser.press("#show-phrase").await;
        self.browser.press("#reveal-phrase").await;
        self.browser.press("#phrase-code").await;
        self.browser.see("#phrase-qr svg").await;
    }
}

/// A phrase with one word taken for another of the list, so that all words are known; with the place and what it should be.
fn misread(seed: &Seed) -> (String, usize, String) {
    let phrase = seed.phrase();
    let words: Vec<&str> = phrase.words().collect();
    words
        .iter()
        .enumerate()
        .find_map(|(at, right)| {
            phrase::words().iter().find_map(|other| {
                let mut wrong = words.clone();
                wrong[at] = other;
                let wrong = wrong.join(" ");
                let unfit = Seed::from_phrase(&wrong) == Err(PhraseError::Checksum);
                let offered = unfit
                    && phrase::corrections(&wrong)
                        .iter()
                        .take(5)
                        .any(|offer| offer.position == at && offer.word == *right);
                offered.then(|| (wrong, at, (*right).to_owned()))
            })
        })
        .expect("a word with a neighbour")
}

#[tokio::test]
async fn a_wrong_word_is_put_right_and_the_key_in_hex_is_read() {
    let network = Network::start();
    let user = User::arrive(&network).await;
    let browser = &user.browser;
    let seed = Seed::from_bytes(&std::array::from_fn(|at| at as u8));
    user.to_phrase("#own-device").await;

    // Any case and spacing; a word that is not in the list is marked where it stands.
    let phrase = seed.phrase();
    let (_, rest) = phrase.as_str().split_once(' ').expect("words");
    user.type_phrase(&format!("  QQXV\n{}", rest.to_uppercase().replace(' ', "  \n")))
        .await;
    browser
        .read("#phrase-error", "Not in the word list: word 1")
        .await;
    browser.see(".word.wrong #word-0").await;
    user.type_phrase(&format!("{} {rest}", phrase.as_str())).await;
    browser.read("#phrase-error", "25 words").await;

    let (wrong, at, right) = misread(&seed);
    user.type_phrase(&wrong).await;
    browser
        .read("#phrase-error .error", "together they don’t fit")
        .await;
    let offer = format!("#phrase-error [data-offer='{at}']");
    browser.read(&offer, &right).await;
    pictures(browser, "recovery-corrections").await;
    let offers = browser.driver().find_all(By::Css(&*offer)).await.expect("offers");
    for button in offers {
        let words = button.text().await.expect("its words");
        if words.ends_with(&format!(" {right}")) {
            button.click().await.expect("it is pressed");
            break;
        }
    }
    browser
        .until("the right word in its place", async || {
            let shown = browser.see(&format!("#word-{at}")).await;
            (shown.value().await.ok()?? == right).then_some(())
        })
        .await;
    browser.gone("#phrase-error .error").await;
    browser.press("#phrase-continue").await;
    user.recognises(&seed.id().to_hex()).await;

    // The same as a key; capitals and a padding of zeros do no harm, another half does.
    browser.back().await;
    browser.see("#phrase-continue").await;
    let key = seed.to_hex().to_uppercase();
    user.type_phrase(&format!("{key}{key}")).await;
    browser.read("#phrase-error", "not one of an account").await;
    user.type_phrase(&seed.id().to_hex()).await;
    browser.read("#phrase-error", "That is an Account ID").await;
    user.type_phrase(&format!(" {key}{} ", "0".repeat(32))).await;
    user.recognises(&seed.id().to_hex()).await;
}

#[tokio::test]
async fn a_phrase_that_was_kept_is_checked_without_being_shown() {
    let network = Network::start();
    let folder = TempDir::new().expect("a temporary folder");
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let browser = &ada.browser;
    let phrase = ada.phrase().await;
    browser.press("#open-settings").await;
    browser.press("#settings-recovery").await;
    browser.read("#check-date", "Not checked yet").await;

    // Another account's phrase reads, and is told to be another's.
    ada.type_phrase(Seed::from_bytes(&[3; Seed::SIZE]).phrase().as_str())
        .await;
    browser.read("#check-result", "of another account").await;
    browser.read("#check-date", "Not checked yet").await;
    pictures(browser, "recovery-check-wrong").await;

    ada.type_phrase(&phrase.replace(' ', "\n")).await;
    browser
        .read("#check-result", "That is the phrase of this account")
        .await;
    browser.read("#check-date", "Checked on").await;
    browser.gone(".words").await;
    pictures(browser, "recovery-check-right").await;
    // Some words of the list may stand in any page; all 13 of a phrase do not.
    let content = browser.content().await.to_lowercase();
    let shown = phrase.split(' ').filter(|word| content.contains(*word)).count();
    assert!(shown < 8, "{shown} words are on the page");
    browser.reload().await;
    browser.press("#open-settings").await;
    browser.read("#settings-recovery", "Checked on").await;

    // By its code as well.
    ada.show_code().await;
    let code = ada.screenshot(folder.path(), "phrase.png").await;
    browser.press("#phrase-done").await;
    browser.press("#check-phrase").await;
    browser.press("#scan-phrase").await;
    choose(browser, "#scan-picture", &[&code]).await;
    browser
        .read("#check-result", "That is the phrase of this account")
        .await;
}

#[tokio::test]
async fn the_reminder_of_the_phrase_can_be_put_off_and_leaving_still_warns() {
    let network = Network::start();
    let bert_id = Seed::from_bytes(&[4; Seed::SIZE]).id().to_hex();
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let browser = &ada.browser;
    ada.write_to(&bert_id).await;
    assert!(!browser.has("#chat-phrase").await);
    ada.send("Hello").await;
    ada.delivered().await;
    browser.see("#banner-phrase").await;
    pictures(browser, "recovery-reminder").await;
    browser.press("#banner-phrase-later").await;
    browser.gone("#banner-phrase").await;
    browser.gone("#chat-phrase").await;
    // That is kept before what comes after it: so it is there after a reload.
    ada.send("Are you there?").await;
    ada.delivered().await;
    browser.reload().await;
    ada.open(&bert_id).await;
    ada.reads("Are you there?").await;
    assert!(!browser.has("#banner-phrase").await && !browser.has("#chat-phrase").await);
    browser.press("#open-settings").await;
    browser.press("#log-out").await;
    browser
        .read("dialog .warning", "not looked at your recovery phrase")
        .await;
}
