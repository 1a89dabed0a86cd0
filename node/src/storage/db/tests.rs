//! The database's rules, in memory and on disk.

use super::*;
use bytes::Bytes;

const NOW: u64 = 1_700_000_000_000;
const ME: Account = [5; 33];
const DAY: u64 = 24 * 3600 * 1000;

/// An operation of this time that comes late.
fn at(at: u64) -> When {
    When {
        at,
        bound: at,
        now: NOW,
    }
}

fn message(namespace: i16, text: &str) -> NewMessage {
    let mut hash = [0; 32];
    hash.copy_from_slice(
        blake2b_simd::Params::new()
            .hash_length(32)
            .hash(text.as_bytes())
            .as_bytes(),
    );
    NewMessage {
        account: ME,
        namespace,
        hash,
        timestamp: NOW,
        expiry: NOW + 60_000,
        touched: NOW,
        data: Bytes::copy_from_slice(text.as_bytes()),
    }
}

async fn put(db: &Db, message: NewMessage, outbox: bool) -> Stored {
    db.write(move |w| w.store(&message, NOW, outbox)).await.unwrap()
}

async fn adopt(db: &Db, message: NewMessage) -> SyncOutcome {
    db.write(move |w| w.adopt(&message, NOW, false)).await.unwrap()
}

/// An operation of this time, with a number for its name.
fn operation(number: u64, at: u64) -> Operation {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&number.to_be_bytes());
    Operation {
        id,
        method: "delete".to_owned(),
        params: Vec::new(),
        at,
    }
}

fn kept(db: &Db, now: u64) -> Vec<Hash> {
    let state = db.read(|c| sync::account_state(c, &ME, now)).unwrap();
    state.operations
}

fn texts(db: &Db, namespace: i16, last: Option<Hash>) -> Vec<String> {
    let limits = PageLimits {
        count: u64::MAX,
        size: u64::MAX,
    };
    let page = db
        .read(|c| messages::page(c, &ME, namespace, last.as_ref(), limits, NOW))
        .unwrap();
    page.messages
        .into_iter()
        .map(|m| String::from_utf8(m.data).unwrap())
        .collect()
}

#[tokio::test]
async fn messages_come_back_in_the_order_they_were_stored() {
    let db = Db::in_memory().unwrap();
    for text in ["c", "a", "b"] {
        assert!(!put(&db, message(0, text), false).await.already);
    }
    put(&db, message(2, "elsewhere"), false).await;
    assert_eq!(texts(&db, 0, None), ["c", "a", "b"]);
    assert_eq!(texts(&db, 0, Some(message(0, "c").hash)), ["a", "b"]);
    assert_eq!(
        texts(&db, 0, Some([9; 32])),
        ["c", "a", "b"],
        "an unknown hash starts over"
    );
    assert_eq!(
        texts(&db, 2, Some(message(0, "c").hash)),
        ["elsewhere"],
        "a hash of another namespace too"
    );
}

#[tokio::test]
async fn a_duplicate_only_extends_the_expiry() {
    let db = Db::in_memory().unwrap();
    put(&db, message(0, "a"), false).await;
    let mut again = message(0, "a");
    again.expiry = NOW + 30_000;
    let expected = Stored {
        already: true,
        expiry: NOW + 60_000,
    };
    assert_eq!(put(&db, again.clone(), false).await, expected);
    again.expiry = NOW + 90_000;
    assert_eq!(put(&db, again, false).await.expiry, NOW + 90_000);
}

#[tokio::test]
async fn an_outbox_keeps_only_the_last() {
    let db = Db::in_memory().unwrap();
    put(&db, message(-21, "old"), true).await;
    put(&db, message(0, "other"), false).await;
    put(&db, message(-21, "new"), true).await;
    assert_eq!(texts(&db, -21, None), ["new"]);
    assert_eq!(texts(&db, 0, None), ["other"]);
    let late = message(-21, "old");
    let outcome = db.write(move |w| w.adopt(&late, NOW, true)).await.unwrap();
    assert_eq!(
        outcome,
        SyncOutcome::Refused,
        "a late copy must not bring it back"
    );
}

