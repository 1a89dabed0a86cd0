//! What the engine keeps, and under which keys.
//!
//! Every value starts with a version byte, so that a later layout can tell what it reads.

mod file;
pub(crate) mod keys;
mod message;
mod versions;

use holdfast_protocol::account::{Id, Seed};
use holdfast_protocol::message::profile::{Picture, PictureChange, ProfileChange};
use serde::{Deserialize, Serialize};

use crate::api::{
    Disappearing, FilesSummary, MessageId, MessageKind, MessageState, Notify, Position, RequestId,
    SendFailure, Standing,
};
use crate::ports::StoreError;
pub(crate) use file::{
    AttachmentRecord, Fault, FilePlace, FileRecord, Held, LinkRecord, Source, kind_of, summary,
};
pub(crate) use message::{MessageRecord, ReactionRecord, Target};
pub(crate) use versions::Record;

/// The layout of all records below.
const VERSION: u8 = 3;

/// Characters of a text that the conversation list keeps.
pub(crate) const PREVIEW_CHARS: usize = 200;

/// A record's bytes.
pub(crate) fn encode<T: Serialize>(record: &T) -> Result<Vec<u8>, StoreError> {
    let body = postcard::to_allocvec(record)
        .map_err(|_| StoreError::Other("could not encode a record".to_owned()))?;
    let mut bytes = Vec::with_capacity(body.len() + 1);
    bytes.push(VERSION);
    bytes.extend_from_slice(&body);
    Ok(bytes)
}

/// A record from its bytes.
pub(crate) fn decode<T: Record>(bytes: &[u8]) -> Result<T, StoreError> {
    let (version, body) = bytes.split_first().ok_or(StoreError::Damaged)?;
    T::read(*version, body)
}

/// The number that a record starts with: of those that are forgotten some day, when. Milliseconds.
pub(crate) fn first_number(bytes: &[u8]) -> Result<u64, StoreError> {
    match bytes.split_first() {
        Some((2 | &VERSION, body)) => postcard::take_from_bytes(body)
            .map(|(number, _)| number)
            .map_err(|_| StoreError::Damaged),
        _ => Err(StoreError::Damaged),
    }
}

/// The own account, in `Meta` under [`keys::ACCOUNT`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AccountRecord {
    pub(crate) seed: Seed,
    /// Empty when not known.
    pub(crate) name: String,
    /// Unix seconds of the last change of the name, sent with it (`spec/02-messages-v1.md §5.5`).
    pub(crate) name_changed: u64,
    /// The command that made the account here, so that its repetition does not fail.
    pub(crate) made_by: Option<RequestId>,
}

impl AccountRecord {
    /// Whether this command made the account here: a front end that lost its engine in mid-command gives it again.
    pub(crate) fn is_made_by(&self, number: Option<RequestId>) -> bool {
        number.is_some() && self.made_by == number
    }
}

/// Counters that only go up, in `Meta` under [`keys::COUNTERS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counters {
    /// The last local number given: to messages, and to whatever else is sent or has to be done.
    pub(crate) message: u64,
    /// The last sent time given, Unix milliseconds: each is unique on this device (`spec/02-messages-v1.md §6.4`).
    pub(crate) sent_at: u64,
}

/// A conversation, in `Conversations` under its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConversationRecord {
    /// It was opened or has had messages; what takes it off the list is the contact's priority.
    pub(crate) visible: bool,
    /// Marked as unread by hand.
    pub(crate) marked_unread: bool,
    pub(crate) total: u32,
    pub(crate) unread: u32,
    pub(crate) read_up_to: u64,
    pub(crate) active_at: u64,
    pub(crate) newest: Option<Newest>,
    /// A text begun and not sent; empty for none.
    pub(crate) draft: String,
    /// When an own device last set how long messages live, Unix milliseconds: an older word that comes later does not count.
    /// 0 when the config said it last.
    pub(crate) disappearing_since: u64,
    /// Files that come are fetched without asking.
    pub(crate) auto_load: bool,
}

