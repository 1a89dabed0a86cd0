//! The order in which an upload becomes a file: its row says that it is being written, the bytes are put, the row says
//! that it is kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::content::ContentError;
use super::records::{Begun, RecordsError, Totals};
use super::upload::Upload;
use super::{FileServer, Inner};
use crate::net::body::BodyError;
use holdfast_protocol::file::FileId;
use holdfast_protocol::file::api::FileInfo;

/// The pause before an upload looks again whether the deletion of the same file is over
/// (spec/07-files-and-attachments.md §4.3).
const DELETION_PAUSE: Duration = Duration::from_millis(20);
/// How often it looks: five seconds in all.
const DELETION_LOOKS: u32 = 250;
/// How many free numbers are tried (spec/07-files-and-attachments.md §3.1).
const NUMBER_TRIES: u32 = 25;
/// Numbers are below 2^53, which JavaScript holds exactly.
const NUMBER_MASK: u64 = (1 << 53) - 1;

/// Why a request is not served. Its status is the answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("malformed request")]
    Malformed,
    #[error("no such file")]
    Missing,
    #[error("the body did not come in time")]
    TooSlow,
    #[error("empty or too large")]
    Size,
    #[error("the range is outside of the file")]
    Range(u64),
    #[error("too many requests")]
    Rate,
    #[error("nothing is known of that app's releases")]
    NoRelease,
    #[error("too much under way")]
    Busy,
    #[error("no space left")]
    Full,
    #[error(transparent)]
    Content(ContentError),
    #[error(transparent)]
    Records(RecordsError),
    #[error("the file was taken away while it was written")]
    Lost,
}

impl Refusal {
    pub(super) fn status(&self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::Missing => 404,
            Self::TooSlow => 408,
            Self::Size => 413,
            Self::Range(_) => 416,
            Self::Rate => 429,
            Self::Content(_) | Self::Records(_) | Self::Lost => 500,
            Self::NoRelease => 502,
            Self::Busy => 503,
            Self::Full => 507,
        }
    }
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::Size,
            BodyError::TooSlow => Self::TooSlow,
            BodyError::BrokenOff => Self::Malformed,
        }
    }
}

impl From<ContentError> for Refusal {
    fn from(error: ContentError) -> Self {
        match error {
            ContentError::Full => Self::Full,
            other => Self::Content(other),
        }
    }
}

impl From<RecordsError> for Refusal {
    fn from(error: RecordsError) -> Self {
        match error {
            RecordsError::Full => Self::Full,
            other => Self::Records(other),
        }
    }
}

/// What all files may take. The sum is counted along and now and then taken from the database, where other servers
/// may have changed it.
pub(super) struct Quota {
    limit: u64,
    used: AtomicU64,
    reserved: AtomicU64,
    files: AtomicU64,
}

/// Room for one upload under way.
pub(super) struct Reserved<'a> {
    quota: &'a Quota,
    size: u64,
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        self.quota.reserved.fetch_sub(self.size, Ordering::Relaxed);
    }
}

impl Quota {
    pub(super) fn new(limit: u64) -> Self {
        Self {
            limit,
            used: AtomicU64::new(0),
            reserved: AtomicU64::new(0),
            files: AtomicU64::new(0),
        }
    }

    /// Keeps room, if there is any.
    pub(super) fn reserve(&self, size: u64) -> Result<Reserved<'_>, Refusal> {
        let before = self.reserved.fetch_add(size, Ordering::Relaxed);
        let reserved = Reserved { quota: self, size };
        let wanted = self
            .used
            .load(Ordering::Relaxed)
            .saturating_add(before)
            .saturating_add(size);
        if wanted > self.limit {
            return Err(Refusal::Full);
        }
        Ok(reserved)
    }

    pub(super) fn set(&self, totals: Totals) {
        self.used.store(totals.bytes, Ordering::Relaxed);
        self.files.store(totals.files, Ordering::Relaxed);
    }

    fn add(&self, size: u64) {
        self.used.fetch_add(size, Ordering::Relaxed);
        self.files.fetch_add(1, Ordering::Relaxed);
    }

    /// Files and bytes as far as is known.
    pub(super) fn totals(&self) -> Totals {
        Totals {
            files: self.files.load(Ordering::Relaxed),
            bytes: self.used.load(Ordering::Relaxed),
        }
    }
}