#[tokio::test]
async fn pages_end_at_their_limits_but_hold_one_message() {
    let db = Db::in_memory().unwrap();
    for text in ["1", "2", "3"] {
        put(&db, message(0, text), false).await;
    }
    let page = |count, size| {
        let limits = PageLimits { count, size };
        let page = db.read(|c| messages::page(c, &ME, 0, None, limits, NOW)).unwrap();
        (page.messages.len(), page.more)
    };
    assert_eq!(page(2, u64::MAX), (2, true));
    assert_eq!(page(3, u64::MAX), (3, false));
    assert_eq!(page(u64::MAX, 1), (1, true));
    assert_eq!(page(u64::MAX, 2 * 144), (2, true));
}

#[tokio::test]
async fn expired_messages_are_not_read_and_then_swept() {
    let db = Db::in_memory().unwrap();
    let mut short = message(0, "short");
    short.expiry = NOW;
    put(&db, short.clone(), false).await;
    assert!(texts(&db, 0, None).is_empty());
    let again = put(
        &db,
        NewMessage {
            expiry: NOW + 5,
            ..short
        },
        false,
    )
    .await;
    assert!(!again.already, "what has expired is gone, swept or not");
    assert_eq!(texts(&db, 0, None), ["short"]);
    db.write(|w| w.sweep(NOW + 5)).await.unwrap();
    assert_eq!(db.read(messages::count).unwrap(), 0);
}

#[tokio::test]
async fn a_deletion_outlives_late_copies_but_not_a_new_store() {
    let db = Db::in_memory().unwrap();
    put(&db, message(0, "a"), false).await;
    let hash = message(0, "a").hash;
    let gone = db
        .write(move |w| w.delete(&ME, &[hash, [1; 32]], at(NOW + 1)))
        .await
        .unwrap();
    assert_eq!(gone, [hash]);
    assert_eq!(adopt(&db, message(0, "a")).await, SyncOutcome::Refused);
    assert!(!put(&db, message(0, "a"), false).await.already);
    assert_eq!(texts(&db, 0, None), ["a"]);
}

#[tokio::test]
async fn what_was_deleted_and_stored_again_does_not_come_back_after_its_end() {
    let db = Db::in_memory().unwrap();
    let hash = message(0, "a").hash;
    put(&db, message(0, "a"), false).await;
    let shorter = NewMessage {
        touched: NOW + 2,
        expiry: NOW + 5_000,
        ..message(0, "a")
    };
    db.write(move |w| {
        w.delete(&ME, &[hash], at(NOW + 1))?;
        w.store(&shorter, NOW + 2, false)
    })
    .await
    .unwrap();
    assert_eq!(texts(&db, 0, None), ["a"]);
    // It ends, and a member that missed the deletion has the first copy.
    db.write(|w| w.sweep(NOW + 5_000)).await.unwrap();
    let first = message(0, "a");
    let outcome = db
        .write(move |w| w.adopt(&first, NOW + 6_000, false))
        .await
        .unwrap();
    assert_eq!(outcome, SyncOutcome::Refused);
}

#[tokio::test]
async fn of_two_extensions_the_longer_stands_whichever_was_later() {
    let (a, b) = (Db::in_memory().unwrap(), Db::in_memory().unwrap());
    let hash = message(0, "a").hash;
    for (db, end, time) in [(&a, NOW + 300_000, NOW + 1), (&b, NOW + 200_000, NOW + 2)] {
        put(db, message(0, "a"), false).await;
        db.write(move |w| w.expire(&ME, &[(hash, end)], true, false, at(time)))
            .await
            .unwrap();
    }
    for (from, to) in [(&a, &b), (&b, &a)] {
        let told = from.read(|c| sync::account_state(c, &ME, NOW)).unwrap().rows[0];
        to.write(move |w| w.adopt_expiry(&ME, &told)).await.unwrap();
    }
    for db in [&a, &b] {
        let found = db.read(|c| messages::expiries(c, &ME, &[hash], NOW)).unwrap();
        assert_eq!(found, [(hash, NOW + 300_000)]);
    }
}

