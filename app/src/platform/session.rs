//! Starting the engine on this device, and what this device knows of an account beforehand.

use std::cell::{Cell, RefCell};

use holdfast_client::api::Command;
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::object::has;
use super::{is_visible, kiosk, on_connectivity, on_visibility, pause, window};
use crate::engine::{EngineLink, Settings, Sparing};

/// Where an account is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StorageMode {
    /// Sealed in this browser's storage, until the user logs out.
    OwnDevice,
    /// In memory only: gone when the tab is closed, and nothing is ever written.
    SharedComputer,
}

/// Why no engine could be started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum StartError {
    /// The page did not come over HTTPS or from this machine, so the browser withholds its cryptography.
    #[error("the page has no secure context")]
    NoSecureContext,
    /// The browser does not let the page store anything, as in some private windows.
    #[error("the browser refuses to store data")]
    StorageRefused,
    /// There was an account on this device, and the browser cleared it. Starting again begins afresh.
    #[error("the browser cleared the stored data")]
    StorageLost,
    /// What is stored can't be read: it was changed from outside, or its key is gone.
    #[error("the stored data can't be read")]
    StorageDamaged,
    /// The browser lacks something that is needed; its name.
    #[error("this browser lacks {0}")]
    OldBrowser(String),
    /// Anything else, for diagnostics.
    #[error("could not start: {0}")]
    Failed(String),
}

/// How often a page that is seen looks whether the machine slept: nothing else tells that of one that stayed in sight.
const LOOK_MS: u32 = 15_000;
/// A look that comes so much later than it was to, in milliseconds, had a sleep before it.
const SLEPT_MS: f64 = 30_000.0;

/// Where the page finds its network profile.
const PROFILE: &str = "networks/default.json";

/// What the engine needs of a browser, by the global names that tell whether it is there.
const NEEDED: [&str; 3] = ["BroadcastChannel", "ReadableStream", "AbortController"];

thread_local! {
    /// Whether there is storage for an account, as far as is known.
    static FOUND: Cell<bool> = const { Cell::new(false) };
    /// Whether the browser kept an account when the page started.
    static KEPT: Cell<bool> = const { Cell::new(false) };
    /// The link that was started last.
    static LINK: RefCell<Option<EngineLink>> = const { RefCell::new(None) };
}

/// Starts the engine, or joins the one of another tab. When a browser cleared its storage the first call says so and the
/// next begins afresh.
pub(crate) async fn start(mode: StorageMode) -> Result<EngineLink, StartError> {
    if !window().is_secure_context() {
        return Err(StartError::NoSecureContext);
    }
    for name in NEEDED {
        if !has(&window(), name) {
            return Err(StartError::OldBrowser(name.into()));
        }
    }
    if !has(&window().navigator(), "locks") {
        return Err(StartError::OldBrowser("Web Locks".into()));
    }
    // Whatever was chosen, a kiosk keeps nothing.
    let mode = if kiosk::is_on() {
        StorageMode::SharedComputer
    } else {
        mode
    };
    let settings = Settings {
        mode,
        profile: fetch_profile().await?,
        expect_account: marker::is_set(),
        sparing: kiosk::rules().map_or_else(Sparing::default, |rules| Sparing {
            leave_unread: rules.leave_unread,
            recent_days: rules.recent_days,
        }),
    };
    let link = EngineLink::start(settings).await.inspect_err(|why| {
        if *why == StartError::StorageLost {
            marker::set(false);
        }
    })?;
    FOUND.set(true);
    if LINK.replace(Some(link.clone())).is_none() {
        report();
    }
    tell_connection();
    Ok(link)
}

/// Whether an account is kept on this device, or was before the browser cleared it: start with
/// [`StorageMode::OwnDevice`] then. A kiosk opens none.
pub(crate) fn existing() -> bool {
    !kiosk::is_on() && (marker::is_set() || FOUND.get())
}

/// Whether this browser kept an account when the page started.
pub(crate) fn kept_before() -> bool {
    KEPT.get()
}

