//! Carries out commands: which of the engine's parts each is for, and what is for none of them.

use std::rc::Rc;

use crate::api::{Command, Event, Failure, Reply, RequestId, Snapshot, Trouble};
use crate::core::Core;
use crate::files::KNOWN_SERVERS;
use crate::outbox::New;
use crate::ports::{Change, Collection, StoreError};
use crate::records::{encode, keys};

/// The longest preference name and value, bytes: they are settings, not a store.
const MAX_PREFERENCE: usize = 64 * 1024;

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full => Failure::StorageFull,
            other => Failure::Storage(other.to_string()),
        }
    }
}

impl Core {
    /// Carries out one command.
    pub(crate) async fn carry_out(
        self: &Rc<Self>,
        number: Option<RequestId>,
        command: Command,
    ) -> Result<Reply, Failure> {
        match command {
            Command::Snapshot => Ok(self.snapshot()),
            Command::CreateAccount { name } => self.create_account(number, &name).await,
            Command::RestoreAccount { seed, name } => {
                self.restore_account(number, seed, name.as_deref()).await
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
            Command::ClearAccount => Box::pin(self.clear_account()).await,
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

    /// Whatever was in flight may be dead, and the clock may have jumped.
    fn woken(&self) {
        if !self.time.is_known() {
            self.net.resync.notify();
            self.forget_typed();
        }
        self.fall_behind();
        self.wake.notify();
        self.net.changed.notify();
        // The time of messages ran on while timers may have stood still.
        self.due.notify();
        // A picture that could not be fetched may come now.
        self.state.borrow_mut().files.resting.clear();
        self.files.notify();
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

    /// Keeps a setting of the front end.
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
        if key == KNOWN_SERVERS {
            // Pictures of people may come that stayed where they were.
            self.files.notify();
        }
        self.emit(Event::Preference { key, value });
        Ok(Reply::Done)
    }
}
