//! The suite that every store must pass, on the browser's IndexedDB through the app's own adapter.

use holdfast_client::store::suite;

use crate::engine::indexeddb;

/// The page's title once every case has passed. A case that fails ends the program before.
pub(crate) const PASSED: &str = "store suite passed";

/// Runs every case on this origin's database, which must not exist yet.
#[allow(clippy::expect_used, reason = "a test")]
pub(crate) async fn run() {
    suite::run(async || indexeddb::IndexedDb::open().await.expect("the database opens")).await;
}
