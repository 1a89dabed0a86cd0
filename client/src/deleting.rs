//! Taking messages away.

use holdfast_protocol::account::Id;

use crate::api::{Event, Position};
use crate::ports::{Collection, Scan, StoreError};
use crate::records::{Gone, MarkRecord, MessageRecord, Target, decode, keys};
use crate::work::Work;

/// Messages read at once.
const PAGE: usize = 500;

impl Work<'_> {
    /// Removes all messages of a conversation from this device.
    pub(crate) async fn clear_messages(&mut self, conversation: &Id) -> Result<(), StoreError> {
        self.clear_touched(conversation).await?;
        let mut from = keys::message(conversation, Position::FIRST);
        loop {
            let scan = Scan {
                collection: Collection::Messages,
                from,
                to: Some(keys::message(conversation, Position::LAST)),
                reverse: false,
                limit: PAGE,
            };
            let page = self.store().scan(scan).await?;
            for (key, value) in &page {
                let (_, position) = keys::read_message(key)?;
                self.erase(conversation, position, &decode(value)?)?;
            }
            match page.last() {
                Some((key, _)) if page.len() == PAGE => {
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
        self.tell(Event::MessagesCleared {
            conversation: *conversation,
        });
        Ok(())
    }

    /// Removes a message, when all of its conversation go and nothing has to be counted or told.
    fn erase(
        &mut self,
        conversation: &Id,
        position: Position,
        record: &MessageRecord,
    ) -> Result<(), StoreError> {
        let target = Target {
            author: record.author,
            sent_at: position.sent_at,
        };
        self.delete(Collection::Messages, keys::message(conversation, position));
        self.delete(Collection::MessageIndex, keys::by_number(position.id));
        let by_author = keys::by_author(conversation, &target.author, target.sent_at);
        self.delete(Collection::MessageIndex, by_author);
        if let Some(quoted) = &record.quote {
            self.delete(Collection::MessageIndex, keys::answers(conversation, quoted));
        }
        if record.outgoing {
            self.delete(Collection::MessageIndex, keys::own_sent(position.sent_at));
        }
        if record.expiry.is_some_and(|expiry| expiry.at.is_some()) {
            self.delete(Collection::Due, keys::expiry(position.id));
        }
        if self.can_still_come(position.sent_at) {
            let mark = MarkRecord {
                gone: Some(Gone::Here),
                ..MarkRecord::default()
            };
            self.set_mark(conversation, &target, mark)?;
        }
        if self.outbox_entry(position.id).is_some() {
            self.remove_outbox(position.id);
        }
        Ok(())
    }
}
