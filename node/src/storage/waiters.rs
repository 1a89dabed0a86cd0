//! Clients that hold a retrieve open until a message comes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::db::Account;

/// Accounts that may be waited for at once; beyond it a wait is answered at once, as by nodes without it.
const MAX_ACCOUNTS: usize = 100_000;

type Map = Mutex<HashMap<Account, watch::Sender<()>>>;

/// Who waits for which account's messages.
#[derive(Clone, Default)]
pub(super) struct Waiters(Arc<Map>);

/// Interest in an account from the moment it was made: no message after that is missed.
pub(super) struct Interest {
    map: Arc<Map>,
    account: Account,
    changed: watch::Receiver<()>,
}

impl Waiters {
    /// Starts to wait for an account's messages. Nothing if too many do.
    pub(super) fn watch(&self, account: &Account) -> Option<Interest> {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if map.len() >= MAX_ACCOUNTS && !map.contains_key(account) {
            return None;
        }
        let sender = map.entry(*account).or_insert_with(|| watch::Sender::new(()));
        Some(Interest {
            changed: sender.subscribe(),
            map: Arc::clone(&self.0),
            account: *account,
        })
    }

    /// Wakes everybody who waits for this account.
    pub(super) fn notify(&self, account: &Account) {
        let map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = map.get(account) {
            sender.send_replace(());
        }
    }

    /// How many accounts are waited for.
    pub(super) fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Interest {
    /// Completes at the next message since the interest was made or this last completed.
    pub(super) async fn changed(&mut self) {
        // The sender stays in the map for as long as we hold a receiver.
        let _ = self.changed.changed().await;
    }
}

impl Drop for Interest {
    fn drop(&mut self) {
        let mut map = self.map.lock().unwrap_or_else(PoisonError::into_inner);
        // Our own receiver still counts.
        if map
            .get(&self.account)
            .is_some_and(|sender| sender.receiver_count() <= 1)
        {
            map.remove(&self.account);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    #[tokio::test]
    async fn a_message_before_the_first_look_is_not_missed() {
        let waiters = Waiters::default();
        let mut interest = waiters.watch(&[1; 33]).unwrap();
        assert!(interest.changed().now_or_never().is_none());
        waiters.notify(&[2; 33]);
        assert!(interest.changed().now_or_never().is_none());
        waiters.notify(&[1; 33]);
        assert!(interest.changed().now_or_never().is_some());
    }

    #[test]
    fn nothing_is_kept_for_those_who_left() {
        let waiters = Waiters::default();
        let (one, two) = (waiters.watch(&[1; 33]), waiters.watch(&[1; 33]));
        drop(one);
        assert_eq!(waiters.count(), 1);
        drop(two);
        assert_eq!(waiters.count(), 0);
    }
}
