//! Each method's rules on one swarm (spec/03-network.md §3).

use super::*;
use holdfast_protocol::swarm::reply::{
    Deleted, DeletedIn, Expired, InfoReply, Revoked, Stored, SwarmReply, Updated,
};
use holdfast_protocol::swarm::request::{
    Batch, Delete, DeleteAll, DeleteBefore, Expire, ExpireAll, ExpireMode, GetExpiries, Revoke,
    RevokedSubaccounts, Unrevoke,
};
use holdfast_protocol::swarm::subaccount::{SubaccountFlags, SubaccountSigner, issue};
use holdfast_protocol::swarm::{
    MAX_MESSAGE_SIZE, MAX_TTL_MS, MAX_TTL_PUBLIC_INBOX_MS, MessageHash, NamespaceSelection,
};
use serde_json::json;

const ONE: &[u64] = &[0];
const THREE: &[u64] = &[0, 0, 0];

fn code(answer: &(u16, Value)) -> u16 {
    answer.0
}

fn hash_of(user: &User, namespace: Namespace, text: &str) -> MessageHash {
    holdfast_protocol::swarm::message_hash(&user.id, namespace, text.as_bytes())
}

#[tokio::test(start_paused = true)]
async fn a_store_is_signed_by_every_member_and_read_from_each() {
    let net = Net::new(THREE);
    let user = User::account_in(0, THREE);
    let (status, body) = net.leave(0, &user, "hello").await;
    assert_eq!(status, 200);
    let reply: SwarmReply<Stored> = serde_json::from_value(body).unwrap();
    let hash = hash_of(&user, Namespace::MESSAGES, "hello");
    assert_eq!(reply.hash, Some(hash));
    assert_eq!(reply.verified(|result, key| result.verify(key, &hash)).count(), 3);
    let own = reply
        .done()
        .find(|(key, _)| **key == net.keys[0].public())
        .unwrap()
        .1;
    assert_eq!(
        (own.t, own.expiry, own.already),
        (Some(net.now()), Some(net.now() + DAY), false)
    );
    for number in 0..3 {
        assert_eq!(net.texts(number, &user, Namespace::MESSAGES).await, ["hello"]);
    }
    let again: SwarmReply<Stored> = serde_json::from_value(net.leave(1, &user, "hello").await.1).unwrap();
    assert!(again.done().all(|(_, result)| result.already));
}

#[tokio::test(start_paused = true)]
async fn a_swarm_refuses_accounts_of_others_and_names_the_right_one() {
    let swarms = &[0, 1 << 63];
    let net = Net::new(swarms);
    let user = User::account_in(1 << 63, swarms);
    let (status, body) = net.leave(0, &user, "hello").await;
    assert_eq!(status, 421);
    assert_eq!(body["swarm"], "8000000000000000");
    assert_eq!(body["snodes"][0]["pubkey_ed25519"], net.keys[1].public().to_hex());
    // Parameters come first, times and signatures after.
    let malformed = json!({"method": "store", "params": {"pubkey": user.id.to_hex(), "data": "!"}});
    assert_eq!(code(&net.post(0, malformed.to_string()).await), 400);
    let old = Retrieve::new(user.id, Namespace::MESSAGES, None).signed(&user.signer(), START - 10 * DAY);
    assert_eq!(code(&net.ask(0, old).await), 421);
}

