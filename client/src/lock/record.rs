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
use holdfast_protocol::hash::argon2id13;
use zeroize::Zeroize;

use super::{Cost, LockError, Passphrase, PrfOutput, WrappingKey};
use crate::ports::Rng;
use crate::seal::VaultKey;

/// The most bytes of a record that are looked at.
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
    /// [`LockError::Damaged`] for a cost beyond [`Cost::MOST`] or below what Argon2id allows.
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
    /// [`LockError::Wrong`] for another passphrase.
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
        self.remove_passkey(id);
        self.passkeys.push(PasskeySlot {
            salt,
            id: id.to_vec(),
            wrapped,
        });
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
        let cost = self.cost.checked()?;
        let memory = usize::try_from(cost.memory_kib)
            .ok()
            .and_then(|kib| kib.checked_mul(1024))
            .ok_or(LockError::Damaged)?;
        let mut key = WrappingKey([0; 32]);
        argon2id13(&passphrase.0, &self.salt, cost.passes, memory, &mut key.0)
            .map_err(|_| LockError::Damaged)?;
        Ok(key)
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
mod tests {
    use super::*;
    use crate::test_support::CountingRng;
    use proptest::prelude::*;

    /// As cheap as Argon2id gets, for tests of everything but its cost.
    const CHEAP: Cost = Cost {
        memory_kib: 8,
        passes: 1,
    };

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::typed(text.as_bytes().to_vec()).unwrap()
    }

    fn vault() -> VaultKey {
        VaultKey::from_bytes(&[7; 32])
    }

    fn lock() -> LockRecord {
        LockRecord::new(
            &vault(),
            &passphrase("tide and reef"),
            CHEAP,
            &CountingRng::default(),
        )
        .unwrap()
    }

    fn with_passkey() -> LockRecord {
        let mut lock = lock();
        let output = PrfOutput::from_slice(&[5; 32]).unwrap();
        lock.add_passkey(&vault(), b"credential", [9; 32], &output, &CountingRng::default())
            .unwrap();
        lock
    }

    #[test]
    fn only_the_passphrase_opens_it() {
        let lock = LockRecord::decode(&lock().encode()).unwrap();
        let opened = lock.open(&passphrase("tide and reef")).unwrap();
        assert_eq!(opened.as_bytes(), vault().as_bytes());
        for wrong in ["tide and ree", "tide and reef ", "Tide and reef", ""] {
            assert_eq!(lock.open(&passphrase(wrong)).unwrap_err(), LockError::Wrong);
        }
    }

    #[test]
    fn a_changed_passphrase_leaves_passkeys_and_ends_the_old_one() {
        let mut lock = with_passkey();
        let rng = CountingRng::default();
        lock.change_passphrase(&vault(), &passphrase("another one"), CHEAP, &rng)
            .unwrap();
        assert_eq!(
            lock.open(&passphrase("tide and reef")).unwrap_err(),
            LockError::Wrong
        );
        assert!(lock.open(&passphrase("another one")).is_ok());
        let output = PrfOutput::from_slice(&[5; 32]).unwrap();
        assert!(lock.open_with_passkey(b"credential", &output).is_ok());
    }

    #[test]
    fn a_passkey_opens_it_until_it_is_removed() {
        let mut lock = LockRecord::decode(&with_passkey().encode()).unwrap();
        let [right, wrong] = [[5; 32], [6; 32]].map(|output| PrfOutput::from_slice(&output).unwrap());
        let opened = lock.open_with_passkey(b"credential", &right).unwrap();
        assert_eq!(opened.as_bytes(), vault().as_bytes());
        assert_eq!(
            lock.open_with_passkey(b"credential", &wrong).unwrap_err(),
            LockError::Wrong
        );
        assert_eq!(
            lock.open_with_passkey(b"another", &right).unwrap_err(),
            LockError::Wrong
        );
        lock.remove_passkey(b"credential");
        assert_eq!(
            lock.open_with_passkey(b"credential", &right).unwrap_err(),
            LockError::Wrong
        );
        assert_eq!(lock.passkeys().count(), 0);
    }

    #[test]
    fn there_is_room_for_some_passkeys_and_no_more() {
        let mut lock = lock();
        let output = PrfOutput::from_slice(&[5; 32]).unwrap();
        let mut add = |id: &[u8]| lock.add_passkey(&vault(), id, [9; 32], &output, &CountingRng::default());
        for id in 0..MAX_PASSKEYS as u8 {
            assert_eq!(add(&[id + 1; 16]), Ok(()));
        }
        assert_eq!(add(b"one more"), Err(LockError::NoRoom));
        // The same one again takes its own place.
        assert_eq!(add(&[1; 16]), Ok(()));
        assert_eq!(LockRecord::decode(&lock.encode()), Ok(lock));
    }

    #[test]
    fn neither_key_nor_passphrase_stands_in_the_record() {
        let record = with_passkey().encode();
        for secret in [&vault().as_bytes()[..], b"tide and reef", &[5; 32]] {
            assert!(!record.windows(secret.len()).any(|window| window == secret));
        }
    }

    #[test]
    fn what_was_tampered_with_does_not_open() {
        let record = with_passkey().encode();
        let output = PrfOutput::from_slice(&[5; 32]).unwrap();
        // Beyond the version and the first slot's kind and length: every byte matters to one of the two.
        for at in 4..record.len() {
            let mut changed = record.clone();
            changed[at] ^= 1;
            let Ok(lock) = LockRecord::decode(&changed) else {
                continue;
            };
            let both = [
                lock.open(&passphrase("tide and reef")).is_ok(),
                lock.open_with_passkey(b"credential", &output).is_ok(),
            ];
            assert!(both.contains(&false), "byte {at}");
        }
    }

    #[test]
    fn other_kinds_are_kept_and_newer_versions_are_left_alone() {
        let mut record = lock().encode();
        record.extend_from_slice(&[9, 3, 0, 1, 2, 3]);
        let lock = LockRecord::decode(&record).unwrap();
        assert_eq!(lock.encode(), record);
        record[0] = 2;
        assert_eq!(LockRecord::decode(&record), Err(LockError::Newer(2)));
    }

    #[test]
    fn a_record_that_would_stop_the_page_is_refused() {
        let mut record = lock().encode();
        // Memory in KiB stands behind version, kind and length.
        record[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(LockRecord::decode(&record), Err(LockError::Damaged));
        assert_eq!(
            LockRecord::decode(&vec![1; MAX_RECORD + 1]),
            Err(LockError::Damaged)
        );
    }

    fn any_lock() -> impl Strategy<Value = LockRecord> {
        let wrapped = || {
            (any::<[u8; NONCE]>(), any::<[u8; 32]>(), any::<[u8; 16]>()).prop_map(|(nonce, key, tag)| {
                let mut sealed = [0; SEALED];
                sealed[..32].copy_from_slice(&key);
                sealed[32..].copy_from_slice(&tag);
                Wrapped { nonce, sealed }
            })
        };
        let costs = (0..=Cost::MOST.memory_kib, 0..=Cost::MOST.passes);
        let passphrase =
            (costs, any::<[u8; SALT]>(), wrapped()).prop_map(|((memory_kib, passes), salt, wrapped)| {
                PassphraseSlot {
                    cost: Cost { memory_kib, passes },
                    salt,
                    wrapped,
                }
            });
        let passkey = (
            any::<[u8; PASSKEY_SALT]>(),
            prop::collection::vec(any::<u8>(), 1..200),
            wrapped(),
        )
            .prop_map(|(salt, id, wrapped)| PasskeySlot { salt, id, wrapped });
        let other = (3..=u8::MAX, prop::collection::vec(any::<u8>(), 0..100));
        (
            passphrase,
            prop::collection::vec(passkey, 0..=MAX_PASSKEYS),
            prop::collection::vec(other, 0..4),
        )
            .prop_map(|(passphrase, mut passkeys, others)| {
                passkeys.sort_by(|one, other| one.id.cmp(&other.id));
                passkeys.dedup_by(|one, other| one.id == other.id);
                LockRecord {
                    passphrase,
                    passkeys,
                    others,
                }
            })
    }

    proptest! {
        #[test]
        fn reading_undoes_writing(lock in any_lock()) {
            prop_assert_eq!(LockRecord::decode(&lock.encode()), Ok(lock));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(lock) = LockRecord::decode(&bytes) {
                prop_assert_eq!(LockRecord::decode(&lock.encode()), Ok(lock));
            }
        }
    }
}
