//! Serves the app: files of one folder, with a strict policy, the right cache life, and compressed where a compressed
//! copy lies beside the file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Method, Response, StatusCode};
use futures::StreamExt as _;

use crate::embed::{self, EmbedOrigin};
use crate::kiosk::{self, KioskSite};

/// What a page may do; which texts may become markup or scripts it says itself (`static/boot.js`). For one page
/// `frame-ancestors` gains the origins of others.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
     img-src 'self' data: blob:; media-src blob:; font-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types default; connect-src 'self'";
/// What [`POLICY`] says of who may show a page in a frame.
const UNFRAMED: &str = "frame-ancestors 'none'";
/// Headers of every answer beside the policy.
const FIXED: [(&str, &str); 5] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "microphone=(self), camera=(self), geolocation=(), payment=(), usb=(), interest-cohort=()",
    ),
];
/// Where the app's manifest has browsers post what is shared with it. The app's service worker takes that before it leaves
/// the device; here it arrives where a browser has lost that worker.
const SHARE: &str = "/share";
/// Then the app says that it has to be shared again.
const SHARE_LOST: &str = "/?share=lost";
/// So much of what was shared is thrown away before the connection is cut, bytes: a browser that is still sending shows an
/// error in place of our answer. Six files of the largest size that can be sent.
const MAX_SHARE: usize = 64 * 1024 * 1024;
/// So long that takes at most.
const SHARE_TIME: Duration = Duration::from_secs(60);
/// The app's one page.
const PAGE: &str = "/index.html";
/// Where the app reads which network it belongs to.
pub const NETWORK: &str = "/networks/default.json";
/// What a page is sent as.
const HTML: &str = "text/html; charset=utf-8";
/// Has a browser forget what it keeps of a site.
const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");
/// A file whose name holds its hash never changes.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// Others are asked about each time.
const ASK: &str = "no-cache";
/// A kiosk's page and what is allowed there: no browser keeps them, or goes back to them.
const NEVER: &str = "no-store";
/// Compressed copies by preference: name in `Accept-Encoding`, ending.
const ENCODINGS: [(&str, &str); 2] = [("br", "br"), ("gzip", "gz")];
/// Hex digits that make a name's part a hash.
const HASH_DIGITS: usize = 8;

/// The site's files.
#[derive(Clone)]
pub struct Site {
    inner: Arc<Inner>,
}

struct Inner {
    folder: PathBuf,
    /// The policy of the page that others may frame; `None` when nobody may.
    framed: Option<HeaderValue>,
    /// What the server says itself, by address: the folder is not asked for it.
    own: Vec<(&'static str, Bytes)>,
    kiosk: Option<KioskSite>,
}

impl Site {
    /// The files of a folder. `network` is what the app reads at [`NETWORK`] in place of the folder's, `embedders` are the
    /// origins of the pages that may show the chat in a frame, `kiosk` is what is allowed where the site is a kiosk, which
    /// nobody may frame.
    pub fn new(
        folder: &Path,
        network: Option<Bytes>,
        embedders: &[EmbedOrigin],
        kiosk: Option<KioskSite>,
    ) -> Self {
        let embedders = if kiosk.is_some() { &[] } else { embedders };
        let ancestors = format!("frame-ancestors {}", embed::ancestors(embedders));
        let framed = HeaderValue::from_str(&POLICY.replacen(UNFRAMED, &ancestors, 1)).ok();
        let mut own: Vec<_> = network.map(|network| (NETWORK, network)).into_iter().collect();
        // The app is told what the header says, and nothing else.
        own.push((embed::LIST, embed::list(embedders)));
        Self {
            inner: Arc::new(Inner {
                folder: folder.to_owned(),
                framed: framed.filter(|_| !embedders.is_empty()),
                own,
                kiosk,
            }),
        }
    }

    /// The site as the fallback of a router.
    pub fn router(&self) -> Router {
        Router::new().fallback(serve).with_state(self.clone())
    }