#[tokio::test(start_paused = true)]
async fn namespaces_say_who_may_write_and_read() {
    let net = Net::new(ONE);
    let user = User::account_in(0, ONE);
    let store = |namespace: i16| Store::new(user.id, Namespace(namespace), vec![1], START, DAY);
    let read = |namespace: i16| Retrieve::new(user.id, Namespace(namespace), None);
    for (namespace, unsigned) in [
        (0, 200),
        (-10, 200),
        (20, 200),
        (2, 401),
        (11, 401),
        (-11, 401),
        (-21, 401),
    ] {
        assert_eq!(
            code(&net.ask(0, store(namespace)).await),
            unsigned,
            "store in {namespace}"
        );
        let signed = store(namespace).signed(&user.signer(), START);
        assert_eq!(
            code(&net.ask(0, signed).await),
            200,
            "signed store in {namespace}"
        );
    }
    for (namespace, unsigned) in [
        (-10, 200),
        (-21, 200),
        (-3741, 200),
        (0, 400),
        (2, 400),
        (-11, 400),
    ] {
        assert_eq!(
            code(&net.ask(0, read(namespace)).await),
            unsigned,
            "retrieve of {namespace}"
        );
    }
    let without = json!({"method": "retrieve", "params": {"pubkey": user.id.to_hex()}}).to_string();
    assert_eq!(
        net.post(0, without).await,
        (
            401,
            Value::String("retrieve: request signature required".to_owned())
        )
    );
    let mut untimed = read(0).signed(&user.signer(), START);
    untimed.timestamp = None;
    assert_eq!(code(&net.ask(0, untimed).await), 406);
    assert_ne!(
        code(&net.ask(0, store(-3741).signed(&user.signer(), START)).await),
        200
    );
    let (_, body) = net.ask(0, read(-3741)).await;
    assert!(texts(&body).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_public_outbox_holds_the_last_message_only() {
    let net = Net::new(THREE);
    let user = User::account_in(0, THREE);
    for (number, text) in ["one", "two", "three"].into_iter().enumerate() {
        let store = Store::new(user.id, Namespace(-21), text.as_bytes().to_vec(), net.now(), DAY);
        assert_eq!(
            code(&net.ask(number, store.signed(&user.signer(), net.now())).await),
            200
        );
    }
    for number in 0..3 {
        assert_eq!(net.texts(number, &user, Namespace(-21)).await, ["three"]);
    }
}

#[tokio::test(start_paused = true)]
async fn times_sizes_and_signatures_out_of_bounds_have_their_codes() {
    let net = Net::new(ONE);
    let user = User::account_in(0, ONE);
    let store =
        |at: u64, ttl: u64, size: usize| Store::new(user.id, Namespace::MESSAGES, vec![0; size], at, ttl);
    assert_eq!(code(&net.ask(0, store(START, 9_999, 1)).await), 403);
    assert_eq!(
        code(&net.ask(0, store(START, MAX_TTL_PUBLIC_INBOX_MS, 1)).await),
        200
    );
    assert_eq!(
        code(&net.ask(0, store(START, MAX_TTL_PUBLIC_INBOX_MS + 1, 1)).await),
        403
    );
    assert_eq!(code(&net.ask(0, store(START + 10_000, DAY, 1)).await), 200);
    assert_eq!(
        net.ask(0, store(START + 10_001, DAY, 1)).await,
        (406, Value::String("Timestamp error: check your clock".to_owned()))
    );
    assert_eq!(code(&net.ask(0, store(START, DAY, MAX_MESSAGE_SIZE)).await), 200);
    assert_eq!(
        code(&net.ask(0, store(START, DAY, MAX_MESSAGE_SIZE + 1)).await),
        400
    );
    let read = |at: u64| Retrieve::new(user.id, Namespace::MESSAGES, None).signed(&user.signer(), at);
    assert_eq!(code(&net.ask(0, read(START - 60_000)).await), 200);
    assert_eq!(code(&net.ask(0, read(START - 60_001)).await), 406);
    let mut forged = read(START);
    forged.timestamp = Some(START + 1);
    assert_eq!(code(&net.ask(0, forged).await), 401);
    let other = Ed25519KeyPair::from_seed(&[99; 32]);
    let foreign = Retrieve::new(user.id, Namespace::MESSAGES, None).signed(&Signer::Account(&other), START);
    assert_eq!(code(&net.ask(0, foreign).await), 401);
}

#[tokio::test(start_paused = true)]
async fn pages_follow_the_cursor_and_the_limits() {
    let net = Net::new(ONE);
    let user = User::account_in(0, ONE);
    for text in ["a", "b", "c"] {
        net.leave(0, &user, text).await;
    }
    let read = |last: Option<MessageHash>, count: Option<u64>| {
        let mut retrieve = Retrieve::new(user.id, Namespace::MESSAGES, last).signed(&user.signer(), START);
        retrieve.max_count = count;
        retrieve
    };
    let (_, first) = net.ask(0, read(None, Some(2))).await;
    assert_eq!(
        (texts(&first), &first["more"]),
        (vec!["a".to_owned(), "b".to_owned()], &json!(true))
    );
    let cursor = hash_of(&user, Namespace::MESSAGES, "b");
    let (_, rest) = net.ask(0, read(Some(cursor), None)).await;
    assert_eq!(
        (texts(&rest), &rest["more"]),
        (vec!["c".to_owned()], &json!(false))
    );
    assert_eq!(rest["t"], START);
    assert_eq!(rest["hf"], json!([19, 4]));
    let unknown = hash_of(&user, Namespace::MESSAGES, "never");
    assert_eq!(texts(&net.ask(0, read(Some(unknown), None)).await.1).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn messages_end_with_their_time() {
    let net = Net::new(ONE);
    let user = User::account_in(0, ONE);
    let short = Store::new(user.id, Namespace::MESSAGES, b"short".to_vec(), START, 10_000);
    net.ask(0, short).await;
    net.leave(0, &user, "long").await;
    seconds(10).await;
    assert_eq!(net.texts(0, &user, Namespace::MESSAGES).await, ["long"]);
    seconds(11).await;
    assert_eq!(net.node(0).message_count().unwrap(), 1, "swept");
}

#[tokio::test(start_paused = true)]
async fn deletions_are_signed_and_happen_everywhere() {
    let net = Net::new(THREE);
    let user = User::account_in(0, THREE);
    for text in ["a", "b", "c"] {
        net.leave(0, &user, text).await;
        seconds(1).await;
    }
    let hash = hash_of(&user, Namespace::MESSAGES, "b");
    let delete = Delete::signed(user.id, vec![hash], true, &user.signer());
    let (status, body) = net.ask(1, delete.clone()).await;
    let reply: SwarmReply<Deleted> = serde_json::from_value(body).unwrap();
    assert_eq!(status, 200);
    assert_eq!(
        reply.verified(|result, key| result.verify(key, &delete)).count(),
        3
    );
    assert!(reply.done().all(|(_, result)| result.deleted == [hash]));
    assert_eq!(
        code(&net.ask(1, delete).await),
        404,
        "required, and nothing there"
    );
    let relaxed = Delete::signed(user.id, vec![hash], false, &user.signer());
    assert_eq!(code(&net.ask(1, relaxed).await), 200);
    let before = DeleteBefore::signed(user.id, NamespaceSelection::All, START, &user.signer());
    let reply: SwarmReply<DeletedIn> = serde_json::from_value(net.ask(2, before.clone()).await.1).unwrap();
    assert_eq!(
        reply.verified(|result, key| result.verify(key, &before)).count(),
        3
    );
    assert_eq!(net.texts(0, &user, Namespace::MESSAGES).await, ["c"]);
    let all = DeleteAll::signed(user.id, NamespaceSelection::default(), &user.signer(), net.now());
    let reply: SwarmReply<DeletedIn> = serde_json::from_value(net.ask(0, all.clone()).await.1).unwrap();
    assert_eq!(reply.verified(|result, key| result.verify(key, &all)).count(), 3);
    for number in 0..3 {
        assert!(net.texts(number, &user, Namespace::MESSAGES).await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn expiries_change_by_their_modes() {
    let net = Net::new(THREE);
    let user = User::account_in(0, THREE);
    net.leave(0, &user, "a").await;
    let hash = hash_of(&user, Namespace::MESSAGES, "a");
    let expire = |to: u64, mode| Expire::signed(user.id, vec![hash], vec![to], mode, &user.signer());
    let extend = expire(START + DAY / 2, ExpireMode::Extend);
    let reply: SwarmReply<Expired> = serde_json::from_value(net.ask(0, extend.clone()).await.1).unwrap();
    assert_eq!(
        reply.verified(|result, key| result.verify(key, &extend)).count(),
        3
    );
    assert!(
        reply
            .done()
            .all(|(_, result)| result.unchanged.as_ref().unwrap()[&hash] == START + DAY)
    );
    let far = expire(START + 300 * DAY, ExpireMode::Set);
    net.ask(0, far).await;
    let get = GetExpiries::signed(user.id, vec![hash], &user.signer(), START);
    let (_, body) = net.ask(2, get).await;
    assert_eq!(
        body,
        json!({"expiries": {hash.to_string(): START + MAX_TTL_MS}}),
        "cut to 30 days"
    );
    let all = ExpireAll::signed(user.id, NamespaceSelection::All, START + DAY, &user.signer());
    let reply: SwarmReply<Updated> = serde_json::from_value(net.ask(1, all.clone()).await.1).unwrap();
    assert_eq!(reply.verified(|result, key| result.verify(key, &all)).count(), 3);
    let past = expire(START - 60_001, ExpireMode::Shorten);
    assert_eq!(code(&net.ask(0, past).await), 401);
}

#[tokio::test(start_paused = true)]
async fn revoked_subaccounts_keep_only_what_cannot_be_revoked() {
    let net = Net::new(THREE);
    let group = User::group_in(0, THREE);
    let member = Ed25519KeyPair::from_seed(&[42; 32]);
    let data = issue(
        &group.keys,
        &Id::account(member.x25519().public()),
        SubaccountFlags::MEMBER,
    )
    .unwrap();
    let signer = SubaccountSigner::new(&group.keys.public(), &data, &member).unwrap();
    let token = signer.auth().token;
    let read = |namespace: i16| {
        Retrieve::new(group.id, Namespace(namespace), None).signed(&Signer::Subaccount(&signer), START)
    };
    assert_eq!(code(&net.ask(0, read(11)).await), 200);
    // Nothing was ever stored: the revocation must stay all the same.
    let revoke = Revoke::signed(group.id, vec![token], &group.signer(), START);
    let reply: SwarmReply<Revoked> = serde_json::from_value(net.ask(1, revoke.clone()).await.1).unwrap();
    assert_eq!(
        reply.verified(|result, key| result.verify(key, &revoke)).count(),
        3
    );
    for number in 0..3 {
        assert_eq!(code(&net.ask(number, read(11)).await), 401);
        assert_eq!(code(&net.ask(number, read(-11)).await), 200);
    }
    let list = RevokedSubaccounts::signed(group.id, &group.signer(), START);
    let (_, body) = net.ask(2, list).await;
    assert_eq!(body["revoked_subaccounts"].as_array().unwrap().len(), 1);
    let delete = DeleteAll::signed(
        group.id,
        NamespaceSelection::All,
        &Signer::Subaccount(&signer),
        START,
    );
    assert_eq!(code(&net.ask(0, delete).await), 401, "members may not delete");
    let back = Unrevoke::signed(group.id, vec![token], &group.signer(), START + 1);
    let reply: SwarmReply<Revoked> = serde_json::from_value(net.ask(1, back).await.1).unwrap();
    assert!(reply.done().all(|(_, result)| result.count == Some(1)));
    assert_eq!(code(&net.ask(0, read(11)).await), 200);
}

#[tokio::test(start_paused = true)]
async fn batches_run_all_and_sequences_up_to_the_first_refusal() {
    let net = Net::new(ONE);
    let user = User::account_in(0, ONE);
    let good = Request::from(Store::new(user.id, Namespace::MESSAGES, vec![1], START, DAY));
    let bad = Request::from(Store::new(user.id, Namespace(2), vec![1], START, DAY));
    let requests = vec![good.clone(), bad.clone(), Request::Info];
    let codes = |body: &Value| -> Vec<u64> {
        body["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|result| result["code"].as_u64().unwrap())
            .collect()
    };
    let (status, body) = net.ask(0, Request::Batch(Batch::new(requests.clone()))).await;
    assert_eq!((status, codes(&body)), (200, vec![200, 401, 200]));
    assert!(body["results"][1]["body"].is_string());
    let (_, body) = net.ask(0, Request::Sequence(Batch::new(requests))).await;
    assert_eq!(codes(&body), [200, 401]);
    assert_eq!(
        code(
            &net.ask(0, Request::Batch(Batch::new(vec![good.clone(); 20])))
                .await
        ),
        200
    );
    assert_eq!(
        code(&net.ask(0, Request::Batch(Batch::new(vec![good; 21]))).await),
        400
    );
    let malformed = r#"{"method":"batch","params":{"requests":[{"method":"info","params":{}},{"method":"store","params":{}}]}}"#;
    assert_eq!(
        code(&net.post(0, malformed).await),
        400,
        "one malformed member fails all"
    );
    let choice =
        r#"{"method":"ifelse","params":{"if":{"hf_at_least":[19,0]},"then":{"method":"info","params":{}}}}"#;
    let (_, body) = net.post(0, choice).await;
    assert_eq!(
        (&body["condition"], &body["result"]["code"]),
        (&json!(true), &json!(200))
    );
    let nothing = choice.replace("hf_at_least", "hf_before");
    let (_, body) = net.post(0, nothing).await;
    assert_eq!(body["condition"], false);
    assert!(body.get("result").is_none());
}

#[tokio::test(start_paused = true)]
async fn any_node_tells_swarms_nodes_time_and_version() {
    let swarms = &[0, 1 << 63];
    let net = Net::new(swarms);
    let user = User::account_in(1 << 63, swarms);
    let get =
        json!({"method": "get_snodes_for_pubkey", "params": {"pubKey": user.id.to_hex().to_uppercase()}});
    let (status, body) = net.post(0, get.to_string()).await;
    assert_eq!((status, &body["swarm"]), (200, &json!("8000000000000000")));
    let (_, body) = net.post(0, r#"{"method":"info","params":{}}"#).await;
    let info: InfoReply = serde_json::from_value(body).unwrap();
    assert_eq!((info.timestamp, info.wait), (START, Some(25_000)));
    assert!(info.version >= [2, 11, 3]);
    let list = r#"{"method":"oxend_request","params":{"endpoint":"get_service_nodes","params":{"active_only":true}}}"#;
    let (_, body) = net.post(0, list).await;
    assert_eq!(body["result"]["service_node_states"].as_array().unwrap().len(), 2);
    let names = list.replace("get_service_nodes", "ons_resolve");
    assert_eq!(code(&net.post(0, names).await), 400);
    let node = net.node(0);
    let answer = node.handle(
        &Method::POST,
        "/storage_rpc/v1",
        r#"{"method":"active_nodes_bin","params":{}}"#.into(),
        CLIENT,
    );
    let nodes = holdfast_protocol::nodes::decode_active_nodes(&answer.await.body).unwrap();
    assert_eq!(nodes.len(), 2);
}
