//! Parsing rules of every method.

use super::*;
use crate::keys::{Ed25519KeyPair, Signature};
use crate::swarm::subaccount::SubaccountToken;
use crate::swarm::{Namespace, NamespaceSelection};
use serde_json::{Value, json};

const HASH: &str = "Sszh3u0uGYMLtNRPsW1pj/F/jCEDk27s8/3QqswXHiA";
const NOW: u64 = 1_700_000_000_000;

fn user() -> Address {
    Address::account(Ed25519KeyPair::from_seed(&[1; 32]).x25519().public())
}

fn group() -> Address {
    Address::group(Ed25519KeyPair::from_seed(&[2; 32]).public())
}

fn parse(method: &str, params: Value) -> Result<Request, RequestError> {
    let body = json!({ "method": method, "params": params, "jsonrpc": "2.0" });
    Request::from_json(body.to_string().as_bytes())
}

/// `base` with some fields changed; null removes.
fn with(base: &Value, changes: Value) -> Value {
    let mut value = base.clone();
    for (key, change) in changes.as_object().unwrap() {
        value[key.as_str()] = change.clone();
    }
    value
}

fn code(method: &str, params: Value) -> u16 {
    parse(method, params).map_or_else(|error| error.code, |_| 200)
}

fn signature() -> String {
    crate::base64::encode(&[7; 64])
}

#[test]
fn bodies_that_are_no_call_are_refused() {
    for body in [
        "",
        "[]",
        "1",
        "{}",
        "{\"method\":\"info\"}",
        "{\"method\":1,\"params\":{}}",
    ] {
        assert_eq!(
            Request::from_json(body.as_bytes()).unwrap_err().code,
            400,
            "{body}"
        );
    }
    assert_eq!(parse("info", json!([])).unwrap_err().code, 400);
    assert_eq!(parse("info", json!({})), Ok(Request::Info));
    let error = parse("nonsense", json!({})).unwrap_err();
    assert_eq!((error.code, error.text.as_ref()), (400, "no method nonsense"));
    let error = parse("get_swarm", json!({})).unwrap_err();
    assert!(error.text.starts_with("invalid request: "), "{error}");
}

#[test]
fn oversize_and_deeply_nested_bodies_are_refused() {
    let long = vec![b' '; crate::swarm::MAX_BODY_SIZE + 1];
    assert_eq!(Request::from_json(&long).unwrap_err().code, 413);
    let deep = "[".repeat(1_000_000);
    assert_eq!(Request::from_json(deep.as_bytes()).unwrap_err().code, 400);
    assert_eq!(
        Request::from_bt("info", "l".repeat(1_000_000).as_bytes())
            .unwrap_err()
            .code,
        400
    );
}

#[test]
fn store_takes_texts_for_its_times_and_both_names_of_the_account() {
    let base = json!({"pubkey": user().to_hex(), "timestamp": NOW, "ttl": 60_000, "data": "aGVsbG8="});
    let Ok(Request::Store(store)) = parse("store", base.clone()) else {
        panic!()
    };
    assert_eq!(
        (store.expiry, store.data.as_slice()),
        (NOW + 60_000, &b"hello"[..])
    );
    for change in [
        json!({"timestamp": NOW.to_string()}),
        json!({"ttl": "60000"}),
        json!({"data": "aGVsbG8"}),
        json!({"pubkey": user().to_hex().to_uppercase()}),
        json!({"pubkey": null, "pubKey": user().to_hex()}),
        json!({"ttl": null, "expiry": NOW + 60_000}),
        json!({"namespace": 0}),
        json!({"namespace": null}),
        json!({"unknown": {"deep": []}}),
    ] {
        assert_eq!(
            parse("store", with(&base, change.clone())),
            Ok(Request::Store(store.clone())),
            "{change}"
        );
    }
}

