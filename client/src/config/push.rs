//! Brings out what only this device has: one request with everything to store and everything to delete, confirmed only
//! when all of a document is stored (`spec/04-configs.md §15.2`); and keeps alive what is out (§15.3).

use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use futures::future::{Either, select};
use holdfast_protocol::account::Account;
use holdfast_protocol::config::{ConfigKind, ConfigState, TTL_CONFIG};
use holdfast_protocol::nodes::ServiceNode;
use holdfast_protocol::swarm::reply::{self, BatchReply, Deleted, Expired, SubReply, SwarmReply};
use holdfast_protocol::swarm::request::{Batch, Delete, Expire, ExpireMode, Request, Store};
use holdfast_protocol::swarm::{MessageHash, Signer};

use super::Configs;
use crate::core::Core;
use crate::network::proofs::Proofs;
use crate::network::request::CallError;
use crate::ports::StoreError;
use crate::work::Work;

/// Changes are collected for this long after the last one; read positions alone have more time.
const QUIET: Duration = Duration::from_secs(2);
const QUIET_READ_POSITIONS: Duration = Duration::from_secs(5);
/// Where nothing is kept and the account may be gone any moment, what was decided waits no longer than this.
const QUIET_FLEETING: Duration = Duration::from_millis(200);
/// However often something changes, it is pushed after this long.
const LONGEST_QUIET: Duration = Duration::from_secs(10);
/// Stores in one request; a node takes 20 requests in one (`spec/03-network.md §3.5`).
const TOGETHER: usize = 10;
/// Hashes deleted in one request.
const DELETED_TOGETHER: usize = 200;
/// A node forwards each message to its swarm.
const TIMEOUT: Duration = Duration::from_secs(20);
/// First wait after a failed push, doubled each time.
const BACKOFF: Duration = Duration::from_secs(1);
/// Longest such wait.
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);
/// How long an account that goes waits for a push.
const LAST_PUSH: Duration = Duration::from_secs(2);
/// How often it looks whether there has been one.
const LOOK: Duration = Duration::from_millis(20);
/// How long a push waits for network time, without which a signature may be refused.
const TIME_WAIT: Duration = Duration::from_secs(20);
/// The life of stored messages is prolonged this often, milliseconds; they live for 30 days.
const RENEW_MS: u64 = 12 * 60 * 60 * 1_000;

/// Why something was not brought out.
enum PushError {
    /// A node refused, or it or its path failed: again, after a while.
    Again,
    /// There is no connection: nobody was asked.
    Unavailable,
    /// The store does not take what has to be kept first.
    Store,
}

impl From<StoreError> for PushError {
    fn from(_: StoreError) -> Self {
        Self::Store
    }
}

/// One message on its way.
struct Part {
    kind: ConfigKind,
    data: Vec<u8>,
}

/// What a push brings out.
#[derive(Default)]
struct Prepared {
    /// The documents, with the sequence numbers to confirm.
    documents: Vec<(ConfigKind, i64)>,
    parts: Vec<Part>,
    /// Documents of which the swarm may have had these very messages before.
    again: BTreeSet<ConfigKind>,
}

impl Core {
    /// Pushes what changed for as long as the account is there.
    pub(crate) async fn run_config_push(self: Rc<Self>, account: Rc<Account>) {
        let mut failures = 0u32;
        loop {
            let (seen, woken) = (self.push.count(), self.wake.count());
            if !self.wants_push() {
                self.push.passed(seen).await;
                if failures == 0 {
                    self.quiet().await;
                }
                continue;
            }
            if !self.time.is_known() {
                self.net.resync.notify();
                self.time_known(TIME_WAIT).await;
            }
            match self.push_configs(&account).await {
                Ok(()) => failures = 0,
                Err(_) => {
                    failures = failures.saturating_add(1);
                    let wait = BACKOFF.saturating_mul(1 << failures.min(8)).min(LONGEST_BACKOFF);
                    self.sleep_unless_woken(woken, self.jitter(wait)).await;
                }
            }
        }
    }

    fn wants_push(&self) -> bool {
        let state = self.state.borrow();
        state.configs.as_ref().is_some_and(Configs::wants_push)
    }

