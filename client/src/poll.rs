//! Fetches what the own swarm holds: held open where nodes allow it, otherwise every few seconds
//! (`spec/03-network.md §6`).

use std::rc::Rc;
use std::time::Duration;

use futures::future::{Either, select};
use holdfast_protocol::account::Account;
use holdfast_protocol::config::ConfigKind;
use holdfast_protocol::keys::Ed25519PublicKey;
use holdfast_protocol::nodes::ServiceNode;
use holdfast_protocol::swarm::reply::{self, BatchReply, InfoReply, RetrieveReply, SubReply};
use holdfast_protocol::swarm::request::{Batch, Request, Retrieve};
use holdfast_protocol::swarm::{Namespace, Signer};

use crate::core::Core;
use crate::network::request::{CallError, NodeReply, REQUEST_TIMEOUT};
use crate::ports::StoreError;

/// What is polled for the own account, in one batch, and which part of the largest answer each may take: configs come
/// before messages (`spec/04-configs.md §15.1`).
const NAMESPACES: [(Namespace, i64); 5] = [
    (Namespace::USER_PROFILE, -8),
    (Namespace::CONTACTS, -8),
    (Namespace::USER_GROUPS, -8),
    (Namespace::CONVO_INFO_VOLATILE, -8),
    (Namespace::MESSAGES, -2),
];
/// The same, where only documents are asked for.
const CONFIG_SHARE: i64 = -4;
/// A node is asked this often in a row: replicas drift, and one alone might hold something back.
const POLLS_PER_NODE: u32 = 6;
/// First wait after a failure, doubled each time.
const BACKOFF: Duration = Duration::from_millis(250);
/// Longest wait between polls that fail.
const LONGEST_BACKOFF: Duration = Duration::from_secs(15);
/// Polls that fail in a row before the connection counts as lost.
const FAILURES_TO_TELL: u32 = 2;
/// How long the first poll waits for network time, without which a signature may be refused.
const TIME_WAIT: Duration = Duration::from_secs(5);
/// Pages read at once before other nodes get their turn (`spec/03-network.md §3.10`).
const MAX_PAGES: u32 = 20;
/// What came with a wait may take this much longer than a plain request.
const WAIT_SLACK: Duration = Duration::from_secs(10);
/// The longest hold that is asked for, milliseconds.
const MAX_WAIT_MS: u64 = 25_000;
/// Nothing heard for longer than this means that the machine slept, or that there was no connection: longer than a poll may
/// take whose answer is held.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);
/// Old hashes are forgotten once per start, after the first polls.
const PRUNE_AFTER: Duration = Duration::from_secs(60);

/// Why a poll brought nothing.
pub(crate) enum PollError {
    /// No connection.
    Unavailable,
    /// The node or the path failed.
    Node,
    /// The store does not take what came.
    Store,
}

/// Which node is polled.
#[derive(Default)]
struct Turn {
    node: Option<Ed25519PublicKey>,
    polls: u32,
    pages: u32,
}

