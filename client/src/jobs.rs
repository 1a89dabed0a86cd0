//! Work on the own swarm that must be done sometime: deleting messages there, and letting them go earlier
//! (`spec/03-network.md §3.11, §3.12`). Each job is durable until a member of the swarm confirms it with its signature.

use std::rc::Rc;
use std::time::Duration;

use futures::future::{Either, select};
use holdfast_protocol::account::Account;
use holdfast_protocol::nodes::ServiceNode;
use holdfast_protocol::swarm::reply::{self, Deleted, Expired, SwarmReply};
use holdfast_protocol::swarm::request::{Delete, Expire, ExpireMode, Request};
use holdfast_protocol::swarm::{MessageHash, Signer};

use crate::core::Core;
use crate::network::request::REQUEST_TIMEOUT;
use crate::ports::StoreError;
use crate::records::{Job, JobRecord};
use crate::work::Work;

/// Messages that one request is about.
const TOGETHER: usize = 50;
/// First wait after a failure, doubled each time.
const BACKOFF: Duration = Duration::from_secs(1);
/// Longest such wait.
const LONGEST_BACKOFF: Duration = Duration::from_secs(5 * 60);

/// Jobs of one kind, with their numbers and hashes.
type Lot = Vec<(u64, JobRecord, MessageHash)>;

impl Core {
    /// Does what is to be done for as long as the account is there.
    pub(crate) async fn run_jobs(self: Rc<Self>, account: Rc<Account>) {
        let mut failures = 0u32;
        loop {
            let seen = self.due.count();
            // The store may not take it now: the round after the next job tries again.
            let _ = self.drop_hopeless().await;
            let (deletions, shortenings) = self.lots();
            if deletions.is_empty() && shortenings.is_empty() {
                failures = 0;
                self.due.passed(seen).await;
                continue;
            }
            let done =
                self.delete_lot(&account, deletions).await && self.shorten_lot(&account, shortenings).await;
            if done {
                failures = 0;
                continue;
            }
            failures = failures.saturating_add(1);
            let wait = BACKOFF.saturating_mul(1 << failures.min(9)).min(LONGEST_BACKOFF);
            // A connection that comes back is worth a try at once.
            let changed = Box::pin(self.net.changed.passed(self.net.changed.count()));
            self.sleep(BACKOFF).await;
            let _: Either<_, _> = select(changed, self.ports.clock.sleep(self.jitter(wait))).await;
        }
    }

    /// What can be asked together next.
    fn lots(&self) -> (Lot, Lot) {
        let state = self.state.borrow();
        let known = state.jobs.iter().filter_map(|(number, record)| {
            let hash: MessageHash = record.hash.parse().ok()?;
            Some((*number, record.clone(), hash))
        });
        let (mut deletions, mut shortenings): (Lot, Lot) =
            known.partition(|(_, record, _)| record.what == Job::Delete);
        deletions.truncate(TOGETHER);
        shortenings.truncate(TOGETHER);
        (deletions, shortenings)
    }

    /// Forgets jobs about messages that no node can have any more, or that never had a name.
    async fn drop_hopeless(&self) -> Result<(), StoreError> {
        let now = self.time.now();
        let hopeless = |record: &JobRecord| record.until < now || record.hash.parse::<MessageHash>().is_err();
        let numbers: Vec<u64> = {
            let state = self.state.borrow();
            let hopeless = state.jobs.iter().filter(|(_, record)| hopeless(record));
            hopeless.map(|(number, _)| *number).collect()
        };
        if numbers.is_empty() {
            return Ok(());
        }
        let mut work = Work::begin(self).await;
        for number in numbers {
            work.remove_job(number);
        }
        work.commit().await
    }

    async fn delete_lot(&self, account: &Account, lot: Lot) -> bool {
        if lot.is_empty() {
            return true;
        }
        let hashes = lot.iter().map(|(.., hash)| *hash).collect();
        let signer = Signer::Account(account.ed25519());
        let request = Delete::signed(account.id(), hashes, false, &signer);
        let asked = Request::Delete(request.clone());
        let Some((node, body)) = self.ask_own_swarm(account, &asked).await else {
            return false;
        };
        let Ok(answer) = reply::parse::<SwarmReply<Deleted>>(&body) else {
            self.blame(&node);
            return false;
        };
        let confirmed = {
            let pool = self.net.pool.borrow();
            let mut confirmations =
                pool.confirmations(&answer, |result, member| result.verify(member, &request));
            confirmations.next().is_some()
        };
        if !confirmed {
            self.blame(&node);
            return false;
        }
        let mut work = Work::begin(self).await;
        for (number, ..) in lot {
            work.remove_job(number);
        }
        work.commit().await.is_ok()
    }

    async fn shorten_lot(&self, account: &Account, lot: Lot) -> bool {
        if lot.is_empty() {
            return true;
        }
        let hashes = lot.iter().map(|(.., hash)| *hash).collect();
        let ends = lot
            .iter()
            .map(|(_, record, _)| match record.what {
                Job::Shorten(at) => at,
                Job::Delete => 0,
            })
            .collect();
        let signer = Signer::Account(account.ed25519());
        let request = Expire::signed(account.id(), hashes, ends, ExpireMode::Shorten, &signer);
        let asked = Request::Expire(request.clone());
        let Some((node, body)) = self.ask_own_swarm(account, &asked).await else {
            return false;
        };
        let Ok(answer) = reply::parse::<SwarmReply<Expired>>(&body) else {
            self.blame(&node);
            return false;
        };
        // What another own device has shortened further goes earlier here too.
        let earlier: Option<Vec<(MessageHash, u64)>> = {
            let pool = self.net.pool.borrow();
            let mut confirmations =
                pool.confirmations(&answer, |result, member| result.verify(member, &request));
            let first = confirmations.next();
            first.map(|result| result.unchanged.clone().into_iter().flatten().collect())
        };
        let Some(earlier) = earlier else {
            self.blame(&node);
            return false;
        };
        let mut work = Work::begin(self).await;
        let outcome = async {
            for (number, record, hash) in lot {
                work.remove_job(number);
                let end = earlier.iter().find(|(other, _)| *other == hash);
                if let (Some(message), Some((_, end))) = (record.message, end) {
                    work.update(message, |message| {
                        if let Some(expiry) = &mut message.expiry {
                            expiry.at = expiry.at.map(|at| at.min(*end));
                        }
                    })
                    .await?;
                }
            }
            work.commit().await
        };
        outcome.await.is_ok()
    }

    /// Asks a member of the own swarm; the answer's body when it is one.
    async fn ask_own_swarm(&self, account: &Account, request: &Request) -> Option<(ServiceNode, Vec<u8>)> {
        if !self.net.online.get() {
            return None;
        }
        let node = self.members_of(&account.id()).into_iter().next()?;
        let answer = self.call(&node, request, REQUEST_TIMEOUT).await.ok()?;
        match answer.status {
            200 => return Some((node, answer.body)),
            421 => self.redirected(&account.id(), &node, &answer.body),
            _ => self.net.pool.borrow_mut().avoid(&node.ed25519, self.time.now()),
        }
        None
    }

    fn blame(&self, node: &ServiceNode) {
        self.net.pool.borrow_mut().strike(&node.ed25519, self.time.now());
    }
}
