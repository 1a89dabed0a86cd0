//! Which stores an operator names for a file server, and the secrets that belong to them. Secrets come from the
//! environment or a file, never from the command line, which every user of the machine can read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

#[cfg(feature = "clusters")]
use super::records::check_address;

/// Where objects go in a bucket whose address names no folder, so that nothing else in it is ever taken for ours.
const DEFAULT_PREFIX: &str = "holdfast";
/// The longest name of a bucket (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html).
const MAX_BUCKET: usize = 63;
/// The largest secrets file that is read, bytes: some lines.
const MAX_SECRETS: u64 = 64 * 1024;
/// The database's password, as PostgreSQL's own programs name it.
pub(super) const PASSWORD: &str = "PGPASSWORD";
/// The object store's keys and place, as every S3 program names them.
pub(super) const ACCESS_KEY: &str = "AWS_ACCESS_KEY_ID";
pub(super) const SECRET_KEY: &str = "AWS_SECRET_ACCESS_KEY";
pub(super) const SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";
pub(super) const REGION: &str = "AWS_REGION";
pub(super) const ENDPOINT: &str = "AWS_ENDPOINT_URL";
/// All that is read.
const NAMES: [&str; 6] = [PASSWORD, ACCESS_KEY, SECRET_KEY, SESSION_TOKEN, REGION, ENDPOINT];

/// Why a place cannot be used, or its secrets cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// It is no place for records.
    #[error("--records takes `sqlite` or postgres://user@host/database")]
    Records,
    /// It is no place for content.
    #[error("--content takes `folder` or s3://bucket/folder")]
    Content,
    /// A password stands where everybody can read it.
    #[error(
        "the address of the database must not hold a password: set {PASSWORD}, or name it in the --secrets file"
    )]
    PasswordInAddress,
    /// This binary was built without the cargo feature `clusters`.
    #[error(
        "this build knows no PostgreSQL and no S3; build it with `--features clusters`, as `cargo xtask dist` does"
    )]
    NotBuilt,
    /// Something that the store cannot do without is not set.
    #[error("{0} is not set, neither in the environment nor in the --secrets file")]
    Missing(&'static str),
    /// A value that is set cannot be used.
    #[error("{0}: {1}")]
    Unusable(&'static str, &'static str),
    /// The secrets file cannot be read.
    #[error("secrets file {0}: {1}")]
    File(PathBuf, std::io::Error),
    /// A line of the secrets file says nothing that is known. What it says is not repeated.
    #[error("secrets file {0}, line {1}: it must be NAME=value with one of {names}", names = NAMES.join(", "))]
    Line(PathBuf, usize),
}

/// Where rows are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RecordsPlace {
    /// In an SQLite file in the data folder.
    #[default]
    Sqlite,
    /// In the PostgreSQL database of this address, which holds no password.
    Postgres(String),
}

impl RecordsPlace {
    /// Reads what an operator wrote.
    pub fn parse(text: &str) -> Result<Self, PlaceError> {
        if text == "sqlite" {
            return Ok(Self::Sqlite);
        }
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(PlaceError::Records);
        }
        check_address(text)?;
        Ok(Self::Postgres(text.to_owned()))
    }
}

#[cfg(not(feature = "clusters"))]
fn check_address(_: &str) -> Result<(), PlaceError> {
    Err(PlaceError::NotBuilt)
}

/// Where bytes are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ContentPlace {
    /// In the data folder.
    #[default]
    Folder,
    /// In a bucket of an S3-compatible store.
    S3 {
        /// The bucket.
        bucket: String,
        /// The folder in it, without slashes at its ends.
        prefix: String,
    },
}

impl ContentPlace {
    /// Reads what an operator wrote.
    pub fn parse(text: &str) -> Result<Self, PlaceError> {
        if text == "folder" {
            return Ok(Self::Folder);
        }
        let rest = text.strip_prefix("s3://").ok_or(PlaceError::Content)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.trim_matches('/');
        let prefix = if prefix.is_empty() { DEFAULT_PREFIX } else { prefix };
        let is_name = |part: &str| {
            !part.is_empty()
                && !part.bytes().all(|byte| byte == b'.')
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        if !is_name(bucket) || bucket.len() > MAX_BUCKET || !prefix.split('/').all(is_name) {
            return Err(PlaceError::Content);
        }
        if cfg!(not(feature = "clusters")) {
            return Err(PlaceError::NotBuilt);
        }
        Ok(Self::S3 {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
        })
    }
}

/// What only the operator knows. Wiped when it goes, and never printed; the libraries that speak to the stores keep copies
/// for as long as they do.
#[derive(Clone, Default)]
pub struct Secrets(BTreeMap<&'static str, Zeroizing<String>>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Secrets {
    /// Those of the environment, and over them those of the file.
    pub fn read(file: Option<&Path>) -> Result<Self, PlaceError> {
        let mut secrets = Self::default();
        for name in NAMES {
            if let Ok(value) = std::env::var(name)
                && !value.is_empty()
            {
                secrets.0.insert(name, Zeroizing::new(value));
            }
        }
        if let Some(file) = file {
            let text = read_file(file).map_err(|error| PlaceError::File(file.to_owned(), error))?;
            secrets
                .add(&text)
                .map_err(|line| PlaceError::Line(file.to_owned(), line))?;
        }
        Ok(secrets)
    }

    /// Takes the lines of a file; fails with the number of one that says nothing.
    fn add(&mut self, text: &str) -> Result<(), usize> {
        for (number, line) in (1_usize..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, value) = line.split_once('=').ok_or(number)?;
            let known = NAMES.into_iter().find(|known| *known == name.trim());
            let value = Zeroizing::new(value.trim().to_owned());
            self.0.insert(known.ok_or(number)?, value);
        }
        Ok(())
    }