/// Looks for storage of an account, so that [`existing`] can tell at once. Called before the screens are mounted.
pub(crate) async fn probe() {
    FOUND.set(crate::engine::stored_account_exists().await);
    KEPT.set(marker::is_set() || FOUND.get());
}

/// Removes what this device keeps of an account and nothing can open; whether the browser did.
pub(crate) async fn remove() -> bool {
    let removed = crate::engine::remove_store().await;
    if removed {
        marker::set(false);
        FOUND.set(false);
    }
    removed
}

/// Tells the engine of sleep and connection from now on, whichever it is.
fn report() {
    on_visibility(|visible| {
        if visible {
            tell(Command::Wake);
        }
    });
    on_connectivity(|online| tell(Command::Connectivity { online }));
    wasm_bindgen_futures::spawn_local(notice_sleep());
}

/// Tells the engine of each sleep of the machine that the page was in sight through. The wall clock goes on meanwhile, and
/// timers stand still; those of a page out of sight are late anyway, and being shown is told.
async fn notice_sleep() {
    loop {
        let (seen, before) = (is_visible(), js_sys::Date::now());
        pause(LOOK_MS).await;
        if seen && is_visible() && slept(js_sys::Date::now() - before) {
            tell(Command::Wake);
        }
    }
}

/// Whether the machine slept between two looks, by the time between them in milliseconds.
fn slept(passed_ms: f64) -> bool {
    passed_ms > f64::from(LOOK_MS) + SLEPT_MS
}

/// Tells the engine if there is no connection at present: it takes one for granted.
pub(crate) fn tell_connection() {
    if !window().navigator().on_line() {
        tell(Command::Connectivity { online: false });
    }
}

/// Gives a command to the engine of the present link. Behind a lock there is none yet: what it was told there it would hear
/// when it is opened, late and in any order.
fn tell(command: Command) {
    let Some(link) = LINK.with_borrow(Clone::clone) else {
        return;
    };
    if link.locked().is_some() {
        return;
    }
    // The outcome shows in the engine's events.
    wasm_bindgen_futures::spawn_local(async move { drop(link.request(command).await) });
}

/// Reads the network profile that the page is served with.
async fn fetch_profile() -> Result<Vec<u8>, StartError> {
    let failed = |e: JsValue| StartError::Failed(super::error_text(&e));
    let response = JsFuture::from(window().fetch_with_str(PROFILE))
        .await
        .map_err(failed)?
        .unchecked_into::<web_sys::Response>();
    if !response.ok() {
        return Err(StartError::Failed(format!(
            "network profile: status {}",
            response.status()
        )));
    }
    let body = JsFuture::from(response.array_buffer().map_err(failed)?)
        .await
        .map_err(failed)?;
    Ok(js_sys::Uint8Array::new(&body).to_vec())
}

/// A mark in localStorage that this browser keeps an account. It says nothing of which.
pub(crate) mod marker {
    use super::window;

    /// The mark's name.
    const KEY: &str = "holdfast";

    /// Whether the mark is there.
    pub(crate) fn is_set() -> bool {
        storage().is_some_and(|s| s.get_item(KEY).is_ok_and(|value| value.is_some()))
    }

    /// Sets or removes the mark, as far as the browser lets us.
    pub(crate) fn set(kept: bool) {
        if let Some(storage) = storage() {
            let _ = if kept {
                storage.set_item(KEY, "kept")
            } else {
                storage.remove_item(KEY)
            };
        }
    }

    fn storage() -> Option<web_sys::Storage> {
        window().local_storage().ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::slept;

    #[test]
    fn a_late_timer_is_no_sleep_and_a_long_silence_is() {
        assert!(!slept(15_000.0));
        assert!(!slept(20_000.0), "a busy page");
        assert!(!slept(-3_600_000.0), "a clock that was set back");
        assert!(slept(60_000.0));
        assert!(slept(8.0 * 3_600_000.0));
    }
}
