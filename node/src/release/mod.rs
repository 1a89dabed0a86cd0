//! Releases of the site: which files belong to one, and whose signature says so.
//!
//! `release.json` names every file with its hash. `release.sig` signs those bytes with the operator's release key. A browser
//! keeps the key of the first release that it saw (`static/service-worker.js`) and takes later ones only if they are signed
//! with it, or with a key that it handed over to.

mod check;
mod make;

use std::collections::BTreeMap;
use std::path::Path;

use data_encoding::HEXLOWER;
use holdfast_protocol::json::{JsonLimit, check_limits};
use holdfast_protocol::keys::{Ed25519KeyPair, Ed25519PublicKey, KeyError, Signature};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::files::read_capped;
use crate::site::is_plain;

pub use check::{Report, check_folder, check_site};
pub use make::{Made, sign_folder};

/// The site's page.
const PAGE: &str = "index.html";
/// The list of files, in the site's folder.
pub const MANIFEST: &str = "release.json";
/// The signature beside it.
pub const SIGNATURE: &str = "release.sig";
/// The form of both that this version writes and reads.
const FORMAT: u32 = 1;
/// What a signature over a list covers, before its bytes.
const SIGNED: &[u8] = b"holdfast release\n";
/// What a signature over a new key covers, before the key.
const HANDED_OVER: &[u8] = b"holdfast release key\n";
/// Longest list that is read, bytes: some thousand files.
const MAX_MANIFEST: usize = 512 * 1024;
/// Longest signature file that is read, bytes.
const MAX_SIGNATURE: usize = 4_096;
/// Most files of a release.
pub const MAX_FILES: usize = 4_096;
/// The largest file of a site, bytes.
const MAX_FILE: usize = 64 * 1024 * 1024;
/// The highest number of a release: the browser's numbers are exact up to it.
pub const MAX_NUMBER: u64 = (1 << 53) - 1;
/// Longest version, bytes.
const MAX_VERSION: usize = 64;

/// Why a release is none.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// A file or folder can't be read or written.
    #[error("{0}: {1}")]
    File(String, std::io::Error),
    /// A site can't be reached, or does not have a file.
    #[error("{0}: {1}")]
    Fetch(String, String),
    /// A file's name would not be read from a list: browsers take letters, digits, `.`, `-` and `_`.
    #[error("{0}: a file of this name can't be part of a release")]
    Name(String),
    /// A file is larger than browsers take.
    #[error("{0}: larger than {MAX_FILE} bytes, which can't be part of a release")]
    TooLarge(String),
    /// There are more files than browsers take.
    #[error("the folder holds {0} files, and a release may have {MAX_FILES}")]
    TooMany(usize),
    /// A file is missing without which browsers take no release.
    #[error("the folder holds no {0}, so it is no built site")]
    NoSite(&'static str),
    /// The page does not name its version, which is what users are told.
    #[error(
        "index.html in the folder does not say which version it is; `cargo xtask dist` makes a site that does"
    )]
    NoVersion,
    /// It is too long or too deeply nested.
    #[error("the release's list or signature is {0}")]
    Limit(#[from] JsonLimit),
    /// It is not the JSON it should be.
    #[error("the release's list or signature can't be read: {0}")]
    Json(#[from] serde_json::Error),
    /// A newer version wrote it, or it says something that this one could misunderstand: too many files, names that may lie
    /// outside of the site, a number that browsers round, a version that is none.
    #[error("the release has another form than this version reads")]
    Format,
    /// There is no signature.
    #[error("there is no signed release (release.json and release.sig), so that nothing can be checked")]
    Unsigned,
    /// The signature is not that of its key over this list.
    #[error("the signature is not right: the list of files was changed, or another key signed it")]
    Signature,
    /// It was signed with another key than wanted, and that key did not hand over to it.
    #[error("signed with the key {0}, not with the wanted one")]
    OtherKey(Ed25519PublicKey),
    /// The folder holds another release with this number, or a higher one; browsers would take this one for older.
    #[error("the folder holds release number {0} already, and browsers take only higher ones")]
    Number(u64),
    /// The release in the folder was signed with another key, which does not hand over.
    #[error(
        "release.sig in the folder is signed with the key {0}: name its file as --old-key, or browsers refuse the new key; \
         to begin anew in all browsers, remove release.sig"
    )]
    NoHandOver(Ed25519PublicKey),
    /// A key can't be used.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// A release: what `release.json` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// [`FORMAT`].
    format: u32,
    /// The version, such as `0.1.0`.
    pub version: String,
    /// Grows from release to release: when the sources were changed last, Unix seconds.
    pub number: u64,
    /// The SHA-256 of every file, by its path below the site's address.
    pub files: BTreeMap<String, Hash>,
}

