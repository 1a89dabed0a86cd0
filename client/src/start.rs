//! The beginning of an engine: takes up what the store holds, and starts what runs for the account.

use std::rc::Rc;

use holdfast_protocol::account::Account;

use crate::config::Configs;
use crate::core::{Core, OwnAccount};
use crate::ports::{Collection, Scan, StoreError};
use crate::records::{AccountRecord, decode, keys};

impl Core {
    /// Takes up what the store holds.
    pub(crate) async fn load(&self) -> Result<(), StoreError> {
        let store = &self.ports.store;
        let meta = store.scan(whole(Collection::Meta)).await?;
        let mut taken_over = Vec::new();
        for (key, value) in &meta {
            let mut state = self.state.borrow_mut();
            if key == keys::ACCOUNT {
                let record: AccountRecord = decode(value)?;
                let keys = Rc::new(Account::from_seed(record.seed.clone()));
                let mut configs = Configs::load(&keys, &meta)?.leaving_unread(self.options.leave_unread);
                taken_over = configs.take_over(&keys, &meta);
                state.configs = Some(configs);
                state.account = Some(OwnAccount { keys, record });
                // Whatever came while no engine ran.
                state.catching_up = true;
            } else if key == keys::COUNTERS {
                state.counters = decode(value)?;
            } else if key == keys::RESTORE {
                state.restore = Some(decode(value)?);
            } else if let Some(name) = keys::preference_name(key) {
                state.preferences.insert(name.to_owned(), decode(value)?);
            }
        }
        if !taken_over.is_empty() {
            // A store that takes nothing now gives the same again at the next start.
            let kept = store.commit(taken_over).await;
            self.note_store(&kept);
        }
        for (key, value) in store.scan(whole(Collection::Conversations)).await? {
            self.state
                .borrow_mut()
                .conversations
                .insert(keys::read_id(&key)?, decode(&value)?);
        }
        for (key, value) in store.scan(whole(Collection::Contacts)).await? {
            self.state
                .borrow_mut()
                .contacts
                .insert(keys::read_id(&key)?, decode(&value)?);
        }
        for (key, value) in store.scan(whole(Collection::Outbox)).await? {
            self.state
                .borrow_mut()
                .outbox
                .insert(keys::read_number(&key)?, decode(&value)?);
        }
        for (key, value) in store.scan(whole(Collection::Files)).await? {
            let record = decode(&value)?;
            let file = keys::read_file(&key)?;
            self.state.borrow_mut().files.insert(file, record);
        }
        for (key, value) in store.scan(whole(Collection::Due)).await? {
            match keys::read_due(&key)? {
                (b'c', conversation) => self
                    .clearings
                    .set(keys::read_id(conversation)?, Some(decode(&value)?)),
                _ => self.state.borrow_mut().take_due(&key, &value)?,
            }
        }
        match self.load_network().await {
            // What is known of the network can be learnt again.
            Ok(()) | Err(StoreError::Damaged) => {}
            Err(error) => return Err(error),
        }
        // Nothing is shown that is over. A store that takes no removals is tried again later.
        for done in [self.purge().await, self.sweep_files().await] {
            if let Err(error @ StoreError::Gone(_)) = done {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Starts what runs for an account.
    pub(crate) fn start_session(self: &Rc<Self>) {
        let Some(account) = self.account() else {
            return;
        };
        let tasks = vec![
            self.spawner.spawn_scoped(self.clone().run_poll(account.clone())),
            self.spawner
                .spawn_scoped(self.clone().run_outbox(account.clone())),
            self.spawner
                .spawn_scoped(self.clone().run_uploads(account.clone())),
            self.spawner.spawn_scoped(self.clone().run_downloads()),
            self.spawner.spawn_scoped(self.clone().run_pictures()),
            self.spawner.spawn_scoped(self.clone().run_picture_renewal()),
            self.spawner.spawn_scoped(self.clone().run_jobs(account.clone())),
            self.spawner
                .spawn_scoped(self.clone().run_receipts(account.clone())),
            self.spawner.spawn_scoped(self.clone().run_expiry()),
            self.spawner.spawn_scoped(self.clone().run_clearing()),
            self.spawner.spawn_scoped(self.clone().run_typing()),
            self.spawner
                .spawn_scoped(self.clone().run_config_push(account.clone())),
            self.spawner
                .spawn_scoped(self.clone().run_config_renewal(account.clone())),
            self.spawner.spawn_scoped(self.clone().run_restore(account)),
            self.spawner.spawn_scoped(self.clone().run_pruning()),
        ];
        *self.session.borrow_mut() = tasks;
    }
}

fn whole(collection: Collection) -> Scan {
    Scan {
        collection,
        from: Vec::new(),
        to: None,
        reverse: false,
        limit: usize::MAX,
    }
}
