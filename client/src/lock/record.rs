//! The record of a lock, as it is kept on the device:
//!
//! ```text
//! record      version (1) = 1, then slots
//! slot        kind (1) ‖ length of the body (2, little-endian) ‖ body
//! kind 1      passphrase: memory in KiB (4, little-endian) ‖ passes (4, little-endian) ‖ salt (16) ‖ nonce (24) ‖ sealed (48)
//! kind 2      passkey: salt (32) ‖ credential id ‖ nonce (24) ‖ sealed (48)
//! ```
//!
//! `sealed` is the vault key under XChaCha20-Poly1305; what precedes the nonce, with version and kind, is authenticated with
//! it. There is one passphrase and up to [`MAX_PASSKEYS`] passkeys. Slots of other kinds are kept as they are: another way
//! of locking gets a kind of its own, and what must not be ignored gets a new version.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use holdfast_protocol::hash::{Argon2Cost, Argon2Error, argon2id};
use zeroize::Zeroize;

use super::{Cost, LockError, Passphrase, PrfOutput, WrappingKey};
use crate::ports::Rng;
use crate::seal::VaultKey;

/// The most bytes of a record.
pub const MAX_RECORD: usize = 16 * 1024;
/// The most passkeys of a lock.
pub const MAX_PASSKEYS: usize = 8;

/// The format that this program writes.
const VERSION: u8 = 1;
const PASSPHRASE: u8 = 1;
const PASSKEY: u8 = 2;
/// The most bytes of a credential id (WebAuthn §4).
const MAX_CREDENTIAL: usize = 1023;
const SALT: usize = 16;
const PASSKEY_SALT: usize = 32;
const NONCE: usize = 24;
/// A vault key and its tag.
const SEALED: usize = 32 + 16;

/// A lock: every slot holds the same vault key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockRecord {
    passphrase: PassphraseSlot,
    passkeys: Vec<PasskeySlot>,
    /// Kinds that this program does not know.
    others: Vec<(u8, Vec<u8>)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct PassphraseSlot {
    cost: Cost,
    salt: [u8; SALT],
    wrapped: Wrapped,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct PasskeySlot {
    salt: [u8; PASSKEY_SALT],
    id: Vec<u8>,
    wrapped: Wrapped,
}

/// A sealed vault key.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wrapped {
    nonce: [u8; NONCE],
    sealed: [u8; SEALED],
}

impl LockRecord {
    /// Locks a vault key with a passphrase. Takes as long as the cost says: not for a page's own thread.
    ///
    /// # Errors
    /// [`LockError::Damaged`] for a cost beyond [`Cost::MOST`] or below what Argon2id allows, [`LockError::Memory`].
    pub fn new(
        vault: &VaultKey,
        passphrase: &Passphrase,
        cost: Cost,
        rng: &dyn Rng,
    ) -> Result<Self, LockError> {
        Ok(Self {
            passphrase: PassphraseSlot::new(vault, passphrase, cost, rng)?,
            passkeys: Vec::new(),
            others: Vec::new(),
        })
    }

    /// Puts another passphrase in the place of the one before. Passkeys stay. As slow as [`Self::new`].
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn change_passphrase(
        &mut self,
        vault: &VaultKey,
        passphrase: &Passphrase,
        cost: Cost,
        rng: &dyn Rng,
    ) -> Result<(), LockError> {
        self.passphrase = PassphraseSlot::new(vault, passphrase, cost, rng)?;
        Ok(())
    }

    /// Opens the lock. Takes as long as its record says.
    ///
    /// # Errors
    /// [`LockError::Wrong`] for another passphrase, [`LockError::Damaged`] for a cost below what Argon2id allows,
    /// [`LockError::Memory`].
    pub fn open(&self, passphrase: &Passphrase) -> Result<VaultKey, LockError> {
        let slot = &self.passphrase;
        slot.wrapped
            .open(&slot.key(passphrase)?, PASSPHRASE, &slot.header())
    }

    /// Lets a passkey open the lock too; one with the same id is replaced.
    ///
    /// # Errors
    /// [`LockError::NoRoom`].
    pub fn add_passkey(
        &mut self,
        vault: &VaultKey,
        id: &[u8],
        salt: [u8; PASSKEY_SALT],
        output: &PrfOutput,
        rng: &dyn Rng,
    ) -> Result<(), LockError> {
        let others = self.passkeys.iter().filter(|slot| slot.id != id).count();
        if others >= MAX_PASSKEYS || id.is_empty() || id.len() > MAX_CREDENTIAL {
            return Err(LockError::NoRoom);
        }
        let header = passkey_header(&salt, id);
        let wrapped = Wrapped::new(vault, &output.key(&salt), PASSKEY, &header, rng)?;
        let mut changed = self.clone();
        changed.remove_passkey(id);
        changed.passkeys.push(PasskeySlot {
            salt,
            id: id.to_vec(),
            wrapped,
        });
        // A record that is too long to be read again would lock everybody out.
        if changed.encode().len() > MAX_RECORD {
            return Err(LockError::NoRoom);
        }
        *self = changed;
        Ok(())
    }

