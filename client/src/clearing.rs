//! Removing all messages of a conversation, however many: hidden in one commit, removed in slices.
//!
//! The commit that clears a conversation removes a first slice and, where there is more, leaves a record of what is to
//! go: everything up to a local number. From then on the store is read through [`Veil`], which passes over those
//! messages, so that no reader sees one again; the rest goes slice by slice, between which everything else has its turn.
//! The record goes with the last slice: after a crash the work goes on.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use holdfast_protocol::account::Id;
use serde::{Deserialize, Serialize};

use crate::api::{Event, MessageId, Position};
use crate::core::Core;
use crate::deleting::Reach;
use crate::ports::{Change, Collection, Entry, Scan, Store, StoreError};
use crate::records::{MessageRecord, Newest, Record, decode, encode, keys};
use crate::work::Work;

/// Messages that are removed in one commit: in a browser some hundredths of a second.
const TOGETHER: usize = 200;
/// A pause that lets a browser's event loop turn.
const PAUSE: Duration = Duration::from_millis(1);
/// How long to wait when the store did not take a removal.
const AGAIN: Duration = Duration::from_secs(10);

/// Messages of a conversation that are to go, in `Due` under [`keys::clearing`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClearingRecord {
    /// The greatest local number that goes.
    pub(crate) up_to: u64,
    /// The copies in the own swarm go too.
    pub(crate) swarm: bool,
    /// How many are left, as far as is known.
    pub(crate) left: u32,
}

impl Record for ClearingRecord {}

/// What is being cleared at present.
#[derive(Default)]
pub(crate) struct Clearings(RefCell<BTreeMap<Id, ClearingRecord>>);

impl Clearings {
    /// What is to go of a conversation.
    pub(crate) fn of(&self, conversation: &Id) -> Option<ClearingRecord> {
        self.0.borrow().get(conversation).copied()
    }

    /// Sets or ends what is to go of a conversation.
    pub(crate) fn set(&self, conversation: Id, record: Option<ClearingRecord>) {
        let mut all = self.0.borrow_mut();
        match record {
            Some(record) => all.insert(conversation, record),
            None => all.remove(&conversation),
        };
    }

    /// The account is gone.
    pub(crate) fn forget(&self) {
        self.0.borrow_mut().clear();
    }

    /// Whether a message is to go.
    pub(crate) fn hides(&self, conversation: &Id, id: MessageId) -> bool {
        self.of(conversation).is_some_and(|record| id.0 <= record.up_to)
    }

    fn any(&self) -> bool {
        !self.0.borrow().is_empty()
    }

    fn next(&self) -> Option<Id> {
        self.0.borrow().keys().next().copied()
    }
}

/// A store in which messages that are to go are gone.
pub(crate) struct Veil {
    store: Rc<dyn Store>,
    clearings: Rc<Clearings>,
}

impl Veil {
    pub(crate) fn new(store: Rc<dyn Store>, clearings: Rc<Clearings>) -> Self {
        Self { store, clearings }
    }

    /// Whether an entry is, leads to, or lists a message that is to go. Who looks for a message by its author learns the
    /// number, and that it must not come again ([`Work::known`]).
    fn hides(&self, collection: Collection, key: &[u8], value: &[u8]) -> bool {
        let place = match collection {
            Collection::Messages => keys::read_message(key),
            Collection::Gallery => keys::read_gallery(key),
            Collection::MessageIndex if keys::is_by_number(key) => keys::read_message(value),
            _ => return false,
        };
        place.is_ok_and(|(conversation, position)| self.clearings.hides(&conversation, position.id))
    }

    async fn scan_through(&self, mut scan: Scan) -> Result<Vec<Entry>, StoreError> {
        let limit = scan.limit;
        let mut found = Vec::new();
        loop {
            let page = self.store.scan(scan.clone()).await?;
            let more = page.len() >= limit;
            let last = page.last().map(|(key, _)| key.clone());
            let shown = page
                .into_iter()
                .filter(|(key, value)| !self.hides(scan.collection, key, value));
            found.extend(shown);
            found.truncate(limit);
            match last {
                Some(last) if more && found.len() < limit => {
                    if scan.reverse {
                        scan.to = Some(last);
                    } else {
                        scan.from = last;
                        scan.from.push(0);
                    }
                }
                _ => return Ok(found),
            }
        }
    }
}

