//! Which pages may show the chat in a frame, that nobody can show the app in one, and what a page can do to its frame.

use serde_json::json;

use super::elsewhere::Elsewhere;
use super::{into_chat, out_of_chat, page_says};
use crate::driver::Browser;
use crate::network::Network;
use crate::screens::pictures;
use crate::user::{Place, User};

/// An Account ID that nobody uses.
fn nobody() -> String {
    format!("05{}", "3".repeat(64))
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

#[tokio::test]
async fn a_page_of_the_same_site_does_not_reach_the_account_of_this_device() {
    let mut elsewhere = Elsewhere::new().await;
    let origin = elsewhere.origin("127.0.0.1");
    let network = Network::start_with(&["--embed-origin", &origin]);
    elsewhere.show(&network.app(), &nobody());
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
        seen.as_u64().is_some_and(|seen| seen > 0),
        "the browser would let this frame read what is kept here"
    );
    assert!(!browser.content().await.contains(&ada_id));
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
    let row = format!(".row[data-conversation='{}']", nobody());
    assert!(!browser.has(&row).await);
}

#[tokio::test]
async fn pages_that_are_not_allowed_get_no_frame_and_nobody_gets_one_of_the_app() {
    let mut elsewhere = Elsewhere::new().await;
    let (allowed, other) = (elsewhere.origin("localhost"), elsewhere.origin("127.0.0.1"));
    let network = Network::start_with(&["--embed-origin", &allowed]);
    let app = network.app();
    let link = format!("#/c/{}", nobody());
    elsewhere.show(&app, &nobody());
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
    assert_eq!(
        browser.script("return location.href").await,
        format!("{app}{link}")
    );

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
    elsewhere.show(&format!("{with}/"), &nobody());
    closed.serve_site(json!({ "origins": [] }).to_string());
    open.serve_site(json!({ "origins": [page] }).to_string());
    let link = format!("#/c/{}", nobody());
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
