//! A file server: keeps encrypted attachments and pictures for some days, for whoever knows their ids
//! (spec/07-files-and-attachments.md §3, §4). The same requests come directly over HTTP and inside onion requests.
//!
//! Bytes are in a [`content::Content`], what is known of them in a [`records::Records`]; between them [`store`] and the
//! cleaner keep the order that makes a crash at any moment harmless.

mod api;
mod cleaner;
pub mod content;
mod http;
mod onion;
mod places;
mod receive;
pub mod records;
mod store;
mod upload;
mod versions;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use holdfast_protocol::file::api::{MAX_BODY, MAX_TTL};
use holdfast_protocol::keys::{Ed25519KeyPair, Ed25519PublicKey, X25519SecretKey};
use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::files::{FileError, lock_folder};
use crate::metrics::Counter;
use crate::net::ratelimit::{Rate, RateLimiter};
use crate::storage::db::Durability;
use content::{Content, ContentError, Folder};
use records::{Records, RecordsError, Sqlite};
use store::Quota;
use versions::Releases;

pub use http::router;
pub use places::{ContentPlace, PlaceError, RecordsPlace, Secrets, Stores};

/// What all files together may take unless the operator says otherwise, bytes.
const DEFAULT_QUOTA: u64 = 50 * 1024 * 1024 * 1024;
/// Direct uploads under way at once unless the operator says otherwise.
const DEFAULT_UPLOADS: usize = 64;
/// Direct downloads under way at once: each holds an open file and a piece of it.
const MAX_DOWNLOADS: usize = 512;
/// The units in which memory for onion requests is counted, bytes.
const MEMORY_UNIT: usize = 64 * 1024;
/// What the bodies of onion requests and of their answers may take together, in units: half a GiB.
const ONION_MEMORY: usize = 8_192;
/// The folder of uploads under way.
const INCOMING: &str = "incoming";
/// The folder of notes on what is on its way to an object store.
#[cfg(feature = "clusters")]
const UNDER_WAY: &str = "under-way";

/// How a file server runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where uploads under way are, and the stores that are not elsewhere.
    pub data: PathBuf,
    /// Which stores.
    pub stores: Stores,
    /// What an answered upload survives.
    pub durability: Durability,
    /// How long files are kept at most, seconds.
    pub ttl: u64,
    /// The largest file, bytes.
    pub max_size: u64,
    /// What all files together may take, bytes.
    pub quota: u64,
    /// Direct uploads under way at once.
    pub uploads: usize,
    /// The limit of one client address on direct requests; `None` for none. Onion requests come from relays and have
    /// no such limit.
    pub rate: Option<Rate>,
    /// A file that says which releases of the apps are the latest; without one the server does not know.
    pub versions: Option<PathBuf>,
}

impl Options {
    /// The usual limits, with everything in that folder.
    pub fn new(data: &Path) -> Self {
        Self {
            data: data.to_owned(),
            stores: Stores::default(),
            durability: Durability::Power,
            ttl: MAX_TTL,
            max_size: MAX_BODY as u64,
            quota: DEFAULT_QUOTA,
            uploads: DEFAULT_UPLOADS,
            rate: Some(Rate::DIRECT_RPC),
            versions: None,
        }
    }
}

/// Why a file server could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A folder cannot be made or read.
    #[error("{0}: {1}")]
    Folder(PathBuf, std::io::Error),
    /// Another process uses the folder.
    #[error("{0} is in use by another file server")]
    InUse(PathBuf),
    /// The database did not open.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// The content did not open, or what a former process left there could not be cleaned up.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// A store's address or secrets cannot be used.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The authorities for the stores' certificates cannot be used.
    #[error(transparent)]
    Tls(#[from] crate::net::tls::TlsError),
}

/// What the server counts.
#[derive(Debug, Default)]
struct Metrics {
    uploads: Counter,
    duplicates: Counter,
    uploaded_bytes: Counter,
    downloads: Counter,
    downloaded_bytes: Counter,
    extended: Counter,
    onion: Counter,
    missing: Counter,
    refused: Counter,
    failed: Counter,
    limited: Counter,
    deleted: Counter,
    lost: Counter,
}

struct Inner {
    options: Options,
    public: Ed25519PublicKey,
    onion_secret: X25519SecretKey,
    incoming: PathBuf,
    /// Whether temporary files must reach the disk before they are moved to their place.
    flush: bool,
    content: Arc<dyn Content>,
    records: Arc<dyn Records>,
    clock: Arc<dyn Clock>,
    quota: Quota,
    limiter: RateLimiter,
    uploads: Semaphore,
    downloads: Arc<Semaphore>,
    onion_memory: Semaphore,
    releases: Option<Releases>,
    metrics: Metrics,
    tasks: Mutex<tokio::task::JoinSet<()>>,
    /// Held for as long as the folder is ours.
    lock: std::fs::File,
}

/// A file server. Cloning shares it.
#[derive(Clone)]
pub struct FileServer {
    inner: Arc<Inner>,
}

