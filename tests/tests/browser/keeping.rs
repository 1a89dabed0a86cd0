//! Whether the browser is asked to keep what is stored for good: on an own device once there is something to miss, and never
//! on a shared computer.

use crate::network::Network;
use crate::user::{Place, User};

/// Counts how often the page asks.
const COUNT: &str = "{
    globalThis.asked = 0;
    const ask = StorageManager.prototype.persist;
    StorageManager.prototype.persist = function () {
        globalThis.asked += 1;
        return ask.call(this);
    };
}";

impl User {
    /// Opens the app with a counter, makes an account, and writes to itself; says how often the page had asked by then.
    async fn writes_counted(&self, network: &Network, place: Place) -> u64 {
        self.browser.before_each_page(COUNT).await;
        self.browser.open(&network.app()).await;
        self.create("Ada", place).await;
        let own = self.id().await;
        self.write_to(&own).await;
        let asked = self.asked().await;
        self.send("A note").await;
        self.delivered().await;
        asked
    }

    async fn asked(&self) -> u64 {
        let asked = self.browser.script("return globalThis.asked").await;
        asked.as_u64().expect("a number")
    }
}

#[tokio::test]
async fn an_own_device_asks_once_with_the_first_message() {
    let network = Network::start();
    let ada = User::at_new_browser().await;
    assert_eq!(ada.writes_counted(&network, Place::OwnDevice).await, 0);
    ada.browser
        .until("the browser to be asked", async || {
            (ada.asked().await == 1).then_some(())
        })
        .await;
    ada.send("Another note").await;
    ada.delivered().await;
    ada.browser.press("#open-settings").await;
    ada.browser.press("#settings-storage").await;
    // The settings look whether it does, without asking again.
    ada.browser.see("#storage-keeping").await;
    assert_eq!(ada.asked().await, 1);
}

#[tokio::test]
async fn a_shared_computer_never_asks() {
    let network = Network::start();
    let ada = User::at_new_browser().await;
    assert_eq!(ada.writes_counted(&network, Place::SharedComputer).await, 0);
    ada.send("Another note").await;
    ada.delivered().await;
    ada.browser.press("#open-settings").await;
    ada.browser.press("#settings-storage").await;
    ada.browser.read(".warning", "in memory only").await;
    assert!(!ada.browser.has("#ask-keeping").await);
    assert_eq!(ada.asked().await, 0);
}
