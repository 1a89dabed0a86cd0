//! What is here already, and what the account has decided since, counts more than the file.

use futures::executor::block_on;

use super::*;
use crate::api::{BackupFault, Notify};
use crate::records::ReactionRecord;

#[test]
fn newer_words_of_this_device_are_not_written_over() {
    block_on(async {
        let (old, new) = (Rc::default(), Rc::default());
        let before = filled(&old, 3).await;
        let word = |at, on| ReactionRecord {
            emoji: "😂".to_owned(),
            from: id(1),
            at,
            on,
        };
        let mut work = Work::begin(&before).await;
        work.conversation(&id(2)).draft = "an old draft".to_owned();
        let reacted = MessageRecord {
            reactions: vec![word(10, true)],
            ..message(false, "reacted")
        };
        work.insert(&id(2), LONG_AGO + 10, reacted).await.unwrap();
        work.commit().await.unwrap();
        before
            .set_preference("enter".to_owned(), "line".to_owned())
            .await
            .unwrap();
        before
            .set_preference("theme".to_owned(), "dark".to_owned())
            .await
            .unwrap();
        let file = make(&before, false).await;

        let after = device(&new).await;
        friend(&after).await;
        after
            .set_preference("theme".to_owned(), "light".to_owned())
            .await
            .unwrap();
        let mut work = Work::begin(&after).await;
        let taken_back = MessageRecord {
            reactions: vec![word(20, false)],
            ..message(false, "reacted")
        };
        work.insert(&id(2), LONG_AGO + 10, taken_back).await.unwrap();
        work.conversation(&id(2)).marked_unread = true;
        work.commit().await.unwrap();
        bring(&after, &file).await;
        let all = messages(&new).await;
        assert_eq!(all.last().unwrap().2.reactions, [word(20, false)]);
        {
            let state = after.state.borrow();
            let held = &state.conversations[&id(2)];
            // Nothing was begun or chosen here since the account came.
            assert_eq!((held.draft.as_str(), held.marked_unread), ("an old draft", true));
            assert_eq!(state.preferences["enter"], "line");
            assert_eq!(state.preferences["theme"], "light");
        }

        // On a device that had the account when the file was made, what is blank was made so.
        let mut work = Work::begin(&before).await;
        work.conversation(&id(2)).draft = String::new();
        work.commit().await.unwrap();
        bring(&before, &file).await;
        assert_eq!(before.state.borrow().conversations[&id(2)].draft, "");
    });
}

#[test]
fn contacts_come_from_the_file_only_where_the_network_has_none() {
    block_on(async {
        let old = Rc::default();
        let before = filled(&old, 5).await;
        let mut work = Work::begin(&before).await;
        let contact = work.contact(&id(2));
        contact.nickname = Some("Bertie".to_owned());
        contact.priority = 1;
        contact.notify = Notify::Nothing;
        work.commit().await.unwrap();
        let file = make(&before, false).await;

        // The network kept nothing.
        let after = device(&Rc::default()).await;
        let taken = bring(&after, &file).await;
        assert_eq!((taken.added, taken.contacts), (5, 1));
        {
            let state = after.state.borrow();
            assert_eq!(state.contacts[&id(2)], before.state.borrow().contacts[&id(2)]);
            assert!(
                state
                    .configs
                    .as_ref()
                    .unwrap()
                    .docs
                    .contacts
                    .contact(&id(2))
                    .is_some()
            );
        }

        // It kept contacts that were stored later, without this one: somebody removed it.
        let after = device(&Rc::default()).await;
        if let Some(configs) = &mut after.state.borrow_mut().configs {
            configs.sync.stored_at = [NOW; 4];
        }
        let taken = bring(&after, &file).await;
        assert_eq!((taken.added, taken.contacts, taken.left_out), (0, 0, 5));
        assert!(!after.state.borrow().conversations.contains_key(&id(2)));

        // Nothing has come from the network yet.
        let after = device(&Rc::default()).await;
        if let Some(configs) = &mut after.state.borrow_mut().configs {
            configs.sync.pulled = false;
        }
        let backup = check(&after, &file).await.unwrap();
        let (offset, bytes, last) = slices(&file).next().unwrap();
        let command = Command::TakeBackup {
            backup,
            offset,
            bytes,
            last,
        };
        let refused = carried(&after, command).await.unwrap_err();
        assert_eq!(refused, Failure::Backup(BackupFault::TooEarly));
        // The file stays open, and is taken as soon as that has come.
        if let Some(configs) = &mut after.state.borrow_mut().configs {
            configs.sync.pulled = true;
        }
        let taken = take_some(&after, backup, &file, usize::MAX).await;
        assert!(taken.added > 0);
    });
}

#[test]
fn contacts_that_another_device_shares_meanwhile_keep_none_away() {
    block_on(async {
        let before = filled(&Rc::default(), 1_500).await;
        let mut work = Work::begin(&before).await;
        let contact = work.contact(&id(3));
        contact.approved = true;
        contact.approved_me = true;
        for at in 0..1_500 {
            let record = MessageRecord {
                author: id(3),
                ..message(false, &format!("text {at}"))
            };
            work.insert(&id(3), LONG_AGO + at, record).await.unwrap();
        }
        work.commit().await.unwrap();
        let file = make(&before, false).await;
        let after = device(&Rc::default()).await;
        let backup = check(&after, &file).await.unwrap();
        // Also when it begins again in the middle. The first of the two is here after two slices.
        for again in [false, true] {
            let some = take_some(&after, backup, &file, 2).await;
            assert_eq!(some.contacts, u64::from(!again));
            if let Some(configs) = &mut after.state.borrow_mut().configs {
                configs.sync.stored_at = [NOW; 4];
            }
        }
        let taken = take(&after, backup, slices(&file).skip(2)).await;
        assert_eq!((taken.contacts, taken.left_out), (1, 0));
        assert_eq!(taken.added + taken.known, 3_000);
    });
}
