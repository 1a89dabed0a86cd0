//! The members of a swarm: answer to `get_swarm`, and body of every 421 (spec/03-network.md §2.3, §2.4).

use super::Stamp;
use crate::json;
use crate::keys::{Ed25519PublicKey, X25519PublicKey};
use crate::swarm::SwarmId;
use data_encoding::{Encoding, Specification};
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// The z-base-32 alphabet of `.snode` addresses.
static BASE32Z: LazyLock<Option<Encoding>> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("ybndrfg8ejkmcpqxot1uwisza345h769");
    specification.encoding().ok()
});

/// The legacy address of a node: its key in z-base-32, and `.snode`.
pub fn snode_address(legacy: &Ed25519PublicKey) -> String {
    let key = BASE32Z
        .as_ref()
        .map(|encoding| encoding.encode(legacy.as_bytes()));
    format!("{}.snode", key.unwrap_or_default())
}

/// Who keeps an account's messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwarmInfo {
    /// The members.
    #[serde(deserialize_with = "read_members")]
    pub snodes: Vec<SwarmMember>,
    /// The swarm; [`SwarmId::NONE`] when there is none.
    #[serde(default = "no_swarm")]
    pub swarm: SwarmId,
    /// The node's time and fork.
    #[serde(flatten)]
    pub stamp: Stamp,
}

const fn no_swarm() -> SwarmId {
    SwarmId::NONE
}

/// A member as nodes describe it. A client believes none of it beyond the key, and that only if it knows the node
/// (spec/03 §10).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwarmMember {
    /// Legacy `.snode` address; old clients read it.
    #[serde(default)]
    pub address: String,
    /// The legacy key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pubkey_legacy: Option<Ed25519PublicKey>,
    /// The X25519 key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pubkey_x25519: Option<X25519PublicKey>,
    /// The Ed25519 key.
    pub pubkey_ed25519: Ed25519PublicKey,
    /// The HTTPS port as text; old clients read it.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "read_port_text"
    )]
    pub port: Option<String>,
    /// The HTTPS port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port_https: Option<u16>,
    /// The OMQ port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port_omq: Option<u16>,
    /// The QUIC port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port_quic: Option<u16>,
    /// The IPv4 address as text.
    #[serde(default)]
    pub ip: String,
}

impl SwarmMember {
    /// A member whose X25519 key follows from its Ed25519 key, with the one port number that serves OMQ and QUIC.
    pub fn new(
        ed25519: Ed25519PublicKey,
        x25519: X25519PublicKey,
        ip: std::net::Ipv4Addr,
        https_port: u16,
        omq_port: u16,
    ) -> Self {
        Self {
            address: snode_address(&ed25519),
            pubkey_legacy: Some(ed25519),
            pubkey_x25519: Some(x25519),
            pubkey_ed25519: ed25519,
            port: Some(https_port.to_string()),
            port_https: Some(https_port),
            port_omq: Some(omq_port),
            port_quic: Some(omq_port),
            ip: ip.to_string(),
        }
    }
}

/// Skips members that cannot be read, so that one of them does not hide the others.
fn read_members<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<SwarmMember>, D::Error> {
    let raw = Vec::<Box<serde_json::value::RawValue>>::deserialize(deserializer)?;
    Ok(raw.iter().filter_map(|raw| json::read(raw.get()).ok()).collect())
}

/// Nodes send a text; some send a number.
fn read_port_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Port {
        Text(String),
        Number(u64),
    }
    Ok(Option::<Port>::deserialize(deserializer)?.map(|port| match port {
        Port::Text(text) => text,
        Port::Number(number) => number.to_string(),
    }))
}
