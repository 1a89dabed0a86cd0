//! What becomes of a backup file's records here. Rules, in one place:
//!
//! - A message that is here stays as it is; reactions are merged by their own times, and *read* is added to *sent*.
//! - What was deleted here, one by one or with its conversation, stays away, whenever that was.
//! - What has disappeared stays away. Where the time of its reading is not known, it counts from sending.
//! - A contact that the account removed since stays removed, with its messages. Contacts themselves come from the network;
//!   only where it had kept none at all when the file began to come back do they come from the file, if that is older than
//!   the account is on this device.
//! - Drafts and settings count only if the file is older than the account is on this device, and where nothing was chosen.
//! - Nobody is told: no notification, no receipt, and no config on account of messages or read positions.

use holdfast_protocol::account::Id;
use holdfast_protocol::backup::{Conversation, Message};

use super::convert;
use super::files::Arriving;
use crate::api::{BackupTaken, Expiry, FileId, MessageId, MessageKind, MessageState};
use crate::conversations::MAX_DRAFT;
use crate::expiry::{life_ms, starts_by_reading};
use crate::ports::StoreError;
use crate::reactions::apply_early;
use crate::records::{MarkRecord, MessageRecord, Target};
use crate::work::{Known, Reader, Work};

/// Where the taking of a backup file stands.
#[derive(Default)]
pub(super) struct Taking {
    /// When the file was made, Unix milliseconds.
    pub(super) made_at: u64,
    /// When the account was taken up here, Unix milliseconds.
    pub(super) since: u64,
    /// When the account's contacts were stored last as they were known here when the file began to come back, Unix
    /// milliseconds; 0 when the network had kept none. Own devices that share theirs meanwhile must not keep the rest away.
    pub(super) contacts_at: u64,
    /// The conversation at hand; `None` when it is left out.
    pub(super) conversation: Option<Id>,
    /// Up to which sent time everything of it was removed here, Unix milliseconds. True within a unit of work only.
    cleared_up_to: u64,
    /// The message at hand; `None` when it is left out.
    pub(super) message: Option<MessageId>,
    /// The file at hand, as far as it has come.
    pub(super) file: Option<Arriving>,
    pub(super) taken: BackupTaken,
}

impl Taking {
    /// Whether the file is older than the account is on this device, so that what is blank here was never chosen.
    pub(super) fn is_from_before(&self) -> bool {
        self.made_at < self.since
    }
}

/// When a message from a file disappears. Where the time of its reading is not known, it counts from sending. `read`: reading
/// has started it.
fn timed(expiry: Expiry, outgoing: bool, sent_at: u64, read: bool) -> Expiry {
    if !outgoing && !read && starts_by_reading(&expiry).is_some() {
        return expiry;
    }
    let latest = sent_at.saturating_add(life_ms(expiry.mode));
    Expiry {
        at: expiry.at.or(Some(latest)),
        ..expiry
    }
}

