//! The node's HTTP surface: paths, limits, CORS (spec/03-network.md §7.1, §8.5), and the router for sockets.

use std::net::IpAddr;
use std::sync::Arc;

use ::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::Router;
use axum::body::Body as HttpBody;
use axum::extract::{Request as HttpRequest, State};
use bytes::Bytes;
use holdfast_protocol::swarm::MAX_BODY_SIZE;
use holdfast_protocol::swarm::request::Request;

use super::reply::{Body, Reply};
use super::{Inner, Response, StorageNode, db, member, onion, service, sync};
use crate::metrics::{self, Text};
use crate::net::body::{BODY_TIME, whole};
use crate::net::proxies::client_of;
use crate::peer::links::{decode_forwards, encode_replies};
use crate::peer::transport::MAX_PEER_MESSAGE;
use crate::peer::{Call, PEER_PATH};
use crate::registry::STORAGE_VERSION;

/// What any page may do with a node: post packets and read the answers.
const CORS: [(&str, &str); 4] = [
    ("access-control-allow-origin", "*"),
    ("access-control-allow-methods", "GET, POST, OPTIONS"),
    ("access-control-allow-headers", "content-type"),
    ("access-control-max-age", "86400"),
];
/// Operations that one exchange between members may hold.
const MAX_FORWARDS: usize = 4_096;

/// The router that serves a node on sockets.
pub fn router(node: StorageNode) -> Router {
    Router::new().fallback(serve).with_state(node)
}

async fn serve(State(node): State<StorageNode>, request: HttpRequest) -> ::http::Response<HttpBody> {
    let (parts, body) = request.into_parts();
    let peer = client_of(&parts.extensions);
    let limit = if parts.uri.path() == PEER_PATH {
        MAX_PEER_MESSAGE
    } else {
        MAX_BODY_SIZE
    };
    let (inner, method, path) = (&node.inner, &parts.method, parts.uri.path());
    // Before ten megabytes are taken in that nobody asked for.
    if !admits(inner, method, path, peer) {
        return too_many(inner).into_http();
    }
    let response = match whole(body, None, limit, BODY_TIME).await {
        Ok(body) => answer(inner, method, path, body).await,
        Err(error) => Response::text(error.status().as_u16(), error.to_string()),
    };
    response.into_http()
}

impl Response {
    /// A plain text with CORS headers.
    fn text(status: u16, text: impl Into<Bytes>) -> Self {
        Self::new(status, "text/plain; charset=utf-8", text.into())
    }

    fn new(status: u16, content_type: &str, body: Bytes) -> Self {
        Self {
            status,
            headers: vec![
                ("content-type", content_type.to_owned()),
                (CORS[0].0, CORS[0].1.to_owned()),
            ],
            body,
        }
    }

    fn into_http(self) -> ::http::Response<HttpBody> {
        let mut response = ::http::Response::new(HttpBody::from(self.body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response
                    .headers_mut()
                    .insert(HeaderName::from_static(name), value);
            }
        }
        response.headers_mut().insert(
            header::SERVER,
            HeaderValue::from_static(concat!("Holdfast/", env!("CARGO_PKG_VERSION"))),
        );
        response
    }
}

impl From<Reply> for Response {
    fn from(reply: Reply) -> Self {
        match reply.body {
            Body::Json(json) => Self::new(reply.code, "application/json", json.into()),
            Body::Text(text) => Self::text(reply.code, text.into_owned()),
            Body::Binary(bytes) => Self::new(reply.code, "application/octet-stream", bytes.into()),
        }
    }
}

/// Serves one exchange.
pub(super) async fn handle(
    inner: &Arc<Inner>,
    method: &Method,
    path: &str,
    body: Bytes,
    peer: IpAddr,
) -> Response {
    if admits(inner, method, path, peer) {
        answer(inner, method, path, body).await
    } else {
        too_many(inner)
    }
}

/// Whether a client's address has not asked for too much; counts what it asks for now.
fn admits(inner: &Inner, method: &Method, path: &str, peer: IpAddr) -> bool {
    match (method, path) {
        (&Method::POST, "/storage_rpc/v1") => inner.limiter.admit(peer),
        // Nodes relay for many.
        (&Method::POST, "/onion_req/v2") => {
            inner.list.borrow().has_node_at(peer) || inner.onion_limiter.admit(peer)
        }
        _ => true,
    }
}

async fn answer(inner: &Arc<Inner>, method: &Method, path: &str, body: Bytes) -> Response {
    match (method, path) {
        (&Method::OPTIONS, _) => Response {
            status: 204,
            headers: CORS
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect(),
            body: Bytes::new(),
        },
        (&Method::POST, "/storage_rpc/v1") => direct(inner, &body).await,
        (&Method::POST, "/onion_req/v2") => guard(inner, &body).await,
        (&Method::POST, PEER_PATH) => from_node(inner, body).await,
        (&Method::POST, "/ping_test/v1") => {
            let mut response = Response::text(200, "pong");
            let key = data_encoding::BASE64.encode(inner.public.as_bytes());
            response.headers.push(("x-oxen-snode-pubkey", key));
            response
        }
        (&Method::GET, "/get_stats/v1") => {
            let [a, b, c] = STORAGE_VERSION;
            Response::new(
                200,
                "application/json",
                format!("{{\"version\":\"{a}.{b}.{c}\"}}").into(),
            )
        }
        (&Method::GET, "/health") => match inner.not_ready() {
            None => Response::text(200, "ready"),
            Some(reason) => Response::text(503, not_ready_text(reason)),
        },
        (&Method::GET, "/metrics") => Response::new(200, metrics::CONTENT_TYPE, render(inner).into()),
        _ => Response::text(404, format!("{method} {path} Not Found")),
    }
}

