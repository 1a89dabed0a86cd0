//! The Holdfast page and its engine worker: one crate, two programs.
//!
//! The page mounts the screens (`src/main.rs`, cut in two by `src/later.rs`); the worker runs the engine over the browser's `fetch`, IndexedDB, timers
//! and random numbers (`src/bin/engine.rs`). They are two modules, so that a first visit waits for the page's alone
//! (`ARCHITECTURE.md`, app).

#![forbid(unsafe_code)]

mod components;
mod engine;
mod i18n;
mod later;
mod platform;
mod screens;
mod state;

use futures::future::LocalBoxFuture;

pub use later::Later;

/// The page: mounts the screens in place of the start page that `index.html` painted. `fetch` brings in the part of the
/// program that comes later.
pub fn run_page(fetch: fn() -> LocalBoxFuture<'static, Option<Later>>) {
    later::comes_by(fetch);
    wasm_bindgen_futures::spawn_local(show_page());
}

/// That part: called where the program is cut, and nowhere else.
pub fn later() -> Later {
    Later::here()
}

/// The worker: waits for the page's start message, then runs the engine.
pub fn run_engine() {
    engine::worker::run();
}

async fn show_page() {
    platform::kiosk::find_out().await;
    if !platform::frame::is_framed() {
        platform::session::probe().await;
    }
    // What is there already, and the screens of a kiosk and of a frame, are all in the later part.
    if platform::frame::is_framed() || platform::kiosk::is_on() || platform::session::existing() {
        futures::join!(screens::prepare(), later::fetch_first());
    } else {
        screens::prepare().await;
    }
    leptos::mount::mount_to_body(screens::App);
    if let Some(painted) = platform::document().get_element_by_id(platform::PAINTED_PAGE) {
        painted.remove();
    }
}
