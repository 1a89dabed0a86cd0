//! Checking a release from outside: every file of a site, as anybody gets it, plain and compressed, against its signed list.
//! Compressed copies in a folder are not looked at.

use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use brotli_decompressor::Decompressor;
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use holdfast_protocol::keys::Ed25519PublicKey;
use http::header;
use url::Url;

use super::make::{is_own, paths_in, unpacked};
use super::{
    Hash, MANIFEST, MAX_FILE, MAX_MANIFEST, MAX_SIGNATURE, PAGE, Release, ReleaseError, SIGNATURE, Signed,
    read,
};
use crate::files::read_capped;
use crate::kiosk::unmarked;
use crate::net::client::{Answer, CallError, HttpClient};

/// The site's pages: the one, and the same for frames.
const PAGES: [&str; 2] = [PAGE, "embed.html"];
/// The content codings that browsers ask for and servers have copies in.
const CODINGS: [&str; 2] = ["br", "gzip"];
/// Bytes that are unpacked at a time.
const PIECE: usize = 16 * 1024;
/// How long one file may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The release that the site says it is.
    pub release: Release,
    /// The key that signed it.
    pub key: Ed25519PublicKey,
    /// The hash of its list, which the app shows.
    pub fingerprint: Hash,
    /// Files that are not as the list says, or not there.
    pub wrong: Vec<String>,
    /// Files that are as the list says, but not when they are asked for compressed, each with how. Nobody asks a folder so.
    pub packed: Vec<String>,
    /// Files of a folder that are no part of the release, although servers hand them out. Nobody can ask a served site for
    /// these.
    pub extra: Vec<String>,
}

/// Checks a site by its address, such as `https://chat.example/`. What stands behind a `?` or `#` in it is left out.
///
/// # Errors
/// It can't be reached, or it is no signed release, or not one of the `wanted` key.
pub async fn check_site(url: &str, wanted: Option<&Ed25519PublicKey>) -> Result<Report, ReleaseError> {
    let site = Remote::new(url)?;
    let manifest = site.own(MANIFEST, MAX_MANIFEST).await?;
    let signature = site.own(SIGNATURE, MAX_SIGNATURE).await?;
    let mut report = begin(&manifest, &signature, wanted)?;
    let (mut wrong, mut packed) = (Vec::new(), Vec::new());
    for (path, hash) in &report.release.files {
        let answer = site.get(path, MAX_FILE).await?;
        let same = is_as_signed(path, hash, &answer) || (path == PAGE && site.leads_home(&answer));
        if same {
            let differ = site.differ_packed(path, path, hash).await?;
            packed.extend(differ.into_iter().map(|coding| format!("{path} ({coding})")));
        } else {
            wrong.push(path.clone());
        }
    }
    // What browsers open first is the address itself.
    let first = site.get("", MAX_FILE).await?;
    match report.release.files.get(PAGE) {
        Some(hash) if is_as_signed(PAGE, hash, &first) => {
            let differ = site.differ_packed("", PAGE, hash).await?;
            packed.extend(
                differ
                    .into_iter()
                    .map(|coding| format!("the address itself ({coding})")),
            );
        }
        _ => wrong.push("the address itself".to_owned()),
    }
    report.wrong = wrong;
    report.packed = packed;
    Ok(report)
}

/// A site that is served somewhere.
struct Remote {
    client: HttpClient,
    /// Its address, with a slash at its end.
    base: String,
}

impl Remote {
    fn new(url: &str) -> Result<Self, ReleaseError> {
        let address = url.split(['?', '#']).next().unwrap_or(url);
        let base = format!("{}/", address.trim_end_matches('/'));
        match HttpClient::verifying(true) {
            Ok(client) => Ok(Self { client, base }),
            Err(error) => Err(ReleaseError::Fetch(base, error.to_string())),
        }
    }

    async fn get(&self, path: &str, max: usize) -> Result<Answer, ReleaseError> {
        let address = format!("{}{path}", self.base);
        let answer = self.client.get(&address, max, TIMEOUT).await;
        answer.map_err(|error| ReleaseError::Fetch(address, error.to_string()))
    }

    /// The codings in which an address gives something else than the file of the list.
    async fn differ_packed(
        &self,
        address: &str,
        path: &str,
        hash: &Hash,
    ) -> Result<Vec<&'static str>, ReleaseError> {
        let mut differ = Vec::new();
        for coding in CODINGS {
            let url = format!("{}{address}", self.base);
            let same = match self.client.get_coded(&url, coding, MAX_FILE, TIMEOUT).await {
                Ok(answer) => {
                    decoded(&answer).is_some_and(|answer| is_as_signed(path, hash, &answer))
                        || (address == PAGE && self.leads_home(&answer))
                }
                // Cut off or far too long: not the file, as any other wrong one.
                Err(CallError::TooLarge | CallError::Unreachable) => false,
                Err(error) => return Err(ReleaseError::Fetch(url, error.to_string())),
            };
            if !same {
                differ.push(coding);
            }
        }
        Ok(differ)
    }

    /// The list or the signature.
    async fn own(&self, name: &str, max: usize) -> Result<Bytes, ReleaseError> {
        let answer = self.get(name, max).await?;
        match answer.status {
            200 => Ok(answer.body),
            404 | 410 => Err(ReleaseError::Unsigned),
            other => Err(ReleaseError::Fetch(
                format!("{}{name}", self.base),
                format!("status {other}"),
            )),
        }
    }

    /// Whether an answer leads to the address itself, as some servers do from the name of the page.
    fn leads_home(&self, answer: &Answer) -> bool {
        let to = answer
            .headers
            .get(header::LOCATION)
            .and_then(|to| to.to_str().ok());
        let (Some(to), Ok(home)) = (to, Url::parse(&self.base)) else {
            return false;
        };
        (300..400).contains(&answer.status) && home.join(to).is_ok_and(|to| to == home)
    }
}

