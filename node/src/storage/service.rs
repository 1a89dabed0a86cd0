//! What each method does (spec/03-network.md §3.9–§3.15), except for those that run on the whole swarm ([`super::entry`]).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all, select_all};
use holdfast_protocol::swarm::auth::{Context, verify};
use holdfast_protocol::swarm::reply::{
    BatchReply, ExpiriesReply, IfElseReply, InfoReply, OxendReply, RetrieveReply, RevokedSubaccountsReply,
    SubReply,
};
use holdfast_protocol::swarm::request::{
    Batch, GetExpiries, IfElse, MAX_WAIT_MS, OxendRequest, Request, RequestError, Retrieve,
    RevokedSubaccounts,
};
use holdfast_protocol::swarm::{Address, MessageHash, NamespaceClass, SubaccountToken};
use rand_core::Rng as _;

use super::db::{self, Hash, PageLimits};
use super::reply::{Body, Reply};
use super::waiters::Interest;
use super::{Inner, entry};
use crate::registry::json::{Query, active_nodes_bin, service_nodes, swarm_info};
use crate::registry::{HARD_FORK, Node, STORAGE_VERSION};

/// Messages that one `delete` or `expire` may name. Each is remembered for a month, known or not, and the request is kept for
/// members that missed it; whoever deletes more than that in one mailbox asks for all of it.
const MAX_NAMED: usize = 20_000;

/// Answers a request with any method.
pub(super) fn run(inner: &Arc<Inner>, request: Request) -> BoxFuture<'_, Reply> {
    async move {
        match request {
            Request::Batch(batch) => run_batch(inner, batch).await,
            Request::Sequence(batch) => run_sequence(inner, batch).await,
            Request::IfElse(choice) => run_if_else(inner, *choice).await,
            Request::Retrieve(ref retrieve) if retrieve.wait_ms.is_some() => {
                let wait = retrieve.wait_ms.unwrap_or(0);
                let mut replies = run_waiting(inner, vec![request], wait).await;
                replies
                    .pop()
                    .unwrap_or_else(|| Reply::text(500, "request failed"))
            }
            other => run_one(inner, other).await.reply,
        }
    }
    .boxed()
}

/// An answer, and for a retrieve whether it was allowed and whether it holds messages.
struct Outcome {
    reply: Reply,
    retrieved: Option<bool>,
}

impl From<Reply> for Outcome {
    fn from(reply: Reply) -> Self {
        Self {
            reply,
            retrieved: None,
        }
    }
}

/// Answers a request that is none of the three combinations.
async fn run_one(inner: &Arc<Inner>, request: Request) -> Outcome {
    if let Some(refusal) = request.account().and_then(|account| wrong_swarm(inner, account)) {
        return refusal.into();
    }
    if request.is_recursive() {
        return entry::run(inner, request).await.into();
    }
    if !matches!(
        request,
        Request::Info | Request::ActiveNodesBin | Request::GetSwarm(_) | Request::OxendRequest(_)
    ) && let Err(refusal) = check(inner, &request, inner.now(), false)
    {
        return Reply::from(refusal).into();
    }
    match request {
        Request::Retrieve(retrieve) => read_page(inner, &retrieve),
        Request::GetExpiries(get) => expiries(inner, &get).into(),
        Request::RevokedSubaccounts(list) => revoked(inner, &list).into(),
        Request::GetSwarm(get) => {
            let info = swarm_info(&inner.list(), get.account.key(), inner.stamp());
            Reply::json(200, &info).into()
        }
        Request::Info => info(inner).into(),
        Request::ActiveNodesBin => Reply {
            code: 200,
            body: Body::Binary(active_nodes_bin(&inner.list())),
        }
        .into(),
        Request::OxendRequest(request) => oxend(inner, &request).into(),
        other => Reply::text(400, format!("no method {}", other.method())).into(),
    }
}

/// 421 with the right swarm, when the account is not in ours (spec/03-network.md §2.4).
pub(super) fn wrong_swarm(inner: &Inner, account: &Address) -> Option<Reply> {
    let list = inner.list();
    let ours = inner.swarm(&list);
    if ours.is_some() && list.swarm_of(account.key()) == ours {
        return None;
    }
    Some(Reply::json(421, &swarm_info(&list, account.key(), inner.stamp())))
}

/// Checks times and signatures as of `now`. `forwarded` when another member sent it.
pub(super) fn check(inner: &Inner, request: &Request, now: u64, forwarded: bool) -> Result<(), RequestError> {
    let is_revoked = |token: &SubaccountToken| {
        request.account().is_none_or(|account| {
            let known = inner
                .db
                .read(|c| db::is_revoked(c, account.as_bytes(), token.as_bytes()));
            // Access that cannot be confirmed is not given.
            known.unwrap_or(true)
        })
    };
    let context = Context {
        now_ms: now,
        forwarded,
        is_revoked: &is_revoked,
    };
    let named = match request {
        Request::Store(store) => {
            store.check_times(now)?;
            0
        }
        Request::Delete(delete) => delete.messages.len(),
        Request::Expire(expire) => expire.messages.len(),
        _ => 0,
    };
    if named > MAX_NAMED {
        return Err(RequestError::new(400, "too many messages"));
    }
    verify(request, &context).map(|_| ())
}

