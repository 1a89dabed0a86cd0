//! Several tabs of one account: one engine, the same state, and hand-over when the tab that runs it goes, freezes or crashes.

use serde_json::Value;
use thirtyfour::WindowHandle;

use crate::network::Network;
use crate::user::{Place, User};

impl User {
    /// Waits until the origin's tabs run so many engines, and so many wait for their turn, as the browser's locks tell.
    pub(crate) async fn runs_engines(&self, running: u64, waiting: u64) {
        let script = "const done = arguments[0]; const of = (all) => all.filter((l) => l.name === 'holdfast-engine').length; \
             navigator.locks.query().then(({held, pending}) => done([of(held), of(pending)]));";
        self.browser
            .until(&format!("{running} engines and {waiting} in line"), async || {
                let told = self.browser.driver().execute_async(script, Vec::new()).await;
                let state = told.ok()?.json().clone();
                let count = |at: usize| state.get(at).and_then(Value::as_u64);
                (count(0)? == running && count(1)? == waiting).then_some(())
            })
            .await;
    }

    /// Freezes one tab and goes to another, at a moment when the first is not in the middle of a change to the store: what
    /// waits for it there would wait until it wakes, and browsers leave such tabs alone.
    async fn freezes_at_rest(&self, tab: &WindowHandle, other: &WindowHandle) {
        let change = "const done = arguments[0]; setTimeout(() => done(false), 2000); \
             const changed = ({name}) => new Promise((free) => { \
             indexedDB.open(name).onsuccess = ({target: {result}}) => { \
             const change = result.transaction([...result.objectStoreNames], 'readwrite'); \
             change.oncomplete = () => { result.close(); free(); }; \
             change.objectStore(result.objectStoreNames[0]).count(); }; }); \
             indexedDB.databases().then((all) => Promise.all(all.map(changed))).then(() => done(true));";
        self.browser
            .until("a moment at rest", async || {
                self.browser.go_to(tab).await;
                self.browser.freezes(true).await;
                self.browser.go_to(other).await;
                let told = self.browser.driver().execute_async(change, Vec::new()).await;
                if told.ok()?.json().as_bool()? {
                    return Some(());
                }
                self.browser.go_to(tab).await;
                self.browser.freezes(false).await;
                None
            })
            .await;
    }

    /// Makes sure that each text of the open conversation is shown once here and once at the other side.
    async fn shares_once(&self, other: &User, texts: &[&str]) {
        for text in texts {
            assert_eq!(other.count(text).await, 1, "{text}");
            assert_eq!(self.count(text).await, 1, "{text}");
        }
    }
}

#[tokio::test]
async fn tabs_share_one_engine_and_hand_it_over() {
    let network = Network::start();
    let [(ada, ada_id), (bert, bert_id)] = User::pair(&network).await;
    let first = ada.browser.tab().await;
    ada.write_to(&bert_id).await;

    let second = ada.browser.new_tab().await;
    ada.browser.open(&network.app()).await;
    ada.home().await;
    ada.runs_engines(1, 1).await;

    // Either tab writes; both show it.
    ada.open(&bert_id).await;
    ada.send("from the second tab").await;
    ada.browser.go_to(&first).await;
    ada.reads("from the second tab").await;
    ada.send("from the first tab").await;
    bert.open(&ada_id).await;
    bert.reads("from the second tab").await;
    bert.reads("from the first tab").await;

    // The tab with the engine goes in mid-command; the other takes over, and nothing is lost or sent twice.
    ada.browser
        .script(
            "const field = document.querySelector('#message-text'); field.value = 'sent while closing'; \
             field.dispatchEvent(new Event('input', {bubbles: true})); \
             setTimeout(() => document.querySelector('#send-message').click(), 0);",
        )
        .await;
    ada.browser.close_tab(&second).await;
    ada.runs_engines(1, 0).await;
    ada.send("after the hand-over").await;
    bert.reads("after the hand-over").await;
    bert.send("received").await;
    ada.reads("received").await;
    ada.delivered().await;
    ada.shares_once(
        &bert,
        &["from the second tab", "from the first tab", "after the hand-over"],
    )
    .await;
    // Accepted and sent, or neither.
    let accepted = ada.count("sent while closing").await;
    if accepted > 0 {
        bert.reads("sent while closing").await;
    }
    assert!(accepted <= 1, "{accepted} times");
    assert_eq!(bert.count("sent while closing").await, accepted);
}

#[tokio::test]
async fn a_frozen_tab_is_replaced_and_wakes_as_a_follower() {
    let network = Network::start();
    let [(ada, ada_id), (bert, bert_id)] = User::pair(&network).await;
    let first = ada.browser.tab().await;
    ada.write_to(&bert_id).await;
    ada.send("before the frost").await;
    let second = ada.browser.new_tab().await;
    ada.browser.open(&network.app()).await;
    ada.home().await;
    ada.open(&bert_id).await;

    // The browser freezes the tab that runs the engine. It keeps the lock, and answers nobody.
    ada.freezes_at_rest(&first, &second).await;
    ada.send("out of the cold").await;
    ada.reads("out of the cold").await;
    // The one in line is a request that the new engine's worker made before; the tab that sleeps makes none.
    ada.runs_engines(1, 1).await;

    // It wakes, finds itself replaced, and gets in line.
    ada.browser.go_to(&first).await;
    ada.browser.freezes(false).await;
    ada.runs_engines(1, 2).await;

    // When the other goes it takes over what is there: nothing is lost or sent twice.
    ada.browser.go_to(&second).await;
    ada.browser.close_tab(&first).await;
    ada.reads("out of the cold").await;
    ada.send("awake again").await;
    bert.open(&ada_id).await;
    bert.reads("out of the cold").await;
    bert.reads("awake again").await;
    ada.delivered().await;
    ada.shares_once(&bert, &["before the frost", "out of the cold", "awake again"])
        .await;
    ada.runs_engines(1, 0).await;
}

#[tokio::test]
async fn logging_out_in_one_tab_ends_all_and_removes_the_database() {
    let network = Network::start();
    let ada = User::join(&network, "Ada", Place::OwnDevice).await;
    let first = ada.browser.tab().await;
    ada.browser.new_tab().await;
    ada.browser.open(&network.app()).await;
    ada.home().await;
    ada.log_out().await;
    ada.browser.go_to(&first).await;
    ada.browser.see("#create-account").await;
    let left = ada
        .browser
        .driver()
        .execute_async(
            "const done = arguments[0]; indexedDB.databases().then((all) => \
             done(all.length + (localStorage.getItem('holdfast') === null ? 0 : 1)));",
            Vec::new(),
        )
        .await
        .expect("the databases");
    assert_eq!(left.json().as_u64(), Some(0), "no database and no marker");
    // The next account starts afresh on the same device.
    ada.create("Ada again", Place::OwnDevice).await;
}
