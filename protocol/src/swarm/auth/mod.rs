//! Permission to a mailbox: who signs, and how a node checks it (spec/03-network.md §3.2).
//!
//! A client signs with a [`Signer`]; what it signs is `signed_bytes()` of each request. A node calls [`verify`] after it
//! made sure that the account belongs to its swarm, and learns what the request may do.

#[cfg(test)]
mod tests;

use super::request::{Expire, ExpireMode, Request, RequestError};
use super::subaccount::{SubaccountFlags, SubaccountSigner, SubaccountToken};
use super::{Address, FORWARDED_TOLERANCE_MS, NamespaceClass, SIGNATURE_TOLERANCE_MS};
use crate::keys::{Ed25519KeyPair, Ed25519PublicKey, Signature};

/// The signature fields of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Auth {
    /// Made with the account's key, or with the subaccount's.
    pub signature: Signature,
    /// The Ed25519 key of an `05` account, whose id holds the X25519 key only. Never sent for other accounts.
    pub ed25519: Option<Ed25519PublicKey>,
    /// Given when a subaccount signs.
    pub subaccount: Option<SubaccountAuth>,
}

/// A subaccount's token with the account's signature on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubaccountAuth {
    /// Key and permissions.
    pub token: SubaccountToken,
    /// The account's signature over the token's 36 bytes.
    pub signature: Signature,
}

/// Who signs a request.
#[derive(Debug, Clone, Copy)]
pub enum Signer<'a> {
    /// The owner of an `05` account.
    Account(&'a Ed25519KeyPair),
    /// Someone with a group's own key: an admin.
    Group(&'a Ed25519KeyPair),
    /// A group member with a subaccount.
    Subaccount(&'a SubaccountSigner),
}

impl Signer<'_> {
    /// Signs a request's string and adds the fields that go with it.
    pub fn sign(&self, message: &[u8]) -> Auth {
        match self {
            Self::Account(pair) => Auth {
                signature: pair.sign(message),
                ed25519: Some(pair.public()),
                subaccount: None,
            },
            Self::Group(pair) => Auth {
                signature: pair.sign(message),
                ed25519: None,
                subaccount: None,
            },
            Self::Subaccount(signer) => Auth {
                signature: signer.sign(message),
                ed25519: None,
                subaccount: Some(signer.auth()),
            },
        }
    }
}

/// What a verified request may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// No permission was needed.
    Anyone,
    /// The owner's.
    Owner,
    /// A subaccount's.
    Subaccount(SubaccountFlags),
}

impl Access {
    /// Whether messages may be deleted or made to expire earlier. [`Expire`] without it only ever extends.
    pub const fn may_delete(self) -> bool {
        match self {
            Self::Anyone => false,
            Self::Owner => true,
            Self::Subaccount(flags) => flags.contains(SubaccountFlags::DELETE),
        }
    }
}

/// The surroundings in which a node checks a request.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a, R> {
    /// The node's clock, ms.
    pub now_ms: u64,
    /// Whether another member of the swarm sent it on, which allows for the time that took.
    pub forwarded: bool,
    /// Whether the account revoked this token.
    pub is_revoked: &'a R,
}

/// Checks time, then signature, of a request to an account; requests to nobody's mailbox pass.
///
/// The times of [`Request::Store`] as a message are another matter: see [`super::request::Store::check_times`], which comes
/// before this.
///
/// # Errors
/// 406 for the time, 401 for the signature, and 400 for a subaccount that may not do this at all, as spec/03 §3.2 lists.
pub fn verify<R>(request: &Request, context: &Context<'_, R>) -> Result<Access, RequestError>
where
    R: Fn(&SubaccountToken) -> bool,
{
    use SubaccountFlags as Flags;
    let check = Check {
        method: request.method(),
        context,
    };
    match request {
        Request::Store(store) => match store.namespace.class() {
            NamespaceClass::PublicInbox => Ok(Access::Anyone),
            NamespaceClass::Testing => Err(RequestError::new(403, "store: namespace is not permitted")),
            class => {
                let auth = check.given(store.auth.as_ref())?;
                check.fresh(store.signed_at())?;
                let needed = if class == NamespaceClass::PublicOutbox {
                    Flags::WRITE.with(Flags::DELETE)
                } else {
                    Flags::WRITE
                };
                let unrevocable = store.namespace.ignores_revocation();
                check.signature(&store.account, auth, needed, unrevocable, &store.signed_bytes())
            }
        },
        Request::Retrieve(retrieve) => {
            let namespace = retrieve.namespace();
            if !namespace.retrieve_needs_auth() {
                return Ok(Access::Anyone);
            }
            let auth = check.given(retrieve.auth.as_ref())?;
            let timestamp = retrieve.timestamp.ok_or_else(RequestError::clock)?;
            check.fresh(timestamp)?;
            let signed = retrieve.signed_bytes(timestamp);
            check.signature(
                &retrieve.account,
                auth,
                Flags::READ,
                namespace.ignores_revocation(),
                &signed,
            )
        }
        Request::Delete(delete) => check.signature(
            &delete.account,
            &delete.auth,
            Flags::DELETE,
            false,
            &delete.signed_bytes(),
        ),
        Request::DeleteAll(delete) => {
            check.fresh(delete.timestamp)?;
            check.signature(
                &delete.account,
                &delete.auth,
                Flags::DELETE,
                false,
                &delete.signed_bytes(),
            )
        }
        Request::DeleteBefore(delete) => {
            if delete.before > context.now_ms.saturating_add(SIGNATURE_TOLERANCE_MS) {
                return Err(check.refused("'before' is in the future"));
            }
            check.signature(
                &delete.account,
                &delete.auth,
                Flags::DELETE,
                false,
                &delete.signed_bytes(),
            )
        }
        Request::Expire(expire) => check.expire(expire),
        Request::ExpireAll(expire) => {
            if expire.expiry.saturating_add(check.tolerance()) < context.now_ms {
                return Err(RequestError::clock());
            }
            check.signature(
                &expire.account,
                &expire.auth,
                Flags::DELETE,
                false,
                &expire.signed_bytes(),
            )
        }
        Request::GetExpiries(get) => {
            check.fresh(get.timestamp)?;
            check.signature(&get.account, &get.auth, Flags::READ, false, &get.signed_bytes())
        }
        Request::RevokeSubaccount(revoke) => {
            check.fresh(revoke.timestamp)?;
            check.owner(&revoke.account, &revoke.auth, &revoke.signed_bytes())
        }
        Request::UnrevokeSubaccount(revoke) => {
            check.fresh(revoke.timestamp)?;
            check.owner(&revoke.account, &revoke.auth, &revoke.signed_bytes())
        }
        Request::RevokedSubaccounts(list) => {
            check.fresh(list.timestamp)?;
            check.owner(&list.account, &list.auth, &list.signed_bytes())
        }
        Request::GetSwarm(_)
        | Request::Info
        | Request::ActiveNodesBin
        | Request::OxendRequest(_)
        | Request::Batch(_)
        | Request::Sequence(_)
        | Request::IfElse(_) => Ok(Access::Anyone),
    }
}

/// The checks of one request.
struct Check<'a, R> {
    method: &'static str,
    context: &'a Context<'a, R>,
}

