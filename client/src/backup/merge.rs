//! What becomes of a backup file's records here. Rules, in one place:
//!
//! - A message that is here stays as it is; reactions are merged by their own times, and *read* is added to *sent*.
//! - What was deleted here, one by one or with its conversation, stays away, whenever that was.
//! - What has disappeared stays away. Where the time of its reading is not known, it counts from sending.
//! - A contact that the account removed since stays removed, with its messages. Contacts themselves come from the network;
//!   only where it has kept none at all do they come from the file.
//! - Drafts and settings count only if the file is older than the account is on this device, and where nothing was chosen.
//! - Nobody is told: no notification, no receipt, and no config on account of messages or read positions.

use std::collections::BTreeMap;

use holdfast_protocol::account::Id;
use holdfast_protocol::backup::{Conversation, FilePart, Message};
use holdfast_protocol::file::FileType;

use super::convert;
use crate::api::{
    BackupTaken, Disappearing, Expiry, FILE_PIECE, FileId, FileKind, MessageId, MessageKind, MessageState,
};
use crate::commands::MAX_DRAFT;
use crate::ports::{Collection, StoreError};
use crate::reactions::apply_early;
use crate::records::{FilePlace, FileRecord, Held, MarkRecord, MessageRecord, keys, kind_of};
use crate::work::{Known, Reader, Work};

/// The largest file that is brought back, in bytes: above what file servers take, and no burden for the memory.
const MAX_FILE: u64 = 16 * 1024 * 1024;

/// Where the taking of a backup file stands.
#[derive(Default)]
pub(super) struct Taking {
    /// When the file was made, Unix milliseconds.
    pub(super) made_at: u64,
    /// When the account was taken up here, Unix milliseconds.
    pub(super) since: u64,
    /// The conversation at hand; `None` when it is left out.
    conversation: Option<Id>,
    /// The message at hand; `None` when it is left out.
    message: Option<MessageId>,
    file: Option<Arriving>,
    pub(super) taken: BackupTaken,
}

/// A file that is not complete yet.
struct Arriving {
    index: u32,
    file: FileId,
    size: u64,
    bytes: Vec<u8>,
}

impl Taking {
    pub(super) fn conversation(&self) -> Option<Id> {
        self.conversation
    }

    /// Whether the file is older than the account is on this device, so that what is blank here was never chosen.
    pub(super) fn is_from_before(&self) -> bool {
        self.made_at < self.since
    }
}

/// When a message from a file disappears, if it does; `None` when its time may be over. `read`: reading has started it.
fn still_there(
    expiry: Option<Expiry>,
    outgoing: bool,
    sent_at: u64,
    read: bool,
    now: u64,
) -> Option<Option<Expiry>> {
    let Some(expiry) = expiry else {
        return Some(None);
    };
    let seconds = match expiry.mode {
        Disappearing::AfterRead(_) if !outgoing && !read && expiry.at.is_none() => return Some(Some(expiry)),
        Disappearing::AfterRead(seconds) | Disappearing::AfterSend(seconds) => u64::from(seconds),
        Disappearing::Off => return Some(None),
    };
    let latest = sent_at.saturating_add(seconds.saturating_mul(1_000));
    let at = expiry.at.unwrap_or(latest);
    (at > now).then_some(Some(Expiry {
        at: Some(at),
        ..expiry
    }))
}

