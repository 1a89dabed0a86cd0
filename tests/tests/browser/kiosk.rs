//! A kiosk: what people can do there, and what they can't.

use serde_json::{Value, json};
use thirtyfour::prelude::*;
use tokio::task::LocalSet;

use crate::files_sending::awaiting;
use crate::kiosk_allowed::on_paper;
use crate::network::Network;
use crate::peer::{Peer, Sent};
use crate::samples::coast;
use crate::screens::pictures;
use crate::user::User;

/// A logo beside every `kiosk.json`, for those that name it, and its width in pixels.
pub(crate) const LOGO: (&str, u32) = ("logo.png", 240);

/// How much there is of each kind of thing that a page can have a browser keep; and whether the app can be installed.
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
    /// Opens the app of a kiosk. Where the desk is `alone`, nobody else can be written to.
    async fn begin(mut allowed: Value, alone: bool) -> Visit {
        let mut network = Network::start();
        let desk = Peer::join(&network, "Desk Marrowbone").await;
        allowed["version"] = json!(1);
        if alone {
            allowed["contacts"] = json!([{ "id": desk.id(), "name": "Front desk" }]);
        }
        network.beside_kiosk(LOGO.0, &coast(LOGO.1, 80, 5));
        network.become_kiosk(&allowed);
        let visitor = User::at_new_browser().await;
        visitor.browser.open(&network.app()).await;
        visitor.browser.see(".kiosk-start").await;
        Visit {
            network,
            desk,
            visitor,
        }
    }

    /// Chooses the desk.
    pub(crate) async fn choose_desk(&self) {
        let desk = format!("[data-contact='{}']", self.desk.id());
        self.visitor.browser.press(&desk).await;
    }

    /// Chooses the desk and gives a name, up to the open conversation.
    pub(crate) async fn enter(&self, name: &str) {
        let browser = &self.visitor.browser;
        self.choose_desk().await;
        browser.fill("#display-name", name).await;
        browser.press("#name-continue").await;
        browser.see("#message-text").await;
    }

    /// Writes to the desk and gets an answer; gives the visitor's id.
    pub(crate) async fn talk(&self, text: &str, answer: &str) -> String {
        self.visitor.send(text).await;
        self.visitor.delivered().await;
        let id = self.desk.accept_next().await;
        self.desk.hears(&id, text).await;
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

/// Runs a test at a kiosk where only the desk can be written to.
pub(crate) async fn at_kiosk(allowed: Value, test: impl AsyncFnOnce(Visit)) {
    let run = async { test(Visit::begin(allowed, true).await).await };
    LocalSet::new().run_until(run).await;
}

/// Runs a test at a kiosk where anybody can be written to.
async fn at_open_kiosk(allowed: Value, test: impl AsyncFnOnce(Visit)) {
    let run = async { test(Visit::begin(allowed, false).await).await };
    LocalSet::new().run_until(run).await;
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
        browser.keys(Key::Escape).await;
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
        assert_eq!(on_paper(browser).await, "none", "sheets are blank");
        browser.is_quiet().await;
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
        browser.reload().await;
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
async fn a_kiosk_that_reaches_nobody_says_so_and_offers_no_panel() {
    at_kiosk(json!({}), async |mut visit: Visit| {
        visit.enter("Visitor").await;
        visit.network.stop();
        visit.visitor.send("Is anybody there?").await;
        let browser = &visit.visitor.browser;
        browser.see(".bars .bar").await;
        assert!(!browser.has(".bar-action").await, "there is nothing to go to");
    })
    .await;
}

#[tokio::test]
async fn anybody_can_be_written_to_where_nobody_is_named() {
    let allowed = json!({ "allow": ["account_id", "restore"] });
    at_open_kiosk(allowed, async |visit: Visit| {
        let (visitor, desk) = (&visit.visitor, &visit.desk);
        let browser = &visitor.browser;
        browser.press("#have-account").await;
        browser.see("#type-anyway").await;
        pictures(browser, "kiosk-4-caution").await;
        browser.press("#new-instead").await;
        browser.press("#create-account").await;
        browser.fill("#display-name", "Visitor").await;
        browser.press("#name-continue").await;
        visitor.home().await;
        let id = visitor.id().await;
        for absent in ["#show-phrase", "#edit-name", ".contact-link", "#choose-picture"] {
            assert!(!browser.has(absent).await, "{absent}");
        }
        visitor.write_to(&desk.id()).await;
        visitor.send("Good morning").await;
        visitor.delivered().await;
        desk.accept(&id).await;
        desk.send(&id, "Good morning to you", &[]).await;
        visitor.reads("Good morning to you").await;
        // Elsewhere this is when the phrase is offered.
        assert!(!browser.has("#chat-phrase").await && !browser.has("#banner-phrase").await);
    })
    .await;
}
