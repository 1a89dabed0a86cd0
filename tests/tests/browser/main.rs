//! The app in a real browser, over a local network: no part of it is replaced.
//!
//! `cargo xtask test` builds the site and the server first. Chromium and chromedriver come from `cargo xtask setup`.

mod apart;
mod backup;
mod chat;
mod choke;
mod driver;
mod embed;
mod faults;
mod files_faults;
mod files_films;
mod files_sending;
mod files_showing;
mod invites;
mod kiosk;
mod kiosk_limits;
mod links;
mod lock;
mod network;
mod peer;
mod recovery;
mod releases;
mod requests;
mod restore;
mod samples;
mod screens;
mod search;
mod settings;
mod share;
mod steps;
mod store;
mod tabs;
mod talk;
mod traces;
mod transfer;
mod user;
