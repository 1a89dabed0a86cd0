//! Clearing data: this device alone, or what the network keeps too.

use std::time::Duration;

use thirtyfour::prelude::*;

use crate::driver::Browser;
use crate::network::Network;
use crate::screens::pictures;
use crate::user::{Place, User};

/// Longer than a network takes to be found again, with all pauses between tries.
const LONG: Duration = Duration::from_secs(150);

/// How many databases the page's origin has, and how many values of the app's outside them.
async fn left(browser: &Browser) -> u64 {
    let script = "const done = arguments[0]; indexedDB.databases().then((all) => \
         done(all.length + Object.keys(localStorage).filter((key) => key.startsWith('holdfast')).length));";
    let told = browser.driver().execute_async(script, Vec::new()).await;
    let told = told.expect("what is left").json().clone();
    told.as_u64().expect("a number")
}

#[tokio::test]
async fn a_cleared_device_keeps_nothing_of_the_app() {
    let network = Network::start();
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let browser = &ada.browser;
    browser.press("#open-settings").await;
    browser.press("#settings-appearance").await;
    browser.press("input[name=theme][value=dark]").await;
    // The account's databases, its mark, and what the next visit opens in.
    browser
        .until("what is kept", async || (left(browser).await > 2).then_some(()))
        .await;
    browser.press("#open-settings").await;
    browser.press("#clear-device").await;
    browser.press("#confirm-leave").await;
    browser.see("#create-account").await;
    assert_eq!(left(browser).await, 0);
    browser.reload().await;
    browser.see("#create-account").await;
    assert!(!browser.has("html[data-theme=dark]").await);
}

#[tokio::test]
async fn the_network_deletes_too_or_nothing_goes() {
    let mut network = Network::start();
    let [(ada, ada_id), (bert, bert_id)] = User::pair(&network).await;
    let browser = &ada.browser;
    ada.write_to(&bert_id).await;
    ada.send("Hello Bert").await;
    ada.delivered().await;
    bert.accept(&ada_id).await;
    bert.send("Hello Ada").await;
    ada.reads("Hello Ada").await;
    let phrase = ada.phrase().await;
    let first = browser.tab().await;
    browser.new_tab().await;
    browser.open(&network.app()).await;
    ada.home().await;

    // Without an answer of the network everything stays, and the device alone is offered.
    browser.press("#open-settings").await;
    browser.press("#clear-device").await;
    browser.press("input[name=clear-range][value=network]").await;
    pictures(browser, "clear-1-range").await;
    browser.press("#confirm-leave").await;
    browser.see("#confirm-network").await;
    pictures(browser, "clear-2-sure").await;
    network.stop();
    browser.press("#confirm-network").await;
    browser.read(".dialog .error", "did not confirm in time").await;
    browser.see("#clear-device-only").await;
    browser.picture("clear-3-failed").await;
    browser.press(".dialog .button.quiet").await;
    browser.gone("#confirm-network").await;
    ada.open(&bert_id).await;
    ada.reads("Hello Ada").await;

    // With one it is gone from all tabs.
    network.resume();
    browser.press("#open-settings").await;
    browser.press("#clear-device").await;
    browser.press("input[name=clear-range][value=network]").await;
    browser.press("#confirm-leave").await;
    browser
        .until_within(LONG, "the start page", async || {
            if browser.has("#create-account").await {
                return Some(());
            }
            if let Ok(sure) = browser.driver().find(By::Css("#confirm-network")).await {
                // Gone with the account already, if it can't be pressed. While it is busy nothing happens.
                let _ = sure.click().await;
            }
            None
        })
        .await;
    browser.see("#create-account").await;
    assert_eq!(left(browser).await, 0);
    browser.close_tab(&first).await;
    browser.see("#create-account").await;

    // The phrase still opens the account, with nothing in it.
    ada.recognise(&phrase, Place::OwnDevice).await;
    browser.press("#restore-continue").await;
    browser.press("#restore-new-name").await;
    browser.fill("#display-name", "Ada again").await;
    browser.press("#name-continue").await;
    ada.home().await;
    assert_eq!(ada.id().await, ada_id);
    bert.send("Are you there?").await;
    ada.open(&bert_id).await;
    ada.reads("Are you there?").await;
    for text in ["Hello Bert", "Hello Ada"] {
        assert_eq!(ada.count(text).await, 0, "{text}");
    }
}
