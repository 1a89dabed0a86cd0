//! A picture of every screen in both themes and layouts, in `target/screenshots/`, to be looked at.

use crate::driver::{Browser, LAPTOP, PHONE};
use crate::network::Network;
use crate::user::{Place, User};

/// Takes the screen in every theme and layout.
pub(crate) async fn pictures(browser: &Browser, name: &str) {
    for (layout, size) in [("laptop", LAPTOP), ("phone", PHONE)] {
        browser.layout(size).await;
        for (theme, dark) in [("light", false), ("dark", true)] {
            browser.dark(dark).await;
            browser.picture(&format!("{name}-{layout}-{theme}")).await;
        }
    }
    browser.layout(LAPTOP).await;
    browser.dark(false).await;
}

#[tokio::test]
async fn every_screen_can_be_looked_at() {
    let network = Network::start();
    let bert = User::join(&network, "Bert Ångström", Place::SharedComputer).await;
    let bert_id = bert.id().await;

    let ada = User::arrive(&network).await;
    let browser = &ada.browser;
    pictures(browser, "1-start").await;
    browser.press("#have-account").await;
    pictures(browser, "2-place").await;
    browser.press("#own-device").await;
    browser.see("#phrase-continue").await;
    pictures(browser, "3-restore").await;
    browser.open(&network.app()).await;
    browser.press("#create-account").await;
    browser.press("#own-device").await;
    browser.see("#display-name").await;
    pictures(browser, "4-name").await;
    browser.fill("#display-name", "Ada").await;
    browser.press("#name-continue").await;
    ada.home().await;
    ada.connected().await;
    pictures(browser, "5-home-empty").await;
    let ada_id = ada.id().await;
    pictures(browser, "6-profile").await;
    ada.browser.press("#new-conversation").await;
    ada.browser.see("#account-id").await;
    pictures(browser, "7-new-conversation").await;
    ada.write_to(&bert_id).await;
    pictures(browser, "8-conversation-empty").await;
    for text in [
        "Morning! Did the tide tables arrive?",
        "I left the chart on the table by the door, the one with the pencil marks along the northern reef. If it is \
         too dark to read, https://example.org/tides has the same numbers.",
        "👍",
    ] {
        ada.send(text).await;
        ada.reads(text.split(' ').next().unwrap_or(text)).await;
    }
    bert.open(&ada_id).await;
    for text in ["They did, thank you", "High water at 14:20, so we leave at noon"] {
        bert.send(text).await;
        ada.reads(text).await;
    }
    ada.delivered().await;
    pictures(browser, "9-conversation").await;
    ada.browser.press("#open-network").await;
    ada.browser.see(".pane").await;
    pictures(browser, "10-network").await;
    ada.browser.press("#open-settings").await;
    ada.browser.see("#log-out").await;
    pictures(browser, "11-settings").await;
    ada.browser.press("#open-profile").await;
    ada.browser.press("#show-phrase").await;
    ada.browser.see("#reveal-phrase").await;
    pictures(browser, "12-phrase-step").await;
}