#[tokio::test]
async fn a_late_deletion_spares_what_was_stored_since() {
    let db = Db::in_memory().unwrap();
    let mut newer = message(0, "newer");
    newer.touched = NOW + 10;
    put(&db, message(0, "older"), false).await;
    put(&db, newer, false).await;
    let gone = db
        .write(|w| w.delete_many(&ME, Some(0), u64::MAX, at(NOW + 5)))
        .await
        .unwrap();
    assert_eq!(gone.len(), 1);
    assert_eq!(texts(&db, 0, None), ["newer"]);
}

#[tokio::test]
async fn a_wipe_refuses_older_late_copies() {
    let db = Db::in_memory().unwrap();
    db.write(|w| w.delete_many(&ME, None, u64::MAX, at(NOW)))
        .await
        .unwrap();
    let newer = NewMessage {
        touched: NOW + 1,
        ..message(3, "newer")
    };
    assert_eq!(adopt(&db, message(3, "older")).await, SyncOutcome::Refused);
    assert_eq!(adopt(&db, newer).await, SyncOutcome::Inserted);
}

#[tokio::test]
async fn what_was_stored_after_a_wipe_is_taken_whatever_its_timestamp() {
    let db = Db::in_memory().unwrap();
    // The second reaches less far back, so that neither says what the other does.
    for (before, accepted) in [(NOW, NOW - 20), (NOW - 1_000, NOW - 10)] {
        db.write(move |w| w.delete_many(&ME, Some(0), before, at(accepted)))
            .await
            .unwrap();
    }
    let copy = |text, timestamp, touched| NewMessage {
        timestamp,
        touched,
        ..message(0, text)
    };
    let (before, after) = (SyncOutcome::Refused, SyncOutcome::Inserted);
    assert_eq!(adopt(&db, copy("a", NOW, NOW - 20)).await, before);
    assert_eq!(adopt(&db, copy("b", NOW, NOW - 19)).await, after);
    assert_eq!(adopt(&db, copy("c", NOW - 1_000, NOW - 10)).await, before);
    assert_eq!(adopt(&db, copy("d", NOW - 1_000, NOW - 9)).await, after);
}

#[tokio::test]
async fn nobody_deletes_or_shortens_the_messages_of_others() {
    let db = Db::in_memory().unwrap();
    let other: Account = [6; 33];
    let hashes = [message(0, "a").hash, message(0, "b").hash];
    db.write(move |w| {
        w.delete(&other, &hashes[..1], at(NOW))?;
        w.expire(&other, &[(hashes[1], NOW + 1)], false, true, at(NOW))
    })
    .await
    .unwrap();
    for text in ["a", "b"] {
        assert_eq!(
            adopt(&db, message(0, text)).await,
            SyncOutcome::Inserted,
            "{text}"
        );
    }
    let found = db.read(|c| messages::expiries(c, &ME, &hashes, NOW)).unwrap();
    assert_eq!(found, hashes.map(|hash| (hash, NOW + 60_000)));
}

#[tokio::test]
async fn late_copies_live_no_longer_than_their_account_said_last() {
    let db = Db::in_memory().unwrap();
    let known = message(0, "known").hash;
    put(&db, message(0, "known"), false).await;
    let later = |text: &str| NewMessage {
        touched: NOW + 2,
        ..message(0, text)
    };
    let wanted = ["known", "unknown", "later"].map(|text| (message(0, text).hash, NOW + 5_000));
    db.write(move |w| w.expire(&ME, &wanted, false, true, at(NOW + 1)))
        .await
        .unwrap();
    assert_eq!(adopt(&db, message(0, "known")).await, SyncOutcome::Known);
    let told = RowState {
        hash: known,
        expiry: NOW + 60_000,
        touched: NOW,
    };
    assert!(!db.write(move |w| w.adopt_expiry(&ME, &told)).await.unwrap());
    assert_eq!(adopt(&db, message(0, "unknown")).await, SyncOutcome::Inserted);
    assert_eq!(adopt(&db, later("later")).await, SyncOutcome::Inserted);
    let found = db
        .read(|c| messages::expiries(c, &ME, &wanted.map(|(hash, _)| hash), NOW))
        .unwrap();
    assert_eq!(
        found.iter().map(|(_, expiry)| *expiry - NOW).collect::<Vec<_>>(),
        [5_000, 5_000, 60_000]
    );
    // All of a namespace, known or not.
    db.write(|w| w.expire_many(&ME, Some(2), NOW + 5_000, at(NOW + 1)))
        .await
        .unwrap();
    assert_eq!(adopt(&db, message(2, "all")).await, SyncOutcome::Inserted);
    let all = [message(2, "all").hash];
    let found = db.read(|c| messages::expiries(c, &ME, &all, NOW)).unwrap();
    assert_eq!(found, [(all[0], NOW + 5_000)]);
}

