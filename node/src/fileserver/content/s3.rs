//! Objects in a bucket of an S3-compatible store, under the names that the local folder has, so that moving from one to the
//! other is copying. Requests go through the project's own HTTP client.
//!
//! A large file goes up in parts and appears when all of them are there. Which uploads have parts in the store is noted in
//! a folder first: whatever a killed process left is removed by the next one.

use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _};
use http_body_util::BodyExt as _;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse,
    HttpResponseBody, HttpService,
};
use object_store::multipart::{MultipartStore as _, PartId};
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, Error, GetOptions, ObjectStore as _, ObjectStoreExt as _, RetryConfig,
};
use rustls::ClientConfig;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use super::{Content, ContentError, Opened, blocking};
use crate::fileserver::StartError;
use crate::fileserver::places::{
    ACCESS_KEY, ENDPOINT, PlaceError, REGION, SECRET_KEY, SESSION_TOKEN, Secrets,
};
use crate::fileserver::upload::Upload;
use crate::net::client::{Pool, Reach, pool};
use holdfast_protocol::file::FileId;

/// Bytes of each part but the last: the least that stores take, so that an upload holds little in memory
/// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html).
const PART: usize = 5 * 1024 * 1024;
/// The units in which memory for parts is counted, bytes.
const MEMORY_UNIT: usize = 64 * 1024;
/// What parts may take together, in units: 32 MiB, half a dozen of them on their way. More uploads at once wait with their bytes
/// on the disk.
const PARTS_MEMORY: usize = 512;
/// The region that stores without regions take (https://docs.aws.amazon.com/general/latest/gr/s3.html).
const DEFAULT_REGION: &str = "us-east-1";
/// How long a single request may take until its answer begins: a part over a slow line.
const ANSWER_TIME: Duration = Duration::from_secs(60);
/// How long a store may be silent within an answer.
const SILENCE: Duration = Duration::from_secs(30);
/// How long a whole upload to the store may take. Shorter than the time after which the cleaner takes its row for abandoned.
const PUT_TIME: Duration = Duration::from_secs(8 * 60);
/// How often a request is tried again that failed for a reason which may pass.
const RETRIES: usize = 3;
/// How long after the first try such a request may begin again.
const RETRY_TIME: Duration = Duration::from_secs(30);
/// The pauses before that: the first, and the longest.
const RETRY_PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(2)];
/// Ids told at once: as many as stores list in one answer.
const LISTED: usize = 1000;
/// What stores say when they have no room: MinIO, Ceph, and others after the HTTP status.
const FULL: [&str; 3] = ["XMinioStorageFull", "QuotaExceeded", "InsufficientStorage"];
/// The status that says the same.
const FULL_STATUS: &str = "507 Insufficient Storage";

/// A folder in a bucket.
pub struct Bucket {
    store: AmazonS3,
    prefix: Path,
    /// Where uploads are noted that have parts in the store.
    journal: PathBuf,
    memory: Semaphore,
}

/// An upload whose parts are in the store, as it is noted.
#[derive(Serialize, Deserialize)]
struct Pending {
    object: String,
    upload: String,
}

