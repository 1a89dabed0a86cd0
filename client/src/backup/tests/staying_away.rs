//! What was deleted, cleared or has disappeared stays away.

use futures::executor::block_on;

use super::*;
use crate::api::{Disappearing, Expiry};
use crate::records::{Gone, Target};

#[test]
fn what_was_deleted_here_stays_deleted_however_old_it_is() {
    block_on(async {
        let store = Rc::default();
        let core = filled(&store, 50).await;
        let file = make(&core, false).await;
        let page = messages(&store).await;
        let mut work = Work::begin(&core).await;
        for sent_at in [LONG_AGO + 3, LONG_AGO + 4] {
            let author = page.iter().find(|(_, at, _)| *at == sent_at).unwrap().2.author;
            let target = Target { author, sent_at };
            let crate::work::Known::Present(id) = work.known(&id(2), &target).await.unwrap() else {
                panic!("not here");
            };
            work.remove(id, Gone::Here).await.unwrap();
        }
        work.commit().await.unwrap();
        core.prune_seen().await.unwrap();
        let taken = bring(&core, &file).await;
        assert_eq!((taken.added, taken.known, taken.left_out), (0, 48, 2));
        core.clear_conversation(id(2)).await.unwrap();
        let taken = bring(&core, &file).await;
        assert_eq!((taken.added, taken.known, taken.left_out), (0, 0, 50));
        core.delete_contact(id(2)).await.unwrap();
        let taken = bring(&core, &file).await;
        assert_eq!((taken.added, taken.contacts, taken.left_out), (0, 0, 50));
        assert!(!core.state.borrow().conversations.contains_key(&id(2)));
    });
}

#[test]
fn what_is_cleared_while_a_file_comes_back_stays_away() {
    block_on(async {
        let before = filled(&Rc::default(), 2_500).await;
        let file = make(&before, false).await;
        let after = device(&Rc::default()).await;
        friend(&after).await;
        let backup = check(&after, &file).await.unwrap();
        let some = take_some(&after, backup, &file, 2).await;
        assert!(some.added > 0 && some.added < 2_500);
        after.clear_conversation(id(2)).await.unwrap();
        let taken = take(&after, backup, slices(&file).skip(2)).await;
        assert_eq!((taken.added, taken.left_out), (some.added, 2_500 - some.added));
    });
}

#[test]
fn what_has_disappeared_stays_away() {
    block_on(async {
        let before = filled(&Rc::default(), 1).await;
        let mut work = Work::begin(&before).await;
        let timed = |at, mode| MessageRecord {
            expiry: Some(Expiry { mode, at }),
            ..message(false, "timed")
        };
        let day = u32::try_from(DAY / 1_000).unwrap();
        let (after_read, after_send) = (
            Disappearing::AfterRead(5 * day),
            Disappearing::AfterSend(30 * day),
        );
        let sent = NOW - 10 * DAY;
        for (sent_at, at, mode) in [
            // Over by the time of the file's return, over if it was read, and neither.
            (sent, Some(NOW - 1), after_send),
            (sent + 1, None, after_read),
            (sent + 2, Some(NOW + 20 * DAY), after_send),
        ] {
            work.insert(&id(2), sent_at, timed(at, mode)).await.unwrap();
        }
        work.commit().await.unwrap();
        let file = make(&before, false).await;
        for (read_up_to, expected) in [(sent, vec![sent + 1, sent + 2]), (sent + 1, vec![sent + 2])] {
            let new: Rc<MemoryStore> = Rc::default();
            let after = device(&new).await;
            friend(&after).await;
            let mut work = Work::begin(&after).await;
            work.mark_read(&id(2), read_up_to, Reader::Elsewhere);
            work.commit().await.unwrap();
            bring(&after, &file).await;
            let times: Vec<u64> = messages(&new)
                .await
                .into_iter()
                .map(|(_, at, _)| at)
                .skip(1)
                .collect();
            assert_eq!(times, expected);
            assert_eq!(after.state.borrow().expiring.len(), 1);
        }
    });
}
