//! Keys and the focus: shortcuts that take nobody's letters, lists that Tab reaches once, and a focus that goes with what
//! happens on the page.

use holdfast_protocol::account::{Account, Seed};
use serde_json::Value;
use thirtyfour::prelude::*;

use crate::driver::{Browser, PHONE};
use crate::files_stripped::FINGER;
use crate::network::Network;
use crate::user::{Place, User};

/// Presses a key where the focus is, and says whether the app took it.
const PRESS: &str = "const event = new KeyboardEvent('keydown', { bubbles: true, cancelable: true, ...init }); \
     document.activeElement.dispatchEvent(event); return event.defaultPrevented;";
/// What a list has for Tab.
const STOPS: &str =
    "return [...document.querySelectorAll('.conversations .row')].filter((row) => row.tabIndex >= 0).length";

/// An Account ID that nobody uses.
fn somebody(number: u8) -> String {
    Account::from_seed(Seed::from_bytes(&[number; 16])).id().to_hex()
}

/// Presses a key of which a script says what it is, and gives whether the app took it.
async fn takes(browser: &Browser, init: &str) -> Value {
    browser.script(&format!("const init = {init}; {PRESS}")).await
}

/// Gives something the focus and presses Enter.
async fn enter(browser: &Browser, css: &str) {
    browser.see(css).await;
    browser
        .script(&format!("document.querySelector(\"{css}\").focus()"))
        .await;
    browser.keys(Key::Enter).await;
}

/// Waits until a heading has the focus.
async fn headed(browser: &Browser, words: &str) {
    browser
        .until(&format!("the focus on the heading “{words}”"), async || {
            let script = "const at = document.activeElement; return at.tagName === 'H1' ? at.innerText : ''";
            let heading = browser.script(script).await;
            heading.as_str()?.contains(words).then_some(())
        })
        .await;
}

/// Waits until the row of a conversation has the focus.
async fn on_row(browser: &Browser, id: &str) {
    browser
        .until("the focus on the row", async || {
            let at = browser
                .script("return document.activeElement.dataset.conversation ?? ''")
                .await;
            (at == id).then_some(())
        })
        .await;
}

/// Chooses a language on the start page, and waits for its words.
async fn speaks(browser: &Browser, tag: &str, words: &str) {
    let choose = format!(
        "const choice = document.querySelector('#start-language'); choice.focus(); choice.value = '{tag}'; \
         choice.dispatchEvent(new Event('change', {{ bubbles: true }}));"
    );
    browser.script(&choose).await;
    browser.read("#create-account", words).await;
}

#[tokio::test]
async fn shortcuts_work_on_every_keyboard_and_take_no_letters() {
    let network = Network::start();
    let user = User::join(&network, "Ada", Place::OwnDevice).await;
    let browser = &user.browser;
    user.write_to(&somebody(1)).await;
    user.send("The ferry leaves at nine").await;
    user.reads("The ferry leaves at nine").await;

    // By the key's place: a Russian keyboard types another letter there.
    browser.focused("message-text").await;
    assert_eq!(
        takes(browser, "{ altKey: true, code: 'KeyF', key: 'а' }").await,
        true
    );
    browser.focused("find").await;
    assert_eq!(
        takes(browser, "{ altKey: true, code: 'KeyS', key: 'ы' }").await,
        true
    );
    browser.focused("search").await;

    // The Enter that ends a word of an input method opens nothing, whatever Safari says of it.
    browser.keys("ferry").await;
    browser.see(".hit").await;
    assert_eq!(takes(browser, "{ key: 'Enter', keyCode: 229 }").await, false);
    browser.keys(Key::Escape).await;

    // The Option key of a Mac types letters in a field and moves through its text.
    browser
        .script("Object.defineProperty(navigator, 'platform', { value: 'MacIntel' })")
        .await;
    browser
        .script("document.querySelector('#message-text').focus()")
        .await;
    for pressed in [
        "{ altKey: true, code: 'KeyL', key: '@' }",
        "{ altKey: true, code: 'KeyN', key: 'Dead' }",
        "{ altKey: true, code: 'ArrowUp', key: 'ArrowUp' }",
    ] {
        assert_eq!(takes(browser, pressed).await, false, "{pressed}");
    }
    browser.focused("message-text").await;
    browser.script("document.activeElement.blur()").await;
    assert_eq!(
        takes(browser, "{ altKey: true, code: 'KeyN', key: '˜' }").await,
        true
    );
    browser.focused("account-id").await;
    browser.press("#open-settings").await;
    browser.press("#settings-keys").await;
    browser.read("#option-key", "Option").await;
    browser.is_quiet().await;
}

