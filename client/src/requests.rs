//! Who may reach the user: message requests, approval on both sides, and what is dropped on arrival
//! (`spec/02-messages-v1.md §6.3, §6.5, §9`).
//!
//! How two accounts stand is a function of the contact's record alone; nothing here keeps a state of its own.

use holdfast_protocol::account::{Account, Id};
use holdfast_protocol::message::Received;
use holdfast_protocol::message::kind::Kind;
use holdfast_protocol::message::profile::{change_in_message, change_in_response};
use holdfast_protocol::message::schema::{Content, DataMessage, MessageRequestResponse};

use crate::api::{Disappearing, Failure, MessageKind, MessageState, Notice, Reply, Standing};
use crate::core::Core;
use crate::deleting::Reach;
use crate::outbox::{Copies, Outgoing};
use crate::ports::StoreError;
use crate::records::{Lifetime, MessageRecord, Target};
use crate::work::{Known, Work};

/// A message must be older than a config by this much before the config may say that it is gone
/// (`spec/02-messages-v1.md §6.5`), milliseconds.
pub(crate) const CONFIG_LEAD_MS: u64 = 2 * 60 * 1_000;

/// What the user's writing to somebody changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Approval {
    /// Nothing that the other side has to know.
    Unchanged,
    /// A request of theirs is hereby accepted: they are told before anything else is sent.
    AcceptsTheirs,
}

impl Work<'_> {
    /// The user wrote to a contact, here or on another device, or accepted them.
    pub(crate) fn approve(&mut self, id: &Id) -> Approval {
        let now = self.now() / 1_000;
        let own = self.is_own(id);
        self.conversation(id).visible = true;
        let contact = self.contact(id);
        contact.priority = contact.priority.max(0);
        if own {
            return Approval::Unchanged;
        }
        let accepts = contact.standing() == Standing::IncomingRequest;
        if !contact.approved {
            contact.approved = true;
            if contact.created == 0 {
                contact.created = now;
            }
        }
        if accepts {
            Approval::AcceptsTheirs
        } else {
            Approval::Unchanged
        }
    }

    /// Something of theirs arrived that opens a conversation, or they said that they accept. Tells whether they thereby
    /// accept a request of the user.
    pub(crate) fn approved_by(&mut self, id: &Id) -> bool {
        let now = self.now() / 1_000;
        let contact = self.contact(id);
        contact.priority = contact.priority.max(0);
        let accepted = contact.standing() == Standing::OutgoingRequest;
        if !contact.approved_me {
            contact.approved_me = true;
            if contact.created == 0 {
                contact.created = now;
            }
        }
        accepted
    }

    /// Whether the newest config that was merged says more of a conversation than something that was sent then.
    pub(crate) fn is_older_than_config(&mut self, id: &Id, sent_at: u64) -> bool {
        sent_at.saturating_add(CONFIG_LEAD_MS) <= self.config_stored_at(id)
    }

    /// Notes in the conversation that they accepted.
    async fn note_accepted(&mut self, id: &Id, at: u64) -> Result<(), StoreError> {
        let Some(free) = self.free_before(id, at).await? else {
            return Ok(());
        };
        let notice = MessageRecord::notice(*id, false, Notice::RequestAccepted, MessageState::Received);
        self.insert(id, free, notice).await?;
        Ok(())
    }

    /// The last sent time up to this one under which nothing of theirs is known.
    async fn free_before(&self, id: &Id, at: u64) -> Result<Option<u64>, StoreError> {
        let mut target = Target {
            author: *id,
            sent_at: at,
        };
        while self.known(id, &target).await? != Known::New {
            let Some(before) = target.sent_at.checked_sub(1) else {
                return Ok(None);
            };
            target.sent_at = before;
        }
        Ok(Some(target.sent_at))
    }

    /// Before something of theirs is looked up to be added: the notice that they accepted bears a time of theirs that no message
    /// had by then, and goes before one that turns out to have it.
    pub(crate) async fn make_way(&mut self, id: &Id, target: &Target) -> Result<(), StoreError> {
        let Known::Present(held) = self.known(id, target).await? else {
            return Ok(());
        };
        let Some((_, position, record)) = self.message(held).await? else {
            return Ok(());
        };
        let accepted = MessageKind::Notice(Notice::RequestAccepted);
        if record.outgoing || record.kind != accepted {
            return Ok(());
        }
        if let Some(free) = self.free_before(id, target.sent_at).await? {
            self.move_message(id, position, free).await?;
        }
        Ok(())
    }
}

impl Core {
    /// Before something that opens a conversation is accepted for sending, in the same unit: writing to the author of a
    /// request accepts it, and they hear that first.
    ///
    /// # Errors
    /// The account can't be written to.
    pub(crate) async fn before_sending(
        &self,
        work: &mut Work<'_>,
        account: &Account,
        conversation: &Id,
    ) -> Result<(), Failure> {
        if conversation.x25519().is_none() {
            return Err(Failure::NotAnAccount);
        }
        if work.contact(conversation).blocked {
            return Err(Failure::Blocked);
        }
        if work.approve(conversation) == Approval::AcceptsTheirs {
            self.tell_accepted(work, account, conversation).await?;
        }
        Ok(())
    }

