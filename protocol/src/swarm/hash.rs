//! The storage hash of a message: what names it on every node (spec/03-network.md §3.7).

use super::{Address, Namespace};
use core::fmt;
use core::str::FromStr;
use serde::de::Error as _;

/// Characters of a message hash: 32 bytes as base64 without padding.
pub const MESSAGE_HASH_LEN: usize = 43;

/// The name of a stored message: 43 characters of the standard base64 alphabet.
///
/// Kept as text because every signed string contains the text, and because a hash is compared, never computed with.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageHash([u8; MESSAGE_HASH_LEN]);

/// The text is no message hash: another length than 43, or a character outside the base64 alphabet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a message hash")]
pub struct MessageHashError;

/// The hash of `data` stored for `account` in `namespace`. Timestamp and expiry are no part of it, so the same bytes
/// stored again are the same message.
pub fn message_hash(account: &Address, namespace: Namespace, data: &[u8]) -> MessageHash {
    let mut number = Vec::new();
    namespace.append_to(&mut number);
    let digest = blake2b_simd::Params::new()
        .hash_length(32)
        .to_state()
        .update(account.as_bytes())
        .update(&number)
        .update(data)
        .finalize();
    let mut text = [0; MESSAGE_HASH_LEN];
    data_encoding::BASE64_NOPAD.encode_mut(digest.as_bytes(), &mut text);
    MessageHash(text)
}

impl MessageHash {
    /// Takes the text as bytes.
    pub fn from_text(text: &[u8]) -> Result<Self, MessageHashError> {
        let text = <[u8; MESSAGE_HASH_LEN]>::try_from(text).map_err(|_| MessageHashError)?;
        let standard = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
        if text.iter().all(standard) {
            Ok(Self(text))
        } else {
            Err(MessageHashError)
        }
    }

    /// The 43 characters.
    pub fn as_str(&self) -> &str {
        // Only ASCII gets in, so the fallback is never taken.
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The 43 characters as bytes.
    pub const fn as_bytes(&self) -> &[u8; MESSAGE_HASH_LEN] {
        &self.0
    }
}

impl FromStr for MessageHash {
    type Err = MessageHashError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_text(text.as_bytes())
    }
}

impl fmt::Display for MessageHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for MessageHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageHash({self})")
    }
}

impl serde::Serialize for MessageHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for MessageHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl serde::de::Visitor<'_> for Text {
            type Value = MessageHash;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a message hash of 43 characters")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<MessageHash, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_answers() {
        let account =
            Address::parse("053506f4a71324b7dd114eddbf4e311f39dde243e1f2cb97c40db1961f70ebaae8").unwrap();
        for (namespace, hash) in [
            (0, "Sszh3u0uGYMLtNRPsW1pj/F/jCEDk27s8/3QqswXHiA"),
            (11, "LJpp7m8if72/XdHGipL/U+hvOj2t35akzkqXKJ0C8VY"),
            (-21, "BA9vhXZYroMZDt+XuJIEStDRgqTnUOkYowK4bVKXrAU"),
        ] {
            assert_eq!(
                message_hash(&account, Namespace(namespace), b"hello").as_str(),
                hash
            );
        }
    }

    #[test]
    fn other_lengths_and_alphabets_are_refused() {
        let good = "Sszh3u0uGYMLtNRPsW1pj/F/jCEDk27s8/3QqswXHiA";
        assert!(good.parse::<MessageHash>().is_ok());
        assert!(good[1..].parse::<MessageHash>().is_err());
        assert!(format!("{good}=").parse::<MessageHash>().is_err());
        assert!(good.replace('/', "_").parse::<MessageHash>().is_err());
    }
}
