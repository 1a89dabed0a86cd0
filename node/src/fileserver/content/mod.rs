//! Where the bytes of files are kept: a local folder, or an object store. Nothing here knows about expiry.

mod local;
#[cfg(feature = "clusters")]
mod s3;

use std::ops::Range;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;

use super::upload::Upload;
use holdfast_protocol::file::FileId;

pub use local::Folder;
#[cfg(feature = "clusters")]
pub use s3::Bucket;

/// Why bytes could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// The disk is full, or what the operator allows on it.
    #[error("no space left")]
    Full,
    /// The disk refused for another reason.
    #[error("disk: {0}")]
    Disk(std::io::Error),
    /// The object store refused, or could not be reached.
    #[error("object store: {0}")]
    Store(String),
}

impl From<std::io::Error> for ContentError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Disk(error),
        }
    }
}

/// A file whose bytes can be read.
pub struct Opened {
    /// The bytes of the whole file, whatever part was asked for.
    pub size: u64,
    /// The bytes asked for, piece by piece.
    pub pieces: BoxStream<'static, Result<Bytes, ContentError>>,
}

/// Keeps bytes under ids. Every call may come from several tasks, and several servers may share one store.
pub trait Content: Send + Sync + 'static {
    /// Keeps the bytes of an upload, durably, under this id. They appear whole or not at all.
    fn put(&self, id: FileId, upload: Upload) -> BoxFuture<'_, Result<(), ContentError>>;

    /// Whether an upload's own file becomes the kept one, so that the disk must have it first.
    fn moves_uploads(&self) -> bool;

    /// Begins to read; nothing if there is no such file. The range is not beyond the size that the caller knows.
    fn open(&self, id: FileId, range: Range<u64>) -> BoxFuture<'_, Result<Option<Opened>, ContentError>>;

    /// How many bytes are kept under the id; nothing if there is no such file.
    fn size(&self, id: FileId) -> BoxFuture<'_, Result<Option<u64>, ContentError>>;

    /// Removes a file; one that is gone already is no error.
    fn delete(&self, id: FileId) -> BoxFuture<'_, Result<(), ContentError>>;

    /// Every id there is, in no particular order, some at a time.
    fn list(&self) -> BoxStream<'_, Result<Vec<FileId>, ContentError>>;
}

/// Runs something that blocks on the disk.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, ContentError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(ContentError::Disk(std::io::Error::other("the work was given up"))),
    }
}
