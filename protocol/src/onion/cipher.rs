//! One layer: the key that client and hop agree on, and the two suites (spec/03-network.md §4.2).

use super::OnionError;
use crate::keys::{SharedSecret, X25519PublicKey, X25519SecretKey};
use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{AeadInOut, KeyInit};
use chacha20poly1305::XChaCha20Poly1305;
use hmac::{Hmac, Mac};
use rand_core::CryptoRng;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Bytes of the authentication tag, in both suites.
const TAG_SIZE: usize = 16;

/// How a layer is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Suite {
    /// `xchacha20`: XChaCha20-Poly1305 under a BLAKE2b of the shared secret and both keys. What clients should send.
    XChaCha20,
    /// `aes-gcm`: AES-256-GCM under an HMAC of the shared secret. What an absent `enc_type` means.
    AesGcm,
}

impl Suite {
    /// The suite of an `enc_type`; nothing for unknown ones, among them the unauthenticated `aes-cbc`.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "xchacha20" | "xchacha20-poly1305" => Some(Self::XChaCha20),
            "aes-gcm" | "gcm" => Some(Self::AesGcm),
            _ => None,
        }
    }

    /// The `enc_type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::XChaCha20 => "xchacha20",
            Self::AesGcm => "aes-gcm",
        }
    }

    /// Bytes of the nonce in front of the ciphertext.
    pub(super) const fn nonce_size(self) -> usize {
        match self {
            Self::XChaCha20 => 24,
            Self::AesGcm => 12,
        }
    }
}

/// What the client and one hop share: encrypts the request's layer and the reply. The secret is wiped on drop.
#[derive(Clone)]
pub struct LayerKey {
    shared: SharedSecret,
    client: X25519PublicKey,
    receiver: X25519PublicKey,
    suite: Suite,
}

impl LayerKey {
    /// The client's side: its ephemeral secret and the hop's key.
    ///
    /// # Errors
    /// [`OnionError::Key`] for a low-order key.
    pub fn for_client(
        ephemeral: &X25519SecretKey,
        receiver: &X25519PublicKey,
        suite: Suite,
    ) -> Result<Self, OnionError> {
        Ok(Self {
            shared: ephemeral.diffie_hellman(receiver)?,
            client: ephemeral.public(),
            receiver: *receiver,
            suite,
        })
    }

    /// The hop's side: its secret and the client's ephemeral key.
    ///
    /// # Errors
    /// [`OnionError::Key`] for a low-order key.
    pub fn for_receiver(
        secret: &X25519SecretKey,
        client: &X25519PublicKey,
        suite: Suite,
    ) -> Result<Self, OnionError> {
        Ok(Self {
            shared: secret.diffie_hellman(client)?,
            client: *client,
            receiver: secret.public(),
            suite,
        })
    }

    /// The suite of the request's layer, which the reply uses too.
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// Encrypts: `nonce ‖ ciphertext ‖ tag`.
    pub fn seal(&self, plain: &[u8], rng: &mut impl CryptoRng) -> Vec<u8> {
        let nonce = self.suite.nonce_size();
        let mut buffer = Vec::with_capacity(nonce + plain.len() + TAG_SIZE);
        buffer.resize(nonce, 0);
        buffer.extend_from_slice(plain);
        self.seal_in_place(&mut buffer, 0, rng);
        buffer
    }

    /// Encrypts everything behind `start` in place, where the nonce's room comes first; appends the tag.
    pub(super) fn seal_in_place(&self, buffer: &mut Vec<u8>, start: usize, rng: &mut impl CryptoRng) {
        let (_, layer) = buffer.split_at_mut_checked(start).unwrap_or_default();
        if let Some((nonce, _)) = layer.split_at_mut_checked(self.suite.nonce_size()) {
            rng.fill_bytes(nonce);
        }
        self.encrypt(buffer, start);
    }

    /// The same with the nonce in its place. Apart, because what is generic is compiled where it is called, and
    /// there perhaps without optimisation: files are megabytes.
    fn encrypt(&self, buffer: &mut Vec<u8>, start: usize) {
        let (_, layer) = buffer.split_at_mut_checked(start).unwrap_or_default();
        let tag: [u8; TAG_SIZE] = match self.suite {
            Suite::XChaCha20 => {
                let Some((nonce, text)) = layer.split_first_chunk_mut::<24>() else {
                    return;
                };
                let tag = self
                    .xchacha20()
                    .encrypt_inout_detached(&(*nonce).into(), &[], text.into());
                tag.map(Into::into).unwrap_or_default()
            }
            Suite::AesGcm => {
                let Some((nonce, text)) = layer.split_first_chunk_mut::<12>() else {
                    return;
                };
                let tag = self
                    .aes_gcm()
                    .encrypt_inout_detached(&(*nonce).into(), &[], text.into());
                tag.map(Into::into).unwrap_or_default()
            }
        };
        // Both ciphers fail only beyond 64 GiB; a zero tag then makes the layer undecryptable, which is as good as none.
        buffer.extend_from_slice(&tag);
    }

