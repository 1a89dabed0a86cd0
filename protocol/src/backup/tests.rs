//! Round trips, and everything that must be noticed: changes, cuts, moves, other accounts, other passphrases.

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::account::{Account, Seed};
use crate::hash::blake2b;

/// As little as Argon2 takes: the tests are not about the time it takes.
const CHEAP: Cost = Cost {
    memory_kib: 8,
    passes: 1,
    lanes: 1,
};
/// Where the checksum of the head begins.
const CHECKSUM: usize = HEAD_SIZE - 8;

fn account(number: u8) -> Account {
    Account::from_seed(Seed::from_bytes(&[number; 16]))
}

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned())
}

fn text(body: String) -> Record {
    Record::Message(Message {
        author: vec![5; 33],
        sent_at: 1_780_000_000_000,
        body,
        ..Message::default()
    })
}

fn write(records: &[Record]) -> Vec<u8> {
    let mut rng = ChaCha20Rng::from_seed([3; 32]);
    let mut file = Vec::new();
    let mut writer = Writer::start(&account(1), &passphrase("kelp"), CHEAP, &mut rng, &mut file).unwrap();
    for record in records {
        writer.push(record, &mut file).unwrap();
    }
    writer.finish(&mut file).unwrap();
    file
}

fn open(file: &[u8]) -> Result<Reader, BackupError> {
    Reader::open(&account(1), &passphrase("kelp"), file)
}

fn read_in(file: &[u8], slice: usize) -> Result<Vec<Record>, BackupError> {
    let mut reader = open(file)?;
    let mut records = Vec::new();
    for bytes in file.chunks(slice.max(1)) {
        reader.push(bytes, &mut records)?;
    }
    reader.finish()?;
    Ok(records)
}

fn read(file: &[u8]) -> Result<Vec<Record>, BackupError> {
    read_in(file, 50_000)
}

/// About three chunks and a half.
fn long() -> Vec<Record> {
    (0..230)
        .map(|at| text(format!("{at} {}", "x".repeat(1_000))))
        .collect()
}

/// A head whose checksum fits what it says.
fn mended(mut file: Vec<u8>) -> Vec<u8> {
    let checksum = blake2b::<8>(&[&file[..CHECKSUM]]);
    file[CHECKSUM..HEAD_SIZE].copy_from_slice(&checksum);
    file
}

#[test]
fn a_file_is_read_as_it_was_written_in_slices_of_any_size() {
    let records = long();
    let file = write(&records);
    assert!(file.len() > HEAD_SIZE + 3 * CHUNK);
    for slice in [1, 7, 1_000, CHUNK, usize::MAX / 2] {
        assert!(read_in(&file, slice).unwrap() == records, "slices of {slice}");
    }
    assert_eq!(read(&write(&[])), Ok(Vec::new()));
}

#[test]
fn a_record_that_ends_with_its_chunk_is_in_the_last_one() {
    // 4 bytes of length, 1 of kind, and the fields' own.
    let other = Record::Setting(Setting {
        name: String::new(),
        value: String::new(),
    });
    for short in 0..4 {
        let part = Record::FilePart(FilePart {
            bytes: vec![7; CHUNK - 9 - short],
            ..FilePart::default()
        });
        for records in [vec![part.clone()], vec![part.clone(), other.clone()]] {
            assert!(read(&write(&records)).unwrap() == records, "{short}");
        }
    }
}

#[test]
fn a_file_can_be_read_twice_with_one_stretching() {
    let records = long();
    let file = write(&records);
    let mut reader = open(&file).unwrap();
    for _ in 0..2 {
        reader.rewind();
        let mut found = Vec::new();
        reader.push(&file[..file.len() / 2], &mut found).unwrap();
        reader.rewind();
        found.clear();
        reader.push(&file, &mut found).unwrap();
        reader.finish().unwrap();
        assert!(found == records);
    }
}

