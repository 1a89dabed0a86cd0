//! The member channel: every exchange between two nodes is sealed with a key that only these two can derive.
//!
//! The key is `BLAKE2b-256(key = X25519(mine, theirs), "HoldfastPeerChannel" ‖ lower ‖ higher)` over the nodes' Ed25519
//! keys. A request is `sender(32) ‖ nonce(24) ‖ XChaCha20-Poly1305(time(8) ‖ call(1) ‖ body)` and its reply
//! `nonce(24) ‖ XChaCha20-Poly1305(body)`; the associated data names direction, sender and recipient, and for a reply
//! the request's nonce, so nothing can be reflected, redirected or answered with another's answer. A nonce is
//! `start of the sender(8) ‖ counter(8) ‖ random(8)`; receivers keep a window of seen counters, so nothing is accepted
//! twice.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305};
use holdfast_protocol::keys::{Ed25519KeyPair, Ed25519PublicKey, X25519SecretKey};

use super::Call;
use super::wire::{Reader, Writer};

/// How far two nodes' clocks may differ, in ms. Signed client requests allow 60 s, and two hops may each be off.
const CLOCK_TOLERANCE_MS: u64 = 120_000;
/// Counters behind the newest that are still told apart; far more than requests are ever under way at once.
const WINDOW: u64 = 16_384;
/// Bytes of a nonce.
const NONCE: usize = 24;

/// Why a sealed message was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    /// Shorter than its fixed parts, or an unknown call.
    #[error("malformed")]
    Malformed,
    /// The sender is not in the node list.
    #[error("unknown sender")]
    UnknownSender,
    /// It was not sealed by this sender for us, or was altered.
    #[error("not authentic")]
    NotAuthentic,
    /// Too old, too far ahead, or seen before.
    #[error("stale or repeated")]
    Replayed,
}

/// One node's end of its channels to all others.
pub struct Channel {
    public: Ed25519PublicKey,
    secret: X25519SecretKey,
    start: u64,
    counter: AtomicU64,
    ciphers: Mutex<HashMap<Ed25519PublicKey, Arc<XChaCha20Poly1305>>>,
    windows: Mutex<HashMap<Ed25519PublicKey, Window>>,
}

/// An opened request.
#[derive(Debug)]
pub struct Opened {
    /// Who sent it.
    pub sender: Ed25519PublicKey,
    /// What it asks for.
    pub call: Call,
    /// Its contents.
    pub body: Bytes,
    nonce: [u8; NONCE],
}

/// A sealed request with what is needed to open its reply.
#[derive(Debug)]
pub struct Sealed {
    /// What goes over the wire.
    pub message: Bytes,
    to: Ed25519PublicKey,
    nonce: [u8; NONCE],
}

impl Channel {
    /// The end that belongs to a node's key pair, started at `now` (ms).
    pub fn new(keys: &Ed25519KeyPair, now: u64) -> Self {
        Self {
            public: keys.public(),
            secret: keys.x25519(),
            start: now,
            counter: AtomicU64::new(0),
            ciphers: Mutex::new(HashMap::new()),
            windows: Mutex::new(HashMap::new()),
        }
    }

