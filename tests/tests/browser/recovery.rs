//! Ways into an account besides its words, typed well: a word that is wrong, the key in hex, a QR code before the camera or in
//! a picture; the check of what was kept; and codes of other people.

use std::path::{Path, PathBuf};

use holdfast_protocol::account::{PhraseError, Seed, phrase};
use qrcodegen::{QrCode, QrCodeEcc};
use tempfile::TempDir;
use thirtyfour::prelude::*;

use crate::driver::Browser;
use crate::files_sending::choose;
use crate::network::Network;
use crate::screens::pictures;
use crate::user::{Place, User};

/// The camera's picture, pixels.
const WIDTH: usize = 640;
const HEIGHT: usize = 480;
/// Frames of the film, which begins anew at its end.
const FRAMES: usize = 4;
/// How bright dark and light are in a film.
const DARK: u8 = 24;
const LIGHT: u8 = 225;
/// Keeps the streams that the page gets, so that a test sees whether their tracks were stopped.
const KEEP_STREAMS: &str = "
    window.streams = [];
    const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (wish) => {
        const stream = await open(wish);
        window.streams.push(stream);
        return stream;
    };";
/// Whether the page had a camera, and has let go of it.
const CAMERA_IS_OFF: &str = "
    return window.streams.length > 0
        && window.streams.every((stream) => stream.getTracks().every((track) => track.readyState === 'ended'));";

/// A film of a sheet of paper with a code, as a camera file that Chromium reads.
fn film(folder: &Path, content: &str) -> PathBuf {
    const MODULE: usize = 8;
    let code = QrCode::encode_text(content, QrCodeEcc::Medium).expect("it fits");
    let size = code.size() as usize * MODULE;
    let (left, top) = ((WIDTH - size) / 2, (HEIGHT - size) / 2);
    let mut frame = b"FRAME\n".to_vec();
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            let inside = (left..left + size).contains(&x) && (top..top + size).contains(&y);
            let dark = inside && code.get_module(((x - left) / MODULE) as i32, ((y - top) / MODULE) as i32);
            frame.push(if dark { DARK } else { LIGHT });
        }
    }
    // Without colour.
    frame.extend(std::iter::repeat_n(128, WIDTH * HEIGHT / 2));
    let mut film = format!("YUV4MPEG2 W{WIDTH} H{HEIGHT} F10:1 Ip A1:1 C420jpeg\n").into_bytes();
    for _ in 0..FRAMES {
        film.extend(&frame);
    }
    let file = folder.join("camera.y4m");
    std::fs::write(&file, film).expect("the film is written");
    file
}

impl User {
    /// Opens the app in a new browser whose camera sees a code.
    pub(crate) async fn arrive_with_code(network: &Network, folder: &Path, content: &str) -> User {
        let browser = Browser::start_filming(&film(folder, content)).await;
        browser.open(&network.app()).await;
        browser.see("#create-account").await;
        browser.script(KEEP_STREAMS).await;
        User { browser }
    }

    /// Goes to the screen where a phrase is entered.
    async fn to_phrase(&self, place: &str) {
        self.browser.press("#have-account").await;
        self.browser.press(place).await;
        self.browser.see("#phrase-continue").await;
    }

    /// Enters a text in the form for a phrase.
    async fn type_phrase(&self, text: &str) {
        if !self.browser.has("#phrase-text").await {
            self.browser.press(".word-tools button:first-child").await;
        }
        self.browser
            .see("#phrase-text")
            .await
            .clear()
            .await
            .expect("it is emptied");
        self.browser.fill("#phrase-text", text).await;
        self.browser.press("#phrase-continue").await;
    }

    pub(crate) async fn camera_is_off(&self) {
        self.browser
            .until("the camera switched off", async || {
                (self.browser.script(CAMERA_IS_OFF).await == true).then_some(())
            })
            .await;
    }

    /// Sees whose account was recognised.
    async fn recognises(&self, seed: &Seed) {
        let id = seed.id().to_hex();
        self.browser.see("#restore-continue").await;
        self.browser.read(".recognised .short-id", &id[..4]).await;
        self.browser.read(".recognised .short-id", &id[62..]).await;
    }

