//! What each member of a swarm says it did, with its signature (spec/03-network.md §3.8).
//!
//! The dict key of a result is the member's Ed25519 key. A client counts a result only when that key is a member it
//! knows and the signature verifies over the string that the type's `signed_bytes` builds from the *request*.

use super::swarm::is_false;
use crate::keys::{Ed25519KeyPair, Ed25519PublicKey, KeyError, Signature};
use crate::swarm::request::{Delete, DeleteAll, DeleteBefore, Expire, ExpireAll, Revoke, Unrevoke};
use crate::swarm::{Address, MessageHash, Namespace};
use crate::{base64, keys};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// Signatures as base64 texts.
mod signature_text {
    use super::{Signature, base64, keys};
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};
    use std::borrow::Cow;

    pub(super) fn serialize<S: Serializer>(signature: &Signature, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&base64::encode(signature.as_bytes()))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Signature, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        let bytes = base64::decode(text.as_bytes()).map_err(D::Error::custom)?;
        Signature::from_slice(&bytes).map_err(|error: keys::KeyError| D::Error::custom(error))
    }
}

/// A member's result of `store`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// The message's hash.
    pub hash: MessageHash,
    /// Over the hash's text.
    #[serde(with = "signature_text")]
    pub signature: Signature,
    /// When the message goes away here, ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiry: Option<u64>,
    /// The message was there before.
    #[serde(default, skip_serializing_if = "is_false")]
    pub already: bool,
    /// The entry node's time, ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub t: Option<u64>,
}

impl Stored {
    /// A member's own result.
    pub fn sign(node: &Ed25519KeyPair, hash: MessageHash, expiry: u64, already: bool) -> Self {
        Self {
            hash,
            signature: node.sign(hash.as_bytes()),
            expiry: Some(expiry),
            already,
            t: None,
        }
    }

    /// Checks that `member` stored the message with this hash.
    ///
    /// # Errors
    /// [`KeyError::BadSignature`] when the hash is another or the signature is not the member's.
    pub fn verify(&self, member: &Ed25519PublicKey, hash: &MessageHash) -> Result<(), KeyError> {
        if self.hash != *hash {
            return Err(KeyError::BadSignature);
        }
        member.verify(hash.as_bytes(), &self.signature)
    }
}

/// A member's result of `delete`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deleted {
    /// The deleted messages, ascending.
    pub deleted: Vec<MessageHash>,
    /// See [`Deleted::signed_bytes`].
    #[serde(with = "signature_text")]
    pub signature: Signature,
}

impl Deleted {
    /// `PK ‖ requested… ‖ deleted…`.
    pub fn signed_bytes(request: &Delete, deleted: &[MessageHash]) -> Vec<u8> {
        let mut out = request.account.to_hex().into_bytes();
        append(&mut out, &request.messages);
        append(&mut out, deleted);
        out
    }

    /// A member's own result; sorts the hashes.
    pub fn sign(node: &Ed25519KeyPair, request: &Delete, mut deleted: Vec<MessageHash>) -> Self {
        deleted.sort_unstable();
        let signature = node.sign(&Self::signed_bytes(request, &deleted));
        Self { deleted, signature }
    }

    /// Checks the member's signature.
    ///
    /// # Errors
    /// [`KeyError`] when it does not verify.
    pub fn verify(&self, member: &Ed25519PublicKey, request: &Delete) -> Result<(), KeyError> {
        member.verify(&Self::signed_bytes(request, &self.deleted), &self.signature)
    }
}

/// Hashes of one namespace, or of all of them by namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ByNamespace {
    /// The request named one namespace: its hashes, ascending.
    One(Vec<MessageHash>),
    /// The request said `"all"`: the hashes of each namespace, ascending.
    All(BTreeMap<NamespaceKey, Vec<MessageHash>>),
}

/// A namespace as a JSON object key: its decimal number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamespaceKey(pub Namespace);