    /// Takes a passkey off the lock.
    pub fn remove_passkey(&mut self, id: &[u8]) {
        self.passkeys.retain(|slot| slot.id != id);
    }

    /// Opens the lock with a passkey.
    ///
    /// # Errors
    /// [`LockError::Wrong`] for one that is not of this lock, or whose authenticator computed something else.
    pub fn open_with_passkey(&self, id: &[u8], output: &PrfOutput) -> Result<VaultKey, LockError> {
        let slot = self
            .passkeys
            .iter()
            .find(|slot| slot.id == id)
            .ok_or(LockError::Wrong)?;
        let header = passkey_header(&slot.salt, &slot.id);
        slot.wrapped.open(&output.key(&slot.salt), PASSKEY, &header)
    }

    /// The passkeys' credential ids, each with the salt that its authenticator is asked with.
    pub fn passkeys(&self) -> impl Iterator<Item = (&[u8], &[u8; PASSKEY_SALT])> {
        self.passkeys.iter().map(|slot| (slot.id.as_slice(), &slot.salt))
    }

    /// The bytes to keep.
    pub fn encode(&self) -> Vec<u8> {
        let mut record = vec![VERSION];
        let slot = &self.passphrase;
        put_slot(&mut record, PASSPHRASE, &[&slot.header(), &slot.wrapped.bytes()]);
        for slot in &self.passkeys {
            let header = passkey_header(&slot.salt, &slot.id);
            put_slot(&mut record, PASSKEY, &[&header, &slot.wrapped.bytes()]);
        }
        for (kind, body) in &self.others {
            put_slot(&mut record, *kind, &[body]);
        }
        record
    }

    /// Reads kept bytes.
    ///
    /// # Errors
    /// [`LockError::Damaged`], [`LockError::Newer`].
    pub fn decode(record: &[u8]) -> Result<Self, LockError> {
        let (version, mut rest) = record.split_first().ok_or(LockError::Damaged)?;
        match *version {
            VERSION => {}
            0 => return Err(LockError::Damaged),
            newer => return Err(LockError::Newer(newer)),
        }
        if record.len() > MAX_RECORD {
            return Err(LockError::Damaged);
        }
        let mut passphrase = None;
        let (mut passkeys, mut others) = (Vec::<PasskeySlot>::new(), Vec::new());
        while !rest.is_empty() {
            let (kind, body) = take_slot(&mut rest)?;
            match kind {
                PASSPHRASE if passphrase.is_none() => passphrase = Some(PassphraseSlot::decode(body)?),
                PASSKEY if passkeys.len() < MAX_PASSKEYS => {
                    let slot = PasskeySlot::decode(body)?;
                    if passkeys.iter().any(|other| other.id == slot.id) {
                        return Err(LockError::Damaged);
                    }
                    passkeys.push(slot);
                }
                PASSPHRASE | PASSKEY => return Err(LockError::Damaged),
                other => others.push((other, body.to_vec())),
            }
        }
        Ok(Self {
            passphrase: passphrase.ok_or(LockError::Damaged)?,
            passkeys,
            others,
        })
    }
}

impl PassphraseSlot {
    fn new(vault: &VaultKey, passphrase: &Passphrase, cost: Cost, rng: &dyn Rng) -> Result<Self, LockError> {
        let mut salt = [0; SALT];
        rng.fill(&mut salt);
        let mut slot = Self {
            cost,
            salt,
            wrapped: Wrapped {
                nonce: [0; NONCE],
                sealed: [0; SEALED],
            },
        };
        let key = slot.key(passphrase)?;
        slot.wrapped = Wrapped::new(vault, &key, PASSPHRASE, &slot.header(), rng)?;
        Ok(slot)
    }

    fn decode(body: &[u8]) -> Result<Self, LockError> {
        let (memory, rest) = body.split_first_chunk().ok_or(LockError::Damaged)?;
        let (passes, rest) = rest.split_first_chunk().ok_or(LockError::Damaged)?;
        let (salt, rest) = rest.split_first_chunk().ok_or(LockError::Damaged)?;
        Ok(Self {
            cost: Cost {
                memory_kib: u32::from_le_bytes(*memory),
                passes: u32::from_le_bytes(*passes),
            }
            .checked()?,
            salt: *salt,
            wrapped: Wrapped::decode(rest)?,
        })
    }

