//! What clients and file servers say to each other over HTTP (spec/07-files-and-attachments.md §3, §4.1, §4.2).
//!
//! Uploads are the raw encrypted bytes; answers are small JSON objects. Both ends use the types here.

use super::FileId;
use super::address::PATH;
use crate::json::{JsonLimit, check_limits, write_string};
use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;

/// Where files are uploaded to, by POST.
pub const UPLOAD_PATH: &str = "/file";
/// Header with the time a file should be kept, seconds.
pub const TTL_HEADER: &str = "X-FS-TTL";
/// Content type of uploads and downloads.
pub const CONTENT_TYPE: &str = "application/octet-stream";
/// How long files are kept, seconds, unless a server is run otherwise: also the longest that may be asked for
/// (spec/07 §4.2).
pub const MAX_TTL: u64 = 14 * 24 * 60 * 60;
/// Shortest time that an upload can ask for, seconds.
pub const MIN_UPLOAD_TTL: u64 = 30;
/// Shortest time that an extension can ask for, seconds.
pub const MIN_EXTEND_TTL: u64 = 1;
/// Largest body that a server must take: the largest of the stream form (spec/07 §3.1).
pub const MAX_BODY: usize = 10_223_616;
/// Longest answer that is parsed, bytes: four short fields.
const MAX_ANSWER: usize = 4_096;
/// Bytes of the hash that names a file.
const HASH: usize = 33;
/// Salt of that hash.
const SALT: &[u8; 16] = b"SessionFileSvr\0\0";

/// Where a file is downloaded from, by GET.
pub fn download_path(id: &FileId) -> String {
    format!("{PATH}{id}")
}

/// Where a file's size and times are asked for, by GET.
pub fn info_path(id: &FileId) -> String {
    format!("{PATH}{id}/info")
}

/// Where a file's expiry is extended, by POST without a body.
pub fn extend_path(id: &FileId) -> String {
    format!("{PATH}{id}/extend")
}

/// The time a header asks for, within the limits, seconds: what is no positive number asks for nothing, and gets the
/// longest.
pub fn requested_ttl(header: Option<&str>, shortest: u64, longest: u64) -> u64 {
    let digits = header
        .map(str::trim)
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    match digits.map(str::parse::<u64>) {
        Some(Ok(0)) | None => longest,
        Some(Ok(seconds)) => seconds.max(shortest).min(longest),
        // Digits that fit no number, or none at all.
        Some(Err(_)) => longest,
    }
}

/// Names a file by its bytes, piece by piece: a BLAKE2b of 33 bytes in 44 characters, so that equal files are kept once.
pub struct IdHasher(blake2b_simd::State);

impl Default for IdHasher {
    fn default() -> Self {
        Self(
            blake2b_simd::Params::new()
                .hash_length(HASH)
                .salt(SALT)
                .to_state(),
        )
    }
}

impl IdHasher {
    /// Takes the next bytes of the body.
    pub fn push(&mut self, body: &[u8]) {
        self.0.update(body);
    }

    /// The name of what was pushed.
    pub fn finish(&self) -> FileId {
        FileId::of_hash(BASE64URL_NOPAD.encode(self.0.finalize().as_bytes()))
    }
}

impl core::fmt::Debug for IdHasher {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("IdHasher(..)")
    }
}

/// The name of a whole body. See [`IdHasher`].
pub fn file_id(body: &[u8]) -> FileId {
    let mut hasher = IdHasher::default();
    hasher.push(body);
    hasher.finish()
}

/// Why an answer is not used.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// It is longer or more deeply nested than an answer can be.
    #[error("answer is {0}")]
    Limit(#[from] JsonLimit),
    /// It is not the JSON it should be.
    #[error("malformed answer: {0}")]
    Json(#[from] serde_json::Error),
    /// The id it names is none.
    #[error("no file id in the answer")]
    Id,
    /// A time or size in it is none.
    #[error("no time in the answer")]
    Time,
}

/// What a server keeps of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileInfo {
    /// Bytes of the body.
    pub size: u64,
    /// When it was uploaded first, Unix time in ms.
    pub uploaded_ms: u64,
    /// When it is deleted, Unix time in ms.
    pub expires_ms: u64,
}

/// An answer on the wire. Times are seconds, whole or not.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    size: Option<f64>,
    #[serde(default)]
    uploaded: Option<f64>,
    #[serde(default)]
    expires: Option<f64>,
}

impl Answer {
    fn parse(json: &[u8]) -> Result<Self, ApiError> {
        check_limits(json, MAX_ANSWER)?;
        Ok(serde_json::from_slice(json)?)
    }

    fn id(&self) -> Result<FileId, ApiError> {
        let id = self.id.as_deref().ok_or(ApiError::Id)?;
        FileId::parse(id).map_err(|_| ApiError::Id)
    }
}

/// Seconds as they stand in an answer, as ms. Conversion saturates, and what is no number becomes 0.
fn milliseconds(seconds: f64) -> u64 {
    (seconds * 1000.0).round() as u64
}

