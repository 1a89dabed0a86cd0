//! What the engine keeps, and under which keys.
//!
//! Every value starts with a version byte, so that a later layout can tell what it reads.

use holdfast_protocol::account::{Id, Seed};
use holdfast_protocol::config::ConfigKind;
use holdfast_protocol::keys::Ed25519PublicKey;
use holdfast_protocol::message::profile::{Picture, PictureChange, ProfileChange};
use holdfast_protocol::swarm::Namespace;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::api::{
    Disappearing, Expiry, Message, MessageId, MessageKind, MessageState, Notice, Notify, Position, Quote,
    Reaction, RequestId, SendFailure, Standing,
};
use crate::ports::StoreError;

/// The layout of all records below.
const VERSION: u8 = 2;

/// Bytes of an id in keys.
const ID: usize = 33;

/// Characters of a text that the conversation list keeps.
pub(crate) const PREVIEW_CHARS: usize = 200;
/// Reactions that are kept of one message, whoever they are from: no honest conversation of two comes near.
const MAX_REACTIONS: usize = 100;

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

/// The number that a record starts with: of those that are forgotten some day, when. Milliseconds.
pub(crate) fn first_number(bytes: &[u8]) -> Result<u64, StoreError> {
    match bytes.split_first() {
        Some((&VERSION, body)) => postcard::take_from_bytes(body)
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
    pub(crate) disappearing_since: u64,
}

/// The newest message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Newest {
    pub(crate) position: Position,
    pub(crate) kind: MessageKind,
    pub(crate) text: String,
    pub(crate) outgoing: bool,
    pub(crate) state: MessageState,
}

impl Newest {
    pub(crate) fn of(position: Position, record: &MessageRecord) -> Self {
        Self {
            position,
            kind: record.kind,
            text: record.body.chars().take(PREVIEW_CHARS).collect(),
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
    pub(crate) kind: MessageKind,
    pub(crate) body: String,
    pub(crate) quote: Option<Target>,
    pub(crate) reactions: Vec<ReactionRecord>,
    pub(crate) expiry: Option<Expiry>,
    pub(crate) state: MessageState,
    /// The storage hash on the own swarm, for deleting and for changing its expiry there.
    pub(crate) hash: Option<String>,
    /// Unix milliseconds; `None` for what was written here.
    pub(crate) received_at: Option<u64>,
}

/// A message as others refer to it, within a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Target {
    pub(crate) author: Id,
    /// Unix milliseconds.
    pub(crate) sent_at: u64,
}

/// The last word of somebody about an emoji under a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReactionRecord {
    pub(crate) emoji: String,
    pub(crate) from: Id,
    /// Sent time of the word, Unix milliseconds: an older one that comes later does not count.
    pub(crate) at: u64,
    /// Added, or taken back.
    pub(crate) on: bool,
}

impl MessageRecord {
    /// A text as somebody wrote it.
    pub(crate) fn text(author: Id, outgoing: bool, body: String, state: MessageState) -> Self {
        Self {
            author,
            outgoing,
            kind: MessageKind::Text,
            body,
            quote: None,
            reactions: Vec::new(),
            expiry: None,
            state,
            hash: None,
            received_at: None,
        }
    }

    /// Something that happened.
    pub(crate) fn notice(author: Id, outgoing: bool, notice: Notice, state: MessageState) -> Self {
        Self {
            kind: MessageKind::Notice(notice),
            ..Self::text(author, outgoing, String::new(), state)
        }
    }

    /// The message without what has to be looked up: the quoted message is not found yet.
    pub(crate) fn shown(self, conversation: Id, position: Position) -> Message {
        Message {
            id: position.id,
            conversation,
            author: self.author,
            outgoing: self.outgoing,
            kind: self.kind,
            body: self.body,
            quote: self.quote.map(|target| Quote {
                author: target.author,
                sent_at: target.sent_at,
                found: None,
                text: String::new(),
            }),
            reactions: shown_reactions(self.reactions),
            expiry: self.expiry,
            sent_at: position.sent_at,
            state: self.state,
        }
    }

    /// Whether it makes its conversation unread until it was seen.
    pub(crate) fn counts(&self) -> bool {
        !self.outgoing
            && matches!(
                self.kind,
                MessageKind::Text | MessageKind::Notice(Notice::MissedCall)
            )
    }

    /// Adds what somebody says about an emoji; `false` when it changes nothing.
    pub(crate) fn react(&mut self, word: ReactionRecord) -> bool {
        let same = |held: &&mut ReactionRecord| held.from == word.from && held.emoji == word.emoji;
        let full = self.reactions.len() >= MAX_REACTIONS;
        match self.reactions.iter_mut().find(same) {
            Some(held) if held.at >= word.at => false,
            // The latest word counts, so that all devices agree in whatever order they hear.
            Some(held) => std::mem::replace(held, word.clone()).on != word.on,
            None if full => false,
            None => {
                let changed = word.on;
                self.reactions.push(word);
                changed
            }
        }
    }

    /// Leaves nothing but that there was a message: its author removed it for everyone.
    pub(crate) fn empty(&mut self) {
        self.kind = MessageKind::Deleted;
        self.body = String::new();
        self.quote = None;
        self.reactions = Vec::new();
        self.hash = None;
    }
}

