//! A chat in a page of somebody else's: which pages may show it, what it is there, and what both sides tell each other.

mod elsewhere;

use std::time::Duration;

use holdfast_client::api::{Command, Reply};
use serde_json::{Value, json};
use thirtyfour::prelude::*;
use tokio::task::LocalSet;

use elsewhere::Elsewhere;

use crate::driver::{Browser, LAPTOP, PHONE};
use crate::network::Network;
use crate::peer::Peer;
use crate::screens::pictures;
use crate::user::{Place, User};

/// The least frame that the chat is made for, in CSS pixels.
const SMALL: (u32, u32) = (320, 420);

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

/// The address of a page that shows any address in a frame.
fn framing(page: &str, address: &str) -> String {
    format!("{page}/any?{}", address.replace('#', "%23"))
}

/// Goes into the only frame of a page and waits until something is in it.
async fn into_frame(browser: &Browser) -> String {
    browser
        .until("a loaded frame", async || {
            out_of_chat(browser).await;
            browser.driver().enter_frame(0).await.ok()?;
            let address = browser
                .driver()
                .execute("return location.href", Vec::new())
                .await
                .ok()?;
            let address = address.json().as_str()?.to_owned();
            (address != "about:blank").then_some(address)
        })
        .await
}

/// Presses a key where the focus is.
async fn key(browser: &Browser, key: impl Into<TypingData>) {
    browser
        .driver()
        .active_element()
        .await
        .expect("something has the focus")
        .send_keys(key)
        .await
        .expect("it takes keys");
}

/// Waits until a field of the frame has the focus.
async fn focused(browser: &Browser, id: &str) {
    browser
        .until(&format!("the focus on {id}"), async || {
            let now = browser
                .script("return document.hasFocus() && document.activeElement.id")
                .await;
            (now == id).then_some(())
        })
        .await;
}