#[tokio::test]
async fn the_focus_goes_with_the_screen_and_returns_to_what_led_on() {
    let network = Network::start();
    let user = User::arrive(&network).await;
    let browser = &user.browser;
    // The notices are in the part of the program that is fetched after the first screen, as what is tested here.
    browser
        .until("the whole program", async || {
            browser.has(".toasts").await.then_some(())
        })
        .await;
    enter(browser, "#create-account").await;
    browser.see("#own-device").await;
    let title = browser.see(".step h1").await.text().await.expect("a heading");
    headed(browser, &title).await;
    enter(browser, ".start-header .icon-button").await;
    browser.focused("create-account").await;

    // A change of language renders everything anew.
    speaks(browser, "de", "Konto").await;
    browser.focused("start-language").await;
    speaks(browser, "en", "account").await;
    browser.focused("start-language").await;

    // On a phone, where one screen takes the place of the other.
    user.create("Ada", Place::OwnDevice).await;
    browser.layout(PHONE).await;
    enter(browser, "#open-settings").await;
    headed(browser, "Settings").await;
    enter(browser, "#settings-privacy").await;
    headed(browser, "Privacy").await;
    enter(browser, ".pane-header .icon-button").await;
    browser.focused("settings-privacy").await;
    enter(browser, ".pane-header .icon-button").await;
    browser.focused("open-settings").await;
    let id = somebody(1);
    user.write_to(&id).await;
    user.send("Hello").await;
    user.reads("Hello").await;
    enter(browser, ".pane-header .only-narrow").await;
    on_row(browser, &id).await;

    // Where a keyboard would come up, what was found leads back to no field.
    browser.script(FINGER).await;
    browser.fill("#search", "Hello").await;
    browser.press(".found-message").await;
    user.reads("Hello").await;
    enter(browser, ".pane-header .only-narrow").await;
    browser
        .until("the focus on what takes no text", async || {
            let script = "return document.activeElement.matches('h1, .row')";
            (browser.script(script).await == true).then_some(())
        })
        .await;
    browser.is_quiet().await;
}

#[tokio::test]
async fn a_list_is_one_stop_and_keeps_the_focus_while_its_rows_come_and_go() {
    let network = Network::start();
    let user = User::join(&network, "Ada", Place::OwnDevice).await;
    let browser = &user.browser;
    let (own, one, other) = (user.id().await, somebody(1), somebody(2));
    for id in [&own, &one, &other] {
        user.write_to(id).await;
        user.send("Hello").await;
        user.reads("Hello").await;
    }
    let row = |id: &str| format!(".row[data-conversation='{id}']");
    browser.press("#open-settings").await;
    for _ in 0..2 {
        browser
            .until("one row for Tab", async || {
                (browser.script(STOPS).await == 1).then_some(())
            })
            .await;
        // From wherever the arrows led, too.
        browser
            .script(&format!("document.querySelector(\"{}\").focus()", row(&other)))
            .await;
        browser.keys(Key::Down).await;
        on_row(browser, &one).await;
        browser.see(&format!("{}[tabindex='0']", row(&one))).await;
    }

    // A row that moves is made anew where it belongs.
    browser.keys(Key::Down).await;
    on_row(browser, &own).await;
    browser.keys(Key::Alt + Key::Enter).await;
    user.entry("Pin").await;
    browser.see(&format!("li:first-child {}", row(&own))).await;
    on_row(browser, &own).await;

    // One that goes leaves the focus to the next one.
    browser.keys(Key::Down).await;
    on_row(browser, &other).await;
    browser.keys(Key::Alt + Key::Enter).await;
    user.entry("Delete conversation").await;
    browser.press("#confirm").await;
    browser.gone(&row(&other)).await;
    on_row(browser, &one).await;
    browser.is_quiet().await;
}
