//! `store` (spec/03-network.md §3.9).

use super::params::Params;
use super::writer::Writer;
use super::{RequestError, parse_auth, write_account, write_signature};
use crate::swarm::auth::{Auth, Signer};
use crate::swarm::{
    Address, MAX_MESSAGE_SIZE, MIN_TTL_MS, MessageHash, Namespace, STORE_TOLERANCE_MS, message_hash,
};

/// Stores a message in a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// Whose mailbox.
    pub account: Address,
    /// Which compartment.
    pub namespace: Namespace,
    /// The message, at most 76,800 bytes; may be empty.
    pub data: Vec<u8>,
    /// When the message was made, ms.
    pub timestamp: u64,
    /// When the message goes away, ms.
    pub expiry: u64,
    /// The time that was signed, ms; [`Store::timestamp`] when absent.
    pub sig_timestamp: Option<u64>,
    /// The owner's permission; public inbox namespaces need none.
    pub auth: Option<Auth>,
}

/// What a node does with a [`Store`] whose time is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreCheck {
    /// Time to live, ms.
    pub ttl_ms: u64,
}

impl Store {
    /// An unsigned store, as public inbox namespaces take it from anyone. Times in ms.
    pub fn new(account: Address, namespace: Namespace, data: Vec<u8>, timestamp: u64, ttl_ms: u64) -> Self {
        Self {
            account,
            namespace,
            data,
            timestamp,
            expiry: timestamp.saturating_add(ttl_ms),
            sig_timestamp: None,
            auth: None,
        }
    }

    /// Adds the owner's signature, made at `now_ms`.
    #[must_use]
    pub fn signed(mut self, signer: &Signer<'_>, now_ms: u64) -> Self {
        self.sig_timestamp = Some(now_ms);
        self.auth = Some(signer.sign(&self.signed_bytes()));
        self
    }

    /// The name this message has on every node.
    pub fn hash(&self) -> MessageHash {
        message_hash(&self.account, self.namespace, &self.data)
    }

    /// The time that the signature covers, ms.
    pub fn signed_at(&self) -> u64 {
        self.sig_timestamp.unwrap_or(self.timestamp)
    }

    /// What the owner signs: `"store" ‖ NS ‖ time`.
    pub fn signed_bytes(&self) -> Vec<u8> {
        let mut out = b"store".to_vec();
        self.namespace.append_to(&mut out);
        out.extend_from_slice(self.signed_at().to_string().as_bytes());
        out
    }

    /// Checks the time to live and then the clock, in the order of the network's nodes.
    ///
    /// # Errors
    /// 403 for a time to live outside 10 s … 14 or 30 days; 406 for a message from more than 10 s ahead, or one that
    /// expired more than 10 s ago.
    pub fn check_times(&self, now_ms: u64) -> Result<StoreCheck, RequestError> {
        let ttl_ms = self.expiry.checked_sub(self.timestamp);
        let ttl_ms = ttl_ms
            .filter(|ttl| (MIN_TTL_MS..=self.namespace.max_ttl_ms()).contains(ttl))
            .ok_or_else(|| RequestError::new(403, "Provided expiry/TTL is not valid."))?;
        let ahead = self.timestamp > now_ms.saturating_add(STORE_TOLERANCE_MS);
        let expired = self.expiry.saturating_add(STORE_TOLERANCE_MS) < now_ms;
        if ahead || expired {
            return Err(RequestError::clock());
        }
        Ok(StoreCheck { ttl_ms })
    }

    pub(super) fn parse(params: &Params<'_>) -> Result<Self, RequestError> {
        let account = params.account()?;
        let timestamp = Params::require("timestamp", params.timestamp("timestamp", true)?)?;
        let ttl = params.unsigned("ttl", true)?;
        let expiry = match (ttl, params.timestamp("expiry", false)?) {
            (Some(ttl), None) => timestamp.saturating_add(ttl),
            (None, Some(expiry)) => expiry,
            _ => {
                return Err(RequestError::invalid(
                    "exactly one of 'ttl' and 'expiry' is required",
                ));
            }
        };
        let data = Params::require("data", params.binary("data")?)?;
        if data.len() > MAX_MESSAGE_SIZE {
            return Err(RequestError::new(
                400,
                format!("Message body exceeds maximum allowed length of {MAX_MESSAGE_SIZE} bytes"),
            ));
        }
        Ok(Self {
            account,
            namespace: params.namespace()?.unwrap_or_default(),
            data,
            timestamp,
            expiry,
            sig_timestamp: params.timestamp("sig_timestamp", false)?,
            auth: parse_auth(params, &account)?,
        })
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        let ttl = self.expiry.checked_sub(self.timestamp);
        writer.binary("data", &self.data);
        if ttl.is_none() {
            writer.int("expiry", self.expiry);
        }
        if self.namespace != Namespace::MESSAGES {
            writer.int("namespace", self.namespace.0);
        }
        write_account(writer, &self.account, self.auth.as_ref());
        if let Some(time) = self.sig_timestamp {
            writer.int("sig_timestamp", time);
        }
        write_signature(writer, self.auth.as_ref());
        writer.int("timestamp", self.timestamp);
        if let Some(ttl) = ttl {
            writer.int("ttl", ttl);
        }
    }
}
