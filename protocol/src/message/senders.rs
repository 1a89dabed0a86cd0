//! Senders whose messages were authentic before: decoding a key and proving that it stands for an account id costs more
//! than a third of opening a message, and most messages come from few senders.

use std::collections::BTreeMap;

use super::v1::V1Error;
use crate::keys::{DecodedKey, Ed25519PublicKey, Signature, X25519PublicKey};

/// Senders remembered; the one that was silent longest makes room for another. About 90 kB when full.
const CAPACITY: usize = 256;

/// Remembers what is true of a sender's key whatever they send. It only saves time: every message is verified, and what
/// is refused without it is refused with it. It holds public keys, and says whom its owner hears from.
#[derive(Default)]
pub struct SenderCache {
    known: BTreeMap<Ed25519PublicKey, Sender>,
    /// Counts the messages that were verified.
    now: u64,
}

struct Sender {
    key: DecodedKey,
    x25519: X25519PublicKey,
    /// When the sender was last heard, in verified messages.
    heard: u64,
}

impl SenderCache {
    /// Verifies a sender's signature, and gives the key that stands in the sender's account id.
    pub(super) fn verify(
        &mut self,
        sender: &Ed25519PublicKey,
        signed: &[u8],
        signature: &Signature,
    ) -> Result<X25519PublicKey, V1Error> {
        if let Some(known) = self.known.get_mut(sender) {
            known
                .key
                .verify(signed, signature)
                .map_err(|_| V1Error::Signature)?;
            self.now += 1;
            known.heard = self.now;
            return Ok(known.x25519);
        }
        let key = DecodedKey::new(sender).map_err(|_| V1Error::Signature)?;
        key.verify(signed, signature).map_err(|_| V1Error::Signature)?;
        let x25519 = key.to_x25519().map_err(|_| V1Error::SenderKey)?;
        // Only who signed correctly gets here, so that a stranger's rubbish drives nobody out.
        if self.known.len() >= CAPACITY {
            let silent = self.known.iter().min_by_key(|(_, known)| known.heard);
            if let Some(silent) = silent.map(|(key, _)| *key) {
                self.known.remove(&silent);
            }
        }
        self.now += 1;
        let heard = self.now;
        self.known.insert(*sender, Sender { key, x25519, heard });
        Ok(x25519)
    }
}

impl core::fmt::Debug for SenderCache {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "SenderCache({} senders)", self.known.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Ed25519KeyPair;

    fn pair(number: u16) -> Ed25519KeyPair {
        let mut seed = [1; 32];
        seed[..2].copy_from_slice(&number.to_le_bytes());
        Ed25519KeyPair::from_seed(&seed)
    }

    fn hear(cache: &mut SenderCache, pair: &Ed25519KeyPair) {
        let verdict = cache.verify(&pair.public(), b"hello", &pair.sign(b"hello"));
        assert_eq!(verdict, Ok(pair.x25519().public()));
    }

    #[test]
    fn a_known_sender_is_verified_like_a_new_one() {
        let (one, other) = (pair(1), pair(2));
        let mut cache = SenderCache::default();
        for _ in 0..3 {
            hear(&mut cache, &one);
            for forged in [one.sign(b"hullo"), other.sign(b"hello")] {
                assert_eq!(
                    cache.verify(&one.public(), b"hello", &forged),
                    Err(V1Error::Signature)
                );
            }
        }
        assert_eq!(cache.known.len(), 1);
    }

    #[test]
    fn who_was_refused_is_not_remembered() {
        let mut cache = SenderCache::default();
        assert!(
            cache
                .verify(&pair(1).public(), b"x", &pair(2).sign(b"x"))
                .is_err()
        );
        assert!(cache.known.is_empty());
    }

    #[test]
    fn the_longest_silent_sender_makes_room() {
        let mut cache = SenderCache::default();
        let first = pair(0);
        hear(&mut cache, &first);
        for number in 1..=CAPACITY as u16 {
            hear(&mut cache, &pair(number));
            hear(&mut cache, &first);
        }
        assert_eq!(cache.known.len(), CAPACITY);
        assert!(cache.known.contains_key(&first.public()));
        assert!(!cache.known.contains_key(&pair(1).public()));
        assert!(cache.known.contains_key(&pair(CAPACITY as u16).public()));
    }
}
