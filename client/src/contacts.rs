//! What the user decides about contacts and conversations: block, name, pin, hide, quieten, delete. All of it is synced.

use holdfast_protocol::account::Id;
use holdfast_protocol::message::name::{MAX_NAME, clean_display_name};

use crate::api::{Failure, Notify, Reply, Standing};
use crate::core::Core;
use crate::deleting::Reach;
use crate::ports::StoreError;
use crate::work::Work;

/// The priority of a pinned conversation: other clients know no finer order.
const PINNED: i32 = 1;
/// The priority of a hidden one (`spec/04-configs.md §11`).
pub(crate) const HIDDEN: i32 = -1;

impl Core {
    /// Blocks or unblocks an account.
    pub(crate) async fn set_blocked(&self, id: Id, blocked: bool) -> Result<Reply, Failure> {
        let mut work = self.work_on_contact(&id).await?;
        let now = work.now() / 1_000;
        let contact = work.contact(&id);
        contact.blocked = blocked;
        if contact.created == 0 {
            contact.created = now;
        }
        work.commit().await?;
        Ok(Reply::Done)
    }

    /// Gives a contact a name of the user's own, or takes it away.
    pub(crate) async fn set_nickname(&self, id: Id, nickname: &str) -> Result<Reply, Failure> {
        let nickname = match clean_display_name(nickname) {
            Ok(name) => Some(name),
            Err(_) if nickname.len() <= MAX_NAME => None,
            Err(error) => match error.into() {
                Failure::NameTooLong => return Err(Failure::NicknameTooLong),
                _ => None,
            },
        };
        let mut work = self.work_on_contact(&id).await?;
        let contact = work.contact(&id);
        if !contact.is_shared() {
            return Err(Failure::NotFound);
        }
        contact.nickname = nickname;
        work.commit().await?;
        Ok(Reply::Done)
    }

    /// Keeps a conversation on top of the list, or not.
    pub(crate) async fn set_pinned(&self, id: Id, pinned: bool) -> Result<Reply, Failure> {
        self.require_account()?;
        let mut work = Work::begin(self).await;
        let own = work.is_own(&id);
        let contact = work.contact(&id);
        if pinned && !own && contact.standing() != Standing::Active {
            return Err(Failure::NotAllowed);
        }
        if pinned {
            contact.priority = contact.priority.max(PINNED);
            work.conversation(&id).visible = true;
        } else {
            contact.priority = contact.priority.min(0);
        }
        work.commit().await?;
        Ok(Reply::Done)
    }

    /// Takes a conversation off the list until something new comes; its messages stay.
    pub(crate) async fn hide_conversation(&self, id: Id) -> Result<Reply, Failure> {
        self.require_account()?;
        let mut work = Work::begin(self).await;
        work.hide(&id)?;
        work.commit().await?;
        Ok(Reply::Done)
    }

    /// Which notifications a conversation makes.
    pub(crate) async fn set_notifications(
        &self,
        id: Id,
        mode: Notify,
        muted_until: Option<u64>,
    ) -> Result<Reply, Failure> {
        let mut work = self.work_on_contact(&id).await?;
        let contact = work.contact(&id);
        if !contact.is_shared() {
            return Err(Failure::NotFound);
        }
        contact.notify = mode;
        contact.muted_until = muted_until.unwrap_or(0);
        work.commit().await?;
        Ok(Reply::Done)
    }

    /// Marks a conversation as unread until it is opened again.
    pub(crate) async fn mark_unread(&self, id: Id) -> Result<Reply, Failure> {
        self.require_account()?;
        let mut work = Work::begin(self).await;
        if !work.knows_conversation(&id) {
            return Err(Failure::NotFound);
        }
        work.conversation(&id).marked_unread = true;
        work.commit().await?;
        Ok(Reply::Done)
    }

    /// Removes all messages and the draft, and takes the conversation off the list; the contact stays.
    pub(crate) async fn delete_conversation(&self, id: Id) -> Result<Reply, Failure> {
        self.require_account()?;
        let mut work = Work::begin(self).await;
        work.hide(&id)?;
        work.clear_messages(&id, Reach::Swarm).await?;
        work.discard_staged(&id);
        work.touch(&id);
        let conversation = work.conversation(&id);
        conversation.marked_unread = false;
        conversation.draft = String::new();
        work.commit().await?;
        self.outbox.notify();
        self.refresh_status();
        Ok(Reply::Done)
    }

    /// Removes the contact and all messages.
    pub(crate) async fn delete_contact(&self, id: Id) -> Result<Reply, Failure> {
        let mut work = self.work_on_contact(&id).await?;
        work.remove_contact(&id, Reach::Swarm).await?;
        work.commit().await?;
        self.outbox.notify();
        self.refresh_status();
        Ok(Reply::Done)
    }

    /// A unit of work on somebody else's record.
    async fn work_on_contact(&self, id: &Id) -> Result<Work<'_>, Failure> {
        let account = self.require_account()?;
        if id.x25519().is_none() {
            return Err(Failure::NotAnAccount);
        }
        if account.id() == *id {
            return Err(Failure::NotAllowed);
        }
        Ok(Work::begin(self).await)
    }
}

impl Work<'_> {
    /// Takes a conversation off the list.
    fn hide(&mut self, id: &Id) -> Result<(), Failure> {
        if !self.knows_conversation(id) {
            return Err(Failure::NotFound);
        }
        let own = self.is_own(id);
        let contact = self.contact(id);
        match contact.standing() {
            Standing::IncomingRequest => return Err(Failure::NotAllowed),
            // Nobody else knows of it.
            Standing::Fresh if !own => self.conversation(id).visible = false,
            _ => contact.priority = HIDDEN,
        }
        Ok(())
    }

    /// Removes a contact, its conversation and its messages.
    pub(crate) async fn remove_contact(&mut self, id: &Id, reach: Reach) -> Result<(), StoreError> {
        self.clear_messages(id, reach).await?;
        // Copies for the own devices, which would take them for a new beginning.
        for message in self.unsent_messages(id) {
            self.remove_outbox(message);
        }
        self.forget(id);
        Ok(())
    }
}
