//! Checking a release from outside: every file of a site, as anybody gets it, against its signed list.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use holdfast_protocol::keys::Ed25519PublicKey;

use super::{Hash, MANIFEST, MAX_MANIFEST, MAX_SIGNATURE, Release, ReleaseError, SIGNATURE, Signed};
use crate::kiosk::unmarked;
use crate::net::client::HttpClient;

/// The largest file of a site, bytes.
const MAX_FILE: usize = 64 * 1024 * 1024;
/// The site's pages: the app's, and the same for frames.
const PAGES: [&str; 2] = ["index.html", "embed.html"];
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
}

/// Checks a site by its address, such as `https://chat.example/`.
///
/// # Errors
/// It can't be reached, or it is no signed release, or not one of the `wanted` key.
pub async fn check_site(url: &str, wanted: Option<&Ed25519PublicKey>) -> Result<Report, ReleaseError> {
    let base = format!("{}/", url.trim_end_matches('/'));
    let client =
        HttpClient::verifying(true).map_err(|error| ReleaseError::Fetch(base.clone(), error.to_string()))?;
    let get = async |path: &str, max: usize| -> Result<Option<Bytes>, ReleaseError> {
        let address = format!("{base}{path}");
        let answer = client
            .get(&address, max, TIMEOUT)
            .await
            .map_err(|error| ReleaseError::Fetch(address, error.to_string()))?;
        Ok((answer.status == 200).then_some(answer.body))
    };
    let manifest = get(MANIFEST, MAX_MANIFEST).await?.ok_or(ReleaseError::Unsigned)?;
    let signature = get(SIGNATURE, MAX_SIGNATURE)
        .await?
        .ok_or(ReleaseError::Unsigned)?;
    let mut report = begin(&manifest, &signature, wanted)?;
    let files: Vec<(String, Hash)> = report.release.files.clone().into_iter().collect();
    for (path, hash) in files {
        let same = get(&path, MAX_FILE)
            .await?
            .is_some_and(|content| Hash::of(&as_signed(&path, content)) == hash);
        if !same {
            report.wrong.push(path);
        }
    }
    // What browsers open first is the address itself.
    let first = get("", MAX_FILE)
        .await?
        .map(|content| Hash::of(&as_signed(PAGES[0], content)));
    if first.as_ref() != report.release.files.get(PAGES[0]) {
        report.wrong.push("the address itself".to_owned());
    }
    Ok(report)
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
    let read = |name: &str| std::fs::read(folder.join(name)).map_err(|_| ReleaseError::Unsigned);
    let mut report = begin(&read(MANIFEST)?, &read(SIGNATURE)?, wanted)?;
    for (path, hash) in &report.release.files {
        let same = std::fs::read(folder.join(path)).is_ok_and(|content| Hash::of(&content) == *hash);
        if !same {
            report.wrong.push(path.clone());
        }
    }
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
    })
}
