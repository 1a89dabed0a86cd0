//! One unit of work on the store: read, decide, commit everything or nothing, then tell the front ends.
//!
//! Units exclude each other, so what one has read is still true when it commits. The memory's copy of conversations and
//! contacts changes only after the store has acknowledged.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::lock::MutexGuard;
use holdfast_protocol::account::Id;
use holdfast_protocol::swarm::MAX_TTL_MS;

use crate::api::{Event, Message, MessageId, MessageState, Position};
use crate::core::{Core, State};
use crate::ports::{Change, Collection, Scan, StoreError};
use crate::records::{
    ContactRecord, ConversationRecord, Counters, MessageRecord, Newest, OutboxRecord, decode, encode, keys,
};

/// Entries read at once while counting.
const COUNT_PAGE: usize = 500;

/// What the store knows of a message by its conversation, author and sent time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing.
    New,
    /// It was deleted on this device and must not come back.
    Deleted,
    /// It is there.
    Present(MessageId),
}

/// A message about to be inserted.
pub(crate) struct NewMessage {
    pub(crate) conversation: Id,
    pub(crate) author: Id,
    pub(crate) outgoing: bool,
    pub(crate) body: String,
    pub(crate) sent_at: u64,
    pub(crate) state: MessageState,
    pub(crate) hash: Option<String>,
}