impl Store for Veil {
    fn get(
        &self,
        collection: Collection,
        key: &[u8],
    ) -> LocalBoxFuture<'_, Result<Option<Vec<u8>>, StoreError>> {
        let key = key.to_vec();
        async move {
            let value = self.store.get(collection, &key).await?;
            Ok(value.filter(|value| !self.hides(collection, &key, value)))
        }
        .boxed_local()
    }

    fn get_many(
        &self,
        collection: Collection,
        keys: Vec<Vec<u8>>,
    ) -> LocalBoxFuture<'_, Result<Vec<Option<Vec<u8>>>, StoreError>> {
        if !self.clearings.any() {
            return self.store.get_many(collection, keys);
        }
        async move {
            let values = self.store.get_many(collection, keys.clone()).await?;
            let shown = keys
                .iter()
                .zip(values)
                .map(|(key, value)| value.filter(|value| !self.hides(collection, key, value)));
            Ok(shown.collect())
        }
        .boxed_local()
    }

    fn scan(&self, scan: Scan) -> LocalBoxFuture<'_, Result<Vec<Entry>, StoreError>> {
        let veiled = matches!(scan.collection, Collection::Messages | Collection::Gallery);
        if veiled && self.clearings.any() {
            self.scan_through(scan).boxed_local()
        } else {
            self.store.scan(scan)
        }
    }

    fn commit(&self, changes: Vec<Change>) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        self.store.commit(changes)
    }

    fn wipe(&self) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        self.store.wipe()
    }
}

impl Core {
    /// Removes what is to go for as long as the account is there.
    pub(crate) async fn run_clearing(self: Rc<Self>) {
        loop {
            let seen = self.clear.count();
            let Some(conversation) = self.clearings.next() else {
                self.clear.passed(seen).await;
                continue;
            };
            let mut from = Some(keys::message(&conversation, Position::FIRST));
            while let Some(start) = from.take() {
                match self.clear_next(&conversation, start.clone()).await {
                    Ok(next) => {
                        from = next;
                        self.sleep(PAUSE).await;
                    }
                    Err(_) => {
                        from = Some(start);
                        self.sleep(AGAIN).await;
                    }
                }
            }
        }
    }

    /// Removes one slice; gives where the next one begins.
    async fn clear_next(&self, conversation: &Id, from: Vec<u8>) -> Result<Option<Vec<u8>>, StoreError> {
        let mut work = Work::begin(self).await;
        let Some(record) = self.clearings.of(conversation) else {
            return Ok(None);
        };
        let (removed, next) = work.clear_slice(conversation, &record, from).await?;
        let left = match next {
            Some(_) => record.left.saturating_sub(removed),
            None => 0,
        };
        let rest = next.is_some().then_some(ClearingRecord { left, ..record });
        work.set_clearing(conversation, rest)?;
        work.tell(Event::Clearing {
            conversation: *conversation,
            left,
        });
        work.commit().await?;
        Ok(next)
    }
}