    /// Pushes what was decided here at once, and waits for that a moment: the account is about to go. Read positions may go
    /// with it.
    pub(crate) async fn push_now(&self) {
        let waits = || {
            let state = self.state.borrow();
            let configs = state.configs.as_ref();
            self.net.online.get() && configs.is_some_and(Configs::has_decisions)
        };
        if !waits() {
            return;
        }
        self.hurry.set(true);
        self.push.notify();
        // One that failed has the next one wait.
        self.wake.notify();
        let pushed = async {
            while waits() {
                self.sleep(LOOK).await;
            }
        };
        let _: Either<_, _> = select(Box::pin(pushed), self.ports.clock.sleep(LAST_PUSH)).await;
        self.hurry.set(false);
    }

    /// Waits until nothing more changes, but not for ever.
    async fn quiet(&self) {
        let start = self.ports.clock.monotonic_ms();
        while !self.hurry.get() {
            let seen = self.push.count();
            let quiet = {
                let state = self.state.borrow();
                let slow = state.configs.as_ref().is_some_and(Configs::only_read_positions);
                // What changes while an account comes back was decided elsewhere.
                let fleeting = self.options.fleeting && state.restore.is_none();
                match (slow, fleeting) {
                    (true, _) => QUIET_READ_POSITIONS,
                    (false, true) => QUIET_FLEETING,
                    (false, false) => QUIET,
                }
            };
            let waited = self.ports.clock.monotonic_ms().saturating_sub(start);
            let left = LONGEST_QUIET.saturating_sub(Duration::from_millis(waited));
            let again = Box::pin(self.push.passed(seen));
            match select(again, self.ports.clock.sleep(quiet.min(left))).await {
                Either::Left(_) => {}
                Either::Right(_) => return,
            }
        }
    }

    /// One push of everything that waits, onto what the swarm has now: whoever pushes without looking counts on from where
    /// it was when it last looked, and others, far ahead, would not hear it any more (`spec/04-configs.md §6`).
    async fn push_configs(&self, account: &Account) -> Result<(), PushError> {
        let node = self.push_node(account)?;
        if self.any_waits() {
            self.pull_configs(account, &node)
                .await
                .map_err(|_| PushError::Again)?;
        }
        let Prepared {
            documents,
            parts,
            again,
        } = self.prepare_push(account).await?;
        let mut sent = 0;
        for group in parts.chunks(TOGETHER) {
            let deletes = sent + group.len() == parts.len();
            self.store_parts(account, &node, group, deletes).await?;
            sent += group.len();
        }
        if parts.is_empty() {
            self.store_parts(account, &node, &[], true).await?;
        }
        let mut work = Work::begin(self).await;
        for (kind, seqno) in documents {
            let hashes = hashes_of(account, &parts, kind);
            let taken = work.document(kind).is_some_and(|document| {
                document.confirm_pushed(seqno, hashes.iter().cloned());
                hashes.iter().all(|hash| document.current_hashes().contains(hash))
            });
            if let Some(sync) = work.sync().filter(|_| taken) {
                sync.hand_over(kind, Vec::new());
            }
        }
        work.read_anew(&again).await?;
        work.commit().await?;
        Ok(())
    }

    /// A member of the own swarm to push to.
    fn push_node(&self, account: &Account) -> Result<ServiceNode, PushError> {
        let node = self.members_of(&account.id()).into_iter().next();
        node.filter(|_| self.net.online.get()).ok_or(PushError::Again)
    }

    fn any_waits(&self) -> bool {
        let state = self.state.borrow();
        let configs = state.configs.as_ref();
        configs.is_some_and(|configs| ConfigKind::ALL.into_iter().any(|kind| configs.waits(kind)))
    }

