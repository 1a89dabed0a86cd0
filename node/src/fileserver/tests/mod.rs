//! The whole of a file server over each of its stores: what clients see, and what a crash leaves.

#[cfg(feature = "clusters")]
mod clusters;

use std::sync::atomic::{AtomicU64, Ordering};

use ::http::{HeaderMap, Method};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use super::*;
#[cfg(feature = "clusters")]
use holdfast_test_stores::s3::S3;

/// What the clock shows at first, Unix milliseconds.
const START: u64 = 1_780_000_000_000;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// A pair of stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    SqliteFolder,
    #[cfg(feature = "clusters")]
    PostgresFolder,
    #[cfg(feature = "clusters")]
    SqliteS3,
    #[cfg(feature = "clusters")]
    PostgresS3,
}

/// Makes each of these functions a test over each pair of stores.
macro_rules! over_every_store {
    ($($name:ident),* $(,)?) => {
        over_every_store!(@ SqliteFolder sqlite_and_folder $($name)*);
        #[cfg(feature = "clusters")]
        over_every_store!(@ PostgresFolder postgres_and_folder $($name)*);
        #[cfg(feature = "clusters")]
        over_every_store!(@ SqliteS3 sqlite_and_s3 $($name)*);
        #[cfg(feature = "clusters")]
        over_every_store!(@ PostgresS3 postgres_and_s3 $($name)*);
    };
    (@ $kind:ident $module:ident $($name:ident)*) => {
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$name(super::Kind::$kind).await;
                }
            )*
        }
    };
}

mod crashes;
mod onions;
mod requests;

/// The folder in the bucket.
#[cfg(feature = "clusters")]
const PREFIX: &str = "our/files";

/// A clock that moves when it is told to.
struct HandClock(AtomicU64);

impl Clock for HandClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// A file server in a folder of its own.
struct World {
    folder: PathBuf,
    clock: Arc<HandClock>,
    options: Options,
    server: FileServer,
    #[cfg(feature = "clusters")]
    s3: Option<S3>,
}

/// An answer, read to its end.
struct Got {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn id(&self) -> String {
        assert_eq!(self.status, 200);
        self.json()["id"].as_str().unwrap().to_owned()
    }

    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

fn keys() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed(&[7; 32])
}

impl World {
    async fn new(kind: Kind) -> Self {
        Self::with(kind, |_| {}).await
    }

    /// With other options than the usual ones.
    async fn with(kind: Kind, change: impl FnOnce(&mut Options)) -> Self {
        let folder = crate::files::temporary_folder("fileserver");
        let mut options = Options {
            durability: Durability::Process,
            ..Options::new(&folder)
        };
        #[cfg(feature = "clusters")]
        let s3 = clusters::name_stores(kind, &mut options.stores).await;
        #[cfg(not(feature = "clusters"))]
        assert_eq!(kind, Kind::SqliteFolder);
        change(&mut options);
        let clock = Arc::new(HandClock(AtomicU64::new(START)));
        let server = FileServer::open(&keys(), options.clone(), clock.clone())
            .await
            .unwrap();
        Self {
            folder,
            clock,
            options,
            server,
            #[cfg(feature = "clusters")]
            s3,
        }
    }

    fn pass(&self, ms: u64) {
        self.clock.0.fetch_add(ms, Ordering::SeqCst);
    }

    /// Ends the server and starts it again over the same stores.
    async fn restart(&mut self) {
        self.server.stop();
        self.server = FileServer::open(&keys(), self.options.clone(), self.clock.clone())
            .await
            .unwrap();
    }

    /// The same, until what the former left unfinished is taken: at once, or after a while if others could be at it.
    async fn restart_and_clean(&mut self) {
        self.restart().await;
        if !self.server.inner.records.is_exclusive() {
            self.pass(10 * 60 * 1000);
            self.server.clean().await.unwrap();
        }
    }

    fn router(&self) -> Router {
        router(self.server.clone())
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Got {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.into()).unwrap();
        let response = self.router().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        Got {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes().to_vec(),
        }
    }

    async fn get(&self, path: &str) -> Got {
        self.ask(Method::GET, path, &[], Body::empty()).await
    }

    async fn upload(&self, body: &[u8]) -> Got {
        self.ask(Method::POST, "/file", &[], body.to_vec()).await
    }

    /// Temporary files there are.
    fn incoming(&self) -> usize {
        std::fs::read_dir(self.folder.join(INCOMING)).unwrap().count()
    }

    /// Where a file's bytes are.
    fn place(&self, id: &str) -> PathBuf {
        #[cfg(feature = "clusters")]
        if let Some(s3) = &self.s3 {
            return s3.place(&format!("{PREFIX}/{}/{id}", &id[..2]));
        }
        self.folder.join("files").join(&id[..2]).join(id)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.server.stop();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Bytes that look random and are always the same.
fn bytes(length: usize, seed: u8) -> Vec<u8> {
    use rand_core::{Rng as _, SeedableRng as _};
    let mut bytes = vec![0; length];
    rand_chacha::ChaCha20Rng::from_seed([seed; 32]).fill_bytes(&mut bytes);
    bytes
}
