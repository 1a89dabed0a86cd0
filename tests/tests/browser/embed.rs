//! A chat in a page of somebody else's: what it is there, and what both sides tell each other.

mod arabic;
mod elsewhere;
mod fences;

use serde_json::{Value, json};
use thirtyfour::prelude::*;
use tokio::task::LocalSet;

use elsewhere::Elsewhere;

use crate::driver::{Browser, PHONE};
use crate::files_sending::awaiting;
use crate::network::Network;
use crate::peer::Peer;
use crate::screens::pictures;
use crate::user::{Place, User};

/// The least frame that the chat is made for, in CSS pixels.
const SMALL: (u32, u32) = (320, 420);
/// Whether the button says that the chat is open.
const EXPANDED: &str = "root.getElementById('launcher').ariaExpanded";
/// The number on the button.
const COUNT: &str = "root.querySelector('.count').textContent";

/// What a script finds out about the chat's element; `root` is what it is in.
async fn in_page(browser: &Browser, script: &str) -> Value {
    browser
        .script(&format!(
            "const root = document.querySelector('holdfast-chat')?.shadowRoot; return root ? ({script}) : null"
        ))
        .await
}

/// Waits until a script about the chat's element says something.
async fn page_says(browser: &Browser, script: &str, expected: Value) {
    browser
        .until(&format!("{script} to be {expected}"), async || {
            (in_page(browser, script).await == expected).then_some(())
        })
        .await;
}

/// Goes into the chat's frame.
async fn into_chat(browser: &Browser) {
    let find = "return document.querySelector('holdfast-chat')?.shadowRoot.querySelector('iframe')";
    browser
        .until("the chat's frame", async || {
            out_of_chat(browser).await;
            let found = browser.driver().execute(find, Vec::new()).await.ok()?;
            found.element().ok()?.enter_frame().await.ok()
        })
        .await;
}

/// Goes back to the page.
async fn out_of_chat(browser: &Browser) {
    browser
        .driver()
        .enter_default_frame()
        .await
        .expect("there is a page");
}

/// Waits for the button that opens the chat, and presses it.
async fn launch(browser: &Browser) {
    page_says(browser, "!!root.getElementById('launcher')", json!(true)).await;
    in_page(browser, "root.getElementById('launcher').click()").await;
}

/// Presses a key on the page, whatever has the focus there.
async fn press_key(browser: &Browser, key: Key) {
    let press = browser.driver().action_chain().send_keys(key);
    press.perform().await.expect("a key");
}

/// A page of another site with a button, an office that answers there, and a guest at a new browser.
struct Boats {
    page: String,
    network: Network,
    office: Peer,
    guest: User,
    /// Serves the page.
    _elsewhere: Elsewhere,
}

