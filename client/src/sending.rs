//! Sends what the outbox holds: in order for each destination, to any member of its swarm, until half of them prove that they
//! have it.

use std::collections::HashSet;
use std::rc::Rc;
use std::time::Duration;

use futures::StreamExt;
use futures::future::{Either, LocalBoxFuture, select};
use futures::stream::FuturesUnordered;
use holdfast_protocol::account::{Account, Id};
use holdfast_protocol::message::TTL_DEFAULT;
use holdfast_protocol::nodes::ServiceNode;
use holdfast_protocol::swarm::reply::{self, BatchReply, Stored, SwarmReply};
use holdfast_protocol::swarm::request::{Batch, Request, Store as StoreRequest};
use holdfast_protocol::swarm::{MessageHash, Namespace, message_hash};

use crate::api::{MessageId, MessageState, Position, SendFailure};
use crate::core::Core;
use crate::expiry;
use crate::network::proofs::Proofs;
use crate::network::request::CallError;
use crate::ports::StoreError;
use crate::records::{Job, OutboxRecord};
use crate::work::Work;

/// Messages for one destination that travel together; a node takes 20 (`spec/03-network.md §3.5`).
const TOGETHER: usize = 10;
/// A node forwards to its swarm for up to 5 s for each message (`spec/03-network.md §3.8`).
const SEND_TIMEOUT: Duration = Duration::from_secs(15);
/// Attempts before a message is given up, five to eleven minutes; waiting for a connection does not count. Where half of all
/// nodes are dead, most paths fail before the living ones are known.
const ATTEMPTS: u32 = 24;
/// First wait after a failed attempt, doubled each time.
const BACKOFF: Duration = Duration::from_millis(400);
/// Longest such wait.
const LONGEST_BACKOFF: Duration = Duration::from_secs(15);
/// Wait while there is no connection at all.
const UNAVAILABLE_WAIT: Duration = Duration::from_secs(1);
/// How long to wait before what is no message by itself is tried again.
const COPY_WAIT: Duration = Duration::from_secs(60);
/// Nothing that is postponed waits longer.
const LONGEST_SLEEP: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a message waits for network time before it goes out with this machine's.
const TIME_WAIT: Duration = Duration::from_secs(20);
/// Nodes that must refuse before a message counts as refused, for whatever reason: one may lie.
const REFUSALS: usize = 2;
/// Refusals for the clock, with time measured in between.
const CLOCK_REFUSALS: u32 = 3;

/// Where messages go one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Lane {
    /// To a contact.
    Contact(Id),
    /// To the own swarm: notes to self and copies.
    Own,
}

/// How an attempt ended.
pub(crate) enum Attempt {
    /// So many messages, from the first on, are stored.
    Stored(Vec<MessageHash>),
    /// Try again soon, on another node or path.
    Again,
    /// There is no connection; does not count.
    Unavailable,
    /// The node refuses this message.
    Refused(SendFailure),
    /// The node thinks that the clock is wrong.
    Clock,
}

impl OutboxRecord {
    fn lane(&self) -> Option<Lane> {
        match (&self.failed, &self.for_contact, &self.for_self) {
            (None, Some(_), _) => Some(Lane::Contact(self.conversation)),
            (None, None, Some(_)) => Some(Lane::Own),
            _ => None,
        }
    }

    /// The bytes of a copy, and how long it lives in its swarm, milliseconds.
    fn copy(&self, lane: Lane) -> Option<(&Vec<u8>, u64)> {
        match lane {
            Lane::Contact(_) => self
                .for_contact
                .as_ref()
                .map(|bytes| (bytes, self.lifetime.contact)),
            Lane::Own => self.for_self.as_ref().map(|bytes| (bytes, self.lifetime.own)),
        }
    }

    /// Whether a message's state says how this lane goes: its copy for the own devices tells nothing about it.
    fn leads(&self, lane: Lane, own: Option<Id>) -> bool {
        self.message && (lane != Lane::Own || Some(self.conversation) == own)
    }

