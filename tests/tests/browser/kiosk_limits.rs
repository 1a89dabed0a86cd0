//! When a session at a kiosk or shared computer ends by itself. The limits are the shortest that an operator can set.

use std::time::Duration;

use serde_json::json;
use thirtyfour::prelude::*;

use crate::driver::PHONE;
use crate::embed::asks_before_it_goes;
use crate::kiosk::{Visit, at_kiosk};
use crate::network::Network;
use crate::screens::pictures;
use crate::user::{Place, User};

/// The shortest time without input, in seconds.
const IDLE: u64 = 30;
/// The shortest time out of sight, in seconds.
const HIDDEN: u64 = 10;
/// How often a session looks at the clock.
const LOOK: Duration = Duration::from_secs(1);
/// What leads to the focus by Tab, in its order.
const TABBED: &str = "[...document.querySelectorAll('a[href], button, input, select, textarea, [tabindex]')] \
     .filter((element) => element.tabIndex >= 0 && element.checkVisibility())";
/// Longer than anything here takes, also on a slow machine.
const LONG: Duration = Duration::from_secs(150);

impl User {
    /// Waits, without doing anything, until something is shown.
    pub(crate) async fn waits_for(&self, css: &str) {
        self.browser
            .until_within(LONG, css, async || self.browser.has(css).await.then_some(()))
            .await;
    }
}

#[tokio::test]
async fn who_goes_away_is_warned_and_then_nothing_is_left() {
    at_kiosk(json!({ "idle_seconds": IDLE }), async |visit: Visit| {
        let user = &visit.visitor;
        let browser = &user.browser;
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
        browser.keys("x").await;
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
        pictures(browser, "kiosk-8-countdown").await;
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
    at_kiosk(json!({ "hidden_seconds": HIDDEN }), async |visit: Visit| {
        let browser = &visit.visitor.browser;
        visit.enter("Visitor").await;
        browser.open("about:blank").await;
        browser.back().await;
        visit.is_fresh().await;

        visit.enter("Visitor").await;
        browser.freezes(true).await;
        browser.freezes(false).await;
        visit.is_fresh().await;

        browser.holds_clock().await;
        visit.enter("Visitor").await;
        let page = browser.tab().await;
        // A short look elsewhere ends nothing.
        browser.new_tab().await;
        browser.close_tab(&page).await;
        visit.visitor.send("back again").await;
        visit.visitor.delivered().await;
        // Its clock goes ahead as soon as it is out of sight.
        browser
            .script(&format!(
                "document.addEventListener('visibilitychange', () => {{ globalThis.ahead = {}; }})",
                (HIDDEN + 1) * 1_000
            ))
            .await;
        browser.new_tab().await;
        browser.close_tab(&page).await;
        visit.is_fresh().await;
    })
    .await;
}

#[tokio::test]
async fn a_session_that_the_machine_slept_through_is_over_when_it_wakes() {
    // Nothing but the sleep ends it: every other limit is farther off.
    let allowed = json!({ "idle_seconds": 600, "hidden_seconds": 3_600, "total_minutes": 60 });
    at_kiosk(allowed, async |visit: Visit| {
        let (user, browser) = (&visit.visitor, &visit.visitor.browser);
        browser.holds_clock().await;
        visit.enter("Visitor").await;
        user.send("the heron lands at midnight").await;
        user.delivered().await;
        // A page whose timers the browser holds back misses a minute, and did not sleep.
        browser.clock_ahead(Duration::from_secs(60)).await;
        browser.has_looked(LOOK).await;
        user.send("still here").await;
        user.delivered().await;
        assert!(!browser.has(".countdown").await, "there is nothing to warn of");

        browser.clock_ahead(Duration::from_secs(60 + 120)).await;
        visit.is_fresh().await;
        browser.back().await;
        visit.is_fresh().await;
        assert!(!browser.content().await.contains("heron"));
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
    // Nothing was sent: one tap is enough. A reload would take what was written with it, though.
    asks_before_it_goes(browser, false).await;
    browser.fill("#message-text", "A begun").await;
    asks_before_it_goes(browser, true).await;
    browser.press("#end-session").await;
    browser.see("#create-account").await;
    browser.back().await;
    browser.see("#create-account").await;
    assert!(!browser.has(".home").await);

    // Something would be lost: that is said first.
    user.create("Visitor", Place::SharedComputer).await;
    let own = user.id().await;
    user.write_to(&own).await;
    user.send("A note").await;
    user.delivered().await;
    asks_before_it_goes(browser, true).await;
    let first = browser.script(&format!("return {TABBED}[0].id")).await;
    assert_eq!(first, "end-session", "Tab leads there before anything else");
    browser
        .script("document.querySelector('#end-session').focus()")
        .await;
    browser.keys(Key::Enter).await;
    browser.press("#confirm-leave").await;
    browser.see("#create-account").await;

    // A page that is left has nothing when it comes back.
    asks_before_it_goes(browser, false).await;
    user.create("Visitor", Place::SharedComputer).await;
    browser.open("about:blank").await;
    browser.back().await;
    browser.see("#create-account").await;
    assert!(!browser.has(".home").await);
}