impl FileInfo {
    /// Reads the answer of [`info_path`] or [`extend_path`].
    ///
    /// # Errors
    /// [`ApiError`]; all three fields must be there.
    pub fn parse(json: &[u8]) -> Result<Self, ApiError> {
        let answer = Answer::parse(json)?;
        let (Some(size), Some(uploaded), Some(expires)) = (answer.size, answer.uploaded, answer.expires)
        else {
            return Err(ApiError::Time);
        };
        Ok(Self {
            size: size as u64,
            uploaded_ms: milliseconds(uploaded),
            expires_ms: milliseconds(expires),
        })
    }

    /// The answer to [`info_path`].
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = b"{".to_vec();
        self.write(&mut out);
        out
    }

    /// The answer to an upload, or to [`extend_path`].
    pub fn to_json_with_id(&self, id: &FileId) -> Vec<u8> {
        let mut out = b"{\"id\":".to_vec();
        write_string(&mut out, id.as_str());
        out.push(b',');
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut Vec<u8>) {
        let seconds = |ms: u64| format!("{}.{:03}", ms / 1000, ms % 1000);
        let (size, uploaded, expires) = (self.size, seconds(self.uploaded_ms), seconds(self.expires_ms));
        let fields = format!("\"size\":{size},\"uploaded\":{uploaded},\"expires\":{expires}}}");
        out.extend_from_slice(fields.as_bytes());
    }
}

/// The answer to an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uploaded {
    /// The file's name on this server.
    pub id: FileId,
    /// When it is deleted, Unix time in ms; old servers do not say.
    pub expires_ms: Option<u64>,
}

impl Uploaded {
    /// Reads an answer. [`FileInfo::to_json_with_id`] writes it.
    ///
    /// # Errors
    /// [`ApiError`]; only the id must be there.
    pub fn parse(json: &[u8]) -> Result<Self, ApiError> {
        let answer = Answer::parse(json)?;
        let expires = answer.expires.map(milliseconds);
        Ok(Self {
            id: answer.id()?,
            expires_ms: expires.filter(|expires| *expires > 0),
        })
    }
}

/// Names of months in dates of HTTP.
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
/// Days between the beginnings of the years 0 and 1970, counted in years that begin in March.
const DAYS_TO_1970: u64 = 719_468;

/// When a downloaded file is deleted, Unix time in ms, by the answer's `Expires` header: a date such as
/// `Wed, 05 Nov 2025 01:19:18 GMT` (spec/07 §3.2). `None` for anything else, and for dates before 1970.
pub fn expires_ms(header: &str) -> Option<u64> {
    let (_, date) = header.trim().split_once(", ")?;
    let mut parts = date.split(' ');
    let mut part = || parts.next();
    let (day, month, year) = (number(part()?, 31)?, part()?, number(part()?, 9_999)?);
    let (time, zone) = (part()?, part()?);
    if zone != "GMT" || part().is_some() {
        return None;
    }
    let month = MONTHS.iter().zip(1_u64..).find(|(name, _)| **name == month)?.1;
    let mut parts = time.split(':');
    let mut part = |most| number(parts.next()?, most);
    // A minute may have a leap second.
    let (hours, minutes, seconds) = (part(23)?, part(59)?, part(60)?);
    // Years begin in March here, so that the day which is sometimes missing is their last.
    let year = if month > 2 { year } else { year.checked_sub(1)? };
    let months = (month + 9) % 12;
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (months * 153 + 2) / 5 + day;
    let days = days.checked_sub(1 + DAYS_TO_1970)?;
    Some((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000)
}

/// A number of digits alone, at most so large.
fn number(text: &str, most: u64) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse::<u64>()
        .ok()
        .filter(|number| digits && *number <= most)
}

