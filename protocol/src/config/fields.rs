//! How typed values stand in records, and the types that several documents share (spec/04-configs.md §2, §9, §11).

use super::state::Config;
use super::tree::{Dict, Scalar, Set, Tree};
use zeroize::Zeroizing;

/// Most bytes of names, nicknames and group names (spec/04 §9).
pub const MAX_NAME: usize = 100;
/// Most bytes of the address of a profile picture.
pub const MAX_PICTURE_URL: usize = 223;
/// Bytes of the key of a profile picture.
pub const PICTURE_KEY_SIZE: usize = 32;

/// Above this a time meant to be in seconds is in milliseconds, and above the next one in microseconds.
const MILLISECONDS_ABOVE: i64 = 9_000_000_000;
const MICROSECONDS_ABOVE: i64 = 9_000_000_000_000;

/// Why a value was not written; nothing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// A name takes more than [`MAX_NAME`] bytes.
    #[error("name too long")]
    NameTooLong,
    /// A picture's address takes more than [`MAX_PICTURE_URL`] bytes.
    #[error("picture address too long")]
    UrlTooLong,
    /// A picture's key has not 32 bytes.
    #[error("picture key of the wrong size")]
    PictureKey,
    /// The id is of another kind than the record is for.
    #[error("id of the wrong kind")]
    IdKind,
    /// A community came without the key of its server.
    #[error("the server's key is missing")]
    ServerKey,
    /// The secret is not that of the group.
    #[error("not the group's key")]
    GroupKey,
}

/// The address of a profile picture and the key that decrypts it. The key is wiped on drop and not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct ProfilePicture {
    /// Where it is downloaded from.
    pub url: String,
    /// What decrypts it.
    pub key: Zeroizing<[u8; PICTURE_KEY_SIZE]>,
}

impl ProfilePicture {
    /// A picture; none when the address or the key is empty.
    ///
    /// # Errors
    /// When the address is too long to be written or the key has another size.
    pub fn new(url: &str, key: &[u8]) -> Result<Option<Self>, FieldError> {
        if url.is_empty() || key.is_empty() {
            return Ok(None);
        }
        let key = <[u8; PICTURE_KEY_SIZE]>::try_from(key).map_err(|_| FieldError::PictureKey)?;
        if url.len() > MAX_PICTURE_URL {
            return Err(FieldError::UrlTooLong);
        }
        Ok(Some(Self {
            url: url.to_owned(),
            key: Zeroizing::new(key),
        }))
    }
}

impl core::fmt::Debug for ProfilePicture {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("ProfilePicture(..)")
    }
}

/// When a conversation notifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Notifications {
    /// As the app's settings say.
    #[default]
    Default,
    /// Always.
    All,
    /// Never.
    Disabled,
    /// When one is mentioned or replied to; groups only.
    Mentions,
}

impl Notifications {
    /// From the number in a record; other numbers are the default.
    pub(super) fn from_number(number: i64) -> Self {
        match number {
            1 => Self::All,
            2 => Self::Disabled,
            3 => Self::Mentions,
            _ => Self::Default,
        }
    }

    /// The number in a record.
    pub(super) fn number(self) -> i64 {
        match self {
            Self::Default => 0,
            Self::All => 1,
            Self::Disabled => 2,
            Self::Mentions => 3,
        }
    }
}

/// Unix seconds from what may have been written in milli- or microseconds; 0 for what is no time.
pub(super) fn seconds(time: i64) -> u64 {
    let seconds = match time {
        time if time > MICROSECONDS_ABOVE => time / 1_000_000,
        time if time > MILLISECONDS_ABOVE => time / 1_000,
        time => time,
    };
    u64::try_from(seconds).unwrap_or_default()
}

/// The number as it stands in a record; those beyond 63 bits are cut.
pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The text cut to [`MAX_NAME`] bytes at a code point.
pub fn cut_name(name: &str) -> &str {
    let mut end = name.len().min(MAX_NAME);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.get(..end).unwrap_or_default()
}

/// Reads a record. What is missing or of another type reads as nothing.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a Dict);

impl<'a> Fields<'a> {
    /// The record at a path, if there is one.
    pub(super) fn at(config: &'a Config, path: &[&[u8]]) -> Option<Self> {
        Some(Self(config.get(path)?.as_dict()?))
    }

    pub(super) fn int(self, key: &[u8]) -> i64 {
        self.0.get(key).and_then(Tree::as_int).unwrap_or_default()
    }

