//! Files that a front end hands over piece by piece, before they are part of a message or the own picture.

use holdfast_protocol::account::Id;
use holdfast_protocol::file::{clean_content_type, clean_file_name};

use super::store::{piece_at, pieces};
use crate::api::{
    FILE_PIECE, Failure, FileId, FileInfo, FileKind, MAX_FILE, MAX_FILE_PREVIEW, MAX_FILES, MAX_PICTURE,
    MAX_WAVEFORM, Purpose, Reply, RequestId, StagedFile, Standing,
};
use crate::core::Core;
use crate::ports::{Collection, StoreError};
use crate::records::{AttachmentRecord, FilePlace, FileRecord, Held, keys, kind_of};
use crate::work::Work;

impl Core {
    /// Announces a file.
    pub(crate) async fn stage_file(
        &self,
        number: Option<RequestId>,
        purpose: Purpose,
        info: FileInfo,
        voice: bool,
    ) -> Result<Reply, Failure> {
        self.require_account()?;
        if self.profile.files.is_none() {
            return Err(Failure::NoFileServer);
        }
        let largest = match purpose {
            Purpose::Message(_) => MAX_FILE,
            Purpose::Picture => MAX_PICTURE,
        };
        if info.size == 0 || info.size > largest {
            return Err(Failure::FileSize);
        }
        let info = tidy(info, voice);
        let mut work = Work::begin(self).await;
        if let Some(file) = self.staged_before(number).await?
            && let Some(record) = work.file(file)
        {
            // The same command again, from a front end that lost its engine.
            return Ok(Reply::Staged(StagedFile {
                file,
                info,
                complete: record.held == Held::Whole,
            }));
        }
        let file = FileId(work.next_number());
        let size = info.size;
        let place = match purpose {
            Purpose::Message(conversation) => {
                if !work.knows_conversation(&conversation) {
                    return Err(Failure::NotFound);
                }
                self.may_send_files(&conversation)?;
                if self.state.borrow().files.staged(&conversation).len() >= MAX_FILES {
                    return Err(Failure::TooManyFiles);
                }
                work.touch(&conversation);
                FilePlace::Draft(conversation, info.clone())
            }
            Purpose::Picture => FilePlace::NewPicture(info.clone()),
        };
        let record = FileRecord {
            place,
            size,
            held: Held::Part(0),
            used_at: work.now(),
            again_until: 0,
        };
        work.put_file(file, record)?;
        if let Some(number) = number {
            work.put(
                Collection::MessageIndex,
                keys::by_request(number),
                keys::file(file),
            );
        }
        work.commit().await?;
        Ok(Reply::Staged(StagedFile {
            file,
            info,
            complete: false,
        }))
    }

    async fn staged_before(&self, number: Option<RequestId>) -> Result<Option<FileId>, StoreError> {
        let Some(number) = number else { return Ok(None) };
        let key = keys::by_request(number);
        let held = self.ports.store.get(Collection::MessageIndex, &key).await?;
        held.map(|key| keys::read_file(&key)).transpose()
    }

    /// Files go to those who have agreed to hear from the user (`spec/12-client-behaviour.md §4`).
    pub(crate) fn may_send_files(&self, conversation: &Id) -> Result<(), Failure> {
        match self.state.borrow().standing(conversation) {
            Standing::Fresh | Standing::OutgoingRequest => Err(Failure::NotAcceptedYet),
            Standing::Blocked => Err(Failure::Blocked),
            Standing::Own | Standing::IncomingRequest | Standing::Active => Ok(()),
        }
    }

