//! The gateway: carries a browser's opaque onion packet to the guard that it names by key, and to nothing else
//! (spec/03-network.md §7.3). It keeps no address, key or size of anyone.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{Response, StatusCode};
use axum::routing::{get, post};
use holdfast_protocol::keys::Ed25519PublicKey;
use holdfast_protocol::onion::MAX_PACKET_SIZE;
use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::metrics::{self, Counter, Text};
use crate::net::body::{BODY_TIME, BodyError, whole};
use crate::net::client::{CallError, HttpClient};
use crate::net::proxies::client_of;
use crate::net::ratelimit::{Rate, RateLimiter, client_key};
use crate::net::tls::{TlsError, client_unverified};
use crate::registry::json::client_list;
use crate::registry::{ListWatch, NodeList};

/// The whole exchange with a guard (spec/03-network.md §7.3). A waiting retrieve takes up to 25 s of it.
const GUARD_TIMEOUT: Duration = Duration::from_secs(60);
/// Packets under way at once, over all clients.
const MAX_UNDER_WAY: usize = 8_192;
/// The largest packet, in bytes, that is no large one: everything but files.
const SMALL: usize = 256 * 1024;
/// The largest answer, in bytes: what a packet may have and some slack, which is also what clients take.
const MAX_ANSWER: usize = MAX_PACKET_SIZE + 64 * 1024;
/// The guard's status, apart from our own.
const X_GUARD_STATUS: HeaderName = HeaderName::from_static("x-guard-status");
/// Which of our own failures it was.
const X_GATEWAY_ERROR: HeaderName = HeaderName::from_static("x-gateway-error");
/// What any page may do: post packets, fetch the list, read our two headers.
const CORS: [(HeaderName, &str); 5] = [
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
    (header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type"),
    (
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        "X-Guard-Status, X-Gateway-Error",
    ),
    (header::ACCESS_CONTROL_MAX_AGE, "86400"),
];

/// How a gateway runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// The nodes are on private addresses: a network on one machine or site.
    pub local_network: bool,
    /// The limit of one client address in packets and lists; `None` for none.
    pub rate: Option<Rate>,
    /// Packets that one client address may have under way at once.
    pub concurrent: usize,
    /// Those of them that may be large ones: files, of ten megabytes each.
    pub concurrent_large: usize,
    /// Said of the list's origin in `GET /v1/nodes`.
    pub source: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            local_network: false,
            // A page polls two nodes every few seconds and sends now and then; a household shares an address.
            rate: Some(Rate {
                burst: 300.0,
                per_second: 50.0,
            }),
            // Every open app keeps one waiting retrieve under way, and a school or a library has one address.
            concurrent: 512,
            concurrent_large: 64,
            source: "seeds".to_owned(),
        }
    }
}

/// A gateway.
#[derive(Clone)]
pub struct Gateway {
    inner: Arc<Inner>,
}

struct Inner {
    options: Options,
    list: ListWatch,
    clock: Arc<dyn Clock>,
    guards: HttpClient,
    limiter: RateLimiter,
    under_way: Semaphore,
    clients: Mutex<HashMap<IpAddr, UnderWay>>,
    rendered: Mutex<Option<Rendered>>,
    relayed: Counter,
    refused: Counter,
    failed: Counter,
}

/// The list as it is served, identical for every caller.
struct Rendered {
    block_hash: [u8; 32],
    json: Bytes,
    tag: String,
}

/// Our own failures, as the header names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    UnknownGuard,
    GuardConnect,
    GuardTls,
    GuardTimeout,
    TooLarge,
    AnswerTooLarge,
    Busy,
}

impl Failure {
    fn name(self) -> &'static str {
        match self {
            Failure::UnknownGuard => "unknown-guard",
            Failure::GuardConnect => "guard-connect",
            Failure::GuardTls => "guard-tls",
            Failure::GuardTimeout => "guard-timeout",
            Failure::TooLarge => "too-large",
            Failure::AnswerTooLarge => "answer-too-large",
            Failure::Busy => "busy",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Failure::UnknownGuard => StatusCode::NOT_FOUND,
            Failure::GuardConnect | Failure::GuardTls | Failure::AnswerTooLarge => StatusCode::BAD_GATEWAY,
            Failure::GuardTimeout => StatusCode::GATEWAY_TIMEOUT,
            Failure::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Failure::Busy => StatusCode::TOO_MANY_REQUESTS,
        }
    }
}

/// What one client has under way.
#[derive(Default)]
struct UnderWay {
    packets: usize,
    large: usize,
}

