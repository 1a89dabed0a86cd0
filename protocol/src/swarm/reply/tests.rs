//! Replies as nodes write them, and what a client makes of odd ones.

use super::*;
use crate::keys::{Ed25519KeyPair, Ed25519PublicKey};
use crate::swarm::request::{Delete, DeleteAll, Expire, ExpireMode, Revoke};
use crate::swarm::{Address, Namespace, NamespaceSelection, Signer, SwarmId, message_hash};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const NOW: u64 = 1_700_000_000_000;

fn owner() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed(&[2; 32])
}

fn account() -> Address {
    Address::group(owner().public())
}

fn node(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed(&[seed; 32])
}

fn hash(data: &[u8]) -> MessageHash {
    message_hash(&account(), Namespace(11), data)
}

fn stamp() -> Stamp {
    Stamp::new(NOW, [19, 4])
}

fn read<T: DeserializeOwned>(value: &Value) -> T {
    parse(value.to_string().as_bytes()).unwrap()
}

#[test]
fn a_store_reply_is_written_as_the_network_writes_it() {
    let (node, silent) = (node(1), node(2));
    let stored = Stored::sign(&node, hash(b"a"), NOW + 1, true);
    let reply = SwarmReply {
        swarm: [
            (node.public(), MemberReply::Done(stored)),
            (
                silent.public(),
                MemberReply::Failed(Failure {
                    timeout: true,
                    ..Failure::default()
                }),
            ),
        ]
        .into(),
        hash: Some(hash(b"a")),
        stamp: stamp(),
    };
    let value = serde_json::to_value(&reply).unwrap();
    assert_eq!(
        value,
        json!({
            "swarm": {
                node.public().to_hex(): {
                    "hash": hash(b"a"), "expiry": NOW + 1, "already": true,
                    "signature": base64::encode(stored.signature.as_bytes()),
                },
                silent.public().to_hex(): {"failed": true, "timeout": true},
            },
            "hash": hash(b"a"), "t": NOW, "hf": [19, 4],
        })
    );
    assert_eq!(read::<SwarmReply<Stored>>(&value), reply);
    assert_eq!(reply.code(), 200);
    assert_eq!(
        reply
            .verified(|stored, key| stored.verify(key, &hash(b"a")))
            .count(),
        1
    );
    assert_eq!(
        reply
            .verified(|stored, key| stored.verify(key, &hash(b"b")))
            .count(),
        0
    );
}

#[test]
fn nonsense_from_one_member_does_not_hide_the_others() {
    let node = node(1);
    let good = serde_json::to_value(Stored::sign(&node, hash(b"a"), NOW, false)).unwrap();
    let reply: SwarmReply<Stored> = read(&json!({"swarm": {
        node.public().to_hex(): good,
        "00".repeat(32): {"hash": "x"},
        "11".repeat(32): 5,
        "22".repeat(32): {"failed": true, "code": 401, "reason": "no"},
        "not a key": good,
    }}));
    assert_eq!(reply.done().count(), 1);
    let reasons: Vec<_> = reply.failed().map(|(_, failure)| failure.code.clone()).collect();
    assert_eq!(reasons, [None, None, Some("401".to_owned())]);
}

#[test]
fn all_members_failing_is_a_failure_of_the_whole() {
    let reply: SwarmReply<Stored> =
        read(&json!({"swarm": {"00".repeat(32): {"failed": true, "query_failure": true}}}));
    assert_eq!(reply.code(), 500);
}

#[test]
fn signatures_of_deletions_cover_request_and_result() {
    let signer_pair = owner();
    let signer = Signer::Group(&signer_pair);
    let node = node(1);
    let (a, b) = (hash(b"a"), hash(b"b"));
    let request = Delete::signed(account(), vec![b, a], false, &signer);
    let deleted = Deleted::sign(&node, &request, vec![b, a]);
    assert!(deleted.deleted.is_sorted());
    assert!(deleted.verify(&node.public(), &request).is_ok());
    assert!(deleted.verify(&owner().public(), &request).is_err());
    let fewer = Deleted {
        deleted: vec![a],
        ..deleted.clone()
    };
    assert!(fewer.verify(&node.public(), &request).is_err());
    let other = Delete::signed(account(), vec![a], false, &signer);
    assert!(deleted.verify(&node.public(), &other).is_err());
    let mut signed = account().to_hex();
    for hash in [&b, &a].into_iter().chain(&deleted.deleted) {
        signed.push_str(hash.as_str());
    }
    assert!(
        node.public()
            .verify(signed.as_bytes(), &deleted.signature)
            .is_ok()
    );
}

