//! Swarms: which nodes keep an account's messages, and everything a client says to them.
//!
//! A swarm is a group of service nodes that all keep the messages of the accounts near it ([`swarm_of`]). A mailbox is
//! divided into [`Namespace`]s; a message in it is named by its [`MessageHash`]. [`request`] holds one struct per storage
//! method with its exact parsing rules, [`auth`] what is signed and how a node checks it, [`reply`] the answers with the
//! signatures of the swarm's members (spec/03-network.md §2 and §3).

pub mod auth;
mod hash;
mod mapping;
mod namespace;
pub mod reply;
pub mod request;
pub mod subaccount;

pub use auth::{Auth, Signer};
pub use hash::{MESSAGE_HASH_LEN, MessageHash, MessageHashError, message_hash};
pub use mapping::{SwarmId, SwarmIdError, new_swarm_id, swarm_of, swarm_space};
pub use namespace::{
    MAX_TTL_MS, MAX_TTL_PUBLIC_INBOX_MS, MIN_TTL_MS, Namespace, NamespaceClass, NamespaceSelection,
};
pub use subaccount::{SubaccountSigner, SubaccountToken};

/// The owner of a mailbox: prefix byte and key. Swarms are the same for every prefix, verification is not
/// (spec/03 §3.2).
pub type Address = crate::account::Id;

/// Largest message a node stores, bytes (spec/03 §3.5).
pub const MAX_MESSAGE_SIZE: usize = 76_800;

/// How far the time of a signed request may be from the node's, ms: 60 s (spec/03 §3.5).
pub const SIGNATURE_TOLERANCE_MS: u64 = 60 * 1000;

/// The same for a request forwarded by another member, ms: 70 s (spec/03 §3.2).
pub const FORWARDED_TOLERANCE_MS: u64 = 70 * 1000;

/// How far ahead of the node's clock the time of a stored message may be, ms: 10 s (spec/03 §3.5).
pub const STORE_TOLERANCE_MS: u64 = 10 * 1000;

/// What a retrieve answers at most, bytes of inflated size (spec/03 §3.5).
pub const RETRIEVE_MAX_SIZE: u64 = 7_800_000;

/// The share of [`RETRIEVE_MAX_SIZE`] of a retrieve that names no size: a fifth (spec/03 §3.10).
pub const RETRIEVE_DEFAULT_SHARE: i64 = -5;

/// Largest body a node reads, bytes (spec/03 §3.5).
pub const MAX_BODY_SIZE: usize = 10 * 1024 * 1024;
