//! The browser's own way back: out of a conversation, and never into one that was left before.

use serde_json::Value;

use crate::driver::{Browser, PHONE};
use crate::network::Network;
use crate::user::{Place, User};

/// Which stack of screens the browser's entry is one of.
async fn stack(browser: &Browser) -> Value {
    browser.script("return history.state[0]").await
}

/// Waits until the browser stands at the first entry of another stack.
async fn at_older_one(browser: &Browser, stack: &Value) {
    let script = format!("return history.state?.[0] !== {stack} && history.state?.[1] === 0");
    browser
        .until("an entry of another stack", async || {
            (browser.script(&script).await == true).then_some(())
        })
        .await;
}

#[tokio::test]
async fn the_way_back_from_the_list_opens_nothing_again() {
    let network = Network::start();
    let user = User::join(&network, "Ada", Place::OwnDevice).await;
    let browser = &user.browser;
    browser.layout(PHONE).await;
    let own = user.id().await;
    browser.back().await;
    user.home().await;
    // Before the list there are the screens that the account was made on.
    user.write_to(&own).await;
    browser.back().await;
    browser.gone(".conversation").await;
    user.home().await;
    let present = stack(browser).await;
    browser.back().await;
    at_older_one(browser, &present).await;
    user.home().await;
    assert!(!browser.has(".conversation").await);

    // From here it goes on as ever.
    user.write_to(&own).await;
    browser.back().await;
    browser.gone(".conversation").await;
    user.home().await;

    // A page that is loaded anew begins with the list, whatever lies before it.
    browser.press("#open-settings").await;
    browser.press("#settings-privacy").await;
    browser.gone("#settings-privacy").await;
    browser.reload().await;
    user.home().await;
    browser.press("#open-settings").await;
    browser.see("#settings-privacy").await;
    browser.back().await;
    browser.gone("#settings-privacy").await;
    user.home().await;
    let present = stack(browser).await;
    browser.back().await;
    at_older_one(browser, &present).await;
    user.home().await;
    assert!(!browser.has(".pane").await);
    browser.is_quiet().await;
}
