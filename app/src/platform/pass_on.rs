//! The system's own way to pass something on.

use js_sys::{Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};

use super::object::object;
use super::window;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = navigator, js_name = share)]
    fn navigator_share(data: &Object) -> Result<Promise, JsValue>;
}

/// Whether the system has one.
pub(crate) fn is_possible() -> bool {
    Reflect::has(&window().navigator(), &"share".into()).unwrap_or(false)
}

/// Offers a link. Call it from a click or key press.
pub(crate) fn link(url: &str, title: &str) {
    let data = object(&[("url", url.into()), ("title", title.into())]);
    if let Ok(promise) = navigator_share(&data) {
        // Whether somebody chose to pass it on is theirs to know.
        spawn_local(async move {
            let _ = JsFuture::from(promise).await;
        });
    }
}