    /// Tells the author of a request that it is accepted, and notes it in the conversation.
    async fn tell_accepted(&self, work: &mut Work<'_>, account: &Account, id: &Id) -> Result<(), Failure> {
        let sent_at = work.next_sent_at(self.time.now());
        let response = MessageRequestResponse {
            is_approved: true,
            ..MessageRequestResponse::default()
        };
        let outgoing = Outgoing {
            conversation: *id,
            content: Content {
                message_request_response: Some(response),
                ..Content::default()
            },
            sent_at,
            message: None,
            copies: Copies::Contact,
            lifetime: Lifetime::of(Disappearing::Off),
        };
        self.send_content(work, account, outgoing)?;
        let notice = MessageRecord::notice(account.id(), true, Notice::RequestAccepted, MessageState::Sent);
        work.insert(id, sent_at, notice).await?;
        Ok(())
    }

    /// Before a message is inserted that opens a conversation: one of theirs, or one from another own device.
    pub(crate) async fn on_visible(
        &self,
        work: &mut Work<'_>,
        received: &Received,
        data: &DataMessage,
    ) -> Result<(), StoreError> {
        if work.is_own(&received.sender) {
            work.approve(&received.conversation);
            return Ok(());
        }
        let contact = work.contact(&received.sender);
        if let Some(change) = change_in_message(data, contact.profile_changed) {
            contact.take_profile(change);
        }
        if work.approved_by(&received.sender) {
            // Just before the message that says so.
            work.note_accepted(&received.sender, received.sent_at.saturating_sub(1))
                .await?;
        }
        Ok(())
    }

    /// They say that they accept the user's request. Only visible messages open conversations
    /// (`spec/02-messages-v1.md §9.3`), so there is one.
    pub(crate) async fn on_response(
        &self,
        work: &mut Work<'_>,
        received: &Received,
        response: &MessageRequestResponse,
    ) -> Result<(), StoreError> {
        let contact = work.contact(&received.sender);
        if let Some(change) = change_in_response(response, contact.profile_changed) {
            contact.take_profile(change);
        }
        if work.approved_by(&received.sender) {
            work.note_accepted(&received.sender, received.sent_at).await?;
        }
        Ok(())
    }

    /// Whether a message may have any effect.
    pub(crate) fn admits(&self, work: &mut Work<'_>, received: &Received, kind: &Kind<'_>) -> bool {
        let own = work.is_own(&received.sender);
        let id = received.conversation;
        if !own && work.contact(&received.sender).blocked && !kind.allowed_from_blocked(false) {
            return false;
        }
        // They open nothing, and count whatever became of the conversation.
        if matches!(kind, Kind::ReadReceipt(_) | Kind::Unsend(_)) {
            return true;
        }
        // An own device may speak of any conversation, and before its first message is here.
        if !own && !kind.opens_conversation() && !work.knows_conversation(&id) && !work.is_shared(&id) {
            return false;
        }
        if !work.is_older_than_config(&id, received.sent_at) {
            return true;
        }
        // A conversation that was only opened is being written in.
        let opened = work.knows_conversation(&id) && work.conversation(&id).visible;
        let contact = work.contact(&id);
        let gone = contact.priority < 0 || (!contact.is_shared() && !work.is_own(&id) && !opened);
        !gone
    }

    /// Accepts a request without writing.
    pub(crate) async fn accept_request(&self, id: Id) -> Result<Reply, Failure> {
        let account = self.require_account()?;
        let mut work = Work::begin(self).await;
        match work.contact(&id).standing() {
            Standing::IncomingRequest => {}
            // The same command again.
            Standing::Active if !work.is_own(&id) => return Ok(Reply::Done),
            Standing::Blocked => return Err(Failure::Blocked),
            _ => return Err(Failure::NotAllowed),
        }
        self.before_sending(&mut work, &account, &id).await?;
        work.commit().await?;
        Ok(Reply::Done)
    }

    /// Declines a request: contact and messages go, and nothing is sent.
    pub(crate) async fn decline_request(&self, id: Id) -> Result<Reply, Failure> {
        self.require_account()?;
        let mut work = Work::begin(self).await;
        match work.contact(&id).standing() {
            Standing::IncomingRequest => {}
            Standing::Fresh => return Ok(Reply::Done),
            _ => return Err(Failure::NotAllowed),
        }
        work.remove_contact(&id, Reach::Swarm).await?;
        work.commit().await?;
        Ok(Reply::Done)
    }

    /// Declines every request.
    pub(crate) async fn decline_all(&self) -> Result<Reply, Failure> {
        self.require_account()?;
        let requests: Vec<Id> = self
            .state
            .borrow()
            .contacts
            .iter()
            .filter(|(_, contact)| contact.standing() == Standing::IncomingRequest)
            .map(|(id, _)| *id)
            .collect();
        for id in requests {
            self.decline_request(id).await?;
        }
        Ok(Reply::Done)
    }
}