#[test]
fn what_is_wrong_with_a_file_is_told_apart() {
    let file = write(&long());
    assert_eq!(open(b"").err(), Some(BackupError::NotABackup));
    assert_eq!(
        open(b"PK\x03\x04 something else altogether").err(),
        Some(BackupError::NotABackup)
    );
    assert_eq!(open(&file[..10]).err(), Some(BackupError::Truncated));
    assert_eq!(open(&file[..HEAD_SIZE - 1]).err(), Some(BackupError::Truncated));
    let mut newer = file.clone();
    newer[16] = 2;
    assert_eq!(open(&newer).err(), Some(BackupError::Newer));
    let other = Reader::open(&account(2), &passphrase("kelp"), &file);
    assert_eq!(other.err(), Some(BackupError::WrongAccount));
    let wrong = Reader::open(&account(1), &passphrase("Kelp"), &file);
    assert_eq!(wrong.err(), Some(BackupError::WrongPassphrase));
    // Another file behind the head that was opened.
    let mut reader = open(&file).unwrap();
    let mut swapped = file.clone();
    swapped[30] ^= 1;
    assert_eq!(reader.push(&swapped, &mut Vec::new()), Err(BackupError::Altered));
}

#[test]
fn nobody_else_can_have_a_passphrase_stretched_at_any_cost() {
    let file = write(&[]);
    for (at, value) in [(17, 4), (18, 10), (22, 4)] {
        // More of everything, with a checksum that fits.
        let mut costly = file.clone();
        costly[at] = value;
        assert_eq!(open(&mended(costly)).err(), Some(BackupError::WrongAccount));
    }
    let mut rng = ChaCha20Rng::from_seed([3; 32]);
    let too_much = [
        Cost {
            memory_kib: Cost::MAX.memory_kib + 1,
            ..CHEAP
        },
        Cost {
            passes: Cost::MAX.passes + 1,
            ..CHEAP
        },
        Cost {
            lanes: Cost::MAX.lanes + 1,
            ..CHEAP
        },
    ];
    for cost in too_much {
        let started = Writer::start(&account(1), &passphrase("kelp"), cost, &mut rng, &mut Vec::new());
        assert_eq!(started.err(), Some(BackupError::TooCostly));
    }
}

#[test]
fn every_cut_is_noticed() {
    let file = write(&long());
    let sealed = 4 + CHUNK + 16;
    let boundaries = (0..4).map(|chunks| HEAD_SIZE + chunks * sealed);
    let around = boundaries.flat_map(|at| [at - 1, at, at + 1, at + 3, at + 5]);
    for end in around.chain((0..file.len()).step_by(4_999)) {
        let cut = &file[..end.min(file.len() - 1)];
        let expected = if cut.is_empty() {
            BackupError::NotABackup
        } else {
            BackupError::Truncated
        };
        assert_eq!(read(cut).err(), Some(expected), "{end}");
    }
    let mut more = file.clone();
    more.push(0);
    assert_eq!(read(&more).err(), Some(BackupError::Altered));
}

#[test]
fn moved_repeated_and_missing_chunks_are_noticed() {
    let file = write(&long());
    let sealed = 4 + CHUNK + 16;
    let (head, body) = file.split_at(HEAD_SIZE);
    let chunks: Vec<&[u8]> = body.chunks(sealed).collect();
    assert_eq!(chunks.len(), 4);
    for order in [
        &[1, 0, 2, 3][..],
        &[0, 0, 1, 2, 3],
        &[0, 2, 3],
        &[1, 2, 3],
        &[0, 1, 3],
        &[3],
    ] {
        let mut moved = head.to_vec();
        order.iter().for_each(|at| moved.extend_from_slice(chunks[*at]));
        assert_eq!(read(&moved).err(), Some(BackupError::Altered), "{order:?}");
    }
    // A chunk in the middle that claims to be the last one, and the last one that claims not to be.
    for at in [HEAD_SIZE + 3, HEAD_SIZE + 3 * sealed + 3] {
        let mut flagged = file.clone();
        flagged[at] ^= 0x80;
        assert_eq!(read(&flagged).err(), Some(BackupError::Altered));
    }
    // A chunk of another file under the same passphrase.
    let mut rng = ChaCha20Rng::from_seed([4; 32]);
    let mut other = Vec::new();
    let mut writer = Writer::start(&account(1), &passphrase("kelp"), CHEAP, &mut rng, &mut other).unwrap();
    for record in long() {
        writer.push(&record, &mut other).unwrap();
    }
    writer.finish(&mut other).unwrap();
    let mut mixed = file.clone();
    mixed[HEAD_SIZE..HEAD_SIZE + sealed].copy_from_slice(&other[HEAD_SIZE..HEAD_SIZE + sealed]);
    assert_eq!(read(&mixed).err(), Some(BackupError::Altered));
}

