//! A member's own part in an operation on the swarm: checks it, carries it out in the database and signs the result.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures::future::join_all;
use holdfast_protocol::swarm::reply::{
    ByNamespace, Deleted, DeletedIn, Expired, Expiries, Failure, MemberReply, Revoked, Stored, Updated,
};
use holdfast_protocol::swarm::request::{
    Delete, DeleteAll, DeleteBefore, Expire, ExpireAll, ExpireMode, Request, RequestError, Store,
};
use holdfast_protocol::swarm::{
    FORWARDED_TOLERANCE_MS, MAX_TTL_MS, MessageHash, Namespace, NamespaceClass, NamespaceSelection,
    SubaccountToken,
};
use serde::Serialize;

use super::Inner;
use super::db::{self, DbError, Hash, NewMessage, Operation, When};
use super::service::{check, to_hash, to_text, wrong_swarm};
use crate::peer::links::{Forward, ForwardReply};

/// An operation that passed all checks, on its way into the database.
pub(super) struct Accepted {
    /// The request.
    pub(super) request: Request,
    /// Its parameters as they are forwarded.
    pub(super) params: Bytes,
    /// When the entry node accepted it, ms.
    pub(super) at: u64,
    /// It comes late and must not undo what happened since.
    pub(super) late: bool,
}

/// Runs a batch of operations that another member forwarded.
pub(super) async fn run_forwarded(inner: &Arc<Inner>, batch: Vec<Forward>) -> Vec<ForwardReply> {
    join_all(batch.into_iter().map(|forward| run_one_forwarded(inner, forward))).await
}

async fn run_one_forwarded(inner: &Arc<Inner>, forward: Forward) -> ForwardReply {
    let refusal = |error: RequestError| ForwardReply {
        code: error.code,
        body: Bytes::from(error.text.into_owned()),
    };
    let request = match Request::from_bt(&forward.method, &forward.params) {
        Ok(request) if request.is_recursive() => request,
        Ok(_) => return refusal(RequestError::new(400, "not an operation")),
        Err(error) => return refusal(error),
    };
    if let Some(account) = request.account()
        && wrong_swarm(inner, account).is_some()
    {
        return refusal(RequestError::new(421, "wrong swarm"));
    }
    // Whatever another member claims: nothing was accepted in the future.
    let now = inner.now();
    let at = forward.at.min(now.saturating_add(FORWARDED_TOLERANCE_MS));
    // A late operation was timely when its entry node accepted it.
    let as_of = if forward.late { at } else { now };
    if let Err(error) = check(inner, &request, as_of, true) {
        return refusal(error);
    }
    let accepted = Accepted {
        request,
        params: forward.params,
        at,
        late: forward.late,
    };
    ForwardReply {
        code: 200,
        body: Bytes::from(carry_out(inner, &accepted).await),
    }
}

/// Carries an operation out and gives the member's result as JSON.
pub(super) async fn carry_out(inner: &Arc<Inner>, accepted: &Accepted) -> Vec<u8> {
    let result = match &accepted.request {
        Request::Store(store) => store_message(inner, store, accepted).await,
        Request::Delete(delete) => delete_messages(inner, delete, accepted).await,
        Request::DeleteAll(delete) => delete_all(inner, delete, accepted).await,
        Request::DeleteBefore(delete) => delete_before(inner, delete, accepted).await,
        Request::Expire(expire) => change_expiry(inner, expire, accepted).await,
        Request::ExpireAll(expire) => expire_all(inner, expire, accepted).await,
        Request::RevokeSubaccount(revoke) => {
            let signed = |_| Revoked::sign(&inner.keys, revoke, None);
            set_revoked(inner, accepted, &revoke.tokens, true, revoke.timestamp)
                .await
                .map(|count| json(&signed(count)))
        }
        Request::UnrevokeSubaccount(revoke) => {
            let signed = |count| Revoked::sign(&inner.keys, revoke, Some(count));
            set_revoked(inner, accepted, &revoke.tokens, false, revoke.timestamp)
                .await
                .map(|count| json(&signed(count)))
        }
        _ => Ok(failed(None)),
    };
    result.unwrap_or_else(|error| {
        tracing::error!(%error, "an operation failed in the database");
        failed(Some("database failure"))
    })
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_else(|_| b"{\"failed\":true,\"query_failure\":true}".to_vec())
}

