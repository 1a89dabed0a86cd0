//! The meeting places: mailboxes of throw-away accounts that are read by their owner for some minutes, written by anybody
//! who knows their id, and emptied in the end (`spec/03-network.md §3.9 – §3.11`).

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::time::Duration;

use futures::future::{Either, select};
use holdfast_protocol::account::{Account, Id};
use holdfast_protocol::keys::Ed25519PublicKey;
use holdfast_protocol::nodes::ServiceNode;
use holdfast_protocol::swarm::reply::{self, BatchReply, RetrieveReply};
use holdfast_protocol::swarm::request::{Batch, DeleteAll, Request, Retrieve, Store};
use holdfast_protocol::swarm::{MIN_TTL_MS, MessageHash, Namespace, Signer};

use super::TIME_WAIT;
use crate::api::TransferFault;
use crate::core::Core;
use crate::network::proofs::Proofs;
use crate::network::request::{CallError, NodeReply, REQUEST_TIMEOUT};
use crate::sending::Attempt;

/// Messages that are looked at: three are expected, and whoever knows the mailbox can put more there.
const MOST_MESSAGES: usize = 50;
/// The most bytes of messages that are asked for at once, as a node counts them.
const PAGE_SIZE: i64 = 64 * 1024;
/// Pause between two looks at nodes that hold nothing open, and after a failure.
const PAUSE: Duration = Duration::from_secs(2);
/// How long a node is asked to hold the answer, milliseconds: one that is gone must not cost the whole time of a code.
const HOLD_MS: u64 = 10_000;
/// What came with a wait may take this much longer than a plain request.
const HOLD_SLACK: Duration = Duration::from_secs(5);
/// A node forwards to its swarm for up to 5 s (`spec/03-network.md §3.8`).
const STORE_TIMEOUT: Duration = Duration::from_secs(15);
/// How long it is tried to have anybody store a message.
const STORE_LONGEST_MS: u64 = 20_000;
/// First pause between two tries to store or to delete, doubled each time.
const BACKOFF: Duration = Duration::from_millis(400);
/// How often it is tried to delete what is left.
const DELETE_TRIES: u32 = 4;

/// A throw-away account's mailbox, and how far it was read.
pub(super) struct Mailbox {
    account: Account,
    cursors: HashMap<Ed25519PublicKey, MessageHash>,
    seen: HashSet<MessageHash>,
    /// The node that was asked last: the next time another one is.
    asked: Option<Ed25519PublicKey>,
}

impl Mailbox {
    pub(super) fn new(account: Account) -> Self {
        Self {
            account,
            cursors: HashMap::new(),
            seen: HashSet::new(),
            asked: None,
        }
    }

    /// Takes a node's page: what was not seen yet. Hashes are checked, so that a node can't hide a message behind another's.
    fn take(&mut self, node: &Ed25519PublicKey, page: RetrieveReply) -> Vec<Vec<u8>> {
        let id = self.account.id();
        let mut new = Vec::new();
        for message in page.messages {
            if !message.hash_matches(&id, Namespace::MESSAGES) {
                continue;
            }
            self.cursors.insert(*node, message.hash);
            if self.seen.insert(message.hash) {
                new.push(message.data);
            }
        }
        new
    }
}

impl Core {
    /// Waits for messages; `None` once there were more than are looked at.
    pub(super) async fn arrivals(&self, mailbox: &mut Mailbox) -> Option<Vec<Vec<u8>>> {
        loop {
            if !self.time.is_known() {
                self.net.resync.notify();
                self.time_known(TIME_WAIT).await;
            }
            let woken = self.wake.count();
            let started = self.ports.clock.monotonic_ms();
            let looked = {
                let look = Box::pin(self.look_into(mailbox));
                match select(look, Box::pin(self.wake.passed(woken))).await {
                    Either::Left((looked, _)) => looked,
                    // What was on its way may be dead.
                    Either::Right(_) => continue,
                }
            };
            let failed = looked.is_none();
            let arrived = looked.unwrap_or_default();
            if mailbox.seen.len() > MOST_MESSAGES {
                return None;
            }
            if !arrived.is_empty() {
                return Some(arrived);
            }
            let took = Duration::from_millis(self.ports.clock.monotonic_ms().saturating_sub(started));
            // The node held the request: it can be asked again at once.
            if failed || took < PAUSE {
                let woken = Box::pin(self.wake.passed(woken));
                let pause = self.ports.clock.sleep(self.jitter(PAUSE));
                let _: Either<_, _> = select(woken, pause).await;
            }
        }
    }