    /// Makes the messages, and keeps that they were made.
    async fn prepare_push(&self, account: &Account) -> Result<Prepared, PushError> {
        let mut work = Work::begin(self).await;
        let now = work.now();
        let mut prepared = Prepared::default();
        let mut obsolete = Vec::new();
        let mut oversized = Vec::new();
        for kind in ConfigKind::ALL {
            let waits = {
                let state = self.state.borrow();
                state.configs.as_ref().is_some_and(|configs| configs.waits(kind))
            };
            let Some(document) = work.document(kind).filter(|_| waits) else {
                continue;
            };
            let again = document.state() == ConfigState::Waiting;
            // A document that is too large stays on this device until it shrinks, and the user hears of it.
            let Ok(push) = document.push(now) else {
                oversized.push(kind);
                continue;
            };
            obsolete.extend(push.obsolete);
            prepared.documents.push((kind, push.seqno));
            let parts = push.messages.into_iter().map(|data| Part { kind, data });
            prepared.parts.extend(parts);
            if again {
                prepared.again.insert(kind);
            }
        }
        // They come back from the own swarm: they are known already.
        let hashes: Vec<MessageHash> = prepared.parts.iter().map(|part| part.hash(account)).collect();
        for hash in &hashes {
            self.remember(&mut work, hash, None)?;
        }
        if let Some(sync) = work.sync() {
            for (kind, _) in &prepared.documents {
                // An edit or a crash came before the document heard that they were stored: nothing else names them.
                let unheard = sync.hand_over(*kind, hashes_of(account, &prepared.parts, *kind));
                sync.obsolete.extend(unheard);
            }
            sync.obsolete.extend(obsolete);
            sync.obsolete.sort_unstable();
            sync.obsolete.dedup();
            // What goes out now must stay, whatever an earlier push that failed was to delete.
            sync.obsolete
                .retain(|old| hashes.iter().all(|hash| hash.as_str() != old));
        }
        work.commit().await?;
        if let Some(configs) = &mut self.state.borrow_mut().configs {
            configs.oversized.extend(oversized);
        }
        self.tell_oversized();
        Ok(prepared)
    }

    /// Stores messages at one node, all or none, and deletes what is obsolete after them. Where too few members of the swarm have
    /// signed that they have them, others are asked the same.
    async fn store_parts(
        &self,
        account: &Account,
        node: &ServiceNode,
        parts: &[Part],
        deletes: bool,
    ) -> Result<(), PushError> {
        let own = account.id();
        let signer = Signer::Account(account.ed25519());
        let obsolete = if deletes { self.obsolete() } else { Vec::new() };
        let delete = (!obsolete.is_empty()).then(|| Delete::signed(own, obsolete.clone(), false, &signer));
        if parts.is_empty() && delete.is_none() {
            return Ok(());
        }
        // Signed for each node, when it is asked: after others were silent an older signature would be refused.
        let requests = || -> Vec<Request> {
            let now = self.time.now();
            let store = |part: &Part| {
                let store = Store::new(own, part.kind.namespace(), part.data.clone(), now, TTL_CONFIG);
                Request::Store(store.signed(&signer, now))
            };
            let deletion = delete.clone().map(Request::Delete);
            parts.iter().map(store).chain(deletion).collect()
        };
        let hashes: Vec<MessageHash> = parts.iter().map(|part| part.hash(account)).collect();
        let mut proofs = Proofs::default();
        let mut node = *node;
        loop {
            let answer = self
                .store_at_node(account, &node, requests(), &hashes, &mut proofs)
                .await;
            let results = match answer {
                Ok(results) => results,
                // Others may still bring what is missing, or nobody can.
                Err(PushError::Again) if proofs.any() => Vec::new(),
                Err(error) => return Err(error),
            };
            proofs.asked(&hashes, &node.ed25519);
            if hashes.iter().all(|hash| self.is_stored(&own, hash, &proofs)) {
                // What was not deleted by then is deleted with the next push.
                return match (&delete, results.get(parts.len())) {
                    (Some(delete), Some(result)) => self.deleted(delete, result).await,
                    _ => Ok(()),
                };
            }
            let members = self.members_of(&own);
            let next = hashes.first().and_then(|hash| proofs.next(hash, &members));
            node = *next.ok_or(PushError::Again)?;
        }
    }

    /// The same at one node, with the proofs that it brings.
    async fn store_at_node(
        &self,
        account: &Account,
        node: &ServiceNode,
        requests: Vec<Request>,
        hashes: &[MessageHash],
        proofs: &mut Proofs,
    ) -> Result<Vec<SubReply>, PushError> {
        let results = self.sequence(account, node, requests).await?;
        for (hash, result) in hashes.iter().zip(results.iter()) {
            let body = result.body.get().as_bytes();
            self.read_store(&account.id(), node, result.code, body, Some(hash), proofs)
                .map_err(|_| PushError::Again)?;
        }
        if results.len() < hashes.len() {
            self.net.pool.borrow_mut().strike(&node.ed25519, self.time.now());
            return Err(PushError::Again);
        }
        Ok(results)
    }

