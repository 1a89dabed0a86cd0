//! Releases of the site, as any server can offer them: the list of files, and the signature over it.

use holdfast_node::release::{MAX_FILES, MAX_NUMBER, Release, Signed};
use holdfast_protocol::keys::Ed25519KeyPair;
use serde_json::json;

use super::{CRYPTOGRAPHIC, PARSING, Row};

pub(super) const TARGETS: &[Row] = &[
    ("release", release, release_seeds, PARSING),
    ("release_signature", signature, signature_seeds, CRYPTOGRAPHIC),
];

/// A list that was signed.
const LIST: &[u8] = b"the list";

/// What is read stays inside of the site and is written the same.
fn release(input: &[u8]) {
    let Ok(release) = Release::read(input) else { return };
    assert!(release.number <= MAX_NUMBER && release.files.len() <= MAX_FILES);
    for path in release.files.keys() {
        let inside = path
            .split('/')
            .all(|part| !part.is_empty() && !part.starts_with('.'));
        assert!(inside && path.is_ascii(), "{path}");
    }
    let written = serde_json::to_vec(&release).expect("JSON");
    assert_eq!(Release::read(&written).expect("what was written"), release);
}

fn release_seeds() -> Vec<Vec<u8>> {
    let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let files = json!({"index.html": hash, "service-worker.js": hash, "networks/mainnet-nodes.bin": hash});
    let seeds = vec![
        json!({"format": 1, "version": "1", "number": 0, "files": {}}),
        json!({"format": 1, "version": "0.1.0-rc.1", "number": MAX_NUMBER, "files": files}),
    ];
    let seeds: Vec<Vec<u8>> = seeds
        .into_iter()
        .map(|seed| seed.to_string().into_bytes())
        .collect();
    assert!(seeds.iter().all(|seed| Release::read(seed).is_ok()));
    seeds
}

/// What is read is written the same, and holds for one list at most.
fn signature(input: &[u8]) {
    let Ok(signed) = Signed::read(input) else { return };
    let written = serde_json::to_vec(&signed).expect("JSON");
    assert_eq!(Signed::read(&written).expect("what was written"), signed);
    let wanted = keys(1).public();
    let _ = signed.verify(LIST, Some(&wanted));
    if signed.verify(LIST, None).is_ok() {
        assert!(signed.verify(b"another list", None).is_err());
    }
}

fn keys(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed(&[seed; 32])
}

fn signature_seeds() -> Vec<Vec<u8>> {
    let (old, new) = (keys(1), keys(2));
    let list = [b"holdfast release\n".as_slice(), LIST].concat();
    let handed_over = [b"holdfast release key\n".as_slice(), new.public().as_bytes()].concat();
    let step = json!({"from": old.public(), "to": new.public(), "signature": old.sign(&handed_over)});
    let seeds = [
        json!({"format": 1, "key": old.public(), "signature": old.sign(&list)}),
        json!({"format": 1, "key": new.public(), "signature": new.sign(&list), "handed_over": [step]}),
    ];
    let seeds: Vec<Vec<u8>> = seeds
        .into_iter()
        .map(|seed| seed.to_string().into_bytes())
        .collect();
    for seed in &seeds {
        let signed = Signed::read(seed).expect("a signature");
        signed.verify(LIST, Some(&old.public())).expect("the right one");
    }
    seeds
}
