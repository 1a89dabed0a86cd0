//! What other apps share with this one. The system posts it to the address in the manifest, and the service worker takes
//! it: here a form does that, from an address of the site that is not the app.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::prelude::*;
use tokio::task::LocalSet;

use crate::driver::Browser;
use crate::files_sending::{awaiting, staged};
use crate::files_showing::{Friends, friends_on};
use crate::network::Network;
use crate::samples::{coast, noise};
use crate::screens::pictures;
use crate::user::{Place, User};

/// An address of the site with an answer that is no page of the app.
const ELSEWHERE: &str = "v1/nodes";
/// Builds the form that the manifest asks for, without sending it; `fields` are its texts.
const FORM: &str = "const answer = await fetch('/holdfast.webmanifest'); const manifest = await answer.json(); \
     const target = manifest.share_target; const form = document.createElement('form'); form.id = 'share'; \
     form.method = target.method; form.enctype = target.enctype; form.action = new URL(target.action, answer.url); \
     for (const [name, value] of Object.entries(fields)) { const field = document.createElement('textarea'); \
     field.name = target.params[name]; field.value = value; form.append(field); } \
     const files = document.createElement('input'); files.type = 'file'; files.multiple = true; \
     files.name = target.params.files[0].name; files.id = 'files'; form.append(files); document.body.append(form);";

/// Waits until the browser knows that others can share with the app.
async fn offered(browser: &Browser) {
    let there = awaiting(
        "const found = await navigator.serviceWorker.getRegistration(); \
         return Boolean(found?.active) && document.querySelector('link[rel=manifest]') !== null;",
    );
    browser
        .until("the service worker", async || {
            (browser.script(&there).await == json!(true)).then_some(())
        })
        .await;
}

/// Shares texts and files, and comes to the app with them.
pub(crate) async fn share(browser: &Browser, network: &Network, fields: Value, files: &[&Path]) {
    browser.open(&format!("{}{ELSEWHERE}", network.app())).await;
    browser
        .script(&awaiting(&format!("const fields = {fields}; {FORM}")))
        .await;
    if !files.is_empty() {
        let input = browser.driver().find(By::Css("#files")).await.expect("the field");
        let names: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
        input
            .send_keys(names.join("\n"))
            .await
            .expect("the field takes files");
    }
    browser.script("document.querySelector('#share').submit();").await;
}

/// What the page's address says beside the place.
async fn query(browser: &Browser) -> Value {
    browser.script("return location.search;").await
}

fn write(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("a file of the test");
    path
}

#[tokio::test]
async fn what_is_shared_goes_into_the_message_of_the_chosen_conversation() {
    LocalSet::new()
        .run_until(async {
            let Friends {
                network,
                ada,
                ada_id,
                bert,
            } = friends_on(Network::start(), Place::OwnDevice).await;
            let browser = &ada.browser;
            offered(browser).await;
            browser.fill("#message-text", "For tomorrow:").await;
            // Somebody who has not accepted yet gets no files.
            let carla = User::join(&network, "Carla", Place::SharedComputer).await;
            ada.write_to(&carla.id().await).await;
            ada.send("Hello Carla").await;
            ada.delivered().await;

            let folder = TempDir::new().expect("a temporary folder");
            let tables = noise(700_001);
            let photo = write(&folder, "reef.png", &coast(640, 480, 2));
            let document = write(&folder, "Tide tables.pdf", &tables);
            let first = browser.tab().await;
            browser.new_tab().await;
            let fields = json!({ "title": "reef", "text": "High water at noon", "url": "https://example.org/tides" });
            share(browser, &network, fields, &[&photo, &document]).await;
            browser.read("#shared", "2 files").await;
            browser.read("#shared", "High water at noon").await;
            browser.read("dialog", "1 contact isn’t listed").await;
            let listed = browser
                .script("return [...document.querySelectorAll('.share-list strong')].map((name) => name.textContent);")
                .await;
            assert_eq!(listed, json!(["Note to self", "Bert"]));
            pictures(browser, "share-choose").await;

            // By keys alone: the field has the focus.
            let at = browser.driver().active_element().await.expect("the focus");
            assert_eq!(at.attr("id").await.expect("an answer").as_deref(), Some("share-search"));
            at.send_keys("ber").await.expect("it takes keys");
            browser
                .until("Bert alone", async || {
                    let rows = browser.driver().find_all(By::Css(".share-list .person")).await.ok()?;
                    (rows.len() == 1).then_some(())
                })
                .await;
            at.send_keys(Key::Down).await.expect("it takes keys");
            let row = browser.driver().active_element().await.expect("the focus");
            row.send_keys(Key::Up).await.expect("it takes keys");
            let at = browser.driver().active_element().await.expect("the focus");
            at.send_keys(Key::Enter).await.expect("it takes keys");

            staged(browser, 2).await;
            let written = browser
                .script("return document.querySelector('#message-text').value;")
                .await;
            assert_eq!(written, "For tomorrow:\nHigh water at noon\nhttps://example.org/tides");
            assert_eq!(query(browser).await, "", "a reload does not ask again");
            pictures(browser, "share-given").await;
            browser.reload().await;
            ada.open(&bert.id()).await;
            staged(browser, 2).await;
            assert!(!browser.has("#shared").await);
            ada.browser.press("#send-message").await;
            ada.delivered().await;

            let (_, arrived) = bert.fetched(&ada_id, "Tide tables.pdf").await;
            assert!(arrived == tables, "every bit is the same");
            let messages = bert.recent(&ada_id, 2).await;
            assert_eq!(messages[0].body, "For tomorrow:\nHigh water at noon\nhttps://example.org/tides");
            assert_eq!(messages[0].files.len(), 1, "the picture goes with the text");
            assert!(messages[0].files[0].info.content_type.starts_with("image/"));
            let mut said = browser.console().await;
            // The address that shares is no page and names no icon, which the browser misses.
            said.retain(|line| !line.contains("/favicon.ico"));
            browser.go_to(&first).await;
            browser.read("article.own", "Hello Carla").await;
            assert_eq!(said, Vec::<String>::new(), "the console is quiet");
        })
        .await;
}