    /// A picture of the whole page in a file, as somebody's screenshot.
    async fn screenshot(&self, folder: &Path, name: &str) -> PathBuf {
        let file = folder.join(name);
        self.browser
            .driver()
            .screenshot(&file)
            .await
            .expect("a screenshot");
        file
    }

    /// Shows the QR code of the own phrase.
    async fn show_code(&self) {
        self.browser.press("#open-profile").await;
        self.browser.press("#show-phrase").await;
        self.browser.press("#reveal-phrase").await;
        self.browser.press("#phrase-code").await;
        self.browser.see("#phrase-qr svg").await;
    }
}

fn folder() -> TempDir {
    TempDir::new().expect("a temporary folder")
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
        if button
            .text()
            .await
            .is_ok_and(|text| text.ends_with(&format!(" {right}")))
        {
            button.click().await.expect("it is pressed");
            break;
        }
    }
    let shown = browser.see(&format!("#word-{at}")).await;
    assert_eq!(shown.value().await.expect("a value"), Some(right));
    browser.gone("#phrase-error .error").await;
    browser.press("#phrase-continue").await;
    user.recognises(&seed).await;

    // The same as a key; capitals and a padding of zeros do no harm, another half does.
    browser.driver().back().await.expect("back");
    browser.see("#phrase-continue").await;
    let key = seed.to_hex().to_uppercase();
    user.type_phrase(&format!("{key}{key}")).await;
    browser.read("#phrase-error", "not one of an account").await;
    user.type_phrase(&seed.id().to_hex()).await;
    browser.read("#phrase-error", "That is an Account ID").await;
    user.type_phrase(&format!(" {key}{} ", "0".repeat(32))).await;
    user.recognises(&seed).await;
}

#[tokio::test]
async fn an_account_comes_back_by_its_code_before_the_camera() {
    let (network, folder) = (Network::start(), folder());
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    ada.connected().await;
    let seed = Seed::from_phrase(&ada.phrase().await).expect("her phrase");
    let user = User::arrive_with_code(&network, folder.path(), &seed.to_hex()).await;
    let browser = &user.browser;
    user.to_phrase("#shared-computer").await;

    browser.press("#scan-phrase").await;
    browser.read("dialog", "Your browser will ask").await;
    pictures(browser, "recovery-scan").await;
    browser.press("#scan-camera").await;
    user.recognises(&seed).await;
    user.camera_is_off().await;
    browser.gone("video").await;
    browser.press("#restore-continue").await;
    user.home().await;
    browser.press("#open-profile").await;
    browser.read(".own-name", "Ada").await;
}

#[tokio::test]
async fn a_code_that_opens_nothing_is_answered_and_the_camera_let_go() {
    let (network, folder) = (Network::start(), folder());
    let id = Seed::from_bytes(&[9; Seed::SIZE]).id();
    let user = User::arrive_with_code(&network, folder.path(), &id.to_hex()).await;
    let browser = &user.browser;
    user.to_phrase("#own-device").await;
    browser.press("#scan-phrase").await;
    browser.press("#scan-camera").await;
    browser.see(".scan-view video").await;
    browser
        .read("#scan-error", "This is an Account ID, not a recovery code")
        .await;
    pictures(browser, "recovery-camera").await;
    browser.press("#scan-cancel").await;
    browser.gone("video").await;
    user.camera_is_off().await;

    // Every way that a camera can fail has its own words, and the picture stays as a way on.
    for (name, words) in [
        ("NotAllowedError", "doesn’t let Holdfast use the camera"),
        ("NotFoundError", "No camera was found"),
        ("NotReadableError", "in use by another program"),
        ("TypeError", "can’t use a camera here"),
    ] {
        browser
            .script(&format!(
                "navigator.mediaDevices.getUserMedia = async () => {{ throw new DOMException('', '{name}'); }}"
            ))
            .await;
        browser.press("#scan-phrase").await;
        browser.press("#scan-camera").await;
        browser.read("#scan-error", words).await;
        browser.see("#scan-choose").await;
        browser.press("#scan-cancel").await;
        browser.gone("#scan-error").await;
    }
}

