//! What opens a lock and what does not, and its record.

use super::*;
use crate::test_support::CountingRng;
use proptest::prelude::*;

/// As cheap as Argon2id gets, for tests of everything but its cost.
const CHEAP: Cost = Cost {
    memory_kib: 8,
    passes: 1,
};

fn passphrase(text: &str) -> Passphrase {
    Passphrase::typed(text.as_bytes().to_vec()).unwrap()
}

fn vault() -> VaultKey {
    VaultKey::from_bytes(&[7; 32])
}

fn lock() -> LockRecord {
    LockRecord::new(
        &vault(),
        &passphrase("tide and reef"),
        CHEAP,
        &CountingRng::default(),
    )
    .unwrap()
}

fn with_passkey() -> LockRecord {
    let mut lock = lock();
    let output = PrfOutput::from_slice(&[5; 32]).unwrap();
    lock.add_passkey(&vault(), b"credential", [9; 32], &output, &CountingRng::default())
        .unwrap();
    lock
}

#[test]
fn only_the_passphrase_opens_it() {
    let lock = LockRecord::decode(&lock().encode()).unwrap();
    let opened = lock.open(&passphrase("tide and reef")).unwrap();
    assert_eq!(opened.as_bytes(), vault().as_bytes());
    for wrong in ["tide and ree", "tide and reef ", "Tide and reef", ""] {
        assert_eq!(lock.open(&passphrase(wrong)).unwrap_err(), LockError::Wrong);
    }
}

#[test]
fn a_changed_passphrase_leaves_passkeys_and_ends_the_old_one() {
    let mut lock = with_passkey();
    let rng = CountingRng::default();
    lock.change_passphrase(&vault(), &passphrase("another one"), CHEAP, &rng)
        .unwrap();
    assert_eq!(
        lock.open(&passphrase("tide and reef")).unwrap_err(),
        LockError::Wrong
    );
    assert!(lock.open(&passphrase("another one")).is_ok());
    let output = PrfOutput::from_slice(&[5; 32]).unwrap();
    assert!(lock.open_with_passkey(b"credential", &output).is_ok());
}

#[test]
fn a_passkey_opens_it_until_it_is_removed() {
    let mut lock = LockRecord::decode(&with_passkey().encode()).unwrap();
    let [right, wrong] = [[5; 32], [6; 32]].map(|output| PrfOutput::from_slice(&output).unwrap());
    let opened = lock.open_with_passkey(b"credential", &right).unwrap();
    assert_eq!(opened.as_bytes(), vault().as_bytes());
    assert_eq!(
        lock.open_with_passkey(b"credential", &wrong).unwrap_err(),
        LockError::Wrong
    );
    assert_eq!(
        lock.open_with_passkey(b"another", &right).unwrap_err(),
        LockError::Wrong
    );
    lock.remove_passkey(b"credential");
    assert_eq!(
        lock.open_with_passkey(b"credential", &right).unwrap_err(),
        LockError::Wrong
    );
    assert_eq!(lock.passkeys().count(), 0);
}

#[test]
fn there_is_room_for_some_passkeys_and_no_more() {
    let mut lock = lock();
    let output = PrfOutput::from_slice(&[5; 32]).unwrap();
    let mut add = |id: &[u8]| lock.add_passkey(&vault(), id, [9; 32], &output, &CountingRng::default());
    for id in 0..MAX_PASSKEYS as u8 {
        assert_eq!(add(&[id + 1; 16]), Ok(()));
    }
    assert_eq!(add(b"one more"), Err(LockError::NoRoom));
    // The same one again takes its own place.
    assert_eq!(add(&[1; 16]), Ok(()));
    assert_eq!(LockRecord::decode(&lock.encode()), Ok(lock));
}