    /// Decrypts what [`LayerKey::seal`] made on the other side.
    ///
    /// # Errors
    /// [`OnionError::Undecryptable`] when the key or suite is another, or a byte was changed.
    pub fn open(&self, sealed: &[u8]) -> Result<Vec<u8>, OnionError> {
        let mut plain = sealed.to_vec();
        self.open_with(self.suite, &mut plain)?;
        Ok(plain)
    }

    /// Decrypts a reply: with the request's suite, and where that fails with aes-gcm, which old servers answer with
    /// whatever was asked.
    ///
    /// # Errors
    /// [`OnionError::Undecryptable`] when neither fits.
    pub fn open_reply(&self, sealed: &[u8]) -> Result<Vec<u8>, OnionError> {
        let mut plain = sealed.to_vec();
        self.open_reply_in_place(&mut plain)?;
        Ok(plain)
    }

    /// The same without a copy, for files are megabytes: what is sealed becomes what is in it. When it can't be opened,
    /// it stays as it is.
    pub(super) fn open_reply_in_place(&self, sealed: &mut Vec<u8>) -> Result<(), OnionError> {
        self.open_with(self.suite, sealed)
            .or_else(|error| match self.suite {
                Suite::XChaCha20 => self.open_with(Suite::AesGcm, sealed),
                Suite::AesGcm => Err(error),
            })
    }

    /// Both ciphers check the tag before they change anything.
    fn open_with(&self, suite: Suite, sealed: &mut Vec<u8>) -> Result<(), OnionError> {
        let (rest, tag) = sealed
            .split_last_chunk_mut::<TAG_SIZE>()
            .ok_or(OnionError::Undecryptable)?;
        let (nonce, text) = rest
            .split_at_mut_checked(suite.nonce_size())
            .ok_or(OnionError::Undecryptable)?;
        let end = nonce.len() + text.len();
        let opened = match suite {
            Suite::XChaCha20 => {
                let nonce = <[u8; 24]>::try_from(&*nonce).map_err(|_| OnionError::Undecryptable)?;
                self.xchacha20()
                    .decrypt_inout_detached(&nonce.into(), &[], text.into(), &(*tag).into())
            }
            Suite::AesGcm => {
                let nonce = <[u8; 12]>::try_from(&*nonce).map_err(|_| OnionError::Undecryptable)?;
                self.aes_gcm()
                    .decrypt_inout_detached(&nonce.into(), &[], text.into(), &(*tag).into())
            }
        };
        opened.map_err(|_| OnionError::Undecryptable)?;
        sealed.truncate(end);
        sealed.drain(..suite.nonce_size());
        Ok(())
    }

    /// `BLAKE2b-256(shared ‖ client key ‖ node key)`, in this order in both directions.
    fn xchacha20(&self) -> XChaCha20Poly1305 {
        let hash = blake2b_simd::Params::new()
            .hash_length(32)
            .to_state()
            .update(self.shared.as_bytes())
            .update(self.client.as_bytes())
            .update(self.receiver.as_bytes())
            .finalize();
        let mut key = Zeroizing::new([0; 32]);
        key.iter_mut()
            .zip(hash.as_bytes())
            .for_each(|(to, from)| *to = *from);
        XChaCha20Poly1305::new((&*key).into())
    }

    /// `HMAC-SHA256(key "LOKI", shared)`.
    fn aes_gcm(&self) -> Aes256Gcm {
        let key = match <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(b"LOKI") {
            Ok(mac) => mac.chain_update(self.shared.as_bytes()).finalize().into_bytes(),
            // An HMAC takes keys of every length.
            Err(_) => Default::default(),
        };
        Aes256Gcm::new(&key)
    }
}

impl core::fmt::Debug for LayerKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("LayerKey")
            .field("client", &self.client)
            .field("receiver", &self.receiver)
            .field("suite", &self.suite)
            .finish_non_exhaustive()
    }
}
