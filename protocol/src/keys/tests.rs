//! Known answers and properties of the keys.

use super::*;
use proptest::prelude::*;

const ENTROPY: &str = "0123456789abcdef0123456789abcdef00000000000000000000000000000000";

fn pair() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed(&decode_hex(ENTROPY).unwrap())
}

#[test]
fn keys_of_the_published_seed() {
    assert_eq!(
        pair().public().to_hex(),
        "4cb76fdc6d32278e3f83dbf608360ecc6b65727934b85d2fb86862ff98c46ab7"
    );
    let x25519 = pair().x25519();
    assert_eq!(
        data_encoding::HEXLOWER.encode(x25519.as_bytes()),
        "c066ce44b14d551ee69dbcd631c061d17655b374f5d54e4f1ea9e3718638956b"
    );
    assert_eq!(
        x25519.public().to_hex(),
        "d2ad010eeb72d72e561d9de7bd7b6989af77dcabffa03a5111a6c859ae5c3a72"
    );
    assert_eq!(
        X25519SecretKey::from_bytes(x25519.as_bytes()).public(),
        x25519.public()
    );
}

#[test]
fn secrets_print_nothing_of_themselves() {
    let shown = format!("{:?} {:?}", pair(), pair().x25519());
    assert!(!shown.contains("01234567") && !shown.contains("c066ce44"));
    let shared = pair().x25519().diffie_hellman(&pair().x25519().public()).unwrap();
    assert_eq!(format!("{shared:?}"), "SharedSecret(..)");
}

#[test]
fn low_order_peer_keys_are_refused() {
    let mut one = [0; 32];
    one[0] = 1;
    for point in [[0; 32], one] {
        assert_eq!(
            pair()
                .x25519()
                .diffie_hellman(&X25519PublicKey::from(point))
                .unwrap_err(),
            KeyError::ZeroSharedSecret
        );
    }
}

#[test]
fn a_signature_that_every_small_order_key_accepts_is_refused() {
    // A = identity, R = S·B: the lenient equation holds for every message.
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut signature = [0; 64];
    signature[0] = 1;
    let verdict = Ed25519PublicKey::from(identity).verify(b"anything", &Signature::from(signature));
    assert_eq!(verdict, Err(KeyError::SmallOrder));
}

#[test]
fn s_at_or_above_the_group_order_is_refused() {
    // S + ℓ satisfies the equation too; accepting it would make signatures malleable.
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut bytes = *pair().sign(b"m").as_bytes();
    let mut carry = 0;
    for (byte, add) in bytes[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
    assert_eq!(
        pair().public().verify(b"m", &Signature::from(bytes)),
        Err(KeyError::BadSignature)
    );
}

#[test]
fn a_twist_point_has_no_ed25519_key() {
    let mut two = [0; 32];
    two[0] = 2;
    assert_eq!(
        X25519PublicKey::from(two).to_ed25519_positive(),
        Err(KeyError::InvalidPoint)
    );
}

#[test]
fn text_forms_are_told_apart() {
    let key = pair().public();
    assert_eq!(Ed25519PublicKey::from_hex(&key.to_hex().to_uppercase()), Ok(key));
    assert_eq!(Ed25519PublicKey::from_hex("zz"), Err(KeyError::NotHex));
    assert_eq!(
        Ed25519PublicKey::from_hex("00"),
        Err(KeyError::Length {
            expected: 32,
            actual: 1
        })
    );
    assert_eq!(serde_json::to_string(&key).unwrap(), format!("\"{key}\""));
    assert_eq!(
        serde_json::from_str::<Ed25519PublicKey>(&format!("\"{key}\"")).unwrap(),
        key
    );
    assert!(serde_json::from_str::<Ed25519PublicKey>("\"00\"").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn signing_and_verifying_agree(seed: [u8; 32], message: Vec<u8>, flip in 0_usize..512) {
        let pair = Ed25519KeyPair::from_seed(&seed);
        let signature = pair.sign(&message);
        prop_assert!(pair.public().verify(&message, &signature).is_ok());
        let mut bytes = *signature.as_bytes();
        bytes[flip / 8] ^= 1 << (flip % 8);
        prop_assert!(pair.public().verify(&message, &Signature::from(bytes)).is_err());
    }

    #[test]
    fn both_maps_agree(seed: [u8; 32]) {
        let pair = Ed25519KeyPair::from_seed(&seed);
        let x25519 = pair.public().to_x25519().unwrap();
        prop_assert_eq!(x25519, pair.x25519().public());
        prop_assert_eq!(x25519.to_ed25519_positive().unwrap(), pair.public().to_positive());
    }

    #[test]
    fn agreement_is_symmetric(one: [u8; 32], other: [u8; 32]) {
        let (one, other) = (X25519SecretKey::from_bytes(&one), X25519SecretKey::from_bytes(&other));
        let left = one.diffie_hellman(&other.public()).unwrap();
        let right = other.diffie_hellman(&one.public()).unwrap();
        prop_assert_eq!(left.as_bytes(), right.as_bytes());
    }

    #[test]
    fn any_bytes_are_a_key_or_an_error(bytes: [u8; 32], signature: [u8; 32], message: [u8; 4]) {
        let key = Ed25519PublicKey::from(bytes);
        let mut whole = [0; 64];
        whole[..32].copy_from_slice(&signature);
        prop_assert!(key.verify(&message, &Signature::from(whole)).is_err());
        let _ = key.to_x25519();
        let _ = X25519PublicKey::from(bytes).to_ed25519_positive();
    }
}
