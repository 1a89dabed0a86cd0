//! Which nodes keep an account's messages, and requests to any of them with retries (`spec/03-network.md §2`).

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::time::Duration;

use futures::future::{Either, join_all, select};
use holdfast_protocol::account::Id;
use holdfast_protocol::keys::{Ed25519PublicKey, KeyError};
use holdfast_protocol::nodes::ServiceNode;
use holdfast_protocol::swarm::MessageHash;
use holdfast_protocol::swarm::reply::{self, InfoReply, SwarmInfo, SwarmReply};
use holdfast_protocol::swarm::request::Request;

use super::proofs::Proofs;
use super::request::REQUEST_TIMEOUT;
use super::time::{SAMPLES, WRONG_CLOCK_MS, agreed};
use crate::api::Trouble;
use crate::core::Core;
use crate::records::keys;

/// Time is measured again this often.
const TIME_INTERVAL: Duration = Duration::from_secs(30 * 60);
/// First wait after time could not be measured, doubled each time.
const TIME_BACKOFF: Duration = Duration::from_secs(1);
/// Longest such wait.
const TIME_LONGEST_BACKOFF: Duration = Duration::from_secs(60);

/// What members of an account's computed swarm say of another one.
#[derive(Default)]
pub(crate) struct Redirect {
    /// Who named which members.
    votes: HashMap<Ed25519PublicKey, Vec<Ed25519PublicKey>>,
    /// Set once enough agree.
    members: Option<Vec<Ed25519PublicKey>>,
}

impl Core {
    /// The nodes that keep an account's messages, in random order, those that work first.
    pub(crate) fn members_of(&self, account: &Id) -> Vec<ServiceNode> {
        let now = self.time.now();
        let pool = self.net.pool.borrow();
        let redirects = self.net.redirects.borrow();
        let redirected = redirects
            .get(account)
            .and_then(|redirect| redirect.members.as_ref());
        let mut members: Vec<ServiceNode> = match redirected {
            Some(keys) => keys.iter().filter_map(|key| pool.get(key).cloned()).collect(),
            None => pool
                .swarm_for(account)
                .map(|swarm| pool.members(swarm))
                .unwrap_or_default(),
        };
        self.shuffle(&mut members);
        members.sort_by_key(|node| pool.rank(&node.ed25519, now));
        members
    }

