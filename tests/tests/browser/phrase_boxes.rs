//! The boxes for the words of a phrase: by keyboard alone, and without a network.

use thirtyfour::prelude::*;

use crate::driver::Browser;
use crate::network::Network;
use crate::user::{Place, User};

/// Letters after which a word is certain.
const CERTAIN: usize = 3;

/// Types the beginning of a word into the box that has the focus, and sees what the box offers.
async fn begin(browser: &Browser, at: usize, word: &str) {
    browser.focused(&format!("word-{at}")).await;
    let (certain, last) = (&word[..CERTAIN], &word[CERTAIN - 1..CERTAIN]);
    browser.keys(&certain[..CERTAIN - 1]).await;
    let value = format!("return document.getElementById('word-{at}').value");
    browser
        .until("the first letters", async || {
            (browser.script(&value).await == certain[..CERTAIN - 1]).then_some(())
        })
        .await;
    assert!(
        !browser.has(&format!("#word-{at}-list [role=option]")).await,
        "{word} is not certain yet"
    );
    browser.keys(last).await;
    browser
        .read(&format!("#word-{at}-list [role=option]"), word)
        .await;
    browser.see(&format!("#word-{at}[aria-expanded=true]")).await;
}

#[tokio::test]
async fn three_letters_of_each_word_are_enough_and_the_account_shows_without_a_network() {
    let network = Network::start();
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let (id, phrase) = (ada.id().await, ada.phrase().await);
    let hue = ada.shown(".identity .avatar", "data-hue").await;
    let words: Vec<&str> = phrase.split(' ').collect();

    let user = User::arrive(&network).await;
    let browser = &user.browser;
    user.to_phrase("#own-device").await;
    browser.offline(true).await;
    for (at, word) in words.iter().enumerate() {
        begin(browser, at, word).await;
        // Every way to end a word takes the one that is offered; the last one sends them all.
        match at % 4 {
            1 => browser.keys(" ").await,
            2 => browser.keys(Key::Tab).await,
            3 => {
                browser.keys(Key::Down).await;
                let marked = format!("#word-{at}[aria-activedescendant=word-{at}-option-0]");
                browser.see(&marked).await;
                browser.keys(Key::Enter).await;
            }
            _ => browser.keys(Key::Enter).await,
        }
        if at + 1 < words.len() {
            let value = format!("return document.getElementById('word-{at}').value");
            browser
                .until(&format!("{word} in its box"), async || {
                    (browser.script(&value).await == *word).then_some(())
                })
                .await;
        }
    }
    user.recognises(&id).await;
    assert_eq!(user.shown(".recognised .avatar", "data-hue").await, hue);
    browser.see(".recognised .avatar svg").await;
    browser.picture("recovery-recognised-offline").await;

    // The way back into a box is as short.
    browser.back().await;
    browser.focused("word-0").await;
    browser.keys(words[0]).await;
    browser.keys(" ").await;
    browser.focused("word-1").await;
    browser.keys(Key::Backspace).await;
    browser.focused("word-0").await;
}
