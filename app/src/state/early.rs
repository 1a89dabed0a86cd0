//! Choices that are needed before an engine runs: theme and language.
//!
//! On an own device they are mirrored to localStorage, so that the page opens in the right colours and words. On a shared
//! computer nothing is written.

use leptos::prelude::window;

use crate::platform::kiosk;

/// Prefix of the names in localStorage.
const PREFIX: &str = "holdfast.";

fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

/// A choice made on an earlier visit. At a kiosk there was none.
pub(crate) fn read(key: &str) -> Option<String> {
    if kiosk::is_on() {
        return None;
    }
    storage()?.get_item(&format!("{PREFIX}{key}")).ok().flatten()
}

/// Keeps a choice, as far as the browser lets us.
pub(crate) fn write(key: &str, value: &str) {
    if let Some(storage) = storage() {
        let _ = storage.set_item(&format!("{PREFIX}{key}"), value);
    }
}

/// Removes a choice.
pub(crate) fn forget(key: &str) {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(&format!("{PREFIX}{key}"));
    }
}

/// A parameter of the page's address, such as `lang`. A kiosk's address says nothing.
pub(crate) fn query(name: &str) -> Option<String> {
    if kiosk::is_on() {
        return None;
    }
    let search = window().location().search().ok()?;
    search
        .trim_start_matches('?')
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
}