    /// The same with one more.
    #[cfg(test)]
    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.0.insert(name, Zeroizing::new(value.to_owned()));
        self
    }

    #[cfg(feature = "clusters")]
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.as_str())
    }

    #[cfg(feature = "clusters")]
    pub(super) fn need(&self, name: &'static str) -> Result<&str, PlaceError> {
        self.get(name).ok_or(PlaceError::Missing(name))
    }
}

/// A small text file. One that everybody may read is taken, and complained about.
fn read_file(file: &Path) -> std::io::Result<Zeroizing<String>> {
    use std::io::Read as _;
    let opened = std::fs::File::open(file)?;
    let metadata = opened.metadata()?;
    if metadata.len() > MAX_SECRETS {
        return Err(std::io::Error::other("it is too large to be a list of secrets"));
    }
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o004 != 0 {
        tracing::warn!(file = %file.display(), "every user of this machine can read the secrets file");
    }
    // As large as it will get, so that no copies are left behind while it grows.
    let mut text = Zeroizing::new(String::with_capacity(
        usize::try_from(metadata.len()).unwrap_or(0) + 1,
    ));
    opened.take(MAX_SECRETS).read_to_string(&mut text)?;
    Ok(text)
}

/// The stores of a file server.
#[derive(Clone, Debug, Default)]
pub struct Stores {
    /// Where rows are kept.
    pub records: RecordsPlace,
    /// Where bytes are kept.
    pub content: ContentPlace,
    /// The authorities, PEM, whose certificates the stores' servers have, instead of those that browsers know.
    pub authorities: Option<PathBuf>,
    /// Passwords and keys.
    pub secrets: Secrets,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "clusters")]
    #[test]
    fn places_are_read_and_what_is_none_is_refused() {
        assert_eq!(RecordsPlace::parse("sqlite").unwrap(), RecordsPlace::Sqlite);
        for address in [
            "postgres://files@db.example/files",
            "postgresql:///files?host=/run/postgresql&user=files",
            "postgres://files@%2Frun%2Fpostgresql/files",
        ] {
            assert_eq!(
                RecordsPlace::parse(address).unwrap(),
                RecordsPlace::Postgres(address.to_owned())
            );
        }
        for address in [
            "",
            "mysql://x/y",
            "postgres",
            "postgres://a@b/c?nonsense=1",
            "postgres:///files",
        ] {
            assert!(
                matches!(RecordsPlace::parse(address), Err(PlaceError::Records)),
                "{address}"
            );
        }
        for address in [
            "postgres://files:hush@db/files",
            "postgres://db/files?password=hush",
        ] {
            let refused = RecordsPlace::parse(address).unwrap_err();
            assert!(matches!(refused, PlaceError::PasswordInAddress), "{address}");
            assert!(!refused.to_string().contains("hush"));
        }
        let s3 = |bucket: &str, prefix: &str| ContentPlace::S3 {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
        };
        assert_eq!(ContentPlace::parse("folder").unwrap(), ContentPlace::Folder);
        assert_eq!(ContentPlace::parse("s3://b").unwrap(), s3("b", "holdfast"));
        assert_eq!(ContentPlace::parse("s3://b.c/").unwrap(), s3("b.c", "holdfast"));
        assert_eq!(ContentPlace::parse("s3://b/x/y_1/").unwrap(), s3("b", "x/y_1"));
        for address in [
            "",
            "s3://",
            "s3:///x",
            "s3://b/x//y",
            "s3://b/../c",
            "s3://k:s@b",
            "gs://b",
        ] {
            assert!(
                matches!(ContentPlace::parse(address), Err(PlaceError::Content)),
                "{address}"
            );
        }
    }

    #[cfg(not(feature = "clusters"))]
    #[test]
    fn a_build_without_clusters_says_so() {
        assert!(matches!(
            RecordsPlace::parse("postgres://a@b/c"),
            Err(PlaceError::NotBuilt)
        ));
        assert!(matches!(ContentPlace::parse("s3://b"), Err(PlaceError::NotBuilt)));
    }

    #[test]
    fn secrets_come_from_a_file_and_are_never_shown() {
        let folder = crate::files::temporary_folder("secrets");
        let file = folder.join("secrets");
        std::fs::write(&file, "# ours\n\nPGPASSWORD = hush = hush \nAWS_REGION=eu\n").unwrap();
        let secrets = Secrets::read(Some(&file)).unwrap();
        assert_eq!(secrets.0[PASSWORD].as_str(), "hush = hush");
        assert_eq!(secrets.0[REGION].as_str(), "eu");
        assert!(!format!("{secrets:?}").contains("hush"));
        for bad in ["hush", "\nPASSWORD=hush"] {
            std::fs::write(&file, bad).unwrap();
            let refused = Secrets::read(Some(&file)).unwrap_err();
            let line = bad.lines().count();
            assert!(matches!(refused, PlaceError::Line(_, number) if number == line));
            assert!(!refused.to_string().contains("hush"));
        }
        assert!(matches!(
            Secrets::read(Some(&folder.join("none"))),
            Err(PlaceError::File(..))
        ));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
