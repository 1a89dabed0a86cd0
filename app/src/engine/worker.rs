//! The worker's entry.

/// Runs in the worker: waits for the page's start message.
pub(crate) fn run() {}
