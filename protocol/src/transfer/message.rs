//! What the three messages have in common: their size, and how their contents fill it (`docs/account-transfer.md`,
//! Messages).

use zeroize::Zeroizing;

use crate::keys::KeyError;
use crate::sealed_box::SealedBoxError;

/// Bytes of every message of a transfer.
pub const MESSAGE_SIZE: usize = 168;
/// The first byte of an answer's content.
pub(super) const ANSWER: u8 = 1;
/// The first byte of an opening's content.
pub(super) const OPENING: u8 = 2;
/// The first byte of a grant's content.
pub(super) const GRANT: u8 = 3;

/// Why a message is not what is waited for. Anybody can put anything into a mailbox: it is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// It has not [`MESSAGE_SIZE`] bytes.
    #[error("not the size of a message of a transfer")]
    Size,
    /// It was made for another key, or was changed.
    #[error("the message does not open")]
    Forged,
    /// It is another message than the one that belongs here, or its fields or its padding are not as they must be.
    #[error("not the message that belongs here")]
    Content,
    /// Its sender does not know the code, or opens another commitment.
    #[error("a message that belongs to another code")]
    OtherCode,
    /// Its key is of low order.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl From<SealedBoxError> for MessageError {
    fn from(error: SealedBoxError) -> Self {
        match error {
            SealedBoxError::TooShort => Self::Size,
            SealedBoxError::Key(error) => Self::Key(error),
            SealedBoxError::Forged => Self::Forged,
        }
    }
}

/// The parts one after the other, and zeros up to the size.
pub(super) fn padded<const N: usize>(parts: &[&[u8]]) -> Zeroizing<[u8; N]> {
    let mut contents = Zeroizing::new([0; N]);
    let bytes = parts.iter().flat_map(|part| part.iter());
    contents.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    contents
}

/// What follows the byte that says which message it is.
pub(super) fn contents_of(kind: u8, contents: &[u8]) -> Result<&[u8], MessageError> {
    match contents.split_first() {
        Some((first, rest)) if *first == kind => Ok(rest),
        _ => Err(MessageError::Content),
    }
}

/// The next `N` bytes, and what follows them.
pub(super) fn take<const N: usize>(bytes: &[u8]) -> Result<(&[u8; N], &[u8]), MessageError> {
    bytes.split_first_chunk().ok_or(MessageError::Content)
}

/// Nothing but padding is left.
pub(super) fn ends(padding: &[u8]) -> Result<(), MessageError> {
    if padding.iter().all(|byte| *byte == 0) {
        Ok(())
    } else {
        Err(MessageError::Content)
    }
}

/// Refuses what has another size before anything is computed with it.
pub(super) fn sized(message: &[u8]) -> Result<&[u8], MessageError> {
    if message.len() == MESSAGE_SIZE {
        Ok(message)
    } else {
        Err(MessageError::Size)
    }
}
