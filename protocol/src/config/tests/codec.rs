//! Layout, diffs, padding, encryption, compression and parts by themselves.

use super::super::diff::{apply, diff};
use super::super::message::{FormatError, Frozen, LAG};
use super::super::parts::{PartError, Parts, split};
use super::super::tree::{prune, size_bound, write_dict};
use super::super::{CompressionError, MAX_MESSAGE, MAX_PLAIN, Tree, seal, zstd};
use super::{NOW, draft, trees};
use crate::hash::blake2b;
use crate::keys::Ed25519KeyPair;
use data_encoding::HEXLOWER;
use proptest::prelude::*;
use zeroize::Zeroizing;

const EMPTY: &[u8] = b"d1:#i0e1:&de1:<le1:=dee";

fn parse(plain: &[u8]) -> Result<Frozen, FormatError> {
    Frozen::parse(Zeroizing::new(plain.to_vec()), None)
}

#[test]
fn the_empty_message_is_the_published_one() {
    let empty = Frozen::empty();
    assert_eq!(&*empty.plain, EMPTY);
    assert_eq!(
        HEXLOWER.encode(&empty.hash),
        "ea173b57beca8af18c3519a7bbf69c3e7a05d1c049fa9558341d8ebb48b0c965"
    );
}

#[test]
fn encryption_gives_the_published_bytes() {
    let key = b"\xab\xcd\xef\x01\x23\x45\x67\x89".repeat(4).try_into().unwrap();
    let sealed = seal::encrypt(&key, "test-suite1", b"some message 1").unwrap();
    assert_eq!(
        HEXLOWER.encode(&sealed),
        "f14f242a26638f3305707d1035e734577f943cd7d28af58e32637e0966dcaf2f4860cb4d0f8ba7e09d29e31f5e4a18f65847287a54a0"
    );
    assert!(seal::encrypt(&key, &"x".repeat(seal::MAX_DOMAIN + 9), b"").is_err());
}

#[test]
fn faults_of_the_layout_are_told_apart() {
    for (plain, error) in [
        (&b"d1:!i0e1:#i1e1:&de1:<le1:=dee"[..], FormatError::NewerVersion),
        (b"d1:#1:x1:&de1:<le1:=dee", FormatError::Seqno),
        (b"d1:#i9223372036854775807e1:&de1:<le1:=dee", FormatError::Seqno),
        (b"d1:#i1e1:<le1:=dee", FormatError::Missing),
        (b"d1:#i1e1:&de1:<lee", FormatError::Missing),
        (b"d1:#i1e1:&dee", FormatError::Missing),
        (b"d1:#i1e1:&de1:<llee1:=dee", FormatError::Lagged),
        (b"d1:#i1e1:&de1:<li1ee1:=dee", FormatError::Lagged),
        (b"d1:#i1e1:&de1:<le1:=de1:~2:xxe", FormatError::SignatureField),
        (b"d1:#i1e1:&de1:<le1:=de2:~ai1ee", FormatError::SignatureField),
    ] {
        let found = parse(plain).err();
        assert_eq!(found, Some(error), "{}", String::from_utf8_lossy(plain));
    }
    for broken in [
        &b"d1:#i1e1:&d1:adee1:<le1:=dee"[..],
        b"d1:#i1e1:&d1:alee1:<le1:=dee",
        b"d1:#i1e1:&d1:ali2ei1eee1:<le1:=dee",
        b"d1:#i1e1:&d1:alleee1:<le1:=dee",
        b"d1:#i1e1:&de1:<le1:=d1:a1:xee",
        b"d1:#i1e1:&de1:<le1:=d1:ai1eee",
        b"d1:#i1e1:&de1:<le1:=d1:alleee",
        b"d1:#i1e1:&de1:<le1:=deei1e",
        b"i1e",
        b"d",
    ] {
        assert!(parse(broken).is_err(), "{}", String::from_utf8_lossy(broken));
    }
}