/// The newest message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Newest {
    pub(crate) position: Position,
    pub(crate) kind: MessageKind,
    pub(crate) text: String,
    pub(crate) files: Option<FilesSummary>,
    pub(crate) outgoing: bool,
    pub(crate) state: MessageState,
}

impl Newest {
    pub(crate) fn of(position: Position, record: &MessageRecord) -> Self {
        Self {
            position,
            kind: record.kind,
            text: record.body.chars().take(PREVIEW_CHARS).collect(),
            files: summary(&record.files),
            outgoing: record.outgoing,
            state: record.state,
        }
    }
}

impl ConversationRecord {
    pub(crate) fn new() -> Self {
        Self {
            visible: false,
            marked_unread: false,
            total: 0,
            unread: 0,
            read_up_to: 0,
            active_at: 0,
            newest: None,
            draft: String::new(),
            disappearing_since: 0,
            auto_load: false,
        }
    }
}

/// What is known of another account, in `Contacts` under its id. The own id has one too, for what the note to self has in
/// common with other conversations: priority and disappearing.
///
/// All of it is synced: the `Contacts` config (`spec/04-configs.md §11`) has the same fields, and the `UserProfile` those
/// of the note to self. A record that equals the default one is not stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ContactRecord {
    pub(crate) name: Option<String>,
    /// Unix seconds from the profile itself; 0 when it gave none.
    pub(crate) profile_changed: u64,
    /// Kept as received; pictures are not shown yet.
    pub(crate) picture: Option<Picture>,
    /// The user's own name for them.
    pub(crate) nickname: Option<String>,
    /// The user accepted them, or wrote first.
    pub(crate) approved: bool,
    /// They accepted the user, or wrote first.
    pub(crate) approved_me: bool,
    pub(crate) blocked: bool,
    /// Below 0: hidden; above 0: pinned.
    pub(crate) priority: i32,
    pub(crate) notify: Notify,
    /// Unix seconds; 0 for not muted.
    pub(crate) muted_until: u64,
    /// How long messages written here live.
    pub(crate) disappearing: Disappearing,
    /// Unix seconds of the first message or command; 0 when not known.
    pub(crate) created: u64,
}

impl ContactRecord {
    /// How both sides stand to each other (`spec/02-messages-v1.md §9.1`).
    pub(crate) fn standing(&self) -> Standing {
        match (self.blocked, self.approved, self.approved_me) {
            (true, ..) => Standing::Blocked,
            (_, true, true) => Standing::Active,
            (_, true, false) => Standing::OutgoingRequest,
            (_, false, true) => Standing::IncomingRequest,
            (_, false, false) => Standing::Fresh,
        }
    }

    /// Whether the own devices should know of it: a conversation that was only opened is nobody's contact.
    pub(crate) fn is_shared(&self) -> bool {
        self.standing() != Standing::Fresh
    }

    /// Takes what a received profile changes (`spec/02-messages-v1.md §5.5`).
    pub(crate) fn take_profile(&mut self, change: ProfileChange) {
        self.name = change.name.or(self.name.take());
        self.profile_changed = change.updated_at;
        match change.picture {
            PictureChange::Keep => {}
            PictureChange::Clear => self.picture = None,
            PictureChange::Set(picture) => self.picture = Some(picture),
        }
    }
}

/// Something that was accepted for sending and is not finished, in `Outbox` under its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OutboxRecord {
    /// A message's own number, or one for this entry alone.
    pub(crate) number: MessageId,
    /// The number is a message's, whose state follows.
    pub(crate) message: bool,
    pub(crate) conversation: Id,
    /// Unix milliseconds.
    pub(crate) sent_at: u64,
    /// The bytes to store for the contact: made once, so that a repeated attempt stores the same hash. `None` once stored.
    pub(crate) for_contact: Option<Vec<u8>>,
    /// The bytes to store for the own devices; the only ones in a note to self.
    pub(crate) for_self: Option<Vec<u8>>,
    /// How long both live in their swarms, milliseconds.
    pub(crate) lifetime: Lifetime,
    /// Made before network time was known.
    pub(crate) guessed: Option<Guessed>,
    /// Given up until the user tries again.
    pub(crate) failed: Option<SendFailure>,
    /// What will be sent once its files are on the file server; the bytes above are made then.
    pub(crate) waiting: Option<Waiting>,
}

