//! Texts that the page takes neither as markup nor as scripts, whoever brings them.

use serde_json::json;

use crate::network::Network;
use crate::user::{Place, User};

/// What runs something, or tries to.
const REFUSED: [&str; 9] = [
    "document.createElement('div').innerHTML = '<img src=x onerror=\"document.title = 1\">'",
    "document.createElement('template').innerHTML = '<svg/onload=0>'",
    "document.createElement('div').innerHTML = '<a href=\"javascript:0\">here</a>'",
    "document.body.insertAdjacentHTML('beforeend', '<script src=\"/embed.js\"></script>')",
    "new DOMParser().parseFromString('<base href=\"/else/\">', 'text/html')",
    "new Worker('/embed.js')",
    "navigator.serviceWorker.register('/embed.js')",
    "document.createElement('script').src = '/embed.js'",
    "document.createElement('script').text = '0'",
];

#[tokio::test]
async fn no_text_becomes_a_script() {
    let network = Network::start();
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let browser = &ada.browser;
    let script = |what: &str| {
        format!(
            "return (async () => {{ try {{ await ({what}); return 'taken'; }} \
             catch (error) {{ return error instanceof TypeError ? 'refused' : String(error); }} }})();"
        )
    };
    for what in REFUSED {
        assert_eq!(browser.script(&script(what)).await, "refused", "{what}");
    }
    let other = "try { trustedTypes.createPolicy('other', {}); return 'made'; } catch { return 'refused'; }";
    assert_eq!(browser.script(other).await, "refused");

    // Markup that runs nothing is what the views are made from; and the app goes on, with its workers.
    let plain = "const made = document.createElement('template'); made.innerHTML = '<b class=\"on\">on = off</b>'; \
                 return made.content.childElementCount;";
    assert_eq!(browser.script(plain).await, json!(1));
    browser.reload().await;
    let own = ada.id().await;
    ada.write_to(&own).await;
    ada.send("Still here").await;
    ada.delivered().await;
    browser
        .until("the service worker", async || {
            let found = "return navigator.serviceWorker.getRegistration().then((found) => !!found?.active)";
            (browser.script(found).await == true).then_some(())
        })
        .await;
}
