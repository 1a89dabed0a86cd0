//! Reading messages from the store, with what they answer.

use holdfast_protocol::account::Id;

use super::Core;
use crate::api::{Message, MessageId, MessageKind, Position};
use crate::ports::{Collection, Scan, StoreError};
use crate::records::{MessageRecord, PREVIEW_CHARS, decode, keys, summary};

impl Core {
    /// The message at a position.
    pub(crate) async fn message_at(
        &self,
        conversation: &Id,
        position: Position,
    ) -> Result<Option<Message>, StoreError> {
        let end = Position {
            id: MessageId(position.id.0.saturating_add(1)),
            ..position
        };
        Ok(self
            .scan_messages(conversation, Some(position), Some(end), false, 1)
            .await?
            .pop())
    }

    /// How many messages a conversation has.
    fn total(&self, conversation: &Id) -> usize {
        let state = self.state.borrow();
        let held = state.conversations.get(conversation);
        usize::try_from(held.map_or(0, |held| held.total)).unwrap_or(usize::MAX)
    }

    /// Stored messages of a conversation from a position (inclusive) to another (exclusive).
    pub(crate) async fn scan_messages(
        &self,
        conversation: &Id,
        from: Option<Position>,
        to: Option<Position>,
        reverse: bool,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        // Where an old history is going, what is left is found without reading through all of that.
        let limit = match self.clearings.of(conversation) {
            Some(_) => limit.min(self.total(conversation)),
            None => limit,
        };
        if limit == 0 {
            return Ok(Vec::new());
        }
        let scan = Scan {
            collection: Collection::Messages,
            from: keys::message(conversation, from.unwrap_or(Position::FIRST)),
            to: Some(keys::message(conversation, to.unwrap_or(Position::LAST))),
            reverse,
            limit,
        };
        let entries = self.ports.store.scan(scan).await?;
        let mut messages = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let (conversation, position) = keys::read_message(&key)?;
            let record: MessageRecord = decode(&value)?;
            let state = self.state.borrow();
            let mut message = record.shown(conversation, position, &state.files);
            message.state = state.shown_state(message.id, message.state);
            messages.push(message);
        }
        self.resolve_quotes(&mut messages).await?;
        Ok(messages)
    }

    /// Fills in what messages answer, where that is here. What was deleted is not quoted any more.
    pub(crate) async fn resolve_quotes(&self, messages: &mut [Message]) -> Result<(), StoreError> {
        let answers: Vec<_> = messages
            .iter_mut()
            .filter_map(|message| Some((message.conversation, message.quote.as_mut()?)))
            .collect();
        if answers.is_empty() {
            return Ok(());
        }
        let store = &self.ports.store;
        let wanted = answers
            .iter()
            .map(|(conversation, quote)| keys::by_author(conversation, &quote.author, quote.sent_at))
            .collect();
        let mut found = Vec::new();
        for ((conversation, quote), number) in answers
            .into_iter()
            .zip(store.get_many(Collection::MessageIndex, wanted).await?)
        {
            if let Some(number) = number {
                let position = Position {
                    sent_at: quote.sent_at,
                    id: keys::read_number(&number)?,
                };
                found.push((keys::message(&conversation, position), position.id, quote));
            }
        }
        let wanted = found.iter().map(|(key, ..)| key.clone()).collect();
        let values = store.get_many(Collection::Messages, wanted).await?;
        for ((_, id, quote), value) in found.into_iter().zip(values) {
            let Some(value) = value else { continue };
            let record: MessageRecord = decode(&value)?;
            if record.kind == MessageKind::Text {
                quote.found = Some(id);
                quote.text = record.body.chars().take(PREVIEW_CHARS).collect();
                quote.files = summary(&record.files);
            }
        }
        Ok(())
    }
}
