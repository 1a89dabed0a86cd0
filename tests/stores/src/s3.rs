//! An S3 server over a folder, which can also be slow or full.

use std::path::{Path, PathBuf};

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::temporary_folder;

/// The only account's name.
pub const ACCESS_KEY: &str = "AKIDHOLDFASTTEST";
/// Its secret.
pub const SECRET_KEY: &str = "hush/hush+hush";
/// The only bucket.
pub const BUCKET: &str = "bucket";

/// How the server behaves.
#[derive(Clone, Copy, Debug, Default)]
struct Mood {
    /// Second parts of uploads are not answered.
    holds: bool,
    /// There is no room for anything.
    full: bool,
}

/// A server that ends with the value, or with the runtime that it was started in.
pub struct S3 {
    /// Its address.
    pub endpoint: String,
    folder: PathBuf,
    mood: watch::Sender<Mood>,
    task: tokio::task::JoinHandle<()>,
}

impl S3 {
    /// Starts one with an empty bucket, in the runtime that this is called in.
    ///
    /// # Panics
    /// When the machine has no free port or no room for a folder.
    pub async fn start() -> Self {
        let folder = temporary_folder("s3");
        std::fs::create_dir(folder.join(BUCKET)).expect("a bucket");
        let mut service =
            S3ServiceBuilder::new(FileSystem::new(&folder).expect("a folder for the S3 server"));
        service.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
        let service = service.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("its address"));
        let (mood, looking) = watch::channel(Mood::default());
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, service.clone(), looking.clone()));
            }
        });
        Self {
            endpoint,
            folder,
            mood,
            task,
        }
    }

    /// Where an object is.
    pub fn place(&self, key: &str) -> PathBuf {
        self.folder.join(BUCKET).join(key)
    }

    /// Uploads whose parts wait for more.
    ///
    /// # Panics
    /// When the folder cannot be read.
    pub fn unfinished(&self) -> usize {
        names(&self.folder)
            .filter(|name| name.starts_with(".upload-") && name.ends_with(".json"))
            .count()
    }

    /// Parts that wait for more.
    ///
    /// # Panics
    /// When the folder cannot be read.
    pub fn parts(&self) -> usize {
        names(&self.folder)
            .filter(|name| name.starts_with(".upload_id-"))
            .count()
    }

    /// Whether second parts of uploads wait.
    pub fn set_holds(&self, holds: bool) {
        self.mood.send_modify(|mood| mood.holds = holds);
    }

    /// Whether there is no room for anything.
    pub fn set_full(&self, full: bool) {
        self.mood.send_modify(|mood| mood.full = full);
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        self.task.abort();
        // What stays in the system's temporary folder is removed by the system.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn names(folder: &Path) -> impl Iterator<Item = String> {
    let entries = std::fs::read_dir(folder).expect("the S3 server's folder");
    entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
}

async fn serve(socket: TcpStream, service: S3Service, mood: watch::Receiver<Mood>) {
    let answer = service_fn(move |request: Request<Incoming>| {
        let (service, mut mood) = (service.clone(), mood.clone());
        async move {
            let query = request.uri().query().unwrap_or_default();
            if query.split('&').any(|part| part == "partNumber=2") {
                // Fails when the server goes, and then nobody waits for an answer.
                let _ = mood.wait_for(|mood| !mood.holds).await;
            }
            let writes = request.method() == Method::PUT || request.method() == Method::POST;
            if writes && mood.borrow().full {
                // Taken to its end, or the client would be cut off before it reads the answer.
                let _ = request.into_body().collect().await;
                let text = "<?xml version=\"1.0\"?><Error><Code>XMinioStorageFull</Code></Error>";
                let mut full = Response::new(s3s::Body::from(text.to_owned()));
                *full.status_mut() = StatusCode::INSUFFICIENT_STORAGE;
                return Ok(full);
            }
            Service::call(&service, request).await
        }
    });
    // A client that breaks off is no failure of the server.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(socket), answer)
        .await;
}