#[test]
fn bulk_results_are_lists_or_dicts_and_sign_one_order() {
    let signer_pair = owner();
    let request = DeleteAll::signed(
        account(),
        NamespaceSelection::All,
        &Signer::Group(&signer_pair),
        NOW,
    );
    let node = node(1);
    let rows = [
        (Namespace(11), hash(b"a")),
        (Namespace(-11), hash(b"b")),
        (Namespace(11), hash(b"c")),
    ];
    let all = DeletedIn::sign(&node, &request, ByNamespace::new(true, rows));
    let one = DeletedIn::sign(&node, &request, ByNamespace::new(false, rows));
    assert_eq!(all.signature, one.signature);
    let value = serde_json::to_value(&all).unwrap();
    assert_eq!(value["deleted"]["-11"], json!([hash(b"b")]));
    assert_eq!(read::<DeletedIn>(&value), all);
    assert_eq!(read::<DeletedIn>(&serde_json::to_value(&one).unwrap()), one);
    assert!(all.verify(&node.public(), &request).is_ok());
    let ByNamespace::All(map) = all.deleted else {
        panic!()
    };
    assert!(map[&NamespaceKey(Namespace(11))].is_sorted());
}

#[test]
fn expire_signs_what_changed_and_what_did_not() {
    let signer_pair = owner();
    let (a, b) = (hash(b"a"), hash(b"b"));
    let request = Expire::signed(
        account(),
        vec![a, b],
        vec![NOW],
        ExpireMode::Extend,
        &Signer::Group(&signer_pair),
    );
    let node = node(1);
    let unchanged = Some([(b, NOW + 5)].into());
    let result = Expired::sign(&node, &request, vec![a], Expiries::One(NOW), unchanged);
    assert!(result.verify(&node.public(), &request).is_ok());
    let signed = format!("{}{NOW}{a}{b}{a}{b}{}", account(), NOW + 5);
    assert!(node.public().verify(signed.as_bytes(), &result.signature).is_ok());
    assert_eq!(read::<Expired>(&serde_json::to_value(&result).unwrap()), result);
    let lied = Expired {
        unchanged: None,
        ..result
    };
    assert!(lied.verify(&node.public(), &request).is_err());

    let each = Expired::sign(&node, &request, vec![a, b], Expiries::Each(vec![1, 2]), None);
    let value = serde_json::to_value(&each).unwrap();
    assert_eq!(value["expiry"], json!([1, 2]));
    assert_eq!(read::<Expired>(&value), each);
}

#[test]
fn revocations_are_signed_with_their_raw_tokens() {
    let signer_pair = owner();
    let token = SubaccountToken::from_slice(&[3; 36]).unwrap();
    let request = Revoke::signed(account(), vec![token], &Signer::Group(&signer_pair), NOW);
    let node = node(1);
    let result = Revoked::sign(&node, &request, None);
    assert!(result.verify(&node.public(), &request).is_ok());
    let signed = [format!("{}{NOW}", account()).as_bytes(), token.as_bytes()].concat();
    assert!(node.public().verify(&signed, &result.signature).is_ok());
}

#[test]
fn both_names_of_the_expiry_are_read_and_unreadable_messages_counted() {
    let reply: RetrieveReply = read(&json!({"messages": [
        {"hash": hash(b"a"), "timestamp": 1, "expiration": 2, "data": "aGk="},
        {"hash": hash(b"b"), "timestamp": 1, "expiry": 3, "data": "aGk"},
        {"hash": hash(b"c"), "timestamp": 1, "data": ""},
        {"hash": "short", "timestamp": 1, "data": ""},
        {"hash": hash(b"d"), "timestamp": 1, "data": "***"},
        7,
    ], "more": true, "t": NOW}));
    let expiries: Vec<_> = reply.messages.iter().map(|message| message.expiration).collect();
    assert_eq!(expiries, [Some(2), Some(3), None]);
    assert_eq!(
        (reply.unreadable, reply.more, reply.stamp.t),
        (3, true, Some(NOW))
    );
    assert_eq!(reply.messages[0].data, b"hi");
}

#[test]
fn a_lie_about_a_hash_shows() {
    let message = Message {
        hash: hash(b"a"),
        timestamp: 1,
        expiration: None,
        data: b"a".to_vec(),
    };
    assert!(message.hash_matches(&account(), Namespace(11)));
    assert!(!message.hash_matches(&account(), Namespace(12)));
}

