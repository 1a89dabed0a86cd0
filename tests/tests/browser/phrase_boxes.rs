//! The boxes for the words of a phrase: by keyboard alone, and without a network.

use holdfast_protocol::account::Seed;
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

#[tokio::test]
async fn a_phrase_comes_in_by_keyboards_that_name_no_keys() {
    let network = Network::start();
    let user = User::arrive(&network).await;
    let browser = &user.browser;
    user.to_phrase("#own-device").await;
    let seed = Seed::from_bytes(&[7; 16]);
    let phrase = seed.phrase().as_str().to_owned();
    let words: Vec<&str> = phrase.split(' ').collect();
    // As Android's keyboards do it: neither a key nor a paste is told, only that the text is another one.
    let comes = async |text: &str| {
        let script = format!("return document.execCommand('insertText', false, '{text}')");
        assert_eq!(browser.script(&script).await, true);
    };
    let holds = async |at: usize, word: &str| {
        let value = format!("return document.getElementById('word-{at}').value");
        browser
            .until(&format!("{word} in box {at}"), async || {
                (browser.script(&value).await == word).then_some(())
            })
            .await;
    };
    // A space ends a word, also by itself, and takes the one that is certain.
    browser.focused("word-0").await;
    comes(&format!("{} ", &words[0][..CERTAIN])).await;
    browser.focused("word-1").await;
    holds(0, words[0]).await;
    comes(words[1]).await;
    holds(1, words[1]).await;
    comes(" ").await;
    browser.focused("word-2").await;
    holds(1, words[1]).await;
    // The clipboard, from the row above the keys.
    comes(&phrase).await;
    for (at, &word) in words.iter().enumerate() {
        holds(at, word).await;
    }
    browser.press("#phrase-continue").await;
    user.recognises(&seed.id().to_hex()).await;
}
