//! Whether the browser keeps what is stored here, or may clear it when space is short.

use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::StorageManager;

use super::object::has;
use super::window;

/// Whether it keeps it for good; `None` where it can't tell.
pub(crate) async fn is_for_good() -> Option<bool> {
    answer(manager()?.persisted().ok()?).await
}

/// Asks it to keep it for good; its answer, or its user's.
pub(crate) async fn ask() -> Option<bool> {
    answer(manager()?.persist().ok()?).await
}

fn manager() -> Option<StorageManager> {
    let navigator = window().navigator();
    // Absent without a secure context and in older browsers, whatever its type says.
    let manager = has(&navigator, "storage").then(|| navigator.storage())?;
    has(&manager, "persist").then_some(manager)
}

async fn answer(promise: js_sys::Promise) -> Option<bool> {
    let answer: JsValue = JsFuture::from(promise).await.ok()?;
    answer.as_bool()
}
