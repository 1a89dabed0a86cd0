//! What the user does in a conversation beside writing: opens it, reads, looks at a message, leaves a draft.

use holdfast_protocol::account::Id;

use crate::api::{Failure, MessageDetails, MessageId, Reply};
use crate::core::Core;
use crate::work::{Reader, Work};

/// The longest draft, bytes.
pub(crate) const MAX_DRAFT: usize = 64 * 1024;

impl Core {
    /// Makes a conversation visible, and a new one if it has to be.
    pub(crate) async fn open_conversation(&self, id: Id) -> Result<Reply, Failure> {
        self.require_account()?;
        if id.x25519().is_none() {
            return Err(Failure::NotAnAccount);
        }
        let mut work = Work::begin(self).await;
        let now = self.time.now();
        let contact = work.contact(&id);
        contact.priority = contact.priority.max(0);
        let record = work.conversation(&id);
        if !record.visible {
            record.visible = true;
            record.active_at = record.active_at.max(now);
        }
        let record = record.clone();
        work.commit().await?;
        let shown = self.state.borrow().show(id, &record);
        Ok(Reply::Conversation(shown))
    }

    /// Everything about one message.
    pub(crate) async fn message_details(&self, id: MessageId) -> Result<Reply, Failure> {
        self.require_account()?;
        let work = Work::begin(self).await;
        let (conversation, position, record) = work.message(id).await?.ok_or(Failure::NotFound)?;
        let message = self.message_at(&conversation, position).await?;
        Ok(Reply::Details(Box::new(MessageDetails {
            message: message.ok_or(Failure::NotFound)?,
            received_at: record.received_at,
            synced: record.outgoing.then_some(record.hash.is_some()),
        })))
    }

    /// Keeps the text that is being written.
    pub(crate) async fn set_draft(&self, conversation: Id, text: String) -> Result<Reply, Failure> {
        self.require_account()?;
        if text.len() > MAX_DRAFT {
            return Err(Failure::TextTooLong);
        }
        let mut work = Work::begin(self).await;
        if !work.knows_conversation(&conversation) {
            return Err(Failure::NotFound);
        }
        work.conversation(&conversation).draft = text;
        work.commit().await?;
        Ok(Reply::Done)
    }

    /// All messages sent up to this time have been seen.
    pub(crate) async fn mark_read(&self, conversation: Id, up_to: u64) -> Result<Reply, Failure> {
        self.require_account()?;
        let mut work = Work::begin(self).await;
        if !work.knows_conversation(&conversation) {
            return Err(Failure::NotFound);
        }
        // Nothing is read that can't be here yet. The time of an own message tells nothing: the clock may have been wrong.
        let now = if self.time.is_known() { self.time.now() } else { 0 };
        let up_to = if up_to > now {
            work.newest_unread(&conversation, up_to).await?.max(now)
        } else {
            up_to
        };
        work.mark_read(&conversation, up_to, Reader::Here);
        work.commit().await?;
        Ok(Reply::Done)
    }
}
