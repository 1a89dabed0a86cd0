//! One unit of work on the store: read, decide, commit everything or nothing, then tell the front ends.
//!
//! Units exclude each other, so what one has read is still true when it commits. The memory's copy of conversations and
//! contacts changes only after the store has acknowledged. What a unit has written it reads back before its commit, so
//! that a message and what happens to it may come in one page.

mod commit;
mod known;
mod messages;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::lock::MutexGuard;
use holdfast_protocol::account::Id;
use holdfast_protocol::message::TTL_DEFAULT;

use crate::api::{Disappearing, Event, FileId, MessageId, Position};
use crate::clearing::ClearingRecord;
use crate::config::Staged;
use crate::core::Core;
use crate::ports::{Change, Collection, Store, StoreError};
use crate::records::{
    AccountRecord, CallRecord, ContactRecord, ConversationRecord, Counters, FileRecord, Gone, Job, JobRecord,
    MarkRecord, MessageRecord, OutboxRecord, encode, keys,
};

/// How much longer than the swarm something is remembered: clocks differ, and nodes repair each other.
const MARK_SLACK_MS: u64 = 24 * 60 * 60 * 1_000;

/// What the store knows of a message by its conversation, author and sent time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing.
    New,
    /// It was deleted and must not come back.
    Gone(Gone),
    /// It is there.
    Present(MessageId),
}

/// Where messages were read that are marked as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// On this device: the other side may be told.
    Here,
    /// On another own device, which tells.
    Elsewhere,
}

/// A message before the unit and after it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Touched {
    old: Option<MessageRecord>,
    new: Option<MessageRecord>,
}

/// A message's place, and its record before and after a unit.
pub(crate) type Changed = ((Id, Position), (Option<MessageRecord>, Option<MessageRecord>));

/// See the module's description.
pub(crate) struct Work<'a> {
    pub(crate) core: &'a Core,
    _turn: MutexGuard<'a, ()>,
    changes: Vec<Change>,
    conversations: BTreeMap<Id, ConversationRecord>,
    contacts: BTreeMap<Id, ContactRecord>,
    account: Option<AccountRecord>,
    pub(crate) staged: Staged,
    counters: Counters,
    outbox: BTreeMap<MessageId, Option<OutboxRecord>>,
    messages: BTreeMap<(Id, Position), Touched>,
    places: HashMap<MessageId, Option<(Id, Position)>>,
    /// What the index holds or will hold, as far as it was looked at.
    index: HashMap<Vec<u8>, Option<Vec<u8>>>,
    marks: HashMap<Vec<u8>, Option<MarkRecord>>,
    calls: HashMap<Vec<u8>, CallRecord>,
    jobs: BTreeMap<u64, Option<JobRecord>>,
    /// What is to go of conversations; `None` when all of it went.
    pub(crate) clearings: BTreeMap<Id, Option<ClearingRecord>>,
    /// Receipts to send; `None` once they are on their way.
    receipts: BTreeMap<Id, Option<Vec<u64>>>,
    /// What is known of files' bytes; `None` for those that go.
    pub(crate) files: BTreeMap<FileId, Option<FileRecord>>,
    reads: BTreeMap<Id, Reader>,
    /// Conversations whose read positions are not carried into the configs: old news from a backup file.
    pub(crate) unshared: BTreeSet<Id>,
    /// Conversations and messages to tell although their records stay as they are.
    retold: (BTreeSet<Id>, BTreeSet<MessageId>),
    events: Vec<Event>,
    /// Filled at the commit: where each touched conversation ended before it.
    newest_before: BTreeMap<Id, Option<Position>>,
    outbox_changed: bool,
}

