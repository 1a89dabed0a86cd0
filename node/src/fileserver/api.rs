//! The requests themselves, the same whether they come directly or inside an onion
//! (spec/07-files-and-attachments.md §3).

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use ::http::{HeaderName, Method, header};
use data_encoding::BASE64;
use holdfast_protocol::file::FileId;
use holdfast_protocol::file::api::{
    CONTENT_TYPE, MIN_EXTEND_TTL, MIN_UPLOAD_TTL, TTL_HEADER, error_json, requested_ttl,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Inner;
use super::content::Opened;
use super::onion::memory;
use super::store::{Naming, Refusal, drop_lost, keep};
use super::upload::Upload;
use super::versions::{self, Platform};

/// Longest base64 text of an old upload (spec/07-files-and-attachments.md §3.5).
pub(super) const MAX_LEGACY_TEXT: usize = 8_000_000;
/// The same with what stands around that text.
pub(super) const MAX_LEGACY_BODY: usize = MAX_LEGACY_TEXT + 1024;
/// What that text holds, bytes.
const MAX_LEGACY_FILE: u64 = MAX_LEGACY_TEXT as u64 / 4 * 3;
/// An old request or answer in memory: the bytes, their text, the JSON around it.
pub(super) const LEGACY_COPIES: usize = 3;

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Upload,
    Download(FileId),
    Info(FileId),
    Extend(FileId),
    LegacyUpload,
    LegacyDownload(FileId),
    /// Which release of the apps for a platform is the latest.
    Version(Platform),
    /// Nothing that there is.
    Unknown,
}

impl Call {
    /// Reads method, path and query.
    pub(super) fn parse(method: &Method, path: &str) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut parts = path.trim_start_matches('/').split('/');
        let get = method == Method::GET || method == Method::HEAD;
        let post = method == Method::POST;
        let (first, second, third) = (parts.next(), parts.next(), parts.next());
        if parts.next().is_some() {
            return Self::Unknown;
        }
        let id = second.and_then(|id| FileId::parse(id).ok());
        match (first, second, id, third) {
            (Some("file"), None, _, None) if post => Self::Upload,
            (Some("files"), None, _, None) if post => Self::LegacyUpload,
            (Some("file"), _, Some(id), None) if get => Self::Download(id),
            (Some("files"), _, Some(id), None) if get => Self::LegacyDownload(id),
            (Some("file"), _, Some(id), Some("info")) if get => Self::Info(id),
            (Some("file"), _, Some(id), Some("extend")) if post => Self::Extend(id),
            (Some(versions::PATH), None, _, None) if get => {
                Platform::asked_about(query).map_or(Self::Unknown, Self::Version)
            }
            // The price of a token is for the public network's own server to tell; clients take a 404.
            _ => Self::Unknown,
        }
    }
}

/// What the headers of a request say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wishes {
    /// The value of the header that asks for a shorter life.
    ttl: Option<String>,
    /// The value of `Range`.
    range: Option<String>,
}

impl Wishes {
    /// Takes one header into account.
    pub(super) fn add(&mut self, name: &str, value: &str) {
        if name.eq_ignore_ascii_case(TTL_HEADER) {
            self.ttl = Some(value.to_owned());
        } else if name.eq_ignore_ascii_case("range") {
            self.range = Some(value.to_owned());
        }
    }

    /// The life in milliseconds, within what the server gives.
    fn ttl_ms(&self, shortest: u64, longest: u64) -> u64 {
        requested_ttl(self.ttl.as_deref(), shortest, longest).saturating_mul(1000)
    }
}

/// What an answer consists of.
pub(super) enum Body {
    Json(Vec<u8>),
    File(Opened, Range<u64>),
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(super) body: Body,
}

impl Answer {
    fn json(status: u16, json: Vec<u8>) -> Self {
        Self {
            status,
            headers: vec![(header::CONTENT_TYPE, "application/json".to_owned())],
            body: Body::Json(json),
        }
    }

    /// The answer for a request that is not served, counted; a failure of ours is logged with its reason.
    pub(super) fn refusal(inner: &Inner, refusal: &Refusal) -> Self {
        let m = &inner.metrics;
        match refusal {
            Refusal::Missing => m.missing.add_one(),
            Refusal::Rate => m.limited.add_one(),
            Refusal::Content(_) | Refusal::Records(_) | Refusal::Lost => {
                m.failed.add_one();
                tracing::error!(error = %refusal, "a request failed");
            }
            _ => m.refused.add_one(),
        }
        let status = refusal.status();
        let mut answer = Self::json(status, error_json(status));
        if let Refusal::Range(size) = refusal {
            answer
                .headers
                .push((header::CONTENT_RANGE, format!("bytes */{size}")));
        }
        answer
    }
}

