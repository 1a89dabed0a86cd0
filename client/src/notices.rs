//! What happened in a conversation besides messages: somebody saved a file, or called
//! (`spec/02-messages-v1.md §5.10, §5.12`).

use holdfast_protocol::message::schema::{CallMessage, call_message};

use crate::api::{MessageId, Notice, Standing};
use crate::arrival::Arrival;
use crate::core::Core;
use crate::ports::StoreError;
use crate::records::{CallRecord, Gone, MessageRecord, keys};
use crate::work::{Known, Work};

/// How long a call is remembered, so that it is told once, milliseconds: its messages live for five minutes
/// (`spec/02-messages-v1.md §6.6`).
const CALL_LIFE_MS: u64 = 60 * 60 * 1_000;

impl Core {
    /// Something that somebody did.
    pub(crate) async fn take_notice(
        &self,
        work: &mut Work<'_>,
        arrival: &Arrival,
        notice: Notice,
    ) -> Result<Option<MessageId>, StoreError> {
        let conversation = arrival.conversation();
        if work.known(&conversation, &arrival.target()).await? != Known::New {
            return Ok(None);
        }
        let record = MessageRecord::notice(arrival.received.sender, arrival.own, notice, arrival.state());
        arrival.insert(work, record).await
    }

    /// A step of a call. This client has no calls: one that nobody takes or declines on another own device is told as missed.
    pub(crate) async fn take_call(
        &self,
        work: &mut Work<'_>,
        arrival: &Arrival,
        call: &CallMessage,
    ) -> Result<(), StoreError> {
        let caller = arrival.received.sender;
        let rings = matches!(
            call.r#type(),
            call_message::Type::PreOffer | call_message::Type::Offer
        );
        let settled = arrival.own
            && matches!(
                call.r#type(),
                call_message::Type::Answer | call_message::Type::EndCall
            );
        if !settled && (arrival.own || !rings) {
            return Ok(());
        }
        let key = keys::call(&call.uuid);
        let before = work.call(&key).await?;
        let until = self.time.now().saturating_add(CALL_LIFE_MS);
        let message = if settled {
            // An own device took it or declined it: it was not missed.
            if let Some(id) = before.and_then(|call| call.message) {
                work.remove(id, Gone::Here).await?;
            }
            None
        } else {
            if before.is_some() || self.state.borrow().standing(&caller) != Standing::Active {
                return Ok(());
            }
            let id = self.take_notice(work, arrival, Notice::MissedCall).await?;
            if let Some(id) = id {
                self.notify(work, arrival, id, None);
            }
            id
        };
        work.set_call(key, CallRecord { until, message })
    }
}