    pub(crate) fn position(&self) -> Position {
        Position {
            sent_at: self.sent_at,
            id: self.number,
        }
    }
}

impl Core {
    /// Sends what the outbox holds for as long as the account is there.
    pub(crate) async fn run_outbox(self: Rc<Self>, account: Rc<Account>) {
        let mut busy = HashSet::new();
        let mut workers: FuturesUnordered<LocalBoxFuture<'_, Lane>> = FuturesUnordered::new();
        loop {
            let seen = self.outbox.count();
            let lanes = self.lanes();
            for lane in lanes {
                if busy.insert(lane) {
                    workers.push(Box::pin(self.empty_lane(&account, lane)));
                }
            }
            let news = Box::pin(select(
                Box::pin(self.outbox.passed(seen)),
                self.ports.clock.sleep(self.shortest_postponement()),
            ));
            if workers.is_empty() {
                news.await;
            } else if let Either::Left((Some(lane), _)) = select(workers.next(), news).await {
                busy.remove(&lane);
            }
        }
    }

    /// Where there is something to send now.
    fn lanes(&self) -> HashSet<Lane> {
        let now = self.ports.clock.monotonic_ms();
        let mut state = self.state.borrow_mut();
        state.postponed.retain(|_, until| *until > now);
        let ready = |record: &&OutboxRecord| !state.postponed.contains_key(&record.number);
        let ready = state.outbox.values().filter(ready);
        ready.filter_map(OutboxRecord::lane).collect()
    }

    /// How long nothing has to be looked at again.
    pub(crate) fn shortest_postponement(&self) -> Duration {
        let now = self.ports.clock.monotonic_ms();
        let state = self.state.borrow();
        let next = state.postponed.values().min();
        next.map_or(LONGEST_SLEEP, |until| {
            Duration::from_millis(until.saturating_sub(now))
        })
    }

    /// Sends all of a lane, in order.
    async fn empty_lane(&self, account: &Account, lane: Lane) -> Lane {
        while let Some(first) = self.lane_entries(lane).first().map(|record| record.number) {
            if !self.send_next(account, lane, first).await {
                break;
            }
            self.refresh_status();
        }
        lane
    }

    /// What a lane has to send now, oldest first.
    pub(crate) fn lane_entries(&self, lane: Lane) -> Vec<OutboxRecord> {
        let state = self.state.borrow();
        let mut entries: Vec<_> = state
            .outbox
            .values()
            .filter(|record| record.lane() == Some(lane) && !state.postponed.contains_key(&record.number))
            .cloned()
            .collect();
        entries.sort_by_key(|record| record.number);
        entries.truncate(TOGETHER);
        entries
    }

