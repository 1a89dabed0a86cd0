//! The engine's place in the browser: a worker that runs it, the adapters it runs over, and the page's link to it.

mod clock;
mod codes;
mod fetch;
mod host;
mod in_order;
mod indexeddb;
pub(crate) mod jobs;
mod link;
pub(crate) mod lock;
mod lock_records;
mod prepare;
pub(crate) mod reader;
mod rng;
mod tabs;
mod vault;
mod wire;
pub(crate) mod worker;
mod xhr;

pub(crate) use link::{EngineLink, LinkError, Settings, Turn};
pub(crate) use wire::{Secret, Sparing};

/// Whether this browser keeps an account's store.
pub(crate) async fn stored_account_exists() -> bool {
    indexeddb::IndexedDb::exists().await
}

/// Removes an account's store that nothing opens; whether the browser did.
pub(crate) async fn remove_store() -> bool {
    indexeddb::IndexedDb::delete().await.is_ok()
}
