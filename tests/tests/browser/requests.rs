//! Message requests between strangers: the notice, accepting, declining, blocking, and back.

use crate::network::Network;
use crate::user::{Place, User};

/// A stranger: somebody at the second browser, who writes to an id and leaves.
pub(crate) async fn stranger_writes(user: &User, name: &str, to: &str, text: &str) -> String {
    user.create(name, Place::SharedComputer).await;
    let id = user.id().await;
    user.write_to(to).await;
    user.send(text).await;
    user.delivered().await;
    id
}

#[tokio::test]
async fn strangers_are_accepted_declined_and_blocked() {
    let network = Network::start();
    let (ada, other) = futures::join!(
        User::join(&network, "Ada", Place::OwnDevice),
        User::arrive(&network)
    );
    let ada_id = ada.id().await;
    let browser = &ada.browser;

    // Bert is announced above the list, not in it, and is accepted.
    let bert = stranger_writes(&other, "Bert", &ada_id, "Hello, it is Bert").await;
    browser.read("#open-requests.new", "1 new").await;
    assert!(!browser.has(&format!("[data-conversation='{bert}']")).await);
    browser.picture("requests-1-banner").await;
    browser.press("#open-requests").await;
    browser.see(&format!("[data-conversation='{bert}']")).await;
    browser.picture("requests-2-list").await;
    ada.choose(&bert, "Accept").await;
    browser.gone("#open-requests").await;
    ada.open(&bert).await;
    ada.reads("Hello, it is Bert").await;
    ada.send("Hello Bert").await;
    other.reads("Hello Bert").await;
    other.end_session().await;

    // Cleo is declined; a reload in between does not bring her back.
    let cleo = stranger_writes(&other, "Cleo", &ada_id, "Cleo here").await;
    browser.press("#open-requests").await;
    ada.choose(&cleo, "Delete").await;
    browser.press("#confirm").await;
    browser.gone(&format!("[data-conversation='{cleo}']")).await;
    browser.reload().await;
    ada.open(&bert).await;
    assert!(!browser.has("#open-requests").await);
    other.end_session().await;

    // Dora is blocked: she stays away until she is let back.
    let dora = stranger_writes(&other, "Dora", &ada_id, "Dora, first").await;
    browser.press("#open-requests").await;
    ada.choose(&dora, "Block").await;
    browser.picture("requests-3-block").await;
    browser.press("#confirm").await;
    browser.gone(&format!("[data-conversation='{dora}']")).await;
    other.send("Dora, unwanted").await;
    other.delivered().await;
    // A message of Bert's time after hers shows that hers was passed over, not late.
    browser.press("#leave-requests").await;
    browser.press("#open-settings").await;
    browser.press("#settings-blocked").await;
    browser.see(&format!("[data-blocked='{dora}']")).await;
    browser.picture("requests-4-blocked").await;
    browser.press(&format!("[data-blocked='{dora}'] button")).await;
    browser.press("#confirm").await;
    browser.gone(&format!("[data-blocked='{dora}']")).await;
    other.send("Dora, let back").await;
    let row = format!("[data-conversation='{dora}']");
    browser
        .until("Dora again", async || {
            if browser.has("#open-requests").await && !browser.has(&row).await {
                browser.press("#open-requests").await;
            }
            browser.has(&row).await.then_some(())
        })
        .await;
    ada.open(&dora).await;
    ada.reads("Dora, let back").await;
    assert_eq!(
        ada.count("Dora, unwanted").await,
        0,
        "what a blocked account wrote is dropped"
    );
}

#[tokio::test]
async fn all_requests_are_declined_at_once() {
    let network = Network::start();
    let (ada, other) = futures::join!(
        User::join(&network, "Ada", Place::OwnDevice),
        User::arrive(&network)
    );
    let ada_id = ada.id().await;
    let browser = &ada.browser;
    for name in ["Emil", "Frida"] {
        stranger_writes(&other, name, &ada_id, "Hello there").await;
        other.end_session().await;
    }
    browser.read("#open-requests.new", "2 new").await;
    browser.press("#open-requests").await;
    browser.press("#decline-all").await;
    browser.press("#confirm").await;
    browser.gone("[data-conversation]").await;
    browser.see(".empty-list").await;
    browser.picture("requests-5-empty").await;
    browser.reload().await;
    ada.home().await;
    assert!(!browser.has("#open-requests").await);
}

#[tokio::test]
async fn a_browser_killed_after_accepting_keeps_the_answer() {
    let network = Network::start();
    let (ada, bert) = futures::join!(
        User::join(&network, "Ada", Place::OwnDevice),
        User::join(&network, "Bert", Place::SharedComputer)
    );
    let (ada_id, bert_id) = (ada.id().await, bert.id().await);
    bert.write_to(&ada_id).await;
    bert.send("Hello, it is Bert").await;
    ada.browser.press("#open-requests").await;
    ada.choose(&bert_id, "Accept").await;
    ada.browser.see(&format!("[data-conversation='{bert_id}']")).await;
    let ada = ada.killed(&network).await;
    ada.open(&bert_id).await;
    ada.reads("Hello, it is Bert").await;
    assert!(!ada.browser.has("#open-requests").await);
    ada.send("Here again").await;
    bert.reads("Here again").await;
}
