use super::*;
use proptest::prelude::*;
use rand_core::SeedableRng;
use std::sync::LazyLock;

/// Gives the IV that is asked for, then nothing.
struct Fixed(u8);

impl rand_core::TryRng for Fixed {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        unreachable!("only bytes are drawn")
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        unreachable!("only bytes are drawn")
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        for byte in bytes {
            *byte = self.0;
            self.0 += 1;
        }
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Fixed {}

fn counting<const N: usize>() -> [u8; N] {
    core::array::from_fn(|at| u8::try_from(at).unwrap())
}

fn rng() -> rand_chacha::ChaCha20Rng {
    rand_chacha::ChaCha20Rng::from_seed([9; 32])
}

/// A file over several pieces.
static PLAIN: LazyLock<Vec<u8>> = LazyLock::new(|| (0..100_000_u32).map(|at| (at % 251) as u8).collect());
static SENT: LazyLock<Encrypted> = LazyLock::new(|| encrypt(&PLAIN, &mut rng()).unwrap());

fn open(body: &[u8], size: u32) -> Result<Vec<u8>, DecryptError> {
    decrypt(&SENT.key, &SENT.digest, size, body)
}

/// Decrypts in pieces of these lengths, over and over, without checking the digest first.
fn open_in_pieces(body: &[u8], size: u32, lengths: &[usize]) -> Result<Vec<u8>, DecryptError> {
    let mut decryptor = Decryptor::new(&SENT.key, &SENT.digest, size)?;
    let mut plain = Vec::new();
    let mut rest = body;
    for length in lengths.iter().cycle() {
        let (piece, after) = rest.split_at(rest.len().min(*length));
        let mut out = Vec::new();
        decryptor.push(piece, &mut out);
        plain.append(&mut out);
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    decryptor.finish(&mut plain)?;
    Ok(plain)
}

/// A body made of anything, with right MAC and digest.
fn sealed(iv: &[u8; 16], blocks: &[[u8; 16]]) -> (BodyDigest, Vec<u8>) {
    let key = AttachmentKey::from_bytes(&counting());
    let (aes_key, mac_key) = key.halves();
    let mut body = iv.to_vec();
    let mut cipher = cbc::Encryptor::<Aes256>::new(aes_key.into(), iv.into());
    for block in blocks {
        let mut block = (*block).into();
        cipher.encrypt_block(&mut block);
        body.extend_from_slice(&block);
    }
    let mut sums = Sums::new(mac_key);
    sums.update(&body);
    body.extend_from_slice(&sums.mac.finalize().into_bytes());
    (BodyDigest::from(<[u8; 32]>::from(Sha256::digest(&body))), body)
}

#[test]
fn the_check_vector_has_the_published_bytes() {
    // spec/07 §5.2: key 00…3f, IV 00…0f.
    let key = AttachmentKey::from_bytes(&counting());
    let mut body = Vec::new();
    let mut encryptor = Encryptor::start(&key, &mut Fixed(0), &mut body);
    encryptor.push(b"hello", &mut body).unwrap();
    let digest = encryptor.finish(&mut body).unwrap();
    assert_eq!(body.len(), 592);
    let hex = data_encoding::HEXLOWER.encode(&body);
    assert!(hex.starts_with("000102030405060708090a0b0c0d0e0f"));
    assert!(hex.ends_with("370b3e1863d17519a89c126d048d74df2c5f1c69232f496fc5138335b99e8420"));
    assert_eq!(
        digest.to_hex(),
        "f0ac285e4c836636e2afed0c90bb93102d48372918855ec3b8a55aff906c947a"
    );
    assert_eq!(decrypt(&key, &digest, 5, &body).unwrap(), b"hello");
}

#[test]
fn padding_has_the_published_sizes() {
    for (size, padded) in [
        (1, 541),
        (541, 541),
        (542, 568),
        (1_000, 1_020),
        (100_000, 100_155),
        (9_828_080, 9_828_080),
        (9_999_999, 10_000_000),
        (10_000_000, 10_000_000),
        (10_000_001, 10_000_001),
    ] {
        assert_eq!(padded_size(size), padded, "{size}");
    }
    assert_eq!(encrypted_size(9_828_080), 9_828_144);
    assert_eq!(encrypted_size(10_000_000), 10_000_064);
    assert_eq!(encrypted_size(5), 592);
}

#[test]
fn padding_agrees_with_the_formula_at_every_step() {
    let formula = |size: usize| {
        let exponent = ((size as f64).ln() / STEP.ln()).ceil();
        let step = STEP.powf(exponent).floor() as usize;
        step.clamp(MIN_PADDED, MAX_PADDED).max(size)
    };
    let mut steps = 0;
    let mut size = 1;
    while size <= MAX_PADDED {
        let step = padded_size(size);
        for size in [step - 1, step, step + 1] {
            assert_eq!(padded_size(size), formula(size), "{size}");
        }
        steps += 1;
        size = step + 1;
    }
    // Exponents 129 to 330, and the largest size.
    assert_eq!(steps, 203);
}

#[test]
fn a_file_comes_back() {
    assert_eq!(SENT.body.len(), encrypted_size(PLAIN.len()));
    assert_eq!(open(&SENT.body, 100_000).as_ref(), Ok(&*PLAIN));
    // Readers cut to the size they were told.
    assert_eq!(open(&SENT.body, 99_999).unwrap(), PLAIN[..99_999]);
    assert_eq!(open(&SENT.body, 1).unwrap(), PLAIN[..1]);
    // All padding, and not a byte more.
    assert_eq!(open(&SENT.body, 100_155).unwrap().len(), 100_155);
    assert_eq!(open(&SENT.body, 100_156), Err(DecryptError::Size));
    assert_eq!(open(&SENT.body, 0), Err(DecryptError::NoSize));
}

#[test]
fn equal_files_give_different_bytes() {
    let mut rng = rng();
    let first = encrypt(b"x", &mut rng).unwrap();
    let second = encrypt(b"x", &mut rng).unwrap();
    assert_ne!(first.body, second.body);
    assert_ne!(first.key, second.key);
}

#[test]
fn sizes_have_limits() {
    assert_eq!(encrypt(b"", &mut rng()), Err(EncryptError::Empty));
    let largest = vec![7; MAX_SIZE as usize];
    let sent = encrypt(&largest, &mut rng()).unwrap();
    assert!(sent.body.len() <= 10_000_000);
    let larger = vec![7; MAX_SIZE as usize + 1];
    assert_eq!(encrypt(&larger, &mut rng()), Err(EncryptError::TooLarge));
    let mut out = Vec::new();
    let mut encryptor = Encryptor::start(&SENT.key, &mut rng(), &mut out);
    assert_eq!(encryptor.push(&larger, &mut out), Err(EncryptError::TooLarge));
    assert_eq!(encryptor.finish(&mut out), Err(EncryptError::TooLarge));
}

#[test]
fn what_was_changed_is_refused() {
    for at in [0, 15, 16, 50_000, SENT.body.len() - 33, SENT.body.len() - 1] {
        let mut body = SENT.body.clone();
        body[at] ^= 1;
        assert_eq!(open(&body, 100_000), Err(DecryptError::Forged), "{at}");
    }
    let other = AttachmentKey::from_bytes(&[5; 64]);
    let opened = decrypt(&other, &SENT.digest, 100_000, &SENT.body);
    assert_eq!(opened, Err(DecryptError::Forged));
    let digest = BodyDigest::from([0; 32]);
    let opened = decrypt(&SENT.key, &digest, 100_000, &SENT.body);
    assert_eq!(opened, Err(DecryptError::Digest));
}

#[test]
fn what_breaks_off_is_refused() {
    for length in [0, 1, 47, 48, 63, 65, SENT.body.len() - 1] {
        assert_eq!(
            open(&SENT.body[..length], 5),
            Err(DecryptError::Length),
            "{length}"
        );
    }
    for length in [64, 80, SENT.body.len() - 16] {
        assert_eq!(
            open(&SENT.body[..length], 5),
            Err(DecryptError::Forged),
            "{length}"
        );
    }
    let longer = [SENT.body.as_slice(), &[0; 16]].concat();
    assert_eq!(open(&longer, 5), Err(DecryptError::Forged));
}

#[test]
fn the_ciphers_own_padding_is_checked() {
    let key = AttachmentKey::from_bytes(&counting());
    let open = |block: [u8; 16]| {
        let (digest, body) = sealed(&[7; 16], &[[1; 16], block]);
        decrypt(&key, &digest, 16, &body)
    };
    let padded = |length: u8| {
        let mut block = [length; 16];
        block[..16 - usize::from(length)].fill(9);
        block
    };
    for length in 1..=16 {
        assert_eq!(open(padded(length)).unwrap(), [1; 16], "{length}");
    }
    let mut uneven = padded(4);
    uneven[12] = 3;
    for block in [[0; 16], [17; 16], [255; 16], uneven] {
        assert_eq!(open(block), Err(DecryptError::Padding), "{block:?}");
    }
}

#[test]
fn a_single_block_is_enough() {
    let key = AttachmentKey::from_bytes(&counting());
    let mut block = [15; 16];
    block[0] = b'x';
    let (digest, body) = sealed(&[7; 16], &[block]);
    assert_eq!(decrypt(&key, &digest, 1, &body).unwrap(), b"x");
    assert_eq!(decrypt(&key, &digest, 2, &body), Err(DecryptError::Size));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn pieces_make_no_difference(lengths in proptest::collection::vec(1_usize..60_000, 1..6)) {
        prop_assert_eq!(open_in_pieces(&SENT.body, 100_000, &lengths), Ok(PLAIN.clone()));
        let mut body = Vec::new();
        // The same generator draws key and IV in this order.
        let mut rng = rng();
        let key = AttachmentKey::generate(&mut rng);
        let mut encryptor = Encryptor::start(&key, &mut rng, &mut body);
        let mut rest = PLAIN.as_slice();
        for length in lengths.iter().cycle() {
            let (piece, after) = rest.split_at(rest.len().min(*length));
            let mut out = Vec::new();
            encryptor.push(piece, &mut out).unwrap();
            body.append(&mut out);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        let digest = encryptor.finish(&mut body).unwrap();
        prop_assert_eq!(digest, SENT.digest);
        prop_assert_eq!(&body, &SENT.body);
    }

    #[test]
    fn any_file_comes_back(plain in proptest::collection::vec(any::<u8>(), 1..3_000), piece in 1_usize..100) {
        let sent = encrypt(&plain, &mut rng()).unwrap();
        let size = u32::try_from(plain.len()).unwrap();
        prop_assert_eq!(decrypt(&sent.key, &sent.digest, size, &sent.body), Ok(plain.clone()));
        let mut decryptor = Decryptor::new(&sent.key, &sent.digest, size).unwrap();
        let mut out = Vec::new();
        for piece in sent.body.chunks(piece) {
            decryptor.push(piece, &mut out);
        }
        prop_assert_eq!(decryptor.finish(&mut out), Ok(()));
        prop_assert_eq!(out, plain);
    }

    #[test]
    fn any_changed_bit_is_refused(at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let sent = encrypt(b"hello", &mut rng()).unwrap();
        let mut body = sent.body;
        let at = at.index(body.len());
        body[at] ^= 1 << bit;
        prop_assert_eq!(decrypt(&sent.key, &sent.digest, 5, &body), Err(DecryptError::Forged));
    }

    #[test]
    fn any_truncation_is_refused(length in any::<prop::sample::Index>()) {
        let sent = encrypt(b"hello", &mut rng()).unwrap();
        let length = length.index(sent.body.len());
        prop_assert!(decrypt(&sent.key, &sent.digest, 5, &sent.body[..length]).is_err());
    }
}