/// One packet of a client under way.
struct Slot {
    inner: Arc<Inner>,
    client: IpAddr,
    large: bool,
}

impl Slot {
    /// Counts as a large one from now on, if its client has one of those left.
    fn grow(&mut self) -> bool {
        if self.large {
            return true;
        }
        let most = self.inner.options.concurrent_large;
        let mut clients = self.inner.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let count = clients.get_mut(&self.client).filter(|count| count.large < most);
        if let Some(count) = count {
            count.large += 1;
            self.large = true;
        }
        self.large
    }
}

/// An answer, which has its client's slot until it is written.
struct Held {
    body: Bytes,
    _slot: Slot,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut clients = self.inner.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = clients.get_mut(&self.client) {
            count.packets -= 1;
            count.large -= usize::from(self.large);
            if count.packets == 0 {
                clients.remove(&self.client);
            }
        }
    }
}

impl Inner {
    /// Takes one of a client's slots, if it has one left.
    fn slot(self: &Arc<Self>, client: IpAddr, large: bool) -> Option<Slot> {
        let client = client_key(client);
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let (packets, others) = clients
            .get(&client)
            .map_or((0, 0), |count| (count.packets, count.large));
        if packets >= self.options.concurrent || (large && others >= self.options.concurrent_large) {
            return None;
        }
        let count = clients.entry(client).or_default();
        count.packets += 1;
        count.large += usize::from(large);
        Some(Slot {
            inner: Arc::clone(self),
            client,
            large,
        })
    }

    /// The list as JSON with its tag.
    fn render(&self, list: &NodeList) -> (Bytes, String) {
        let mut rendered = self.rendered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = rendered
            .as_ref()
            .filter(|known| known.block_hash == list.block_hash)
        {
            return (known.json.clone(), known.tag.clone());
        }
        let json = Bytes::from(client_list(list, self.clock.now_ms(), &self.options.source).to_string());
        let tag = format!("\"{}\"", list.block_hash_hex());
        *rendered = Some(Rendered {
            block_hash: list.block_hash,
            json: json.clone(),
            tag: tag.clone(),
        });
        (json, tag)
    }

    /// Where packets for a guard go. Address and port come from the list, never from the caller.
    fn guard_url(&self, guard: &Ed25519PublicKey) -> Result<String, Failure> {
        let list = self.list.borrow();
        // Before the first list every guard is unknown, which says nothing against any of them.
        if list.nodes().is_empty() {
            return Err(Failure::Busy);
        }
        list.get(guard)
            .and_then(|node| node.url("/onion_req/v2"))
            .ok_or(Failure::UnknownGuard)
    }

    async fn relay(
        self: &Arc<Self>,
        key: &str,
        client: IpAddr,
        length: Option<usize>,
        packet: Body,
    ) -> Result<(u16, Bytes), Failure> {
        let known = Ed25519PublicKey::from_hex(key).map_err(|_| Failure::UnknownGuard)?;
        let url = self.guard_url(&known)?;
        if !self.limiter.admit(client) {
            return Err(Failure::Busy);
        }
        // Whoever does not say may send a large one.
        let large = length.is_none_or(|length| length > SMALL);
        let longest = if large { MAX_PACKET_SIZE } else { SMALL };
        let mut slot = self.slot(client, large).ok_or(Failure::Busy)?;
        let _permit = self.under_way.try_acquire().map_err(|_| Failure::Busy)?;
        let packet = whole(packet, None, longest, BODY_TIME)
            .await
            .map_err(|error| match error {
                BodyError::TooLarge => Failure::TooLarge,
                // Nothing is said against the guard.
                BodyError::TooSlow | BodyError::BrokenOff => Failure::Busy,
            })?;
        let answer = self
            .guards
            .post(
                &url,
                "application/octet-stream",
                packet,
                MAX_ANSWER,
                GUARD_TIMEOUT,
            )
            .await
            .map_err(|error| match error {
                CallError::Forbidden => Failure::UnknownGuard,
                CallError::Unreachable => Failure::GuardConnect,
                CallError::Tls => Failure::GuardTls,
                CallError::Timeout => Failure::GuardTimeout,
                CallError::TooLarge => Failure::AnswerTooLarge,
            })?;
        // A file comes as the answer to a small packet.
        if answer.body.len() > SMALL && !slot.grow() {
            return Err(Failure::Busy);
        }
        let held = Held {
            body: answer.body,
            _slot: slot,
        };
        Ok((answer.status, Bytes::from_owner(held)))
    }
}

