//! Messages as front ends see them.

use holdfast_protocol::account::Id;
use serde::{Deserialize, Serialize};

use super::{Attachment, Disappearing, FilesSummary, LinkPreview};

/// A message's number on this device. Never reused; says nothing about order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MessageId(pub u64);

/// A message's place in its conversation: by sent time, then by local id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// Sent time, Unix milliseconds.
    pub sent_at: u64,
    /// Breaks ties.
    pub id: MessageId,
}

impl Position {
    /// Before every message.
    pub const FIRST: Self = Self {
        sent_at: 0,
        id: MessageId(0),
    };
    /// After every message.
    pub const LAST: Self = Self {
        sent_at: u64::MAX,
        id: MessageId(u64::MAX),
    };
}

/// A message as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its number on this device.
    pub id: MessageId,
    /// Its conversation.
    pub conversation: Id,
    /// Who wrote it, as authenticated.
    pub author: Id,
    /// Whether the own account wrote it, here or on another device.
    pub outgoing: bool,
    /// What it is.
    pub kind: MessageKind,
    /// The text; empty where the kind has none.
    pub body: String,
    /// Its files, in order.
    pub files: Vec<Attachment>,
    /// A link of the text as its sender saw it.
    pub link: Option<LinkPreview>,
    /// The message that it answers.
    pub quote: Option<Quote>,
    /// Reactions, in the order of first use.
    pub reactions: Vec<Reaction>,
    /// When it disappears.
    pub expiry: Option<Expiry>,
    /// Sent time, Unix milliseconds of network time.
    pub sent_at: u64,
    /// How far it got.
    pub state: MessageState,
}

impl Message {
    /// Its place in the conversation.
    pub fn position(&self) -> Position {
        Position {
            sent_at: self.sent_at,
            id: self.id,
        }
    }
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MessageKind {
    /// A text.
    Text,
    /// A text whose author removed it for everyone.
    Deleted,
    /// Something that happened, told by whoever is the author.
    Notice(Notice),
}

/// What happened in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Notice {
    /// The author's messages live differently from now on.
    Disappearing(Disappearing),
    /// The author accepted the request.
    RequestAccepted,
    /// The author saved a file.
    MediaSaved,
    /// The author called, and the call was not taken: this client has no calls.
    MissedCall,
}

/// What a message answers. Only author and time travel; the text is the receiver's own copy (`spec/12-client-behaviour.md §5.7`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Who wrote it.
    pub author: Id,
    /// Its sent time, Unix milliseconds.
    pub sent_at: u64,
    /// The message, when it is here.
    pub found: Option<MessageId>,
    /// The beginning of its text, when it is here.
    pub text: String,
    /// Its files, when it is here and has any.
    pub files: Option<FilesSummary>,
}

/// One emoji under a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    /// The emoji.
    pub emoji: String,
    /// Who chose it, in order.
    pub from: Vec<Id>,
}

/// When a message disappears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Expiry {
    /// The rule it was sent under; never `Off`.
    pub mode: Disappearing,
    /// When it goes, Unix milliseconds; `None` while the timer has not started.
    pub at: Option<u64>,
}

/// What the screen about one message shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageDetails {
    /// The message.
    pub message: Message,
    /// When it came to this device, Unix milliseconds; `None` for own messages written here.
    pub received_at: Option<u64>,
    /// Whether the own devices can get their copy: `None` for messages of others.
    pub synced: Option<bool>,
}

/// How far a message got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MessageState {
    /// Came from somebody else.
    Received,
    /// Stored here, waiting for a connection or its turn.
    Queued,
    /// On its way.
    Sending,
    /// A node of the recipient's swarm has it.
    Sent,
    /// The other side says that they have read it.
    Read,
    /// Given up; can be tried again.
    Failed(SendFailure),
}

/// Why a message was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SendFailure {
    /// No node could be reached in spite of retries.
    Network,
    /// The network refused the message.
    Refused,
    /// The clock disagrees with the network's even after a correction.
    Clock,
    /// The message does not fit the network's limits.
    TooLarge,
    /// The file server could not be reached or did not take a file.
    FileServer,
    /// The user stopped it, or blocked the contact before it was sent.
    Cancelled,
}

/// A window of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessagePage {
    /// Oldest first.
    pub messages: Vec<Message>,
    /// There are older ones.
    pub more_before: bool,
    /// There are newer ones.
    pub more_after: bool,
    /// How many messages the conversation has in all.
    pub total: u32,
}
