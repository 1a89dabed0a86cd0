//! What goes wrong around the app: reloads in mid-sending, no connection, no gateway, no space, storage that is lost or
//! refused, no encryption, a wrong clock.

use std::path::Path;

use holdfast_tests::site::unpacked;
use serde_json::json;
use tempfile::TempDir;

use crate::driver::Browser;
use crate::network::{Network, built_app};
use crate::peer::name_is_out;
use crate::screens::pictures;
use crate::user::{Place, User};

#[tokio::test]
async fn a_reload_while_sending_loses_and_repeats_nothing() {
    let network = Network::start();
    let [(ada, ada_id), (bert, bert_id)] = User::pair(&network).await;
    ada.write_to(&bert_id).await;
    for text in ["one of three", "two of three", "three of three"] {
        ada.send(text).await;
        ada.reads(text).await;
        ada.browser.reload().await;
        ada.open(&bert_id).await;
    }
    ada.delivered().await;
    bert.open(&ada_id).await;
    for text in ["one of three", "two of three", "three of three"] {
        bert.reads(text).await;
        assert_eq!(bert.count(text).await, 1, "{text}");
        assert_eq!(ada.count(text).await, 1, "{text}");
    }
}

#[tokio::test]
async fn messages_wait_for_a_gateway_that_is_gone() {
    let mut network = Network::start();
    let [(ada, ada_id), (bert, bert_id)] = User::pair(&network).await;
    ada.write_to(&bert_id).await;
    ada.send("before").await;
    ada.delivered().await;
    network.stop();
    ada.send("while it was gone").await;
    ada.reads("while it was gone").await;
    ada.browser.see(".bars .bar").await;
    pictures(&ada.browser, "fault-gateway-gone").await;
    ada.browser.press(".bars .bar-action").await;
    ada.browser.read(".pane", "Network").await;
    ada.open(&bert_id).await;
    network.resume();
    ada.delivered().await;
    ada.browser.gone(".bars .bar").await;
    bert.open(&ada_id).await;
    bert.reads("before").await;
    bert.reads("while it was gone").await;
}

#[tokio::test]
async fn offline_is_said_and_passes() {
    let network = Network::start();
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let own_id = ada.id().await;
    ada.connected().await;
    ada.browser.offline(true).await;
    ada.browser.see(".bars .bar").await;
    pictures(&ada.browser, "fault-offline").await;
    ada.write_to(&own_id).await;
    ada.send("written offline").await;
    ada.reads("written offline").await;
    ada.browser.offline(false).await;
    ada.browser.gone(".bars .bar").await;
    ada.delivered().await;
}

#[tokio::test]
async fn that_messages_may_be_missing_is_said_after_a_wake_until_they_were_fetched() {
    let network = Network::start();
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    ada.connected().await;
    ada.browser.gone(".catching-up").await;
    network.freeze(true);
    // As the browser tells it of a page that is shown again.
    ada.browser
        .script("document.dispatchEvent(new Event('visibilitychange'))")
        .await;
    ada.browser
        .read(".bars[role=status] .catching-up", "Getting new messages")
        .await;
    network.freeze(false);
    ada.browser.gone(".catching-up").await;
}

/// The room that a browser gives an origin in the test of a full disk: enough for an account and some messages.
const LITTLE_ROOM: u32 = 100_000;

/// Messages of [`LONG`] bytes that do not fit into [`LITTLE_ROOM`].
const TOO_MANY: usize = 60;

/// Bytes of a long message, just within the limit of a text.
const LONG: usize = 1900;

#[tokio::test]
async fn a_full_disk_is_said_and_what_was_written_stays_in_the_composer() {
    let network = Network::start();
    let ada = User::arrive(&network).await;
    let origin = network.app().trim_end_matches('/').to_owned();
    ada.browser
        .cdp(
            "Storage.overrideQuotaForOrigin",
            json!({ "origin": origin, "quotaSize": LITTLE_ROOM }),
        )
        .await;
    ada.create("Ada", Place::OwnDevice).await;
    let own_id = ada.id().await;
    ada.write_to(&own_id).await;
    let mut refused = None;
    for number in 0..TOO_MANY {
        let text = format!("number {number} {}", "x".repeat(LONG));
        ada.send(&text).await;
        let kept = ada
            .browser
            .until("a message kept or given back", async || {
                let field = ada
                    .browser
                    .script("return document.querySelector('#message-text').value")
                    .await;
                if field == text.as_str() {
                    return Some(false);
                }
                (ada.count(&format!("number {number} ")).await == 1).then_some(true)
            })
            .await;
        if !kept {
            refused = Some(format!("number {number} "));
            break;
        }
    }
    let refused = refused.expect("the browser has no room left");
    ada.browser.see(".bars .bar").await;
    pictures(&ada.browser, "fault-storage-full").await;
    assert_eq!(ada.count(&refused).await, 0, "what was not kept is not shown");
    ada.browser
        .cdp("Storage.overrideQuotaForOrigin", json!({ "origin": origin }))
        .await;
    ada.browser.press("#send-message").await;
    ada.reads(&refused).await;
    ada.delivered().await;
}