impl Core {
    /// Polls for as long as the account is there.
    pub(crate) async fn run_poll(self: Rc<Self>, account: Rc<Account>) {
        let mut turn = Turn::default();
        let mut failures = 0u32;
        loop {
            let woken = self.wake.count();
            let changed = self.net.changed.count();
            let mut unavailable = false;
            self.note_silence();
            if self.net.online.get() && !self.time.is_known() {
                self.net.resync.notify();
                self.time_known(TIME_WAIT).await;
            }
            let outcome = match self.next_node(&account, &mut turn) {
                Some(node) if self.net.online.get() => self.poll(&account, &node, &mut turn, woken).await,
                _ => Err(PollError::Unavailable),
            };
            let wait = match outcome {
                Ok(Some(wait)) => {
                    failures = 0;
                    wait
                }
                // Woken: what was in flight may be dead, so another node is asked.
                Ok(None) => {
                    turn = Turn::default();
                    continue;
                }
                Err(error) => {
                    failures = failures.saturating_add(1);
                    unavailable = matches!(error, PollError::Unavailable);
                    if !matches!(error, PollError::Store) {
                        turn.polls = POLLS_PER_NODE;
                    }
                    if failures >= FAILURES_TO_TELL {
                        {
                            let mut state = self.state.borrow_mut();
                            // What comes until there is a connection again will have to be caught up with.
                            let worked = std::mem::replace(&mut state.polling_works, false);
                            state.catching_up |= worked;
                        }
                        self.refresh_status();
                    }
                    self.jitter(BACKOFF.saturating_mul(1 << failures.min(8)).min(LONGEST_BACKOFF))
                }
            };
            if unavailable {
                // As soon as there are nodes and paths, whatever was waited for them before.
                self.sleep(BACKOFF.min(wait)).await;
                let ready = Box::pin(self.net.changed.passed(changed));
                let woken = Box::pin(self.wake.passed(woken));
                let _: Either<_, _> = select(select(ready, woken), self.ports.clock.sleep(wait)).await;
            } else if !wait.is_zero() {
                self.sleep_unless_woken(woken, wait).await;
            }
        }
    }

    /// The mailbox may hold what is not known here: told until it was read to its end.
    pub(crate) fn fall_behind(&self) {
        {
            let mut state = self.state.borrow_mut();
            if state.account.is_none() || state.catching_up {
                return;
            }
            state.catching_up = true;
        }
        self.refresh_status();
    }

    /// A machine that slept may not have been told so: then the clock tells.
    fn note_silence(&self) {
        let longest = LONGEST_SILENCE.max(self.options.poll_interval.saturating_mul(2));
        let longest = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
        let (last, known) = {
            let state = self.state.borrow();
            (state.last_poll, state.catching_up)
        };
        if !known && last.is_some_and(|at| self.time.now().saturating_sub(at) > longest) {
            self.fall_behind();
            self.due.notify();
        }
    }

    /// Forgets old hashes some time after the start. By a clock that is wrong, what still counts would be forgotten, and
    /// what was deleted would come again.
    pub(crate) async fn run_pruning(self: Rc<Self>) {
        self.sleep(PRUNE_AFTER).await;
        while !self.time_known(PRUNE_AFTER).await {}
        // Nothing depends on it; the next start tries again.
        let _ = self.prune_seen().await;
    }

    /// The same node for some polls, then another member.
    fn next_node(&self, account: &Account, turn: &mut Turn) -> Option<ServiceNode> {
        let members = self.members_of(&account.id());
        let now = self.time.now();
        let stays = |node: &&ServiceNode| {
            Some(node.ed25519) == turn.node && self.net.pool.borrow().rank(&node.ed25519, now) == 0
        };
        if turn.polls < POLLS_PER_NODE
            && let Some(node) = members.iter().find(stays)
        {
            turn.polls += 1;
            return Some(*node);
        }
        let other = members
            .iter()
            .find(|node| Some(node.ed25519) != turn.node)
            .or(members.first())?;
        *turn = Turn {
            node: Some(other.ed25519),
            polls: 1,
            pages: 0,
        };
        Some(*other)
    }