#[tokio::test]
async fn operations_are_over_thirty_days_after_they_were_accepted() {
    let db = Db::in_memory().unwrap();
    // One that is learnt as it happens, one that is learnt after 20 days, and one that is over.
    db.write(|w| {
        for (number, days) in [(0, 0), (1, 20), (2, 30)] {
            w.keep_operation(&ME, &operation(number, NOW - days * DAY), NOW)?;
        }
        Ok(())
    })
    .await
    .unwrap();
    let names = |numbers: &[u64]| -> Vec<Hash> { numbers.iter().map(|n| operation(*n, 0).id).collect() };
    assert_eq!(kept(&db, NOW), names(&[1, 0]));
    assert_eq!(kept(&db, NOW + 10 * DAY), names(&[0]));
    assert_eq!(kept(&db, NOW + 30 * DAY), names(&[]));
}

#[tokio::test]
async fn operations_stay_as_long_as_a_revocation_stands_on_them() {
    let db = Db::in_memory().unwrap();
    let revoke = |number: u64, token: u8, revoked: bool, time: u64| {
        let db = db.clone();
        let op = operation(number, time);
        async move {
            db.write(move |w| w.set_revoked(&ME, &[[token; 36]], revoked, time, &op, NOW))
                .await
                .unwrap();
        }
    };
    // Learnt after a year, by a member that is new.
    revoke(1, 1, true, NOW - 365 * DAY).await;
    revoke(2, 2, true, NOW).await;
    db.write(|w| {
        for number in 0..1_100 {
            w.keep_operation(&ME, &operation(1_000 + number, NOW + 1), NOW)?;
        }
        Ok(())
    })
    .await
    .unwrap();
    db.write(|w| w.sweep(NOW + 40 * DAY)).await.unwrap();
    assert_eq!(
        kept(&db, NOW + 40 * DAY),
        [operation(1, 0).id, operation(2, 0).id]
    );
    // Another word on the token takes its place, and stays.
    revoke(3, 1, false, NOW).await;
    db.write(|w| w.sweep(NOW + 40 * DAY)).await.unwrap();
    let mut left = kept(&db, NOW + 40 * DAY);
    left.sort_unstable();
    assert_eq!(left, [operation(2, 0).id, operation(3, 0).id]);
}

#[tokio::test]
async fn of_two_words_of_the_same_time_all_members_take_the_same() {
    let (a, b) = (Db::in_memory().unwrap(), Db::in_memory().unwrap());
    for (db, order) in [(&a, [true, false]), (&b, [false, true])] {
        for revoked in order {
            let op = operation(u64::from(revoked), NOW);
            db.write(move |w| w.set_revoked(&ME, &[[1; 36]], revoked, NOW, &op, NOW))
                .await
                .unwrap();
        }
        assert!(db.read(|c| log::is_revoked(c, &ME, &[1; 36])).unwrap());
    }
    let all = |db: &Db| db.read(|c| sync::digest_of(c, &ME, NOW + 40 * DAY)).unwrap();
    assert_eq!(all(&a), all(&b));
}