#[test]
fn an_absent_diff_is_empty_when_a_later_key_follows() {
    let message = parse(b"d1:#i1e1:&de1:>i5ee").unwrap();
    assert!(message.diff.is_empty() && message.lagged.is_empty());
}

#[test]
fn unknown_keys_come_back_in_their_places() {
    let plain = b"d1:#i1e1:$l1:xe1:&de1:'i1e1:<le1:==1:=de1:>d1:ai0eee";
    // Two keys may not be the same as, but may stand around, the known ones.
    assert!(parse(plain).is_err());
    let plain = b"d1:#i1e1:$l1:xe1:&de1:'i1e1:<le2:<<de1:=de1:>d1:ai0eee";
    let child = parse(plain).unwrap().child().freeze(None);
    let expected = [
        &b"d1:#i2e1:$l1:xe1:&de1:'i1e1:<lli1e32:"[..],
        &blake2b::<32>(&[plain]),
        b"deee2:<<de1:=de1:>d1:ai0eee",
    ]
    .concat();
    assert_eq!(*child.plain, expected);
}

#[test]
fn rows_that_fell_behind_are_dropped_and_others_must_ascend() {
    let row = |seqno: i64, mark: u8| format!("li{seqno}e32:{}dee", char::from(mark).to_string().repeat(32));
    let message = |rows: &str| parse(format!("d1:#i9e1:&de1:<l{rows}e1:=dee").as_bytes());
    let kept = message(&(row(9 - LAG, b'z') + &row(5, b'a') + &row(5, b'b') + &row(8, b'a'))).unwrap();
    let kept: Vec<i64> = kept.lagged.iter().map(|row| row.seqno).collect();
    assert_eq!(kept, [5, 5, 8]);
    for rows in [
        row(5, b'b') + &row(5, b'a'),
        row(6, b'a') + &row(5, b'a'),
        row(9, b'a'),
    ] {
        assert_eq!(message(&rows).err(), Some(FormatError::Lagged));
    }
}

#[test]
fn signed_messages_verify_and_changed_ones_do_not() {
    let (admin, other) = (
        Ed25519KeyPair::from_seed(&[1; 32]),
        Ed25519KeyPair::from_seed(&[2; 32]),
    );
    let data = [(b"n".to_vec(), Tree::from("name"))].into();
    let signed = draft(data).freeze(Some(&admin));
    let read = Frozen::parse(signed.plain.clone(), Some(&admin.public())).unwrap();
    assert_eq!((read.hash, &read.plain), (signed.hash, &signed.plain));
    let refused = |plain: &[u8], key: &Ed25519KeyPair| {
        Frozen::parse(Zeroizing::new(plain.to_vec()), Some(&key.public())).err()
    };
    assert_eq!(refused(&signed.plain, &other), Some(FormatError::Signature));
    assert_eq!(refused(EMPTY, &admin), Some(FormatError::Signature));
    let changed = String::from_utf8_lossy(&signed.plain).find("name").unwrap();
    let mut plain = signed.plain.clone();
    plain[changed] ^= 1;
    assert_eq!(refused(&plain, &admin), Some(FormatError::Signature));
    // Every device must have the same first message, signed or not.
    let mut first = draft(Default::default());
    first.seqno = 0;
    assert_eq!(&*first.freeze(Some(&admin)).plain, EMPTY);
}

#[test]
fn a_frame_of_the_c_encoder_is_read() {
    let packed = HEXLOWER.decode(b"7a28b52ffd205145000010aaaa01008c022c").unwrap();
    assert_eq!(*zstd::unpack(&packed[1..]).unwrap(), vec![0xaa; 81]);
}

