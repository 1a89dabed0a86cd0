//! What goes wrong around the app: reloads in mid-sending, no connection, no gateway, no space, lost storage.

use serde_json::json;

use crate::network::Network;
use crate::peer::name_is_out;
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
    ada.browser.picture("fault-gateway-gone").await;
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
    ada.browser.picture("fault-offline").await;
    ada.write_to(&own_id).await;
    ada.send("written offline").await;
    ada.reads("written offline").await;
    ada.browser.offline(false).await;
    ada.browser.gone(".bars .bar").await;
    ada.delivered().await;
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
    ada.browser.picture("fault-storage-full").await;
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
    ada.browser.picture("fault-storage-lost").await;
    ada.browser.press("#start-over").await;
    ada.restore(&phrase, Place::OwnDevice).await;
    assert_eq!(ada.id().await, id);
}
