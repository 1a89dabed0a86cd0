//! Identifiers: one prefix byte and a 32-byte key, 66 hex digits in text (`spec/01-accounts-and-crypto.md §2`).

use crate::keys::{Ed25519PublicKey, X25519PublicKey, decode_hex, deserialize_bytes, serialize_bytes};

/// What an id names; decided by its prefix byte alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdKind {
    /// `00`: an Ed25519 key shown to a community server without blinding.
    Unblinded,
    /// `03`: a group, by its Ed25519 key.
    Group,
    /// `05`: an account, by its X25519 key.
    Account,
    /// `07`: the derived Ed25519 key that asks servers for version and network information.
    VersionBlinded,
    /// `15`: a community participant, blinded per server.
    Blinded15,
    /// `25`: a community participant, blinded per server and account.
    Blinded25,
}

impl IdKind {
    /// The prefix byte.
    pub const fn prefix(self) -> u8 {
        match self {
            Self::Unblinded => 0x00,
            Self::Group => 0x03,
            Self::Account => 0x05,
            Self::VersionBlinded => 0x07,
            Self::Blinded15 => 0x15,
            Self::Blinded25 => 0x25,
        }
    }

    /// The kind of a prefix byte, if any id starts with it.
    pub const fn from_prefix(prefix: u8) -> Option<Self> {
        match prefix {
            0x00 => Some(Self::Unblinded),
            0x03 => Some(Self::Group),
            0x05 => Some(Self::Account),
            0x07 => Some(Self::VersionBlinded),
            0x15 => Some(Self::Blinded15),
            0x25 => Some(Self::Blinded25),
            _ => None,
        }
    }
}

/// Why bytes or text are not the id that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// An id has 66 hex digits (33 bytes); this has another length.
    #[error("an id has 66 characters, this has {actual}")]
    Length {
        /// Characters of the text that was given (or twice the bytes).
        actual: usize,
    },
    /// The text has the right length but holds something else than hex digits.
    #[error("an id is written in hexadecimal")]
    NotHex,
    /// The prefix belongs to no kind of id.
    #[error("unknown id prefix {prefix:02x}")]
    UnknownPrefix {
        /// The first byte.
        prefix: u8,
    },
    /// A blinded community id where an account id is needed: it can be reached only inside its community.
    #[error("a blinded id, not an account id")]
    Blinded,
    /// A group id where an account id is needed.
    #[error("a group id, not an account id")]
    Group,
    /// A key that only servers see (`00`, `07`) where an account id is needed.
    #[error("not an account id")]
    NotAccount,
}

/// The id of an account, a group or a community participant: 33 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    kind: IdKind,
    bytes: [u8; Id::SIZE],
}

impl Id {
    /// Size in bytes.
    pub const SIZE: usize = 33;
    /// Size of the text form in hex digits.
    pub const TEXT_SIZE: usize = 2 * Self::SIZE;

    /// An id from its kind and the 32 bytes of its key.
    pub fn new(kind: IdKind, key: &[u8; 32]) -> Self {
        let mut bytes = [0; Self::SIZE];
        let (prefix, body) = bytes.split_at_mut(1);
        prefix.fill(kind.prefix());
        body.copy_from_slice(key);
        Self { kind, bytes }
    }

    /// The account with this X25519 key.
    pub fn account(key: X25519PublicKey) -> Self {
        Self::new(IdKind::Account, key.as_bytes())
    }

    /// The group with this Ed25519 key.
    pub fn group(key: Ed25519PublicKey) -> Self {
        Self::new(IdKind::Group, key.as_bytes())
    }

