//! The own contact link: copied, passed on, printed, and shown as a code. What reads the codes here is none of the app.

use data_encoding::BASE64;
use rqrr::PreparedImage;
use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::prelude::*;

use crate::driver::{Browser, LAPTOP};
use crate::files_sending::awaiting;
use crate::files_showing::downloaded;
use crate::network::Network;
use crate::user::{Place, User};

/// The file of the card to print, and its width and height in pixels.
const CARD: &str = "holdfast-card.png";
const CARD_SIZE: (usize, usize) = (1_200, 800);
/// Puts a recorder in the place of the system's way to pass something on.
const SHARE: &str =
    "globalThis.passed = []; navigator.share = async (data) => { globalThis.passed.push({ ...data }); };";

/// A picture as shades of grey, one byte a pixel.
struct Grey {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Grey {
    /// Has the browser decode a PNG picture, given in base 64.
    async fn read(browser: &Browser, png: &str) -> Grey {
        let script = format!(
            "const bytes = Uint8Array.from(atob('{png}'), (digit) => digit.charCodeAt(0)); \
             const image = await createImageBitmap(new Blob([bytes], {{ type: 'image/png' }})); \
             const brush = new OffscreenCanvas(image.width, image.height).getContext('2d'); \
             brush.drawImage(image, 0, 0); \
             const {{ data }} = brush.getImageData(0, 0, image.width, image.height); \
             let text = ''; for (let at = 1; at < data.length; at += 4) text += String.fromCharCode(data[at]); \
             return {{ width: image.width, pixels: btoa(text) }};"
        );
        let answer = browser.script(&awaiting(&script)).await;
        let pixels = answer["pixels"].as_str().expect("the pixels");
        let pixels = BASE64.decode(pixels.as_bytes()).expect("base 64");
        let width = answer["width"].as_u64().expect("a width") as usize;
        Grey {
            width,
            height: pixels.len() / width,
            pixels,
        }
    }

    /// What the one code in it holds.
    fn code(&self) -> String {
        let mut image = PreparedImage::prepare_from_greyscale(self.width, self.height, |x, y| {
            self.pixels[y * self.width + x]
        });
        let grids = image.detect_grids();
        let read = grids.into_iter().filter_map(|grid| grid.decode().ok());
        let mut codes: Vec<String> = read.map(|(_, content)| content).collect();
        assert_eq!(codes.len(), 1, "{codes:?}");
        codes.remove(0)
    }
}

/// Reads the clipboard.
const CLIPBOARD: &str = "return await navigator.clipboard.readText().catch(String);";

impl User {
    /// Lets pages of the app read and write the clipboard without asking.
    async fn may_use_clipboard(&self, network: &Network) {
        let permissions = json!({
            "origin": network.app().trim_end_matches('/'),
            "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"],
        });
        self.browser.cdp("Browser.grantPermissions", permissions).await;
    }

    /// Waits until a text is in the clipboard.
    async fn clipboard_has(&self, text: &str) {
        let read = awaiting(CLIPBOARD);
        self.browser
            .until(&format!("“{text}” in the clipboard"), async || {
                (self.browser.script(&read).await == text).then_some(())
            })
            .await;
    }

    /// What the code holds that is shown in a part of the page, as a screen of many pixels shows it.
    async fn shown_code(&self, css: &str) -> String {
        let (width, height) = LAPTOP;
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 4, "mobile": false });
        self.browser
            .cdp("Emulation.setDeviceMetricsOverride", metrics)
            .await;
        let shown = self.browser.see(&format!("{css} svg.qr")).await;
        let png = shown.screenshot_as_png_base64().await.expect("a screenshot");
        self.browser.layout(LAPTOP).await;
        Grey::read(&self.browser, &png).await.code()
    }
}