    /// One poll. Gives how long to wait until the next, or nothing when it was woken out of this one.
    async fn poll(
        &self,
        account: &Account,
        node: &ServiceNode,
        turn: &mut Turn,
        woken: u64,
    ) -> Result<Option<Duration>, PollError> {
        let now = self.time.now();
        let signer = Signer::Account(account.ed25519());
        let mut requests = Vec::new();
        let mut caught_up = true;
        for (namespace, share) in NAMESPACES {
            let cursor = self
                .cursor(account, &node.ed25519, namespace)
                .await
                .map_err(|error| self.store_failed(error))?;
            caught_up &= cursor.is_some();
            let mut retrieve = Retrieve::new(account.id(), namespace, cursor);
            retrieve.max_size = Some(share);
            requests.push(Request::Retrieve(retrieve.signed(&signer, now)));
        }
        let knows_wait = self.net.waits.borrow().contains_key(&node.ed25519);
        if !knows_wait {
            requests.push(Request::Info);
        }
        let mut batch = Batch::new(requests);
        // An empty mailbox has no cursor: after one poll it may be waited on as well.
        // Whoever has just come back is not kept waiting for news to hear that there are none.
        let behind = self.state.borrow().catching_up;
        let holds = self
            .wait_of(&node.ed25519)
            .filter(|_| !behind && (caught_up || turn.polls > 1));
        batch.wait_ms = holds.map(|wait| wait.min(MAX_WAIT_MS));
        let timeout = batch.wait_ms.map_or(REQUEST_TIMEOUT, |wait| {
            Duration::from_millis(wait).saturating_add(WAIT_SLACK)
        });
        let waited = batch.wait_ms.is_some();
        let started = self.ports.clock.monotonic_ms();
        let request = Request::Batch(batch);
        let reply = {
            let call = Box::pin(self.call(node, &request, timeout));
            match select(call, Box::pin(self.wake.passed(woken))).await {
                Either::Left((reply, _)) => reply,
                Either::Right(_) => return Ok(None),
            }
        };
        let reply = reply.map_err(|error| match error {
            CallError::Unavailable => PollError::Unavailable,
            CallError::Failed => PollError::Node,
        })?;
        let (new, more) = self.read_poll(account, node, &reply).await?;
        {
            let mut state = self.state.borrow_mut();
            state.polling_works = true;
            state.last_poll = Some(self.time.now());
            // What was asked before the last wake may have been answered before the sleep.
            state.catching_up &= more || self.wake.count() != woken;
        }
        self.refresh_status();
        if more && turn.pages < MAX_PAGES {
            turn.pages += 1;
            turn.polls = turn.polls.saturating_sub(1);
            return Ok(Some(Duration::ZERO));
        }
        turn.pages = 0;
        let held = self.ports.clock.monotonic_ms().saturating_sub(started);
        let can_hold = self.wait_of(&node.ed25519).is_some();
        // A node that should hold but answers at once, over and over, must not make this spin.
        if can_hold && (new || !waited || held >= u64::try_from(BACKOFF.as_millis()).unwrap_or(0)) {
            Ok(Some(Duration::ZERO))
        } else if can_hold {
            Ok(Some(BACKOFF / 4))
        } else {
            Ok(Some(self.jitter(self.options.poll_interval)))
        }
    }

    /// Reads to the end what a node has of the account's documents.
    pub(crate) async fn pull_configs(&self, account: &Account, node: &ServiceNode) -> Result<(), PollError> {
        for _ in 0..MAX_PAGES {
            let now = self.time.now();
            let signer = Signer::Account(account.ed25519());
            let mut requests = Vec::new();
            for kind in ConfigKind::ALL {
                let cursor = self.cursor(account, &node.ed25519, kind.namespace()).await;
                let cursor = cursor.map_err(|error| self.store_failed(error))?;
                let mut retrieve = Retrieve::new(account.id(), kind.namespace(), cursor);
                retrieve.max_size = Some(CONFIG_SHARE);
                requests.push(Request::Retrieve(retrieve.signed(&signer, now)));
            }
            let request = Request::Batch(Batch::new(requests));
            let reply = self.call(node, &request, REQUEST_TIMEOUT).await;
            let reply = reply.map_err(|error| match error {
                CallError::Unavailable => PollError::Unavailable,
                CallError::Failed => PollError::Node,
            })?;
            if reply.status != 200 {
                self.refused(account, node, reply.status, &reply.body);
                return Err(PollError::Node);
            }
            let batch: BatchReply = self.readable(node, reply::parse(&reply.body).ok())?;
            if batch.results.len() < ConfigKind::ALL.len() {
                return self.readable(node, None);
            }
            let mut more = false;
            for (kind, result) in ConfigKind::ALL.into_iter().zip(&batch.results) {
                if !result.is_success() {
                    self.refused(account, node, result.code, result.body.get().as_bytes());
                    return Err(PollError::Node);
                }
                let page: RetrieveReply = self.readable(node, result.parse().ok())?;
                let taken = self
                    .receive_configs(account, &node.ed25519, kind, &page.messages)
                    .await
                    .map_err(|error| self.store_failed(error))?;
                if taken.forged > 0 || page.unreadable > 0 {
                    self.net.pool.borrow_mut().strike(&node.ed25519, self.time.now());
                }
                more |= page.more && !page.messages.is_empty();
            }
            if !more {
                break;
            }
        }
        Ok(())
    }

