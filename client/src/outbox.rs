//! Messages on their way out: accepted durably, sent in order for each destination, repeated with identical bytes until half of
//! the recipient's swarm prove that they have them, or all of it that takes them; the copy for the own devices follows on its
//! own (`spec/02-messages-v1.md §6`). This file takes things in; `sending` brings them out.

use holdfast_protocol::account::{Account, Id};
use holdfast_protocol::message::outgoing::{OutgoingError, encode_one_to_one, sync_copy};
use holdfast_protocol::message::profile::Profile;
use holdfast_protocol::message::schema::{Content, DataMessage, Quote};
use holdfast_protocol::swarm::{Namespace, message_hash};
use prost::Message as _;

use crate::api::{
    Failure, FileId, Message, MessageId, MessageKind, MessageState, NewLink, Position, RequestId,
};
use crate::core::Core;
use crate::expiry;
use crate::ports::{Collection, StoreError};
use crate::reactions::reacted_to;
use crate::records::{
    FilePlace, FileRecord, Guessed, Lifetime, MessageRecord, OutboxRecord, ReactionRecord, Target, Waiting,
    keys,
};
use crate::sending::Lane;
use crate::work::{Known, Reader, Work};

/// The longest text that is sent, in code points (`spec/02-messages-v1.md §6.7`).
pub(crate) const MAX_TEXT: usize = holdfast_protocol::message::MAX_BODY;
/// A correction of the clock below this leaves what was accepted as it is.
pub(crate) const SHIFT_MS: u64 = 5_000;

/// A message as a front end gives it.
pub(crate) struct New<'a> {
    pub(crate) conversation: Id,
    pub(crate) body: &'a str,
    pub(crate) reply_to: Option<MessageId>,
    pub(crate) files: &'a [FileId],
    pub(crate) link: Option<NewLink>,
}

/// Something to send durably: see [`Core::send_content`].
pub(crate) struct Outgoing {
    /// The contact, or the own id for the own devices alone.
    pub(crate) conversation: Id,
    /// What it says; profile and sync target are added here.
    pub(crate) content: Content,
    /// From [`Work::next_sent_at`]: its own, also where it is about another message.
    pub(crate) sent_at: u64,
    /// The message that it is, whose state follows the sending.
    pub(crate) message: Option<MessageId>,
    /// Who gets it.
    pub(crate) copies: Copies,
    /// How long it lives in the swarms.
    pub(crate) lifetime: Lifetime,
}

/// Who gets something (`spec/02-messages-v1.md §6.1`). Within the note to self it is the own devices in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Copies {
    /// The contact alone: receipts, request responses.
    Contact,
    /// The own devices alone.
    Own,
    /// Both: whatever belongs to the conversation.
    Both,
}

/// The bytes for the contact and for the own devices.
type Encoded = (Option<Vec<u8>>, Option<Vec<u8>>);