/// How an upload is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// By its hash.
    Hash,
    /// By a random number, as old clients want it (spec/07-files-and-attachments.md §3.5).
    Number,
}

/// Keeps an upload. Goes on if the client leaves: what was begun is ended in order.
pub(super) async fn keep(
    inner: &Arc<Inner>,
    upload: Upload,
    naming: Naming,
    ttl_ms: u64,
) -> Result<(FileId, FileInfo), Refusal> {
    let server = FileServer {
        inner: Arc::clone(inner),
    };
    let kept = tokio::spawn(async move {
        let _reserved = server.inner.quota.reserve(upload.size())?;
        match naming {
            Naming::Hash => by_hash(&server.inner, upload, ttl_ms).await,
            Naming::Number => by_number(&server.inner, upload, ttl_ms).await,
        }
    });
    kept.await.unwrap_or(Err(Refusal::Lost))
}

async fn by_hash(inner: &Inner, upload: Upload, ttl_ms: u64) -> Result<(FileId, FileInfo), Refusal> {
    let id = upload.id().clone();
    for _ in 0..DELETION_LOOKS {
        let now = inner.now();
        let expires = now.saturating_add(ttl_ms);
        match inner
            .records
            .begin(id.clone(), upload.size(), now, expires)
            .await?
        {
            Begun::Write => {
                let record = write(inner, id.clone(), upload).await?;
                return Ok((id, record));
            }
            Begun::Known(record) => {
                if inner.content.size(id.clone()).await? == Some(record.size) {
                    inner.metrics.duplicates.add_one();
                    return Ok((id, record));
                }
                // The bytes were lost; here they are again. If the row is taken meanwhile, it is looked at once more.
                if inner.records.begin_again(id.clone(), now).await? {
                    let record = write(inner, id.clone(), upload).await?;
                    return Ok((id, record));
                }
            }
            Begun::Deleting => tokio::time::sleep(DELETION_PAUSE).await,
        }
    }
    Err(Refusal::Busy)
}

async fn by_number(inner: &Inner, upload: Upload, ttl_ms: u64) -> Result<(FileId, FileInfo), Refusal> {
    for _ in 0..NUMBER_TRIES {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|_| Refusal::Lost)?;
        let number = u64::from_le_bytes(random) & NUMBER_MASK;
        let Ok(id) = FileId::parse(&number.to_string()) else {
            continue;
        };
        let now = inner.now();
        let expires = now.saturating_add(ttl_ms);
        if inner
            .records
            .begin_new(id.clone(), upload.size(), now, expires)
            .await?
        {
            let record = write(inner, id.clone(), upload).await?;
            return Ok((id, record));
        }
    }
    Err(Refusal::Full)
}

/// Puts the bytes of a row that is marked for it. When that fails the row stays as it is: others may be writing the same
/// file, and the cleaner takes what nobody finishes.
async fn write(inner: &Inner, id: FileId, upload: Upload) -> Result<FileInfo, Refusal> {
    let size = upload.size();
    inner.quota.add(size);
    inner.content.put(id.clone(), upload).await?;
    inner.metrics.uploaded_bytes.add(size);
    inner.records.finish(id).await?.ok_or(Refusal::Lost)
}

/// A file has a row and no bytes, or others: the row is dropped, unless the bytes are there after all.
pub(super) async fn drop_lost(inner: &Inner, id: &FileId, record: FileInfo) -> Result<(), Refusal> {
    if !inner.records.take_lost(id.clone(), inner.now()).await? {
        return Ok(());
    }
    if inner.content.size(id.clone()).await? == Some(record.size) {
        inner.records.keep(id.clone()).await?;
        return Ok(());
    }
    inner.content.delete(id.clone()).await?;
    inner.records.forget(id.clone()).await?;
    inner.metrics.lost.add_one();
    tracing::warn!("a file's content was missing; it is forgotten");
    Ok(())
}
