//! What a front end says to the engine and hears from it: plain data, postcard-encoded at the worker's edge.
//!
//! A [`Command`] gets exactly one [`Reply`] or [`Failure`]. What a command changes is durable before its reply is given.
//! [`Event`]s tell every front end what changed, whoever caused it.

use holdfast_protocol::account::{Id, Seed};
use serde::{Deserialize, Serialize};

/// A message's number on this device. Never reused; says nothing about order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MessageId(pub u64);

/// A command's own number, drawn at random by whoever gives it.
///
/// A front end that lost its engine in mid-command (a closed tab, a crash) gives the same command under the same number to
/// the next engine. The number of a [`Command::SendText`] is stored in the same commit as its message, so a repetition is
/// answered with the message that is already there; every other command may be repeated without harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RequestId(pub [u8; 16]);

/// What a front end asks for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Command {
    /// The whole present state. → [`Reply::Snapshot`]
    Snapshot,
    /// Makes a new account with this display name. → [`Reply::Snapshot`]
    CreateAccount {
        /// Display name, 1 to 100 bytes after trimming (`spec/12-client-behaviour.md §2.2`).
        name: String,
    },
    /// Takes up an existing account. → [`Reply::Snapshot`]
    RestoreAccount {
        /// The account's seed, already decoded from phrase or hex.
        seed: Seed,
        /// Display name, when the user gave one.
        name: Option<String>,
    },
    /// Changes the own display name. → [`Reply::Done`]
    SetDisplayName(String),
    /// The recovery phrase, to show it. → [`Reply::Phrase`]
    RevealPhrase,
    /// Makes a conversation with an account visible, creating it if needed. → [`Reply::Conversation`]
    OpenConversation(Id),
    /// Accepts a text for sending; it is stored when the reply comes. → [`Reply::Accepted`]
    SendText {
        /// The other account, or the own id for the note to self.
        conversation: Id,
        /// The text, at most 2,000 code points after trimming.
        body: String,
    },
    /// Queues a failed message again, with its original time. → [`Reply::Done`]
    Retry(MessageId),
    /// Removes a message from this device only. → [`Reply::Done`]
    DeleteLocally(MessageId),
    /// All messages sent up to this time have been seen. → [`Reply::Done`]
    MarkRead {
        /// The conversation.
        conversation: Id,
        /// Sent time in Unix milliseconds.
        up_to: u64,
    },
    /// A window of a conversation, oldest first. → [`Reply::Messages`]
    Messages {
        /// The conversation.
        conversation: Id,
        /// Where the window lies.
        anchor: Anchor,
        /// At most this many messages, up to 200.
        limit: u16,
    },
    /// The app was shown again or the machine woke: poll at once. → [`Reply::Done`]
    Wake,
    /// What the browser says of the connection. → [`Reply::Done`]
    Connectivity {
        /// Whether there is any.
        online: bool,
    },
    /// A setting of the front end, kept sealed in the store. → [`Reply::Done`]
    SetPreference {
        /// A short name such as `theme`.
        key: String,
        /// Its value.
        value: String,
    },
    /// Forgets the account and removes everything that is stored. → [`Reply::Done`], then [`Event::LoggedOut`]
    LogOut,
}

/// Where a window of messages lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Anchor {
    /// The newest messages.
    Latest,
    /// Those just before a position.
    Before(Position),
    /// Those just after a position.
    After(Position),
    /// Around the first unread message, or the newest when all are read.
    FirstUnread,
}

/// A message's place in its conversation: by sent time, then by local id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// Sent time, Unix milliseconds.
    pub sent_at: u64,
    /// Breaks ties.
    pub id: MessageId,
}

/// The answer to a command that succeeded.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Reply {
    /// Nothing to tell.
    Done,
    /// The whole state.
    Snapshot(Box<Snapshot>),
    /// The recovery phrase: thirteen words.
    Phrase(String),
    /// A conversation.
    Conversation(Conversation),
    /// The message was stored and will be sent.
    Accepted(Message),
    /// A window of messages.
    Messages(MessagePage),
}