    /// Tries until the lane's first message is stored or given up; `false` to leave the lane for now.
    async fn send_next(&self, account: &Account, lane: Lane, first: MessageId) -> bool {
        let (mut attempts, mut clock_refusals) = (0u32, 0u32);
        let (mut refusals, mut clock_refused_by) = (HashSet::new(), HashSet::new());
        let mut proofs = Proofs::default();
        loop {
            if !self.time.is_known() {
                self.net.resync.notify();
                self.time_known(TIME_WAIT).await;
            }
            if self.time.is_known() && self.correct_times(account, lane).await.is_err() {
                self.sleep(UNAVAILABLE_WAIT).await;
                continue;
            }
            let entries = self.lane_entries(lane);
            let present = entries.first().filter(|record| record.number == first);
            let Some((bytes, _)) = present.and_then(|record| record.copy(lane)) else {
                // Deleted meanwhile.
                return true;
            };
            let target = match lane {
                Lane::Contact(id) => id,
                Lane::Own => account.id(),
            };
            let hash = message_hash(&target, Namespace::MESSAGES, bytes);
            let members = self.members_of(&target);
            let next = proofs.next(&hash, &members).or(members.first());
            let Some(node) = next.filter(|_| self.net.online.get()) else {
                self.wait_for_connection().await;
                continue;
            };
            for record in &entries {
                self.mark_sending(record, lane, true).await;
            }
            let attempt = self
                .send_entries(&target, lane, &entries, node, &mut proofs)
                .await;
            // What a member has is not given up: the others are asked, and as many as take it are enough.
            let begun = proofs.begun(&hash, &members);
            let failure = match attempt {
                Attempt::Stored(hashes) => {
                    if self.finish(&entries, &hashes, lane).await.is_ok() {
                        return true;
                    }
                    // The store does not take it: sending the same again does no harm.
                    self.sleep(LONGEST_BACKOFF).await;
                    continue;
                }
                Attempt::Unavailable => {
                    for record in &entries {
                        self.mark_sending(record, lane, false).await;
                    }
                    self.wait_for_connection().await;
                    continue;
                }
                Attempt::Again => None,
                Attempt::Refused(failure) => {
                    refusals.insert(node.ed25519);
                    (refusals.len() >= REFUSALS).then_some(failure)
                }
                Attempt::Clock => {
                    clock_refusals += 1;
                    clock_refused_by.insert(node.ed25519);
                    let seen = self.clock_measured.count();
                    self.net.resync.notify();
                    if !begun {
                        let measured = Box::pin(self.clock_measured.passed(seen));
                        let _: Either<_, _> = select(measured, self.ports.clock.sleep(TIME_WAIT)).await;
                    }
                    // A swarm may have one member only.
                    let several = clock_refused_by.len() >= REFUSALS.min(members.len());
                    (clock_refusals >= CLOCK_REFUSALS && several).then_some(SendFailure::Clock)
                }
            };
            attempts += 1;
            let failure = failure.or((attempts >= ATTEMPTS).then_some(SendFailure::Network));
            for record in &entries {
                self.mark_sending(record, lane, false).await;
            }
            if let Some(failure) = failure.filter(|_| !begun) {
                return self.give_up(lane, first, failure).await;
            }
            self.sleep(self.jitter(BACKOFF.saturating_mul(1 << attempts.min(8)).min(LONGEST_BACKOFF)))
                .await;
        }
    }

    async fn wait_for_connection(&self) {
        let seen = self.net.changed.count();
        let changed = Box::pin(self.net.changed.passed(seen));
        let _: Either<_, _> = select(changed, self.ports.clock.sleep(UNAVAILABLE_WAIT)).await;
    }

    async fn mark_sending(&self, record: &OutboxRecord, lane: Lane, sending: bool) {
        if record.leads(lane, self.own_id()) {
            self.set_sending(&record.conversation, record.position(), sending)
                .await;
        }
    }

    /// One request with one or more messages to one node, and whether enough of its swarm have them now.
    async fn send_entries(
        &self,
        target: &Id,
        lane: Lane,
        entries: &[OutboxRecord],
        node: &ServiceNode,
        proofs: &mut Proofs,
    ) -> Attempt {
        let now = self.time.now();
        let stores: Vec<StoreRequest> = entries
            .iter()
            .filter_map(|record| record.copy(lane))
            .map(|(bytes, life)| StoreRequest::new(*target, Namespace::MESSAGES, bytes.clone(), now, life))
            .collect();
        let hashes: Vec<MessageHash> = stores.iter().map(StoreRequest::hash).collect();
        let requests = stores.into_iter().map(Request::Store).collect();
        let attempt = self.store_at(target, node, requests, &hashes, proofs).await;
        if let Err(Attempt::Unavailable) = attempt {
            return Attempt::Unavailable;
        }
        proofs.asked(&hashes, &node.ed25519);
        let stored: Vec<MessageHash> = hashes
            .into_iter()
            .take_while(|hash| self.is_stored(target, hash, proofs))
            .collect();
        if stored.is_empty() {
            attempt.err().unwrap_or(Attempt::Again)
        } else {
            Attempt::Stored(stored)
        }
    }