/// Whether an answer is the file of the list.
fn is_as_signed(path: &str, hash: &Hash, answer: &Answer) -> bool {
    answer.status == 200 && Hash::of(&as_signed(path, answer.body.clone())) == *hash
}

/// An answer without its coding; nothing if it is not what it says.
fn decoded(answer: &Answer) -> Option<Answer> {
    let mut codings = answer.headers.get_all(header::CONTENT_ENCODING).iter();
    let coding = codings
        .next()
        .map_or(Some("identity"), |coding| coding.to_str().ok())?;
    if codings.next().is_some() {
        return None;
    }
    Some(Answer {
        body: unpack(coding, &answer.body, MAX_FILE)?,
        ..answer.clone()
    })
}

/// Undoes a coding, if no more than `max` bytes are in it.
fn unpack(coding: &str, packed: &Bytes, max: usize) -> Option<Bytes> {
    let limit = u64::try_from(max).ok()?.saturating_add(1);
    let (source, mut plain): (&[u8], _) = (packed, Vec::new());
    let read = match coding.trim().to_ascii_lowercase().as_str() {
        "identity" => return Some(packed.clone()),
        "br" => Decompressor::new(source, PIECE)
            .take(limit)
            .read_to_end(&mut plain),
        "gzip" => MultiGzDecoder::new(source).take(limit).read_to_end(&mut plain),
        _ => return None,
    };
    (read.is_ok() && plain.len() <= max).then(|| plain.into())
}

/// What was signed of a file that is served: a kiosk's pages have a mark, which allows nothing and only takes away.
fn as_signed(path: &str, content: Bytes) -> Bytes {
    if PAGES.contains(&path) {
        unmarked(&content)
    } else {
        content
    }
}

/// Checks a site's folder.
///
/// # Errors
/// It can't be read, or it is no signed release, or not one of the `wanted` key.
pub fn check_folder(folder: &Path, wanted: Option<&Ed25519PublicKey>) -> Result<Report, ReleaseError> {
    let own = |name: &str, max: usize| read(folder, name, max)?.ok_or(ReleaseError::Unsigned);
    let mut report = begin(
        &own(MANIFEST, MAX_MANIFEST)?,
        &own(SIGNATURE, MAX_SIGNATURE)?,
        wanted,
    )?;
    for (path, hash) in &report.release.files {
        let content = read_capped(&folder.join(path), MAX_FILE).ok().flatten();
        let same = content.is_some_and(|content| Hash::of(&content) == *hash);
        if !same {
            report.wrong.push(path.clone());
        }
    }
    let known = |path: &str| is_own(path) || report.release.files.contains_key(path);
    report.extra = paths_in(folder)?;
    report
        .extra
        .retain(|path| !known(path) && !unpacked(path).is_some_and(known));
    Ok(report)
}

fn begin(
    manifest: &[u8],
    signature: &[u8],
    wanted: Option<&Ed25519PublicKey>,
) -> Result<Report, ReleaseError> {
    let signed = Signed::read(signature)?;
    signed.verify(manifest, wanted)?;
    Ok(Report {
        release: Release::read(manifest)?,
        key: signed.key,
        fingerprint: Hash::of(manifest),
        wrong: Vec::new(),
        packed: Vec::new(),
        extra: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `start()`, as the tools of Node pack it.
    const PACKED: [(&str, &[u8]); 2] = [
        ("br", b"\x0b\x03\x80start()\x03"),
        (
            "gzip",
            &[
                0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0x2b, 0x2e, 0x49, 0x2c, 0x2a,
                0xd1, 0xd0, 0x04, 0x00, 0xbf, 0x9a, 0x2c, 0xf9, 0x07, 0x00, 0x00, 0x00,
            ],
        ),
    ];

    #[test]
    fn what_is_packed_is_unpacked_up_to_its_limit() {
        for (coding, bytes) in PACKED {
            let bytes = Bytes::from_static(bytes);
            let plain = unpack(coding, &bytes, 7);
            assert_eq!(plain.as_deref(), Some(b"start()".as_slice()), "{coding}");
            assert_eq!(unpack(coding, &bytes, 6), None, "{coding}");
            let cut = bytes.slice(..bytes.len() - 1);
            assert_eq!(unpack(coding, &cut, 7), None, "{coding}");
            assert_eq!(unpack(coding, &Bytes::from_static(b"other"), 7), None, "{coding}");
            assert_eq!(unpack("zstd", &bytes, 7), None);
            assert_eq!(unpack("identity", &bytes, 7), Some(bytes));
        }
    }
}
