//! The account on this device: it is made, brought back or taken from another device, named, and forgotten.

use std::rc::Rc;

use holdfast_protocol::account::{Account as Keys, Seed};
use holdfast_protocol::config::ConfigKind;
use holdfast_protocol::message::name::{DisplayNameError, clean_display_name};

use crate::api::{Account, Event, Failure, Reply, RequestId, TransferFault};
use crate::config::{Configs, PROVISIONAL_MS};
use crate::contacts::HIDDEN;
use crate::core::{Core, OwnAccount, State};
use crate::files::Files;
use crate::ports::{Change, Collection};
use crate::records::{AccountRecord, ContactRecord, encode, keys};
use crate::restore::RestoreRecord;
use crate::work::Work;

impl From<DisplayNameError> for Failure {
    fn from(error: DisplayNameError) -> Self {
        match error {
            DisplayNameError::Empty => Failure::NameEmpty,
            DisplayNameError::TooLong { .. } => Failure::NameTooLong,
        }
    }
}

/// Where an account on this device comes from.
enum Origin {
    /// Made here, with this name.
    Created(String),
    /// Taken up; with a name when the user gave one.
    Restored(Option<String>),
}

impl Core {
    /// Makes a new account.
    pub(crate) async fn create_account(
        self: &Rc<Self>,
        number: Option<RequestId>,
        name: &str,
    ) -> Result<Reply, Failure> {
        let name = clean_display_name(name)?;
        let seed = Seed::generate(&mut self.rng());
        self.take_up(number, seed, Origin::Created(name)).await
    }

    /// Takes up an account that there is.
    pub(crate) async fn restore_account(
        self: &Rc<Self>,
        number: Option<RequestId>,
        seed: Seed,
        name: Option<&str>,
    ) -> Result<Reply, Failure> {
        let name = name.map(clean_display_name).transpose()?;
        self.take_up(number, seed, Origin::Restored(name)).await
    }

    /// Takes up the account that came from another device.
    pub(crate) async fn take_account(self: &Rc<Self>, number: Option<RequestId>) -> Result<Reply, Failure> {
        if let Some(seed) = self.offered_account() {
            return self.take_up(number, seed, Origin::Restored(None)).await;
        }
        let again = self
            .state
            .borrow()
            .account
            .as_ref()
            .is_some_and(|account| account.record.is_made_by(number));
        if again {
            Ok(self.snapshot())
        } else {
            Err(TransferFault::NotNow.into())
        }
    }

    async fn take_up(
        self: &Rc<Self>,
        number: Option<RequestId>,
        seed: Seed,
        origin: Origin,
    ) -> Result<Reply, Failure> {
        {
            let _turn = self.turn.lock().await;
            let again = self
                .state
                .borrow()
                .account
                .as_ref()
                .map(|account| account.record.seed == seed || account.record.is_made_by(number));
            if let Some(again) = again {
                return if again {
                    Ok(self.snapshot())
                } else {
                    Err(Failure::AccountExists)
                };
            }
            self.keep_account(number, seed, origin).await?;
        }
        self.start_session();
        // Nobody waits for an account any more.
        self.forget_transfer();
        Ok(self.snapshot())
    }

