//! Which of the two forms a file is in, and decrypting it either way (spec/07-files-and-attachments.md §7, §2.3).

use super::{AttachmentKey, BodyDigest, DecryptError, FileUrl, StreamKey, attachment, stream};
use serde::{Deserialize, Serialize};

/// Why it is not known how a file would be decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum FileKeyError {
    /// The message holds no key. Files of communities are not encrypted; elsewhere such a file is not to be trusted.
    #[error("no key")]
    NoKey,
    /// The key has another size than the form that the address names, or than any.
    #[error("key of the wrong size")]
    KeySize,
    /// The form needs a hash of the encrypted file, and the message holds none of 32 bytes.
    #[error("no hash of the encrypted file")]
    NoDigest,
}

/// What decrypts a file, and thereby how it is encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileKey {
    /// The legacy form.
    Legacy {
        /// The key.
        key: AttachmentKey,
        /// The hash of the encrypted file.
        digest: BodyDigest,
    },
    /// The stream form.
    Stream {
        /// The key.
        key: StreamKey,
    },
}

impl FileKey {
    /// Decides by address, key and digest as they stand in a message.
    ///
    /// The address says which form it is. Some clients write that in a way that others do not read (spec/07 §2.3), so
    /// that a key of the stream form's size stands for it too; a body that then does not begin with its mark is
    /// refused when it is decrypted.
    ///
    /// # Errors
    /// [`FileKeyError`]; a file without a key is never taken for one that is not encrypted.
    pub fn decide(url: &FileUrl, key: &[u8], digest: &[u8]) -> Result<Self, FileKeyError> {
        match (key.len(), url.is_stream()) {
            (0, _) => Err(FileKeyError::NoKey),
            (StreamKey::SIZE, _) => Ok(Self::Stream {
                key: StreamKey::from_slice(key).map_err(|_| FileKeyError::KeySize)?,
            }),
            (AttachmentKey::SIZE, false) => Ok(Self::Legacy {
                key: AttachmentKey::from_slice(key).map_err(|_| FileKeyError::KeySize)?,
                digest: BodyDigest::from_slice(digest).map_err(|_| FileKeyError::NoDigest)?,
            }),
            _ => Err(FileKeyError::KeySize),
        }
    }

    /// Whether it is the stream form, which the file's address has to say.
    pub const fn is_stream(&self) -> bool {
        matches!(self, Self::Stream { .. })
    }

    /// The key's bytes.
    pub fn key_bytes(&self) -> &[u8] {
        match self {
            Self::Legacy { key, .. } => key.as_bytes(),
            Self::Stream { key } => key.as_bytes(),
        }
    }

    /// The hash of the encrypted file, in the legacy form.
    pub const fn digest(&self) -> Option<&BodyDigest> {
        match self {
            Self::Legacy { digest, .. } => Some(digest),
            Self::Stream { .. } => None,
        }
    }

    /// Starts to decrypt a file of `size` bytes according to its message; 0 where it does not say.
    ///
    /// # Errors
    /// [`DecryptError::NoSize`] where the form needs one.
    pub fn decryptor(&self, size: u32) -> Result<Decryptor, DecryptError> {
        Ok(match self {
            Self::Legacy { key, digest } => {
                Decryptor::Legacy(Box::new(attachment::Decryptor::new(key, digest, size)?))
            }
            Self::Stream { key } => {
                Decryptor::Stream(stream::Decryptor::new(key, (size > 0).then_some(size)))
            }
        })
    }

    /// Decrypts and checks a whole body.
    ///
    /// # Errors
    /// [`DecryptError`].
    pub fn decrypt(&self, size: u32, body: &[u8]) -> Result<Vec<u8>, DecryptError> {
        let mut plain = Vec::with_capacity(body.len());
        let mut decryptor = self.decryptor(size)?;
        decryptor.push(body, &mut plain)?;
        decryptor.finish(&mut plain)?;
        Ok(plain)
    }
}

impl From<&attachment::Encrypted> for FileKey {
    fn from(sent: &attachment::Encrypted) -> Self {
        Self::Legacy {
            key: sent.key.clone(),
            digest: sent.digest,
        }
    }
}

impl From<&stream::StreamSecret> for FileKey {
    fn from(secret: &stream::StreamSecret) -> Self {
        Self::Stream {
            key: secret.key().clone(),
        }
    }
}

