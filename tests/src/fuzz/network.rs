//! Bencoding, storage requests and replies, node lists, and what a page is told of its network.

use super::{CRYPTOGRAPHIC, PARSING, Row};
use holdfast_client::NetworkProfile;
use holdfast_protocol::account::{Account, Seed};
use holdfast_protocol::keys::Ed25519KeyPair;
use holdfast_protocol::nodes::{
    AddressPolicy, NodeList, NodeState, ServiceNode, decode_active_nodes, encode_active_nodes, seed_request,
};
use holdfast_protocol::swarm::auth::{Context, verify};
use holdfast_protocol::swarm::request::{Batch, Delete, Expire, ExpireMode, Request, Retrieve, Store};
use holdfast_protocol::swarm::subaccount::{SubaccountFlags, issue};
use holdfast_protocol::swarm::{
    Address, MessageHash, Namespace, Signer, SubaccountSigner, SubaccountToken, SwarmId, message_hash, reply,
};
use holdfast_protocol::{bt, json};
use serde_json::json;

pub(super) const TARGETS: &[Row] = &[
    ("bt", bencoding, bt_seeds, PARSING),
    ("json_limits", json_limits, request_json_seeds, PARSING),
    (
        "request_json",
        request_json,
        request_json_seeds,
        CRYPTOGRAPHIC * 4,
    ),
    ("request_bt", request_bt, request_bt_seeds, CRYPTOGRAPHIC * 4),
    ("subaccount", subaccount, subaccount_seeds, CRYPTOGRAPHIC),
    ("replies", replies, reply_seeds, PARSING),
    ("node_list", node_list, node_list_seeds, CRYPTOGRAPHIC * 2),
    ("active_nodes", active_nodes, active_node_seeds, CRYPTOGRAPHIC),
    ("network_profile", network_profile, network_profile_seeds, PARSING),
];

/// The time of the signed seeds, ms.
const NOW: u64 = 1_700_000_000_000;

fn account() -> Account {
    Account::from_seed(Seed::from_bytes(&[1; 16]))
}

fn group() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed(&[4; 32])
}

fn hash() -> MessageHash {
    message_hash(&account().id(), Namespace::MESSAGES, b"hello")
}

fn bencoding(input: &[u8]) {
    if let Ok(value) = bt::decode(input) {
        assert_eq!(bt::encode(&value), input, "a value has one encoding");
    }
}

fn bt_seeds() -> Vec<Vec<u8>> {
    vec![
        b"d1:ai-7e1:bl2:xyi0ee1:cd0:i18446744073709551615eee".to_vec(),
        b"l5:helloi9223372036854775807ed3:key0:ee".to_vec(),
    ]
}

fn json_limits(input: &[u8]) {
    if json::check_limits(input, input.len()).is_ok() {
        let _ = serde_json::from_slice::<serde_json::Value>(input);
    }
}

fn check(request: &Request) {
    let context = Context {
        now_ms: NOW,
        forwarded: false,
        is_revoked: &|_: &SubaccountToken| false,
    };
    let _ = (
        verify(request, &context),
        request.account(),
        request.is_recursive(),
    );
    match request {
        Request::Store(store) => {
            let _ = (store.check_times(NOW), store.hash());
        }
        Request::Retrieve(retrieve) => {
            let _ = retrieve.limits();
        }
        Request::Batch(batch) | Request::Sequence(batch) => batch.requests.iter().for_each(check),
        _ => {}
    }
}

/// Numbers with a fraction may change in their last digit when written, which only the daemon's parameters can hold.
fn has_fractions(request: &Request) -> bool {
    request
        .to_json_body()
        .windows(13)
        .any(|window| window == b"oxend_request")
}

fn request_json(input: &[u8]) {
    let Ok(request) = Request::from_json(input) else {
        return;
    };
    check(&request);
    let again = Request::from_json(&request.to_json_body());
    assert!(has_fractions(&request) || again == Ok(request));
}

