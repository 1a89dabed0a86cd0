//! Previews of links: made on request only, through the network's helper, by whoever turned them on.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::response::Html;
use axum::routing::get;
use holdfast_client::api::{LinkImage, NewLink};
use holdfast_node::net::server::{Stopper, serve, stopper};
use holdfast_node::net::tls;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::LocalSet;

use crate::files_sending::{choose, staged};
use crate::files_showing::{Friends, friends_on, with_friends};
use crate::network::Network;
use crate::samples::coast;
use crate::screens::pictures;
use crate::user::{Place, User};

/// A site on this machine with pages to link to.
struct Site {
    address: String,
    /// Its certificate is in there.
    folder: TempDir,
    /// What was asked of it.
    visits: Arc<Mutex<Vec<String>>>,
    _stopper: Stopper,
}

impl Site {
    async fn start() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
        let (certificate, key) = (folder.path().join("site.pem"), folder.path().join("site.key"));
        std::fs::write(&certificate, made.cert.pem()).expect("written");
        std::fs::write(&key, made.signing_key.serialize_pem()).expect("written");
        let tls = tls::server_from_files(&certificate, &key).expect("a configuration");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let visits: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = Arc::clone(&visits);
        let page = "<title>Tides</title><meta property=og:title content='Tide tables for the northern reef'>\
            <meta property=og:image content=/coast.png>";
        let pages = Router::new()
            .route("/tides", get(move || async move { Html(page) }))
            .route("/blank", get(|| async { Html("") }))
            .route("/coast.png", get(|| async { coast(640, 336, 3) }))
            .layer(axum::middleware::map_request(move |request: Request| {
                let log = Arc::clone(&log);
                async move {
                    log.lock()
                        .expect("nobody panicked")
                        .push(request.uri().path().to_owned());
                    request
                }
            }));
        let (stopper, stopping) = stopper();
        tokio::spawn(serve(listener, Some(tls), pages, stopping));
        Self {
            address: format!("https://127.0.0.1:{port}"),
            folder,
            visits,
            _stopper: stopper,
        }
    }

    fn visits(&self) -> Vec<String> {
        self.visits.lock().expect("nobody panicked").clone()
    }
}

impl User {
    /// Types a text without sending it.
    async fn types(&self, text: &str) {
        self.browser.fill("#message-text", text).await;
    }
}

