//! Who may reach the user: message requests, approval on both sides, and what is dropped on arrival
//! (`spec/02-messages-v1.md §6.3, §6.5, §9`).
//!
//! How two accounts stand is a function of the contact's record alone; nothing here keeps a state of its own.

use holdfast_protocol::account::Id;
use holdfast_protocol::message::Received;
use holdfast_protocol::message::kind::Kind;

use crate::api::{Failure, Reply, Standing};
use crate::core::Core;
use crate::work::Work;

/// A message must be older than a config by this much before the config may say that it is gone
/// (`spec/02-messages-v1.md §6.5`), milliseconds.
const CONFIG_LEAD_MS: u64 = 2 * 60 * 1_000;

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
}

impl Core {
    /// Whether a message may have any effect.
    pub(crate) fn admits(&self, work: &mut Work<'_>, received: &Received, kind: &Kind<'_>) -> bool {
        let own = work.is_own(&received.sender);
        let id = received.conversation;
        if !own && work.contact(&received.sender).blocked && !kind.allowed_from_blocked(false) {
            return false;
        }
        // An own device may speak of any conversation, and before its first message is here.
        if !own && !kind.opens_conversation() && !work.knows_conversation(&id) {
            return false;
        }
        if matches!(kind, Kind::ReadReceipt(_) | Kind::Unsend(_)) {
            return true;
        }
        let config_at = work.config_stored_at(&id);
        let old = received.sent_at.saturating_add(CONFIG_LEAD_MS) <= config_at;
        if !old {
            return true;
        }
        // A conversation that was only opened is being written in.
        let opened = work.conversation(&id).visible;
        let contact = work.contact(&id);
        let gone = contact.priority < 0 || (!contact.is_shared() && !work.is_own(&id) && !opened);
        !gone
    }

    /// Accepts a request without writing.
    pub(crate) async fn accept_request(&self, id: Id) -> Result<Reply, Failure> {
        self.require_account()?;
        let mut work = Work::begin(self).await;
        match work.contact(&id).standing() {
            Standing::IncomingRequest => {}
            // The same command again.
            Standing::Active if !work.is_own(&id) => return Ok(Reply::Done),
            Standing::Blocked => return Err(Failure::Blocked),
            _ => return Err(Failure::NotAllowed),
        }
        work.approve(&id);
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
        work.remove_contact(&id).await?;
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
