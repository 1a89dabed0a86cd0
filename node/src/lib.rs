//! The `holdfast` server as a library: every role is a module that can run without a process.
//!
//! - [`storage`]: a service node: keeps messages for its swarm and relays onion requests.
//! - [`seed`]: tells newcomers the node list, and registers the nodes of a local network.
//! - [`gateway`]: carries a browser's onion packets to guard nodes that browsers cannot reach.
//! - [`fileserver`]: keeps encrypted attachments and pictures for some days.
//! - [`previews`]: looks at links for whoever wants to send a preview of one, and does not learn who that is.
//! - [`site`]: serves the app; [`embed`] says which other pages may show its chat; [`release`] signs it and checks it from
//!   outside; [`profile`] tells the app which network it belongs to.
//! - [`up`]: a whole network with the app in one process.

#![forbid(unsafe_code)]

pub mod clock;
pub mod config;
pub mod embed;
pub mod files;
pub mod fileserver;
pub mod gateway;
pub mod kiosk;
pub mod metrics;
pub mod net;
pub mod peer;
pub mod previews;
pub mod profile;
pub mod registry;
pub mod release;
pub mod seed;
pub mod site;
pub mod storage;
pub mod up;
