//! The service worker (`static/service-worker.js`): having the browser keep it, and asking it.
//!
//! A page that another page shows in a frame has none, and neither has a shared computer: what the worker keeps would stay.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use futures::channel::oneshot;
use js_sys::Array;
use leptos::prelude::set_timeout;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    MessageChannel, MessageEvent, RegistrationOptions, ServiceWorker, ServiceWorkerContainer,
    ServiceWorkerRegistration, ServiceWorkerUpdateViaCache,
};

use super::frame::is_framed;
use super::object::{has, object};
use super::window;

/// Its script.
const SCRIPT: &str = "service-worker.js";

/// The browser's service workers; none without a secure context and in some private windows.
pub(crate) fn workers() -> Option<ServiceWorkerContainer> {
    let navigator = window().navigator();
    has(&navigator, "serviceWorker").then(|| navigator.service_worker())
}

/// Has the browser keep the worker, and waits until it works. Its script is never taken from the browser's cache of files.
pub(crate) async fn register() -> Option<ServiceWorkerRegistration> {
    if is_framed() {
        return None;
    }
    let workers = workers()?;
    let options = RegistrationOptions::new();
    options.set_update_via_cache(ServiceWorkerUpdateViaCache::None);
    JsFuture::from(workers.register_with_options(SCRIPT, &options))
        .await
        .ok()?;
    let ready = JsFuture::from(workers.ready().ok()?).await.ok()?;
    Some(ready.unchecked_into())
}

/// The worker that the browser keeps since an earlier visit.
pub(crate) async fn registered() -> Option<ServiceWorkerRegistration> {
    if is_framed() {
        return None;
    }
    let found = JsFuture::from(workers()?.get_registration()).await.ok()?;
    (!found.is_undefined()).then(|| found.unchecked_into())
}

/// A message for it that says one thing.
pub(crate) fn message(what: &str, value: JsValue) -> JsValue {
    object(&[(what, value)]).into()
}

/// What it answers to a message; null when it does not in that time.
pub(crate) async fn ask(worker: &ServiceWorker, message: &JsValue, patience: Duration) -> JsValue {
    answer(worker, message, patience).await.unwrap_or(JsValue::NULL)
}

async fn answer(worker: &ServiceWorker, message: &JsValue, patience: Duration) -> Option<JsValue> {
    let channel = MessageChannel::new().ok()?;
    let (sender, answer) = oneshot::channel();
    let sender = Rc::new(Cell::new(Some(sender)));
    let tell = move |told: JsValue| {
        if let Some(sender) = sender.take() {
            let _ = sender.send(told);
        }
    };
    let late = tell.clone();
    let hear = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| tell(event.data()));
    channel.port1().set_onmessage(Some(hear.as_ref().unchecked_ref()));
    worker
        .post_message_with_transferable(message, &Array::of1(&channel.port2()))
        .ok()?;
    set_timeout(move || late(JsValue::NULL), patience);
    let told = answer.await.ok();
    channel.port1().close();
    told
}
