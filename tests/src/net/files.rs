//! A file server behind the nodes of a [`World`]: the real one, over a folder that goes with it.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use holdfast_client::NetworkProfile;
use holdfast_node::clock::TokioClock;
use holdfast_node::fileserver::{FileServer, Options, router};
use holdfast_node::storage::db::Durability;
use holdfast_protocol::file::FileServer as Named;
use holdfast_protocol::file::api::FileInfo;
use holdfast_protocol::keys::Ed25519KeyPair;
use holdfast_protocol::onion::ServerTarget;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::{START_MS, World};

/// The address under which clients know it.
const HOST: &str = "files.test";
/// What is changed in a file that is spoiled.
const SPOILED_BIT: u8 = 0x80;

/// See the module's description.
#[derive(Clone)]
pub(super) struct Files {
    router: Router,
    named: Named,
    up: Rc<Cell<bool>>,
    folder: Rc<tempfile::TempDir>,
}

impl Files {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys = Ed25519KeyPair::from_seed(&[0xf1; 32]);
        let options = Options {
            durability: Durability::Process,
            rate: None,
            ..Options::new(folder.path())
        };
        let clock = Arc::new(TokioClock::starting_at(START_MS));
        let server = FileServer::open(&keys, options, clock).await.unwrap();
        server.start();
        Self {
            named: Named::parse(&format!("http://{HOST}"), keys.public()).unwrap(),
            router: router(server),
            up: Rc::new(Cell::new(true)),
            folder: Rc::new(folder),
        }
    }

    /// What the last node hears; `None` when the server can't be reached.
    pub(super) async fn post(&self, target: &ServerTarget, frame: Vec<u8>) -> Option<(u16, Vec<u8>)> {
        if !self.up.get() || target.host != HOST {
            return None;
        }
        let request = http::Request::post(&target.target)
            .body(Body::from(frame))
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        Some((status, body.to_vec()))
    }

    /// The files that it keeps.
    fn kept(&self) -> Vec<PathBuf> {
        fn below(folder: &Path, found: &mut Vec<PathBuf>) {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                match entry.path() {
                    path if path.is_dir() => below(&path, found),
                    path => found.push(path),
                }
            }
        }
        let mut found = Vec::new();
        below(&self.folder.path().join("files"), &mut found);
        found
    }
}

impl World {
    /// [`World::new`] with a file server.
    pub async fn with_files() -> Self {
        let world = Self::new().await;
        *world.files.borrow_mut() = Some(Files::start().await);
        world
    }

    fn file_server(&self) -> Files {
        self.files.borrow().clone().expect("a world with files")
    }

    /// The profile's entry of the file server.
    pub(super) fn with_file_server(&self, profile: NetworkProfile) -> NetworkProfile {
        NetworkProfile {
            files: self.files.borrow().as_ref().map(|files| files.named.clone()),
            ..profile
        }
    }

    /// Stops or starts the file server.
    pub fn set_file_server_up(&self, up: bool) {
        self.file_server().up.set(up);
    }

    /// The file server's disk loses everything.
    pub async fn lose_files(&self) {
        for file in self.file_server().kept() {
            std::fs::remove_file(file).unwrap();
        }
    }

    /// Until when each file is kept, Unix milliseconds.
    pub async fn file_expiries(&self) -> Vec<u64> {
        let files = self.file_server();
        let mut expiries = Vec::new();
        for path in files.kept() {
            let id = path.file_name().unwrap().to_string_lossy().into_owned();
            let request = http::Request::get(format!("/file/{id}/info"));
            let request = request.body(Body::empty()).unwrap();
            let response = files.router.clone().oneshot(request).await.unwrap();
            let body = response.into_body().collect().await.unwrap().to_bytes();
            expiries.push(FileInfo::parse(&body).unwrap().expires_ms);
        }
        expiries
    }

    /// Changes a bit of every file that is kept, or changes it back.
    pub fn change_files(&self) {
        for file in self.file_server().kept() {
            let mut bytes = std::fs::read(&file).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= SPOILED_BIT;
            std::fs::write(&file, bytes).unwrap();
        }
    }
}
