//! When a session at a kiosk or shared computer ends by itself. The limits are the shortest that an operator can set.

use std::time::{Duration, Instant};

use serde_json::json;
use thirtyfour::prelude::*;

use crate::driver::PHONE;
use crate::kiosk::{Visit, at_kiosk};
use crate::network::Network;
use crate::screens::pictures;
use crate::user::{Place, User};

/// The shortest time without input, in seconds.
const IDLE: u64 = 30;
/// Longer than anything here takes, also on a slow machine.
const LONG: Duration = Duration::from_secs(150);

impl User {
    /// Waits, without doing anything, until something is shown.
    async fn waits_for(&self, css: &str) {
        let deadline = Instant::now() + LONG;
        while !self.browser.has(css).await {
            assert!(Instant::now() < deadline, "waited in vain for {css}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

#[tokio::test]
async fn who_goes_away_is_warned_and_then_nothing_is_left() {
    at_kiosk(json!({ "idle_seconds": IDLE }), async |visit: Visit| {
        let user = &visit.visitor;
        let browser = &user.browser;
        // Nobody is warned at the start page, where there is nothing to lose.
        visit.enter("Visitor").await;
        user.send("the heron lands at midnight").await;
        user.delivered().await;

        // Any key goes on, and does nothing else.
        user.waits_for(".countdown[open]").await;
        browser.read(".countdown", "Are you still there?").await;
        let blurred =
            "return getComputedStyle(document.querySelector('.countdown'), '::backdrop').backdropFilter";
        assert_eq!(browser.script(blurred).await, "blur(18px)");
        let told = "return document.querySelector('.countdown [role=status]').textContent";
        let told = browser.script(told).await;
        assert!(
            told.as_str().is_some_and(|told| told.contains("ends in")),
            "{told}"
        );
        pictures(browser, "kiosk-8-countdown").await;
        browser
            .driver()
            .active_element()
            .await
            .expect("a focus")
            .send_keys("x")
            .await
            .expect("a key is pressed");
        browser.gone(".countdown").await;
        user.reads("the heron lands at midnight").await;
        let written = "return document.querySelector('#message-text').value";
        assert_eq!(browser.script(written).await, "");

        // A tap too.
        user.waits_for(".countdown[open]").await;
        browser.press("#stay").await;
        browser.gone(".countdown").await;
        user.reads("the heron lands at midnight").await;

        // Nobody does anything.
        user.waits_for(".countdown[open]").await;
        user.waits_for(".kiosk-start").await;
        visit.is_fresh().await;
    })
    .await;
}

#[tokio::test]
async fn a_session_has_a_total_time_that_can_be_extended() {
    let allowed = json!({ "total_minutes": 2, "extension_minutes": 1, "extensions": 1, "idle_seconds": 600 });
    at_kiosk(allowed, async |visit: Visit| {
        let user = &visit.visitor;
        visit.enter("Visitor").await;
        user.waits_for("#more-time").await;
        user.browser.read("#more-time", "1 minute").await;
        pictures(&user.browser, "kiosk-9-total").await;
        user.browser.press("#more-time").await;
        user.browser.gone(".countdown").await;
        user.waits_for("#until-then").await;
        user.browser.press("#until-then").await;
        user.browser.gone(".countdown").await;
        user.waits_for(".kiosk-start").await;
        visit.is_fresh().await;
    })
    .await;
}

#[tokio::test]
async fn a_page_that_is_left_frozen_or_out_of_sight_has_nothing_when_it_comes_back() {
    at_kiosk(json!({ "hidden_seconds": 10 }), async |visit: Visit| {
        let browser = &visit.visitor.browser;
        visit.enter("Visitor").await;
        browser.open("about:blank").await;
        browser.driver().back().await.expect("back");
        visit.is_fresh().await;

        visit.enter("Visitor").await;
        for state in ["frozen", "active"] {
            browser
                .cdp("Page.setWebLifecycleState", json!({ "state": state }))
                .await;
        }
        visit.is_fresh().await;

        visit.enter("Visitor").await;
        let page = browser.driver().window().await.expect("a window");
        let other = browser.driver().new_tab().await.expect("a tab");
        browser
            .driver()
            .switch_to_window(other)
            .await
            .expect("another tab");
        tokio::time::sleep(Duration::from_secs(12)).await;
        browser
            .driver()
            .close_window()
            .await
            .expect("the other tab closes");
        browser
            .driver()
            .switch_to_window(page)
            .await
            .expect("the first tab");
        visit.is_fresh().await;
    })
    .await;
}

#[tokio::test]
async fn a_shared_computer_has_the_end_of_its_session_in_reach_everywhere() {
    let network = Network::start();
    let user = User::join(&network, "Visitor", Place::SharedComputer).await;
    let browser = &user.browser;
    let own = user.id().await;
    user.write_to(&own).await;
    browser.layout(PHONE).await;
    browser.see("#end-session").await;
    browser.see("#message-text").await;
    pictures(browser, "shared-1-bar").await;
    // Nothing was written: one tap is enough.
    browser.press("#end-session").await;
    browser.see("#create-account").await;
    browser.driver().back().await.expect("back");
    browser.see("#create-account").await;
    assert!(!browser.has(".home").await);

    // Something would be lost: that is said first, and Tab leads there before anything else.
    user.create("Visitor", Place::SharedComputer).await;
    let own = user.id().await;
    user.write_to(&own).await;
    user.send("A note").await;
    user.delivered().await;
    browser
        .script("document.activeElement.blur(); document.querySelector('#end-session').focus()")
        .await;
    browser
        .driver()
        .active_element()
        .await
        .expect("a focus")
        .send_keys(Key::Enter)
        .await
        .expect("Enter is pressed");
    browser.see("#confirm-leave").await;
    browser.press("#confirm-leave").await;
    browser.see("#create-account").await;

    // A page that is left has nothing when it comes back.
    user.create("Visitor", Place::SharedComputer).await;
    browser.open("about:blank").await;
    browser.driver().back().await.expect("back");
    browser.see("#create-account").await;
    assert!(!browser.has(".home").await);
}
