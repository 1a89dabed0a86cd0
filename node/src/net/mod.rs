//! The network's edges: accepting connections, TLS, and calling others.

pub mod address;
pub(crate) mod body;
pub mod client;
pub mod proxies;
pub mod ratelimit;
pub mod server;
pub mod tls;