impl Bucket {
    /// Looks whether the store answers, and removes the parts of uploads that a former process did not end. No other process
    /// may use the `journal`.
    pub async fn open(
        bucket: &str,
        prefix: &str,
        secrets: &Secrets,
        tls: ClientConfig,
        journal: &FilePath,
    ) -> Result<Self, StartError> {
        std::fs::create_dir_all(journal).map_err(|error| StartError::Folder(journal.to_owned(), error))?;
        let [first_pause, longest_pause] = RETRY_PAUSES;
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_access_key_id(secrets.need(ACCESS_KEY)?)
            .with_secret_access_key(secrets.need(SECRET_KEY)?)
            .with_region(secrets.get(REGION).unwrap_or(DEFAULT_REGION))
            // Not every store can delete several objects at once, and we never ask for it.
            .with_disable_bulk_delete(true)
            .with_retry(RetryConfig {
                backoff: BackoffConfig {
                    init_backoff: first_pause,
                    max_backoff: longest_pause,
                    base: 2.0,
                },
                max_retries: RETRIES,
                retry_timeout: RETRY_TIME,
            })
            // The operator named the address, so that it may be a private one.
            .with_http_connector(Connector(pool(tls, Reach::new(true, &[]))));
        if let Some(token) = secrets.get(SESSION_TOKEN) {
            builder = builder.with_token(token);
        }
        if let Some(endpoint) = secrets.get(ENDPOINT) {
            let place: Option<http::Uri> = endpoint.parse().ok();
            match place.as_ref().and_then(http::Uri::scheme_str) {
                Some("https") => {}
                Some("http") => tracing::warn!("the object store is asked without encryption"),
                _ => return Err(PlaceError::Unusable(ENDPOINT, "it must be http(s)://host[:port]").into()),
            }
            builder = builder.with_endpoint(endpoint);
        }
        let opened = Self {
            store: builder.build().map_err(|error| trouble(&error))?,
            prefix: Path::from(prefix),
            journal: journal.to_owned(),
            memory: Semaphore::new(PARTS_MEMORY),
        };
        if let Some(Err(error)) = opened.list().next().await {
            return Err(error.into());
        }
        opened.end_former().await?;
        Ok(opened)
    }

    /// Removes the parts of what a former process was putting.
    async fn end_former(&self) -> Result<(), ContentError> {
        let journal = self.journal.clone();
        let noted = blocking(move || {
            let mut noted = Vec::new();
            for entry in std::fs::read_dir(journal)? {
                let path = entry?.path();
                noted.push((std::fs::read(&path)?, path));
            }
            Ok(noted)
        })
        .await?;
        for (note, path) in noted {
            let gone = match serde_json::from_slice::<Pending>(&note) {
                Ok(pending) => self.abort(&Path::from(pending.object), &pending.upload).await,
                // The process was killed while it wrote the note, before it sent any part.
                Err(_) => true,
            };
            if gone {
                forget(path).await?;
            } else {
                tracing::warn!("parts of an unfinished upload could not be removed from the object store");
            }
        }
        Ok(())
    }

    /// Whether an unfinished upload is gone from the store.
    async fn abort(&self, object: &Path, upload: &String) -> bool {
        match self.store.abort_multipart(object, upload).await {
            Ok(()) | Err(Error::NotFound { .. }) => true,
            Err(error) => {
                tracing::warn!(error = %trouble(&error), "an upload to the object store could not be cancelled");
                false
            }
        }
    }

    fn object(&self, id: &FileId) -> Path {
        let id = id.as_str();
        self.prefix.clone().join(id.get(..2).unwrap_or(id)).join(id)
    }

    /// The id that an object is kept for. Others in the same folder are none of ours.
    fn id(&self, object: &Path) -> Option<FileId> {
        let id = FileId::parse(object.filename()?).ok()?;
        (self.object(&id) == *object).then_some(id)
    }

    async fn put_whole(&self, object: &Path, upload: &Upload) -> Result<(), ContentError> {
        let path = upload.path().to_owned();
        let file = blocking(move || std::fs::File::open(path)).await?;
        if upload.size() <= PART as u64 {
            let _memory = self.memory_for(upload.size()).await?;
            let (_, bytes) = part(file, upload.size()).await?;
            let put = self.store.put(object, bytes.into()).await;
            return put.map(|_| ()).map_err(|error| trouble(&error));
        }
        let id = self
            .store
            .create_multipart(object)
            .await
            .map_err(|error| trouble(&error))?;
        let note = match self.note(object, &id).await {
            Ok(note) => note,
            Err(error) => {
                self.abort(object, &id).await;
                return Err(error);
            }
        };
        let put = tokio::time::timeout(PUT_TIME, self.put_parts(object, &id, file, upload.size())).await;
        let put =
            put.unwrap_or_else(|_| Err(ContentError::Store("it took too long to take a file".to_owned())));
        // Of an upload that failed nothing stays; if even that fails, the next start tries it again.
        if put.is_ok() || self.abort(object, &id).await {
            forget(note).await?;
        }
        put
    }

