//! The database's rules, in memory and on disk.

use super::*;
use bytes::Bytes;

const NOW: u64 = 1_700_000_000_000;
const ME: Account = [5; 33];

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
    let adopt = |m: NewMessage| db.write(move |w| w.adopt(&m, NOW, false));
    assert_eq!(adopt(message(0, "a")).await.unwrap(), SyncOutcome::Refused);
    assert!(!put(&db, message(0, "a"), false).await.already);
    assert_eq!(texts(&db, 0, None), ["a"]);
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
    db.write(|w| w.keep_wipe(&ME, None, WipeKind::Touched, NOW, NOW))
        .await
        .unwrap();
    let older = message(3, "older");
    let newer = NewMessage {
        touched: NOW + 1,
        ..message(3, "newer")
    };
    assert_eq!(
        db.write(move |w| w.adopt(&older, NOW, false)).await.unwrap(),
        SyncOutcome::Refused
    );
    assert_eq!(
        db.write(move |w| w.adopt(&newer, NOW, false)).await.unwrap(),
        SyncOutcome::Inserted
    );
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
        let token = [n; 36];
        db.write(move |w| w.set_revoked(&ME, &[token], true, NOW + u64::from(n)))
            .await
            .unwrap();
    }
    assert_eq!(db.read(|c| log::revoked(c, &ME)).unwrap().len(), 50);
    assert!(!db.read(|c| log::is_revoked(c, &ME, &[9; 36])).unwrap());
    assert!(db.read(|c| log::is_revoked(c, &ME, &[10; 36])).unwrap());
    let changed = db
        .write(|w| w.set_revoked(&ME, &[[10; 36], [1; 36]], false, NOW + 100))
        .await
        .unwrap();
    assert_eq!(changed, 1);
    db.write(|w| w.set_revoked(&ME, &[[10; 36]], true, NOW + 50))
        .await
        .unwrap();
    assert!(
        !db.read(|c| log::is_revoked(c, &ME, &[10; 36])).unwrap(),
        "an older word came late"
    );
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