impl Core {
    /// Takes a text for sending. When this returns, it is stored.
    pub(crate) async fn accept(&self, new: New<'_>, number: Option<RequestId>) -> Result<Message, Failure> {
        let New {
            conversation,
            body,
            reply_to,
            files,
            link,
        } = new;
        let account = self.require_account()?;
        let body = body.trim();
        if body.is_empty() && files.is_empty() {
            return Err(Failure::TextEmpty);
        }
        if body.chars().count() > MAX_TEXT {
            return Err(Failure::TextTooLong);
        }
        let mut work = Work::begin(self).await;
        if let Some(message) = self.accepted_before(&work, number).await? {
            return Ok(message);
        }
        if !files.is_empty() || link.is_some() {
            self.may_send_files(&conversation)?;
        }
        let files = work.take_staged(&conversation, files)?;
        let (link, link_image) = match link {
            Some(link) => {
                let (record, image) = work.new_link(body, link)?;
                (Some(record), image)
            }
            None => (None, None),
        };
        self.before_sending(&mut work, &account, &conversation).await?;
        let sent_at = work.next_sent_at(self.time.now());
        let quote = match reply_to {
            Some(id) => Some(self.answerable(&work, &conversation, id).await?),
            None => None,
        };
        let mode = work.disappearing(&conversation);
        let mut content = Content {
            data_message: Some(DataMessage {
                body: (!body.is_empty()).then(|| body.to_owned()),
                quote: quote.map(|target| Quote {
                    id: target.sent_at,
                    author: target.author.to_hex(),
                    ..Quote::default()
                }),
                preview: link.iter().filter_map(|link| link.preview(body)).collect(),
                ..DataMessage::default()
            }),
            ..Content::default()
        };
        expiry::write_mode(&mut content, mode);
        let image = link.as_ref().and_then(|link| link.image.clone());
        let record = MessageRecord {
            files,
            link,
            quote,
            expiry: expiry::unstarted(mode),
            ..MessageRecord::text(account.id(), true, body.to_owned(), MessageState::Queued)
        };
        let staged: Vec<FileId> = record.files.iter().map(|file| file.file).collect();
        let position = work.insert(&conversation, sent_at, record).await?;
        for file in &staged {
            if let Some(held) = work.file(*file) {
                let place = FilePlace::Message(position.id);
                work.put_file(*file, FileRecord { place, ..held })?;
            }
        }
        if let (Some(image), Some(bytes)) = (&image, link_image) {
            work.put_link_image(position.id, image, bytes)?;
        }
        if !body.is_empty() {
            // A message of files alone is not the text that is being written.
            work.conversation(&conversation).draft = String::new();
        }
        self.forget_typing(&conversation);
        let outgoing = Outgoing {
            conversation,
            content,
            sent_at,
            message: Some(position.id),
            copies: Copies::Both,
            lifetime: Lifetime::of(mode),
        };
        if staged.is_empty() && image.is_none() {
            self.send_content(&mut work, &account, outgoing)?;
        } else {
            self.hold_content(&mut work, &account, outgoing)?;
        }
        work.mark_answered(&conversation, sent_at).await?;
        if let Some(number) = number {
            work.put(
                Collection::MessageIndex,
                keys::by_request(number),
                keys::outbox(position.id),
            );
        }
        work.commit().await?;
        self.message_at(&conversation, position)
            .await?
            .ok_or(Failure::NotFound)
    }

    /// Takes anything for sending: durable once the unit is committed, then repeated until half of each swarm has it, or all
    /// of it that takes it. The state of a message follows; anything else is tried for as long as it could live.
    ///
    /// # Errors
    /// The recipient can't be written to, or the content does not fit.
    pub(crate) fn send_content(
        &self,
        work: &mut Work<'_>,
        account: &Account,
        outgoing: Outgoing,
    ) -> Result<(), Failure> {
        let encoded = self.encode(account, &outgoing)?;
        if let (_, Some(copy)) = &encoded {
            self.remember_copy(work, account, copy)?;
        }
        self.queue(work, outgoing, encoded, false)
    }

    /// Takes a message for sending whose files are not on the file server yet.
    fn hold_content(
        &self,
        work: &mut Work<'_>,
        account: &Account,
        outgoing: Outgoing,
    ) -> Result<(), Failure> {
        // Tried with the text alone, so that what can't be sent is refused now.
        self.encode(account, &outgoing)?;
        self.queue(work, outgoing, (None, None), true)
    }

    fn encode(&self, account: &Account, outgoing: &Outgoing) -> Result<Encoded, Failure> {
        self.encode_content(
            account,
            &outgoing.conversation,
            &outgoing.content,
            outgoing.sent_at,
            outgoing.copies,
        )
    }

    /// Puts something into the outbox: with its bytes, or to wait for its files.
    fn queue(
        &self,
        work: &mut Work<'_>,
        outgoing: Outgoing,
        (for_contact, for_self): Encoded,
        waits: bool,
    ) -> Result<(), Failure> {
        let content = outgoing.content.encode_to_vec();
        let number = match outgoing.message {
            Some(id) => id,
            None => MessageId(work.next_number()),
        };
        work.put_outbox(OutboxRecord {
            number,
            message: outgoing.message.is_some(),
            conversation: outgoing.conversation,
            sent_at: outgoing.sent_at,
            for_contact,
            for_self,
            lifetime: outgoing.lifetime,
            guessed: (!self.time.is_known()).then(|| Guessed {
                offset: self.time.offset(),
                content: content.clone(),
            }),
            failed: None,
            waiting: waits.then_some(Waiting { content }),
        })?;
        Ok(())
    }