/// Why a command was not carried out. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Failure {
    /// There is no account yet.
    #[error("there is no account on this device")]
    NoAccount,
    /// There already is an account.
    #[error("there already is an account on this device")]
    AccountExists,
    /// The name is empty once trimmed.
    #[error("the name is empty")]
    NameEmpty,
    /// The name is longer than 100 bytes.
    #[error("the name is too long")]
    NameTooLong,
    /// The text is blank.
    #[error("the message is empty")]
    TextEmpty,
    /// The text has more than 2,000 code points.
    #[error("the message is too long")]
    TextTooLong,
    /// Only `05` ids can be written to.
    #[error("not an Account ID that can be written to")]
    NotAnAccount,
    /// No such conversation or message.
    #[error("not found")]
    NotFound,
    /// No space: the message was not accepted.
    #[error("no space left to store data")]
    StorageFull,
    /// The store is gone or damaged.
    #[error("the store failed: {0}")]
    Storage(String),
}

/// What changed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Event {
    /// The own name changed.
    Account(Account),
    /// A conversation is new or changed.
    Conversation(Conversation),
    /// A message is new or changed.
    Message(Message),
    /// A message was removed.
    MessageRemoved {
        /// Its conversation.
        conversation: Id,
        /// The message.
        id: MessageId,
    },
    /// Connection, paths or polling changed.
    Network(NetworkStatus),
    /// A preference changed.
    Preference {
        /// Its name.
        key: String,
        /// Its value.
        value: String,
    },
    /// Something stands in the way that the user should know.
    Trouble(Trouble),
    /// The trouble is over.
    TroubleOver(Trouble),
    /// Another engine took over and this is its whole state: replace what is shown, and read open windows of messages
    /// again.
    Reloaded(Box<Snapshot>),
    /// Everything was removed; the start screen comes next.
    LoggedOut,
}

/// What stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Trouble {
    /// The device has no connection.
    Offline,
    /// The gateway does not answer.
    GatewayUnreachable,
    /// The gateway answers, but no path through the nodes can be built.
    NoPath,
    /// The clock is off by more than a minute; network time is used instead.
    ClockWrong {
        /// Network time minus the device's, in milliseconds.
        offset_ms: i64,
    },
    /// The store is full: nothing new can be kept.
    StorageFull,
    /// The store went away while in use.
    StorageLost,
}

/// The whole state a front end starts from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Snapshot {
    /// The account, if there is one.
    pub account: Option<Account>,
    /// All visible conversations, newest activity first.
    pub conversations: Vec<Conversation>,
    /// The network's state.
    pub network: NetworkStatus,
    /// What stands in the way now.
    pub troubles: Vec<Trouble>,
    /// All preferences.
    pub preferences: Vec<(String, String)>,
}

/// The own account as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The Account ID.
    pub id: Id,
    /// The display name; empty when not known yet.
    pub name: String,
}

/// A conversation as listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// The other account, or the own id.
    pub id: Id,
    /// The other's name as they gave it; `None` until a message brought one, and for the note to self.
    pub name: Option<String>,
    /// Whether this is the note to self.
    pub note_to_self: bool,
    /// The newest message, cut to 200 characters.
    pub preview: Option<Preview>,
    /// Messages not read yet.
    pub unread: u32,
    /// Everything sent up to here was seen, Unix milliseconds.
    pub read_up_to: u64,
    /// Unix milliseconds of the last activity, for the order of the list.
    pub active_at: u64,
}

/// The newest message of a conversation, for the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// The beginning of the text.
    pub text: String,
    /// Whether the own account sent it.
    pub outgoing: bool,
    /// Its state.
    pub state: MessageState,
    /// Sent time, Unix milliseconds.
    pub sent_at: u64,
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
    /// The text.
    pub body: String,
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

/// The network panel's content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkStatus {
    /// The name of the network profile, such as `local`.
    pub network: String,
    /// Whether polling works at present.
    pub connected: bool,
    /// The first path's hops: guard first.
    pub path: Vec<Hop>,
    /// How many paths stand ready.
    pub paths: u8,
    /// When the own swarm last answered a poll, Unix milliseconds.
    pub last_poll: Option<u64>,
    /// How many nodes are known.
    pub nodes: u32,
    /// When the node list was fetched, Unix milliseconds.
    pub list_fetched_at: Option<u64>,
    /// Whether several nodes agreed on the list over onion paths.
    pub list_confirmed: bool,
    /// Network time minus the device's, in milliseconds.
    pub clock_offset_ms: i64,
    /// Own messages not delivered yet.
    pub outbox: u32,
    /// Received blobs that could not be read, since the start.
    pub unreadable: u32,
}

/// One node of a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// The first and last characters of the node's key, for show.
    pub key: String,
    /// Its address.
    pub address: String,
}