#[test]
fn malformed_stores_are_refused() {
    let base = json!({"pubkey": user().to_hex(), "timestamp": NOW, "ttl": 60_000, "data": "aGVsbG8="});
    for change in [
        json!({"pubkey": "05"}),
        json!({"pubkey": null}),
        json!({"timestamp": null}),
        json!({"timestamp": 999_999_999}),
        json!({"timestamp": -1}),
        json!({"timestamp": 1.7e12}),
        json!({"timestamp": "1e12"}),
        json!({"ttl": null}),
        json!({"ttl": "-5"}),
        json!({"expiry": NOW + 60_000}),
        json!({"ttl": null, "expiry": (NOW + 60_000).to_string()}),
        json!({"data": null}),
        json!({"data": "_-_-"}),
        json!({"data": "a"}),
        json!({"data": crate::base64::encode(&[0; 76_801])}),
        json!({"namespace": 32_768}),
        json!({"namespace": "0"}),
        json!({"namespace": "all"}),
        json!({"signature": "short"}),
        json!({"signature": 1}),
        json!({"pubkey_ed25519": "00"}),
        json!({"subaccount": "AAAA"}),
        json!({"subaccount": "00".repeat(36)}),
        json!({"subaccount_sig": signature()}),
    ] {
        assert_eq!(code("store", with(&base, change.clone())), 400, "{change}");
    }
    assert_eq!(
        code(
            "store",
            with(&base, json!({"data": crate::base64::encode(&[0; 76_800])}))
        ),
        200
    );
    assert_eq!(code("store", with(&base, json!({"data": ""}))), 200);
}

#[test]
fn times_of_a_store_are_checked_life_first() {
    let store =
        |namespace, timestamp, ttl| Store::new(user(), Namespace(namespace), Vec::new(), timestamp, ttl);
    const DAY: u64 = 86_400_000;
    for (store, code) in [
        (store(0, NOW, 10_000), 200),
        (store(0, NOW, 9_999), 403),
        (store(0, NOW, 14 * DAY), 200),
        (store(0, NOW, 14 * DAY + 1), 403),
        (store(2, NOW, 30 * DAY), 200),
        (store(2, NOW, 30 * DAY + 1), 403),
        (store(0, NOW + 10_000, DAY), 200),
        (store(0, NOW + 10_001, DAY), 406),
        (store(0, NOW + 10_001, 30 * DAY), 403),
        (store(0, NOW - DAY, DAY - 10_000), 200),
        (store(0, NOW - DAY, DAY - 10_001), 406),
        (store(0, u64::MAX, u64::MAX), 403),
    ] {
        let got = store.check_times(NOW).map_or_else(|error| error.code, |_| 200);
        assert_eq!(got, code, "{store:?}");
    }
}

#[test]
fn retrieve_wants_a_signature_where_one_is_due() {
    let signed = json!({"pubkey": user().to_hex(), "namespace": 0, "timestamp": NOW, "signature": signature(),
        "pubkey_ed25519": "00".repeat(32)});
    assert_eq!(code("retrieve", signed.clone()), 200);
    assert_eq!(code("retrieve", with(&signed, json!({"signature": null}))), 400);
    assert_eq!(
        code("retrieve", json!({"pubkey": user().to_hex(), "namespace": 0})),
        400
    );
    assert_eq!(
        code("retrieve", json!({"pubkey": user().to_hex(), "namespace": -10})),
        200
    );
    assert_eq!(
        code("retrieve", json!({"pubkey": user().to_hex(), "namespace": -1})),
        200
    );
    assert_eq!(
        code(
            "retrieve",
            json!({"pubkey": user().to_hex(), "namespace": -1, "timestamp": NOW})
        ),
        400
    );
    assert_eq!(code("retrieve", json!({"pubkey": user().to_hex()})), 200);
    assert_eq!(
        code("retrieve", with(&signed, json!({"timestamp": NOW.to_string()}))),
        400
    );
    assert_eq!(code("retrieve", with(&signed, json!({"namespace": "0"}))), 400);
    assert_eq!(code("retrieve", with(&signed, json!({"timestamp": null}))), 200);
}

#[test]
fn the_cursor_of_a_retrieve_may_be_empty_but_not_malformed() {
    let base = json!({"pubkey": user().to_hex(), "namespace": -1});
    for (cursor, expected) in [
        (json!(""), 200),
        (json!(null), 200),
        (json!(HASH), 200),
        (json!("abc"), 400),
        (json!(1), 400),
    ] {
        assert_eq!(
            code("retrieve", with(&base, json!({"last_hash": cursor}))),
            expected
        );
        assert_eq!(
            code("retrieve", with(&base, json!({"lastHash": cursor}))),
            expected
        );
    }
}

#[test]
fn limits_of_a_retrieve() {
    let limits = |count, size| {
        let retrieve = Retrieve {
            max_count: count,
            max_size: size,
            ..Retrieve::new(user(), Namespace(-1), None)
        };
        let limits = retrieve.limits();
        (limits.count, limits.size)
    };
    assert_eq!(limits(None, None), (u64::MAX, 1_560_000));
    assert_eq!(limits(Some(0), Some(0)), (u64::MAX, 1_560_000));
    assert_eq!(limits(None, Some(-1)), (u64::MAX, 7_800_000));
    assert_eq!(limits(None, Some(-8)), (u64::MAX, 975_000));
    assert_eq!(limits(None, Some(1000)), (u64::MAX, 1000));
    assert_eq!(limits(None, Some(i64::MAX)), (u64::MAX, 7_800_000));
    assert_eq!(limits(None, Some(i64::MIN)), (u64::MAX, 0));
    assert_eq!(limits(Some(3), None), (3, 7_800_000));
    assert_eq!(message_cost(10), 156);
}

