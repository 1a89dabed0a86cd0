//! What goes wrong around the app: reloads in mid-sending, no connection, no gateway, no space, lost storage.

use serde_json::json;

use crate::network::Network;
use crate::user::{Place, User};

#[tokio::test]
async fn a_reload_while_sending_loses_and_repeats_nothing() {
    let network = Network::start();
    let (ada, bert) = futures::join!(
        User::join(&network, "Ada", Place::OwnDevice),
        User::join(&network, "Bert", Place::OwnDevice),
    );
    let (ada_id, bert_id) = (ada.id().await, bert.id().await);
    ada.write_to(&bert_id).await;
    for text in ["one of three", "two of three", "three of three"] {
        ada.send(text).await;
        ada.reads(text).await;
        ada.browser.driver().refresh().await.expect("the page reloads");
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
async fn storage_that_the_browser_cleared_leads_to_a_new_start() {
    let network = Network::start();
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let phrase = ada.phrase().await;
    let id = ada.id().await;
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
