//! One unit of work on the store: read, decide, commit everything or nothing, then tell the front ends.
//!
//! Units exclude each other, so what one has read is still true when it commits. The memory's copy of conversations and
//! contacts changes only after the store has acknowledged. What a unit has written it reads back before its commit, so
//! that a message and what happens to it may come in one page.

mod commit;

use std::collections::{BTreeMap, HashMap};

use futures::lock::MutexGuard;
use holdfast_protocol::account::Id;
use holdfast_protocol::message::TTL_DEFAULT;

use crate::api::{Disappearing, Event, MessageId, MessageState, Position};
use crate::config::Staged;
use crate::core::Core;
use crate::ports::{Change, Collection, Store, StoreError};
use crate::records::{
    AccountRecord, CallRecord, ContactRecord, ConversationRecord, Counters, Gone, Job, JobRecord, MarkRecord,
    MessageRecord, OutboxRecord, Target, decode, encode, keys,
};

/// Answers to one message that are told when it comes or goes.
const MAX_ANSWERS: usize = 64;
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
    /// Receipts to send; `None` once they are on their way.
    receipts: BTreeMap<Id, Option<Vec<u64>>>,
    reads: BTreeMap<Id, Reader>,
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
            receipts: BTreeMap::new(),
            reads: BTreeMap::new(),
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

    /// Reads at once what is known of many messages, for [`Work::known`] and [`Work::mark`], and of what is answered.
    pub(crate) async fn look_up(
        &mut self,
        messages: &[(Id, Target)],
        answered: &[(Id, Target)],
    ) -> Result<(), StoreError> {
        let own = self.core.own_id();
        let mut indexed = Vec::new();
        for (conversation, target) in messages {
            indexed.push(keys::by_author(conversation, &target.author, target.sent_at));
            if Some(target.author) == own {
                indexed.push(keys::own_sent(target.sent_at));
            }
        }
        for (conversation, target) in answered {
            indexed.push(keys::answers(conversation, target));
        }
        self.look_up_index(indexed).await?;
        let mut wanted = Vec::new();
        for (conversation, target) in messages {
            wanted.push(keys::mark(conversation, &target.author, target.sent_at));
            wanted.push(keys::mark(&target.author, &target.author, target.sent_at));
        }
        wanted.sort_unstable();
        wanted.dedup();
        wanted.retain(|key| !self.marks.contains_key(key));
        let store = &self.core.ports.store;
        let values = store.get_many(Collection::Marks, wanted.clone()).await?;
        for (key, value) in wanted.into_iter().zip(values) {
            let mark = value.map(|value| decode(&value)).transpose()?;
            self.marks.insert(key, mark);
        }
        Ok(())
    }

    /// Reads many messages at once, for [`Work::message`] and [`Work::remove`].
    pub(crate) async fn look_up_messages(&mut self, ids: &[MessageId]) -> Result<(), StoreError> {
        let store = self.store();
        let wanted: Vec<MessageId> = ids
            .iter()
            .copied()
            .filter(|id| !self.places.contains_key(id))
            .collect();
        let numbers = wanted.iter().map(|id| keys::by_number(*id)).collect();
        let mut found = Vec::new();
        for (id, key) in wanted
            .into_iter()
            .zip(store.get_many(Collection::MessageIndex, numbers).await?)
        {
            let place = key.map(|key| keys::read_message(&key)).transpose()?;
            self.places.insert(id, place);
            found.extend(place);
        }
        let places = found.iter().map(|(id, position)| keys::message(id, *position));
        let values = store.get_many(Collection::Messages, places.collect()).await?;
        let mut indexed = Vec::new();
        for ((conversation, position), value) in found.into_iter().zip(values) {
            let Some(record) = value.map(|value| decode::<MessageRecord>(&value)).transpose()? else {
                continue;
            };
            if record.outgoing {
                indexed.push(keys::own_sent(position.sent_at));
            }
            indexed.extend(record.quote.map(|target| keys::answers(&conversation, &target)));
            let unchanged = Touched {
                old: Some(record.clone()),
                new: Some(record),
            };
            self.messages.entry((conversation, position)).or_insert(unchanged);
        }
        self.look_up_index(indexed).await
    }

    async fn look_up_index(&mut self, mut keys: Vec<Vec<u8>>) -> Result<(), StoreError> {
        keys.retain(|key| !self.index.contains_key(key));
        let store = &self.core.ports.store;
        let values = store.get_many(Collection::MessageIndex, keys.clone()).await?;
        self.index.extend(keys.into_iter().zip(values));
        Ok(())
    }

    async fn indexed(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.index.get(key) {
            Some(held) => Ok(held.clone()),
            None => self.core.ports.store.get(Collection::MessageIndex, key).await,
        }
    }

    fn set_index(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        match &value {
            Some(value) => self.put(Collection::MessageIndex, key.clone(), value.clone()),
            None => self.delete(Collection::MessageIndex, key.clone()),
        }
        self.index.insert(key, value);
    }

    async fn list_in_index(
        &mut self,
        key: Vec<u8>,
        id: MessageId,
        most: usize,
        listed: bool,
    ) -> Result<(), StoreError> {
        let mut numbers = keys::read_numbers(&self.indexed(&key).await?.unwrap_or_default());
        numbers.retain(|number| *number != id);
        if listed && numbers.len() < most {
            numbers.push(id);
        }
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.0.to_be_bytes()).collect();
        self.set_index(key, (!bytes.is_empty()).then_some(bytes));
        Ok(())
    }

    /// What is known of a message that is not here.
    pub(crate) async fn mark(&self, conversation: &Id, target: &Target) -> Result<MarkRecord, StoreError> {
        let key = keys::mark(conversation, &target.author, target.sent_at);
        let mark = match self.marks.get(&key) {
            Some(mark) => mark.clone(),
            None => match self.core.ports.store.get(Collection::Marks, &key).await? {
                Some(value) => Some(decode(&value)?),
                None => None,
            },
        };
        Ok(mark.unwrap_or_default())
    }

    /// Remembers something of a message that is not here, for as long as it can still come.
    pub(crate) fn set_mark(
        &mut self,
        conversation: &Id,
        target: &Target,
        mark: MarkRecord,
    ) -> Result<(), StoreError> {
        let mark = MarkRecord {
            until: self
                .core
                .time
                .now()
                .saturating_add(TTL_DEFAULT.saturating_add(MARK_SLACK_MS)),
            ..mark
        };
        let key = keys::mark(conversation, &target.author, target.sent_at);
        self.put(Collection::Marks, key.clone(), encode(&mark)?);
        self.marks.insert(key, Some(mark));
        Ok(())
    }

    /// What is known of a call, under [`keys::call`].
    pub(crate) async fn call(&self, key: &[u8]) -> Result<Option<CallRecord>, StoreError> {
        if let Some(call) = self.calls.get(key) {
            return Ok(Some(*call));
        }
        match self.core.ports.store.get(Collection::Marks, key).await? {
            Some(value) => decode(&value).map(Some),
            None => Ok(None),
        }
    }

    /// Remembers a call.
    pub(crate) fn set_call(&mut self, key: Vec<u8>, call: CallRecord) -> Result<(), StoreError> {
        self.put(Collection::Marks, key.clone(), encode(&call)?);
        self.calls.insert(key, call);
        Ok(())
    }

    /// What was waiting for a message has come into effect.
    pub(crate) fn remove_mark(&mut self, conversation: &Id, target: &Target) {
        let key = keys::mark(conversation, &target.author, target.sent_at);
        self.delete(Collection::Marks, key.clone());
        self.marks.insert(key, None);
    }

    /// Whether a message is there already.
    pub(crate) async fn known(&self, conversation: &Id, target: &Target) -> Result<Known, StoreError> {
        let key = keys::by_author(conversation, &target.author, target.sent_at);
        if let Some(number) = self.indexed(&key).await? {
            return Ok(Known::Present(keys::read_number(&number)?));
        }
        let mark = self.mark(conversation, target).await?;
        if let Some(gone) = mark.gone {
            return Ok(Known::Gone(gone));
        }
        // What an own device asked to delete stands under the own id, whatever the conversation.
        let asked = self.mark(&target.author, target).await?;
        let own = Some(target.author) == self.core.own_id();
        Ok(match asked.gone {
            Some(gone) if own => Known::Gone(gone),
            _ => Known::New,
        })
    }

    /// Own messages of a sent time, in whatever conversation.
    pub(crate) async fn own_sent(&self, sent_at: u64) -> Result<Vec<MessageId>, StoreError> {
        let value = self.indexed(&keys::own_sent(sent_at)).await?;
        Ok(keys::read_numbers(&value.unwrap_or_default()))
    }

    /// Where a message lies, by its number.
    pub(crate) async fn find(&self, id: MessageId) -> Result<Option<(Id, Position)>, StoreError> {
        if let Some(place) = self.places.get(&id) {
            return Ok(*place);
        }
        match self
            .core
            .ports
            .store
            .get(Collection::MessageIndex, &keys::by_number(id))
            .await?
        {
            Some(key) => keys::read_message(&key).map(Some),
            None => Ok(None),
        }
    }

    /// A message's record.
    pub(crate) async fn read(
        &self,
        conversation: &Id,
        position: Position,
    ) -> Result<Option<MessageRecord>, StoreError> {
        if let Some(touched) = self.messages.get(&(*conversation, position)) {
            return Ok(touched.new.clone());
        }
        let key = keys::message(conversation, position);
        match self.core.ports.store.get(Collection::Messages, &key).await? {
            Some(value) => decode(&value).map(Some),
            None => Ok(None),
        }
    }

    /// A message by its number: its place and its record.
    pub(crate) async fn message(
        &self,
        id: MessageId,
    ) -> Result<Option<(Id, Position, MessageRecord)>, StoreError> {
        let Some((conversation, position)) = self.find(id).await? else {
            return Ok(None);
        };
        let record = self.read(&conversation, position).await?;
        Ok(record.map(|record| (conversation, position, record)))
    }

    /// Sets or removes a message's record at its place.
    async fn write(
        &mut self,
        conversation: &Id,
        position: Position,
        record: Option<MessageRecord>,
    ) -> Result<(), StoreError> {
        let key = (*conversation, position);
        if !self.messages.contains_key(&key) {
            let old = self.read(conversation, position).await?;
            self.messages.insert(key, Touched { old, new: None });
        }
        if let Some(touched) = self.messages.get_mut(&key) {
            touched.new = record;
        }
        Ok(())
    }

    /// Adds a message that is not known yet, and makes its conversation visible.
    pub(crate) async fn insert(
        &mut self,
        conversation: &Id,
        sent_at: u64,
        record: MessageRecord,
    ) -> Result<Position, StoreError> {
        let position = Position {
            sent_at,
            id: MessageId(self.next_number()),
        };
        // A new number: there was nothing at its place.
        self.messages
            .insert((*conversation, position), Touched::default());
        self.place(conversation, position, record).await?;
        let now = self.core.time.now();
        let held = self.conversation(conversation);
        held.visible = true;
        // A sender's clock in the future must not pin its conversation to the top for ever.
        held.active_at = held.active_at.max(sent_at.min(now));
        Ok(position)
    }

    async fn place(
        &mut self,
        conversation: &Id,
        position: Position,
        record: MessageRecord,
    ) -> Result<(), StoreError> {
        let place = keys::message(conversation, position);
        let by_author = keys::by_author(conversation, &record.author, position.sent_at);
        self.put(Collection::MessageIndex, keys::by_number(position.id), place);
        self.set_index(by_author, Some(keys::outbox(position.id)));
        if record.outgoing {
            self.list_in_index(keys::own_sent(position.sent_at), position.id, usize::MAX, true)
                .await?;
        }
        if let Some(target) = &record.quote {
            let key = keys::answers(conversation, target);
            self.list_in_index(key, position.id, MAX_ANSWERS, true).await?;
        }
        self.places.insert(position.id, Some((*conversation, position)));
        self.write(conversation, position, Some(record)).await
    }

    /// Takes a message from its place, with what leads to it.
    async fn displace(
        &mut self,
        conversation: &Id,
        position: Position,
        record: &MessageRecord,
    ) -> Result<(), StoreError> {
        let by_author = keys::by_author(conversation, &record.author, position.sent_at);
        self.set_index(by_author, None);
        if record.outgoing {
            self.list_in_index(keys::own_sent(position.sent_at), position.id, usize::MAX, false)
                .await?;
        }
        if let Some(target) = &record.quote {
            let key = keys::answers(conversation, target);
            self.list_in_index(key, position.id, MAX_ANSWERS, false).await?;
        }
        self.delete(Collection::MessageIndex, keys::by_number(position.id));
        self.places.insert(position.id, None);
        self.write(conversation, position, None).await
    }

    /// Takes what this unit has put into a conversation out again.
    pub(crate) async fn clear_touched(&mut self, conversation: &Id) -> Result<(), StoreError> {
        let touched: Vec<_> = self
            .messages
            .iter()
            .filter(|((id, _), touched)| id == conversation && touched.new.is_some())
            .filter_map(|((_, position), touched)| Some((*position, touched.new.clone()?)))
            .collect();
        for (position, record) in touched {
            self.displace(conversation, position, &record).await?;
        }
        Ok(())
    }

    /// Whether a conversation has messages besides one.
    pub(crate) fn has_others(&mut self, conversation: &Id, id: MessageId) -> bool {
        let here = |((at, position), touched): (&(Id, Position), &Touched)| {
            at == conversation && position.id != id && touched.new.is_some()
        };
        self.conversation(conversation).total > 0 || self.messages.iter().any(here)
    }

    /// Changes a message; `false` when it is gone.
    pub(crate) async fn update(
        &mut self,
        id: MessageId,
        change: impl FnOnce(&mut MessageRecord),
    ) -> Result<bool, StoreError> {
        let Some((conversation, position, mut record)) = self.message(id).await? else {
            return Ok(false);
        };
        let quote = record.quote;
        change(&mut record);
        if let (Some(target), None) = (quote, record.quote) {
            let key = keys::answers(&conversation, &target);
            self.list_in_index(key, id, MAX_ANSWERS, false).await?;
        }
        self.write(&conversation, position, Some(record)).await?;
        Ok(true)
    }

    /// Lets a message answer another one, or the same one under its right time.
    pub(crate) async fn set_quote(&mut self, id: MessageId, target: Target) -> Result<(), StoreError> {
        let Some((conversation, position, mut record)) = self.message(id).await? else {
            return Ok(());
        };
        if let Some(before) = record.quote.replace(target) {
            let key = keys::answers(&conversation, &before);
            self.list_in_index(key, id, MAX_ANSWERS, false).await?;
        }
        let key = keys::answers(&conversation, &target);
        self.list_in_index(key, id, MAX_ANSWERS, true).await?;
        self.write(&conversation, position, Some(record)).await
    }

    /// Changes a message's state, and its hash when one is given. What was read stays read.
    pub(crate) async fn set_state(
        &mut self,
        id: MessageId,
        state: MessageState,
        hash: Option<String>,
    ) -> Result<(), StoreError> {
        self.update(id, |record| {
            if !(state == MessageState::Sent && record.state == MessageState::Read) {
                record.state = state;
            }
            record.hash = hash.or(record.hash.take());
        })
        .await?;
        Ok(())
    }

    /// Gives a message that nobody has seen yet another sent time.
    pub(crate) async fn move_message(
        &mut self,
        conversation: &Id,
        from: Position,
        sent_at: u64,
    ) -> Result<Option<Position>, StoreError> {
        let Some(record) = self.read(conversation, from).await? else {
            return Ok(None);
        };
        let to = Position { sent_at, id: from.id };
        self.displace(conversation, from, &record).await?;
        self.place(conversation, to, record).await?;
        let now = self.core.time.now();
        let held = self.conversation(conversation);
        if held.active_at == from.sent_at.min(now) || held.active_at > now {
            held.active_at = sent_at.min(now);
        }
        Ok(Some(to))
    }

    /// Removes a message from this device for good. Copies that may still come from the swarm are not let in again.
    pub(crate) async fn remove(&mut self, id: MessageId, why: Gone) -> Result<bool, StoreError> {
        let Some((conversation, position, record)) = self.message(id).await? else {
            return Ok(false);
        };
        self.displace(&conversation, position, &record).await?;
        if self.can_still_come(position.sent_at) {
            let target = Target {
                author: record.author,
                sent_at: position.sent_at,
            };
            let mark = MarkRecord {
                gone: Some(why),
                ..MarkRecord::default()
            };
            self.set_mark(&conversation, &target, mark)?;
        }
        if self.outbox_entry(id).is_some() {
            self.remove_outbox(id);
        }
        Ok(true)
    }

    /// Everything sent up to a time counts as read. Unread counts, timers and receipts follow at the commit.
    pub(crate) fn mark_read(&mut self, conversation: &Id, up_to: u64, reader: Reader) {
        let held = self.conversation(conversation);
        held.marked_unread = false;
        if up_to <= held.read_up_to {
            return;
        }
        held.read_up_to = up_to;
        let entry = self.reads.entry(*conversation).or_insert(reader);
        if reader == Reader::Here {
            *entry = Reader::Here;
        }
    }
}
