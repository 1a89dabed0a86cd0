//! Taking messages away (`spec/02-messages-v1.md §5.9`): here, on the own devices, for everyone, and when somebody else
//! asks for it. People delete their own messages only; own devices delete any message on the other own devices.

use holdfast_protocol::account::{Account, Id};
use holdfast_protocol::message::kind::unsend_allowed;
use holdfast_protocol::message::schema::{Content, UnsendRequest};

use crate::api::{
    DeleteScope, Failure, MAX_SELECTED, MessageId, MessageKind, MessageState, Position, Reply, Standing,
};
use crate::arrival::Arrival;
use crate::core::Core;
use crate::outbox::{Copies, Outgoing};
use crate::ports::{Collection, StoreError};
use crate::records::{Gone, Job, Lifetime, MarkRecord, MessageRecord, Target, keys};
use crate::work::{Known, Work};

/// How far the removal of a whole conversation goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// This device.
    Here,
    /// The copies in the own swarm too, so that no device that comes later finds them.
    Swarm,
}

impl Core {
    /// Removes messages. Those that are gone already are no failure: the same command may have come before.
    pub(crate) async fn delete_messages(
        &self,
        messages: &[MessageId],
        scope: DeleteScope,
    ) -> Result<Reply, Failure> {
        let account = self.require_account()?;
        if messages.len() > MAX_SELECTED {
            return Err(Failure::NotAllowed);
        }
        let mut work = Work::begin(self).await;
        work.look_up_messages(messages).await?;
        let mut found = Vec::new();
        for id in messages {
            found.extend(
                work.message(*id)
                    .await?
                    .map(|(place, position, record)| (place, position.id, record)),
            );
        }
        let Some((conversation, ..)) = found.first() else {
            return Ok(Reply::Done);
        };
        let conversation = *conversation;
        let own = conversation == account.id();
        let one_place = found.iter().all(|(place, ..)| *place == conversation);
        let unsendable = |record: &MessageRecord| record.outgoing && record.kind == MessageKind::Text;
        let everyone = scope == DeleteScope::Everyone && !own;
        if !one_place || (everyone && !found.iter().all(|(.., record)| unsendable(record))) {
            return Err(Failure::NotAllowed);
        }
        if everyone && self.state.borrow().standing(&conversation) == Standing::Blocked {
            return Err(Failure::Blocked);
        }
        for (_, id, _) in found {
            // Read again: an earlier one of this unit may have changed it.
            let Some((_, position, record)) = work.message(id).await? else {
                continue;
            };
            if scope == DeleteScope::ThisDevice {
                work.remove(id, Gone::Here).await?;
                continue;
            }
            let copies = if everyone { Copies::Both } else { Copies::Own };
            self.ask_to_delete(&mut work, &account, &conversation, position, &record, copies)?;
            let sent = matches!(record.state, MessageState::Sent | MessageState::Read);
            if everyone && sent {
                work.empty(id).await?;
            } else {
                work.remove(id, Gone::Unsent).await?;
            }
        }
        work.commit().await?;
        Ok(Reply::Done)
    }

    /// Asks others to delete a message, and the own swarm to forget it.
    fn ask_to_delete(
        &self,
        work: &mut Work<'_>,
        account: &Account,
        conversation: &Id,
        position: Position,
        record: &MessageRecord,
        copies: Copies,
    ) -> Result<(), Failure> {
        let request = UnsendRequest {
            timestamp: position.sent_at,
            author: record.author.to_hex(),
            msg_id: None,
        };
        let outgoing = Outgoing {
            conversation: *conversation,
            content: Content {
                unsend_request: Some(request),
                ..Content::default()
            },
            sent_at: work.next_sent_at(self.time.now()),
            message: None,
            copies,
            lifetime: Lifetime::LONGEST,
        };
        self.send_content(work, account, outgoing)?;
        if let Some(hash) = record.hash.clone() {
            work.add_job(hash, Job::Delete, None)?;
        }
        Ok(())
    }

    /// Removes all messages of a conversation from this device.
    pub(crate) async fn clear_conversation(&self, id: Id) -> Result<Reply, Failure> {
        self.require_account()?;
        let mut work = Work::begin(self).await;
        if !work.knows_conversation(&id) {
            return Err(Failure::NotFound);
        }
        work.clear_messages(&id, Reach::Here).await?;
        work.commit().await?;
        Ok(Reply::Done)
    }

