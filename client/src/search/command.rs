//! Carries out a search.

use std::rc::Rc;
use std::time::Duration;

use futures::future::select;
use futures::pin_mut;
use holdfast_protocol::account::Id;

use super::Phase;
use super::index::Match;
use super::query::Query;
use crate::api::{Failure, Found, FoundMessage, Message, Place, Position, Reply};
use crate::core::Core;
use crate::driver::yield_now;
use crate::ports::{Collection, StoreError};
use crate::records::{MessageRecord, decode, keys};

/// The most messages in one answer.
const MAX_FOUND: usize = 200;
/// The most names in one answer.
const MAX_NAMES: usize = 50;
/// How long a search waits for the index to be complete before it gives a partial answer. A few thousand messages are
/// read within it.
const PATIENCE: Duration = Duration::from_millis(80);
/// After so many milliseconds of searching, others get their turn.
const SLICE_MS: u64 = 8;
/// Digits of an Account ID that find it.
const ID_DIGITS: usize = 6;

impl Core {
    /// Looks for words; see [`crate::api::Command::Search`]. A query without words only has the index filled.
    pub(crate) async fn search(
        self: &Rc<Self>,
        typed: &str,
        conversation: Option<Id>,
        limit: usize,
        after: Option<Position>,
    ) -> Result<Reply, Failure> {
        self.require_account()?;
        if let Some(error) = self.search.failure.take() {
            return Err(error.into());
        }
        self.fill_search();
        let query = Query::new(typed);
        let mut found = Found::default();
        if !query.is_empty() {
            self.wait_for_index().await;
            let limit = limit.clamp(1, MAX_FOUND);
            let mut matches = self.matches(&query, conversation.as_ref()).await;
            found.total = u32::try_from(matches.len()).unwrap_or(u32::MAX);
            matches.retain(|(_, position)| after.is_none_or(|after| *position < after));
            let more = matches.len() > limit;
            if more {
                matches.select_nth_unstable_by(limit - 1, |one, other| other.1.cmp(&one.1));
                matches.truncate(limit);
            }
            matches.sort_unstable_by_key(|found| std::cmp::Reverse(found.1));
            found.next = matches.last().filter(|_| more).map(|(_, position)| *position);
            found.messages = self.read_found(&query, &matches).await?;
            if conversation.is_none() && after.is_none() {
                found.conversations = self.names(&query, typed);
            }
        }
        found.complete = self.search.phase.get() == Phase::Complete;
        found.limited = self.search.index.borrow().is_full();
        Ok(Reply::Found(found))
    }

    async fn wait_for_index(&self) {
        if self.search.phase.get() == Phase::Complete {
            return;
        }
        let complete = self.search.moved.passed(self.search.moved.count());
        let sleep = self.sleep(PATIENCE);
        pin_mut!(complete, sleep);
        select(complete, sleep).await;
    }

    /// Every message in the index that matches, in no order.
    async fn matches(&self, query: &Query, within: Option<&Id>) -> Vec<(Id, Position)> {
        let mut matches: Vec<Match> = Vec::new();
        let mut block = 0;
        let mut slice = self.ports.clock.monotonic_ms();
        while block < self.search.index.borrow().blocks() {
            self.search
                .index
                .borrow()
                .search(block, query, within, &mut matches);
            block += 1;
            if self.ports.clock.monotonic_ms().saturating_sub(slice) >= SLICE_MS {
                yield_now().await;
                slice = self.ports.clock.monotonic_ms();
            }
        }
        // A message that was moved meanwhile may have been met twice.
        let index = self.search.index.borrow();
        let state = self.state.borrow();
        let mut shown = std::collections::HashMap::new();
        matches
            .into_iter()
            .filter_map(|found| {
                let id = *index.conversation(found.conversation)?;
                // What strangers write is looked at in the list of requests, nowhere else.
                let shown = *shown.entry(found.conversation).or_insert_with(|| {
                    within.is_some()
                        || state
                            .conversations
                            .get(&id)
                            .is_some_and(|record| state.show(id, record).place != Place::Requests)
                });
                shown.then_some((id, found.position))
            })
            .collect()
    }

    /// The messages themselves, from the store. What is gone meanwhile is left out.
    async fn read_found(
        &self,
        query: &Query,
        places: &[(Id, Position)],
    ) -> Result<Vec<FoundMessage>, StoreError> {
        let keys = places
            .iter()
            .map(|(id, position)| keys::message(id, *position))
            .collect();
        let values = self.ports.store.get_many(Collection::Messages, keys).await?;
        let mut messages = Vec::with_capacity(places.len());
        for ((conversation, position), value) in places.iter().zip(values) {
            let Some(value) = value else { continue };
            let record: MessageRecord = decode(&value)?;
            let mut message: Message = record.shown(*conversation, *position, &self.state.borrow().files);
            message.state = self.state.borrow().shown_state(message.id, message.state);
            messages.push(message);
        }
        self.resolve_quotes(&mut messages).await?;
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Ok(messages
            .into_iter()
            .filter_map(|message| {
                let hit = query.hits(&message.body).into_iter().next()?;
                let hit = (offset(hit.start), offset(hit.end));
                Some(FoundMessage { message, hit })
            })
            .collect())
    }

    /// Conversations and contacts by name, nickname or id, best first.
    fn names(&self, query: &Query, typed: &str) -> Vec<Id> {
        let digits = typed.trim().to_ascii_lowercase();
        let by_id = digits.len() >= ID_DIGITS && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let mut ranked: Vec<_> = self
            .conversations()
            .into_iter()
            .filter(|conversation| conversation.place != Place::Requests)
            .filter_map(|conversation| {
                let names = [&conversation.nickname, &conversation.name];
                let by_name = names
                    .into_iter()
                    .flatten()
                    .filter_map(|name| query.rank(name))
                    .min();
                let by_id = (by_id && conversation.id.to_hex().starts_with(&digits)).then_some(0);
                let rank = by_id.or(by_name)?;
                Some((rank, std::cmp::Reverse(conversation.active_at), conversation.id))
            })
            .collect();
        ranked.sort_unstable();
        ranked.truncate(MAX_NAMES);
        ranked.into_iter().map(|(_, _, id)| id).collect()
    }
}
