//! What the engine keeps, and under which keys.
//!
//! Every value starts with a version byte, so that a later layout can tell what it reads.

use holdfast_protocol::account::{Id, Seed};
use holdfast_protocol::keys::Ed25519PublicKey;
use holdfast_protocol::message::profile::{Picture, PictureChange, ProfileChange};
use holdfast_protocol::swarm::Namespace;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::api::{
    Disappearing, Message, MessageId, MessageKind, MessageState, Notify, Position, RequestId, SendFailure,
    Standing,
};
use crate::ports::StoreError;

/// The layout of all records below.
const VERSION: u8 = 2;

/// Bytes of an id in keys.
const ID: usize = 33;

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
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    match bytes.split_first() {
        Some((&VERSION, body)) => postcard::from_bytes(body).map_err(|_| StoreError::Damaged),
        _ => Err(StoreError::Damaged),
    }
}

/// The own account, in `Meta` under [`keys::ACCOUNT`].
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct AccountRecord {
    pub(crate) seed: Seed,
    /// Empty when not known.
    pub(crate) name: String,
    /// Unix seconds of the last change of the name, sent with it (`spec/02-messages-v1.md §5.5`).
    pub(crate) name_changed: u64,
    /// The command that made the account here, so that its repetition does not fail.
    pub(crate) made_by: Option<RequestId>,
}

/// Counters that only go up, in `Meta` under [`keys::COUNTERS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counters {
    /// The last local message number given.
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
}

/// The newest message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Newest {
    pub(crate) position: Position,
    pub(crate) text: String,
    pub(crate) outgoing: bool,
    pub(crate) state: MessageState,
}

impl Newest {
    pub(crate) fn of(message: &Message) -> Self {
        Self {
            position: message.position(),
            text: message.body.chars().take(PREVIEW_CHARS).collect(),
            outgoing: message.outgoing,
            state: message.state,
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

/// A message, in `Messages` under [`keys::message`], which holds its conversation and position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MessageRecord {
    pub(crate) author: Id,
    pub(crate) outgoing: bool,
    pub(crate) body: String,
    pub(crate) state: MessageState,
    /// The storage hash on the own swarm, for deleting and for changing its expiry there.
    pub(crate) hash: Option<String>,
}

impl MessageRecord {
    pub(crate) fn shown(self, conversation: Id, position: Position) -> Message {
        Message {
            id: position.id,
            conversation,
            author: self.author,
            outgoing: self.outgoing,
            kind: MessageKind::Text,
            body: self.body,
            quote: None,
            reactions: Vec::new(),
            expiry: None,
            sent_at: position.sent_at,
            state: self.state,
        }
    }
}

/// A message that was accepted and is not finished, in `Outbox` under its local number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OutboxRecord {
    pub(crate) conversation: Id,
    pub(crate) position: Position,
    /// The bytes to store for the contact: made once, so that a repeated attempt stores the same hash. `None` once stored.
    pub(crate) for_contact: Option<Vec<u8>>,
    /// The bytes to store for the own devices; the only ones in a note to self.
    pub(crate) for_self: Option<Vec<u8>>,
    /// The offset that the sent time was made with, when network time was not known yet.
    pub(crate) guessed_offset: Option<i64>,
    /// Given up until the user tries again.
    pub(crate) failed: Option<SendFailure>,
}

/// A storage hash that was handled, in `Seen` under its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SeenRecord {
    /// Unix milliseconds after which no node can still have it.
    pub(crate) until: u64,
}

/// Keys.
pub(crate) mod keys {
    use super::*;

    pub(crate) const ACCOUNT: &[u8] = b"account";
    pub(crate) const COUNTERS: &[u8] = b"counters";
    pub(crate) const NODES: &[u8] = b"nodes";
    pub(crate) const GUARDS: &[u8] = b"guards";
    pub(crate) const STRIKES: &[u8] = b"strikes";
    pub(crate) const TIME: &[u8] = b"time";
    const PREFERENCE: &[u8] = b"preference/";

    pub(crate) fn preference(key: &str) -> Vec<u8> {
        [PREFERENCE, key.as_bytes()].concat()
    }

    pub(crate) fn preference_name(key: &[u8]) -> Option<&str> {
        key.strip_prefix(PREFERENCE)
            .and_then(|name| std::str::from_utf8(name).ok())
    }

    pub(crate) fn id(id: &Id) -> Vec<u8> {
        id.as_bytes().to_vec()
    }

    pub(crate) fn read_id(key: &[u8]) -> Result<Id, StoreError> {
        Id::from_slice(key).map_err(|_| StoreError::Damaged)
    }

    /// Conversation, then sent time and number, big-endian: key order is display order.
    pub(crate) fn message(conversation: &Id, position: Position) -> Vec<u8> {
        let mut key = Vec::with_capacity(ID + 16);
        key.extend_from_slice(conversation.as_bytes());
        key.extend_from_slice(&position.sent_at.to_be_bytes());
        key.extend_from_slice(&position.id.0.to_be_bytes());
        key
    }

    pub(crate) fn read_message(key: &[u8]) -> Result<(Id, Position), StoreError> {
        let (conversation, rest) = key.split_at_checked(ID).ok_or(StoreError::Damaged)?;
        let (sent_at, id) = rest.split_first_chunk::<8>().ok_or(StoreError::Damaged)?;
        let id: [u8; 8] = id.try_into().map_err(|_| StoreError::Damaged)?;
        let position = Position {
            sent_at: u64::from_be_bytes(*sent_at),
            id: MessageId(u64::from_be_bytes(id)),
        };
        Ok((read_id(conversation)?, position))
    }

    /// In `MessageIndex`: where a message lies, by its local number.
    pub(crate) fn by_number(id: MessageId) -> Vec<u8> {
        [&b"n"[..], &id.0.to_be_bytes()].concat()
    }

    /// In `MessageIndex`: a message's local number by what makes it unique; 0 once deleted here.
    pub(crate) fn by_author(conversation: &Id, author: &Id, sent_at: u64) -> Vec<u8> {
        [
            &b"a"[..],
            conversation.as_bytes(),
            author.as_bytes(),
            &sent_at.to_be_bytes(),
        ]
        .concat()
    }

    /// In `MessageIndex`: the message that a numbered command made.
    pub(crate) fn by_request(number: RequestId) -> Vec<u8> {
        [&b"r"[..], &number.0].concat()
    }

    /// In `Cursors`: how far an account's namespace was read on a node.
    pub(crate) fn cursor(node: &Ed25519PublicKey, account: &Id, namespace: Namespace) -> Vec<u8> {
        [
            &node.as_bytes()[..],
            account.as_bytes(),
            &namespace.0.to_be_bytes(),
        ]
        .concat()
    }

    pub(crate) fn outbox(id: MessageId) -> Vec<u8> {
        id.0.to_be_bytes().to_vec()
    }

    pub(crate) fn read_number(key: &[u8]) -> Result<MessageId, StoreError> {
        let bytes = key.try_into().map_err(|_| StoreError::Damaged)?;
        Ok(MessageId(u64::from_be_bytes(bytes)))
    }
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