#[test]
fn a_record_does_not_grow_beyond_what_is_read() {
    let mut record = lock().encode();
    let length = u16::try_from(MAX_RECORD - record.len() - 3).unwrap();
    record.push(9);
    record.extend_from_slice(&length.to_le_bytes());
    record.resize(MAX_RECORD, 0);
    let mut lock = LockRecord::decode(&record).unwrap();
    let output = PrfOutput::from_slice(&[5; 32]).unwrap();
    let added = lock.add_passkey(&vault(), b"credential", [9; 32], &output, &CountingRng::default());
    assert_eq!(added, Err(LockError::NoRoom));
    assert_eq!(lock.encode(), record);
}

#[test]
fn neither_key_nor_passphrase_stands_in_the_record() {
    let record = with_passkey().encode();
    for secret in [&vault().as_bytes()[..], b"tide and reef", &[5; 32]] {
        assert!(!record.windows(secret.len()).any(|window| window == secret));
    }
}

#[test]
fn what_was_tampered_with_does_not_open() {
    let record = with_passkey().encode();
    let output = PrfOutput::from_slice(&[5; 32]).unwrap();
    // Beyond the version and the first slot's kind and length: every byte matters to one of the two.
    for at in 4..record.len() {
        let mut changed = record.clone();
        changed[at] ^= 1;
        let Ok(lock) = LockRecord::decode(&changed) else {
            continue;
        };
        let both = [
            lock.open(&passphrase("tide and reef")).is_ok(),
            lock.open_with_passkey(b"credential", &output).is_ok(),
        ];
        assert!(both.contains(&false), "byte {at}");
    }
}

#[test]
fn other_kinds_are_kept_and_newer_versions_are_left_alone() {
    let mut record = lock().encode();
    record.extend_from_slice(&[9, 3, 0, 1, 2, 3]);
    let lock = LockRecord::decode(&record).unwrap();
    assert_eq!(lock.encode(), record);
    record[0] = 2;
    assert_eq!(LockRecord::decode(&record), Err(LockError::Newer(2)));
}

#[test]
fn a_record_that_would_stop_the_page_is_refused() {
    let mut record = lock().encode();
    // Memory in KiB stands behind version, kind and length.
    record[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(LockRecord::decode(&record), Err(LockError::Damaged));
    assert_eq!(
        LockRecord::decode(&vec![1; MAX_RECORD + 1]),
        Err(LockError::Damaged)
    );
}

fn any_lock() -> impl Strategy<Value = LockRecord> {
    let wrapped = || {
        (any::<[u8; NONCE]>(), any::<[u8; 32]>(), any::<[u8; 16]>()).prop_map(|(nonce, key, tag)| {
            let mut sealed = [0; SEALED];
            sealed[..32].copy_from_slice(&key);
            sealed[32..].copy_from_slice(&tag);
            Wrapped { nonce, sealed }
        })
    };
    let costs = (0..=Cost::MOST.memory_kib, 0..=Cost::MOST.passes);
    let passphrase =
        (costs, any::<[u8; SALT]>(), wrapped()).prop_map(|((memory_kib, passes), salt, wrapped)| {
            PassphraseSlot {
                cost: Cost { memory_kib, passes },
                salt,
                wrapped,
            }
        });
    let passkey = (
        any::<[u8; PASSKEY_SALT]>(),
        prop::collection::vec(any::<u8>(), 1..200),
        wrapped(),
    )
        .prop_map(|(salt, id, wrapped)| PasskeySlot { salt, id, wrapped });
    let other = (3..=u8::MAX, prop::collection::vec(any::<u8>(), 0..100));
    (
        passphrase,
        prop::collection::vec(passkey, 0..=MAX_PASSKEYS),
        prop::collection::vec(other, 0..4),
    )
        .prop_map(|(passphrase, mut passkeys, others)| {
            passkeys.sort_by(|one, other| one.id.cmp(&other.id));
            passkeys.dedup_by(|one, other| one.id == other.id);
            LockRecord {
                passphrase,
                passkeys,
                others,
            }
        })
}

proptest! {
    #[test]
    fn reading_undoes_writing(lock in any_lock()) {
        prop_assert_eq!(LockRecord::decode(&lock.encode()), Ok(lock));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(lock) = LockRecord::decode(&bytes) {
            prop_assert_eq!(LockRecord::decode(&lock.encode()), Ok(lock));
        }
    }
}