impl<'a> Work<'a> {
    /// Waits for its turn.
    pub(crate) async fn begin(core: &'a Core) -> Work<'a> {
        let turn = core.turn.lock().await;
        let counters = core.state.borrow().counters;
        Work {
            core,
            _turn: turn,
            changes: Vec::new(),
            conversations: BTreeMap::new(),
            contacts: BTreeMap::new(),
            account: None,
            staged: Staged::default(),
            counters,
            outbox: BTreeMap::new(),
            messages: BTreeMap::new(),
            places: HashMap::new(),
            index: HashMap::new(),
            marks: HashMap::new(),
            calls: HashMap::new(),
            jobs: BTreeMap::new(),
            clearings: BTreeMap::new(),
            receipts: BTreeMap::new(),
            files: BTreeMap::new(),
            reads: BTreeMap::new(),
            unshared: BTreeSet::new(),
            retold: Default::default(),
            events: Vec::new(),
            newest_before: BTreeMap::new(),
            outbox_changed: false,
        }
    }

    /// Network time, Unix milliseconds.
    pub(crate) fn now(&self) -> u64 {
        self.core.time.now()
    }

    /// Whether an id is the account's own.
    pub(crate) fn is_own(&self, id: &Id) -> bool {
        self.core.own_id() == Some(*id)
    }

    /// The own account's record to read or change; `None` without an account.
    pub(crate) fn account_record(&mut self) -> Option<&mut AccountRecord> {
        if self.account.is_none() {
            let state = self.core.state.borrow();
            self.account = state.account.as_ref().map(|account| account.record.clone());
        }
        self.account.as_mut()
    }

    /// The store, to read what this unit does not keep track of.
    pub(crate) fn store(&self) -> &'a dyn Store {
        &*self.core.ports.store
    }

    /// Whether a swarm may still have a message of this sent time.
    pub(crate) fn can_still_come(&self, sent_at: u64) -> bool {
        sent_at.saturating_add(TTL_DEFAULT.saturating_add(MARK_SLACK_MS)) > self.now()
    }

    /// Adds a change that has no memory beside the store.
    pub(crate) fn put(&mut self, collection: Collection, key: Vec<u8>, value: Vec<u8>) {
        self.changes.push(Change::Put(collection, key, value));
    }

    /// Removes an entry that has no memory beside the store.
    pub(crate) fn delete(&mut self, collection: Collection, key: Vec<u8>) {
        self.changes.push(Change::Delete(collection, key));
    }

