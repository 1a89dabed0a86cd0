//! Files of messages on the screen: what is seen of them wherever they are, and what can be done with them.

mod asks;
mod cover;
mod rows;
mod sound;
mod tile;
pub(crate) mod words;

use holdfast_client::api::{
    Attachment, Command, FileId, FileInfo, FileKind, FileState, Message, MessageState,
};
use holdfast_protocol::account::Id;
use holdfast_protocol::kiosk::Feature;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::i18n::t;
use crate::platform::session::StorageMode;
use crate::platform::{blob, kiosk};
use crate::state::AppState;
use crate::state::files::{Wanted, is_here, is_pending};
use crate::state::preferences::key;
use crate::state::safe::is_seen;

pub(crate) use asks::{FileAsk, FileAsks};
pub(crate) use cover::cover;
pub(crate) use rows::row;
pub(crate) use tile::{Shape, frame_size, tile, unseen};

/// A file of a message, as a view follows it.
#[derive(Clone, Copy)]
pub(crate) struct Part {
    /// The page's state.
    pub state: AppState,
    /// Its number.
    pub file: FileId,
    /// What it is. A file does not change its kind as long as it is shown, but for its first arrival.
    pub kind: FileKind,
    /// The file as it is now.
    pub attachment: Signal<Attachment>,
    /// How far its message got.
    pub sent: Signal<MessageState>,
    /// It belongs to a message request: nothing of it is fetched.
    pub locked: Signal<bool>,
}

impl Part {
    /// A file that does not change as long as it is shown.
    pub(crate) fn fixed(state: AppState, message: &Message, attachment: &Attachment, locked: bool) -> Self {
        Self {
            state,
            file: attachment.file,
            kind: attachment.info.kind,
            attachment: Signal::stored(attachment.clone()),
            sent: Signal::stored(message.state),
            locked: Signal::stored(locked),
        }
    }

    /// Whether its bytes can be read.
    pub(crate) fn here(self) -> Memo<bool> {
        Memo::new(move |_| {
            self.attachment
                .with(|attachment| is_here(attachment, self.sent.get()))
        })
    }

    /// What has to be known to read it.
    pub(crate) fn wanted(self) -> Wanted {
        self.attachment.with_untracked(Wanted::of)
    }

    /// What is known of it now, without following changes.
    pub(crate) fn info(self) -> FileInfo {
        self.attachment
            .with_untracked(|attachment| attachment.info.clone())
    }
}

/// What can be done with a file, as its buttons are marked (`data-act`).
pub(crate) mod act {
    /// Open it in the viewer.
    pub(crate) const LOOK: &str = "look";
    /// Fetch it.
    pub(crate) const LOAD: &str = "load";
    /// Fetch all files of the message.
    pub(crate) const LOAD_ALL: &str = "load-all";
    /// Stop its way.
    pub(crate) const CANCEL: &str = "cancel";
    /// Write it to disk.
    pub(crate) const SAVE: &str = "save";
    /// Play it, or pause.
    pub(crate) const PLAY: &str = "play";
    /// Play faster.
    pub(crate) const SPEED: &str = "speed";
}

/// Does what a button on a file says, except for opening the viewer. Says whether it was one of these.
pub(crate) fn do_act(state: AppState, message: &Message, file: FileId, what: &str) -> bool {
    let attachment = every_file(message).find(|attachment| attachment.file == file);
    match (what, attachment) {
        (act::LOAD, Some(attachment)) => load(state, message.conversation, vec![attachment.file]),
        (act::LOAD_ALL, _) => load(state, message.conversation, waiting(message)),
        (act::CANCEL, Some(attachment)) => state.command(Command::CancelTransfer(attachment.file)),
        (act::SAVE, Some(attachment)) => save(state, message, vec![attachment.clone()]),
        (act::PLAY, Some(attachment)) => state.playback.toggle(state, attachment),
        (act::SPEED, _) => state.playback.next_speed(),
        _ => return false,
    }
    true
}

/// The files of a message, and the picture of its link.
fn every_file(message: &Message) -> impl Iterator<Item = &Attachment> {
    let link = message.link.as_ref().and_then(|link| link.image.as_ref());
    message.files.iter().chain(link)
}

/// The files of a message that can be fetched and were not.
pub(crate) fn waiting(message: &Message) -> Vec<FileId> {
    message
        .files
        .iter()
        .filter(|file| matches!(file.state, FileState::NotLoaded | FileState::Failed))
        .map(|file| file.file)
        .collect()
}

/// The files of a message that can be saved.
pub(crate) fn savable(message: &Message) -> Vec<Attachment> {
    if !kiosk::allows(Feature::SaveFiles) {
        return Vec::new();
    }
    message
        .files
        .iter()
        .filter(|file| is_here(file, message.state))
        .cloned()
        .collect()
}

/// Whether a message's files are shown in place of, or beside, its text.
pub(crate) fn has_seen(message: &Message) -> bool {
    message.files.iter().any(|file| is_seen(&file.info))
}

/// Fetches files. The first time in a conversation the user is asked whether that shall go on by itself
/// (`spec/12-client-behaviour.md §5.10`).
pub(crate) fn load(state: AppState, conversation: Id, files: Vec<FileId>) {
    let known = state.conversations.get_untracked(conversation);
    let asks = known.is_some_and(|known| !known.auto_load && !known.note_to_self)
        && !state.preferences.was_asked_to_load(conversation);
    if asks {
        state.file_ask.set(Some(FileAsk::Load { conversation, files }));
    } else {
        fetch(state, files);
    }
}

fn fetch(state: AppState, files: Vec<FileId>) {
    for file in files {
        state.command(Command::LoadFile(file));
    }
}

/// Writes files to the browser's folder of downloads; on a shared computer after a warning.
pub(crate) fn save(state: AppState, message: &Message, files: Vec<Attachment>) {
    if files.is_empty() || !kiosk::allows(Feature::SaveFiles) {
        return;
    }
    let wanted = Saving {
        theirs: !message.outgoing && !state.is_own(&message.conversation),
        sent_at: message.sent_at,
        files,
    };
    if state.mode.get_untracked() == StorageMode::SharedComputer {
        state.file_ask.set(Some(FileAsk::Save(wanted)));
    } else {
        wanted.go_on(state);
    }
}

/// Files on their way to the disk.
#[derive(Clone, Debug)]
pub(crate) struct Saving {
    /// Somebody else sent them, who is told.
    theirs: bool,
    sent_at: u64,
    files: Vec<Attachment>,
}

impl Saving {
    fn go_on(self, state: AppState) {
        spawn_local(async move {
            let mut saved = 0;
            for attachment in &self.files {
                let Some(content) = state.files.blob(state, &Wanted::of(attachment)).await else {
                    continue;
                };
                let name = words::saved_name(&attachment.info, self.sent_at);
                if blob::download(&content, &name) {
                    saved += 1;
                    if self.theirs {
                        state.tell(Command::FileSaved(attachment.file));
                    }
                }
            }
            let words = if saved == self.files.len() {
                t("file.saved")
            } else {
                t("file.not_saved")
            };
            state.show_toast(words);
        });
    }
}

/// Keeps that the user was asked whether files of a conversation load by themselves.
fn note_asked(state: AppState, conversation: Id) {
    let asked = state.preferences.with_asked_to_load(conversation);
    state.set_preference(key::LOAD_ASKED, &asked);
}

/// Whether a message waits for its files to leave.
pub(crate) fn is_leaving(state: MessageState) -> bool {
    is_pending(state) && !matches!(state, MessageState::Failed(_))
}