#[test]
fn our_frames_name_their_size_as_the_c_encoder_does() {
    for (length, header) in [
        (200, vec![0x20, 200]),
        (1_000, vec![0x60, 0xe8, 0x02]),
        (100_000, vec![0xa0, 0xa0, 0x86, 0x01, 0x00]),
    ] {
        let plain = vec![b'x'; length];
        let packed = zstd::pack(&plain).unwrap();
        assert_eq!(packed[5..5 + header.len()], header);
        assert_eq!(*zstd::unpack(&packed[1..]).unwrap(), plain);
    }
    assert!(zstd::pack(b"d1:#i0e1:&de1:<le1:=dee").is_none());
}

#[test]
fn decompression_bombs_are_stopped() {
    // Blocks that repeat one byte 128 KiB times each, in a frame with the smallest window that allows them.
    let mut bomb = HEXLOWER.decode(b"28b52ffd0038").unwrap();
    for _ in 0..64 {
        bomb.extend_from_slice(&[0x02, 0x00, 0x10, b'x']);
    }
    bomb.extend_from_slice(&[0x03, 0x00, 0x10, b'x']);
    assert_eq!(zstd::unpack(&bomb).err(), Some(CompressionError::TooLarge));
    // A frame that asks for a window of gigabytes.
    let greedy = HEXLOWER.decode(b"28b52ffd00a0010000").unwrap();
    assert_eq!(zstd::unpack(&greedy).err(), Some(CompressionError::Broken));
    for broken in [&b""[..], b"\x28\xb5\x2f\xfd", b"dxxxxxxxxxx"] {
        assert_eq!(zstd::unpack(broken).err(), Some(CompressionError::Broken));
    }
}

#[test]
fn parts_come_in_any_order_and_twice() {
    let padded = seal::pad(&(0..200_000_u32).map(|at| (at % 251) as u8).collect::<Vec<_>>());
    let (whole, parts) = split(&padded).unwrap();
    assert_eq!(parts.len(), 3);
    assert!(
        parts
            .iter()
            .all(|part| part.len() + seal::OVERHEAD <= MAX_MESSAGE)
    );
    let mut known = Parts::default();
    assert!(known.add("c", &parts[2], NOW).unwrap().is_none());
    assert!(known.add("c again", &parts[2], NOW).unwrap().is_none());
    assert!(known.add("a", &parts[0], NOW).unwrap().is_none());
    assert_eq!(known.hashes().collect::<Vec<_>>(), ["a", "c"]);
    let done = known.add("b", &parts[1], NOW).unwrap().unwrap();
    assert_eq!(done.padded, padded);
    assert_eq!(done.hashes.iter().map(String::as_str).collect::<String>(), "abc");
    // From now on its parts are known, until that is forgotten.
    assert!(known.add("d", &parts[0], NOW).unwrap().is_none() && known.hashes().next().is_none());
    assert!(known.expire(NOW + 14 * 24 * 3_600_000) && !known.done.contains_key(&whole));
}

#[test]
fn parts_expire_a_week_after_the_last_new_one() {
    let (_, parts) = split(&vec![1; 160_000]).unwrap();
    let mut known = Parts::default();
    let day = 24 * 3_600_000;
    known.add("a", &parts[0], NOW).unwrap();
    known.add("b", &parts[1], NOW + 6 * day).unwrap();
    assert!(!known.expire(NOW + 12 * day) && known.expire(NOW + 13 * day));
    assert!(known.pending.is_empty());
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let (_, parts) = split(&vec![1; 160_000]).unwrap();
    let with = |place: u8, count: u8, chunk: &str| {
        let mut part = parts[0][..1 + 1 + 3 + 32].to_vec();
        part.extend_from_slice(&[b'1', b':', place, b'1', b':', count]);
        part.extend_from_slice(format!("{}:{chunk}e", chunk.len()).as_bytes());
        part
    };
    let mut known = Parts::default();
    known.add("a", &parts[0], NOW).unwrap();
    let mut refused = |part: &[u8]| known.add("x", part, NOW).err();
    assert_eq!(refused(&with(1, 4, "x")), Some(PartError::Disagree));
    assert_eq!(refused(&with(0, 1, "x")), Some(PartError::Place));
    assert_eq!(refused(&with(3, 3, "x")), Some(PartError::Place));
    assert_eq!(refused(&with(1, 3, "")), Some(PartError::Broken));
    assert_eq!(refused(b"mle"), Some(PartError::Broken));
    assert_eq!(refused(b"m"), Some(PartError::Broken));
    assert!(known.add("b", &with(1, 3, "x"), NOW).unwrap().is_none());
    assert_eq!(known.add("c", &parts[2], NOW).err(), Some(PartError::Hash));
    assert!(known.pending.is_empty() && known.done.is_empty());
}

