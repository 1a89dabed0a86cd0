use std::cell::RefCell;
use std::rc::Rc;

use futures::StreamExt;
use futures::executor::block_on;

use super::*;
use crate::Options;
use crate::api::{Expiry, MessageKind, MessageState, Notice, SendFailure};
use crate::driver::Driver;
use crate::records::{Lifetime, ReactionRecord, Target};
use crate::store::memory::MemoryStore;
use crate::test_support::{CountingRng, ManualClock, id};
use crate::testing::offline;

const NOW: u64 = 1_780_000_000_000;

fn core(store: &Rc<MemoryStore>) -> Rc<Core> {
    let clock = Rc::new(ManualClock::new(NOW));
    let (ports, profile) = offline(store.clone(), clock, Rc::new(CountingRng::default()));
    let (spawner, _driver) = Driver::new();
    Core::new(ports, profile, Options::default(), spawner)
}

fn received(body: &str) -> MessageRecord {
    MessageRecord {
        hash: Some("h".repeat(43)),
        ..MessageRecord::text(id(2), false, body.to_owned(), MessageState::Received)
    }
}

/// What a core tells, in short.
fn listen(core: &Core) -> impl FnMut() -> Vec<String> {
    let events = RefCell::new(core.subscribe());
    move || {
        let mut told = Vec::new();
        while let Some(Some(event)) = futures::FutureExt::now_or_never(events.borrow_mut().next()) {
            match event {
                Event::Message(message) => told.push(format!("message {}", message.body)),
                Event::MessageRemoved { .. } => told.push("removed".to_owned()),
                Event::Notify {
                    message, reaction, ..
                } => {
                    told.push(format!("notify {} {}", message.0, reaction.unwrap_or_default()));
                }
                Event::Conversation(conversation) => told.push(format!(
                    "{} unread, {}",
                    conversation.unread,
                    conversation.preview.map_or(String::new(), |preview| preview.text)
                )),
                _ => {}
            }
        }
        told
    }
}

#[test]
fn a_unit_reads_back_what_it_wrote() {
    block_on(async {
        let core = core(&Rc::default());
        let mut told = listen(&core);
        let mut work = Work::begin(&core).await;
        let first = work.insert(&id(2), 10, received("one")).await.unwrap();
        let second = work.insert(&id(2), 20, received("two")).await.unwrap();
        let target = |sent_at| Target {
            author: id(2),
            sent_at,
        };
        assert_eq!(
            work.known(&id(2), &target(20)).await,
            Ok(Known::Present(second.id))
        );
        assert!(work.remove(second.id, Gone::Here).await.unwrap());
        assert!(!work.remove(second.id, Gone::Here).await.unwrap());
        assert!(
            work.update(first.id, |record| record.body = "changed".to_owned())
                .await
                .unwrap()
        );
        assert_eq!(work.message(first.id).await.unwrap().unwrap().2.body, "changed");
        work.commit().await.unwrap();
        // What came and went within the unit is never told.
        assert_eq!(told(), ["message changed", "1 unread, changed"]);
        let work = Work::begin(&core).await;
        assert_eq!(
            work.known(&id(2), &target(10)).await,
            Ok(Known::Present(first.id))
        );
        assert_eq!(work.message(second.id).await, Ok(None));
    });
}

#[test]
fn what_is_removed_stays_away_however_old_it_is_and_what_disappeared_as_long_as_it_can_come() {
    block_on(async {
        let core = core(&Rc::default());
        let (recent, old) = (NOW - 1_000, NOW - TTL_DEFAULT - 2 * MARK_SLACK_MS);
        let mut work = Work::begin(&core).await;
        let over = Some(Expiry {
            mode: Disappearing::AfterSend(5),
            at: Some(NOW - 1),
        });
        for (sent_at, expiry) in [(recent, None), (old, None), (recent - 1, over), (old - 1, over)] {
            let record = MessageRecord {
                expiry,
                ..received("x")
            };
            let position = work.insert(&id(2), sent_at, record).await.unwrap();
            work.remove(position.id, Gone::Here).await.unwrap();
        }
        work.commit().await.unwrap();
        let work = Work::begin(&core).await;
        let known = async |sent_at| {
            let target = Target {
                author: id(2),
                sent_at,
            };
            work.known(&id(2), &target).await.unwrap()
        };
        for gone in [recent, old, recent - 1] {
            assert_eq!(known(gone).await, Known::Gone(Gone::Here));
        }
        assert_eq!(known(old - 1).await, Known::New);
    });
}