    /// Somebody asks for the deletion of a message.
    pub(crate) async fn take_unsend(
        &self,
        work: &mut Work<'_>,
        account: &Account,
        arrival: &Arrival,
        request: &UnsendRequest,
    ) -> Result<(), StoreError> {
        let (own, sender) = (account.id(), arrival.received.sender);
        let Ok(author) = Id::parse(&request.author) else {
            return Ok(());
        };
        if !unsend_allowed(request, &sender, &own) {
            return Ok(());
        }
        let target = Target {
            author,
            sent_at: request.timestamp,
        };
        if author == own {
            // An own device, about an own message: the request does not say where it was written.
            let ids = work.own_sent(target.sent_at).await?;
            if ids.is_empty() {
                return work.suppress(&own, &target).await;
            }
            for id in ids {
                work.remove(id, Gone::Unsent).await?;
            }
            return Ok(());
        }
        match work.known(&author, &target).await? {
            Known::Present(id) if arrival.own => {
                work.remove(id, Gone::Unsent).await?;
            }
            Known::Present(id) => {
                let Some((.., record)) = work.message(id).await? else {
                    return Ok(());
                };
                if record.kind == MessageKind::Text {
                    if let Some(hash) = record.hash {
                        work.add_job(hash, Job::Delete, None)?;
                    }
                    work.empty(id).await?;
                }
            }
            Known::New => work.suppress(&author, &target).await?,
            Known::Gone(_) => {}
        }
        Ok(())
    }
}

impl Work<'_> {
    /// Leaves nothing of a message but that there was one.
    async fn empty(&mut self, id: MessageId) -> Result<(), StoreError> {
        self.update(id, MessageRecord::empty).await?;
        // The copy for the own devices must not come after the request to delete it.
        if self.outbox_entry(id).is_some() {
            self.remove_outbox(id);
        }
        Ok(())
    }

    /// A message that has not come must not be shown when it does.
    async fn suppress(&mut self, conversation: &Id, target: &Target) -> Result<(), StoreError> {
        // What was removed here stays away for good: a mark that is forgotten some day must not take that one's place.
        let gone = self.mark(conversation, target).await?.gone.is_some();
        if gone || !self.can_still_come(target.sent_at) {
            return Ok(());
        }
        let mark = MarkRecord {
            gone: Some(Gone::Unsent),
            ..MarkRecord::default()
        };
        self.set_mark(conversation, target, mark)
    }

    /// Removes messages whose conversation loses all of them, so that nothing has to be counted or told. What waits to be
    /// sent was dropped with the first of them.
    pub(crate) async fn erase(
        &mut self,
        conversation: &Id,
        messages: &[(Position, MessageRecord)],
    ) -> Result<(), StoreError> {
        let mut lists = Vec::new();
        for (position, record) in messages {
            lists.extend(record.quote.map(|quoted| keys::answers(conversation, &quoted)));
            if record.outgoing {
                lists.push(keys::own_sent(position.sent_at));
            }
        }
        self.look_up_index(lists).await?;
        for (position, record) in messages {
            let target = Target {
                author: record.author,
                sent_at: position.sent_at,
            };
            self.delete(Collection::Messages, keys::message(conversation, *position));
            self.unlist(conversation, *position, record).await?;
            self.erase_files(conversation, *position, record);
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
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use futures::executor::block_on;

    use super::*;
    use crate::Options;
    use crate::driver::Driver;
    use crate::store::memory::MemoryStore;
    use crate::test_support::{CountingRng, ManualClock, id};
    use crate::testing::offline;

    const NOW: u64 = 1_780_000_000_000;

    #[test]
    fn what_was_removed_for_good_is_not_remembered_for_shorter_when_another_device_asks_too() {
        block_on(async {
            let clock = Rc::new(ManualClock::new(NOW));
            let store: Rc<MemoryStore> = Rc::default();
            let (ports, profile) = offline(store, clock, Rc::new(CountingRng::default()));
            let (spawner, _driver) = Driver::new();
            let core = Core::new(ports, profile, Options::default(), spawner);
            let mut work = Work::begin(&core).await;
            let note = Target {
                author: id(1),
                sent_at: NOW - 1_000,
            };
            work.set_removed(&id(1), &note, Gone::Here).unwrap();
            let before = work.mark(&id(1), &note).await.unwrap();
            work.suppress(&id(1), &note).await.unwrap();
            assert_eq!(work.mark(&id(1), &note).await.unwrap(), before);
        });
    }
}
