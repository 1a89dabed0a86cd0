//! Making a backup file: from records, conversation by conversation and page by page, into the parts that are asked for.

use std::collections::{BTreeSet, VecDeque};

use holdfast_protocol::account::Id;
use holdfast_protocol::backup::{About, Cost, End, FilePart, Passphrase, Record, Setting, Writer};

use super::{SETTINGS, convert};
use crate::api::{BackupFault, BackupId, BackupPart, FILE_PIECE, Failure, FileId, Position, Reply};
use crate::core::Core;
use crate::files::pieces;
use crate::ports::{Collection, Scan, StoreError};
use crate::records::{ConversationRecord, FilePlace, FileRecord, Held, MessageRecord, decode, keys};

/// A part that has so many bytes is handed over.
const PART: usize = 128 * 1024;
/// Messages that are read at once.
const PAGE: usize = 100;

/// A backup file that is being made.
pub(super) struct Export {
    pub(super) id: BackupId,
    writer: Writer,
    /// The number of the part that comes next.
    part: u32,
    with_files: bool,
    conversations: VecDeque<Id>,
    /// Where the next page of messages begins, and in which conversation.
    next: Option<(Id, Vec<u8>)>,
    page: VecDeque<(Position, MessageRecord)>,
    /// Files of the message that was written last.
    files: VecDeque<OpenFile>,
    done: u64,
    total: u64,
    written: End,
}

/// A file that is being written.
struct OpenFile {
    /// Which of its message's.
    index: u32,
    file: FileId,
    size: u64,
    /// The piece that comes next.
    piece: u32,
}

fn is_file_of_message(record: &FileRecord) -> bool {
    record.held == Held::Whole && matches!(record.place, FilePlace::Message(_))
}

impl Core {
    /// Begins a backup file and gives its first part.
    pub(crate) async fn start_backup(
        &self,
        passphrase: &Passphrase,
        with_files: bool,
    ) -> Result<Reply, Failure> {
        let account = self.require_account()?;
        if !passphrase.is_acceptable() {
            return Err(BackupFault::Passphrase.into());
        }
        let mut bytes = Vec::new();
        let mut writer = Writer::start(&account, passphrase, Cost::DEFAULT, &mut self.rng(), &mut bytes)?;
        let about = About {
            account: account.id().as_bytes().to_vec(),
            created_at: self.time.now(),
            app: concat!("Holdfast ", env!("CARGO_PKG_VERSION")).to_owned(),
            with_files,
        };
        writer.push(&Record::About(about), &mut bytes)?;
        for setting in self.settings() {
            writer.push(&Record::Setting(setting), &mut bytes)?;
        }
        let (conversations, total) = self.what_there_is(with_files);
        let export = Export {
            id: self.new_backup(),
            writer,
            part: 0,
            with_files,
            conversations,
            next: None,
            page: VecDeque::new(),
            files: VecDeque::new(),
            done: 0,
            total,
            written: End::default(),
        };
        self.hand_over(export, bytes).await
    }

    /// The settings that go into the file.
    fn settings(&self) -> Vec<Setting> {
        let state = self.state.borrow();
        let chosen = SETTINGS.iter().filter_map(|name| {
            Some(Setting {
                name: (*name).to_owned(),
                value: state.preferences.get(*name)?.clone(),
            })
        });
        chosen.collect()
    }

    /// Everybody whom there is something to say of, and how much there is to write.
    fn what_there_is(&self, with_files: bool) -> (VecDeque<Id>, u64) {
        let state = self.state.borrow();
        let known: BTreeSet<Id> = state
            .conversations
            .keys()
            .chain(state.contacts.keys())
            .copied()
            .collect();
        let messages = state.conversations.values().map(|held| u64::from(held.total));
        let files = state
            .files
            .iter()
            .filter(|(_, record)| with_files && is_file_of_message(record))
            .map(|(_, record)| u64::from(pieces(record.size)));
        let total = messages.chain(files).fold(0, u64::saturating_add);
        (known.into_iter().collect(), total)
    }

    /// Gives the next part of a backup file.
    pub(crate) async fn read_backup(&self, backup: BackupId, part: u32) -> Result<Reply, Failure> {
        let held = self.backups.borrow_mut().export.take();
        match held {
            Some(export) if export.id == backup && export.part == part => {
                self.hand_over(export, Vec::new()).await
            }
            other => {
                self.backups.borrow_mut().export = other;
                Err(BackupFault::Interrupted.into())
            }
        }
    }

