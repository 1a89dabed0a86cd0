//! Contact links: a link opens a chat, for those who have an account and for those who don't.

use std::time::Instant;

use holdfast_protocol::account::Seed;

use crate::driver::{LAPTOP, PHONE};
use crate::files_sending::awaiting;
use crate::network::Network;
use crate::screens::pictures;
use crate::user::{Place, User};

impl User {
    /// The own contact link, read from the profile.
    pub(crate) async fn contact_link(&self) -> String {
        self.browser.press("#open-profile").await;
        let shown = self.browser.see(".contact-link [data-link]").await;
        let link = shown.attr("data-link").await.expect("the page answers");
        link.expect("a link")
    }
}

#[tokio::test]
async fn a_link_opens_a_chat_for_somebody_new() {
    let network = Network::start();
    let office = User::join(&network, "Harbour office", Place::OwnDevice).await;
    office.connected().await;
    let link = office.contact_link().await;
    assert!(link.starts_with(&format!("{}#/c/05", network.app())), "{link}");
    assert!(link.ends_with("?n=Harbour%20office"), "{link}");
    pictures(&office.browser, "32-contact-link").await;
    office.browser.press("#link-name").await;
    let nameless = office.contact_link().await;
    assert!(
        link.starts_with(&nameless) && !nameless.contains('?'),
        "{nameless}"
    );

    let guest = User::at_new_browser().await;
    let browser = &guest.browser;
    browser.layout(PHONE).await;
    let start = Instant::now();
    browser.open(&link).await;
    browser.read(".invited h1", "Harbour office").await;
    browser.fill("#display-name", "Nina").await;
    browser.press("#invite-start").await;
    browser.fill("#message-text", "Is the reef open today?").await;
    browser.press("#send-message").await;
    guest.delivered().await;
    println!(
        "from the link to the first message sent: {} ms",
        start.elapsed().as_millis()
    );
    // Only now it is said what the phrase is for.
    browser.see("#chat-phrase").await;
    pictures(browser, "34-invited-chat").await;

    // It arrives as a request, and the answer comes back.
    office.browser.press("#open-requests").await;
    office.browser.press(".row[data-conversation]").await;
    office.reads("Is the reef open today?").await;
    office.browser.press("#accept-request").await;
    office.send("Until sunset").await;
    guest.reads("Until sunset").await;
    browser.is_quiet().await;
}

#[tokio::test]
async fn a_link_is_followed_by_those_who_have_an_account() {
    let network = Network::start();
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    ada.connected().await;
    let phrase = ada.phrase().await;
    let ada_link = ada.contact_link().await;
    let bert = User::join(&network, "Bert", Place::OwnDevice).await;
    let bert_id = bert.id().await;
    let link = bert.contact_link().await;

    // In an open tab, where the address alone changes; and in a fresh one.
    ada.browser.open(&link).await;
    ada.browser.see(".conversation #message-text").await;
    ada.send("Over the link").await;
    ada.delivered().await;
    ada.browser.open("about:blank").await;
    ada.browser.open(&link).await;
    ada.reads("Over the link").await;

    // Their own link, and one that is damaged.
    ada.browser.open(&ada_link).await;
    ada.browser.read(".toast", "own link").await;
    ada.browser.open(&format!("{}#/c/05ab", network.app())).await;
    ada.browser.read(".toast", "no account").await;

    // Somebody who has an account, at another browser.
    let elsewhere = User::at_new_browser().await;
    elsewhere.browser.open(&link).await;
    elsewhere.browser.see("#invite-start").await;
    pictures(&elsewhere.browser, "33-invited").await;
    elsewhere.browser.layout(LAPTOP).await;
    elsewhere.restore(&phrase, Place::SharedComputer).await;
    elsewhere.browser.see(".conversation #message-text").await;
    let row = format!(".row[data-conversation='{bert_id}']");
    elsewhere.browser.see(&row).await;
    // No entry of the history names whom it led to.
    for _ in 0..2 {
        let address = elsewhere.browser.script("return location.href").await;
        assert_eq!(address, network.app());
        elsewhere.browser.back().await;
    }
}

#[tokio::test]
async fn a_link_outlives_a_reload_until_its_chat_begins_and_is_nowhere_then() {
    let network = Network::start();
    let id = Seed::from_bytes(&[4; Seed::SIZE]).id().to_hex();
    let link = format!("{}#/c/{id}?n=Harbour%20office", network.app());
    let guest = User::at_new_browser().await;
    let browser = &guest.browser;
    let address = async || browser.script("return location.href").await;
    browser.open(&link).await;
    browser.see("#invite-start").await;
    browser.reload().await;
    browser.read(".invited h1", "Harbour office").await;
    assert_eq!(address().await, link.as_str());
    browser.fill("#display-name", "Nina").await;
    browser.press("#invite-start").await;
    browser.see(".conversation #message-text").await;
    assert_eq!(address().await, network.app(), "the link is out of the address");
    // The way back leads to the list, not to the link again.
    browser.back().await;
    browser.gone(".conversation").await;
    guest.home().await;
    assert_eq!(address().await, network.app());

    // A link that is opened here later is followed at once.
    browser.script(&format!("location.hash = '#/c/{id}'")).await;
    browser.see(".conversation #message-text").await;
    assert_eq!(address().await, network.app());
}

#[tokio::test]
async fn a_link_that_is_not_wanted_leads_to_the_start_page() {
    let network = Network::start();
    let user = User::at_new_browser().await;
    let link = format!("{}#/c/05{}", network.app(), "3".repeat(64));
    user.browser.open(&link).await;
    user.browser.read(".invited h1", "0533").await;
    user.browser.press("#invite-decline").await;
    user.browser.see("#create-account").await;
    user.browser.reload().await;
    user.browser.see("#create-account").await;
}

#[tokio::test]
async fn a_link_of_the_apps_own_scheme_is_one_to_a_contact() {
    let network = Network::start();
    let id = Seed::from_bytes(&[4; Seed::SIZE]).id().to_hex();
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let browser = &ada.browser;
    // As browsers open what an installed app has registered for.
    let opened = format!(
        "const answer = await fetch('./holdfast.webmanifest'); const manifest = await answer.json(); \
         const handler = manifest.protocol_handlers.find((one) => one.protocol === 'web+session'); \
         const link = encodeURIComponent('web+session:{id}?n=Harbour%20office'); \
         return new URL(handler.url.replace('%s', link), answer.url).href;"
    );
    let opened = browser.script(&awaiting(&opened)).await;
    let opened = opened.as_str().expect("an address");
    let (sent, kept) = opened.split_once('#').expect("data after it");
    assert_eq!(sent, network.app());
    assert!(kept.contains(&id), "no server learns of it");
    browser.open(opened).await;
    browser.see(".conversation #message-text").await;
    browser.read(".heading-name", &id[..4]).await;
    let address = browser.script("return location.href").await;
    assert_eq!(address, network.app(), "the link is out of the address");

    // Somebody new is asked first, as by any link.
    let guest = User::at_new_browser().await;
    guest.browser.open(opened).await;
    guest.browser.read(".invited h1", "Harbour office").await;
}
