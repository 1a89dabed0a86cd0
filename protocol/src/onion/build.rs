//! The client's side: wrapping a request in its layers (spec/03-network.md §4.4).

use super::cipher::{LayerKey, Suite};
use super::frame::{LENGTH_SIZE, length};
use super::reply::{ReplyFormat, ReplyKeys};
use super::{MAX_PACKET_SIZE, MAX_RELAYS, OnionError};
use crate::json::write_string;
use crate::keys::{Ed25519PublicKey, X25519PublicKey, X25519SecretKey};
use rand_core::CryptoRng;

/// Room for the control text and tag of one layer, bytes; more is allocated where it does not suffice.
const LAYER_TAIL: usize = 256;

/// The control that tells a node that the request is for it.
const FINAL_CONTROL: &[u8] = br#"{"headers":""}"#;

/// A node in a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hop {
    /// The key that names it to the hop before.
    pub ed25519: Ed25519PublicKey,
    /// The key that its layer is encrypted to.
    pub x25519: X25519PublicKey,
}

/// How a relay reaches a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

impl Protocol {
    /// As it stands in the control and in front of URLs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port where a URL names none.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// Who answers the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A service node; the body is the JSON of a storage request.
    Node(Hop),
    /// An HTTP server that the last relay contacts; the body is a [`super::v4::V4Request`], encoded.
    Server {
        /// Name or address.
        host: String,
        /// How it is reached.
        protocol: Protocol,
        /// Where; [`Protocol::default_port`] when its URL names none.
        port: u16,
        /// The path, which relays require to be one of the `…/lsrpc` ones; [`super::v4::TARGET`] for v4.
        target: String,
        /// The server's key.
        x25519: X25519PublicKey,
    },
}

/// What the frame around a layer says about it, apart from its key and suite.
enum Route<'a> {
    /// The outermost frame.
    Guard,
    /// The layer is for this node.
    Node(&'a Ed25519PublicKey),
    /// The layer is for a server.
    Server {
        host: &'a str,
        protocol: Protocol,
        port: u16,
        target: &'a str,
    },
}

impl Route<'_> {
    /// Appends the control text, its keys sorted.
    fn write(&self, out: &mut Vec<u8>, key: &X25519PublicKey, suite: Suite) {
        out.push(b'{');
        if let Self::Node(node) = self {
            out.extend_from_slice(format!("\"destination\":\"{node}\",").as_bytes());
        }
        let suite = suite.as_str();
        out.extend_from_slice(format!("\"enc_type\":\"{suite}\",\"ephemeral_key\":\"{key}\"").as_bytes());
        if let Self::Server {
            host,
            protocol,
            port,
            target,
        } = self
        {
            let protocol = protocol.as_str();
            out.extend_from_slice(b",\"host\":");
            write_string(out, host);
            out.extend_from_slice(
                format!(",\"method\":\"POST\",\"port\":{port},\"protocol\":\"{protocol}\",\"target\":")
                    .as_bytes(),
            );
            write_string(out, target);
        }
        out.push(b'}');
    }
}

/// A packet that grows at both ends: every layer puts a length and a nonce in front, and tag and control behind.
struct Onion {
    buffer: Vec<u8>,
    /// Where the innermost part not yet in a layer begins.
    start: usize,
    suite: Suite,
}

impl Onion {
    fn new(body: &[u8], layers: usize, suite: Suite) -> Self {
        // One length more than there are nonces, for the frame inside the innermost layer.
        let start = (layers + 1) * LENGTH_SIZE + layers * suite.nonce_size();
        let mut buffer = Vec::with_capacity(start + body.len() + layers * LAYER_TAIL);
        buffer.resize(start, 0);
        buffer.extend_from_slice(body);
        Self { buffer, start, suite }
    }

    /// `frame(so far, control)`.
    fn frame(&mut self, write_control: impl FnOnce(&mut Vec<u8>)) {
        let length = length(self.buffer.len() - self.start);
        self.start -= LENGTH_SIZE;
        if let Some((_, rest)) = self.buffer.split_at_mut_checked(self.start)
            && let Some(field) = rest.first_chunk_mut::<LENGTH_SIZE>()
        {
            *field = length;
        }
        write_control(&mut self.buffer);
    }

    /// Encrypts what is there for a receiver, with a fresh key.
    fn seal(&mut self, receiver: &X25519PublicKey, rng: &mut impl CryptoRng) -> Result<Layer, OnionError> {
        let ephemeral = X25519SecretKey::generate(rng);
        let key = LayerKey::for_client(&ephemeral, receiver, self.suite)?;
        self.start -= self.suite.nonce_size();
        key.seal_in_place(&mut self.buffer, self.start, rng);
        Ok(Layer {
            key,
            ephemeral: ephemeral.public(),
        })
    }
}

/// A layer that was just sealed.
struct Layer {
    key: LayerKey,
    ephemeral: X25519PublicKey,
}

/// Builds the packet for the guard, which is the first of `hops`, and the keys for the answer.
///
/// A path without hops is allowed: then the packet is for the destination itself.
///
/// # Errors
/// [`OnionError`] when a key is unusable, there are more than 15 hops, or the packet would exceed 10 MiB.
pub fn build(
    hops: &[Hop],
    destination: &Destination,
    body: &[u8],
    suite: Suite,
    rng: &mut impl CryptoRng,
) -> Result<(Vec<u8>, ReplyKeys), OnionError> {
    if u32::try_from(hops.len()).map_or(true, |hops| hops > MAX_RELAYS) {
        return Err(OnionError::TooManyRelays);
    }
    let mut onion = Onion::new(body, hops.len() + 1, suite);
    let (receiver, format, mut route) = match destination {
        Destination::Node(node) => {
            onion.frame(|out| out.extend_from_slice(FINAL_CONTROL));
            (node.x25519, ReplyFormat::Node, Route::Node(&node.ed25519))
        }
        Destination::Server {
            host,
            protocol,
            port,
            target,
            x25519,
        } => {
            let (protocol, port) = (*protocol, *port);
            (
                *x25519,
                ReplyFormat::ServerV4,
                Route::Server {
                    host,
                    protocol,
                    port,
                    target,
                },
            )
        }
    };
    let mut layer = onion.seal(&receiver, rng)?;
    let destination_key = layer.key.clone();
    let mut last_relay = None;
    for hop in hops.iter().rev() {
        onion.frame(|out| route.write(out, &layer.ephemeral, suite));
        layer = onion.seal(&hop.x25519, rng)?;
        last_relay.get_or_insert_with(|| layer.key.clone());
        route = Route::Node(&hop.ed25519);
    }
    // Nobody stands before the guard who would need its name; a server without relays reads its own route.
    if matches!(route, Route::Node(_)) {
        route = Route::Guard;
    }
    onion.frame(|out| route.write(out, &layer.ephemeral, suite));
    let packet = match onion.start {
        0 => onion.buffer,
        unused => onion.buffer.split_off(unused),
    };
    if packet.len() > MAX_PACKET_SIZE {
        return Err(OnionError::TooLarge);
    }
    Ok((packet, ReplyKeys::new(destination_key, last_relay, format)))
}
