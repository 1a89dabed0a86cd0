//! A chat in a page in Arabic, which is in Arabic too.

use serde_json::json;
use thirtyfour::prelude::*;

use super::{Boats, in_page, into_chat, launch, out_of_chat, with_boats};
use crate::arabic::fits;

#[tokio::test]
async fn a_page_in_arabic_has_a_chat_in_arabic() {
    with_boats(async |boats: Boats| {
        let browser = &boats.guest.browser;
        browser.open(&format!("{}/arabic", boats.page)).await;
        launch(browser).await;
        let label = in_page(browser, "root.getElementById('launcher').ariaLabel").await;
        assert_ne!(label, json!("Chat with us"));
        into_chat(browser).await;
        browser.see("#display-name").await;
        fits(browser, "embed-start").await;
        browser.fill("#display-name", "نينا").await;
        browser.press("#embed-start").await;
        browser.see("#message-text").await;
        boats.guest.send("هل البحر هادئ؟").await;
        boats.guest.delivered().await;
        fits(browser, "embed-chat").await;
        browser.press("#embed-tab").await;
        browser.see("#confirm-tab").await;
        fits(browser, "embed-tab").await;
        browser.keys(Key::Escape).await;
        browser.gone("#confirm-tab").await;
        out_of_chat(browser).await;
    })
    .await;
}