/// Answers an upload whose body is complete.
pub(super) async fn upload(inner: &Arc<Inner>, upload: Upload, wishes: &Wishes) -> Result<Answer, Refusal> {
    let ttl = wishes.ttl_ms(MIN_UPLOAD_TTL, inner.options.ttl);
    let (id, record) = keep(inner, upload, Naming::Hash, ttl).await?;
    inner.metrics.uploads.add_one();
    Ok(Answer::json(200, record.to_json_with_id(&id)))
}

/// The bytes in an old client's upload.
pub(super) fn legacy_body(body: &[u8]) -> Result<Vec<u8>, Refusal> {
    #[derive(Deserialize)]
    struct OnWire<'a> {
        #[serde(borrow)]
        file: std::borrow::Cow<'a, str>,
    }
    let wire: OnWire<'_> = serde_json::from_slice(body).map_err(|_| Refusal::Malformed)?;
    if wire.file.len() > MAX_LEGACY_TEXT {
        return Err(Refusal::Size);
    }
    BASE64
        .decode(wire.file.as_bytes())
        .map_err(|_| Refusal::Malformed)
}

/// Answers an old client's upload: the id is a number.
pub(super) async fn legacy_upload(inner: &Arc<Inner>, upload: Upload) -> Result<Answer, Refusal> {
    let ttl = Wishes::default().ttl_ms(MIN_UPLOAD_TTL, inner.options.ttl);
    let (id, _) = keep(inner, upload, Naming::Number, ttl).await?;
    inner.metrics.uploads.add_one();
    Ok(legacy_answer(&json!(id.number())))
}

fn legacy_answer(result: &Value) -> Answer {
    let json = json!({"status_code": 200, "result": result});
    Answer::json(200, json.to_string().into_bytes())
}

/// Answers every request without a body.
pub(super) async fn answer(inner: &Arc<Inner>, call: Call, wishes: &Wishes) -> Result<Answer, Refusal> {
    match call {
        Call::Download(id) => download(inner, &id, wishes.range.as_deref()).await,
        Call::Info(id) => {
            let record = inner.records.get(id, inner.now()).await?;
            let record = record.ok_or(Refusal::Missing)?;
            Ok(Answer::json(200, record.to_json()))
        }
        Call::Extend(id) => {
            let now = inner.now();
            let expires = now.saturating_add(wishes.ttl_ms(MIN_EXTEND_TTL, inner.options.ttl));
            let record = inner.records.extend(id.clone(), now, expires).await?;
            let record = record.ok_or(Refusal::Missing)?;
            inner.metrics.extended.add_one();
            Ok(Answer::json(200, record.to_json_with_id(&id)))
        }
        Call::LegacyDownload(id) => {
            let _memory = memory(inner, LEGACY_COPIES * MAX_LEGACY_TEXT).await?;
            let Body::File(opened, range) = download(inner, &id, None).await?.body else {
                return Err(Refusal::Missing);
            };
            if range.end > MAX_LEGACY_FILE {
                return Err(Refusal::Size);
            }
            let bytes = collect(opened, &range).await?;
            let text = BASE64.encode(&bytes);
            Ok(legacy_answer(&json!(text)))
        }
        Call::Version(platform) => {
            let told = versions::latest(inner, platform).await?;
            Ok(Answer::json(200, told))
        }
        Call::Upload | Call::LegacyUpload | Call::Unknown => Err(Refusal::Missing),
    }
}

async fn download(inner: &Arc<Inner>, id: &FileId, range: Option<&str>) -> Result<Answer, Refusal> {
    let record = inner.records.get(id.clone(), inner.now()).await?;
    let record = record.ok_or(Refusal::Missing)?;
    let part = range.map_or(Part::All, |range| Part::parse(range, record.size));
    let wanted = match &part {
        Part::All => 0..record.size,
        Part::Range(range) => range.clone(),
        Part::Outside => return Err(Refusal::Range(record.size)),
    };
    let opened = match inner.content.open(id.clone(), wanted.clone()).await? {
        Some(opened) if opened.size == record.size => opened,
        _ => {
            drop_lost(inner, id, record).await?;
            return Err(Refusal::Missing);
        }
    };
    inner.metrics.downloads.add_one();
    inner
        .metrics
        .downloaded_bytes
        .add(wanted.end.saturating_sub(wanted.start));
    let expires = UNIX_EPOCH + Duration::from_millis(record.expires_ms);
    let mut headers = vec![
        (header::CONTENT_TYPE, CONTENT_TYPE.to_owned()),
        (header::EXPIRES, httpdate::fmt_http_date(expires)),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        // Anybody may have put anything here: a browser must neither show it nor guess what it is.
        (header::CONTENT_DISPOSITION, "attachment".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; sandbox".to_owned(),
        ),
    ];
    let status = match part {
        Part::Range(_) => {
            let (first, last) = (wanted.start, wanted.end.saturating_sub(1));
            let value = format!("bytes {first}-{last}/{}", record.size);
            headers.push((header::CONTENT_RANGE, value));
            206
        }
        _ => 200,
    };
    Ok(Answer {
        status,
        headers,
        body: Body::File(opened, wanted),
    })
}