/// Runs a test with all these.
async fn with_boats(test: impl AsyncFnOnce(Boats)) {
    let run = async {
        let mut elsewhere = Elsewhere::new().await;
        let page = elsewhere.origin("localhost");
        let network = Network::start_with(&["--embed-origin", &page]);
        let office = Peer::join(&network, "Harbour office").await;
        elsewhere.show(&network.app(), &office.id());
        let boats = Boats {
            page,
            network,
            office,
            guest: User::at_new_browser().await,
            _elsewhere: elsewhere,
        };
        test(boats).await;
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn a_button_on_a_page_of_another_site_opens_a_chat_by_keyboard() {
    with_boats(async |boats: Boats| {
        let (guest, office) = (&boats.guest, &boats.office);
        let browser = &guest.browser;
        browser.open(&boats.page).await;
        opened_and_written_by_keys(guest).await;
        is_a_chat_alone(browser).await;

        let nina = office.accept_next().await;
        office.send(&nina, "Until noon", &[]).await;
        guest.reads("Until noon").await;
        browser.read(".heading-name", "Harbour office").await;
        pictures(browser, "92-embed-chat").await;

        // Escape closes, and gives the focus back.
        browser.focused("message-text").await;
        browser.keys(Key::Escape).await;
        out_of_chat(browser).await;
        let closed = "[root.getElementById('launcher').ariaExpanded, root.activeElement.id]";
        page_says(browser, closed, json!(["false", "launcher"])).await;

        closed_it_counts(&boats, &nina).await;
        heard_states_alone(&boats, &nina).await;

        // The chat goes on in a tab of its own, or ends.
        into_chat(browser).await;
        browser.press("#embed-tab").await;
        let tab = browser.see("#confirm-tab").await.attr("href").await;
        assert_eq!(
            tab.expect("a link").expect("an address"),
            format!("./#/c/{}?n=Harbour%20office", office.id())
        );
        pictures(browser, "94-embed-tab").await;
        browser.keys(Key::Escape).await;
        browser.gone("#confirm-tab").await;
        browser.press("#embed-end").await;
        browser.press("#confirm").await;
        browser.see("#embed-start").await;
        out_of_chat(browser).await;
        browser.is_quiet().await;
    })
    .await;
}

/// Opens the chat from the page, chooses a name and writes, all by keys; stays in the frame.
async fn opened_and_written_by_keys(guest: &User) {
    let browser = &guest.browser;
    // Nothing but the script was loaded; the button is the first thing that Tab leads to.
    page_says(browser, "root.querySelector('iframe') === null", json!(true)).await;
    press_key(browser, Key::Tab).await;
    page_says(browser, "root.activeElement?.id", json!("launcher")).await;
    browser.picture("90-embed-button-laptop-light").await;
    press_key(browser, Key::Enter).await;
    page_says(browser, EXPANDED, json!("true")).await;

    into_chat(browser).await;
    browser.focused("display-name").await;
    browser.read(".embedded h1", "Harbour office").await;
    pictures(browser, "91-embed-start").await;
    browser.keys("Nina").await;
    browser.keys(Key::Enter).await;
    browser.see("#message-text").await;
    browser.focused("message-text").await;
    browser.keys("Is the reef open today?").await;
    browser.keys(Key::Enter).await;
    guest.delivered().await;
}

/// No way leads from the frame to a list, a setting or the phrase, and nothing was written to this browser.
async fn is_a_chat_alone(browser: &Browser) {
    for other in [
        "#chat-phrase",
        ".list-pane",
        "#open-profile",
        "#open-settings",
        "#open-details",
    ] {
        assert!(!browser.has(other).await, "{other}");
    }
    let kept = browser
        .script(
            "return Promise.all([indexedDB.databases(), navigator.serviceWorker.getRegistrations(), caches.keys()])\
             .then((all) => [localStorage.length, ...all.map((some) => some.length)])",
        )
        .await;
    assert_eq!(kept, json!([0, 0, 0, 0]));
}

/// While the chat is closed the button counts what comes, as the chat says and nobody else; opened, it counts nothing.
async fn closed_it_counts(boats: &Boats, nina: &str) {
    let browser = &boats.guest.browser;
    // A count that the page tells itself is not the chat's.
    browser
        .script("postMessage({ holdfast: 1, type: 'unread', count: 7 }, location.origin)")
        .await;
    browser
        .until("the page to hear itself", async || {
            let heard = browser
                .script("return heard.some(({ data }) => data.count === 7)")
                .await;
            (heard == true).then_some(())
        })
        .await;
    assert_eq!(in_page(browser, COUNT).await, "");
    boats.office.send(nina, "And again from two", &[]).await;
    page_says(browser, COUNT, json!("1")).await;
    page_says(
        browser,
        "[root.getElementById('launcher').ariaLabel, root.querySelector('[role=status]').textContent]",
        json!(["Chat with us. New messages: 1", "New messages: 1"]),
    )
    .await;
    browser.picture("93-embed-unread-laptop-light").await;

    press_key(browser, Key::Enter).await;
    into_chat(browser).await;
    boats.guest.reads("And again from two").await;
    out_of_chat(browser).await;
    page_says(browser, COUNT, json!("")).await;
}

/// What the page heard are states, from the app's origin only.
async fn heard_states_alone(boats: &Boats, nina: &str) {
    let heard = boats.guest.browser.script("return heard").await;
    let all = heard.as_array().expect("a list");
    for kind in ["ready", "unread", "close"] {
        let told = |message: &Value| message["data"]["type"] == kind;
        assert!(all.iter().any(told), "{kind} was not told: {heard}");
    }
    for message in all.iter().filter(|message| message["data"]["count"] != 7) {
        assert_eq!(
            message["origin"],
            boats.network.app().trim_end_matches('/'),
            "{message}"
        );
        let data = message["data"].as_object().expect("an object");
        let known = |key: &String| ["holdfast", "type", "count", "height"].contains(&key.as_str());
        assert!(data.keys().all(known), "{message}");
        assert_eq!(data["holdfast"], 1, "{message}");
    }
    let text = heard.to_string();
    for secret in ["Nina", "reef", "noon", "Harbour", nina, &boats.office.id()] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[tokio::test]
async fn a_small_frame_shows_all_of_a_chat() {
    with_boats(async |boats: Boats| {
        let browser = &boats.guest.browser;
        for (name, size) in [("small", SMALL), ("phone", PHONE)] {
            browser.layout(size).await;
            browser.open("about:blank").await;
            browser.open(&boats.page).await;
            launch(browser).await;
            into_chat(browser).await;
            browser.see("#display-name").await;
            assert_fits(browser).await;
            out_of_chat(browser).await;
            browser.picture(&format!("96-embed-start-{name}-light")).await;
            into_chat(browser).await;
            browser.fill("#display-name", "Nina").await;
            browser.press("#embed-start").await;
            let text = "Is the reef open today, or is the water too high?";
            browser.fill("#message-text", text).await;
            asks_before_it_goes(browser, true).await;
            browser.press("#send-message").await;
            boats.guest.delivered().await;
            asks_before_it_goes(browser, false).await;
            assert_fits(browser).await;
            out_of_chat(browser).await;
            browser.picture(&format!("97-embed-chat-{name}-light")).await;
            browser.dark(true).await;
            browser.picture(&format!("97-embed-chat-{name}-dark")).await;
            browser.dark(false).await;
            // On a small page the frame is the whole of it, and closes by itself.
            into_chat(browser).await;
            browser.press("#embed-close").await;
            out_of_chat(browser).await;
            page_says(browser, EXPANDED, json!("false")).await;
        }
    })
    .await;
}

/// Waits until the browser asks before the page goes, as long as something is not sent, or does not.
pub(crate) async fn asks_before_it_goes(browser: &Browser, asks: bool) {
    let leaving = "const e = new Event('beforeunload', { cancelable: true }); dispatchEvent(e); return e.defaultPrevented";
    browser
        .until(&format!("a question before the page goes: {asks}"), async || {
            (browser.script(leaving).await == asks).then_some(())
        })
        .await;
}

/// What is written in a chat that has to be gone.
const SECRET: &str = "the heron lands at midnight";

/// Begins a chat in the frame and writes [`SECRET`].
async fn written_in_frame(guest: &User) {
    let browser = &guest.browser;
    browser.fill("#display-name", "Nina").await;
    browser.press("#embed-start").await;
    browser.see("#message-text").await;
    guest.send(SECRET).await;
    guest.reads(SECRET).await;
    guest.delivered().await;
    asks_before_it_goes(browser, false).await;
}

/// The frame shows what comes before a chat, and nothing of an earlier one.
async fn begins_anew(browser: &Browser) {
    browser
        .until("the start of a chat", async || {
            into_chat(browser).await;
            browser.has("#embed-start").await.then_some(())
        })
        .await;
    assert!(!browser.content().await.contains(SECRET));
}

#[tokio::test]
async fn a_chat_ends_with_the_page_around_it_whatever_the_browser_keeps_of_that() {
    with_boats(async |boats: Boats| {
        let browser = &boats.guest.browser;
        browser.open(&format!("{}/frame", boats.page)).await;
        into_chat(browser).await;
        written_in_frame(&boats.guest).await;
        out_of_chat(browser).await;
        browser.open("about:blank").await;
        browser.back().await;
        begins_anew(browser).await;

        // As in a browser that kept the page, whether or not this one did.
        written_in_frame(&boats.guest).await;
        let event =
            |name: &str| format!("dispatchEvent(new PageTransitionEvent('{name}', {{ persisted: true }}))");
        browser.script(&event("pagehide")).await;
        browser.gone("#message-text").await;
        assert!(!browser.content().await.contains(SECRET));
        browser.script(&event("pageshow")).await;
        begins_anew(browser).await;
    })
    .await;
}

/// Nothing that is seen lies beyond the sides of the frame.
async fn assert_fits(browser: &Browser) {
    let over = browser
        .script(
            "return [...document.querySelectorAll('.embedded *, .pane-header *, .message *, .composer *')]\
             .filter((e) => !e.closest('.unseen') && e.checkVisibility())\
             .filter((e) => { const { left, right } = e.getBoundingClientRect(); return left < -0.5 || right > innerWidth + 0.5 })\
             .map((e) => `${e.tagName} ${e.className} ${e.id}`)",
        )
        .await;
    assert_eq!(over, json!([]), "beyond the frame");
}

#[tokio::test]
async fn a_frame_that_nobody_has_come_to_is_not_late() {
    with_boats(async |boats: Boats| {
        let browser = &boats.guest.browser;
        // Patience ends at once.
        browser
            .before_each_page(
                "const wait = globalThis.setTimeout; \
                 globalThis.setTimeout = (what, time) => wait(what, time === 12000 ? 0 : time);",
            )
            .await;
        browser.open(&format!("{}/below", boats.page)).await;
        page_says(browser, "!!root.querySelector('iframe')", json!(true)).await;
        let late = "new Promise((tell) => setTimeout(() => tell(!!root.querySelector('.late')), 0))";
        assert_eq!(in_page(browser, late).await, json!(false));
        in_page(browser, "root.host.scrollIntoView()").await;
        into_chat(browser).await;
        browser.see("#display-name").await;
    })
    .await;
}

#[tokio::test]
async fn the_profile_has_the_line_for_a_page_where_pages_are_allowed() {
    let network = Network::start_with(&["--demo"]);
    let demo = network.demo.clone().expect("the page of somebody else's");
    let ada = User::join(&network, "Ada & Co", Place::OwnDevice).await;
    let browser = &ada.browser;
    let id = ada.id().await;
    browser.press("#show-snippet").await;
    let line = browser.see(".snippet").await.text().await.expect("a line");
    let app = network.app();
    assert_eq!(
        line,
        format!(
            "<script src=\"{app}embed.js\" data-contact=\"{id}\" data-name=\"Ada &amp; Co\" async></script>"
        )
    );
    browser.read(".dialog", demo.trim_end_matches('/')).await;
    pictures(browser, "89-embed-line").await;
    browser.press("input[name=snippet-mode][value=frame]").await;
    browser.read(".snippet", "data-mode=\"frame\"").await;

    // The page of somebody else's takes the link, and has that line on it.
    browser.open(&demo).await;
    browser.fill("#link", &format!("{app}#/c/{id}?n=Ada")).await;
    browser.picture("88-embed-demo-laptop-light").await;
    browser.press("#whom button").await;
    launch(browser).await;
    into_chat(browser).await;
    browser.read(".embedded h1", "Ada").await;
    out_of_chat(browser).await;
    browser.picture("88-embed-demo-open-laptop-light").await;
    browser.is_quiet().await;

    // Where no page may show a chat there is no line.
    let closed = Network::start();
    let bert = User::join(&closed, "Bert", Place::OwnDevice).await;
    bert.id().await;
    bert.browser
        .until("the list of pages", async || {
            let read = "return performance.getEntriesByType('resource').some((e) => e.name.endsWith('/embed.json') && \
                        e.responseEnd > 0)";
            (bert.browser.script(read).await == true).then_some(())
        })
        .await;
    // What is asked for after that list is read after it.
    let again = awaiting(
        "await (await fetch('embed.json')).text(); await new Promise(requestAnimationFrame); return null;",
    );
    bert.browser.script(&again).await;
    bert.browser.see(".contact-link #copy-link").await;
    assert!(!bert.browser.has("#show-snippet").await);
}
