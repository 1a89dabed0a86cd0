//! Two devices that talk, what each of them refuses, and the format once and for all.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::account::Seed;
use crate::hash::blake2b;
use crate::keys::X25519PublicKey;
use crate::sealed_box;

const NOW: u64 = 1_780_000_000_000;

fn rng(number: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([number; 32])
}

/// Gives one byte over and over.
struct Same(u8);

impl rand_core::TryRng for Same {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(u32::from_le_bytes([self.0; 4]))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(u64::from_le_bytes([self.0; 8]))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        bytes.fill(self.0);
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Same {}

/// A new device, and an old one that read its code.
fn pair() -> (Asking, Giving) {
    let new = Asking::new(NOW, &mut rng(1));
    let old = Giving::new(*new.code(), &mut rng(2));
    (new, old)
}

/// What both have once they have heard each other.
fn agreed(new: &Asking, old: &Giving) -> (Agreement, Agreement) {
    let answer = old.answer(&mut rng(3)).unwrap();
    let (who, at_new) = new.read_answer(&answer).unwrap();
    let opening = new.opening(&who, &mut rng(4)).unwrap();
    (at_new, old.read_opening(&opening).unwrap())
}

fn grant(name: &str) -> Grant {
    Grant {
        seed: Seed::from_bytes(&[9; 16]),
        name: name.to_owned(),
    }
}

fn digits(agreement: &Agreement) -> String {
    agreement.digits().to_string()
}

#[test]
fn an_account_goes_from_one_device_to_the_other() {
    let (new, old) = pair();
    let (at_new, at_old) = agreed(&new, &old);
    assert_eq!(digits(&at_new), digits(&at_old));
    let message = at_old.seal(&grant("Ann"), &mut rng(5)).unwrap();
    assert_eq!(at_new.open(&message), Ok(grant("Ann")));
    assert_eq!(new.code().mailbox(), new.meeting().id());
}

#[test]
fn all_messages_have_one_size_whatever_is_in_them() {
    let (new, old) = pair();
    let (at_new, at_old) = agreed(&new, &old);
    assert_eq!(old.answer(&mut rng(3)).unwrap().len(), MESSAGE_SIZE);
    let who = old.meeting().x25519().public();
    assert_eq!(new.opening(&who, &mut rng(4)).unwrap().len(), MESSAGE_SIZE);
    for (name, kept) in [
        (String::new(), String::new()),
        ("x".repeat(100), "x".repeat(100)),
        ("é".repeat(80), "é".repeat(50)),
    ] {
        let message = at_old.seal(&grant(&name), &mut rng(5)).unwrap();
        assert_eq!(message.len(), MESSAGE_SIZE);
        assert_eq!(at_new.open(&message).unwrap().name, kept);
    }
    let turned = at_old.seal(&grant("x\u{202e}y"), &mut rng(5)).unwrap();
    assert_eq!(at_new.open(&turned).unwrap().name, "xy");
}

#[test]
fn who_stands_between_the_two_gives_them_other_digits() {
    // Somebody who shows the old device a code of their own, and answers the new one themselves.
    let (new, _) = pair();
    let between = (
        Asking::new(NOW, &mut rng(6)),
        Giving::new(*new.code(), &mut rng(7)),
    );
    let old = Giving::new(*between.0.code(), &mut rng(8));
    let (shown, _) = agreed(&new, &between.1);
    let (_, expected) = agreed(&between.0, &old);
    assert_ne!(digits(&shown), digits(&expected));
    let message = expected.seal(&grant("Ann"), &mut rng(5)).unwrap();
    assert_eq!(shown.open(&message), Err(MessageError::Forged));
}

#[test]
fn the_digits_depend_on_all_that_was_said() {
    let (new, old) = pair();
    let first = digits(&agreed(&new, &old).0);
    let other_number = Asking::new(NOW, &mut rng(11));
    let other_answer = Giving::new(*new.code(), &mut rng(12));
    let later = Asking::new(NOW + 1_000, &mut rng(1));
    assert_eq!(later.code().key(), new.code().key());
    let others = [
        digits(&agreed(&other_number, &Giving::new(*other_number.code(), &mut rng(2))).0),
        digits(&agreed(&new, &other_answer).0),
        digits(&agreed(&later, &Giving::new(*later.code(), &mut rng(2))).0),
    ];
    assert!(others.iter().all(|other| *other != first), "{others:?}");
}

#[test]
fn a_code_that_was_changed_on_its_way_gives_other_digits() {
    let (new, _) = pair();
    let mut bytes = new.code().to_bytes();
    // The other of two keys that have one mailbox.
    bytes[32] ^= 0x80;
    let changed = Code::from_bytes(&bytes).unwrap();
    assert_eq!(changed.mailbox(), new.code().mailbox());
    let (at_new, at_old) = agreed(&new, &Giving::new(changed, &mut rng(2)));
    assert_ne!(digits(&at_new), digits(&at_old));
    let message = at_old.seal(&grant("Ann"), &mut rng(5)).unwrap();
    assert_eq!(at_new.open(&message), Err(MessageError::Forged));
}

#[test]
fn an_answer_without_the_code_is_refused() {
    let (new, old) = pair();
    // The swarm knows the mailbox, but not the commitment.
    let mut contents = [0; MESSAGE_SIZE - sealed_box::OVERHEAD];
    contents[0] = 1;
    contents[1..33].copy_from_slice(old.meeting().x25519().public().as_bytes());
    let to = new.meeting().x25519().public();
    let answer = sealed_box::seal(&to, &contents, &mut rng(3)).unwrap();
    assert_eq!(new.read_answer(&answer).err(), Some(MessageError::OtherCode));
    // An answer to another device.
    let elsewhere = Giving::new(*Asking::new(NOW, &mut rng(9)).code(), &mut rng(2));
    let foreign = elsewhere.answer(&mut rng(3)).unwrap();
    assert_eq!(new.read_answer(&foreign).err(), Some(MessageError::Forged));
}

#[test]
fn an_answer_with_a_key_of_low_order_is_refused() {
    let (new, _) = pair();
    let mut contents = [0; MESSAGE_SIZE - sealed_box::OVERHEAD];
    contents[0] = 1;
    let code = new.code().to_bytes();
    contents[33..49].copy_from_slice(&code[33..49]);
    let to = new.meeting().x25519().public();
    let answer = sealed_box::seal(&to, &contents, &mut rng(3)).unwrap();
    assert!(matches!(new.read_answer(&answer), Err(MessageError::Key(_))));
}

#[test]
fn a_number_that_was_not_committed_to_is_refused() {
    let (new, old) = pair();
    let other = Asking::new(NOW, &mut rng(9));
    let who = old.meeting().x25519().public();
    let opening = other.opening(&who, &mut rng(4)).unwrap();
    assert_eq!(old.read_opening(&opening).err(), Some(MessageError::OtherCode));
    let right = new.opening(&who, &mut rng(4)).unwrap();
    assert!(old.read_opening(&right).is_ok());
}

#[test]
fn messages_at_the_wrong_step_and_of_other_sizes_are_told_apart() {
    let (new, old) = pair();
    let (at_new, at_old) = agreed(&new, &old);
    let answer = old.answer(&mut rng(3)).unwrap();
    let own = new.meeting().x25519().public();
    let opening = new.opening(&own, &mut rng(4)).unwrap();
    assert_eq!(new.read_answer(&opening).err(), Some(MessageError::Content));
    assert_eq!(at_new.open(&answer), Err(MessageError::Forged));
    let message = at_old.seal(&grant("Ann"), &mut rng(5)).unwrap();
    assert_eq!(new.read_answer(&message).err(), Some(MessageError::Forged));
    for size in [0, MESSAGE_SIZE - 1, MESSAGE_SIZE + 1, 70_000] {
        let bytes = vec![7; size];
        assert_eq!(new.read_answer(&bytes).err(), Some(MessageError::Size));
        assert_eq!(old.read_opening(&bytes).err(), Some(MessageError::Size));
        assert_eq!(at_new.open(&bytes), Err(MessageError::Size));
    }
}

#[test]
fn a_code_is_read_from_its_data_or_from_a_link() {
    let code = *pair().0.code();
    let data = code.data();
    for text in [
        data.clone(),
        format!(" {data}\n"),
        format!("https://chat.example.org/app/#/t/{data}"),
        format!("https://chat.example.org/#/t/{data}?x=1"),
    ] {
        assert_eq!(Code::read(&text), Ok(code), "{text}");
    }
    let mut newer = code.to_bytes().to_vec();
    newer[0] = 2;
    newer.push(0);
    assert_eq!(Code::read(&BASE64URL_NOPAD.encode(&newer)), Err(CodeError::Newer));
    for bad in [
        "",
        "AA",
        "kelp",
        "https://chat.example.org/#/t/",
        &data[..70],
        &format!("{data}AAAA"),
        &"A".repeat(76),
        &" A".repeat(1_000),
    ] {
        assert_eq!(Code::read(bad), Err(CodeError::Malformed), "{bad}");
    }
    let mut no_point = code.to_bytes();
    no_point[1..33].fill(0);
    assert_eq!(Code::from_bytes(&no_point), Err(CodeError::Malformed));
}

#[test]
fn a_code_is_good_for_some_minutes_and_no_longer() {
    let code = *pair().0.code();
    let end = code.expires_at();
    assert_eq!(end, NOW + LIFETIME_MS);
    // In whole seconds, and never longer.
    assert_eq!(Asking::new(NOW + 999, &mut rng(1)).code().expires_at(), end);
    assert_eq!(code.check(NOW), Ok(()));
    assert_eq!(code.check(end - 1), Ok(()));
    assert_eq!(code.check(end), Err(CodeError::Expired));
    // The other clock may be a little behind; a code for a year is nobody's.
    assert_eq!(code.check(NOW - 59_000), Ok(()));
    assert_eq!(code.check(NOW - 62_000), Err(CodeError::Malformed));
    let mut endless = code.to_bytes();
    endless[CODE_SIZE - 8..].fill(0xff);
    let endless = Code::from_bytes(&endless).unwrap();
    assert_eq!(endless.check(NOW), Err(CodeError::Malformed));
}

#[test]
fn digits_are_compared_as_they_are_typed() {
    let (new, old) = pair();
    let right = agreed(&new, &old).0.digits();
    let shown = right.to_string();
    assert_eq!(shown.len(), 6);
    assert_eq!(right.compare(&shown), Some(true));
    assert_eq!(
        right.compare(&format!(" {} {}", &shown[..3], &shown[3..])),
        Some(true)
    );
    let wrong = if shown.starts_with('0') { "1" } else { "0" };
    assert_eq!(right.compare(&format!("{wrong}{}", &shown[1..])), Some(false));
    for unfinished in ["", &shown[..5], &format!("{shown}0"), "kelp"] {
        assert_eq!(right.compare(unfinished), None, "{unfinished}");
    }
}

#[test]
fn nothing_secret_is_printed() {
    let (new, old) = pair();
    let (at_new, _) = agreed(&new, &old);
    let shown = format!("{new:?} {old:?} {at_new:?} {:?}", at_new.digits());
    assert_eq!(shown, "Asking(..) Giving(..) Agreement(..) Digits(..)");
    assert!(!format!("{:?}", grant("Ann")).contains("090909"));
}

/// The format of version 1, computed once by another program from the document.
#[test]
fn everything_is_as_documented() {
    let new = Asking::new(NOW, &mut Same(1));
    let data = "AYxEsCrfT4e_LdYC8PRO8SIy878kXlTNvjZFVSK3k8zT4BsZTbhCXwKDFYKBnFFf0gAAAABqGKYs";
    assert_eq!(new.code().data(), data);
    let old = Giving::new(*new.code(), &mut Same(2));
    let (at_new, at_old) = agreed(&new, &old);
    assert_eq!(digits(&at_new), "293923");
    let given = Grant {
        seed: Seed::from_bytes(&[4; 16]),
        name: "Ann".to_owned(),
    };
    let message = at_old.seal(&given, &mut Same(3)).unwrap();
    let hash = blake2b::<16>(&[&message]);
    assert_eq!(HEXLOWER.encode(&hash), "9370e252fcc848b40b5b8cf9c23e789d");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_flipped_bit_is_refused(at in 0..MESSAGE_SIZE, bit in 0..8_u8) {
        let (new, old) = pair();
        let (at_new, at_old) = agreed(&new, &old);
        let mut answer = old.answer(&mut rng(3)).unwrap();
        let who = old.meeting().x25519().public();
        let mut opening = new.opening(&who, &mut rng(4)).unwrap();
        let mut message = at_old.seal(&grant("Ann"), &mut rng(5)).unwrap();
        for bytes in [&mut answer, &mut opening, &mut message] {
            bytes[at] ^= 1 << bit;
        }
        prop_assert!(new.read_answer(&answer).is_err());
        prop_assert!(old.read_opening(&opening).is_err());
        prop_assert!(at_new.open(&message).is_err());
    }

    #[test]
    fn any_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), MESSAGE_SIZE)) {
        let (new, old) = pair();
        prop_assert!(new.read_answer(&bytes).is_err());
        prop_assert!(old.read_opening(&bytes).is_err());
        prop_assert!(agreed(&new, &old).0.open(&bytes).is_err());
    }

    #[test]
    fn any_content_that_was_sealed_is_read_or_refused(
        mut contents in prop::collection::vec(any::<u8>(), MESSAGE_SIZE - sealed_box::OVERHEAD),
        kind in 0..5_u8,
    ) {
        let (new, old) = pair();
        contents[0] = kind;
        let seal = |to: X25519PublicKey| sealed_box::seal(&to, &contents, &mut rng(3)).unwrap();
        prop_assert!(new.read_answer(&seal(new.meeting().x25519().public())).is_err());
        prop_assert!(old.read_opening(&seal(old.meeting().x25519().public())).is_err());
    }

    #[test]
    fn codes_are_read_as_they_were_written(seed: u8, now in 0..u64::MAX / 2) {
        let code = *Asking::new(now, &mut rng(seed)).code();
        prop_assert_eq!(Code::read(&code.data()), Ok(code));
        prop_assert_eq!(code.check(now), Ok(()));
    }

    #[test]
    fn any_text_is_a_code_or_none(text in "\\PC{0,120}", bytes: Vec<u8>, typed in "\\PC{0,12}") {
        let _ = Code::read(&text);
        let _ = Code::read(&format!("https://a/#/t/{text}"));
        if let Ok(code) = Code::from_bytes(&bytes) {
            let again = code.to_bytes();
            prop_assert_eq!(again.as_slice(), bytes.as_slice());
        }
        let (new, old) = pair();
        let _ = agreed(&new, &old).0.digits().compare(&typed);
    }

    #[test]
    fn any_account_is_given_as_it_is(seed: [u8; 16], name in "\\PC{0,40}") {
        let (new, old) = pair();
        let (at_new, at_old) = agreed(&new, &old);
        let given = Grant { seed: Seed::from_bytes(&seed), name };
        let message = at_old.seal(&given, &mut rng(5)).unwrap();
        let taken = at_new.open(&message).unwrap();
        prop_assert_eq!(taken.seed, given.seed);
        let known = crate::message::name::received_name(&given.name);
        prop_assert_eq!(taken.name, known.unwrap_or_default());
    }
}