impl Work<'_> {
    /// Removes all messages of a conversation: for whoever reads, at once.
    pub(crate) async fn clear_messages(&mut self, conversation: &Id, reach: Reach) -> Result<(), StoreError> {
        let last = self.last_number();
        self.clear_messages_up_to(conversation, reach, last).await
    }

    /// Removes the messages of a conversation up to a local number. Those that came or were written here later stay.
    pub(crate) async fn clear_messages_up_to(
        &mut self,
        conversation: &Id,
        reach: Reach,
        up_to: u64,
    ) -> Result<(), StoreError> {
        let before = match self.clearings.get(conversation) {
            Some(staged) => *staged,
            None => self.core.clearings.of(conversation),
        };
        // What is gone for whoever reads must not come out again.
        let up_to = before.map_or(up_to, |before| up_to.max(before.up_to));
        self.clear_touched(conversation, up_to).await?;
        self.set_cleared(conversation).await?;
        let stays = self.messages_after(conversation, up_to).await?;
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let held = self.conversation(conversation);
        let total = held.total.saturating_sub(count(stays.len()));
        let read_up_to = held.read_up_to;
        let record = ClearingRecord {
            up_to,
            swarm: reach == Reach::Swarm || before.is_some_and(|before| before.swarm),
            left: before.map_or(0, |before| before.left).saturating_add(total),
        };
        let first = keys::message(conversation, Position::FIRST);
        let (removed, next) = self.clear_slice(conversation, &record, first).await?;
        let rest = next.map(|_| ClearingRecord {
            left: record.left.saturating_sub(removed),
            ..record
        });
        if rest.is_some() || before.is_some() {
            self.set_clearing(conversation, rest)?;
        }
        // What was not sent yet must not be sent any more, in whichever slice the message is. What the contact has by now
        // still comes to the own devices, unless it is to go from their swarm.
        for id in self.unsent_messages(conversation) {
            let goes = reach == Reach::Swarm || !self.is_with_contact(id);
            if goes && id.0 <= up_to {
                self.remove_outbox(id);
            }
        }
        let unread = stays
            .iter()
            .filter(|(position, record)| record.counts() && position.sent_at > read_up_to);
        let unread = count(unread.count());
        let newest = stays.iter().max_by_key(|(position, _)| *position);
        let newest = newest.map(|(position, record)| Newest::of(*position, record));
        let held = self.conversation(conversation);
        held.total = count(stays.len());
        held.unread = unread;
        held.newest = newest;
        self.tell(Event::MessagesCleared {
            conversation: *conversation,
        });
        if let Some(rest) = rest {
            self.tell(Event::Clearing {
                conversation: *conversation,
                left: rest.left,
            });
        }
        Ok(())
    }

    /// The stored messages of a conversation after a local number.
    async fn messages_after(
        &self,
        conversation: &Id,
        number: u64,
    ) -> Result<Vec<(Position, MessageRecord)>, StoreError> {
        let store = &self.core.whole_store;
        let mut found = Vec::new();
        if number >= self.last_number() {
            return Ok(found);
        }
        let mut from = keys::by_number(MessageId(number.saturating_add(1)));
        loop {
            let scan = Scan {
                collection: Collection::MessageIndex,
                from,
                to: Some(keys::by_number(MessageId(u64::MAX))),
                reverse: false,
                limit: TOGETHER,
            };
            let page = store.scan(scan).await?;
            let mut places = Vec::new();
            for (_, key) in &page {
                let (of, position) = keys::read_message(key)?;
                if of == *conversation {
                    places.push(position);
                }
            }
            let wanted = places.iter().map(|place| keys::message(conversation, *place));
            let values = store.get_many(Collection::Messages, wanted.collect()).await?;
            for (position, value) in places.into_iter().zip(values) {
                if let Some(value) = value {
                    found.push((position, decode(&value)?));
                }
            }
            match page.last() {
                Some((key, _)) if page.len() == TOGETHER => {
                    from = key.clone();
                    from.push(0);
                }
                _ => return Ok(found),
            }
        }
    }

    /// The lowest local number among the newest messages of a conversation for which something holds.
    pub(crate) async fn first_of_newest(
        &self,
        conversation: &Id,
        holds: impl Fn(Position, &MessageRecord) -> bool,
    ) -> Result<Option<MessageId>, StoreError> {
        let scan = Scan {
            collection: Collection::Messages,
            from: keys::message(conversation, Position::FIRST),
            to: Some(keys::message(conversation, Position::LAST)),
            reverse: true,
            limit: TOGETHER,
        };
        let mut first: Option<MessageId> = None;
        for (key, value) in self.store().scan(scan).await? {
            let (_, position) = keys::read_message(&key)?;
            if holds(position, &decode(&value)?) {
                first = Some(first.map_or(position.id, |first| first.min(position.id)));
            }
        }
        Ok(first)
    }

    fn set_clearing(&mut self, conversation: &Id, record: Option<ClearingRecord>) -> Result<(), StoreError> {
        let key = keys::clearing(conversation);
        match &record {
            Some(record) => self.put(Collection::Due, key, encode(record)?),
            None => self.delete(Collection::Due, key),
        }
        self.clearings.insert(*conversation, record);
        Ok(())
    }

    /// Removes the first messages that are to go; gives how many, and where the next slice begins if there is one.
    async fn clear_slice(
        &mut self,
        conversation: &Id,
        clearing: &ClearingRecord,
        from: Vec<u8>,
    ) -> Result<(u32, Option<Vec<u8>>), StoreError> {
        let scan = Scan {
            collection: Collection::Messages,
            from,
            to: Some(keys::message(conversation, Position::LAST)),
            reverse: false,
            limit: TOGETHER,
        };
        let page = self.core.whole_store.scan(scan).await?;
        let mut going: Vec<(Position, MessageRecord)> = Vec::with_capacity(page.len());
        for (key, value) in &page {
            let (_, position) = keys::read_message(key)?;
            if position.id.0 <= clearing.up_to {
                going.push((position, decode(value)?));
            }
        }
        self.erase(conversation, &going).await?;
        for (position, record) in &going {
            if let Some(hash) = &record.hash
                && clearing.swarm
                && self.can_still_come(position.sent_at)
            {
                self.add_job(hash.clone(), crate::records::Job::Delete, None)?;
            }
        }
        let next = page.last().filter(|_| page.len() == TOGETHER).map(|(key, _)| {
            let mut next = key.clone();
            next.push(0);
            next
        });
        Ok((u32::try_from(going.len()).unwrap_or(u32::MAX), next))
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;
    use crate::Options;
    use crate::api::{Anchor, Command, DeleteScope, MessageState, Reply};
    use crate::driver::Driver;
    use crate::records::{Gone, Lifetime, OutboxRecord, Target};
    use crate::store::memory::MemoryStore;
    use crate::test_support::{CountingRng, ManualClock, id};
    use crate::testing::offline;
    use crate::work::Known;

    const NOW: u64 = 1_780_000_000_000;
    const MANY: u64 = 1_000;

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

    /// An account with a long history, of which something is younger than what a swarm keeps.
    async fn filled(store: &Rc<MemoryStore>) -> Rc<Core> {
        let core = core(store);
        let name = "Ann".to_owned();
        core.carry_out(None, Command::CreateAccount { name })
            .await
            .unwrap();
        let mut work = Work::begin(&core).await;
        for at in 0..MANY {
            work.insert(&id(2), NOW - MANY + at, received("old"))
                .await
                .unwrap();
        }
        work.commit().await.unwrap();
        core
    }

    async fn shown(core: &Rc<Core>) -> Vec<String> {
        let command = Command::Messages {
            conversation: id(2),
            anchor: Anchor::Latest,
            limit: 50,
        };
        match core.carry_out(None, command).await.unwrap() {
            Reply::Messages(page) => page.messages.into_iter().map(|message| message.body).collect(),
            other => panic!("{other:?}"),
        }
    }

    async fn stored(store: &MemoryStore, collection: Collection) -> usize {
        let scan = Scan {
            collection,
            from: Vec::new(),
            to: None,
            reverse: false,
            limit: usize::MAX,
        };
        store.scan(scan).await.unwrap().len()
    }

    #[test]
    fn a_long_history_is_gone_at_once_and_removed_in_slices_across_crashes() {
        block_on(async {
            let store = Rc::default();
            let first = filled(&store).await;
            first.clear_conversation(id(2)).await.unwrap();
            // One slice went with the command; nobody sees the rest.
            let left = stored(&store, Collection::Messages).await;
            assert_eq!(left, MANY as usize - TOGETHER);
            assert!(shown(&first).await.is_empty());
            let start = keys::message(&id(2), Position::FIRST);
            first.clear_next(&id(2), start).await.unwrap();
            drop(first);
            // It dies in the middle, and a message comes before the work goes on.
            let second = core(&store);
            second.load().await.unwrap();
            assert!(shown(&second).await.is_empty());
            let record = second.clearings.of(&id(2)).unwrap();
            assert_eq!(record.left as usize, MANY as usize - 2 * TOGETHER);
            let mut work = Work::begin(&second).await;
            for sent_at in [NOW - MANY - 5, NOW] {
                work.insert(&id(2), sent_at, received("new")).await.unwrap();
            }
            let old = Target {
                author: id(2),
                sent_at: NOW - 10,
            };
            assert_eq!(work.known(&id(2), &old).await, Ok(Known::Gone(Gone::Here)));
            work.commit().await.unwrap();
            assert_eq!(shown(&second).await, ["new", "new"]);
            let mut from = Some(keys::message(&id(2), Position::FIRST));
            let mut slices = 0;
            while let Some(start) = from {
                from = second.clear_next(&id(2), start).await.unwrap();
                slices += 1;
                assert_eq!(shown(&second).await, ["new", "new"]);
            }
            assert_eq!(slices, MANY as usize / TOGETHER - 1);
            assert!(second.clearings.of(&id(2)).is_none());
            assert_eq!(stored(&store, Collection::Messages).await, 2);
            // Two numbers and two authors for what is there, and nothing for what went.
            assert_eq!(stored(&store, Collection::MessageIndex).await, 4);
            assert_eq!(second.state.borrow().conversations[&id(2)].total, 2);
            let work = Work::begin(&second).await;
            assert_eq!(work.known(&id(2), &old).await, Ok(Known::Gone(Gone::Here)));
        });
    }

    #[test]
    fn what_is_cleared_twice_and_further_goes_in_the_swarm_too() {
        block_on(async {
            let store = Rc::default();
            let core = filled(&store).await;
            core.clear_conversation(id(2)).await.unwrap();
            let mut work = Work::begin(&core).await;
            work.insert(&id(2), NOW, received("new")).await.unwrap();
            work.commit().await.unwrap();
            core.delete_conversation(id(2)).await.unwrap();
            assert!(shown(&core).await.is_empty());
            let record = core.clearings.of(&id(2)).unwrap();
            assert!(record.swarm && record.up_to > MANY);
            let mut from = Some(keys::message(&id(2), Position::FIRST));
            while let Some(start) = from {
                from = core.clear_next(&id(2), start).await.unwrap();
            }
            assert_eq!(stored(&store, Collection::Messages).await, 0);
            assert_eq!(core.state.borrow().jobs.len(), MANY as usize + 1 - TOGETHER);
        });
    }

    #[test]
    fn what_was_cleared_stays_gone_when_less_is_cleared_before_the_work_is_done() {
        block_on(async {
            let store = Rc::default();
            let core = filled(&store).await;
            core.clear_conversation(id(2)).await.unwrap();
            let before = core.clearings.of(&id(2)).unwrap();
            let mut work = Work::begin(&core).await;
            work.clear_messages_up_to(&id(2), Reach::Here, before.up_to / 2)
                .await
                .unwrap();
            work.commit().await.unwrap();
            assert_eq!(core.clearings.of(&id(2)).unwrap().up_to, before.up_to);
            assert!(shown(&core).await.is_empty());
        });
    }

    #[test]
    fn what_a_contact_has_by_now_comes_to_the_own_devices_though_it_goes_here() {
        block_on(async {
            let store = Rc::default();
            let core = core(&store);
            let name = "Ann".to_owned();
            core.carry_out(None, Command::CreateAccount { name })
                .await
                .unwrap();
            let own = core.own_id().unwrap();
            let mut work = Work::begin(&core).await;
            let mut all = Vec::new();
            for (conversation, reached) in [
                (id(2), true),
                (id(2), false),
                (own, true),
                (id(2), true),
                (id(2), false),
            ] {
                let record = MessageRecord::text(own, true, "x".to_owned(), MessageState::Queued);
                let sent_at = work.next_sent_at(NOW);
                let number = work.insert(&conversation, sent_at, record).await.unwrap().id;
                all.push(number);
                work.put_outbox(OutboxRecord {
                    number,
                    message: true,
                    conversation,
                    sent_at,
                    for_contact: (!reached).then(|| vec![1]),
                    for_self: Some(vec![2]),
                    lifetime: Lifetime::LONGEST,
                    guessed: None,
                    failed: None,
                    waiting: None,
                })
                .unwrap();
            }
            work.commit().await.unwrap();
            let left = || -> Vec<MessageId> { core.state.borrow().outbox.keys().copied().collect() };
            let here = DeleteScope::ThisDevice;
            core.delete_messages(&all[..2], here).await.unwrap();
            // A note to self is not with anybody yet.
            core.delete_messages(&all[2..3], here).await.unwrap();
            assert_eq!(left(), [all[0], all[3], all[4]]);
            core.clear_conversation(id(2)).await.unwrap();
            assert_eq!(left(), [all[0], all[3]]);
            // What goes from the own swarm is not sent there.
            core.delete_conversation(id(2)).await.unwrap();
            assert!(left().is_empty());
        });
    }

    #[test]
    fn a_page_is_filled_past_what_is_to_go_in_both_directions() {
        block_on(async {
            let store: Rc<MemoryStore> = Rc::default();
            let clearings = Rc::new(Clearings::default());
            let veil = Veil::new(store.clone(), clearings.clone());
            let key = |at: u64| {
                let number = MessageId(if at.is_multiple_of(10) { 1_000 + at } else { at });
                keys::message(
                    &id(2),
                    Position {
                        sent_at: at,
                        id: number,
                    },
                )
            };
            let changes = (0..100).map(|at| Change::Put(Collection::Messages, key(at), vec![1]));
            veil.commit(changes.collect()).await.unwrap();
            let scan = |reverse| Scan {
                collection: Collection::Messages,
                from: key(0),
                to: None,
                reverse,
                limit: 4,
            };
            assert_eq!(veil.scan(scan(false)).await.unwrap().len(), 4);
            let record = ClearingRecord {
                up_to: 999,
                swarm: false,
                left: 90,
            };
            clearings.set(id(2), Some(record));
            for (reverse, expected) in [(false, [0, 10, 20, 30]), (true, [90, 80, 70, 60])] {
                let page = veil.scan(scan(reverse)).await.unwrap();
                let found: Vec<Vec<u8>> = page.into_iter().map(|(key, _)| key).collect();
                assert_eq!(found, expected.map(key));
            }
            let both = veil
                .get_many(Collection::Messages, vec![key(10), key(11)])
                .await
                .unwrap();
            assert_eq!(both, [Some(vec![1]), None]);
            assert_eq!(veil.get(Collection::Messages, &key(11)).await, Ok(None));
        });
    }
}