/// Decrypts a body piece by piece, in either form.
///
/// What [`Decryptor::push`] appends is **not checked** to its end: it must neither be shown nor kept before
/// [`Decryptor::finish`] has succeeded, and be discarded if anything fails.
#[derive(Debug)]
pub enum Decryptor {
    /// The legacy form.
    Legacy(Box<attachment::Decryptor>),
    /// The stream form.
    Stream(stream::Decryptor),
}

impl Decryptor {
    /// Takes the next bytes of the body and appends what they make of the file.
    ///
    /// # Errors
    /// [`DecryptError`]; everything that was appended must be discarded.
    pub fn push(&mut self, body: &[u8], out: &mut Vec<u8>) -> Result<(), DecryptError> {
        match self {
            Self::Legacy(decryptor) => {
                decryptor.push(body, out);
                Ok(())
            }
            Self::Stream(decryptor) => decryptor.push(body, out),
        }
    }

    /// Decrypts the end. Only if it succeeds is the file what its sender encrypted.
    ///
    /// # Errors
    /// [`DecryptError`]; everything that was appended must be discarded.
    pub fn finish(self, out: &mut Vec<u8>) -> Result<(), DecryptError> {
        match self {
            Self::Legacy(decryptor) => decryptor.finish(out),
            Self::Stream(decryptor) => decryptor.finish(out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::stream::StreamSecret;
    use rand_core::SeedableRng;

    fn url(fragment: &str) -> FileUrl {
        FileUrl::parse(&format!("http://h/file/1{fragment}")).unwrap()
    }

    #[test]
    fn address_and_key_decide() {
        let legacy = FileKey::decide(&url(""), &[1; 64], &[2; 32]).unwrap();
        assert!(!legacy.is_stream());
        assert_eq!(legacy.key_bytes(), [1; 64]);
        assert_eq!(legacy.digest(), Some(&BodyDigest::from([2; 32])));
        for (fragment, digest) in [
            ("#d", &[][..]),
            ("#d", &[2; 32]),
            ("#d=", &[]),
            ("", &[]),
            ("", &[2; 32]),
        ] {
            let stream = FileKey::decide(&url(fragment), &[1; 32], digest).unwrap();
            assert!(stream.is_stream() && stream.digest().is_none(), "{fragment}");
        }
    }

    #[test]
    fn nothing_is_taken_for_unencrypted() {
        let decide = |fragment: &str, key: &[u8], digest: &[u8]| FileKey::decide(&url(fragment), key, digest);
        assert_eq!(decide("", &[], &[]), Err(FileKeyError::NoKey));
        assert_eq!(decide("#d", &[], &[2; 32]), Err(FileKeyError::NoKey));
        assert_eq!(decide("#d", &[1; 64], &[2; 32]), Err(FileKeyError::KeySize));
        assert_eq!(decide("", &[1; 33], &[2; 32]), Err(FileKeyError::KeySize));
        assert_eq!(decide("", &[1; 64], &[]), Err(FileKeyError::NoDigest));
        assert_eq!(decide("", &[1; 64], &[2; 31]), Err(FileKeyError::NoDigest));
        // A stream key without the mark of the address is tried, but only on what has the form's own mark.
        let key = decide("", &[1; 32], &[]).unwrap();
        assert_eq!(key.decrypt(5, &[0; 100]), Err(DecryptError::Form));
    }

    #[test]
    fn both_forms_decrypt() {
        let mut rng = rand_chacha::ChaCha20Rng::from_seed([3; 32]);
        let sent = attachment::encrypt(b"hello", &mut rng).unwrap();
        let key = FileKey::decide(&url(""), sent.key.as_bytes(), sent.digest.as_ref()).unwrap();
        assert_eq!(FileKey::from(&sent), key);
        assert_eq!(key.decrypt(5, &sent.body).unwrap(), b"hello");
        assert_eq!(key.decrypt(0, &sent.body), Err(DecryptError::NoSize));

        let secret = StreamSecret::random(&mut rng);
        let body = stream::encrypt(&secret, b"hello").unwrap();
        let key = FileKey::decide(&url("#d"), secret.key().as_bytes(), &[]).unwrap();
        assert_eq!(FileKey::from(&secret), key);
        for size in [0, 5] {
            assert_eq!(key.decrypt(size, &body).unwrap(), b"hello");
        }
        assert_eq!(key.decrypt(6, &body), Err(DecryptError::Size));
    }
}