#[test]
fn counters_and_the_newest_follow_the_messages() {
    block_on(async {
        let store = Rc::default();
        let core = core(&store);
        let mut positions = Vec::new();
        for sent_at in [10, 20, 30] {
            let mut work = Work::begin(&core).await;
            positions.push(
                work.insert(&id(2), sent_at, received(&sent_at.to_string()))
                    .await
                    .unwrap(),
            );
            work.commit().await.unwrap();
        }
        let listed = |core: &Core| {
            let state = core.state.borrow();
            let held = &state.conversations[&id(2)];
            (held.total, held.unread, held.newest.clone().unwrap().text)
        };
        assert_eq!(listed(&core), (3, 3, "30".to_owned()));
        let mut work = Work::begin(&core).await;
        work.mark_read(&id(2), 15, Reader::Here);
        work.remove(positions[2].id, Gone::Here).await.unwrap();
        work.insert(&id(2), 12, received("late and read")).await.unwrap();
        let notice = MessageRecord::notice(id(2), false, Notice::MediaSaved, MessageState::Received);
        work.insert(&id(2), 5, notice).await.unwrap();
        work.commit().await.unwrap();
        assert_eq!(listed(&core), (4, 1, "20".to_owned()));
        let mut work = Work::begin(&core).await;
        work.update(positions[1].id, MessageRecord::empty).await.unwrap();
        work.commit().await.unwrap();
        assert_eq!(listed(&core), (4, 0, String::new()));
        let kind = core.state.borrow().conversations[&id(2)]
            .newest
            .clone()
            .unwrap()
            .kind;
        assert_eq!(kind, MessageKind::Deleted);
        // All of it is in the store.
        let again = self::core(&store);
        again.load().await.unwrap();
        assert_eq!(listed(&again), (4, 0, String::new()));
    });
}

#[test]
fn reading_starts_timers_and_asks_the_swarm_once() {
    block_on(async {
        let store = Rc::default();
        let core = core(&store);
        let timed = |seconds| MessageRecord {
            expiry: Some(Expiry {
                mode: Disappearing::AfterRead(seconds),
                at: None,
            }),
            ..received("x")
        };
        let mut work = Work::begin(&core).await;
        let read = work.insert(&id(2), 10, timed(60)).await.unwrap();
        let unread = work.insert(&id(2), 30, timed(60)).await.unwrap();
        work.commit().await.unwrap();
        assert!(core.state.borrow().expiring.is_empty());
        for _ in 0..2 {
            let mut work = Work::begin(&core).await;
            work.mark_read(&id(2), 20, Reader::Elsewhere);
            work.commit().await.unwrap();
        }
        let again = self::core(&store);
        again.load().await.unwrap();
        for core in [&core, &again] {
            let state = core.state.borrow();
            let due: Vec<_> = state.expiring.iter().copied().collect();
            assert_eq!(due, [(NOW + 60_000, read.id)]);
            let jobs: Vec<_> = state.jobs.values().map(|job| (job.what, job.message)).collect();
            assert_eq!(jobs, [(Job::Shorten(NOW + 60_000), Some(read.id))]);
            assert_eq!(state.conversations[&id(2)].unread, 1);
        }
        let work = Work::begin(&core).await;
        assert_eq!(
            work.message(unread.id)
                .await
                .unwrap()
                .unwrap()
                .2
                .expiry
                .unwrap()
                .at,
            None
        );
    });
}

#[test]
fn what_is_over_goes_at_the_start_before_anything_is_shown() {
    block_on(async {
        let store = Rc::default();
        let first = core(&store);
        let mut work = Work::begin(&first).await;
        let over = MessageRecord {
            expiry: Some(Expiry {
                mode: Disappearing::AfterSend(60),
                at: Some(NOW - 1),
            }),
            ..received("over")
        };
        work.insert(&id(2), 10, received("stays")).await.unwrap();
        for sent_at in 20..700 {
            work.insert(&id(2), sent_at, over.clone()).await.unwrap();
        }
        work.commit().await.unwrap();
        let again = core(&store);
        again.load().await.unwrap();
        let state = again.state.borrow();
        let held = &state.conversations[&id(2)];
        assert_eq!((held.total, held.unread), (1, 1));
        assert_eq!(held.newest.clone().unwrap().text, "stays");
        assert!(state.expiring.is_empty());
    });
}

