//! Session's formats and cryptography: bytes in, bytes out.
//!
//! Everything here is a pure function or a small state machine. Randomness and time are arguments; nothing here
//! performs input or output, and nothing panics on any input. One module per concept, named as in the specification.

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

pub mod account;
pub mod backup;
mod base64;
pub mod blinded;
pub mod bt;
pub mod config;
pub mod file;
pub mod hash;
pub mod json;
pub mod keys;
pub mod kiosk;
pub mod message;
pub mod name;
pub mod nodes;
pub mod onion;
pub mod push;
pub mod sealed_box;
pub mod swarm;
pub mod transfer;
pub mod xed25519;