/// `{"failed":true,"query_failure":true}`.
fn failed(reason: Option<&str>) -> Vec<u8> {
    json(&MemberReply::<()>::Failed(Failure {
        query_failure: true,
        reason: reason.map(str::to_owned),
        ..Failure::default()
    }))
}

impl Accepted {
    fn when(&self, now: u64) -> When {
        if !self.late {
            return When {
                at: self.at.max(now),
                bound: u64::MAX,
                now,
            };
        }
        // Whatever another member claims: an operation never reaches beyond the time that its owner signed.
        let signed = match &self.request {
            Request::DeleteAll(delete) => Some(delete.timestamp),
            _ => None,
        };
        let latest = signed.map_or(u64::MAX, |time| time.saturating_add(FORWARDED_TOLERANCE_MS));
        let at = self.at.min(latest).min(now);
        When { at, bound: at, now }
    }

    /// The operation as it is kept for members that miss it.
    fn operation(&self) -> Operation {
        let digest = blake2b_simd::Params::new()
            .hash_length(32)
            .to_state()
            .update(self.request.method().as_bytes())
            .update(&[0])
            .update(&self.params)
            .finalize();
        let mut id: Hash = [0; 32];
        id.copy_from_slice(digest.as_bytes());
        Operation {
            id,
            method: self.request.method().to_owned(),
            params: self.params.to_vec(),
            at: self.at,
        }
    }
}

async fn store_message(inner: &Arc<Inner>, store: &Store, accepted: &Accepted) -> Result<Vec<u8>, DbError> {
    if inner.full.load(Ordering::Relaxed) {
        return Ok(failed(None));
    }
    let hash = store.hash();
    let Some(raw) = to_hash(&hash) else {
        return Ok(failed(None));
    };
    let now = inner.now();
    let outbox = store.namespace.class() == NamespaceClass::PublicOutbox;
    let message = NewMessage {
        account: *store.account.as_bytes(),
        namespace: store.namespace.0,
        hash: raw,
        timestamp: store.timestamp,
        expiry: store.expiry,
        touched: accepted.at.min(now),
        data: Bytes::copy_from_slice(&store.data),
    };
    let late = accepted.late;
    let (new, stored) = inner
        .db
        .write(move |w| {
            if late {
                let outcome = w.adopt(&message, now, outbox)?;
                let new = outcome == db::SyncOutcome::Inserted;
                return Ok((
                    new,
                    db::Stored {
                        already: !new,
                        expiry: message.expiry,
                    },
                ));
            }
            let stored = w.store(&message, now, outbox)?;
            Ok((!stored.already, stored))
        })
        .await?;
    if new {
        inner.metrics.stored.add_one();
        inner.waiters.notify(store.account.as_bytes());
    }
    Ok(json(&Stored::sign(
        &inner.keys,
        hash,
        stored.expiry,
        stored.already,
    )))
}

async fn delete_messages(
    inner: &Arc<Inner>,
    delete: &Delete,
    accepted: &Accepted,
) -> Result<Vec<u8>, DbError> {
    let account = *delete.account.as_bytes();
    let hashes: Vec<Hash> = delete.messages.iter().filter_map(to_hash).collect();
    let when = accepted.when(inner.now());
    let operation = accepted.operation();
    let gone = inner
        .db
        .write(move |w| {
            w.keep_operation(&account, &operation, when.now)?;
            w.delete(&account, &hashes, when)
        })
        .await?;
    let gone = gone.iter().map(to_text).collect();
    Ok(json(&Deleted::sign(&inner.keys, delete, gone)))
}

/// The namespace of a selection; nothing for all of them.
fn one(selection: NamespaceSelection) -> Option<i16> {
    match selection {
        NamespaceSelection::One(namespace) => Some(namespace.0),
        NamespaceSelection::All => None,
    }
}

fn by_namespace(selection: NamespaceSelection, rows: &[db::Deleted]) -> ByNamespace {
    let rows = rows
        .iter()
        .map(|(namespace, hash)| (Namespace(*namespace), to_text(hash)));
    ByNamespace::new(selection == NamespaceSelection::All, rows)
}

async fn delete_all(inner: &Arc<Inner>, delete: &DeleteAll, accepted: &Accepted) -> Result<Vec<u8>, DbError> {
    let (account, namespace) = (*delete.account.as_bytes(), one(delete.namespace));
    let when = accepted.when(inner.now());
    let operation = accepted.operation();
    let gone = inner
        .db
        .write(move |w| {
            w.keep_operation(&account, &operation, when.now)?;
            w.delete_many(&account, namespace, u64::MAX, when)
        })
        .await?;
    Ok(json(&DeletedIn::sign(
        &inner.keys,
        delete,
        by_namespace(delete.namespace, &gone),
    )))
}

