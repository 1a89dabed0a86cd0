//! Several tabs of one account: one engine, the same state, and hand-over when the tab that runs it goes.

use serde_json::Value;

use crate::network::Network;
use crate::user::{Place, User};

/// How many engines the origin's tabs run and how many wait for their turn, as the browser's locks tell.
pub(crate) async fn engines(user: &User) -> (usize, usize) {
    let state = user
        .browser
        .driver()
        .execute_async(
            "const done = arguments[0]; const of = (all) => all.filter((l) => l.name === 'holdfast-engine').length; \
             navigator.locks.query().then(({held, pending}) => done([of(held), of(pending)]));",
            Vec::new(),
        )
        .await
        .expect("the locks");
    let count = |at: usize| state.json().get(at).and_then(Value::as_u64).unwrap_or_default() as usize;
    (count(0), count(1))
}

#[tokio::test]
async fn tabs_share_one_engine_and_hand_it_over() {
    let network = Network::start();
    let [(ada, ada_id), (bert, bert_id)] = User::pair(&network).await;
    let driver = ada.browser.driver();
    let first = driver.window().await.expect("a tab");
    ada.write_to(&bert_id).await;

    let second = driver.new_tab().await.expect("a tab");
    driver.switch_to_window(second.clone()).await.expect("the tab");
    ada.browser.open(&network.app()).await;
    ada.home().await;
    assert_eq!(engines(&ada).await, (1, 1), "one engine, one tab in line");

    // Either tab writes; both show it.
    ada.open(&bert_id).await;
    ada.send("from the second tab").await;
    driver.switch_to_window(first.clone()).await.expect("the tab");
    ada.reads("from the second tab").await;
    ada.send("from the first tab").await;
    bert.open(&ada_id).await;
    bert.reads("from the second tab").await;
    bert.reads("from the first tab").await;

    // The tab with the engine goes in mid-command; the other takes over, and nothing is lost or sent twice.
    ada.browser
        .script(
            "const field = document.querySelector('#message-text'); field.value = 'sent while closing'; \
             field.dispatchEvent(new Event('input', {bubbles: true})); \
             setTimeout(() => document.querySelector('#send-message').click(), 0);",
        )
        .await;
    driver.close_window().await.expect("the tab closes");
    driver.switch_to_window(second).await.expect("the tab");
    ada.browser
        .until("the other tab to run the engine", async || {
            (engines(&ada).await == (1, 0)).then_some(())
        })
        .await;
    ada.send("after the hand-over").await;
    bert.reads("after the hand-over").await;
    bert.send("received").await;
    ada.reads("received").await;
    ada.delivered().await;
    for text in ["from the second tab", "from the first tab", "after the hand-over"] {
        assert_eq!(bert.count(text).await, 1, "{text}");
        assert_eq!(ada.count(text).await, 1, "{text}");
    }
    assert_eq!(
        bert.count("sent while closing").await,
        ada.count("sent while closing").await,
        "accepted and sent, or neither"
    );
}

#[tokio::test]
async fn a_frozen_tab_is_replaced_and_wakes_as_a_follower() {
    let network = Network::start();
    let [(ada, ada_id), (bert, bert_id)] = User::pair(&network).await;
    let driver = ada.browser.driver();
    let first = driver.window().await.expect("a tab");
    ada.write_to(&bert_id).await;
    ada.send("before the frost").await;
    let second = driver.new_tab().await.expect("a tab");
    driver.switch_to_window(second.clone()).await.expect("the tab");
    ada.browser.open(&network.app()).await;
    ada.home().await;
    ada.open(&bert_id).await;

    // The browser freezes the tab that runs the engine. It keeps the lock, and answers nobody.
    driver.switch_to_window(first.clone()).await.expect("the tab");
    ada.browser.freezes(true).await;
    driver.switch_to_window(second.clone()).await.expect("the tab");
    ada.send("out of the cold").await;
    ada.reads("out of the cold").await;
    assert_eq!(
        engines(&ada).await,
        (1, 1),
        "one engine, and the one that sleeps is not in line"
    );

    // It wakes, finds itself replaced, and gets in line.
    driver.switch_to_window(first.clone()).await.expect("the tab");
    ada.browser.freezes(false).await;
    ada.browser
        .until("the first tab to get in line", async || {
            (engines(&ada).await == (1, 2)).then_some(())
        })
        .await;

    // When the other goes it takes over what is there: nothing is lost or sent twice.
    driver.switch_to_window(second).await.expect("the tab");
    driver.close_window().await.expect("the tab closes");
    driver.switch_to_window(first).await.expect("the tab");
    ada.reads("out of the cold").await;
    ada.send("awake again").await;
    bert.open(&ada_id).await;
    bert.reads("out of the cold").await;
    bert.reads("awake again").await;
    ada.delivered().await;
    for text in ["before the frost", "out of the cold", "awake again"] {
        assert_eq!(bert.count(text).await, 1, "{text}");
        assert_eq!(ada.count(text).await, 1, "{text}");
    }
    assert_eq!(engines(&ada).await, (1, 0), "one engine");
}

#[tokio::test]
async fn logging_out_in_one_tab_ends_all_and_removes_the_database() {
    let network = Network::start();
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let driver = ada.browser.driver();
    let first = driver.window().await.expect("a tab");
    let second = driver.new_tab().await.expect("a tab");
    driver.switch_to_window(second).await.expect("the tab");
    ada.browser.open(&network.app()).await;
    ada.home().await;
    ada.log_out().await;
    driver.switch_to_window(first).await.expect("the tab");
    ada.browser.see("#create-account").await;
    let left = driver
        .execute_async(
            "const done = arguments[0]; indexedDB.databases().then((all) => \
             done(all.length + (localStorage.getItem('holdfast') === null ? 0 : 1)));",
            Vec::new(),
        )
        .await
        .expect("the databases");
    assert_eq!(left.json().as_u64(), Some(0), "no database and no marker");
    // The next account starts afresh on the same device.
    ada.create("Ada again", Place::OwnDevice).await;
}