impl Work<'_> {
    /// What follows is of this conversation. In each unit anew: between two of them it may have been cleared.
    pub(super) async fn enter(&mut self, taking: &mut Taking, conversation: Id) -> Result<(), StoreError> {
        taking.cleared_up_to = self.cleared_up_to(&conversation).await?;
        taking.conversation = Some(conversation);
        self.unshared.insert(conversation);
        Ok(())
    }

    /// A conversation: decides whether its messages are taken, and takes what only a device knows of it.
    pub(super) async fn take_conversation(
        &mut self,
        taking: &mut Taking,
        own: &Id,
        written: &Conversation,
    ) -> Result<(), StoreError> {
        taking.conversation = None;
        taking.message = None;
        taking.file = None;
        let Ok(id) = Id::from_slice(&written.id) else {
            return Ok(());
        };
        if id.x25519().is_none() {
            return Ok(());
        }
        if id != *own && !self.is_shared(&id) && !self.take_contact(taking, &id, written).await? {
            return Ok(());
        }
        self.enter(taking, id).await?;
        let from_before = taking.is_from_before();
        let read_up_to = written.read_up_to.min(self.now());
        let held = self.conversation(&id);
        if from_before {
            held.auto_load |= written.auto_load;
            if held.draft.is_empty() && !written.draft.is_empty() && written.draft.len() <= MAX_DRAFT {
                held.draft.clone_from(&written.draft);
                held.visible = true;
            }
        }
        if read_up_to > held.read_up_to {
            let marked = held.marked_unread;
            self.mark_read(&id, read_up_to, Reader::Elsewhere);
            self.conversation(&id).marked_unread = marked;
        }
        Ok(())
    }

    /// Somebody who is no contact here: whether their messages are taken. They become a contact again where the network has
    /// kept no contacts of the account.
    async fn take_contact(
        &mut self,
        taking: &mut Taking,
        id: &Id,
        written: &Conversation,
    ) -> Result<bool, StoreError> {
        let Some(contact) = written.contact.as_ref().map(convert::read_contact) else {
            return Ok(true);
        };
        if self.cleared_up_to(id).await? >= taking.made_at {
            return Ok(false);
        }
        if taking.contacts_at >= taking.made_at {
            // The account's contacts are known as they were later, without this one.
            return Ok(false);
        }
        if taking.contacts_at == 0 && taking.is_from_before() && contact.is_shared() {
            let (created, shown) = (
                contact.created.saturating_mul(1_000),
                contact.approved && !contact.blocked,
            );
            *self.contact(id) = contact;
            let now = self.now();
            let held = self.conversation(id);
            held.visible |= shown;
            held.active_at = held.active_at.max(created.min(now));
            taking.taken.contacts += 1;
        }
        Ok(true)
    }

    /// A message.
    pub(super) async fn take_message(
        &mut self,
        taking: &mut Taking,
        own: &Id,
        written: &Message,
    ) -> Result<(), StoreError> {
        taking.message = None;
        taking.file = None;
        let now = self.now();
        let conversation = taking.conversation;
        let read = conversation.and_then(|id| Some((id, convert::read_message(own, &id, written, now)?)));
        let Some((conversation, (target, record))) = read else {
            taking.taken.left_out += 1;
            return Ok(());
        };
        match self.known(&conversation, &target).await? {
            Known::Present(id) => {
                self.complete(id, record).await?;
                taking.message = Some(id);
                taking.taken.known += 1;
            }
            Known::New if target.sent_at > taking.cleared_up_to => {
                taking.message = self.add(&conversation, &target, record).await?;
                match taking.message {
                    Some(_) => taking.taken.added += 1,
                    None => taking.taken.left_out += 1,
                }
            }
            Known::New | Known::Gone(_) => taking.taken.left_out += 1,
        }
        Ok(())
    }

    /// Adds a message that is not here; `None` when its time is over.
    async fn add(
        &mut self,
        conversation: &Id,
        target: &Target,
        mut record: MessageRecord,
    ) -> Result<Option<MessageId>, StoreError> {
        let read = target.sent_at <= self.conversation(conversation).read_up_to;
        let (outgoing, sent_at) = (record.outgoing, target.sent_at);
        record.expiry = record.expiry.map(|expiry| timed(expiry, outgoing, sent_at, read));
        let end = record.expiry.and_then(|expiry| expiry.at);
        if end.is_some_and(|at| at <= self.now()) {
            return Ok(None);
        }
        let mark = self.mark(conversation, target).await?;
        if mark != MarkRecord::default() {
            if record.kind == MessageKind::Text {
                apply_early(&mut record, mark);
            }
            self.remove_mark(conversation, target);
        }
        let image = record.link.as_mut().and_then(|link| link.image.as_mut());
        for file in record.files.iter_mut().chain(image) {
            file.file = FileId(self.next_number());
        }
        let position = self.insert(conversation, sent_at, record).await?;
        Ok(Some(position.id))
    }

    /// Adds to a message that is here what can be added without taking anything away.
    async fn complete(&mut self, id: MessageId, written: MessageRecord) -> Result<(), StoreError> {
        self.update(id, |held| {
            if held.kind != MessageKind::Text || written.kind != MessageKind::Text {
                return;
            }
            for word in written.reactions {
                held.react(word);
            }
            if held.state == MessageState::Sent && written.state == MessageState::Read {
                held.state = MessageState::Read;
            }
        })
        .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Disappearing;

    const SENT: u64 = 1_000_000;

    fn at(mode: Disappearing, at: Option<u64>, outgoing: bool, read: bool) -> Option<u64> {
        timed(Expiry { mode, at }, outgoing, SENT, read).at
    }

    #[test]
    fn what_may_be_over_counts_from_sending() {
        use Disappearing::{AfterRead, AfterSend};
        // Wherever that is not known better.
        assert_eq!(at(AfterSend(10), None, false, false), Some(SENT + 10_000));
        assert_eq!(at(AfterRead(10), None, true, false), Some(SENT + 10_000));
        assert_eq!(at(AfterRead(10), None, false, true), Some(SENT + 10_000));
        // Not read by anybody: its time has not started.
        assert_eq!(at(AfterRead(10), None, false, false), None);
        // What the file says is known.
        let known = Some(SENT + 50_000);
        for read in [true, false] {
            assert_eq!(at(AfterRead(10), known, false, read), known);
            assert_eq!(at(AfterSend(10), known, false, read), known);
        }
    }
}
