//! The wall clock of a page, set ahead as it is after a machine slept, and the timers by which a page looks at it.

use std::time::Duration;

use crate::driver::Browser;

/// Lets the page's wall clock be stopped and set ahead, and counts for each period of its timers, in milliseconds, how often one ran that
/// looked at that clock. The steady clock goes on as it does: it stands still while a machine sleeps.
const CLOCK: &str = "{
    globalThis.ahead = 0;
    globalThis.looks = {};
    let looked = false;
    const wall = Date.now;
    Date.now = () => {
        looked = true;
        return (globalThis.stopped ?? wall()) + globalThis.ahead;
    };
    const repeat = globalThis.setInterval;
    globalThis.setInterval = (run, period, ...rest) => repeat((...given) => {
        looked = false;
        run(...given);
        if (looked) globalThis.looks[period] = (globalThis.looks[period] ?? 0) + 1;
    }, period, ...rest);
}";

impl Browser {
    /// Takes hold of the clock and of the timers that begin from now on, here and in later pages.
    pub(crate) async fn holds_clock(&self) {
        self.before_each_page(CLOCK).await;
    }

    /// Stops the page's wall clock: from now on it is what it is set to.
    pub(crate) async fn clock_stops(&self) {
        self.script("globalThis.stopped = Date.now() - globalThis.ahead")
            .await;
    }

    /// Sets the page's wall clock ahead by so much, counted from what it is by itself.
    pub(crate) async fn clock_ahead(&self, by: Duration) {
        self.script(&format!("globalThis.ahead = {}", by.as_millis()))
            .await;
    }

    /// Waits until a timer of this period has looked at the wall clock once more, and has done what follows from that.
    pub(crate) async fn has_looked(&self, period: Duration) {
        let count = format!("return globalThis.looks[{}] ?? 0", period.as_millis());
        let before = self.script(&count).await.as_u64();
        self.until("the page to look at the clock", async || {
            (self.script(&count).await.as_u64() > before).then_some(())
        })
        .await;
    }
}
