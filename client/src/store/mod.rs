//! Stores: [`memory`] everywhere, [`sqlite`] natively; IndexedDB lives with the app. All pass the one [`suite`].

pub mod memory;
#[cfg(all(feature = "sqlite", not(target_arch = "wasm32")))]
pub mod sqlite;
#[cfg(any(test, feature = "testing"))]
pub mod suite;
