//! A kiosk: what people can do there, what they can't, and that nothing of them stays.

use holdfast_protocol::account::Seed;
use serde_json::{Value, json};
use thirtyfour::prelude::*;
use tokio::task::LocalSet;

use crate::driver::{Browser, LAPTOP, PHONE};
use crate::files_sending::awaiting;
use crate::network::Network;
use crate::peer::{Peer, Sent};
use crate::samples::coast;
use crate::screens::pictures;
use crate::traces::bytes_of;
use crate::user::User;

/// Everything that a page can have a browser keep, and what its history knows of this entry.
const KEPT: &str = "const names = await caches.keys(); const workers = await navigator.serviceWorker.getRegistrations(); \
     const databases = await indexedDB.databases(); \
     return [localStorage.length, sessionStorage.length, names.length, workers.length, databases.length, \
         document.cookie.length, document.querySelectorAll('link[rel=manifest]').length];";

/// A visitor of a kiosk, and somebody at a native client who can be written to there.
pub(crate) struct Visit {
    pub(crate) network: Network,
    pub(crate) desk: Peer,
    pub(crate) visitor: User,
}

impl Visit {
    /// Opens the app of a kiosk; `allowed` gains the desk as the only person who can be written to.
    pub(crate) async fn begin(mut allowed: Value) -> Visit {
        let mut network = Network::start();
        let desk = Peer::join(&network, "Desk Marrowbone").await;
        allowed["version"] = json!(1);
        allowed["contacts"] = json!([{ "id": desk.id(), "name": "Front desk" }]);
        network.become_kiosk(&allowed);
        let visitor = User {
            browser: Browser::start().await,
        };
        visitor.browser.open(&network.app()).await;
        visitor.browser.see(".kiosk-start").await;
        Visit {
            network,
            desk,
            visitor,
        }
    }

    /// Chooses the desk and gives a name, up to the open conversation.
    pub(crate) async fn enter(&self, name: &str) {
        let browser = &self.visitor.browser;
        browser
            .press(&format!("[data-contact='{}']", self.desk.id()))
            .await;
        browser.fill("#display-name", name).await;
        browser.press("#name-continue").await;
        browser.see("#message-text").await;
    }

    /// Writes to the desk and gets an answer.
    pub(crate) async fn talk(&self, text: &str, answer: &str) -> String {
        self.visitor.send(text).await;
        self.visitor.delivered().await;
        let id = self.desk.accept_next().await;
        self.desk.reads(&id, text).await;
        self.desk.send(&id, answer, &[]).await;
        self.visitor.reads(answer).await;
        id
    }

    /// The start page, with nothing of anybody.
    pub(crate) async fn is_fresh(&self) {
        let browser = &self.visitor.browser;
        browser.see(".kiosk-start").await;
        assert!(!browser.has(".home").await);
        assert!(!browser.has("#end-session").await);
        assert_eq!(
            browser.script(&awaiting(KEPT)).await,
            json!([0, 0, 0, 0, 0, 0, 0])
        );
        let address = browser.script("return location.href").await;
        assert_eq!(address, json!(self.network.app()));
    }
}

