//! What a node does by itself: sweep, send again, compare, hand over. Each task ends with the node.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use futures::future::join_all;
use rand_core::Rng as _;
use tokio::time::Instant;

use super::{Inner, db, sync};
use crate::peer::links::Forward;
use crate::registry::Node;

/// How often expired messages are removed (spec/03-network.md §8.5).
const SWEEP_EVERY: Duration = Duration::from_secs(10);
/// After how many sweeps accounts without messages are forgotten: once an hour.
const FORGET_EVERY: u32 = 360;
/// How often it is looked whether something waits for a member.
const RESEND_EVERY: Duration = Duration::from_secs(1);
/// The longest pause before a member is tried again.
const RESEND_MAX: Duration = Duration::from_secs(30);
/// Operations sent again in one exchange.
const RESEND_COUNT: usize = 256;
/// Bytes sent again in one exchange.
const RESEND_BYTES: usize = 2 * 1024 * 1024;
/// How long after a change of the list members are compared with: several changes often come together.
const SETTLE: Duration = Duration::from_millis(200);
/// How often members are compared with when nothing happens.
const COMPARE_EVERY: Duration = Duration::from_secs(600);
/// The first pause after a comparison that failed; it doubles up to [`COMPARE_EVERY`].
const COMPARE_RETRY: Duration = Duration::from_secs(5);

/// Starts all of them.
pub(super) fn start(inner: &Arc<Inner>) {
    let mut tasks = inner.tasks.lock().unwrap_or_else(PoisonError::into_inner);
    tasks.spawn(sweep(Arc::downgrade(inner)));
    tasks.spawn(resend(Arc::downgrade(inner)));
    tasks.spawn(compare(Arc::downgrade(inner)));
}

async fn sweep(node: Weak<Inner>) {
    for round in 1_u32.. {
        tokio::time::sleep(SWEEP_EVERY).await;
        let Some(inner) = node.upgrade() else { return };
        let now = inner.now();
        if round.is_multiple_of(FORGET_EVERY)
            && let Err(error) = inner.db.write(|w| w.forget_empty()).await
        {
            tracing::warn!(%error, "empty accounts could not be forgotten");
        }
        loop {
            match inner.db.write(move |w| w.sweep(now)).await {
                Ok(true) => tokio::task::yield_now().await,
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(%error, "expired messages could not be removed");
                    break;
                }
            }
        }
        if let Ok(size) = inner.db.size() {
            inner
                .full
                .store(size >= inner.options.max_size, Ordering::Relaxed);
        }
    }
}

/// Sends what members missed, oldest first, as soon as they answer again.
async fn resend(node: Weak<Inner>) {
    let mut pauses: HashMap<[u8; 32], (Duration, Instant)> = HashMap::new();
    loop {
        tokio::time::sleep(RESEND_EVERY).await;
        let Some(inner) = node.upgrade() else { return };
        let Ok(waiting) = inner.db.read(db::retry_peers) else {
            continue;
        };
        if waiting.is_empty() {
            pauses.clear();
            continue;
        }
        let list = inner.list();
        let mut due = Vec::new();
        for key in waiting {
            let member = inner
                .swarm(&list)
                .and_then(|swarm| list.members(swarm).find(|node| *node.ed25519().as_bytes() == key));
            match member {
                // It is for the swarm that the account is in now; hand-over and comparison see to that.
                None => drop(inner.db.write(move |w| w.drop_retries_of(&key)).await),
                Some(node) if pauses.get(&key).is_none_or(|(_, at)| *at <= Instant::now()) => due.push(node),
                Some(_) => {}
            }
        }
        let sent = join_all(due.iter().map(|node| resend_to(&inner, node))).await;
        for (node, sent) in due.iter().zip(sent) {
            let key = *node.ed25519().as_bytes();
            if sent {
                pauses.remove(&key);
            } else {
                let pause = pauses
                    .get(&key)
                    .map_or(RESEND_EVERY, |(pause, _)| (*pause * 2).min(RESEND_MAX));
                pauses.insert(key, (pause, Instant::now() + pause));
            }
        }
    }
}

/// Sends everything that waits for one member. False if it does not answer.
async fn resend_to(inner: &Arc<Inner>, member: &Node) -> bool {
    let key = *member.ed25519().as_bytes();
    loop {
        let now = inner.now();
        let Ok(batch) = inner
            .db
            .read(|c| db::retries(c, &key, RESEND_COUNT, RESEND_BYTES, now))
        else {
            return false;
        };
        if batch.is_empty() {
            return true;
        }
        let ids: Vec<i64> = batch.iter().map(|retry| retry.id).collect();
        let forwards: Vec<Forward> = batch
            .into_iter()
            .map(|retry| Forward {
                at: retry.at,
                late: true,
                method: retry.method,
                params: retry.params.into(),
            })
            .collect();
        if inner.links.forward_all(member, &forwards).await.is_err() {
            return false;
        }
        inner.metrics.resent.add(u64::try_from(ids.len()).unwrap_or(0));
        if inner.db.write(move |w| w.drop_retries(&ids)).await.is_err() {
            return false;
        }
    }
}

/// Compares with the swarm after the start, after each change, and now and then.
async fn compare(node: Weak<Inner>) {
    let Some(mut list) = node.upgrade().map(|inner| inner.list.clone()) else {
        return;
    };
    let mut retry = COMPARE_RETRY;
    loop {
        tokio::time::sleep(SETTLE).await;
        let Some(inner) = node.upgrade() else { return };
        list.borrow_and_update();
        inner.links.reset();
        let pause = if sync::synchronise(&inner).await {
            retry = COMPARE_RETRY;
            // Members that started together should not compare together for ever.
            let jitter = inner.with_random(|random| random.next_u32() % 60);
            COMPARE_EVERY + Duration::from_secs(u64::from(jitter))
        } else {
            let pause = retry;
            retry = (retry * 2).min(COMPARE_EVERY);
            pause
        };
        drop(inner);
        match tokio::time::timeout(pause, list.changed()).await {
            Ok(Ok(())) | Err(_) => {}
            // Whoever kept the list has gone; what it said last stays true.
            Ok(Err(_)) => tokio::time::sleep(pause).await,
        }
    }
}
