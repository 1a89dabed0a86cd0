//! The engine's place in the browser: a worker that runs it, the adapters it runs over, and the page's link to it.

mod clock;
mod codes;
mod fetch;
mod host;
mod indexeddb;
pub(crate) mod jobs;
mod link;
mod prepare;
pub(crate) mod reader;
mod rng;
mod tabs;
mod vault;
mod wire;
pub(crate) mod worker;
mod xhr;

pub(crate) use link::{EngineLink, LinkError, Settings};

/// Whether this browser keeps an account's store.
pub(crate) async fn stored_account_exists() -> bool {
    indexeddb::IndexedDb::exists().await
}