    async fn keep_account(
        &self,
        number: Option<RequestId>,
        seed: Seed,
        origin: Origin,
    ) -> Result<(), Failure> {
        let account = Rc::new(Keys::from_seed(seed.clone()));
        let own = account.id();
        let mut configs = Configs::new(&account).leaving_unread(self.options.leave_unread);
        let mut record = AccountRecord {
            seed,
            name: String::new(),
            name_changed: 0,
            made_by: number,
        };
        let mut changes = Vec::new();
        // Nobody can have written to one that is made now.
        let has_mail = !matches!(origin, Origin::Created(_));
        let (mut note, mut restore) = (None, None);
        match origin {
            Origin::Created(name) => {
                configs.docs.profile.set_name_cut(&name, self.time.now());
                configs.docs.profile.set_note_to_self_priority(HIDDEN.into());
                record.name = name;
                record.name_changed = configs.docs.profile.updated_at();
                // Until it is used, as other clients have it (`spec/12-client-behaviour.md §2.2`).
                let hidden = ContactRecord {
                    priority: HIDDEN,
                    ..ContactRecord::default()
                };
                changes.push(Change::Put(
                    Collection::Contacts,
                    keys::id(&own),
                    encode(&hidden)?,
                ));
                note = Some(hidden);
            }
            Origin::Restored(Some(name)) => {
                record.name = name;
                record.name_changed = PROVISIONAL_MS / 1_000;
                configs.sync.provisional = true;
            }
            Origin::Restored(None) => {
                changes.push(Change::Put(
                    Collection::Meta,
                    keys::RESTORE.to_vec(),
                    encode(&RestoreRecord::START)?,
                ));
                restore = Some(RestoreRecord::START);
            }
        }
        changes.push(Change::Put(
            Collection::Meta,
            keys::ACCOUNT.to_vec(),
            encode(&record)?,
        ));
        changes.push(Change::Put(
            Collection::Meta,
            keys::SYNC.to_vec(),
            encode(&configs.sync)?,
        ));
        let since = encode(&self.time.now())?;
        changes.push(Change::Put(Collection::Meta, keys::SINCE.to_vec(), since));
        let dump = configs.docs.profile.dump().to_vec();
        let key = keys::config(&own, ConfigKind::UserProfile);
        changes.push(Change::Put(Collection::Meta, key, dump));
        let result = self.ports.store.commit(changes).await;
        self.note_store(&result);
        result?;
        let account = OwnAccount {
            keys: account,
            record,
        };
        let event = Event::Account(shown(&account, &Files::default()));
        {
            let mut state = self.state.borrow_mut();
            state.account = Some(account);
            state.configs = Some(configs);
            state.restore = restore;
            state.restore_told = None;
            state.catching_up = has_mail;
            state.contacts.extend(note.map(|note| (own, note)));
        }
        self.emit(event);
        self.refresh_unsynced();
        Ok(())
    }

    /// Changes the own display name.
    pub(crate) async fn set_display_name(&self, name: &str) -> Result<Reply, Failure> {
        let name = clean_display_name(name)?;
        self.require_account()?;
        let mut work = Work::begin(self).await;
        let now = self.time.now();
        let Some(profile) = work.profile() else {
            return Err(Failure::NoAccount);
        };
        // Receivers take a profile only when its time grew (`spec/02-messages-v1.md §5.5`).
        let next = profile.updated_at().saturating_add(1).saturating_mul(1_000);
        profile.set_name_cut(&name, now.max(next));
        let changed = profile.updated_at();
        if let Some(sync) = work.sync() {
            sync.provisional = false;
        }
        if let Some(record) = work.account_record()
            && record.name != name
        {
            record.name = name;
            record.name_changed = changed;
        }
        work.commit().await?;
        Ok(Reply::Done)
    }

    /// Forgets the account and removes everything that is stored, once what was decided here is in the swarm or has had a
    /// moment to get there.
    pub(crate) async fn log_out(self: &Rc<Self>) -> Result<Reply, Failure> {
        self.stop_transfer();
        self.push_now().await;
        self.remove_account().await
    }

    /// Forgets the account and removes everything that is stored.
    pub(crate) async fn remove_account(self: &Rc<Self>) -> Result<Reply, Failure> {
        self.stop_transfer();
        // The tasks end first, so that nothing writes after the wipe.
        let tasks = std::mem::take(&mut *self.session.borrow_mut());
        drop(tasks);
        let _turn = self.turn.lock().await;
        if let Err(error) = self.ports.store.wipe().await {
            // Nothing was removed: the account goes on.
            self.start_session();
            return Err(error.into());
        }
        *self.state.borrow_mut() = State::of(&self.options);
        // One that began during the wipe has no account any more either.
        self.stop_transfer();
        self.backups.borrow_mut().end_all();
        self.clearings.forget();
        self.tell_oversized();
        // Guards that outlive an account would tie the next one to it.
        self.net.pool.borrow_mut().guards.clear();
        self.net.paths.borrow_mut().clear();
        self.net.detours.borrow_mut().clear();
        self.net.changed.notify();
        self.emit(Event::LoggedOut);
        self.refresh_status();
        Ok(Reply::Done)
    }
}

/// The own account as front ends see it.
pub(crate) fn shown(account: &OwnAccount, files: &Files) -> Account {
    let picture = files.own_picture();
    Account {
        id: account.keys.id(),
        name: account.record.name.clone(),
        picture: picture.map(|(file, _)| file),
        picture_waits: picture.is_some_and(|(_, waits)| waits),
    }
}
