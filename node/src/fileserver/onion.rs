//! Requests inside onions: a relay posts a sealed request, and gets a sealed answer (spec/03-network.md §4.4, §4.5). Their
//! bodies are in memory by nature, so that what all of them take together is bounded.

use std::sync::Arc;
use std::time::Duration;

use ::http::Method;
use axum::body::Body as HttpBody;
use holdfast_protocol::onion::v4::{self, V4Reply, V4Request};
use holdfast_protocol::onion::{
    LayerKey, MAX_PACKET_SIZE, V3Request, open_server_request, seal_v3_reply, seal_v4_reply,
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use serde_json::Value;
use tokio::sync::SemaphorePermit;

use super::api::{self, Answer, Body, Call, Wishes};
use super::receive::Receiver;
use super::store::Refusal;
use super::{Inner, MEMORY_UNIT};
use crate::net::body::whole;

/// How long a relay waits for a server (spec/03-network.md §4.9): what comes later is not read by anybody.
const RELAY_TIME: Duration = Duration::from_secs(25);
/// How long a request may wait for memory.
const MEMORY_TIME: Duration = Duration::from_secs(10);
/// What a request takes while it is opened: itself and what was in it.
const REQUEST_COPIES: usize = 2;
/// What an answer takes while it is sealed: the file, its encoding, the sealed form.
const ANSWER_COPIES: usize = 3;

/// Which format a request has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// The old one: JSON, answered in base64.
    V3,
    /// The one in use: binary.
    V4,
}

impl Version {
    /// The format that is posted to a path.
    pub(super) fn of(path: &str) -> Option<Self> {
        match path {
            v4::TARGET => Some(Self::V4),
            "/oxen/v3/lsrpc" | "/loki/v3/lsrpc" => Some(Self::V3),
            _ => None,
        }
    }
}

/// A request as it was in the onion.
struct Inside {
    call: Call,
    wishes: Wishes,
    body: Vec<u8>,
}

/// Waits for memory of so many bytes.
pub(super) async fn memory(inner: &Inner, bytes: usize) -> Result<SemaphorePermit<'_>, Refusal> {
    let units = u32::try_from(bytes.div_ceil(MEMORY_UNIT)).map_err(|_| Refusal::Busy)?;
    match tokio::time::timeout(MEMORY_TIME, inner.onion_memory.acquire_many(units)).await {
        Ok(Ok(permit)) => Ok(permit),
        _ => Err(Refusal::Busy),
    }
}

/// Answers one posted onion request with the sealed answer. Refused in clear only if there is no key to seal it with.
pub(super) async fn serve(
    inner: &Arc<Inner>,
    version: Version,
    declared: Option<u64>,
    body: HttpBody,
) -> Result<Vec<u8>, Refusal> {
    let expected = declared.map_or(Ok(MAX_PACKET_SIZE), usize::try_from);
    let expected = expected.map_err(|_| Refusal::Size)?.min(MAX_PACKET_SIZE);
    let mut permit = Some(memory(inner, REQUEST_COPIES * expected).await?);
    let posted = whole(body, declared, MAX_PACKET_SIZE, RELAY_TIME).await?;
    let server = Arc::clone(inner);
    // Deciphering ten megabytes would hold up everything else on this thread.
    let opened = tokio::task::spawn_blocking(move || {
        let request = open_server_request(&server.onion_secret, &posted).map_err(|_| Refusal::Malformed)?;
        drop(posted);
        let inside = match version {
            Version::V3 => inside_v3(&request.plain),
            Version::V4 => inside_v4(&request.plain),
        };
        Ok((request.reply_key, inside))
    });
    let (key, inside) = opened.await.unwrap_or(Err(Refusal::Lost))?;
    inner.metrics.onion.add_one();
    let answer = match inside {
        Some(inside) => answer(inner, inside).await,
        None => Err(Refusal::Malformed),
    };
    let reply = match answer {
        Ok(answer) => whole_reply(inner, answer, &mut permit).await,
        Err(refusal) => Err(refusal),
    };
    let reply = match reply {
        Ok(reply) => reply,
        Err(refusal) => whole_reply(inner, Answer::refusal(inner, &refusal), &mut permit).await?,
    };
    let sealed = tokio::task::spawn_blocking(move || seal(version, &key, &reply));
    let sealed = sealed.await.unwrap_or(Err(Refusal::Lost));
    drop(permit);
    sealed
}

/// The answer with all of its body, and the memory that it takes.
async fn whole_reply<'a>(
    inner: &'a Inner,
    answer: Answer,
    permit: &mut Option<SemaphorePermit<'a>>,
) -> Result<V4Reply, Refusal> {
    let body = match answer.body {
        Body::Json(json) => json,
        Body::File(opened, range) => {
            // The request's own memory first, or requests could wait for each other.
            *permit = None;
            let length = usize::try_from(range.end.saturating_sub(range.start)).map_err(|_| Refusal::Size)?;
            *permit = Some(memory(inner, ANSWER_COPIES.saturating_mul(length)).await?);
            api::collect(opened, &range).await?
        }
    };
    Ok(V4Reply {
        code: answer.status,
        headers: answer
            .headers
            .into_iter()
            .map(|(name, value)| (name.as_str().to_owned(), value))
            .collect(),
        body,
    })
}

fn seal(version: Version, key: &LayerKey, reply: &V4Reply) -> Result<Vec<u8>, Refusal> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|_| Refusal::Lost)?;
    let mut random = ChaCha20Rng::from_seed(seed);
    Ok(match version {
        Version::V3 => seal_v3_reply(key, reply.code, &reply.body, &mut random),
        Version::V4 => seal_v4_reply(key, reply, &mut random),
    })
}

fn inside_v4(plain: &[u8]) -> Option<Inside> {
    let request = V4Request::decode(plain).ok()?;
    let method = Method::from_bytes(request.method.as_bytes()).ok()?;
    let mut wishes = Wishes::default();
    for (name, value) in &request.headers {
        wishes.add(name, value);
    }
    Some(Inside {
        call: Call::parse(&method, &request.endpoint),
        wishes,
        body: request.body.unwrap_or_default(),
    })
}

fn inside_v3(plain: &[u8]) -> Option<Inside> {
    let request = V3Request::decode(plain).ok()?;
    let method = Method::from_bytes(request.method.as_bytes()).ok()?;
    let mut wishes = Wishes::default();
    for (name, value) in &request.headers {
        match value {
            Value::String(text) => wishes.add(name, text),
            other => wishes.add(name, &other.to_string()),
        }
    }
    let body = match request.body {
        Value::String(text) => text.into_bytes(),
        Value::Null => Vec::new(),
        other => other.to_string().into_bytes(),
    };
    Some(Inside {
        call: Call::parse(&method, &request.endpoint),
        wishes,
        body,
    })
}

async fn answer(inner: &Arc<Inner>, inside: Inside) -> Result<Answer, Refusal> {
    match inside.call {
        Call::Upload => {
            let upload = Receiver::bytes(inner, inside.body).await?;
            api::upload(inner, upload, &inside.wishes).await
        }
        Call::LegacyUpload => {
            let upload = Receiver::bytes(inner, api::legacy_body(&inside.body)?).await?;
            api::legacy_upload(inner, upload).await
        }
        call => api::answer(inner, call, &inside.wishes).await,
    }
}