impl Serialize for NamespaceKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for NamespaceKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = text.parse().map_err(D::Error::custom)?;
        Ok(Self(Namespace(number)))
    }
}

impl ByNamespace {
    /// From rows, for a request about one namespace or all; sorts the hashes.
    pub fn new(all: bool, rows: impl IntoIterator<Item = (Namespace, MessageHash)>) -> Self {
        if !all {
            let mut hashes: Vec<_> = rows.into_iter().map(|(_, hash)| hash).collect();
            hashes.sort_unstable();
            return Self::One(hashes);
        }
        let mut map = BTreeMap::<NamespaceKey, Vec<MessageHash>>::new();
        for (namespace, hash) in rows {
            map.entry(NamespaceKey(namespace)).or_default().push(hash);
        }
        map.values_mut().for_each(|hashes| hashes.sort_unstable());
        Self::All(map)
    }

    /// Every hash, in one ascending order, as it is signed.
    pub fn sorted(&self) -> Vec<MessageHash> {
        let mut hashes: Vec<_> = match self {
            Self::One(hashes) => hashes.clone(),
            Self::All(map) => map.values().flatten().copied().collect(),
        };
        hashes.sort_unstable();
        hashes
    }
}

/// `PK ‖ dec(time) ‖ hashes…` in one ascending order.
fn bulk_bytes(account: &Address, time: u64, hashes: &ByNamespace) -> Vec<u8> {
    let mut out = account.to_hex().into_bytes();
    out.extend_from_slice(time.to_string().as_bytes());
    append(&mut out, &hashes.sorted());
    out
}

/// A request whose results are signed with a time and the hashes it touched.
pub trait BulkRequest {
    /// The account and the time in ms that the members sign.
    fn subject(&self) -> (&Address, u64);
}

impl BulkRequest for DeleteAll {
    fn subject(&self) -> (&Address, u64) {
        (&self.account, self.timestamp)
    }
}

impl BulkRequest for DeleteBefore {
    fn subject(&self) -> (&Address, u64) {
        (&self.account, self.before)
    }
}

impl BulkRequest for ExpireAll {
    fn subject(&self) -> (&Address, u64) {
        (&self.account, self.expiry)
    }
}

macro_rules! bulk_result {
    ($(#[$meta:meta])* $name:ident, $field:ident, $fielddoc:literal) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $name {
            #[doc = $fielddoc]
            pub $field: ByNamespace,
            /// Over `PK ‖ time ‖ hashes…`, the hashes in one ascending order.
            #[serde(with = "signature_text")]
            pub signature: Signature,
        }

        impl $name {
            /// A member's own result.
            pub fn sign(node: &Ed25519KeyPair, request: &impl BulkRequest, $field: ByNamespace) -> Self {
                let (account, time) = request.subject();
                let signature = node.sign(&bulk_bytes(account, time, &$field));
                Self { $field, signature }
            }

            /// Checks the member's signature.
            ///
            /// # Errors
            /// [`KeyError`] when it does not verify.
            pub fn verify(&self, member: &Ed25519PublicKey, request: &impl BulkRequest) -> Result<(), KeyError> {
                let (account, time) = request.subject();
                member.verify(&bulk_bytes(account, time, &self.$field), &self.signature)
            }
        }
    };
}

bulk_result!(
    /// A member's result of `delete_all` and `delete_before`.
    DeletedIn,
    deleted,
    "The deleted messages."
);

bulk_result!(
    /// A member's result of `expire_all`.
    Updated,
    updated,
    "The messages whose expiry became earlier."
);

/// One expiry for all updated messages, or one for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Expiries {
    /// The same for all, ms.
    One(u64),
    /// In the order of the updated messages, ms.
    Each(Vec<u64>),
}

impl Expiries {
    /// The times as they are signed.
    fn times(&self) -> &[u64] {
        match self {
            Self::One(time) => core::slice::from_ref(time),
            Self::Each(times) => times,
        }
    }
}

