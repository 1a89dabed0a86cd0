//! What both devices have once the commitment is open: the key of the grant, the digits, and the grant itself
//! (`docs/account-transfer.md`, Keys and Grant).

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::PERSONAL;
use super::code::Code;
use super::message::{GRANT, MESSAGE_SIZE, MessageError, contents_of, ends, padded, sized, take};
use crate::account::Seed;
use crate::hash::{blake2b_keyed, blake2b_personal};
use crate::keys::{SharedSecret, X25519PublicKey};
use crate::message::name::{MAX_NAME, received_name};

/// Bytes of a key.
const KEY: usize = 32;
/// Bytes of a nonce.
const NONCE: usize = 24;
/// Bytes of an authentication tag.
const TAG: usize = 16;
/// Bytes of a grant's content.
const CONTENT: usize = MESSAGE_SIZE - NONCE - TAG;
/// How many digits there are.
const COUNT: u32 = 6;

/// The digits that are shown on the new device and typed on the old one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digits(u32);

impl Digits {
    /// Whether these are what was typed, compared in constant time; `None` when that is not six digits. What is none of `0`
    /// to `9` is left out.
    pub fn compare(&self, typed: &str) -> Option<bool> {
        let (mut count, mut number) = (0_u32, 0_u32);
        for digit in typed.chars().filter_map(|letter| letter.to_digit(10)) {
            if count == COUNT {
                return None;
            }
            count += 1;
            number = number * 10 + digit;
        }
        (count == COUNT).then(|| number.ct_eq(&self.0).into())
    }
}

impl core::fmt::Display for Digits {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:06}", self.0)
    }
}

impl core::fmt::Debug for Digits {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Digits(..)")
    }
}

/// The account that is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its seed.
    pub seed: Seed,
    /// Its display name, to show whose account it is; empty when none is known. At most 100 bytes of it travel.
    pub name: String,
}

/// What both devices have in common. Its key is wiped on drop; nothing of it is printed.
pub struct Agreement {
    grant: Zeroizing<[u8; KEY]>,
    digits: Digits,
}

impl Agreement {
    /// Everything that was said has a part in it.
    pub(super) fn new(
        shared: &SharedSecret,
        code: &Code,
        answer: &X25519PublicKey,
        opening: &[u8; KEY],
    ) -> Self {
        let parts: [&[u8]; 5] = [
            shared.as_bytes(),
            &code.to_bytes(),
            code.meeting().as_bytes(),
            answer.as_bytes(),
            opening,
        ];
        let master = Zeroizing::new(blake2b_personal::<KEY>(PERSONAL, &parts));
        let digits = blake2b_keyed::<8, KEY>(&master, &[b"digits"]);
        // Of 2⁶⁴ numbers some digits get one more than others: nobody could ever tell.
        let digits = u64::from_le_bytes(digits) % 10_u64.pow(COUNT);
        Self {
            grant: Zeroizing::new(blake2b_keyed::<KEY, KEY>(&master, &[b"grant"])),
            digits: Digits(u32::try_from(digits).unwrap_or_default()),
        }
    }

    /// The digits.
    pub fn digits(&self) -> Digits {
        self.digits
    }

    /// The message with the account.
    ///
    /// # Errors
    /// None that can occur.
    pub fn seal(&self, grant: &Grant, rng: &mut impl CryptoRng) -> Result<Vec<u8>, MessageError> {
        let name = received_name(&grant.name).unwrap_or_default();
        let length = u8::try_from(name.len()).map_err(|_| MessageError::Content)?;
        let parts: [&[u8]; 4] = [&[GRANT], grant.seed.as_bytes(), &[length], name.as_bytes()];
        let mut contents = padded::<CONTENT>(&parts);
        let mut nonce = [0; NONCE];
        rng.fill_bytes(&mut nonce);
        let tag = self
            .cipher()
            .encrypt_inout_detached(&nonce.into(), &[], contents.as_mut_slice().into())
            .map_err(|_| MessageError::Size)?;
        Ok([nonce.as_slice(), contents.as_slice(), tag.as_slice()].concat())
    }

    /// Opens the message with the account.
    ///
    /// # Errors
    /// [`MessageError::Size`], [`MessageError::Forged`], [`MessageError::Content`].
    pub fn open(&self, message: &[u8]) -> Result<Grant, MessageError> {
        let (nonce, rest) = take::<NONCE>(sized(message)?)?;
        let (sealed, tag) = rest.split_last_chunk::<TAG>().ok_or(MessageError::Size)?;
        let mut contents = Zeroizing::new(sealed.to_vec());
        self.cipher()
            .decrypt_inout_detached(
                &(*nonce).into(),
                &[],
                contents.as_mut_slice().into(),
                &Tag::from(*tag),
            )
            .map_err(|_| MessageError::Forged)?;
        let (seed, rest) = take(contents_of(GRANT, &contents)?)?;
        let (length, rest) = rest.split_first().ok_or(MessageError::Content)?;
        let length = usize::from(*length);
        let (name, padding) = rest
            .split_at_checked(length)
            .filter(|_| length <= MAX_NAME)
            .ok_or(MessageError::Content)?;
        ends(padding)?;
        let name = core::str::from_utf8(name).map_err(|_| MessageError::Content)?;
        Ok(Grant {
            seed: Seed::from_bytes(seed),
            name: received_name(name).unwrap_or_default(),
        })
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        let key: &[u8; KEY] = &self.grant;
        XChaCha20Poly1305::new(key.into())
    }
}

impl core::fmt::Debug for Agreement {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Agreement(..)")
    }
}
