//! Making a release of a built site.

use std::collections::BTreeMap;
use std::path::Path;

use holdfast_protocol::keys::{Ed25519KeyPair, Ed25519PublicKey};

use super::{
    FORMAT, HANDED_OVER, HandOver, Hash, MANIFEST, Release, ReleaseError, SIGNATURE, Signed, is_plain, with,
};

/// What operators change for themselves: no part of a release.
const LEFT_OUT: [&str; 2] = ["networks/default.json", "embed.json"];
/// Endings of compressed copies, which lie beside a file for web servers.
const PACKED: [&str; 2] = [".br", ".gz"];

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
/// The folder can't be read or written, what an earlier release left there can't be understood, or that one's number is not
/// below this one's.
pub fn sign_folder(
    folder: &Path,
    number: u64,
    keys: &Ed25519KeyPair,
    old: Option<&Ed25519KeyPair>,
) -> Result<Made, ReleaseError> {
    let mut files = BTreeMap::new();
    collect(folder, "", &mut files)?;
    let release = Release {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        number,
        files,
    };
    if let Ok(before) = std::fs::read(folder.join(MANIFEST)) {
        let before = Release::read(&before)?;
        if !release.follows(&before) {
            return Err(ReleaseError::Number(before.number));
        }
    }
    let mut manifest = serde_json::to_vec_pretty(&release)?;
    manifest.push(b'\n');
    let place = folder.join(SIGNATURE);
    let mut handed_over = match std::fs::read(&place) {
        Ok(before) => Signed::read(&before)?.handed_over,
        Err(_) => Vec::new(),
    };
    if let Some(old) = old {
        handed_over.push(HandOver {
            from: old.public(),
            to: keys.public(),
            signature: old.sign(&with(HANDED_OVER, keys.public().as_bytes())),
        });
    }
    let signed = Signed::over(&manifest, keys, handed_over);
    write(&folder.join(MANIFEST), &manifest)?;
    write(&place, &serde_json::to_vec_pretty(&signed)?)?;
    Ok(Made {
        release,
        key: keys.public(),
        fingerprint: Hash::of(&manifest),
    })
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), ReleaseError> {
    std::fs::write(path, bytes).map_err(|error| ReleaseError::File(path.display().to_string(), error))
}

fn collect(folder: &Path, below: &str, files: &mut BTreeMap<String, Hash>) -> Result<(), ReleaseError> {
    let failed = |error| ReleaseError::File(folder.display().to_string(), error);
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let path = format!("{below}{name}");
        if entry.path().is_dir() {
            collect(&entry.path(), &format!("{path}/"), files)?;
        } else if is_part(&path) {
            if !is_plain(&path) {
                return Err(ReleaseError::Name(path));
            }
            let content = std::fs::read(entry.path()).map_err(failed)?;
            files.insert(path, Hash::of(&content));
        }
    }
    Ok(())
}

/// Whether a file is part of a release.
fn is_part(path: &str) -> bool {
    let own = [MANIFEST, SIGNATURE];
    !own.contains(&path)
        && !LEFT_OUT.contains(&path)
        && !path.rsplit('/').next().is_some_and(|name| name.starts_with('.'))
        && !PACKED.iter().any(|ending| path.ends_with(ending))
}