/// A member's result of `expire`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expired {
    /// The messages whose expiry changed, ascending.
    pub updated: Vec<MessageHash>,
    /// The expiry they have now: one, or matching `updated` when the request named several.
    pub expiry: Expiries,
    /// With `shorten` or `extend`: the messages that kept theirs, with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unchanged: Option<BTreeMap<MessageHash, u64>>,
    /// See [`Expired::signed_bytes`].
    #[serde(with = "signature_text")]
    pub signature: Signature,
}

impl Expired {
    /// `PK ‖ expiry… ‖ requested… ‖ updated… ‖ (hash ‖ expiry)…`, the last over the unchanged ones in ascending order.
    pub fn signed_bytes(
        request: &Expire,
        updated: &[MessageHash],
        expiry: &Expiries,
        unchanged: Option<&BTreeMap<MessageHash, u64>>,
    ) -> Vec<u8> {
        let mut out = request.account.to_hex().into_bytes();
        for time in expiry.times() {
            out.extend_from_slice(time.to_string().as_bytes());
        }
        append(&mut out, &request.messages);
        append(&mut out, updated);
        for (hash, time) in unchanged.into_iter().flatten() {
            out.extend_from_slice(hash.as_bytes());
            out.extend_from_slice(time.to_string().as_bytes());
        }
        out
    }

    /// A member's own result. `updated` must be ascending and `expiry` match it.
    pub fn sign(
        node: &Ed25519KeyPair,
        request: &Expire,
        updated: Vec<MessageHash>,
        expiry: Expiries,
        unchanged: Option<BTreeMap<MessageHash, u64>>,
    ) -> Self {
        let signature = node.sign(&Self::signed_bytes(
            request,
            &updated,
            &expiry,
            unchanged.as_ref(),
        ));
        Self {
            updated,
            expiry,
            unchanged,
            signature,
        }
    }

    /// Checks the member's signature.
    ///
    /// # Errors
    /// [`KeyError`] when it does not verify.
    pub fn verify(&self, member: &Ed25519PublicKey, request: &Expire) -> Result<(), KeyError> {
        let signed = Self::signed_bytes(request, &self.updated, &self.expiry, self.unchanged.as_ref());
        member.verify(&signed, &self.signature)
    }
}

/// A revocation request, either way.
pub trait RevocationRequest {
    /// `PK ‖ time ‖ token bytes…`.
    fn result_bytes(&self) -> Vec<u8>;
}

macro_rules! revocation_request {
    ($request:ty) => {
        impl RevocationRequest for $request {
            fn result_bytes(&self) -> Vec<u8> {
                let mut out = self.account.to_hex().into_bytes();
                out.extend_from_slice(self.timestamp.to_string().as_bytes());
                self.tokens
                    .iter()
                    .for_each(|token| out.extend_from_slice(token.as_bytes()));
                out
            }
        }
    };
}

revocation_request!(Revoke);
revocation_request!(Unrevoke);

/// A member's result of `revoke_subaccount` and `unrevoke_subaccount`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoked {
    /// `unrevoke_subaccount` only: how many were revoked before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Over [`RevocationRequest::result_bytes`].
    #[serde(with = "signature_text")]
    pub signature: Signature,
}

impl Revoked {
    /// A member's own result.
    pub fn sign(node: &Ed25519KeyPair, request: &impl RevocationRequest, count: Option<u64>) -> Self {
        Self {
            count,
            signature: node.sign(&request.result_bytes()),
        }
    }

    /// Checks the member's signature.
    ///
    /// # Errors
    /// [`KeyError`] when it does not verify.
    pub fn verify(
        &self,
        member: &Ed25519PublicKey,
        request: &impl RevocationRequest,
    ) -> Result<(), KeyError> {
        member.verify(&request.result_bytes(), &self.signature)
    }
}

fn append(out: &mut Vec<u8>, hashes: &[MessageHash]) {
    hashes
        .iter()
        .for_each(|hash| out.extend_from_slice(hash.as_bytes()));
}
