//! Carries out commands: account, conversations, messages, preferences.

use std::rc::Rc;

use holdfast_protocol::account::{Account as Keys, Id, Seed};
use holdfast_protocol::config::ConfigKind;
use holdfast_protocol::message::name::{DisplayNameError, clean_display_name};

use crate::api::{
    Account, Command, Event, Failure, MessageDetails, MessageId, Reply, RequestId, Snapshot, TransferFault,
    Trouble,
};
use crate::config::{Configs, PROVISIONAL_MS};
use crate::contacts::HIDDEN;
use crate::core::{Core, OwnAccount};
use crate::files::Files;
use crate::outbox::New;
use crate::ports::{Change, Collection, Scan, StoreError};
use crate::records::{AccountRecord, ContactRecord, decode, encode, keys};
use crate::restore::RestoreRecord;
use crate::work::{Reader, Work};

/// The longest preference name and value, bytes: they are settings, not a store.
const MAX_PREFERENCE: usize = 64 * 1024;
/// The longest draft, bytes.
pub(crate) const MAX_DRAFT: usize = 64 * 1024;

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full => Failure::StorageFull,
            other => Failure::Storage(other.to_string()),
        }
    }
}

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
    /// Takes up what the store holds.
    pub(crate) async fn load(&self) -> Result<(), StoreError> {
        let store = &self.ports.store;
        let meta = store.scan(whole(Collection::Meta)).await?;
        let mut taken_over = Vec::new();
        for (key, value) in &meta {
            let mut state = self.state.borrow_mut();
            if key == keys::ACCOUNT {
                let record: AccountRecord = decode(value)?;
                let keys = Rc::new(Keys::from_seed(record.seed.clone()));
                let mut configs = Configs::load(&keys, &meta)?;
                taken_over = configs.take_over(&keys, &meta);
                state.configs = Some(configs);
                state.account = Some(OwnAccount { keys, record });
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

    /// Carries out one command.
    pub(crate) async fn carry_out(
        self: &Rc<Self>,
        number: Option<RequestId>,
        command: Command,
    ) -> Result<Reply, Failure> {
        match command {
            Command::Snapshot => Ok(self.snapshot()),
            Command::CreateAccount { name } => {
                let name = clean_display_name(&name)?;
                let seed = Seed::generate(&mut self.rng());
                self.take_up(number, seed, Origin::Created(name)).await
            }
            Command::RestoreAccount { seed, name } => {
                let name = name.map(|name| clean_display_name(&name)).transpose()?;
                self.take_up(number, seed, Origin::Restored(name)).await
            }
            Command::ContinueWithoutProfile { name } => self.continue_without_profile(&name).await,
            Command::SetDisplayName(name) => self.set_display_name(&name).await,
            Command::RevealPhrase => {
                let account = self.require_account()?;
                Ok(Reply::Phrase(account.seed().phrase().as_str().to_owned()))
            }
            Command::OpenConversation(id) => self.open_conversation(id).await,
            Command::SendText {
                conversation,
                body,
                reply_to,
                files,
                link,
            } => {
                let new = New {
                    conversation,
                    body: &body,
                    reply_to,
                    files: &files,
                    link,
                };
                let message = self.accept(new, number).await?;
                Ok(Reply::Accepted(message))
            }
            Command::LookAtLink(url) => self.look_at_link(&url).await,
            Command::StageFile { purpose, info, voice } => {
                self.stage_file(number, purpose, info, voice).await
            }
            Command::WriteFile { file, offset, bytes } => self.write_file(file, offset, bytes).await,
            Command::DiscardFile(file) => self.discard_file(file).await,
            Command::LoadFile(file) => self.load_file(file).await,
            Command::CancelTransfer(file) => self.cancel_transfer(file).await,
            Command::ReadFile { file, offset } => self.read_file(file, offset).await,
            Command::DescribeFile { file, info } => self.describe_file(file, info).await,
            Command::FileSaved(file) => self.file_saved(file).await,
            Command::SetAutoLoad { conversation, on } => self.set_auto_load(conversation, on).await,
            Command::Gallery {
                conversation,
                which,
                before,
                limit,
            } => {
                self.gallery(conversation, which, before, usize::from(limit))
                    .await
            }
            Command::StorageUse => Ok(Reply::StorageUse(self.storage_use())),
            Command::SetFileQuota(bytes) => self.set_file_quota(bytes).await,
            Command::ClearFiles { again_only } => self.clear_files(again_only).await,
            Command::SetPicture(file) => self.set_picture(file).await,
            Command::Retry(id) => self.retry(id).await.map(|()| Reply::Done),
            Command::DeleteMessages { messages, scope } => self.delete_messages(&messages, scope).await,
            Command::React { message, emoji, add } => self.react(message, &emoji, add).await,
            Command::MessageDetails(id) => self.message_details(id).await,
            Command::SetDraft { conversation, text } => self.set_draft(conversation, text).await,
            Command::Typing { conversation, typing } => self.type_in(conversation, typing).await,
            Command::SetDisappearing { conversation, mode } => {
                self.set_disappearing(conversation, mode).await
            }
            Command::ClearMessages(id) => self.clear_conversation(id).await,
            Command::MarkRead { conversation, up_to } => self.mark_read(conversation, up_to).await,
            Command::MarkUnread(id) => self.mark_unread(id).await,
            Command::AcceptRequest(id) => self.accept_request(id).await,
            Command::DeclineRequest(id) => self.decline_request(id).await,
            Command::DeclineAllRequests => self.decline_all().await,
            Command::SetBlocked { id, blocked } => self.set_blocked(id, blocked).await,
            Command::SetNickname { id, nickname } => self.set_nickname(id, &nickname).await,
            Command::SetPinned { id, pinned } => self.set_pinned(id, pinned).await,
            Command::HideConversation(id) => self.hide_conversation(id).await,
            Command::SetNotifications {
                id,
                mode,
                muted_until,
            } => self.set_notifications(id, mode, muted_until).await,
            Command::DeleteConversation(id) => self.delete_conversation(id).await,
            Command::DeleteContact(id) => self.delete_contact(id).await,
            Command::Messages {
                conversation,
                anchor,
                limit,
            } => Ok(Reply::Messages(
                self.messages(conversation, anchor, usize::from(limit)).await?,
            )),
            Command::Search {
                query,
                conversation,
                limit,
                after,
            } => self.search(&query, conversation, usize::from(limit), after).await,
            Command::Wake => {
                self.woken();
                Ok(Reply::Done)
            }
            Command::Connectivity { online } => {
                self.set_online(online);
                Ok(Reply::Done)
            }
            Command::SetPreference { key, value } => self.set_preference(key, value).await,
            // On the heap: what these hold would make room for itself on the stack with every command.
            Command::StartBackup { passphrase, files } => {
                Box::pin(self.start_backup(&passphrase, files)).await
            }
            Command::ReadBackup { backup, part } => Box::pin(self.read_backup(backup, part)).await,
            Command::OpenBackup { passphrase, head } => self.open_backup(&passphrase, &head),
            Command::CheckBackup {
                backup,
                offset,
                bytes,
                last,
            } => self.check_backup(backup, offset, &bytes, last),
            Command::TakeBackup {
                backup,
                offset,
                bytes,
                last,
            } => Box::pin(self.take_backup(backup, offset, &bytes, last)).await,
            Command::EndBackup(backup) => Ok(self.end_backup(backup)),
            Command::AskForAccount => Box::pin(self.ask_for_account()).await,
            Command::TakeAccount => Box::pin(self.take_account(number)).await,
            Command::AnswerTransfer(code) => Box::pin(self.answer_transfer(&code)).await,
            Command::GiveAccount { digits } => Box::pin(self.give_account(&digits)).await,
            Command::EndTransfer => {
                self.stop_transfer();
                Ok(Reply::Done)
            }
            Command::LogOut => self.log_out().await,
        }
    }

    /// The whole state.
    pub(crate) fn snapshot(&self) -> Reply {
        let account = self.state.borrow().own_shown();
        let preferences = self.state.borrow().preferences.clone().into_iter().collect();
        Reply::Snapshot(Box::new(Snapshot {
            account,
            conversations: self.conversations(),
            network: self.network_status(),
            troubles: self.troubles(),
            preferences,
            restore: self.state.borrow().restore_progress(),
        }))
    }

    async fn take_up(
        self: &Rc<Self>,
        number: Option<RequestId>,
        seed: Seed,
        origin: Origin,
    ) -> Result<Reply, Failure> {
        {
            let _turn = self.turn.lock().await;
            let current = self
                .state
                .borrow()
                .account
                .as_ref()
                .map(|account| account.record.clone());
            if let Some(current) = current {
                // The same command again, from a front end that lost its engine in mid-command.
                let again = current.seed == seed || (number.is_some() && current.made_by == number);
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

    /// Takes up the account that came from another device.
    async fn take_account(self: &Rc<Self>, number: Option<RequestId>) -> Result<Reply, Failure> {
        if let Some(seed) = self.offered_account() {
            return self.take_up(number, seed, Origin::Restored(None)).await;
        }
        // The same command again, from a front end that lost its engine in mid-command.
        let again = self
            .state
            .borrow()
            .account
            .as_ref()
            .is_some_and(|account| number.is_some() && account.record.made_by == number);
        if again {
            Ok(self.snapshot())
        } else {
            Err(TransferFault::NotNow.into())
        }
    }

    async fn keep_account(
        &self,
        number: Option<RequestId>,
        seed: Seed,
        origin: Origin,
    ) -> Result<(), Failure> {
        let account = Rc::new(Keys::from_seed(seed.clone()));
        let own = account.id();
        let mut configs = Configs::new(&account);
        let mut record = AccountRecord {
            seed,
            name: String::new(),
            name_changed: 0,
            made_by: number,
        };
        let mut changes = Vec::new();
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
            state.contacts.extend(note.map(|note| (own, note)));
        }
        self.emit(event);
        Ok(())
    }

    async fn set_display_name(&self, name: &str) -> Result<Reply, Failure> {
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

    async fn open_conversation(&self, id: Id) -> Result<Reply, Failure> {
        self.require_account()?;
        if id.x25519().is_none() {
            return Err(Failure::NotAnAccount);
        }
        let mut work = Work::begin(self).await;
        let now = self.time.now();
        let contact = work.contact(&id);
        contact.priority = contact.priority.max(0);
        let record = work.conversation(&id);
        if !record.visible {
            record.visible = true;
            record.active_at = record.active_at.max(now);
        }
        let record = record.clone();
        work.commit().await?;
        let shown = self.state.borrow().show(id, &record);
        Ok(Reply::Conversation(shown))
    }

    async fn message_details(&self, id: MessageId) -> Result<Reply, Failure> {
        self.require_account()?;
        let work = Work::begin(self).await;
        let (conversation, position, record) = work.message(id).await?.ok_or(Failure::NotFound)?;
        let message = self.message_at(&conversation, position).await?;
        Ok(Reply::Details(Box::new(MessageDetails {
            message: message.ok_or(Failure::NotFound)?,
            received_at: record.received_at,
            synced: record.outgoing.then_some(record.hash.is_some()),
        })))
    }

    async fn set_draft(&self, conversation: Id, text: String) -> Result<Reply, Failure> {
        self.require_account()?;
        if text.len() > MAX_DRAFT {
            return Err(Failure::TextTooLong);
        }
        let mut work = Work::begin(self).await;
        if !work.knows_conversation(&conversation) {
            return Err(Failure::NotFound);
        }
        work.conversation(&conversation).draft = text;
        work.commit().await?;
        Ok(Reply::Done)
    }

    async fn mark_read(&self, conversation: Id, up_to: u64) -> Result<Reply, Failure> {
        self.require_account()?;
        let mut work = Work::begin(self).await;
        if !work.knows_conversation(&conversation) {
            return Err(Failure::NotFound);
        }
        // Nothing is read that can't be here yet.
        let newest = work.conversation(&conversation).newest.as_ref();
        let latest = newest.map_or(0, |newest| newest.position.sent_at);
        let up_to = up_to.min(latest.max(self.time.now()));
        work.mark_read(&conversation, up_to, Reader::Here);
        work.commit().await?;
        Ok(Reply::Done)
    }

    /// Whatever was in flight may be dead, and the clock may have jumped.
    fn woken(&self) {
        if !self.time.is_known() {
            self.net.resync.notify();
        }
        self.wake.notify();
        self.net.changed.notify();
    }

    fn set_online(&self, online: bool) {
        let before = self.net.online.replace(online);
        if online {
            self.trouble_over(Trouble::Offline);
            if !before {
                self.woken();
            }
        } else {
            self.trouble(Trouble::Offline);
            self.state.borrow_mut().polling_works = false;
            self.wake.notify();
            self.refresh_status();
        }
    }

    pub(crate) async fn set_preference(&self, key: String, value: String) -> Result<Reply, Failure> {
        if key.len().saturating_add(value.len()) > MAX_PREFERENCE {
            return Err(Failure::Storage("the preference is too large".to_owned()));
        }
        let _turn = self.turn.lock().await;
        let change = Change::Put(Collection::Meta, keys::preference(&key), encode(&value)?);
        let result = self.ports.store.commit(vec![change]).await;
        self.note_store(&result);
        result?;
        self.state
            .borrow_mut()
            .preferences
            .insert(key.clone(), value.clone());
        self.emit(Event::Preference { key, value });
        Ok(Reply::Done)
    }

    async fn log_out(self: &Rc<Self>) -> Result<Reply, Failure> {
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
        *self.state.borrow_mut() = Default::default();
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

fn whole(collection: Collection) -> Scan {
    Scan {
        collection,
        from: Vec::new(),
        to: None,
        reverse: false,
        limit: usize::MAX,
    }
}

pub(crate) fn shown(account: &OwnAccount, files: &Files) -> Account {
    let picture = files.own_picture();
    Account {
        id: account.keys.id(),
        name: account.record.name.clone(),
        picture: picture.map(|(file, _)| file),
        picture_waits: picture.is_some_and(|(_, waits)| waits),
    }
}
