//! The bodies of records, in the encoding of protocol buffers (`docs/backup-format.md`, Records). Fields that a later version
//! adds are passed over.

/// Records hold what people wrote and keys; their `Debug` output names the type and no more.
macro_rules! silent {
    ($($name:ident),+ $(,)?) => {
        $(impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(concat!(stringify!($name), " { .. }"))
            }
        })+
    };
}

silent!(
    About,
    Setting,
    Conversation,
    Contact,
    Message,
    Attachment,
    Link,
    Quote,
    Reaction,
    Expiry,
    Timer,
    FilePart,
    End,
);

/// What the file is.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub struct About {
    /// The account's id, 33 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub account: Vec<u8>,
    /// When it was made, network time in Unix milliseconds.
    #[prost(uint64, tag = "2")]
    pub created_at: u64,
    /// What made it, such as `Holdfast 0.1.0`.
    #[prost(string, tag = "3")]
    pub app: String,
    /// Whether files stand in it.
    #[prost(bool, tag = "4")]
    pub with_files: bool,
}

/// A setting of the app.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub struct Setting {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its value.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// A conversation, with what only this device knew of it.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub struct Conversation {
    /// The other account's id, or the own one; 33 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub id: Vec<u8>,
    /// Everything sent up to then was read, Unix milliseconds.
    #[prost(uint64, tag = "2")]
    pub read_up_to: u64,
    /// A text begun and not sent.
    #[prost(string, tag = "3")]
    pub draft: String,
    /// Files that come are fetched without asking.
    #[prost(bool, tag = "4")]
    pub auto_load: bool,
    /// The contact; none for the note to self and for who was only looked at.
    #[prost(message, optional, tag = "5")]
    pub contact: Option<Contact>,
}

/// What the account's devices share of a contact.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub struct Contact {
    /// The name they gave themselves; empty for none.
    #[prost(string, tag = "1")]
    pub name: String,
    /// The user's own name for them; empty for none.
    #[prost(string, tag = "2")]
    pub nickname: String,
    /// The user accepted them.
    #[prost(bool, tag = "3")]
    pub approved: bool,
    /// They accepted the user.
    #[prost(bool, tag = "4")]
    pub approved_me: bool,
    /// Blocked.
    #[prost(bool, tag = "5")]
    pub blocked: bool,
    /// Below 0: hidden; above 0: pinned.
    #[prost(int32, tag = "6")]
    pub priority: i32,
    /// No notifications.
    #[prost(bool, tag = "7")]
    pub silent: bool,
    /// Quiet until then, Unix seconds; 0 for not muted.
    #[prost(uint64, tag = "8")]
    pub muted_until: u64,
    /// How long messages written there live; none for ever.
    #[prost(message, optional, tag = "9")]
    pub disappearing: Option<Timer>,
    /// When it became one, Unix seconds; 0 when not known.
    #[prost(uint64, tag = "10")]
    pub created: u64,
}

/// How long messages live.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
#[prost(skip_debug)]
pub struct Timer {
    /// Counted from reading; else from sending.
    #[prost(bool, tag = "1")]
    pub after_read: bool,
    /// Seconds.
    #[prost(uint32, tag = "2")]
    pub seconds: u32,
}

/// A message of the conversation before.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub struct Message {
    /// Who wrote it; 33 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub author: Vec<u8>,
    /// Sent time, Unix milliseconds.
    #[prost(uint64, tag = "2")]
    pub sent_at: u64,
    /// See [`Message::TEXT`] and what follows it.
    #[prost(uint32, tag = "3")]
    pub kind: u32,
    /// The text.
    #[prost(string, tag = "4")]
    pub body: String,
    /// Its files, in order.
    #[prost(message, repeated, tag = "5")]
    pub files: Vec<Attachment>,
    /// A link of the text.
    #[prost(message, optional, tag = "6")]
    pub link: Option<Link>,
    /// What it answers.
    #[prost(message, optional, tag = "7")]
    pub quote: Option<Quote>,
    /// The last word of each person on each emoji.
    #[prost(message, repeated, tag = "8")]
    pub reactions: Vec<Reaction>,
    /// When it disappears; none for never.
    #[prost(message, optional, tag = "9")]
    pub expiry: Option<Expiry>,
    /// Of an own message: the other side has read it.
    #[prost(bool, tag = "10")]
    pub read: bool,
    /// Its hash in the own swarm; empty when not known.
    #[prost(string, tag = "11")]
    pub hash: String,
    /// When it came to the device, Unix milliseconds; 0 for what was written there.
    #[prost(uint64, tag = "12")]
    pub received_at: u64,
    /// Of [`Message::TIMER`]: how long messages live from then on; none for ever.
    #[prost(message, optional, tag = "13")]
    pub timer: Option<Timer>,
}

