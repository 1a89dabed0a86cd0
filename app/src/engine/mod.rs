//! The engine's place in the browser: a worker that runs it, the adapters it runs over, and the page's link to it.

mod link;
mod wire;
pub(crate) mod worker;

pub(crate) use link::{EngineLink, LinkError, Settings};

/// Whether this browser keeps an account's store.
pub(crate) async fn stored_account_exists() -> bool {
    false
}