#[tokio::test]
async fn what_is_shared_waits_for_an_account_and_can_be_taken_back() {
    let network = Network::start();
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let browser = &ada.browser;
    offered(browser).await;
    ada.log_out().await;
    let folder = TempDir::new().expect("a temporary folder");
    let notes = write(&folder, "notes.txt", b"High water");
    share(browser, &network, json!({}), &[&notes]).await;
    browser
        .read("#share-bar", "create an account or open yours")
        .await;
    pictures(browser, "share-no-account").await;
    ada.create("Ada", Place::SharedComputer).await;
    browser.read("#shared", "notes.txt").await;
    browser.gone("#share-bar").await;
    browser.press(".share-list .person").await;
    staged(browser, 1).await;
    browser.read(".conversation header", "Note to self").await;
    browser.read(".tray", "notes.txt").await;

    // A text alone, not wanted after all. A click beside the question does not throw it away.
    browser.open(&network.app()).await;
    ada.create("Ada", Place::OwnDevice).await;
    share(
        browser,
        &network,
        json!({ "title": "Tides", "url": "https://example.org/tides" }),
        &[],
    )
    .await;
    browser.read("#shared", "Tides").await;
    browser
        .script("document.querySelector('dialog[open]').click();")
        .await;
    browser.read("#shared", "https://example.org/tides").await;
    browser.press("#cancel-share").await;
    browser.gone("#shared").await;
    browser.read(".toast", "Nothing was shared").await;
    assert_eq!(query(browser).await, "");
}

#[tokio::test]
async fn what_the_browser_let_go_of_has_to_be_shared_again() {
    let network = Network::start();
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let browser = &ada.browser;
    offered(browser).await;
    share(browser, &network, json!({ "text": "High water at noon" }), &[]).await;
    browser.read("#shared", "High water at noon").await;
    // As long as the worker has it, a reload asks again.
    browser.reload().await;
    browser.read("#shared", "High water at noon").await;
    browser.cdp("ServiceWorker.enable", json!({})).await;
    browser.cdp("ServiceWorker.stopAllWorkers", json!({})).await;
    browser.reload().await;
    browser.read("#share-bar", "Please share it again").await;
    assert!(!browser.has("#shared").await);
    ada.home().await;
    pictures(browser, "share-lost").await;
    browser.press("#share-bar button").await;
    browser.gone("#share-bar").await;
    browser.reload().await;
    ada.home().await;
    assert!(!browser.has("#share-bar").await);
}

#[tokio::test]
async fn a_shared_computer_offers_nothing_and_what_is_posted_all_the_same_is_not_kept() {
    let network = Network::start();
    let ada = User::join(&network, "Ada", Place::SharedComputer).await;
    let browser = &ada.browser;
    ada.connected().await;
    let left = awaiting(
        "const workers = await navigator.serviceWorker.getRegistrations(); \
         return [workers.length, document.querySelectorAll('link[rel=manifest]').length];",
    );
    assert_eq!(browser.script(&left).await, json!([0, 0]));
    let first = browser.tab().await;
    browser.new_tab().await;
    share(browser, &network, json!({ "text": "High water at noon" }), &[]).await;
    browser.read("#share-bar", "Please share it again").await;
    browser.go_to(&first).await;
    ada.home().await;
}