/// Reads a page without looking at the request's time and signature again.
fn read_page(inner: &Inner, retrieve: &Retrieve) -> Outcome {
    let limits = retrieve.limits();
    let limits = PageLimits {
        count: limits.count,
        size: limits.size,
    };
    let namespace = retrieve.namespace();
    let page = if namespace.class() == NamespaceClass::Testing {
        Ok(db::Page::default())
    } else {
        let last = retrieve.last_hash.as_ref().and_then(to_hash);
        let now = inner.now();
        inner.db.read(|c| {
            db::page(
                c,
                retrieve.account.as_bytes(),
                namespace.0,
                last.as_ref(),
                limits,
                now,
            )
        })
    };
    let page = match page {
        Ok(page) => page,
        Err(error) => return Reply::failure(&error).into(),
    };
    let hashes: Vec<MessageHash> = page.messages.iter().map(|m| to_text(&m.hash)).collect();
    let size: usize = page.messages.iter().map(|m| m.data.len() * 4 / 3 + 160).sum();
    let mut json = Vec::with_capacity(size + 100);
    let messages = page
        .messages
        .iter()
        .zip(&hashes)
        .map(|(m, hash)| (hash, m.timestamp, m.expiry, m.data.as_slice()));
    RetrieveReply::write_json(&mut json, messages, page.more, inner.stamp());
    inner
        .metrics
        .retrieved
        .add(u64::try_from(page.messages.len()).unwrap_or(0));
    Outcome {
        reply: Reply::raw(200, json),
        retrieved: Some(!page.messages.is_empty()),
    }
}

/// The 32 bytes behind a hash's text. A text that is no canonical base64 names no message.
pub(super) fn to_hash(hash: &MessageHash) -> Option<Hash> {
    data_encoding::BASE64_NOPAD
        .decode(hash.as_bytes())
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
}

/// The text of a stored hash.
pub(super) fn to_text(hash: &Hash) -> MessageHash {
    let text = data_encoding::BASE64_NOPAD.encode(hash);
    MessageHash::from_text(text.as_bytes()).unwrap_or_else(|_| unreachable!("32 bytes are 43 base64 digits"))
}

fn expiries(inner: &Inner, get: &GetExpiries) -> Reply {
    let hashes: Vec<Hash> = get.messages.iter().filter_map(to_hash).collect();
    let now = inner.now();
    match inner
        .db
        .read(|c| db::expiries(c, get.account.as_bytes(), &hashes, now))
    {
        Ok(found) => {
            let expiries: BTreeMap<_, _> = found
                .iter()
                .map(|(hash, expiry)| (to_text(hash), *expiry))
                .collect();
            Reply::json(200, &ExpiriesReply { expiries })
        }
        Err(error) => Reply::failure(&error),
    }
}

fn revoked(inner: &Inner, list: &RevokedSubaccounts) -> Reply {
    match inner.db.read(|c| db::revoked(c, list.account.as_bytes())) {
        Ok(tokens) => {
            let tokens = tokens
                .iter()
                .filter_map(|token| SubaccountToken::from_slice(token).ok());
            Reply::json(
                200,
                &RevokedSubaccountsReply {
                    revoked_subaccounts: tokens.collect(),
                    stamp: inner.stamp(),
                },
            )
        }
        Err(error) => Reply::failure(&error),
    }
}

fn info(inner: &Inner) -> Reply {
    let stamp = inner.stamp();
    Reply::json(
        200,
        &InfoReply {
            version: STORAGE_VERSION.map(u64::from),
            timestamp: stamp.t.unwrap_or(0),
            wait: Some(MAX_WAIT_MS),
            stamp,
        },
    )
}

fn oxend(inner: &Inner, request: &OxendRequest) -> Reply {
    if request.endpoint != "get_service_nodes" {
        // Names live on the public network's chain; there is none here.
        return Reply::text(400, "ons_resolve: this network has no name service");
    }
    let params = request.params.clone().unwrap_or(serde_json::Value::Null);
    let result = inner.with_random(|random| {
        service_nodes(&inner.list(), &Query::from_params(&params), |nodes| {
            shuffle(nodes, random)
        })
    });
    Reply::json(
        200,
        &OxendReply {
            result,
            stamp: inner.stamp(),
        },
    )
}

/// Puts nodes into a random order.
pub(crate) fn shuffle(nodes: &mut [&Node], random: &mut rand_chacha::ChaCha20Rng) {
    for last in (1..nodes.len()).rev() {
        let below = u64::try_from(last + 1).unwrap_or(1);
        let pick = usize::try_from(random.next_u64() % below).unwrap_or(0);
        nodes.swap(last, pick);
    }
}

