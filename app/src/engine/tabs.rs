//! One engine for all tabs of an origin: a Web Lock says which worker runs it, a channel carries the others' commands.
//!
//! The browser frees the lock when its worker ends in whatever way, so that the next worker in line takes over. From a
//! worker that keeps it and answers nobody, because its tab was frozen, another one takes it; a fence in the store
//! ([`super::indexeddb`]) keeps whoever lost it from writing once more.

use futures::channel::oneshot;
use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{BroadcastChannel, MessageEvent};

use super::wire::{BetweenTabs, from_js, to_js};

/// The name of the lock and of the channel. One account on a device, so one of each.
const NAME: &str = "holdfast-engine";

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = ["navigator", "locks"], js_name = request)]
    fn request_lock(name: &str, options: &Object, granted: &Function) -> Result<Promise, JsValue>;
}

/// The right to run the engine. It is kept until this worker ends or another one takes it.
pub(crate) struct Lead {
    taken: oneshot::Receiver<()>,
}

impl Lead {
    /// Completes when another worker took the right.
    pub(crate) async fn taken(self) {
        let _ = self.taken.await;
    }
}

/// Takes the right to run the engine if no worker has it.
pub(crate) async fn lead_now() -> Option<Lead> {
    request("ifAvailable").await
}

/// Waits for the right to run the engine; `None` when the browser refuses it for good.
pub(crate) async fn lead_in_turn() -> Option<Lead> {
    request("").await
}

/// Takes the right to run the engine from whoever has it.
pub(crate) async fn lead_instead() -> Option<Lead> {
    request("steal").await
}

/// Asks for the lock, with one of the standard's options set.
async fn request(option: &str) -> Option<Lead> {
    let (sender, receiver) = oneshot::channel();
    let granted = Closure::once_into_js(move |lock: JsValue| -> JsValue {
        let got = !lock.is_null();
        let _ = sender.send(got);
        if got {
            // A promise that never settles: the lock is ours as long as the worker lives.
            Promise::new(&mut |_, _| {}).into()
        } else {
            JsValue::UNDEFINED
        }
    });
    let options = Object::new();
    if !option.is_empty() {
        let _ = Reflect::set(&options, &option.into(), &true.into());
    }
    let held = request_lock(NAME, &options, granted.unchecked_ref()).ok()?;
    let (lost, taken) = oneshot::channel();
    spawn_local(async move {
        // Settles when the lock was refused or, with an error, when it was taken.
        let _ = JsFuture::from(held).await;
        let _ = lost.send(());
    });
    receiver.await.unwrap_or(false).then_some(Lead { taken })
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
        // Fails only on a closed channel, and this one closes with its worker.
        let _ = self.channel.post_message(&to_js(message));
    }
}
