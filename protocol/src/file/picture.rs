//! Profile pictures (spec/07-files-and-attachments.md §8): AES-256-GCM in the legacy form, or the stream form. Their
//! address says which; the key has 32 bytes in both.

use super::stream::{self, Domain, StreamSecret};
use super::{AddressError, DecryptError, EncryptError, FileId, FileServer, FileUrl, ProfileKey, StreamKey};
use crate::config::{FieldError, ProfilePicture};
use crate::message::profile::Picture;
use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{AeadInOut, KeyInit};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

/// Largest picture that is uploaded, bytes: what iOS takes.
pub const MAX_SIZE: usize = 5_000_000;
/// Longest side of a picture that is uploaded, pixels (spec/07 §8.4).
pub const MAX_SIDE: u32 = 600;

/// Bytes of the nonce in front of the legacy form, and of the tag behind it.
const NONCE: usize = 12;
const TAG: usize = 16;

/// Why a profile picture cannot be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// Its address is none.
    #[error("bad address: {0}")]
    Url(#[from] AddressError),
    /// It does not decrypt.
    #[error("{0}")]
    Decrypt(#[from] DecryptError),
}

/// An encrypted picture with its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptedPicture {
    /// What is uploaded.
    pub body: Vec<u8>,
    /// What decrypts it.
    pub key: ProfileKey,
    /// Whether it is in the stream form.
    stream: bool,
}

impl EncryptedPicture {
    /// The picture under the id that it got on this server, as it stands in configs.
    ///
    /// # Errors
    /// [`AddressError::TooLongForPicture`] when the server's name is too long.
    pub fn uploaded(&self, server: &FileServer, id: FileId) -> Result<ProfilePicture, AddressError> {
        Ok(ProfilePicture {
            url: server.url_of(id, self.stream).to_picture_url()?,
            key: Zeroizing::new(*self.key.as_bytes()),
        })
    }
}

/// Encrypts a picture in the legacy form; every client reads it. A new picture has a new random key, the same picture
/// that is uploaded again may keep its own.
///
/// # Errors
/// [`EncryptError::TooLarge`] above [`MAX_SIZE`], [`EncryptError::Empty`].
pub fn encrypt_legacy(
    key: ProfileKey,
    image: &[u8],
    rng: &mut impl CryptoRng,
) -> Result<EncryptedPicture, EncryptError> {
    check_size(image)?;
    let mut body = Vec::with_capacity(NONCE + image.len() + TAG);
    let mut nonce = [0; NONCE];
    rng.fill_bytes(&mut nonce);
    body.extend_from_slice(&nonce);
    body.extend_from_slice(image);
    let (_, text) = body.split_at_mut_checked(NONCE).unwrap_or_default();
    let tag = cipher(&key)
        .encrypt_inout_detached(&nonce.into(), &[], text.into())
        // GCM fails beyond 64 GiB.
        .map_err(|_| EncryptError::TooLarge)?;
    body.extend_from_slice(&tag);
    Ok(EncryptedPicture {
        body,
        key,
        stream: false,
    })
}

/// Encrypts a picture in the stream form, by the seed of the account (32 bytes, Ed25519): the same picture is the same
/// file again, so that its address stays when it is renewed.
///
/// # Errors
/// [`EncryptError::TooLarge`] above [`MAX_SIZE`], [`EncryptError::Empty`].
pub fn encrypt_stream(seed: &[u8; 32], image: &[u8]) -> Result<EncryptedPicture, EncryptError> {
    check_size(image)?;
    let secret = StreamSecret::derive(seed, Domain::ProfilePicture, image);
    Ok(EncryptedPicture {
        body: stream::encrypt(&secret, image)?,
        key: secret.key().clone().into(),
        stream: true,
    })
}

fn check_size(image: &[u8]) -> Result<(), EncryptError> {
    match image.len() {
        0 => Err(EncryptError::Empty),
        1..=MAX_SIZE => Ok(()),
        _ => Err(EncryptError::TooLarge),
    }
}

/// Decrypts and checks a body. Some clients write the stream form's mark in a way that others do not read (spec/07 §2.3),
/// so that a body that begins like that form and does not decrypt as the other is tried as such.
///
/// # Errors
/// [`DecryptError`].
pub fn decrypt(url: &FileUrl, key: &ProfileKey, body: &[u8]) -> Result<Vec<u8>, DecryptError> {
    let as_stream = || stream::decrypt(&StreamKey::from(key.clone()), None, body);
    if url.is_stream() {
        return as_stream();
    }
    decrypt_legacy(key, body).or_else(|error| match body.first() {
        // Where both fail, what the address says is the reason.
        Some(&stream::MARK) => as_stream().map_err(|_| error),
        _ => Err(error),
    })
}

fn decrypt_legacy(key: &ProfileKey, body: &[u8]) -> Result<Vec<u8>, DecryptError> {
    let (nonce, rest) = body.split_first_chunk::<NONCE>().ok_or(DecryptError::Length)?;
    let (text, tag) = rest.split_last_chunk::<TAG>().ok_or(DecryptError::Length)?;
    if text.is_empty() {
        return Err(DecryptError::Length);
    }
    let mut image = text.to_vec();
    cipher(key)
        .decrypt_inout_detached(&(*nonce).into(), &[], image.as_mut_slice().into(), &(*tag).into())
        .map_err(|_| DecryptError::Forged)?;
    Ok(image)
}

fn cipher(key: &ProfileKey) -> Aes256Gcm {
    Aes256Gcm::new(key.as_bytes().into())
}

