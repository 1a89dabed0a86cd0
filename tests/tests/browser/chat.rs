//! The main job: accounts in two browsers write to each other; a third takes up an account by its phrase.

use crate::network::Network;
use crate::user::{Place, User};

#[tokio::test]
async fn two_people_chat_reload_and_restore() {
    let network = Network::start();
    let [(ada, ada_id), (bert, bert_id)] = User::pair(&network).await;

    ada.write_to(&bert_id).await;
    ada.send("Hello Bert, this is Ada").await;
    bert.open(&ada_id).await;
    bert.reads("Hello Bert, this is Ada").await;
    bert.browser.read(".conversation header", "Ada").await;
    bert.send("Hello Ada").await;
    ada.reads("Hello Ada").await;
    ada.delivered().await;

    // A reload keeps everything, and the engine goes on where it was.
    ada.browser.reload().await;
    ada.open(&bert_id).await;
    ada.reads("Hello Bert, this is Ada").await;
    ada.reads("Hello Ada").await;
    bert.send("Still there?").await;
    ada.reads("Still there?").await;
    assert_eq!(ada.count("Hello Bert, this is Ada").await, 1);

    // Another device takes up the account and shows both sides of what was said.
    let phrase = ada.phrase().await;
    let third = User::arrive(&network).await;
    third.restore(&phrase, Place::OwnDevice).await;
    assert_eq!(third.id().await, ada_id);
    third.open(&bert_id).await;
    third.reads("Hello Bert, this is Ada").await;
    third.reads("Hello Ada").await;
    third.send("From my other device").await;
    bert.reads("From my other device").await;
    ada.open(&bert_id).await;
    ada.reads("From my other device").await;

    let own = network.app();
    for user in [ada, bert, third] {
        let said = user.browser.console().await;
        assert_eq!(said, Vec::<String>::new(), "the console is quiet");
        let requested = user.browser.quit().await.requested();
        assert!(
            requested.iter().any(|url| url.contains("/v1/onion/")),
            "the log shows what was asked for: {requested:?}"
        );
        let foreign: Vec<_> = requested.iter().filter(|url| !url.starts_with(&own)).collect();
        assert!(foreign.is_empty(), "nobody else is asked: {foreign:?}");
    }
}