async fn run_batch(inner: &Arc<Inner>, batch: Batch) -> Reply {
    let replies = match batch.wait_ms {
        Some(wait) => run_waiting(inner, batch.requests, wait).await,
        None => join_all(batch.requests.into_iter().map(|request| run_one(inner, request)))
            .await
            .into_iter()
            .map(|outcome| outcome.reply)
            .collect(),
    };
    results(&replies)
}

async fn run_sequence(inner: &Arc<Inner>, batch: Batch) -> Reply {
    let mut replies = Vec::with_capacity(batch.requests.len());
    for request in batch.requests {
        let reply = run_one(inner, request).await.reply;
        let go_on = reply.is_success();
        replies.push(reply);
        if !go_on {
            break;
        }
    }
    results(&replies)
}

/// The envelope of a batch or sequence; see [`BatchReply`].
fn results(replies: &[Reply]) -> Reply {
    let mut json = b"{\"results\":[".to_vec();
    for (at, reply) in replies.iter().enumerate() {
        if at > 0 {
            json.push(b',');
        }
        json.extend_from_slice(format!("{{\"code\":{},\"body\":", reply.code).as_bytes());
        reply.write_value(&mut json);
        json.push(b'}');
    }
    json.extend_from_slice(b"]}");
    debug_assert!(serde_json::from_slice::<BatchReply>(&json).is_ok());
    Reply::raw(200, json)
}

async fn run_if_else(inner: &Arc<Inner>, choice: IfElse) -> Reply {
    let version = STORAGE_VERSION.map(u64::from);
    let height = inner.list().height;
    let condition = choice.condition.holds(HARD_FORK, version, height);
    let branch = if condition { choice.then } else { choice.otherwise };
    let result = match branch {
        None => None,
        Some(request) => {
            let reply = run(inner, request).await;
            let mut value = Vec::new();
            reply.write_value(&mut value);
            match serde_json::from_slice(&value) {
                Ok(body) => Some(SubReply {
                    code: reply.code,
                    body,
                }),
                Err(error) => return Reply::failure(&error),
            }
        }
    };
    Reply::json(
        200,
        &IfElseReply {
            hf: HARD_FORK,
            v: version,
            height,
            condition,
            result,
        },
    )
}

/// Runs requests and, while none of their retrieves finds a message, holds the answer back up to `wait` ms
/// (Holdfast's extension; `info` advertises it).
async fn run_waiting(inner: &Arc<Inner>, requests: Vec<Request>, wait: u64) -> Vec<Reply> {
    let deadline = tokio::time::Instant::now() + Duration::from_millis(wait.min(MAX_WAIT_MS));
    // Interest comes before the first look, so that nothing slips through between them.
    let mut interests: Vec<Interest> = Vec::new();
    let mut retrieves: Vec<Option<Request>> = Vec::with_capacity(requests.len());
    for request in &requests {
        if let Request::Retrieve(retrieve) = request {
            interests.extend(inner.waiters.watch(retrieve.account.as_bytes()));
            retrieves.push(Some(request.clone()));
        } else {
            retrieves.push(None);
        }
    }
    let outcomes = join_all(requests.into_iter().map(|request| run_one(inner, request))).await;
    let found = outcomes.iter().any(|outcome| outcome.retrieved == Some(true));
    for (retrieve, outcome) in retrieves.iter_mut().zip(&outcomes) {
        if outcome.retrieved.is_none() {
            *retrieve = None;
        }
    }
    let mut replies: Vec<Reply> = outcomes.into_iter().map(|outcome| outcome.reply).collect();
    if found || interests.is_empty() || retrieves.iter().all(Option::is_none) {
        return replies;
    }
    let mut stopping = inner.stopping.subscribe();
    loop {
        let woken = select_all(interests.iter_mut().map(|interest| interest.changed().boxed()));
        let again = tokio::select! {
            _ = woken => true,
            () = tokio::time::sleep_until(deadline) => false,
            _ = stopping.wait_for(|stop| *stop) => false,
        };
        let mut found = false;
        for (retrieve, reply) in retrieves.iter().zip(replies.iter_mut()) {
            let Some(request @ Request::Retrieve(retrieve)) = retrieve else {
                continue;
            };
            let outcome = look_again(inner, request, retrieve);
            found |= outcome.retrieved != Some(false);
            *reply = outcome.reply;
        }
        if found || !again {
            return replies;
        }
    }
}

/// Reads once more for a client that was allowed to a while ago: its subaccount may have been revoked and the account
/// may have moved since.
fn look_again(inner: &Inner, request: &Request, retrieve: &Retrieve) -> Outcome {
    if let Some(refusal) = wrong_swarm(inner, &retrieve.account) {
        return refusal.into();
    }
    let signed_at = retrieve.timestamp.unwrap_or_else(|| inner.now());
    match check(inner, request, signed_at, false) {
        Ok(()) => read_page(inner, retrieve),
        Err(refusal) => Reply::from(refusal).into(),
    }
}