/// All bytes of an opened file. Fewer than there should be are a failure.
pub(super) async fn collect(mut opened: Opened, range: &Range<u64>) -> Result<Vec<u8>, Refusal> {
    use futures::StreamExt as _;
    let length = usize::try_from(range.end.saturating_sub(range.start)).map_err(|_| Refusal::Lost)?;
    let mut bytes = Vec::with_capacity(length);
    while let Some(piece) = opened.pieces.next().await {
        bytes.extend_from_slice(&piece?);
    }
    if bytes.len() == length {
        Ok(bytes)
    } else {
        Err(Refusal::Lost)
    }
}

/// Which bytes of a file are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    All,
    Range(Range<u64>),
    Outside,
}

impl Part {
    /// Reads a `Range` header (RFC 9110 §14.2). Several ranges, other units and nonsense count as none.
    fn parse(header: &str, size: u64) -> Self {
        let Some((first, last)) = header
            .trim()
            .strip_prefix("bytes=")
            .and_then(|range| range.split_once('-'))
        else {
            return Self::All;
        };
        let range = match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
            (Ok(first), Ok(last)) if first <= last => first..last.saturating_add(1).min(size),
            (Ok(first), Err(_)) if last.trim().is_empty() => first..size,
            (Err(_), Ok(last)) if first.trim().is_empty() => size.saturating_sub(last)..size,
            _ => return Self::All,
        };
        if range.is_empty() {
            Self::Outside
        } else {
            Self::Range(range)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_what_there_is_and_nothing_else() {
        let id = FileId::parse("12").unwrap();
        for (method, path, call) in [
            (Method::POST, "/file", Call::Upload),
            (Method::GET, "/file/12", Call::Download(id.clone())),
            (Method::HEAD, "/file/12", Call::Download(id.clone())),
            (Method::GET, "/file/12/info?x=1", Call::Info(id.clone())),
            (Method::POST, "/file/12/extend", Call::Extend(id.clone())),
            (Method::POST, "files", Call::LegacyUpload),
            (Method::GET, "files/12", Call::LegacyDownload(id)),
            (Method::GET, "/file", Call::Unknown),
            (Method::POST, "/file/12", Call::Unknown),
            (Method::GET, "/file/../x", Call::Unknown),
            (Method::GET, "/file/12/info/x", Call::Unknown),
            (
                Method::GET,
                "/session_version?release_channel=latest&platform=ios",
                Call::Version(Platform::Ios),
            ),
            (Method::GET, "/session_version?platform=web", Call::Unknown),
            (Method::GET, "/session_version", Call::Unknown),
            (Method::GET, "/token_info", Call::Unknown),
        ] {
            assert_eq!(Call::parse(&method, path), call, "{method} {path}");
        }
    }

    #[test]
    fn a_range_is_one_part_of_the_file() {
        for (text, part) in [
            ("bytes=0-0", Part::Range(0..1)),
            ("bytes=2-5", Part::Range(2..6)),
            ("bytes=2-", Part::Range(2..10)),
            ("bytes=5-99", Part::Range(5..10)),
            ("bytes=-3", Part::Range(7..10)),
            ("bytes=-99", Part::Range(0..10)),
            ("bytes=10-", Part::Outside),
            ("bytes=10-12", Part::Outside),
            ("bytes=-0", Part::Outside),
            ("bytes=5-2", Part::All),
            ("bytes=0-1,4-5", Part::All),
            ("bytes=-", Part::All),
            ("lines=1-2", Part::All),
        ] {
            assert_eq!(Part::parse(text, 10), part, "{text}");
        }
    }

    #[test]
    fn old_uploads_are_base64_in_json() {
        assert_eq!(legacy_body(br#"{"file":"aGk="}"#).unwrap(), b"hi");
        for bad in ["", "{}", r#"{"file":3}"#, r#"{"file":"?"}"#] {
            assert!(
                matches!(legacy_body(bad.as_bytes()), Err(Refusal::Malformed)),
                "{bad}"
            );
        }
    }
}
