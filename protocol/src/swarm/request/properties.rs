//! Requests are read as they were written, in JSON and in bt.

use super::*;
use crate::keys::{Ed25519KeyPair, Ed25519PublicKey, Signature};
use crate::swarm::subaccount::SubaccountToken;
use crate::swarm::{MESSAGE_HASH_LEN, MessageHash, Namespace, NamespaceSelection};
use proptest::prelude::*;
use serde_json::json;

fn user() -> Address {
    Address::account(Ed25519KeyPair::from_seed(&[1; 32]).x25519().public())
}

fn group() -> Address {
    Address::group(Ed25519KeyPair::from_seed(&[2; 32]).public())
}

fn hashes() -> impl Strategy<Value = Vec<MessageHash>> {
    let hash = prop::collection::vec(prop::sample::select(b"AZaz09+/".to_vec()), MESSAGE_HASH_LEN);
    prop::collection::vec(hash.prop_map(|text| MessageHash::from_text(&text).unwrap()), 1..4)
}

fn auths() -> impl Strategy<Value = Auth> {
    let bytes = prop::collection::vec(any::<u8>(), 64);
    let subaccount =
        (prop::collection::vec(any::<u8>(), 36), bytes.clone()).prop_map(|(token, signature)| {
            SubaccountAuth {
                token: SubaccountToken::from_slice(&token).unwrap(),
                signature: Signature::from_slice(&signature).unwrap(),
            }
        });
    (
        bytes,
        prop::option::of(any::<[u8; 32]>()),
        prop::option::of(subaccount),
    )
        .prop_map(|(signature, key, subaccount)| Auth {
            signature: Signature::from_slice(&signature).unwrap(),
            ed25519: key.map(|key| Ed25519PublicKey::from_bytes(&key)),
            subaccount,
        })
}

fn times() -> impl Strategy<Value = u64> {
    1_000_000_000..u64::MAX
}

fn selections() -> impl Strategy<Value = NamespaceSelection> {
    prop_oneof![
        Just(NamespaceSelection::All),
        any::<i16>().prop_map(|number| NamespaceSelection::One(Namespace(number))),
    ]
}

