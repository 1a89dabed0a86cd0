//! The files of a conversation in order: what its gallery shows, and what the viewer goes through.

use std::sync::Arc;

use holdfast_client::api::{
    Attachment, Command, FileId, FileKind, Gallery, Message, MessageId, MessageKind, Position, Reply,
};
use holdfast_protocol::account::Id;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{AppState, Change};

/// How many messages are asked for at a time.
const PAGE: u16 = 60;

/// A file with its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    /// The message, whose `files` hold the file too.
    pub message: Arc<Message>,
    /// The file.
    pub attachment: Attachment,
}

/// Whether a file belongs into a gallery.
pub(crate) fn belongs(which: Gallery, kind: FileKind) -> bool {
    match which {
        Gallery::Media => matches!(kind, FileKind::Image | FileKind::Video),
        Gallery::Documents => matches!(kind, FileKind::Audio | FileKind::Document),
    }
}

/// Messages with files, oldest first, read from the newest on.
#[derive(Clone, Debug, Default)]
struct Strip {
    messages: Vec<Arc<Message>>,
    /// The oldest place that was read.
    read: Option<Position>,
    /// The newest ones have come.
    begun: bool,
    /// There are older ones than those that were read.
    more: bool,
}

impl Strip {
    /// Adds the page before what was read.
    fn prepend(&mut self, messages: Vec<Message>, more: bool) {
        self.more = more;
        self.begun = true;
        self.read = messages.first().map(Message::position).or(self.read);
        for message in messages {
            self.put(message);
        }
    }

    fn put(&mut self, message: Message) {
        self.remove(message.id);
        let at = self
            .messages
            .partition_point(|other| other.position() < message.position());
        self.messages.insert(at, Arc::new(message));
    }

    fn remove(&mut self, id: MessageId) {
        self.messages.retain(|message| message.id != id);
    }

    /// Takes a message that is new or changed. One that is older than what was read comes with its page.
    fn apply(&mut self, message: Message, which: Gallery) {
        let shown = message.kind == MessageKind::Text
            && message.files.iter().any(|file| belongs(which, file.info.kind));
        let known = self.messages.iter().any(|other| other.id == message.id);
        let within = !self.more || self.read.is_some_and(|read| message.position() >= read);
        if !shown {
            self.remove(message.id);
        } else if known || (self.begun && within) {
            self.put(message);
        }
    }

    fn items(&self, which: Gallery) -> Vec<Item> {
        let mut items = Vec::new();
        for message in &self.messages {
            for attachment in &message.files {
                if belongs(which, attachment.info.kind) {
                    items.push(Item {
                        message: Arc::clone(message),
                        attachment: attachment.clone(),
                    });
                }
            }
        }
        items
    }
}

/// The files of one kind of a conversation; copies are the same.
#[derive(Clone, Copy)]
pub(crate) struct Reel {
    state: AppState,
    conversation: Id,
    which: Gallery,
    strip: RwSignal<Strip>,
    /// All files that were read so far, oldest first.
    pub items: Memo<Vec<Item>>,
    loading: StoredValue<bool>,
    /// They could not be read.
    pub failed: RwSignal<bool>,
}

impl Reel {
    /// Nothing read yet. It follows what happens to the conversation's messages as long as the caller's view lives.
    pub(crate) fn new(state: AppState, conversation: Id, which: Gallery) -> Self {
        let strip = RwSignal::new(Strip::default());
        let reel = Self {
            state,
            conversation,
            which,
            strip,
            items: Memo::new(move |_| strip.with(|strip| strip.items(which))),
            loading: StoredValue::new(false),
            failed: RwSignal::new(false),
        };
        state.watch(Some(conversation), move |change| match change {
            Change::Put(message) => {
                let message = Message::clone(message);
                let _ = strip.try_update(|strip| strip.apply(message, which));
            }
            Change::Removed(id) => {
                let id = *id;
                let _ = strip.try_update(|strip| strip.remove(id));
            }
            Change::Cleared | Change::Reread => {
                let _ = strip.try_set(Strip::default());
                reel.read_more();
            }
        });
        reel
    }

    /// Puts a message in before anything was read, so that there is something to look at.
    pub(crate) fn begin_with(self, message: Message) {
        self.strip.update(|strip| strip.put(message));
    }

    /// Whether the newest files have come.
    pub(crate) fn begun(self) -> bool {
        self.strip.with(|strip| strip.begun)
    }

    /// Whether there are older files than those that were read.
    pub(crate) fn more(self) -> bool {
        self.strip.with(|strip| strip.more || !strip.begun)
    }