fn not_ready_text(reason: &str) -> String {
    format!("Service node is not ready: {reason}\n")
}

fn too_many(inner: &Inner) -> Response {
    inner.metrics.limited.add_one();
    Response::text(429, "Too Many Requests")
}

async fn direct(inner: &Arc<Inner>, body: &[u8]) -> Response {
    if body.len() > MAX_BODY_SIZE {
        return Response::text(413, "request body too large");
    }
    if let Some(reason) = inner.not_ready() {
        return Response::text(503, not_ready_text(reason));
    }
    inner.metrics.requests.add_one();
    match Request::from_json(body) {
        Ok(request) => service::run(inner, request).await.into(),
        Err(refusal) => Reply::from(refusal).into(),
    }
}

async fn guard(inner: &Arc<Inner>, body: &[u8]) -> Response {
    if body.len() > MAX_BODY_SIZE {
        return Response::text(413, "request body too large");
    }
    if let Some(reason) = inner.not_ready() {
        return Response::text(503, not_ready_text(reason));
    }
    let Ok(_slot) = inner.onions.try_acquire() else {
        return Response::text(503, "Server busy, try again later");
    };
    let reply = onion::at_guard(inner, body).await;
    Response::text(reply.code, reply.body)
}

/// A sealed request of another node.
async fn from_node(inner: &Arc<Inner>, message: Bytes) -> Response {
    let list = inner.list();
    let opened = match inner.channel.open(message, inner.now(), |key| {
        list.get(key).is_some_and(|node| node.active)
    }) {
        Ok(opened) => opened,
        Err(error) => {
            tracing::debug!(%error, "a message between nodes was refused");
            return Response::text(403, "not a known node");
        }
    };
    inner.links.heard(&opened.sender);
    let sender_swarm = list.get(&opened.sender).map(|node| node.swarm);
    let same_swarm = sender_swarm.is_some() && sender_swarm == inner.swarm(&list);
    let body = opened.body.clone();
    let reply = match opened.call {
        Call::Onion => Some(onion::at_relay(inner, &body).await),
        _ if inner.not_ready().is_some() => return Response::text(503, not_ready_text("not in a swarm")),
        Call::Operations if same_swarm => match decode_forwards(body) {
            Ok(batch) if batch.len() <= MAX_FORWARDS => {
                Some(encode_replies(&member::run_forwarded(inner, batch).await))
            }
            _ => None,
        },
        Call::Digests if same_swarm => sync::digests(inner, body),
        Call::States if same_swarm => sync::states(inner, body),
        Call::Fetch if same_swarm => sync::fetch(inner, body),
        Call::Wanted => sync::wanted(inner, body),
        Call::Deliver => sync::deliver(inner, body).await,
        Call::Operations | Call::Digests | Call::States | Call::Fetch => {
            return Response::text(421, "not our swarm");
        }
    };
    match reply.map(|reply| inner.channel.seal_reply(&opened, &reply)) {
        Some(Ok(sealed)) => Response::new(200, "application/octet-stream", sealed),
        _ => Response::text(400, "malformed message"),
    }
}

fn render(inner: &Inner) -> String {
    let mut text = Text::default();
    let m = &inner.metrics;
    text.counter(
        "holdfast_requests_total",
        "Storage requests answered.",
        m.requests.get(),
    )
    .counter(
        "holdfast_onion_requests_total",
        "Onion layers taken off.",
        m.onion.get(),
    )
    .counter(
        "holdfast_onion_relayed_total",
        "Onion requests passed on.",
        m.relayed.get(),
    )
    .counter(
        "holdfast_messages_stored_total",
        "New messages stored.",
        m.stored.get(),
    )
    .counter(
        "holdfast_messages_retrieved_total",
        "Messages given to clients.",
        m.retrieved.get(),
    )
    .counter(
        "holdfast_rate_limited_total",
        "Requests over the rate limit.",
        m.limited.get(),
    )
    .counter(
        "holdfast_forward_failures_total",
        "Operations a member missed.",
        m.forward_failures.get(),
    )
    .counter(
        "holdfast_resent_total",
        "Operations sent to a member later.",
        m.resent.get(),
    )
    .counter(
        "holdfast_adopted_total",
        "Messages learnt from other members.",
        m.adopted.get(),
    )
    .counter(
        "holdfast_handed_over_total",
        "Messages given to other swarms.",
        m.handed_over.get(),
    );
    let waiting = u64::try_from(inner.waiters.count()).unwrap_or(u64::MAX);
    text.gauge(
        "holdfast_waiting_accounts",
        "Accounts with a waiting client.",
        waiting,
    );
    if let (Ok(count), Ok(size)) = (inner.db.read(db::count), inner.db.size()) {
        text.gauge("holdfast_messages", "Messages stored.", count).gauge(
            "holdfast_database_bytes",
            "Size of the database.",
            size,
        );
    }
    text.finish()
}
