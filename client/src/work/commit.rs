//! The end of a unit of work: what follows from its changes, the one commit, and what front ends hear.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use futures::future::LocalBoxFuture;
use holdfast_protocol::account::Id;

use super::{Reader, Touched, Work};
use crate::api::{Event, Message, MessageId, MessageKind, MessageState, Position, SendFailure};
use crate::core::State;
use crate::ports::{Change, Collection, Scan, StoreError};
use crate::records::{
    ContactRecord, ConversationRecord, FilePlace, FileRecord, Job, MessageRecord, Newest, OutboxRecord,
    ReactionRecord, Target, decode, encode, keys,
};

/// Entries read at once while counting.
const COUNT_PAGE: usize = 500;
/// Entries looked at first for the newest message; reading backwards has its price in a browser.
const FIRST_LOOK: usize = 8;
/// Receipts that wait for one contact; older ones are not told any more.
const MAX_RECEIPTS: usize = 1_000;

/// Everything of a conversation after a sent time and up to another: no message has the last number.
fn span(conversation: Id, after: u64, up_to: u64) -> RangeInclusive<(Id, Position)> {
    let last = |sent_at| Position {
        sent_at,
        id: MessageId(u64::MAX),
    };
    (conversation, last(after))..=(conversation, last(up_to.max(after)))
}

/// When a message of somebody else disappears that is read now, if that starts its timer; Unix milliseconds.
fn started(record: &MessageRecord, now: u64) -> Option<u64> {
    let expiry = record.expiry.filter(|_| !record.outgoing)?;
    crate::expiry::starts_by_reading(&expiry).map(|timer_ms| now.saturating_add(timer_ms))
}