#[test]
fn what_was_deleted_or_taken_back_within_the_unit_is_not_notified() {
    block_on(async {
        let core = core(&Rc::default());
        let mut told = listen(&core);
        let mut notified = || -> Vec<String> {
            let told = told().into_iter();
            told.filter(|event| event.starts_with("notify")).collect()
        };
        let notify = |message, reaction: Option<&str>| Event::Notify {
            conversation: id(2),
            message,
            reaction: reaction.map(str::to_owned),
        };
        let mut work = Work::begin(&core).await;
        let mut theirs = Vec::new();
        let mut own = Vec::new();
        for sent_at in 0..3 {
            let position = work.insert(&id(2), 10 + sent_at, received("theirs")).await;
            theirs.push(position.unwrap().id);
            let record = MessageRecord::text(id(1), true, "own".to_owned(), MessageState::Sent);
            own.push(work.insert(&id(2), 20 + sent_at, record).await.unwrap().id);
        }
        for message in &theirs {
            work.tell(notify(*message, None));
        }
        work.update(theirs[1], MessageRecord::empty).await.unwrap();
        work.remove(theirs[2], Gone::Here).await.unwrap();
        work.commit().await.unwrap();
        assert_eq!(notified(), [format!("notify {} ", theirs[0].0)]);

        let word = |at, on| ReactionRecord {
            emoji: "😂".to_owned(),
            from: id(2),
            at,
            on,
        };
        let mut work = Work::begin(&core).await;
        for message in &own {
            work.update(*message, |record| {
                record.react(word(100, true));
            })
            .await
            .unwrap();
            work.tell(notify(*message, Some("😂")));
        }
        work.update(own[1], MessageRecord::empty).await.unwrap();
        work.update(own[2], |record| {
            record.react(word(101, false));
        })
        .await
        .unwrap();
        work.commit().await.unwrap();
        assert_eq!(notified(), [format!("notify {} 😂", own[0].0)]);
    });
}

#[test]
fn what_waits_for_somebody_who_is_blocked_is_given_up() {
    block_on(async {
        let store = Rc::default();
        let core = core(&store);
        let waiting = |number, message| OutboxRecord {
            number,
            message,
            conversation: id(2),
            sent_at: NOW,
            for_contact: Some(vec![1]),
            for_self: Some(vec![2]),
            lifetime: Lifetime::LONGEST,
            guessed: None,
            failed: None,
            waiting: None,
        };
        let mut work = Work::begin(&core).await;
        let mut messages = Vec::new();
        for (conversation, sent_at) in [(id(2), NOW), (id(2), NOW + 1), (id(3), NOW)] {
            let record = MessageRecord::text(id(1), true, "own".to_owned(), MessageState::Queued);
            let position = work.insert(&conversation, sent_at, record).await.unwrap();
            messages.push(position.id);
        }
        let (reaction, receipt) = (MessageId(work.next_number()), MessageId(work.next_number()));
        for record in [
            waiting(messages[0], true),
            OutboxRecord {
                for_contact: None,
                ..waiting(messages[1], true)
            },
            OutboxRecord {
                conversation: id(3),
                ..waiting(messages[2], true)
            },
            waiting(reaction, false),
            OutboxRecord {
                for_self: None,
                ..waiting(receipt, false)
            },
        ] {
            work.put_outbox(record).unwrap();
        }
        work.commit().await.unwrap();
        core.state.borrow_mut().sending.insert(messages[0]);
        let mut work = Work::begin(&core).await;
        work.contact(&id(2)).blocked = true;
        work.commit().await.unwrap();
        assert!(core.state.borrow().sending.is_empty());
        // All of it is in the store.
        let again = self::core(&store);
        again.load().await.unwrap();
        for core in [&core, &again] {
            let entry = |number: MessageId| {
                let state = core.state.borrow();
                let record = state.outbox.get(&number);
                record.map(|record| {
                    (
                        record.failed,
                        record.for_contact.is_some(),
                        record.for_self.is_some(),
                    )
                })
            };
            let failure = SendFailure::Cancelled;
            assert_eq!(entry(messages[0]), Some((Some(failure), true, true)));
            assert_eq!(entry(messages[1]), Some((None, false, true)), "they have it");
            assert_eq!(entry(messages[2]), Some((None, true, true)), "somebody else");
            assert_eq!(entry(reaction), Some((None, false, true)));
            assert_eq!(entry(receipt), None);
            let work = Work::begin(core).await;
            let (.., record) = work.message(messages[0]).await.unwrap().unwrap();
            assert_eq!(record.state, MessageState::Failed(failure));
        }
    });
}