    async fn put_parts(
        &self,
        object: &Path,
        upload: &String,
        mut file: std::fs::File,
        size: u64,
    ) -> Result<(), ContentError> {
        let mut parts: Vec<PartId> = Vec::new();
        let mut left = size;
        while left > 0 {
            let length = left.min(PART as u64);
            let _memory = self.memory_for(length).await?;
            let (rest, bytes) = part(file, length).await?;
            file = rest;
            let sent = self
                .store
                .put_part(object, upload, parts.len(), bytes.into())
                .await;
            parts.push(sent.map_err(|error| trouble(&error))?);
            left -= length;
        }
        let completed = self.store.complete_multipart(object, upload, parts).await;
        completed.map(|_| ()).map_err(|error| trouble(&error))
    }

    /// Waits for memory for so many bytes.
    async fn memory_for(&self, bytes: u64) -> Result<tokio::sync::SemaphorePermit<'_>, ContentError> {
        let closed = |_| ContentError::Store("it is not in use any more".to_owned());
        let units = usize::try_from(bytes).map_or(PARTS_MEMORY, |bytes| bytes.div_ceil(MEMORY_UNIT));
        let units = u32::try_from(units.min(PARTS_MEMORY)).unwrap_or(1);
        self.memory.acquire_many(units).await.map_err(closed)
    }

    /// Notes an upload that will have parts in the store.
    async fn note(&self, object: &Path, upload: &str) -> Result<PathBuf, ContentError> {
        let mut name = [0_u8; 16];
        getrandom::fill(&mut name)
            .map_err(|_| ContentError::Disk(std::io::Error::other("no system randomness")))?;
        let path = self.journal.join(data_encoding::HEXLOWER.encode(&name));
        let pending = Pending {
            object: object.to_string(),
            upload: upload.to_owned(),
        };
        let note = serde_json::to_vec(&pending).map_err(|error| ContentError::Disk(error.into()))?;
        blocking(move || std::fs::write(&path, note).map(|()| path)).await
    }

    async fn size_of(&self, object: &Path) -> Result<Option<u64>, ContentError> {
        match self.store.head(object).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(trouble(&error)),
        }
    }
}

/// The next bytes of a file.
async fn part(mut file: std::fs::File, length: u64) -> Result<(std::fs::File, Bytes), ContentError> {
    use std::io::Read as _;
    let length = usize::try_from(length).map_err(|_| ContentError::Full)?;
    blocking(move || {
        let mut bytes = vec![0; length];
        file.read_exact(&mut bytes)?;
        Ok((file, Bytes::from(bytes)))
    })
    .await
}

/// Takes a note away.
async fn forget(note: PathBuf) -> Result<(), ContentError> {
    blocking(move || std::fs::remove_file(note)).await
}

/// The same items, and a failure in place of one that does not come in time.
fn patient<T: Send + 'static>(
    items: BoxStream<'_, Result<T, Error>>,
) -> impl futures::Stream<Item = Result<T, ContentError>> + Send {
    stream::unfold(Some(items), |items| async move {
        let mut items = items?;
        match tokio::time::timeout(SILENCE, items.next()).await {
            Ok(Some(Ok(item))) => Some((Ok(item), Some(items))),
            Ok(Some(Err(error))) => Some((Err(trouble(&error)), None)),
            Ok(None) => None,
            Err(_) => Some((Err(ContentError::Store("it fell silent".to_owned())), None)),
        }
    })
}

