//! What front ends ask about files of messages: galleries, what was learnt by looking, what they take up, and making room.

use holdfast_protocol::account::Id;
use holdfast_protocol::message::schema::{Content, DataExtractionNotification, data_extraction_notification};

use crate::api::{
    Disappearing, Failure, FileId, FileInfo, Gallery, MAX_FILE_PREVIEW, MAX_WAVEFORM, Message, MessageId,
    MessagePage, Position, Reply, Standing, StorageUse,
};
use crate::core::{Core, State};
use crate::expiry::write_mode;
use crate::outbox::{Copies, Outgoing};
use crate::ports::{Collection, Scan, StoreError};
use crate::records::{FilePlace, FileRecord, Held, Lifetime, keys};
use crate::work::Work;

/// The preference that keeps the quota, as a decimal number of bytes.
const QUOTA: &str = "file_quota";
/// How many bytes files may take up unless the user says otherwise: some hundred pictures, and no burden for a phone.
/// One of the choices on the page about storage.
const DEFAULT_QUOTA: u64 = 500_000_000;
/// The most messages of a gallery that are told at once.
const MAX_PAGE: usize = 200;
/// Files that are removed in one commit.
const TOGETHER: usize = 20;

impl Core {
    /// The message that a file belongs to.
    pub(crate) async fn message_of(&self, file: FileId) -> Result<MessageId, Failure> {
        let key = keys::file_message(file);
        let held = self.ports.store.get(Collection::MessageIndex, &key).await?;
        Ok(keys::read_number(&held.ok_or(Failure::NotFound)?)?)
    }