    /// Takes 33 bytes with a known prefix.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, IdError> {
        let bytes = <[u8; Self::SIZE]>::try_from(bytes).map_err(|_| IdError::Length {
            actual: 2 * bytes.len(),
        })?;
        let [prefix, ..] = bytes;
        let kind = IdKind::from_prefix(prefix).ok_or(IdError::UnknownPrefix { prefix })?;
        Ok(Self { kind, bytes })
    }

    /// Parses exactly 66 hex digits of either case with a known prefix.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        if text.len() != Self::TEXT_SIZE {
            return Err(IdError::Length {
                actual: text.chars().count(),
            });
        }
        let bytes: [u8; Self::SIZE] = decode_hex(text).map_err(|_| IdError::NotHex)?;
        Self::from_slice(&bytes)
    }

    /// Parses the id of an account, the only kind a person may start a conversation with. The other kinds are refused
    /// each with an error of its own.
    pub fn parse_account(text: &str) -> Result<Self, IdError> {
        let id = Self::parse(text)?;
        match id.kind {
            IdKind::Account => Ok(id),
            IdKind::Blinded15 | IdKind::Blinded25 => Err(IdError::Blinded),
            IdKind::Group => Err(IdError::Group),
            IdKind::Unblinded | IdKind::VersionBlinded => Err(IdError::NotAccount),
        }
    }

    /// What this id names.
    pub const fn kind(&self) -> IdKind {
        self.kind
    }

    /// The first byte.
    pub const fn prefix(&self) -> u8 {
        self.kind.prefix()
    }

    /// The 32 bytes after the prefix.
    pub fn key(&self) -> &[u8; 32] {
        let [_, key @ ..] = &self.bytes;
        key
    }

    /// All 33 bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::SIZE] {
        &self.bytes
    }

    /// The X25519 key of an account id; `None` for every other kind, whose keys are Ed25519 keys.
    pub fn x25519(&self) -> Option<X25519PublicKey> {
        (self.kind == IdKind::Account).then(|| X25519PublicKey::from_bytes(self.key()))
    }

    /// The Ed25519 key of every kind of id but an account's.
    pub fn ed25519(&self) -> Option<Ed25519PublicKey> {
        (self.kind != IdKind::Account).then(|| Ed25519PublicKey::from_bytes(self.key()))
    }

    /// Lower-case hex, 66 digits.
    pub fn to_hex(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.bytes)
    }
}

impl AsRef<[u8]> for Id {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl core::fmt::Display for Id {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl core::fmt::Debug for Id {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Id({self})")
    }
}

impl core::str::FromStr for Id {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::parse(text)
    }
}

impl serde::Serialize for Id {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_bytes(&self.bytes, serializer)
    }
}

impl<'de> serde::Deserialize<'de> for Id {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes: [u8; Self::SIZE] = deserialize_bytes(deserializer, "an id")?;
        Self::from_slice(&bytes).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &str = "d2ad010eeb72d72e561d9de7bd7b6989af77dcabffa03a5111a6c859ae5c3a72";

    #[test]
    fn every_prefix_parses_to_its_kind() {
        for (prefix, kind) in [
            ("00", IdKind::Unblinded),
            ("03", IdKind::Group),
            ("05", IdKind::Account),
            ("07", IdKind::VersionBlinded),
            ("15", IdKind::Blinded15),
            ("25", IdKind::Blinded25),
        ] {
            let text = format!("{prefix}{KEY}");
            let id = Id::parse(&text.to_uppercase()).unwrap();
            assert_eq!((id.kind(), id.to_hex()), (kind, text));
            assert_eq!(id.x25519().is_some(), kind == IdKind::Account);
            assert_eq!(id.ed25519().is_some(), kind != IdKind::Account);
        }
    }

    #[test]
    fn errors_are_told_apart() {
        assert_eq!(Id::parse_account("05ab"), Err(IdError::Length { actual: 4 }));
        assert_eq!(
            Id::parse_account(&format!("05{KEY}0")),
            Err(IdError::Length { actual: 67 })
        );
        assert_eq!(Id::parse_account(&format!("0g{KEY}")), Err(IdError::NotHex));
        assert_eq!(
            Id::parse_account(&format!("11{KEY}")),
            Err(IdError::UnknownPrefix { prefix: 0x11 })
        );
        assert_eq!(Id::parse_account(&format!("15{KEY}")), Err(IdError::Blinded));
        assert_eq!(Id::parse_account(&format!("25{KEY}")), Err(IdError::Blinded));
        assert_eq!(Id::parse_account(&format!("03{KEY}")), Err(IdError::Group));
        assert_eq!(Id::parse_account(&format!("00{KEY}")), Err(IdError::NotAccount));
        assert_eq!(Id::parse_account(&format!("07{KEY}")), Err(IdError::NotAccount));
    }

    proptest! {
        #[test]
        fn any_text_parses_or_is_refused(text in "\\PC{0,70}") {
            if let Ok(id) = Id::parse(&text) {
                prop_assert_eq!(id.to_hex(), text.to_lowercase());
            }
        }

        #[test]
        fn json_and_bytes_invert(key: [u8; 32]) {
            let id = Id::new(IdKind::Blinded25, &key);
            let json = serde_json::to_string(&id).unwrap();
            prop_assert_eq!(serde_json::from_str::<Id>(&json).unwrap(), id);
            prop_assert_eq!(Id::from_slice(id.as_bytes()), Ok(id));
        }
    }
}