impl FileServer {
    /// Opens the stores and cleans up what a killed process left. It serves as soon as its [`router`] does;
    /// [`FileServer::start`] adds its background work.
    pub async fn open(
        keys: &Ed25519KeyPair,
        options: Options,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StartError> {
        let lock = lock(&options.data)?;
        let content = open_content(&options).await?;
        let records = open_records(&options).await?;
        Self::over(keys, options, clock, content, records, lock).await
    }

    /// The same over these stores, in a folder that is locked.
    async fn over(
        keys: &Ed25519KeyPair,
        options: Options,
        clock: Arc<dyn Clock>,
        content: Arc<dyn Content>,
        records: Arc<dyn Records>,
        lock: std::fs::File,
    ) -> Result<Self, StartError> {
        let incoming = options.data.join(INCOMING);
        let folder_error = |error| StartError::Folder(incoming.clone(), error);
        std::fs::create_dir_all(&incoming).map_err(folder_error)?;
        upload::sweep(&incoming).map_err(folder_error)?;
        let server = Self {
            inner: Arc::new(Inner {
                public: keys.public(),
                onion_secret: keys.x25519(),
                incoming,
                flush: options.durability == Durability::Power && content.moves_uploads(),
                content,
                records,
                clock,
                quota: Quota::new(options.quota),
                limiter: RateLimiter::new(options.rate),
                uploads: Semaphore::new(options.uploads),
                downloads: Arc::new(Semaphore::new(MAX_DOWNLOADS)),
                onion_memory: Semaphore::new(ONION_MEMORY),
                releases: options.versions.clone().map(Releases::new),
                metrics: Metrics::default(),
                tasks: Mutex::new(tokio::task::JoinSet::new()),
                lock,
                options,
            }),
        };
        cleaner::clean_up_after_former(&server.inner).await?;
        Ok(server)
    }

    /// The key that addresses of its files name.
    pub fn public(&self) -> Ed25519PublicKey {
        self.inner.public
    }

    /// Starts deleting what expires. Call it inside the runtime that is to do it.
    pub fn start(&self) {
        cleaner::start(&self.inner);
    }

    /// Deletes what has expired, now. Happens by itself every few seconds after [`FileServer::start`].
    pub async fn clean(&self) -> Result<(), StartError> {
        cleaner::delete_expired(&self.inner).await
    }

    /// Removes bytes that no row knows. Happens by itself after [`FileServer::start`], and once a day.
    pub async fn sweep(&self) -> Result<(), StartError> {
        cleaner::sweep_orphans(&self.inner).await
    }

    /// Ends the background work, closes the stores and lets the folder go.
    pub fn stop(&self) {
        self.inner
            .tasks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .abort_all();
        self.inner.records.close();
        // The lock ends with the process in any case.
        let _ = self.inner.lock.unlock();
    }
}

impl Inner {
    fn now(&self) -> u64 {
        self.clock.now_ms()
    }
}

async fn open_content(options: &Options) -> Result<Arc<dyn Content>, StartError> {
    match &options.stores.content {
        ContentPlace::Folder => {
            let files = options.data.join("files");
            let folder = Folder::open(&files, options.durability == Durability::Power)
                .map_err(|error| StartError::Folder(files, error))?;
            Ok(Arc::new(folder))
        }
        #[cfg(feature = "clusters")]
        ContentPlace::S3 { bucket, prefix } => {
            let stores = &options.stores;
            let tls = crate::net::tls::client_verified(stores.authorities.as_deref())?;
            let notes = options.data.join(UNDER_WAY);
            let bucket = content::Bucket::open(bucket, prefix, &stores.secrets, tls, &notes).await?;
            Ok(Arc::new(bucket))
        }
        #[cfg(not(feature = "clusters"))]
        ContentPlace::S3 { .. } => Err(PlaceError::NotBuilt.into()),
    }
}

async fn open_records(options: &Options) -> Result<Arc<dyn Records>, StartError> {
    match &options.stores.records {
        RecordsPlace::Sqlite => Ok(Arc::new(Sqlite::open(
            &options.data.join("files.db"),
            options.durability,
        )?)),
        #[cfg(feature = "clusters")]
        RecordsPlace::Postgres(address) => {
            let stores = &options.stores;
            let tls = crate::net::tls::client_verified(stores.authorities.as_deref())?;
            let records = records::Postgres::open(address, &stores.secrets, tls, options.durability).await?;
            Ok(Arc::new(records))
        }
        #[cfg(not(feature = "clusters"))]
        RecordsPlace::Postgres(_) => Err(PlaceError::NotBuilt.into()),
    }
}

/// Makes sure that no other process sweeps away what this one is writing.
fn lock(data: &Path) -> Result<std::fs::File, StartError> {
    let failed = |FileError(path, error)| StartError::Folder(path, error);
    let lock = lock_folder(data).map_err(failed)?;
    lock.ok_or_else(|| StartError::InUse(data.to_owned()))
}

#[cfg(test)]
mod tests;
