//! The suite that every store passes, on the browser's own database.

use crate::driver::Browser;
use crate::network::Network;

#[tokio::test]
async fn the_store_suite_passes_on_indexeddb() {
    let network = Network::start_with_test_page();
    let browser = Browser::start().await;
    let page = format!("{}#store", network.app());
    browser.driver().goto(&page).await.expect("the page opens");
    let title = browser
        .until("the end of the store suite", async || {
            browser
                .driver()
                .title()
                .await
                .ok()
                .filter(|title| !title.is_empty())
        })
        .await;
    assert_eq!(
        title,
        "store suite passed",
        "{}",
        browser.console().await.join("\n")
    );
}