#[test]
fn a_swarm_is_written_with_its_deprecated_fields() {
    let key = Ed25519PublicKey::from_bytes(&[0; 32]);
    let member = SwarmMember::new(key, owner().x25519().public(), [1, 2, 3, 4].into(), 22021, 22020);
    let info = SwarmInfo {
        snodes: vec![member],
        swarm: SwarmId(0xff),
        stamp: stamp(),
    };
    let value = serde_json::to_value(&info).unwrap();
    assert_eq!(value["snodes"][0]["port"], "22021");
    assert_eq!(value["snodes"][0]["address"], format!("{}.snode", "y".repeat(52)));
    assert_eq!(value["swarm"], "ff");
    assert_eq!(read::<SwarmInfo>(&value), info);

    let odd: SwarmInfo = read(&json!({"snodes": [
        {"pubkey_ed25519": "00".repeat(32), "port": 22021, "ip": "0.0.0.0"}, {"ip": "1.1.1.1"}, 5,
    ]}));
    assert_eq!((odd.snodes.len(), odd.swarm), (1, SwarmId::NONE));
    assert_eq!(odd.snodes[0].port.as_deref(), Some("22021"));
}

#[test]
fn batches_share_a_failure_only_when_all_have_it() {
    let batch = |codes: &[u16]| {
        let results: Vec<_> = codes
            .iter()
            .map(|code| json!({"code": code, "body": "no"}))
            .collect();
        read::<BatchReply>(&json!({ "results": results }))
    };
    assert_eq!(batch(&[421, 421]).common_failure(), Some(421));
    assert_eq!(batch(&[421, 200]).common_failure(), None);
    assert_eq!(batch(&[200, 200]).common_failure(), None);
    assert_eq!(batch(&[]).common_failure(), None);
    assert_eq!(batch(&[401]).results[0].text(), "no");
}

#[test]
fn small_replies_are_read_as_written() {
    let info = InfoReply {
        version: [2, 11, 3],
        timestamp: NOW,
        wait: Some(25_000),
        stamp: stamp(),
    };
    assert_eq!(read::<InfoReply>(&serde_json::to_value(&info).unwrap()), info);
    let plain: InfoReply = read(&json!({"version": [2, 8, 0], "timestamp": NOW, "t": NOW, "hf": [19, 4]}));
    assert_eq!(plain.wait, None);
    let revoked = RevokedSubaccountsReply {
        revoked_subaccounts: vec![SubaccountToken::from_slice(&[1; 36]).unwrap()],
        stamp: stamp(),
    };
    let value = serde_json::to_value(&revoked).unwrap();
    assert_eq!(value["revoked_subaccounts"][0].as_str().map(str::len), Some(48));
    assert_eq!(read::<RevokedSubaccountsReply>(&value), revoked);
    let expiries = ExpiriesReply {
        expiries: [(hash(b"a"), NOW)].into(),
    };
    assert_eq!(
        read::<ExpiriesReply>(&serde_json::to_value(&expiries).unwrap()),
        expiries
    );
    let choice: IfElseReply = read(&json!({"hf": [19, 4], "v": [2, 11, 3], "height": 5, "condition": false}));
    assert!(choice.result.is_none());
}

#[test]
fn deep_and_oversize_replies_are_not_parsed() {
    let deep = format!("{{\"results\":{}", "[".repeat(100_000));
    assert!(matches!(
        parse::<BatchReply>(deep.as_bytes()),
        Err(ReplyError::Limit(_))
    ));
    let long = vec![b' '; MAX_REPLY_SIZE + 1];
    assert!(matches!(parse::<BatchReply>(&long), Err(ReplyError::Limit(_))));
}

proptest! {
    #[test]
    fn retrieved_messages_are_read_as_written(
        datas in prop::collection::vec(any::<Vec<u8>>(), 0..5), timestamp: u64, expiration: u64, more: bool,
    ) {
        let messages: Vec<_> = datas
            .into_iter()
            .map(|data| Message { hash: hash(&data), timestamp, expiration: Some(expiration), data })
            .collect();
        let reply = RetrieveReply { messages, unreadable: 0, more, stamp: stamp() };
        let mut written = Vec::new();
        let rows = reply.messages.iter().map(|m| (&m.hash, m.timestamp, expiration, m.data.as_slice()));
        RetrieveReply::write_json(&mut written, rows, more, stamp());
        prop_assert_eq!(&parse::<RetrieveReply>(&written).unwrap(), &reply);
        let value: Value = serde_json::from_slice(&written).unwrap();
        prop_assert_eq!(serde_json::to_value(&reply).unwrap(), value);
    }
}
