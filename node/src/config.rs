//! The command line, and the configuration file that says the same in JSON.

mod checks;
mod file;
mod roles;

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use crate::embed::EmbedOrigin;
use crate::fileserver::PlaceError;
use crate::net::proxies::TrustedProxy;
use crate::storage::db::Durability;

pub use roles::{Files, Gateway, Previews, Seed, Sign, Storage, Up, Verify};

/// The help text.
pub const HELP: &str = "\
holdfast: the servers of a Session network

Usage: holdfast <role> [options]

Roles and their options:
  up        a whole network with the app in one process
              --port N (8080), --data DIR (data), --nodes N (8), --site DIR, --kiosk FILE, --json,
              --previews-ca FILE, --embed-origin ORIGIN (repeatable), --demo (a page of somebody else's that shows the chat),
              --trusted-proxy ADDRESS (repeatable), --local-server ADDRESS (repeatable)
  storage   a service node
              --listen ADDRESS (0.0.0.0:22021), --data DIR (data), --public-ip IP, --seed URL (repeatable),
              --plain-http, --cert FILE, --key FILE, --local, --no-rate-limit, --durability process|power,
              --trusted-proxy ADDRESS (repeatable), --local-server ADDRESS (repeatable)
  seed      the node list of a network
              --listen ADDRESS (0.0.0.0:22000), --nodes-file FILE, --swarm-size N (5), --inactive-after SECONDS (120)
  gateway   carries browsers' onion packets to guards
              --listen ADDRESS (0.0.0.0:8080), --public or --seed URL (repeatable), --nodes-file FILE, --site DIR,
              --kiosk FILE, --cert FILE, --key FILE, --local, --files URL --files-key HEX (the app's file server),
              --previews URL --previews-key HEX (the app's helper that looks at links),
              --embed-origin ORIGIN (repeatable), --trusted-proxy ADDRESS (repeatable)
  files     keeps encrypted attachments and pictures for some days
              --listen ADDRESS (0.0.0.0:8000), --data DIR (data), --ttl SECONDS (1209600), --max-size BYTES (10223616),
              --quota BYTES (53687091200), --uploads N (64), --no-rate-limit, --durability process|power,
              --cert FILE, --key FILE, --trusted-proxy ADDRESS (repeatable), --records sqlite|postgres://USER@HOST/DATABASE (sqlite),
              --content folder|s3://BUCKET/FOLDER (folder), --store-ca FILE (whose certificates these have),
              --secrets FILE (lines NAME=value with PGPASSWORD, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
              AWS_SESSION_TOKEN, AWS_REGION, AWS_ENDPOINT_URL; what it lacks is taken from the environment),
              --versions FILE (JSON, for apps that ask for their latest release: {\"desktop\": {\"result\": \"1.16.3\", \"updated\":
              1700000000}, \"android\": …, \"ios\": …})
  previews  looks at links for those who want to send a preview of one, and does not learn who asks
              --listen ADDRESS (0.0.0.0:8001), --data DIR (data), --local, --previews-ca FILE, --cert FILE, --key FILE
  sign      lists the files of a site and signs the list, for browsers to tell a changed site
              --site DIR, --key FILE (made on first use), --old-key FILE (hands over to the new one), --number N (now)
  verify    checks a site against its signed list: holdfast verify https://chat.example/, or a folder
              --release-key HEX (the key that must have signed it)

  --kiosk         what is allowed at a computer that many people use (docs/kiosk.md); the whole site is a kiosk then
  --embed-origin  a page's scheme, host and port, such as https://www.example.org: it may show the chat in a frame
  --trusted-proxy the address of a web server in front, or its network (172.18.0.0/16): limits then count by the visitor that
                  it names in X-Forwarded-For, rather than all visitors as one
  --local-server  an address with its port (127.0.0.1:8000): nodes pass users' requests on to public addresses, and to this server
                  besides. `up` names its own two itself; a `storage` node with --local that names none passes on to any address
  --no-rate-limit no address is asked to wait: otherwise one has 600 direct requests at once and 300 a second after that, and at
                  a service node without --local ten times as many onion packets
  --previews-ca   certificates (PEM) that the helper trusts in place of the web's: for a network without internet, so
                  that `up` lets the helper visit private addresses then, as --local does for `previews`
  --config FILE   reads options from a JSON object: {\"listen\": \"…\", \"local\": true, \"seed\": [\"…\"]}
  --help, --version

Every role serves /health and /metrics. Logs go to stderr; HOLDFAST_LOG sets their level (warn, info, debug).
";

/// Why the command line cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// An option is unknown, or lacks its value, or has one where it takes none.
    #[error("{0}")]
    Option(#[from] lexopt::Error),
    /// An option's value is not one that it takes.
    #[error("--{0}: {1}")]
    Value(&'static str, lexopt::Error),
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
    trusted_proxies: Vec<TrustedProxy>,
    local_servers: Vec<SocketAddr>,
    old_key: Option<PathBuf>,
    number: Option<u64>,
    release_key: Option<String>,
    /// What follows the role.
    target: Option<String>,
    records: Option<String>,
    content: Option<String>,
    store_ca: Option<PathBuf>,
    secrets: Option<PathBuf>,
    versions: Option<PathBuf>,
}

/// Options without a value.
const FLAGS: &[&str] = &["json", "demo", "plain-http", "local", "no-rate-limit", "public"];

/// Reads the arguments after the program's name.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Command, ConfigError> {
    let args = file::expand(args)?;
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
                let known = checks::ROLES.into_iter().flatten().find(|known| **known == name);
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
    /// Takes an option that has been read, and the value behind it.
    fn set(&mut self, name: &'static str, parser: &mut lexopt::Parser) -> Result<(), ConfigError> {
        self.given.push(name);
        if FLAGS.contains(&name) {
            return Ok(());
        }
        let value = parser.value()?;
        self.set_value(name, value)
            .map_err(|error| ConfigError::Value(name, error))
    }

    fn set_value(&mut self, name: &str, value: OsString) -> Result<(), lexopt::Error> {
        use lexopt::ValueExt as _;
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
            "trusted-proxy" => self.trusted_proxies.push(value.parse()?),
            "local-server" => self.local_servers.push(value.parse()?),
            "old-key" => self.old_key = Some(value.into()),
            "number" => self.number = Some(value.parse()?),
            "release-key" => self.release_key = Some(value.string()?),
            "records" => self.records = Some(value.string()?),
            "content" => self.content = Some(value.string()?),
            "store-ca" => self.store_ca = Some(value.into()),
            "secrets" => self.secrets = Some(value.into()),
            "versions" => self.versions = Some(value.into()),
            "durability" => {
                self.durability = Some(value.parse_with(|text| match text {
                    "process" => Ok(Durability::Process),
                    "power" => Ok(Durability::Power),
                    _ => Err("not process or power"),
                })?);
            }
            _ => return Err(lexopt::Arg::Long(name).unexpected()),
        }
        Ok(())
    }

    fn has(&self, flag: &str) -> bool {
        self.given.contains(&flag)
    }
}

#[cfg(test)]
mod tests;
