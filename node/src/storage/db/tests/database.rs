//! The database itself: its versions, its plans, what survives, what is forgotten.

use super::*;

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
