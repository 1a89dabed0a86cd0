//! Which key presses are the app's shortcuts, and which belong to what types.

use leptos::ev::KeyboardEvent;
use leptos::prelude::window;
use wasm_bindgen::JsCast;
use web_sys::Element;

/// The key code that browsers give while an input method composes.
const COMPOSING: u32 = 229;
/// How the names of Apple's systems begin: Mac, iPhone, iPad.
const APPLE: [&str; 2] = ["Mac", "iP"];

/// Whether a key press belongs to an input method. Safari tells the end of a word before the Enter that ended it: only the
/// code says so then.
pub(crate) fn composes(event: &KeyboardEvent) -> bool {
    event.is_composing() || event.key_code() == COMPOSING
}

/// Whether Alt types characters and moves through texts here, as the Option key of Apple's systems does. Elsewhere another
/// key does, if any.
pub(crate) fn alt_types() -> bool {
    let platform = window().navigator().platform().unwrap_or_default();
    APPLE.iter().any(|name| platform.starts_with(name))
}

/// Whether a key was pressed with Alt, and with nothing that makes it type or choose something.
pub(crate) fn with_alt(event: &KeyboardEvent) -> bool {
    if !event.alt_key() || event.ctrl_key() || event.meta_key() {
        return false;
    }
    let within = |selector: &str| {
        let target = event
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok());
        target.is_some_and(|target| target.closest(selector).is_ok_and(|field| field.is_some()))
    };
    if alt_types() {
        return !within("input, textarea, select");
    }
    // With Alt, a list of choices opens at an arrow key.
    !event.get_modifier_state("AltGraph") && !within("select")
}

/// Whether a key press is one of our shortcuts: Alt with a key by its place, since what it types depends on the keyboard.
pub(crate) fn is_shortcut(event: &KeyboardEvent, code: &str) -> bool {
    with_alt(event) && !event.shift_key() && event.code() == code
}