#[tokio::test]
async fn an_account_comes_back_by_a_screenshot_of_its_code() {
    let (network, folder) = (Network::start(), folder());
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let id = ada.id().await;
    let of_id = ada.screenshot(folder.path(), "id.png").await;
    ada.show_code().await;
    pictures(&ada.browser, "recovery-phrase-code").await;
    let of_phrase = ada.screenshot(folder.path(), "phrase.png").await;
    ada.browser.press("#phrase-done").await;
    ada.browser.gone("#phrase-qr").await;
    let text = folder.path().join("notes.png");
    std::fs::write(&text, "not a picture at all").expect("a file");

    let user = User::arrive(&network).await;
    let browser = &user.browser;
    let start = user.screenshot(folder.path(), "start.png").await;
    user.to_phrase("#shared-computer").await;
    for (file, words) in [
        (&text, "can’t be opened as a picture"),
        (&start, "no readable QR code"),
        (&of_id, "This is an Account ID"),
    ] {
        browser.press("#scan-phrase").await;
        choose(browser, "#scan-picture", &[file]).await;
        browser.read("#scan-error", words).await;
        browser.press("#scan-cancel").await;
        browser.gone("#scan-error").await;
    }
    browser.press("#scan-phrase").await;
    choose(browser, "#scan-picture", &[&of_phrase]).await;
    browser.read(".recognised .short-id", &id[..4]).await;
    browser.read(".recognised .short-id", &id[62..]).await;

    // Dropped, it is read as well.
    browser.driver().back().await.expect("back");
    browser.see("#phrase-continue").await;
    let picture = data_encoding::BASE64.encode(&std::fs::read(&of_phrase).expect("the picture"));
    browser
        .script(&format!(
            "const bytes = Uint8Array.from(atob('{picture}'), (digit) => digit.charCodeAt(0));
             const data = new DataTransfer();
             data.items.add(new File([bytes], 'phrase.png', {{ type: 'image/png' }}));
             document.querySelector('#phrase-continue').dispatchEvent(
                 new DragEvent('drop', {{ dataTransfer: data, bubbles: true, cancelable: true }}));"
        ))
        .await;
    browser.see("#restore-continue").await;
    browser.read(".recognised .short-id", &id[62..]).await;
}

#[tokio::test]
async fn a_phrase_that_was_kept_is_checked_without_being_shown() {
    let (network, folder) = (Network::start(), folder());
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
    // A word of the list may stand in any sentence of the page; the phrase does not.
    let text = browser.script("return document.body.innerText").await;
    let text = text.as_str().expect("a text").to_lowercase();
    let shown = phrase.split(' ').filter(|word| text.contains(*word)).count();
    assert!(shown < 5, "{shown} words are on the page");
    browser.driver().refresh().await.expect("the page reloads");
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
async fn a_contacts_code_opens_a_chat_and_a_secret_one_does_not() {
    let (network, folder) = (Network::start(), folder());
    let bert = User::join(&network, "Bert", Place::SharedComputer).await;
    let bert_id = bert.id().await;
    let link = format!("{}#/c/{bert_id}?n=Bert", network.app());
    let ada = User::arrive_with_code(&network, folder.path(), &link).await;
    ada.create("Ada", Place::OwnDevice).await;
    let browser = &ada.browser;

    ada.show_code().await;
    let secret = ada.screenshot(folder.path(), "secret.png").await;
    browser.press("#phrase-done").await;
    browser.press("#new-conversation").await;
    browser.press("#scan-id").await;
    choose(browser, "#scan-picture", &[&secret]).await;
    browser.read("#scan-error", "This is a recovery code").await;
    pictures(browser, "recovery-secret").await;
    browser.press("#scan-camera").await;
    browser.see("#message-text").await;
    ada.camera_is_off().await;
    ada.send("Found you by your code").await;
    ada.delivered().await;
    let ada_id = ada.id().await;
    bert.open(&ada_id).await;
    bert.reads("Found you by your code").await;
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
    // What comes after it was kept: so it is kept too.
    ada.send("Are you there?").await;
    ada.delivered().await;
    browser.driver().refresh().await.expect("the page reloads");
    ada.home().await;
    assert!(!browser.has("#banner-phrase").await);
    browser.press("#open-settings").await;
    browser.press("#log-out").await;
    browser
        .read("dialog .warning", "not looked at your recovery phrase")
        .await;
}
