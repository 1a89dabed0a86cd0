//! Messages: stored, read in order and in pages, and gone when their time is over.

use super::*;

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