#[tokio::test]
async fn a_database_of_version_1_is_taken_over() {
    let folder = crate::files::temporary_folder("db");
    let path = folder.join("storage.db");
    let old = Connection::open(&path).unwrap();
    schema::prepare_version_1(&old).unwrap();
    let token = [7_u8; 36];
    let time = |after: u64| messages::sql(NOW + after);
    let revoke = [b"d6:revokel36:".as_slice(), &token, b"ee"].concat();
    old.execute("INSERT INTO owners(id, account) VALUES(1, ?1)", [ME.as_slice()])
        .unwrap();
    old.execute(
        "INSERT INTO messages(owner, namespace, hash, timestamp, expiry, touched, data) VALUES(1, 0, ?1, ?2, ?3, ?2, ?4)",
        rusqlite::params![message(0, "kept").hash.as_slice(), time(0), time(DAY), b"kept".as_slice()],
    )
    .unwrap();
    old.execute(
        "INSERT INTO tombstones(hash, at, expires) VALUES(?1, ?2, ?3)",
        rusqlite::params![message(0, "deleted").hash.as_slice(), time(0), time(DAY)],
    )
    .unwrap();
    // All of namespace 2 up to now, and of namespace 3 what has an older timestamp.
    old.execute(
        "INSERT INTO wipes(owner, namespace, kind, bound, expires) VALUES(1, 2, 0, ?1, ?3), (1, 3, 1, ?2, ?3)",
        [time(0), time(0) - 1, time(30 * DAY)],
    )
    .unwrap();
    old.execute(
        "INSERT INTO revocations(account, token, at, revoked) VALUES(?1, ?2, ?3, 1)",
        rusqlite::params![ME.as_slice(), token.as_slice(), time(0)],
    )
    .unwrap();
    for (id, method, params) in [
        (1_u8, "revoke_subaccount", revoke.as_slice()),
        (2, "delete", b"de".as_slice()),
    ] {
        old.execute(
            "INSERT INTO operations(id, owner, method, params, at, expires) VALUES(?1, 1, ?2, ?3, ?4, ?5)",
            rusqlite::params![[id; 32].as_slice(), method, params, time(0), time(50 * DAY)],
        )
        .unwrap();
    }
    old.close().unwrap();
    let db = Db::open(&path, Durability::Process).unwrap();
    assert_eq!(texts(&db, 0, None), ["kept"]);
    let stored_after = |namespace, text: &str| NewMessage {
        touched: NOW + 1,
        ..message(namespace, text)
    };
    let older = NewMessage {
        timestamp: NOW - 1,
        ..message(3, "older")
    };
    for (copy, outcome) in [
        (message(0, "deleted"), SyncOutcome::Refused),
        (message(2, "wiped"), SyncOutcome::Refused),
        (stored_after(2, "since"), SyncOutcome::Inserted),
        (older.clone(), SyncOutcome::Refused),
        (
            NewMessage {
                touched: NOW + 1,
                ..older
            },
            SyncOutcome::Inserted,
        ),
        (message(3, "newer"), SyncOutcome::Inserted),
    ] {
        let text = copy.data.clone();
        assert_eq!(adopt(&db, copy).await, outcome, "{text:?}");
    }
    assert!(!put(&db, message(0, "deleted"), false).await.already);
    assert!(db.read(|c| log::is_revoked(c, &ME, &token)).unwrap());
    assert_eq!(kept(&db, NOW).len(), 2);
    assert_eq!(
        kept(&db, NOW + 30 * DAY),
        [[1_u8; 32]],
        "the one that a revocation stands on"
    );
    db.close();
    let db = Db::open(&path, Durability::Process).unwrap();
    assert_eq!(texts(&db, 0, None), ["kept", "deleted"], "and opens again");
    db.close();
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn expiries_are_set_extended_and_shortened() {
    let db = Db::in_memory().unwrap();
    put(&db, message(0, "a"), false).await;
    let hash = message(0, "a").hash;
    let expire = |to: u64, extend: bool, shorten: bool| {
        db.write(move |w| w.expire(&ME, &[(hash, to), ([1; 32], to)], extend, shorten, at(NOW)))
    };
    assert_eq!(
        expire(NOW + 50_000, true, false).await.unwrap().unchanged,
        [(hash, NOW + 60_000)]
    );
    assert_eq!(
        expire(NOW + 70_000, true, false).await.unwrap().updated,
        [(hash, NOW + 70_000)]
    );
    assert_eq!(
        expire(NOW + 80_000, false, true).await.unwrap().unchanged,
        [(hash, NOW + 70_000)]
    );
    assert_eq!(
        expire(NOW + 20_000, false, false).await.unwrap().updated,
        [(hash, NOW + 20_000)]
    );
    let all = db
        .write(|w| w.expire_many(&ME, None, NOW + 10_000, at(NOW)))
        .await
        .unwrap();
    assert_eq!(all, [(0, hash)]);
    let found = db
        .read(|c| messages::expiries(c, &ME, &[hash, [1; 32]], NOW))
        .unwrap();
    assert_eq!(found, [(hash, NOW + 10_000)]);
}

#[tokio::test]
async fn the_newest_fifty_revocations_stay_without_any_message() {
    let db = Db::in_memory().unwrap();
    for n in 0..60_u8 {
        let (token, time) = ([n; 36], NOW + u64::from(n));
        let op = operation(u64::from(n), time);
        db.write(move |w| w.set_revoked(&ME, &[token], true, time, &op, NOW))
            .await
            .unwrap();
    }
    assert_eq!(db.read(|c| log::revoked(c, &ME)).unwrap().len(), 50);
    assert!(!db.read(|c| log::is_revoked(c, &ME, &[9; 36])).unwrap());
    assert!(db.read(|c| log::is_revoked(c, &ME, &[10; 36])).unwrap());
    let changed = db
        .write(|w| {
            let op = operation(100, NOW + 100);
            w.set_revoked(&ME, &[[10; 36], [1; 36]], false, NOW + 100, &op, NOW)
        })
        .await
        .unwrap();
    assert_eq!(changed, 1);
    db.write(|w| w.set_revoked(&ME, &[[10; 36]], true, NOW + 50, &operation(101, NOW + 50), NOW))
        .await
        .unwrap();
    assert!(
        !db.read(|c| log::is_revoked(c, &ME, &[10; 36])).unwrap(),
        "an older word came late"
    );
}

/// Revokes or readmits tokens with these numbers; the operation is named by its time.
async fn set_revoked(db: &Db, numbers: std::ops::Range<u32>, revoked: bool, time: u64) {
    let tokens: Vec<[u8; 36]> = numbers.map(token).collect();
    let op = operation(time, time);
    db.write(move |w| w.set_revoked(&ME, &tokens, revoked, time, &op, NOW))
        .await
        .unwrap();
}

fn token(number: u32) -> [u8; 36] {
    let mut token = [0; 36];
    token[..4].copy_from_slice(&number.to_be_bytes());
    token
}

#[tokio::test]
async fn revocations_do_not_depend_on_the_order_in_which_they_come() {
    let (a, b) = (Db::in_memory().unwrap(), Db::in_memory().unwrap());
    set_revoked(&a, 0..1, true, NOW).await;
    for db in [&a, &b] {
        set_revoked(db, 0..1, false, NOW + 1).await;
        for step in 0..11 {
            set_revoked(
                db,
                100 + step * 50..150 + step * 50,
                false,
                NOW + 2 + u64::from(step),
            )
            .await;
        }
    }
    set_revoked(&b, 0..1, true, NOW).await;
    for db in [&a, &b] {
        assert!(!db.read(|c| log::is_revoked(c, &ME, &token(0))).unwrap());
    }
}

#[tokio::test]
async fn readmissions_of_others_undo_no_revocation() {
    let db = Db::in_memory().unwrap();
    set_revoked(&db, 0..1, true, NOW).await;
    for step in 0..4 {
        set_revoked(
            &db,
            100 + step * 50..150 + step * 50,
            false,
            NOW + 1 + u64::from(step),
        )
        .await;
    }
    assert!(db.read(|c| log::is_revoked(c, &ME, &token(0))).unwrap());
    assert_eq!(db.read(|c| log::revoked(c, &ME)).unwrap(), [token(0)]);
}

#[tokio::test]
async fn operations_are_given_until_their_bytes_are_reached() {
    let db = Db::in_memory().unwrap();
    let ids: Vec<Hash> = (0..3).map(|number| operation(number, NOW).id).collect();
    db.write(|w| {
        for number in 0..3 {
            let large = Operation {
                params: vec![0; 1_000],
                ..operation(number, NOW)
            };
            w.keep_operation(&ME, &large, NOW)?;
        }
        Ok(())
    })
    .await
    .unwrap();
    for (bytes, given) in [(1, 1), (1_999, 1), (2_000, 2), (3_000, 3)] {
        let found = db.read(|c| sync::operations(c, &ids, bytes)).unwrap();
        assert_eq!(found.len(), given, "{bytes}");
    }
}

#[tokio::test]
async fn an_account_keeps_the_newest_thousand_wipes_whatever_their_namespaces() {
    let db = Db::in_memory().unwrap();
    db.write(|w| {
        for number in 0..1_010_i16 {
            let time = NOW - 2_000 + u64::try_from(number).unwrap_or(0);
            w.delete_many(&ME, Some(number), u64::MAX, at(time))?;
        }
        Ok(())
    })
    .await
    .unwrap();
    let count = |c: &Connection| {
        c.query_row("SELECT count(*), min(namespace) FROM wipes", [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
        })
    };
    assert_eq!(db.read(count).unwrap(), (1_000, 10));
}

/// How a statement is carried out.
fn plan(connection: &Connection, statement: &str) -> rusqlite::Result<String> {
    let mut explained = connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}"))?;
    let values = vec![0_i64; explained.parameter_count()];
    let steps: Vec<String> = explained
        .query_map(rusqlite::params_from_iter(values), |row| row.get(3))?
        .collect::<Result<_, _>>()?;
    Ok(steps.join("; "))
}