    /// What is to be deleted, as far as one request goes.
    fn obsolete(&self) -> Vec<MessageHash> {
        let state = self.state.borrow();
        let Some(configs) = &state.configs else {
            return Vec::new();
        };
        configs
            .deletable()
            .filter_map(|hash| hash.parse().ok())
            .take(DELETED_TOGETHER)
            .collect()
    }

    /// A node says that it deleted: believed when a member of the swarm signs it.
    async fn deleted(&self, delete: &Delete, result: &SubReply) -> Result<(), PushError> {
        let confirmed = result.parse::<SwarmReply<Deleted>>().is_ok_and(|reply| {
            let confirmations = self.confirmations(&delete.account, &reply, |result, member| {
                result.verify(member, delete)
            });
            !confirmations.is_empty()
        });
        if !confirmed {
            return Err(PushError::Again);
        }
        let done: Vec<&str> = delete.messages.iter().map(MessageHash::as_str).collect();
        let mut work = Work::begin(self).await;
        if let Some(sync) = work.sync() {
            sync.obsolete.retain(|hash| !done.contains(&hash.as_str()));
        }
        work.commit().await?;
        Ok(())
    }

    /// Requests one after the other at a node, which stops at the first that fails.
    async fn sequence(
        &self,
        account: &Account,
        node: &ServiceNode,
        requests: Vec<Request>,
    ) -> Result<Vec<SubReply>, PushError> {
        let request = Request::Sequence(Batch::new(requests));
        let reply = match self.call(node, &request, TIMEOUT).await {
            Ok(reply) => reply,
            Err(CallError::Unavailable) => return Err(PushError::Unavailable),
            Err(CallError::Failed) => return Err(PushError::Again),
        };
        match reply.status {
            200 => {}
            406 => {
                self.net.pool.borrow_mut().avoid(&node.ed25519, self.time.now());
                self.net.resync.notify();
                return Err(PushError::Again);
            }
            421 => {
                self.redirected(&account.id(), node, &reply.body);
                return Err(PushError::Again);
            }
            _ => {
                self.net.pool.borrow_mut().avoid(&node.ed25519, self.time.now());
                return Err(PushError::Again);
            }
        }
        match reply::parse::<BatchReply>(&reply.body) {
            Ok(batch) => Ok(batch.results),
            Err(_) => {
                self.net.pool.borrow_mut().strike(&node.ed25519, self.time.now());
                Err(PushError::Again)
            }
        }
    }

    /// Prolongs the life of what is stored for as long as the account is there. A wake is a reason to look: timers may stand
    /// still while a machine sleeps, and one that is awake for minutes only would never come to it.
    pub(crate) async fn run_config_renewal(self: Rc<Self>, account: Rc<Account>) {
        loop {
            let (woken, now) = (self.wake.count(), self.time.now());
            let due = {
                let state = self.state.borrow();
                let sync = state.configs.as_ref().map(|configs| &configs.sync);
                sync.filter(|sync| sync.pulled)
                    .map(|sync| renewal_due(sync.renewed_at, now))
            };
            let wait = match due {
                Some(due) if due <= now => {
                    if !self.time.is_known() {
                        self.net.resync.notify();
                        if self.time_known(TIME_WAIT).await {
                            // It may be another time than it seemed.
                            continue;
                        }
                    }
                    if self.renew(&account).await.is_ok() {
                        continue;
                    }
                    LONGEST_BACKOFF
                }
                Some(due) => Duration::from_millis(due.saturating_sub(now)).min(LONGEST_BACKOFF * 60),
                None => LONGEST_BACKOFF,
            };
            self.sleep_unless_woken(woken, self.jitter(wait)).await;
        }
    }