#[test]
fn waiting_is_cut_to_the_maximum() {
    let params = json!({"pubkey": user().to_hex(), "namespace": -1, "wait": 60_000});
    let Ok(Request::Retrieve(retrieve)) = parse("retrieve", params) else {
        panic!()
    };
    assert_eq!(retrieve.wait_ms, Some(MAX_WAIT_MS));
}

#[test]
fn a_single_hash_stands_for_a_list_of_one() {
    let base = json!({"pubkey": group().to_hex(), "signature": signature(), "messages": HASH});
    let Ok(Request::Delete(delete)) = parse("delete", base.clone()) else {
        panic!()
    };
    assert_eq!(
        parse("delete", with(&base, json!({"messages": [HASH]}))),
        Ok(Request::Delete(delete))
    );
    for bad in [json!([]), json!(null), json!(["x"]), json!([1]), json!([[HASH]])] {
        assert_eq!(
            code("delete", with(&base, json!({"messages": bad}))),
            400,
            "{bad}"
        );
    }
    assert_eq!(code("delete", with(&base, json!({"required": 1}))), 400);
    assert_eq!(code("delete", with(&base, json!({"signature": null}))), 400);
}

#[test]
fn only_user_accounts_name_an_ed25519_key() {
    let base = json!({"signature": signature(), "messages": HASH, "pubkey_ed25519": "00".repeat(32)});
    assert_eq!(
        code("delete", with(&base, json!({"pubkey": user().to_hex()}))),
        200
    );
    assert_eq!(
        code("delete", with(&base, json!({"pubkey": group().to_hex()}))),
        400
    );
}

#[test]
fn expiries_match_the_messages_and_modes_exclude_each_other() {
    let base = json!({"pubkey": group().to_hex(), "signature": signature(), "messages": [HASH, HASH], "expiry": NOW});
    for (change, expected) in [
        (json!({}), 200),
        (json!({"expiry": [NOW]}), 200),
        (json!({"expiry": [NOW, NOW]}), 200),
        (json!({"expiry": [NOW, NOW, NOW]}), 400),
        (json!({"expiry": []}), 400),
        (json!({"expiry": NOW / 1_000_000}), 400),
        (json!({"shorten": true}), 200),
        (json!({"extend": true}), 200),
        (json!({"extend": "true"}), 400),
        (json!({"extend": true, "shorten": true}), 400),
        (json!({"extend": true, "shorten": false}), 200),
    ] {
        assert_eq!(code("expire", with(&base, change.clone())), expected, "{change}");
    }
}

#[test]
fn all_stands_for_every_namespace_where_it_may() {
    let base = json!({"pubkey": group().to_hex(), "signature": signature(), "timestamp": NOW, "before": NOW, "expiry": NOW});
    for method in ["delete_all", "delete_before", "expire_all"] {
        assert_eq!(code(method, with(&base, json!({"namespace": "all"}))), 200);
        assert_eq!(code(method, with(&base, json!({"namespace": "none"}))), 400);
        assert_eq!(code(method, base.clone()), 200);
    }
}

#[test]
fn revocations_take_up_to_fifty_tokens_in_either_text_form() {
    let base = json!({"pubkey": group().to_hex(), "signature": signature(), "timestamp": NOW});
    let hex = "03".repeat(36);
    let base64 = crate::base64::encode(&[3; 36]);
    for (tokens, expected) in [
        (json!(hex), 200),
        (json!([hex, base64]), 200),
        (json!(vec![hex.as_str(); 50]), 200),
        (json!(vec![hex.as_str(); 51]), 400),
        (json!(["03"]), 400),
        (json!(null), 400),
    ] {
        assert_eq!(
            code("revoke_subaccount", with(&base, json!({"revoke": tokens}))),
            expected,
            "{tokens}"
        );
        assert_eq!(
            code("unrevoke_subaccount", with(&base, json!({"unrevoke": tokens}))),
            expected,
            "{tokens}"
        );
    }
    let by_subaccount = json!({"revoke": hex, "subaccount": hex, "subaccount_sig": signature()});
    assert_eq!(code("revoke_subaccount", with(&base, by_subaccount)), 400);
    assert_eq!(code("revoked_subaccounts", base.clone()), 200);
    assert_eq!(
        code(
            "revoked_subaccounts",
            with(&base, json!({"pubkey": user().to_hex()}))
        ),
        400
    );
}

