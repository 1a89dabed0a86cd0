//! The look that was chosen.

use serde_json::json;

use crate::network::Network;
use crate::user::{Place, User};

/// How far something is from what is behind it (WCAG's contrast ratio): an element's text, or its edge.
const CONTRAST: &str = "const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true }); \
     const paint = (colour) => { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }; \
     const linear = (byte) => byte <= 10 ? byte / 255 / 12.92 : ((byte / 255 + 0.055) / 1.055) ** 2.4; \
     const light = () => { const [red, green, blue] = canvas.getImageData(0, 0, 1, 1).data; \
     return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue) + 0.05; }; \
     const element = document.querySelector(css); \
     const style = getComputedStyle(element); \
     const behind = []; \
     for (let at = edge ? element.parentElement : element; at; at = at.parentElement) behind.unshift(at); \
     for (const at of behind) paint(getComputedStyle(at).backgroundColor); \
     const back = light(); \
     paint(edge ? style.borderTopColor : style.color); \
     const front = light(); \
     return Math.max(front, back) / Math.min(front, back);";

#[tokio::test]
async fn a_theme_holds_from_the_choice_on() {
    let network = Network::start();
    let ada = User::arrive(&network).await;
    let browser = &ada.browser;
    browser.dark(false).await;
    ada.create("Ada", Place::OwnDevice).await;
    let scheme = "return getComputedStyle(document.documentElement).colorScheme";
    browser.press("#open-settings").await;
    browser.press("#settings-appearance").await;
    browser.press("input[name=theme][value=dark]").await;
    browser.see("html[data-theme=dark] .pane").await;
    assert_eq!(browser.script(scheme).await, json!("dark"));
    browser.reload().await;
    browser.see("html[data-theme=dark] #new-conversation").await;
    browser.press("#open-settings").await;
    browser.press("#settings-appearance").await;
    let chosen = "return document.querySelector('input[name=theme]:checked')?.value ?? null";
    browser
        .until("the choice", async || {
            (browser.script(chosen).await == json!("dark")).then_some(())
        })
        .await;
    browser.press("input[name=theme][value=light]").await;
    browser.see("html[data-theme=light] .pane").await;
    assert_eq!(browser.script(scheme).await, json!("light"));
}

#[tokio::test]
async fn fields_and_names_stand_out_and_buttons_are_large_enough() {
    let network = Network::start();
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let browser = &ada.browser;
    let own = ada.id().await;
    ada.write_to(&own).await;
    ada.send("The ferry leaves at nine").await;
    ada.delivered().await;
    ada.right_click("ferry").await;
    ada.entry("Reply").await;
    ada.send("At ten").await;
    browser.see(".own .quote-author").await;
    browser.script("document.activeElement.blur()").await;
    for dark in [false, true] {
        browser.dark(dark).await;
        browser.at_rest().await;
        for (css, edge, least) in [
            (".own .quote-author", false, 4.5),
            (".composer-field", true, 3.0),
            ("#search", true, 3.0),
        ] {
            let script = format!("const [css, edge] = ['{css}', {edge}]; {CONTRAST}");
            let ratio = browser.script(&script).await;
            let ratio = ratio.as_f64().expect("a ratio");
            assert!(ratio >= least, "{css} has {ratio}, dark: {dark}");
        }
    }
    let side = "const { width, height } = document.querySelector('#open-network').getBoundingClientRect(); \
         return Math.min(width, height);";
    let side = browser.script(side).await;
    assert!(side.as_f64().expect("a size") >= 32.0, "{side}");
}