async fn delete_before(
    inner: &Arc<Inner>,
    delete: &DeleteBefore,
    accepted: &Accepted,
) -> Result<Vec<u8>, DbError> {
    let (account, namespace, before) = (*delete.account.as_bytes(), one(delete.namespace), delete.before);
    let when = accepted.when(inner.now());
    let operation = accepted.operation();
    let gone = inner
        .db
        .write(move |w| {
            w.keep_operation(&account, &operation, when.now)?;
            w.delete_many(&account, namespace, before, when)
        })
        .await?;
    Ok(json(&DeletedIn::sign(
        &inner.keys,
        delete,
        by_namespace(delete.namespace, &gone),
    )))
}

async fn expire_all(inner: &Arc<Inner>, expire: &ExpireAll, accepted: &Accepted) -> Result<Vec<u8>, DbError> {
    let (account, namespace, expiry) = (*expire.account.as_bytes(), one(expire.namespace), expire.expiry);
    let when = accepted.when(inner.now());
    let operation = accepted.operation();
    let changed = inner
        .db
        .write(move |w| {
            w.keep_operation(&account, &operation, when.now)?;
            w.expire_many(&account, namespace, expiry, when)
        })
        .await?;
    Ok(json(&Updated::sign(
        &inner.keys,
        expire,
        by_namespace(expire.namespace, &changed),
    )))
}

async fn change_expiry(inner: &Arc<Inner>, expire: &Expire, accepted: &Accepted) -> Result<Vec<u8>, DbError> {
    let account = *expire.account.as_bytes();
    let when = accepted.when(inner.now());
    let longest = when.now.saturating_add(MAX_TTL_MS);
    let wanted: Vec<(Hash, u64)> = expire
        .expiries()
        .filter_map(|(hash, expiry)| Some((to_hash(hash)?, expiry.min(longest))))
        .collect();
    // A subaccount that may not delete may not shorten either (spec/03-network.md §3.12).
    let may_shorten = expire.auth.subaccount.is_none_or(|sub| {
        sub.token
            .flags()
            .contains(holdfast_protocol::swarm::subaccount::SubaccountFlags::DELETE)
    });
    let extend = expire.mode == ExpireMode::Extend || !may_shorten;
    let shorten = expire.mode == ExpireMode::Shorten;
    let operation = (!extend).then(|| accepted.operation());
    let changed = inner
        .db
        .write(move |w| {
            if let Some(operation) = operation {
                w.keep_operation(&account, &operation, when.now)?;
            }
            w.expire(&account, &wanted, extend, shorten, when)
        })
        .await?;
    let mut updated: Vec<(MessageHash, u64)> = changed
        .updated
        .iter()
        .map(|(hash, expiry)| (to_text(hash), *expiry))
        .collect();
    updated.sort_unstable();
    updated.dedup_by_key(|(hash, _)| *hash);
    let unchanged = (expire.mode != ExpireMode::Set).then(|| {
        changed
            .unchanged
            .iter()
            .map(|(hash, expiry)| (to_text(hash), *expiry))
            .collect()
    });
    let (hashes, times): (Vec<_>, Vec<_>) = updated.into_iter().unzip();
    let expiry = match expire.expiry.as_slice() {
        [single] => Expiries::One((*single).min(longest)),
        _ => Expiries::Each(times),
    };
    Ok(json(&Expired::sign(
        &inner.keys,
        expire,
        hashes,
        expiry,
        unchanged,
    )))
}

async fn set_revoked(
    inner: &Arc<Inner>,
    accepted: &Accepted,
    tokens: &[SubaccountToken],
    revoked: bool,
    timestamp: u64,
) -> Result<u64, DbError> {
    let Some(account) = accepted.request.account().map(|account| *account.as_bytes()) else {
        return Ok(0);
    };
    let tokens: Vec<[u8; 36]> = tokens.iter().map(|token| *token.as_bytes()).collect();
    let now = inner.now();
    let operation = accepted.operation();
    inner
        .db
        .write(move |w| w.set_revoked(&account, &tokens, revoked, timestamp, &operation, now))
        .await
}