/// One entry for each emoji, in the order of first use.
fn shown_reactions(mut words: Vec<ReactionRecord>) -> Vec<Reaction> {
    words.retain(|word| word.on);
    words.sort_by(|one, other| (one.at, &one.emoji, one.from).cmp(&(other.at, &other.emoji, other.from)));
    let mut shown: Vec<Reaction> = Vec::new();
    for word in words {
        match shown.iter_mut().find(|reaction| reaction.emoji == word.emoji) {
            Some(reaction) => reaction.from.push(word.from),
            None => shown.push(Reaction {
                emoji: word.emoji,
                from: vec![word.from],
            }),
        }
    }
    shown
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

/// Something to do on the own swarm until a node confirms it, in `Due` under [`keys::job`].
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

/// A call that was told, in `Marks` under [`keys::call`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CallRecord {
    /// Unix milliseconds after which it can be forgotten.
    pub(crate) until: u64,
    /// The message that tells it; `None` when an own device answered.
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

/// Keys.
pub(crate) mod keys {
    use super::*;

    pub(crate) const ACCOUNT: &[u8] = b"account";
    pub(crate) const COUNTERS: &[u8] = b"counters";
    pub(crate) const NODES: &[u8] = b"nodes";
    pub(crate) const GUARDS: &[u8] = b"guards";
    pub(crate) const STRIKES: &[u8] = b"strikes";
    pub(crate) const TIME: &[u8] = b"time";
    pub(crate) const RESTORE: &[u8] = b"restore";
    pub(crate) const SYNC: &[u8] = b"sync";
    const PREFERENCE: &[u8] = b"preference/";

    pub(crate) fn preference(key: &str) -> Vec<u8> {
        [PREFERENCE, key.as_bytes()].concat()
    }

    pub(crate) fn preference_name(key: &[u8]) -> Option<&str> {
        key.strip_prefix(PREFERENCE)
            .and_then(|name| std::str::from_utf8(name).ok())
    }

    /// In `Meta`: a document of an account as it is, in the form of `Config::dump`.
    pub(crate) fn config(account: &Id, kind: ConfigKind) -> Vec<u8> {
        document(b"config", account, kind)
    }

    /// In `Meta`: the same document as it was before edits that are not pushed yet.
    pub(crate) fn config_base(account: &Id, kind: ConfigKind) -> Vec<u8> {
        document(b"config-base", account, kind)
    }

    fn document(name: &[u8], account: &Id, kind: ConfigKind) -> Vec<u8> {
        let namespace = kind.namespace().0.to_be_bytes();
        [name, b"/", account.as_bytes(), &namespace].concat()
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

    /// In `MessageIndex`: a message's local number by what makes it unique.
    pub(crate) fn by_author(conversation: &Id, author: &Id, sent_at: u64) -> Vec<u8> {
        [
            &b"a"[..],
            conversation.as_bytes(),
            author.as_bytes(),
            &sent_at.to_be_bytes(),
        ]
        .concat()
    }

    /// In `MessageIndex`: the own messages of a sent time, as eight bytes each; nearly always one.
    pub(crate) fn own_sent(sent_at: u64) -> Vec<u8> {
        [&b"o"[..], &sent_at.to_be_bytes()].concat()
    }

    /// In `MessageIndex`: the messages that answer a message, which may not be here, as eight bytes each.
    pub(crate) fn answers(conversation: &Id, target: &Target) -> Vec<u8> {
        [
            &b"q"[..],
            conversation.as_bytes(),
            target.author.as_bytes(),
            &target.sent_at.to_be_bytes(),
        ]
        .concat()
    }

    /// In `Marks`. What an own device asked to delete names no conversation: it stands under the own id.
    pub(crate) fn mark(conversation: &Id, author: &Id, sent_at: u64) -> Vec<u8> {
        [
            conversation.as_bytes(),
            author.as_bytes(),
            &sent_at.to_be_bytes()[..],
        ]
        .concat()
    }

    /// In `Marks`: a call, by its text identifier, hashed to a fixed size. Own devices answer without naming the caller.
    pub(crate) fn call(uuid: &str) -> Vec<u8> {
        let hash = blake2b_simd::Params::new().hash_length(16).hash(uuid.as_bytes());
        [&b"call"[..], hash.as_bytes()].concat()
    }

    /// In `Due`: when a message disappears, as eight bytes.
    pub(crate) fn expiry(id: MessageId) -> Vec<u8> {
        [&b"e"[..], &id.0.to_be_bytes()].concat()
    }

    /// In `Due`: see [`JobRecord`].
    pub(crate) fn job(number: u64) -> Vec<u8> {
        [&b"j"[..], &number.to_be_bytes()].concat()
    }

    /// In `Due`: the sent times of messages whose receipts are to be sent to a contact.
    pub(crate) fn receipts(contact: &Id) -> Vec<u8> {
        [&b"r"[..], contact.as_bytes()].concat()
    }

    /// What a key in `Due` stands for, and its rest.
    pub(crate) fn read_due(key: &[u8]) -> Result<(u8, &[u8]), StoreError> {
        key.split_first()
            .map(|(kind, rest)| (*kind, rest))
            .ok_or(StoreError::Damaged)
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

    /// A list of numbers of eight bytes each.
    pub(crate) fn read_numbers(value: &[u8]) -> Vec<MessageId> {
        let (numbers, _) = value.as_chunks::<8>();
        numbers
            .iter()
            .map(|bytes| MessageId(u64::from_be_bytes(*bytes)))
            .collect()
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