    /// A message of the conversation that can be answered: a text that is not deleted.
    async fn answerable(&self, work: &Work<'_>, conversation: &Id, id: MessageId) -> Result<Target, Failure> {
        let (place, position, record) = work.message(id).await?.ok_or(Failure::NotFound)?;
        if place != *conversation || record.kind != MessageKind::Text {
            return Err(Failure::NotAllowed);
        }
        Ok(Target {
            author: record.author,
            sent_at: position.sent_at,
        })
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

    pub(crate) fn encode_content(
        &self,
        account: &Account,
        conversation: &Id,
        content: &Content,
        sent_at: u64,
        copies: Copies,
    ) -> Result<Encoded, Failure> {
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
            return Ok((None, Some(encode(&own, content)?)));
        }
        let for_self = match copies {
            Copies::Contact => None,
            Copies::Own | Copies::Both => Some(encode(&own, &sync_copy(content, conversation))?),
        };
        let for_contact = match copies {
            Copies::Own => None,
            Copies::Contact | Copies::Both => Some(encode(conversation, &self.with_profile(content))?),
        };
        Ok((for_contact, for_self))
    }

    /// The content with the own profile, where its kind carries one.
    fn with_profile(&self, content: &Content) -> Content {
        let mut content = content.clone();
        let picture = self.told_picture();
        if let Some(own) = &self.state.borrow().account {
            let profile = Profile {
                name: own.record.name.clone(),
                picture,
                updated_at: own.record.name_changed,
            };
            // A change of the timer is no message that anybody wrote.
            if let Some(data) = content.data_message.as_mut().filter(|data| data.flags() == 0) {
                profile.attach(data);
            }
            if let Some(response) = &mut content.message_request_response {
                profile.attach_to_response(response);
            }
        }
        content
    }

    /// The own copy will come back from the own swarm: it is known already.
    pub(crate) fn remember_copy(
        &self,
        work: &mut Work<'_>,
        account: &Account,
        copy: &[u8],
    ) -> Result<(), StoreError> {
        let hash = message_hash(&account.id(), Namespace::MESSAGES, copy);
        self.remember(work, &hash, None)
    }

    /// Queues a message that was given up, with its original time and bytes.
    ///
    /// # Errors
    /// It is not here any more, or its contact was blocked.
    pub(crate) async fn retry(&self, id: MessageId) -> Result<(), Failure> {
        self.require_account()?;
        let mut work = Work::begin(self).await;
        let record = work.outbox_entry(id).ok_or(Failure::NotFound)?;
        if work.contact(&record.conversation).blocked {
            return Err(Failure::Blocked);
        }
        if record.failed.is_some() {
            work.put_outbox(OutboxRecord {
                failed: None,
                ..record
            })?;
            work.set_state(id, MessageState::Queued, None).await?;
        }
        work.commit().await?;
        Ok(())
    }

