//! What the page asks of the browser, apart from the engine.

pub(crate) mod activity;
pub(crate) mod blob;
pub(crate) mod camera;
pub(crate) mod card;
pub(crate) mod chime;
pub(crate) mod data_transfer;
mod errors;
pub(crate) mod film;
pub(crate) mod frame;
pub(crate) mod keeping;
pub(crate) mod kiosk;
pub(crate) mod microphone;
pub(crate) mod near;
pub(crate) mod notifications;
pub(crate) mod object;
pub(crate) mod pass_on;
pub(crate) mod passkey;
pub(crate) mod picture;
pub(crate) mod pixels;
pub(crate) mod releases;
pub(crate) mod save;
pub(crate) mod session;
pub(crate) mod share;
pub(crate) mod sound;
pub(crate) mod wipe;
pub(crate) mod worker;

pub(crate) use errors::error_text;

use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// The element of `index.html` that is shown until the program has arrived.
pub(crate) const PAINTED_PAGE: &str = "painted";

/// The page's window. Not for the worker, which has none.
pub(crate) fn window() -> web_sys::Window {
    js_sys::global().unchecked_into()
}

/// The page's document.
pub(crate) fn document() -> web_sys::Document {
    js_sys::Reflect::get(&js_sys::global(), &"document".into())
        .unwrap_or(JsValue::NULL)
        .unchecked_into()
}

/// A text in lower case. The browser has the tables for all scripts; the standard library's are 10 kB of the first visit.
pub(crate) fn lower_case(text: &str) -> String {
    if cfg!(target_arch = "wasm32") {
        String::from(js_sys::JsString::from(text).to_lower_case())
    } else {
        text.to_lowercase()
    }
}

/// A text in upper case, as [`lower_case`].
pub(crate) fn upper_case(text: &str) -> String {
    if cfg!(target_arch = "wasm32") {
        String::from(js_sys::JsString::from(text).to_upper_case())
    } else {
        text.to_uppercase()
    }
}

/// A text in the one form that all keyboards' ways to write it have in common (NFKC).
pub(crate) fn normal_form(text: &str) -> String {
    // The form's name is one that every browser knows.
    String::from(js_sys::JsString::from(text).normalize("NFKC"))
}

/// Today, as `2026-01-31`, by this device's calendar.
pub(crate) fn today() -> String {
    let now = js_sys::Date::new_0();
    format!(
        "{:04}-{:02}-{:02}",
        now.get_full_year(),
        now.get_month() + 1,
        now.get_date()
    )
}

/// Fills a buffer from the browser's secure source.
///
/// # Panics
/// When the browser has no such source, as then nothing here may go on.
pub(crate) fn fill_random(bytes: &mut [u8]) {
    assert!(
        getrandom::fill(bytes).is_ok(),
        "the browser gives no random bytes"
    );
}

/// Bytes from the browser's secure source.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill_random(&mut bytes);
    bytes
}

/// Completes after some milliseconds.
pub(crate) async fn pause(ms: u32) {
    if ms == 0 {
        return;
    }
    let promise = js_sys::Promise::new(&mut |done, _| {
        // Without a timer the promise never completes, and neither would anything else on the page.
        let _ = window().set_timeout_with_callback_and_timeout_and_arguments_0(&done, ms as i32);
    });
    let _ = JsFuture::from(promise).await;
}

/// Milliseconds since some moment, whatever becomes of the date; zero where the browser does not count them.
pub(crate) fn steady_ms() -> f64 {
    window().performance().map_or(0.0, |clock| clock.now())
}

/// Loads the page anew.
pub(crate) fn reload() {
    // Refused only while another navigation runs.
    let _ = window().location().reload();
}

/// Copies a text to the clipboard; tells whether that worked. Call it from a click or key press.
pub(crate) async fn copy_text(text: &str) -> bool {
    let clipboard = window().navigator().clipboard();
    // Absent without a secure context, whatever its type says.
    if clipboard.is_undefined() {
        return false;
    }
    JsFuture::from(clipboard.write_text(text)).await.is_ok()
}

/// Calls back whenever the page is shown (`true`) or hidden (`false`), for as long as the page lives.
pub(crate) fn on_visibility(callback: impl Fn(bool) + 'static) {
    listen(&document(), "visibilitychange", move || callback(is_visible()));
}

/// Whether the page is seen.
pub(crate) fn is_visible() -> bool {
    document().visibility_state() == web_sys::VisibilityState::Visible
}

/// Calls back whenever the browser gains (`true`) or loses (`false`) its connection, for as long as the page lives.
pub(crate) fn on_connectivity(callback: impl Fn(bool) + Clone + 'static) {
    let gained = callback.clone();
    listen(&window(), "online", move || gained(true));
    listen(&window(), "offline", move || callback(false));
}

fn listen(target: &web_sys::EventTarget, name: &str, callback: impl Fn() + 'static) {
    let callback = Closure::<dyn Fn()>::new(callback);
    if target
        .add_event_listener_with_callback(name, callback.as_ref().unchecked_ref())
        .is_ok()
    {
        callback.forget();
    }
}