fn plain_requests() -> impl Strategy<Value = Request> {
    let store = (
        any::<i16>(),
        any::<Vec<u8>>(),
        times(),
        times(),
        prop::option::of(times()),
        prop::option::of(auths()),
    )
        .prop_map(
            |(namespace, data, timestamp, expiry, sig_timestamp, auth)| Store {
                account: user(),
                namespace: Namespace(namespace),
                data,
                timestamp,
                expiry,
                sig_timestamp,
                auth,
            },
        );
    let retrieve = (
        prop::option::of(any::<i16>()),
        prop::option::of(hashes()),
        prop::option::of(1..u64::MAX / 2),
        prop::option::of(any::<i64>()),
        prop::option::of(times()),
        auths(),
        prop::option::of(1..=MAX_WAIT_MS),
    )
        .prop_map(
            |(namespace, hash, max_count, max_size, timestamp, auth, wait_ms)| Retrieve {
                account: user(),
                namespace: namespace.map(Namespace),
                last_hash: hash.and_then(|hashes| hashes.first().copied()),
                max_count,
                max_size,
                timestamp,
                auth: Some(auth),
                wait_ms,
            },
        );
    let modes = prop::sample::select(vec![ExpireMode::Set, ExpireMode::Shorten, ExpireMode::Extend]);
    let expire =
        (hashes(), times(), modes, auths(), any::<bool>()).prop_map(|(messages, time, mode, auth, each)| {
            let count = if each { messages.len() } else { 1 };
            Expire {
                account: user(),
                messages,
                expiry: vec![time; count],
                mode,
                auth,
            }
        });
    let owner = || {
        auths().prop_map(|auth| Auth {
            ed25519: None,
            subaccount: None,
            ..auth
        })
    };
    let tokens = || {
        prop::collection::vec(prop::collection::vec(any::<u8>(), 36), 1..4).prop_map(|tokens| {
            tokens
                .iter()
                .map(|token| SubaccountToken::from_slice(token).unwrap())
                .collect::<Vec<_>>()
        })
    };
    prop_oneof![
        store.prop_map(Request::Store),
        retrieve.prop_map(Request::Retrieve),
        expire.prop_map(Request::Expire),
        (hashes(), any::<bool>(), auths()).prop_map(|(messages, required, auth)| Delete {
            account: user(),
            messages,
            required,
            auth
        }
        .into()),
        (selections(), times(), auths()).prop_map(|(namespace, timestamp, auth)| DeleteAll {
            account: user(),
            namespace,
            timestamp,
            auth
        }
        .into()),
        (selections(), times(), auths()).prop_map(|(namespace, before, auth)| DeleteBefore {
            account: user(),
            namespace,
            before,
            auth
        }
        .into()),
        (selections(), times(), auths()).prop_map(|(namespace, expiry, auth)| ExpireAll {
            account: user(),
            namespace,
            expiry,
            auth
        }
        .into()),
        (hashes(), times(), auths()).prop_map(|(messages, timestamp, auth)| GetExpiries {
            account: user(),
            messages,
            timestamp,
            auth
        }
        .into()),
        (tokens(), times(), owner()).prop_map(|(tokens, timestamp, auth)| Revoke {
            account: group(),
            tokens,
            timestamp,
            auth
        }
        .into()),
        (tokens(), times(), owner()).prop_map(|(tokens, timestamp, auth)| Unrevoke {
            account: group(),
            tokens,
            timestamp,
            auth
        }
        .into()),
        (times(), owner()).prop_map(|(timestamp, auth)| RevokedSubaccounts {
            account: group(),
            timestamp,
            auth
        }
        .into()),
        Just(Request::GetSwarm(GetSwarm { account: user() })),
        Just(Request::Info),
        Just(Request::ActiveNodesBin),
        any::<u32>().prop_map(|number| Request::OxendRequest(OxendRequest {
            endpoint: "get_service_nodes".to_owned(),
            params: Some(json!({"n": number, "list": [true, null, -1, "é\"", {}]})),
        })),
    ]
}

fn requests() -> impl Strategy<Value = Request> {
    let batch = || {
        (
            prop::collection::vec(plain_requests(), 1..4),
            prop::option::of(1..=MAX_WAIT_MS),
        )
            .prop_map(|(requests, wait_ms)| Batch { requests, wait_ms })
    };
    let bounds = (
        prop::option::of(any::<[u64; 2]>()),
        prop::option::of(any::<[u64; 3]>()),
        any::<u64>(),
    );
    let choice = (bounds, plain_requests(), prop::option::of(plain_requests())).prop_map(
        |((hf_at_least, v_before, height), then, otherwise)| {
            let condition = Condition {
                hf_at_least,
                v_before,
                height_at_least: Some(height),
                ..Condition::default()
            };
            Request::IfElse(Box::new(IfElse {
                condition,
                then: Some(then),
                otherwise,
            }))
        },
    );
    prop_oneof![
        4 => plain_requests(),
        1 => batch().prop_map(Request::Batch),
        1 => batch().prop_map(Request::Sequence),
        1 => choice,
    ]
}

proptest! {
    #[test]
    fn json_is_read_as_it_was_written(request in requests()) {
        let body = request.to_json_body();
        prop_assert_eq!(Request::from_json(&body), Ok(request.clone()));
        prop_assert_eq!(Request::from_params(request.method(), &request.params_json()), Ok(request));
    }

    #[test]
    fn bt_is_read_as_it_was_written(request in requests()) {
        let params = request.params_bt();
        prop_assert!(crate::bt::decode(&params).is_ok(), "not canonical: {}", params.escape_ascii());
        prop_assert_eq!(Request::from_bt(request.method(), &params), Ok(request));
    }
}
