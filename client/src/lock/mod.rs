//! The lock of a device: the vault key wrapped under a passphrase, and under passkeys beside it.
//!
//! While a lock is set nothing else on the device opens the vault key ([`crate::seal`]). A passphrase becomes a key by
//! Argon2id, a passkey by HKDF-SHA256 over what its authenticator computes for it (WebAuthn's PRF extension). Each key
//! seals the vault key in a slot of the [`LockRecord`], bound to the slot's own parameters. [`Tries`] makes guessing at the
//! keyboard slow; whoever copies the record guesses at the speed of Argon2id.

mod record;
mod tries;

pub use record::{LockRecord, MAX_PASSKEYS, MAX_RECORD};
pub use tries::Tries;

use hmac::{Hmac, KeyInit as _, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The shortest passphrase that can be chosen, in characters.
pub const MIN_PASSPHRASE: usize = 8;
/// The longest passphrase, in bytes.
pub const MAX_PASSPHRASE: usize = 1024;
/// Bytes of what a passkey's authenticator gives (WebAuthn §10.1.4, `prf`).
pub const PRF_SIZE: usize = 32;
/// Bytes that SHA-256 takes at once, which HMAC fills its key up to.
const HMAC_BLOCK: usize = 64;

/// Why a lock does not open, or can't be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// The passphrase or passkey is another one, or the slot was tampered with.
    #[error("it does not open the lock")]
    Wrong,
    /// The bytes are no record, or one that asks for more than any of ours.
    #[error("the lock's record is damaged")]
    Damaged,
    /// A newer version of this program wrote the record.
    #[error("the lock is of format {0}, which is newer than this program")]
    Newer(u8),
    /// A new passphrase has fewer than [`MIN_PASSPHRASE`] characters.
    #[error("the passphrase is too short")]
    TooShort,
    /// It has more than [`MAX_PASSPHRASE`] bytes.
    #[error("the passphrase is too long")]
    TooLong,
    /// There are [`MAX_PASSKEYS`] already, its id is longer than an authenticator's may be, or the record would be larger than
    /// [`MAX_RECORD`].
    #[error("no room for another passkey")]
    NoRoom,
    /// There is not enough memory to make a key of the passphrase.
    #[error("not enough memory for the passphrase")]
    Memory,
}

/// A passphrase. Wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Passphrase(Vec<u8>);

impl Passphrase {
    /// Takes what was typed, to try it.
    ///
    /// # Errors
    /// [`LockError::TooLong`].
    pub fn typed(text: Vec<u8>) -> Result<Self, LockError> {
        let passphrase = Self(text);
        if passphrase.0.len() > MAX_PASSPHRASE {
            return Err(LockError::TooLong);
        }
        Ok(passphrase)
    }

    /// Takes what was typed, to lock with it.
    ///
    /// # Errors
    /// [`LockError::TooShort`], [`LockError::TooLong`].
    pub fn chosen(text: Vec<u8>) -> Result<Self, LockError> {
        let passphrase = Self::typed(text)?;
        if String::from_utf8_lossy(&passphrase.0).chars().count() < MIN_PASSPHRASE {
            return Err(LockError::TooShort);
        }
        Ok(passphrase)
    }
}

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Passphrase(..)")
    }
}

/// What an authenticator computes for a passkey and a salt. Wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct PrfOutput([u8; PRF_SIZE]);

impl PrfOutput {
    /// Takes the bytes as the browser gives them.
    ///
    /// # Errors
    /// [`LockError::Wrong`] for any other length than [`PRF_SIZE`].
    pub fn from_slice(bytes: &[u8]) -> Result<Self, LockError> {
        bytes.try_into().map(Self).map_err(|_| LockError::Wrong)
    }

    /// The key that it stands for, with the passkey's salt.
    fn key<const SALT: usize>(&self, salt: &[u8; SALT]) -> WrappingKey {
        WrappingKey(hkdf_sha256(&self.0, salt, b"holdfast lock by passkey"))
    }
}

impl std::fmt::Debug for PrfOutput {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("PrfOutput(..)")
    }
}

/// What Argon2id costs, with one lane. Written beside each sealed key, so that it can be raised later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
}

impl Cost {
    /// What new locks cost: RFC 9106's second recommendation, with one lane because a browser's worker has one thread.
    pub const NEW: Self = Self {
        memory_kib: 64 * 1024,
        passes: 3,
    };
    /// The most that a record may ask for: more would be made up to stop the page.
    pub const MOST: Self = Self {
        memory_kib: 1024 * 1024,
        passes: 64,
    };
}

/// A key that wraps the vault key.
#[derive(Zeroize, ZeroizeOnDrop)]
struct WrappingKey([u8; 32]);

/// The first 32 bytes of HKDF-SHA256 (RFC 5869).
fn hkdf_sha256<const SALT: usize>(secret: &[u8], salt: &[u8; SALT], info: &[u8]) -> [u8; 32] {
    let extracted = Zeroizing::new(hmac_sha256(salt, &[secret]));
    hmac_sha256(&extracted, &[info, &[1]])
}

fn hmac_sha256<const KEY: usize>(key: &[u8; KEY], parts: &[&[u8]]) -> [u8; 32] {
    const { assert!(KEY <= HMAC_BLOCK) };
    // HMAC fills shorter keys with zeros up to the hash's block, which makes them infallible here.
    let mut block = Zeroizing::new([0; HMAC_BLOCK]);
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hkdf_is_the_standard_one() {
        // RFC 5869, test case 1, the first 32 bytes.
        let salt = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
        let info: Vec<u8> = (0xf0..=0xf9).collect();
        let key = hkdf_sha256(&[0x0b; 22], &salt, &info);
        let known = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf";
        assert_eq!(data_encoding::HEXLOWER.encode(&key), known);
    }

    #[test]
    fn a_chosen_passphrase_is_long_enough_and_a_typed_one_not_too_long() {
        let bytes = |text: &str| text.as_bytes().to_vec();
        assert_eq!(
            Passphrase::chosen(bytes("seven c")).unwrap_err(),
            LockError::TooShort
        );
        // Eight characters, counted as a person does.
        assert!(Passphrase::chosen(bytes("ключ для")).is_ok());
        assert!(Passphrase::typed(bytes("")).is_ok());
        assert_eq!(
            Passphrase::typed(vec![b'x'; MAX_PASSPHRASE + 1]).unwrap_err(),
            LockError::TooLong
        );
    }

    #[test]
    fn secrets_print_redacted() {
        let passphrase = Passphrase::typed(b"correct horse".to_vec()).unwrap();
        assert_eq!(format!("{passphrase:?}"), "Passphrase(..)");
        let output = PrfOutput::from_slice(&[7; 32]).unwrap();
        assert_eq!(format!("{output:?}"), "PrfOutput(..)");
    }
}
