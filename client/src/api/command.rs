//! What a front end asks for.

use holdfast_protocol::account::{Id, Seed};
use serde::{Deserialize, Serialize};

#[cfg(doc)]
use super::{BACKUP_HEAD, BACKUP_SLICE, Event, FILE_PIECE, Reply, TransferStage};
use super::{
    BackupId, Disappearing, FileId, FileInfo, Gallery, MessageId, NewLink, Notify, Passphrase, Position,
    Purpose,
};

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
    /// Accepts a text for sending; it is stored when the reply comes, and the conversation's draft is gone unless the text is
    /// blank. Writing to the author of a request accepts it. → [`Reply::Accepted`]
    SendText {
        /// The other account, or the own id for the note to self.
        conversation: Id,
        /// The text, at most 2,000 code points after trimming.
        body: String,
        /// The message that is answered, of the same conversation.
        reply_to: Option<MessageId>,
        /// Complete files of the conversation's draft, in their order; with any, the text may be blank.
        files: Vec<FileId>,
        /// What receivers are shown of a link in the text, for conversations that take files.
        link: Option<NewLink>,
    },
    /// Has the network's helper say what there is to show of a link: it sees the link and not who asks, and the link's site
    /// sees the helper. → [`Reply::LinkPage`]
    LookAtLink(String),
    /// Announces a file: chosen for a message, or as profile picture. → [`Reply::Staged`]
    StageFile {
        /// What for.
        purpose: Purpose,
        /// What is known of it. Its kind follows the type that its first bytes show.
        info: FileInfo,
        /// It is a voice message.
        voice: bool,
    },
    /// Writes the next piece of a staged file, at most [`FILE_PIECE`] bytes. Writing a piece again changes nothing.
    /// → [`Reply::Done`]
    WriteFile {
        /// The file.
        file: FileId,
        /// Where the piece begins: a multiple of [`FILE_PIECE`].
        offset: u64,
        /// The bytes; all but the last piece are full.
        bytes: Vec<u8>,
    },
    /// Removes a staged file. → [`Reply::Done`]
    DiscardFile(FileId),
    /// Fetches a file of a message from the file server. → [`Reply::Done`]
    LoadFile(FileId),
    /// Stops fetching a file, or sending the message that it belongs to. → [`Reply::Done`]
    CancelTransfer(FileId),
    /// A piece of a file that is here. → [`Reply::Bytes`]
    ReadFile {
        /// The file: of a message, staged, or a picture.
        file: FileId,
        /// The first byte: a multiple of [`FILE_PIECE`]. The piece ends there too.
        offset: u64,
    },
    /// Keeps what a front end learnt by looking at a file of a message: sizes, length, loudness, a small picture. What is 0
    /// or empty changes nothing. → [`Reply::Done`]
    DescribeFile {
        /// The file.
        file: FileId,
        /// Name, type, kind and size in it are not read.
        info: FileInfo,
    },
    /// The user saved a file of a message: the other side is told, as other clients do
    /// (`spec/07-files-and-attachments.md §9.2`). → [`Reply::Done`]
    FileSaved(FileId),
    /// Whether files of a contact are fetched without asking. → [`Reply::Done`]
    SetAutoLoad {
        /// The contact.
        conversation: Id,
        /// From now on. Files that wait already are fetched when a front end asks for them.
        on: bool,
    },
    /// Messages of a conversation that have files of a kind. → [`Reply::Messages`]
    Gallery {
        /// The conversation.
        conversation: Id,
        /// Which files.
        which: Gallery,
        /// Only before this place; `None` for the newest.
        before: Option<Position>,
        /// At most this many messages, up to 200.
        limit: u16,
    },
    /// What files take up. → [`Reply::StorageUse`]
    StorageUse,
    /// How many bytes files may take up before received ones are removed. → [`Reply::Done`]
    SetFileQuota(u64),
    /// Removes the files of messages from this device; what waits to be sent stays. → [`Reply::Done`]
    ClearFiles {
        /// Only those that can be fetched again.
        again_only: bool,
    },
    /// Sets a complete staged file as own profile picture, or removes the picture. → [`Reply::Done`]
    SetPicture(Option<FileId>),
    /// Queues a failed message again, with its original time. → [`Reply::Done`]
    Retry(MessageId),
    /// Removes messages. → [`Reply::Done`]
    DeleteMessages {
        /// The messages, all of one conversation; at most [`MAX_SELECTED`].
        messages: Vec<MessageId>,
        /// For whom.
        scope: DeleteScope,
    },
    /// Adds or removes an own reaction. → [`Reply::Done`]
    React {
        /// The message.
        message: MessageId,
        /// One emoji.
        emoji: String,
        /// Whether to add it.
        add: bool,
    },
    /// Everything about one message. → [`Reply::Details`]
    MessageDetails(MessageId),
    /// All messages sent up to this time have been seen. → [`Reply::Done`]
    MarkRead {
        /// The conversation.
        conversation: Id,
        /// Sent time in Unix milliseconds.
        up_to: u64,
    },
    /// Marks a conversation as unread until it is opened again. → [`Reply::Done`]
    MarkUnread(Id),
    /// The text that is being written, kept sealed on this device; empty removes it. → [`Reply::Done`]
    SetDraft {
        /// The conversation.
        conversation: Id,
        /// The text as typed, at most 64 KiB.
        text: String,
    },
    /// Somebody types, or stopped: told to the other side when the setting and the conversation allow it.
    /// → [`Reply::Done`]
    Typing {
        /// The conversation.
        conversation: Id,
        /// Whether there was a key press just now.
        typing: bool,
    },
    /// How long messages written here will live. → [`Reply::Done`]
    SetDisappearing {
        /// The conversation; the note to self knows no `AfterRead`.
        conversation: Id,
        /// From now on.
        mode: Disappearing,
    },
    /// Accepts a message request without writing. → [`Reply::Done`]
    AcceptRequest(Id),
    /// Declines a message request: it goes away here and on the own devices, and the sender is not told. → [`Reply::Done`]
    DeclineRequest(Id),
    /// Declines every message request. → [`Reply::Done`]
    DeclineAllRequests,
    /// Blocks or unblocks an account. Messages that wait to be sent to a blocked one fail. → [`Reply::Done`]
    SetBlocked {
        /// The account.
        id: Id,
        /// Whether to block.
        blocked: bool,
    },
    /// A name of one's own for a contact; empty removes it. → [`Reply::Done`]
    SetNickname {
        /// The contact.
        id: Id,
        /// At most 100 bytes after trimming.
        nickname: String,
    },
    /// Keeps a conversation on top of the list, or not. → [`Reply::Done`]
    SetPinned {
        /// The conversation.
        id: Id,
        /// Whether to pin.
        pinned: bool,
    },
    /// Takes a conversation off the list until something new comes; its messages stay. → [`Reply::Done`]
    HideConversation(Id),
    /// Which notifications a conversation makes. → [`Reply::Done`]
    SetNotifications {
        /// The conversation.
        id: Id,
        /// Which ones.
        mode: Notify,
        /// Quiet until then, Unix seconds; `None` for not muted.
        muted_until: Option<u64>,
    },
    /// Removes all messages of a conversation from this device. → [`Reply::Done`]
    ClearMessages(Id),
    /// Removes the draft and all messages from this device and the own swarm, and takes the conversation off the list on all
    /// own devices; the contact stays. Other clients keep what they have hidden, and show it again with the next message.
    /// → [`Reply::Done`]
    DeleteConversation(Id),
    /// Removes the contact and all messages, on all own devices; who writes again makes a request. → [`Reply::Done`]
    DeleteContact(Id),
    /// Looks for words in messages and names. All of them must occur, in any order; case and accents do not count. A
    /// blank query finds nothing, and has the engine get ready for the ones that follow. → [`Reply::Found`]
    Search {
        /// What was typed, at most 256 characters.
        query: String,
        /// In one conversation only.
        conversation: Option<Id>,
        /// At most this many messages, up to 200.
        limit: u16,
        /// Goes on after the last message of an earlier answer.
        after: Option<Position>,
    },
    /// Stops waiting for the profile of a restored account: the user goes on with a new name. → [`Reply::Done`]
    ContinueWithoutProfile {
        /// Display name.
        name: String,
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
    /// The app was shown again or the machine woke: poll at once, remove what is over, and look again for a profile that was
    /// not found. → [`Reply::Done`]
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
    /// Begins a backup file: stretches its passphrase, which takes about half a second. One that was being made is ended.
    /// → [`Reply::BackupPart`], its first part
    StartBackup {
        /// What will open it, together with the account.
        passphrase: Passphrase,
        /// With the files that are here.
        files: bool,
    },
    /// The next part of a backup file. → [`Reply::BackupPart`]
    ReadBackup {
        /// The backup.
        backup: BackupId,
        /// The part's number: the first one, which [`Command::StartBackup`] gave, is 0.
        part: u32,
    },
    /// Opens a backup file to bring it back. One that was open is closed. → [`Reply::BackupOpened`]
    OpenBackup {
        /// What it was made with.
        passphrase: Passphrase,
        /// Its first [`BACKUP_HEAD`] bytes, or all of it if there are fewer.
        head: Vec<u8>,
    },
    /// Checks the next slice of a backup file. → [`Reply::BackupChecked`]
    CheckBackup {
        /// The backup.
        backup: BackupId,
        /// Where in the file the slice begins; 0 begins again.
        offset: u64,
        /// At most [`BACKUP_SLICE`] bytes.
        bytes: Vec<u8>,
        /// Nothing comes behind them.
        last: bool,
    },
    /// Brings the next slice of a checked backup file back. What is here already stays as it is, and what was deleted here
    /// stays away. → [`Reply::BackupTaken`]
    TakeBackup {
        /// The backup.
        backup: BackupId,
        /// Where in the file the slice begins; 0 begins again.
        offset: u64,
        /// At most [`BACKUP_SLICE`] bytes.
        bytes: Vec<u8>,
        /// Nothing comes behind them.
        last: bool,
    },
    /// Ends a backup that is being made or read. What was brought back stays. → [`Reply::Done`]
    EndBackup(BackupId),
    /// Asks for an account of another device, where there is none here. A request that runs is ended.
    /// → [`Reply::AccountAsked`]
    AskForAccount,
    /// Takes up the account that came, at [`TransferStage::Offered`], as [`Command::RestoreAccount`] does.
    /// → [`Reply::Snapshot`]
    TakeAccount,
    /// Answers the device that shows this code: the code's data, or a link with it. A transfer that runs is ended.
    /// → [`Reply::TransferAnswered`] once the swarm has the answer
    AnswerTransfer(String),
    /// Gives the account to the device that was answered. → [`Reply::Done`] once the swarm has it
    GiveAccount {
        /// The digits on the other screen. What is no digit in them does not matter.
        digits: String,
    },
    /// Ends a transfer, also one that is about to begin; an account that was given stays so. → [`Reply::Done`], also when
    /// none is running
    EndTransfer,
    /// Forgets the account and removes everything that is stored. What was decided here and has not reached the swarm has two
    /// seconds to get there. → [`Reply::Done`], then [`Event::LoggedOut`]
    LogOut,
    /// Deletes everything that the network keeps for the account, its documents included, and then forgets it as
    /// [`Command::LogOut`] does. Until every member of the own swarm has confirmed, nothing is removed from this device: after 15
    /// seconds without that it fails with [`Failure::NotErased`](super::Failure::NotErased). → [`Reply::Done`], then
    /// [`Event::LoggedOut`]
    ClearAccount,
}

/// The most messages that can be removed at once.
pub const MAX_SELECTED: usize = 1_000;

/// For whom messages are removed (`spec/02-messages-v1.md §5.9`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeleteScope {
    /// On this device.
    ThisDevice,
    /// On every device of the own account.
    OwnDevices,
    /// For the other side too; own messages only.
    Everyone,
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
    /// Around a message that is known by its place.
    Around(Position),
}
