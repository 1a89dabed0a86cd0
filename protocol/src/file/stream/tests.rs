use super::*;
use proptest::prelude::*;
use rand_core::SeedableRng;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// The seed of the known answers (spec/07 §6.4).
fn seed() -> [u8; 32] {
    let quarter = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];
    core::array::from_fn(|at| quarter[at % 8])
}

/// The file of the known answers.
fn plain(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at * 7 % 256) as u8).collect()
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

fn rng() -> rand_chacha::ChaCha20Rng {
    rand_chacha::ChaCha20Rng::from_seed([9; 32])
}

/// A file over several pieces, and its body.
static PLAIN: LazyLock<Vec<u8>> = LazyLock::new(|| plain(100_000));
static SECRET: LazyLock<StreamSecret> =
    LazyLock::new(|| StreamSecret::derive(&seed(), Domain::Attachment, &PLAIN));
static BODY: LazyLock<Vec<u8>> = LazyLock::new(|| encrypt(&SECRET, &PLAIN).unwrap());

fn open(body: &[u8]) -> Result<Vec<u8>, DecryptError> {
    decrypt(SECRET.key(), None, body)
}

/// A body of pieces with any content and tags.
fn sealed(pieces: &[(Tag, &[u8])]) -> (StreamKey, Vec<u8>) {
    let secret = StreamSecret::random(&mut rng());
    let mut body = vec![MARK];
    body.extend_from_slice(&secret.header);
    let mut stream = SecretStream::new(&secret.key, &secret.header);
    for (tag, plain) in pieces {
        let mut message = plain.to_vec();
        let (front, mac) = stream.seal(*tag, &mut message);
        body.push(front);
        body.extend_from_slice(&message);
        body.extend_from_slice(&mac);
    }
    (secret.key, body)
}

#[test]
fn known_answers() {
    // spec/07 §6.4.
    for (size, key, start, hash) in [
        (
            10,
            "a5ff549754db8366306e1fe3c9bade0bf47bc77a21136d13c11fd1888fb0575a",
            "536af0d08ae5c327968b6789c7c2b4bd17e3a627e451b023d3",
            "23bb79dcd605be9fddabdc4ba8f80fa258292116b441534d1bde414e8909aa7d",
        ),
        (
            40_000,
            "199b0890cf4ea9d44c1394badfaad3b9861d1bac03e718757a5594897604bc73",
            "532a9dc785a5fb31634079a529161a19e67ab6e268d0b6ccef",
            "491d38bf9e343596cf9ed0d529c8819ae9168d5c8ef64b29c43c461773bee95b",
        ),
    ] {
        let plain = plain(size);
        let secret = StreamSecret::derive(&seed(), Domain::Attachment, &plain);
        assert_eq!(hex(secret.key().as_bytes()), key);
        let body = encrypt(&secret, &plain).unwrap();
        assert_eq!(hex(&body[..25]), start);
        assert_eq!(hex(&Sha256::digest(&body)), hash);
        assert_eq!(decrypt(secret.key(), None, &body).unwrap(), plain);
    }
    let picture = StreamSecret::derive(&seed(), Domain::ProfilePicture, &plain(10));
    assert_eq!(
        hex(picture.key().as_bytes()),
        "fc24ce45a359976a7cf404683bc4c5e676fec82e90c103173156cc417bbad695"
    );
}

#[test]
fn padding_has_the_published_sizes() {
    // spec/07 §6.3; 25,000,000 is beyond what is sent, but a size all the same.
    for (size, padded, total) in [
        (0, 4_054, 4_096),
        (1_000, 3_054, 4_096),
        (4_053, 1, 4_096),
        (4_054, 4_096, 8_192),
        (8_150, 4_096, 12_288),
        (33_333, 3_472, 36_864),
        (261_982, 1, 262_144),
        (261_983, 8_175, 270_336),
        (523_991, 16_367, 540_672),
        (6_543_210, 6_965, 6_553_600),
        (10_000_000, 218_287, 10_223_616),
        (10_218_286, 1, 10_223_616),
        (25_000_000, 152_743, 25_165_824),
    ] {
        assert_eq!(padding(size), padded, "{size}");
        assert_eq!(sealed_size(size + padded), total, "{size}");
    }
    assert_eq!(encrypted_size(10), Ok(4_096));
    assert_eq!(encrypted_size(MAX_SIZE as usize), Ok(10_223_616));
    assert_eq!(encrypted_size(MAX_SIZE as usize + 1), Err(EncryptError::TooLarge));
}

