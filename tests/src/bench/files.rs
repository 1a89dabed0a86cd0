//! Encrypting and decrypting files in both forms, piece by piece as a client does it, on one native thread.

use std::hint::black_box;

use holdfast_protocol::file::stream::{self, Domain, SecretHasher, StreamSecret};
use holdfast_protocol::file::{AttachmentKey, FileKey, api, attachment};
use rand_core::CryptoRng;

use super::{Outcome, print_speed};

/// The file, bytes: a large photograph.
const FILE: usize = 5_000_000;
/// Bytes that are handed over at a time.
const PIECE: usize = 64 * 1024;

/// Both forms.
pub fn run(rng: &mut impl CryptoRng) -> Outcome {
    let file: Vec<u8> = (0..FILE).map(|at| (at % 251) as u8).collect();
    let key = AttachmentKey::generate(rng);
    let mut out = Vec::with_capacity(2 * PIECE);
    print_speed("attachment_encrypt_native", FILE, || {
        out.clear();
        let mut encryptor = attachment::Encryptor::start(&key, rng, &mut out);
        for piece in file.chunks(PIECE) {
            out.clear();
            encryptor.push(piece, &mut out)?;
        }
        black_box(encryptor.finish(&mut out)?);
        Ok(())
    })?;
    let sent = attachment::encrypt(&file, rng)?;
    let key = FileKey::Legacy {
        key: sent.key,
        digest: sent.digest,
    };
    decrypt("attachment_decrypt_native", &key, &sent.body)?;

    print_speed("stream_key_native", FILE, || {
        let mut hasher = SecretHasher::new(&[1; 32], Domain::Attachment);
        hasher.push(&file);
        black_box(hasher.finish());
        Ok(())
    })?;
    let secret = StreamSecret::random(rng);
    print_speed("stream_encrypt_native", FILE, || {
        out.clear();
        let mut encryptor = stream::Encryptor::start(&secret, FILE, &mut out)?;
        for piece in file.chunks(PIECE) {
            out.clear();
            encryptor.push(piece, &mut out)?;
        }
        encryptor.finish()?;
        Ok(())
    })?;
    let body = stream::encrypt(&secret, &file)?;
    let key = FileKey::Stream {
        key: secret.key().clone(),
    };
    decrypt("stream_decrypt_native", &key, &body)?;

    print_speed("file_id_native", FILE, || {
        black_box(api::file_id(&file));
        Ok(())
    })
}

fn decrypt(name: &str, key: &FileKey, body: &[u8]) -> Outcome {
    let size = u32::try_from(FILE)?;
    let mut out = Vec::with_capacity(2 * PIECE);
    print_speed(name, FILE, || {
        let mut decryptor = key.decryptor(size)?;
        for piece in body.chunks(PIECE) {
            out.clear();
            decryptor.push(piece, &mut out)?;
        }
        decryptor.finish(&mut out)?;
        Ok(())
    })
}
