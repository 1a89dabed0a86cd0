//! The secrets that open files. All are wiped on drop, compare in constant time and print nothing of themselves; stored
//! forms are byte strings, hex where a format is read by people.

use crate::keys::{KeyError, byte_string, deserialize_bytes, serialize_bytes};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Declares a secret of a fixed size.
macro_rules! secret_bytes {
    ($(#[$meta:meta])* $name:ident, $len:expr, $expecting:literal) => {
        $(#[$meta])*
        #[derive(Clone, Zeroize, ZeroizeOnDrop)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Size in bytes.
            pub const SIZE: usize = $len;

            /// Takes the bytes as they are.
            pub const fn from_bytes(bytes: &[u8; $len]) -> Self {
                Self(*bytes)
            }

            /// Takes a slice.
            ///
            /// # Errors
            /// [`KeyError::Length`] unless it has exactly [`Self::SIZE`] bytes.
            pub fn from_slice(bytes: &[u8]) -> Result<Self, KeyError> {
                <[u8; $len]>::try_from(bytes)
                    .map(Self)
                    .map_err(|_| KeyError::Length { expected: $len, actual: bytes.len() })
            }

            /// A new random one.
            pub fn generate(rng: &mut impl CryptoRng) -> Self {
                let mut key = Self([0; $len]);
                rng.fill_bytes(&mut key.0);
                key
            }

            /// The secret bytes.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.0.ct_eq(&other.0).into()
            }
        }

        impl Eq for $name {}

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serialize_bytes(&self.0, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserialize_bytes(deserializer, $expecting).map(Self)
            }
        }
    };
}

secret_bytes!(
    /// The key of an attachment in the legacy form: 32 bytes for AES-256, then 32 for HMAC-SHA256 (spec/07 §5.2).
    AttachmentKey,
    64,
    "an attachment key"
);

secret_bytes!(
    /// The key of a file in the stream form (spec/07 §6.1).
    StreamKey,
    32,
    "a stream key"
);

secret_bytes!(
    /// The key of a profile picture, in either form (spec/07 §8.1).
    ProfileKey,
    32,
    "a profile key"
);

byte_string!(
    /// SHA-256 of an encrypted file in the legacy form (spec/07 §5.2).
    BodyDigest,
    32,
    "a digest of a file"
);

impl BodyDigest {
    /// The digest of a whole encrypted file.
    pub fn of(body: &[u8]) -> Self {
        Self::from(<[u8; 32]>::from(Sha256::digest(body)))
    }
}

impl AttachmentKey {
    /// The halves: AES key and MAC key.
    pub(super) fn halves(&self) -> (&[u8; 32], &[u8; 32]) {
        const EMPTY: &[u8; 32] = &[0; 32];
        let (aes, mac) = self.0.split_first_chunk::<32>().unwrap_or((EMPTY, EMPTY));
        // 64 bytes are two chunks of 32; the alternative is never taken.
        (aes, mac.first_chunk().unwrap_or(EMPTY))
    }
}

impl From<ProfileKey> for StreamKey {
    fn from(key: ProfileKey) -> Self {
        Self(key.0)
    }
}

impl From<StreamKey> for ProfileKey {
    fn from(key: StreamKey) -> Self {
        Self(key.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_print_and_keep_their_size() {
        let key = ProfileKey::from_bytes(&[0xab; 32]);
        assert_eq!(format!("{key:?}"), "ProfileKey(..)");
        assert_eq!(ProfileKey::from_slice(&[0xab; 32]), Ok(key));
        let wrong = AttachmentKey::from_slice(&[0; 32]);
        assert_eq!(
            wrong,
            Err(KeyError::Length {
                expected: 64,
                actual: 32
            })
        );
    }

    #[test]
    fn halves_are_in_order() {
        let mut bytes = [1; 64];
        bytes[32..].fill(2);
        assert_eq!(AttachmentKey::from_bytes(&bytes).halves(), (&[1; 32], &[2; 32]));
    }

    #[test]
    fn stored_keys_read_back() {
        let key = AttachmentKey::from_bytes(&core::array::from_fn(|at| u8::try_from(at).unwrap()));
        let json = serde_json::to_vec(&key).unwrap();
        assert_eq!(serde_json::from_slice::<AttachmentKey>(&json).unwrap(), key);
    }
}