impl Gateway {
    /// A gateway in front of the nodes of a list.
    pub fn new(options: Options, list: ListWatch, clock: Arc<dyn Clock>) -> Result<Self, TlsError> {
        Ok(Self {
            inner: Arc::new(Inner {
                guards: HttpClient::new(client_unverified()?, options.local_network),
                limiter: RateLimiter::new(options.rate),
                options,
                list,
                clock,
                under_way: Semaphore::new(MAX_UNDER_WAY),
                clients: Mutex::new(HashMap::new()),
                rendered: Mutex::new(None),
                relayed: Counter::default(),
                refused: Counter::default(),
                failed: Counter::default(),
            }),
        })
    }

    /// The gateway's paths: `/v1/…`, `/health` and `/metrics`.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/v1/nodes", get(nodes).options(preflight))
            .route("/v1/onion/{guard}", post(onion).options(preflight))
            .route("/health", get(health))
            .route("/metrics", get(render))
            .with_state(self.clone())
    }
}

fn respond(status: StatusCode, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    for (name, value) in CORS {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn preflight() -> Response<Body> {
    respond(StatusCode::NO_CONTENT, Body::empty())
}

async fn health(State(gateway): State<Gateway>) -> (StatusCode, &'static str) {
    if gateway.inner.list.borrow().nodes().is_empty() {
        (StatusCode::SERVICE_UNAVAILABLE, "no node list yet")
    } else {
        (StatusCode::OK, "ready")
    }
}

async fn nodes(State(gateway): State<Gateway>, request: Request) -> Response<Body> {
    // The list is some hundred kilobytes.
    if !gateway.inner.limiter.admit(client_of(request.extensions())) {
        gateway.inner.refused.add_one();
        return refuse(Failure::Busy);
    }
    let list = gateway.inner.list.borrow().clone();
    if list.nodes().is_empty() {
        return respond(StatusCode::SERVICE_UNAVAILABLE, "no node list yet");
    }
    let (json, tag) = gateway.inner.render(&list);
    let known = request
        .headers()
        .get(header::IF_NONE_MATCH)
        .is_some_and(|value| value.as_bytes() == tag.as_bytes());
    let mut response = if known {
        respond(StatusCode::NOT_MODIFIED, Body::empty())
    } else {
        respond(StatusCode::OK, json)
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

async fn onion(
    State(gateway): State<Gateway>,
    Path(guard): Path<String>,
    request: Request,
) -> Response<Body> {
    let client = client_of(request.extensions());
    let inner = &gateway.inner;
    let length = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    match inner.relay(&guard, client, length, request.into_body()).await {
        Ok((status, body)) => {
            inner.relayed.add_one();
            let mut response = respond(StatusCode::OK, body);
            let headers = response.headers_mut();
            headers.insert(X_GUARD_STATUS, HeaderValue::from(status));
            headers.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/octet-stream"),
            );
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err(failure) => {
            match failure {
                Failure::UnknownGuard | Failure::TooLarge | Failure::Busy => inner.refused.add_one(),
                Failure::GuardConnect
                | Failure::GuardTls
                | Failure::GuardTimeout
                | Failure::AnswerTooLarge => inner.failed.add_one(),
            }
            refuse(failure)
        }
    }
}

fn refuse(failure: Failure) -> Response<Body> {
    let mut response = respond(failure.status(), failure.name());
    response
        .headers_mut()
        .insert(X_GATEWAY_ERROR, HeaderValue::from_static(failure.name()));
    response
}

async fn render(State(gateway): State<Gateway>) -> ([(HeaderName, &'static str); 1], String) {
    let inner = &gateway.inner;
    let mut text = Text::default();
    let under_way = u64::try_from(MAX_UNDER_WAY - inner.under_way.available_permits()).unwrap_or(0);
    let nodes = u64::try_from(inner.list.borrow().nodes().len()).unwrap_or(u64::MAX);
    text.counter(
        "holdfast_gateway_relayed_total",
        "Packets carried to a guard.",
        inner.relayed.get(),
    )
    .counter(
        "holdfast_gateway_refused_total",
        "Packets and lists refused.",
        inner.refused.get(),
    )
    .counter(
        "holdfast_gateway_failed_total",
        "Packets whose guard failed.",
        inner.failed.get(),
    )
    .gauge("holdfast_gateway_under_way", "Packets under way.", under_way)
    .gauge("holdfast_gateway_nodes", "Nodes in the list.", nodes);
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text.finish())
}

#[cfg(test)]
mod tests;
