//! What each role is told, once it is known to be whole.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use holdfast_protocol::file::FileServer;
use holdfast_protocol::keys::Ed25519PublicKey;

use crate::embed::EmbedOrigin;
use crate::fileserver::{ContentPlace, RecordsPlace};
use crate::net::proxies::TrustedProxy;
use crate::registry::follow::Source;
use crate::storage::db::Durability;

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
    /// Certificates that the helper that looks at links trusts in place of the web's, PEM. With them it also visits private
    /// addresses.
    pub previews_ca: Option<PathBuf>,
    /// The pages that may show the chat in a frame.
    pub embed_origins: Vec<EmbedOrigin>,
    /// Serve a page that does, from an origin of its own.
    pub demo: bool,
    /// The reverse proxies that say who asks.
    pub trusted_proxies: Vec<TrustedProxy>,
    /// Servers on private addresses, besides the network's own, that nodes may pass requests on to.
    pub local_servers: Vec<SocketAddr>,
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
    /// Limit direct requests per address, and onion packets unless `local`.
    pub rate_limit: bool,
    /// What an acknowledged write survives.
    pub durability: Durability,
    /// The reverse proxies that say who asks.
    pub trusted_proxies: Vec<TrustedProxy>,
    /// The servers on private addresses that the node may pass requests on to.
    pub local_servers: Vec<SocketAddr>,
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
    /// The reverse proxies that say who asks.
    pub trusted_proxies: Vec<TrustedProxy>,
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
    /// A file that says which releases of the apps are the latest, JSON.
    pub versions: Option<PathBuf>,
    /// The reverse proxies that say who asks.
    pub trusted_proxies: Vec<TrustedProxy>,
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
