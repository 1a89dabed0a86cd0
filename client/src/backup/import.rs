//! Bringing a backup file back: it is checked from its beginning to its end before anything of it is taken, then taken slice
//! by slice.

use holdfast_protocol::account::Id;
use holdfast_protocol::backup::{About, BackupError, End, Passphrase, Reader, Record, Setting};
use holdfast_protocol::config::ConfigKind;

use super::merge::Taking;
use super::{SETTINGS, convert};
use crate::api::{BACKUP_SLICE, BackupContents, BackupFault, BackupId, Failure, Reply};
use crate::core::Core;
use crate::driver::yield_now;
use crate::ports::{Collection, StoreError};
use crate::records::{decode, keys};
use crate::work::{Known, Work};

/// Records that are taken in one commit: in a browser some hundredths of a second.
const TOGETHER: usize = 200;

/// A backup file that is being read.
pub(super) struct Import {
    pub(super) id: BackupId,
    reader: Reader,
    own: Id,
    /// Bytes that were read.
    offset: u64,
    about: Option<About>,
    /// What was there so far.
    counted: End,
    end: Option<End>,
    /// All of it was looked at, and all of it is as it was written.
    checked: bool,
    /// See [`Taking`]: known from the first slice that is taken on, also when it is taken again.
    contacts_at: Option<u64>,
    taking: Taking,
}

impl Import {
    /// Begins with the first byte.
    fn rewind(&mut self) {
        self.reader.rewind();
        self.offset = 0;
        self.about = None;
        self.counted = End::default();
        self.end = None;
        self.taking = Taking::default();
    }

    /// Reads a slice.
    fn read(&mut self, offset: u64, bytes: &[u8], last: bool) -> Result<Vec<Record>, BackupFault> {
        if offset == 0 {
            self.rewind();
        }
        if offset != self.offset || bytes.len() > BACKUP_SLICE {
            return Err(BackupFault::Interrupted);
        }
        let mut records = Vec::new();
        self.reader.push(bytes, &mut records)?;
        self.offset = offset.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if last {
            self.reader.finish()?;
        }
        for record in &records {
            self.watch(record)?;
        }
        if last && self.end.is_none() {
            return Err(BackupError::Altered.into());
        }
        Ok(records)
    }

    /// The first record says what the file is, the last one what was in it, and both are true.
    fn watch(&mut self, record: &Record) -> Result<(), BackupError> {
        let first = self.about.is_none();
        match record {
            Record::About(about) if first => {
                if about.account != self.own.as_bytes() {
                    return Err(BackupError::WrongAccount);
                }
                self.about = Some(about.clone());
            }
            Record::About(_) => return Err(BackupError::Altered),
            _ if first || self.end.is_some() => return Err(BackupError::Altered),
            Record::Conversation(_) => self.counted.conversations += 1,
            Record::Message(_) => self.counted.messages += 1,
            Record::End(end) => {
                let counted = End {
                    files: end.files,
                    ..self.counted
                };
                if *end != counted {
                    return Err(BackupError::Altered);
                }
                self.end = Some(*end);
            }
            Record::Setting(_) | Record::FilePart(_) => {}
        }
        Ok(())
    }

    fn contents(&self) -> Option<BackupContents> {
        let (about, end) = (self.about.as_ref()?, self.end?);
        Some(BackupContents {
            made_at: about.created_at,
            app: about.app.clone(),
            conversations: end.conversations,
            messages: end.messages,
            files: end.files,
        })
    }
}

impl Core {
    /// Opens a backup file by its beginning.
    pub(crate) fn open_backup(&self, passphrase: &Passphrase, head: &[u8]) -> Result<Reply, Failure> {
        let account = self.require_account()?;
        self.backups.borrow_mut().import = None;
        let reader = Reader::open(&account, passphrase, head)?;
        let id = self.new_backup();
        self.backups.borrow_mut().import = Some(Import {
            id,
            reader,
            own: account.id(),
            offset: 0,
            about: None,
            counted: End::default(),
            end: None,
            checked: false,
            contacts_at: None,
            taking: Taking::default(),
        });
        Ok(Reply::BackupOpened(id))
    }

    /// The backup file that is being read, which is put back when it can be read on.
    fn held_import(&self, backup: BackupId) -> Result<Import, Failure> {
        let mut backups = self.backups.borrow_mut();
        match backups.import.take() {
            Some(import) if import.id == backup => Ok(import),
            other => {
                backups.import = other;
                Err(BackupFault::Interrupted.into())
            }
        }
    }

