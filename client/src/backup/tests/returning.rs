//! All of it comes back, equal and once, whatever happens in the middle.

use futures::StreamExt;
use futures::executor::block_on;

use super::*;
use crate::api::{Disappearing, Event, Expiry, MessageKind, Notice};
use crate::records::{Gone, ReactionRecord, Target};

#[test]
fn a_history_comes_back_equal_and_only_once() {
    block_on(async {
        let (old, new) = (Rc::default(), Rc::default());
        let before = filled(&old, 1_000).await;
        let mut work = Work::begin(&before).await;
        let answered = Target {
            author: id(2),
            sent_at: LONG_AGO + 1,
        };
        let word = |emoji: &str, from, on| ReactionRecord {
            emoji: emoji.to_owned(),
            from,
            at: LONG_AGO + 5,
            on,
        };
        let rich = MessageRecord {
            quote: Some(answered),
            reactions: vec![word("😂", id(1), true), word("🥰", id(2), false)],
            state: MessageState::Read,
            expiry: Some(Expiry {
                mode: Disappearing::AfterRead(1_000_000_000),
                at: Some(NOW + DAY),
            }),
            ..message(true, "rich")
        };
        let notice = Notice::Disappearing(Disappearing::AfterSend(60));
        work.insert(&id(2), LONG_AGO + 2_000, rich).await.unwrap();
        let told = MessageRecord::notice(id(2), false, notice, MessageState::Received);
        work.insert(&id(2), LONG_AGO + 2_001, told).await.unwrap();
        let gone = MessageRecord {
            kind: MessageKind::Deleted,
            ..message(false, "")
        };
        work.insert(&id(2), LONG_AGO + 2_002, gone).await.unwrap();
        let own = MessageRecord::text(id(1), true, "note".to_owned(), MessageState::Sent);
        work.insert(&id(1), LONG_AGO, own).await.unwrap();
        let unsent = MessageRecord::text(id(1), true, "not sent".to_owned(), MessageState::Queued);
        let unsent = work.insert(&id(2), LONG_AGO + 2_003, unsent).await.unwrap();
        work.commit().await.unwrap();
        let file = make(&before, false).await;
        let mut work = Work::begin(&before).await;
        work.remove(unsent.id, Gone::Here).await.unwrap();
        work.commit().await.unwrap();

        let after = device(&new).await;
        friend(&after).await;
        let before_it = documents(&after);
        let mut events = after.subscribe();
        let taken = bring(&after, &file).await;
        assert_eq!((taken.added, taken.known, taken.left_out), (1_004, 0, 0));
        assert!(messages(&new).await == messages(&old).await);
        assert_eq!(counters(&after), counters(&before));
        // What was unread is, and nobody was told of anything.
        assert_eq!(after.state.borrow().conversations[&id(2)].unread, 2);
        assert!(documents(&after) == before_it, "no config has changed");
        {
            let state = after.state.borrow();
            assert!(state.jobs.is_empty() && state.receipts.is_empty() && state.outbox.is_empty());
        }
        while let Some(Some(event)) = futures::FutureExt::now_or_never(events.next()) {
            assert!(!matches!(event, Event::Notify { .. }), "{event:?}");
        }

        let again = bring(&after, &file).await;
        assert_eq!((again.added, again.known, again.left_out), (0, 1_004, 0));
        assert!(messages(&new).await == messages(&old).await);
        assert_eq!(counters(&after), counters(&before));
    });
}

#[test]
fn a_crash_at_any_slice_costs_nothing_but_beginning_again() {
    block_on(async {
        let old = Rc::default();
        let before = filled(&old, 2_500).await;
        let file = make(&before, false).await;
        let all = file.len().div_ceil(BACKUP_SLICE);
        assert!(all > 3);
        for crash in 1..all {
            let new = Rc::default();
            let first = device(&new).await;
            friend(&first).await;
            let backup = check(&first, &file).await.unwrap();
            let some = take_some(&first, backup, &file, crash).await;
            drop(first);
            let second = device(&new).await;
            let taken = bring(&second, &file).await;
            assert_eq!((taken.known, taken.added + taken.known), (some.added, 2_500));
            assert!(
                messages(&new).await == messages(&old).await,
                "after {crash} slices"
            );
            assert_eq!(counters(&second), counters(&before));
        }
    });
}
