//! The whole state at a moment: the account, its conversations, the network.

use holdfast_protocol::account::Id;
use serde::{Deserialize, Serialize};

#[cfg(doc)]
use super::Place;
use super::{Conversation, FileId, RestoreProgress, Trouble};

/// The whole state a front end starts from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Snapshot {
    /// The account, if there is one.
    pub account: Option<Account>,
    /// All conversations and contacts, whatever their [`Place`]; pinned ones first, then newest activity first.
    pub conversations: Vec<Conversation>,
    /// Where the return of a restored account stands; `None` for others and once it is complete.
    pub restore: Option<RestoreProgress>,
    /// The network's state.
    pub network: NetworkStatus,
    /// What stands in the way now.
    pub troubles: Vec<Trouble>,
    /// All preferences.
    pub preferences: Vec<(String, String)>,
}

/// The own account as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The Account ID.
    pub id: Id,
    /// The display name; empty when not known yet.
    pub name: String,
    /// The own profile picture, when it is here.
    pub picture: Option<FileId>,
    /// The picture waits to be sent to the file server: others don't see it yet.
    pub picture_waits: bool,
}

/// The network panel's content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkStatus {
    /// The name of the network profile, such as `local`.
    pub network: String,
    /// Whether polling works at present.
    pub connected: bool,
    /// The gateway that carries packets to the guard, without a trailing slash; none when guards are reached directly.
    pub gateway: Option<String>,
    /// The first path's hops: guard first.
    pub path: Vec<Hop>,
    /// How many paths stand ready.
    pub paths: u8,
    /// When the own swarm last answered a poll, Unix milliseconds.
    pub last_poll: Option<u64>,
    /// The machine woke, the account was opened, or the connection was lost: since then the own mailbox was not read to its
    /// end, so that there may be messages which are not here yet.
    pub catching_up: bool,
    /// How many nodes are known.
    pub nodes: u32,
    /// When the node list was fetched, Unix milliseconds.
    pub list_fetched_at: Option<u64>,
    /// Whether several nodes agreed on the list over onion paths.
    pub list_confirmed: bool,
    /// Network time minus the device's, in milliseconds.
    pub clock_offset_ms: i64,
    /// Whether there is a file server, so that files can be sent.
    pub files: bool,
    /// Whether there is a helper that looks at links, so that previews of them can be sent.
    pub previews: bool,
    /// Own messages not delivered yet.
    pub outbox: u32,
    /// Something that was decided here has not reached the swarm, from which the account's other devices have it: about
    /// contacts, or the own profile. How far conversations were read does not count.
    pub unsynced: bool,
    /// Received blobs that could not be read, since the start.
    pub unreadable: u32,
}

/// One node of a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// The first and last characters of the node's key, for show.
    pub key: String,
    /// Its address.
    pub address: String,
}
