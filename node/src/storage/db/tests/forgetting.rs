//! What was deleted or shortened stays so, whatever copies come late.

use super::*;

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
