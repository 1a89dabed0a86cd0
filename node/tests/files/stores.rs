//! The real program with its files in each pair of stores: killed in the middle of an upload, on a full disk, and with many
//! transfers at once.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use holdfast_test_stores::postgres;
use holdfast_test_stores::s3::{ACCESS_KEY, BUCKET, S3, SECRET_KEY};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::processes::{World, client};
use crate::{LARGEST, TIMEOUT, bytes};

/// What an answer may have at most.
const MAX: usize = LARGEST + 1024;
/// How long something may take that happens by itself, on a machine that compiles beside.
const PATIENCE: Duration = Duration::from_secs(90);
/// Transfers at once in the tests of memory.
const MANY: usize = 64;
/// What one of them may take of memory: a piece of 128 KiB, and what the kernel's socket and HTTP hold of it on the way.
const EACH: u64 = 1024 * 1024;
/// What may come on top however many there are: buffers of the database and of the threads that write.
const SLACK: u64 = 32 * 1024 * 1024;
/// What parts on their way to an object store may take together: the 32 MiB that the server bounds them to, and three times that
/// for what the allocator keeps of blocks of that size in its arenas. All files together are five times that.
const PARTS: u64 = 4 * 32 * 1024 * 1024;

/// A pair of stores, with the arguments and secrets that name it.
struct Stores {
    arguments: Vec<String>,
    secrets: Vec<(&'static str, String)>,
    s3: Option<S3>,
}

impl Stores {
    async fn new(records: &str, content: &str) -> Self {
        let mut stores = Self {
            arguments: Vec::new(),
            secrets: Vec::new(),
            s3: None,
        };
        if records == "postgres" {
            stores
                .arguments
                .extend(["--records".to_owned(), postgres::address()]);
            stores.secrets.push(("PGPASSWORD", postgres::PASSWORD.to_owned()));
        }
        if content == "s3" {
            let s3 = S3::start().await;
            stores
                .arguments
                .extend(["--content".to_owned(), format!("s3://{BUCKET}/files")]);
            stores.secrets.push(("AWS_ENDPOINT_URL", s3.endpoint.clone()));
            stores.secrets.push(("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()));
            stores
                .secrets
                .push(("AWS_SECRET_ACCESS_KEY", SECRET_KEY.to_owned()));
            stores.s3 = Some(s3);
        }
        stores
    }
}

/// A running server.
struct Server {
    address: SocketAddr,
    pid: u32,
}

impl Server {
    /// Starts `holdfast files` and waits until it serves.
    async fn start(world: &mut World, stores: &Stores, more: &[&str]) -> Self {
        Self::start_as(world, stores, more, Command::new(env!("CARGO_BIN_EXE_holdfast"))).await
    }

    /// The same with a command that starts it.
    async fn start_as(world: &mut World, stores: &Stores, more: &[&str], mut command: Command) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let child = command
            .args([
                "files",
                "--no-rate-limit",
                "--listen",
                &address.to_string(),
                "--data",
            ])
            .arg(world.folder.join("data"))
            .args(&stores.arguments)
            .args(more)
            .envs(stores.secrets.iter().map(|(name, value)| (name, value)))
            .env("HOLDFAST_LOG", "error")
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self {
            address,
            pid: child.id(),
        };
        world.children.push(child);
        server
            .until("the server", async || {
                let health = client().get(&server.url("/health"), 100, TIMEOUT).await;
                health.is_ok_and(|health| health.status == 200)
            })
            .await;
        server
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn until(&self, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
        let started = Instant::now();
        while !is_so().await {
            assert!(started.elapsed() < PATIENCE, "{what} did not come");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Uploads; the status and the id, if there is one.
    async fn upload(&self, body: Vec<u8>) -> (u16, Option<String>) {
        let kind = "application/octet-stream";
        let answer = client()
            .post(&self.url("/file"), kind, Bytes::from(body), MAX, TIMEOUT)
            .await
            .unwrap();
        let told: Value = serde_json::from_slice(&answer.body).unwrap();
        (answer.status, told["id"].as_str().map(str::to_owned))
    }

    /// The file of that id, if there is one.
    async fn download(&self, id: &str) -> Option<Bytes> {
        let answer = client()
            .get(&self.url(&format!("/file/{id}")), MAX, TIMEOUT)
            .await
            .unwrap();
        assert!(answer.status == 200 || answer.status == 404, "{}", answer.status);
        (answer.status == 200).then_some(answer.body)
    }

    /// A connection on which an upload has begun.
    async fn begin_upload(&self, body: &[u8], sent: usize) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let head = format!(
            "POST /file HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&body[..sent]).await.unwrap();
        stream
    }

    /// A line of the process's status, in bytes.
    fn memory(&self, line: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap();
        let found = status.lines().find_map(|found| found.strip_prefix(line)).unwrap();
        let kibibytes: u64 = found.split_whitespace().next().unwrap().parse().unwrap();
        kibibytes * 1024
    }
}

/// Ends the newest process as a power failure would.
fn kill(world: &mut World) {
    let mut child: Child = world.children.pop().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Temporary files and notes of a server.
fn left_over(world: &World) -> usize {
    ["incoming", "under-way"]
        .iter()
        .filter_map(|name| std::fs::read_dir(world.folder.join("data").join(name)).ok())
        .map(Iterator::count)
        .sum()
}

async fn is_killed_while_a_body_comes(name: &str, records: &str, content: &str) {
    let mut world = World::new(name);
    let stores = Stores::new(records, content).await;
    let server = Server::start(&mut world, &stores, &[]).await;
    let kept = bytes(LARGEST, 1);
    let (_, kept_id) = server.upload(kept.clone()).await;
    let kept_id = kept_id.unwrap();
    let half = bytes(LARGEST, 2);
    let _stream = server.begin_upload(&half, LARGEST / 2).await;
    server.until("half a file", async || left_over(&world) == 1).await;
    kill(&mut world);
    assert_eq!(left_over(&world), 1);
    let server = Server::start(&mut world, &stores, &[]).await;
    assert_eq!(left_over(&world), 0);
    assert!(server.download(&kept_id).await.is_some_and(|body| body == kept));
    let half_id = holdfast_protocol::file::api::file_id(&half);
    assert_eq!(server.download(half_id.as_str()).await, None);
    let (status, id) = server.upload(half.clone()).await;
    assert_eq!((status, id.as_deref()), (200, Some(half_id.as_str())));
    assert!(
        server
            .download(half_id.as_str())
            .await
            .is_some_and(|body| body == half)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_a_body_comes_over_sqlite_and_folder() {
    is_killed_while_a_body_comes("body-sf", "sqlite", "folder").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_a_body_comes_over_postgres_and_folder() {
    is_killed_while_a_body_comes("body-pf", "postgres", "folder").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_a_body_comes_over_sqlite_and_s3() {
    is_killed_while_a_body_comes("body-ss", "sqlite", "s3").await;
}

/// Killed when some parts are in the object store and the rest is not.
async fn is_killed_while_parts_go_up(name: &str, records: &str) {
    let mut world = World::new(name);
    let stores = Stores::new(records, "s3").await;
    let s3 = stores.s3.as_ref().unwrap();
    let server = Server::start(&mut world, &stores, &[]).await;
    let kept = bytes(LARGEST, 1);
    let kept_id = server.upload(kept.clone()).await.1.unwrap();
    s3.set_holds(true);
    let half = bytes(LARGEST, 2);
    let _stream = server.begin_upload(&half, half.len()).await;
    server
        .until("a first part", async || (s3.unfinished(), s3.parts()) == (1, 1))
        .await;
    kill(&mut world);
    s3.set_holds(false);
    // Whether the second part still came is not ours to say; the upload is open in any case.
    assert_eq!(s3.unfinished(), 1);
    let server = Server::start(&mut world, &stores, &[]).await;
    assert_eq!((s3.unfinished(), s3.parts(), left_over(&world)), (0, 0, 0));
    assert!(server.download(&kept_id).await.is_some_and(|body| body == kept));
    let half_id = holdfast_protocol::file::api::file_id(&half);
    assert_eq!(server.download(half_id.as_str()).await, None);
    assert_eq!(server.upload(half.clone()).await.0, 200);
    assert!(
        server
            .download(half_id.as_str())
            .await
            .is_some_and(|body| body == half)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_parts_go_up_over_sqlite_and_s3() {
    is_killed_while_parts_go_up("parts-ss", "sqlite").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_parts_go_up_over_postgres_and_s3() {
    is_killed_while_parts_go_up("parts-ps", "postgres").await;
}

/// A command in a mount namespace of its own, with a small disk in the folder: that goes when the process does. Nothing if
/// this machine lets us have none.
fn on_small_disk(folder: &Path, size: &str) -> Option<Command> {
    std::fs::create_dir_all(folder).unwrap();
    let script = r#"mount -t tmpfs -o "size=$SIZE" tmpfs "$FOLDER" && exec "$@""#;
    let with = |flags: &str| {
        let mut command = Command::new("unshare");
        command.args([flags, "sh", "-c", script, "sh"]);
        command.env("FOLDER", folder).env("SIZE", size);
        command
    };
    // As root, or as root of a user namespace.
    let flags = ["-m", "-rm"].into_iter().find(|flags| {
        let tried = with(flags).arg("true").stderr(Stdio::null()).status();
        tried.is_ok_and(|status| status.success())
    })?;
    let mut command = with(flags);
    command.arg(env!("CARGO_BIN_EXE_holdfast"));
    Some(command)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_and_has_room_again_when_files_expire() {
    let mut world = World::new("full-disk");
    let data = world.folder.join("data");
    let Some(command) = on_small_disk(&data, "24m") else {
        eprintln!(
            "SKIPPED: this machine allows no mounts, not even in a namespace; a full disk cannot be tried"
        );
        return;
    };
    let stores = Stores::new("sqlite", "folder").await;
    // Long enough to fill it; then files go in a round of the cleaner, every fifteen seconds.
    let server = Server::start_as(&mut world, &stores, &["--ttl", "20"], command).await;
    let mut kept = Vec::new();
    let mut refused = 0;
    for seed in 0..6 {
        let body = bytes(LARGEST, seed);
        match server.upload(body.clone()).await {
            (200, Some(id)) => kept.push((id, body)),
            (507, None) => refused += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(
        kept.len() == 2 && refused == 4,
        "{} kept, {refused} refused",
        kept.len()
    );
    // Not a byte is left.
    for seed in 0..=255 {
        if server.upload(bytes(100_000, seed)).await.0 == 507 {
            break;
        }
        assert!(seed < 255, "it took more than it has");
    }
    for (id, body) in &kept {
        let got = server.download(id).await;
        assert!(got.is_none_or(|got| got == *body), "another file came back");
    }
    let health = client().get(&server.url("/health"), 100, TIMEOUT).await.unwrap();
    assert_eq!(health.status, 200);
    let last = bytes(LARGEST, 9);
    server
        .until("room for a file", async || {
            server.upload(last.clone()).await.0 == 200
        })
        .await;
    let id = holdfast_protocol::file::api::file_id(&last);
    assert!(
        server
            .download(id.as_str())
            .await
            .is_some_and(|body| body == last)
    );
}

/// Memory stays what it is while many large files come and go at once.
async fn holds_little(name: &str, content: &str, on_the_way: u64) {
    let mut world = World::new(name);
    let stores = Stores::new("sqlite", content).await;
    let server = Server::start(&mut world, &stores, &["--durability", "process"]).await;
    let first = bytes(LARGEST, 0);
    let id = server.upload(first).await.1.unwrap();
    let before = server.memory("VmRSS:");
    let allowed = before + MANY as u64 * EACH + SLACK;
    // Nearly all of each body, and then nothing: what the server has not put away it must hold now.
    let mut streams = Vec::new();
    let body = bytes(LARGEST, 1);
    for number in 0..MANY {
        let mut body = body.clone();
        body[0] = number as u8;
        let stream = server.begin_upload(&body, LARGEST - 1).await;
        streams.push((stream, body[LARGEST - 1]));
    }
    let uploading = server.memory("VmRSS:");
    assert!(
        uploading < allowed,
        "{uploading} with {MANY} uploads, {before} before"
    );
    // All at once to the store.
    for (stream, last) in &mut streams {
        stream.write_all(&[*last]).await.unwrap();
    }
    for (stream, _) in &mut streams {
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.unwrap();
        assert_eq!(&status, b"HTTP/1.1 200");
    }
    let peak = server.memory("VmHWM:");
    assert!(
        peak < allowed + on_the_way,
        "{peak} while {MANY} uploads ended, {before} before"
    );
    // Readers that take a little, and then nothing.
    streams.clear();
    let settled = server.memory("VmRSS:");
    let mut readers = Vec::new();
    for _ in 0..MANY {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let head = format!("GET /file/{id} HTTP/1.1\r\nhost: x\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.read_exact(&mut vec![0; 100_000]).await.unwrap();
        readers.push(stream);
    }
    let downloading = server.memory("VmRSS:");
    let allowed = settled + MANY as u64 * EACH + SLACK;
    assert!(
        downloading < allowed,
        "{downloading} with {MANY} downloads, {settled} before"
    );
    println!(
        "{content}: {} MB before, {} MB with {MANY} uploads, {} MB at most, {} MB with {MANY} downloads",
        before / 1_000_000,
        uploading / 1_000_000,
        peak / 1_000_000,
        downloading / 1_000_000
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_does_not_grow_with_transfers_over_a_folder() {
    holds_little("memory-folder", "folder", 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_does_not_grow_with_transfers_over_s3() {
    holds_little("memory-s3", "s3", PARTS).await;
}