    /// Tells front ends of something once all of this is durable.
    pub(crate) fn tell(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Tells front ends of a conversation at the end, even if its record stays as it is.
    pub(crate) fn touch(&mut self, conversation: &Id) {
        self.retold.0.insert(*conversation);
    }

    /// Tells front ends of a message at the end, even if its record stays as it is.
    pub(crate) fn retell(&mut self, message: MessageId) {
        self.retold.1.insert(message);
    }

    /// The messages that this unit changes: their places, and the records before and after.
    pub(crate) fn touched(&self) -> Vec<Changed> {
        let changed = |touched: &&Touched| touched.old != touched.new;
        self.messages
            .iter()
            .filter(|(_, touched)| changed(touched))
            .map(|(place, touched)| (*place, (touched.old.clone(), touched.new.clone())))
            .collect()
    }

    /// A sent time that nothing else from this device has, at or after `now`.
    pub(crate) fn next_sent_at(&mut self, now: u64) -> u64 {
        self.counters.sent_at = now.max(self.counters.sent_at.saturating_add(1));
        self.counters.sent_at
    }

    /// A sent time for a message whose first one came from a wrong clock. A counter that this clock pushed into the
    /// future comes back.
    pub(crate) fn corrected_sent_at(&mut self, wanted: u64, now: u64) -> u64 {
        if self.counters.sent_at > now {
            self.counters.sent_at = wanted;
            return wanted;
        }
        self.next_sent_at(wanted)
    }

    /// A local number that nothing else has.
    pub(crate) fn next_number(&mut self) -> u64 {
        self.counters.message = self.counters.message.saturating_add(1);
        self.counters.message
    }

    /// The last local number that was given.
    pub(crate) fn last_number(&self) -> u64 {
        self.counters.message
    }

    /// Messages of a conversation that wait to be sent.
    pub(crate) fn unsent_messages(&self, conversation: &Id) -> Vec<MessageId> {
        let waits = |record: &OutboxRecord| record.message && record.conversation == *conversation;
        let state = self.core.state.borrow();
        let stored = state.outbox.values().filter(|record| waits(record));
        let stored = stored.map(|record| record.number);
        let staged = self.outbox.values().flatten().filter(|record| waits(record));
        let staged = staged.map(|record| record.number);
        let all: BTreeSet<MessageId> = stored.chain(staged).collect();
        all.into_iter()
            .filter(|id| self.outbox_entry(*id).is_some())
            .collect()
    }

    /// A conversation to read or change, new and hidden when it is not known. Its counters and newest message follow the
    /// messages when the unit is committed.
    pub(crate) fn conversation(&mut self, id: &Id) -> &mut ConversationRecord {
        let core = self.core;
        self.conversations.entry(*id).or_insert_with(|| {
            core.state
                .borrow()
                .conversations
                .get(id)
                .cloned()
                .unwrap_or_else(ConversationRecord::new)
        })
    }

    pub(crate) fn knows_conversation(&self, id: &Id) -> bool {
        match self.conversations.get(id) {
            Some(held) => *held != ConversationRecord::new(),
            None => self.core.state.borrow().conversations.contains_key(id),
        }
    }

    /// A contact to read or change.
    pub(crate) fn contact(&mut self, id: &Id) -> &mut ContactRecord {
        let core = self.core;
        self.contacts
            .entry(*id)
            .or_insert_with(|| core.state.borrow().contacts.get(id).cloned().unwrap_or_default())
    }

    /// Whether the own devices know of a contact.
    pub(crate) fn is_shared(&self, id: &Id) -> bool {
        let state = self.core.state.borrow();
        let contact = self.contacts.get(id).or_else(|| state.contacts.get(id));
        contact.is_some_and(ContactRecord::is_shared)
    }

    /// How long messages written in a conversation live at present.
    pub(crate) fn disappearing(&self, id: &Id) -> Disappearing {
        let state = self.core.state.borrow();
        let contact = self.contacts.get(id).or_else(|| state.contacts.get(id));
        contact.map(|contact| contact.disappearing).unwrap_or_default()
    }

    /// Lets go of a contact and its conversation. Its messages are removed on their own.
    pub(crate) fn forget(&mut self, id: &Id) {
        self.contacts.insert(*id, ContactRecord::default());
        self.conversations.insert(*id, ConversationRecord::new());
    }

    /// Sets an entry of the outbox.
    pub(crate) fn put_outbox(&mut self, record: OutboxRecord) -> Result<(), StoreError> {
        let id = record.number;
        self.put(Collection::Outbox, keys::outbox(id), encode(&record)?);
        self.outbox.insert(id, Some(record));
        Ok(())
    }

    /// Removes an entry of the outbox.
    pub(crate) fn remove_outbox(&mut self, id: MessageId) {
        self.delete(Collection::Outbox, keys::outbox(id));
        self.outbox.insert(id, None);
    }

    /// An entry of the outbox.
    pub(crate) fn outbox_entry(&self, id: MessageId) -> Option<OutboxRecord> {
        match self.outbox.get(&id) {
            Some(entry) => entry.clone(),
            None => self.core.state.borrow().outbox.get(&id).cloned(),
        }
    }

    /// Whether an entry of the outbox has reached its contact: only the copy for the own devices is left to send.
    pub(crate) fn is_with_contact(&self, id: MessageId) -> bool {
        self.outbox_entry(id).is_some_and(|record| {
            record.for_contact.is_none() && record.for_self.is_some() && !self.is_own(&record.conversation)
        })
    }

    /// Has something done on the own swarm.
    pub(crate) fn add_job(
        &mut self,
        hash: String,
        what: Job,
        message: Option<MessageId>,
    ) -> Result<(), StoreError> {
        let number = self.next_number();
        let until = self
            .core
            .time
            .now()
            .saturating_add(TTL_DEFAULT.saturating_add(MARK_SLACK_MS));
        let record = JobRecord {
            hash,
            message,
            what,
            until,
        };
        self.put(Collection::Due, keys::job(number), encode(&record)?);
        self.jobs.insert(number, Some(record));
        Ok(())
    }

    /// A job is done.
    pub(crate) fn remove_job(&mut self, number: u64) {
        self.delete(Collection::Due, keys::job(number));
        self.jobs.insert(number, None);
    }

    /// The sent times of messages whose receipts wait to be sent to a contact.
    pub(crate) fn receipts(&self, contact: &Id) -> Vec<u64> {
        match self.receipts.get(contact) {
            Some(waiting) => waiting.clone().unwrap_or_default(),
            None => {
                let state = self.core.state.borrow();
                state.receipts.get(contact).cloned().unwrap_or_default()
            }
        }
    }

    /// Sets which receipts wait to be sent to a contact.
    pub(crate) fn set_receipts(&mut self, contact: &Id, waiting: Vec<u64>) -> Result<(), StoreError> {
        let key = keys::receipts(contact);
        if waiting.is_empty() {
            self.delete(Collection::Due, key);
            self.receipts.insert(*contact, None);
        } else {
            self.put(Collection::Due, key, encode(&waiting)?);
            self.receipts.insert(*contact, Some(waiting));
        }
        Ok(())
    }
}
