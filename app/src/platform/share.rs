//! What other apps share with this one: the browser posts it to the service worker (`static/service-worker.js`), which
//! holds it until the page comes for it.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use futures::channel::oneshot;
use js_sys::{Array, Object, Reflect};
use leptos::prelude::set_timeout;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{File, MessageChannel, MessageEvent, ServiceWorker, ServiceWorkerContainer};

use super::session::has;
use super::{document, window};

/// The service worker.
const WORKER: &str = "service-worker.js";
/// What tells a browser that others can share with this app.
const MANIFEST: &str = "holdfast.webmanifest";
/// A worker that has to be started first answers within a second; one that never answers holds nothing.
const PATIENCE: Duration = Duration::from_secs(5);

/// What was shared, as it came.
pub(crate) struct Taken {
    pub(crate) files: Vec<File>,
    pub(crate) title: String,
    pub(crate) text: String,
    pub(crate) url: String,
}

/// Has the browser offer this app for installing, as one that takes what others share. The worker comes first: without it
/// what is shared would be posted to the server. Both stay on this device, so not for a shared computer.
pub(crate) async fn offer() {
    let Some(workers) = workers() else { return };
    let there = JsFuture::from(workers.register(WORKER)).await.is_ok();
    let Ok(ready) = workers.ready() else { return };
    if !there || JsFuture::from(ready).await.is_err() {
        return;
    }
    name_manifest();
}

fn name_manifest() -> Option<()> {
    let page = document();
    if page.query_selector("link[rel=manifest]").ok()?.is_some() {
        return None;
    }
    let link = page.create_element("link").ok()?;
    link.set_attribute("rel", "manifest").ok()?;
    link.set_attribute("href", MANIFEST).ok()?;
    page.query_selector("head").ok()??.append_child(&link).ok()?;
    Some(())
}

/// Takes what is held under a name; it stays held. Nothing when the worker has let go of it.
pub(crate) async fn take(name: &str) -> Option<Taken> {
    let worker = worker().await?;
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
    let wanted = request("take", name);
    worker
        .post_message_with_transferable(&wanted, &Array::of1(&channel.port2()))
        .ok()?;
    set_timeout(move || late(JsValue::NULL), PATIENCE);
    let told = answer.await.ok()?;
    channel.port1().close();
    if !told.is_object() {
        return None;
    }
    let field = |name: &str| Reflect::get(&told, &name.into()).unwrap_or(JsValue::NULL);
    let text = |name: &str| field(name).as_string().unwrap_or_default();
    let files = field("files").dyn_into::<Array>().ok()?;
    Some(Taken {
        files: files.iter().filter_map(|file| file.dyn_into().ok()).collect(),
        title: text("title"),
        text: text("text"),
        url: text("url"),
    })
}

/// Has the worker let go of what it holds under a name.
pub(crate) async fn settle(name: &str) {
    if let Some(worker) = worker().await {
        // A worker that is gone holds nothing.
        let _ = worker.post_message(&request("settle", name));
    }
}

/// Takes the name off the page's address, so that a reload does not ask for it again.
pub(crate) fn forget_address() {
    let window = window();
    if let (Ok(history), Ok(path)) = (window.history(), window.location().pathname()) {
        let state = history.state().unwrap_or(JsValue::NULL);
        // Refused only when a page floods its history; then a reload asks once more.
        let _ = history.replace_state_with_url(&state, "", Some(&path));
    }
}

fn request(what: &str, name: &str) -> JsValue {
    let request = Object::new();
    // Setting a property of a fresh plain object can't fail.
    let _ = Reflect::set(&request, &what.into(), &name.into());
    request.into()
}

/// The browser's service workers; none without a secure context and in some private windows.
fn workers() -> Option<ServiceWorkerContainer> {
    let navigator = window().navigator();
    has(&navigator, "serviceWorker").then(|| navigator.service_worker())
}

async fn worker() -> Option<ServiceWorker> {
    let found = JsFuture::from(workers()?.get_registration()).await.ok()?;
    if found.is_undefined() {
        return None;
    }
    found
        .unchecked_into::<web_sys::ServiceWorkerRegistration>()
        .active()
}
