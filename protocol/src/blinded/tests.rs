//! Published answers and properties of blinded identities.

use super::direct::{self, DirectError};
use super::*;
use crate::account::{Id, IdKind};
use crate::keys::{Ed25519KeyPair, X25519PublicKey, decode_hex};
use proptest::prelude::*;
use rand_core::SeedableRng;

const POSITIVE: &str = "fecd9a6034bc9aba273925dee7062b123334587c3c6257341afae2d7fe85e122";
const NEGATIVE: &str = "8659efdcbe0949e0f81141e6d397e8be75f45d09262f209d5950e97989eb43c7";
const SERVER: &str = "abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789";

fn pair(seed: &str) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed(&decode_hex(seed).unwrap())
}

fn account(pair: &Ed25519KeyPair) -> Id {
    Id::account(pair.x25519().public())
}

fn server() -> X25519PublicKey {
    X25519PublicKey::from_hex(SERVER).unwrap()
}

fn rng() -> rand_chacha::ChaCha20Rng {
    rand_chacha::ChaCha20Rng::from_seed([6; 32])
}

#[test]
fn published_ids_and_signatures_of_a_positive_key() {
    let own = pair(POSITIVE);
    let (b15, b25) = (
        BlindedKeyPair::blinded15(&own, &server()),
        BlindedKeyPair::blinded25(&own, &server()),
    );
    assert_eq!(
        b15.id().to_hex(),
        "15b74ed205f1f931e1bb1291183778a9456b835937d923b0f2e248aa3a44c07844"
    );
    assert_eq!(
        b25.id().to_hex(),
        "253b991dcbba44cfdb45d5b38880d95cff723309e3ece6fd01415ad5fa1dccc7ac"
    );
    assert_eq!(
        b15.sign(b"hello").to_hex(),
        "1a5ade20b43af0e16b3e591d6f86303938d7557c0ac54469dd4f5aea759f82d2\
         2cafa42587251756e133acdddd8cbec2f707a9ce09a49f2193f46a91502c5006"
    );
    assert_eq!(
        b25.sign(b"hello").to_hex(),
        "e6c57de4ac0cd278abbeef815bd88b163a037085deae789ecaaf4805884c4c3d\
         3db25f3afa856241366cb341a3a4c9bbaa2cda81d028079c956fab16a7fe6206"
    );
}

#[test]
fn published_ids_of_a_negative_key() {
    let own = pair(NEGATIVE);
    let ids = ids15_of_account(&account(&own), &server()).unwrap();
    assert_eq!(
        ids[0].to_hex(),
        "1561e070286ff7a71f167e92b18c709882b148d8238c8872caf414b301ba0564fd"
    );
    assert_eq!(
        BlindedKeyPair::blinded15(&own, &server()).id().to_hex(),
        "1561e070286ff7a71f167e92b18c709882b148d8238c8872caf414b301ba05647d"
    );
    let id25 = "25a69cc6884530bf8498d22892e563716c4742f2845a7eb608de2aecbe7b6b5996";
    assert_eq!(BlindedKeyPair::blinded25(&own, &server()).id().to_hex(), id25);
    assert_eq!(id25_of_account(&account(&own), &server()).unwrap().to_hex(), id25);
}

#[test]
fn the_published_version_key() {
    let own = pair(POSITIVE);
    assert_eq!(
        version_key_pair(&own).public().to_hex(),
        "88e8adb27e7b8ce776fcc25bc1501fb2888fcac0308e52fb10044f789ae1a8fa"
    );
    let request = VersionRequest {
        timestamp: 1_234_567_890,
        method: "GET",
        path: "/session_version?platform=desktop",
        body: b"",
    };
    let (id, signature) = request.sign(&own);
    assert_eq!(id.kind(), IdKind::VersionBlinded);
    let signed = b"1234567890GET/session_version?platform=desktop";
    assert!(id.ed25519().unwrap().verify(signed, &signature).is_ok());
}

#[test]
fn only_accounts_are_blinded_and_only_blinded_ids_match() {
    let own = account(&pair(POSITIVE));
    let group = Id::new(IdKind::Group, own.key());
    assert_eq!(
        ids15_of_account(&group, &server()),
        Err(BlindedError::NotAnAccount)
    );
    assert_eq!(
        id25_of_account(&group, &server()),
        Err(BlindedError::NotAnAccount)
    );
    assert!(!is_blinded_id_of(&own, &own, &server()));
    let nobody = Id::new(IdKind::Account, &[0; 32]);
    assert!(matches!(
        ids15_of_account(&nobody, &server()),
        Err(BlindedError::Key(_))
    ));
}

#[test]
fn secrets_are_never_printed() {
    let blinded = BlindedKeyPair::blinded15(&pair(POSITIVE), &server());
    assert_eq!(
        format!("{blinded:?}"),
        format!("BlindedKeyPair({})", blinded.id())
    );
}