fn signed_requests() -> Vec<Request> {
    let account = account();
    let id = account.id();
    let signer = Signer::Account(account.ed25519());
    let group = group();
    let group_id = Address::group(group.public());
    let data = issue(&group, &id, SubaccountFlags::MEMBER).unwrap_or([0; 100]);
    let mut requests = vec![
        Store::new(id, Namespace::MESSAGES, b"hello".to_vec(), NOW, 60_000).into(),
        Store::new(id, Namespace(2), b"config".to_vec(), NOW, 60_000)
            .signed(&signer, NOW)
            .into(),
        Retrieve::new(id, Namespace::MESSAGES, Some(hash()))
            .signed(&signer, NOW)
            .into(),
        Delete::signed(id, vec![hash(), hash()], true, &signer).into(),
        Expire::signed(id, vec![hash()], vec![NOW], ExpireMode::Extend, &signer).into(),
    ];
    if let Ok(member) = SubaccountSigner::new(&group.public(), &data, account.ed25519()) {
        let retrieve = Retrieve::new(group_id, Namespace(11), None);
        requests.push(retrieve.signed(&Signer::Subaccount(&member), NOW).into());
    }
    requests.push(Request::Batch(Batch::new(requests.clone())));
    requests
}

fn request_json_seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<_> = signed_requests().iter().map(Request::to_json_body).collect();
    let info = json!({"method": "info", "params": {}});
    let choice = json!({"if": {"hf_at_least": [19, 3]}, "then": info, "else": info});
    for (method, params) in [
        ("ifelse", choice),
        (
            "oxend_request",
            json!({"endpoint": "ons_resolve", "params": {"type": 0, "x": [1.5, -1]}}),
        ),
        ("get_swarm", json!({"pubKey": account().id()})),
        (
            "revoke_subaccount",
            json!({"pubkey": Address::group(group().public()), "revoke": "03".repeat(36), "timestamp": NOW,
                   "signature": "A".repeat(86)}),
        ),
    ] {
        seeds.push(
            json!({"method": method, "params": params})
                .to_string()
                .into_bytes(),
        );
    }
    seeds
}

/// The methods, which the first byte of the input chooses from.
const METHODS: [&str; 18] = [
    "store",
    "retrieve",
    "delete",
    "delete_all",
    "delete_before",
    "expire",
    "expire_all",
    "get_expiries",
    "revoke_subaccount",
    "unrevoke_subaccount",
    "revoked_subaccounts",
    "get_swarm",
    "info",
    "active_nodes_bin",
    "oxend_request",
    "batch",
    "sequence",
    "ifelse",
];

fn request_bt(input: &[u8]) {
    let Some((first, params)) = input.split_first() else {
        return;
    };
    let Some(method) = METHODS.get(usize::from(*first) % METHODS.len()) else {
        return;
    };
    let _ = Request::from_params(method, params);
    let Ok(request) = Request::from_bt(method, params) else {
        return;
    };
    check(&request);
    let again = Request::from_bt(method, &request.params_bt());
    assert!(has_fractions(&request) || again == Ok(request));
}

fn request_bt_seeds() -> Vec<Vec<u8>> {
    let seed = |request: &Request| {
        let at = METHODS.iter().position(|method| *method == request.method())?;
        Some([vec![u8::try_from(at).ok()?], request.params_bt()].concat())
    };
    signed_requests().iter().filter_map(seed).collect()
}

fn subaccount(input: &[u8]) {
    let _ = SubaccountSigner::new(&group().public(), input, account().ed25519());
}

fn subaccount_seeds() -> Vec<Vec<u8>> {
    let data = issue(&group(), &account().id(), SubaccountFlags::MEMBER);
    vec![data.map(|data| data.to_vec()).unwrap_or_default()]
}

fn replies(input: &[u8]) {
    let _ = reply::parse::<reply::SwarmReply<reply::Stored>>(input).map(|parsed| parsed.code());
    let _ = reply::parse::<reply::SwarmReply<reply::Deleted>>(input);
    let _ = reply::parse::<reply::SwarmReply<reply::DeletedIn>>(input);
    let _ = reply::parse::<reply::SwarmReply<reply::Expired>>(input);
    let _ = reply::parse::<reply::SwarmReply<reply::Updated>>(input);
    let _ = reply::parse::<reply::SwarmReply<reply::Revoked>>(input);
    let _ = reply::parse::<reply::RetrieveReply>(input);
    let _ = reply::parse::<reply::SwarmInfo>(input);
    let _ = reply::parse::<reply::InfoReply>(input);
    let _ = reply::parse::<reply::ExpiriesReply>(input);
    let _ = reply::parse::<reply::RevokedSubaccountsReply>(input);
    let _ = reply::parse::<reply::OxendReply>(input);
    let _ = reply::parse::<reply::IfElseReply>(input);
    if let Ok(batch) = reply::parse::<reply::BatchReply>(input) {
        let _ = batch.common_failure();
        for result in &batch.results {
            let _ = result.text();
            let _ = result.parse::<reply::RetrieveReply>();
        }
    }
}