#[test]
fn a_file_comes_back() {
    assert_eq!(BODY.len(), encrypted_size(PLAIN.len()).unwrap());
    assert_eq!(open(&BODY).as_ref(), Ok(&*PLAIN));
    let cut = |size| decrypt(SECRET.key(), Some(size), &BODY);
    assert_eq!(cut(100_000).as_ref(), Ok(&*PLAIN));
    assert_eq!(cut(40_000).unwrap(), PLAIN[..40_000]);
    assert_eq!(cut(100_001), Err(DecryptError::Size));
    let empty = encrypt(&SECRET, b"").unwrap();
    assert_eq!(open(&empty).unwrap(), b"");
}

#[test]
fn random_secrets_differ_and_decrypt() {
    let mut rng = rng();
    let (first, second) = (StreamSecret::random(&mut rng), StreamSecret::random(&mut rng));
    assert_ne!(first, second);
    let body = encrypt(&first, b"x").unwrap();
    assert_eq!(decrypt(first.key(), Some(1), &body).unwrap(), b"x");
    assert_eq!(decrypt(second.key(), Some(1), &body), Err(DecryptError::Forged));
}

#[test]
fn other_sizes_than_said_are_refused() {
    let mut out = Vec::new();
    let mut encryptor = Encryptor::start(&SECRET, 3, &mut out).unwrap();
    assert_eq!(encryptor.push(b"abcd", &mut out), Err(EncryptError::OtherSize));
    let mut encryptor = Encryptor::start(&SECRET, 3, &mut out).unwrap();
    encryptor.push(b"ab", &mut out).unwrap();
    assert_eq!(encryptor.finish(), Err(EncryptError::OtherSize));
    let larger = MAX_SIZE as usize + 1;
    let refused = Encryptor::start(&SECRET, larger, &mut out).map(|_| ());
    assert_eq!(refused, Err(EncryptError::TooLarge));
}

#[test]
fn what_was_changed_is_refused() {
    for at in [1, 24, 25, 26, SEALED + 24, SEALED + 25, BODY.len() - 1] {
        let mut body = BODY.clone();
        body[at] ^= 1;
        assert_eq!(open(&body), Err(DecryptError::Forged), "{at}");
    }
    let mut body = BODY.clone();
    body[0] = b'T';
    assert_eq!(open(&body), Err(DecryptError::Form));
    assert_eq!(open(b"T"), Err(DecryptError::Form));
}

#[test]
fn what_breaks_off_is_refused() {
    // Before and at the end of the header, and where pieces end.
    for length in [0, 1, 24, 25, 26, 25 + OVERHEAD, 25 + SEALED, 25 + 2 * SEALED] {
        assert_eq!(open(&BODY[..length]), Err(DecryptError::Length), "{length}");
    }
    assert_eq!(open(&BODY[..BODY.len() - 1]), Err(DecryptError::Forged));
    let longer = [BODY.as_slice(), &[0]].concat();
    assert_eq!(open(&longer), Err(DecryptError::Forged));
}

#[test]
fn pieces_cannot_be_left_out_swapped_or_repeated() {
    let piece = |at: usize| &BODY[25 + at * SEALED..25 + (at + 1) * SEALED];
    let rest = &BODY[25 + 3 * SEALED..];
    for order in [
        [piece(1), piece(0), piece(2), rest],
        [piece(0), piece(0), piece(2), rest],
        [piece(0), piece(2), &[], rest],
    ] {
        let body = [&BODY[..25], &order.concat()].concat();
        assert_eq!(open(&body), Err(DecryptError::Forged));
    }
}

#[test]
fn only_the_last_piece_ends_a_file() {
    let full = [&[1_u8], vec![7; PIECE - 1].as_slice()].concat();
    let (key, body) = sealed(&[(Tag::Final, &full)]);
    assert_eq!(decrypt(&key, None, &body).unwrap().len(), PIECE - 1);
    let (key, body) = sealed(&[(Tag::Final, &full), (Tag::Final, b"x")]);
    assert_eq!(decrypt(&key, None, &body), Err(DecryptError::Length));
    let (key, body) = sealed(&[(Tag::Message, &full)]);
    assert_eq!(decrypt(&key, None, &body), Err(DecryptError::Length));
    let (key, body) = sealed(&[(Tag::Message, &full), (Tag::Message, b"x")]);
    assert_eq!(decrypt(&key, None, &body), Err(DecryptError::Length));
    // An empty piece is none.
    let (key, body) = sealed(&[(Tag::Message, &full), (Tag::Final, b"")]);
    assert_eq!(decrypt(&key, None, &body), Err(DecryptError::Length));
}

