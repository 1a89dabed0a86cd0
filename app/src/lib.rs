//! The Holdfast page and its engine worker: one crate, two programs.
//!
//! The page mounts the screens (`src/main.rs`); the worker runs the engine over the browser's `fetch`, IndexedDB, timers
//! and random numbers (`src/bin/engine.rs`). They are two modules, so that a first visit waits for the page's alone
//! (`ARCHITECTURE.md`, app).

#![forbid(unsafe_code)]

mod components;
mod engine;
mod i18n;
mod platform;
mod screens;
mod state;

/// The page: mounts the screens in place of the start page that `index.html` painted.
pub fn run_page() {
    wasm_bindgen_futures::spawn_local(show_page());
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
    screens::prepare().await;
    leptos::mount::mount_to_body(screens::App);
    if let Some(painted) = platform::document().get_element_by_id(platform::PAINTED_PAGE) {
        painted.remove();
    }
}
