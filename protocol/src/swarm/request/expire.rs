//! `expire`, `expire_all` and `get_expiries` (spec/03-network.md §3.12).

use super::delete::{append_hashes, selection_bytes, write_selection};
use super::params::Params;
use super::writer::Writer;
use super::{RequestError, require_auth, write_account, write_signature};
use crate::swarm::auth::{Auth, Signer};
use crate::swarm::{Address, MessageHash, NamespaceSelection};

/// Which expiries [`Expire`] changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExpireMode {
    /// All of them.
    #[default]
    Set,
    /// Only those that become earlier.
    Shorten,
    /// Only those that become later.
    Extend,
}

impl ExpireMode {
    /// As it stands in the signed string.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Set => "",
            Self::Shorten => "shorten",
            Self::Extend => "extend",
        }
    }
}

/// Changes when messages go away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expire {
    /// Whose mailbox.
    pub account: Address,
    /// The messages, at least one.
    pub messages: Vec<MessageHash>,
    /// The new expiry, ms: one for all, or one per message.
    pub expiry: Vec<u64>,
    /// Which are changed.
    pub mode: ExpireMode,
    /// The owner's permission.
    pub auth: Auth,
}

impl Expire {
    /// A signed request; `expiry` has one element, or one per message, in ms.
    pub fn signed(
        account: Address,
        messages: Vec<MessageHash>,
        expiry: Vec<u64>,
        mode: ExpireMode,
        signer: &Signer<'_>,
    ) -> Self {
        let auth = signer.sign(&Self::bytes(&messages, &expiry, mode));
        Self {
            account,
            messages,
            expiry,
            mode,
            auth,
        }
    }

    /// What the owner signs: `"expire" ‖ MODE ‖ expiry… ‖ messages…`.
    pub fn signed_bytes(&self) -> Vec<u8> {
        Self::bytes(&self.messages, &self.expiry, self.mode)
    }

    fn bytes(messages: &[MessageHash], expiry: &[u64], mode: ExpireMode) -> Vec<u8> {
        let mut out = b"expire".to_vec();
        out.extend_from_slice(mode.as_str().as_bytes());
        for time in expiry {
            out.extend_from_slice(time.to_string().as_bytes());
        }
        append_hashes(&mut out, messages);
        out
    }

    /// The requested expiry of each message, ms.
    pub fn expiries(&self) -> impl Iterator<Item = (&MessageHash, u64)> {
        let single = self.expiry.first().copied().filter(|_| self.expiry.len() == 1);
        self.messages
            .iter()
            .enumerate()
            .filter_map(move |(at, hash)| Some((hash, single.or_else(|| self.expiry.get(at).copied())?)))
    }

    pub(super) fn parse(params: &Params<'_>) -> Result<Self, RequestError> {
        let account = params.account()?;
        let messages = params.hashes("messages")?;
        let expiry = params.timestamps("expiry")?;
        if expiry.len() != 1 && expiry.len() != messages.len() {
            return Err(RequestError::invalid(
                "'expiry' must be one timestamp or one per message",
            ));
        }
        let mode = match (params.flag("shorten")?, params.flag("extend")?) {
            (false, false) => ExpireMode::Set,
            (true, false) => ExpireMode::Shorten,
            (false, true) => ExpireMode::Extend,
            (true, true) => return Err(RequestError::invalid("'shorten' and 'extend' exclude each other")),
        };
        Ok(Self {
            account,
            messages,
            expiry,
            mode,
            auth: require_auth(params, &account)?,
        })
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        match self.expiry.as_slice() {
            [single] => writer.int("expiry", *single),
            several => {
                let several: Vec<i128> = several.iter().copied().map(i128::from).collect();
                writer.ints("expiry", &several);
            }
        }
        writer.flag("extend", self.mode == ExpireMode::Extend);
        writer.hashes("messages", &self.messages);
        write_account(writer, &self.account, Some(&self.auth));
        writer.flag("shorten", self.mode == ExpireMode::Shorten);
        write_signature(writer, Some(&self.auth));
    }
}

/// Makes every message of a namespace or of the account go away by a time; never later than it would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpireAll {
    /// Whose mailbox.
    pub account: Address,
    /// Which compartments.
    pub namespace: NamespaceSelection,
    /// The latest expiry, ms.
    pub expiry: u64,
    /// The owner's permission.
    pub auth: Auth,
}

impl ExpireAll {
    /// A signed request; `expiry` in ms.
    pub fn signed(account: Address, namespace: NamespaceSelection, expiry: u64, signer: &Signer<'_>) -> Self {
        let auth = signer.sign(&selection_bytes("expire_all", namespace, expiry));
        Self {
            account,
            namespace,
            expiry,
            auth,
        }
    }

    /// What the owner signs: `"expire_all" ‖ NSV ‖ expiry`.
    pub fn signed_bytes(&self) -> Vec<u8> {
        selection_bytes("expire_all", self.namespace, self.expiry)
    }

    pub(super) fn parse(params: &Params<'_>) -> Result<Self, RequestError> {
        let account = params.account()?;
        Ok(Self {
            account,
            namespace: params.namespace_selection()?,
            expiry: Params::require("expiry", params.timestamp("expiry", false)?)?,
            auth: require_auth(params, &account)?,
        })
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.int("expiry", self.expiry);
        write_selection(writer, self.namespace);
        write_account(writer, &self.account, Some(&self.auth));
        write_signature(writer, Some(&self.auth));
    }
}

/// Asks when messages go away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetExpiries {
    /// Whose mailbox.
    pub account: Address,
    /// The messages, at least one.
    pub messages: Vec<MessageHash>,
    /// The time that was signed, ms.
    pub timestamp: u64,
    /// The owner's permission.
    pub auth: Auth,
}

impl GetExpiries {
    /// A request signed at `now_ms`.
    pub fn signed(account: Address, messages: Vec<MessageHash>, signer: &Signer<'_>, now_ms: u64) -> Self {
        let auth = signer.sign(&Self::bytes(&messages, now_ms));
        Self {
            account,
            messages,
            timestamp: now_ms,
            auth,
        }
    }

    /// What the owner signs: `"get_expiries" ‖ time ‖ messages…`.
    pub fn signed_bytes(&self) -> Vec<u8> {
        Self::bytes(&self.messages, self.timestamp)
    }

    fn bytes(messages: &[MessageHash], timestamp: u64) -> Vec<u8> {
        let mut out = format!("get_expiries{timestamp}").into_bytes();
        append_hashes(&mut out, messages);
        out
    }

    pub(super) fn parse(params: &Params<'_>) -> Result<Self, RequestError> {
        let account = params.account()?;
        Ok(Self {
            account,
            messages: params.hashes("messages")?,
            timestamp: Params::require("timestamp", params.timestamp("timestamp", false)?)?,
            auth: require_auth(params, &account)?,
        })
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.hashes("messages", &self.messages);
        write_account(writer, &self.account, Some(&self.auth));
        write_signature(writer, Some(&self.auth));
        writer.int("timestamp", self.timestamp);
    }
}
