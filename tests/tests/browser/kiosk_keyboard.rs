//! The keyboard that a kiosk shows on the screen.

use serde_json::json;
use thirtyfour::prelude::*;

use crate::driver::{Browser, LAPTOP, PHONE};
use crate::kiosk::{LOGO, Visit, at_kiosk};
use crate::screens::pictures;

/// How many keys are too small, or not on the screen.
const BAD_KEYS: &str = "const wide = document.documentElement.clientWidth; \
     return [...document.querySelectorAll('.key')].filter((key) => { const r = key.getBoundingClientRect(); \
         return r.left < 0 || r.right > wide || r.height < 44; }).length";

/// Waits until the message field holds a text.
async fn written(browser: &Browser, text: &str) {
    browser
        .until(&format!("“{text}” in the field"), async || {
            let value = "return document.querySelector('#message-text').value";
            (browser.script(value).await == text).then_some(())
        })
        .await;
}

#[tokio::test]
async fn the_keyboard_on_the_screen_writes_where_the_focus_is() {
    let allowed =
        json!({ "keyboard": true, "languages": ["en", "ar"], "name": "Harbour library", "logo": LOGO.0 });
    at_kiosk(allowed, async |visit: Visit| {
        let browser = &visit.visitor.browser;
        browser
            .until("the logo", async || {
                let width = "return document.querySelector('.kiosk-logo')?.naturalWidth";
                (browser.script(width).await == json!(LOGO.1)).then_some(())
            })
            .await;
        assert!(!browser.has(".keyboard").await, "nothing is written in");
        pictures(browser, "kiosk-1-start").await;
        visit.choose_desk().await;
        browser.see(".keyboard").await;
        pictures(browser, "kiosk-6-keyboard").await;
        press_keys(browser, "⇧Ada⌫a").await;
        let value = "return [document.querySelector('#display-name').value, document.activeElement.id]";
        assert_eq!(browser.script(value).await, json!(["Ada", "display-name"]));
        press_keys(browser, "⏎").await;
        browser.see("#message-text").await;
        browser.press("#message-text").await;
        press_keys(browser, "hi 2").await;
        written(browser, "hi 2").await;
        press_keys(browser, "⏎").await;
        visit.visitor.reads("hi 2").await;

        // The letters follow the language.
        browser.press("#open-settings").await;
        browser.press("#settings-language option[value=ar]").await;
        browser.see("html[dir=rtl]").await;
        let row = format!(".row[data-conversation='{}']", visit.desk.id());
        browser.press(&row).await;
        browser.press("#message-text").await;
        press_keys(browser, "سلام").await;
        written(browser, "سلام").await;
        for size in [PHONE, LAPTOP] {
            browser.layout(size).await;
            browser
                .picture(&format!("kiosk-7-keyboard-arabic-{}", size.0))
                .await;
            browser.see(".key").await;
            assert_eq!(browser.script(BAD_KEYS).await, json!(0), "{size:?}");
        }
    })
    .await;
}

/// Taps keys by what stands on them.
async fn press_keys(browser: &Browser, keys: &str) {
    for key in keys.chars() {
        let path = match key {
            ' ' => "//button[@data-key='space']".to_owned(),
            '⇧' => "//button[@data-key='shift']".to_owned(),
            '⌫' => "//button[@data-key='backspace']".to_owned(),
            '⏎' => "//button[@data-key='enter']".to_owned(),
            letter => format!("//button[@data-key='letter' and text()='{letter}']"),
        };
        browser
            .until(&format!("the key {key}"), async || {
                let key = browser.driver().find(By::XPath(path.as_str())).await.ok()?;
                key.click().await.ok()
            })
            .await;
    }
}
