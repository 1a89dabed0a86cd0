//! The Holdfast page and its engine worker: one program with two entries.
//!
//! The page and the worker instantiate the same compiled module. The page mounts the screens; the worker runs the engine
//! over the browser's `fetch`, IndexedDB, timers and random numbers (`ARCHITECTURE.md`, app).

#![forbid(unsafe_code)]

mod components;
mod engine;
mod i18n;
mod platform;
mod screens;
mod state;

use wasm_bindgen::JsCast;

fn main() {
    platform::report_panics();
    if js_sys::global().is_instance_of::<web_sys::Window>() {
        wasm_bindgen_futures::spawn_local(show_page());
    } else {
        engine::worker::run();
    }
}

/// Mounts the screens in place of the start page that `index.html` painted.
async fn show_page() {
    platform::session::probe().await;
    screens::prepare().await;
    leptos::mount::mount_to_body(screens::App);
    if let Some(painted) = platform::document().get_element_by_id(platform::PAINTED_PAGE) {
        painted.remove();
    }
}