    /// Takes what a poll brought; tells whether there was anything new, and whether there is more.
    async fn read_poll(
        &self,
        account: &Account,
        node: &ServiceNode,
        reply: &NodeReply,
    ) -> Result<(bool, bool), PollError> {
        if reply.status != 200 {
            self.refused(account, node, reply.status, &reply.body);
            return Err(PollError::Node);
        }
        let batch: BatchReply = self.readable(node, reply::parse(&reply.body).ok())?;
        let (mut new, mut more) = (false, false);
        for ((namespace, _), result) in NAMESPACES.into_iter().zip(&batch.results) {
            if !result.is_success() {
                self.refused(account, node, result.code, result.body.get().as_bytes());
                return Err(PollError::Node);
            }
            let page: RetrieveReply = self.readable(node, result.parse().ok())?;
            let kind = ConfigKind::of_namespace(namespace);
            let taken = match kind {
                Some(kind) => {
                    self.receive_configs(account, &node.ed25519, kind, &page.messages)
                        .await
                }
                // Whether a message still counts is in the configs: they are read to their end first.
                None if more => break,
                None => {
                    self.receive(account, &node.ed25519, namespace, &page.messages)
                        .await
                }
            };
            let taken = taken.map_err(|error| self.store_failed(error))?;
            if taken.forged > 0 || page.unreadable > 0 {
                self.net.pool.borrow_mut().strike(&node.ed25519, self.time.now());
            }
            new |= taken.new > 0;
            let rest = page.more && !page.messages.is_empty();
            more |= rest;
            match kind {
                Some(kind) if !rest => self.document_read(kind).await,
                _ => self.restore_went_on().await,
            }
        }
        if batch.results.len() < NAMESPACES.len() {
            return self.readable(node, None);
        }
        if !more {
            self.note_pulled()
                .await
                .map_err(|error| self.store_failed(error))?;
            self.mailbox_read().await;
        }
        self.note_info(node, batch.results.get(NAMESPACES.len()));
        Ok((new, more))
    }

    /// Garbage from an authenticated node is that node's fault.
    pub(crate) fn readable<T>(&self, node: &ServiceNode, parsed: Option<T>) -> Result<T, PollError> {
        if parsed.is_none() {
            self.net.pool.borrow_mut().strike(&node.ed25519, self.time.now());
        }
        parsed.ok_or(PollError::Node)
    }

    fn store_failed(&self, error: StoreError) -> PollError {
        self.note_store(&Err(error));
        PollError::Store
    }

    pub(crate) fn note_info(&self, node: &ServiceNode, result: Option<&SubReply>) {
        if let Some(result) = result {
            let wait = result.parse::<InfoReply>().ok().and_then(|info| info.wait);
            self.net.waits.borrow_mut().insert(node.ed25519, wait);
        }
    }

    pub(crate) fn refused(&self, account: &Account, node: &ServiceNode, status: u16, body: &[u8]) {
        match status {
            406 => self.net.resync.notify(),
            421 => self.redirected(&account.id(), node, body),
            _ => self.net.pool.borrow_mut().avoid(&node.ed25519, self.time.now()),
        }
    }
}