/// Runs a test at a kiosk.
pub(crate) async fn at_kiosk(allowed: Value, test: impl AsyncFnOnce(Visit)) {
    let run = async { test(Visit::begin(allowed).await).await };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn nothing_of_a_session_stays_in_the_browser() {
    let allowed = json!({ "name": "Harbour library", "allow": ["restore"], "language": "en" });
    at_kiosk(allowed, async |visit: Visit| {
        let browser = &visit.visitor.browser;
        browser.read("h1", "Harbour library").await;
        visit.enter("Visitor Quillfeather").await;
        let id = visit
            .talk("the heron lands at midnight", "bring a lantern of brass")
            .await;
        browser.fill("#message-text", "an unsent pelican draft").await;
        assert_eq!(browser.script("return document.title").await, "Messages");
        let address = browser.script("return location.href").await;
        assert_eq!(address, json!(visit.network.app()));
        browser.press("#end-session").await;
        visit.is_fresh().await;

        // Back and forward, and a reload.
        for script in ["history.back()", "history.forward()", "location.reload()"] {
            browser.script(script).await;
            visit.is_fresh().await;
        }

        // A phrase typed here leaves nothing either.
        let seed = Seed::from_bytes(&[7; 16]);
        let phrase = seed.phrase().as_str().to_owned();
        browser.press("#have-account").await;
        browser.press("#type-anyway").await;
        visit.visitor.enter_phrase(&phrase).await;
        browser.press("#restore-continue").await;
        browser.gone("#restore-continue").await;
        browser.press("#end-session").await;
        visit.is_fresh().await;

        let mut secrets: Vec<Vec<u8>> = [
            "Visitor Quillfeather",
            "Quillfeather",
            "Marrowbone",
            "heron lands",
            "lantern of brass",
            "unsent pelican",
        ]
        .map(|text| text.as_bytes().to_vec())
        .to_vec();
        for id in [id, visit.desk.id(), seed.id().to_hex()] {
            // The desk's id is in kiosk.json, which is never kept either.
            secrets.extend([
                id.clone().into_bytes(),
                id.to_uppercase().into_bytes(),
                bytes_of(&id),
            ]);
        }
        let words: Vec<&str> = phrase.split(' ').collect();
        secrets.extend(words.windows(2).map(|pair| pair.join(" ").into_bytes()));
        let remains = visit.visitor.browser.quit().await;
        assert_eq!(remains.files_with(&secrets), Vec::<String>::new());
        assert_eq!(remains.database_bytes(), 0, "no database was made");
    })
    .await;
}

#[tokio::test]
async fn the_next_user_starts_clean_after_a_crash() {
    at_kiosk(json!({}), async |visit: Visit| {
        visit.enter("Visitor Quillfeather").await;
        visit
            .talk("the heron lands at midnight", "bring a lantern of brass")
            .await;
        visit
            .visitor
            .browser
            .fill("#message-text", "an unsent pelican draft")
            .await;
        let Visit {
            network,
            desk,
            visitor,
        } = visit;
        let visitor = visitor.killed(&network).await;
        let visit = Visit {
            network,
            desk,
            visitor,
        };
        visit.is_fresh().await;
        let secrets = [
            "Quillfeather",
            "heron lands",
            "lantern of brass",
            "unsent pelican",
        ]
        .map(|text| text.as_bytes().to_vec());
        let remains = visit.visitor.browser.quit().await;
        assert_eq!(remains.files_with(&secrets), Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn only_what_is_allowed_is_there() {
    at_kiosk(json!({}), async |visit: Visit| {
        let browser = &visit.visitor.browser;
        assert!(!browser.has("#have-account").await, "no phrase can be typed");
        assert!(
            !browser.has("#create-account").await,
            "only the desk can be written to"
        );
        visit.enter("Visitor").await;
        let id = visit
            .talk("Hello, see https://example.org/tides", "Hello visitor")
            .await;
        for absent in [
            "#open-profile",
            "button#open-network",
            "#search",
            "#attach",
            "#record-voice",
            ".text a",
            ".banner",
        ] {
            assert!(!browser.has(absent).await, "{absent}");
        }
        browser.read(".text", "https://example.org/tides").await;
        browser.read(".heading-name", "Front desk").await;
        pictures(browser, "kiosk-2-conversation").await;

        // What the desk sends can be looked at, and not be written to the disk.
        let photo = Sent {
            size: (640, 480),
            ..Sent::new("coast.png", "image/png", coast(640, 480, 3))
        };
        visit.desk.send(&id, "The coast", &[photo]).await;
        visit.visitor.reads("The coast").await;
        browser.press("article.message [data-act=load]").await;
        browser.press("#load-once").await;
        browser.press("article.message [data-act=look]").await;
        browser.see(".viewer").await;
        assert!(!browser.has("#viewer-save").await);
        browser
            .driver()
            .active_element()
            .await
            .expect("a focus")
            .send_keys(Key::Escape)
            .await
            .expect("Escape is pressed");
        browser.gone(".viewer").await;

        browser.press("#new-conversation").await;
        browser.see(".kiosk-people").await;
        assert!(!browser.has("#account-id").await);
        browser.press("#open-settings").await;
        browser.see("#settings-language").await;
        for absent in [
            "#log-out",
            "#clear-device",
            "#settings-notifications",
            "#settings-storage",
            "#settings-requests",
            "#settings-network",
            "#settings-appearance",
        ] {
            assert!(!browser.has(absent).await, "{absent}");
        }
        pictures(browser, "kiosk-3-settings").await;
        assert_eq!(browser.console().await, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn neither_address_nor_storage_loosens_it() {
    let allowed = json!({ "languages": ["de", "ar"], "theme": "dark" });
    at_kiosk(allowed, async |visit: Visit| {
        let browser = &visit.visitor.browser;
        browser.see("html[lang=de][data-theme=dark]").await;
        browser
            .script(
                "localStorage.setItem('holdfast.language', 'ru'); localStorage.setItem('holdfast.theme', 'light'); \
                 localStorage.setItem('holdfast', 'kept'); localStorage.setItem('kiosk', 'off');",
            )
            .await;
        let stranger = format!("05{}", "3".repeat(64));
        let address = format!("{}?kiosk=off&lang=ru&share=lost#/c/{stranger}", visit.network.app());
        browser.open("about:blank").await;
        browser.open(&address).await;
        browser.see(".kiosk-start").await;
        browser.see("html[lang=de][data-theme=dark]").await;
        assert!(!browser.has(".invited").await && !browser.has("#own-device").await);
        let offered = browser
            .script("return [...document.querySelectorAll('#start-language option')].map((o) => o.value)")
            .await;
        assert_eq!(offered, json!(["de", "ar"]));
        visit.enter("Visitor").await;
        browser
            .script(&format!("location.hash = '#/c/{stranger}'"))
            .await;
        // The list is shown, as after any way back, and has nobody new.
        browser
            .press(&format!(".row[data-conversation='{}']", visit.desk.id()))
            .await;
        browser.read(".heading-name", "Front desk").await;
        assert!(
            !browser
                .has(&format!(".row[data-conversation='{stranger}']"))
                .await
        );
    })
    .await;
}

#[tokio::test]
async fn a_file_that_does_not_come_allows_nothing() {
    at_kiosk(json!({ "allow": ["restore"] }), async |visit: Visit| {
        let browser = &visit.visitor.browser;
        browser.cdp("Network.enable", json!({})).await;
        browser
            .cdp("Network.setBlockedURLs", json!({ "urls": ["*kiosk.json*"] }))
            .await;
        browser.driver().refresh().await.expect("the page reloads");
        browser.see("#kiosk-closed").await;
        for absent in [
            "#create-account",
            "#have-account",
            "[data-contact]",
            "#display-name",
            ".home",
        ] {
            assert!(!browser.has(absent).await, "{absent}");
        }
        pictures(browser, "kiosk-5-closed").await;
        browser.cdp("Network.setBlockedURLs", json!({ "urls": [] })).await;
        browser.press("#kiosk-closed button").await;
        visit.is_fresh().await;
    })
    .await;
}

#[tokio::test]
async fn anybody_can_be_written_to_where_nobody_is_named() {
    let mut network = Network::start();
    let local = LocalSet::new();
    local
        .run_until(async {
            let desk = Peer::join(&network, "Desk").await;
            network.become_kiosk(&json!({ "version": 1, "allow": ["account_id", "restore"] }));
            let visitor = User {
                browser: Browser::start().await,
            };
            let browser = &visitor.browser;
            browser.open(&network.app()).await;
            browser.press("#have-account").await;
            browser.see("#type-anyway").await;
            pictures(browser, "kiosk-4-caution").await;
            browser.press("#new-instead").await;
            browser.press("#create-account").await;
            browser.fill("#display-name", "Visitor").await;
            browser.press("#name-continue").await;
            visitor.home().await;
            visitor.id().await;
            for absent in ["#show-phrase", "#edit-name", ".contact-link", "#choose-picture"] {
                assert!(!browser.has(absent).await, "{absent}");
            }
            visitor.write_to(&desk.id()).await;
            visitor.send("Good morning").await;
            visitor.delivered().await;
            assert!(!browser.has("#chat-phrase").await && !browser.has("#banner-phrase").await);
        })
        .await;
}

#[tokio::test]
async fn the_keyboard_on_the_screen_writes_where_the_focus_is() {
    let allowed =
        json!({ "keyboard": true, "languages": ["en", "ar"], "name": "Harbour library", "logo": "logo.png" });
    let run = async {
        let mut network = Network::start();
        let desk = Peer::join(&network, "Desk").await;
        network.beside_kiosk("logo.png", &coast(240, 80, 5));
        let mut allowed = allowed;
        allowed["version"] = json!(1);
        allowed["contacts"] = json!([{ "id": desk.id(), "name": "Front desk" }]);
        network.become_kiosk(&allowed);
        let visitor = User {
            browser: Browser::start().await,
        };
        let browser = &visitor.browser;
        browser.open(&network.app()).await;
        browser
            .until("the logo", async || {
                let width = "return document.querySelector('.kiosk-logo')?.naturalWidth";
                (browser.script(width).await == json!(240)).then_some(())
            })
            .await;
        assert!(!browser.has(".keyboard").await, "nothing is written in");
        pictures(browser, "kiosk-1-start").await;
        browser.press(&format!("[data-contact='{}']", desk.id())).await;
        browser.see(".keyboard").await;
        pictures(browser, "kiosk-6-keyboard").await;
        press_keys(browser, "⇧Ada⌫a").await;
        let value = "return [document.querySelector('#display-name').value, document.activeElement.id]";
        assert_eq!(browser.script(value).await, json!(["Ada", "display-name"]));
        press_keys(browser, "⏎").await;
        browser.see("#message-text").await;
        browser.press("#message-text").await;
        press_keys(browser, "hi 2").await;
        press_keys(browser, "⏎").await;
        visitor.reads("hi 2").await;

        // A modal end is not needed for another language: the letters follow.
        browser.press("#open-settings").await;
        browser.press("#settings-language option[value=ar]").await;
        browser.see("html[dir=rtl]").await;
        browser
            .press(&format!(".row[data-conversation='{}']", desk.id()))
            .await;
        browser.press("#message-text").await;
        press_keys(browser, "سلام").await;
        let written = browser
            .script("return document.querySelector('#message-text').value")
            .await;
        assert_eq!(written, "سلام");
        for size in [PHONE, LAPTOP] {
            browser.layout(size).await;
            browser
                .picture(&format!("kiosk-7-keyboard-arabic-{}", size.0))
                .await;
            let out = browser
                .script(
                    "const wide = document.documentElement.clientWidth; \
                     return [...document.querySelectorAll('.key')].filter((key) => { const r = \
                     key.getBoundingClientRect(); return r.left < 0 || r.right > wide || r.height < 44; }).length",
                )
                .await;
            assert_eq!(out, json!(0), "every key is on the screen and large enough");
        }
    };
    LocalSet::new().run_until(run).await;
}

/// Taps keys by what stands on them.
async fn press_keys(browser: &Browser, keys: &str) {
    for key in keys.chars() {
        let path = match key {
            ' ' => "//button[@data-key='space']".to_owned(),
            '⇧' => "//button[@data-key='shift']".to_owned(),
            '⌫' => "//button[@data-key='backspace']".to_owned(),
            '⏎' => "//button[@data-key='enter']".to_owned(),
            letter => format!("//button[@data-key='letter' and text()='{letter}']"),
        };
        browser
            .until(&format!("the key {key}"), async || {
                browser
                    .driver()
                    .find(By::XPath(path.as_str()))
                    .await
                    .ok()?
                    .click()
                    .await
                    .ok()
            })
            .await;
    }
}
