//! `retrieve` (spec/03-network.md §3.10), with Holdfast's `wait`.

use super::params::Params;
use super::writer::Writer;
use super::{RequestError, parse_auth, write_account, write_signature};
use crate::swarm::auth::{Auth, Signer};
use crate::swarm::{Address, MessageHash, Namespace, RETRIEVE_DEFAULT_SHARE, RETRIEVE_MAX_SIZE};

/// Longest time that a node holds a request back for a new message, ms; advertised in `info`.
pub const MAX_WAIT_MS: u64 = 25_000;

/// Bytes that a message costs on top of its data when a retrieve is measured: 100 for the frame of its fields and 43 for
/// its hash (spec/03 §3.10).
const MESSAGE_OVERHEAD: u64 = 100 + 43;

/// Reads the messages of one namespace that a node got after a given one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retrieve {
    /// Whose mailbox.
    pub account: Address,
    /// Which compartment; `None` when the request names none, which is namespace 0 but is refused differently.
    pub namespace: Option<Namespace>,
    /// Read what came after this message on the same node.
    pub last_hash: Option<MessageHash>,
    /// At most so many messages.
    pub max_count: Option<u64>,
    /// Positive: at most so many bytes; negative −k: the k-th part of the maximum.
    pub max_size: Option<i64>,
    /// The time that was signed, ms.
    pub timestamp: Option<u64>,
    /// The owner's permission; public outboxes need none.
    pub auth: Option<Auth>,
    /// Holdfast: hold the answer back up to so many ms until there is a message.
    pub wait_ms: Option<u64>,
}

/// How much a node may answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetrieveLimits {
    /// Messages.
    pub count: u64,
    /// Sum of [`message_cost`] over the messages; the first message is always given.
    pub size: u64,
}

/// What a message of `data_len` bytes counts against the size limit: it travels as base64 within its fields.
pub const fn message_cost(data_len: usize) -> u64 {
    (data_len as u64) * 4 / 3 + MESSAGE_OVERHEAD
}

impl Retrieve {
    /// An unsigned retrieve, as public outbox namespaces answer it to anyone.
    pub const fn new(account: Address, namespace: Namespace, last_hash: Option<MessageHash>) -> Self {
        Self {
            account,
            namespace: Some(namespace),
            last_hash,
            max_count: None,
            max_size: None,
            timestamp: None,
            auth: None,
            wait_ms: None,
        }
    }

    /// Adds the owner's signature, made at `now_ms`.
    #[must_use]
    pub fn signed(mut self, signer: &Signer<'_>, now_ms: u64) -> Self {
        self.timestamp = Some(now_ms);
        self.auth = Some(signer.sign(&self.signed_bytes(now_ms)));
        self
    }

    /// The compartment that is read.
    pub fn namespace(&self) -> Namespace {
        self.namespace.unwrap_or_default()
    }

    /// What the owner signs: `"retrieve" ‖ NS ‖ time`.
    pub fn signed_bytes(&self, timestamp: u64) -> Vec<u8> {
        let mut out = b"retrieve".to_vec();
        self.namespace().append_to(&mut out);
        out.extend_from_slice(timestamp.to_string().as_bytes());
        out
    }

    /// The limits of the answer: `max_size` 0 and `max_count` 0 count as absent.
    pub fn limits(&self) -> RetrieveLimits {
        let count = self.max_count.filter(|count| *count != 0);
        let size = self.max_size.filter(|size| *size != 0);
        let share = if count.is_none() {
            RETRIEVE_DEFAULT_SHARE
        } else {
            -1
        };
        let size = match size.unwrap_or(share) {
            size if size > 0 => size.unsigned_abs().min(RETRIEVE_MAX_SIZE),
            share => RETRIEVE_MAX_SIZE / share.unsigned_abs().max(1),
        };
        RetrieveLimits {
            count: count.unwrap_or(u64::MAX),
            size,
        }
    }

    pub(super) fn parse(params: &Params<'_>) -> Result<Self, RequestError> {
        let account = params.account()?;
        let namespace = params.namespace()?;
        let last_hash = match params.text("last_hash")? {
            Some(text) => Some(text),
            None => params.text("lastHash")?,
        };
        let last_hash = last_hash
            .filter(|text| !text.is_empty())
            .map(MessageHash::from_text)
            .transpose()
            .map_err(|_| RequestError::invalid("'last_hash' must be a message hash"))?;
        let max_count = params.int("max_count", i64::MIN.into(), i64::MAX.into())?;
        let max_size = params.int("max_size", i64::MIN.into(), i64::MAX.into())?;
        let timestamp = params.timestamp("timestamp", false)?;
        let auth = parse_auth(params, &account)?;
        let meant_signed = timestamp.is_some()
            || params.get("pubkey_ed25519").is_some()
            || namespace.is_some_and(Namespace::retrieve_needs_auth);
        if meant_signed && auth.is_none() {
            return Err(RequestError::invalid("required field 'signature' missing"));
        }
        Ok(Self {
            account,
            namespace,
            last_hash,
            max_count: max_count.and_then(|count| u64::try_from(count).ok()),
            max_size: max_size.and_then(|size| i64::try_from(size).ok()),
            timestamp,
            auth,
            wait_ms: parse_wait(params)?,
        })
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        if let Some(hash) = &self.last_hash {
            writer.text("last_hash", hash.as_str());
        }
        if let Some(count) = self.max_count {
            writer.int("max_count", count);
        }
        if let Some(size) = self.max_size {
            writer.int("max_size", size);
        }
        if let Some(namespace) = self.namespace {
            writer.int("namespace", namespace.0);
        }
        write_account(writer, &self.account, self.auth.as_ref());
        write_signature(writer, self.auth.as_ref());
        if let Some(timestamp) = self.timestamp {
            writer.int("timestamp", timestamp);
        }
        write_wait(writer, self.wait_ms);
    }
}

/// Holdfast's `wait`; more than the maximum is cut to it.
pub(super) fn parse_wait(params: &Params<'_>) -> Result<Option<u64>, RequestError> {
    let wait = params.unsigned("wait", false)?;
    Ok(wait.map(|wait| wait.min(MAX_WAIT_MS)).filter(|wait| *wait != 0))
}

/// Writes `wait` when there is one.
pub(super) fn write_wait(writer: &mut Writer, wait_ms: Option<u64>) {
    if let Some(wait) = wait_ms {
        writer.int("wait", wait);
    }
}
