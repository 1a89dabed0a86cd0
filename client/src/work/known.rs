//! What the store knows of messages by how others refer to them: those that are here, and those that are not.

use holdfast_protocol::account::Id;
use holdfast_protocol::message::TTL_DEFAULT;

use super::{Known, MARK_SLACK_MS, Touched, Work};
use crate::api::MessageId;
use crate::ports::{Collection, StoreError};
use crate::records::{
    CallRecord, ClearedRecord, Gone, MarkRecord, MessageRecord, Target, decode, encode, keys,
};

/// When a mark is forgotten that stays as long as the account is here.
const FOR_GOOD: u64 = u64::MAX;

impl Work<'_> {
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

    pub(crate) async fn look_up_index(&mut self, mut keys: Vec<Vec<u8>>) -> Result<(), StoreError> {
        keys.retain(|key| !self.index.contains_key(key));
        let store = &self.core.ports.store;
        let values = store.get_many(Collection::MessageIndex, keys.clone()).await?;
        self.index.extend(keys.into_iter().zip(values));
        Ok(())
    }

    pub(super) async fn indexed(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.index.get(key) {
            Some(held) => Ok(held.clone()),
            None => self.core.ports.store.get(Collection::MessageIndex, key).await,
        }
    }

    pub(super) fn set_index(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        match &value {
            Some(value) => self.put(Collection::MessageIndex, key.clone(), value.clone()),
            None => self.delete(Collection::MessageIndex, key.clone()),
        }
        self.index.insert(key, value);
    }

    pub(super) async fn list_in_index(
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

    /// Remembers something of a message that is not here, for as long as it can still come from a swarm.
    pub(crate) fn set_mark(
        &mut self,
        conversation: &Id,
        target: &Target,
        mark: MarkRecord,
    ) -> Result<(), StoreError> {
        let until = self
            .core
            .time
            .now()
            .saturating_add(TTL_DEFAULT.saturating_add(MARK_SLACK_MS));
        let until = until.max(mark.until);
        self.keep_mark(conversation, target, MarkRecord { until, ..mark })
    }

    /// Remembers for good that a message was removed here: a backup file may be of any age.
    pub(crate) fn set_removed(
        &mut self,
        conversation: &Id,
        target: &Target,
        why: Gone,
    ) -> Result<(), StoreError> {
        let mark = MarkRecord {
            until: FOR_GOOD,
            gone: Some(why),
            ..MarkRecord::default()
        };
        self.keep_mark(conversation, target, mark)
    }

    /// Remembers for good that everything of a conversation was removed here.
    pub(crate) async fn set_cleared(&mut self, conversation: &Id) -> Result<(), StoreError> {
        let before = self.cleared_up_to(conversation).await?;
        let newest = self.conversation(conversation).newest.as_ref();
        let newest = newest.map_or(0, |newest| newest.position.sent_at);
        let record = ClearedRecord {
            until: FOR_GOOD,
            up_to: self.now().max(newest).max(before),
        };
        self.put(Collection::Marks, keys::cleared(conversation), encode(&record)?);
        Ok(())
    }

    /// Up to which sent time everything of a conversation was removed here once; 0 for never.
    pub(crate) async fn cleared_up_to(&self, conversation: &Id) -> Result<u64, StoreError> {
        let key = keys::cleared(conversation);
        match self.core.ports.store.get(Collection::Marks, &key).await? {
            Some(value) => Ok(decode::<ClearedRecord>(&value)?.up_to),
            None => Ok(0),
        }
    }

    fn keep_mark(&mut self, conversation: &Id, target: &Target, mark: MarkRecord) -> Result<(), StoreError> {
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
            let id = keys::read_number(&number)?;
            let goes = self.core.clearings.hides(conversation, id);
            return Ok(if goes {
                Known::Gone(Gone::Here)
            } else {
                Known::Present(id)
            });
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
}
