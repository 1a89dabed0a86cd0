//! Where everything of a running network is.

use std::net::Ipv4Addr;

use holdfast_protocol::keys::{Ed25519PublicKey, X25519PublicKey};
use holdfast_protocol::swarm::SwarmId;
use serde::{Deserialize, Serialize};

use super::nodes::Slot;
use crate::profile::NamedServer;

/// Where everything is, as `--json` prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    /// The app.
    pub app: String,
    /// The seed's JSON-RPC.
    pub seed: String,
    /// The gateway; its paths begin with `v1/`.
    pub gateway: String,
    /// The file server.
    pub files: ServerAddress,
    /// The helper that looks at links.
    pub previews: ServerAddress,
    /// The page that shows the chat as another site would, if it is served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub demo: Option<String>,
    /// The service nodes.
    pub nodes: Vec<NodeAddress>,
}

/// Where a server behind the nodes is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerAddress {
    /// Its HTTP address, without a slash at its end.
    pub url: String,
    /// Its identity, which addresses of a file server's files name.
    pub ed25519: Ed25519PublicKey,
}

impl ServerAddress {
    /// As the app's profile names it.
    pub(super) fn named(&self) -> NamedServer {
        NamedServer {
            url: self.url.clone(),
            key: self.ed25519,
        }
    }
}

/// Where a node is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeAddress {
    /// Its HTTP address.
    pub url: String,
    /// Its IP address.
    pub ip: Ipv4Addr,
    /// Its plain HTTP port.
    pub http_port: u16,
    /// Its identity.
    pub ed25519: Ed25519PublicKey,
    /// Its key for onion layers.
    pub x25519: X25519PublicKey,
    /// Its swarm.
    pub swarm: SwarmId,
}

pub(super) fn addresses(
    app_port: u16,
    seed_port: u16,
    (files, previews): (ServerAddress, ServerAddress),
    slots: &[Slot],
) -> Addresses {
    let at = |port: u16| format!("http://127.0.0.1:{port}");
    Addresses {
        app: format!("{}/", at(app_port)),
        seed: format!("{}/json_rpc", at(seed_port)),
        gateway: format!("{}/", at(app_port)),
        files,
        previews,
        demo: None,
        nodes: slots
            .iter()
            .map(|slot| NodeAddress {
                url: at(slot.record.port()),
                ip: slot.record.ip,
                http_port: slot.record.port(),
                ed25519: slot.record.ed25519(),
                x25519: slot.record.x25519(),
                swarm: slot.record.swarm,
            })
            .collect(),
    }
}
