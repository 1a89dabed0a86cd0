//! What was deleted is read nowhere any more, wherever it was shown.

use crate::network::Network;
use crate::talk::two_friends;

#[tokio::test]
async fn what_is_deleted_leaves_what_a_search_found_and_the_page_about_it() {
    let network = Network::start();
    let (ada, bert) = two_friends(&network).await;
    bert.send("A slip at the harbour").await;
    ada.reads("A slip at the harbour").await;
    bert.send("See you at the harbour").await;
    ada.reads("See you at the harbour").await;
    bert.delivered().await;

    // Among what was found, while nobody types.
    ada.browser.fill("#search", "harbour").await;
    ada.browser.read(".search-total", "2").await;
    ada.browser.read(".found-message", "A slip").await;
    bert.right_click("A slip at the harbour").await;
    bert.entry("Delete").await;
    bert.browser.press("#delete-everyone").await;
    bert.browser.press("#confirm").await;
    ada.browser.read(".search-total", "1").await;
    let found = "return document.querySelector('.search-results').textContent";
    let found = ada.browser.script(found).await.to_string();
    assert!(found.contains("See you") && !found.contains("A slip"), "{found}");
    ada.browser.press("#clear-search").await;

    // On its own page.
    ada.right_click("Hello Ada").await;
    ada.entry("Info").await;
    ada.browser.read(".info-text", "Hello Ada").await;
    ada.browser.press("#info-delete").await;
    ada.browser.press("#delete-here").await;
    ada.browser.press("#confirm").await;
    ada.browser.read(".side [role=alert]", "no longer here").await;
    ada.browser.gone(".info-text").await;
}
