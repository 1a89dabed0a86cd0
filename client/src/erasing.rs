//! The end of an account on the network as well as on this device (`spec/12-client-behaviour.md §8.10`): every member of
//! the own swarm deletes all that it keeps for it, documents included. The account itself can't be deleted, since it is
//! nothing but its keys.

use std::collections::HashSet;
use std::rc::Rc;
use std::time::Duration;

use futures::future::{Either, select};
use holdfast_protocol::account::Account;
use holdfast_protocol::keys::Ed25519PublicKey;
use holdfast_protocol::nodes::ServiceNode;
use holdfast_protocol::swarm::reply::{self, DeletedIn, SwarmReply};
use holdfast_protocol::swarm::request::{DeleteAll, Request};
use holdfast_protocol::swarm::{NamespaceSelection, Signer};

use crate::api::{Failure, Reply};
use crate::core::Core;
use crate::work::Work;

/// How long it is tried before the user is asked (`spec/12-client-behaviour.md §8.10`).
const LONGEST: Duration = Duration::from_secs(15);
/// How long a member may take. It waits for its swarm for up to 5 s (`spec/03-network.md §3.8`), and another one is to be
/// asked in time.
const TIMEOUT: Duration = Duration::from_secs(7);
/// Pause after a try that got no further.
const PAUSE: Duration = Duration::from_millis(500);

impl Core {
    /// Deletes what the network keeps for the account, then goes on as a log-out. Nothing is removed here before every
    /// member of the swarm has confirmed.
    pub(crate) async fn clear_account(self: &Rc<Self>) -> Result<Reply, Failure> {
        let Some(account) = self.account() else {
            // The same command again, after an engine that ended in the middle of its answer.
            return self.remove_account().await;
        };
        // Whatever the engine's tasks do meanwhile, they bring nothing back.
        let _held = self.net.own_stores.hold();
        // However this ends, what the swarm has lost by then is stored again for as long as the account is here.
        let mut work = Work::begin(self).await;
        if let Some(sync) = work.sync() {
            sync.renewed_at = 0;
        }
        work.commit().await?;
        let erased = {
            let erase = Box::pin(self.erase_from_swarm(&account));
            let late = self.ports.clock.sleep(LONGEST);
            matches!(select(erase, late).await, Either::Left(_))
        };
        if !erased {
            return Err(Failure::NotErased);
        }
        let present = self.account().map(|present| present.id());
        if present != Some(account.id()) {
            // It has left this device meanwhile.
            return Ok(Reply::Done);
        }
        self.remove_account().await
    }

    /// Tries until every member of the own swarm has proved that it deleted everything.
    async fn erase_from_swarm(&self, account: &Account) {
        // A document on its way would arrive behind the deletion.
        self.net.own_stores.over().await;
        if !self.time.is_known() {
            self.net.resync.notify();
            self.time_known(LONGEST).await;
        }
        let mut erased: HashSet<Ed25519PublicKey> = HashSet::new();
        loop {
            let members = self.members_of(&account.id());
            let left = members.iter().find(|node| !erased.contains(&node.ed25519));
            match left {
                None if !members.is_empty() => return,
                Some(node) if self.net.online.get() => {
                    let before = erased.len();
                    erased.extend(self.erase_by(account, node).await);
                    if erased.len() > before {
                        continue;
                    }
                }
                _ => {}
            }
            self.sleep(self.jitter(PAUSE)).await;
        }
    }

    /// Has a member delete everything, and pass that on to the others; which of them proved that they did.
    async fn erase_by(&self, account: &Account, node: &ServiceNode) -> Vec<Ed25519PublicKey> {
        let signer = Signer::Account(account.ed25519());
        let all = NamespaceSelection::All;
        let request = DeleteAll::signed(account.id(), all, &signer, self.time.now());
        let asked = Request::DeleteAll(request.clone());
        let Ok(answer) = self.call(node, &asked, TIMEOUT).await else {
            return Vec::new();
        };
        if answer.status != 200 {
            self.refused(account, node, answer.status, &answer.body);
            return Vec::new();
        }
        let confirmed: Vec<Ed25519PublicKey> = match reply::parse::<SwarmReply<DeletedIn>>(&answer.body) {
            Ok(answer) => answer
                .verified(|result, member| result.verify(member, &request))
                .map(|(member, _)| *member)
                .collect(),
            Err(_) => Vec::new(),
        };
        if confirmed.is_empty() {
            // An authenticated answer that proves nothing is that node's fault.
            self.net.pool.borrow_mut().strike(&node.ed25519, self.time.now());
        }
        confirmed
    }
}
