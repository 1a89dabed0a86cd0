//! Namespaces: the numbered compartments of an account's mailbox, and the rules that follow from the number alone
//! (spec/03-network.md §3.4).

use core::fmt;

/// Longest life of a message in a public inbox namespace, ms: 14 days (spec/03 §3.5).
pub const MAX_TTL_PUBLIC_INBOX_MS: u64 = 14 * 24 * 60 * 60 * 1000;

/// Longest life of a message in any other namespace, ms: 30 days (spec/03 §3.5).
pub const MAX_TTL_MS: u64 = 30 * 24 * 60 * 60 * 1000;

/// Shortest life of a stored message, ms: 10 s (spec/03 §3.5).
pub const MIN_TTL_MS: u64 = 10 * 1000;

/// A namespace number.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Namespace(pub i16);

/// What the number says about who may write and read (spec/03 §3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamespaceClass {
    /// Anyone may store, the owner reads.
    PublicInbox,
    /// The owner stores one message at a time, anyone reads.
    PublicOutbox,
    /// Owner only, but a revoked subaccount keeps its rights.
    Unrevocable,
    /// Owner only.
    Private,
    /// Nothing can be stored; reading gives nothing.
    Testing,
}

impl Namespace {
    /// One-to-one messages, sync copies and message requests.
    pub const MESSAGES: Self = Self(0);
    /// The account's `UserProfile` config.
    pub const USER_PROFILE: Self = Self(2);
    /// The account's `Contacts` config.
    pub const CONTACTS: Self = Self(3);
    /// The account's `ConvoInfoVolatile` config.
    pub const CONVO_INFO_VOLATILE: Self = Self(4);
    /// The account's `UserGroups` config.
    pub const USER_GROUPS: Self = Self(5);
    /// Messages of a group.
    pub const GROUP_MESSAGES: Self = Self(11);
    /// A group's encryption keys.
    pub const GROUP_KEYS: Self = Self(12);
    /// A group's info config.
    pub const GROUP_INFO: Self = Self(13);
    /// A group's member config.
    pub const GROUP_MEMBERS: Self = Self(14);
    /// Messages for members whose access was revoked.
    pub const REVOKED_GROUP_MESSAGES: Self = Self(-11);
    /// Legacy closed groups; readable by anyone though it is an inbox.
    pub const LEGACY_GROUP: Self = Self(-10);
    /// Device-group data.
    pub const DEVICE_GROUP: Self = Self(21);
    /// The account's public keys for others to read.
    pub const ACCOUNT_KEYS: Self = Self(-21);
    /// The network's test namespace.
    pub const TESTING: Self = Self(-3741);

    /// The class; the test namespace is looked at first because its number is a public outbox too.
    pub const fn class(self) -> NamespaceClass {
        let n = self.0 as i32;
        if n == Self::TESTING.0 as i32 {
            NamespaceClass::Testing
        } else if n % 10 == 0 {
            NamespaceClass::PublicInbox
        } else if n < 0 && -n % 20 == 1 {
            NamespaceClass::PublicOutbox
        } else if n < 0 && -n % 100 == 11 {
            NamespaceClass::Unrevocable
        } else {
            NamespaceClass::Private
        }
    }

    /// Whether a store must be signed by the owner.
    pub const fn store_needs_auth(self) -> bool {
        !matches!(self.class(), NamespaceClass::PublicInbox)
    }

    /// Whether a retrieve must be signed by the owner.
    pub const fn retrieve_needs_auth(self) -> bool {
        !matches!(
            self.class(),
            NamespaceClass::PublicOutbox | NamespaceClass::Testing
        ) && self.0 != Self::LEGACY_GROUP.0
    }

    /// Whether a revoked subaccount keeps its rights here.
    pub const fn ignores_revocation(self) -> bool {
        matches!(self.class(), NamespaceClass::Unrevocable)
    }

    /// The longest time to live, ms.
    pub const fn max_ttl_ms(self) -> u64 {
        match self.class() {
            NamespaceClass::PublicInbox => MAX_TTL_PUBLIC_INBOX_MS,
            _ => MAX_TTL_MS,
        }
    }

    /// The decimal number as it stands in signed strings and hashes: nothing for namespace 0 (spec/03 §3.2 "NS").
    pub(crate) fn append_to(self, out: &mut Vec<u8>) {
        if self.0 != 0 {
            out.extend_from_slice(self.0.to_string().as_bytes());
        }
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// One namespace or all of them, for the methods that accept `"all"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamespaceSelection {
    /// This one.
    One(Namespace),
    /// Every namespace of the account.
    All,
}

impl Default for NamespaceSelection {
    fn default() -> Self {
        Self::One(Namespace::MESSAGES)
    }
}

impl From<Namespace> for NamespaceSelection {
    fn from(namespace: Namespace) -> Self {
        Self::One(namespace)
    }
}

impl NamespaceSelection {
    /// As it stands in signed strings (spec/03 §3.2 "NSV").
    pub(crate) fn append_to(self, out: &mut Vec<u8>) {
        match self {
            Self::One(namespace) => namespace.append_to(out),
            Self::All => out.extend_from_slice(b"all"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_follow_the_number() {
        use NamespaceClass::*;
        for (number, class) in [
            (0, PublicInbox),
            (10, PublicInbox),
            (-10, PublicInbox),
            (-20, PublicInbox),
            (-1, PublicOutbox),
            (-21, PublicOutbox),
            (-41, PublicOutbox),
            (-3741, Testing),
            (-3721, PublicOutbox),
            (-11, Unrevocable),
            (-111, Unrevocable),
            (1, Private),
            (11, Private),
            (21, Private),
            (-12, Private),
            (i16::MIN, Private),
            (i16::MAX, Private),
        ] {
            assert_eq!(Namespace(number).class(), class, "{number}");
        }
    }

    #[test]
    fn only_outboxes_and_the_legacy_group_read_without_auth() {
        for (number, needed) in [
            (0, true),
            (2, true),
            (-11, true),
            (-20, true),
            (-10, false),
            (-1, false),
            (-3741, false),
        ] {
            assert_eq!(Namespace(number).retrieve_needs_auth(), needed, "{number}");
        }
    }
}
