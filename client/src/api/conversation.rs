//! Conversations and contacts as front ends see them.

use holdfast_protocol::account::Id;
use serde::{Deserialize, Serialize};

use super::{FileId, FilesSummary, MessageKind, MessageState, StagedFile};

/// A conversation as listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// The other account, or the own id.
    pub id: Id,
    /// The other's name as they gave it; `None` until a message brought one, and for the note to self.
    pub name: Option<String>,
    /// The user's own name for them, shown instead.
    pub nickname: Option<String>,
    /// Whether this is the note to self.
    pub note_to_self: bool,
    /// How both sides stand to each other.
    pub standing: Standing,
    /// Where it is shown.
    pub place: Place,
    /// Above 0: pinned, higher ones first (`spec/04-configs.md §11`).
    pub priority: i32,
    /// Which notifications it makes.
    pub notify: Notify,
    /// Quiet until then, Unix seconds.
    pub muted_until: Option<u64>,
    /// How long messages written here live.
    pub disappearing: Disappearing,
    /// A text begun and not sent.
    pub draft: Option<String>,
    /// Files chosen and not sent, in the order of choosing.
    pub staged: Vec<StagedFile>,
    /// Their profile picture, when it is here.
    pub picture: Option<FileId>,
    /// Whether their files are fetched without asking.
    pub auto_load: bool,
    /// The newest message, cut to 200 characters.
    pub preview: Option<Preview>,
    /// Messages not read yet.
    pub unread: u32,
    /// Marked as unread by hand.
    pub marked_unread: bool,
    /// Everything sent up to here was seen, Unix milliseconds.
    pub read_up_to: u64,
    /// Unix milliseconds of the last activity, for the order of the list.
    pub active_at: u64,
}

/// How two accounts stand to each other: a function of the contact's record (`spec/02-messages-v1.md §10`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Standing {
    /// The note to self.
    Own,
    /// Nobody has written yet.
    Fresh,
    /// They wrote, and the user has not accepted.
    IncomingRequest,
    /// The user wrote, and they have not answered.
    OutgoingRequest,
    /// Both agreed.
    Active,
    /// The user blocked them.
    Blocked,
}

/// Where a conversation is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Place {
    /// The list of conversations.
    List,
    /// The list of message requests.
    Requests,
    /// The list of blocked contacts.
    Blocked,
    /// Nowhere but among the contacts.
    Hidden,
}

/// Which notifications a conversation makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Notify {
    /// One for each message.
    #[default]
    All,
    /// None.
    Nothing,
}

/// How long messages live (`spec/02-messages-v1.md §5.6`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Disappearing {
    /// For as long as nobody deletes them.
    #[default]
    Off,
    /// This many seconds after the other side has read them.
    AfterRead(u32),
    /// This many seconds after sending.
    AfterSend(u32),
}

/// The newest message of a conversation, for the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// The beginning of the text.
    pub text: String,
    /// Its files, if it has any.
    pub files: Option<FilesSummary>,
    /// What kind of message it is.
    pub kind: MessageKind,
    /// Whether the own account sent it.
    pub outgoing: bool,
    /// Its state.
    pub state: MessageState,
    /// Sent time, Unix milliseconds.
    pub sent_at: u64,
}