    /// The same without a look at what others proved: `Ok` when the node gave proof of the first message at least.
    async fn store_at(
        &self,
        target: &Id,
        node: &ServiceNode,
        mut requests: Vec<Request>,
        hashes: &[MessageHash],
        proofs: &mut Proofs,
    ) -> Result<(), Attempt> {
        let single = requests.len() == 1;
        let request = match requests.pop() {
            Some(request) if single => request,
            Some(request) => {
                requests.push(request);
                Request::Sequence(Batch::new(requests))
            }
            None => return Err(Attempt::Again),
        };
        let reply = match self.call(node, &request, SEND_TIMEOUT).await {
            Ok(reply) => reply,
            Err(CallError::Unavailable) => return Err(Attempt::Unavailable),
            Err(CallError::Failed) => return Err(Attempt::Again),
        };
        if single || reply.status != 200 {
            return self.read_store(target, node, reply.status, &reply.body, hashes.first(), proofs);
        }
        let Ok(results) = reply::parse::<BatchReply>(&reply.body) else {
            return Err(self.distrust(node));
        };
        let mut first = true;
        for (result, hash) in results.results.iter().zip(hashes) {
            let body = result.body.get().as_bytes();
            match self.read_store(target, node, result.code, body, Some(hash), proofs) {
                Ok(()) => first = false,
                Err(attempt) if first => return Err(attempt),
                Err(_) => break,
            }
        }
        if first { Err(self.distrust(node)) } else { Ok(()) }
    }

    /// Reads the answer to one store, and takes its proofs. A 200 counts only with the signature of a member; whether there are
    /// enough is another question: [`Core::is_stored`].
    pub(crate) fn read_store(
        &self,
        target: &Id,
        node: &ServiceNode,
        status: u16,
        body: &[u8],
        hash: Option<&MessageHash>,
        proofs: &mut Proofs,
    ) -> Result<(), Attempt> {
        match status {
            200 => {
                let hash = hash.ok_or(Attempt::Again)?;
                let Ok(stored) = reply::parse::<SwarmReply<Stored>>(body) else {
                    return Err(self.distrust(node));
                };
                let confirmed =
                    self.confirmations(target, &stored, |result, member| result.verify(member, hash));
                if confirmed.is_empty() {
                    return Err(self.distrust(node));
                }
                proofs.signed(hash, confirmed.into_iter().map(|(member, _)| member));
                if !self.is_stored(target, hash, proofs) {
                    // It may have told nobody else.
                    self.net.pool.borrow_mut().avoid(&node.ed25519, self.time.now());
                }
                Ok(())
            }
            406 => {
                self.net.pool.borrow_mut().avoid(&node.ed25519, self.time.now());
                Err(Attempt::Clock)
            }
            421 => {
                self.redirected(target, node, body);
                Err(Attempt::Again)
            }
            400 | 401 | 403 => {
                self.net.pool.borrow_mut().avoid(&node.ed25519, self.time.now());
                Err(Attempt::Refused(SendFailure::Refused))
            }
            413 => Err(Attempt::Refused(SendFailure::TooLarge)),
            _ => {
                self.net.pool.borrow_mut().avoid(&node.ed25519, self.time.now());
                Err(Attempt::Again)
            }
        }
    }

    /// An authenticated answer that can't be true is that node's fault.
    fn distrust(&self, node: &ServiceNode) -> Attempt {
        self.net.pool.borrow_mut().strike(&node.ed25519, self.time.now());
        Attempt::Again
    }

    /// Makes durable what was stored.
    async fn finish(
        &self,
        entries: &[OutboxRecord],
        hashes: &[MessageHash],
        lane: Lane,
    ) -> Result<(), StoreError> {
        let mut work = Work::begin(self).await;
        let (own, now) = (self.own_id(), self.time.now());
        for (record, hash) in entries.iter().zip(hashes) {
            let id = record.number;
            let Some(held) = work.outbox_entry(id) else {
                // Removed while it was on its way: what came to the own swarm goes again.
                if lane == Lane::Own && record.message {
                    work.add_job(hash.as_str().to_owned(), Job::Delete, None)?;
                }
                continue;
            };
            match lane {
                Lane::Contact(_) if held.for_self.is_some() => work.put_outbox(OutboxRecord {
                    for_contact: None,
                    guessed: None,
                    // Given up while it was on its way: it has arrived all the same.
                    failed: None,
                    ..held
                })?,
                Lane::Contact(_) | Lane::Own => work.remove_outbox(id),
            }
            if record.message {
                let hash = (lane == Lane::Own).then(|| hash.as_str().to_owned());
                if record.leads(lane, own) {
                    work.update(id, |message| expiry::start(&mut message.expiry, now))
                        .await?;
                }
                work.set_state(id, MessageState::Sent, hash).await?;
            }
        }
        work.commit().await?;
        let mut state = self.state.borrow_mut();
        for record in entries {
            state.sending.remove(&record.number);
        }
        Ok(())
    }

