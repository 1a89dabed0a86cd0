//! One engine for all tabs of an origin: a Web Lock says which worker runs it, a channel carries the others' commands.
//!
//! The browser frees the lock when its worker ends in whatever way, so that the next worker in line takes over.

use futures::channel::oneshot;
use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::{BroadcastChannel, MessageEvent};

use super::wire::{BetweenTabs, from_js, to_js, wipe};

/// The name of the lock and of the channel. One account on a device, so one of each.
const NAME: &str = "holdfast-engine";

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = ["navigator", "locks"], js_name = request)]
    fn request_lock(name: &str, options: &Object, granted: &Function) -> Result<Promise, JsValue>;
}

/// A Web Lock that is held until this is dropped, or its worker ends.
pub(crate) struct Turn {
    give_back: Function,
}

impl Drop for Turn {
    fn drop(&mut self) {
        // Settles the promise that holds it, whatever it returns.
        let _ = self.give_back.call0(&JsValue::UNDEFINED);
    }
}

/// Takes the right to run the engine if no worker has it.
pub(crate) async fn lead_now() -> Option<Turn> {
    request(NAME, true).await
}

/// Waits for the right to run the engine; `None` when the browser refuses it for good.
pub(crate) async fn lead_in_turn() -> Option<Turn> {
    request(NAME, false).await
}

/// Waits for a Web Lock of this name; `None` when the browser refuses it for good.
pub(crate) async fn take_turn(name: &str) -> Option<Turn> {
    request(name, false).await
}

async fn request(name: &str, if_available: bool) -> Option<Turn> {
    let (sender, receiver) = oneshot::channel();
    let granted = Closure::once_into_js(move |lock: JsValue| -> JsValue {
        if lock.is_null() {
            let _ = sender.send(None);
            return JsValue::UNDEFINED;
        }
        let mut settle = None;
        let held = Promise::new(&mut |done, _| settle = Some(done));
        // Whoever waited may be gone: then the lock is given back at once.
        let _ = sender.send(settle.map(|give_back| Turn { give_back }));
        held.into()
    });
    let options = Object::new();
    let _ = Reflect::set(&options, &"ifAvailable".into(), &if_available.into());
    match request_lock(name, &options, granted.unchecked_ref()) {
        Ok(_) => receiver.await.ok().flatten(),
        Err(_) => None,
    }
}

/// The channel between the workers of all tabs. What is posted reaches every worker but the one that posts.
pub(crate) struct TabChannel {
    channel: BroadcastChannel,
    _on_message: Closure<dyn Fn(MessageEvent)>,
}

impl TabChannel {
    /// Joins the channel.
    pub(crate) fn join(hear: impl Fn(BetweenTabs) + 'static) -> Result<TabChannel, JsValue> {
        let channel = BroadcastChannel::new(NAME)?;
        let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(message) = from_js(event.data()) {
                hear(message);
            }
        });
        channel.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        Ok(TabChannel {
            channel,
            _on_message: on_message,
        })
    }

    /// Tells all other workers.
    pub(crate) fn post(&self, message: &BetweenTabs) {
        let message = to_js(message);
        // Fails only on a closed channel, and this one closes with its worker.
        let _ = self.channel.post_message(&message);
        wipe(&message);
    }
}
