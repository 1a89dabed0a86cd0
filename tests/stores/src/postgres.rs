//! A PostgreSQL server of the system's packages, one for each test process, with a schema for each test.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::temporary_folder;

/// The password of the only user.
pub const PASSWORD: &str = "correct horse";
/// Where Debian keeps the programs of each version.
const DEBIAN: &str = "/usr/lib/postgresql";
/// Users that the server can run as when the tests run as root, which it refuses.
const USERS: [&str; 2] = ["postgres", "nobody"];
/// How long the server may take to be ready, on a machine that compiles beside.
const START_TIME: Duration = Duration::from_secs(90);
/// How often it is asked whether it is.
const POLL: Duration = Duration::from_millis(50);
/// Makes the database, runs the server, and ends it when the standard input ends: that is when the test process does, in
/// whatever way. Nothing is flushed: what this database keeps need not survive the machine.
const SCRIPT: &str = r#"
trap '' INT
cd "$FOLDER"
"$BIN/initdb" -D data -U holdfast --auth-local=trust --auth-host=scram-sha-256 --pwfile=password --no-sync -E UTF8 \
    --locale=C >log 2>&1 || exit 1
"$BIN/postgres" -D "$FOLDER/data" -k "$FOLDER" -p "$PORT" -c listen_addresses=127.0.0.1 -c fsync=off \
    -c full_page_writes=off -c shared_buffers=16MB -c max_connections=500 -c ssl=on \
    -c ssl_cert_file="$FOLDER/cert.pem" -c ssl_key_file="$FOLDER/key.pem" >>log 2>&1 &
server=$!
cat >/dev/null
kill -INT $server
wait $server
cd /
rm -rf "$FOLDER"
"#;

/// The server of this process.
static SERVER: OnceLock<Result<Server, String>> = OnceLock::new();

struct Server {
    bin: PathBuf,
    folder: PathBuf,
    port: u16,
    /// Held for as long as the process lives.
    _life: ChildStdin,
}

/// The address of an empty schema of its own in the server of this process, which is started when it is first asked for.
/// Its user has the [`PASSWORD`].
///
/// # Panics
/// When there is no server to start: the text says what to do.
pub fn address() -> String {
    static SCHEMAS: AtomicUsize = AtomicUsize::new(0);
    let server = match SERVER.get_or_init(start) {
        Ok(server) => server,
        Err(error) => panic!("PostgreSQL for the tests: {error}"),
    };
    let schema = format!("test_{}", SCHEMAS.fetch_add(1, Ordering::Relaxed));
    let made = server.psql(&format!("CREATE SCHEMA {schema}"));
    assert_eq!(made, Ok(()), "a schema of its own");
    let port = server.port;
    format!("postgres://holdfast@127.0.0.1:{port}/postgres?options=-csearch_path%3D{schema}")
}

/// Ends the connections of whoever calls itself that.
///
/// # Panics
/// When the server does not do it, or was never started.
pub fn break_connections(application: &str) {
    let server = SERVER.get().and_then(|server| server.as_ref().ok());
    let broken = server.expect("a server").psql(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{application}'"
    ));
    assert_eq!(broken, Ok(()));
}

/// The same address by a name that its certificate has, with encryption, and the authority to verify it with.
///
/// # Panics
/// When the server was never started.
pub fn encrypted(address: &str) -> (String, PathBuf) {
    let server = SERVER.get().and_then(|server| server.as_ref().ok());
    let address = address.replace("127.0.0.1", "localhost") + "&sslmode=require";
    (address, server.expect("a server").folder.join("cert.pem"))
}

impl Server {
    fn psql(&self, sql: &str) -> Result<(), String> {
        let output = Command::new(self.bin.join("psql"))
            .args(["-X", "-q", "-U", "holdfast", "-d", "postgres", "-c", sql, "-h"])
            .arg(&self.folder)
            .args(["-p", &self.port.to_string()])
            .output()
            .map_err(|error| error.to_string())?;
        if output.status.success() {
            Ok(())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }
}

/// The programs of the newest version there is.
fn programs() -> Result<PathBuf, String> {
    let versions = std::fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            let bin = entry.path().join("bin");
            bin.join("initdb").exists().then_some((version, bin))
        })
        .collect();
    found.sort();
    found.pop().map(|(_, bin)| bin).ok_or(format!(
        "there is none in {DEBIAN}; `cargo xtask setup` installs Debian's package `postgresql`"
    ))
}

fn id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

fn start() -> Result<Server, String> {
    let bin = programs()?;
    let folder = temporary_folder("postgres");
    let failed = |error: std::io::Error| error.to_string();
    let certificate = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])
        .map_err(|error| error.to_string())?;
    let key = certificate.signing_key.serialize_pem();
    for (name, text) in [
        ("password", PASSWORD),
        ("cert.pem", &certificate.cert.pem()),
        ("key.pem", &key),
    ] {
        let file = folder.join(name);
        std::fs::write(&file, text).map_err(failed)?;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    }
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map_err(failed)?
        .port();
    let mut command = Command::new("sh");
    if id(&["-u"]) == Some(0) {
        let (user, group) = USERS
            .iter()
            .find_map(|name| Some((id(&["-u", name])?, id(&["-g", name])?)))
            .ok_or("no user to run it as")?;
        give(&folder, user, group).map_err(failed)?;
        command = Command::new("setpriv");
        command
            .arg(format!("--reuid={user}"))
            .arg(format!("--regid={group}"))
            .args(["--clear-groups", "sh"]);
    }
    let mut child = command
        .args(["-c", SCRIPT])
        .env("BIN", &bin)
        .env("FOLDER", &folder)
        .env("PORT", port.to_string())
        .stdin(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let life = child.stdin.take().ok_or("no standard input")?;
    let server = Server {
        bin,
        folder,
        port,
        _life: life,
    };
    let started = Instant::now();
    while let Err(error) = server.psql("SELECT 1") {
        let ended = child.try_wait().map_err(failed)?.is_some();
        if ended || started.elapsed() > START_TIME {
            let log = std::fs::read_to_string(server.folder.join("log")).unwrap_or_default();
            return Err(format!("it did not start: {error}\n{log}"));
        }
        std::thread::sleep(POLL);
    }
    Ok(server)
}

/// Gives a folder and what is in it to another user.
fn give(folder: &Path, user: u32, group: u32) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        std::os::unix::fs::chown(entry?.path(), Some(user), Some(group))?;
    }
    std::os::unix::fs::chown(folder, Some(user), Some(group))
}
