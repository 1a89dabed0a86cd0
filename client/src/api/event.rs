//! What every front end hears, whoever caused it.

use holdfast_protocol::account::Id;
use serde::{Deserialize, Serialize};

use super::{
    Account, Conversation, Message, MessageId, NetworkStatus, RestoreProgress, Snapshot, Transfer,
    TransferStage,
};

/// What changed.
#[allow(
    clippy::large_enum_variant,
    reason = "few are on their way at a time, and a box would burden every front end"
)]
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
    /// How far a file got on its way. At the end its message is told as changed.
    Transfer(Transfer),
    /// A conversation is gone altogether: its contact was deleted, here or on another device.
    ConversationRemoved(Id),
    /// The messages of a conversation were removed at once, but for newer ones that may have stayed: read it again.
    MessagesCleared {
        /// The conversation.
        conversation: Id,
    },
    /// The messages of a cleared conversation, which are shown nowhere any more, are being removed from the store.
    Clearing {
        /// The conversation.
        conversation: Id,
        /// How many are left; 0 at the end.
        left: u32,
    },
    /// The other side types, or stopped. Over by itself after 15 s.
    Typing {
        /// The conversation.
        conversation: Id,
        /// Whether they type.
        typing: bool,
    },
    /// Something came that deserves a notification: by the conversation's setting, not read yet, and not from a catch-up
    /// of old messages.
    Notify {
        /// The conversation.
        conversation: Id,
        /// The message.
        message: MessageId,
        /// The emoji, when it is a reaction to an own message.
        reaction: Option<String>,
    },
    /// How far the return of a restored account got.
    Restore(RestoreProgress),
    /// Where the transfer of an account from or to another device stands.
    AccountTransfer(TransferStage),
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
    /// Something that the own devices share takes more room than they can share: its changes stay on this device until
    /// some of it is removed.
    TooMuchToSync(Synced),
}

/// What the devices of an account share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Synced {
    /// Name, picture and settings.
    Profile,
    /// Contacts and requests.
    Contacts,
    /// Groups and communities.
    Groups,
    /// Up to where conversations are read.
    ReadPositions,
}
