//! From stored blobs to messages: deduplicated by recomputed hash, checked in the order of `spec/02-messages-v1.md §3`,
//! and committed together with their hashes and the cursor before anything moves on.

use std::collections::HashSet;

use holdfast_protocol::account::{Account, Id};
use holdfast_protocol::keys::Ed25519PublicKey;
use holdfast_protocol::message::kind::Kind;
use holdfast_protocol::message::name::received_name;
use holdfast_protocol::message::profile::change_in_message;
use holdfast_protocol::message::schema::DataMessage;
use holdfast_protocol::message::{MAX_BODY_PRO, cut_body, incoming};
use holdfast_protocol::swarm::reply::Message as StoredMessage;
use holdfast_protocol::swarm::{MessageHash, Namespace, message_hash};

use crate::api::{FileId, MessageKind, MessageState, Notice};
use crate::arrival::Arrival;
use crate::core::Core;
use crate::driver::yield_now;
use crate::files::read_files;
use crate::outbox::target_of;
use crate::ports::{Change, Collection, StoreError};
use crate::reactions::{apply_early, reacted_to};
use crate::records::{
    Gone, Job, MarkRecord, MessageRecord, SeenRecord, Target, decode, encode, first_number, keys,
};
use crate::work::{Known, Reader, Work};

/// Messages handled in one commit: large enough to be quick, small enough for front ends to see progress.
const CHUNK: usize = 100;
/// Messages decrypted before other tasks get their turn: each takes a fraction of a millisecond.
const TURN: usize = 8;
/// How long a hash is remembered when the node does not say when it expires: the longest life of a message
/// (`spec/02-messages-v1.md §6.4`).
const SEEN_LIFE_MS: u64 = 30 * 24 * 60 * 60 * 1_000;

/// What came of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Messages not seen before.
    pub(crate) new: usize,
    /// Messages whose claimed hash is not theirs: the node lies.
    pub(crate) forged: usize,
}

impl Core {
    /// Where to go on at a node.
    pub(crate) async fn cursor(
        &self,
        account: &Account,
        node: &Ed25519PublicKey,
        namespace: Namespace,
    ) -> Result<Option<MessageHash>, StoreError> {
        let key = keys::cursor(node, &account.id(), namespace);
        match self.ports.store.get(Collection::Cursors, &key).await? {
            Some(value) => Ok(decode::<String>(&value)?.parse().ok()),
            None => Ok(None),
        }
    }

    /// Handles a node's page of messages, oldest first. The cursor follows what is durable.
    pub(crate) async fn receive(
        &self,
        account: &Account,
        node: &Ed25519PublicKey,
        namespace: Namespace,
        messages: &[StoredMessage],
    ) -> Result<Taken, StoreError> {
        let mut taken = Taken::default();
        for chunk in messages.chunks(CHUNK) {
            self.receive_chunk(account, node, namespace, chunk, &mut taken)
                .await?;
        }
        Ok(taken)
    }