#[test]
fn batches_hold_one_to_twenty_plain_requests() {
    let info = json!({"method": "info", "params": {}});
    for (requests, expected) in [
        (json!([info]), 200),
        (json!(vec![info.clone(); 20]), 200),
        (json!(vec![info.clone(); 21]), 400),
        (json!([]), 400),
        (json!(info), 400),
        (json!([info, {"method": "get_swarm", "params": {}}]), 400),
        (json!([{"method": "batch", "params": {"requests": [info]}}]), 400),
        (json!([1]), 400),
    ] {
        assert_eq!(
            code("batch", json!({"requests": requests})),
            expected,
            "{requests}"
        );
        assert_eq!(
            code("sequence", json!({"requests": requests})),
            expected,
            "{requests}"
        );
    }
}

#[test]
fn ifelse_needs_a_condition_and_a_branch() {
    let info = json!({"method": "info", "params": {}});
    let nested = json!({"method": "ifelse", "params": {"if": {"height_before": 1}, "else": info}});
    for (params, expected) in [
        (json!({"if": {"hf_at_least": [19, 3]}, "then": info}), 200),
        (json!({"if": {"v_before": [2, 9, 0]}, "else": nested}), 200),
        (json!({"if": {}, "then": info}), 400),
        (json!({"if": {"hf_at_least": [19]}, "then": info}), 400),
        (json!({"if": {"hf_at_least": [19, 3]}}), 400),
        (json!({"then": info}), 400),
    ] {
        assert_eq!(code("ifelse", params.clone()), expected, "{params}");
    }
    let condition = Condition {
        hf_at_least: Some([19, 3]),
        v_before: Some([2, 10, 0]),
        ..Condition::default()
    };
    assert!(condition.holds([20, 0], [2, 9, 9], 5));
    assert!(!condition.holds([19, 2], [2, 9, 9], 5));
    assert!(!condition.holds([19, 3], [2, 10, 0], 5));
}

#[test]
fn the_daemon_is_asked_two_things_only() {
    assert_eq!(
        code(
            "oxend_request",
            json!({"endpoint": "ons_resolve", "params": {"type": 0}})
        ),
        200
    );
    assert_eq!(code("oxend_request", json!({"endpoint": "stop_daemon"})), 400);
    let request = Request::from_bt(
        "oxend_request",
        b"d8:endpoint11:ons_resolve6:params10:{\"type\":0}e",
    )
    .unwrap();
    assert_eq!(
        Ok(request),
        parse(
            "oxend_request",
            json!({"endpoint": "ons_resolve", "params": {"type": 0}})
        )
    );
}

#[test]
fn signed_strings_leave_namespace_zero_out() {
    let auth = Auth {
        signature: Signature::from_bytes(&[0; 64]),
        ed25519: None,
        subaccount: None,
    };
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let store = |namespace, sig| Store {
        sig_timestamp: sig,
        ..Store::new(user(), Namespace(namespace), Vec::new(), 5, 1)
    };
    assert_eq!(text(store(0, None).signed_bytes()), "store5");
    assert_eq!(text(store(-11, Some(7)).signed_bytes()), "store-117");
    assert_eq!(
        text(Retrieve::new(user(), Namespace(0), None).signed_bytes(9)),
        "retrieve9"
    );
    let all = DeleteAll {
        account: user(),
        namespace: NamespaceSelection::All,
        timestamp: 3,
        auth,
    };
    assert_eq!(text(all.signed_bytes()), "delete_allall3");
    let expire = Expire {
        account: user(),
        messages: vec![HASH.parse().unwrap()],
        expiry: vec![1, 2],
        mode: ExpireMode::Shorten,
        auth,
    };
    assert_eq!(text(expire.signed_bytes()), format!("expireshorten12{HASH}"));
    let get = GetExpiries {
        account: user(),
        messages: vec![HASH.parse().unwrap()],
        timestamp: 4,
        auth,
    };
    assert_eq!(text(get.signed_bytes()), format!("get_expiries4{HASH}"));
    let token = SubaccountToken::from_slice(&[b'x'; 36]).unwrap();
    let revoke = Revoke {
        account: group(),
        tokens: vec![token],
        timestamp: 6,
        auth,
    };
    assert_eq!(
        text(revoke.signed_bytes()),
        format!("revoke_subaccount6{}", "x".repeat(36))
    );
}