/// The body of an error answer, which repeats its status.
pub fn error_json(status: u16) -> Vec<u8> {
    format!("{{\"status_code\":{status}}}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const INFO: FileInfo = FileInfo {
        size: 4096,
        uploaded_ms: 1_761_002_358_022,
        expires_ms: 1_762_211_958_000,
    };

    fn id(text: &str) -> FileId {
        FileId::parse(text).unwrap()
    }

    #[test]
    fn ids_are_the_published_hash() {
        // spec/07 §4.1.
        let hello = "3qXfYbeRSxXa89I8ApcbKl0_BshkLQ6myd0DsvcrDEy3";
        assert_eq!(file_id(b"hello world").as_str(), hello);
        let mut hasher = IdHasher::default();
        hasher.push(b"hello ");
        hasher.push(b"world");
        assert_eq!(hasher.finish().as_str(), hello);
        assert!(hasher.finish().is_hash());
    }

    #[test]
    fn paths_name_the_file() {
        assert_eq!(download_path(&id("a_1")), "/file/a_1");
        assert_eq!(info_path(&id("a_1")), "/file/a_1/info");
        assert_eq!(extend_path(&id("a_1")), "/file/a_1/extend");
    }

    #[test]
    fn the_published_answer_reads() {
        let json = br#"{"id":"x-1","size":4096,"uploaded":1761002358.02229,"expires":1762211958.02229}"#;
        let uploaded = Uploaded::parse(json).unwrap();
        assert_eq!(uploaded.id.as_str(), "x-1");
        assert_eq!(uploaded.expires_ms, Some(1_762_211_958_022));
        let info = FileInfo::parse(json).unwrap();
        assert_eq!((info.size, info.uploaded_ms), (4096, 1_761_002_358_022));
    }

    #[test]
    fn answers_are_written_as_all_clients_read_them() {
        assert_eq!(
            INFO.to_json(),
            br#"{"size":4096,"uploaded":1761002358.022,"expires":1762211958.000}"#
        );
        assert_eq!(
            INFO.to_json_with_id(&id("7")),
            br#"{"id":"7","size":4096,"uploaded":1761002358.022,"expires":1762211958.000}"#
        );
        assert_eq!(error_json(404), br#"{"status_code":404}"#);
    }

    #[test]
    fn old_servers_say_less() {
        let uploaded = Uploaded::parse(br#"{"id":"12","expires":null,"new":[1]}"#).unwrap();
        assert_eq!((uploaded.id, uploaded.expires_ms), (id("12"), None));
        let uploaded = Uploaded::parse(br#"{"id":"12","expires":0}"#).unwrap();
        assert_eq!(uploaded.expires_ms, None);
    }

    #[test]
    fn bad_answers_say_why() {
        let uploaded = |json: &[u8]| Uploaded::parse(json).unwrap_err();
        assert!(matches!(uploaded(b"{}"), ApiError::Id));
        assert!(matches!(uploaded(br#"{"id":"a/b"}"#), ApiError::Id));
        assert!(matches!(uploaded(br#"{"id":5}"#), ApiError::Json(_)));
        assert!(matches!(uploaded(b"x"), ApiError::Json(_)));
        assert!(matches!(uploaded(&[b' '; MAX_ANSWER + 1]), ApiError::Limit(_)));
        let info = FileInfo::parse(br#"{"size":1,"uploaded":1}"#).unwrap_err();
        assert!(matches!(info, ApiError::Time));
        let absurd = FileInfo::parse(br#"{"size":-1,"uploaded":1e300,"expires":-1e300}"#).unwrap();
        assert_eq!(
            (absurd.size, absurd.uploaded_ms, absurd.expires_ms),
            (0, u64::MAX, 0)
        );
    }

    #[test]
    fn a_download_says_when_its_file_is_deleted() {
        for (header, ms) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Wed, 05 Nov 2025 01:19:18 GMT", Some(1_762_305_558_000)),
            ("Thu, 29 Feb 2024 23:59:59 GMT", Some(1_709_251_199_000)),
            (" Thu, 28 May 2026 20:27:40 GMT ", Some(1_780_000_060_000)),
            ("Wed, 31 Dec 1969 23:59:59 GMT", None),
            ("Wed, 05 Nov 2025 01:19:18 CET", None),
            ("Wed, 05 Nov 2025 01:19:18 GMT x", None),
            ("Wed, 05 Nov 2025 24:00:00 GMT", None),
            ("Wed, +5 Nov 2025 01:19:18 GMT", None),
            ("Wed, 05 November 2025 01:19:18 GMT", None),
            ("1762305558", None),
            ("", None),
        ] {
            assert_eq!(expires_ms(header), ms, "{header}");
        }
    }

    #[test]
    fn a_ttl_is_asked_for_within_limits() {
        for (header, ttl) in [
            (None, MAX_TTL),
            (Some("60"), 60),
            (Some(" 60 "), 60),
            (Some("1"), 30),
            (Some("99999999"), MAX_TTL),
            (Some("99999999999999999999999"), MAX_TTL),
            (Some("0"), MAX_TTL),
            (Some("-5"), MAX_TTL),
            (Some("+5"), MAX_TTL),
            (Some("x"), MAX_TTL),
            (Some(""), MAX_TTL),
        ] {
            assert_eq!(requested_ttl(header, MIN_UPLOAD_TTL, MAX_TTL), ttl, "{header:?}");
        }
        assert_eq!(requested_ttl(Some("1"), MIN_EXTEND_TTL, MAX_TTL), 1);
        assert_eq!(requested_ttl(Some("60"), MIN_UPLOAD_TTL, 10), 10);
    }

    proptest! {
        #[test]
        fn no_header_is_too_odd(header in ".{0,40}", date in "[A-Z][a-z]{2}, [0-9]{1,3} [A-Z][a-z]{2} [0-9]{1,5} [0-9:]{0,9} GMT") {
            let _ = expires_ms(&header);
            let _ = expires_ms(&date);
        }

        #[test]
        fn writing_and_reading_agree(size in 0..1_u64 << 50, uploaded_ms in 0..1_u64 << 43, lived in 0..1_u64 << 40) {
            let info = FileInfo { size, uploaded_ms, expires_ms: uploaded_ms + lived };
            prop_assert_eq!(FileInfo::parse(&info.to_json()).unwrap(), info);
            let json = info.to_json_with_id(&id("7"));
            prop_assert_eq!(FileInfo::parse(&json).unwrap(), info);
            prop_assert_eq!(Uploaded::parse(&json).unwrap().id, id("7"));
        }
    }
}