/// A content whose files are not all on the file server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Waiting {
    /// The content without them, encoded.
    pub(crate) content: Vec<u8>,
}

/// How long the copies of something live in the swarms, milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lifetime {
    pub(crate) contact: u64,
    pub(crate) own: u64,
}

/// What it takes to give something its right time once the network's is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Guessed {
    /// The offset that the sent time was made with.
    pub(crate) offset: i64,
    /// The content as given, encoded.
    pub(crate) content: Vec<u8>,
}

/// Something to do on the own swarm until half of its members confirm it, or as many as answer, in `Due` under [`keys::job`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JobRecord {
    /// The message's storage hash.
    pub(crate) hash: String,
    /// The message on this device, if it is about one that stays here.
    pub(crate) message: Option<MessageId>,
    pub(crate) what: Job,
    /// Unix milliseconds after which no node can still have it.
    pub(crate) until: u64,
}

/// See [`JobRecord`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Job {
    /// It is to be deleted.
    Delete,
    /// It is to go at this time, Unix milliseconds, unless it goes earlier.
    Shorten(u64),
}

/// What is known of a message that is not here, in `Marks` under [`keys::mark`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MarkRecord {
    /// Unix milliseconds after which it can't come any more.
    pub(crate) until: u64,
    /// It must not be shown.
    pub(crate) gone: Option<Gone>,
    /// The other side has read it.
    pub(crate) read: bool,
    /// Reactions that came before it.
    pub(crate) reactions: Vec<ReactionRecord>,
}

/// All messages of a conversation were removed here, in `Marks` under [`keys::cleared`]: they are not let in again from a
/// backup file, of whatever age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClearedRecord {
    /// Unix milliseconds after which it can be forgotten.
    pub(crate) until: u64,
    /// Everything sent up to then went, Unix milliseconds.
    pub(crate) up_to: u64,
}

/// A call that was told, in `Marks` under [`keys::call`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CallRecord {
    /// Unix milliseconds after which it can be forgotten.
    pub(crate) until: u64,
    /// The message that tells it; `None` when an own device answered or declined.
    pub(crate) message: Option<MessageId>,
}

/// Why a message must not be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Gone {
    /// It was removed from this device.
    Here,
    /// Its author, or the own account on another device, asked for its deletion.
    Unsent,
}

/// A storage hash that was handled, in `Seen` under its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SeenRecord {
    /// Unix milliseconds after which no node can still have it.
    pub(crate) until: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_keys_order_by_time_then_number() {
        let conversation = crate::test_support::id(1);
        let key = |sent_at, id| {
            keys::message(
                &conversation,
                Position {
                    sent_at,
                    id: MessageId(id),
                },
            )
        };
        let mut all = vec![key(256, 1), key(255, 9), key(255, 300), key(u64::MAX, 0)];
        all.sort();
        assert_eq!(
            all,
            vec![key(255, 9), key(255, 300), key(256, 1), key(u64::MAX, 0)]
        );
        assert_eq!(
            keys::read_message(&key(7, 8)).unwrap().1,
            Position {
                sent_at: 7,
                id: MessageId(8),
            }
        );
    }

    #[test]
    fn a_record_of_another_version_is_not_read() {
        let mut bytes = encode(&Counters::default()).unwrap();
        assert_eq!(decode::<Counters>(&bytes), Ok(Counters::default()));
        bytes[0] = VERSION + 1;
        assert_eq!(decode::<Counters>(&bytes), Err(StoreError::Damaged));
        assert_eq!(decode::<Counters>(&[]), Err(StoreError::Damaged));
    }
}
