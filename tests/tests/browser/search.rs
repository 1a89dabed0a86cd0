//! Search: across conversations, inside one, by keyboard alone, and far back in a long history.

use holdfast_protocol::account::{Account, Seed};
use thirtyfour::prelude::*;

use crate::driver::{LAPTOP, PHONE};
use crate::network::Network;
use crate::user::{Place, User};

/// An Account ID that nobody uses.
fn somebody(number: u8) -> String {
    Account::from_seed(Seed::from_bytes(&[number; 16])).id().to_hex()
}

#[tokio::test]
async fn a_word_is_found_opened_and_marked_by_keyboard_alone() {
    let network = Network::start();
    let user = User::join(&network, "Ada", Place::OwnDevice).await;
    let (one, other) = (somebody(1), somebody(2));
    let browser = &user.browser;
    user.write_to(&one).await;
    for text in [
        "The ferry leaves at nine",
        "See you at the harbour",
        "Bring the umbrella",
    ] {
        user.send(text).await;
        user.reads(text).await;
    }
    user.write_to(&other).await;
    for text in ["Hárbour café tomorrow?", "Or the museum"] {
        user.send(text).await;
        user.reads(text).await;
    }

    // Across conversations: newest first, whatever the case and the accents.
    browser.keys(Key::Alt + "s").await;
    browser.focused("search").await;
    browser.keys("HARB").await;
    browser.read(".search-results mark", "Hárb").await;
    browser.read(".search-results mark", "harb").await;
    let found = browser
        .driver()
        .find_all(By::Css(".found-message"))
        .await
        .expect("hits");
    assert_eq!(found.len(), 2);
    browser.picture("search-results-laptop-light").await;
    browser.dark(true).await;
    browser.picture("search-results-laptop-dark").await;
    browser.keys(Key::Down + Key::Down).await;
    browser.keys(Key::Enter).await;
    browser
        .read("article.message:focus", "See you at the harbour")
        .await;
    browser.read("article.message:focus mark", "harb").await;

    // In the conversation: from hit to hit and back, then to the composer.
    browser.keys(Key::Alt + "f").await;
    browser.focused("find").await;
    browser.keys("the").await;
    browser.read(".find-count", "1 of 3").await;
    browser.read("article.message[data-marked]", "umbrella").await;
    browser.keys(Key::Up).await;
    browser.read(".find-count", "2 of 3").await;
    browser.keys(Key::Enter).await;
    browser.read(".find-count", "3 of 3").await;
    browser.read("article.message[data-marked]", "ferry").await;
    browser.keys(Key::Down).await;
    browser.read(".find-count", "2 of 3").await;
    browser.focused("find").await;
    browser.picture("find-laptop-dark").await;
    browser.layout(PHONE).await;
    browser.picture("find-phone-dark").await;
    browser.dark(false).await;
    browser.picture("find-phone-light").await;
    browser.layout(LAPTOP).await;
    browser.keys(Key::Escape).await;
    browser.gone("#find").await;
    browser.gone("article mark").await;
    browser.focused("message-text").await;

    // A message that comes is found at once; what nobody wrote is not. Escape clears, then leaves.
    browser.keys("The harbour again").await;
    browser.keys(Key::Enter).await;
    user.reads("The harbour again").await;
    browser.keys(Key::Alt + "s").await;
    browser.read(".search-results .search-total", "3").await;
    browser.keys("xyz").await;
    browser.read(".search-none", "xyz").await;
    browser.keys(Key::Escape).await;
    browser.gone(".search-results").await;
    browser.see(".conversations .row").await;

    // The list of keys has them.
    browser.press("#open-settings").await;
    browser.press("#settings-keys").await;
    browser.read(".shortcuts", "Search everywhere").await;
    browser
        .read(".shortcuts", "Search in the open conversation")
        .await;
    browser.is_quiet().await;
}

#[tokio::test]
async fn a_hit_far_back_in_a_long_history_is_gone_to() {
    let network = Network::start_with_both();
    let user = User::join(&network, "Ada", Place::OwnDevice).await;
    let browser = &user.browser;
    let page = format!("{}{}", network.app(), holdfast_tests::site::PAGE);
    browser.open(&format!("{page}#fill=3,4000")).await;
    browser
        .until("a filled database", async || {
            let title = browser.driver().title().await.ok()?;
            (title == "filled").then_some(())
        })
        .await;
    browser.open(&network.app()).await;
    user.home().await;

    browser.fill("#search", "kelp-1000").await;
    // What was found for the first letters may still be shown: it has this message, too, but others first.
    let found = ".search-results[data-words='kelp-1000'] .found-message";
    browser.read(found, "kelp-1000").await;
    browser.picture("search-history-laptop").await;
    browser.layout(PHONE).await;
    browser.picture("search-history-phone").await;
    browser.layout(LAPTOP).await;
    browser.press(found).await;
    browser.read("article.message:focus mark", "kelp-1000").await;
    let seen = "const list = document.querySelector('.messages').getBoundingClientRect();
        const hit = document.querySelector('article.message mark').getBoundingClientRect();
        return hit.top >= list.top && hit.bottom <= list.bottom";
    assert_eq!(browser.script(seen).await, true);
    // It is in the middle of the history: both directions go on, and the end is one press away.
    browser.see(".jump").await;
    browser.press(".jump").await;
    browser.gone(".jump").await;

    // More hits than one answer holds, counted and walked through.
    browser.press("#find-in-conversation").await;
    browser.fill("#find", "station").await;
    browser.read(".find-count", "1 of ").await;
    for place in 2..=60 {
        browser.keys(Key::Up).await;
        browser.read(".find-count", &format!("{place} of ")).await;
    }
    browser.see("article.message[data-marked] mark").await;
}
