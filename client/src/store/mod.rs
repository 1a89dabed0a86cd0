//! Stores: [`memory`] everywhere, [`sqlite`] natively; IndexedDB lives with the app. All pass the one [`suite`].

pub mod memory;
#[cfg(feature = "sqlite")]
pub mod sqlite;
#[cfg(any(test, feature = "testing"))]
pub mod suite;