    /// Writes until a part is full or the file complete.
    async fn hand_over(&self, mut export: Export, mut bytes: Vec<u8>) -> Result<Reply, Failure> {
        let mut more = true;
        while more && bytes.len() < PART {
            more = self.write_next(&mut export, &mut bytes).await?;
        }
        let mut part = BackupPart {
            backup: export.id,
            bytes,
            done: export.done,
            total: export.total.max(export.done),
            last: !more,
        };
        if more {
            export.part = export.part.saturating_add(1);
            self.backups.borrow_mut().export = Some(export);
        } else {
            part.total = part.done;
            export
                .writer
                .push(&Record::End(export.written), &mut part.bytes)?;
            export.writer.finish(&mut part.bytes)?;
        }
        Ok(Reply::BackupPart(part))
    }

    /// Writes what comes next; `false` when there is nothing more.
    async fn write_next(&self, export: &mut Export, out: &mut Vec<u8>) -> Result<bool, Failure> {
        if let Some(file) = export.files.pop_front() {
            self.write_piece(export, file, out).await?;
        } else if let Some((position, record)) = export.page.pop_front() {
            self.write_message(export, position, &record, out)?;
        } else if let Some((id, from)) = export.next.take() {
            self.read_messages(export, id, from).await?;
        } else if let Some(id) = export.conversations.pop_front() {
            self.write_conversation(export, id, out)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn write_conversation(&self, export: &mut Export, id: Id, out: &mut Vec<u8>) -> Result<(), Failure> {
        let own = self.own_id() == Some(id);
        let record = {
            let state = self.state.borrow();
            let none = ConversationRecord::new();
            let held = state.conversations.get(&id).unwrap_or(&none);
            let contact = state.contacts.get(&id).filter(|_| !own);
            if !held.visible && held.total == 0 && contact.is_none_or(|contact| !contact.is_shared()) {
                return Ok(());
            }
            convert::conversation(&id, held, contact)
        };
        export.writer.push(&Record::Conversation(record), out)?;
        export.written.conversations = export.written.conversations.saturating_add(1);
        export.next = Some((id, keys::message(&id, Position::FIRST)));
        Ok(())
    }

    async fn read_messages(&self, export: &mut Export, id: Id, from: Vec<u8>) -> Result<(), StoreError> {
        let scan = Scan {
            collection: Collection::Messages,
            from,
            to: Some(keys::message(&id, Position::LAST)),
            reverse: false,
            limit: PAGE,
        };
        let page = self.ports.store.scan(scan).await?;
        if let Some((last, _)) = page.last().filter(|_| page.len() == PAGE) {
            let mut next = last.clone();
            next.push(0);
            export.next = Some((id, next));
        }
        for (key, value) in &page {
            let (_, position) = keys::read_message(key)?;
            export.page.push_back((position, decode(value)?));
        }
        Ok(())
    }

    fn write_message(
        &self,
        export: &mut Export,
        position: Position,
        record: &MessageRecord,
        out: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        export.done = export.done.saturating_add(1);
        let over = record.expiry.and_then(|expiry| expiry.at);
        if over.is_some_and(|at| at <= self.time.now()) {
            return Ok(());
        }
        // What was not sent yet waits here, and nowhere else.
        let Some(message) = convert::message(position, record) else {
            return Ok(());
        };
        export.writer.push(&Record::Message(message), out)?;
        export.written.messages = export.written.messages.saturating_add(1);
        if export.with_files {
            let state = self.state.borrow();
            for (index, attachment) in (0..).zip(record.all_files()) {
                let held = state.files.get(attachment.file);
                if let Some(held) = held.filter(|held| is_file_of_message(held)) {
                    export.files.push_back(OpenFile {
                        index,
                        file: attachment.file,
                        size: held.size,
                        piece: 0,
                    });
                }
            }
        }
        Ok(())
    }

    async fn write_piece(
        &self,
        export: &mut Export,
        file: OpenFile,
        out: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        let offset = u64::from(file.piece).saturating_mul(FILE_PIECE as u64);
        // A file that was removed meanwhile stays incomplete, and is left out by whoever reads this.
        let Some(bytes) = self.piece(file.file, file.piece).await? else {
            return Ok(());
        };
        let after = offset.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        let part = FilePart {
            index: file.index,
            offset,
            bytes,
            size: file.size,
        };
        export.writer.push(&Record::FilePart(part), out)?;
        export.done = export.done.saturating_add(1);
        if after < file.size {
            export.files.push_front(OpenFile {
                piece: file.piece.saturating_add(1),
                ..file
            });
        } else {
            export.written.files = export.written.files.saturating_add(1);
        }
        Ok(())
    }
}
