//! The look that was chosen.

use serde_json::json;

use crate::network::Network;
use crate::user::{Place, User};

#[tokio::test]
async fn a_theme_holds_from_the_choice_on() {
    let network = Network::start();
    let ada = User::arrive(&network).await;
    let browser = &ada.browser;
    browser.dark(false).await;
    ada.create("Ada", Place::OwnDevice).await;
    let scheme = "return getComputedStyle(document.documentElement).colorScheme";
    browser.press("#open-settings").await;
    browser.press("#settings-appearance").await;
    browser.press("input[name=theme][value=dark]").await;
    browser.see("html[data-theme=dark] .pane").await;
    assert_eq!(browser.script(scheme).await, json!("dark"));
    browser.reload().await;
    browser.see("html[data-theme=dark] #new-conversation").await;
    browser.press("#open-settings").await;
    browser.press("#settings-appearance").await;
    let chosen = "return document.querySelector('input[name=theme]:checked')?.value ?? null";
    browser
        .until("the choice", async || {
            (browser.script(chosen).await == json!("dark")).then_some(())
        })
        .await;
    browser.press("input[name=theme][value=light]").await;
    browser.see("html[data-theme=light] .pane").await;
    assert_eq!(browser.script(scheme).await, json!("light"));
}