    /// Checks the next slice of a backup file.
    pub(crate) fn check_backup(
        &self,
        backup: BackupId,
        offset: u64,
        bytes: &[u8],
        last: bool,
    ) -> Result<Reply, Failure> {
        let mut import = self.held_import(backup)?;
        import.checked = false;
        import.read(offset, bytes, last)?;
        import.checked = last;
        let contents = import.contents();
        self.backups.borrow_mut().import = Some(import);
        Ok(Reply::BackupChecked(contents.filter(|_| last)))
    }

    /// Takes the next slice of a backup file that was checked.
    pub(crate) async fn take_backup(
        &self,
        backup: BackupId,
        offset: u64,
        bytes: &[u8],
        last: bool,
    ) -> Result<Reply, Failure> {
        let mut import = self.held_import(backup)?;
        if !import.checked {
            return Err(BackupFault::Interrupted.into());
        }
        if offset == 0 && !self.contacts_are_known() {
            self.backups.borrow_mut().import = Some(import);
            return Err(BackupFault::TooEarly.into());
        }
        let contacts_at = *import
            .contacts_at
            .get_or_insert_with(|| self.contacts_stored_at());
        let records = import.read(offset, bytes, last)?;
        if let Some(about) = &import.about {
            import.taking.made_at = about.created_at;
            import.taking.since = self.taken_up_at().await?;
            import.taking.contacts_at = contacts_at;
        }
        self.take_records(&mut import.taking, &import.own, &records)
            .await?;
        let taken = import.taking.taken;
        if !last {
            self.backups.borrow_mut().import = Some(import);
        }
        Ok(Reply::BackupTaken(taken))
    }

    /// Whether the network has said once which contacts the account has.
    fn contacts_are_known(&self) -> bool {
        let state = self.state.borrow();
        state.configs.as_ref().is_some_and(|configs| configs.sync.pulled)
    }

    /// When the newest contacts that the network gave were stored, Unix milliseconds; 0 when it has given none.
    fn contacts_stored_at(&self) -> u64 {
        let state = self.state.borrow();
        let configs = state.configs.as_ref();
        configs.map_or(0, |configs| configs.sync.stored_at(ConfigKind::Contacts))
    }

    /// When the account was taken up on this device, Unix milliseconds; 0 for a time before that was noted.
    async fn taken_up_at(&self) -> Result<u64, StoreError> {
        let value = self.ports.store.get(Collection::Meta, keys::SINCE).await?;
        value.map_or(Ok(0), |value| decode(&value))
    }

    async fn take_records(&self, taking: &mut Taking, own: &Id, records: &[Record]) -> Result<(), Failure> {
        for chunk in records.chunks(TOGETHER) {
            let mut work = Work::begin(self).await;
            look_ahead(&mut work, own, taking.conversation, chunk).await?;
            if let Some(conversation) = taking.conversation {
                work.enter(taking, conversation).await?;
            }
            let mut settings = Vec::new();
            for record in chunk {
                match record {
                    Record::Conversation(conversation) => {
                        work.take_conversation(taking, own, conversation).await?;
                    }
                    Record::Message(message) => {
                        work.take_message(taking, own, message).await?;
                    }
                    Record::FilePart(part) => work.take_part(taking, part).await?,
                    Record::Setting(setting) => settings.push(setting),
                    Record::About(_) | Record::End(_) => {}
                }
            }
            work.commit().await?;
            for setting in settings {
                self.take_setting(taking, setting).await?;
            }
            yield_now().await;
        }
        Ok(())
    }

    /// A setting counts where none was chosen since the account was taken up here.
    async fn take_setting(&self, taking: &Taking, setting: &Setting) -> Result<(), Failure> {
        let chosen = self.state.borrow().preferences.contains_key(&setting.name);
        if taking.is_from_before() && !chosen && SETTINGS.contains(&setting.name.as_str()) {
            self.set_preference(setting.name.clone(), setting.value.clone())
                .await?;
        }
        Ok(())
    }
}

/// Reads at once what is known of the messages of a chunk.
async fn look_ahead(
    work: &mut Work<'_>,
    own: &Id,
    mut conversation: Option<Id>,
    chunk: &[Record],
) -> Result<(), StoreError> {
    let (mut named, mut answered) = (Vec::new(), Vec::new());
    for record in chunk {
        match record {
            Record::Conversation(next) => conversation = Id::from_slice(&next.id).ok(),
            Record::Message(message) => {
                let Some(conversation) = conversation else {
                    continue;
                };
                let here = |target| (conversation, target);
                named.extend(convert::target(own, &conversation, message).map(here));
                answered.extend(convert::quoted(own, &conversation, message).map(here));
            }
            _ => {}
        }
    }
    work.look_up(&named, &answered).await?;
    let mut present = Vec::new();
    for (conversation, target) in &named {
        if let Known::Present(id) = work.known(conversation, target).await? {
            present.push(id);
        }
    }
    work.look_up_messages(&present).await
}
