//! Files: where they are, how they are encrypted, and how messages point at them
//! (`spec/07-files-and-attachments.md`).
//!
//! A file is encrypted, uploaded to a file server, and its [address](FileUrl) and key are sent inside a message or config.
//! Two forms of encryption exist; every client reads both. [`FileKey::decide`] tells from what a message says which one
//! a file is in; nothing is ever taken for a file that was not encrypted. [`attachment`] is the legacy form, [`stream`]
//! the newer one, both whole and piece by piece; [`picture`] is both for profile pictures. [`pointer`] and [`preview`]
//! turn what stands in a message into checked values and back. [`FileType`] and [`image`] tell what a file is from its
//! content and take metadata out of pictures; [`api`] is what file servers are asked and answer, [`lookup`] what a helper is that
//! looks at links.
//!
//! ```
//! use holdfast_protocol::file::{FileId, FileKey, FileServer, attachment};
//! # let mut rng = <rand_chacha::ChaCha20Rng as rand_core::SeedableRng>::from_seed([1; 32]);
//!
//! let sent = attachment::encrypt(b"a picture", &mut rng)?;
//! let url = FileServer::session().url_of(FileId::parse("1234")?, false);
//!
//! let key = FileKey::decide(&url, sent.key.as_bytes(), sent.digest.as_ref())?;
//! assert_eq!(key.decrypt(9, &sent.body)?, b"a picture");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod address;
pub mod api;
pub mod attachment;
mod decrypt;
pub mod image;
mod keys;
pub mod lookup;
mod name;
pub mod picture;
pub mod pointer;
pub mod preview;
mod sniff;
pub mod stream;

pub use address::{AddressError, FileId, FileServer, FileUrl};
pub use decrypt::{Decryptor, FileKey, FileKeyError};
pub use keys::{AttachmentKey, BodyDigest, ProfileKey, StreamKey};
pub use name::{
    MAX_CONTENT_TYPE, MAX_FILE_NAME, UNKNOWN_TYPE, clean_content_type, clean_file_name, content_type_of,
};
pub use pointer::{Attachment, Dimensions, PointerError, ReceivedAttachment};
pub use preview::{LinkPreview, PreviewError};
pub use sniff::{FileType, Media, SNIFFED};

/// Why a file was not encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum EncryptError {
    /// It has no bytes, which the legacy form cannot say.
    #[error("the file is empty")]
    Empty,
    /// It is larger than what can be sent in its form.
    #[error("the file is too large")]
    TooLarge,
    /// It has another size than was said when it began.
    #[error("the file changed while it was read")]
    OtherSize,
}

/// Why a body was not decrypted. Whatever was decrypted before must not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum DecryptError {
    /// The message does not say how large the file is, which the legacy form cannot tell from its padding.
    #[error("the size of the file is not known")]
    NoSize,
    /// The body breaks off, or goes on behind its end.
    #[error("the encrypted file is incomplete")]
    Length,
    /// The first byte is not that of the stream form.
    #[error("unknown form of encryption")]
    Form,
    /// The body was encrypted with another key, or changed.
    #[error("the encrypted file is damaged or the key is another")]
    Forged,
    /// The body is another one than the message speaks of.
    #[error("another file than the message speaks of")]
    Digest,
    /// The padding is none.
    #[error("malformed padding")]
    Padding,
    /// The file is shorter than the message says.
    #[error("the file is shorter than its message says")]
    Size,
}