#[test]
fn what_is_done_often_goes_through_no_more_than_it_must() {
    let db = Db::in_memory().unwrap();
    for statement in messages::SWEEPS {
        let plan = db.read(|c| plan(c, statement)).unwrap();
        assert!(!plan.contains("SCAN"), "{statement}: {plan}");
    }
    let plan = db.read(|c| plan(c, log::END_UNNEEDED)).unwrap();
    assert!(plan.contains("operations_by_owner"), "{plan}");
}

#[tokio::test]
async fn what_was_handed_over_is_not_offered_again() {
    let db = Db::in_memory().unwrap();
    put(&db, message(0, "a"), false).await;
    set_revoked(&db, 0..1, true, NOW).await;
    let holding = || db.read(|c| sync::holdings(c, 0, 10)).unwrap().first().copied();
    let before = holding().unwrap();
    db.write(move |w| w.keep_handed_over(&before, 7)).await.unwrap();
    assert!(kept(&db, NOW).is_empty(), "its swarm keeps the operation now");
    assert!(!db.read(|c| log::is_revoked(c, &ME, &token(0))).unwrap());
    assert_eq!(texts(&db, 0, None), ["a"]);
    // Something else is remembered of the account when its message has ended.
    db.write(|w| w.delete(&ME, &[[1; 32]], at(NOW))).await.unwrap();
    db.write(|w| w.sweep(NOW + 60_000)).await.unwrap();
    let empty = holding().unwrap();
    db.write(move |w| w.keep_handed_over(&empty, 7)).await.unwrap();
    assert_eq!(db.write(|w| w.forget_empty()).await.unwrap(), 0);
    assert_eq!(holding().unwrap().handed, Some((7, 0)));
    // The row id may be another account's next.
    db.write(|w| w.sweep(NOW + 31 * DAY)).await.unwrap();
    assert_eq!(db.write(|w| w.forget_empty()).await.unwrap(), 1);
    put(&db, message(0, "b"), false).await;
    assert_eq!(holding().unwrap().handed, None);
}

