//! Operations that members tell each other, and revocations, which stand on them.

use super::*;

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