#[test]
fn kinds_and_fields_of_later_versions_are_passed_over() {
    let later = [9, 0, 0, 0, 200, 1, 2, 3, 4, 5, 6, 7, 8];
    let mut setting = vec![0, 0, 0, 0, 2];
    setting.extend(prost::Message::encode_to_vec(&Setting {
        name: "theme".to_owned(),
        value: "dark".to_owned(),
    }));
    // Field 15, a number.
    setting.extend([0x78, 0x05]);
    setting[0] = u8::try_from(setting.len() - 4).unwrap();
    let bytes = [&later[..], &setting].concat();
    let (records, rest) = parse(&bytes).unwrap();
    let [Record::Setting(read)] = &records[..] else {
        panic!("a setting alone");
    };
    assert!(rest.is_empty());
    assert_eq!((read.name.as_str(), read.value.as_str()), ("theme", "dark"));
}

#[test]
fn what_is_too_large_is_not_written() {
    let part = |size| {
        Record::FilePart(FilePart {
            bytes: vec![1; size],
            ..FilePart::default()
        })
    };
    let mut rng = ChaCha20Rng::from_seed([3; 32]);
    let mut file = Vec::new();
    let mut writer = Writer::start(&account(1), &passphrase("kelp"), CHEAP, &mut rng, &mut file).unwrap();
    assert_eq!(
        writer.push(&part(MAX_RECORD), &mut file),
        Err(BackupError::TooLarge)
    );
    writer.push(&part(MAX_RECORD - 5), &mut file).unwrap();
    writer.finish(&mut file).unwrap();
    assert_eq!(read(&file).unwrap().len(), 1);
}

#[test]
fn nothing_secret_is_printed() {
    let secret = passphrase("three green kelp fronds");
    let shown = format!(
        "{secret:?} {:?} {:?}",
        text("hidden".to_owned()),
        open(&write(&[]))
    );
    assert!(!shown.contains("kelp") && !shown.contains("hidden"), "{shown}");
    assert!(secret.is_acceptable());
    assert!(!passphrase("too short").is_acceptable());
    assert!(!passphrase(&"x".repeat(Passphrase::MAX_BYTES + 1)).is_acceptable());
}

/// The format of version 1, once and for all, as worked out from `docs/backup-format.md` alone: a file that was written once
/// is read for ever.
#[test]
fn a_file_is_written_and_read_as_documented() {
    let setting = Record::Setting(Setting {
        name: "theme".to_owned(),
        value: "dark".to_owned(),
    });
    let known = concat!(
        "486f6c6466617374206261636b75700a0101010008000000385553aa23a24b14d8bbc2dff606277f444e049797ae7e04",
        "04e3a9ba0ecef2fb07d29f950204fec3be4b3c4aa7c4e0a8543746b3f2138319be286d4ac04811fe9033c4f7636448c7",
        "220000806cbe4da3dd4f19b7ad82f9fc0c8ca4ff9da5126010fa3f9b58cf9e7db03557299e62",
    );
    let file = write(core::slice::from_ref(&setting));
    assert_eq!(data_encoding::HEXLOWER.encode(&file), known);
    assert_eq!(read(&file), Ok(vec![setting]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_flipped_bit_is_an_error(at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let mut file = write(&[text("one".to_owned()), text("two".to_owned())]);
        let at = at.index(file.len());
        file[at] ^= 1 << bit;
        prop_assert!(read(&file).is_err());
    }

    #[test]
    fn any_flipped_bit_of_a_head_that_was_mended_is_an_error(at in 0..CHECKSUM, bit in 0..8u8) {
        let mut file = write(&[text("one".to_owned())]);
        file[at] ^= 1 << bit;
        prop_assert!(read(&mended(file)).is_err());
    }

    #[test]
    fn any_bytes_are_refused_and_nothing_panics(bytes: Vec<u8>, slice in 1..100_usize) {
        prop_assert!(read_in(&bytes, slice).is_err());
        let mut file = write(&[]);
        file.truncate(HEAD_SIZE);
        file.extend(&bytes);
        prop_assert!(read_in(&file, slice).is_err());
        let _ = parse(&bytes);
    }

    #[test]
    fn records_are_read_as_they_were_written(bodies in prop::collection::vec(".{0,200}", 0..20), slice in 1..5_000_usize) {
        let records: Vec<Record> = bodies.into_iter().map(text).collect();
        prop_assert!(read_in(&write(&records), slice).unwrap() == records);
    }
}
