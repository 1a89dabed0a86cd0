//! The composer: its lines and its limit, and the emoji that are picked for it.

use serde_json::json;
use thirtyfour::prelude::*;

use crate::driver::Browser;
use crate::network::Network;
use crate::user::{Place, User};

/// Waits until the field holds exactly this.
pub(crate) async fn holds(browser: &Browser, text: &str) {
    browser
        .until(&format!("“{text}” in the field"), async || {
            let script = "return document.querySelector('#message-text').value";
            (browser.script(script).await == json!(text)).then_some(())
        })
        .await;
}

/// How many messages the open conversation shows.
async fn messages(browser: &Browser) -> usize {
    let found = browser.driver().find_all(By::Css("article.message")).await;
    found.expect("the messages").len()
}

#[tokio::test]
async fn lines_make_one_message_and_too_much_makes_none() {
    let network = Network::start();
    let [(ada, ada_id), (bert, bert_id)] = User::pair(&network).await;
    let browser = &ada.browser;
    ada.write_to(&bert_id).await;
    browser.see("#message-text[enterkeyhint=send]").await;
    browser.fill("#message-text", "First line").await;
    browser.keys(Key::Shift + Key::Enter).await;
    browser.keys("Second line").await;
    holds(browser, "First line\nSecond line").await;
    assert_eq!(messages(browser).await, 0);
    browser.keys(Key::Enter).await;
    ada.reads("First line\nSecond line").await;
    holds(browser, "").await;
    assert_eq!(messages(browser).await, 1);
    bert.open(&ada_id).await;
    bert.reads("First line\nSecond line").await;
    assert_eq!(messages(&bert.browser).await, 1);

    // One character more than a message has.
    browser
        .script(
            "const field = document.querySelector('#message-text'); field.value = 'x'.repeat(2001); \
             field.dispatchEvent(new Event('input', {bubbles: true})); field.focus();",
        )
        .await;
    browser.read(".counter.over", "1").await;
    browser.see("#send-message[disabled]").await;
    browser.picture("composer-over").await;
    browser.keys(Key::Enter).await;
    browser
        .read(".composer-error", "longer than 2,000 characters")
        .await;
    assert_eq!(messages(browser).await, 1);
    holds(browser, &"x".repeat(2001)).await;
    browser.keys(Key::Backspace).await;
    browser.see(".counter:not(.over)").await;
    browser.press("#send-message:not([disabled])").await;
    holds(browser, "").await;
    bert.reads(&"x".repeat(2000)).await;
}

#[tokio::test]
async fn an_emoji_is_found_and_put_into_the_text() {
    let network = Network::start();
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let browser = &ada.browser;
    let id = ada.id().await;
    ada.write_to(&id).await;
    browser.fill("#message-text", "To the ").await;
    browser.press("#open-emoji").await;
    browser.see(".emoji-grid .emoji").await;
    browser.fill(".emoji-search", "rocket").await;
    browser.gone(".emoji-grid .emoji[title='grinning face']").await;
    browser.picture("emoji-found").await;
    browser.press(".emoji-grid .emoji[title='rocket']").await;
    holds(browser, "To the 🚀").await;
    browser.fill(".emoji-search", "zzz").await;
    browser.see(".emoji-none").await;
    browser.keys(Key::Escape).await;
    browser.gone(".emoji-panel").await;
    browser.focused("message-text").await;
    browser.keys(Key::Enter).await;
    ada.reads("To the 🚀").await;

    // The next time it is at hand.
    browser.press("#open-emoji").await;
    browser.press(".emoji-grid .emoji[title='🚀']").await;
    holds(browser, "🚀").await;
}
