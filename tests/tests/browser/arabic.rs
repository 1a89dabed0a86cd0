//! Arabic, written from the right: every screen is looked at on a phone and a laptop. None is wider than the page, cuts a text
//! off, or has one left in English, and whatever can be pressed or filled in has a name.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::driver::{Browser, LAPTOP, PHONE};
use crate::files_sending::awaiting;
use crate::network::{Network, workspace};
use crate::screens::pictures;
use crate::share::share;
use crate::user::{Place, User};

/// What sticks out of the page at its sides: elements that can be seen and that no scroll area holds.
const STICKS_OUT: &str = "
    const width = document.documentElement.clientWidth;
    return [...document.querySelectorAll('body *')].filter((e) => {
        const r = e.getBoundingClientRect();
        if (r.width < 2 || r.height < 2 || e.closest('.unseen, svg, .tray-files, .stage')) return false;
        return r.left < -1 || r.right > width + 1;
    }).map((e) => e.tagName + '.' + e.className);";

/// Whether the page itself is wider than what is seen of it, or not written from the right.
const IS_OFF: &str = "
    const { clientWidth, scrollWidth } = document.documentElement;
    const off = scrollWidth > clientWidth ? [`${scrollWidth} of ${clientWidth} pixels`] : [];
    return document.dir === 'rtl' ? off : [...off, `dir is ${document.dir}`];";

/// Texts that are cut off although nothing says that there is more.
const CUT_OFF: &str = "
    return [...document.querySelectorAll('button, h1, h2, p, label, legend, span')].filter((e) => {
        const style = getComputedStyle(e);
        if (style.textOverflow === 'ellipsis' || e.closest('.unseen, .avatar, .row')) return false;
        return style.overflowX !== 'visible' && e.clientWidth > 2 && e.scrollWidth > e.clientWidth + 1;
    }).map((e) => e.tagName + '.' + e.className + ': ' + e.textContent);";

/// What can be pressed or filled in and has no name, neither written on it nor for screen readers.
const NAMELESS: &str = "
    const all = 'button, a[href], input:not([type=hidden]), select, textarea, [role=button], [role=menuitem], ' +
        '[role=option], [role=slider], [role=tab], [contenteditable=true]';
    const written = (e) => {
        const copy = e.cloneNode(true);
        for (const hidden of copy.querySelectorAll('[aria-hidden=true]')) hidden.remove();
        const pictures = [...copy.querySelectorAll('[aria-label], img[alt]')];
        return copy.textContent + pictures.map((p) => p.getAttribute('aria-label') ?? p.alt).join('');
    };
    const names = (e) => [
        e.getAttribute('aria-label'),
        e.title,
        ...(e.getAttribute('aria-labelledby') ?? '').split(' ').map((id) => document.getElementById(id)?.textContent),
        ...[...(e.labels ?? [])].map(written),
        e.matches('input, select, textarea') ? '' : written(e),
    ];
    return [...document.querySelectorAll(all)]
        .filter((e) => e.checkVisibility() && !names(e).some((name) => name?.trim()))
        .map((e) => e.outerHTML);";

/// Texts and names that are an English one of the app: after `exact`, a set, and `patterns`. What people wrote is not looked
/// at.
const LEFT: &str = r"
    const own = 'script, style, noscript, kbd, .text, .row-text, .row-name, .quote-text, [dir=auto]';
    const words = (text) => text.replace(/\s+/g, ' ').trim();
    const english = (text) => exact.has(words(text)) || patterns.some((pattern) => pattern.test(words(text)));
    const found = english(document.title) ? [document.title] : [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const { data, parentElement: around } = texts.currentNode;
        if (around.checkVisibility() && !around.closest(own) && english(data)) found.push(words(data));
    }
    for (const e of document.querySelectorAll('body *')) {
        if (!e.checkVisibility() || e.closest(own)) continue;
        for (const name of ['aria-label', 'aria-description', 'title', 'placeholder', 'alt']) {
            const text = e.getAttribute(name);
            if (text && english(text)) found.push(`${name}: ${text}`);
        }
    }
    return found;";

/// So many letters of a text beside its placeholders tell that it is English.
const TELLING: usize = 4;