#[test]
fn padding_ends_with_a_one() {
    let zeros = vec![0; PIECE];
    let (key, body) = sealed(&[
        (Tag::Message, &zeros),
        (Tag::Message, &zeros),
        (Tag::Final, b"\0\x01ab\0"),
    ]);
    assert_eq!(decrypt(&key, None, &body).unwrap(), b"ab\0");
    let (key, body) = sealed(&[(Tag::Message, &zeros), (Tag::Final, b"\0\x02ab")]);
    assert_eq!(decrypt(&key, None, &body), Err(DecryptError::Padding));
    let (key, body) = sealed(&[(Tag::Final, b"\0\0")]);
    assert_eq!(decrypt(&key, None, &body), Err(DecryptError::Padding));
}

#[test]
fn nothing_of_a_refused_piece_comes_out() {
    let mut body = BODY.clone();
    body[25 + SEALED + 100] ^= 1;
    let mut decryptor = Decryptor::new(SECRET.key(), None);
    let mut out = b"before".to_vec();
    assert_eq!(decryptor.push(&body, &mut out), Err(DecryptError::Forged));
    assert!(out.starts_with(b"before") && PLAIN.starts_with(&out[6..]));
    assert!(out.len() < 6 + PIECE);
}

#[test]
fn an_error_stays() {
    let mut out = Vec::new();
    let zeros = vec![0; PIECE];
    let full = [&[2_u8], &zeros[1..]].concat();
    let (key, body) = sealed(&[(Tag::Message, &full), (Tag::Final, b"\x01ab")]);
    let mut decryptor = Decryptor::new(&key, None);
    let (first, rest) = body.split_at(25 + SEALED);
    assert_eq!(decryptor.push(first, &mut out), Err(DecryptError::Padding));
    assert_eq!(decryptor.push(rest, &mut out), Err(DecryptError::Padding));
    assert_eq!(decryptor.finish(&mut out), Err(DecryptError::Padding));
}

#[test]
fn state_does_not_print() {
    let mut out = Vec::new();
    let encryptor = Encryptor::start(&SECRET, 1, &mut out).unwrap();
    assert_eq!(format!("{encryptor:?}"), "Encryptor(..)");
    assert!(format!("{:?}", *SECRET).starts_with("StreamSecret { key: StreamKey(..)"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn pieces_make_no_difference(lengths in proptest::collection::vec(1_usize..60_000, 1..6)) {
        let mut hasher = SecretHasher::new(&seed(), Domain::Attachment);
        let mut body = Vec::new();
        let mut encryptor = Encryptor::start(&SECRET, PLAIN.len(), &mut body).unwrap();
        let mut rest = PLAIN.as_slice();
        for length in lengths.iter().cycle() {
            let (piece, after) = rest.split_at(rest.len().min(*length));
            hasher.push(piece);
            let mut out = Vec::new();
            encryptor.push(piece, &mut out).unwrap();
            body.append(&mut out);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(encryptor.finish(), Ok(()));
        prop_assert_eq!(hasher.finish(), SECRET.clone());
        prop_assert_eq!(&body, &*BODY);

        let mut decryptor = Decryptor::new(SECRET.key(), Some(100_000));
        let mut plain = Vec::new();
        let mut rest = BODY.as_slice();
        for length in lengths.iter().cycle() {
            let (piece, after) = rest.split_at(rest.len().min(*length));
            let mut out = Vec::new();
            decryptor.push(piece, &mut out).unwrap();
            plain.append(&mut out);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(decryptor.finish(&mut plain), Ok(()));
        prop_assert_eq!(&plain, &*PLAIN);
    }

    #[test]
    fn any_size_pads_to_its_step(size in 0..=MAX_SIZE as usize) {
        let total = sealed_size(size + padding(size));
        let step = (1 << total.max(MIN_STEP_SIZE).ilog2()) / STEPS;
        prop_assert_eq!(total % step, 0, "{}", size);
        prop_assert!(total - sealed_size(size + 1) < step + OVERHEAD);
    }

    #[test]
    fn any_file_comes_back(plain in proptest::collection::vec(any::<u8>(), 0..5_000)) {
        let secret = StreamSecret::derive(&seed(), Domain::ProfilePicture, &plain);
        let body = encrypt(&secret, &plain).unwrap();
        prop_assert_eq!(decrypt(secret.key(), None, &body), Ok(plain));
    }

    #[test]
    fn any_changed_bit_is_refused(at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let body = encrypt(&SECRET, b"hello");
        let mut body = body.unwrap();
        let at = at.index(body.len());
        body[at] ^= 1 << bit;
        prop_assert!(open(&body).is_err());
    }

    #[test]
    fn any_truncation_is_refused(length in any::<prop::sample::Index>()) {
        prop_assert!(open(&BODY[..length.index(BODY.len())]).is_err());
    }
}
