//! What a Session client does: paths, polling, outbox, conversations. See `ARCHITECTURE.md`.
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

pub mod api;
pub mod ports;
pub mod profile;
pub mod seal;
pub mod store;

#[cfg(test)]
mod test_support;
