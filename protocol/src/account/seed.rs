//! The account seed: 16 random bytes (`spec/01-accounts-and-crypto.md §1.1, §6.4`).

use super::Id;
use super::phrase::{self, Phrase, PhraseError};
use crate::keys::{SEED_SIZE, X25519SecretKey, decode_hex, deserialize_bytes, serialize_bytes};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Hex digits of a seed.
const HEX_DIGITS: usize = 2 * Seed::SIZE;
/// Hex digits of a seed padded to an Ed25519 seed.
const PADDED_HEX_DIGITS: usize = 2 * SEED_SIZE;

/// Why text typed or scanned to restore an account is no seed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SeedInputError {
    /// It is no hex seed, and as a recovery phrase it is wrong.
    #[error(transparent)]
    Phrase(#[from] PhraseError),
    /// It is an id (66 hex digits): public, and not what restores an account.
    #[error("an account id, not a recovery phrase")]
    Id,
    /// 64 hex digits whose second half is not zero: a 32-byte seed, which no client makes or accepts.
    #[error("a 32-byte seed, which is not an account's")]
    LongSeed,
}

/// The 16 bytes an account is made of. Wiped on drop, compared in constant time, never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Seed([u8; Seed::SIZE]);

impl Seed {
    /// Size in bytes.
    pub const SIZE: usize = 16;

    /// A new account's seed.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut seed = Self([0; Self::SIZE]);
        rng.fill_bytes(&mut seed.0);
        seed
    }

    /// Takes the bytes.
    pub fn from_bytes(bytes: &[u8; Self::SIZE]) -> Self {
        Self(*bytes)
    }

    /// Reads a recovery phrase: 13 words, of which the first three letters count (spec/01 §6.3).
    pub fn from_phrase(text: &str) -> Result<Self, PhraseError> {
        phrase::decode(text)
    }

    /// Reads whatever a person may type or scan to restore an account (spec/01 §6.4): 32 hex digits, 64 hex digits
    /// that end in zeros, or a recovery phrase. An id is told apart.
    pub fn from_input(text: &str) -> Result<Self, SeedInputError> {
        let trimmed = text.trim();
        if !trimmed.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Self::from_phrase(trimmed)?);
        }
        match trimmed.len() {
            HEX_DIGITS => match decode_hex(trimmed) {
                Ok(bytes) => Ok(Self(bytes)),
                Err(_) => Ok(Self::from_phrase(trimmed)?),
            },
            PADDED_HEX_DIGITS => match trimmed.split_at_checked(HEX_DIGITS) {
                Some((seed, padding)) if padding.bytes().all(|digit| digit == b'0') => Self::from_input(seed),
                _ => Err(SeedInputError::LongSeed),
            },
            crate::account::Id::TEXT_SIZE => Err(SeedInputError::Id),
            _ => Ok(Self::from_phrase(trimmed)?),
        }
    }

    /// The id of this seed's account, without its other keys. Slower than [`super::Account::id`], which has a table for
    /// it: a program that only shows the id can leave those 40 kB out.
    pub fn id(&self) -> Id {
        Id::account(X25519SecretKey::public_of_box_seed(&self.padded()))
    }

    /// Whether this is the seed of the account with that id, compared in constant time: a phrase that somebody kept can be
    /// checked without the account's own being read. As slow as [`Self::id`].
    pub fn opens(&self, account: &Id) -> bool {
        self.id().as_bytes().ct_eq(account.as_bytes()).into()
    }

    /// The recovery phrase that writes this seed down.
    pub fn phrase(&self) -> Phrase {
        phrase::encode(self)
    }

    /// 32 lower-case hex digits, as in the recovery QR code; wiped on drop.
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(data_encoding::HEXLOWER.encode(&self.0))
    }

    /// The 16 bytes.
    pub fn as_bytes(&self) -> &[u8; Self::SIZE] {
        &self.0
    }

    /// The Ed25519 seed: these bytes and 16 zero bytes.
    pub fn padded(&self) -> Zeroizing<[u8; SEED_SIZE]> {
        let mut padded = Zeroizing::new([0; SEED_SIZE]);
        padded.iter_mut().zip(self.0).for_each(|(to, from)| *to = from);
        padded
    }
}

impl PartialEq for Seed {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Seed {}

impl core::fmt::Debug for Seed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Seed(..)")
    }
}

impl serde::Serialize for Seed {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_bytes(&self.0, serializer)
    }
}

impl<'de> serde::Deserialize<'de> for Seed {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_bytes(deserializer, "a seed").map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Account;

    const ONE: &str = "0123456789abcdef0123456789abcdef";
    const ZEROS: &str = "00000000000000000000000000000000";

    #[test]
    fn ids_of_the_published_seeds() {
        for (seed, id) in [
            (
                ONE,
                "05d2ad010eeb72d72e561d9de7bd7b6989af77dcabffa03a5111a6c859ae5c3a72",
            ),
            (
                "00112233445566778899aabbccddeeff",
                "05aa654f00fc39fc69fd0db829410ca38177d7732a8d2f0934ab3872ac56d5aa74",
            ),
        ] {
            let seed = Seed::from_input(seed).unwrap();
            assert_eq!(seed.id().to_hex(), id);
            assert_eq!(Account::from_seed(seed).id().to_hex(), id);
        }
    }

    #[test]
    fn every_input_form_is_read_or_told_apart() {
        let seed = Seed::from_input(ONE).unwrap();
        assert_eq!(
            Seed::from_input(&format!(" {}\n", ONE.to_uppercase())),
            Ok(seed.clone())
        );
        assert_eq!(Seed::from_input(&format!("{ONE}{ZEROS}")), Ok(seed.clone()));
        assert_eq!(Seed::from_input(seed.phrase().as_str()), Ok(seed));
        assert_eq!(
            Seed::from_input(&format!("{ONE}{ONE}")),
            Err(SeedInputError::LongSeed)
        );
        assert_eq!(
            Seed::from_input(&format!("05{ONE}{ONE}")),
            Err(SeedInputError::Id)
        );
        assert_eq!(
            Seed::from_input("  "),
            Err(SeedInputError::Phrase(PhraseError::Empty))
        );
        assert_eq!(
            Seed::from_input("abc123"),
            Err(SeedInputError::Phrase(PhraseError::TooShort { count: 1 }))
        );
    }

    #[test]
    fn a_seed_opens_its_own_account_only() {
        let seed = Seed::from_input(ONE).unwrap();
        let other = Seed::from_input("00112233445566778899aabbccddeeff").unwrap();
        assert!(seed.opens(&seed.id()));
        assert!(!seed.opens(&other.id()));
        let group = Id::new(
            crate::account::IdKind::Group,
            seed.id().as_bytes()[1..].try_into().unwrap(),
        );
        assert!(!seed.opens(&group));
    }

    #[test]
    fn a_seed_is_never_printed() {
        assert_eq!(format!("{:?}", Seed::from_input(ONE).unwrap()), "Seed(..)");
        let account = Account::from_seed(Seed::from_input(ONE).unwrap());
        assert!(!format!("{account:?}").contains("01234567"));
    }
}