    fn cipher(&self, peer: &Ed25519PublicKey) -> Result<Arc<XChaCha20Poly1305>, ChannelError> {
        let mut ciphers = self.ciphers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cipher) = ciphers.get(peer) {
            return Ok(Arc::clone(cipher));
        }
        let theirs = peer.to_x25519().map_err(|_| ChannelError::UnknownSender)?;
        let shared = self
            .secret
            .diffie_hellman(&theirs)
            .map_err(|_| ChannelError::UnknownSender)?;
        let (lower, higher) = if self.public < *peer {
            (&self.public, peer)
        } else {
            (peer, &self.public)
        };
        let key = blake2b_simd::Params::new()
            .hash_length(32)
            .key(shared.as_bytes())
            .to_state()
            .update(b"HoldfastPeerChannel")
            .update(lower.as_bytes())
            .update(higher.as_bytes())
            .finalize();
        let cipher = Arc::new(
            XChaCha20Poly1305::new_from_slice(key.as_bytes()).map_err(|_| ChannelError::UnknownSender)?,
        );
        ciphers.insert(*peer, Arc::clone(&cipher));
        Ok(cipher)
    }

    fn next_nonce(&self) -> Result<[u8; NONCE], ChannelError> {
        let mut nonce = [0_u8; NONCE];
        let (start, rest) = nonce.split_at_mut(8);
        let (counter, random) = rest.split_at_mut(8);
        start.copy_from_slice(&self.start.to_be_bytes());
        counter.copy_from_slice(&self.counter.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        getrandom::fill(random).map_err(|_| ChannelError::NotAuthentic)?;
        Ok(nonce)
    }

    /// Seals a request for a node.
    pub fn seal(
        &self,
        to: &Ed25519PublicKey,
        call: Call,
        body: &[u8],
        now: u64,
    ) -> Result<Sealed, ChannelError> {
        let nonce = self.next_nonce()?;
        let mut plain = Vec::with_capacity(9 + body.len());
        plain.extend_from_slice(&now.to_be_bytes());
        plain.push(call.byte());
        plain.extend_from_slice(body);
        let aad = request_data(&self.public, to);
        let sealed = encrypt(&*self.cipher(to)?, &nonce, &plain, &aad)?;
        let mut message = Writer::new();
        message.raw(self.public.as_bytes()).raw(&nonce).raw(&sealed);
        Ok(Sealed {
            message: message.finish(),
            to: *to,
            nonce,
        })
    }

    /// Opens a request. `known` says whether a key is in the node list; others cost no cryptography.
    pub fn open(
        &self,
        message: Bytes,
        now: u64,
        known: impl FnOnce(&Ed25519PublicKey) -> bool,
    ) -> Result<Opened, ChannelError> {
        let mut reader = Reader::new(message);
        let sender = Ed25519PublicKey::from(reader.array::<32>().map_err(|_| ChannelError::Malformed)?);
        let nonce = reader.array::<NONCE>().map_err(|_| ChannelError::Malformed)?;
        if !known(&sender) {
            return Err(ChannelError::UnknownSender);
        }
        let aad = request_data(&sender, &self.public);
        let plain = decrypt(&*self.cipher(&sender)?, &nonce, &reader.rest(), &aad)?;
        let mut plain = Reader::new(Bytes::from(plain));
        let time = plain.u64().map_err(|_| ChannelError::Malformed)?;
        let call = plain
            .u8()
            .ok()
            .and_then(Call::from_byte)
            .ok_or(ChannelError::Malformed)?;
        if time.abs_diff(now) > CLOCK_TOLERANCE_MS || !self.is_new(&sender, &nonce) {
            return Err(ChannelError::Replayed);
        }
        Ok(Opened {
            sender,
            call,
            body: plain.rest(),
            nonce,
        })
    }

    /// Seals the reply to a request.
    pub fn seal_reply(&self, request: &Opened, body: &[u8]) -> Result<Bytes, ChannelError> {
        let nonce = self.next_nonce()?;
        let aad = reply_data(&self.public, &request.sender, &request.nonce);
        let sealed = encrypt(&*self.cipher(&request.sender)?, &nonce, body, &aad)?;
        let mut message = Writer::new();
        message.raw(&nonce).raw(&sealed);
        Ok(message.finish())
    }

    /// Opens the reply to a request.
    pub fn open_reply(&self, request: &Sealed, message: Bytes) -> Result<Bytes, ChannelError> {
        let mut reader = Reader::new(message);
        let nonce = reader.array::<NONCE>().map_err(|_| ChannelError::Malformed)?;
        let aad = reply_data(&request.to, &self.public, &request.nonce);
        decrypt(&*self.cipher(&request.to)?, &nonce, &reader.rest(), &aad).map(Bytes::from)
    }

    fn is_new(&self, sender: &Ed25519PublicKey, nonce: &[u8; NONCE]) -> bool {
        let mut reader = Reader::new(Bytes::copy_from_slice(nonce));
        let (Ok(start), Ok(counter)) = (reader.u64(), reader.u64()) else {
            return false;
        };
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        windows
            .entry(*sender)
            .or_insert_with(|| Window::new(start))
            .admit(start, counter)
    }
}

fn request_data(sender: &Ed25519PublicKey, recipient: &Ed25519PublicKey) -> Vec<u8> {
    [b"request".as_slice(), sender.as_bytes(), recipient.as_bytes()].concat()
}

fn reply_data(sender: &Ed25519PublicKey, recipient: &Ed25519PublicKey, request: &[u8; NONCE]) -> Vec<u8> {
    [
        b"reply".as_slice(),
        sender.as_bytes(),
        recipient.as_bytes(),
        request,
    ]
    .concat()
}

fn encrypt(
    cipher: &XChaCha20Poly1305,
    nonce: &[u8; NONCE],
    msg: &[u8],
    aad: &[u8],
) -> Result<Vec<u8>, ChannelError> {
    cipher
        .encrypt(&(*nonce).into(), Payload { msg, aad })
        .map_err(|_| ChannelError::NotAuthentic)
}

fn decrypt(
    cipher: &XChaCha20Poly1305,
    nonce: &[u8; NONCE],
    msg: &[u8],
    aad: &[u8],
) -> Result<Vec<u8>, ChannelError> {
    cipher
        .decrypt(&(*nonce).into(), Payload { msg, aad })
        .map_err(|_| ChannelError::NotAuthentic)
}

/// The counters of one sender that were seen, since it started.
struct Window {
    start: u64,
    newest: Option<u64>,
    seen: Vec<u64>,
}

