//! One engine for all tabs of an origin: a Web Lock says which worker runs it, a channel carries the others' commands.
//!
//! The browser frees the lock when its worker ends in whatever way, so that the next worker in line takes over. From a
//! worker that keeps it and answers nobody, because its tab was frozen, another one takes it; a fence in the store
//! ([`super::indexeddb`]) keeps whoever lost it from writing once more.

use futures::channel::oneshot;
use futures::future::{Either, select};
use js_sys::{Function, Object, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{BroadcastChannel, MessageEvent};

use super::wire::{BetweenTabs, from_js, to_js, wipe};
use crate::platform::object::object;

/// The name of the lock and of the channel. One account on a device, so one of each.
const NAME: &str = "holdfast-engine";

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = ["navigator", "locks"], js_name = request)]
    fn request_lock(name: &str, options: &Object, granted: &Function) -> Result<Promise, JsValue>;
}

/// A Web Lock that is held until this is dropped, its worker ends, or another worker takes it.
pub(crate) struct Turn {
    give_back: Function,
    gone: Option<oneshot::Receiver<()>>,
}

impl Turn {
    /// What completes when the lock is not held any more. There is one.
    pub(crate) fn gone(&mut self) -> Option<oneshot::Receiver<()>> {
        self.gone.take()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // Settles the promise that holds it, whatever it returns.
        let _ = self.give_back.call0(&JsValue::UNDEFINED);
    }
}

/// Takes the right to run the engine if no worker has it.
pub(crate) async fn lead_now() -> Option<Turn> {
    request(NAME, Some("ifAvailable")).await
}

/// Waits for the right to run the engine; `None` when the browser refuses it for good.
pub(crate) async fn lead_in_turn() -> Option<Turn> {
    request(NAME, None).await
}

/// Takes the right to run the engine from whoever has it.
pub(crate) async fn lead_instead() -> Option<Turn> {
    request(NAME, Some("steal")).await
}

/// Waits for a Web Lock of this name; `None` when the browser refuses it for good.
pub(crate) async fn take_turn(name: &str) -> Option<Turn> {
    request(name, None).await
}

/// Asks for a lock, with one of the standard's options set.
async fn request(name: &str, option: Option<&str>) -> Option<Turn> {
    let (sender, receiver) = oneshot::channel();
    let granted = Closure::once_into_js(move |lock: JsValue| -> JsValue {
        if lock.is_null() {
            let _ = sender.send(None);
            return JsValue::UNDEFINED;
        }
        let mut settle = None;
        let held = Promise::new(&mut |done, _| settle = Some(done));
        let turn = |give_back| Turn {
            give_back,
            gone: None,
        };
        // Whoever waited may be gone: then the lock is given back at once.
        let _ = sender.send(settle.map(turn));
        held.into()
    });
    let options = object(option.map(|option| (option, JsValue::TRUE)).as_slice());
    let held = request_lock(name, &options, granted.unchecked_ref()).ok()?;
    let (tell, gone) = oneshot::channel();
    spawn_local(async move {
        // Settles when the lock was refused or given back or, with an error, when it was taken.
        let _ = JsFuture::from(held).await;
        let _ = tell.send(());
    });
    match select(receiver, gone).await {
        Either::Left((Ok(Some(mut turn)), gone)) => {
            turn.gone = Some(gone);
            Some(turn)
        }
        // One that is refused for good is never granted, and what waits to be told so is never freed.
        Either::Left(_) | Either::Right(_) => None,
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
