//! Messages within a unit of work: read, added, changed, moved and removed, with everything that leads to them.

use holdfast_protocol::account::Id;

use super::{Reader, Touched, Work};
use crate::api::{MessageId, MessageState, Position};
use crate::outbox::SHIFT_MS;
use crate::ports::{Collection, StoreError};
use crate::records::{Gone, MarkRecord, MessageRecord, Target, decode, keys};

/// Answers to one message that are told when it comes or goes.
const MAX_ANSWERS: usize = 64;

impl Work<'_> {
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
    pub(super) async fn write(
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
        self.unlist(conversation, position, record).await?;
        self.places.insert(position.id, None);
        self.write(conversation, position, None).await
    }

    /// Removes what leads to a message.
    pub(crate) async fn unlist(
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
        Ok(())
    }

    /// Takes what this unit has put into a conversation out again, up to a local number.
    pub(crate) async fn clear_touched(&mut self, conversation: &Id, up_to: u64) -> Result<(), StoreError> {
        let touched: Vec<_> = self
            .messages
            .iter()
            .filter(|((id, position), _)| id == conversation && position.id.0 <= up_to)
            .filter(|(_, touched)| touched.new.is_some())
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

    /// Gives a message that nobody else has seen yet, or a notice, another sent time.
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

    /// Removes a message from this device for good. Copies that may still come, from the swarm or from a backup file, are
    /// not let in again; one whose time is over is not let in from a file anyway.
    pub(crate) async fn remove(&mut self, id: MessageId, why: Gone) -> Result<bool, StoreError> {
        let Some((conversation, position, record)) = self.message(id).await? else {
            return Ok(false);
        };
        self.displace(&conversation, position, &record).await?;
        let target = Target {
            author: record.author,
            sent_at: position.sent_at,
        };
        let ended = record.expiry.and_then(|expiry| expiry.at);
        let over = ended.is_some_and(|at| at <= self.now());
        if !over {
            self.set_removed(&conversation, &target, why)?;
        } else if self.can_still_come(position.sent_at) {
            let mark = MarkRecord {
                gone: Some(why),
                ..MarkRecord::default()
            };
            self.set_mark(&conversation, &target, mark)?;
        }
        // What the contact has by now still comes to the own devices, if it went from this one alone.
        let goes_on = why == Gone::Here && !over && self.is_with_contact(id);
        if self.outbox_entry(id).is_some() && !goes_on {
            self.remove_outbox(id);
        }
        Ok(true)
    }

    /// The user wrote or did something in a conversation: what came before it has been read
    /// (`spec/02-messages-v1.md §5.1`). While network time is not known its sent time may lie in the future, and all that
    /// comes until then would count as read: then it is what is here.
    pub(crate) async fn mark_answered(&mut self, conversation: &Id, sent_at: u64) -> Result<(), StoreError> {
        let up_to = if self.core.time.is_known() {
            // One that was written before may have put the sent times ahead until it is corrected.
            sent_at.min(self.now().saturating_add(SHIFT_MS))
        } else {
            self.newest_unread(conversation, sent_at).await?
        };
        self.mark_read(conversation, up_to, Reader::Here);
        Ok(())
    }

    /// Everything sent up to a time counts as read. Unread counts, timers and receipts follow at the commit.
    pub(crate) fn mark_read(&mut self, conversation: &Id, up_to: u64, reader: Reader) {
        let held = self.conversation(conversation);
        let news = up_to > held.read_up_to;
        // What another own device wrote may come after the mark that was set when all of that had been read.
        if news || reader == Reader::Here {
            held.marked_unread = false;
        }
        if !news {
            return;
        }
        held.read_up_to = up_to;
        let entry = self.reads.entry(*conversation).or_insert(reader);
        if reader == Reader::Here {
            *entry = Reader::Here;
        }
    }
}