/// Whoever wrote to somebody first.
async fn first_writer(peer: &Peer) -> String {
    for _ in 0..600 {
        if let Reply::Snapshot(snapshot) = peer.ask(Command::Snapshot).await
            && let Some(conversation) = snapshot.conversations.iter().find(|c| !c.note_to_self)
        {
            return conversation.id.to_hex();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("nobody wrote");
}

#[tokio::test]
async fn a_button_on_a_page_of_another_site_opens_a_chat_by_keyboard() {
    LocalSet::new().run_until(by_keyboard()).await;
}

async fn by_keyboard() {
    let mut elsewhere = Elsewhere::new().await;
    let origin = elsewhere.origin("localhost");
    let network = Network::start_with(&["--embed-origin", &origin]);
    let office = Peer::join(&network, "Harbour office").await;
    elsewhere.show(&network.app(), &office.id());
    let guest = User {
        browser: Browser::start().await,
    };
    let browser = &guest.browser;
    browser.open(&origin).await;

    // Nothing but the script was loaded; the button is the first thing that Tab leads to.
    page_says(browser, "root.querySelector('iframe') === null", json!(true)).await;
    let tab = browser.driver().action_chain().send_keys(Key::Tab);
    tab.perform().await.expect("a key");
    page_says(browser, "root.activeElement?.id", json!("launcher")).await;
    browser.picture("90-embed-button-laptop-light").await;
    let enter = browser.driver().action_chain().send_keys(Key::Enter);
    enter.perform().await.expect("a key");
    page_says(
        browser,
        "root.getElementById('launcher').ariaExpanded",
        json!("true"),
    )
    .await;

    into_chat(browser).await;
    focused(browser, "display-name").await;
    browser.read(".embedded h1", "Harbour office").await;
    pictures(browser, "91-embed-start").await;
    key(browser, "Nina").await;
    key(browser, Key::Enter).await;
    browser.see("#message-text").await;
    focused(browser, "message-text").await;
    key(browser, "Is the reef open today?").await;
    key(browser, Key::Enter).await;
    guest.delivered().await;

    // No way leads from here to a list, a setting or the phrase, and nothing was written to this browser.
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

    let nina = first_writer(&office).await;
    office.accept(&nina).await;
    office.send(&nina, "Until noon", &[]).await;
    guest.reads("Until noon").await;
    browser.read(".heading-name", "Harbour office").await;
    pictures(browser, "92-embed-chat").await;

    // Escape closes, and gives the focus back.
    browser.see("#message-text").await;
    focused(browser, "message-text").await;
    key(browser, Key::Escape).await;
    out_of_chat(browser).await;
    page_says(
        browser,
        "[root.getElementById('launcher').ariaExpanded, root.activeElement.id]",
        json!(["false", "launcher"]),
    )
    .await;

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
    let count = "root.querySelector('.count').textContent";
    assert_eq!(in_page(browser, count).await, "");
    office.send(&nina, "And again from two", &[]).await;
    page_says(browser, count, json!("1")).await;
    page_says(
        browser,
        "[root.getElementById('launcher').ariaLabel, root.querySelector('[role=status]').textContent]",
        json!(["Chat with us. New messages: 1", "New messages: 1"]),
    )
    .await;
    browser.picture("93-embed-unread-laptop-light").await;

    let enter = browser.driver().action_chain().send_keys(Key::Enter);
    enter.perform().await.expect("a key");
    into_chat(browser).await;
    guest.reads("And again from two").await;
    out_of_chat(browser).await;
    page_says(browser, count, json!("")).await;

    // What the page heard are states, from the app's origin only.
    let heard = browser.script("return heard").await;
    for message in heard.as_array().expect("a list") {
        if message["data"]["count"] == 7 {
            continue;
        }
        assert_eq!(
            message["origin"],
            network.app().trim_end_matches('/'),
            "{message}"
        );
        let data = message["data"].as_object().expect("an object");
        assert!(
            data.keys()
                .all(|key| ["holdfast", "type", "count", "height"].contains(&key.as_str())),
            "{message}"
        );
        assert_eq!(data["holdfast"], 1, "{message}");
    }
    let text = heard.to_string();
    for secret in ["Nina", "reef", "noon", "Harbour", &nina, &office.id()] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }

    // The chat goes on in a tab of its own, or ends.
    into_chat(browser).await;
    browser.press("#embed-tab").await;
    let tab = browser
        .see("#confirm-tab")
        .await
        .attr("href")
        .await
        .expect("a link");
    assert_eq!(
        tab.expect("an address"),
        format!("./#/c/{}?n=Harbour%20office", office.id())
    );
    pictures(browser, "94-embed-tab").await;
    key(browser, Key::Escape).await;
    browser.gone("#confirm-tab").await;
    browser.press("#embed-end").await;
    browser.press("#confirm").await;
    browser.see("#embed-start").await;
    out_of_chat(browser).await;
    assert_eq!(
        browser.console().await,
        Vec::<String>::new(),
        "the console is quiet"
    );
}

#[tokio::test]
async fn a_page_of_the_same_site_does_not_reach_the_account_of_this_device() {
    let mut elsewhere = Elsewhere::new().await;
    let origin = elsewhere.origin("127.0.0.1");
    let network = Network::start_with(&["--embed-origin", &origin]);
    elsewhere.show(&network.app(), &format!("05{}", "3".repeat(64)));
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let browser = &ada.browser;
    let ada_id = ada.id().await;

    browser.open(&format!("{origin}/frame")).await;
    into_chat(browser).await;
    browser.see("#embed-start").await;
    let seen = browser
        .script("return indexedDB.databases().then((all) => all.length)")
        .await;
    assert!(
        seen != 0,
        "the browser would let this frame read what is kept here"
    );
    let shown = browser.script("return document.body.innerHTML").await;
    assert!(!shown.to_string().contains(&ada_id));
    // A frame in a page takes no focus from it, and is as high as its content.
    let focus = browser.script("return document.hasFocus()").await;
    assert_eq!(focus, false);
    out_of_chat(browser).await;
    page_says(
        browser,
        "parseFloat(root.querySelector('.panel').style.blockSize) > 320",
        json!(true),
    )
    .await;
    pictures(browser, "95-embed-frame").await;

    // Words of the page that are not to be heard: other versions, other kinds, other windows.
    let tell = |data: &str| {
        format!(
            "document.querySelector('holdfast-chat').shadowRoot.querySelector('iframe').contentWindow.postMessage({data}, \
             '{}')",
            network.app()
        )
    };
    into_chat(browser).await;
    browser
        .script("window.came = 0; addEventListener('message', () => came++)")
        .await;
    out_of_chat(browser).await;
    let bad = [
        "null",
        "'open'",
        "{ type: 'open' }",
        "{ holdfast: 2, type: 'open' }",
        "{ holdfast: '1', type: 'open' }",
        "{ holdfast: 1, type: ['open'] }",
        "{ holdfast: 1, type: 'phrase' }",
        "{ holdfast: 1, type: 'open'.repeat(100000) }",
    ];
    for data in bad {
        browser.script(&tell(data)).await;
    }
    browser
        .script("const f = document.createElement('iframe'); f.src = '/meddle'; document.body.append(f)")
        .await;
    into_chat(browser).await;
    browser
        .until("all of them to have come", async || {
            (browser.script("return came").await == bad.len() + 1).then_some(())
        })
        .await;
    let where_to = "return document.activeElement.id";
    assert_eq!(browser.script(where_to).await, "");
    browser.see("#embed-start").await;
    out_of_chat(browser).await;
    browser.script(&tell("{ holdfast: 1, type: 'open' }")).await;
    into_chat(browser).await;
    browser
        .until("the one that is meant", async || {
            (browser.script(where_to).await == "display-name").then_some(())
        })
        .await;

    // A chat in the frame leaves the account of this device as it was.
    browser.fill("#display-name", "Nobody").await;
    browser.press("#embed-start").await;
    browser.see("#message-text").await;
    out_of_chat(browser).await;
    browser.open(&network.app()).await;
    ada.home().await;
    assert_eq!(ada.id().await, ada_id);
    assert!(
        !browser
            .has(&format!(".row[data-conversation='05{}']", "3".repeat(64)))
            .await
    );
}

#[tokio::test]
async fn a_small_frame_shows_all_of_a_chat() {
    LocalSet::new().run_until(in_small_frames()).await;
}

async fn in_small_frames() {
    let mut elsewhere = Elsewhere::new().await;
    let origin = elsewhere.origin("localhost");
    let network = Network::start_with(&["--embed-origin", &origin]);
    let office = Peer::join(&network, "Harbour office").await;
    elsewhere.show(&network.app(), &office.id());
    let guest = User {
        browser: Browser::start().await,
    };
    let browser = &guest.browser;
    let press_launcher = "root.getElementById('launcher').click()";
    for (name, size) in [("small", SMALL), ("phone", PHONE)] {
        browser.layout(size).await;
        browser.open("about:blank").await;
        browser.open(&origin).await;
        browser
            .until("the button", async || {
                (in_page(browser, "!!root.getElementById('launcher')").await == true).then_some(())
            })
            .await;
        in_page(browser, press_launcher).await;
        into_chat(browser).await;
        browser.see("#display-name").await;
        assert_fits(browser).await;
        out_of_chat(browser).await;
        browser.picture(&format!("96-embed-start-{name}-light")).await;
        into_chat(browser).await;
        browser.fill("#display-name", "Nina").await;
        browser.press("#embed-start").await;
        browser
            .fill(
                "#message-text",
                "Is the reef open today, or is the water too high?",
            )
            .await;
        // As long as something is not sent the browser asks before the page goes.
        let asks = "const e = new Event('beforeunload', { cancelable: true }); dispatchEvent(e); return e.defaultPrevented";
        assert_eq!(browser.script(asks).await, true);
        browser.press("#send-message").await;
        guest.delivered().await;
        browser
            .until("nothing to be lost", async || {
                (browser.script(asks).await == false).then_some(())
            })
            .await;
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
        page_says(
            browser,
            "root.getElementById('launcher').ariaExpanded",
            json!("false"),
        )
        .await;
    }
    browser.layout(LAPTOP).await;
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
async fn pages_that_are_not_allowed_get_no_frame_and_nobody_gets_one_of_the_app() {
    let mut elsewhere = Elsewhere::new().await;
    let (allowed, other) = (elsewhere.origin("localhost"), elsewhere.origin("127.0.0.1"));
    let network = Network::start_with(&["--embed-origin", &allowed]);
    let app = network.app();
    let link = format!("#/c/05{}", "3".repeat(64));
    elsewhere.show(&app, &format!("05{}", "3".repeat(64)));
    let browser = Browser::start().await;
    let refused = "chrome-error://chromewebdata/";
    for (page, framed) in [
        (&other, format!("{app}embed.html{link}")),
        (&allowed, app.clone()),
        (&allowed, format!("{app}index.html{link}")),
        (&allowed, format!("{app}embed/{link}")),
        (&allowed, format!("{app}conversation")),
        (&allowed, format!("{app}networks/default.json")),
    ] {
        browser.open(&framing(page, &framed)).await;
        assert_eq!(into_frame(&browser).await, refused, "{framed} in {page}");
        out_of_chat(&browser).await;
    }
    browser
        .open(&framing(&allowed, &format!("{app}embed.html{link}")))
        .await;
    assert!(into_frame(&browser).await.starts_with(&app));
    browser.see("#embed-start").await;
    out_of_chat(&browser).await;

    // Opened by itself, the page for frames is the app.
    browser.open(&format!("{app}embed.html{link}")).await;
    browser.see("#invite-start").await;
    assert_eq!(browser.script("return location.href").await, app.as_str());

    // Without the option nobody gets any.
    let closed = Network::start();
    browser
        .open(&framing(&allowed, &format!("{}embed.html{link}", closed.app())))
        .await;
    assert_eq!(into_frame(&browser).await, refused);
}

#[tokio::test]
async fn on_a_server_without_headers_the_app_itself_refuses_frames() {
    let (mut elsewhere, mut closed, mut open) =
        futures::join!(Elsewhere::new(), Elsewhere::new(), Elsewhere::new());
    let page = elsewhere.origin("localhost");
    let (without, with) = (closed.origin("127.0.0.1"), open.origin("127.0.0.1"));
    elsewhere.show(&format!("{with}/"), &format!("05{}", "3".repeat(64)));
    closed.serve_site(json!({ "origins": [] }).to_string());
    open.serve_site(json!({ "origins": [page] }).to_string());
    let link = format!("#/c/05{}", "3".repeat(64));
    let browser = Browser::start().await;

    // The app itself: nothing of it starts.
    browser.open(&framing(&page, &format!("{with}/{link}"))).await;
    into_frame(&browser).await;
    browser.read("#framed", "not safe here").await;
    assert!(!browser.has(".start").await);
    out_of_chat(&browser).await;
    browser.picture("98-embed-refused-app-laptop-light").await;

    // The page for frames, where the list does not name the page around it; and where it does.
    browser
        .open(&framing(&page, &format!("{without}/embed.html{link}")))
        .await;
    into_frame(&browser).await;
    browser.read(".embedded h1", "may not show").await;
    assert!(!browser.has("#embed-start").await);
    out_of_chat(&browser).await;
    browser.picture("99-embed-refused-laptop-light").await;
    browser
        .open(&framing(&page, &format!("{with}/embed.html{link}")))
        .await;
    into_frame(&browser).await;
    browser.see("#embed-start").await;
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
    browser
        .until("the button", async || {
            (in_page(browser, "!!root.getElementById('launcher')").await == true).then_some(())
        })
        .await;
    in_page(browser, "root.getElementById('launcher').click()").await;
    into_chat(browser).await;
    browser.read(".embedded h1", "Ada").await;
    out_of_chat(browser).await;
    browser.picture("88-embed-demo-open-laptop-light").await;
    assert_eq!(
        browser.console().await,
        Vec::<String>::new(),
        "the console is quiet"
    );

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
    bert.browser.see(".contact-link #copy-link").await;
    assert!(!bert.browser.has("#show-snippet").await);
}
