//! What happens when members are away, new, slow, or moved.

use super::super::db::{Operation, account_state, operations};
use super::super::service::to_hash;
use super::*;
use crate::peer::links::{Forward, encode_forwards};
use crate::peer::wire::Writer;
use holdfast_protocol::swarm::NamespaceSelection;
use holdfast_protocol::swarm::reply::{Stored, SwarmReply};
use holdfast_protocol::swarm::request::{Delete, DeleteAll, DeleteBefore, Expire, ExpireMode, Revoke};
use holdfast_protocol::swarm::subaccount::{SubaccountFlags, SubaccountSigner, issue};
use holdfast_protocol::swarm::{MessageHash, message_hash};

const THREE: &[u64] = &[0, 0, 0];

#[tokio::test(start_paused = true)]
async fn a_member_that_was_down_gets_everything_it_missed() {
    let net = Net::new(THREE);
    let user = User::account_in(0, THREE);
    net.leave(0, &user, "before").await;
    net.set_down(2, true);
    let (status, body) = net.leave(0, &user, "while").await;
    let reply: SwarmReply<Stored> = serde_json::from_value(body).unwrap();
    assert_eq!(
        (status, reply.done().count(), reply.failed().count()),
        (200, 2, 1)
    );
    let gone = message_hash(&user.id, Namespace::MESSAGES, b"before");
    net.ask(1, Delete::signed(user.id, vec![gone], true, &user.signer()))
        .await;
    assert_eq!(net.texts(2, &user, Namespace::MESSAGES).await, ["before"]);
    net.set_down(2, false);
    seconds(40).await;
    assert_eq!(net.texts(2, &user, Namespace::MESSAGES).await, ["while"]);
}

#[tokio::test(start_paused = true)]
async fn a_new_member_learns_everything_from_the_others() {
    let net = Net::new(THREE);
    let user = User::account_in(0, THREE);
    for n in 0..100 {
        net.leave(n % 3, &user, &format!("{n:03}")).await;
    }
    seconds(1).await;
    net.boot(2);
    assert_eq!(net.node(2).message_count().unwrap(), 0);
    seconds(2).await;
    let mut found = net.texts(2, &user, Namespace::MESSAGES).await;
    found.sort();
    assert_eq!(found.len(), 100);
    assert_eq!(found.first().map(String::as_str), Some("000"));
}

