//! Serves the app: files of one folder, with a strict policy, the right cache life, and compressed where a compressed
//! copy lies beside the file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Method, Response, StatusCode};
use futures::StreamExt as _;

use crate::embed::{self, EmbedOrigin};
use crate::kiosk::{self, KioskSite};

/// What a page may do. `connect-src` gains the operator's addresses, and for one page `frame-ancestors` those of others.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
     img-src 'self' data: blob:; media-src blob:; font-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'; connect-src 'self'";
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
/// error in place of our answer.
const MAX_SHARE: usize = 256 * 1024 * 1024;
/// The app's one page.
const PAGE: &str = "/index.html";
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
    policy: HeaderValue,
    /// The policy of the page that others may frame; `None` when nobody may.
    framed: Option<HeaderValue>,
    overrides: Vec<(String, Bytes)>,
    kiosk: Option<KioskSite>,
}

impl Site {
    /// The files of a folder; `connect` are addresses that the page may reach beside its own origin, `overrides` files
    /// that replace those of the folder (`/networks/default.json`), `embedders` the origins of the pages that may show the
    /// chat in a frame, `kiosk` what is allowed where the site is a kiosk, which nobody may frame.
    pub fn new(
        folder: &Path,
        connect: &[String],
        mut overrides: Vec<(String, Bytes)>,
        embedders: &[EmbedOrigin],
        kiosk: Option<KioskSite>,
    ) -> Self {
        let mut policy = POLICY.to_owned();
        for address in connect {
            // A source list ends at a blank or semicolon; anything odd would widen the policy.
            if address
                .bytes()
                .all(|b| b.is_ascii_graphic() && b != b';' && b != b',')
            {
                policy.push(' ');
                policy.push_str(address);
            }
        }
        let embedders = if kiosk.is_some() { &[] } else { embedders };
        // The app is told what the header says, and nothing else.
        overrides.push((embed::LIST.to_owned(), embed::list(embedders)));
        let framed = policy.replacen(
            UNFRAMED,
            &format!("frame-ancestors {}", embed::ancestors(embedders)),
            1,
        );
        Self {
            inner: Arc::new(Inner {
                folder: folder.to_owned(),
                framed: HeaderValue::from_str(&framed)
                    .ok()
                    .filter(|_| !embedders.is_empty()),
                policy: HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static(POLICY)),
                overrides,
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
            Some(framed) if path == embed::PAGE => framed,
            _ => {
                // The policy says the same to every browser of today.
                headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
                &self.inner.policy
            }
        };
        headers.insert(header::CONTENT_SECURITY_POLICY, policy.clone());
    }

    async fn find(&self, path: &str, headers: &HeaderMap) -> Option<Found> {
        if let Some((name, bytes)) = self.inner.overrides.iter().find(|(name, _)| name == path) {
            return Some(Found::new(name, bytes.clone(), None));
        }
        if self.inner.kiosk.is_some() && matches!(path, PAGE | embed::PAGE) {
            let page = tokio::fs::read(self.inner.folder.join(path.trim_start_matches('/')))
                .await
                .ok()?;
            return Some(Found::never_kept(content_type(PAGE), kiosk::marked(&page)?));
        }
        if path == kiosk::ADDRESS || path == kiosk::LOGO_ADDRESS {
            // A file of that name in the folder is nobody's word.
            let (kind, bytes) = self.inner.kiosk.as_ref()?.at(path)?;
            return Some(Found::never_kept(kind, bytes));
        }
        let relative = safe_path(path)?;
        let file = self.inner.folder.join(&relative);
        for (name, ending) in ENCODINGS {
            if accepts(headers, name) {
                let mut packed = file.clone().into_os_string();
                packed.push(".");
                packed.push(ending);
                if let Ok(bytes) = tokio::fs::read(&packed).await {
                    return Some(Found::new(&relative, bytes.into(), Some(name)));
                }
            }
        }
        let bytes = tokio::fs::read(&file).await.ok()?;
        Some(Found::new(&relative, bytes.into(), None))
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
        throw_away(request.into_body()).await;
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

/// Reads a body to its end and keeps nothing of it.
async fn throw_away(body: Body) {
    let (mut body, mut bytes) = (body.into_data_stream(), 0);
    while let Some(Ok(piece)) = body.next().await {
        bytes += piece.len();
        if bytes > MAX_SHARE {
            return;
        }
    }
}

/// A path inside the folder: plain names only, none hidden, none that leads out.
fn safe_path(path: &str) -> Option<String> {
    let relative = path.strip_prefix('/')?;
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
    };
    relative.split('/').all(plain).then(|| relative.to_owned())
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
        "html" => "text/html; charset=utf-8",
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
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    fn site() -> (Site, PathBuf) {
        let folder = crate::files::temporary_folder("site");
        std::fs::create_dir(folder.join("networks")).unwrap();
        std::fs::write(folder.join("index.html"), "<html>").unwrap();
        std::fs::write(folder.join("app-0123456789abcdef.js"), "js").unwrap();
        std::fs::write(folder.join("app-0123456789abcdef.js.br"), "packed").unwrap();
        std::fs::write(folder.join(".secret"), "no").unwrap();
        std::fs::write(folder.join("networks/default.json"), "{}").unwrap();
        let default = (
            "/networks/default.json".to_owned(),
            Bytes::from_static(b"{\"name\":\"local\"}"),
        );
        (
            Site::new(
                &folder,
                &["http://127.0.0.1:1".to_owned(), "bad; x".to_owned()],
                vec![default],
                &[],
                None,
            ),
            folder,
        )
    }

    async fn ask(site: &Site, path: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, Vec<u8>) {
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = site
            .router()
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        let (parts, body) = response.into_parts();
        (
            parts.status,
            parts.headers,
            body.collect().await.unwrap().to_bytes().to_vec(),
        )
    }

    #[tokio::test]
    async fn files_have_their_policy_type_and_cache_life() {
        let (site, folder) = site();
        let (status, headers, body) = ask(&site, "/", &[]).await;
        assert_eq!((status, body.as_slice()), (StatusCode::OK, b"<html>".as_slice()));
        assert_eq!(headers["cache-control"], ASK);
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'")
                && policy.ends_with("connect-src 'self' http://127.0.0.1:1")
        );
        let (_, headers, _) = ask(&site, "/app-0123456789abcdef.js", &[]).await;
        assert_eq!(headers["cache-control"], FOREVER);
        assert_eq!(headers["content-type"], "text/javascript; charset=utf-8");
        let (_, _, body) = ask(&site, "/networks/default.json", &[]).await;
        assert_eq!(body, b"{\"name\":\"local\"}");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn what_is_shared_without_the_service_worker_is_thrown_away_and_the_app_says_so() {
        let (site, folder) = site();
        let post = |path: &str| {
            let request = Request::builder().method(Method::POST).uri(path);
            site.router()
                .oneshot(request.body(Body::from("a private photo")).unwrap())
        };
        let answer = post("/share").await.unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        assert_eq!(answer.headers()["location"], "/?share=lost");
        assert!(answer.headers().contains_key("content-security-policy"));
        assert_eq!(post("/").await.unwrap().status(), StatusCode::METHOD_NOT_ALLOWED);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn a_kiosk_has_its_page_marked_and_its_file_handed_out_and_nothing_of_it_is_kept() {
        let folder = crate::kiosk::tests::site();
        let file = folder.join("library.json");
        std::fs::write(folder.join("kiosk.json"), "not this one").unwrap();
        std::fs::write(folder.join("logo.png"), b"\x89PNG\r\n\x1a\n").unwrap();
        std::fs::write(&file, r#"{"version":1,"logo":"logo.png"}"#).unwrap();
        let kiosk = KioskSite::read(&file, &folder).unwrap();
        let site = Site::new(&folder, &[], Vec::new(), &[], Some(kiosk));
        for path in ["/", "/index.html", "/any/address"] {
            let (status, headers, body) = ask(&site, path, &[("accept-encoding", "br")]).await;
            let page = String::from_utf8(body).unwrap();
            assert_eq!(status, StatusCode::OK);
            assert!(page.starts_with("<html><meta name=\"kiosk\""), "{page}");
            assert_eq!(headers["cache-control"], NEVER);
        }
        let (_, headers, body) = ask(&site, "/kiosk.json", &[]).await;
        assert_eq!(body, br#"{"version":1,"logo":"logo.png"}"#);
        assert_eq!(headers["cache-control"], NEVER);
        assert_eq!(headers["content-type"], "application/json");
        let (status, headers, _) = ask(&site, "/kiosk-logo", &[]).await;
        assert_eq!(
            (status, headers["content-type"].to_str().unwrap()),
            (StatusCode::OK, "image/png")
        );
        let (status, headers, body) = ask(&site, "/end", &[]).await;
        assert_eq!((status, body.len()), (StatusCode::SEE_OTHER, 0));
        assert_eq!(headers["location"], "/");
        assert_eq!(headers["clear-site-data"], "\"cache\", \"storage\"");
        assert_eq!(headers["cache-control"], NEVER);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn a_site_that_is_no_kiosk_has_none_of_a_kiosks_addresses() {
        let folder = crate::kiosk::tests::site();
        std::fs::write(folder.join("kiosk.json"), "{}").unwrap();
        let site = Site::new(&folder, &[], Vec::new(), &[], None);
        let (_, headers, body) = ask(&site, "/", &[]).await;
        assert_eq!(body, b"<html><meta charset=utf-8><title>x</title></html>");
        assert_eq!(headers["cache-control"], ASK);
        assert_eq!(ask(&site, "/kiosk.json", &[]).await.0, StatusCode::NOT_FOUND);
        assert_eq!(ask(&site, "/kiosk-logo", &[]).await.0, StatusCode::NOT_FOUND);
        let (status, headers, _) = ask(&site, "/end", &[]).await;
        assert_eq!(status, StatusCode::OK, "an address of the app like any other");
        assert!(!headers.contains_key("clear-site-data"));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn the_manifest_and_the_service_worker_are_looked_for_each_time() {
        let (site, folder) = site();
        for (name, kind) in [
            ("holdfast.webmanifest", "application/manifest+json"),
            ("service-worker.js", "text/javascript; charset=utf-8"),
        ] {
            std::fs::write(folder.join(name), "{}").unwrap();
            let (status, headers, _) = ask(&site, &format!("/{name}"), &[]).await;
            assert_eq!(status, StatusCode::OK);
            assert_eq!(headers["content-type"], kind);
            assert_eq!(headers["cache-control"], ASK, "a new release is found at once");
            assert!(headers.contains_key("content-security-policy"));
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn only_the_chat_may_be_framed_and_only_by_those_who_are_allowed() {
        let (closed, folder) = site();
        for name in ["embed.html", "embed.js", "embed.json"] {
            std::fs::write(folder.join(name), "x").unwrap();
        }
        let allowed = ["https://shop.example", "http://localhost:8000"]
            .map(|text| text.parse::<EmbedOrigin>().unwrap());
        let address = ["http://127.0.0.1:1".to_owned()];
        let open = Site::new(&folder, &address, Vec::new(), &allowed, None);
        let ancestors = |headers: &HeaderMap| {
            let policy = headers["content-security-policy"].to_str().unwrap().to_owned();
            let told = policy
                .split(';')
                .find_map(|part| part.trim().strip_prefix("frame-ancestors "));
            told.unwrap().to_owned()
        };
        let paths = [
            "/",
            "/index.html",
            "/embed",
            "/embed/",
            "/embed.js",
            "/embed.json",
            "/networks/default.json",
            "/missing.js",
            "/EMBED.html",
            "/x/embed.html",
            "//embed.html",
        ];
        for path in paths {
            let (_, headers, _) = ask(&open, path, &[]).await;
            assert_eq!(ancestors(&headers), "'none'", "{path}");
            assert_eq!(headers["x-frame-options"], "DENY", "{path}");
        }
        let (status, headers, body) = ask(&open, "/embed.html?view=button", &[]).await;
        assert_eq!((status, body.as_slice()), (StatusCode::OK, b"x".as_slice()));
        assert_eq!(ancestors(&headers), "https://shop.example http://localhost:8000");
        assert!(!headers.contains_key("x-frame-options"));
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'")
                && policy.ends_with("connect-src 'self' http://127.0.0.1:1")
        );
        let tag = headers["etag"].to_str().unwrap().to_owned();
        let (_, headers, _) = ask(&open, "/embed.html", &[("if-none-match", &tag)]).await;
        assert_eq!(ancestors(&headers), "https://shop.example http://localhost:8000");

        // Without the option nothing may be framed, whatever a file of the folder says.
        let (_, headers, _) = ask(&closed, "/embed.html", &[]).await;
        assert_eq!(ancestors(&headers), "'none'");
        assert_eq!(headers["x-frame-options"], "DENY");
        let (_, _, body) = ask(&closed, "/embed.json", &[]).await;
        assert_eq!(body, br#"{"origins":[]}"#);
        let (_, _, body) = ask(&open, "/embed.json", &[]).await;
        assert_eq!(
            body,
            br#"{"origins":["https://shop.example","http://localhost:8000"]}"#
        );
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn the_script_for_other_pages_can_be_loaded_by_them_and_nothing_else_can() {
        let (site, folder) = site();
        std::fs::write(folder.join("embed.js"), "x").unwrap();
        let (_, headers, _) = ask(&site, "/embed.js", &[]).await;
        assert_eq!(headers["cross-origin-resource-policy"], "cross-origin");
        assert_eq!(headers["access-control-allow-origin"], "*");
        assert_eq!(headers["cache-control"], ASK);
        for path in [
            "/",
            "/embed.html",
            "/networks/default.json",
            "/app-0123456789abcdef.js",
        ] {
            let (_, headers, _) = ask(&site, path, &[]).await;
            assert_eq!(headers["cross-origin-resource-policy"], "same-origin", "{path}");
            assert!(!headers.contains_key("access-control-allow-origin"), "{path}");
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn packed_copies_go_to_those_who_take_them() {
        let (site, folder) = site();
        let js = "/app-0123456789abcdef.js";
        let (_, headers, body) = ask(&site, js, &[("accept-encoding", "gzip, br")]).await;
        assert_eq!(
            (headers["content-encoding"].to_str().unwrap(), body.as_slice()),
            ("br", b"packed".as_slice())
        );
        let (_, headers, body) = ask(&site, js, &[("accept-encoding", "br;q=0, gzip")]).await;
        assert!(headers.get("content-encoding").is_none());
        assert_eq!(body, b"js");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn known_files_are_not_sent_again_and_nothing_leaks() {
        let (site, folder) = site();
        let (_, headers, _) = ask(&site, "/index.html", &[]).await;
        let tag = headers["etag"].to_str().unwrap().to_owned();
        let (status, _, body) = ask(&site, "/index.html", &[("if-none-match", &tag)]).await;
        assert_eq!((status, body.len()), (StatusCode::NOT_MODIFIED, 0));
        assert_eq!(
            ask(&site, "/conversation/05ab", &[]).await.0,
            StatusCode::OK,
            "an address of the app"
        );
        for path in [
            "/.secret",
            "/../Cargo.toml",
            "/missing.js",
            "/%2e%2e/Cargo.toml",
            "//etc/passwd.txt",
        ] {
            assert_eq!(ask(&site, path, &[]).await.0, StatusCode::NOT_FOUND, "{path}");
        }
        std::fs::remove_dir_all(folder).unwrap();
    }
}