#[tokio::test]
async fn the_own_link_is_copied_passed_on_printed_and_shown_as_a_code() {
    let network = Network::start();
    let ada = User::at_new_browser().await;
    let browser = &ada.browser;
    browser.before_each_page(SHARE).await;
    ada.may_use_clipboard(&network).await;
    browser.open(&network.app()).await;
    ada.create("Ada Ångström", Place::OwnDevice).await;
    let id = ada.id().await;
    let link = ada.contact_link().await;
    assert_eq!(
        link,
        format!("{}#/c/{id}?n=Ada%20%C3%85ngstr%C3%B6m", network.app())
    );

    // By keys alone.
    let copy = browser.see("#copy-link").await;
    copy.focus().await.expect("it takes the focus");
    browser.keys(Key::Enter).await;
    browser.read(".toast", "Link copied").await;
    ada.clipboard_has(&link).await;
    browser.keys(Key::Tab).await;
    browser.focused("share-link").await;
    browser.keys(Key::Enter).await;
    browser
        .until("the link passed on", async || {
            let passed = browser.script("return globalThis.passed").await;
            let passed = passed.as_array()?;
            (passed.len() == 1 && passed[0]["url"] == link).then_some(())
        })
        .await;

    assert_eq!(ada.shown_code(".contact-link").await, link);
    let person = browser.see(".share .id-groups").await;
    assert_eq!(person.attr("data-id").await.expect("an answer"), Some(id.clone()));
    assert_eq!(ada.shown_code(".card:not(.contact-link) > .share").await, id);

    let folder = TempDir::new().expect("a temporary folder");
    ada.downloads_to(folder.path()).await;
    assert_eq!(printed(&ada, &folder).await, link);

    // Without the name, wherever it goes.
    browser.press("#link-name").await;
    let nameless = format!("{}#/c/{id}", network.app());
    browser
        .until("the link without the name", async || {
            (ada.contact_link().await == nameless).then_some(())
        })
        .await;
    assert_eq!(ada.shown_code(".contact-link").await, nameless);
    browser.press("#share-link").await;
    let last = browser.script("return globalThis.passed.at(-1).url").await;
    assert_eq!(last, nameless);
    std::fs::remove_file(folder.path().join(CARD)).expect("the card goes");
    assert_eq!(printed(&ada, &folder).await, nameless);
    browser.is_quiet().await;
}

/// Saves the card, and reads the code that is printed on it.
pub(crate) async fn printed(user: &User, folder: &TempDir) -> String {
    user.browser.press("#save-card").await;
    let png = downloaded(user, folder.path(), CARD).await;
    let card = Grey::read(&user.browser, &BASE64.encode(&png)).await;
    assert_eq!((card.width, card.height), CARD_SIZE);
    card.code()
}

#[tokio::test]
async fn a_shared_computer_keeps_no_card_and_a_browser_without_the_ways_offers_none() {
    let network = Network::start();
    let ada = User::arrive(&network).await;
    let browser = &ada.browser;
    browser
        .script("Object.defineProperty(navigator, 'clipboard', { value: undefined });")
        .await;
    ada.create("Ada", Place::SharedComputer).await;
    let link = ada.contact_link().await;
    let offered = browser
        .script("return ['copy-link', 'share-link', 'save-card'].map((id) => document.getElementById(id) !== null)")
        .await;
    let shares = browser.script("return 'share' in navigator").await;
    assert_eq!(
        offered,
        Value::from(vec![Value::from(true), shares, Value::from(false)])
    );
    // What can't be copied says so, and the link stands there to be copied by hand.
    browser.press("#copy-link").await;
    browser.read(".toast", "does not allow copying").await;
    browser.read(".link-text-own", &link).await;
}

#[tokio::test]
async fn what_was_copied_at_a_shared_computer_is_overwritten_when_the_session_is_ended() {
    let network = Network::start();
    let ada = User::at_new_browser().await;
    let browser = &ada.browser;
    ada.may_use_clipboard(&network).await;
    browser.open(&network.app()).await;
    ada.create("Ada", Place::SharedComputer).await;
    let link = ada.contact_link().await;
    browser.press("#copy-link").await;
    ada.clipboard_has(&link).await;
    // The phrase can't be copied here at all, as it can on a device of one's own.
    browser.press("#show-phrase").await;
    browser.press("#reveal-phrase").await;
    browser.see("#phrase-done").await;
    assert!(!browser.has("#phrase-copy").await);
    browser.press("#phrase-done").await;
    ada.end_session().await;
    ada.clipboard_has(" ").await;

    ada.create("Ada", Place::OwnDevice).await;
    browser.press("#open-profile").await;
    browser.press("#show-phrase").await;
    browser.press("#reveal-phrase").await;
    browser.see("#phrase-copy").await;
}