impl<R: Fn(&SubaccountToken) -> bool> Check<'_, R> {
    fn refused(&self, detail: &str) -> RequestError {
        RequestError::unauthorized(self.method, detail)
    }

    fn given<'b>(&self, auth: Option<&'b Auth>) -> Result<&'b Auth, RequestError> {
        auth.ok_or_else(|| self.refused("request signature required"))
    }

    /// A member that forwards may have waited for a slow one before; only it gets the longer time.
    const fn tolerance(&self) -> u64 {
        if self.context.forwarded {
            FORWARDED_TOLERANCE_MS
        } else {
            SIGNATURE_TOLERANCE_MS
        }
    }

    fn fresh(&self, timestamp: u64) -> Result<(), RequestError> {
        if timestamp.abs_diff(self.context.now_ms) > self.tolerance() {
            return Err(RequestError::clock());
        }
        Ok(())
    }

    fn expire(&self, expire: &Expire) -> Result<Access, RequestError> {
        let oldest = expire.expiry.iter().copied().min().unwrap_or_default();
        if oldest.saturating_add(self.tolerance()) < self.context.now_ms {
            return Err(self.refused("expiry is in the past"));
        }
        let signed = expire.signed_bytes();
        let access = self.signature(
            &expire.account,
            &expire.auth,
            SubaccountFlags::WRITE,
            false,
            &signed,
        )?;
        if expire.mode == ExpireMode::Shorten && !access.may_delete() {
            return Err(RequestError::invalid("this subaccount cannot shorten expiries"));
        }
        Ok(access)
    }

    /// Verifies with the account's own key only.
    fn owner(&self, account: &Address, auth: &Auth, signed: &[u8]) -> Result<Access, RequestError> {
        if auth.subaccount.is_some() {
            return Err(self.refused("a subaccount cannot do this"));
        }
        let key = self.account_key(account, auth)?;
        self.verified(&key, signed, &auth.signature)?;
        Ok(Access::Owner)
    }

    /// Verifies with the account's key, or the token's after the token itself.
    fn signature(
        &self,
        account: &Address,
        auth: &Auth,
        needed: SubaccountFlags,
        unrevocable: bool,
        signed: &[u8],
    ) -> Result<Access, RequestError> {
        let Some(subaccount) = &auth.subaccount else {
            return self.owner(account, auth, signed);
        };
        let token = &subaccount.token;
        if !unrevocable && (self.context.is_revoked)(token) {
            return Err(self.refused("subaccount access is revoked"));
        }
        if !token.permits(account, needed) {
            return Err(self.refused("subaccount lacks the permission"));
        }
        let key = self.account_key(account, auth)?;
        self.verified(&key, token.as_bytes(), &subaccount.signature)?;
        self.verified(&token.key(), signed, &auth.signature)?;
        Ok(Access::Subaccount(token.flags()))
    }

    /// The key that speaks for the account: the given one if it belongs to the `05` id, else the id's own bytes.
    fn account_key(&self, account: &Address, auth: &Auth) -> Result<Ed25519PublicKey, RequestError> {
        match (account.x25519(), auth.ed25519) {
            (Some(x25519), Some(key)) if key.to_x25519() == Ok(x25519) => Ok(key),
            (_, Some(_)) => Err(self.refused("pubkey_ed25519 does not belong to the account")),
            (_, None) => Ok(Ed25519PublicKey::from_bytes(account.key())),
        }
    }

    fn verified(
        &self,
        key: &Ed25519PublicKey,
        message: &[u8],
        signature: &Signature,
    ) -> Result<(), RequestError> {
        key.verify(message, signature)
            .map_err(|_| self.refused("signature verification failed"))
    }
}
