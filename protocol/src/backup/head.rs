//! The head of a backup file: what it is, how its passphrase is stretched, and what tells a wrong account or passphrase
//! from damage before anything else is read (`docs/backup-format.md`, Head).

use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{BackupError, Passphrase};
use crate::account::Account;
use crate::hash::{Argon2Cost, Argon2Error, argon2id, blake2b, blake2b_keyed};

/// Bytes of the head.
pub const HEAD_SIZE: usize = 96;
/// How every backup file begins.
const MAGIC: &[u8; 16] = b"Holdfast backup\n";
/// The version of the format that is written, and the latest one that is read.
const VERSION: u8 = 1;
/// Bytes of the salt.
const SALT: usize = 32;
/// Bytes of the values that account and passphrase are checked by.
const CHECK: usize = 16;
/// Bytes of the checksum, which tells damage from anything else.
const CHECKSUM: usize = 8;
/// Bytes of a key.
const KEY: usize = 32;

/// What it takes to stretch a passphrase (Argon2id 1.3, RFC 9106).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u16,
    /// Lanes. They are computed one after the other.
    pub lanes: u8,
}

impl Cost {
    /// For new files: RFC 9106's choice for little memory, with one lane, as a browser's worker has one thread.
    pub const DEFAULT: Self = Self {
        memory_kib: 64 * 1024,
        passes: 3,
        lanes: 1,
    };
    /// The most that is spent on reading a file.
    pub const MAX: Self = Self {
        memory_kib: 256 * 1024,
        passes: 10,
        lanes: 4,
    };

    /// Whether no more is asked for than is given.
    fn is_bearable(&self) -> bool {
        let most = Self::MAX;
        self.memory_kib <= most.memory_kib && self.passes <= most.passes && self.lanes <= most.lanes
    }

    fn stretch(
        &self,
        passphrase: &Passphrase,
        salt: &[u8; SALT],
    ) -> Result<Zeroizing<[u8; KEY]>, BackupError> {
        let cost = Argon2Cost {
            memory_kib: self.memory_kib,
            passes: self.passes.into(),
            lanes: self.lanes.into(),
        };
        let mut key = Zeroizing::new([0; KEY]);
        match argon2id(passphrase.as_bytes(), salt, cost, key.as_mut_slice()) {
            Ok(()) => Ok(key),
            Err(Argon2Error::Memory) => Err(BackupError::Memory),
            // Less than Argon2id takes at least.
            Err(Argon2Error::Parameters) => Err(BackupError::Altered),
        }
    }
}

/// A head in its parts.
struct Head {
    cost: Cost,
    salt: [u8; SALT],
    account: [u8; CHECK],
    passphrase: [u8; CHECK],
}

impl Head {
    /// Everything before the checksum.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.before_checks();
        bytes.extend_from_slice(&self.account);
        bytes.extend_from_slice(&self.passphrase);
        bytes
    }

    /// Everything before the two check values.
    fn before_checks(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD_SIZE);
        bytes.extend_from_slice(MAGIC);
        bytes.push(VERSION);
        bytes.push(self.cost.lanes);
        bytes.extend_from_slice(&self.cost.passes.to_le_bytes());
        bytes.extend_from_slice(&self.cost.memory_kib.to_le_bytes());
        bytes.extend_from_slice(&self.salt);
        bytes
    }

    /// Takes a head apart. What it says of the passphrase is believed only when the account's check fits.
    fn parse(bytes: &[u8]) -> Result<Self, BackupError> {
        let magic = bytes.get(..MAGIC.len()).unwrap_or(bytes);
        if magic.is_empty() || !MAGIC.starts_with(magic) {
            return Err(BackupError::NotABackup);
        }
        let rest = bytes.get(MAGIC.len()..).ok_or(BackupError::Truncated)?;
        let (version, _) = rest.split_first().ok_or(BackupError::Truncated)?;
        if *version > VERSION {
            return Err(BackupError::Newer);
        }
        let whole: &[u8; HEAD_SIZE] = bytes.first_chunk().ok_or(BackupError::Truncated)?;
        let (body, checksum) = whole.split_last_chunk::<CHECKSUM>().ok_or(BackupError::Altered)?;
        if *version != VERSION || blake2b::<CHECKSUM>(&[body]) != *checksum {
            return Err(BackupError::Altered);
        }
        Self::fields(body).ok_or(BackupError::Altered)
    }

    fn fields(body: &[u8]) -> Option<Self> {
        let (_, rest) = body.split_at_checked(MAGIC.len() + 1)?;
        let (lanes, rest) = rest.split_first()?;
        let (passes, rest) = rest.split_first_chunk()?;
        let (memory, rest) = rest.split_first_chunk()?;
        let (salt, rest) = rest.split_first_chunk()?;
        let (account, rest) = rest.split_first_chunk()?;
        let (passphrase, rest) = rest.split_first_chunk()?;
        rest.is_empty().then_some(Self {
            cost: Cost {
                memory_kib: u32::from_le_bytes(*memory),
                passes: u16::from_le_bytes(*passes),
                lanes: *lanes,
            },
            salt: *salt,
            account: *account,
            passphrase: *passphrase,
        })
    }
}

