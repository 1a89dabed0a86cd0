//! How fast files are encrypted and decrypted in both forms, piece by piece as the engine does it, as in the native
//! measurement (`tests/src/bench/files.rs`).

use std::error::Error;
use std::hint::black_box;

use holdfast_protocol::file::stream::{self, StreamSecret};
use holdfast_protocol::file::{AttachmentKey, FileKey, attachment};
use rand_core::CryptoRng;
use web_sys::Performance;

/// The file, bytes: a large photograph.
const FILE: usize = 5_000_000;
/// Bytes that are handed over at a time.
const PIECE: usize = 64 * 1024;
/// How long each is repeated, milliseconds.
const RATE_TIME: f64 = 2_000.0;

/// A figure's name, million bytes a second, and how many files it rests on.
pub(crate) type Figure = (&'static str, f64, u32);

/// Both forms, both ways.
pub(crate) fn measure(
    performance: &Performance,
    rng: &mut impl CryptoRng,
) -> Result<Vec<Figure>, Box<dyn Error>> {
    let file: Vec<u8> = (0..FILE).map(|at| (at % 251) as u8).collect();
    let mut out = Vec::with_capacity(2 * PIECE);
    let mut figures = Vec::new();

    let key = AttachmentKey::generate(rng);
    let measured = speed(performance, || {
        out.clear();
        let mut encryptor = attachment::Encryptor::start(&key, rng, &mut out);
        for piece in file.chunks(PIECE) {
            out.clear();
            encryptor.push(piece, &mut out)?;
        }
        black_box(encryptor.finish(&mut out)?);
        Ok(())
    })?;
    figures.push(("attachment_encrypt", measured.0, measured.1));
    let sent = attachment::encrypt(&file, rng)?;
    let key = FileKey::Legacy {
        key: sent.key,
        digest: sent.digest,
    };
    figures.push(decrypt("attachment_decrypt", performance, &key, &sent.body)?);

    let secret = StreamSecret::random(rng);
    let measured = speed(performance, || {
        out.clear();
        let mut encryptor = stream::Encryptor::start(&secret, FILE, &mut out)?;
        for piece in file.chunks(PIECE) {
            out.clear();
            encryptor.push(piece, &mut out)?;
        }
        encryptor.finish()?;
        Ok(())
    })?;
    figures.push(("stream_encrypt", measured.0, measured.1));
    let body = stream::encrypt(&secret, &file)?;
    let key = FileKey::Stream {
        key: secret.key().clone(),
    };
    figures.push(decrypt("stream_decrypt", performance, &key, &body)?);
    Ok(figures)
}

fn decrypt(
    name: &'static str,
    performance: &Performance,
    key: &FileKey,
    body: &[u8],
) -> Result<Figure, Box<dyn Error>> {
    let size = u32::try_from(FILE)?;
    let mut out = Vec::with_capacity(2 * PIECE);
    let (speed, n) = speed(performance, || {
        let mut decryptor = key.decryptor(size)?;
        for piece in body.chunks(PIECE) {
            out.clear();
            decryptor.push(piece, &mut out)?;
        }
        decryptor.finish(&mut out)?;
        Ok(())
    })?;
    Ok((name, speed, n))
}

/// How many million bytes a second work on [`FILE`] bytes gets through, and how often it ran. A first run warms up.
fn speed(
    performance: &Performance,
    mut work: impl FnMut() -> Result<(), Box<dyn Error>>,
) -> Result<(f64, u32), Box<dyn Error>> {
    work()?;
    let (started, mut n) = (performance.now(), 0);
    while performance.now() - started < RATE_TIME {
        work()?;
        n += 1;
    }
    let seconds = (performance.now() - started) / 1_000.0;
    Ok((f64::from(n) * FILE as f64 / 1e6 / seconds, n))
}