    /// Reads older files, if there are any and they are not being read.
    pub(crate) fn read_more(self) {
        let more = self.strip.with_untracked(|strip| strip.more || !strip.begun);
        if more && !self.loading.get_value() {
            self.loading.set_value(true);
            spawn_local(async move {
                self.read_page().await;
                let _ = self.loading.try_set_value(false);
            });
        }
    }

    /// Reads up to a place and a page beyond it.
    pub(crate) fn read_to(self, place: Position) {
        if self.loading.get_value() {
            return;
        }
        self.loading.set_value(true);
        spawn_local(async move {
            while let Some(oldest) = self.read_page().await {
                if oldest < place {
                    break;
                }
            }
            let _ = self.loading.try_set_value(false);
        });
    }

    /// Reads one page; gives the oldest place read if there is more.
    async fn read_page(self) -> Option<Position> {
        let before = self.strip.try_with_untracked(|strip| strip.read)?;
        let command = Command::Gallery {
            conversation: self.conversation,
            which: self.which,
            before,
            limit: PAGE,
        };
        let page = match self.state.request(command).await {
            Ok(Reply::Messages(page)) => page,
            _ => {
                let _ = self.failed.try_set(true);
                return None;
            }
        };
        let oldest = page.messages.first().map(Message::position);
        let more = page.more_before;
        self.strip
            .try_update(|strip| strip.prepend(page.messages, more))?;
        oldest.filter(|_| more)
    }

    /// Where a file stands.
    pub(crate) fn index_of(self, file: FileId) -> Option<usize> {
        self.items
            .with(|items| items.iter().position(|item| item.attachment.file == file))
    }
}

#[cfg(test)]
mod tests {
    use holdfast_client::api::{
        Attachment, FileId, FileInfo, FileKind, FileState, Gallery, Message, MessageId, MessageKind,
        MessageState,
    };
    use holdfast_protocol::account::Id;

    use super::Strip;

    fn message(number: u64, kinds: &[FileKind]) -> Message {
        let author = Id::parse(&format!("05{}", "33".repeat(32))).expect("id");
        let file = |(n, kind): (usize, &FileKind)| Attachment {
            file: FileId(number * 10 + n as u64),
            info: FileInfo {
                kind: *kind,
                ..FileInfo::default()
            },
            state: FileState::Here,
        };
        Message {
            id: MessageId(number),
            conversation: author,
            author,
            outgoing: false,
            kind: MessageKind::Text,
            body: String::new(),
            files: kinds.iter().enumerate().map(file).collect(),
            link: None,
            quote: None,
            reactions: Vec::new(),
            expiry: None,
            sent_at: number,
            state: MessageState::Received,
        }
    }

    fn files(strip: &Strip, which: Gallery) -> Vec<u64> {
        strip
            .items(which)
            .iter()
            .map(|item| item.attachment.file.0)
            .collect()
    }

    #[test]
    fn files_stand_in_the_order_of_their_messages_and_only_where_they_belong() {
        let mut strip = Strip::default();
        let both = message(3, &[FileKind::Image, FileKind::Document, FileKind::Video]);
        strip.prepend(vec![both.clone(), message(5, &[FileKind::Image])], true);
        strip.prepend(vec![message(1, &[FileKind::Video])], false);
        assert_eq!(files(&strip, Gallery::Media), [10, 30, 32, 50]);
        assert_eq!(files(&strip, Gallery::Documents), [31]);
        assert!(!strip.more);
    }

    #[test]
    fn a_voice_message_is_in_no_gallery() {
        let mut strip = Strip::default();
        strip.prepend(vec![message(1, &[FileKind::Voice])], false);
        assert!(files(&strip, Gallery::Media).is_empty() && files(&strip, Gallery::Documents).is_empty());
    }

    #[test]
    fn what_is_older_than_what_was_read_comes_with_its_page() {
        let mut strip = Strip::default();
        strip.put(message(2, &[FileKind::Image]));
        strip.prepend(
            vec![message(8, &[FileKind::Image]), message(9, &[FileKind::Image])],
            true,
        );
        assert_eq!(
            strip.read.map(|place| place.sent_at),
            Some(8),
            "what was put in is no page"
        );
        strip.apply(message(5, &[FileKind::Image]), Gallery::Media);
        assert_eq!(files(&strip, Gallery::Media), [20, 80, 90]);
        strip.apply(message(10, &[FileKind::Image]), Gallery::Media);
        strip.apply(message(8, &[]), Gallery::Media);
        assert_eq!(files(&strip, Gallery::Media), [20, 90, 100]);
        let mut changed = message(2, &[FileKind::Image]);
        changed.body = "new".into();
        strip.apply(changed, Gallery::Media);
        assert_eq!(strip.messages.first().map(|m| m.body.as_str()), Some("new"));
    }
}