impl Message {
    /// A text, maybe with files.
    pub const TEXT: u32 = 0;
    /// A text that its author removed for everyone.
    pub const DELETED: u32 = 1;
    /// The author's messages live differently from then on.
    pub const TIMER: u32 = 2;
    /// The author accepted the request.
    pub const ACCEPTED: u32 = 3;
    /// The author saved a file.
    pub const MEDIA_SAVED: u32 = 4;
    /// The author called, and nobody took the call.
    pub const MISSED_CALL: u32 = 5;
}

/// A file of a message: what it is, and where the file server has it.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub struct Attachment {
    /// Its name; empty for none.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its MIME type.
    #[prost(string, tag = "2")]
    pub content_type: String,
    /// It is a voice message.
    #[prost(bool, tag = "3")]
    pub voice: bool,
    /// Bytes.
    #[prost(uint64, tag = "4")]
    pub size: u64,
    /// Pixels; 0 when not known.
    #[prost(uint32, tag = "5")]
    pub width: u32,
    /// Pixels; 0 when not known.
    #[prost(uint32, tag = "6")]
    pub height: u32,
    /// Milliseconds; 0 when not known.
    #[prost(uint32, tag = "7")]
    pub duration_ms: u32,
    /// A small picture that stands for it; empty for none.
    #[prost(bytes = "vec", tag = "8")]
    pub preview: Vec<u8>,
    /// How loud a recording is from beginning to end; empty when not known.
    #[prost(bytes = "vec", tag = "9")]
    pub waveform: Vec<u8>,
    /// Its address on the file server; empty when it never was there.
    #[prost(string, tag = "10")]
    pub url: String,
    /// What opens it: 32 bytes (stream form) or 64 (the older one).
    #[prost(bytes = "vec", tag = "11")]
    pub key: Vec<u8>,
    /// The hash of the encrypted file, for the older form.
    #[prost(bytes = "vec", tag = "12")]
    pub digest: Vec<u8>,
    /// Until when the server keeps it, Unix milliseconds.
    #[prost(uint64, tag = "13")]
    pub until: u64,
}

/// A link as its sender saw it.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub struct Link {
    /// Where it leads; stands in the text as well.
    #[prost(string, tag = "1")]
    pub url: String,
    /// The page's title.
    #[prost(string, tag = "2")]
    pub title: String,
    /// A small picture.
    #[prost(message, optional, tag = "3")]
    pub image: Option<Attachment>,
}

/// A message as another one refers to it.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub struct Quote {
    /// Who wrote it; 33 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub author: Vec<u8>,
    /// Its sent time, Unix milliseconds.
    #[prost(uint64, tag = "2")]
    pub sent_at: u64,
}

/// The last word of somebody on an emoji.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub struct Reaction {
    /// The emoji.
    #[prost(string, tag = "1")]
    pub emoji: String,
    /// Whose word it is; 33 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub from: Vec<u8>,
    /// When it was sent, Unix milliseconds.
    #[prost(uint64, tag = "3")]
    pub at: u64,
    /// Added; else taken back.
    #[prost(bool, tag = "4")]
    pub on: bool,
}

/// When a message disappears.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
#[prost(skip_debug)]
pub struct Expiry {
    /// The rule that it was sent under.
    #[prost(message, optional, tag = "1")]
    pub rule: Option<Timer>,
    /// Unix milliseconds; 0 while its time has not started.
    #[prost(uint64, tag = "2")]
    pub at: u64,
}

/// A part of a file of the message before: parts of one file follow each other, from its beginning to its end.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub struct FilePart {
    /// Which of the message's files, from 0; the picture of its link comes after all others.
    #[prost(uint32, tag = "1")]
    pub index: u32,
    /// Where the part begins in the file.
    #[prost(uint64, tag = "2")]
    pub offset: u64,
    /// The bytes.
    #[prost(bytes = "vec", tag = "3")]
    pub bytes: Vec<u8>,
    /// Bytes of the whole file.
    #[prost(uint64, tag = "4")]
    pub size: u64,
}

/// What stood in the file.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
#[prost(skip_debug)]
pub struct End {
    /// How many conversations.
    #[prost(uint64, tag = "1")]
    pub conversations: u64,
    /// How many messages.
    #[prost(uint64, tag = "2")]
    pub messages: u64,
    /// How many whole files.
    #[prost(uint64, tag = "3")]
    pub files: u64,
}
