//! Reading: the place in a conversation stays when tabs go and answers are slow, and days have their right names.

use std::time::Duration;

use serde_json::{Value, json};

use crate::driver::Browser;
use crate::network::Network;
use crate::user::{Place, User};

/// The first message that is seen, and how far below the top of the list it begins, in pixels.
const FIRST_SEEN: &str = "
    const list = document.querySelector('.messages');
    const top = list.getBoundingClientRect().top;
    const place = (message) => message.getBoundingClientRect();
    const first = [...list.querySelectorAll('article.message')].find((message) => place(message).bottom > top);
    return [first.id, Math.round(place(first).top - top)];";

/// Where numbers of neighbouring messages do not follow each other.
const GAPS: &str = "
    const numbers = [...document.querySelectorAll('article.message')].map((message) => Number(message.id.slice(1)));
    return numbers.filter((number, at) => at > 0 && number !== numbers[at - 1] + 1);";

/// Has the page look every tenth of a second at what it looks at every minute.
const HASTE: &str = "{
    const repeat = globalThis.setInterval;
    globalThis.setInterval = (run, period, ...rest) => repeat(run, period === 60_000 ? 100 : period, ...rest);
}";

/// Scrolls the messages to so many pixels from their beginning, and waits until the page has followed.
async fn scroll_to(browser: &Browser, pixels: u32) {
    let scroll = format!("document.querySelector('.messages').scrollTop = {pixels}");
    browser.script(&scroll).await;
    // It is heard of in one frame, and looked at in the next.
    browser.at_rest().await;
    browser.at_rest().await;
}

/// Waits until the first message that is seen is in its place.
async fn reads_at(browser: &Browser, wanted: &Value) {
    browser
        .until("the reader's place", async || {
            let seen = browser.script(FIRST_SEEN).await;
            let off = seen[1].as_i64()?.abs_diff(wanted[1].as_i64()?);
            (seen[0] == wanted[0] && off <= 2).then_some(())
        })
        .await;
}

#[tokio::test]
async fn a_tab_that_takes_the_engine_over_leaves_the_reader_in_their_place() {
    let network = Network::start();
    let [(ada, ada_id), (bert, bert_id)] = User::pair(&network).await;
    let browser = &ada.browser;
    let first = browser.tab().await;
    let second = browser.new_tab().await;
    browser.open(&network.app()).await;
    ada.home().await;
    ada.runs_engines(1, 1).await;
    ada.write_to(&bert_id).await;
    for number in 0..8 {
        // No word of a phrase.
        let text = format!("number {number} {}", "0123456789 ".repeat(150));
        ada.send(&text).await;
        ada.reads(&format!("number {number} ")).await;
    }
    ada.delivered().await;
    bert.accept(&ada_id).await;
    bert.send("Good morning").await;
    ada.reads("Good morning").await;
    let row = format!(".row[data-conversation='{bert_id}']");
    browser.read(&row, "Good morning").await;
    browser.gone(&format!("{row} .unread")).await;

    // Something comes while she reads above.
    scroll_to(browser, 700).await;
    browser.see(".jump").await;
    bert.send("first of the unread").await;
    browser.read(".jump .unread", "1").await;
    let place = browser.script(FIRST_SEEN).await;

    // The tab with the engine goes. What comes after that comes by the new one.
    browser.go_to(&first).await;
    browser.close_tab(&second).await;
    ada.runs_engines(1, 0).await;
    bert.send("second of the unread").await;
    browser.read(".jump .unread", "2").await;
    browser.at_rest().await;
    reads_at(browser, &place).await;

    browser.press(".jump").await;
    browser.gone(".jump").await;
    ada.reads("second of the unread").await;
}

#[tokio::test]
async fn a_slow_answer_leaves_no_gap_between_messages() {
    let network = Network::start_with_both();
    let user = User::join(&network, "Ada", Place::OwnDevice).await;
    let browser = &user.browser;
    let page = format!("{}{}", network.app(), holdfast_tests::site::PAGE);
    browser.open(&format!("{page}#fill=1,4000")).await;
    browser
        .until("a filled database", async || {
            let title = browser.driver().title().await.ok()?;
            (title == "filled").then_some(())
        })
        .await;
    browser.open(&network.app()).await;
    user.home().await;
    browser.fill("#search", "kelp-1000").await;
    let found = ".search-results[data-words='kelp-1000'] .found-message";
    browser.read(found, "kelp-1000").await;
    browser.press(found).await;
    browser.read("article.message:focus mark", "kelp-1000").await;
    browser.see(".jump").await;
    browser.at_rest().await;

    // She asks for the end, and goes on scrolling in what she sees until that is there.
    browser.holds_back("").await;
    browser.press(".jump").await;
    let asked = browser.held().await;
    assert!(asked > 0, "the end is asked for");
    scroll_to(browser, 0).await;
    browser.lets_go(asked).await;
    browser.gone(".jump").await;
    browser.holds_nothing().await;
    browser.at_rest().await;
    assert_eq!(browser.script(GAPS).await, json!([]));

    // Older ones are read as ever.
    let count = "return document.querySelectorAll('article.message').length";
    let before = browser.script(count).await.as_u64();
    browser
        .until("older messages", async || {
            scroll_to(browser, 0).await;
            (browser.script(count).await.as_u64() > before).then_some(())
        })
        .await;
    assert_eq!(browser.script(GAPS).await, json!([]));
}

#[tokio::test]
async fn at_midnight_today_becomes_yesterday() {
    let network = Network::start();
    let ada = User::arrive(&network).await;
    let browser = &ada.browser;
    browser.holds_clock().await;
    browser.before_each_page(HASTE).await;
    ada.create("Ada", Place::OwnDevice).await;
    let own = ada.id().await;
    ada.write_to(&own).await;
    ada.send("The tide turns at two").await;
    ada.reads("The tide turns at two").await;
    browser.read(".day-heading", "Today").await;
    browser.clock_ahead(Duration::from_secs(24 * 60 * 60)).await;
    browser.read(".day-heading", "Yesterday").await;
    // The list has the weekday with the time.
    let time =
        format!("return document.querySelector(\".row[data-conversation='{own}'] .row-time\").textContent");
    browser
        .until("weekday and time", async || {
            let told = browser.script(&time).await;
            let (day, clock) = told.as_str()?.split_once([',', ' '])?;
            let named = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].contains(&day);
            (named && clock.contains(':')).then_some(())
        })
        .await;
}