    async fn receive_chunk(
        &self,
        account: &Account,
        node: &Ed25519PublicKey,
        namespace: Namespace,
        chunk: &[StoredMessage],
        taken: &mut Taken,
    ) -> Result<(), StoreError> {
        let hashes: Vec<_> = chunk
            .iter()
            .map(|message| message_hash(&account.id(), namespace, &message.data))
            .collect();
        let names = hashes.iter().map(|hash| hash.as_bytes().to_vec()).collect();
        let seen = self.ports.store.get_many(Collection::Seen, names).await?;
        let mut fresh = Vec::new();
        let mut in_chunk = HashSet::new();
        for ((message, hash), seen) in chunk.iter().zip(hashes).zip(seen) {
            taken.forged += usize::from(hash != message.hash);
            if seen.is_some() || self.is_bygone(message) || !in_chunk.insert(hash) {
                continue;
            }
            fresh.push((
                hash,
                message,
                incoming::decode_one_to_one_cached(
                    account,
                    &mut self.state.borrow_mut().senders,
                    &message.data,
                ),
            ));
            if fresh.len() % TURN == 0 {
                yield_now().await;
            }
        }
        // Only the account's one poll receives, so that nothing new was seen meanwhile. An own copy is remembered before
        // it leaves.
        let mut unreadable = 0u32;
        let mut work = Work::begin(self).await;
        let (mut named, mut answered) = (Vec::new(), Vec::new());
        for received in fresh.iter().filter_map(|(.., decoded)| decoded.as_ref().ok()) {
            let conversation = received.conversation;
            let target = Target {
                author: received.sender,
                sent_at: received.sent_at,
            };
            named.push((conversation, target));
            let data = received.content.data_message.as_ref();
            let quote = data.and_then(|data| data.quote.as_ref());
            answered.extend(quote.and_then(target_of).map(|target| (conversation, target)));
            let reaction = data.and_then(|data| data.reaction.as_ref());
            named.extend(reaction.and_then(reacted_to).map(|target| (conversation, target)));
        }
        work.look_up(&named, &answered).await?;
        for (hash, stored, decoded) in fresh {
            taken.new += 1;
            self.remember(&mut work, &hash, stored.expiration)?;
            match decoded {
                Ok(received) => {
                    let arrival = Arrival {
                        own: received.is_own(account),
                        received,
                        hash,
                        expiration: stored.expiration,
                        stored_at: stored.timestamp,
                    };
                    if !self.apply(&mut work, account, &arrival).await? {
                        unreadable = unreadable.saturating_add(1);
                    }
                }
                Err(_) => unreadable = unreadable.saturating_add(1),
            }
        }
        if let Some(last) = chunk.last() {
            let key = keys::cursor(node, &account.id(), namespace);
            work.put(Collection::Cursors, key, encode(&last.hash.as_str())?);
        }
        work.commit().await?;
        let mut state = self.state.borrow_mut();
        state.unreadable = state.unreadable.saturating_add(unreadable);
        Ok(())
    }

    /// Whether a message is older than those that are taken here ([`crate::Options::recent`]).
    fn is_bygone(&self, message: &StoredMessage) -> bool {
        self.options.recent.is_some_and(|recent| {
            let recent = u64::try_from(recent.as_millis()).unwrap_or(u64::MAX);
            message.timestamp < self.time.now().saturating_sub(recent)
        })
    }

    /// Remembers a hash for as long as it may come again.
    pub(crate) fn remember(
        &self,
        work: &mut Work<'_>,
        hash: &MessageHash,
        expiration: Option<u64>,
    ) -> Result<(), StoreError> {
        let longest = self.time.now().saturating_add(SEEN_LIFE_MS);
        // A node's word may lengthen nothing: what it says is only used when it is earlier, and never within a day.
        let until = expiration.map_or(longest, |said| said.clamp(longest - SEEN_LIFE_MS / 2, longest));
        let record = SeenRecord { until };
        work.put(Collection::Seen, hash.as_bytes().to_vec(), encode(&record)?);
        Ok(())
    }

    /// Forgets hashes that no node can still have, and what was known of messages that can't come any more.
    pub(crate) async fn prune_seen(&self) -> Result<(), StoreError> {
        let now = self.time.now();
        let mut old = Vec::new();
        for collection in [Collection::Seen, Collection::Marks] {
            let scan = crate::ports::Scan {
                collection,
                from: Vec::new(),
                to: None,
                reverse: false,
                limit: usize::MAX,
            };
            for (key, value) in self.ports.store.scan(scan).await? {
                if first_number(&value)? < now {
                    old.push(Change::Delete(collection, key));
                }
            }
        }
        if old.is_empty() {
            Ok(())
        } else {
            self.ports.store.commit(old).await
        }
    }

