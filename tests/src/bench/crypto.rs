//! Version 1 encryption and onion requests on one native thread.

use std::hint::black_box;

use holdfast_protocol::account::{Account, Seed};
use holdfast_protocol::keys::Ed25519KeyPair;
use holdfast_protocol::message::{SenderCache, v1};
use holdfast_protocol::onion::{self, Destination, Hop, Peeled, Suite};
use rand_core::CryptoRng;

use super::{Outcome, print_rate};

/// A padded text message, bytes.
pub const MESSAGE: usize = 480;
/// Senders of the messages that are decrypted, as when an account is restored: many messages of few.
pub const SENDERS: usize = 10;
/// The body of an onion request, bytes: about what a signed retrieve takes.
const REQUEST: usize = 700;
/// Relays before the destination.
const HOPS: usize = 3;

/// Encrypt and decrypt.
pub fn v1(rng: &mut impl CryptoRng) -> Outcome {
    let sender = Account::from_seed(Seed::generate(rng));
    let recipient = Account::from_seed(Seed::generate(rng));
    let content = [7; MESSAGE];
    let key = recipient.x25519().public();
    let message = v1::encrypt(sender.ed25519(), &key, &content, rng)?;
    print_rate("v1_encrypt_native", || {
        black_box(v1::encrypt(sender.ed25519(), &key, &content, rng)?);
        Ok(())
    })?;
    print_rate("v1_decrypt_new_sender_native", || {
        black_box(v1::decrypt(recipient.x25519(), &message)?);
        Ok(())
    })?;
    let mut messages = Vec::with_capacity(SENDERS);
    for _ in 0..SENDERS {
        let sender = Account::from_seed(Seed::generate(rng));
        messages.push(v1::encrypt(sender.ed25519(), &key, &content, rng)?);
    }
    let mut messages = messages.iter().cycle();
    let mut senders = SenderCache::default();
    print_rate("v1_decrypt_native", || {
        let message = messages.next().ok_or("no messages")?;
        black_box(v1::decrypt_cached(recipient.x25519(), &mut senders, message)?);
        Ok(())
    })
}

/// Build a packet for a node behind three relays, and peel one layer.
pub fn onions(rng: &mut impl CryptoRng) -> Outcome {
    let keys: Vec<Ed25519KeyPair> = (0..=HOPS).map(|_| Ed25519KeyPair::generate(rng)).collect();
    let mut hops = Vec::new();
    for pair in &keys {
        hops.push(Hop {
            ed25519: pair.public(),
            x25519: pair.x25519().public(),
        });
    }
    let destination = Destination::Node(hops.pop().ok_or("no hops")?);
    let body = [b'a'; REQUEST];
    let (packet, _) = onion::build(&hops, &destination, &body, Suite::XChaCha20, rng)?;
    print_rate("onion_build", || {
        black_box(onion::build(&hops, &destination, &body, Suite::XChaCha20, rng)?);
        Ok(())
    })?;
    let guard = keys.first().ok_or("no guard")?.x25519();
    if !matches!(onion::peel(&guard, &packet)?, Peeled::RelayToNode { .. }) {
        return Err("the guard's layer names no node".into());
    }
    print_rate("onion_peel", || {
        black_box(onion::peel(&guard, &packet)?);
        Ok(())
    })
}
