//! What a Session client does: paths, polling, outbox, conversations. See `ARCHITECTURE.md`.
//!
//! [`engine::Engine::new`] takes four [`ports`] and a [`profile`] and gives a handle and a driver. Front ends send
//! [`api::Command`]s through the handle and hear [`api::Event`]s; whoever owns the thread polls the driver.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

mod account;
pub mod api;
mod arrival;
mod backup;
mod clearing;
mod commands;
mod config;
mod contacts;
mod conversations;
mod core;
mod deleting;
mod driver;
pub mod engine;
mod erasing;
mod expiry;
mod files;
mod jobs;
pub mod lock;
#[cfg(all(feature = "native", not(target_arch = "wasm32")))]
pub mod native;
mod network;
mod notices;
mod notify;
mod outbox;
mod paging;
mod poll;
pub mod ports;
pub mod profile;
mod reactions;
mod receipts;
mod receive;
mod records;
mod requests;
mod restore;
pub mod seal;
pub mod search;
mod sending;
mod start;
pub mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod transfer;
mod typing;
mod work;

pub use driver::Driver;
pub use engine::{Engine, EngineHandle, Options};
pub use profile::NetworkProfile;

#[cfg(test)]
mod test_support;
