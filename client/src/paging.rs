//! Pages of a conversation's messages: the latest, those around one, before and after it.

use holdfast_protocol::account::Id;

use crate::api::{Anchor, Failure, MessageId, MessagePage, Position};
use crate::core::Core;
use crate::ports::StoreError;

/// The largest window of messages.
const MAX_PAGE: usize = 200;
/// The share of a window before the first unread message: some context.
const CONTEXT: usize = 4;

/// The messages of one page and those of the next one, as one.
fn joined(earlier: MessagePage, later: MessagePage) -> MessagePage {
    MessagePage {
        messages: earlier.messages.into_iter().chain(later.messages).collect(),
        more_before: earlier.more_before,
        more_after: later.more_after,
        total: 0,
    }
}

impl Core {
    /// A window of a conversation's messages.
    pub(crate) async fn messages(
        &self,
        conversation: Id,
        anchor: Anchor,
        limit: usize,
    ) -> Result<MessagePage, Failure> {
        let (total, read_up_to, unread) = {
            let state = self.state.borrow();
            let record = state.conversations.get(&conversation).ok_or(Failure::NotFound)?;
            (record.total, record.read_up_to, record.unread)
        };
        let limit = limit.clamp(1, MAX_PAGE);
        let page = match anchor {
            Anchor::FirstUnread if unread > 0 => self.first_unread(&conversation, read_up_to, limit).await?,
            Anchor::Latest | Anchor::FirstUnread => self.before(&conversation, None, limit).await?,
            Anchor::Around(position) => self.around(&conversation, position, limit).await?,
            Anchor::Before(position) => self.before(&conversation, Some(position), limit).await?,
            Anchor::After(position) => self.after(&conversation, position, limit).await?,
        };
        // The pages themselves do not count.
        Ok(MessagePage { total, ..page })
    }

    /// The first messages that were not read, with some context before them.
    async fn first_unread(
        &self,
        conversation: &Id,
        read_up_to: u64,
        limit: usize,
    ) -> Result<MessagePage, StoreError> {
        let context = limit / CONTEXT;
        let read = Position {
            sent_at: read_up_to,
            id: MessageId(u64::MAX),
        };
        let first = Position {
            sent_at: read_up_to.saturating_add(1),
            id: MessageId(0),
        };
        let earlier = self.before(conversation, Some(first), context.max(1)).await?;
        let later = self
            .after(conversation, read, limit.saturating_sub(context))
            .await?;
        if later.messages.len() + earlier.messages.len() < limit && earlier.more_before {
            // All of the unread ones fit: the window is better filled from before.
            return self.before(conversation, None, limit).await;
        }
        Ok(joined(earlier, later))
    }

    /// The messages on both sides of a position, with the one that is there.
    async fn around(
        &self,
        conversation: &Id,
        position: Position,
        limit: usize,
    ) -> Result<MessagePage, StoreError> {
        let earlier = self.before(conversation, Some(position), limit / 2).await?;
        let from = earlier
            .messages
            .last()
            .map_or(Position::FIRST, |last| last.position());
        let later = self
            .after(conversation, from, limit.saturating_sub(earlier.messages.len()))
            .await?;
        Ok(joined(earlier, later))
    }

    /// The messages just before a position, or the newest.
    async fn before(
        &self,
        conversation: &Id,
        end: Option<Position>,
        limit: usize,
    ) -> Result<MessagePage, StoreError> {
        let mut messages = self
            .scan_messages(conversation, None, end, true, limit + 1)
            .await?;
        let more_before = messages.len() > limit;
        messages.truncate(limit);
        messages.reverse();
        let more_after = match end {
            Some(end) => !self
                .scan_messages(conversation, Some(end), None, false, 1)
                .await?
                .is_empty(),
            None => false,
        };
        Ok(MessagePage {
            messages,
            more_before,
            more_after,
            total: 0,
        })
    }

    /// The messages just after a position.
    async fn after(
        &self,
        conversation: &Id,
        position: Position,
        limit: usize,
    ) -> Result<MessagePage, StoreError> {
        let from = Position {
            id: MessageId(position.id.0.saturating_add(1)),
            ..position
        };
        let mut messages = self
            .scan_messages(conversation, Some(from), None, false, limit + 1)
            .await?;
        let more_after = messages.len() > limit;
        messages.truncate(limit);
        let more_before = !self
            .scan_messages(conversation, None, Some(from), true, 1)
            .await?
            .is_empty();
        Ok(MessagePage {
            messages,
            more_before,
            more_after,
            total: 0,
        })
    }
}
