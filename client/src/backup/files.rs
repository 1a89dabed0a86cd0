//! Files that come back with their messages: gathered part by part, and kept once they are whole.

use holdfast_protocol::backup::FilePart;
use holdfast_protocol::file::FileType;

use super::merge::Taking;
use crate::api::{FileId, MessageId};
use crate::ports::StoreError;
use crate::records::{FilePlace, FileRecord, Held};
use crate::work::Work;

/// The largest file that is brought back, in bytes: above what file servers take, and no burden for the memory.
const MAX_ARRIVING: u64 = 16 * 1024 * 1024;

/// A file that is not complete yet.
pub(super) struct Arriving {
    index: u32,
    file: FileId,
    size: u64,
    bytes: Vec<u8>,
}

impl Work<'_> {
    /// A part of a file; with the last one the file is kept, whole.
    pub(super) async fn take_part(&mut self, taking: &mut Taking, part: &FilePart) -> Result<(), StoreError> {
        let Some(message) = taking.message else {
            return Ok(());
        };
        if part.offset == 0 {
            taking.file = self.awaited(message, part).await?;
        }
        let Some(mut arriving) = taking.file.take() else {
            return Ok(());
        };
        let before = u64::try_from(arriving.bytes.len()).unwrap_or(u64::MAX);
        let length = u64::try_from(part.bytes.len()).unwrap_or(u64::MAX);
        let after = before.saturating_add(length);
        if part.index != arriving.index || part.offset != before || length == 0 || after > arriving.size {
            return Ok(());
        }
        arriving.bytes.extend_from_slice(&part.bytes);
        if after < arriving.size {
            taking.file = Some(arriving);
            return Ok(());
        }
        if self.keep_arrived(message, arriving).await? {
            taking.taken.files += 1;
        }
        Ok(())
    }

    /// The file that a part begins, if it is not here and not on its way.
    async fn awaited(&self, message: MessageId, part: &FilePart) -> Result<Option<Arriving>, StoreError> {
        let Some((_, _, record)) = self.message(message).await? else {
            return Ok(None);
        };
        let index = usize::try_from(part.index).unwrap_or(usize::MAX);
        let wanted = record.all_files().nth(index).map(|held| held.file);
        let wanted = wanted.filter(|file| self.file(*file).is_none());
        let fits = (1..=MAX_ARRIVING).contains(&part.size);
        Ok(wanted.filter(|_| fits).map(|file| Arriving {
            index: part.index,
            file,
            size: part.size,
            bytes: Vec::new(),
        }))
    }

    /// Keeps a whole file; `false` when its message went meanwhile.
    async fn keep_arrived(&mut self, message: MessageId, arriving: Arriving) -> Result<bool, StoreError> {
        let Arriving {
            file, size, bytes, ..
        } = arriving;
        let found = FileType::of(&bytes);
        let mut again_until = None;
        self.update(message, |record| {
            if let Some(held) = record.file_mut(file) {
                let content_type = found.content_type(&held.info.content_type).to_owned();
                held.arrived(content_type, size);
                again_until = Some(held.source.as_ref().map_or(0, |source| source.until));
            }
        })
        .await?;
        let Some(again_until) = again_until.filter(|_| self.file(file).is_none()) else {
            return Ok(false);
        };
        self.put_pieces(file, &bytes);
        let record = FileRecord {
            place: FilePlace::Message(message),
            size,
            held: Held::Whole,
            used_at: self.now(),
            again_until,
        };
        self.put_file(file, record)?;
        self.retell(message);
        Ok(true)
    }
}