/// A secret of the account for backup files alone.
fn account_secret(account: &Account) -> Zeroizing<[u8; KEY]> {
    Zeroizing::new(blake2b_keyed(
        account.seed().as_bytes(),
        &[b"holdfast backup account"],
    ))
}

/// What only the account can know of a head: another one does not learn whose file it is.
fn account_check(secret: &[u8; KEY], head: &Head) -> [u8; CHECK] {
    blake2b_keyed(secret, &[b"account", &head.before_checks()])
}

/// The key of the chunks, and the value that tells whether the passphrase is right. All of the head has a part in both.
fn keys(
    secret: &[u8; KEY],
    passphrase: &Passphrase,
    head: &Head,
) -> Result<(Zeroizing<[u8; KEY]>, [u8; CHECK]), BackupError> {
    let stretched = head.cost.stretch(passphrase, &head.salt)?;
    let parts: [&[u8]; 4] = [
        b"master",
        stretched.as_slice(),
        &head.before_checks(),
        &head.account,
    ];
    let master = Zeroizing::new(blake2b_keyed::<KEY, KEY>(secret, &parts));
    let key = Zeroizing::new(blake2b_keyed::<KEY, KEY>(&master, &[b"chunks"]));
    Ok((key, blake2b_keyed(&master, &[b"passphrase"])))
}

/// Makes the head of a new file; gives it and the key of its chunks.
pub(super) fn make(
    account: &Account,
    passphrase: &Passphrase,
    cost: Cost,
    rng: &mut impl CryptoRng,
) -> Result<(Vec<u8>, Zeroizing<[u8; KEY]>), BackupError> {
    if !cost.is_bearable() {
        return Err(BackupError::TooCostly);
    }
    let mut head = Head {
        cost,
        salt: [0; SALT],
        account: [0; CHECK],
        passphrase: [0; CHECK],
    };
    rng.fill_bytes(&mut head.salt);
    let secret = account_secret(account);
    head.account = account_check(&secret, &head);
    let (key, check) = keys(&secret, passphrase, &head)?;
    head.passphrase = check;
    let mut bytes = head.bytes();
    let checksum = blake2b::<CHECKSUM>(&[&bytes]);
    bytes.extend_from_slice(&checksum);
    Ok((bytes, key))
}

/// Opens the head of a file: the key of its chunks.
pub(super) fn open(
    account: &Account,
    passphrase: &Passphrase,
    bytes: &[u8],
) -> Result<Zeroizing<[u8; KEY]>, BackupError> {
    let head = Head::parse(bytes)?;
    let secret = account_secret(account);
    if !bool::from(account_check(&secret, &head).ct_eq(&head.account)) {
        return Err(BackupError::WrongAccount);
    }
    if !head.cost.is_bearable() {
        return Err(BackupError::TooCostly);
    }
    let (key, check) = keys(&secret, passphrase, &head)?;
    if !bool::from(check.ct_eq(&head.passphrase)) {
        return Err(BackupError::WrongPassphrase);
    }
    Ok(key)
}
