//! A helper that looks at links: it fetches the page that somebody wants to send a link to, and says its title and picture.
//!
//! Requests come inside onions only, so that it never learns who asks, and the site that it visits sees nothing but this
//! server. It keeps nothing: no cache, no log of links, and its counters name none.

mod fetch;
mod page;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use axum::Router;
use axum::body::Body as HttpBody;
use axum::extract::{Request, State};
use holdfast_protocol::file::lookup;
use holdfast_protocol::keys::{Ed25519KeyPair, Ed25519PublicKey, X25519SecretKey};
use holdfast_protocol::onion::v4::{self, V4Reply, V4Request};
use holdfast_protocol::onion::{LayerKey, open_server_request, seal_v4_reply};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use tokio::sync::Semaphore;

use crate::metrics::{self, Counter, Text};
use crate::net::body::whole;
use crate::net::client::HttpClient;
use crate::net::tls;
use fetch::{Hosts, Refusal};

/// Links that are looked at at once. Each holds a page's beginning and a picture in memory: some 100 MB in all.
const MAX_LOOKS: usize = 64;
/// Longest packet that is opened, bytes: a request, and what the layers around it add.
const MAX_PACKET: usize = lookup::MAX_REQUEST + 2_048;
/// How long a relay may take to send it.
const PACKET_TIME: Duration = Duration::from_secs(10);
/// How long everything may take. What comes later no relay waits for (spec/03-network.md §4.9).
const LOOK_TIME: Duration = Duration::from_secs(15);

/// How the helper runs.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Addresses of one's own network may be visited, at any port, not only those of the internet.
    pub local_network: bool,
    /// Certificates that are trusted in place of the web's, PEM: for a network without internet.
    pub authorities: Option<std::path::PathBuf>,
}

/// What the helper counts.
#[derive(Debug, Default)]
struct Metrics {
    shown: Counter,
    blank: Counter,
    unreachable: Counter,
    refused: Counter,
    limited: Counter,
}

struct Inner {
    public: Ed25519PublicKey,
    onion_secret: X25519SecretKey,
    client: HttpClient,
    local_network: bool,
    hosts: Hosts,
    looks: Semaphore,
    metrics: Metrics,
}

/// A helper that looks at links. Cloning shares it.
#[derive(Clone)]
pub struct Previews {
    inner: Arc<Inner>,
}

impl Previews {
    /// A helper with this key.
    ///
    /// # Errors
    /// The certificates of [`Options::authorities`] can't be used.
    pub fn new(keys: &Ed25519KeyPair, options: Options) -> Result<Self, tls::TlsError> {
        let tls = tls::client_verified(options.authorities.as_deref().map(Path::new))?;
        Ok(Self {
            inner: Arc::new(Inner {
                public: keys.public(),
                onion_secret: keys.x25519(),
                client: HttpClient::new(tls, options.local_network),
                local_network: options.local_network,
                hosts: Hosts::default(),
                looks: Semaphore::new(MAX_LOOKS),
                metrics: Metrics::default(),
            }),
        })
    }

    /// Its identity, which the app's network profile names.
    pub fn public(&self) -> Ed25519PublicKey {
        self.inner.public
    }

    /// The router that serves it on sockets.
    pub fn router(self) -> Router {
        Router::new().fallback(serve).with_state(self)
    }
}

async fn serve(State(previews): State<Previews>, request: Request) -> Response<HttpBody> {
    let inner = &previews.inner;
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/health") => respond(StatusCode::OK, "text/plain", "ready".into()),
        (&Method::GET, "/metrics") => respond(StatusCode::OK, metrics::CONTENT_TYPE, render(inner).into()),
        (&Method::POST, v4::TARGET) => match onion(inner, request).await {
            Some(sealed) => respond(StatusCode::OK, "application/octet-stream", sealed.into()),
            None => respond(StatusCode::BAD_REQUEST, "text/plain", HttpBody::empty()),
        },
        _ => respond(StatusCode::NOT_FOUND, "text/plain", HttpBody::empty()),
    }
}

fn respond(status: StatusCode, kind: &'static str, body: HttpBody) -> Response<HttpBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// The sealed answer to an onion request; nothing if it can't be opened, for then there is no key to seal with.
async fn onion(inner: &Inner, request: Request) -> Option<Vec<u8>> {
    let packet = whole(request.into_body(), None, MAX_PACKET, PACKET_TIME)
        .await
        .ok()?;
    let opened = open_server_request(&inner.onion_secret, &packet).ok()?;
    let answer = answer(inner, &opened.plain).await;
    let m = &inner.metrics;
    let reply = match answer {
        Ok(page) => match page.to_answer() {
            Ok(body) if page != lookup::Page::default() => {
                m.shown.add_one();
                reply(200, body)
            }
            _ => {
                m.blank.add_one();
                reply(404, Vec::new())
            }
        },
        Err(refusal) => {
            match refusal {
                Refusal::Malformed | Refusal::Forbidden => m.refused.add_one(),
                Refusal::Busy => m.limited.add_one(),
                Refusal::Unreachable => m.unreachable.add_one(),
            }
            reply(refusal.status(), Vec::new())
        }
    };
    seal(&opened.reply_key, &reply)
}

async fn answer(inner: &Inner, plain: &[u8]) -> Result<lookup::Page, Refusal> {
    let request = V4Request::decode(plain).map_err(|_| Refusal::Malformed)?;
    if request.method != "POST" || request.endpoint != lookup::PATH {
        return Err(Refusal::Malformed);
    }
    let url = lookup::read_request(&request.body.unwrap_or_default()).map_err(|_| Refusal::Malformed)?;
    let _slot = inner.looks.try_acquire().map_err(|_| Refusal::Busy)?;
    tokio::time::timeout(LOOK_TIME, look(inner, &url))
        .await
        .unwrap_or(Err(Refusal::Unreachable))
}

/// Fetches the page, and the picture that it names. A picture that does not come takes nothing from the title.
async fn look(inner: &Inner, url: &str) -> Result<lookup::Page, Refusal> {
    let got = inner.page(url).await?;
    if page::is_picture(&got.bytes) {
        return Ok(lookup::Page {
            title: None,
            image: (got.whole && got.bytes.len() <= lookup::MAX_IMAGE).then(|| got.bytes.to_vec()),
        });
    }
    let found = page::read(&got.bytes, got.content_type.as_deref());
    let image = match found.image.as_deref().and_then(|image| got.url.join(image).ok()) {
        Some(address) => inner.picture(&address).await.ok(),
        None => None,
    };
    Ok(lookup::Page {
        title: found.title,
        image,
    })
}

fn reply(code: u16, body: Vec<u8>) -> V4Reply {
    V4Reply {
        code,
        body,
        ..V4Reply::default()
    }
}

fn seal(key: &LayerKey, reply: &V4Reply) -> Option<Vec<u8>> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).ok()?;
    Some(seal_v4_reply(key, reply, &mut ChaCha20Rng::from_seed(seed)))
}

fn render(inner: &Inner) -> String {
    let m = &inner.metrics;
    let mut text = Text::default();
    for (name, help, counter) in [
        ("shown", "Links with something to show.", &m.shown),
        ("blank", "Links with nothing to show.", &m.blank),
        ("unreachable", "Links to what did not answer.", &m.unreachable),
        (
            "refused",
            "Requests refused for their form or their address.",
            &m.refused,
        ),
        ("rate_limited", "Requests over a limit.", &m.limited),
    ] {
        text.counter(&format!("holdfast_previews_{name}_total"), help, counter.get());
    }
    text.finish()
}

#[cfg(test)]
mod tests;