impl<'a> Work<'a> {
    /// Makes everything durable, then visible. On failure nothing has changed.
    ///
    /// On the heap: nearly every command and task ends here, and would carry this future in its own.
    pub(crate) fn commit(self) -> LocalBoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.settle())
    }

    async fn settle(mut self) -> Result<(), StoreError> {
        self.settle_blocked().await?;
        for (conversation, reader) in std::mem::take(&mut self.reads) {
            self.settle_reading(conversation, reader).await?;
        }
        self.settle_conversations().await?;
        self.settle_drafts();
        self.settle_files();
        self.keep_changed();
        self.keep_documents()?;
        self.collect_changes()?;
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
        let listed = self.take_effect();
        // Front ends can read again what could not be read here.
        let messages = self.shown_messages().await.unwrap_or_default();
        self.announce(messages, listed);
        Ok(())
    }

    /// What waits for contacts that this unit blocks does not go to them any more (`spec/02-messages-v1.md §10`): messages
    /// are given up until the user tries again, anything else for good. The own devices still get their copies.
    async fn settle_blocked(&mut self) -> Result<(), StoreError> {
        let core = self.core;
        let (blocked, numbers) = {
            let state = core.state.borrow();
            let was_blocked = |id: &Id| state.contacts.get(id).is_some_and(|before| before.blocked);
            let blocked = self.contacts.iter();
            let blocked = blocked.filter(|(id, contact)| contact.blocked && !was_blocked(id));
            let blocked: BTreeSet<Id> = blocked.map(|(id, _)| *id).collect();
            if blocked.is_empty() {
                return Ok(());
            }
            let numbers = state.outbox.keys().chain(self.outbox.keys());
            (blocked, numbers.copied().collect::<BTreeSet<MessageId>>())
        };
        for number in numbers {
            let Some(record) = self.outbox_entry(number) else {
                continue;
            };
            let waits = record.for_contact.is_some() || record.waiting.is_some();
            if !waits || record.failed.is_some() || !blocked.contains(&record.conversation) {
                continue;
            }
            if record.message {
                let failure = SendFailure::Cancelled;
                self.put_outbox(OutboxRecord {
                    failed: Some(failure),
                    ..record
                })?;
                self.set_state(number, MessageState::Failed(failure), None)
                    .await?;
            } else if record.for_self.is_some() {
                self.put_outbox(OutboxRecord {
                    for_contact: None,
                    ..record
                })?;
            } else {
                self.remove_outbox(number);
            }
        }
        Ok(())
    }

    /// Drafts go with their conversations.
    fn settle_drafts(&mut self) {
        let none = ConversationRecord::new();
        let gone = self.conversations.iter().filter(|(_, record)| **record == none);
        let gone: Vec<Id> = gone.map(|(id, _)| *id).collect();
        for id in gone {
            self.discard_staged(&id);
        }
    }

    /// Counts what was read, starts its timers, and notes the receipts.
    async fn settle_reading(&mut self, conversation: Id, reader: Reader) -> Result<(), StoreError> {
        let core = self.core;
        let now = core.time.now();
        let before = core
            .state
            .borrow()
            .conversations
            .get(&conversation)
            .map_or(0, |held| held.read_up_to);
        let up_to = self.conversation(&conversation).read_up_to;
        if up_to <= before {
            return Ok(());
        }
        let mut read = 0u32;
        let mut seen = Vec::new();
        let mut timed = Vec::new();
        for (position, record) in self.received_between(&conversation, before, up_to).await? {
            if record.counts() {
                seen.push(position.sent_at);
            }
            if let Some(at) = started(&record, now) {
                timed.push((position, record, at));
            } else {
                read = read.saturating_add(u32::from(record.counts()));
            }
        }
        for ((_, position), touched) in self.messages.range(span(conversation, before, up_to)) {
            let Some(record) = &touched.new else { continue };
            if record.counts() {
                seen.push(position.sent_at);
            }
            if let Some(at) = started(record, now) {
                timed.push((*position, record.clone(), at));
            } else if touched.old == touched.new {
                // Looked at only: nothing else counts it.
                read = read.saturating_add(u32::from(record.counts()));
            }
        }
        let held = self.conversation(&conversation);
        held.unread = held.unread.saturating_sub(read);
        for (position, mut record, at) in timed {
            if let Some(expiry) = &mut record.expiry {
                expiry.at = Some(at);
            }
            if let Some(hash) = record.hash.clone() {
                self.add_job(hash, Job::Shorten(at), Some(position.id))?;
            }
            self.write(&conversation, position, Some(record)).await?;
        }
        if reader == Reader::Here && !seen.is_empty() && core.tells_reading(&conversation) {
            let mut waiting = self.receipts(&conversation);
            waiting.append(&mut seen);
            waiting.sort_unstable();
            waiting.dedup();
            let excess = waiting.len().saturating_sub(MAX_RECEIPTS);
            waiting.drain(..excess);
            self.set_receipts(&conversation, waiting)?;
        }
        Ok(())
    }

    /// When the newest message of others was sent that is not read yet, up to a time, Unix milliseconds; 0 when there is
    /// none.
    pub(crate) async fn newest_unread(&mut self, conversation: &Id, up_to: u64) -> Result<u64, StoreError> {
        let read_up_to = self.conversation(conversation).read_up_to;
        if up_to <= read_up_to {
            return Ok(0);
        }
        let unread = self.received_between(conversation, read_up_to, up_to).await?;
        Ok(unread.last().map_or(0, |(position, _)| position.sent_at))
    }

    /// Stored messages of others that were sent after `after` and up to `up_to`, without those that this unit changes.
    async fn received_between(
        &self,
        conversation: &Id,
        after: u64,
        up_to: u64,
    ) -> Result<Vec<(Position, MessageRecord)>, StoreError> {
        let place = |sent_at, id| {
            let id = MessageId(id);
            keys::message(conversation, Position { sent_at, id })
        };
        let mut from = place(after, u64::MAX);
        let end = place(up_to, u64::MAX);
        let mut found = Vec::new();
        loop {
            let scan = Scan {
                collection: Collection::Messages,
                from,
                to: Some(end.clone()),
                reverse: false,
                limit: COUNT_PAGE,
            };
            let page = self.core.ports.store.scan(scan).await?;
            for (key, value) in &page {
                let (_, position) = keys::read_message(key)?;
                let record: MessageRecord = decode(value)?;
                if !record.outgoing && !self.messages.contains_key(&(*conversation, position)) {
                    found.push((position, record));
                }
            }
            match page.last() {
                Some((key, _)) if page.len() == COUNT_PAGE => {
                    from = key.clone();
                    from.push(0);
                }
                _ => return Ok(found),
            }
        }
    }

    /// Lets counters and newest messages follow what was touched.
    async fn settle_conversations(&mut self) -> Result<(), StoreError> {
        let mut by_conversation: BTreeMap<Id, Vec<(Position, Touched)>> = BTreeMap::new();
        for ((conversation, position), touched) in &self.messages {
            if touched.old != touched.new {
                let list = by_conversation.entry(*conversation).or_default();
                list.push((*position, touched.clone()));
            }
        }
        for (conversation, touched) in by_conversation {
            let read_before = self
                .core
                .state
                .borrow()
                .conversations
                .get(&conversation)
                .map_or(0, |held| held.read_up_to);
            let newest_before = self
                .conversation(&conversation)
                .newest
                .as_ref()
                .map(|newest| newest.position);
            self.newest_before.insert(conversation, newest_before);
            let newest = self.newest_after(&conversation, &touched).await?;
            let held = self.conversation(&conversation);
            for (position, Touched { old, new }) in &touched {
                let unread = |record: &Option<MessageRecord>, read_up_to: u64| {
                    let counts = record.as_ref().is_some_and(MessageRecord::counts);
                    u32::from(counts && position.sent_at > read_up_to)
                };
                let (before, after) = (unread(old, read_before), unread(new, held.read_up_to));
                held.unread = held.unread.saturating_add(after).saturating_sub(before);
                held.total = held
                    .total
                    .saturating_add(u32::from(new.is_some()))
                    .saturating_sub(u32::from(old.is_some()));
            }
            held.newest = newest;
        }
        Ok(())
    }

    /// The newest message of a conversation once its changes are made.
    async fn newest_after(
        &mut self,
        conversation: &Id,
        touched: &[(Position, Touched)],
    ) -> Result<Option<Newest>, StoreError> {
        let here = touched
            .iter()
            .rev()
            .find_map(|(position, touched)| Some(Newest::of(*position, touched.new.as_ref()?)));
        let before = self.conversation(conversation).newest.clone();
        let untouched =
            before.filter(|newest| touched.iter().all(|(position, _)| *position != newest.position));
        let had_one = self.conversation(conversation).newest.is_some();
        let elsewhere = if untouched.is_some() || !had_one {
            untouched
        } else {
            self.newest_stored_except(conversation, touched).await?
        };
        Ok(match (here, elsewhere) {
            (Some(here), Some(elsewhere)) if elsewhere.position > here.position => Some(elsewhere),
            (Some(here), _) => Some(here),
            (None, elsewhere) => elsewhere,
        })
    }

    async fn newest_stored_except(
        &self,
        conversation: &Id,
        touched: &[(Position, Touched)],
    ) -> Result<Option<Newest>, StoreError> {
        let place = |sent_at, id| {
            let id = MessageId(id);
            keys::message(conversation, Position { sent_at, id })
        };
        let mut limit = FIRST_LOOK;
        loop {
            let scan = Scan {
                collection: Collection::Messages,
                from: place(0, 0),
                to: Some(place(u64::MAX, u64::MAX)),
                reverse: true,
                limit,
            };
            let found = self.core.ports.store.scan(scan).await?;
            for (key, value) in &found {
                let (_, position) = keys::read_message(key)?;
                if touched
                    .binary_search_by_key(&position, |(other, _)| *other)
                    .is_err()
                {
                    return Ok(Some(Newest::of(position, &decode(value)?)));
                }
            }
            if found.len() < limit {
                return Ok(None);
            }
            limit = limit.saturating_mul(8);
        }
    }

    /// Lets go of records that are as they were, and carries the others into the configs.
    fn keep_changed(&mut self) {
        let core = self.core;
        {
            let state = core.state.borrow();
            let no_contact = ContactRecord::default();
            self.contacts
                .retain(|id, new| state.contacts.get(id).unwrap_or(&no_contact) != new);
            let no_conversation = ConversationRecord::new();
            self.conversations
                .retain(|id, new| state.conversations.get(id).unwrap_or(&no_conversation) != new);
        }
        let contacts: Vec<_> = self.contacts.clone().into_iter().collect();
        let mut conversations: Vec<_> = self.conversations.clone().into_iter().collect();
        conversations.retain(|(id, _)| !self.unshared.contains(id));
        self.write_documents(&contacts, &conversations);
    }

    /// Turns what was changed in memory into changes of the store.
    fn collect_changes(&mut self) -> Result<(), StoreError> {
        let core = self.core;
        let state = core.state.borrow();
        let no_contact = ContactRecord::default();
        let no_conversation = ConversationRecord::new();
        let held = state.account.as_ref().map(|account| &account.record);
        if let Some(account) = self.account.as_ref().filter(|record| Some(*record) != held) {
            let account = encode(account)?;
            self.changes
                .push(Change::Put(Collection::Meta, keys::ACCOUNT.to_vec(), account));
        }
        for (id, record) in &self.contacts {
            self.changes.push(if *record == no_contact {
                Change::Delete(Collection::Contacts, keys::id(id))
            } else {
                Change::Put(Collection::Contacts, keys::id(id), encode(record)?)
            });
        }
        for (id, record) in &self.conversations {
            self.changes.push(if *record == no_conversation {
                Change::Delete(Collection::Conversations, keys::id(id))
            } else {
                Change::Put(Collection::Conversations, keys::id(id), encode(record)?)
            });
        }
        self.messages.retain(|_, touched| touched.old != touched.new);
        for ((conversation, position), touched) in &self.messages {
            let key = keys::message(conversation, *position);
            self.changes.push(match &touched.new {
                Some(record) => Change::Put(Collection::Messages, key, encode(record)?),
                None => Change::Delete(Collection::Messages, key),
            });
            let moved = touched.new.is_none() && matches!(self.places.get(&position.id), Some(Some(_)));
            let (before, after) = (touched.old_end(), touched.new_end());
            if before != after && !moved {
                let key = keys::expiry(position.id);
                self.changes.push(match after {
                    Some(at) => Change::Put(Collection::Due, key, at.to_be_bytes().to_vec()),
                    None => Change::Delete(Collection::Due, key),
                });
            }
        }
        if self.counters != state.counters {
            self.changes.push(Change::Put(
                Collection::Meta,
                keys::COUNTERS.to_vec(),
                encode(&self.counters)?,
            ));
        }
        Ok(())
    }

    /// The memory follows the store. Gives what to tell of conversations.
    fn take_effect(&mut self) -> Vec<Event> {
        let mut listed = Vec::new();
        let mut own_changed = false;
        self.documents_kept();
        let mut state = self.core.state.borrow_mut();
        if let (Some(record), Some(account)) = (self.account.take(), &mut state.account)
            && account.record != record
        {
            let renamed = account.record.name != record.name;
            account.record = record;
            own_changed = renamed;
            // The profile may name another picture.
            self.core.files.notify();
        }
        state.counters = self.counters;
        self.outbox_changed = !self.outbox.is_empty();
        for (id, entry) in std::mem::take(&mut self.outbox) {
            if entry.as_ref().is_some_and(|record| record.failed.is_some()) {
                state.sending.remove(&id);
            }
            match entry {
                Some(record) => state.outbox.insert(id, record),
                None => state.outbox.remove(&id),
            };
        }
        for (number, entry) in std::mem::take(&mut self.jobs) {
            match entry {
                Some(record) => state.jobs.insert(number, record),
                None => state.jobs.remove(&number),
            };
            self.core.due.notify();
        }
        for (conversation, record) in std::mem::take(&mut self.clearings) {
            self.core.clearings.set(conversation, record);
            self.core.clear.notify();
        }
        for (contact, waiting) in std::mem::take(&mut self.receipts) {
            match waiting {
                Some(waiting) => state.receipts.insert(contact, waiting),
                None => state.receipts.remove(&contact),
            };
            self.core.due.notify();
        }
        for ((_, position), touched) in &self.messages {
            let (before, after) = (touched.old_end(), touched.new_end());
            if before != after {
                if let Some(at) = before {
                    state.expiring.remove(&(at, position.id));
                }
                if let Some(at) = after {
                    state.expiring.insert((at, position.id));
                }
                self.core.due.notify();
            }
        }
        for (file, entry) in std::mem::take(&mut self.files) {
            let is_own = |record: &FileRecord| matches!(record.place, FilePlace::OwnPicture(_));
            own_changed |= entry.as_ref().or(state.files.get(file)).is_some_and(is_own);
            match entry {
                Some(record) => state.files.insert(file, record),
                None => state.files.remove(file),
            }
            self.core.files.notify();
        }
        if own_changed {
            listed.extend(state.own_shown().map(Event::Account));
        }
        let none = ConversationRecord::new();
        let shows = |state: &State, id: &Id| {
            let record = state.conversations.get(id).unwrap_or(&none);
            state.is_listed(id, record)
        };
        let contacts = std::mem::take(&mut self.contacts);
        let conversations = std::mem::take(&mut self.conversations);
        let retold = std::mem::take(&mut self.retold.0);
        let changed: BTreeSet<Id> = contacts
            .keys()
            .chain(conversations.keys())
            .chain(&retold)
            .copied()
            .collect();
        let before: BTreeSet<Id> = changed.iter().filter(|id| shows(&state, id)).copied().collect();
        if !contacts.is_empty() {
            // A profile may name another picture.
            self.core.files.notify();
        }
        for (id, record) in contacts {
            if record == ContactRecord::default() {
                state.contacts.remove(&id);
            } else {
                state.contacts.insert(id, record);
            }
        }
        for (id, record) in conversations {
            if record == none {
                state.conversations.remove(&id);
            } else {
                state.conversations.insert(id, record);
            }
        }
        for id in changed {
            if shows(&state, &id) {
                let record = state.conversations.get(&id).unwrap_or(&none);
                listed.push(Event::Conversation(state.show(id, record)));
            } else if before.contains(&id) {
                listed.push(Event::ConversationRemoved(id));
            }
        }
        listed
    }

    /// The touched messages that are there, and those that answer a message which came, changed or went.
    async fn shown_messages(&self) -> Result<Vec<Message>, StoreError> {
        let mut shown: BTreeMap<(Id, Position), MessageRecord> = BTreeMap::new();
        let mut asked = Vec::new();
        for ((conversation, position), touched) in &self.messages {
            if let Some(record) = &touched.new {
                shown.insert((*conversation, *position), record.clone());
            }
            let text =
                |record: &Option<MessageRecord>| record.as_ref().map(|held| (held.kind, held.body.clone()));
            if text(&touched.old) != text(&touched.new)
                && let Some(record) = touched.new.as_ref().or(touched.old.as_ref())
            {
                let target = Target {
                    author: record.author,
                    sent_at: position.sent_at,
                };
                let key = keys::answers(conversation, &target);
                // Nothing answers what is newer than everything else, unless it came along.
                let newer =
                    touched.old.is_none() && self.newest_before.get(conversation) < Some(&Some(*position));
                let came_along = matches!(self.index.get(&key), Some(Some(_)));
                if !newer || came_along {
                    asked.push(key);
                }
            }
        }
        for id in &self.retold.1 {
            if let Some((conversation, position, record)) = self.message(*id).await? {
                shown.entry((conversation, position)).or_insert(record);
            }
        }
        let store = &self.core.ports.store;
        let mut answers = Vec::new();
        for value in store.get_many(Collection::MessageIndex, asked).await? {
            answers.extend(keys::read_numbers(&value.unwrap_or_default()));
        }
        for id in answers {
            if let Some((conversation, position, record)) = self.message(id).await? {
                shown.insert((conversation, position), record);
            }
        }
        let mut messages: Vec<Message> = {
            let state = self.core.state.borrow();
            shown
                .into_iter()
                .map(|((conversation, position), record)| {
                    let mut message = record.shown(conversation, position, &state.files);
                    message.state = state.shown_state(message.id, message.state);
                    message
                })
                .collect()
        };
        self.core.resolve_quotes(&mut messages).await?;
        Ok(messages)
    }

    /// Whether a notification is about a message that was read, removed or deleted by now, or about a reaction that was taken
    /// back or whose message is gone.
    fn is_old_news(&self, event: &Event) -> bool {
        let Event::Notify {
            conversation,
            message,
            reaction,
        } = event
        else {
            return false;
        };
        let all = (*conversation, Position::FIRST)..=(*conversation, Position::LAST);
        let told = self.messages.range(all).find_map(|((_, position), touched)| {
            let record = touched.new.as_ref().filter(|_| position.id == *message)?;
            Some((position, record))
        });
        let Some((position, record)) = told.filter(|(_, record)| record.kind != MessageKind::Deleted) else {
            return true;
        };
        if let Some(emoji) = reaction {
            let stands =
                |word: &ReactionRecord| word.on && word.from == *conversation && word.emoji == *emoji;
            return !record.reactions.iter().any(stands);
        }
        let state = self.core.state.borrow();
        let held = state.conversations.get(conversation);
        held.is_none_or(|held| position.sent_at <= held.read_up_to)
    }

    fn announce(self, messages: Vec<Message>, listed: Vec<Event>) {
        for message in messages {
            self.core.emit(Event::Message(message));
        }
        for ((conversation, position), touched) in &self.messages {
            let gone = self.places.get(&position.id).is_none_or(Option::is_none);
            if touched.old.is_some() && touched.new.is_none() && gone {
                self.core.emit(Event::MessageRemoved {
                    conversation: *conversation,
                    id: position.id,
                });
            }
        }
        for event in &self.events {
            if !self.is_old_news(event) {
                self.core.emit(event.clone());
            }
        }
        for event in listed {
            self.core.emit(event);
        }
        if self.outbox_changed {
            self.core.outbox.notify();
            self.core.refresh_status();
        }
        self.core.refresh_unsynced();
    }
}

impl Touched {
    fn old_end(&self) -> Option<u64> {
        self.old.as_ref().and_then(|record| record.expiry?.at)
    }

    fn new_end(&self) -> Option<u64> {
        self.new.as_ref().and_then(|record| record.expiry?.at)
    }
}
