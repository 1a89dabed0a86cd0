//! The entry node's part in an operation on the swarm: runs it here and on every other member at once, answers when all
//! have answered or were given up, and keeps it for those that missed it (spec/03-network.md §3.8, §8.3).

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::{join, join_all};
use holdfast_protocol::keys::Ed25519PublicKey;
use holdfast_protocol::swarm::MAX_TTL_MS;
use holdfast_protocol::swarm::reply::{Deleted, Failure, MemberReply};
use holdfast_protocol::swarm::request::Request;
use serde_json::value::RawValue;

use super::Inner;
use super::member::{Accepted, carry_out};
use super::reply::Reply;
use super::service::check;
use crate::peer::links::{Forward, ForwardReply};
use crate::peer::transport::TransportError;
use crate::registry::{HARD_FORK, Node};

/// A member that is not ready answers with this; it gets the operation later.
const NOT_READY: u16 = 503;

/// What a member did, as JSON, and whether it did it.
struct MemberResult {
    json: Vec<u8>,
    done: bool,
}

/// Runs an operation whose account is in our swarm.
pub(super) async fn run(inner: &Arc<Inner>, request: Request) -> Reply {
    let at = inner.now();
    if let Err(refusal) = check(inner, &request, at, false) {
        return refusal.into();
    }
    let accepted = Accepted {
        params: Bytes::from(request.params_bt()),
        request,
        at,
        late: false,
    };
    let list = inner.list();
    let members: Vec<&Node> = inner
        .swarm(&list)
        .into_iter()
        .flat_map(|swarm| list.members(swarm))
        .filter(|node| node.ed25519() != inner.public)
        .collect();
    let forward = Forward {
        at,
        late: false,
        method: accepted.request.method().to_owned(),
        params: accepted.params.clone(),
    };
    let others = join_all(
        members
            .iter()
            .map(|node| inner.links.forward(node, forward.clone())),
    );
    let (own, others) = join(carry_out(inner, &accepted), others).await;
    let missed: Vec<Ed25519PublicKey> = members
        .iter()
        .zip(&others)
        .filter(|(_, outcome)| must_be_sent_again(outcome))
        .map(|(node, _)| node.ed25519())
        .collect();
    if !missed.is_empty() {
        keep_for_later(inner, &accepted, &missed).await;
    }
    let mut results: BTreeMap<Ed25519PublicKey, MemberResult> = members
        .iter()
        .zip(others)
        .map(|(node, outcome)| (node.ed25519(), member_result(outcome)))
        .collect();
    results.insert(inner.public, own_result(&accepted.request, own, at));
    answer(inner, &accepted.request, &results)
}

fn must_be_sent_again(outcome: &Result<ForwardReply, TransportError>) -> bool {
    match outcome {
        Ok(reply) => reply.code == NOT_READY,
        Err(_) => true,
    }
}

/// Keeps an operation for members that did not get it, until it does not matter any more.
async fn keep_for_later(inner: &Arc<Inner>, accepted: &Accepted, missed: &[Ed25519PublicKey]) {
    inner
        .metrics
        .forward_failures
        .add(u64::try_from(missed.len()).unwrap_or(0));
    let expires = match &accepted.request {
        Request::Store(store) => store.expiry,
        _ => accepted.at.saturating_add(MAX_TTL_MS),
    };
    let peers: Vec<[u8; 32]> = missed.iter().map(|key| *key.as_bytes()).collect();
    let (method, params, at) = (accepted.request.method(), accepted.params.clone(), accepted.at);
    let kept = inner
        .db
        .write(move |w| {
            peers
                .iter()
                .try_for_each(|peer| w.keep_retry(peer, method, &params, at, expires))
        })
        .await;
    if let Err(error) = kept {
        // Reconciliation brings it to them later all the same.
        tracing::warn!(%error, "an operation could not be kept for a member");
    }
}

fn failure(failure: Failure) -> MemberResult {
    MemberResult {
        json: serde_json::to_vec(&MemberReply::<()>::Failed(failure))
            .unwrap_or_else(|_| b"{\"failed\":true}".to_vec()),
        done: false,
    }
}

/// A member's answer in the terms of the reply.
fn member_result(outcome: Result<ForwardReply, TransportError>) -> MemberResult {
    match outcome {
        Ok(reply) if reply.code == 200 => match parse_object(&reply.body) {
            Some(failed) => MemberResult {
                json: reply.body.to_vec(),
                done: !failed,
            },
            None => failure(Failure {
                bad_peer_response: true,
                ..Failure::default()
            }),
        },
        Ok(reply) => failure(Failure {
            code: Some(reply.code.to_string()),
            reason: Some(String::from_utf8_lossy(&reply.body).into_owned()),
            ..Failure::default()
        }),
        Err(_) => failure(Failure {
            timeout: true,
            ..Failure::default()
        }),
    }
}

/// Whether a member's JSON object says that it failed; nothing if it is no object.
fn parse_object(json: &[u8]) -> Option<bool> {
    #[derive(serde::Deserialize)]
    struct Marker {
        #[serde(default)]
        failed: bool,
    }
    serde_json::from_slice::<&RawValue>(json).ok()?;
    serde_json::from_slice::<Marker>(json)
        .ok()
        .map(|marker| marker.failed)
}

/// Our own result; that of a store carries the time too.
fn own_result(request: &Request, mut json: Vec<u8>, at: u64) -> MemberResult {
    let done = parse_object(&json) == Some(false);
    if done && matches!(request, Request::Store(_)) && json.pop() == Some(b'}') {
        json.extend_from_slice(format!(",\"t\":{at}}}").as_bytes());
    }
    MemberResult { json, done }
}

/// Puts the members' results together: 200 if any did it, else 500.
fn answer(inner: &Inner, request: &Request, results: &BTreeMap<Ed25519PublicKey, MemberResult>) -> Reply {
    let size: usize = results.values().map(|result| result.json.len() + 70).sum();
    let mut json = Vec::with_capacity(size + 120);
    json.extend_from_slice(b"{\"swarm\":{");
    for (at, (key, result)) in results.iter().enumerate() {
        if at > 0 {
            json.push(b',');
        }
        json.push(b'"');
        json.extend_from_slice(key.to_hex().as_bytes());
        json.extend_from_slice(b"\":");
        json.extend_from_slice(&result.json);
    }
    json.push(b'}');
    if let Request::Store(store) = request {
        json.extend_from_slice(format!(",\"hash\":\"{}\"", store.hash()).as_bytes());
    }
    let [fork, revision] = HARD_FORK;
    json.extend_from_slice(format!(",\"t\":{},\"hf\":[{fork},{revision}]}}", inner.now()).as_bytes());
    let code = match request {
        _ if !results.values().any(|result| result.done) => 500,
        Request::Delete(delete) if delete.required && nothing_deleted(results) => 404,
        _ => 200,
    };
    Reply::raw(code, json)
}

fn nothing_deleted(results: &BTreeMap<Ed25519PublicKey, MemberResult>) -> bool {
    !results
        .values()
        .filter_map(|result| serde_json::from_slice::<Deleted>(&result.json).ok())
        .any(|result| !result.deleted.is_empty())
}