#[test]
fn a_database_of_a_later_version_is_not_opened() {
    let folder = crate::files::temporary_folder("db");
    let path = folder.join("storage.db");
    Db::open(&path, Durability::Process).unwrap().close();
    let file = Connection::open(&path).unwrap();
    file.pragma_update(None, "user_version", 99).unwrap();
    file.close().unwrap();
    let opened = Db::open(&path, Durability::Process);
    assert!(matches!(opened, Err(DbError::Newer(99))));
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn digests_agree_whatever_the_order() {
    let (a, b) = (Db::in_memory().unwrap(), Db::in_memory().unwrap());
    for text in ["1", "2", "3"] {
        put(&a, message(0, text), false).await;
    }
    for text in ["3", "1"] {
        put(&b, message(0, text), false).await;
    }
    let digest = |db: &Db| db.read(|c| sync::digests(c, None, 10, NOW)).unwrap().0;
    assert_ne!(digest(&a), digest(&b));
    put(&b, message(0, "2"), false).await;
    assert_eq!(digest(&a), digest(&b));
    assert_eq!(
        digest(&a)[0].digest,
        a.read(|c| sync::digest_of(c, &ME, NOW)).unwrap()
    );
}

#[tokio::test]
async fn one_failing_write_undoes_only_itself() {
    let db = Db::in_memory().unwrap();
    let good = put(&db, message(0, "a"), false);
    let bad = db.write(|w| {
        w.store(&message(0, "b"), NOW, false)?;
        Err::<(), _>(rusqlite::Error::QueryReturnedNoRows)
    });
    let (_, bad) = tokio::join!(good, bad);
    assert!(matches!(bad, Err(DbError::Sqlite(_))));
    assert_eq!(texts(&db, 0, None), ["a"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_writes_survive_reopening_with_either_durability() {
    for durability in [Durability::Process, Durability::Power] {
        let folder = crate::files::temporary_folder("db");
        let path = folder.join("storage.db");
        let db = Db::open(&path, durability).unwrap();
        let writes = (0..200).map(|n| {
            let db = db.clone();
            tokio::spawn(async move { put(&db, message(0, &format!("{n:03}")), false).await })
        });
        for write in writes.collect::<Vec<_>>() {
            assert!(!write.await.unwrap().already);
        }
        assert_eq!(texts(&db, 0, None).len(), 200, "reads see what was acknowledged");
        db.close();
        assert!(matches!(db.write(|w| w.sweep(0)).await, Err(DbError::Closed)));
        let db = Db::open(&path, durability).unwrap();
        let mut found = texts(&db, 0, None);
        found.sort();
        assert_eq!(found.len(), 200);
        db.close();
        std::fs::remove_dir_all(folder).unwrap();
    }
}

#[tokio::test]
async fn retries_are_kept_in_order_until_dropped() {
    let db = Db::in_memory().unwrap();
    let peer = [7; 32];
    for n in 0..3_u8 {
        db.write(move |w| w.keep_retry(&peer, "store", &[n; 10], NOW, NOW + 10))
            .await
            .unwrap();
    }
    let next = |count, bytes| db.read(|c| queue::retries(c, &peer, count, bytes, NOW)).unwrap();
    assert_eq!(next(10, 25).len(), 2);
    assert_eq!(next(10, 1).len(), 1);
    let first = next(1, 1)[0].id;
    db.write(move |w| w.drop_retries(&[first])).await.unwrap();
    assert_eq!(next(10, 1000)[0].params, [1; 10]);
    assert_eq!(db.read(queue::retry_peers).unwrap(), [peer]);
}

#[tokio::test]
async fn accounts_without_anything_are_forgotten_and_may_come_back() {
    let db = Db::in_memory().unwrap();
    put(&db, message(0, "a"), false).await;
    assert_eq!(db.write(|w| w.forget_empty()).await.unwrap(), 0);
    db.write(|w| w.sweep(NOW + 60_000)).await.unwrap();
    assert_eq!(db.write(|w| w.forget_empty()).await.unwrap(), 1);
    put(&db, message(0, "b"), false).await;
    assert_eq!(texts(&db, 0, None), ["b"]);
}