#[tokio::test]
async fn a_preview_is_made_on_request_only_and_arrives() {
    LocalSet::new()
        .run_until(async {
            let site = Site::start().await;
            let network = Network::start_trusting(&site.folder.path().join("site.pem"));
            let Friends {
                network: _network,
                ada,
                ada_id,
                bert,
            } = friends_on(network, Place::OwnDevice).await;
            let browser = &ada.browser;
            let link = format!("{}/tides", site.address);

            // Off until somebody turns it on.
            ada.types(&format!("Look: {link}")).await;
            browser.see("#send-message").await;
            assert!(!browser.has("#offer-preview").await);
            browser.press("#open-settings").await;
            browser.press("#settings-privacy").await;
            browser.press("#link-previews").await;
            // From where files come unasked is the user's to say, and the careful way until then.
            browser.see("#known-file-servers:checked").await;
            browser.press("#known-file-servers").await;
            browser.gone("#known-file-servers:checked").await;
            browser.press("#known-file-servers").await;
            browser.see("#known-file-servers:checked").await;
            pictures(browser, "28-privacy").await;

            // What was typed is still there, and now there is an offer. Nothing is visited before it is taken.
            ada.open(&bert.id()).await;
            browser.read("#offer-preview", "127.0.0.1").await;
            pictures(browser, "29-link-offer").await;
            assert_eq!(site.visits(), Vec::<String>::new());
            browser.press("#offer-preview").await;
            browser.read(".link-offer .link-title", "Tide tables").await;
            browser.see(".link-offer .link-picture img").await;
            pictures(browser, "30-link-preview").await;
            assert_eq!(site.visits(), ["/tides", "/coast.png"]);
            browser.press("#send-message").await;
            browser.read(".message .link-title", "Tide tables").await;
            browser.see(".message .link-picture img").await;
            ada.delivered().await;
            pictures(browser, "31-link-sent").await;
            browser.gone(".link-offer").await;

            let came = bert.hears(&ada_id, &format!("Look: {link}")).await;
            let came = came.link.expect("what the link shows");
            assert_eq!(
                (came.url.as_str(), came.title.as_str()),
                (link.as_str(), "Tide tables for the northern reef")
            );
            let image = came.image.expect("a picture");
            assert_eq!((image.info.width, image.info.height), (640, 336));
            assert_eq!(site.visits().len(), 2, "nobody else went there");

            // A preview that is not wanted does not go.
            ada.types(&link).await;
            browser.press("#offer-preview").await;
            browser.see(".link-offer .link-title").await;
            browser.press("#decline-preview").await;
            browser.gone(".link-offer").await;
            browser.press("#send-message").await;
            ada.delivered().await;
            assert_eq!(bert.hears(&ada_id, &link).await.link, None);

            // Nor does one go with a quotation or with files: the offer comes and goes with them.
            bert.send(&ada_id, "Which tables?", &[]).await;
            ada.reads("Which tables?").await;
            ada.types(&format!("These: {link}")).await;
            browser.press("#offer-preview").await;
            browser.see(".link-offer .link-title").await;
            ada.right_click("Which tables?").await;
            ada.entry("Reply").await;
            browser.see(".answering").await;
            browser.gone(".link-offer").await;
            browser.press("#send-message").await;
            ada.delivered().await;
            assert_eq!(bert.hears(&ada_id, &format!("These: {link}")).await.link, None);

            let notes = site.folder.path().join("notes.txt");
            std::fs::write(&notes, "High water").expect("a file of the test");
            ada.types(&format!("And these: {link}")).await;
            browser.press("#offer-preview").await;
            browser.see(".link-offer .link-title").await;
            choose(browser, "#pick-file", &[&notes]).await;
            staged(browser, 1).await;
            browser.gone(".link-offer").await;
            browser.press("#send-message").await;
            ada.delivered().await;
            assert_eq!(
                bert.hears(&ada_id, &format!("And these: {link}")).await.link,
                None
            );

            // Where there is nothing to show, it says so, and the text goes all the same.
            for (path, words) in [("/blank", "nothing to show"), ("/gone", "could not be looked at")] {
                ada.types(&format!("{}{path}", site.address)).await;
                browser.press("#offer-preview").await;
                browser.read(".link-offer p", words).await;
                browser.press("#send-message").await;
                ada.delivered().await;
                browser.gone(".link-offer").await;
            }
            browser.is_quiet().await;
        })
        .await;
}

#[tokio::test]
async fn the_picture_of_a_received_link_comes_with_a_tap_on_it() {
    with_friends(Place::OwnDevice, async |friends| {
        let Friends {
            ada, ada_id, bert, ..
        } = friends;
        let browser = &ada.browser;
        let link = "https://reef.example/tides";
        let shown = NewLink {
            url: link.to_owned(),
            title: "Tide tables".to_owned(),
            image: Some(LinkImage {
                bytes: coast(320, 168, 2),
                content_type: "image/png".to_owned(),
                width: 320,
                height: 168,
            }),
        };
        bert.send_link(&ada_id, &format!("Look: {link}"), shown).await;
        browser.read(".message .link-title", "Tide tables").await;
        browser.see(".link-row > [data-act=load]").await;
        assert!(
            !browser.has(".message .link-picture img").await,
            "nothing is fetched unasked"
        );
        browser.press(".link-row > [data-act=load]").await;
        browser.press("#load-once").await;
        browser
            .until("the picture", async || {
                let drawn = "const image = document.querySelector('.message .link-picture img'); \
                     return image?.complete && image.naturalWidth";
                (browser.script(drawn).await == 320).then_some(())
            })
            .await;
        browser.gone(".link-row > .cover").await;
        // The rest of the card, and now its picture too, leads to the site, after a question.
        browser.press(".message .link-picture").await;
        browser.read("dialog", "reef.example").await;
        browser.is_quiet().await;
    })
    .await;
}
