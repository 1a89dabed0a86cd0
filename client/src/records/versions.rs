//! Records of earlier layouts. A step is never edited afterwards.

use holdfast_protocol::account::Id;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{
    AccountRecord, CallRecord, ClearedRecord, ContactRecord, ConversationRecord, Counters, FileRecord,
    Guessed, JobRecord, Lifetime, MarkRecord, MessageRecord, Newest, OutboxRecord, ReactionRecord,
    SeenRecord, Target, VERSION,
};
use crate::api::{Expiry, MessageId, MessageKind, MessageState, Position, SendFailure};
use crate::config::SyncRecord;
use crate::ports::StoreError;

/// Something that is kept: it can be read in every layout that it ever had.
pub(crate) trait Record: DeserializeOwned {
    /// The record from its bytes after the version.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] for a layout that is not known, or bytes that do not have it.
    fn read(version: u8, body: &[u8]) -> Result<Self, StoreError> {
        match version {
            2 | VERSION => parse(body),
            _ => Err(StoreError::Damaged),
        }
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, StoreError> {
    postcard::from_bytes(body).map_err(|_| StoreError::Damaged)
}

/// Records that have been the same since version 2, or are newer.
macro_rules! unchanged {
    ($($record:ty),+ $(,)?) => { $(impl Record for $record {})+ };
}

unchanged!(
    AccountRecord,
    CallRecord,
    ClearedRecord,
    ContactRecord,
    Counters,
    FileRecord,
    JobRecord,
    MarkRecord,
    SeenRecord,
    String,
    Vec<u64>,
    i64,
    u64,
);

/// Records that had no files in version 2.
macro_rules! with_files {
    ($record:ty, $before:ty) => {
        impl Record for $record {
            fn read(version: u8, body: &[u8]) -> Result<Self, StoreError> {
                match version {
                    2 => parse::<$before>(body).map(Self::from),
                    VERSION => parse(body),
                    _ => Err(StoreError::Damaged),
                }
            }
        }
    };
}

with_files!(MessageRecord, Message2);
with_files!(ConversationRecord, Conversation2);
with_files!(OutboxRecord, Outbox2);

/// At first it did not say which messages may have been stored; what follows it tells the two apart.
impl Record for SyncRecord {
    fn read(version: u8, body: &[u8]) -> Result<Self, StoreError> {
        match version {
            2 | VERSION => parse(body).or_else(|_| parse::<Sync3>(body).map(Self::from)),
            _ => Err(StoreError::Damaged),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Sync3 {
    pulled: bool,
    provisional: bool,
    obsolete: Vec<String>,
    stored_at: [u64; 4],
    renewed_at: u64,
}

impl From<Sync3> for SyncRecord {
    fn from(before: Sync3) -> Self {
        Self {
            pulled: before.pulled,
            provisional: before.provisional,
            obsolete: before.obsolete,
            stored_at: before.stored_at,
            renewed_at: before.renewed_at,
            handed: Default::default(),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Message2 {
    author: Id,
    outgoing: bool,
    kind: MessageKind,
    body: String,
    quote: Option<Target>,
    reactions: Vec<ReactionRecord>,
    expiry: Option<Expiry>,
    state: MessageState,
    hash: Option<String>,
    received_at: Option<u64>,
}

impl From<Message2> for MessageRecord {
    fn from(before: Message2) -> Self {
        Self {
            author: before.author,
            outgoing: before.outgoing,
            kind: before.kind,
            body: before.body,
            files: Vec::new(),
            link: None,
            quote: before.quote,
            reactions: before.reactions,
            expiry: before.expiry,
            state: before.state,
            hash: before.hash,
            received_at: before.received_at,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Conversation2 {
    visible: bool,
    marked_unread: bool,
    total: u32,
    unread: u32,
    read_up_to: u64,
    active_at: u64,
    newest: Option<Newest2>,
    draft: String,
    disappearing_since: u64,
}

#[derive(Serialize, Deserialize)]
struct Newest2 {
    position: Position,
    kind: MessageKind,
    text: String,
    outgoing: bool,
    state: MessageState,
}

impl From<Conversation2> for ConversationRecord {
    fn from(before: Conversation2) -> Self {
        Self {
            visible: before.visible,
            marked_unread: before.marked_unread,
            total: before.total,
            unread: before.unread,
            read_up_to: before.read_up_to,
            active_at: before.active_at,
            newest: before.newest.map(|newest| Newest {
                position: newest.position,
                kind: newest.kind,
                text: newest.text,
                files: None,
                outgoing: newest.outgoing,
                state: newest.state,
            }),
            draft: before.draft,
            disappearing_since: before.disappearing_since,
            auto_load: false,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Outbox2 {
    number: MessageId,
    message: bool,
    conversation: Id,
    sent_at: u64,
    for_contact: Option<Vec<u8>>,
    for_self: Option<Vec<u8>>,
    lifetime: Lifetime,
    guessed: Option<Guessed>,
    failed: Option<SendFailure>,
}

impl From<Outbox2> for OutboxRecord {
    fn from(before: Outbox2) -> Self {
        Self {
            number: before.number,
            message: before.message,
            conversation: before.conversation,
            sent_at: before.sent_at,
            for_contact: before.for_contact,
            for_self: before.for_self,
            lifetime: before.lifetime,
            guessed: before.guessed,
            failed: before.failed,
            waiting: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::decode;
    use crate::test_support::id;

    fn bytes_of_version_2<T: Serialize>(record: &T) -> Vec<u8> {
        let mut bytes = vec![2];
        bytes.extend(postcard::to_allocvec(record).unwrap());
        bytes
    }

    #[test]
    fn a_message_of_version_2_is_read_without_files() {
        let before = Message2 {
            author: id(1),
            outgoing: true,
            kind: MessageKind::Text,
            body: "before files".to_owned(),
            quote: None,
            reactions: Vec::new(),
            expiry: None,
            state: MessageState::Sent,
            hash: Some("hash".to_owned()),
            received_at: Some(7),
        };
        let now: MessageRecord = decode(&bytes_of_version_2(&before)).unwrap();
        assert_eq!(now.body, "before files");
        assert_eq!((now.files.len(), now.received_at), (0, Some(7)));
    }

    #[test]
    fn a_conversation_of_version_2_keeps_its_newest_message() {
        let before = Conversation2 {
            visible: true,
            marked_unread: false,
            total: 3,
            unread: 1,
            read_up_to: 5,
            active_at: 6,
            newest: Some(Newest2 {
                position: Position {
                    sent_at: 6,
                    id: MessageId(2),
                },
                kind: MessageKind::Text,
                text: "newest".to_owned(),
                outgoing: false,
                state: MessageState::Received,
            }),
            draft: "draft".to_owned(),
            disappearing_since: 0,
        };
        let now: ConversationRecord = decode(&bytes_of_version_2(&before)).unwrap();
        assert_eq!(now.newest.map(|newest| newest.text).as_deref(), Some("newest"));
        assert_eq!((now.draft.as_str(), now.auto_load), ("draft", false));
    }

    #[test]
    fn what_waited_to_be_sent_in_version_2_still_does() {
        let before = Outbox2 {
            number: MessageId(4),
            message: true,
            conversation: id(2),
            sent_at: 9,
            for_contact: Some(vec![1, 2, 3]),
            for_self: None,
            lifetime: Lifetime { contact: 1, own: 1 },
            guessed: None,
            failed: None,
        };
        let now: OutboxRecord = decode(&bytes_of_version_2(&before)).unwrap();
        assert_eq!(now.for_contact, Some(vec![1, 2, 3]));
        assert!(now.waiting.is_none());
    }

    #[test]
    fn where_a_device_stood_with_the_swarm_is_read_as_it_was_and_as_it_is() {
        let before = Sync3 {
            pulled: true,
            provisional: false,
            obsolete: vec!["old".to_owned()],
            stored_at: [1, 2, 3, 4],
            renewed_at: 5,
        };
        for version in [2, VERSION] {
            let mut bytes = bytes_of_version_2(&before);
            bytes[0] = version;
            let now: SyncRecord = decode(&bytes).unwrap();
            assert_eq!(
                (now.pulled, now.renewed_at, now.stored_at),
                (true, 5, [1, 2, 3, 4])
            );
            assert_eq!(now.obsolete, ["old"]);
            assert!(now.handed.concat().is_empty());
        }
        let mut now = SyncRecord::from(before);
        now.handed[1].push("handed".to_owned());
        assert_eq!(decode(&crate::records::encode(&now).unwrap()), Ok(now));
    }

    #[test]
    fn what_had_no_files_is_read_as_it_is() {
        assert_eq!(decode::<u64>(&bytes_of_version_2(&5u64)), Ok(5));
        let mut bytes = bytes_of_version_2(&5u64);
        bytes[0] = 1;
        assert_eq!(decode::<u64>(&bytes), Err(StoreError::Damaged));
    }
}
