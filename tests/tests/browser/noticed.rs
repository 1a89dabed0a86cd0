//! Notifications over two tabs of one account: one message is told once, whichever tab runs the engine, and not at all while
//! its user looks at either of them.

use serde_json::{Value, json};

use crate::driver::Browser;
use crate::network::Network;
use crate::settings::{LOOKING, RECORDER, look, notified};
use crate::user::{Place, User};

/// Opens the app in the present tab, with a recorder in the place of the browser's notifications.
async fn open_recorded(browser: &Browser, network: &Network) {
    browser.before_each_page(RECORDER).await;
    browser.before_each_page(LOOKING).await;
    browser.open(&network.app()).await;
}

/// Whom the present tab notified of what since it was opened.
async fn shown(browser: &Browser) -> Value {
    browser.script("return globalThis.shown").await
}

/// Waits until the notification that the present tab showed last is withdrawn.
async fn withdrawn(browser: &Browser) {
    browser
        .until("the notification to go", async || {
            let open = browser.script("return globalThis.last.entry.open").await;
            (open == json!(false)).then_some(())
        })
        .await;
}

/// The first notification of a tab, with the content that is told by default.
fn first_notification() -> (String, String) {
    ("Holdfast".to_owned(), "New message".to_owned())
}

#[tokio::test]
async fn two_tabs_tell_of_a_message_once_and_not_while_one_is_looked_at() {
    let network = Network::start();
    let (ada, bert) = futures::join!(
        User::arrive(&network),
        User::join(&network, "Bert", Place::SharedComputer)
    );
    let browser = &ada.browser;
    open_recorded(browser, &network).await;
    ada.create("Ada", Place::OwnDevice).await;
    let (ada_id, bert_id) = (ada.id().await, bert.id().await);
    ada.write_to(&bert_id).await;
    ada.send("Hello Bert").await;
    ada.delivered().await;
    ada.phrase().await;
    browser.press("#notify-yes").await;
    browser.gone("#notify-yes").await;
    bert.accept(&ada_id).await;
    bert.send("Hello Ada").await;
    let row = format!("[data-conversation='{bert_id}']");
    browser.read(&row, "Hello Ada").await;

    // The second tab shows the conversation; the first one runs the engine, and its user has turned away from it.
    let first = browser.tab().await;
    look(browser, false).await;
    let second = browser.new_tab().await;
    open_recorded(browser, &network).await;
    ada.home().await;
    ada.runs_engines(1, 1).await;
    ada.open(&bert_id).await;
    bert.send("read in the second tab").await;
    ada.reads("read in the second tab").await;
    browser.go_to(&first).await;
    browser.read(&row, "read in the second tab").await;

    // The same the other way round: the tab with the engine shows the conversation.
    browser.go_to(&second).await;
    browser.press("#open-settings").await;
    look(browser, false).await;
    browser.go_to(&first).await;
    look(browser, true).await;
    ada.open(&bert_id).await;
    bert.send("read in the first tab").await;
    ada.reads("read in the first tab").await;
    browser.go_to(&second).await;
    browser.read(&row, "read in the first tab").await;
    assert_eq!(shown(browser).await, json!([]), "nothing while looking");
    browser.go_to(&first).await;
    assert_eq!(shown(browser).await, json!([]), "nothing while looking");

    // Nobody looks at either: told once, by one of them. Had it told of what was read, it would count more than one.
    browser.press("#open-settings").await;
    look(browser, false).await;
    bert.send("to nobody").await;
    assert_eq!(notified(browser, 1).await, first_notification());
    browser.go_to(&second).await;
    browser.read(&row, "to nobody").await;
    assert_eq!(shown(browser).await, json!([]), "the first tab has told it");

    // Coming back to the other tab withdraws it, and what comes next is counted anew.
    look(browser, true).await;
    browser.go_to(&first).await;
    withdrawn(browser).await;
    browser.go_to(&second).await;
    look(browser, false).await;
    browser.go_to(&first).await;
    bert.send("to nobody again").await;
    assert_eq!(notified(browser, 2).await, first_notification());

    // The tab with the engine goes: the one that takes over tells what comes, once.
    browser.close_tab(&second).await;
    ada.runs_engines(1, 0).await;
    assert_eq!(shown(browser).await, json!([]), "what was told is not told again");
    bert.send("after the hand-over").await;
    assert_eq!(notified(browser, 1).await, first_notification());
    browser.read(&row, "after the hand-over").await;
    assert_eq!(shown(browser).await.as_array().map(Vec::len), Some(1));
}
