//! Messages on their way out: accepted durably, sent in order for each destination, repeated with identical bytes until a
//! node of the recipient's swarm has them; the copy for the own devices follows on its own (`spec/02-messages-v1.md §6`).
//! This file takes texts in; `sending` brings them out.

use holdfast_protocol::account::{Account, Id};
use holdfast_protocol::message::outgoing::{OutgoingError, encode_one_to_one, sync_copy};
use holdfast_protocol::message::profile::Profile;
use holdfast_protocol::message::schema::{Content, DataMessage};
use holdfast_protocol::swarm::{Namespace, message_hash};

use crate::api::{Failure, Message, MessageId, MessageState, RequestId};
use crate::core::Core;
use crate::ports::{Collection, StoreError};
use crate::records::{OutboxRecord, keys};
use crate::sending::Lane;
use crate::work::{Known, NewMessage, Work};

/// The longest text that is sent, in code points (`spec/02-messages-v1.md §6.7`).
pub(crate) const MAX_TEXT: usize = holdfast_protocol::message::MAX_BODY;
/// A correction of the clock below this leaves accepted messages as they are.
const SHIFT_MS: u64 = 5_000;

impl Core {
    /// Takes a text for sending. When this returns, it is stored.
    pub(crate) async fn accept(
        &self,
        conversation: Id,
        body: &str,
        number: Option<RequestId>,
    ) -> Result<Message, Failure> {
        let account = self.require_account()?;
        let body = body.trim();
        if body.is_empty() {
            return Err(Failure::TextEmpty);
        }
        if body.chars().count() > MAX_TEXT {
            return Err(Failure::TextTooLong);
        }
        if conversation.x25519().is_none() {
            return Err(Failure::NotAnAccount);
        }
        let mut work = Work::begin(self).await;
        if let Some(message) = self.accepted_before(&work, number).await? {
            return Ok(message);
        }
        if work.contact(&conversation).blocked {
            return Err(Failure::Blocked);
        }
        work.approve(&conversation);
        let sent_at = work.next_sent_at(self.time.now());
        let (for_contact, for_self) = self.encode_text(&account, &conversation, body, sent_at)?;
        let message = work.insert(NewMessage {
            conversation,
            author: account.id(),
            outgoing: true,
            body: body.to_owned(),
            sent_at,
            state: MessageState::Queued,
            hash: None,
        })?;
        self.remember_copy(&mut work, &account, &for_self)?;
        work.put_outbox(OutboxRecord {
            conversation,
            position: message.position(),
            for_contact,
            for_self: Some(for_self),
            guessed_offset: (!self.time.is_known()).then(|| self.time.offset()),
            failed: None,
        })?;
        work.mark_read(&conversation, sent_at).await?;
        if let Some(number) = number {
            work.put(
                Collection::MessageIndex,
                keys::by_request(number),
                keys::outbox(message.id),
            );
        }
        work.commit().await?;
        self.outbox.notify();
        self.refresh_status();
        Ok(message)
    }

    /// The message that a repeated command made the first time.
    async fn accepted_before(
        &self,
        work: &Work<'_>,
        number: Option<RequestId>,
    ) -> Result<Option<Message>, StoreError> {
        let Some(number) = number else {
            return Ok(None);
        };
        let Some(id) = self
            .ports
            .store
            .get(Collection::MessageIndex, &keys::by_request(number))
            .await?
        else {
            return Ok(None);
        };
        let Some((conversation, position)) = work.find(keys::read_number(&id)?).await? else {
            return Ok(None);
        };
        self.message_at(&conversation, position).await
    }

    /// The bytes for the contact (none in a note to self) and for the own devices.
    fn encode_text(
        &self,
        account: &Account,
        conversation: &Id,
        body: &str,
        sent_at: u64,
    ) -> Result<(Option<Vec<u8>>, Vec<u8>), Failure> {
        let mut content = Content {
            data_message: Some(DataMessage {
                body: Some(body.to_owned()),
                ..DataMessage::default()
            }),
            ..Content::default()
        };
        let own = account.id();
        let encode = |recipient: &Id, content: &Content| {
            encode_one_to_one(account, recipient, content, sent_at, &mut self.rng()).map_err(|error| {
                match error {
                    OutgoingError::TooLarge { .. } => Failure::TextTooLong,
                    _ => Failure::NotAnAccount,
                }
            })
        };
        if *conversation == own {
            return Ok((None, encode(&own, &content)?));
        }
        let for_self = encode(&own, &sync_copy(&content, conversation))?;
        if let (Some(data), Some(own)) = (&mut content.data_message, &self.state.borrow().account) {
            let profile = Profile {
                name: own.record.name.clone(),
                picture: None,
                updated_at: own.record.name_changed,
            };
            profile.attach(data);
        }
        Ok((Some(encode(conversation, &content)?), for_self))
    }

    /// The own copy will come back from the own swarm: it is known already.
    fn remember_copy(&self, work: &mut Work<'_>, account: &Account, copy: &[u8]) -> Result<(), StoreError> {
        let hash = message_hash(&account.id(), Namespace::MESSAGES, copy);
        self.remember(work, &hash, None)
    }

    /// Queues a message that was given up, with its original time and bytes.
    pub(crate) async fn retry(&self, id: MessageId) -> Result<(), Failure> {
        self.require_account()?;
        let mut work = Work::begin(self).await;
        let record = self
            .state
            .borrow()
            .outbox
            .get(&id)
            .cloned()
            .ok_or(Failure::NotFound)?;
        if record.failed.is_some() {
            work.put_outbox(OutboxRecord {
                failed: None,
                ..record
            })?;
            work.set_state(id, MessageState::Queued, None).await?;
        }
        work.commit().await?;
        self.outbox.notify();
        self.refresh_status();
        Ok(())
    }

    /// Messages accepted before network time was known get the time that they should have had.
    pub(crate) async fn correct_times(&self, account: &Account, lane: Lane) -> Result<(), StoreError> {
        for record in self.lane_entries(lane) {
            let Some(guessed) = record.guessed_offset else {
                continue;
            };
            let offset = self.time.offset();
            let mut work = Work::begin(self).await;
            let mut corrected = OutboxRecord {
                guessed_offset: None,
                ..record.clone()
            };
            // Once a copy is out, its time is fixed.
            let untouched = record.for_contact.is_some() || record.conversation == account.id();
            if offset.abs_diff(guessed) > SHIFT_MS && untouched {
                let wanted = record
                    .position
                    .sent_at
                    .saturating_add_signed(offset.saturating_sub(guessed));
                let mut sent_at = work.corrected_sent_at(wanted, self.time.now());
                while work.known(&record.conversation, &account.id(), sent_at).await? != Known::New {
                    sent_at = work.next_sent_at(sent_at);
                }
                let Some(message) = work.read(&record.conversation, record.position).await? else {
                    continue;
                };
                let encoded = self.encode_text(account, &record.conversation, &message.body, sent_at);
                if let Ok((for_contact, for_self)) = encoded
                    && let Some(position) = work
                        .move_message(&record.conversation, record.position, sent_at)
                        .await?
                {
                    self.remember_copy(&mut work, account, &for_self)?;
                    corrected.position = position;
                    corrected.for_contact = for_contact;
                    corrected.for_self = Some(for_self);
                }
            }
            work.put_outbox(corrected)?;
            work.commit().await?;
        }
        Ok(())
    }
}
