//! Configs: the documents by which the devices of an account stay in step, byte-compatible with libsession
//! (`spec/04-configs.md`).
//!
//! A [`Config`] is one document: a tree of data, edited in place, pushed as encrypted messages to the account's swarm,
//! and merged from what other devices pushed. Devices that merge the same messages come to the same bytes.
//! [`UserProfile`], [`Contacts`], [`ConvoInfoVolatile`] and [`UserGroups`] read and write what is in them.
//!
//! Life of a document: [`Config::merge`] what the swarm has, read and edit, [`Config::push`], store the messages and
//! delete the obsolete ones, [`Config::confirm_pushed`]. Whenever [`Config::needs_dump`], keep [`Config::dump`], from
//! which [`Config::load`] goes on. A failed push needs nothing: the next one makes the same message again. Nothing must
//! be pushed before the first complete pull, or a new device would compete with what the account has; and a pull before
//! each push keeps what is pushed near to what the others have.
//!
//! An edit is not lost, whatever is merged and however often a device starts again from its dump, unless another device
//! changed the same field: what a merge would take away is edited again (`kept`).
//!
//! ```
//! use holdfast_protocol::account::{Account, Seed};
//! use holdfast_protocol::config::UserProfile;
//!
//! const NOW: u64 = 1_754_971_101_000;
//! let account = Account::from_seed(Seed::from_bytes(&[7; 16]));
//! let mut one = UserProfile::new(&account);
//! one.set_name("Ann", NOW)?;
//! let push = one.push(NOW)?;
//! // The messages are stored; the swarm names them.
//! one.confirm_pushed(push.seqno, ["hash"]);
//!
//! let mut other = UserProfile::new(&account);
//! let report = other.merge(&[("hash", &push.messages[0])], NOW);
//! assert!(report.changed && report.refused.is_empty());
//! assert_eq!(other.name(), Some("Ann"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where bytes may differ from other clients
//!
//! The messages before compression are the same to the byte, and so are stored messages that compression does not make
//! shorter. The zstd frames are not: other clients use the C encoder, which does not compile for the browser here, and
//! ours finds other matches. When two devices with different encoders resolve the same conflict at the same time, the
//! swarm keeps two messages of the same content until the next push removes them: whoever reads both knows by the hash
//! of the content that they are one. A received message that is stored again keeps its frame, and so its bytes.

mod account;
mod community;
mod contacts;
mod convo;
mod diff;
mod dump;
mod fields;
mod groups;
mod kept;
mod merge;
mod message;
mod parts;
mod profile;
mod published;
mod receive;
pub mod seal;
mod state;
mod tree;
pub mod wrap;
mod zstd;

pub use account::AccountConfigs;
pub use community::{CommunityUrl, CommunityUrlError, MAX_BASE_URL, MAX_ROOM, canonical_base_url};
pub use contacts::{Contact, Contacts, Disappearing};
pub use convo::{Convo, ConvoId, ConvoInfoVolatile};
pub use diff::DiffError;
pub use dump::DumpError;
pub use fields::{
    FieldError, MAX_NAME, MAX_PICTURE_URL, Notifications, PICTURE_KEY_SIZE, ProfilePicture, cut_name,
};
pub use groups::{AUTH_DATA_SIZE, Community, Group, GroupSettings, LegacyGroup, Removal, UserGroups};
pub use message::{FormatError, LAG, MAX_ROWS, MAX_SEQNO};
pub use parts::{MAX_MESSAGE, MAX_SPLIT, PartError};
pub use profile::UserProfile;
pub use state::{Config, ConfigState, MergeReport, Push, PushError, Refusal};
pub use tree::{Blob, Dict, MAX_DEPTH, MAX_NODES, Scalar, Set, Tree, TreeError};
pub use zstd::{CompressionError, MAX_PLAIN};

use crate::message::schema::shared_config_message::Kind;
use crate::swarm::Namespace;

/// How long config messages live in a swarm, ms: 30 days (spec/04 §9).
pub const TTL_CONFIG: u64 = 30 * 24 * 60 * 60 * 1000;

/// A document with typed access: a [`Config`] of one kind.
macro_rules! document {
    ($(#[$meta:meta])* $name:ident, $kind:expr) => {
        $(#[$meta])*
        #[derive(Debug, Clone)]
        pub struct $name($crate::config::Config);

        impl $name {
            /// A document in which nothing was ever set.
            pub fn new(account: &$crate::account::Account) -> Self {
                Self($crate::config::Config::new($kind, account))
            }

            /// Goes on from a dump; see [`Config::load`]($crate::config::Config::load).
            ///
            /// # Errors
            /// When it is no dump.
            pub fn load(
                account: &$crate::account::Account,
                dump: &[u8],
            ) -> Result<Self, $crate::config::DumpError> {
                $crate::config::Config::load($kind, account, dump).map(Self)
            }
        }

        impl core::ops::Deref for $name {
            type Target = $crate::config::Config;

            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }

        impl core::ops::DerefMut for $name {
            fn deref_mut(&mut self) -> &mut Self::Target {
                &mut self.0
            }
        }
    };
}
use document;

/// Which document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConfigKind {
    /// Own name, picture and settings of the account.
    UserProfile,
    /// Everybody the account knows.
    Contacts,
    /// Read positions.
    ConvoInfoVolatile,
    /// Groups and communities.
    UserGroups,
}

impl ConfigKind {
    /// All documents of an account, in the order in which they are pulled (spec/04 §15.1).
    pub const ALL: [Self; 4] = [
        Self::UserProfile,
        Self::Contacts,
        Self::UserGroups,
        Self::ConvoInfoVolatile,
    ];

    /// Where its messages are stored.
    pub const fn namespace(self) -> Namespace {
        match self {
            Self::UserProfile => Namespace::USER_PROFILE,
            Self::Contacts => Namespace::CONTACTS,
            Self::ConvoInfoVolatile => Namespace::CONVO_INFO_VOLATILE,
            Self::UserGroups => Namespace::USER_GROUPS,
        }
    }

    /// The document of a namespace.
    pub fn of_namespace(namespace: Namespace) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.namespace() == namespace)
    }

    /// The text that keeps its encryption apart from the other documents'.
    pub const fn domain(self) -> &'static str {
        match self {
            Self::UserProfile => "UserProfile",
            Self::Contacts => "Contacts",
            Self::ConvoInfoVolatile => "ConvoInfoVolatile",
            Self::UserGroups => "UserGroups",
        }
    }

    /// Its number in the wrapper.
    const fn number(self) -> i32 {
        match self {
            Self::UserProfile => Kind::UserProfile as i32,
            Self::Contacts => Kind::Contacts as i32,
            Self::ConvoInfoVolatile => Kind::ConvoInfoVolatile as i32,
            Self::UserGroups => Kind::UserGroups as i32,
        }
    }
}

#[cfg(test)]
mod tests;
