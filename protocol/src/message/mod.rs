//! Messages, protocol version 1: what Session clients write to each other and how it is padded, encrypted, wrapped,
//! checked and told apart (`spec/02-messages-v1.md`).
//!
//! From the inside out: [`schema::Content`] → [padding](pad) → [signed sealed box](v1) → envelope → WebSocket frame.
//! [`outgoing`] puts all layers on, [`incoming`] takes them off and says precisely why it refuses a message;
//! [`kind`] then tells what a message is.
//!
//! ```
//! use holdfast_protocol::account::{Account, Seed};
//! use holdfast_protocol::message::{incoming, outgoing, schema::{Content, DataMessage}};
//! # let mut rng = <rand_chacha::ChaCha20Rng as rand_core::SeedableRng>::from_seed([1; 32]);
//!
//! let alice = Account::from_seed(Seed::generate(&mut rng));
//! let bob = Account::from_seed(Seed::generate(&mut rng));
//! let content = Content {
//!     data_message: Some(DataMessage { body: Some("hello".into()), ..Default::default() }),
//!     ..Default::default()
//! };
//! let stored = outgoing::encode_one_to_one(&alice, &bob.id(), &content, 1_754_971_101_000, &mut rng)?;
//! let received = incoming::decode_one_to_one(&bob, &stored).unwrap();
//! assert_eq!(received.sender, alice.id());
//! assert_eq!(received.sent_at, 1_754_971_101_000);
//! # Ok::<(), outgoing::OutgoingError>(())
//! ```

mod envelope;
pub mod incoming;
pub mod kind;
pub mod name;
pub mod outgoing;
mod padding;
pub mod profile;
mod senders;
mod strict;
pub mod v1;

pub use incoming::{Received, Reject};
pub use padding::{PADDING_BLOCK, pad, padded_size, unpad};
pub use senders::SenderCache;
pub(crate) use strict::decode as decode_strictly;

/// The protobuf types, generated from `protocol/proto/`. Their `Debug` form names the type and nothing of its content.
///
/// Fields that the schema requires are plain values here; receiving code gets them only through
/// [`incoming`], which refuses messages in which one is missing.
pub mod schema {
    #![allow(missing_docs, clippy::all)]
    include!(concat!(env!("OUT_DIR"), "/session.rs"));
}

/// Most code points of a body (spec/02 §6.7).
pub const MAX_BODY: usize = 2_000;
/// Most code points of a body with Pro (spec/02 §6.7).
pub const MAX_BODY_PRO: usize = 10_000;
/// Most attachments of a message (spec/02 §4.2).
pub const MAX_ATTACHMENTS: usize = 32;
/// Most bytes of a stored value, after base64 (spec/02 §6.7).
pub const MAX_STORED: usize = 76_800;
/// How long messages live in a swarm unless something shorter is said, ms (spec/02 §6.6).
pub const TTL_DEFAULT: u64 = 1_209_600_000;
/// How long a typing indicator lives in a swarm, ms (spec/02 §6.6).
pub const TTL_TYPING: u64 = 20_000;
/// How long a call message lives in a swarm, ms (spec/02 §6.6).
pub const TTL_CALL: u64 = 300_000;

/// Code points of a text, the unit in which bodies are limited (spec/02 §6.7).
pub fn body_length(text: &str) -> usize {
    text.chars().count()
}

/// The text cut to a number of code points (spec/02 §5.1: a body that is too long is cut, not refused).
pub fn cut_body(text: &str, limit: usize) -> &str {
    text.char_indices()
        .nth(limit)
        .and_then(|(end, _)| text.get(..end))
        .unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_measured_and_cut_in_code_points() {
        assert_eq!(body_length("aé👍"), 3);
        assert_eq!(cut_body("aé👍", 2), "aé");
        assert_eq!(cut_body("aé👍", 3), "aé👍");
    }
}