    /// Keeps a piece of a staged file.
    pub(crate) async fn write_file(
        &self,
        file: FileId,
        offset: u64,
        bytes: Vec<u8>,
    ) -> Result<Reply, Failure> {
        let mut work = Work::begin(self).await;
        let mut record = work.file(file).ok_or(Failure::NotFound)?;
        let conversation = match &record.place {
            FilePlace::Draft(conversation, _) => Some(*conversation),
            FilePlace::NewPicture(_) => None,
            _ => return Err(Failure::NotAllowed),
        };
        let index = piece_at(offset).ok_or(Failure::NotAllowed)?;
        let rest = record.size.checked_sub(offset).ok_or(Failure::FileSize)?;
        let wanted = rest.min(FILE_PIECE as u64);
        if wanted == 0 || u64::try_from(bytes.len()) != Ok(wanted) {
            return Err(Failure::FileSize);
        }
        let written = match record.held {
            Held::Part(written) if written == offset => offset.saturating_add(wanted),
            // Written before.
            Held::Part(written) if offset < written => return Ok(Reply::Done),
            Held::Whole => return Ok(Reply::Done),
            Held::Part(_) | Held::Wanted => return Err(Failure::NotAllowed),
        };
        record.held = if written == record.size {
            Held::Whole
        } else {
            Held::Part(written)
        };
        work.put(Collection::Pieces, keys::piece(file, index), bytes);
        if let (Held::Whole, Some(conversation)) = (record.held, &conversation) {
            work.touch(conversation);
        }
        work.put_file(file, record)?;
        work.commit().await?;
        Ok(Reply::Done)
    }

    /// Removes a staged file.
    pub(crate) async fn discard_file(&self, file: FileId) -> Result<Reply, Failure> {
        let mut work = Work::begin(self).await;
        match work.file(file).map(|record| record.place) {
            Some(FilePlace::Draft(conversation, _)) => {
                work.remove_file(file);
                work.touch(&conversation);
            }
            Some(FilePlace::NewPicture(_)) => work.remove_file(file),
            Some(_) => return Err(Failure::NotAllowed),
            None => return Ok(Reply::Done),
        }
        work.commit().await?;
        Ok(Reply::Done)
    }

    /// A piece of a file that is here.
    pub(crate) async fn read_file(&self, file: FileId, offset: u64) -> Result<Reply, Failure> {
        let index = piece_at(offset).ok_or(Failure::NotAllowed)?;
        {
            let mut state = self.state.borrow_mut();
            let record = state.files.get(file).ok_or(Failure::NotFound)?;
            if record.held != Held::Whole || index >= pieces(record.size) {
                return Err(Failure::NotFound);
            }
            let now = self.time.now();
            state.files.used(file, now);
        }
        let piece = self.piece(file, index).await?;
        Ok(Reply::Bytes(piece.ok_or(Failure::NotFound)?))
    }

    /// What a front end began to hand over when it, or the engine, ended: nobody will finish it. Nor is anybody left to send
    /// the draft of a conversation that is gone.
    pub(crate) async fn sweep_files(&self) -> Result<(), StoreError> {
        let mut work = Work::begin(self).await;
        let unfinished: Vec<FileId> = {
            let state = self.state.borrow();
            let is_left = |record: &FileRecord| match &record.place {
                FilePlace::Draft(conversation, _) => {
                    record.held != Held::Whole || !state.conversations.contains_key(conversation)
                }
                FilePlace::NewPicture(_) => true,
                _ => false,
            };
            let left = state.files.iter().filter(|(_, record)| is_left(record));
            left.map(|(file, _)| file).collect()
        };
        for file in unfinished {
            work.remove_file(file);
        }
        work.commit().await
    }
}

impl Work<'_> {
    /// Removes the files of a draft.
    pub(crate) fn discard_staged(&mut self, conversation: &Id) {
        let staged = self.core.state.borrow().files.staged(conversation);
        for StagedFile { file, .. } in staged {
            // What this unit sends has left the draft.
            let place = self.file(file).map(|record| record.place);
            if matches!(place, Some(FilePlace::Draft(..))) {
                self.remove_file(file);
            }
        }
    }

    /// The files of a message that is accepted now: they leave the draft.
    pub(crate) fn take_staged(
        &mut self,
        conversation: &Id,
        files: &[FileId],
    ) -> Result<Vec<AttachmentRecord>, Failure> {
        if files.len() > MAX_FILES {
            return Err(Failure::TooManyFiles);
        }
        let mut taken: Vec<AttachmentRecord> = Vec::with_capacity(files.len());
        for file in files {
            let record = self.file(*file).ok_or(Failure::NotFound)?;
            let info = match &record.place {
                FilePlace::Draft(place, info) if place == conversation => info.clone(),
                _ => return Err(Failure::NotFound),
            };
            if record.held != Held::Whole {
                return Err(Failure::FileIncomplete);
            }
            if taken.iter().any(|other| other.file == *file) {
                return Err(Failure::NotAllowed);
            }
            taken.push(AttachmentRecord {
                file: *file,
                info,
                source: None,
                fault: None,
            });
        }
        Ok(taken)
    }
}

