//! Making a release of a built site.

use std::collections::BTreeMap;
use std::path::Path;

use holdfast_protocol::keys::{Ed25519KeyPair, Ed25519PublicKey};

use super::{
    FORMAT, HANDED_OVER, HandOver, Hash, MANIFEST, MAX_FILE, MAX_FILES, MAX_MANIFEST, MAX_SIGNATURE, PAGE,
    Release, ReleaseError, SIGNATURE, Signed, is_plain, is_version, read, with,
};
use crate::files::read_capped;
use crate::{embed, site};

/// Addresses of what operators change for themselves: no part of a release.
const LEFT_OUT: [&str; 2] = [site::NETWORK, embed::LIST];
/// What every release has, or browsers refuse it.
const NEEDED: [&str; 2] = [PAGE, "service-worker.js"];
/// Endings of compressed copies, which lie beside a file for web servers.
const PACKED: [&str; 2] = [".br", ".gz"];
/// What stands before the version in a built page (`xtask/tools/name-programs.mjs`). It is the site's own, whatever the version
/// of this program.
const VERSION: &str = "<meta name=\"version\" content=\"";

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// The release.
    pub release: Release,
    /// The key that signed it.
    pub key: Ed25519PublicKey,
    /// The hash of its list, which the app shows.
    pub fingerprint: Hash,
}

/// Lists the files of a site's folder and signs the list. With the key of the release before (`old`), that key hands over
/// to this one. What an earlier `release.sig` in the folder says of keys that were handed over stays.
///
/// # Errors
/// The folder can't be read or written or is no built site, what an earlier release left there can't be understood, or
/// browsers that run that one would refuse this one. Nothing is written then.
pub fn sign_folder(
    folder: &Path,
    number: u64,
    keys: &Ed25519KeyPair,
    old: Option<&Ed25519KeyPair>,
) -> Result<Made, ReleaseError> {
    let files = files_of(folder)?;
    let release = Release {
        format: FORMAT,
        version: version_in(folder)?,
        number,
        files,
    };
    if let Some(before) = read(folder, MANIFEST, MAX_MANIFEST)? {
        let before = Release::read(&before)?;
        if !release.follows(&before) {
            return Err(ReleaseError::Number(before.number));
        }
    }
    let mut manifest = serde_json::to_vec_pretty(&release)?;
    manifest.push(b'\n');
    let handed_over = hand_overs(folder, keys, old)?;
    let signature = serde_json::to_vec_pretty(&Signed::over(&manifest, keys, handed_over))?;
    // What was too long could be written, and read by nobody.
    Release::read(&manifest)?;
    Signed::read(&signature)?;
    write(&folder.join(MANIFEST), &manifest)?;
    write(&folder.join(SIGNATURE), &signature)?;
    Ok(Made {
        release,
        key: keys.public(),
        fingerprint: Hash::of(&manifest),
    })
}

/// What the signature in the folder says of keys that were handed over, and that `old` hands over to this key.
fn hand_overs(
    folder: &Path,
    keys: &Ed25519KeyPair,
    old: Option<&Ed25519KeyPair>,
) -> Result<Vec<HandOver>, ReleaseError> {
    let to = keys.public();
    let mut steps = Vec::new();
    if let Some(before) = read(folder, SIGNATURE, MAX_SIGNATURE)? {
        let before = Signed::read(&before)?;
        if before.key != to && old.is_none_or(|old| old.public() != before.key) {
            return Err(ReleaseError::NoHandOver(before.key));
        }
        steps = before.handed_over;
    }
    if let Some(old) = old {
        let from = old.public();
        // Signing twice is no second step.
        steps.retain(|step| step.from != from || step.to != to);
        steps.push(HandOver {
            from,
            to,
            signature: old.sign(&with(HANDED_OVER, to.as_bytes())),
        });
    }
    Ok(steps)
}

fn version_in(folder: &Path) -> Result<String, ReleaseError> {
    let page = read(folder, PAGE, MAX_FILE)?.unwrap_or_default();
    let page = String::from_utf8_lossy(&page);
    let told = page
        .split_once(VERSION)
        .and_then(|(_, rest)| rest.split_once('"'));
    match told {
        Some((version, _)) if is_version(version) => Ok(version.to_owned()),
        _ => Err(ReleaseError::NoVersion),
    }
}

fn files_of(folder: &Path) -> Result<BTreeMap<String, Hash>, ReleaseError> {
    let mut files = BTreeMap::new();
    for path in paths_in(folder)? {
        if is_own(&path) || unpacked(&path).is_some() {
            continue;
        }
        if !is_plain(&path) {
            return Err(ReleaseError::Name(path));
        }
        let file = folder.join(&path);
        let content = read_capped(&file, MAX_FILE)
            .map_err(|error| ReleaseError::File(file.display().to_string(), error))?;
        match content {
            Some(content) => files.insert(path, Hash::of(&content)),
            None => return Err(ReleaseError::TooLarge(path)),
        };
    }
    if let Some(missing) = NEEDED.into_iter().find(|name| !files.contains_key(*name)) {
        return Err(ReleaseError::NoSite(missing));
    }
    if files.len() > MAX_FILES {
        return Err(ReleaseError::TooMany(files.len()));
    }
    Ok(files)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), ReleaseError> {
    std::fs::write(path, bytes).map_err(|error| ReleaseError::File(path.display().to_string(), error))
}

/// Every file of a folder by its path below it, in order. Hidden ones are left out: no server here hands them out.
pub(super) fn paths_in(folder: &Path) -> Result<Vec<String>, ReleaseError> {
    let mut paths = Vec::new();
    collect(folder, "", &mut paths)?;
    paths.sort();
    Ok(paths)
}

fn collect(folder: &Path, below: &str, paths: &mut Vec<String>) -> Result<(), ReleaseError> {
    let failed = |error| ReleaseError::File(folder.display().to_string(), error);
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let path = format!("{below}{name}");
        if entry.path().is_dir() {
            collect(&entry.path(), &format!("{path}/"), paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

/// Whether a file is no part of a release: it is about one, or the operator's.
pub(super) fn is_own(path: &str) -> bool {
    [MANIFEST, SIGNATURE].contains(&path)
        || LEFT_OUT
            .iter()
            .any(|address| address.strip_prefix('/') == Some(path))
}

/// The file that a compressed copy is of.
pub(super) fn unpacked(path: &str) -> Option<&str> {
    PACKED.iter().find_map(|ending| path.strip_suffix(ending))
}
