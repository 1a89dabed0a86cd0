//! The file server's HTTP surface: direct requests, the path for onion requests, CORS, health and metrics
//! (spec/07-files-and-attachments.md §3, §4.5).

use std::sync::Arc;

use ::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use axum::Router;
use axum::body::Body as HttpBody;
use axum::extract::{Request, State};
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use holdfast_protocol::file::api::file_id;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::Instant;

use super::api::{self, Answer, Body, Call, LEGACY_COPIES, MAX_LEGACY_BODY, Wishes};
use super::content::Opened;
use super::receive::{Receiver, TRANSFER_TIME};
use super::store::Refusal;
use super::{FileServer, Inner, MAX_DOWNLOADS, onion};
use crate::metrics::{self, Text};
use crate::net::body::{SILENCE, whole};
use crate::net::proxies::client_of;

/// What any page may do: upload, download, and read what it needs of the answer.
const CORS: [(HeaderName, &str); 5] = [
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
    (
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        "content-type, content-disposition, range, x-fs-ttl",
    ),
    (
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        "accept-ranges, content-length, content-range, expires",
    ),
    (header::ACCESS_CONTROL_MAX_AGE, "86400"),
];

/// The router that serves files on sockets.
pub fn router(server: FileServer) -> Router {
    Router::new().fallback(serve).with_state(server)
}

async fn serve(State(server): State<FileServer>, request: Request) -> Response<HttpBody> {
    let inner = &server.inner;
    let path = request.uri().path().to_owned();
    match (request.method(), path.as_str()) {
        (&Method::OPTIONS, _) => respond(StatusCode::NO_CONTENT, HttpBody::empty()),
        // Asked often, and by anybody: one look-up by key. Nothing is kept under the hash of no bytes.
        (&Method::GET, "/health") => match inner.records.unknown(vec![file_id(b"")]).await {
            Ok(_) => respond(StatusCode::OK, HttpBody::from("ready")),
            Err(_) => respond(StatusCode::SERVICE_UNAVAILABLE, HttpBody::from("no database")),
        },
        (&Method::GET, "/metrics") => {
            let mut response = respond(StatusCode::OK, HttpBody::from(render(inner)));
            let kind = HeaderValue::from_static(metrics::CONTENT_TYPE);
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            response
        }
        (&Method::POST, path) if let Some(version) = onion::Version::of(path) => {
            let declared = declared(request.headers());
            match onion::serve(inner, version, declared, request.into_body()).await {
                Ok(sealed) => {
                    let mut response = respond(StatusCode::OK, HttpBody::from(sealed));
                    let kind = HeaderValue::from_static("application/octet-stream");
                    response.headers_mut().insert(header::CONTENT_TYPE, kind);
                    response
                }
                Err(refusal) => write_out(inner, Answer::refusal(inner, &refusal), false),
            }
        }
        (method, _) => {
            let only_head = method == Method::HEAD;
            let answer = match direct(inner, request).await {
                Ok(answer) => answer,
                Err(refusal) => Answer::refusal(inner, &refusal),
            };
            write_out(inner, answer, only_head)
        }
    }
}

fn respond(status: StatusCode, body: HttpBody) -> Response<HttpBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in CORS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(
        header::SERVER,
        HeaderValue::from_static(concat!("Holdfast/", env!("CARGO_PKG_VERSION"))),
    );
    response
}