    /// Says what browsers may do with the answer.
    fn protect(&self, path: &str, headers: &mut HeaderMap) {
        for (name, value) in FIXED {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        if path == embed::SCRIPT {
            // Pages of others load it, also those that isolate themselves or check its hash.
            let everyone = HeaderValue::from_static("cross-origin");
            headers.insert(HeaderName::from_static("cross-origin-resource-policy"), everyone);
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        }
        let policy = match &self.inner.framed {
            Some(framed) if path == embed::PAGE => framed.clone(),
            _ => {
                // The policy says the same to every browser of today.
                headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
                HeaderValue::from_static(POLICY)
            }
        };
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }

    async fn find(&self, path: &str, headers: &HeaderMap) -> Option<Found> {
        if let Some((name, bytes)) = self.inner.own.iter().find(|(name, _)| *name == path) {
            return Some(Found::new(name, bytes.clone(), None));
        }
        if path == kiosk::ADDRESS || path == kiosk::LOGO_ADDRESS {
            // A file of that name in the folder is nobody's word.
            let (kind, bytes) = self.inner.kiosk.as_ref()?.at(path)?;
            return Some(Found::never_kept(kind, bytes));
        }
        let relative = path.strip_prefix('/').filter(|path| is_plain(path))?;
        let file = self.inner.folder.join(relative);
        if self.inner.kiosk.is_some() && content_type(relative) == HTML {
            let page = tokio::fs::read(&file).await.ok()?;
            return Some(Found::never_kept(HTML, kiosk::marked(&page)?));
        }
        for (name, ending) in ENCODINGS {
            if accepts(headers, name) {
                let mut packed = file.clone().into_os_string();
                packed.push(".");
                packed.push(ending);
                if let Ok(bytes) = tokio::fs::read(&packed).await {
                    return Some(Found::new(relative, bytes.into(), Some(name)));
                }
            }
        }
        let bytes = tokio::fs::read(&file).await.ok()?;
        Some(Found::new(relative, bytes.into(), None))
    }
}

struct Found {
    kind: &'static str,
    cache: &'static str,
    encoding: Option<&'static str>,
    bytes: Bytes,
}

impl Found {
    fn new(name: &str, bytes: Bytes, encoding: Option<&'static str>) -> Self {
        Self {
            kind: content_type(name),
            cache: if has_hash(name) { FOREVER } else { ASK },
            encoding,
            bytes,
        }
    }

    fn never_kept(kind: &'static str, bytes: Bytes) -> Self {
        Self {
            kind,
            cache: NEVER,
            encoding: None,
            bytes,
        }
    }
}

async fn serve(State(site): State<Site>, request: Request) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    site.protect(request.uri().path(), response.headers_mut());
    let headers = response.headers_mut();
    if request.method() == Method::POST && request.uri().path() == SHARE {
        headers.insert(header::LOCATION, HeaderValue::from_static(SHARE_LOST));
        *response.status_mut() = StatusCode::SEE_OTHER;
        // Too slow, too much, broken off: the answer is the same.
        let _ = tokio::time::timeout(SHARE_TIME, throw_away(request.into_body())).await;
        return response;
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        return response;
    }
    let path = request.uri().path();
    if path == kiosk::END_ADDRESS && site.inner.kiosk.is_some() {
        headers.insert(header::LOCATION, HeaderValue::from_static("/"));
        headers.insert(CLEAR_SITE_DATA, HeaderValue::from_static(kiosk::FORGET));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(NEVER));
        *response.status_mut() = StatusCode::SEE_OTHER;
        return response;
    }
    let wanted = if path == "/" { PAGE } else { path };
    let mut found = site.find(wanted, request.headers()).await;
    if found.is_none() && is_page(path) && path != kiosk::LOGO_ADDRESS {
        // The app has one page and shows itself at any address.
        found = site.find(PAGE, request.headers()).await;
    }
    let Some(found) = found else {
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    };
    let digest = blake2b_simd::Params::new().hash_length(16).hash(&found.bytes);
    let tag = format!("\"{}\"", digest.to_hex());
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(found.cache));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(value) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, value);
    }
    let known = request
        .headers()
        .get(header::IF_NONE_MATCH)
        .and_then(|v| v.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|k| k.trim().trim_start_matches("W/") == tag)) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(found.kind));
    if let Some(encoding) = found.encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(found.bytes.len()));
    if request.method() == Method::GET {
        *response.body_mut() = Body::from(found.bytes);
    }
    response
}

/// Reads a body to its end or to [`MAX_SHARE`], and keeps nothing of it.
async fn throw_away(body: Body) {
    let (mut body, mut bytes) = (body.into_data_stream(), 0);
    while let Some(Ok(piece)) = body.next().await {
        bytes += piece.len();
        if bytes > MAX_SHARE {
            return;
        }
    }
}

/// Whether a path stays inside of the site's folder and means the same everywhere: plain names only, none hidden.
pub(crate) fn is_plain(path: &str) -> bool {
    let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    path.split('/')
        .all(|part| !part.is_empty() && !part.starts_with('.') && part.bytes().all(letter))
}

/// Whether an address looks like a page rather than a missing file.
fn is_page(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|last| !last.contains('.'))
}

/// Whether a coding is accepted; `;q=0` refuses it.
fn accepts(headers: &HeaderMap, coding: &str) -> bool {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|item| {
            let (name, quality) = item.split_once(';').unwrap_or((item, ""));
            let refused = quality
                .trim()
                .strip_prefix("q=")
                .is_some_and(|q| q.parse() == Ok(0.0_f32));
            name.trim().eq_ignore_ascii_case(coding) && !refused
        })
}

/// Whether a part of the file's name is a hash, as Trunk writes them.
fn has_hash(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    file.split(['-', '_', '.']).any(|part| {
        part.len() >= HASH_DIGITS
            && part
                .bytes()
                .all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())
    })
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or("") {
        "html" => HTML,
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests;
