//! QR codes before the camera and in pictures: of an account that comes back, of other people, and those that open nothing.

use std::path::{Path, PathBuf};

use holdfast_protocol::account::Seed;
use qrcodegen::{QrCode, QrCodeEcc};
use tempfile::TempDir;

use crate::driver::Browser;
use crate::files_sending::choose;
use crate::network::Network;
use crate::peer::name_is_out;
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

    pub(crate) async fn camera_is_off(&self) {
        self.browser
            .until("the camera switched off", async || {
                (self.browser.script(CAMERA_IS_OFF).await == true).then_some(())
            })
            .await;
    }
}

fn folder() -> TempDir {
    TempDir::new().expect("a temporary folder")
}

#[tokio::test]
async fn an_account_comes_back_by_its_code_before_the_camera() {
    let (network, folder) = (Network::start(), folder());
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let phrase = ada.phrase().await;
    let seed = Seed::from_phrase(&phrase).expect("her phrase");
    name_is_out(&network, &phrase).await;
    let user = User::arrive_with_code(&network, folder.path(), &seed.to_hex()).await;
    let browser = &user.browser;
    user.to_phrase("#shared-computer").await;

    browser.press("#scan-phrase").await;
    browser.read("dialog", "Your browser will ask").await;
    pictures(browser, "recovery-scan").await;
    browser.press("#scan-camera").await;
    user.recognises(&seed.id().to_hex()).await;
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
    user.recognises(&id).await;

    // Dropped, it is read as well.
    browser.back().await;
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
    user.recognises(&id).await;
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
