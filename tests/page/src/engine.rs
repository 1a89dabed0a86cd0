//! The app's adapters. The app is a program, not a library: they are compiled in as they stand.

#[path = "../../../app/src/engine/clock.rs"]
pub(crate) mod clock;
#[path = "../../../app/src/engine/indexeddb.rs"]
#[allow(dead_code, reason = "only a part of it is used here")]
pub(crate) mod indexeddb;
#[path = "../../../app/src/engine/rng.rs"]
pub(crate) mod rng;
#[path = "../../../app/src/engine/vault.rs"]
#[allow(dead_code, reason = "only a part of it is used here")]
pub(crate) mod vault;
