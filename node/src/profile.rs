//! The network profile that the app reads (`networks/default.json`), as gateways and `up` write it in place of the site's.

use bytes::Bytes;
use holdfast_protocol::file::FileServer;
use holdfast_protocol::keys::Ed25519PublicKey;
use serde::Serialize;

/// Hops of a path where there are nodes enough (spec/03-network.md §4.8).
const HOPS: usize = 3;
/// Fewest nodes of the public network's list that are used (spec/03-network.md §1.4).
const PUBLIC_MINIMUM: usize = 12;
/// The public network's nodes, as the site has them.
const PUBLIC_NODES: &str = "networks/mainnet-nodes.bin";

/// Names a network and how to reach it from the page that is served beside.
#[derive(Clone, Debug, Serialize)]
pub struct Profile {
    name: &'static str,
    gateways: [&'static str; 1],
    direct: bool,
    local: bool,
    minimum_nodes: usize,
    subnet_diversity: bool,
    hops: usize,
    bundled_nodes: Option<&'static str>,
    files: Option<NamedServer>,
    previews: Option<NamedServer>,
}

/// A server behind the nodes, by its HTTP address and its key.
#[derive(Clone, Debug, Serialize)]
pub struct NamedServer {
    /// The address, without a slash at its end.
    pub url: String,
    /// The key.
    pub key: Ed25519PublicKey,
}

impl From<FileServer> for NamedServer {
    fn from(server: FileServer) -> Self {
        Self {
            url: server.base_url(),
            key: *server.key(),
        }
    }
}

impl Profile {
    /// The public network. Without a file server of the operator's its files go to Session's.
    pub fn public() -> Self {
        Self {
            name: "mainnet",
            local: false,
            minimum_nodes: PUBLIC_MINIMUM,
            subnet_diversity: true,
            bundled_nodes: Some(PUBLIC_NODES),
            files: Some(FileServer::session().into()),
            ..Self::own(HOPS + 1)
        }
    }

    /// A network of one's own with so many nodes: paths are as long as they allow.
    pub fn own(nodes: usize) -> Self {
        let hops = HOPS.min(nodes.saturating_sub(1));
        Self {
            name: "local",
            gateways: ["/"],
            direct: false,
            local: true,
            minimum_nodes: hops + 1,
            subnet_diversity: false,
            hops,
            bundled_nodes: None,
            files: None,
            previews: None,
        }
    }

    /// The same, for a gateway that calls private addresses or does not.
    #[must_use]
    pub fn local(self, local: bool) -> Self {
        Self { local, ..self }
    }

    /// The same with this file server, if there is one.
    #[must_use]
    pub fn files(self, files: Option<NamedServer>) -> Self {
        Self {
            files: files.or(self.files),
            ..self
        }
    }

    /// The same with this helper that looks at links.
    #[must_use]
    pub fn previews(self, previews: Option<NamedServer>) -> Self {
        Self { previews, ..self }
    }

    /// As the app reads it.
    pub fn to_json(&self) -> Bytes {
        // It is text, numbers and lists: that has always a form in JSON.
        serde_json::to_vec(self).unwrap_or_default().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(profile: &Profile) -> Value {
        serde_json::from_slice(&profile.to_json()).unwrap()
    }

    #[test]
    fn a_small_network_has_short_paths() {
        for (nodes, hops) in [(2, 1), (3, 2), (4, 3), (64, 3)] {
            let profile = read(&Profile::own(nodes));
            assert_eq!(
                (&profile["hops"], &profile["minimum_nodes"]),
                (&json!(hops), &json!(hops + 1)),
                "{nodes}"
            );
        }
    }

    #[test]
    fn files_of_the_public_network_go_to_sessions_server_unless_another_is_named() {
        let public = Profile::public();
        let usual = read(&public);
        assert_eq!(usual["files"]["url"], FileServer::session().base_url());
        assert_eq!((&usual["local"], &usual["hops"]), (&json!(false), &json!(3)));
        assert_eq!(read(&public.clone().files(None)), usual);
        let named = NamedServer {
            url: "http://files.example".to_owned(),
            ..FileServer::session().into()
        };
        let profile = read(&public.files(Some(named)));
        assert_eq!(profile["files"]["url"], "http://files.example");
    }
}