/// A SHA-256 hash, hexadecimal when written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash([u8; 32]);

impl Hash {
    /// Of a file's content.
    pub fn of(content: &[u8]) -> Self {
        Self(Sha256::digest(content).into())
    }

    /// The first digits, in groups that people can compare.
    pub fn short(&self) -> String {
        let digits = HEXLOWER.encode(&self.0[..8]);
        let groups: Vec<&str> = [0, 4, 8, 12]
            .into_iter()
            .filter_map(|at| digits.get(at..at + 4))
            .collect();
        groups.join(" ")
    }
}

impl TryFrom<String> for Hash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| "no hash")?;
        bytes.try_into().map(Self).map_err(|_| "no SHA-256 hash")
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        HEXLOWER.encode(&hash.0)
    }
}

/// What `release.sig` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    format: u32,
    /// The key that signed.
    key: Ed25519PublicKey,
    /// Its signature over [`SIGNED`] and the list's bytes, hexadecimal.
    signature: Signature,
    /// The keys before this one, oldest first: each signed the next.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    handed_over: Vec<HandOver>,
}

/// A key that was given up for another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct HandOver {
    /// The old key.
    from: Ed25519PublicKey,
    /// The new one.
    to: Ed25519PublicKey,
    /// The old key's signature over [`HANDED_OVER`] and the new key's 32 bytes.
    signature: Signature,
}

/// Whether a version is one, and no text that passes for something else where it is printed.
fn is_version(text: &str) -> bool {
    let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+');
    (1..=MAX_VERSION).contains(&text.len()) && text.bytes().all(letter)
}

/// The list or the signature in a site's folder, if it is there.
fn read(folder: &Path, name: &str, max: usize) -> Result<Option<Vec<u8>>, ReleaseError> {
    let file = folder.join(name);
    match read_capped(&file, max) {
        Ok(None) => Err(JsonLimit::TooLong.into()),
        Ok(content) => Ok(content),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ReleaseError::File(file.display().to_string(), error)),
    }
}

fn with(before: &[u8], bytes: &[u8]) -> Vec<u8> {
    [before, bytes].concat()
}

impl Signed {
    fn over(manifest: &[u8], keys: &Ed25519KeyPair, handed_over: Vec<HandOver>) -> Self {
        Self {
            format: FORMAT,
            key: keys.public(),
            signature: keys.sign(&with(SIGNED, manifest)),
            handed_over,
        }
    }

    /// Reads a `release.sig`.
    ///
    /// # Errors
    /// It is too long, or none that this version reads.
    pub fn read(bytes: &[u8]) -> Result<Self, ReleaseError> {
        check_limits(bytes, MAX_SIGNATURE)?;
        let signed: Self = serde_json::from_slice(bytes)?;
        if signed.format == FORMAT {
            Ok(signed)
        } else {
            Err(ReleaseError::Format)
        }
    }

    /// Checks the signature over a list, and that `wanted` is its key or led to it.
    ///
    /// # Errors
    /// A signature is not right, or it is another key's.
    pub fn verify(&self, manifest: &[u8], wanted: Option<&Ed25519PublicKey>) -> Result<(), ReleaseError> {
        self.key
            .verify(&with(SIGNED, manifest), &self.signature)
            .map_err(|_| ReleaseError::Signature)?;
        let Some(wanted) = wanted else { return Ok(()) };
        let mut trusted = *wanted;
        for step in &self.handed_over {
            if step.from == trusted {
                step.from
                    .verify(&with(HANDED_OVER, step.to.as_bytes()), &step.signature)
                    .map_err(|_| ReleaseError::Signature)?;
                trusted = step.to;
            }
        }
        if trusted == self.key {
            Ok(())
        } else {
            Err(ReleaseError::OtherKey(self.key))
        }
    }
}

impl Release {
    /// Reads a `release.json`.
    ///
    /// # Errors
    /// It is too long, or none that this version reads.
    pub fn read(bytes: &[u8]) -> Result<Self, ReleaseError> {
        check_limits(bytes, MAX_MANIFEST)?;
        let release: Self = serde_json::from_slice(bytes)?;
        let whole = release.format == FORMAT
            && is_version(&release.version)
            && release.number <= MAX_NUMBER
            && release.files.len() <= MAX_FILES
            && release.files.keys().all(|path| is_plain(path));
        if whole {
            Ok(release)
        } else {
            Err(ReleaseError::Format)
        }
    }

    /// Whether a browser that runs a release takes this one in its place: as `static/service-worker.js` decides.
    fn follows(&self, running: &Self) -> bool {
        self == running || self.number > running.number
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