    /// Applies an authenticated message; `false` when it is nothing that can be shown or used.
    async fn apply(
        &self,
        work: &mut Work<'_>,
        account: &Account,
        arrival: &Arrival,
    ) -> Result<bool, StoreError> {
        let received = &arrival.received;
        let Ok(kind) = Kind::of(&received.content, received.sent_at) else {
            return Ok(false);
        };
        if arrival.own && !kind.allowed_from_self(false) {
            return Ok(true);
        }
        if !self.admits(work, received, &kind) {
            return Ok(true);
        }
        let adds = matches!(
            kind,
            Kind::Visible(_) | Kind::TimerUpdate(_) | Kind::DataExtraction(_) | Kind::Call(_)
        );
        if adds && !arrival.own {
            work.make_way(&arrival.conversation(), &arrival.target()).await?;
        }
        match kind {
            Kind::Visible(data) => {
                if !arrival.own {
                    self.end_typing(work, &received.sender, received.sent_at);
                }
                self.take_visible(work, arrival, data).await?;
            }
            Kind::Reaction(reaction, data) => {
                if !arrival.own {
                    take_profile(work, &received.sender, data);
                }
                self.take_reaction(work, arrival, reaction, &account.id()).await?;
            }
            Kind::TimerUpdate(_) => self.take_timer_update(work, arrival).await?,
            Kind::Unsend(request) => self.take_unsend(work, account, arrival, request).await?,
            Kind::ReadReceipt(receipt) => {
                self.take_receipt(work, arrival, receipt, &account.id()).await?;
            }
            Kind::Typing(message) => self.take_typing(work, arrival, message),
            Kind::DataExtraction(_) => {
                self.take_notice(work, arrival, Notice::MediaSaved).await?;
            }
            Kind::Call(call) => self.take_call(work, arrival, call).await?,
            Kind::RequestResponse(response) => self.on_response(work, received, response).await?,
            // Groups come with a later version; their messages stay in the swarm.
            Kind::GroupUpdate(_) => {}
        }
        Ok(true)
    }

    async fn take_visible(
        &self,
        work: &mut Work<'_>,
        arrival: &Arrival,
        data: &DataMessage,
    ) -> Result<(), StoreError> {
        let (conversation, target) = (arrival.conversation(), arrival.target());
        let hash = arrival.hash.as_str().to_owned();
        match work.known(&conversation, &target).await? {
            Known::New => {
                self.on_visible(work, &arrival.received, data).await?;
                let mark = work.mark(&conversation, &target).await?;
                let early = mark != MarkRecord::default();
                let body = text_of(data);
                let (files, link) = read_files(data, target.sent_at, || FileId(work.next_number()));
                let mut record = MessageRecord {
                    files,
                    link,
                    quote: data.quote.as_ref().and_then(target_of),
                    ..MessageRecord::text(target.author, arrival.own, body, arrival.state())
                };
                apply_early(&mut record, mark);
                let Some(id) = arrival.insert(work, record.clone()).await? else {
                    return Ok(());
                };
                self.load_news(work, &conversation, id, &record, arrival.stored_at)?;
                if early {
                    work.remove_mark(&conversation, &target);
                }
                if arrival.own {
                    // Whoever answers has read what came before (`spec/02-messages-v1.md §5.1`).
                    work.mark_read(&conversation, target.sent_at, Reader::Elsewhere);
                }
                self.notify(work, arrival, id, None);
            }
            Known::Present(id) if arrival.own => {
                // A message that was deleted here before its copy had a name is deleted there now.
                if let Some((.., record)) = work.message(id).await?
                    && record.kind == MessageKind::Deleted
                {
                    return work.add_job(hash, Job::Delete, None);
                }
                work.set_state(id, MessageState::Sent, Some(hash)).await?;
            }
            Known::Gone(Gone::Unsent) => work.add_job(hash, Job::Delete, None)?,
            Known::Present(_) | Known::Gone(Gone::Here) => {}
        }
        Ok(())
    }
}

/// The text of a message. An invitation to a community, which can't be followed here, is told by its name and its address.
fn text_of(data: &DataMessage) -> String {
    let blank = data.body().trim().is_empty();
    match data.open_group_invitation.as_ref().filter(|_| blank) {
        Some(invitation) => {
            let name = received_name(&invitation.name);
            let url = Some(invitation.url.trim().to_owned()).filter(|url| !url.is_empty());
            let told: Vec<String> = name.into_iter().chain(url).collect();
            cut_body(&told.join("\n"), MAX_BODY_PRO).to_owned()
        }
        None => cut_body(data.body(), MAX_BODY_PRO).to_owned(),
    }
}

/// What a message says of its sender.
fn take_profile(work: &mut Work<'_>, sender: &Id, data: &DataMessage) {
    let contact = work.contact(sender);
    if let Some(change) = change_in_message(data, contact.profile_changed) {
        contact.take_profile(change);
    }
}
