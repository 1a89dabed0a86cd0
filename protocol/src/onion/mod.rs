//! Onion requests: a request wrapped in one layer of encryption per hop, so that no node sees both who asks and what
//! (spec/03-network.md §4).
//!
//! The client side is [`build`], which gives the packet for the guard and the [`ReplyKeys`] for the answer. A node calls
//! [`peel`] and learns what to do next: answer ([`Peeled::Final`]), or send the rest on. Servers behind the last relay
//! use [`open_server_request`] and the [`v4`] format.
//!
//! ```
//! use holdfast_protocol::keys::Ed25519KeyPair;
//! use holdfast_protocol::onion::{Body, Destination, Hop, Peeled, Suite, build, peel, seal_reply};
//! # let mut rng = rand_chacha::ChaCha20Rng::from_seed([0; 32]);
//! # use rand_core::SeedableRng;
//!
//! let nodes: Vec<_> = (0..4).map(|n| Ed25519KeyPair::from_seed(&[n; 32])).collect();
//! let hop = |n: usize| Hop { ed25519: nodes[n].public(), x25519: nodes[n].x25519().public() };
//! let hops = [hop(0), hop(1), hop(2)];
//! let body = br#"{"method":"info","params":{}}"#;
//! let (mut packet, keys) = build(&hops, &Destination::Node(hop(3)), body, Suite::XChaCha20, &mut rng).unwrap();
//!
//! // The guard and the relays find the next node and a packet for it; the last one finds the request.
//! let mut peeled = peel(&nodes[0].x25519(), &packet).unwrap();
//! for node in &nodes[1..] {
//!     let Peeled::RelayToNode { next, packet } = peeled else { panic!() };
//!     assert_eq!(next, node.public());
//!     peeled = packet.peel(&node.x25519()).unwrap();
//! }
//! let Peeled::Final { body: request, options, reply_key } = peeled else { panic!() };
//! assert_eq!(request, body);
//!
//! let answer = seal_reply(&reply_key, options, 200, Body::Json(b"{\"t\":1}"), &mut rng);
//! let reply = keys.open(answer).unwrap();
//! assert_eq!((reply.status, reply.body.as_slice()), (200, &b"{\"t\":1}"[..]));
//! ```

mod build;
mod cipher;
mod control;
mod frame;
mod peel;
mod reply;
mod server;
#[cfg(test)]
mod tests;
pub mod v4;

pub use build::{Destination, Hop, Protocol, build};
pub use cipher::{LayerKey, Suite};
pub use control::ReplyOptions;
pub use frame::{FrameError, frame, parse_frame};
pub use peel::{PeelError, Peeled, RelayPacket, ServerTarget, peel};
pub use reply::{Body, Reply, ReplyKeys, ReplySender, seal_reply};
pub use server::{ServerRequest, V3Request, open_server_request, seal_v3_reply, seal_v4_reply};

use crate::keys::KeyError;

/// Largest packet that guards and relays take, bytes (spec/03 §4.9).
pub const MAX_PACKET_SIZE: usize = 10 * 1024 * 1024;

/// Largest answer that is decrypted, bytes: a retrieve encoded as base64 twice stays below it.
pub const MAX_ONION_REPLY_SIZE: usize = 20 * 1024 * 1024;

/// Most relays in a path (spec/03 §3.5).
pub const MAX_RELAYS: u32 = 15;

/// Why an onion request cannot be built, or a layer not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OnionError {
    /// A node's key gives no secret: it is of low order.
    #[error("unusable key: {0}")]
    Key(#[from] KeyError),
    /// The packet would be larger than guards take.
    #[error("request too large for an onion packet")]
    TooLarge,
    /// The path has more relays than nodes pass on.
    #[error("more than {MAX_RELAYS} relays")]
    TooManyRelays,
    /// The layer was encrypted with another key or suite, or changed on its way.
    #[error("layer does not decrypt")]
    Undecryptable,
    /// What was decrypted is no reply.
    #[error("malformed reply")]
    MalformedReply,
}
