//! How a transfer ends that does not come to its end: by time, by hand, by a crash.

use std::cell::Cell;

use futures::FutureExt;
use futures::future::{LocalBoxFuture, join};
use holdfast_client::ports::{Change, Entry, StoreError};

use super::*;

#[tokio::test(start_paused = true)]
async fn a_code_is_over_after_its_time_on_both_devices() {
    run(async {
        let world = World::new().await;
        let (old, _) = with_account(&world, "Ann").await;
        let new = Device::new(&world);
        let asked = ask(&new).await;
        tokio::time::sleep(Duration::from_millis(asked.lasts_ms)).await;
        wait_for(&new, over(TransferEnd::Expired)).await;
        // Two clocks that follow the network differ by some milliseconds.
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(refused(&old, answer(&asked)).await, no(TransferFault::Expired));
        // One that was answered in time ends by itself too.
        let (asked, digits) = compared(&old, &new).await;
        tokio::time::sleep(Duration::from_millis(asked.lasts_ms)).await;
        wait_for(&new, over(TransferEnd::Expired)).await;
        wait_for(&old, over(TransferEnd::Expired)).await;
        assert_eq!(refused(&old, give(&digits)).await, no(TransferFault::NotNow));
        assert_eq!(
            refused(&new, Command::TakeAccount).await,
            no(TransferFault::NotNow)
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_account_that_came_at_the_last_moment_can_still_be_looked_at() {
    run(async {
        let world = World::new().await;
        let (old, id) = with_account(&world, "Ann").await;
        let new = Device::new(&world);
        let (asked, digits) = compared(&old, &new).await;
        let left = asked.expires_at - world.now_ms();
        tokio::time::sleep(Duration::from_millis(left - 5_000)).await;
        old.ask(give(&digits)).await;
        assert_eq!(offered(&new, SOON).await.0, id);
        tokio::time::sleep(SOON).await;
        assert_eq!(offered(&new, SOON).await.0, id);
        tokio::time::sleep(SOON * 2).await;
        wait_for(&new, over(TransferEnd::Expired)).await;
        assert!(new.snapshot().await.account.is_none());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn wrong_digits_three_times_end_it() {
    run(async {
        let world = World::new().await;
        let (old, _) = with_account(&world, "Ann").await;
        let new = Device::new(&world);
        let (_, digits) = compared(&old, &new).await;
        let wrong = if digits == "000000" { "000001" } else { "000000" };
        let failures = [
            // Not six digits: no guess.
            ("12345", TransferFault::WrongDigits { left: 3 }),
            (wrong, TransferFault::WrongDigits { left: 2 }),
            (wrong, TransferFault::WrongDigits { left: 1 }),
            (wrong, TransferFault::TooManyTries),
            (digits.as_str(), TransferFault::NotNow),
        ];
        for (typed, fault) in failures {
            assert_eq!(refused(&old, give(typed)).await, no(fault), "{typed}");
        }
        wait_for(&old, over(TransferEnd::Stopped)).await;
        tokio::time::sleep(SOON).await;
        assert_eq!(stage(&new), Some(TransferStage::Compare { digits }));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_not_wanted_leaves_nothing_anywhere() {
    run(async {
        let world = World::new().await;
        let (old, _) = with_account(&world, "Ann").await;
        let before = messages(&world);
        let new = Device::new(&world);
        let (asked, digits) = compared(&old, &new).await;
        assert!(messages(&world) > before);
        old.ask(give(&digits)).await;
        offered(&new, SOON).await;
        new.ask(Command::EndTransfer).await;
        wait_for(&new, over(TransferEnd::Stopped)).await;
        assert_eq!(
            refused(&new, Command::TakeAccount).await,
            no(TransferFault::NotNow)
        );
        tokio::time::sleep(SOON).await;
        assert_eq!(messages(&world), before);
        assert!(!holds(&new.store, mailbox(&asked).key()).await);
        assert!(!holds(&new.store, old.seed().await.as_bytes()).await);
        // It can be had another time, or be made anew.
        new.ask(Command::EndTransfer).await;
        let (_, digits) = compared(&old, &new).await;
        old.ask(give(&digits)).await;
        offered(&new, SOON).await;
        new.create("Bob").await;
        assert_eq!(
            refused(&new, Command::TakeAccount).await,
            no(TransferFault::NotNow)
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_old_device_can_stop_until_the_digits_were_right() {
    run(async {
        let world = World::new().await;
        let (old, _) = with_account(&world, "Ann").await;
        let new = Device::new(&world);
        let (_, digits) = compared(&old, &new).await;
        old.ask(Command::EndTransfer).await;
        wait_for(&old, over(TransferEnd::Stopped)).await;
        assert_eq!(refused(&old, give(&digits)).await, no(TransferFault::NotNow));
        // Logging out stops it too.
        let (_, digits) = compared(&old, &new).await;
        old.ask(Command::LogOut).await;
        wait_for(&old, over(TransferEnd::Stopped)).await;
        assert_eq!(refused(&old, give(&digits)).await, Failure::NoAccount);
        tokio::time::sleep(SOON).await;
        assert_eq!(stage(&new), Some(TransferStage::Compare { digits }));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_new_code_takes_the_place_of_the_one_before() {
    run(async {
        let world = World::new().await;
        let (old, id) = with_account(&world, "Ann").await;
        let new = Device::new(&world);
        let first = ask(&new).await;
        let second = ask(&new).await;
        assert_ne!(first.code, second.code);
        old.ask(answer(&first)).await;
        // Nobody reads that mailbox any more: there are no digits that could be right.
        let unheard = refused(&old, give("123456")).await;
        assert_eq!(unheard, no(TransferFault::Unreachable));
        assert_eq!(stage(&new), Some(TransferStage::Waiting));
        old.ask(answer(&second)).await;
        let digits = shown_digits(&new).await;
        old.ask(give(&digits)).await;
        assert_eq!(offered(&new, SOON).await.0, id);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_stopped_while_it_begins_does_not_begin() {
    run(async {
        let world = World::new().await;
        let (mut old, _) = with_account(&world, "Ann").await;
        let new = Device::new(&world);
        let asked = ask(&new).await;
        // Without a network both wait for its time first.
        let waiting = Device::new(&world);
        waiting.set_online(false);
        let begun = waiting.engine.request(Command::AskForAccount);
        let (begun, stopped) = join(begun, waiting.engine.request(Command::EndTransfer)).await;
        assert_eq!(begun.unwrap_err(), no(TransferFault::NotNow));
        assert!(matches!(stopped, Ok(Reply::Done)));
        assert_eq!(stage(&waiting), None);
        old.restart().await;
        old.set_online(false);
        let answered = old.engine.request(answer(&asked));
        let leave = async {
            // The answer waits for network time by now.
            tokio::time::sleep(Duration::from_secs(1)).await;
            old.engine.request(Command::LogOut).await
        };
        let (answered, out) = join(answered, leave).await;
        assert_eq!(answered.unwrap_err(), no(TransferFault::NotNow));
        assert!(matches!(out, Ok(Reply::Done)));
        assert_eq!(stage(&old), None);
        // Of two that begin, the later one does.
        let first = waiting.engine.request(Command::AskForAccount);
        let (first, second) = join(first, waiting.engine.request(Command::AskForAccount)).await;
        assert_eq!(first.unwrap_err(), no(TransferFault::NotNow));
        assert!(matches!(second, Ok(Reply::AccountAsked(_))));
        assert_eq!(stage(&waiting), Some(TransferStage::Waiting));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_right_does_not_prolong_it() {
    run(async {
        let world = World::new().await;
        let store = Rc::new(MemoryStore::new());
        let new = Device::with(&world, store, 3 * HOUR_MS, world.profile());
        new.set_online(false);
        let asked = ask(&new).await;
        new.set_online(true);
        new.ask(Command::Wake).await;
        new.wait_for("the time of the network", LATER, |now| {
            now.network.clock_offset_ms < -2 * HOUR_MS
        })
        .await;
        tokio::time::sleep(Duration::from_millis(asked.lasts_ms)).await;
        wait_for(&new, over(TransferEnd::Expired)).await;
    })
    .await;
}

/// A store that takes its time to commit while it is told to.
#[derive(Default)]
struct SlowStore {
    inner: MemoryStore,
    slow: Cell<bool>,
}

impl Store for SlowStore {
    fn get(
        &self,
        collection: Collection,
        key: &[u8],
    ) -> LocalBoxFuture<'_, Result<Option<Vec<u8>>, StoreError>> {
        self.inner.get(collection, key)
    }

    fn scan(&self, scan: Scan) -> LocalBoxFuture<'_, Result<Vec<Entry>, StoreError>> {
        self.inner.scan(scan)
    }

    fn commit(&self, changes: Vec<Change>) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            if self.slow.get() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            self.inner.commit(changes).await
        })
    }

    fn wipe(&self) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        self.inner.wipe()
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_leaves_the_whole_account_or_nothing() {
    run(async {
        let world = World::new().await;
        let (old, id) = with_account(&world, "Ann").await;
        let seed = old.seed().await;
        let store = Rc::new(SlowStore::default());
        let mut new = Device::with(&world, store.clone(), 0, world.profile());
        // Before the user has said yes, and while the account is written.
        for said_yes in [false, true] {
            let (_, digits) = compared(&old, &new).await;
            old.ask(give(&digits)).await;
            offered(&new, SOON).await;
            if said_yes {
                store.slow.set(true);
                let engine = new.engine.clone();
                let mut taken = Box::pin(engine.request(Command::TakeAccount));
                assert!((&mut taken).now_or_never().is_none());
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            new.restart().await;
            store.slow.set(false);
            assert!(new.snapshot().await.account.is_none());
            assert!(!holds(&new.store, seed.as_bytes()).await);
            assert_eq!(
                refused(&new, Command::TakeAccount).await,
                no(TransferFault::NotNow)
            );
        }
        // After it.
        let (_, digits) = compared(&old, &new).await;
        old.ask(give(&digits)).await;
        offered(&new, SOON).await;
        new.ask(Command::TakeAccount).await;
        new.restart().await;
        assert_eq!(new.id().await, id);
        new.wait_for("restored", SOON, |now| now.restore.is_none()).await;
        assert_eq!(new.snapshot().await.account.unwrap().name, "Ann");
    })
    .await;
}
