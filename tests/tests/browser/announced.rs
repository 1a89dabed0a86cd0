//! What screen readers are told, and when.

use serde_json::{Value, json};

use crate::driver::Browser;
use crate::network::Network;
use crate::user::{Place, User};

/// Notes every announcement, as a screen reader would.
const LISTEN: &str = "
    globalThis.told = [];
    const hear = (node) => {
        if (node.nodeType === Node.ELEMENT_NODE && node.parentElement?.closest('.announcements')) told.push(node.textContent);
    };
    new MutationObserver((changes) => changes.forEach((change) => change.addedNodes.forEach(hear)))
        .observe(document.body, { childList: true, subtree: true });";

/// What was told so far.
async fn told(browser: &Browser) -> Value {
    browser.script("return told").await
}

/// Waits until exactly this was told.
async fn tells(browser: &Browser, wanted: Value) {
    browser
        .until(&format!("{wanted} to be told"), async || {
            (told(browser).await == wanted).then_some(())
        })
        .await;
}

/// Puts so many characters into the field at once.
async fn paste(browser: &Browser, count: usize) {
    let script = format!(
        "const field = document.querySelector('#message-text'); field.value = 'x'.repeat({count}); \
         field.dispatchEvent(new Event('input', {{bubbles: true}})); field.focus();"
    );
    browser.script(&script).await;
}

#[tokio::test]
async fn the_same_words_are_told_as_often_as_they_come() {
    let network = Network::start();
    let [(ada, ada_id), (bert, bert_id)] = User::pair(&network).await;
    ada.write_to(&bert_id).await;
    ada.send("Shall we?").await;
    bert.accept(&ada_id).await;
    bert.send("Yes").await;
    ada.reads("Yes").await;
    ada.browser.script(LISTEN).await;
    for count in 1..=2 {
        bert.send("ok").await;
        tells(&ada.browser, json!(vec!["Bert: ok"; count])).await;
    }
}

#[tokio::test]
async fn what_is_left_of_a_text_is_told_at_some_marks_only() {
    let network = Network::start();
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let browser = &ada.browser;
    let own = ada.id().await;
    ada.write_to(&own).await;
    browser.script(LISTEN).await;
    paste(browser, 1_805).await;
    let first = "195 characters left";
    tells(browser, json!([first])).await;
    // It is shown with every character.
    browser.keys("x").await;
    browser.read(".counter", "194").await;
    assert_eq!(told(browser).await, json!([first]));
    paste(browser, 1_900).await;
    let second = "100 characters left";
    tells(browser, json!([first, second])).await;
    paste(browser, 2_001).await;
    let third = "1 character too many";
    tells(browser, json!([first, second, third])).await;
    browser.keys("x").await;
    browser.read(".counter.over", "2").await;
    assert_eq!(told(browser).await, json!([first, second, third]));
}

#[tokio::test]
async fn a_notice_that_comes_while_a_dialog_is_open_is_within_it() {
    let network = Network::start();
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let browser = &ada.browser;
    browser.press("#open-profile").await;
    browser.press("#show-phrase").await;
    browser.press("#reveal-phrase").await;
    browser.press("#phrase-copy").await;
    browser.see("dialog[open] [role=status] .toast").await;
    browser.press("#phrase-done").await;
    browser.gone("dialog[open]").await;
}