#[test]
fn unfinished_messages_make_room_for_new_ones() {
    let mut known = Parts::default();
    for at in 0..200_u8 {
        let (_, parts) = split(&vec![at; 160_000]).unwrap();
        known.add("x", &parts[0], NOW + u64::from(at)).unwrap();
    }
    let held: usize = known.pending.values().map(|pending| pending.parts.len()).sum();
    assert!((60..70).contains(&held), "{held}");
    assert!(split(&vec![0; MAX_PLAIN + 1]).is_none());
}

proptest! {
    #[test]
    fn replaying_a_diff_gives_the_new_data(old in trees(), new in trees()) {
        let (mut old, mut new) = (old, new);
        prune(&mut old);
        prune(&mut new);
        let changes = diff(&old, &new);
        prop_assert_eq!(changes.is_empty(), old == new);
        let mut replayed = old;
        apply(&mut replayed, &changes, &new);
        prune(&mut replayed);
        prop_assert_eq!(replayed, new);
    }

    #[test]
    fn reading_inverts_writing(first in trees(), second in trees()) {
        let first = draft(first).freeze(None);
        let mut second_draft = first.child();
        second_draft.data = second;
        for message in [&second_draft.freeze(None), &first] {
            let mut written = Vec::new();
            write_dict(&mut written, &message.data);
            prop_assert!(written.len() <= size_bound(&message.data));
            let read = parse(&message.plain).unwrap();
            prop_assert_eq!(&read.data, &message.data);
            prop_assert_eq!(&read.diff, &message.diff);
            prop_assert_eq!(read.child().freeze(None).hash, message.child().freeze(None).hash);
        }
    }

    #[test]
    fn what_is_read_is_written_alike(plain in "d1:#i[0-3]e(1:&d(1:[ab](i1e|1:x|li1ee)){0,2}e)?(1:<le)?(1:=d(1:[ab](0:|1:-)){0,2}e)?e") {
        if let Ok(message) = parse(plain.as_bytes()) {
            let child = message.child();
            prop_assert_eq!(&child.data, &message.data);
            prop_assert_eq!(&parse(&child.freeze(None).plain).unwrap().data, &message.data);
        }
    }

    #[test]
    fn sealing_and_compressing_invert(plain: Vec<u8>, repeat in 1_usize..20, flip: u16) {
        let plain = plain.repeat(repeat);
        let key = [3; 32];
        let padded = seal::pad(&plain);
        prop_assert_eq!(padded.len(), seal::padded_size(plain.len()));
        prop_assert!(padded.ends_with(&plain));
        let mut sealed = seal::encrypt(&key, "UserProfile", &padded).unwrap();
        let opened = seal::decrypt(&key, "UserProfile", &sealed);
        prop_assert_eq!(opened.as_ref(), Ok(&padded));
        prop_assert!(seal::decrypt(&key, "Contacts", &sealed).is_err());
        let at = usize::from(flip) % (8 * sealed.len());
        sealed[at / 8] ^= 1 << (at % 8);
        prop_assert!(seal::decrypt(&key, "UserProfile", &sealed).is_err());
        if let Some(packed) = zstd::pack(&plain) {
            prop_assert!(packed.len() < plain.len());
            let unpacked = zstd::unpack(&packed[1..]);
            prop_assert_eq!(unpacked.as_deref(), Ok(&plain));
        }
    }
}
