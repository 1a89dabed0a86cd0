//! `revoke_subaccount`, `unrevoke_subaccount` and `revoked_subaccounts` (spec/03-network.md §3.13).

use super::params::Params;
use super::writer::Writer;
use super::{RequestError, require_auth, write_account, write_signature};
use crate::swarm::auth::{Auth, Signer};
use crate::swarm::{Address, SubaccountToken};

/// Most tokens in one request, and most revocations that a node keeps per account (spec/03 §3.3, §3.5).
pub const MAX_REVOCATIONS: usize = 50;

macro_rules! revocation {
    ($(#[$meta:meta])* $name:ident, $method:literal, $field:literal, $order:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name {
            /// The group.
            pub account: Address,
            /// The tokens, 1 to 50.
            pub tokens: Vec<SubaccountToken>,
            /// The time that was signed, ms.
            pub timestamp: u64,
            /// The owner's permission; a subaccount cannot give it.
            pub auth: Auth,
        }

        impl $name {
            /// A request signed at `now_ms`.
            pub fn signed(
                account: Address,
                tokens: Vec<SubaccountToken>,
                signer: &Signer<'_>,
                now_ms: u64,
            ) -> Self {
                let auth = signer.sign(&token_bytes($method, now_ms, &tokens));
                Self { account, tokens, timestamp: now_ms, auth }
            }

            #[doc = concat!("What the owner signs: `\"", $method, "\" ‖ time ‖ raw token bytes…`.")]
            pub fn signed_bytes(&self) -> Vec<u8> {
                token_bytes($method, self.timestamp, &self.tokens)
            }

            pub(super) fn parse(params: &Params<'_>) -> Result<Self, RequestError> {
                let account = params.account()?;
                let tokens = params.tokens($field)?;
                if tokens.len() > MAX_REVOCATIONS {
                    return Err(RequestError::invalid(format!("more than {MAX_REVOCATIONS} tokens")));
                }
                let auth = require_auth(params, &account)?;
                if auth.subaccount.is_some() {
                    return Err(RequestError::invalid("a subaccount cannot do this"));
                }
                Ok(Self {
                    account,
                    tokens,
                    timestamp: Params::require("timestamp", params.timestamp("timestamp", false)?)?,
                    auth,
                })
            }

            pub(super) fn write(&self, writer: &mut Writer) {
                write_account(writer, &self.account, Some(&self.auth));
                $order!(
                    writer.tokens($field, &self.tokens),
                    write_signature(writer, Some(&self.auth)),
                    writer.int("timestamp", self.timestamp)
                );
            }
        }
    };
}

/// `revoke` sorts before `signature`.
macro_rules! tokens_first {
    ($tokens:expr, $signature:expr, $timestamp:expr) => {
        $tokens;
        $signature;
        $timestamp;
    };
}

/// `unrevoke` sorts after `timestamp`.
macro_rules! tokens_last {
    ($tokens:expr, $signature:expr, $timestamp:expr) => {
        $signature;
        $timestamp;
        $tokens;
    };
}

revocation!(
    /// Takes a group's mailbox away from subaccounts.
    Revoke,
    "revoke_subaccount",
    "revoke",
    tokens_first
);

revocation!(
    /// Gives a group's mailbox back to revoked subaccounts.
    Unrevoke,
    "unrevoke_subaccount",
    "unrevoke",
    tokens_last
);

/// `name ‖ dec(time) ‖ token bytes…`.
fn token_bytes(name: &str, timestamp: u64, tokens: &[SubaccountToken]) -> Vec<u8> {
    let mut out = format!("{name}{timestamp}").into_bytes();
    tokens
        .iter()
        .for_each(|token| out.extend_from_slice(token.as_bytes()));
    out
}

/// Asks which subaccounts are revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokedSubaccounts {
    /// The group.
    pub account: Address,
    /// The time that was signed, ms.
    pub timestamp: u64,
    /// The owner's permission; a subaccount cannot give it.
    pub auth: Auth,
}

impl RevokedSubaccounts {
    /// A request signed at `now_ms`.
    pub fn signed(account: Address, signer: &Signer<'_>, now_ms: u64) -> Self {
        let auth = signer.sign(&token_bytes("revoked_subaccounts", now_ms, &[]));
        Self {
            account,
            timestamp: now_ms,
            auth,
        }
    }

    /// What the owner signs: `"revoked_subaccounts" ‖ time`.
    pub fn signed_bytes(&self) -> Vec<u8> {
        token_bytes("revoked_subaccounts", self.timestamp, &[])
    }

    pub(super) fn parse(params: &Params<'_>) -> Result<Self, RequestError> {
        let account = params.account()?;
        if account.x25519().is_some() {
            return Err(RequestError::invalid("05 accounts have no subaccounts"));
        }
        let auth = require_auth(params, &account)?;
        if auth.subaccount.is_some() {
            return Err(RequestError::invalid("a subaccount cannot do this"));
        }
        Ok(Self {
            account,
            timestamp: Params::require("timestamp", params.timestamp("timestamp", false)?)?,
            auth,
        })
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        write_account(writer, &self.account, Some(&self.auth));
        write_signature(writer, Some(&self.auth));
        writer.int("timestamp", self.timestamp);
    }
}
