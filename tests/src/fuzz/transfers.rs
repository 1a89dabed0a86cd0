//! The transfer of an account: codes as anybody can show them, and messages as anybody can put them into a mailbox.

use super::{CRYPTOGRAPHIC, Row};
use crate::replay::ReplayRng;
use holdfast_protocol::account::Seed;
use holdfast_protocol::sealed_box;
use holdfast_protocol::transfer::{Agreement, Asking, CODE_SIZE, Code, Giving, Grant, MESSAGE_SIZE};

pub(super) const TARGETS: &[Row] = &[
    ("transfer_code", code, code_seeds, CRYPTOGRAPHIC),
    ("transfer_message", message, message_seeds, CRYPTOGRAPHIC),
];

const NOW: u64 = 1_780_000_000_000;

fn asking() -> Asking {
    Asking::new(NOW, &mut ReplayRng::new([vec![1; 16], vec![2; 32]]))
}

fn giving() -> Giving {
    Giving::new(*asking().code(), &mut ReplayRng::new([vec![3; 16]]))
}

/// What the old device has in common with the new one.
fn agreement() -> Agreement {
    let to = giving().meeting().x25519().public();
    let opening = asking().opening(&to, &mut ReplayRng::new([vec![4; 32]]));
    giving()
        .read_opening(&opening.expect("a good key"))
        .expect("its own opening")
}

fn grant() -> Grant {
    Grant {
        seed: Seed::from_bytes(&[5; 16]),
        name: "Ann".to_owned(),
    }
}

/// Bytes and text; what is read is written the same, and the digits take any text.
fn code(input: &[u8]) {
    if let Ok(code) = Code::from_bytes(input) {
        assert_eq!(code.to_bytes().as_slice(), input);
        assert_eq!(Code::read(&code.data()), Ok(code));
        let _ = code.check(NOW);
    }
    let text = String::from_utf8_lossy(input);
    if let Ok(code) = Code::read(&text) {
        assert_eq!(Code::read(&code.data()), Ok(code));
    }
    let _ = agreement().digits().compare(&text);
}

fn code_seeds() -> Vec<Vec<u8>> {
    let code = *asking().code();
    assert_eq!(code.to_bytes().len(), CODE_SIZE);
    vec![
        code.to_bytes().to_vec(),
        code.data().into_bytes(),
        format!("https://example.org/#/t/{}", code.data()).into_bytes(),
        agreement().digits().to_string().into_bytes(),
    ]
}

/// The same bytes at every step; then as the content of a box that opens, which is taken only when it is what was sent.
fn message(input: &[u8]) {
    let (new, old) = (asking(), giving());
    let _ = new.read_answer(input);
    let _ = old.read_opening(input);
    if let Ok(read) = agreement().open(input) {
        assert!(read == grant(), "nobody sent this");
    }
    let content = input.get(..MESSAGE_SIZE - sealed_box::OVERHEAD).unwrap_or(input);
    let seal = |to| sealed_box::seal(&to, content, &mut ReplayRng::new([vec![6; 32]])).expect("a good key");
    let _ = new.read_answer(&seal(new.meeting().x25519().public()));
    let _ = old.read_opening(&seal(old.meeting().x25519().public()));
}

fn message_seeds() -> Vec<Vec<u8>> {
    let (new, old) = (asking(), giving());
    let to = old.meeting().x25519().public();
    let size = MESSAGE_SIZE - sealed_box::OVERHEAD;
    let padded = |parts: &[&[u8]]| {
        let mut content = parts.concat();
        content.resize(size, 0);
        content
    };
    let code = new.code().to_bytes();
    // The commitment stands between the key and the expiry.
    let commitment = &code[33..CODE_SIZE - 8];
    vec![
        old.answer(&mut ReplayRng::new([vec![7; 32]]))
            .expect("a good key"),
        new.opening(&to, &mut ReplayRng::new([vec![7; 32]]))
            .expect("a good key"),
        agreement()
            .seal(&grant(), &mut ReplayRng::new([vec![8; 24]]))
            .expect("it fits"),
        padded(&[&[1], to.as_bytes(), commitment]),
        padded(&[&[2], &[2; 32]]),
    ]
}
