//! What other apps share with this one: the browser posts it to the service worker (`static/service-worker.js`), which
//! holds it until the page comes for it.

use std::time::Duration;

use js_sys::Array;
use wasm_bindgen::prelude::*;
use web_sys::{File, ServiceWorker, ServiceWorkerRegistration};

use super::object::{field, text};
use super::{document, window, worker};

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
pub(crate) async fn offer() -> Option<ServiceWorkerRegistration> {
    let there = worker::register().await?;
    name_manifest();
    Some(there)
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
    let wanted = worker::message("take", name.into());
    let told = worker::ask(&active().await?, &wanted, PATIENCE).await;
    if !told.is_object() {
        return None;
    }
    let files = field(&told, "files").dyn_into::<Array>().ok()?;
    Some(Taken {
        files: files.iter().filter_map(|file| file.dyn_into().ok()).collect(),
        title: text(&told, "title"),
        text: text(&told, "text"),
        url: text(&told, "url"),
    })
}

/// Has the worker let go of what it holds under a name.
pub(crate) async fn settle(name: &str) {
    if let Some(active) = active().await {
        // A worker that is gone holds nothing.
        let _ = active.post_message(&worker::message("settle", name.into()));
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

async fn active() -> Option<ServiceWorker> {
    worker::registered().await?.active()
}