#[test]
fn direct_messages_refuse_what_is_wrong() {
    let (one, two, three) = (pair(POSITIVE), pair(NEGATIVE), pair(SERVER));
    for kind in [IdKind::Blinded15, IdKind::Blinded25] {
        let id = |pair| BlindedKeyPair::of_kind(kind, pair, &server()).unwrap().id();
        let (from, to, other) = (id(&one), id(&two), id(&three));
        let unblinded = account(&one);
        let message = direct::encrypt(&one, &to, &server(), b"hi", &mut rng()).unwrap();
        let open = |pair, from, to, message: &[u8]| {
            direct::decrypt(pair, from, to, &server(), message).map(|opened| opened.sender_id)
        };
        assert_eq!(open(&two, &from, &to, &message), Ok(account(&one)));
        assert_eq!(open(&one, &from, &to, &message), Ok(account(&one)));
        assert_eq!(open(&three, &from, &to, &message), Err(DirectError::NotOurs));
        assert_eq!(open(&two, &other, &to, &message), Err(DirectError::Forged));
        assert_eq!(open(&two, &to, &from, &message), Err(DirectError::Forged));
        assert_eq!(open(&two, &unblinded, &to, &message), Err(DirectError::Kind));
        assert_eq!(
            open(&two, &from, &to, &message[..OVERHEAD - 1]),
            Err(DirectError::TooShort)
        );
        let mut version = message.clone();
        version[0] = 1;
        assert_eq!(open(&two, &from, &to, &version), Err(DirectError::Version(1)));
        let nobody = Id::new(kind, &[0; 32]);
        assert_eq!(open(&two, &nobody, &to, &message), Err(DirectError::Key));
    }
    let to_account = direct::encrypt(&one, &account(&two), &server(), b"hi", &mut rng());
    assert_eq!(to_account, Err(DirectError::Kind));
}

/// Somebody who holds the shared key writes a third person's Ed25519 key into the message.
#[test]
fn a_sender_cannot_pass_as_somebody_else() {
    use chacha20poly1305::aead::{Aead, KeyInit};
    let (one, two, three) = (pair(POSITIVE), pair(NEGATIVE), pair(SERVER));
    let id = |pair| BlindedKeyPair::blinded15(pair, &server()).id();
    let shared = crate::keys::multiply(&one.scalar(), &id(&two).ed25519().unwrap()).unwrap();
    let key = crate::hash::blake2b::<32>(&[shared.as_bytes(), id(&one).key(), id(&two).key()]);
    let sealed = chacha20poly1305::XChaCha20Poly1305::new(&key.into())
        .encrypt(&[9; 24].into(), three.public().as_bytes().as_slice())
        .unwrap();
    let message = [&[0], sealed.as_slice(), &[9; 24]].concat();
    let opened = direct::decrypt(&two, &id(&one), &id(&two), &server(), &message);
    assert_eq!(opened, Err(DirectError::Sender));
}

const OVERHEAD: usize = direct::OVERHEAD;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn all_ways_to_an_id_agree(seed: [u8; 32], server: [u8; 32]) {
        let (own, server) = (Ed25519KeyPair::from_seed(&seed), X25519PublicKey::from(server));
        let own_account = account(&own);
        let b15 = BlindedKeyPair::blinded15(&own, &server);
        let b25 = BlindedKeyPair::blinded25(&own, &server);
        prop_assert_eq!(id15_of_key(&own.public(), &server).unwrap(), b15.id());
        prop_assert_eq!(id25_of_key(&own.public(), &server).unwrap(), b25.id());
        for blinded in [&b15, &b25] {
            prop_assert!(is_blinded_id_of(&blinded.id(), &own_account, &server));
            prop_assert!(is_blinded_id_of_key(&blinded.id(), &own.public(), &server));
            prop_assert!(blinded.public().verify(b"m", &blinded.sign(b"m")).is_ok());
        }
        let stranger = account(&pair(POSITIVE));
        prop_assert!(!is_blinded_id_of(&b15.id(), &stranger, &server));
        prop_assert!(!is_blinded_id_of(&b25.id(), &stranger, &server));
    }

    #[test]
    fn direct_messages_invert(one: [u8; 32], two: [u8; 32], content: Vec<u8>, flip: usize, v25: bool) {
        let (one, two) = (Ed25519KeyPair::from_seed(&one), Ed25519KeyPair::from_seed(&two));
        let kind = if v25 { IdKind::Blinded25 } else { IdKind::Blinded15 };
        let id = |pair| BlindedKeyPair::of_kind(kind, pair, &server()).unwrap().id();
        let mut message = direct::encrypt(&one, &id(&two), &server(), &content, &mut rng()).unwrap();
        prop_assert_eq!(message.len(), content.len() + OVERHEAD);
        for reader in [&one, &two] {
            let opened = direct::decrypt(reader, &id(&one), &id(&two), &server(), &message).unwrap();
            prop_assert_eq!((&opened.content, opened.sender), (&content, one.public()));
        }
        let at = flip % message.len();
        message[at] ^= 1;
        prop_assert!(direct::decrypt(&two, &id(&one), &id(&two), &server(), &message).is_err());
    }

    #[test]
    fn any_bytes_are_refused(message: Vec<u8>, key: [u8; 32]) {
        let own = pair(POSITIVE);
        let id = BlindedKeyPair::blinded15(&own, &server()).id();
        let from = Id::new(IdKind::Blinded15, &key);
        prop_assert!(direct::decrypt(&own, &from, &id, &server(), &message).is_err());
    }
}
