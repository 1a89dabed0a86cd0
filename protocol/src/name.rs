//! Session names: short names that stand for account ids, registered on the chain and looked up by hash
//! (`spec/01-accounts-and-crypto.md §8`).
//!
//! A node that answers a lookup learns the hash only; what it answers is encrypted with a key that comes from the
//! name itself.

use crate::account::{Id, IdError};
use crate::hash::{argon2id13, blake2b, blake2b_keyed};
use crate::sealed_box::{TAG_SIZE, secretbox_ciphers};
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use salsa20::cipher::StreamCipher;
use subtle::ConstantTimeEq;

/// Longest name in bytes.
pub const MAX_NAME: usize = 64;
/// Bytes of the nonce in today's form.
pub const NONCE_SIZE: usize = 24;
/// Argon2id passes of the older form.
const LEGACY_PASSES: u32 = 3;
/// Argon2id memory of the older form in bytes: 256 MiB.
const LEGACY_MEMORY: usize = 268_435_456;
/// Argon2id salt of the older form.
const LEGACY_SALT: [u8; 16] = [0; 16];

/// Why a name cannot be looked up, or an answer not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It is empty, too long, or has other characters than `a`–`z`, `0`–`9`, `_` and inner `-`.
    #[error("not a possible Session name")]
    Name,
    /// It is an id, which needs no lookup.
    #[error("an id, not a name")]
    Id,
    /// The nonce has not 24 bytes.
    #[error("the nonce has {0} bytes")]
    Nonce(usize),
    /// The value was registered for another name, or is damaged.
    #[error("the value does not decrypt with this name")]
    Value,
    /// What was decrypted is not 33 bytes long.
    #[error("the value holds {0} bytes")]
    Size(usize),
    /// What was decrypted names no account.
    #[error("the value is no account id: {0}")]
    NotAnAccount(IdError),
    /// There is not enough memory for the older form.
    #[error("the older form needs 256 MiB of memory")]
    Memory,
}

/// The name as it is looked up: lower case, checked against what can be registered.
pub fn parse(typed: &str) -> Result<String, NameError> {
    let name = typed.trim().to_ascii_lowercase();
    if name.len() == Id::TEXT_SIZE && name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(NameError::Id);
    }
    let inner = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    let fits = (1..=MAX_NAME).contains(&name.len())
        && name.bytes().all(inner)
        && !name.starts_with('-')
        && !name.ends_with('-');
    if fits { Ok(name) } else { Err(NameError::Name) }
}

/// `BLAKE2b-32` of the lower-case name: what nodes are asked for, in base64.
pub fn name_hash(name: &str) -> [u8; 32] {
    blake2b(&[name.to_ascii_lowercase().as_bytes()])
}

/// Reads an answer in today's form; the nonce comes with it.
pub fn decrypt(name: &str, value: &[u8], nonce: &[u8]) -> Result<Id, NameError> {
    let name = name.to_ascii_lowercase();
    let nonce = <[u8; NONCE_SIZE]>::try_from(nonce).map_err(|_| NameError::Nonce(nonce.len()))?;
    let key = value_key(&name);
    let plain = XChaCha20Poly1305::new(&Key::from(key))
        .decrypt(&XNonce::from(nonce), value)
        .map_err(|_| NameError::Value)?;
    account(&plain)
}

/// The key of a value in today's form.
pub fn value_key(name: &str) -> [u8; 32] {
    blake2b_keyed(&name_hash(name), &[name.as_bytes()])
}

/// Encrypts an account id as a registration holds it, for servers that answer lookups from their own table.
pub fn encrypt(name: &str, account: &Id, nonce: &[u8; NONCE_SIZE]) -> Result<Vec<u8>, NameError> {
    let name = name.to_ascii_lowercase();
    XChaCha20Poly1305::new(&Key::from(value_key(&name)))
        .encrypt(&XNonce::from(*nonce), account.as_bytes().as_slice())
        .map_err(|_| NameError::Value)
}

/// Reads an answer that came without a nonce: a record from before hard fork 16. Takes 256 MiB and about a second.
pub fn decrypt_legacy(name: &str, value: &[u8]) -> Result<Id, NameError> {
    let key = legacy_key(&name.to_ascii_lowercase())?;
    let (tag, body) = value.split_first_chunk::<TAG_SIZE>().ok_or(NameError::Value)?;
    let (mut cipher, mac) = secretbox_ciphers(&key.into(), &[0; NONCE_SIZE].into());
    if !bool::from(mac.compute_unpadded(body).as_slice().ct_eq(tag)) {
        return Err(NameError::Value);
    }
    let mut plain = body.to_vec();
    cipher.apply_keystream(&mut plain);
    account(&plain)
}