impl Content for Bucket {
    fn put(&self, id: FileId, upload: Upload) -> BoxFuture<'_, Result<(), ContentError>> {
        Box::pin(async move { self.put_whole(&self.object(&id), &upload).await })
    }

    fn moves_uploads(&self) -> bool {
        false
    }

    fn open(&self, id: FileId, range: Range<u64>) -> BoxFuture<'_, Result<Option<Opened>, ContentError>> {
        Box::pin(async move {
            let object = self.object(&id);
            let options = GetOptions::new().with_range(Some(range.clone()));
            match self.store.get_opts(&object, options).await {
                Ok(got) => Ok(Some(Opened {
                    size: got.meta.size,
                    pieces: patient(got.into_stream()).boxed(),
                })),
                Err(Error::NotFound { .. }) => Ok(None),
                Err(error) => match self.size_of(&object).await? {
                    // The object is shorter than it should be: the caller sees that by its size.
                    Some(size) if size < range.end => Ok(Some(Opened {
                        size,
                        pieces: stream::empty().boxed(),
                    })),
                    Some(_) => Err(trouble(&error)),
                    None => Ok(None),
                },
            }
        })
    }

    fn size(&self, id: FileId) -> BoxFuture<'_, Result<Option<u64>, ContentError>> {
        Box::pin(async move { self.size_of(&self.object(&id)).await })
    }

    fn delete(&self, id: FileId) -> BoxFuture<'_, Result<(), ContentError>> {
        Box::pin(async move {
            match self.store.delete(&self.object(&id)).await {
                Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(trouble(&error)),
            }
        })
    }

    fn list(&self) -> BoxStream<'_, Result<Vec<FileId>, ContentError>> {
        patient(self.store.list(Some(&self.prefix)))
            .try_chunks(LISTED)
            .map(|objects| {
                let objects = objects.map_err(|error| error.1)?;
                Ok(objects
                    .iter()
                    .filter_map(|object| self.id(&object.location))
                    .collect())
            })
            .boxed()
    }
}

/// What went wrong, without the names of files that the library's own texts hold.
fn trouble(error: &Error) -> ContentError {
    let text = error.to_string();
    let code = text
        .split_once("<Code>")
        .and_then(|(_, rest)| rest.split_once("</Code>"))
        .map(|(code, _)| code)
        .filter(|code| code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    if code.is_some_and(|code| FULL.contains(&code)) || text.contains(FULL_STATUS) {
        return ContentError::Full;
    }
    ContentError::Store(match (error, code) {
        (_, Some(code)) => format!("it answered {code}"),
        (Error::PermissionDenied { .. } | Error::Unauthenticated { .. }, _) => {
            "it refused the keys".to_owned()
        }
        (Error::NotFound { .. }, _) => "it knows no such bucket".to_owned(),
        _ => "it could not be reached, or did not do what it was asked".to_owned(),
    })
}

/// Carries the library's requests over the project's own client: the same TLS, and no second HTTP client in the binary.
#[derive(Clone, Debug)]
struct Connector(Pool<HttpRequestBody>);

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> Result<HttpClient, Error> {
        Ok(HttpClient::new(self.clone()))
    }
}

impl HttpService for Connector {
    // As the library's `async_trait` writes it.
    fn call<'a, 'b>(
        &'a self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        let calling = self.0.request(request);
        Box::pin(async move {
            match tokio::time::timeout(ANSWER_TIME, calling).await {
                Ok(Ok(response)) => Ok(response.map(|body| {
                    HttpResponseBody::new(
                        body.map_err(|error| HttpError::new(HttpErrorKind::Interrupted, error)),
                    )
                })),
                Ok(Err(error)) if error.is_connect() => Err(HttpError::new(HttpErrorKind::Connect, error)),
                Ok(Err(error)) => Err(HttpError::new(HttpErrorKind::Interrupted, error)),
                Err(error) => Err(HttpError::new(HttpErrorKind::Timeout, error)),
            }
        })
    }
}