    /// Asks one member of the swarm; `None` when it does not answer as it should.
    async fn look_into(&self, mailbox: &mut Mailbox) -> Option<Vec<Vec<u8>>> {
        let id = mailbox.account.id();
        let members = self.members_of(&id);
        let other = members
            .iter()
            .find(|node| Some(node.ed25519) != mailbox.asked)
            .or(members.first());
        let node = *other.filter(|_| self.net.online.get())?;
        mailbox.asked = Some(node.ed25519);
        let cursor = mailbox.cursors.get(&node.ed25519).copied();
        let mut retrieve = Retrieve::new(id, Namespace::MESSAGES, cursor);
        retrieve.max_count = u64::try_from(MOST_MESSAGES).ok();
        retrieve.max_size = Some(PAGE_SIZE);
        let signer = Signer::Account(mailbox.account.ed25519());
        let retrieve = retrieve.signed(&signer, self.time.now());
        let mut requests = vec![Request::Retrieve(retrieve)];
        if !self.net.waits.borrow().contains_key(&node.ed25519) {
            requests.push(Request::Info);
        }
        let mut batch = Batch::new(requests);
        batch.wait_ms = self.wait_of(&node.ed25519).map(|wait| wait.min(HOLD_MS));
        let timeout = batch.wait_ms.map_or(REQUEST_TIMEOUT, |wait| {
            Duration::from_millis(wait).saturating_add(HOLD_SLACK)
        });
        let reply = self.call(&node, &Request::Batch(batch), timeout).await.ok()?;
        let page = self.read_mail(&mailbox.account, &node, &reply)?;
        Some(mailbox.take(&node.ed25519, page))
    }

    fn read_mail(&self, account: &Account, node: &ServiceNode, reply: &NodeReply) -> Option<RetrieveReply> {
        if reply.status != 200 {
            self.refused(account, node, reply.status, &reply.body);
            return None;
        }
        let batch: BatchReply = self.readable(node, reply::parse(&reply.body).ok()).ok()?;
        let first = self.readable(node, batch.results.first()).ok()?;
        if !first.is_success() {
            self.refused(account, node, first.code, first.body.get().as_bytes());
            return None;
        }
        self.note_info(node, batch.results.get(1));
        self.readable(node, first.parse().ok()).ok()
    }

    /// Puts a message of a transfer into a mailbox, by any member of its swarm, until half of them prove that they have it. It
    /// lives as long as the transfer may last.
    ///
    /// # Errors
    /// [`TransferFault::Expired`], [`TransferFault::NotNow`] when the transfer was ended, [`TransferFault::Unreachable`].
    pub(super) async fn leave(&self, number: u64, to: &Id, message: &[u8]) -> Result<(), TransferFault> {
        let start = self.ports.clock.monotonic_ms();
        let mut failures = 0u32;
        let mut proofs = Proofs::default();
        loop {
            if !self.transfer_runs(number) {
                return Err(TransferFault::NotNow);
            }
            let left = self.transfer_left(number).ok_or(TransferFault::Expired)?;
            let life = left.max(MIN_TTL_MS);
            if self.try_to_leave(to, message, life, &mut proofs).await {
                return Ok(());
            }
            let tried = self.ports.clock.monotonic_ms().saturating_sub(start);
            // Once somebody has it, all others are asked, each of which may be silent.
            if tried >= STORE_LONGEST_MS && !proofs.any() {
                return Err(TransferFault::Unreachable);
            }
            self.back_off(failures).await;
            failures = failures.saturating_add(1);
        }
    }

    async fn try_to_leave(&self, to: &Id, message: &[u8], ttl_ms: u64, proofs: &mut Proofs) -> bool {
        let now = self.time.now();
        let store = Store::new(*to, Namespace::MESSAGES, message.to_vec(), now, ttl_ms);
        let hash = store.hash();
        let members = self.members_of(to);
        let next = proofs.next(&hash, &members).or(members.first());
        let Some(node) = next.filter(|_| self.net.online.get()) else {
            return false;
        };
        match self.call(node, &Request::Store(store), STORE_TIMEOUT).await {
            Ok(reply) => {
                let read = self.read_store(to, node, reply.status, &reply.body, Some(&hash), proofs);
                if matches!(read, Err(Attempt::Clock)) {
                    self.net.resync.notify();
                }
            }
            Err(CallError::Failed) => {}
            Err(CallError::Unavailable) => return false,
        }
        proofs.asked(&[hash], &node.ed25519);
        self.is_stored(to, &hash, proofs)
    }

    /// Deletes what is in a throw-away account's mailbox, as well as can be: what is left goes with its time.
    pub(super) async fn empty_mailbox(self: Rc<Self>, account: Account) {
        for failures in 0..DELETE_TRIES {
            let members = self.members_of(&account.id());
            if let Some(node) = members.first() {
                let signer = Signer::Account(account.ed25519());
                let now = self.time.now();
                let all = DeleteAll::signed(account.id(), Namespace::MESSAGES.into(), &signer, now);
                let reply = self.call(node, &Request::DeleteAll(all), REQUEST_TIMEOUT).await;
                match reply {
                    Ok(reply) if reply.status == 200 => return,
                    Ok(reply) => self.refused(&account, node, reply.status, &reply.body),
                    Err(_) => {}
                }
            }
            self.back_off(failures).await;
        }
    }

    async fn back_off(&self, failures: u32) {
        let pause = BACKOFF.saturating_mul(1 << failures.min(4));
        self.sleep(self.jitter(pause)).await;
    }
}
