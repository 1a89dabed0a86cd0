//! What a visitor sees and can do before the programs have come.

use serde_json::json;

use crate::driver::Browser;
use crate::network::Network;
use crate::screens::pictures;
use crate::user::{Place, User};

impl Browser {
    /// Has nothing arrive from addresses that match one of these, from now on.
    async fn keeps_away(&self, addresses: &[&str]) {
        self.cdp("Network.enable", json!({})).await;
        self.cdp("Network.setBlockedURLs", json!({ "urls": addresses }))
            .await;
    }
}

#[tokio::test]
async fn the_start_page_is_painted_before_its_program_comes() {
    let network = Network::start();
    let user = User::at_new_browser().await;
    let browser = &user.browser;
    browser.keeps_away(&["*.wasm"]).await;
    browser.open(&network.app()).await;
    let heading = browser.see("#painted h1").await;
    assert_eq!(heading.text().await.expect("the page answers"), "Holdfast");
    // And it does not wait for good for what does not come.
    browser.see("#not-loaded").await;
    assert!(!browser.has("#create-account").await);
    pictures(browser, "loading-1-nothing").await;
    browser.keeps_away(&[]).await;
    browser.reload().await;
    browser.see("#create-account").await;
    assert!(!browser.has("#painted").await);
}

#[tokio::test]
async fn the_first_screens_do_without_the_rest_and_say_when_it_does_not_come() {
    let network = Network::start();
    let ada = User::at_new_browser().await;
    let browser = &ada.browser;
    browser.keeps_away(&["*_later.wasm"]).await;
    browser.open(&network.app()).await;
    ada.ask_for_account("Ada", Place::OwnDevice).await;
    browser.read("#display-name-error", "reload the page").await;
    pictures(browser, "loading-2-no-rest").await;
    browser.keeps_away(&[]).await;
    browser.press("#name-continue").await;
    ada.home().await;
    browser.press("#open-profile").await;
    browser.read(".own-name", "Ada").await;
    // Who has an account is told the same, and gets on when the rest comes.
    browser.keeps_away(&["*_later.wasm"]).await;
    browser.reload().await;
    browser.see("main.start #fetch-again").await;
    pictures(browser, "loading-3-no-rest-of-an-account").await;
    browser.keeps_away(&[]).await;
    browser.press("#fetch-again").await;
    ada.home().await;
}