/// All texts of a language.
fn texts(tag: &str) -> BTreeSet<String> {
    let file = workspace().join(format!("static/languages/{tag}.json"));
    let all = std::fs::read_to_string(&file).expect("a language");
    let all: Value = serde_json::from_str(&all).expect("JSON");
    let all = all.as_object().expect("texts by their keys");
    all.values()
        .filter_map(|told| told.get("text").unwrap_or(told).as_str())
        .map(ToOwned::to_owned)
        .collect()
}

/// What stands before, between and after the placeholders of a text.
fn pieces(text: &str) -> Vec<&str> {
    text.split('{')
        .enumerate()
        .map(|(at, part)| match part.split_once('}') {
            Some((_, after)) if at > 0 => after,
            _ => part,
        })
        .collect()
}

/// A script that finds what is left in English.
fn left_in_english() -> String {
    let arabic = texts("ar");
    let (mut exact, mut patterns) = (Vec::new(), Vec::new());
    for text in texts("en").difference(&arabic) {
        let pieces = pieces(text);
        let letters = pieces.concat().chars().filter(char::is_ascii_alphabetic).count();
        match pieces.as_slice() {
            [whole] => exact.push(json!(whole)),
            several if letters >= TELLING => patterns.push(json!(several)),
            _ => {}
        }
    }
    let mut script = format!("const exact = new Set({});", json!(exact));
    script.push_str(&format!(
        r"const patterns = {}.map((pieces) => new RegExp(
            '^' + pieces.map((piece) => piece.replace(/[.*+?^${{}}()|[\]\\]/g, '\\$&')).join('.+') + '$', 's'));",
        json!(patterns)
    ));
    script + LEFT
}

/// Looks at a screen in both layouts, and takes its pictures.
pub(crate) async fn fits(browser: &Browser, screen: &str) {
    let english = left_in_english();
    // Without motion, so that everything is where it stays.
    browser.dark(false).await;
    for size in [PHONE, LAPTOP] {
        browser.layout(size).await;
        let frames = "for (const _ of [1, 2]) await new Promise(requestAnimationFrame); return null;";
        browser.script(&awaiting(frames)).await;
        for (what, script) in [
            ("off", IS_OFF),
            ("sticks out", STICKS_OUT),
            ("is cut off", CUT_OFF),
            ("has no name", NAMELESS),
            ("is English", english.as_str()),
        ] {
            let found = browser.script(script).await;
            assert_eq!(found, json!([]), "{screen} {size:?}: what {what}");
        }
    }
    pictures(browser, &format!("{screen}-ar")).await;
}

impl User {
    /// Chooses Arabic in the settings.
    pub(crate) async fn speaks_arabic(&self) {
        let browser = &self.browser;
        browser.press("#open-settings").await;
        browser.press("#settings-appearance").await;
        browser.press("#settings-language option[value=ar]").await;
        browser.see("html[dir=rtl][lang=ar]").await;
    }
}

#[test]
fn english_is_told_from_its_pieces() {
    assert_eq!(pieces("Back"), ["Back"]);
    assert_eq!(pieces("{count} of {all} files"), ["", " of ", " files"]);
    let script = left_in_english();
    assert!(script.contains("\"Cancel\"") && !script.contains("\"Holdfast\""));
}

#[tokio::test]
async fn arabic_is_written_from_the_right_and_fits() {
    let network = Network::start();
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let browser = &ada.browser;
    let own = ada.id().await;
    ada.write_to(&own).await;
    ada.send("A note").await;
    ada.delivered().await;
    ada.speaks_arabic().await;
    browser.read(".pane-header h1", "المظهر").await;
    for (screen, button) in [
        ("settings", "#open-settings"),
        ("profile", "#open-profile"),
        ("new", "#new-conversation"),
        ("network", "#open-network"),
    ] {
        browser.layout(LAPTOP).await;
        browser.press(button).await;
        fits(browser, screen).await;
    }
    for page in [
        "privacy",
        "lock",
        "notifications",
        "conversations",
        "appearance",
        "keys",
        "blocked",
    ] {
        browser.layout(LAPTOP).await;
        browser.press("#open-settings").await;
        browser.press(&format!("#settings-{page}")).await;
        fits(browser, page).await;
    }
    browser.layout(LAPTOP).await;
    ada.open(&own).await;
    fits(browser, "conversation").await;
    // The choice stays.
    browser.reload().await;
    browser.see("html[dir=rtl][lang=ar]").await;

    let shared = json!({ "text": "https://example.org/tides", "title": "Tides" });
    share(browser, &network, shared, &[]).await;
    browser.see("#shared").await;
    fits(browser, "share").await;
}