    /// One renewal; what the swarm lost is stored again.
    async fn renew(&self, account: &Account) -> Result<(), PushError> {
        let own = account.id();
        let now = self.time.now();
        let (active, all): (BTreeSet<MessageHash>, BTreeSet<MessageHash>) = {
            let state = self.state.borrow();
            let configs = state.configs.as_ref();
            let active = configs.map(Configs::active).unwrap_or_default();
            let replaced = configs.map(Configs::replaced).unwrap_or_default();
            let parsed = |hash: &String| hash.parse::<MessageHash>().ok();
            let all = active.iter().chain(replaced).filter_map(parsed).collect();
            (active.iter().filter_map(parsed).collect(), all)
        };
        if !all.is_empty() {
            let signer = Signer::Account(account.ed25519());
            let expiry = vec![now.saturating_add(TTL_CONFIG)];
            let messages = all.into_iter().collect();
            let request = Expire::signed(own, messages, expiry, ExpireMode::Extend, &signer);
            let node = self.push_node(account)?;
            let results = self
                .sequence(account, &node, vec![Request::Expire(request.clone())])
                .await?;
            let result = results.first().ok_or(PushError::Again)?;
            let reply: SwarmReply<Expired> = result.parse().map_err(|_| PushError::Again)?;
            let mut confirmed = false;
            let mut alive: Vec<MessageHash> = Vec::new();
            let confirmations =
                self.confirmations(&own, &reply, |result, member| result.verify(member, &request));
            for (_, expired) in confirmations {
                confirmed = true;
                alive.extend(&expired.updated);
                alive.extend(expired.unchanged.iter().flat_map(|kept| kept.keys()));
            }
            if !confirmed {
                self.net.pool.borrow_mut().avoid(&node.ed25519, now);
                return Err(PushError::Again);
            }
            let lost: Vec<MessageHash> = active.into_iter().filter(|hash| !alive.contains(hash)).collect();
            if !lost.is_empty() {
                // Mostly another device has put something in its place.
                self.pull_configs(account, &node)
                    .await
                    .map_err(|_| PushError::Again)?;
                self.store_again(account, &lost).await?;
            }
        }
        let mut work = Work::begin(self).await;
        if let Some(sync) = work.sync() {
            sync.renewed_at = now;
        }
        work.commit().await?;
        Ok(())
    }

    /// Stores documents again of which the swarm lost a message.
    async fn store_again(&self, account: &Account, lost: &[MessageHash]) -> Result<(), PushError> {
        let mut parts = Vec::new();
        let mut kinds = BTreeSet::new();
        for kind in ConfigKind::ALL {
            let again = self.read_configs(|docs| {
                let document = docs.get(kind);
                let mut hashes = document.current_hashes().iter();
                let lost = hashes.any(|hash| lost.iter().any(|lost| lost.as_str() == hash));
                let stored = (lost && !document.needs_push()).then(|| document.push_again());
                stored.and_then(Result::ok)
            });
            if let Some(messages) = again.flatten() {
                parts.extend(messages.into_iter().map(|data| Part { kind, data }));
                kinds.insert(kind);
            }
        }
        // Before as well, since a crash may come between.
        self.read_anew(&kinds).await?;
        for group in parts.chunks(TOGETHER) {
            let node = self.push_node(account)?;
            self.store_parts(account, &node, group, false).await?;
        }
        self.read_anew(&kinds).await?;
        Ok(())
    }
}

/// When the life of what is stored is to be prolonged, Unix milliseconds. A last time that is still to come was told by a clock
/// that was wrong, and says nothing.
fn renewal_due(renewed_at: u64, now: u64) -> u64 {
    if renewed_at > now {
        now
    } else {
        renewed_at.saturating_add(RENEW_MS)
    }
}

/// The storage hashes of one document's messages.
fn hashes_of(account: &Account, parts: &[Part], kind: ConfigKind) -> Vec<String> {
    let parts = parts.iter().filter(|part| part.kind == kind);
    parts.map(|part| part.hash(account).as_str().to_owned()).collect()
}

impl Part {
    fn hash(&self, account: &Account) -> MessageHash {
        holdfast_protocol::swarm::message_hash(&account.id(), self.kind.namespace(), &self.data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renewal_at_a_time_to_come_does_not_put_off_the_next_one() {
        let now = 1_780_000_000_000;
        assert_eq!(renewal_due(now - 1, now), now - 1 + RENEW_MS);
        assert!(renewal_due(now - RENEW_MS, now) <= now);
        assert!(renewal_due(now + 60 * 24 * 60 * 60 * 1_000, now) <= now);
    }
}
