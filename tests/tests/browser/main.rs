//! The app in a real browser, over a local network: no part of it is replaced.
//!
//! `cargo xtask test` builds the site and the server first. Chromium and chromedriver come from `cargo xtask setup`.

mod apart;
mod backup;
mod badge;
mod chat;
mod choke;
mod codes;
mod driver;
mod embed;
mod faults;
mod files_faults;
mod files_films;
mod files_sending;
mod files_showing;
mod invites;
mod killed;
mod kiosk;
mod kiosk_keyboard;
mod kiosk_limits;
mod kiosk_traces;
mod links;
mod lock;
mod lock_traces;
mod network;
mod noticed;
mod peer;
mod purge;
mod recovery;
mod releases;
mod remains;
mod requests;
mod restore;
mod samples;
mod screens;
mod search;
mod service;
mod settings;
mod share;
mod steps;
mod store;
mod tabs;
mod talk;
mod traces;
mod transfer;
mod user;