/// The length that a client says its body has.
fn declared(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn direct(inner: &Arc<Inner>, request: Request) -> Result<Answer, Refusal> {
    if !inner.limiter.admit(client_of(request.extensions())) {
        return Err(Refusal::Rate);
    }
    let asked = request.uri().path_and_query();
    let call = Call::parse(request.method(), asked.map_or("/", |asked| asked.as_str()));
    let mut wishes = Wishes::default();
    for (name, value) in request.headers() {
        if let Ok(value) = value.to_str() {
            wishes.add(name.as_str(), value);
        }
    }
    match call {
        Call::Upload => {
            let _slot = inner.uploads.try_acquire().map_err(|_| Refusal::Busy)?;
            let declared = declared(request.headers());
            let upload = Receiver::stream(inner, request.into_body(), declared).await?;
            api::upload(inner, upload, &wishes).await
        }
        Call::LegacyUpload => {
            let _memory = onion::memory(inner, LEGACY_COPIES * MAX_LEGACY_BODY).await?;
            let declared = declared(request.headers());
            let body = whole(request.into_body(), declared, MAX_LEGACY_BODY, TRANSFER_TIME).await?;
            let upload = Receiver::bytes(inner, api::legacy_body(&body)?).await?;
            api::legacy_upload(inner, upload).await
        }
        call => api::answer(inner, call, &wishes).await,
    }
}

fn write_out(inner: &Inner, answer: Answer, only_head: bool) -> Response<HttpBody> {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let (length, body) = match answer.body {
        Body::Json(json) => (json.len() as u64, HttpBody::from(json)),
        // Without bytes to send there is nothing to read, and no place among the downloads to take.
        Body::File(_, range) if only_head => (range.end.saturating_sub(range.start), HttpBody::empty()),
        Body::File(opened, range) => {
            let Ok(slot) = Arc::clone(&inner.downloads).try_acquire_owned() else {
                return write_out(inner, Answer::refusal(inner, &Refusal::Busy), only_head);
            };
            let length = range.end.saturating_sub(range.start);
            (length, outgoing(opened, slot))
        }
    };
    let mut response = respond(status, if only_head { HttpBody::empty() } else { body });
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    response
}

/// A body that is read from its store as its client takes it. One that takes nothing for a while is given up, whatever
/// its connection does: the file is closed, and the slot free again.
fn outgoing(opened: Opened, slot: OwnedSemaphorePermit) -> HttpBody {
    let (sender, receiver) = mpsc::channel::<Result<Bytes, Refusal>>(1);
    tokio::spawn(async move {
        let _slot = slot;
        let end = Instant::now() + TRANSFER_TIME;
        let mut pieces = opened.pieces;
        while let Some(piece) = pieces.next().await {
            let until = end.min(Instant::now() + SILENCE);
            let sending = sender.send(piece.map_err(Refusal::from));
            // The client is gone or too slow; then the body ends before its time, and the connection with it.
            if !matches!(tokio::time::timeout_at(until, sending).await, Ok(Ok(()))) {
                return;
            }
        }
    });
    HttpBody::from_stream(stream::unfold(receiver, |mut receiver| async move {
        let piece = receiver.recv().await?;
        Some((piece, receiver))
    }))
}

fn render(inner: &Inner) -> String {
    let m = &inner.metrics;
    let mut text = Text::default();
    for (name, help, counter) in [
        ("uploads", "Uploads kept.", &m.uploads),
        ("duplicates", "Uploads of what was there already.", &m.duplicates),
        ("uploaded_bytes", "Bytes of new files.", &m.uploaded_bytes),
        ("downloads", "Downloads begun.", &m.downloads),
        (
            "downloaded_bytes",
            "Bytes of downloads begun.",
            &m.downloaded_bytes,
        ),
        ("extended", "Files made to last longer.", &m.extended),
        ("onion", "Onion requests answered.", &m.onion),
        ("missing", "Requests for files that are not there.", &m.missing),
        (
            "refused",
            "Requests refused for their form, size or number.",
            &m.refused,
        ),
        ("rate_limited", "Requests over the rate limit.", &m.limited),
        ("failed", "Requests that failed on our side.", &m.failed),
        ("deleted", "Files deleted after their time.", &m.deleted),
        ("lost", "Files forgotten for want of their content.", &m.lost),
    ] {
        text.counter(&format!("holdfast_files_{name}_total"), help, counter.get());
    }
    let totals = inner.quota.totals();
    let free = |semaphore: &tokio::sync::Semaphore, all: usize| {
        u64::try_from(all.saturating_sub(semaphore.available_permits())).unwrap_or(0)
    };
    text.gauge("holdfast_files", "Files kept.", totals.files)
        .gauge("holdfast_files_bytes", "Bytes kept.", totals.bytes)
        .gauge(
            "holdfast_files_uploads_under_way",
            "Direct uploads under way.",
            free(&inner.uploads, inner.options.uploads),
        )
        .gauge(
            "holdfast_files_downloads_under_way",
            "Direct downloads under way.",
            free(&inner.downloads, MAX_DOWNLOADS),
        );
    text.finish()
}