    fn header(&self) -> Vec<u8> {
        let mut header = self.cost.memory_kib.to_le_bytes().to_vec();
        header.extend_from_slice(&self.cost.passes.to_le_bytes());
        header.extend_from_slice(&self.salt);
        header
    }

    fn key(&self, passphrase: &Passphrase) -> Result<WrappingKey, LockError> {
        let Cost { memory_kib, passes } = self.cost.checked()?;
        let cost = Argon2Cost {
            memory_kib,
            passes,
            lanes: 1,
        };
        let mut key = WrappingKey([0; 32]);
        match argon2id(&passphrase.0, &self.salt, cost, &mut key.0) {
            Ok(()) => Ok(key),
            Err(Argon2Error::Memory) => Err(LockError::Memory),
            // Less than Argon2id takes at least.
            Err(Argon2Error::Parameters) => Err(LockError::Damaged),
        }
    }
}

impl Cost {
    fn checked(self) -> Result<Self, LockError> {
        let most = Self::MOST;
        if self.memory_kib > most.memory_kib || self.passes > most.passes {
            return Err(LockError::Damaged);
        }
        Ok(self)
    }
}

impl PasskeySlot {
    fn decode(body: &[u8]) -> Result<Self, LockError> {
        let (salt, rest) = body.split_first_chunk().ok_or(LockError::Damaged)?;
        let length = rest
            .len()
            .checked_sub(NONCE + SEALED)
            .filter(|length| (1..=MAX_CREDENTIAL).contains(length))
            .ok_or(LockError::Damaged)?;
        let (id, rest) = rest.split_at_checked(length).ok_or(LockError::Damaged)?;
        Ok(Self {
            salt: *salt,
            id: id.to_vec(),
            wrapped: Wrapped::decode(rest)?,
        })
    }
}

fn passkey_header(salt: &[u8; PASSKEY_SALT], id: &[u8]) -> Vec<u8> {
    let mut header = salt.to_vec();
    header.extend_from_slice(id);
    header
}

impl Wrapped {
    fn new(
        vault: &VaultKey,
        key: &WrappingKey,
        kind: u8,
        header: &[u8],
        rng: &dyn Rng,
    ) -> Result<Self, LockError> {
        let mut nonce = [0; NONCE];
        rng.fill(&mut nonce);
        let aad = associated(kind, header);
        let payload = Payload {
            msg: vault.as_bytes(),
            aad: &aad,
        };
        let sealed = XChaCha20Poly1305::new(&key.0.into())
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| LockError::Damaged)?;
        Ok(Self {
            nonce,
            sealed: sealed.try_into().map_err(|_| LockError::Damaged)?,
        })
    }

    fn open(&self, key: &WrappingKey, kind: u8, header: &[u8]) -> Result<VaultKey, LockError> {
        let aad = associated(kind, header);
        let payload = Payload {
            msg: &self.sealed,
            aad: &aad,
        };
        let mut opened = XChaCha20Poly1305::new(&key.0.into())
            .decrypt(&XNonce::from(self.nonce), payload)
            .map_err(|_| LockError::Wrong)?;
        let vault = opened.first_chunk().map(VaultKey::from_bytes);
        opened.zeroize();
        vault.ok_or(LockError::Damaged)
    }

    fn decode(bytes: &[u8]) -> Result<Self, LockError> {
        let (nonce, sealed) = bytes.split_first_chunk().ok_or(LockError::Damaged)?;
        Ok(Self {
            nonce: *nonce,
            sealed: sealed.try_into().map_err(|_| LockError::Damaged)?,
        })
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.nonce.to_vec();
        bytes.extend_from_slice(&self.sealed);
        bytes
    }
}

/// Binds a sealed key to its slot.
fn associated(kind: u8, header: &[u8]) -> Vec<u8> {
    let mut aad = b"holdfast lock".to_vec();
    aad.extend_from_slice(&[VERSION, kind]);
    aad.extend_from_slice(header);
    aad
}

fn put_slot(record: &mut Vec<u8>, kind: u8, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    record.push(kind);
    // Slots of ours are a kilobyte at most, and those of other kinds were read with a length of two bytes.
    record.extend_from_slice(&u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes());
    for part in parts {
        record.extend_from_slice(part);
    }
}

fn take_slot<'a>(rest: &mut &'a [u8]) -> Result<(u8, &'a [u8]), LockError> {
    let (kind, after) = rest.split_first().ok_or(LockError::Damaged)?;
    let (length, after) = after.split_first_chunk().ok_or(LockError::Damaged)?;
    let (body, after) = after
        .split_at_checked(usize::from(u16::from_le_bytes(*length)))
        .ok_or(LockError::Damaged)?;
    *rest = after;
    Ok((*kind, body))
}

#[cfg(test)]
mod tests;
