//! Read receipts (`spec/02-messages-v1.md §5.8`): off unless the user turned them on, and only among accounts that
//! accepted each other. What was read waits, durably, for a moment, so that one receipt tells of many messages.

use std::rc::Rc;
use std::time::Duration;

use holdfast_protocol::account::{Account, Id};
use holdfast_protocol::message::schema::{Content, ReceiptMessage, receipt_message};

use crate::api::{Failure, MessageState, Standing};
use crate::arrival::Arrival;
use crate::core::Core;
use crate::outbox::{Copies, Outgoing};
use crate::ports::StoreError;
use crate::records::{Lifetime, Target};
use crate::work::{Known, Work};

/// The preference; `on` or anything else.
pub(crate) const READ_RECEIPTS: &str = "read-receipts";
/// How long receipts wait for more (`spec/02-messages-v1.md §5.8`).
const GATHER: Duration = Duration::from_secs(3);
/// Messages of one receipt that are looked at: more is nothing that a client sends.
const MAX_TOLD: usize = 1_000;
/// Messages of one receipt that are remembered until they come: a small message must not fill the store.
const MAX_EARLY: usize = 100;

impl Core {
    /// Whether a preference is on.
    pub(crate) fn is_on(&self, preference: &str) -> bool {
        let state = self.state.borrow();
        state
            .preferences
            .get(preference)
            .is_some_and(|value| value == "on")
    }

    /// Whether a contact is told what was read of theirs.
    pub(crate) fn tells_reading(&self, contact: &Id) -> bool {
        !self.options.leave_unread
            && self.is_on(READ_RECEIPTS)
            && self.state.borrow().standing(contact) == Standing::Active
    }

    /// Sends what has gathered, for as long as the account is there.
    pub(crate) async fn run_receipts(self: Rc<Self>, account: Rc<Account>) {
        loop {
            let seen = self.due.count();
            if self.state.borrow().receipts.is_empty() {
                self.due.passed(seen).await;
                continue;
            }
            self.sleep(GATHER).await;
            let contacts: Vec<Id> = self.state.borrow().receipts.keys().copied().collect();
            for contact in contacts {
                // The store may not take it now: it is tried again with the next round.
                let _ = self.send_receipt(&account, contact).await;
            }
        }
    }

    async fn send_receipt(&self, account: &Account, contact: Id) -> Result<(), Failure> {
        let mut work = Work::begin(self).await;
        let read = work.receipts(&contact);
        work.set_receipts(&contact, Vec::new())?;
        if !read.is_empty() && self.tells_reading(&contact) {
            let receipt = ReceiptMessage {
                r#type: receipt_message::Type::Read.into(),
                timestamp: read,
                msg_id: Vec::new(),
            };
            let outgoing = Outgoing {
                conversation: contact,
                content: Content {
                    receipt_message: Some(receipt),
                    ..Content::default()
                },
                sent_at: work.next_sent_at(self.time.now()),
                message: None,
                copies: Copies::Contact,
                lifetime: Lifetime::LONGEST,
            };
            self.send_content(&mut work, account, outgoing)?;
        }
        Ok(work.commit().await?)
    }

    /// A contact says what they have read.
    pub(crate) async fn take_receipt(
        &self,
        work: &mut Work<'_>,
        arrival: &Arrival,
        receipt: &ReceiptMessage,
        own: &Id,
    ) -> Result<(), StoreError> {
        let conversation = arrival.conversation();
        let written_to = matches!(
            self.state.borrow().standing(&conversation),
            Standing::Active | Standing::OutgoingRequest
        );
        if !self.is_on(READ_RECEIPTS) || !written_to {
            return Ok(());
        }
        let mut early = 0usize;
        for sent_at in receipt.timestamp.iter().take(MAX_TOLD) {
            let target = Target {
                author: *own,
                sent_at: *sent_at,
            };
            match work.known(&conversation, &target).await? {
                Known::Present(id) => {
                    work.update(id, |record| {
                        let sent = matches!(record.state, MessageState::Sent | MessageState::Queued);
                        if record.outgoing && sent {
                            record.state = MessageState::Read;
                        }
                    })
                    .await?;
                }
                // Written on another own device, whose copy has not come.
                Known::New if early < MAX_EARLY && work.can_still_come(*sent_at) => {
                    early += 1;
                    let mut mark = work.mark(&conversation, &target).await?;
                    mark.read = true;
                    work.set_mark(&conversation, &target, mark)?;
                }
                Known::New | Known::Gone(_) => {}
            }
        }
        Ok(())
    }
}
