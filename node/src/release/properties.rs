//! Any release: what is written is read the same, and nothing passes but what was signed.

use proptest::prelude::*;

use super::*;

fn keys(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed(&[seed; 32])
}

fn any_release() -> impl Strategy<Value = Release> {
    let name = "[a-z0-9_-][a-z0-9._-]{0,8}(/[a-z0-9_-][a-z0-9._-]{0,8}){0,2}";
    let hash = any::<[u8; 32]>().prop_map(Hash);
    let files = proptest::collection::btree_map(name, hash, 0..8);
    ("[0-9a-zA-Z.+-]{1,64}", 0..=MAX_NUMBER, files).prop_map(|(version, number, files)| Release {
        format: FORMAT,
        version,
        number,
        files,
    })
}

/// That each key handed over to the next, from the first to the last, with one step left out.
fn steps(last: u8, missing: u8) -> Vec<HandOver> {
    let steps = (0..last).filter(|from| *from != missing);
    steps
        .map(|from| {
            let to = keys(from + 1).public();
            HandOver {
                from: keys(from).public(),
                to,
                signature: keys(from).sign(&with(HANDED_OVER, to.as_bytes())),
            }
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_the_same(release in any_release()) {
        let list = serde_json::to_vec_pretty(&release).unwrap();
        prop_assert_eq!(Release::read(&list).unwrap(), release);
    }

    #[test]
    fn a_changed_list_is_refused(release in any_release(), at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let mut list = serde_json::to_vec(&release).unwrap();
        let signed = Signed::over(&list, &keys(1), Vec::new());
        prop_assert!(signed.verify(&list, Some(&keys(1).public())).is_ok());
        let place = at.index(list.len());
        list[place] ^= 1 << bit;
        prop_assert!(matches!(signed.verify(&list, None), Err(ReleaseError::Signature)));
    }

    #[test]
    fn trust_follows_the_keys_that_were_handed_over_and_no_gap(last in 0..6_u8, missing in 0..6_u8, wanted in 0..7_u8) {
        let signed = Signed::over(b"list", &keys(last), steps(last, missing));
        let signed = Signed::read(&serde_json::to_vec(&signed).unwrap()).unwrap();
        let led_here = wanted <= last && !(wanted..last).contains(&missing);
        match signed.verify(b"list", Some(&keys(wanted).public())) {
            Ok(()) => prop_assert!(led_here),
            Err(error) => prop_assert!(!led_here && matches!(error, ReleaseError::OtherKey(_))),
        }
    }
}
