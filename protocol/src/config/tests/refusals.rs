//! What is refused changes nothing.

use super::super::parts::MARK;
use super::super::{
    CompressionError, Config, ConfigKind, FormatError, MAX_MESSAGE, PartError, Refusal, seal,
};
use super::{NOW, account};
use proptest::prelude::*;

/// A content under the encryption that the document expects.
fn sealed(content: &[u8]) -> Vec<u8> {
    let account = account();
    let domain = ConfigKind::UserProfile.domain();
    seal::encrypt(account.ed25519().seed(), domain, &seal::pad(content)).unwrap()
}

/// A document with some state of every sort.
fn config() -> Config {
    let mut config = Config::new(ConfigKind::UserProfile, &account());
    config.set(&[b"n"], Some("Ann".into()));
    let push = config.push(NOW).unwrap();
    config.confirm_pushed(push.seqno, ["current"]);
    config.set(&[b"zz", b"a"], Some(1.into()));
    config
}

/// Merges one message and tells why it was refused.
fn refuse(message: &[u8]) -> Refusal {
    let mut config = config();
    let before = config.dump();
    let report = config.merge(&[("x", message)], NOW);
    assert!(report.accepted.is_empty() && !report.changed && !config.needs_dump());
    assert_eq!(config.dump(), before);
    report.refused[0].1
}

#[test]
fn each_refusal_has_its_reason() {
    assert!(matches!(refuse(b""), Refusal::Undecryptable(_)));
    assert_eq!(refuse(&[0; MAX_MESSAGE + 1]), Refusal::TooLarge);
    assert_eq!(refuse(&sealed(b"")), Refusal::Empty);
    assert_eq!(refuse(&sealed(b"x")), Refusal::Unknown);
    assert_eq!(
        refuse(&sealed(b"zx")),
        Refusal::Compression(CompressionError::Broken)
    );
    assert_eq!(refuse(&sealed(&[MARK])), Refusal::Part(PartError::Broken));
    let newer = sealed(b"d1:!i0e1:#i1e1:&de1:<le1:=dee");
    assert_eq!(refuse(&newer), Refusal::Format(FormatError::NewerVersion));
    assert!(matches!(
        refuse(&sealed(b"d")),
        Refusal::Format(FormatError::Bt(_))
    ));
    let deep = [
        &b"d1:#i1e1:&"[..],
        &b"d1:a".repeat(100),
        b"i1e",
        &[b'e'; 100],
        b"1:<le1:=dee",
    ]
    .concat();
    assert!(matches!(
        refuse(&sealed(&deep)),
        Refusal::Format(FormatError::Data(_))
    ));
    let deep = [
        &b"d1:#i1e1:&de1:<le1:="[..],
        &b"d1:a".repeat(100),
        b"0:",
        &[b'e'; 101],
    ]
    .concat();
    assert!(matches!(
        refuse(&sealed(&deep)),
        Refusal::Format(FormatError::Diff(_))
    ));
}

#[test]
fn a_refused_message_does_not_take_part_in_the_merge_around_it() {
    // Another device's message stands beside a broken one; each keeps its own storage hash.
    let mut other = Config::new(ConfigKind::UserProfile, &account());
    other.set(&[b"n"], Some("Bob".into()));
    let good = other.push(NOW).unwrap().messages.remove(0);
    let mut fresh = Config::new(ConfigKind::UserProfile, &account());
    let report = fresh.merge(&[("bad", sealed(b"d")), ("good", good)], NOW);
    assert_eq!(report.refused.len(), 1);
    assert_eq!(fresh.current_hashes(), &["good".to_owned()].into());
    assert!(fresh.obsolete_hashes().is_empty());
}

#[test]
fn stale_and_replayed_messages_change_nothing_but_are_cleared_away() {
    let mut config = Config::new(ConfigKind::UserProfile, &account());
    let mut messages = Vec::new();
    for at in 0..8_i64 {
        config.set(&[b"+"], Some((at + 1).into()));
        let push = config.push(NOW).unwrap();
        config.confirm_pushed(push.seqno, [at.to_string()]);
        messages.push((at.to_string(), push.messages[0].clone()));
    }
    for _ in 0..2 {
        let hash = config.message_hash();
        let report = config.merge(&messages, NOW);
        assert!(!report.changed && report.redone == 0 && !config.needs_push());
        assert_eq!(config.message_hash(), hash);
        assert_eq!(config.active_hashes(), ["7".to_owned()].into());
    }
    let obsolete = config.push(NOW).unwrap().obsolete;
    assert_eq!(obsolete, ["0", "1", "2", "3", "4", "5", "6"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_are_refused_and_change_nothing(bytes: Vec<u8>, inside: bool) {
        refuse(&if inside { sealed(&bytes) } else { bytes });
    }

    #[test]
    fn any_dump_loads_or_is_refused(bytes: Vec<u8>, at: prop::sample::Index, cut: bool) {
        let mut dump = config().dump().to_vec();
        let at = at.index(dump.len());
        if cut {
            dump.truncate(at);
        }
        dump.splice(at..at, bytes);
        let _ = Config::load(ConfigKind::UserProfile, &account(), &dump);
    }
}