impl Window {
    fn new(start: u64) -> Self {
        Self {
            start,
            newest: None,
            seen: vec![0; usize::try_from(WINDOW / 64).unwrap_or(0)],
        }
    }

    /// Notes a counter. False if it was seen before or is too old to tell.
    fn admit(&mut self, start: u64, counter: u64) -> bool {
        if start < self.start {
            return false;
        }
        if start > self.start {
            *self = Self::new(start);
        }
        match self.newest {
            None => self.newest = Some(counter),
            Some(newest) if counter > newest => {
                let clear_from = counter.saturating_sub(WINDOW - 1).max(newest + 1);
                for passed in clear_from..=counter {
                    self.mark(passed, false);
                }
                self.newest = Some(counter);
            }
            Some(newest) if newest - counter >= WINDOW => return false,
            Some(_) => {}
        }
        !self.mark(counter, true)
    }

    /// Sets or clears a counter's bit; returns what it was.
    fn mark(&mut self, counter: u64, value: bool) -> bool {
        let place = counter % WINDOW;
        let Some(word) = usize::try_from(place / 64)
            .ok()
            .and_then(|i| self.seen.get_mut(i))
        else {
            return true;
        };
        let bit = 1_u64 << (place % 64);
        let was = *word & bit != 0;
        if value {
            *word |= bit
        } else {
            *word &= !bit
        }
        was
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000_000;

    fn pair() -> (Channel, Channel) {
        let a = Ed25519KeyPair::from_seed(&[1; 32]);
        let b = Ed25519KeyPair::from_seed(&[2; 32]);
        (Channel::new(&a, NOW), Channel::new(&b, NOW))
    }

    #[test]
    fn a_request_and_its_reply_arrive() {
        let (a, b) = pair();
        let sealed = a.seal(&b.public, Call::Onion, b"question", NOW).unwrap();
        let opened = b
            .open(sealed.message.clone(), NOW, |key| *key == a.public)
            .unwrap();
        assert_eq!(
            (opened.call, opened.body.as_ref()),
            (Call::Onion, b"question".as_slice())
        );
        let reply = b.seal_reply(&opened, b"answer").unwrap();
        assert_eq!(a.open_reply(&sealed, reply).unwrap().as_ref(), b"answer");
    }

    #[test]
    fn repeated_late_altered_and_foreign_requests_are_refused() {
        let (a, b) = pair();
        let open = |message: Bytes, now| b.open(message, now, |_| true).map(|o| o.call);
        let first = a.seal(&b.public, Call::Digests, b"x", NOW).unwrap().message;
        let second = a.seal(&b.public, Call::Digests, b"x", NOW).unwrap().message;
        assert!(open(second.clone(), NOW).is_ok());
        assert!(open(first, NOW).is_ok(), "out of order is fine");
        assert_eq!(open(second, NOW), Err(ChannelError::Replayed));
        let late = a.seal(&b.public, Call::Digests, b"x", NOW).unwrap().message;
        assert_eq!(
            open(late, NOW + CLOCK_TOLERANCE_MS + 1),
            Err(ChannelError::Replayed)
        );
        let mut altered = a
            .seal(&b.public, Call::Digests, b"x", NOW)
            .unwrap()
            .message
            .to_vec();
        *altered.last_mut().unwrap() ^= 1;
        assert_eq!(open(altered.into(), NOW), Err(ChannelError::NotAuthentic));
        let unknown = a.seal(&b.public, Call::Digests, b"x", NOW).unwrap().message;
        assert_eq!(
            b.open(unknown, NOW, |_| false).unwrap_err(),
            ChannelError::UnknownSender
        );
        assert_eq!(
            open(Bytes::from_static(b"short"), NOW),
            Err(ChannelError::Malformed)
        );
    }

    #[test]
    fn a_reply_fits_only_its_request() {
        let (a, b) = pair();
        let one = a.seal(&b.public, Call::Onion, b"1", NOW).unwrap();
        let two = a.seal(&b.public, Call::Onion, b"2", NOW).unwrap();
        let opened = b.open(one.message.clone(), NOW, |_| true).unwrap();
        let reply = b.seal_reply(&opened, b"to one").unwrap();
        assert_eq!(a.open_reply(&two, reply), Err(ChannelError::NotAuthentic));
    }

    #[test]
    fn the_window_forgets_nothing_that_it_still_accepts() {
        let mut window = Window::new(5);
        assert!(window.admit(5, 3));
        assert!(!window.admit(5, 3));
        assert!(window.admit(5, 3 + WINDOW));
        assert!(!window.admit(5, 3), "too old to tell");
        assert!(window.admit(5, 4));
        assert!(!window.admit(5, 3 + WINDOW));
        assert!(!window.admit(4, 100), "an earlier life of the sender");
        assert!(window.admit(6, 3), "a later one starts afresh");
    }
}
