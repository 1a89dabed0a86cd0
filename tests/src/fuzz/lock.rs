//! What a device keeps of its lock.

use super::{PARSING, Row};
use holdfast_client::lock::{Cost, LockRecord, Passphrase, PrfOutput, Tries};
use holdfast_client::ports::Rng;
use holdfast_client::seal::VaultKey;

pub(super) const TARGETS: &[Row] = &[
    ("lock_record", lock_record, lock_record_seeds, PARSING),
    ("lock_tries", lock_tries, lock_tries_seeds, PARSING),
];

/// Bytes of no consequence.
struct Sixes;

impl Rng for Sixes {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(6);
    }
}

fn lock_record(input: &[u8]) {
    if let Ok(lock) = LockRecord::decode(input) {
        assert_eq!(LockRecord::decode(&lock.encode()), Ok(lock.clone()));
        if let (Ok(output), Some((id, _))) = (PrfOutput::from_slice(&[5; 32]), lock.passkeys().next()) {
            let _ = lock.open_with_passkey(id, &output);
        }
    }
}

fn lock_record_seeds() -> Vec<Vec<u8>> {
    let vault = VaultKey::from_bytes(&[7; 32]);
    let cheap = Cost {
        memory_kib: 8,
        passes: 1,
    };
    let passphrase = Passphrase::typed(b"tide and reef".to_vec()).expect("short enough");
    let mut lock = LockRecord::new(&vault, &passphrase, cheap, &Sixes).expect("a cheap lock");
    let plain = lock.encode();
    let output = PrfOutput::from_slice(&[5; 32]).expect("32 bytes");
    for id in [&b"a passkey"[..], b"another one"] {
        lock.add_passkey(&vault, id, [9; 32], &output, &Sixes)
            .expect("room for a passkey");
    }
    let mut with_unknown = lock.encode();
    with_unknown.extend_from_slice(&[200, 3, 0, 1, 2, 3]);
    vec![plain, lock.encode(), with_unknown]
}

fn lock_tries(input: &[u8]) {
    /// Some time.
    const NOW: u64 = 1_800_000_000_000;
    /// The longest wait, milliseconds.
    const LONGEST: u64 = 3_600_000;
    if let Some(tries) = Tries::decode(input) {
        assert_eq!(Tries::decode(&tries.encode()), Some(tries));
        assert!(tries.wait_ms(NOW) <= LONGEST);
        assert_eq!(tries.settled(NOW).wait_ms(NOW + LONGEST), 0);
    }
}

fn lock_tries_seeds() -> Vec<Vec<u8>> {
    let once = Tries::default().counted(1);
    vec![
        Tries::default().encode(),
        once.encode(),
        once.counted(u64::MAX).encode(),
    ]
}
