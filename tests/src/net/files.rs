//! A file server behind the nodes of a [`World`]: the real one, over a folder that goes with it. Beside it a helper that
//! looks at links, which says what a test wants: virtual time and real sites do not go together.

use std::cell::{Cell, RefCell};
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
use holdfast_protocol::file::api::{FileInfo, MAX_TTL};
use holdfast_protocol::file::lookup::{self, Page};
use holdfast_protocol::keys::Ed25519KeyPair;
use holdfast_protocol::onion::v4::{V4Reply, V4Request};
use holdfast_protocol::onion::{ServerTarget, open_server_request, seal_v4_reply};
use http_body_util::BodyExt as _;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use tower::ServiceExt as _;

use super::{START_MS, World};

/// The address under which clients know it.
const HOST: &str = "files.test";
/// The address of the helper.
const HELPER: &str = "links.test";
/// What is changed in a file that is spoiled.
const SPOILED_BIT: u8 = 0x80;

/// See the module's description.
#[derive(Clone)]
pub(super) struct Files {
    router: Router,
    named: Named,
    up: Rc<Cell<bool>>,
    /// What it answers to everything.
    busy: Rc<Cell<Option<u16>>>,
    folder: Rc<tempfile::TempDir>,
    /// What the helper answers: a status, and what there is to show.
    page: Rc<RefCell<(u16, Page)>>,
    /// What it was asked about.
    asked: Rc<RefCell<Vec<String>>>,
}

fn server_keys() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed(&[0xf1; 32])
}

fn helper_keys() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed(&[0xf2; 32])
}

impl Files {
    /// Starts both; files are kept for so many seconds at most.
    async fn start(ttl: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys = server_keys();
        let options = Options {
            durability: Durability::Process,
            rate: None,
            ttl,
            ..Options::new(folder.path())
        };
        let clock = Arc::new(TokioClock::starting_at(START_MS));
        let server = FileServer::open(&keys, options, clock).await.unwrap();
        server.start();
        Self {
            named: Named::parse(&format!("http://{HOST}"), keys.public()).unwrap(),
            router: router(server),
            up: Rc::new(Cell::new(true)),
            busy: Rc::default(),
            folder: Rc::new(folder),
            page: Rc::new(RefCell::new((404, Page::default()))),
            asked: Rc::default(),
        }
    }

    /// What the helper answers to an onion request.
    fn look(&self, frame: &[u8]) -> Vec<u8> {
        let opened = open_server_request(&helper_keys().x25519(), frame).unwrap();
        let request = V4Request::decode(&opened.plain).unwrap();
        assert_eq!(
            (request.method.as_str(), request.endpoint.as_str()),
            ("POST", lookup::PATH)
        );
        let url = lookup::read_request(&request.body.unwrap()).unwrap();
        self.asked.borrow_mut().push(url);
        let (code, page) = self.page.borrow().clone();
        let reply = V4Reply {
            code,
            body: page.to_answer().unwrap(),
            ..V4Reply::default()
        };
        seal_v4_reply(&opened.reply_key, &reply, &mut ChaCha20Rng::from_seed([5; 32]))
    }

    /// What the last node hears; `None` when the server can't be reached.
    pub(super) async fn post(&self, target: &ServerTarget, frame: Vec<u8>) -> Option<(u16, Vec<u8>)> {
        if self.up.get() && target.host == HELPER {
            return Some((200, self.look(&frame)));
        }
        if !self.up.get() || target.host != HOST {
            return None;
        }
        if let Some(code) = self.busy.get() {
            let opened = open_server_request(&server_keys().x25519(), &frame).unwrap();
            let reply = V4Reply {
                code,
                ..V4Reply::default()
            };
            let mut rng = ChaCha20Rng::from_seed([6; 32]);
            return Some((200, seal_v4_reply(&opened.reply_key, &reply, &mut rng)));
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
        Self::with_files_kept_for(MAX_TTL).await
    }

    /// The same, with a file server that keeps files for so many seconds at most.
    pub async fn with_files_kept_for(ttl: u64) -> Self {
        let world = Self::new().await;
        *world.files.borrow_mut() = Some(Files::start(ttl).await);
        world
    }

    fn file_server(&self) -> Files {
        self.files.borrow().clone().expect("a world with files")
    }

    /// The profile's entry of the file server.
    pub(super) fn with_file_server(&self, profile: NetworkProfile) -> NetworkProfile {
        let files = self.files.borrow();
        let helper = || Named::parse(&format!("http://{HELPER}"), helper_keys().public()).unwrap();
        NetworkProfile {
            files: files.as_ref().map(|files| files.named.clone()),
            previews: files.as_ref().map(|_| helper()),
            ..profile
        }
    }

    /// Sets what the helper that looks at links answers from now on.
    pub fn set_page(&self, status: u16, page: Page) {
        *self.file_server().page.borrow_mut() = (status, page);
    }

    /// The links that the helper was asked about.
    pub fn asked_about(&self) -> Vec<String> {
        self.file_server().asked.borrow().clone()
    }

    /// Stops or starts the file server.
    pub fn set_file_server_up(&self, up: bool) {
        self.file_server().up.set(up);
    }

    /// Has the file server answer everything with this status, or as it should.
    pub fn set_file_server_status(&self, status: Option<u16>) {
        self.file_server().busy.set(status);
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