/// What a front end says of a file, cut to what is kept.
fn tidy(info: FileInfo, voice: bool) -> FileInfo {
    let mut info = info;
    info.name = info.name.as_deref().and_then(clean_file_name);
    info.content_type = clean_content_type(&info.content_type).unwrap_or_default();
    info.kind = kind_of(&info.content_type, voice);
    if info.preview.len() > MAX_FILE_PREVIEW {
        info.preview = Vec::new();
    }
    info.waveform.truncate(MAX_WAVEFORM);
    if !matches!(info.kind, FileKind::Audio | FileKind::Voice) {
        info.waveform = Vec::new();
    }
    info
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use futures::executor::block_on;

    use super::*;
    use crate::Options;
    use crate::api::Command;
    use crate::driver::Driver;
    use crate::store::memory::MemoryStore;
    use crate::test_support::{CountingRng, ManualClock, id};
    use crate::testing::offline;

    const NOW: u64 = 1_780_000_000_000;

    async fn core() -> Rc<Core> {
        let clock = Rc::new(ManualClock::new(NOW));
        let store: Rc<MemoryStore> = Rc::default();
        let (ports, profile) = offline(store, clock, Rc::new(CountingRng::default()));
        let (spawner, _driver) = Driver::new();
        let core = Core::new(ports, profile, Options::default(), spawner);
        let name = "Ann".to_owned();
        core.carry_out(None, Command::CreateAccount { name })
            .await
            .unwrap();
        core
    }

    /// A conversation with a text and a file that were not sent.
    async fn drafted(core: &Core) -> FileId {
        let mut work = Work::begin(core).await;
        let contact = work.contact(&id(2));
        (contact.approved, contact.approved_me) = (true, true);
        let conversation = work.conversation(&id(2));
        conversation.visible = true;
        conversation.draft = "Not sent".to_owned();
        let file = FileId(work.next_number());
        let record = FileRecord {
            place: FilePlace::Draft(id(2), FileInfo::default()),
            size: 3,
            held: Held::Whole,
            used_at: NOW,
            again_until: 0,
        };
        work.put_file(file, record).unwrap();
        work.put_pieces(file, b"abc");
        work.commit().await.unwrap();
        file
    }

    async fn is_here(core: &Core, file: FileId) -> bool {
        let staged = core.state.borrow().files.staged(&id(2)).len();
        let bytes = core.piece(file, 0).await.unwrap().is_some();
        assert_eq!(staged == 1, bytes);
        bytes
    }

    #[test]
    fn a_draft_goes_with_its_contact_and_with_its_conversation() {
        block_on(async {
            let core = core().await;
            let file = drafted(&core).await;
            assert!(is_here(&core, file).await);
            core.sweep_files().await.unwrap();
            assert!(is_here(&core, file).await);
            core.delete_conversation(id(2)).await.unwrap();
            assert!(!is_here(&core, file).await);
            assert_eq!(core.state.borrow().conversations[&id(2)].draft, "");
            let file = drafted(&core).await;
            core.delete_contact(id(2)).await.unwrap();
            assert!(!is_here(&core, file).await);
        });
    }

    #[test]
    fn a_draft_that_outlived_its_conversation_is_swept() {
        block_on(async {
            let core = core().await;
            let file = drafted(&core).await;
            core.state.borrow_mut().conversations.remove(&id(2));
            core.sweep_files().await.unwrap();
            assert!(!is_here(&core, file).await);
        });
    }

    #[test]
    fn only_recordings_have_a_waveform() {
        let info = FileInfo {
            content_type: "audio/mpeg".to_owned(),
            waveform: vec![1; 100],
            preview: vec![0; MAX_FILE_PREVIEW + 1],
            ..FileInfo::default()
        };
        let tidied = tidy(info.clone(), true);
        assert_eq!((tidied.waveform.len(), tidied.preview.len()), (MAX_WAVEFORM, 0));
        assert_eq!(tidied.kind, FileKind::Voice);
        let picture = FileInfo {
            content_type: "image/png".to_owned(),
            ..info
        };
        assert!(tidy(picture, true).waveform.is_empty());
    }
}
