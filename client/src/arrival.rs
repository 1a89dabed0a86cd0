//! A message that came: what is known of it besides its content.

use holdfast_protocol::account::Id;
use holdfast_protocol::message::Received;
use holdfast_protocol::swarm::MessageHash;

use crate::api::{Disappearing, Expiry, MessageState};
use crate::expiry;
use crate::ports::StoreError;
use crate::records::{Job, MessageRecord, Target};
use crate::work::Work;

/// An authenticated message with how it lay in the own swarm.
pub(crate) struct Arrival {
    pub(crate) received: Received,
    /// Whether another own device sent it, or this one.
    pub(crate) own: bool,
    pub(crate) hash: MessageHash,
    /// When it leaves the swarm, Unix milliseconds, as the node says.
    pub(crate) expiration: Option<u64>,
    /// When the swarm got it, Unix milliseconds, as its sender said then.
    pub(crate) stored_at: u64,
}

impl Arrival {
    /// How others refer to it.
    pub(crate) fn target(&self) -> Target {
        Target {
            author: self.received.sender,
            sent_at: self.received.sent_at,
        }
    }

    /// Its conversation.
    pub(crate) fn conversation(&self) -> Id {
        self.received.conversation
    }

    /// The state of a message that comes like this.
    pub(crate) fn state(&self) -> MessageState {
        if self.own {
            MessageState::Sent
        } else {
            MessageState::Received
        }
    }

    /// The rule that it was sent under.
    pub(crate) fn mode(&self) -> Disappearing {
        let note_to_self = self.own && self.received.conversation == self.received.sender;
        expiry::read_mode(&self.received.content, note_to_self)
    }

    /// Adds what came as a message of its conversation, unless its time is over already. Gives its number.
    pub(crate) async fn insert(
        &self,
        work: &mut Work<'_>,
        record: MessageRecord,
    ) -> Result<Option<crate::api::MessageId>, StoreError> {
        let conversation = self.conversation();
        let now = work.now();
        let read = self.received.sent_at <= work.conversation(&conversation).read_up_to;
        let timer = expiry::on_arrival(self, read, now);
        if timer.is_some_and(|timer| timer.expiry.at.is_some_and(|at| at <= now)) {
            return Ok(None);
        }
        let record = MessageRecord {
            expiry: timer.map(|timer| timer.expiry),
            hash: Some(self.hash.as_str().to_owned()),
            received_at: Some(now),
            ..record
        };
        let position = work.insert(&conversation, self.received.sent_at, record).await?;
        if let Some(Timer {
            expiry: Expiry { at: Some(at), .. },
            shorten: true,
        }) = timer
        {
            let hash = self.hash.as_str().to_owned();
            work.add_job(hash, Job::Shorten(at), Some(position.id))?;
        }
        Ok(Some(position.id))
    }
}

/// When a message that came disappears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timer {
    pub(crate) expiry: Expiry,
    /// The swarm's copy has to go by then too.
    pub(crate) shorten: bool,
}
