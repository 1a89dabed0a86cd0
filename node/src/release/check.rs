//! Checking a release from outside: every file of a site, as anybody gets it who asks for no compression, against its signed
//! list. Compressed copies are not looked at.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
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
use crate::net::client::{Answer, HttpClient};

/// The site's pages: the one, and the same for frames.
const PAGES: [&str; 2] = [PAGE, "embed.html"];
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
    let mut wrong = Vec::new();
    for (path, hash) in &report.release.files {
        let answer = site.get(path, MAX_FILE).await?;
        let same = is_as_signed(path, hash, &answer) || (path == PAGE && site.leads_home(&answer));
        if !same {
            wrong.push(path.clone());
        }
    }
    // What browsers open first is the address itself.
    let first = site.get("", MAX_FILE).await?;
    let page = report.release.files.get(PAGE);
    let same = page.is_some_and(|hash| is_as_signed(PAGE, hash, &first));
    if !same {
        wrong.push("the address itself".to_owned());
    }
    report.wrong = wrong;
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
        extra: Vec::new(),
    })
}