    /// Messages of a conversation that have files of a kind.
    pub(crate) async fn gallery(
        &self,
        conversation: Id,
        which: Gallery,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Reply, Failure> {
        self.require_account()?;
        let limit = limit.clamp(1, MAX_PAGE);
        let scan = Scan {
            collection: Collection::Gallery,
            from: keys::gallery(&conversation, which, Position::FIRST),
            to: Some(keys::gallery(
                &conversation,
                which,
                before.unwrap_or(Position::LAST),
            )),
            reverse: true,
            limit: limit.saturating_add(1),
        };
        let mut found = self.ports.store.scan(scan).await?;
        let more_before = found.len() > limit;
        found.truncate(limit);
        let mut messages: Vec<Message> = Vec::with_capacity(found.len());
        for (key, _) in found.iter().rev() {
            let (conversation, position) = keys::read_gallery(key)?;
            messages.extend(self.message_at(&conversation, position).await?);
        }
        let total = u32::try_from(messages.len()).unwrap_or(u32::MAX);
        Ok(Reply::Messages(MessagePage {
            messages,
            more_before,
            more_after: before.is_some(),
            total,
        }))
    }

    /// Keeps what a front end learnt by looking at a file.
    pub(crate) async fn describe_file(&self, file: FileId, learnt: FileInfo) -> Result<Reply, Failure> {
        let message = self.message_of(file).await?;
        let mut work = Work::begin(self).await;
        work.update(message, |record| {
            let Some(held) = record.file_mut(file) else { return };
            let info = &mut held.info;
            for (known, new) in [
                (&mut info.width, learnt.width),
                (&mut info.height, learnt.height),
                (&mut info.duration_ms, learnt.duration_ms),
            ] {
                if new != 0 {
                    *known = new;
                }
            }
            if !learnt.preview.is_empty() && learnt.preview.len() <= MAX_FILE_PREVIEW {
                info.preview = learnt.preview;
            }
            if !learnt.waveform.is_empty() && learnt.waveform.len() <= MAX_WAVEFORM {
                info.waveform = learnt.waveform;
            }
        })
        .await?;
        work.commit().await?;
        Ok(Reply::Done)
    }

    /// Tells the other side of a one-to-one conversation that a file of theirs was saved.
    pub(crate) async fn file_saved(&self, file: FileId) -> Result<Reply, Failure> {
        let account = self.require_account()?;
        let message = self.message_of(file).await?;
        let mut work = Work::begin(self).await;
        let (conversation, position, record) = work.message(message).await?.ok_or(Failure::NotFound)?;
        let told = self.state.borrow().standing(&conversation) == Standing::Active && !record.outgoing;
        if !told {
            return Ok(Reply::Done);
        }
        let mode = match work.disappearing(&conversation) {
            // It stays until it was read (`spec/02-messages-v1.md §5.6`).
            Disappearing::AfterSend(seconds) => Disappearing::AfterRead(seconds),
            mode => mode,
        };
        let mut content = Content {
            data_extraction_notification: Some(DataExtractionNotification {
                r#type: data_extraction_notification::Type::MediaSaved.into(),
                timestamp: Some(position.sent_at),
                msg_id: None,
            }),
            ..Content::default()
        };
        write_mode(&mut content, mode);
        let outgoing = Outgoing {
            conversation,
            content,
            sent_at: work.next_sent_at(self.time.now()),
            message: None,
            copies: Copies::Contact,
            lifetime: Lifetime::of(mode),
        };
        self.send_content(&mut work, &account, outgoing)?;
        work.commit().await?;
        Ok(Reply::Done)
    }

    /// Whether files of a contact are fetched without asking. Those that wait come, too.
    pub(crate) async fn set_auto_load(&self, conversation: Id, on: bool) -> Result<Reply, Failure> {
        self.require_account()?;
        let mut work = Work::begin(self).await;
        if !work.knows_conversation(&conversation) {
            return Err(Failure::NotFound);
        }
        work.conversation(&conversation).auto_load = on;
        if on && work.contact(&conversation).standing() == Standing::Active {
            work.want_waiting(&conversation).await?;
        }
        work.commit().await?;
        Ok(Reply::Done)
    }

    /// What files take up.
    pub(crate) fn storage_use(&self) -> StorageUse {
        let now = self.time.now();
        let state = self.state.borrow();
        let mut used = StorageUse {
            quota: self.file_quota(&state.preferences),
            ..StorageUse::default()
        };
        for (_, record) in state.files.iter() {
            if record.held == Held::Whole {
                used.files = used.files.saturating_add(1);
                used.bytes = used.bytes.saturating_add(record.size);
            }
            if can_go(&state, record) {
                used.removable = used.removable.saturating_add(record.size);
                if record.again_until > now {
                    used.again = used.again.saturating_add(record.size);
                }
            }
        }
        used
    }

    fn file_quota(&self, preferences: &std::collections::BTreeMap<String, String>) -> u64 {
        let kept = preferences.get(QUOTA).and_then(|bytes| bytes.parse().ok());
        kept.unwrap_or(DEFAULT_QUOTA)
    }

    /// Sets how many bytes files may take up.
    pub(crate) async fn set_file_quota(&self, bytes: u64) -> Result<Reply, Failure> {
        self.set_preference(QUOTA.to_owned(), bytes.to_string()).await?;
        self.make_room().await?;
        Ok(Reply::Done)
    }

    /// Removes files of messages until they fit the quota: the longest unused first, and only what can be fetched again.
    /// People's pictures stay: they are small, and would be fetched again at once.
    pub(crate) async fn make_room(&self) -> Result<(), StoreError> {
        let now = self.time.now();
        let (mut candidates, mut bytes, quota) = {
            let state = self.state.borrow();
            let is_of_message = |record: &FileRecord| matches!(record.place, FilePlace::Message(_));
            let candidates: Vec<(u64, FileId, u64)> = state
                .files
                .iter()
                .filter(|(_, record)| is_of_message(record) && can_go(&state, record))
                .filter(|(_, record)| record.again_until > now)
                .map(|(file, record)| (record.used_at, file, record.size))
                .collect();
            (
                candidates,
                state.files.bytes(),
                self.file_quota(&state.preferences),
            )
        };
        if bytes <= quota {
            return Ok(());
        }
        candidates.sort_unstable();
        let mut gone = Vec::new();
        for (_, file, size) in candidates {
            if bytes <= quota {
                break;
            }
            bytes = bytes.saturating_sub(size);
            gone.push(file);
        }
        self.drop_files(&gone).await
    }

    /// Removes files of messages from this device.
    pub(crate) async fn clear_files(&self, again_only: bool) -> Result<Reply, Failure> {
        self.require_account()?;
        let now = self.time.now();
        let gone: Vec<FileId> = {
            let state = self.state.borrow();
            let files = state.files.iter();
            files
                .filter(|(_, record)| can_go(&state, record))
                .filter(|(_, record)| !again_only || record.again_until > now)
                .map(|(file, _)| file)
                .collect()
        };
        self.drop_files(&gone).await?;
        Ok(Reply::Done)
    }

    /// Removes files and tells the messages that had them.
    async fn drop_files(&self, files: &[FileId]) -> Result<(), StoreError> {
        for chunk in files.chunks(TOGETHER) {
            let mut work = Work::begin(self).await;
            for file in chunk {
                match work.file(*file).map(|record| record.place) {
                    Some(FilePlace::Message(message)) => {
                        work.remove_file(*file);
                        work.retell(message);
                    }
                    Some(FilePlace::Picture(id, _)) => {
                        work.remove_file(*file);
                        work.touch(&id);
                    }
                    _ => {}
                }
            }
            work.commit().await?;
        }
        Ok(())
    }
}

/// Whether a file is here and can be thrown away. A message that waits may have to send its files anew.
fn can_go(state: &State, record: &FileRecord) -> bool {
    let waits = matches!(record.place, FilePlace::Message(message) if state.outbox.contains_key(&message));
    record.held == Held::Whole && record.place.is_cache() && !waits
}
