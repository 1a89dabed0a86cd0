//! libsodium's `crypto_secretstream_xchacha20poly1305` without additional data and without rekeying, on ChaCha20 and
//! Poly1305 (spec/07-files-and-attachments.md §6.2).

use super::super::{DecryptError, StreamKey};
use super::HEADER_SIZE;
use chacha20::cipher::{KeyIvInit, StreamCipher};
use chacha20::{ChaCha20, R20, hchacha};
use poly1305::Poly1305;
use poly1305::universal_hash::{KeyInit, UniversalHash};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Bytes of the MAC behind each message.
pub(super) const MAC: usize = 16;
/// Bytes by which a message is longer when encrypted: its tag in front, its MAC behind.
pub(super) const OVERHEAD: usize = 1 + MAC;
/// Bytes of a keystream block.
const BLOCK: usize = 64;
/// Bytes of what Poly1305 takes at once.
const MAC_BLOCK: usize = 16;

/// What a message is in its stream. Two more tags of libsodium never occur in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    /// One of many.
    Message = 0x00,
    /// The last one.
    Final = 0x03,
}

/// The state of one direction. It changes with every message, so that none can be left out, repeated or moved.
///
/// The counter would run over after 2^32 messages of 32 KiB; files are far shorter, so that rekeying is never due.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct SecretStream {
    key: [u8; 32],
    counter: u32,
    nonce: [u8; 8],
}

impl SecretStream {
    pub(super) fn new(key: &StreamKey, header: &[u8; HEADER_SIZE]) -> Self {
        let mut input = [0; 16];
        let mut nonce = [0; 8];
        // 16 bytes to derive the key, 8 for the nonce.
        let bytes = input.iter_mut().chain(&mut nonce);
        bytes.zip(header).for_each(|(to, from)| *to = *from);
        Self {
            key: hchacha::<R20>(key.as_bytes().into(), &input.into()).into(),
            counter: 1,
            nonce,
        }
    }

    /// Encrypts in place; returns the byte in front and the MAC behind.
    pub(super) fn seal(&mut self, tag: Tag, message: &mut [u8]) -> (u8, [u8; MAC]) {
        let (mut cipher, mac, mut block) = self.begin();
        let sealed_tag = xor_first(&mut block, tag as u8);
        cipher.apply_keystream(message);
        let mac = authenticate(mac, &block, message);
        self.advance(&mac);
        (sealed_tag, mac)
    }

    /// Checks, then decrypts in place.
    ///
    /// # Errors
    /// [`DecryptError::Forged`], with the message as it was; also for tags that files do not use.
    pub(super) fn open(
        &mut self,
        sealed_tag: u8,
        message: &mut [u8],
        mac: &[u8; MAC],
    ) -> Result<Tag, DecryptError> {
        let (mut cipher, computed, mut block) = self.begin();
        let tag = xor_first(&mut block, sealed_tag);
        if let Some(first) = block.first_mut() {
            *first = sealed_tag;
        }
        let computed = authenticate(computed, &block, message);
        if !bool::from(computed.ct_eq(mac)) {
            return Err(DecryptError::Forged);
        }
        let tag = match tag {
            0x00 => Tag::Message,
            0x03 => Tag::Final,
            _ => return Err(DecryptError::Forged),
        };
        cipher.apply_keystream(message);
        self.advance(mac);
        Ok(tag)
    }

    /// The cipher in front of the message, the MAC with its key, and the keystream block that hides the tag.
    fn begin(&self) -> (ChaCha20, Poly1305, [u8; BLOCK]) {
        let mut nonce = [0; 12];
        let bytes = self.counter.to_le_bytes().into_iter().chain(self.nonce);
        nonce.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        let mut cipher = ChaCha20::new((&self.key).into(), &nonce.into());
        // Block 0 gives the MAC's key, block 1 belongs to the tag, the message begins at block 2.
        let mut stream = Zeroizing::new([0; BLOCK]);
        cipher.apply_keystream(&mut *stream);
        let mut mac_key = Zeroizing::new([0; 32]);
        mac_key
            .iter_mut()
            .zip(stream.iter())
            .for_each(|(to, from)| *to = *from);
        let mut block = [0; BLOCK];
        cipher.apply_keystream(&mut block);
        (cipher, Poly1305::new((&*mac_key).into()), block)
    }

    fn advance(&mut self, mac: &[u8; MAC]) {
        self.nonce
            .iter_mut()
            .zip(mac)
            .for_each(|(nonce, mac)| *nonce ^= mac);
        self.counter = self.counter.wrapping_add(1);
    }
}

/// XORs a byte into the block's first and returns that.
fn xor_first(block: &mut [u8; BLOCK], byte: u8) -> u8 {
    let [first, ..] = block;
    *first ^= byte;
    *first
}

/// Poly1305 over the tag's block, the ciphertext, libsodium's padding and the lengths.
fn authenticate(mut mac: Poly1305, block: &[u8; BLOCK], ciphertext: &[u8]) -> [u8; MAC] {
    mac.update_padded(block);
    let whole = ciphertext.len() / MAC_BLOCK * MAC_BLOCK;
    let (whole, rest) = ciphertext.split_at_checked(whole).unwrap_or_default();
    mac.update_padded(whole);
    // libsodium pads with as many zeros as the message exceeds a block, not as many as it lacks to one. That the end is
    // then not aligned is why it goes through one buffer: rest, zeros, two lengths.
    let mut tail = [0; 2 * MAC_BLOCK + MAC_BLOCK];
    let padded = 2 * rest.len();
    let length = (BLOCK as u64).saturating_add(ciphertext.len() as u64);
    let lengths = 0_u64.to_le_bytes().into_iter().chain(length.to_le_bytes());
    tail.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    tail.iter_mut()
        .skip(padded)
        .zip(lengths)
        .for_each(|(to, from)| *to = from);
    let end = tail.get(..padded + MAC_BLOCK).unwrap_or(&tail);
    mac.compute_unpadded(end).into()
}
