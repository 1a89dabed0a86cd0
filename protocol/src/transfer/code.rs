//! What the new device shows: where to answer it, what it has committed itself to, and until when
//! (`docs/account-transfer.md`, Code).

use data_encoding::BASE64URL_NOPAD;

use crate::account::{Id, MAX_CODE, transfer_data};
use crate::keys::{Ed25519PublicKey, X25519PublicKey};

/// Bytes of a code.
pub const CODE_SIZE: usize = 1 + Ed25519PublicKey::SIZE + COMMITMENT + EXPIRY;
/// How long a new code is good, milliseconds.
pub const LIFETIME_MS: u64 = 5 * 60 * 1_000;
/// How far two clocks may differ, milliseconds: both follow the network's.
const TOLERANCE_MS: u64 = 60 * 1_000;
/// Bytes of the commitment.
pub(super) const COMMITMENT: usize = 16;
/// Bytes of the expiry.
const EXPIRY: usize = 8;
/// The version that is written, and the latest one that is read.
const VERSION: u8 = 1;

/// Why something is no code that can be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// It is no code, is damaged, or claims to be good for longer than any.
    #[error("not a code for an account")]
    Malformed,
    /// A later version.
    #[error("a code of a later version")]
    Newer,
    /// Its time is up.
    #[error("the code is not good any more")]
    Expired,
}

/// What the new device shows. Whoever sees it can answer, and learns nothing of any account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    key: Ed25519PublicKey,
    meeting: X25519PublicKey,
    commitment: [u8; COMMITMENT],
    /// Unix seconds.
    expiry: u64,
}

impl Code {
    /// A code that is good for [`LIFETIME_MS`] from `now_ms`, or up to a second less.
    pub(super) fn new(
        key: Ed25519PublicKey,
        meeting: X25519PublicKey,
        commitment: [u8; COMMITMENT],
        now_ms: u64,
    ) -> Self {
        Self {
            key,
            meeting,
            commitment,
            expiry: now_ms.saturating_add(LIFETIME_MS) / 1_000,
        }
    }

    /// Reads a code's data, or a link with it. Blanks around it do not matter.
    ///
    /// # Errors
    /// [`CodeError::Malformed`], [`CodeError::Newer`].
    pub fn read(text: &str) -> Result<Self, CodeError> {
        let text = text.trim();
        if text.len() > MAX_CODE {
            return Err(CodeError::Malformed);
        }
        let data = transfer_data(text).unwrap_or(text);
        let bytes = BASE64URL_NOPAD.decode(data.as_bytes());
        Self::from_bytes(&bytes.map_err(|_| CodeError::Malformed)?)
    }

    /// Reads the bytes: [`CODE_SIZE`] of them, or more in later versions.
    ///
    /// # Errors
    /// [`CodeError::Malformed`], [`CodeError::Newer`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodeError> {
        let (version, rest) = bytes.split_first().ok_or(CodeError::Malformed)?;
        if *version > VERSION && bytes.len() >= CODE_SIZE {
            return Err(CodeError::Newer);
        }
        if *version != VERSION {
            return Err(CodeError::Malformed);
        }
        let (key, rest) = rest.split_first_chunk().ok_or(CodeError::Malformed)?;
        let (commitment, rest) = rest.split_first_chunk().ok_or(CodeError::Malformed)?;
        let expiry = <[u8; EXPIRY]>::try_from(rest).map_err(|_| CodeError::Malformed)?;
        let key = Ed25519PublicKey::from_bytes(key);
        Ok(Self {
            key,
            meeting: key.to_x25519().map_err(|_| CodeError::Malformed)?,
            commitment: *commitment,
            expiry: u64::from_be_bytes(expiry),
        })
    }

    /// The bytes.
    pub fn to_bytes(&self) -> [u8; CODE_SIZE] {
        let mut bytes = [0; CODE_SIZE];
        let parts = [VERSION]
            .into_iter()
            .chain(*self.key.as_bytes())
            .chain(self.commitment)
            .chain(self.expiry.to_be_bytes());
        bytes.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        bytes
    }

    /// The bytes in base64url without padding: what stands in a link after `#/t/`.
    pub fn data(&self) -> String {
        BASE64URL_NOPAD.encode(&self.to_bytes())
    }

    /// The key that names the code: of the new device's throw-away account.
    pub fn key(&self) -> &Ed25519PublicKey {
        &self.key
    }

    /// Whose mailbox is the meeting place.
    pub fn mailbox(&self) -> Id {
        Id::account(self.meeting)
    }

    /// When the transfer is over, Unix milliseconds of network time.
    pub fn expires_at(&self) -> u64 {
        self.expiry.saturating_mul(1_000)
    }

    /// Whether it can be answered now; `now_ms` in network time.
    ///
    /// # Errors
    /// [`CodeError::Expired`]; [`CodeError::Malformed`] for one that would be good for longer than any that is made.
    pub fn check(&self, now_ms: u64) -> Result<(), CodeError> {
        let latest = now_ms.saturating_add(LIFETIME_MS).saturating_add(TOLERANCE_MS);
        if self.expires_at() <= now_ms {
            Err(CodeError::Expired)
        } else if self.expires_at() > latest {
            Err(CodeError::Malformed)
        } else {
            Ok(())
        }
    }

    pub(super) fn meeting(&self) -> &X25519PublicKey {
        &self.meeting
    }

    pub(super) fn commitment(&self) -> &[u8; COMMITMENT] {
        &self.commitment
    }
}
