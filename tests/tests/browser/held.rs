//! What a page says to its engine, kept back by the test: as if the engine were slow to hear it, or the page gone before it does.

use serde_json::json;

use crate::driver::Browser;

/// Keeps back, after `text`, what holds that text and more behind it. `letGo` lets so many go that were kept back first.
const HOLD: &str = "
    const wanted = [...new TextEncoder().encode(text)];
    const say = Worker.prototype.postMessage;
    const holds = (bytes) => {
        for (let at = 0; at + wanted.length < bytes.length; at++) {
            if (wanted.every((byte, n) => bytes[at + n] === byte)) return true;
        }
        return false;
    };
    globalThis.held = [];
    globalThis.letGo = (count) => held.splice(0, count).forEach((said) => said());
    globalThis.holdNothing = () => {
        Worker.prototype.postMessage = say;
        letGo(held.length);
    };
    Worker.prototype.postMessage = function (message, ...more) {
        if (message instanceof Uint8Array && holds(message)) {
            // The page overwrites what it has posted.
            const copy = message.slice();
            held.push(() => say.call(this, copy));
        } else {
            say.call(this, message, ...more);
        }
    };";

impl Browser {
    /// Keeps back from now on what the page says with this text in it and more behind it. A message that is to be sent is
    /// such, and a draft is not: it ends with its text. An empty text stands in everything.
    pub(crate) async fn holds_back(&self, text: &str) {
        self.script(&format!("const text = {};{HOLD}", json!(text))).await;
    }

    /// How much is kept back now.
    pub(crate) async fn held(&self) -> u64 {
        let held = self.script("return held.length").await;
        held.as_u64().expect("a number")
    }

    /// Lets so many go that were kept back first.
    pub(crate) async fn lets_go(&self, count: u64) {
        self.script(&format!("letGo({count})")).await;
    }

    /// Lets everything go, and keeps nothing back any more.
    pub(crate) async fn holds_nothing(&self) {
        self.script("holdNothing()").await;
    }
}