impl ProfilePicture {
    /// Where it is.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn file_url(&self) -> Result<FileUrl, AddressError> {
        FileUrl::parse(&self.url)
    }

    /// Decrypts and checks what was downloaded from its address.
    ///
    /// # Errors
    /// [`PictureError`].
    pub fn decrypt(&self, body: &[u8]) -> Result<Vec<u8>, PictureError> {
        let key = ProfileKey::from_bytes(&self.key);
        Ok(decrypt(&self.file_url()?, &key, body)?)
    }
}

/// As messages carry it.
impl From<&ProfilePicture> for Picture {
    fn from(picture: &ProfilePicture) -> Self {
        Self {
            url: picture.url.clone(),
            key: picture.key.to_vec(),
        }
    }
}

/// As configs carry it; a key of 16 bytes, from old data, decrypts nothing any more.
impl TryFrom<&Picture> for ProfilePicture {
    type Error = FieldError;

    fn try_from(picture: &Picture) -> Result<Self, Self::Error> {
        Self::new(&picture.url, &picture.key)?.ok_or(FieldError::PictureKey)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand_core::SeedableRng;

    const IMAGE: &[u8] = b"an image";

    fn rng() -> rand_chacha::ChaCha20Rng {
        rand_chacha::ChaCha20Rng::from_seed([4; 32])
    }

    fn legacy() -> EncryptedPicture {
        encrypt_legacy(ProfileKey::from_bytes(&[7; 32]), IMAGE, &mut rng()).unwrap()
    }

    fn url(fragment: &str) -> FileUrl {
        FileUrl::parse(&format!("http://h.example/file/1{fragment}")).unwrap()
    }

    #[test]
    fn the_legacy_form_is_nonce_ciphertext_and_tag() {
        // Case 14 of the GCM specification (McGrew and Viega): zeros under a zero key and nonce.
        let body = data_encoding::HEXLOWER
            .decode(
                b"000000000000000000000000cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919",
            )
            .unwrap();
        let key = ProfileKey::from_bytes(&[0; 32]);
        assert_eq!(decrypt(&url(""), &key, &body).unwrap(), [0; 16]);
        assert_eq!(legacy().body.len(), 12 + IMAGE.len() + 16);
    }

    #[test]
    fn both_forms_come_back_through_their_config() {
        let id = || FileId::parse("5").unwrap();
        let server = FileServer::session();
        let sent = legacy();
        let picture = sent.uploaded(&server, id()).unwrap();
        assert_eq!(picture.url, "http://filev2.getsession.org/file/5");
        assert_eq!(picture.decrypt(&sent.body).unwrap(), IMAGE);
        assert_eq!(ProfilePicture::try_from(&Picture::from(&picture)), Ok(picture));

        let sent = encrypt_stream(&[1; 32], IMAGE).unwrap();
        assert_eq!(encrypt_stream(&[1; 32], IMAGE).unwrap(), sent);
        let picture = sent.uploaded(&server, id()).unwrap();
        assert_eq!(picture.url, "http://filev2.getsession.org/file/5#d");
        assert_eq!(picture.decrypt(&sent.body).unwrap(), IMAGE);
    }

    #[test]
    fn a_form_that_only_the_bytes_tell_is_found() {
        let sent = encrypt_stream(&[1; 32], IMAGE).unwrap();
        assert_eq!(decrypt(&url(""), &sent.key, &sent.body).unwrap(), IMAGE);
        assert_eq!(decrypt(&url("#d="), &sent.key, &sent.body).unwrap(), IMAGE);
        // The other way round the address is believed.
        let sent = legacy();
        assert_eq!(
            decrypt(&url("#d"), &sent.key, &sent.body),
            Err(DecryptError::Form)
        );
    }

    #[test]
    fn a_legacy_nonce_may_look_like_the_other_form() {
        let key = ProfileKey::from_bytes(&[7; 32]);
        let mut rng = rng();
        let sent = (0..10_000)
            .map(|_| encrypt_legacy(key.clone(), IMAGE, &mut rng).unwrap())
            .find(|sent| sent.body[0] == stream::MARK)
            .unwrap();
        assert_eq!(decrypt(&url(""), &key, &sent.body).unwrap(), IMAGE);
        let mut body = sent.body;
        body[20] ^= 1;
        assert_eq!(decrypt(&url(""), &key, &body), Err(DecryptError::Forged));
    }

    #[test]
    fn sizes_have_limits() {
        let key = ProfileKey::from_bytes(&[7; 32]);
        let empty = encrypt_legacy(key.clone(), b"", &mut rng());
        assert_eq!(empty, Err(EncryptError::Empty));
        assert_eq!(encrypt_stream(&[1; 32], b""), Err(EncryptError::Empty));
        let large = vec![0; MAX_SIZE + 1];
        assert_eq!(encrypt_stream(&[1; 32], &large), Err(EncryptError::TooLarge));
        assert_eq!(
            encrypt_legacy(key.clone(), &large, &mut rng()),
            Err(EncryptError::TooLarge)
        );
        for length in [0, 11, 28] {
            let decrypted = decrypt(&url(""), &key, &vec![1; length]);
            assert_eq!(decrypted, Err(DecryptError::Length), "{length}");
        }
    }

    #[test]
    fn an_old_key_is_none() {
        let picture = Picture {
            url: "http://h/file/1".to_owned(),
            key: vec![1; 16],
        };
        assert_eq!(ProfilePicture::try_from(&picture), Err(FieldError::PictureKey));
    }

    proptest! {
        #[test]
        fn what_was_changed_is_refused(at in any::<prop::sample::Index>(), bit in 0..8_u8) {
            let sent = legacy();
            let mut body = sent.body;
            let at = at.index(body.len());
            body[at] ^= 1 << bit;
            prop_assert_eq!(decrypt(&url(""), &sent.key, &body), Err(DecryptError::Forged));
        }
    }
}