    /// What members of an account's swarm say in its answer with signatures that `verify` accepts. Anybody can sign with a key
    /// that no member has.
    pub(crate) fn confirmations<'a, T>(
        &self,
        account: &Id,
        reply: &'a SwarmReply<T>,
        verify: impl Fn(&T, &Ed25519PublicKey) -> Result<(), KeyError> + 'a,
    ) -> Vec<(Ed25519PublicKey, &'a T)> {
        let members: HashSet<_> = self.members_of(account).iter().map(|node| node.ed25519).collect();
        reply
            .verified(verify)
            .filter(|(member, _)| members.contains(*member))
            .map(|(member, result)| (*member, result))
            .collect()
    }

    /// Whether enough of an account's swarm have proved that they stored something.
    pub(crate) fn is_stored(&self, account: &Id, hash: &MessageHash, proofs: &Proofs) -> bool {
        let (members, now) = (self.members_of(account), self.time.now());
        let pool = self.net.pool.borrow();
        proofs.suffice(hash, &members, |member| pool.is_out(member, now))
    }

    /// A node says that an account's swarm is elsewhere. One alone is not believed: it could take the account's traffic
    /// to itself. Two members of the computed swarm that name the same known nodes are (or the only one there is).
    pub(crate) fn redirected(&self, account: &Id, node: &ServiceNode, body: &[u8]) {
        let now = self.time.now();
        self.net.pool.borrow_mut().avoid(&node.ed25519, now);
        self.net.refresh.notify();
        let Ok(info) = reply::parse::<SwarmInfo>(body) else {
            return;
        };
        let pool = self.net.pool.borrow();
        let computed = pool
            .swarm_for(account)
            .map(|swarm| pool.members(swarm))
            .unwrap_or_default();
        if !computed.iter().any(|member| member.ed25519 == node.ed25519) {
            return;
        }
        let named: HashSet<_> = info.snodes.iter().map(|member| member.pubkey_ed25519).collect();
        let mut named: Vec<_> = named.into_iter().filter(|key| pool.get(key).is_some()).collect();
        named.sort_unstable();
        if named.is_empty() {
            return;
        }
        let mut redirects = self.net.redirects.borrow_mut();
        let redirect = redirects.entry(*account).or_default();
        redirect.votes.insert(node.ed25519, named.clone());
        let agreeing = redirect.votes.values().filter(|vote| **vote == named).count();
        if agreeing >= computed.len().min(2) {
            redirect.members = Some(named);
        }
    }

    /// How long a node holds a retrieve, if it said so.
    pub(crate) fn wait_of(&self, node: &Ed25519PublicKey) -> Option<u64> {
        self.net.waits.borrow().get(node).copied().flatten()
    }

    /// Measures network time when it is due or in doubt.
    pub(crate) async fn run_time(self: Rc<Self>) {
        let mut failures = 0u32;
        loop {
            let seen = self.net.resync.count();
            let wait = if self.measure_time().await {
                failures = 0;
                self.jitter(TIME_INTERVAL)
            } else {
                failures = failures.saturating_add(1);
                self.jitter(
                    TIME_BACKOFF
                        .saturating_mul(1 << failures.min(8))
                        .min(TIME_LONGEST_BACKOFF),
                )
            };
            let asked = Box::pin(self.net.resync.passed(seen));
            let _: Either<_, _> = select(asked, self.ports.clock.sleep(wait)).await;
        }
    }

    /// Asks several nodes for the time at once.
    async fn measure_time(&self) -> bool {
        if !self.path_ready(REQUEST_TIMEOUT).await {
            return false;
        }
        let nodes = self.some_nodes(SAMPLES);
        let calls = nodes.iter().map(|node| async move {
            let before = self.ports.clock.monotonic_ms();
            let reply = self.call(node, &Request::Info, REQUEST_TIMEOUT).await.ok()?;
            let round_trip = self.ports.clock.monotonic_ms().saturating_sub(before);
            let info: InfoReply = reply::parse(&reply.body).ok()?;
            self.net.waits.borrow_mut().insert(node.ed25519, info.wait);
            Some(self.time.sample(info.timestamp, round_trip))
        });
        let samples: Vec<i64> = join_all(calls).await.into_iter().flatten().collect();
        let Some(offset) = agreed(&samples, self.time.offset()) else {
            return false;
        };
        self.time.set(offset);
        self.clock_measured.notify();
        if offset.abs() > WRONG_CLOCK_MS {
            let close = |trouble: &Trouble| match trouble {
                Trouble::ClockWrong { offset_ms } => {
                    offset_ms.abs_diff(offset) < WRONG_CLOCK_MS.unsigned_abs()
                }
                _ => false,
            };
            if !self.troubles().iter().any(close) {
                self.trouble(Trouble::ClockWrong { offset_ms: offset });
            }
        } else {
            self.clock_trouble_over();
        }
        self.save(keys::TIME, &offset).await;
        self.refresh_status();
        true
    }

    /// Waits until network time is known, at most for the given time.
    pub(crate) async fn time_known(&self, longest: Duration) -> bool {
        let mut timeout = self.ports.clock.sleep(longest);
        loop {
            let seen = self.clock_measured.count();
            if self.time.is_known() {
                return true;
            }
            match select(Box::pin(self.clock_measured.passed(seen)), timeout).await {
                Either::Left((_, rest)) => timeout = rest,
                Either::Right(_) => return false,
            }
        }
    }
}