    /// A number that is nothing below 1.
    pub(super) fn positive(self, key: &[u8]) -> u64 {
        u64::try_from(self.int(key)).unwrap_or_default()
    }

    pub(super) fn flag(self, key: &[u8]) -> bool {
        self.int(key) != 0
    }

    pub(super) fn bytes(self, key: &[u8]) -> Option<&'a [u8]> {
        self.0.get(key)?.as_bytes()
    }

    pub(super) fn array<const N: usize>(self, key: &[u8]) -> Option<[u8; N]> {
        self.bytes(key)?.try_into().ok()
    }

    pub(super) fn text(self, key: &[u8]) -> String {
        String::from_utf8_lossy(self.bytes(key).unwrap_or_default()).into_owned()
    }

    /// A picture from its two keys.
    pub(super) fn picture(self, url: &[u8], key: &[u8]) -> Option<ProfilePicture> {
        let key = Zeroizing::new(self.array::<PICTURE_KEY_SIZE>(key)?);
        let url = self.text(url);
        (!url.is_empty()).then_some(ProfilePicture { url, key })
    }

    /// A mask from a set of bit numbers.
    pub(super) fn bits(self, key: &[u8]) -> u64 {
        let set = self.0.get(key).and_then(Tree::as_set);
        set.into_iter().flatten().fold(0, |mask, bit| {
            let bit = match bit {
                Scalar::Int(bit) => u32::try_from(*bit).ok().and_then(|bit| 1_u64.checked_shl(bit)),
                Scalar::Bytes(_) => None,
            };
            mask | bit.unwrap_or_default()
        })
    }
}

/// Writes a record in place, key by key, so that the keys it does not know stay.
pub(super) struct Record<'a> {
    config: &'a mut Config,
    path: &'a [&'a [u8]],
    /// Whether anything changed.
    pub(super) changed: bool,
}

impl<'a> Record<'a> {
    /// The record at a path; it need not be there yet.
    pub(super) fn at(config: &'a mut Config, path: &'a [&'a [u8]]) -> Self {
        Self {
            config,
            path,
            changed: false,
        }
    }

    pub(super) fn put(&mut self, key: &[u8], value: Option<Tree>) {
        let path = [self.path, &[key]].concat();
        self.changed |= self.config.set(&path, value);
    }

    /// Written unless zero.
    pub(super) fn nonzero(&mut self, key: &[u8], number: i64) {
        self.put(key, (number != 0).then(|| number.into()));
    }

    /// Written if above zero.
    pub(super) fn positive(&mut self, key: &[u8], number: u64) {
        self.nonzero(key, int(number));
    }

    pub(super) fn flag(&mut self, key: &[u8], set: bool) {
        self.nonzero(key, set.into());
    }

    /// Written even when empty, which keeps the record alive.
    pub(super) fn bytes(&mut self, key: &[u8], bytes: &[u8]) {
        self.put(key, Some(bytes.into()));
    }

    /// Written unless empty.
    pub(super) fn nonempty(&mut self, key: &[u8], bytes: &[u8]) {
        self.put(key, (!bytes.is_empty()).then(|| bytes.into()));
    }

    /// Both keys or neither.
    pub(super) fn picture(&mut self, url: &[u8], key: &[u8], picture: Option<&ProfilePicture>) {
        self.put(url, picture.map(|picture| picture.url.as_str().into()));
        self.put(key, picture.map(|picture| picture.key.as_slice().into()));
    }

    pub(super) fn bits(&mut self, key: &[u8], mask: u64) {
        let bits = (0..u64::BITS).filter(|bit| mask >> bit & 1 == 1);
        let set: Set = bits.map(|bit| Scalar::Int(bit.into())).collect();
        self.put(key, Some(Tree::Set(set)));
    }
}

/// Checks a name that is refused when too long.
pub(super) fn check_name(name: &str) -> Result<(), FieldError> {
    if name.len() > MAX_NAME {
        return Err(FieldError::NameTooLong);
    }
    Ok(())
}

/// Checks a picture, unless it is the one that is stored: a longer address is accepted from others.
pub(super) fn check_picture(
    new: Option<&ProfilePicture>,
    stored: Option<&ProfilePicture>,
) -> Result<(), FieldError> {
    if new != stored && new.is_some_and(|picture| picture.url.len() > MAX_PICTURE_URL) {
        return Err(FieldError::UrlTooLong);
    }
    Ok(())
}
