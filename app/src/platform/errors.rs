//! What the browser throws, in words.

use wasm_bindgen::{JsCast, JsValue};

/// The text of a thrown value, for diagnostics.
pub(crate) fn error_text(error: &JsValue) -> String {
    error
        .dyn_ref::<js_sys::Error>()
        .map(|e| String::from(e.message()))
        .or_else(|| error.as_string())
        .unwrap_or_else(|| "unknown".into())
}