    /// Gives a message up until the user tries again. Whatever else is tried again later by itself, unless nodes refuse it
    /// or it could not live any more.
    async fn give_up(&self, lane: Lane, id: MessageId, failure: SendFailure) -> bool {
        let mut work = Work::begin(self).await;
        // As it is now: it may have been deleted while this waited for its turn.
        let entry = work.outbox_entry(id);
        let Some(record) = entry.filter(|record| record.failed.is_none()) else {
            return true;
        };
        let leads = record.leads(lane, self.own_id());
        let changed = async {
            if leads {
                work.put_outbox(OutboxRecord {
                    failed: Some(failure),
                    ..record
                })?;
                work.set_state(id, MessageState::Failed(failure), None).await?;
                return work.commit().await;
            }
            let over = record.sent_at.saturating_add(TTL_DEFAULT) < self.time.now();
            if over || matches!(failure, SendFailure::Refused | SendFailure::TooLarge) {
                if matches!(lane, Lane::Contact(_)) && record.for_self.is_some() {
                    work.put_outbox(OutboxRecord {
                        for_contact: None,
                        ..record
                    })?;
                } else {
                    work.remove_outbox(id);
                }
                return work.commit().await;
            }
            let wait = u64::try_from(COPY_WAIT.as_millis()).unwrap_or(0);
            let until = self.ports.clock.monotonic_ms().saturating_add(wait);
            self.state.borrow_mut().postponed.insert(id, until);
            Ok(())
        };
        if changed.await.is_err() {
            self.sleep(LONGEST_BACKOFF).await;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use futures::executor::block_on;

    use super::*;
    use crate::Options;
    use crate::driver::Driver;
    use crate::records::{Gone, Lifetime, MessageRecord};
    use crate::store::memory::MemoryStore;
    use crate::test_support::{CountingRng, ManualClock, id};
    use crate::testing::offline;

    const NOW: u64 = 1_780_000_000_000;

    #[test]
    fn what_is_deleted_while_it_is_being_given_up_does_not_come_back() {
        block_on(async {
            let clock = Rc::new(ManualClock::new(NOW));
            let store: Rc<MemoryStore> = Rc::default();
            let (ports, profile) = offline(store, clock, Rc::new(CountingRng::default()));
            let (spawner, _driver) = Driver::new();
            let core = Core::new(ports, profile, Options::default(), spawner);
            let mut work = Work::begin(&core).await;
            let record = MessageRecord::text(id(1), true, "x".to_owned(), MessageState::Queued);
            let number = work.insert(&id(2), NOW, record).await.unwrap().id;
            work.put_outbox(OutboxRecord {
                number,
                message: true,
                conversation: id(2),
                sent_at: NOW,
                for_contact: Some(vec![1]),
                for_self: Some(vec![2]),
                lifetime: Lifetime::LONGEST,
                guessed: None,
                failed: None,
                waiting: None,
            })
            .unwrap();
            work.commit().await.unwrap();
            let mut work = Work::begin(&core).await;
            let lane = Lane::Contact(id(2));
            let mut given_up = Box::pin(core.give_up(lane, number, SendFailure::Network));
            assert!((&mut given_up).now_or_never().is_none());
            work.remove(number, Gone::Here).await.unwrap();
            work.commit().await.unwrap();
            assert!(given_up.await);
            assert!(core.state.borrow().outbox.is_empty());
        });
    }
}