fn reply_seeds() -> Vec<Vec<u8>> {
    let node = Ed25519KeyPair::from_seed(&[5; 32]);
    let signature = "A".repeat(86);
    let stored = reply::Stored::sign(&node, hash(), NOW, true);
    let message = json!({"hash": hash(), "timestamp": NOW, "expiration": NOW, "data": "aGVsbG8="});
    let member = |result: serde_json::Value| json!({"swarm": {node.public().to_hex(): result}, "hash": hash(), "t": NOW});
    [
        member(json!(stored)),
        member(json!({"failed": true, "code": "401", "reason": "no"})),
        member(json!({"deleted": {"0": [hash()]}, "signature": signature})),
        member(json!({"updated": [hash()], "expiry": [NOW], "unchanged": {hash().as_str(): NOW}, "signature": signature})),
        json!({"messages": [message, message], "more": true, "t": NOW, "hf": [19, 4]}),
        json!({"results": [{"code": 200, "body": {"messages": [message]}}, {"code": 401, "body": "no"}]}),
        json!({"snodes": [{"pubkey_ed25519": node.public(), "port": "22021", "ip": "1.2.3.4"}], "swarm": "ff"}),
        json!({"version": [2, 11, 3], "timestamp": NOW, "t": NOW, "hf": [19, 4], "wait": 25_000}),
        json!({"expiries": {hash().as_str(): NOW}}),
        json!({"revoked_subaccounts": ["A".repeat(48)]}),
    ]
    .iter()
    .map(|value| value.to_string().into_bytes())
    .collect()
}

fn nodes() -> Vec<ServiceNode> {
    let node = |seed: u8| {
        let key = Ed25519KeyPair::from_seed(&[seed; 32]).public();
        let node = ServiceNode::new(key, [1, 2, 3, seed].into(), 22021).ok()?;
        Some(ServiceNode {
            omq_port: 22020,
            version: [2, 11, 3],
            swarm: SwarmId(7),
            ..node
        })
    };
    (1..4).filter_map(node).collect()
}

fn node_list(input: &[u8]) {
    let Ok(list) = NodeList::from_json(input) else {
        return;
    };
    assert_eq!(NodeList::from_json(&list.to_json()).ok(), Some(list.clone()));
    for node in list.nodes(AddressPolicy::Public, NOW) {
        assert!(AddressPolicy::Public.accepts(&node));
    }
}

fn node_list_seeds() -> Vec<Vec<u8>> {
    let list = NodeList {
        height: 2_000_000,
        states: nodes().iter().map(NodeState::of).collect(),
        ..NodeList::default()
    };
    let bare = list.to_json();
    let wrapped = [b"{\"result\":".as_slice(), &bare, b"}"].concat();
    vec![bare, wrapped, seed_request()]
}

fn active_nodes(input: &[u8]) {
    if let Ok(nodes) = decode_active_nodes(input) {
        let in_swarms: Vec<_> = nodes
            .into_iter()
            .filter(|node| node.swarm.is_assigned())
            .collect();
        assert_eq!(
            decode_active_nodes(&encode_active_nodes(&in_swarms)),
            Ok(in_swarms)
        );
    }
}

fn active_node_seeds() -> Vec<Vec<u8>> {
    vec![encode_active_nodes(&nodes())]
}

fn network_profile(input: &[u8]) {
    let Ok(profile) = NetworkProfile::from_json(input) else {
        return;
    };
    assert!(profile.hops > 0 && profile.minimum_nodes > profile.hops);
    let resolved = profile.resolve("https://example.org/");
    assert!(resolved.gateways.iter().all(|gateway| gateway.contains("://")));
    assert_eq!(resolved.clone().resolve("https://example.com"), resolved);
}

fn network_profile_seeds() -> Vec<Vec<u8>> {
    let key = Ed25519KeyPair::from_seed(&[5; 32]).public().to_hex();
    let server = json!({"url": "http://127.0.0.1:8001", "key": key});
    let seeds: Vec<Vec<u8>> = [
        json!({"name": "local", "gateways": ["/"], "local": true, "minimum_nodes": 4, "subnet_diversity": false, "hops": 3,
               "files": server, "previews": server}),
        json!({"name": "public", "direct": true, "bundled_nodes": "networks/nodes.bin",
               "seeds": ["https://seed.example.org/json_rpc"], "files": null}),
    ]
    .iter()
    .map(|value| value.to_string().into_bytes())
    .collect();
    assert!(seeds.iter().all(|seed| NetworkProfile::from_json(seed).is_ok()));
    seeds
}
