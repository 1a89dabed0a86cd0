//! Work on the own swarm that must be done sometime: deleting messages there, and letting them go earlier
//! (`spec/03-network.md §3.11, §3.12`). Each job is durable until half of the swarm's members confirm it with their signatures,
//! or as many as answer.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::time::Duration;

use futures::future::{Either, select};
use holdfast_protocol::account::{Account, Id};
use holdfast_protocol::keys::{Ed25519PublicKey, KeyError};
use holdfast_protocol::nodes::ServiceNode;
use holdfast_protocol::swarm::reply::{self, Deleted, Expired, SwarmReply};
use holdfast_protocol::swarm::request::{Delete, Expire, ExpireMode, Request};
use holdfast_protocol::swarm::{MessageHash, Signer};
use serde::de::DeserializeOwned;

use crate::core::Core;
use crate::network::request::{CallError, NodeReply, REQUEST_TIMEOUT};
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
        let verify = |result: &Deleted, member: &Ed25519PublicKey| result.verify(member, &request);
        if self.by_own_swarm(account, &asked, verify).await.is_empty() {
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
        let verify = |result: &Expired, member: &Ed25519PublicKey| result.verify(member, &request);
        let results = self.by_own_swarm(account, &asked, verify).await;
        if results.is_empty() {
            return false;
        }
        let mut work = Work::begin(self).await;
        let outcome = async {
            for (number, record, hash) in lot {
                work.remove_job(number);
                // What another own device has shortened further goes earlier here too.
                if let (Some(message), Some(end)) = (record.message, kept_until(&results, &hash)) {
                    work.update(message, |message| {
                        if let Some(expiry) = &mut message.expiry {
                            expiry.at = expiry.at.map(|at| at.min(end));
                        }
                    })
                    .await?;
                }
            }
            work.commit().await
        };
        outcome.await.is_ok()
    }

    /// Asks members of the own swarm, one after the other, until half of them have signed that they did it or all were asked.
    /// What those say that did; nothing where it is to be tried again.
    async fn by_own_swarm<T: DeserializeOwned + Clone>(
        &self,
        account: &Account,
        request: &Request,
        verify: impl Fn(&T, &Ed25519PublicKey) -> Result<(), KeyError>,
    ) -> Vec<T> {
        let own = account.id();
        let mut asked: HashSet<Ed25519PublicKey> = HashSet::new();
        let mut signed: HashMap<Ed25519PublicKey, T> = HashMap::new();
        while self.net.online.get() {
            let members = self.members_of(&own);
            let has_signed = |node: &&ServiceNode| signed.contains_key(&node.ed25519);
            let enough = members.iter().filter(has_signed).count() * 2 >= members.len();
            let next = members.iter().find(|node| !asked.contains(&node.ed25519));
            let Some(node) = next.filter(|_| !enough) else {
                return signed.into_values().collect();
            };
            asked.insert(node.ed25519);
            let confirmed = match self.call(node, request, REQUEST_TIMEOUT).await {
                Ok(answer) => self.read_done(&own, node, &answer, &verify),
                Err(CallError::Failed) => Vec::new(),
                Err(CallError::Unavailable) => break,
            };
            // Once others have signed, one that refuses or fails takes nothing from that.
            if confirmed.is_empty() && signed.is_empty() {
                break;
            }
            for (member, result) in confirmed {
                // What a member says when it is asked again is about what it did before.
                signed.entry(member).or_insert(result);
            }
        }
        Vec::new()
    }

    /// What members sign to have done, in one node's answer; nothing where it refuses or says what can't be true.
    fn read_done<T: DeserializeOwned + Clone>(
        &self,
        own: &Id,
        node: &ServiceNode,
        answer: &NodeReply,
        verify: &impl Fn(&T, &Ed25519PublicKey) -> Result<(), KeyError>,
    ) -> Vec<(Ed25519PublicKey, T)> {
        match answer.status {
            200 => {}
            421 => {
                self.redirected(own, node, &answer.body);
                return Vec::new();
            }
            _ => {
                self.net.pool.borrow_mut().avoid(&node.ed25519, self.time.now());
                return Vec::new();
            }
        }
        let Ok(answer) = reply::parse::<SwarmReply<T>>(&answer.body) else {
            self.blame(node);
            return Vec::new();
        };
        let confirmed = self.confirmations(own, &answer, verify);
        if confirmed.is_empty() {
            self.blame(node);
        }
        let owned = confirmed
            .into_iter()
            .map(|(member, result)| (member, result.clone()));
        owned.collect()
    }

    fn blame(&self, node: &ServiceNode) {
        self.net.pool.borrow_mut().strike(&node.ed25519, self.time.now());
    }
}

/// When a message goes that members kept as it was, since it goes earlier than asked: as most of them say, since one alone may
/// lie to have it gone.
fn kept_until(results: &[Expired], hash: &MessageHash) -> Option<u64> {
    let end = |result: &Expired| result.unchanged.as_ref()?.get(hash).copied();
    let mut ends: Vec<u64> = results
        .iter()
        .map(|result| end(result).unwrap_or(u64::MAX))
        .collect();
    ends.sort_unstable();
    let most = ends.get(ends.len() / 2).copied();
    most.filter(|end| *end < u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use holdfast_protocol::keys::Ed25519KeyPair;
    use holdfast_protocol::swarm::reply::Expiries;

    use super::*;
    use crate::test_support::id;

    #[test]
    fn one_member_cannot_have_a_message_gone_early() {
        let hash: MessageHash = "A".repeat(43).parse().unwrap();
        let keys = Ed25519KeyPair::from_seed(&[1; 32]);
        let signer = Signer::Account(&keys);
        let request = Expire::signed(id(1), vec![hash], vec![900], ExpireMode::Shorten, &signer);
        let says = |end: Option<u64>| {
            let unchanged: BTreeMap<MessageHash, u64> = end.into_iter().map(|end| (hash, end)).collect();
            Expired::sign(&keys, &request, Vec::new(), Expiries::One(900), Some(unchanged))
        };
        assert_eq!(kept_until(&[], &hash), None);
        assert_eq!(kept_until(&[says(Some(500))], &hash), Some(500));
        assert_eq!(kept_until(&[says(Some(1)), says(None)], &hash), None);
        assert_eq!(
            kept_until(&[says(Some(1)), says(Some(500)), says(Some(500))], &hash),
            Some(500)
        );
        assert_eq!(
            kept_until(&[says(Some(500)), says(None), says(None), says(None)], &hash),
            None
        );
    }
}
