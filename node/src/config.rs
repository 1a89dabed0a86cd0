//! The command line, and the configuration file that says the same in JSON.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use holdfast_protocol::file::FileServer;
use holdfast_protocol::file::api::{MAX_BODY, MAX_TTL};
use holdfast_protocol::keys::Ed25519PublicKey;

use crate::embed::EmbedOrigin;
use crate::fileserver::{ContentPlace, PlaceError, RecordsPlace};
use crate::registry::follow::Source;
use crate::storage::db::Durability;

/// The help text.
pub const HELP: &str = "\
holdfast: the servers of a Session network

Usage: holdfast <role> [options]

Roles and their options:
  up        a whole network with the app in one process
              --port N (8080), --data DIR (data), --nodes N (8), --site DIR, --kiosk FILE, --json,
              --previews-ca FILE, --embed-origin ORIGIN (repeatable), --demo (a page of somebody else's that shows the chat)
  storage   a service node
              --listen ADDRESS (0.0.0.0:22021), --data DIR (data), --public-ip IP, --seed URL (repeatable),
              --plain-http, --cert FILE, --key FILE, --local, --no-rate-limit, --durability process|power
  seed      the node list of a network
              --listen ADDRESS (0.0.0.0:22000), --nodes-file FILE, --swarm-size N (5), --inactive-after SECONDS (120)
  gateway   carries browsers' onion packets to guards
              --listen ADDRESS (0.0.0.0:8080), --public or --seed URL (repeatable), --nodes-file FILE, --site DIR,
              --kiosk FILE, --cert FILE, --key FILE, --local, --files URL --files-key HEX (the app's file server),
              --previews URL --previews-key HEX (the app's helper that looks at links),
              --embed-origin ORIGIN (repeatable)
  files     keeps encrypted attachments and pictures for some days
              --listen ADDRESS (0.0.0.0:8000), --data DIR (data), --ttl SECONDS (1209600), --max-size BYTES (10223616),
              --quota BYTES (53687091200), --uploads N (64), --no-rate-limit, --durability process|power,
              --cert FILE, --key FILE, --records sqlite|postgres://USER@HOST/DATABASE (sqlite),
              --content folder|s3://BUCKET/FOLDER (folder), --store-ca FILE (whose certificates these have),
              --secrets FILE (lines NAME=value with PGPASSWORD, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
              AWS_SESSION_TOKEN, AWS_REGION, AWS_ENDPOINT_URL; what it lacks is taken from the environment)
  previews  looks at links for those who want to send a preview of one, and does not learn who asks
              --listen ADDRESS (0.0.0.0:8001), --data DIR (data), --local, --previews-ca FILE, --cert FILE, --key FILE
  sign      lists the files of a site and signs the list, for browsers to tell a changed site
              --site DIR, --key FILE (made on first use), --old-key FILE (hands over to the new one), --number N (now)
  verify    checks a site against its signed list: holdfast verify https://chat.example/, or a folder
              --release-key HEX (the key that must have signed it)

  --kiosk         what is allowed at a computer that many people use (docs/kiosk.md); the whole site is a kiosk then
  --embed-origin  a page's scheme, host and port, such as https://www.example.org: it may show the chat in a frame
  --previews-ca   certificates (PEM) that the helper trusts in place of the web's: for a network without internet
  --config FILE   reads options from a JSON object: {\"listen\": \"…\", \"local\": true, \"seed\": [\"…\"]}
  --help, --version

Every role serves /health and /metrics. Logs go to stderr; HOLDFAST_LOG sets their level (warn, info, debug).
";

/// Why the command line cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// An option is unknown, or its value is missing or malformed.
    #[error("{0}")]
    Option(#[from] lexopt::Error),
    /// No role, or none that exists.
    #[error("name a role: up, storage, seed, gateway, files, previews, sign or verify (see --help)")]
    Role,
    /// Two options exclude each other, or one is missing.
    #[error("{0}")]
    Combination(&'static str),
    /// A store of files is named that cannot be used.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The configuration file cannot be read or is no JSON object of options.
    #[error("configuration file: {0}")]
    File(String),
}

/// What to run.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Print the help text.
    Help,
    /// Print the version.
    Version,
    /// A network with the app.
    Up(Up),
    /// A service node.
    Storage(Storage),
    /// A seed.
    Seed(Seed),
    /// A gateway.
    Gateway(Gateway),
    /// A file server.
    Files(Files),
    /// A helper that looks at links.
    Previews(Previews),
    /// Sign a site.
    Sign(Sign),
    /// Check a site.
    Verify(Verify),
}

/// Options of `up`.
#[derive(Clone, Debug, PartialEq)]
pub struct Up {
    /// The app's port; 0 for a free one.
    pub port: u16,
    /// Where keys and databases are kept.
    pub data: PathBuf,
    /// Service nodes to run.
    pub nodes: usize,
    /// The built app.
    pub site: Option<PathBuf>,
    /// The `kiosk.json` of a site that is a kiosk.
    pub kiosk: Option<PathBuf>,
    /// Print the addresses as one JSON line.
    pub json: bool,
    /// Certificates that the helper that looks at links trusts in place of the web's, PEM.
    pub previews_ca: Option<PathBuf>,
    /// The pages that may show the chat in a frame.
    pub embed_origins: Vec<EmbedOrigin>,
    /// Serve a page that does, from an origin of its own.
    pub demo: bool,
}

/// Options of `storage`.
#[derive(Clone, Debug, PartialEq)]
pub struct Storage {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where key, certificate and database are kept.
    pub data: PathBuf,
    /// The address that others reach it at.
    pub public_ip: Option<Ipv4Addr>,
    /// The seeds' `/json_rpc` addresses.
    pub seeds: Vec<String>,
    /// Serve without TLS.
    pub plain_http: bool,
    /// A certificate and its key, PEM.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Private addresses are allowed.
    pub local: bool,
    /// Limit direct requests per address.
    pub rate_limit: bool,
    /// What an acknowledged write survives.
    pub durability: Durability,
}

/// Options of `seed`.
#[derive(Clone, Debug, PartialEq)]
pub struct Seed {
    /// Where to listen.
    pub listen: SocketAddr,
    /// A fixed list; without one nodes register themselves.
    pub nodes_file: Option<PathBuf>,
    /// The least members of a swarm when there are enough nodes.
    pub swarm_size: usize,
    /// After how many seconds of silence a node is decommissioned.
    pub inactive_after: u64,
}

/// Options of `gateway`.
#[derive(Clone, Debug, PartialEq)]
pub struct Gateway {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where the list comes from.
    pub source: Source,
    /// A list to begin with while no seed answers.
    pub nodes_file: Option<PathBuf>,
    /// The built app, to be served beside.
    pub site: Option<PathBuf>,
    /// The `kiosk.json` of a site that is a kiosk.
    pub kiosk: Option<PathBuf>,
    /// A certificate and its key, PEM.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Private addresses are allowed.
    pub local: bool,
    /// The file server that the app uses beside this gateway.
    pub files: Option<FileServer>,
    /// The helper that looks at links for the app.
    pub previews: Option<FileServer>,
    /// The pages that may show the app's chat in a frame.
    pub embed_origins: Vec<EmbedOrigin>,
}

/// Options of `files`.
#[derive(Clone, Debug, PartialEq)]
pub struct Files {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where key, database and files are kept.
    pub data: PathBuf,
    /// How long files are kept at most, seconds.
    pub ttl: u64,
    /// The largest file, bytes.
    pub max_size: u64,
    /// What all files together may take, bytes.
    pub quota: Option<u64>,
    /// Direct uploads at a time.
    pub uploads: Option<usize>,
    /// Limit direct requests per address.
    pub rate_limit: bool,
    /// What an answered upload survives.
    pub durability: Durability,
    /// A certificate and its key, PEM.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Where what is known of files is kept.
    pub records: RecordsPlace,
    /// Where their bytes are kept.
    pub content: ContentPlace,
    /// The authorities, PEM, of the certificates of both.
    pub store_ca: Option<PathBuf>,
    /// A file of passwords and keys for both.
    pub secrets: Option<PathBuf>,
}

/// Options of `previews`.
#[derive(Clone, Debug, PartialEq)]
pub struct Previews {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where its key is kept.
    pub data: PathBuf,
    /// Private addresses, and any port, may be visited.
    pub local: bool,
    /// Certificates that are trusted in place of the web's, PEM.
    pub authorities: Option<PathBuf>,
    /// A certificate and its key, PEM.
    pub tls: Option<(PathBuf, PathBuf)>,
}

/// Options of `sign`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sign {
    /// The site's folder.
    pub site: PathBuf,
    /// The file with the release key.
    pub key: PathBuf,
    /// The file with the key before, which hands over.
    pub old_key: Option<PathBuf>,
    /// The release's number; the time without one.
    pub number: Option<u64>,
}

/// Options of `verify`.
#[derive(Clone, Debug, PartialEq)]
pub struct Verify {
    /// The site's address or folder.
    pub target: String,
    /// The key that must have signed it.
    pub key: Option<Ed25519PublicKey>,
}

/// Every option of every role, before it is known which are allowed.
#[derive(Default)]
struct Options {
    given: Vec<&'static str>,
    port: Option<u16>,
    data: Option<PathBuf>,
    nodes: Option<usize>,
    site: Option<PathBuf>,
    kiosk: Option<PathBuf>,
    listen: Option<SocketAddr>,
    public_ip: Option<Ipv4Addr>,
    seeds: Vec<String>,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    nodes_file: Option<PathBuf>,
    swarm_size: Option<usize>,
    inactive_after: Option<u64>,
    durability: Option<Durability>,
    ttl: Option<u64>,
    max_size: Option<u64>,
    quota: Option<u64>,
    uploads: Option<usize>,
    files: Option<String>,
    files_key: Option<String>,
    previews: Option<String>,
    previews_key: Option<String>,
    previews_ca: Option<PathBuf>,
    embed_origins: Vec<EmbedOrigin>,
    old_key: Option<PathBuf>,
    number: Option<u64>,
    release_key: Option<String>,
    /// What follows the role.
    target: Option<String>,
    records: Option<String>,
    content: Option<String>,
    store_ca: Option<PathBuf>,
    secrets: Option<PathBuf>,
}

const UP: &[&str] = &[
    "port",
    "data",
    "nodes",
    "site",
    "kiosk",
    "json",
    "previews-ca",
    "embed-origin",
    "demo",
];
const STORAGE: &[&str] = &[
    "listen",
    "data",
    "public-ip",
    "seed",
    "plain-http",
    "cert",
    "key",
    "local",
    "no-rate-limit",
    "durability",
];
const SEED: &[&str] = &["listen", "nodes-file", "swarm-size", "inactive-after"];
const GATEWAY: &[&str] = &[
    "listen",
    "public",
    "seed",
    "nodes-file",
    "site",
    "kiosk",
    "cert",
    "key",
    "local",
    "files",
    "files-key",
    "previews",
    "previews-key",
    "embed-origin",
];
const FILES: &[&str] = &[
    "listen",
    "data",
    "ttl",
    "max-size",
    "quota",
    "uploads",
    "no-rate-limit",
    "durability",
    "cert",
    "key",
    "records",
    "content",
    "store-ca",
    "secrets",
];
const PREVIEWS: &[&str] = &["listen", "data", "local", "previews-ca", "cert", "key"];
const SIGN: &[&str] = &["site", "key", "old-key", "number"];
const VERIFY: &[&str] = &["release-key"];
/// Options without a value.
const FLAGS: &[&str] = &["json", "demo", "plain-http", "local", "no-rate-limit", "public"];

/// Reads the arguments after the program's name.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Command, ConfigError> {
    let args = expand(args.into_iter().collect())?;
    let mut parser = lexopt::Parser::from_args(args);
    let (mut role, mut options) = (None, Options::default());
    while let Some(argument) = parser.next()? {
        match argument {
            lexopt::Arg::Short('h') | lexopt::Arg::Long("help") => return Ok(Command::Help),
            lexopt::Arg::Short('V') | lexopt::Arg::Long("version") => return Ok(Command::Version),
            lexopt::Arg::Value(value) if role.is_none() => role = Some(value),
            lexopt::Arg::Value(value) if options.target.is_none() => {
                options.target = Some(value.to_string_lossy().into_owned());
            }
            lexopt::Arg::Long(name) => {
                let known = [UP, STORAGE, SEED, GATEWAY, FILES, PREVIEWS, SIGN, VERIFY]
                    .into_iter()
                    .flatten()
                    .find(|known| **known == name);
                match known {
                    Some(known) => options.set(known, &mut parser)?,
                    None => return Err(argument.unexpected().into()),
                }
            }
            other => return Err(other.unexpected().into()),
        }
    }
    match role.as_ref().and_then(|role| role.to_str()) {
        Some("up") => options.into_up().map(Command::Up),
        Some("storage") => options.into_storage().map(Command::Storage),
        Some("seed") => options.into_seed().map(Command::Seed),
        Some("gateway") => options.into_gateway().map(Command::Gateway),
        Some("files") => options.into_files().map(Command::Files),
        Some("previews") => options.into_previews().map(Command::Previews),
        Some("sign") => options.into_sign().map(Command::Sign),
        Some("verify") => options.into_verify().map(Command::Verify),
        _ => Err(ConfigError::Role),
    }
}

impl Options {
    fn set(&mut self, name: &'static str, parser: &mut lexopt::Parser) -> Result<(), lexopt::Error> {
        use lexopt::ValueExt as _;
        self.given.push(name);
        if FLAGS.contains(&name) {
            return Ok(());
        }
        let value = parser.value()?;
        match name {
            "port" => self.port = Some(value.parse()?),
            "data" => self.data = Some(value.into()),
            "nodes" => self.nodes = Some(value.parse()?),
            "site" => self.site = Some(value.into()),
            "kiosk" => self.kiosk = Some(value.into()),
            "listen" => self.listen = Some(value.parse()?),
            "public-ip" => self.public_ip = Some(value.parse()?),
            "seed" => self.seeds.push(value.string()?),
            "cert" => self.cert = Some(value.into()),
            "key" => self.key = Some(value.into()),
            "nodes-file" => self.nodes_file = Some(value.into()),
            "swarm-size" => self.swarm_size = Some(value.parse()?),
            "inactive-after" => self.inactive_after = Some(value.parse()?),
            "ttl" => self.ttl = Some(value.parse()?),
            "max-size" => self.max_size = Some(value.parse()?),
            "quota" => self.quota = Some(value.parse()?),
            "uploads" => self.uploads = Some(value.parse()?),
            "files" => self.files = Some(value.string()?),
            "files-key" => self.files_key = Some(value.string()?),
            "previews" => self.previews = Some(value.string()?),
            "previews-key" => self.previews_key = Some(value.string()?),
            "previews-ca" => self.previews_ca = Some(value.into()),
            "embed-origin" => self.embed_origins.push(value.parse()?),
            "old-key" => self.old_key = Some(value.into()),
            "number" => self.number = Some(value.parse()?),
            "release-key" => self.release_key = Some(value.string()?),
            "records" => self.records = Some(value.string()?),
            "content" => self.content = Some(value.string()?),
            "store-ca" => self.store_ca = Some(value.into()),
            "secrets" => self.secrets = Some(value.into()),
            _ => {
                self.durability = Some(value.parse_with(|text| match text {
                    "process" => Ok(Durability::Process),
                    "power" => Ok(Durability::Power),
                    _ => Err("not process or power"),
                })?);
            }
        }
        Ok(())
    }

    fn has(&self, flag: &str) -> bool {
        self.given.contains(&flag)
    }

    fn only(&self, allowed: &[&str]) -> Result<(), ConfigError> {
        if let Some(target) = &self.target
            && allowed != VERIFY
        {
            return Err(lexopt::Arg::Value(target.into()).unexpected().into());
        }
        match self.given.iter().find(|name| !allowed.contains(name)) {
            Some(name) => Err(lexopt::Arg::Long(name).unexpected().into()),
            None => Ok(()),
        }
    }

    fn tls(&mut self) -> Result<Option<(PathBuf, PathBuf)>, ConfigError> {
        match (self.cert.take(), self.key.take()) {
            (Some(cert), Some(key)) => Ok(Some((cert, key))),
            (None, None) => Ok(None),
            _ => Err(ConfigError::Combination("--cert and --key go together")),
        }
    }

    fn check_kiosk(&self) -> Result<(), ConfigError> {
        if self.kiosk.is_some() && self.site.is_none() {
            return Err(ConfigError::Combination(
                "--kiosk needs the --site that it is about",
            ));
        }
        if self.kiosk.is_some() && !self.embed_origins.is_empty() {
            return Err(ConfigError::Combination(
                "--kiosk and --embed-origin exclude each other: nobody else's page may show a kiosk",
            ));
        }
        Ok(())
    }

    fn listen_or(&self, port: u16) -> SocketAddr {
        self.listen
            .unwrap_or_else(|| (Ipv4Addr::UNSPECIFIED, port).into())
    }

    fn into_up(self) -> Result<Up, ConfigError> {
        self.only(UP)?;
        self.check_kiosk()?;
        let nodes = self.nodes.unwrap_or(8);
        if !(2..=64).contains(&nodes) {
            return Err(ConfigError::Combination("--nodes must be from 2 to 64"));
        }
        Ok(Up {
            port: self.port.unwrap_or(8080),
            nodes,
            json: self.has("json"),
            demo: self.has("demo"),
            embed_origins: self.embed_origins,
            data: self.data.unwrap_or_else(|| "data".into()),
            site: self.site,
            kiosk: self.kiosk,
            previews_ca: self.previews_ca,
        })
    }

    fn into_storage(mut self) -> Result<Storage, ConfigError> {
        self.only(STORAGE)?;
        if self.seeds.is_empty() {
            return Err(ConfigError::Combination("a storage node needs --seed"));
        }
        let (tls, plain_http, local) = (self.tls()?, self.has("plain-http"), self.has("local"));
        if plain_http && (tls.is_some() || !local) {
            return Err(ConfigError::Combination(
                "--plain-http is for --local networks and takes no certificate",
            ));
        }
        Ok(Storage {
            listen: self.listen_or(22021),
            rate_limit: !self.has("no-rate-limit"),
            data: self.data.unwrap_or_else(|| "data".into()),
            public_ip: self.public_ip,
            seeds: self.seeds,
            plain_http,
            tls,
            local,
            durability: self.durability.unwrap_or_default(),
        })
    }

    fn into_seed(self) -> Result<Seed, ConfigError> {
        self.only(SEED)?;
        Ok(Seed {
            listen: self.listen_or(22000),
            nodes_file: self.nodes_file,
            // The public network's least size (spec/03-network.md §8.1).
            swarm_size: self.swarm_size.unwrap_or(5),
            inactive_after: self.inactive_after.unwrap_or(120),
        })
    }

    fn into_gateway(mut self) -> Result<Gateway, ConfigError> {
        self.only(GATEWAY)?;
        self.check_kiosk()?;
        let tls = self.tls()?;
        let source = match (self.has("public"), self.seeds.is_empty()) {
            (true, true) => Source::Public,
            (false, false) => Source::Local(std::mem::take(&mut self.seeds)),
            _ => {
                return Err(ConfigError::Combination(
                    "a gateway needs either --public or --seed",
                ));
            }
        };
        let files = named(
            (self.files.take(), self.files_key.take()),
            "--files and --files-key go together",
            "--files takes http(s)://host[:port], and --files-key 64 hex digits",
        )?;
        let previews = named(
            (self.previews.take(), self.previews_key.take()),
            "--previews and --previews-key go together",
            "--previews takes http(s)://host[:port], and --previews-key 64 hex digits",
        )?;
        Ok(Gateway {
            listen: self.listen_or(8080),
            local: self.has("local"),
            source,
            nodes_file: self.nodes_file,
            site: self.site,
            kiosk: self.kiosk,
            tls,
            files,
            previews,
            embed_origins: self.embed_origins,
        })
    }

    fn into_files(mut self) -> Result<Files, ConfigError> {
        self.only(FILES)?;
        let tls = self.tls()?;
        if self.ttl == Some(0) || self.max_size == Some(0) {
            return Err(ConfigError::Combination(
                "--ttl and --max-size must be more than nothing",
            ));
        }
        let records = self.records.take().map(|text| RecordsPlace::parse(&text));
        let content = self.content.take().map(|text| ContentPlace::parse(&text));
        Ok(Files {
            records: records.transpose()?.unwrap_or_default(),
            content: content.transpose()?.unwrap_or_default(),
            store_ca: self.store_ca.take(),
            secrets: self.secrets.take(),
            listen: self.listen_or(8000),
            rate_limit: !self.has("no-rate-limit"),
            data: self.data.unwrap_or_else(|| "data".into()),
            ttl: self.ttl.unwrap_or(MAX_TTL),
            max_size: self.max_size.unwrap_or(MAX_BODY as u64),
            quota: self.quota,
            uploads: self.uploads,
            durability: self.durability.unwrap_or_default(),
            tls,
        })
    }

    fn into_previews(mut self) -> Result<Previews, ConfigError> {
        self.only(PREVIEWS)?;
        let tls = self.tls()?;
        Ok(Previews {
            listen: self.listen_or(8001),
            local: self.has("local"),
            data: self.data.unwrap_or_else(|| "data".into()),
            authorities: self.previews_ca,
            tls,
        })
    }
}

impl Options {
    fn into_sign(self) -> Result<Sign, ConfigError> {
        self.only(SIGN)?;
        let (Some(site), Some(key)) = (self.site, self.key) else {
            return Err(ConfigError::Combination("sign needs --site DIR and --key FILE"));
        };
        Ok(Sign {
            site,
            key,
            old_key: self.old_key,
            number: self.number,
        })
    }

    fn into_verify(self) -> Result<Verify, ConfigError> {
        self.only(VERIFY)?;
        let target = self.target.ok_or(ConfigError::Combination(
            "name what to check: holdfast verify https://chat.example/",
        ))?;
        let key = self.release_key.map(|key| Ed25519PublicKey::from_hex(&key));
        let key = key
            .transpose()
            .map_err(|_| ConfigError::Combination("--release-key takes 64 hex digits"))?;
        Ok(Verify { target, key })
    }
}

/// A server that the app's network profile names by address and key.
fn named(
    given: (Option<String>, Option<String>),
    apart: &'static str,
    malformed: &'static str,
) -> Result<Option<FileServer>, ConfigError> {
    match given {
        (Some(url), Some(key)) => {
            let server = Ed25519PublicKey::from_hex(&key)
                .ok()
                .and_then(|key| FileServer::parse(&url, key).ok());
            server.map(Some).ok_or(ConfigError::Combination(malformed))
        }
        (None, None) => Ok(None),
        _ => Err(ConfigError::Combination(apart)),
    }
}

/// Puts the options of a `--config` file where the file is named.
fn expand(args: Vec<OsString>) -> Result<Vec<OsString>, ConfigError> {
    let mut out = Vec::with_capacity(args.len());
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        if arg != "--config" {
            out.push(arg);
            continue;
        }
        let path = args
            .next()
            .ok_or_else(|| ConfigError::File("no file named".to_owned()))?;
        let text = std::fs::read(&path).map_err(|error| ConfigError::File(error.to_string()))?;
        let object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(&text).map_err(|error| ConfigError::File(error.to_string()))?;
        for (name, value) in object {
            let values = match value {
                serde_json::Value::Array(list) => list,
                single => vec![single],
            };
            for value in values {
                match value {
                    serde_json::Value::Bool(true) => out.push(format!("--{name}").into()),
                    serde_json::Value::Bool(false) => {}
                    serde_json::Value::String(text) => out.push(format!("--{name}={text}").into()),
                    serde_json::Value::Number(number) => out.push(format!("--{name}={number}").into()),
                    _ => return Err(ConfigError::File(format!("{name} has a value of no use"))),
                }
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests;
