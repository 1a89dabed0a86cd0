//! The macro behind every public fixed-size byte string: keys, signatures, ids.

/// Declares `Copy` newtypes over `[u8; N]` with hex text form, ordering, hashing and serde.
///
/// Text form and human-readable serde formats use lower-case hex; parsing accepts both cases (spec/01 conventions).
/// Compact serde formats use a byte string.
macro_rules! byte_string {
    ($(#[$meta:meta])* $name:ident, $len:expr, $expecting:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Size in bytes.
            pub const SIZE: usize = $len;

            /// Takes the bytes as they are; nothing about them is checked here.
            pub const fn from_bytes(bytes: &[u8; $len]) -> Self {
                Self(*bytes)
            }

            /// Takes a slice, which must have exactly [`Self::SIZE`] bytes.
            pub fn from_slice(bytes: &[u8]) -> Result<Self, $crate::keys::KeyError> {
                <[u8; $len]>::try_from(bytes)
                    .map(Self)
                    .map_err(|_| $crate::keys::KeyError::Length { expected: $len, actual: bytes.len() })
            }

            /// Parses exactly two hex digits a byte, in either case.
            pub fn from_hex(text: &str) -> Result<Self, $crate::keys::KeyError> {
                $crate::keys::decode_hex(text).map(Self)
            }

            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// Lower-case hex.
            pub fn to_hex(&self) -> String {
                data_encoding::HEXLOWER.encode(&self.0)
            }
        }

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }

        impl From<[u8; $len]> for $name {
            fn from(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(&self.to_hex())
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.to_hex())
            }
        }

        impl core::str::FromStr for $name {
            type Err = $crate::keys::KeyError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::from_hex(text)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::keys::serialize_bytes(&self.0, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::keys::deserialize_bytes(deserializer, $expecting).map(Self)
            }
        }
    };
}

pub(crate) use byte_string;
