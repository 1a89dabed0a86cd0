//! A network profile: which network this is, and how to reach it (`static/networks/*.json`, served beside the app).

use holdfast_protocol::file::FileServer;
use holdfast_protocol::keys::Ed25519PublicKey;
use serde::Deserialize;

/// Hops of an onion path before the destination (`spec/03-network.md §4.8`).
const DEFAULT_HOPS: usize = 3;
/// Fewest nodes that a public network's list may have (`spec/03-network.md §1.4`).
const DEFAULT_MINIMUM_NODES: usize = 12;
/// Relays count `hop_no` up to 15 (`spec/03-network.md §3.5`).
const MAX_HOPS: usize = 15;

/// Names a network and how to reach it. Unknown fields are ignored, so that a profile may carry more.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct NetworkProfile {
    /// Shown to the user, such as `local`.
    pub name: String,
    /// Addresses of gateways, tried in turn: absolute, or starting with `/` for the page's own origin.
    #[serde(default)]
    pub gateways: Vec<String>,
    /// Whether guards are reached at their own address, without a gateway.
    #[serde(default)]
    pub direct: bool,
    /// A network of one's own: private addresses are allowed and guards speak plain HTTP.
    #[serde(default)]
    pub local: bool,
    /// A node list with fewer nodes is not used.
    #[serde(default = "default_minimum_nodes")]
    pub minimum_nodes: usize,
    /// Whether paths avoid two nodes in one /24.
    #[serde(default = "default_true")]
    pub subnet_diversity: bool,
    /// Hops of a path before the destination.
    #[serde(default = "default_hops")]
    pub hops: usize,
    /// Where the node list that ships with the app lies, relative to the page: 51-byte records as nodes serve them
    /// ([`holdfast_protocol::nodes::decode_active_nodes`]), or JSON.
    #[serde(default)]
    pub bundled_nodes: Option<String>,
    /// Seed servers (`/json_rpc`) that can be reached directly.
    #[serde(default)]
    pub seeds: Vec<String>,
    /// Where files go: `{"url":"http://host","key":"64 hex digits"}`, the server's address without a path and its Ed25519
    /// key. Without one, files can be neither sent nor fetched.
    #[serde(default, deserialize_with = "server")]
    pub files: Option<FileServer>,
    /// The helper that looks at links, named as a file server is. Without one, previews of links can't be sent.
    #[serde(default, deserialize_with = "server")]
    pub previews: Option<FileServer>,
}

/// Reads [`NetworkProfile::files`] and [`NetworkProfile::previews`].
fn server<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<FileServer>, D::Error> {
    use serde::de::Error;
    #[derive(Deserialize)]
    struct Named {
        url: String,
        key: String,
    }
    let Some(named) = Option::<Named>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let key = Ed25519PublicKey::from_hex(&named.key).map_err(|_| D::Error::custom("a server's key"))?;
    FileServer::parse(&named.url, key)
        .map(Some)
        .map_err(D::Error::custom)
}

fn default_minimum_nodes() -> usize {
    DEFAULT_MINIMUM_NODES
}

fn default_true() -> bool {
    true
}

fn default_hops() -> usize {
    DEFAULT_HOPS
}

/// Why a network profile can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// Not JSON, or a field has another form.
    #[error("the network profile can't be read: {0}")]
    Malformed(String),
    /// Neither a gateway nor direct access.
    #[error("the network profile names no way to reach the network")]
    NoAccess,
    /// No source for a first node list.
    #[error("the network profile names no source of nodes")]
    NoNodes,
    /// No hops, or more than relays accept.
    #[error("the network profile asks for an impossible number of hops")]
    Hops,
    /// Fewer nodes than one path and a destination need.
    #[error("the network profile's smallest list is too small for a path")]
    TooFewNodes,
}

impl NetworkProfile {
    /// Reads a profile.
    ///
    /// # Errors
    /// See [`ProfileError`].
    pub fn from_json(json: &[u8]) -> Result<Self, ProfileError> {
        let profile: Self =
            serde_json::from_slice(json).map_err(|error| ProfileError::Malformed(error.to_string()))?;
        if profile.gateways.is_empty() && !profile.direct {
            return Err(ProfileError::NoAccess);
        }
        if profile.gateways.is_empty() && profile.seeds.is_empty() && profile.bundled_nodes.is_none() {
            return Err(ProfileError::NoNodes);
        }
        if profile.hops == 0 || profile.hops > MAX_HOPS {
            return Err(ProfileError::Hops);
        }
        if profile.minimum_nodes <= profile.hops {
            return Err(ProfileError::TooFewNodes);
        }
        Ok(profile)
    }

    /// The same profile with every address absolute, for programs that have no page: `origin` is like `http://host:port`.
    pub fn resolve(mut self, origin: &str) -> Self {
        let origin = origin.trim_end_matches('/');
        let absolute = |address: &str| {
            if address.contains("://") {
                address.to_owned()
            } else {
                format!("{origin}/{}", address.trim_start_matches('/'))
            }
        };
        self.gateways = self.gateways.iter().map(|address| absolute(address)).collect();
        self.bundled_nodes = self.bundled_nodes.as_deref().map(absolute);
        self.seeds = self.seeds.iter().map(|address| absolute(address)).collect();
        self
    }

    /// The address of something below a gateway.
    pub(crate) fn below(base: &str, path: &str) -> String {
        format!("{}/{path}", base.trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_local_profile_reads_and_resolves() {
        let json = br#"{"name":"local","gateways":["/"],"direct":false,"local":true,"minimum_nodes":4,
            "subnet_diversity":false,"hops":3,"bundled_nodes":"networks/n.json"}"#;
        let profile = NetworkProfile::from_json(json).unwrap();
        assert_eq!(
            NetworkProfile::below(&profile.gateways[0], "v1/nodes"),
            "/v1/nodes"
        );
        let resolved = profile.resolve("http://127.0.0.1:8080/");
        assert_eq!(resolved.gateways, ["http://127.0.0.1:8080/"]);
        assert_eq!(
            resolved.bundled_nodes.as_deref(),
            Some("http://127.0.0.1:8080/networks/n.json")
        );
    }

    #[test]
    fn unusable_profiles_say_why() {
        let read = |json: &str| NetworkProfile::from_json(json.as_bytes()).unwrap_err();
        assert!(matches!(read("{"), ProfileError::Malformed(_)));
        assert_eq!(read(r#"{"name":"x"}"#), ProfileError::NoAccess);
        assert_eq!(read(r#"{"name":"x","direct":true}"#), ProfileError::NoNodes);
        assert_eq!(
            read(r#"{"name":"x","gateways":["/"],"hops":0}"#),
            ProfileError::Hops
        );
        assert_eq!(
            read(r#"{"name":"x","gateways":["/"],"minimum_nodes":3}"#),
            ProfileError::TooFewNodes
        );
    }
}