/// See the module's description.
pub(crate) struct Work<'a> {
    core: &'a Core,
    _turn: MutexGuard<'a, ()>,
    changes: Vec<Change>,
    conversations: BTreeMap<Id, ConversationRecord>,
    contacts: BTreeMap<Id, ContactRecord>,
    counters: Counters,
    outbox: BTreeMap<MessageId, Option<OutboxRecord>>,
    /// What the index holds or will hold, as far as it was looked at.
    index: HashMap<Vec<u8>, Option<MessageId>>,
    inserted: Vec<(Id, u64)>,
    events: Vec<Event>,
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
            counters,
            outbox: BTreeMap::new(),
            index: HashMap::new(),
            inserted: Vec::new(),
            events: Vec::new(),
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

    /// When the newest config that was merged and says whether a conversation is there was stored, Unix milliseconds.
    pub(crate) fn config_stored_at(&self, _id: &Id) -> u64 {
        0
    }

    /// Adds a change that has no memory beside the store.
    pub(crate) fn put(&mut self, collection: Collection, key: Vec<u8>, value: Vec<u8>) {
        self.changes.push(Change::Put(collection, key, value));
    }

    /// A sent time that no other message of this device has, at or after `now`.
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

    /// A conversation to read or change, new and hidden when it is not known.
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

    /// Whether a conversation exists, visible or not.
    pub(crate) fn knows_conversation(&self, id: &Id) -> bool {
        self.conversations.contains_key(id) || self.core.state.borrow().conversations.contains_key(id)
    }

    /// A contact to read or change.
    pub(crate) fn contact(&mut self, id: &Id) -> &mut ContactRecord {
        let core = self.core;
        self.contacts
            .entry(*id)
            .or_insert_with(|| core.state.borrow().contacts.get(id).cloned().unwrap_or_default())
    }

    /// Lets go of a contact and its conversation. Its messages are removed on their own.
    pub(crate) fn forget(&mut self, id: &Id) {
        self.contacts.insert(*id, ContactRecord::default());
        self.conversations.insert(*id, ConversationRecord::new());
    }

    /// Sets an entry of the outbox.
    pub(crate) fn put_outbox(&mut self, record: OutboxRecord) -> Result<(), StoreError> {
        let id = record.position.id;
        self.put(Collection::Outbox, keys::outbox(id), encode(&record)?);
        self.outbox.insert(id, Some(record));
        Ok(())
    }

    /// Removes an entry of the outbox.
    pub(crate) fn remove_outbox(&mut self, id: MessageId) {
        self.changes
            .push(Change::Delete(Collection::Outbox, keys::outbox(id)));
        self.outbox.insert(id, None);
    }

    /// Reads many entries of the index at once, for [`Work::known`].
    pub(crate) async fn look_up(&mut self, keys: Vec<Vec<u8>>) -> Result<(), StoreError> {
        let values = self
            .core
            .ports
            .store
            .get_many(Collection::MessageIndex, keys.clone())
            .await?;
        for (key, value) in keys.into_iter().zip(values) {
            let number = value.map(|value| keys::read_number(&value)).transpose()?;
            self.index.insert(key, number);
        }
        Ok(())
    }

    /// Whether a message is there already.
    pub(crate) async fn known(
        &self,
        conversation: &Id,
        author: &Id,
        sent_at: u64,
    ) -> Result<Known, StoreError> {
        let key = keys::by_author(conversation, author, sent_at);
        let number = match self.index.get(&key) {
            Some(known) => *known,
            None => match self.core.ports.store.get(Collection::MessageIndex, &key).await? {
                Some(value) => Some(keys::read_number(&value)?),
                None => None,
            },
        };
        Ok(match number {
            None => Known::New,
            Some(MessageId(0)) => Known::Deleted,
            Some(id) => Known::Present(id),
        })
    }

    /// Where a message lies, by its number.
    pub(crate) async fn find(&self, id: MessageId) -> Result<Option<(Id, Position)>, StoreError> {
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

    /// Adds a message that is not known yet, and makes its conversation visible.
    pub(crate) fn insert(&mut self, new: NewMessage) -> Result<Message, StoreError> {
        self.counters.message = self.counters.message.saturating_add(1);
        let position = Position {
            sent_at: new.sent_at,
            id: MessageId(self.counters.message),
        };
        let now = self.core.time.now();
        let conversation = new.conversation;
        let record = MessageRecord {
            author: new.author,
            outgoing: new.outgoing,
            body: new.body,
            state: new.state,
            hash: new.hash,
        };
        self.place(&conversation, position, &record)?;
        let message = record.shown(conversation, position);
        let held = self.conversation(&conversation);
        held.visible = true;
        held.total = held.total.saturating_add(1);
        let unread = !message.outgoing && message.sent_at > held.read_up_to;
        held.unread = held.unread.saturating_add(u32::from(unread));
        // A sender's clock in the future must not pin its conversation to the top for ever.
        held.active_at = held.active_at.max(message.sent_at.min(now));
        if held
            .newest
            .as_ref()
            .is_none_or(|newest| newest.position < position)
        {
            held.newest = Some(Newest::of(&message));
        }
        if unread {
            self.inserted.push((conversation, position.sent_at));
        }
        self.events.push(Event::Message(message.clone()));
        Ok(message)
    }

    fn place(
        &mut self,
        conversation: &Id,
        position: Position,
        record: &MessageRecord,
    ) -> Result<(), StoreError> {
        let key = keys::message(conversation, position);
        let by_author = keys::by_author(conversation, &record.author, position.sent_at);
        self.put(Collection::Messages, key.clone(), encode(record)?);
        self.put(Collection::MessageIndex, keys::by_number(position.id), key);
        self.put(
            Collection::MessageIndex,
            by_author.clone(),
            keys::outbox(position.id),
        );
        self.index.insert(by_author, Some(position.id));
        Ok(())
    }

    /// A message's record.
    pub(crate) async fn read(
        &self,
        conversation: &Id,
        position: Position,
    ) -> Result<Option<MessageRecord>, StoreError> {
        let key = keys::message(conversation, position);
        match self.core.ports.store.get(Collection::Messages, &key).await? {
            Some(value) => decode(&value).map(Some),
            None => Ok(None),
        }
    }

    /// Changes a stored message's state, and its hash when one is given. Nothing happens when it is gone.
    pub(crate) async fn set_state(
        &mut self,
        id: MessageId,
        state: MessageState,
        hash: Option<String>,
    ) -> Result<(), StoreError> {
        let Some((conversation, position)) = self.find(id).await? else {
            return Ok(());
        };
        let Some(mut record) = self.read(&conversation, position).await? else {
            return Ok(());
        };
        record.state = state;
        record.hash = hash.or(record.hash);
        self.put(
            Collection::Messages,
            keys::message(&conversation, position),
            encode(&record)?,
        );
        self.announce(conversation, position, record);
        Ok(())
    }

    fn announce(&mut self, conversation: Id, position: Position, record: MessageRecord) {
        let message = record.shown(conversation, position);
        let held = self.conversation(&conversation);
        if let Some(newest) = held.newest.as_mut().filter(|newest| newest.position == position) {
            newest.state = message.state;
        }
        self.events.push(Event::Message(message));
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
        self.changes.push(Change::Delete(
            Collection::Messages,
            keys::message(conversation, from),
        ));
        let by_author = keys::by_author(conversation, &record.author, from.sent_at);
        self.changes
            .push(Change::Delete(Collection::MessageIndex, by_author));
        self.place(conversation, to, &record)?;
        let message = record.shown(*conversation, to);
        let newest = self.newest_except(conversation, from.id).await?;
        let now = self.core.time.now();
        let held = self.conversation(conversation);
        let moved = Newest::of(&message);
        held.newest = match newest {
            Some(other) if other.position > to => Some(other),
            _ => Some(moved),
        };
        held.active_at = held
            .newest
            .as_ref()
            .map_or(0, |newest| newest.position.sent_at.min(now));
        self.events.push(Event::Message(message));
        Ok(Some(to))
    }

    /// Removes a message from this device for good.
    pub(crate) async fn remove(&mut self, id: MessageId) -> Result<bool, StoreError> {
        let Some((conversation, position)) = self.find(id).await? else {
            return Ok(false);
        };
        let Some(record) = self.read(&conversation, position).await? else {
            return Ok(false);
        };
        self.changes.push(Change::Delete(
            Collection::Messages,
            keys::message(&conversation, position),
        ));
        self.changes
            .push(Change::Delete(Collection::MessageIndex, keys::by_number(id)));
        // Its copy may still come from the swarm: the number 0 says that it was deleted.
        let by_author = keys::by_author(&conversation, &record.author, position.sent_at);
        self.put(Collection::MessageIndex, by_author, keys::outbox(MessageId(0)));
        let newest = self.newest_except(&conversation, id).await?;
        let held = self.conversation(&conversation);
        held.total = held.total.saturating_sub(1);
        if !record.outgoing && position.sent_at > held.read_up_to {
            held.unread = held.unread.saturating_sub(1);
        }
        held.newest = newest;
        if self.core.state.borrow().outbox.contains_key(&id) {
            self.remove_outbox(id);
        }
        self.events.push(Event::MessageRemoved { conversation, id });
        Ok(true)
    }

    /// Removes all messages of a conversation from this device.
    pub(crate) async fn clear_messages(&mut self, conversation: &Id) -> Result<(), StoreError> {
        let now = self.now();
        let mut from = keys::message(conversation, Position::FIRST);
        loop {
            let scan = Scan {
                collection: Collection::Messages,
                from,
                to: Some(keys::message(conversation, Position::LAST)),
                reverse: false,
                limit: COUNT_PAGE,
            };
            let page = self.core.ports.store.scan(scan).await?;
            for (key, value) in &page {
                let (_, position) = keys::read_message(key)?;
                let record: MessageRecord = decode(value)?;
                self.changes
                    .push(Change::Delete(Collection::Messages, key.clone()));
                let by_number = keys::by_number(position.id);
                self.changes
                    .push(Change::Delete(Collection::MessageIndex, by_number));
                let by_author = keys::by_author(conversation, &record.author, position.sent_at);
                // Only what a swarm may still have can come back.
                if position.sent_at.saturating_add(MAX_TTL_MS) > now {
                    self.put(Collection::MessageIndex, by_author, keys::outbox(MessageId(0)));
                } else {
                    self.changes
                        .push(Change::Delete(Collection::MessageIndex, by_author));
                }
                if self.core.state.borrow().outbox.contains_key(&position.id) {
                    self.remove_outbox(position.id);
                }
            }
            match page.last() {
                Some((key, _)) if page.len() == COUNT_PAGE => {
                    from = key.clone();
                    from.push(0);
                }
                _ => break,
            }
        }
        let held = self.conversation(conversation);
        held.total = 0;
        held.unread = 0;
        held.newest = None;
        self.events.push(Event::MessagesCleared {
            conversation: *conversation,
        });
        Ok(())
    }

    async fn newest_except(&self, conversation: &Id, id: MessageId) -> Result<Option<Newest>, StoreError> {
        let newest = self.core.scan_messages(conversation, None, None, true, 2).await?;
        Ok(newest
            .into_iter()
            .find(|message| message.id != id)
            .as_ref()
            .map(Newest::of))
    }

    /// Everything sent up to a time counts as read.
    pub(crate) async fn mark_read(&mut self, conversation: &Id, up_to: u64) -> Result<(), StoreError> {
        let held = self.conversation(conversation);
        held.marked_unread = false;
        let (before, unread) = (held.read_up_to, held.unread);
        if up_to <= before {
            return Ok(());
        }
        let all = held
            .newest
            .as_ref()
            .is_none_or(|newest| newest.position.sent_at <= up_to);
        let read = if all || unread == 0 {
            unread
        } else {
            let within = |sent_at: u64| sent_at > before && sent_at <= up_to;
            let inserted = self
                .inserted
                .iter()
                .filter(|(id, sent_at)| id == conversation && within(*sent_at))
                .count();
            let stored = self.count_received(conversation, before, up_to).await?;
            stored.saturating_add(u32::try_from(inserted).unwrap_or(u32::MAX))
        };
        let held = self.conversation(conversation);
        held.read_up_to = up_to;
        held.unread = unread.saturating_sub(read);
        self.inserted
            .retain(|(id, sent_at)| id != conversation || *sent_at > up_to);
        Ok(())
    }

    /// Stored messages of others that were sent after `after` and up to `up_to`.
    async fn count_received(&self, conversation: &Id, after: u64, up_to: u64) -> Result<u32, StoreError> {
        let end = keys::message(
            conversation,
            Position {
                sent_at: up_to,
                id: MessageId(u64::MAX),
            },
        );
        let mut from = keys::message(
            conversation,
            Position {
                sent_at: after.saturating_add(1),
                id: MessageId(0),
            },
        );
        let mut count = 0u32;
        loop {
            let scan = Scan {
                collection: Collection::Messages,
                from,
                to: Some(end.clone()),
                reverse: false,
                limit: COUNT_PAGE,
            };
            let page = self.core.ports.store.scan(scan).await?;
            for (_, value) in &page {
                let record: MessageRecord = decode(value)?;
                count = count.saturating_add(u32::from(!record.outgoing));
            }
            match page.last() {
                Some((key, _)) if page.len() == COUNT_PAGE => {
                    from = key.clone();
                    from.push(0);
                }
                _ => return Ok(count),
            }
        }
    }

    /// Makes everything durable, then visible. On failure nothing has changed.
    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        let mut shown = Vec::new();
        {
            let state = self.core.state.borrow();
            let conversations = std::mem::take(&mut self.conversations);
            let contacts = std::mem::take(&mut self.contacts);
            let no_contact = ContactRecord::default();
            self.contacts = contacts
                .into_iter()
                .filter(|(id, new)| state.contacts.get(id).unwrap_or(&no_contact) != new)
                .collect();
            let no_conversation = ConversationRecord::new();
            self.conversations = conversations
                .into_iter()
                .filter(|(id, new)| state.conversations.get(id).unwrap_or(&no_conversation) != new)
                .collect();
        }
        for (id, record) in &self.contacts {
            let change = if *record == ContactRecord::default() {
                Change::Delete(Collection::Contacts, keys::id(id))
            } else {
                Change::Put(Collection::Contacts, keys::id(id), encode(record)?)
            };
            self.changes.push(change);
        }
        for (id, record) in &self.conversations {
            let change = if *record == ConversationRecord::new() {
                Change::Delete(Collection::Conversations, keys::id(id))
            } else {
                Change::Put(Collection::Conversations, keys::id(id), encode(record)?)
            };
            self.changes.push(change);
        }
        if self.counters != self.core.state.borrow().counters {
            let counters = encode(&self.counters)?;
            self.changes
                .push(Change::Put(Collection::Meta, keys::COUNTERS.to_vec(), counters));
        }
        if !self.changes.is_empty() {
            let result = self
                .core
                .ports
                .store
                .commit(std::mem::take(&mut self.changes))
                .await;
            self.core.note_store(&result);
            result?;
        }
        {
            let mut state = self.core.state.borrow_mut();
            state.counters = self.counters;
            for (id, entry) in self.outbox {
                match entry {
                    Some(record) => state.outbox.insert(id, record),
                    None => state.outbox.remove(&id),
                };
            }
            let changed: BTreeSet<Id> = self
                .contacts
                .keys()
                .chain(self.conversations.keys())
                .copied()
                .collect();
            let none = ConversationRecord::new();
            let listed = |state: &State, id: &Id| {
                let record = state.conversations.get(id).unwrap_or(&none);
                state.is_listed(id, record)
            };
            let before: BTreeSet<Id> = changed.iter().filter(|id| listed(&state, id)).copied().collect();
            for (id, record) in self.contacts {
                if record == ContactRecord::default() {
                    state.contacts.remove(&id);
                } else {
                    state.contacts.insert(id, record);
                }
            }
            for (id, record) in self.conversations {
                if record == none {
                    state.conversations.remove(&id);
                } else {
                    state.conversations.insert(id, record);
                }
            }
            for id in changed {
                if listed(&state, &id) {
                    let record = state.conversations.get(&id).unwrap_or(&none);
                    shown.push(Event::Conversation(state.show(id, record)));
                } else if before.contains(&id) {
                    shown.push(Event::ConversationRemoved(id));
                }
            }
        }
        for event in self.events.into_iter().chain(shown) {
            self.core.emit(event);
        }
        Ok(())
    }
}