    /// What was accepted before network time was known gets the time that it should have had.
    pub(crate) async fn correct_times(&self, account: &Account, lane: Lane) -> Result<(), StoreError> {
        for record in self.lane_entries(lane) {
            let Some(guessed) = record.guessed.clone() else {
                continue;
            };
            let offset = self.time.offset();
            let mut work = Work::begin(self).await;
            if work.outbox_entry(record.number).as_ref() != Some(&record) {
                continue;
            }
            let mut corrected = OutboxRecord {
                guessed: None,
                ..record.clone()
            };
            if offset.abs_diff(guessed.offset) > SHIFT_MS
                && let Ok(mut content) = Content::decode(guessed.content.as_slice())
            {
                let moved = self.state.borrow().moved.clone();
                retime(&mut content, &account.id(), &moved);
                let wanted = record
                    .sent_at
                    .saturating_add_signed(offset.saturating_sub(guessed.offset));
                let mut sent_at = work.corrected_sent_at(wanted, self.time.now());
                let at = |sent_at| Target {
                    author: account.id(),
                    sent_at,
                };
                while work.known(&record.conversation, &at(sent_at)).await? != Known::New {
                    sent_at = work.next_sent_at(sent_at);
                }
                let copies = match (&record.for_contact, &record.for_self) {
                    (Some(_), Some(_)) => Copies::Both,
                    (Some(_), None) => Copies::Contact,
                    _ => Copies::Own,
                };
                if let Ok((for_contact, for_self)) =
                    self.encode_content(account, &record.conversation, &content, sent_at, copies)
                {
                    if let Some(copy) = &for_self {
                        self.remember_copy(&mut work, account, copy)?;
                    }
                    work.follow_correction(&record, &content, account.id(), sent_at)
                        .await?;
                    if record.message {
                        self.state.borrow_mut().moved.push((record.sent_at, sent_at));
                    }
                    corrected.sent_at = sent_at;
                    corrected.for_contact = for_contact;
                    corrected.for_self = for_self;
                }
            }
            if record.message {
                // Up to when its author had read is known only now. Of what came meanwhile nobody is told that it was read,
                // and a mark that was set meanwhile stays.
                let up_to = corrected.sent_at.min(self.time.now());
                let marked = work.conversation(&record.conversation).marked_unread;
                work.mark_read(&record.conversation, up_to, Reader::Elsewhere);
                work.conversation(&record.conversation).marked_unread = marked;
            }
            work.put_outbox(corrected)?;
            work.commit().await?;
        }
        Ok(())
    }
}

impl Work<'_> {
    /// What is shown of something that got a wrong sent time gets the right one, as what is sent does.
    async fn follow_correction(
        &mut self,
        record: &OutboxRecord,
        content: &Content,
        own: Id,
        sent_at: u64,
    ) -> Result<(), StoreError> {
        let conversation = &record.conversation;
        let before = Target {
            author: own,
            sent_at: record.sent_at,
        };
        let shown = match self.known(conversation, &before).await? {
            _ if record.message => Some(record.number),
            // The user accepted a request: what is sent is no message, and a notice tells of it.
            Known::Present(notice) if content.message_request_response.is_some() => Some(notice),
            _ => None,
        };
        if let Some(id) = shown {
            let from = Position {
                sent_at: record.sent_at,
                id,
            };
            self.move_message(conversation, from, sent_at).await?;
        }
        let Some(data) = &content.data_message else {
            return Ok(());
        };
        if record.message
            && let Some(target) = data.quote.as_ref().and_then(target_of)
        {
            self.set_quote(record.number, target).await?;
        }
        if let Some(reaction) = &data.reaction
            && let Some(target) = reacted_to(reaction)
            && let Known::Present(id) = self.known(conversation, &target).await?
        {
            // With the wrong time it would outweigh whatever the user says of this emoji until then.
            let said = |word: &&mut ReactionRecord| {
                (word.from, word.at) == (own, record.sent_at) && word.emoji == reaction.emoji()
            };
            self.update(id, |message| {
                if let Some(word) = message.reactions.iter_mut().find(said) {
                    word.at = sent_at;
                }
            })
            .await?;
        }
        Ok(())
    }
}

/// What a quote names, if its author is an id.
pub(crate) fn target_of(quote: &Quote) -> Option<Target> {
    Some(Target {
        author: Id::parse(&quote.author).ok()?,
        sent_at: quote.id,
    })
}

/// Lets a content that speaks of own messages follow their corrected times.
fn retime(content: &mut Content, own: &Id, moved: &[(u64, u64)]) {
    let follow = |author: &str, sent_at: &mut u64| {
        let corrected = moved.iter().find(|(before, _)| before == sent_at);
        if let Some((_, corrected)) = corrected.filter(|_| Id::parse(author) == Ok(*own)) {
            *sent_at = *corrected;
        }
    };
    if let Some(data) = &mut content.data_message {
        if let Some(quote) = &mut data.quote {
            follow(&quote.author, &mut quote.id);
        }
        if let Some(reaction) = &mut data.reaction {
            follow(&reaction.author, &mut reaction.id);
        }
    }
    if let Some(unsend) = &mut content.unsend_request {
        follow(&unsend.author, &mut unsend.timestamp);
    }
}