/// The key of a value in the older form.
pub fn legacy_key(name: &str) -> Result<[u8; 32], NameError> {
    let mut key = [0; 32];
    argon2id13(
        name.as_bytes(),
        &LEGACY_SALT,
        LEGACY_PASSES,
        LEGACY_MEMORY,
        &mut key,
    )
    .map_err(|_| NameError::Memory)?;
    Ok(key)
}

fn account(plain: &[u8]) -> Result<Id, NameError> {
    if plain.len() != Id::SIZE {
        return Err(NameError::Size(plain.len()));
    }
    let id = Id::from_slice(plain).map_err(NameError::NotAnAccount)?;
    Id::parse_account(&id.to_hex()).map_err(NameError::NotAnAccount)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::IdKind;
    use proptest::prelude::*;

    const OWNER: &str = "05d2ad010eeb72d72e561d9de7bd7b6989af77dcabffa03a5111a6c859ae5c3a72";
    const NONCE: &str = "00112233445566778899aabbccddeeff00ffeeddccbbaa99";

    fn hex(text: &str) -> Vec<u8> {
        data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap()
    }

    #[test]
    fn the_published_name_in_both_forms() {
        assert_eq!(
            data_encoding::BASE64.encode(&name_hash("Test")),
            "kosgNmlD4q/RHrwOri5TqTvxd6T881vMZNUDcE5l4gI="
        );
        let value = hex(
            "3575802dd9bfea72672a208840f37ca289ceade5d3ffacabe2d231f109d204329fc33e28c331580d9a8c9b8a64cacfec97",
        );
        assert_eq!(decrypt("test", &value, &hex(NONCE)).unwrap().to_hex(), OWNER);
        let older = hex(
            "dbd4bc89bd2c9e5322fd9f4cadcaa66a0c38f15d0c927a86cc36e895fe1f3c532a3958d972563f52ca858e94eec22dc360",
        );
        assert_eq!(decrypt_legacy("test", &older).unwrap().to_hex(), OWNER);
        assert_eq!(decrypt("tests", &value, &hex(NONCE)), Err(NameError::Value));
    }

    #[test]
    fn what_is_wrong_with_an_answer_is_told_apart() {
        let nonce: [u8; NONCE_SIZE] = hex(NONCE).try_into().unwrap();
        let owner = Id::parse(OWNER).unwrap();
        let value = encrypt("test", &owner, &nonce).unwrap();
        assert_eq!(decrypt("TEST", &value, &nonce), Ok(owner));
        assert_eq!(decrypt("test", &value, &nonce[1..]), Err(NameError::Nonce(23)));
        assert_eq!(decrypt("test", &value[1..], &nonce), Err(NameError::Value));
        assert_eq!(decrypt("test", &[], &nonce), Err(NameError::Value));
        let group = Id::new(IdKind::Group, owner.key());
        let other = encrypt("test", &group, &nonce).unwrap();
        assert_eq!(
            decrypt("test", &other, &nonce),
            Err(NameError::NotAnAccount(IdError::Group))
        );
        let short = XChaCha20Poly1305::new(&Key::from(value_key("test")))
            .encrypt(&XNonce::from(nonce), [5_u8; 32].as_slice())
            .unwrap();
        assert_eq!(decrypt("test", &short, &nonce), Err(NameError::Size(32)));
    }

    #[test]
    fn names_follow_the_rules() {
        for (typed, name) in [
            ("Test", "test"),
            (" a ", "a"),
            ("_x-9", "_x-9"),
            ("xn--caf-dma", "xn--caf-dma"),
        ] {
            assert_eq!(parse(typed).as_deref(), Ok(name));
        }
        for typed in ["", "-a", "a-", "a b", "a.b", "café", &"a".repeat(65)] {
            assert_eq!(parse(typed), Err(NameError::Name));
        }
        assert!(parse(&"a".repeat(64)).is_ok());
        assert_eq!(parse(OWNER), Err(NameError::Id));
    }

    proptest! {
        #[test]
        fn encrypting_and_decrypting_invert(name in "[a-z0-9]{1,64}", key: [u8; 32], nonce: [u8; NONCE_SIZE]) {
            let owner = Id::new(IdKind::Account, &key);
            let value = encrypt(&name, &owner, &nonce).unwrap();
            prop_assert_eq!(decrypt(&name, &value, &nonce), Ok(owner));
        }

        #[test]
        fn any_bytes_are_refused(typed: String, value: Vec<u8>, nonce: Vec<u8>) {
            let _ = parse(&typed);
            prop_assert!(decrypt(&typed, &value, &nonce).is_err());
        }
    }
}