#[tokio::test(start_paused = true)]
async fn deletions_reach_a_member_even_when_their_entry_node_is_gone() {
    let net = Net::new(THREE);
    let user = User::account_in(0, THREE);
    net.leave(0, &user, "old").await;
    net.set_down(2, true);
    seconds(1).await;
    let all = DeleteAll::signed(user.id, NamespaceSelection::All, &user.signer(), net.now());
    net.ask(0, all).await;
    // The entry node forgets everything, and the member comes back with its old messages.
    net.boot(0);
    net.set_down(2, false);
    seconds(700).await;
    for number in 0..3 {
        assert!(
            net.texts(number, &user, Namespace::MESSAGES).await.is_empty(),
            "node {number}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_deletion_spares_newer_messages() {
    let net = Net::new(THREE);
    let user = User::account_in(0, THREE);
    net.leave(0, &user, "old").await;
    seconds(1).await;
    net.set_down(2, true);
    let all = DeleteAll::signed(user.id, NamespaceSelection::All, &user.signer(), net.now());
    net.ask(0, all).await;
    seconds(200).await;
    net.set_down(2, false);
    net.leave(2, &user, "new").await;
    seconds(40).await;
    for number in 0..3 {
        assert_eq!(
            net.texts(number, &user, Namespace::MESSAGES).await,
            ["new"],
            "node {number}"
        );
    }
}

/// Leaves a message that lives a day with all members, and lets it end in 20 seconds with all but one, which is down.
async fn shortened_without(net: &Net, missing: usize, user: &User) -> MessageHash {
    net.leave(0, user, "short").await;
    seconds(1).await;
    net.set_down(missing, true);
    let hash = message_hash(&user.id, Namespace::MESSAGES, b"short");
    let end = vec![net.now() + 20_000];
    let expire = Expire::signed(user.id, vec![hash], end, ExpireMode::Shorten, &user.signer());
    assert_eq!(net.ask(0, expire).await.0, 200);
    hash
}

#[tokio::test(start_paused = true)]
async fn a_message_that_ended_early_does_not_come_back_from_a_member_that_was_down() {
    let net = Net::new(THREE);
    let user = User::account_in(0, THREE);
    shortened_without(&net, 2, &user).await;
    seconds(60).await;
    assert_eq!(net.node(0).message_count().unwrap(), 0, "swept");
    net.set_down(2, false);
    // Before that member learns what it missed.
    net.node(0).synchronise().await;
    assert_eq!(net.node(0).message_count().unwrap(), 0);
    seconds(60).await;
    for number in 0..3 {
        assert!(
            net.texts(number, &user, Namespace::MESSAGES).await.is_empty(),
            "node {number}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_was_shortened_and_then_deleted_does_not_come_back() {
    let net = Net::new(THREE);
    let user = User::account_in(0, THREE);
    let hash = shortened_without(&net, 2, &user).await;
    seconds(5).await;
    net.ask(0, Delete::signed(user.id, vec![hash], true, &user.signer()))
        .await;
    seconds(60).await;
    net.set_down(2, false);
    net.node(0).synchronise().await;
    assert_eq!(net.node(0).message_count().unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_ended_early_is_not_handed_over_by_a_member_that_moved() {
    let (before, after) = (&[0, 0, 0, 1 << 63], &[0, 0, 1 << 63, 1 << 63]);
    let net = Net::new(before);
    let user = User::account_in(0, before);
    shortened_without(&net, 2, &user).await;
    seconds(60).await;
    // A new member of the old swarm knows the operation, and never had the message.
    net.boot(1);
    seconds(5).await;
    net.place(after);
    net.set_down(2, false);
    seconds(30).await;
    for number in 0..2 {
        assert_eq!(net.node(number).message_count().unwrap(), 0, "node {number}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_stored_after_a_deletion_reaches_members_that_missed_both() {
    let net = Net::new(THREE);
    let user = User::account_in(0, THREE);
    net.leave(0, &user, "old").await;
    seconds(1).await;
    net.set_down(2, true);
    let before = net.now() + 30_000;
    let delete = DeleteBefore::signed(user.id, NamespaceSelection::All, before, &user.signer());
    assert_eq!(net.ask(0, delete).await.0, 200);
    seconds(1).await;
    net.leave(0, &user, "new").await;
    net.set_down(2, false);
    seconds(40).await;
    for number in 0..3 {
        assert_eq!(
            net.texts(number, &user, Namespace::MESSAGES).await,
            ["new"],
            "node {number}"
        );
    }
}

/// Some member of a group.
fn member_of(group: &User) -> SubaccountSigner {
    let member = Ed25519KeyPair::from_seed(&[42; 32]);
    let id = Id::account(member.x25519().public());
    let data = issue(&group.keys, &id, SubaccountFlags::MEMBER).unwrap();
    SubaccountSigner::new(&group.keys.public(), &data, &member).unwrap()
}

#[tokio::test(start_paused = true)]
async fn members_that_join_much_later_refuse_revoked_subaccounts_too() {
    let net = Net::new(THREE);
    let group = User::group_in(0, THREE);
    let signer = member_of(&group);
    let revoke = Revoke::signed(group.id, vec![signer.auth().token], &group.signer(), net.now());
    assert_eq!(net.ask(0, revoke).await.0, 200);
    tokio::time::advance(Duration::from_millis(40 * DAY)).await;
    seconds(20).await;
    net.boot(2);
    seconds(5).await;
    for number in 0..3 {
        let read = Retrieve::new(group.id, Namespace::GROUP_MESSAGES, None);
        let read = read.signed(&Signer::Subaccount(&signer), net.now());
        assert_eq!(net.ask(number, read).await.0, 401, "node {number}");
    }
}

#[tokio::test(start_paused = true)]
async fn operations_are_over_at_the_same_time_for_all_members() {
    let net = Net::new(THREE);
    let user = User::account_in(0, THREE);
    let all = DeleteAll::signed(user.id, NamespaceSelection::All, &user.signer(), net.now());
    net.ask(0, all).await;
    let kept = |number: usize| {
        let node = net.node(number);
        let state = node
            .inner
            .db
            .read(|c| account_state(c, user.id.as_bytes(), net.now()));
        state.unwrap().operations.len()
    };
    tokio::time::advance(Duration::from_millis(20 * DAY)).await;
    net.boot(2);
    seconds(5).await;
    assert_eq!([0, 1, 2].map(kept), [1, 1, 1]);
    tokio::time::advance(Duration::from_millis(10 * DAY)).await;
    for number in [0, 1, 2] {
        net.node(number).synchronise().await;
    }
    assert_eq!([0, 1, 2].map(kept), [0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_silent_member_costs_its_time_once() {
    let net = Net::new(THREE);
    let user = User::account_in(0, THREE);
    net.set_silent(2);
    let start = tokio::time::Instant::now();
    let (status, body) = net.leave(0, &user, "a").await;
    assert_eq!(status, 200);
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    let failed = &body["swarm"][net.keys[2].public().to_hex()];
    assert_eq!(failed, &serde_json::json!({"failed": true, "timeout": true}));
    let start = tokio::time::Instant::now();
    assert_eq!(net.leave(0, &user, "b").await.0, 200);
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "it is not waited for again at once"
    );
    net.wire.silent.lock().unwrap().clear();
    seconds(60).await;
    assert_eq!(net.texts(2, &user, Namespace::MESSAGES).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_node_alone_still_answers() {
    let net = Net::new(THREE);
    let user = User::account_in(0, THREE);
    net.set_down(1, true);
    net.set_down(2, true);
    for n in 0..20 {
        assert_eq!(net.leave(0, &user, &format!("{n:02}")).await.0, 200);
    }
    net.set_down(1, false);
    net.set_down(2, false);
    seconds(60).await;
    for number in 0..3 {
        let mut texts = net.texts(number, &user, Namespace::MESSAGES).await;
        texts.dedup();
        assert_eq!(texts.len(), 20, "node {number}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_outbox_never_goes_back_to_an_old_value() {
    let net = Net::new(THREE);
    let user = User::account_in(0, THREE);
    let outbox = Namespace(-21);
    for (text, down) in [("one", false), ("two", true)] {
        net.set_down(2, down);
        seconds(1).await;
        let store = Store::new(user.id, outbox, text.as_bytes().to_vec(), net.now(), DAY);
        net.ask(0, store.signed(&user.signer(), net.now())).await;
    }
    net.set_down(2, false);
    for number in [0, 1, 2] {
        net.node(number).synchronise().await;
    }
    seconds(60).await;
    for number in 0..3 {
        assert_eq!(net.texts(number, &user, outbox).await, ["two"], "node {number}");
    }
}

#[tokio::test(start_paused = true)]
async fn messages_move_when_a_new_swarm_takes_their_account() {
    let (before, after) = (&[0, 0, 0, 0], &[0, 0, 1 << 63, 1 << 63]);
    let net = Net::new(before);
    let user = User::account_in(1 << 63, after);
    for n in 0..10 {
        net.leave(n % 4, &user, &n.to_string()).await;
    }
    // The new swarm's nodes come without anything.
    net.place(after);
    net.boot(2);
    net.boot(3);
    seconds(5).await;
    for number in [2, 3] {
        let mut texts = net.texts(number, &user, Namespace::MESSAGES).await;
        texts.sort();
        assert_eq!(texts.len(), 10, "node {number}");
    }
    assert_eq!(net.leave(0, &user, "late").await.0, 421);
}

#[tokio::test(start_paused = true)]
async fn revocations_move_with_their_account_and_are_forgotten_where_they_were() {
    let (before, after) = (&[0, 0, 0, 0], &[0, 0, 1 << 63, 1 << 63]);
    let net = Net::new(before);
    let group = User::group_in(1 << 63, after);
    let signer = member_of(&group);
    let revoke = Revoke::signed(group.id, vec![signer.auth().token], &group.signer(), net.now());
    assert_eq!(net.ask(0, revoke).await.0, 200);
    net.place(after);
    net.boot(2);
    net.boot(3);
    seconds(5).await;
    let kept = |number: usize| {
        let node = net.node(number);
        let state = node
            .inner
            .db
            .read(|c| account_state(c, group.id.as_bytes(), net.now()));
        state.unwrap().operations.len()
    };
    assert_eq!([0, 1, 2, 3].map(kept), [0, 0, 1, 1]);
    for number in [2, 3] {
        let read = Retrieve::new(group.id, Namespace::GROUP_MESSAGES, None);
        let read = read.signed(&Signer::Subaccount(&signer), net.now());
        assert_eq!(net.ask(number, read).await.0, 401, "node {number}");
    }
}

#[tokio::test(start_paused = true)]
async fn messages_move_when_their_swarm_dissolves() {
    let (before, after) = (&[0, 0, 1 << 63], &[0, 0, 0]);
    let net = Net::new(before);
    let user = User::account_in(1 << 63, before);
    net.leave(2, &user, "kept").await;
    net.place(after);
    seconds(5).await;
    for number in 0..3 {
        assert_eq!(
            net.texts(number, &user, Namespace::MESSAGES).await,
            ["kept"],
            "node {number}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn strangers_and_other_swarms_cannot_run_operations() {
    let net = Net::new(&[0, 0, 1 << 63]);
    let link = |keys: &Ed25519KeyPair| {
        let channel = Arc::new(Channel::new(keys, START + 1));
        Links::new(channel, Arc::new(net.wire.clone()), Arc::clone(&net.clock))
    };
    let to = net.registry.list().get(&net.keys[0].public()).unwrap().clone();
    let batch = encode_forwards(&[]);
    let call = crate::peer::Call::Operations;
    let timeout = Duration::from_secs(5);
    let stranger = link(&Ed25519KeyPair::from_seed(&[77; 32]));
    assert_eq!(
        stranger.call(&to, call, &batch, timeout).await,
        Err(TransportError::Refused(403))
    );
    let elsewhere = link(&net.keys[2]);
    assert_eq!(
        elsewhere.call(&to, call, &batch, timeout).await,
        Err(TransportError::Refused(421))
    );
    let member = link(&net.keys[1]);
    assert!(member.call(&to, call, &batch, timeout).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn times_that_other_members_claim_do_not_reach_into_the_future() {
    let net = Net::new(THREE);
    let user = User::account_in(0, THREE);
    let channel = Arc::new(Channel::new(&net.keys[1], START + 1));
    let link = Links::new(channel, Arc::new(net.wire.clone()), Arc::clone(&net.clock));
    let to = net.registry.list().get(&net.keys[0].public()).unwrap().clone();
    let [gone, kept] =
        [b"gone", b"kept"].map(|text| message_hash(&user.id, Namespace::MESSAGES, text.as_slice()));
    let delete = Delete::signed(user.id, vec![gone], false, &user.signer());
    let forward = Forward {
        at: u64::MAX,
        late: true,
        method: "delete".to_owned(),
        params: Request::from(delete).params_bt().into(),
    };
    let mut row = Writer::new();
    row.raw(user.id.as_bytes()).len(1).raw(&[0, 0]);
    row.raw(&to_hash(&kept).unwrap()).u64(START).u64(START + DAY);
    row.u64(u64::MAX).bytes(b"kept").len(0);
    for (call, body) in [
        (Call::Operations, encode_forwards(&[forward])),
        (Call::Deliver, row.finish()),
    ] {
        let answer = link.call(&to, call, &body, Duration::from_secs(5)).await;
        assert!(answer.is_ok());
    }
    let now = net.now();
    let told = net.node(0).inner.db.read(|c| {
        let state = account_state(c, user.id.as_bytes(), now)?;
        Ok((state.rows, operations(c, &state.operations, usize::MAX)?))
    });
    let (rows, kept) = told.unwrap();
    let touched: Vec<bool> = rows.iter().map(|row| row.touched <= now).collect();
    let accepted: Vec<bool> = kept.iter().map(|op| op.at <= now + 70_000).collect();
    assert_eq!((touched, accepted), (vec![true], vec![true]));
}

#[tokio::test(start_paused = true)]
async fn an_account_with_large_operations_keeps_no_other_from_being_repaired() {
    let net = Net::new(THREE);
    let user = User::account_in(0, THREE);
    net.leave(0, &user, "kept").await;
    seconds(1).await;
    net.set_down(1, true);
    // It comes before every other one, and both of its operations together are more than fits into a message.
    for number in 0..2 {
        let (now, node) = (net.now(), net.node(0));
        let operation = Operation {
            id: [number; 32],
            method: "delete".to_owned(),
            params: vec![0; 6 * 1024 * 1024],
            at: now,
        };
        let write = node
            .inner
            .db
            .write(move |w| w.keep_operation(&[0; 33], &operation, now));
        write.await.unwrap();
    }
    net.boot(2);
    seconds(5).await;
    assert_eq!(net.texts(2, &user, Namespace::MESSAGES).await, ["kept"]);
}

#[tokio::test(start_paused = true)]
async fn a_request_names_only_so_many_messages() {
    let net = Net::new(THREE);
    let user = User::account_in(0, THREE);
    let hash = message_hash(&user.id, Namespace::MESSAGES, b"none");
    for (count, status) in [(1_000, 200), (20_001, 400)] {
        let delete = Delete::signed(user.id, vec![hash; count], false, &user.signer());
        assert_eq!(net.ask(0, delete).await.0, status, "{count}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_that_cannot_be_compared_is_passed_over() {
    let net = Net::new(THREE);
    let user = User::account_in(0, THREE);
    let hash = to_hash(&message_hash(&user.id, Namespace::MESSAGES, b"kept")).unwrap();
    let account = *user.id.as_bytes();
    net.set_lying(0, move |call, asked| match call {
        Call::Digests => {
            let mut out = Writer::new();
            out.u8(0).len(2);
            out.raw(&[0; 33]).raw(&[7; 16]).raw(&account).raw(&[7; 16]);
            out.finish()
        }
        Call::States => one_row(&hash),
        _ if asked.starts_with(&[0; 33]) => Bytes::new(),
        _ => contents(&account, &hash, b"kept"),
    });
    assert!(!net.node(1).synchronise().await, "it is told as a failure");
    assert_eq!(net.texts(1, &user, Namespace::MESSAGES).await, ["kept"]);
}

/// Digests that name one account, of which nothing is known.
fn one_account(account: &[u8; 33]) -> Bytes {
    let mut out = Writer::new();
    out.u8(0).len(1).raw(account).raw(&[7; 16]);
    out.finish()
}

/// States that name one row of one account.
fn one_row(hash: &[u8; 32]) -> Bytes {
    let mut out = Writer::new();
    out.len(1).len(1).raw(hash).u64(START + DAY).u64(START).len(0);
    out.finish()
}

/// One row of an account, with its text.
fn contents(account: &[u8; 33], hash: &[u8; 32], text: &[u8]) -> Bytes {
    let mut out = Writer::new();
    out.raw(account).len(1).raw(&[0, 0]).raw(hash);
    out.u64(START).u64(START + DAY).u64(START).bytes(text).len(0);
    out.finish()
}

/// More accounts behind this one, and none told.
fn more_after(account: &[u8; 33]) -> Bytes {
    let mut out = Writer::new();
    out.u8(1).raw(account).len(0);
    out.finish()
}

#[tokio::test(start_paused = true)]
async fn a_member_that_answers_nonsense_holds_nobody_up() {
    type Lie = fn(&[u8; 33], Call, &[u8]) -> Bytes;
    let lies: [(&str, Lie); 3] = [
        ("the same accounts again", |_, _, _| more_after(&[9; 33])),
        ("accounts without end", |_, _, asked| {
            let mut next = [0; 33];
            if let [1, after @ ..] = asked {
                next.copy_from_slice(after);
            }
            let last = next.iter_mut().rev().find(|byte| **byte < u8::MAX).unwrap();
            *last += 1;
            more_after(&next)
        }),
        ("rows that nobody asked for", |account, call, _| match call {
            Call::Digests => one_account(account),
            Call::States => one_row(&[1; 32]),
            _ => contents(account, &[2; 32], b"other"),
        }),
    ];
    for (name, lie) in lies {
        let net = Net::new(THREE);
        let user = User::account_in(0, THREE);
        net.leave(0, &user, "kept").await;
        // Members are asked in the order of the list: the liar before the honest one.
        let order: Vec<usize> = net
            .registry
            .list()
            .members(SwarmId(0))
            .filter_map(|member| net.keys.iter().position(|keys| keys.public() == member.ed25519()))
            .collect();
        let account = *user.id.as_bytes();
        seconds(1).await;
        net.set_lying(order[0], move |call, asked| lie(&account, call, &asked));
        net.boot(order[2]);
        seconds(400).await;
        assert_eq!(
            net.texts(order[2], &user, Namespace::MESSAGES).await,
            ["kept"],
            "{name}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_about_another_account_is_not_taken() {
    let swarms = &[0, 0, 1 << 63];
    let net = Net::new(swarms);
    let (asked, other) = (User::account_in(0, swarms), User::account_in(1 << 63, swarms));
    let hash = to_hash(&message_hash(&other.id, Namespace::MESSAGES, b"foisted")).unwrap();
    net.set_lying(0, move |call, _| match call {
        Call::Digests => one_account(asked.id.as_bytes()),
        Call::States => one_row(&hash),
        _ => contents(other.id.as_bytes(), &hash, b"foisted"),
    });
    assert!(!net.node(1).synchronise().await, "it is told as a failure");
    seconds(60).await;
    for number in [1, 2] {
        assert_eq!(net.node(number).message_count().unwrap(), 0, "node {number}");
    }
}