impl Work<'_> {
    /// A conversation: decides whether its messages are taken, and takes what only a device knows of it.
    pub(super) async fn take_conversation(
        &mut self,
        taking: &mut Taking,
        own: &Id,
        written: &Conversation,
    ) -> Result<(), StoreError> {
        taking.conversation = None;
        taking.message = None;
        taking.file = None;
        let Ok(id) = Id::from_slice(&written.id) else {
            return Ok(());
        };
        if id.x25519().is_none() {
            return Ok(());
        }
        if id != *own && !self.is_shared(&id) && !self.take_contact(taking, &id, written).await? {
            return Ok(());
        }
        taking.conversation = Some(id);
        self.unshared.insert(id);
        let from_before = taking.is_from_before();
        let read_up_to = written.read_up_to.min(self.now());
        let held = self.conversation(&id);
        if from_before {
            held.auto_load |= written.auto_load;
            if held.draft.is_empty() && !written.draft.is_empty() && written.draft.len() <= MAX_DRAFT {
                held.draft.clone_from(&written.draft);
                held.visible = true;
            }
        }
        if read_up_to > held.read_up_to {
            let marked = held.marked_unread;
            self.mark_read(&id, read_up_to, Reader::Elsewhere);
            self.conversation(&id).marked_unread = marked;
        }
        Ok(())
    }

    /// Somebody who is no contact here: whether their messages are taken. They become a contact again where the network has
    /// kept no contacts of the account.
    async fn take_contact(
        &mut self,
        taking: &mut Taking,
        id: &Id,
        written: &Conversation,
    ) -> Result<bool, StoreError> {
        let Some(contact) = written.contact.as_ref().map(convert::read_contact) else {
            return Ok(true);
        };
        if self.cleared_up_to(id).await? >= taking.made_at {
            return Ok(false);
        }
        let kept_at = self.config_stored_at(id);
        if kept_at >= taking.made_at {
            // The account's contacts are known as they were later, without this one.
            return Ok(false);
        }
        if kept_at == 0 && taking.is_from_before() && contact.is_shared() {
            let (created, shown) = (
                contact.created.saturating_mul(1_000),
                contact.approved && !contact.blocked,
            );
            *self.contact(id) = contact;
            let now = self.now();
            let held = self.conversation(id);
            held.visible |= shown;
            held.active_at = held.active_at.max(created.min(now));
            taking.taken.contacts += 1;
        }
        Ok(true)
    }

    /// A message.
    pub(super) async fn take_message(
        &mut self,
        taking: &mut Taking,
        cleared: &mut BTreeMap<Id, u64>,
        own: &Id,
        written: &Message,
    ) -> Result<(), StoreError> {
        taking.message = None;
        taking.file = None;
        let now = self.now();
        let conversation = taking.conversation;
        let read = conversation.and_then(|id| Some((id, convert::read_message(own, &id, written, now)?)));
        let Some((conversation, (target, mut record))) = read else {
            taking.taken.left_out += 1;
            return Ok(());
        };
        self.unshared.insert(conversation);
        match self.known(&conversation, &target).await? {
            Known::Present(id) => {
                self.complete(id, record).await?;
                taking.message = Some(id);
                taking.taken.known += 1;
                return Ok(());
            }
            Known::Gone(_) => {
                taking.taken.left_out += 1;
                return Ok(());
            }
            Known::New => {}
        }
        let cleared_up_to = match cleared.get(&conversation) {
            Some(up_to) => *up_to,
            None => {
                let up_to = self.cleared_up_to(&conversation).await?;
                cleared.insert(conversation, up_to);
                up_to
            }
        };
        let read = target.sent_at <= self.conversation(&conversation).read_up_to;
        let expiry = still_there(record.expiry, record.outgoing, target.sent_at, read, now);
        let Some(expiry) = expiry.filter(|_| target.sent_at > cleared_up_to) else {
            taking.taken.left_out += 1;
            return Ok(());
        };
        record.expiry = expiry;
        let mark = self.mark(&conversation, &target).await?;
        if mark != MarkRecord::default() {
            apply_early(&mut record, mark);
            self.remove_mark(&conversation, &target);
        }
        let image = record.link.as_mut().and_then(|link| link.image.as_mut());
        for file in record.files.iter_mut().chain(image) {
            file.file = FileId(self.next_number());
        }
        let position = self.insert(&conversation, target.sent_at, record).await?;
        taking.message = Some(position.id);
        taking.taken.added += 1;
        Ok(())
    }

    /// Adds to a message that is here what can be added without taking anything away.
    async fn complete(&mut self, id: MessageId, written: MessageRecord) -> Result<(), StoreError> {
        self.update(id, |held| {
            if held.kind != MessageKind::Text || written.kind != MessageKind::Text {
                return;
            }
            for word in written.reactions {
                held.react(word);
            }
            if held.state == MessageState::Sent && written.state == MessageState::Read {
                held.state = MessageState::Read;
            }
        })
        .await?;
        Ok(())
    }

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
        let fits = (1..=MAX_FILE).contains(&part.size);
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
                let voice = held.info.kind == FileKind::Voice;
                held.info.content_type = found.content_type(&held.info.content_type).to_owned();
                held.info.kind = kind_of(&held.info.content_type, voice);
                held.info.size = size;
                held.fault = None;
                again_until = Some(held.source.as_ref().map_or(0, |source| source.until));
            }
        })
        .await?;
        let Some(again_until) = again_until.filter(|_| self.file(file).is_none()) else {
            return Ok(false);
        };
        for (index, piece) in (0..).zip(bytes.chunks(FILE_PIECE)) {
            self.put(Collection::Pieces, keys::piece(file, index), piece.to_vec());
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: u64 = 1_000_000;

    fn at(mode: Disappearing, at: Option<u64>, outgoing: bool, read: bool, now: u64) -> Option<Option<u64>> {
        let expiry = Some(Expiry { mode, at });
        still_there(expiry, outgoing, SENT, read, now).map(|expiry| expiry.and_then(|expiry| expiry.at))
    }

    #[test]
    fn what_may_be_over_is_over() {
        use Disappearing::{AfterRead, AfterSend};
        assert_eq!(still_there(None, false, SENT, true, u64::MAX), Some(None));
        // Counted from sending, wherever that is not known better.
        assert_eq!(
            at(AfterSend(10), None, false, false, SENT + 9_999),
            Some(Some(SENT + 10_000))
        );
        assert_eq!(at(AfterSend(10), None, false, false, SENT + 10_000), None);
        assert_eq!(at(AfterRead(10), None, true, false, SENT + 10_000), None);
        assert_eq!(at(AfterRead(10), None, false, true, SENT + 10_000), None);
        // Not read by anybody: its time has not started.
        assert_eq!(at(AfterRead(10), None, false, false, u64::MAX), Some(None));
        // What the file says is known.
        assert_eq!(
            at(AfterRead(10), Some(SENT + 50_000), false, true, SENT + 40_000),
            Some(Some(SENT + 50_000))
        );
        assert_eq!(
            at(AfterRead(10), Some(SENT + 50_000), false, false, SENT + 50_000),
            None
        );
    }
}
