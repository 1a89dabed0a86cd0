//! What stands in a backup file: records, each behind its length and kind (`docs/backup-format.md`, Records). Kinds that a
//! later version adds are passed over.

use prost::Message as _;
use zeroize::Zeroizing;

use super::BackupError;
use super::schema::{About, Conversation, End, FilePart, Message, Setting};

/// The most bytes of a record, with its kind: more than a message with the most text, files and reactions has.
pub const MAX_RECORD: usize = 512 * 1024;
/// Bytes of the length in front of a record.
const LENGTH: usize = 4;

/// Declares the kinds of records with their numbers.
macro_rules! records {
    ($($(#[$meta:meta])* $name:ident = $kind:literal,)+) => {
        /// An entry of a backup file.
        #[derive(Clone, Debug, PartialEq)]
        #[allow(clippy::large_enum_variant, reason = "few exist at a time")]
        pub enum Record {
            $($(#[$meta])* $name($name),)+
        }

        impl Record {
            /// Its number in a file.
            const fn kind(&self) -> u8 {
                match self {
                    $(Self::$name(_) => $kind,)+
                }
            }

            fn encoded(&self) -> Vec<u8> {
                match self {
                    $(Self::$name(body) => body.encode_to_vec(),)+
                }
            }

            /// A record of a kind; `None` for one that a later version has.
            fn read(kind: u8, body: &[u8]) -> Result<Option<Self>, BackupError> {
                match kind {
                    $($kind => $name::decode(body).map(|body| Some(Self::$name(body))),)+
                    _ => Ok(None),
                }
                .map_err(|_| BackupError::Altered)
            }
        }
    };
}

records! {
    /// The first one.
    About = 1,
    /// A setting of the app.
    Setting = 2,
    /// A conversation; the messages that follow are in it.
    Conversation = 3,
    /// A message.
    Message = 4,
    /// A part of a file of the message before.
    FilePart = 5,
    /// The last one.
    End = 6,
}

/// Appends a record behind its length and kind.
pub(super) fn frame(record: &Record, out: &mut Vec<u8>) -> Result<(), BackupError> {
    let body = Zeroizing::new(record.encoded());
    let length = body.len() + 1;
    let word = u32::try_from(length).map_err(|_| BackupError::TooLarge)?;
    if length > MAX_RECORD {
        return Err(BackupError::TooLarge);
    }
    out.extend_from_slice(&word.to_le_bytes());
    out.push(record.kind());
    out.extend_from_slice(&body);
    Ok(())
}

/// Takes all whole records at the beginning of some bytes; gives them and what is left.
///
/// # Errors
/// [`BackupError::Altered`] for what is no record.
pub fn parse(bytes: &[u8]) -> Result<(Vec<Record>, &[u8]), BackupError> {
    let mut records = Vec::new();
    let mut rest = bytes;
    while let Some((word, after)) = rest.split_first_chunk::<LENGTH>() {
        let length = usize::try_from(u32::from_le_bytes(*word)).map_err(|_| BackupError::Altered)?;
        if !(1..=MAX_RECORD).contains(&length) {
            return Err(BackupError::Altered);
        }
        let Some((record, after)) = after.split_at_checked(length) else {
            break;
        };
        let (kind, body) = record.split_first().ok_or(BackupError::Altered)?;
        records.extend(Record::read(*kind, body)?);
        rest = after;
    }
    Ok((records, rest))
}