#[tokio::test]
async fn storage_that_the_browser_cleared_leads_to_a_new_start() {
    let network = Network::start();
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let phrase = ada.phrase().await;
    let id = ada.id().await;
    // Only what is out can come back.
    name_is_out(&network, &phrase).await;
    ada.browser.open("about:blank").await;
    let origin = network.app().trim_end_matches('/').to_owned();
    ada.browser
        .cdp(
            "Storage.clearDataForOrigin",
            json!({ "origin": origin, "storageTypes": "indexeddb" }),
        )
        .await;
    ada.browser.open(&network.app()).await;
    ada.browser.see("#start-over").await;
    pictures(&ada.browser, "fault-storage-lost").await;
    ada.browser.press("#start-over").await;
    ada.restore(&phrase, Place::OwnDevice).await;
    assert_eq!(ada.id().await, id);
}

#[tokio::test]
async fn storage_that_is_refused_is_said_and_a_shared_computer_needs_none() {
    let network = Network::start();
    let ada = User {
        browser: Browser::start_refusing().await,
    };
    let browser = &ada.browser;
    browser.open(&network.app()).await;
    ada.ask_for_account("Ada", Place::OwnDevice).await;
    browser
        .read(".problem h1", "This browser refuses to store anything")
        .await;
    pictures(browser, "fault-storage-refused").await;
    browser.press("#start-over").await;
    ada.create("Ada", Place::SharedComputer).await;
    let own_id = ada.id().await;
    ada.write_to(&own_id).await;
    ada.send("kept in memory only").await;
    ada.delivered().await;
}

/// A name that leads to this machine, and that browsers do not take for it: only what comes encrypted is safe from there.
const ELSEWHERE: &str = "holdfast.test";

#[tokio::test]
async fn a_page_over_plain_http_says_what_it_lacks() {
    let network = Network::start();
    let leads_here = format!("--host-resolver-rules=MAP {ELSEWHERE} 127.0.0.1");
    let ada = User {
        browser: Browser::start_flagged(&leads_here).await,
    };
    let browser = &ada.browser;
    browser.open(&network.app().replace("127.0.0.1", ELSEWHERE)).await;
    ada.ask_for_account("Ada", Place::OwnDevice).await;
    browser
        .read(".problem h1", "This page needs a secure connection")
        .await;
    pictures(browser, "fault-insecure").await;
    assert!(!browser.has("#start-over").await, "no choice helps here");
}

/// What comes first in the script that starts the page, and the engine: the clock of whoever calls this machine `localhost`
/// is ahead.
const AN_HOUR_AHEAD: &str =
    "if (location.hostname === 'localhost') { const now = Date.now; Date.now = () => now() + 3_600_000; }\n";

/// Changes that script in a copy of the app, whose page then must not look whether its files are the built ones.
fn sets_clocks(site: &Path) {
    for entry in std::fs::read_dir(site).expect("the site").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let change: fn(String) -> String = if name.starts_with("boot-") && name.ends_with(".js") {
            |script: String| AN_HOUR_AHEAD.to_owned() + script.as_str()
        } else if name.ends_with(".html") {
            |page: String| page.replace("integrity=", "data-unchecked=")
        } else {
            continue;
        };
        let text = std::fs::read_to_string(entry.path()).expect("a file of the site");
        std::fs::write(entry.path(), change(text)).expect("a file of the site");
    }
}

#[tokio::test]
async fn a_clock_that_is_ahead_is_said_and_messages_carry_the_right_time() {
    let folder = TempDir::new().expect("a temporary folder");
    let site = folder.path().join("site");
    unpacked(&built_app(), &site).expect("a copy of the app");
    sets_clocks(&site);
    let network = Network::start_at(&site);
    let bert = User::join(&network, "Bert", Place::SharedComputer).await;
    let bert_id = bert.id().await;
    let ada = User::at_new_browser().await;
    ada.browser
        .open(&network.app().replace("127.0.0.1", "localhost"))
        .await;
    ada.create("Ada", Place::OwnDevice).await;
    let ada_id = ada.id().await;
    ada.browser.read(".bars .bar", "Your device’s clock is").await;
    ada.browser.read(".bars .bar", "minutes ahead").await;
    pictures(&ada.browser, "fault-clock-ahead").await;
    ada.write_to(&bert_id).await;
    ada.send("written an hour ahead").await;
    ada.delivered().await;
    bert.accept(&ada_id).await;
    bert.reads("written an hour ahead").await;
    bert.send("answered in time").await;
    ada.reads("answered in time").await;
    // By her own clock her message would stand after its answer.
    let texts =
        "return [...document.querySelectorAll('article.message .text')].map((text) => text.textContent)";
    for user in [&ada, &bert] {
        let shown = user.browser.script(texts).await;
        assert_eq!(shown, json!(["written an hour ahead", "answered in time"]));
    }
}
