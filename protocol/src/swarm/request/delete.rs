//! `delete`, `delete_all` and `delete_before` (spec/03-network.md §3.11).

use super::params::Params;
use super::writer::Writer;
use super::{RequestError, require_auth, write_account, write_signature};
use crate::swarm::auth::{Auth, Signer};
use crate::swarm::{Address, MessageHash, NamespaceSelection};

/// Deletes messages by hash, in whatever namespaces they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delete {
    /// Whose mailbox.
    pub account: Address,
    /// The messages, at least one.
    pub messages: Vec<MessageHash>,
    /// Whether deleting nothing anywhere is an error (404).
    pub required: bool,
    /// The owner's permission.
    pub auth: Auth,
}

impl Delete {
    /// A signed request.
    pub fn signed(account: Address, messages: Vec<MessageHash>, required: bool, signer: &Signer<'_>) -> Self {
        let auth = signer.sign(&Self::bytes(&messages));
        Self {
            account,
            messages,
            required,
            auth,
        }
    }

    /// What the owner signs: `"delete" ‖ messages…`.
    pub fn signed_bytes(&self) -> Vec<u8> {
        Self::bytes(&self.messages)
    }

    fn bytes(messages: &[MessageHash]) -> Vec<u8> {
        let mut out = b"delete".to_vec();
        append_hashes(&mut out, messages);
        out
    }

    pub(super) fn parse(params: &Params<'_>) -> Result<Self, RequestError> {
        let account = params.account()?;
        Ok(Self {
            account,
            messages: params.hashes("messages")?,
            required: params.flag("required")?,
            auth: require_auth(params, &account)?,
        })
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.hashes("messages", &self.messages);
        write_account(writer, &self.account, Some(&self.auth));
        writer.flag("required", self.required);
        write_signature(writer, Some(&self.auth));
    }
}

/// Deletes every message of a namespace or of the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteAll {
    /// Whose mailbox.
    pub account: Address,
    /// Which compartments.
    pub namespace: NamespaceSelection,
    /// The time that was signed, ms.
    pub timestamp: u64,
    /// The owner's permission.
    pub auth: Auth,
}

impl DeleteAll {
    /// A request signed at `now_ms`.
    pub fn signed(account: Address, namespace: NamespaceSelection, signer: &Signer<'_>, now_ms: u64) -> Self {
        let auth = signer.sign(&selection_bytes("delete_all", namespace, now_ms));
        Self {
            account,
            namespace,
            timestamp: now_ms,
            auth,
        }
    }

    /// What the owner signs: `"delete_all" ‖ NSV ‖ time`.
    pub fn signed_bytes(&self) -> Vec<u8> {
        selection_bytes("delete_all", self.namespace, self.timestamp)
    }

    pub(super) fn parse(params: &Params<'_>) -> Result<Self, RequestError> {
        let account = params.account()?;
        Ok(Self {
            account,
            namespace: params.namespace_selection()?,
            timestamp: Params::require("timestamp", params.timestamp("timestamp", false)?)?,
            auth: require_auth(params, &account)?,
        })
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        write_selection(writer, self.namespace);
        write_account(writer, &self.account, Some(&self.auth));
        write_signature(writer, Some(&self.auth));
        writer.int("timestamp", self.timestamp);
    }
}

/// Deletes the messages whose timestamp is at or before a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteBefore {
    /// Whose mailbox.
    pub account: Address,
    /// Which compartments.
    pub namespace: NamespaceSelection,
    /// The time, ms.
    pub before: u64,
    /// The owner's permission.
    pub auth: Auth,
}

impl DeleteBefore {
    /// A signed request; `before` in ms.
    pub fn signed(account: Address, namespace: NamespaceSelection, before: u64, signer: &Signer<'_>) -> Self {
        let auth = signer.sign(&selection_bytes("delete_before", namespace, before));
        Self {
            account,
            namespace,
            before,
            auth,
        }
    }

    /// What the owner signs: `"delete_before" ‖ NSV ‖ before`.
    pub fn signed_bytes(&self) -> Vec<u8> {
        selection_bytes("delete_before", self.namespace, self.before)
    }

    pub(super) fn parse(params: &Params<'_>) -> Result<Self, RequestError> {
        let account = params.account()?;
        Ok(Self {
            account,
            namespace: params.namespace_selection()?,
            before: Params::require("before", params.timestamp("before", false)?)?,
            auth: require_auth(params, &account)?,
        })
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.int("before", self.before);
        write_selection(writer, self.namespace);
        write_account(writer, &self.account, Some(&self.auth));
        write_signature(writer, Some(&self.auth));
    }
}

/// `name ‖ NSV ‖ dec(time)`.
pub(super) fn selection_bytes(name: &str, namespace: NamespaceSelection, time: u64) -> Vec<u8> {
    let mut out = name.as_bytes().to_vec();
    namespace.append_to(&mut out);
    out.extend_from_slice(time.to_string().as_bytes());
    out
}

/// The hashes one after the other.
pub(super) fn append_hashes(out: &mut Vec<u8>, hashes: &[MessageHash]) {
    hashes
        .iter()
        .for_each(|hash| out.extend_from_slice(hash.as_bytes()));
}

/// Namespace 0 is left out: it is what absence means.
pub(super) fn write_selection(writer: &mut Writer, selection: NamespaceSelection) {
    if selection != NamespaceSelection::default() {
        writer.namespace_selection(selection);
    }
}
