//! Files within a unit of work, and their pieces in the store.

use std::collections::BTreeMap;

use crate::api::{FILE_PIECE, FileId, Gallery, MessageId, Position};
use holdfast_protocol::account::Id;

use crate::core::Core;
use crate::ports::{Collection, StoreError};
use crate::records::{FileRecord, Held, MessageRecord, encode, keys};
use crate::work::Work;

/// [`FILE_PIECE`] in a file's size.
const PIECE: u64 = FILE_PIECE as u64;

/// How many pieces a file of so many bytes has.
pub(crate) fn pieces(size: u64) -> u32 {
    u32::try_from(size.div_ceil(PIECE)).unwrap_or(u32::MAX)
}

/// The number of the piece that begins at an offset.
pub(super) fn piece_at(offset: u64) -> Option<u32> {
    offset
        .is_multiple_of(PIECE)
        .then(|| u32::try_from(offset / PIECE).ok())
        .flatten()
}

/// The galleries that show a message.
fn galleries(record: &MessageRecord) -> Vec<Gallery> {
    use crate::api::FileKind::{Audio, Document, Image, Video, Voice};
    let mut shown = Vec::new();
    for file in &record.files {
        let which = match file.info.kind {
            Image | Video => Gallery::Media,
            Audio | Document => Gallery::Documents,
            Voice => continue,
        };
        if !shown.contains(&which) {
            shown.push(which);
        }
    }
    shown
}

impl Work<'_> {
    /// What is known of a file's bytes.
    pub(crate) fn file(&self, file: FileId) -> Option<FileRecord> {
        match self.files.get(&file) {
            Some(record) => record.clone(),
            None => self.core.state.borrow().files.get(file).cloned(),
        }
    }

    /// Sets what is known of a file's bytes.
    pub(crate) fn put_file(&mut self, file: FileId, record: FileRecord) -> Result<(), StoreError> {
        self.put(Collection::Files, keys::file(file), encode(&record)?);
        self.files.insert(file, Some(record));
        Ok(())
    }

    /// Keeps all of a file's bytes.
    pub(crate) fn put_pieces(&mut self, file: FileId, bytes: &[u8]) {
        for (index, piece) in (0..).zip(bytes.chunks(FILE_PIECE)) {
            self.put(Collection::Pieces, keys::piece(file, index), piece.to_vec());
        }
    }

    /// Removes a file's bytes.
    pub(crate) fn remove_file(&mut self, file: FileId) {
        let Some(record) = self.file(file) else { return };
        let written = match record.held {
            Held::Wanted => 0,
            Held::Part(_) | Held::Whole => pieces(record.size),
        };
        for index in 0..written {
            self.delete(Collection::Pieces, keys::piece(file, index));
        }
        self.delete(Collection::Files, keys::file(file));
        self.files.insert(file, None);
    }

    /// Removes what belongs to a message that goes with all of its conversation.
    pub(crate) fn erase_files(&mut self, conversation: &Id, position: Position, record: &MessageRecord) {
        let files: Vec<FileId> = record.all_files().map(|file| file.file).collect();
        for file in files {
            self.remove_file(file);
            self.delete(Collection::MessageIndex, keys::file_message(file));
        }
        for which in galleries(record) {
            self.delete(Collection::Gallery, keys::gallery(conversation, which, position));
        }
    }

    /// Lets files and galleries follow the messages that this unit has changed.
    pub(crate) fn settle_files(&mut self) {
        let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
        let (mut listed, mut unlisted) = (Vec::new(), Vec::new());
        for ((conversation, position), (old, new)) in self.touched() {
            let numbers = |record: &Option<MessageRecord>| -> Vec<(FileId, MessageId)> {
                let files = record.iter().flat_map(MessageRecord::all_files);
                files.map(|file| (file.file, position.id)).collect()
            };
            before.extend(numbers(&old));
            after.extend(numbers(&new));
            let old = old.as_ref().map(galleries).unwrap_or_default();
            let new = new.as_ref().map(galleries).unwrap_or_default();
            let key = |which: &Gallery| keys::gallery(&conversation, *which, position);
            listed.extend(new.iter().filter(|which| !old.contains(which)).map(key));
            unlisted.extend(old.iter().filter(|which| !new.contains(which)).map(key));
        }
        for file in before.keys().filter(|file| !after.contains_key(file)) {
            self.remove_file(*file);
            self.delete(Collection::MessageIndex, keys::file_message(*file));
        }
        for (file, message) in after {
            if before.get(&file) != Some(&message) {
                self.put(
                    Collection::MessageIndex,
                    keys::file_message(file),
                    keys::outbox(message),
                );
            }
        }
        for key in unlisted {
            self.delete(Collection::Gallery, key);
        }
        for key in listed {
            self.put(Collection::Gallery, key, Vec::new());
        }
    }
}

impl Core {
    /// A piece of a file; `None` when it is not here.
    pub(crate) async fn piece(&self, file: FileId, index: u32) -> Result<Option<Vec<u8>>, StoreError> {
        self.ports
            .store
            .get(Collection::Pieces, &keys::piece(file, index))
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_counted_whole() {
        assert_eq!(
            (pieces(0), pieces(1), pieces(PIECE), pieces(PIECE + 1)),
            (0, 1, 1, 2)
        );
        assert_eq!(piece_at(PIECE * 3), Some(3));
        assert_eq!(piece_at(PIECE + 1), None);
    }
}
