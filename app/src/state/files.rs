//! Files of messages and pictures of people, as the page holds them: read from the engine piece by piece, kept as blobs as
//! long as somebody looks at them and some time after, and given an address with a type that runs nothing.

use std::collections::{HashMap, HashSet};

use holdfast_client::api::{
    Attachment, Command, FILE_PIECE, Failure, FileId, FileState, Message, MessageState, Reply, Transfer,
};
use leptos::prelude::*;
use leptos::task::spawn_local;
use web_sys::Blob;

use super::AppState;
use super::safe::Head;
use crate::engine::LinkError;
use crate::platform::blob::{self, Pieces};
use crate::platform::picture;
use crate::platform::session::StorageMode;

/// What nobody looks at any more is kept up to so many bytes, so that scrolling back reads nothing anew. On a shared
/// computer nothing is kept.
const KEPT: u64 = 48 * 1024 * 1024;
/// So many bytes of a file are looked at to tell what it is.
const HEAD: usize = 128 * 1024;
/// The width that pictures of people are kept at for lists and headings, in pixels: the largest one on the page on a
/// screen of double density.
const FACE: u32 = 192;

/// A file's content, as far as the page has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// It is being read.
    Reading,
    /// It can be shown.
    Ready(Ready),
    /// The engine could not give it.
    Missing,
}

/// A file that can be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ready {
    /// Its address on this page.
    pub address: String,
    /// Its type, one of those that run nothing.
    pub content_type: &'static str,
    /// It is a picture with several frames.
    pub moves: bool,
}

struct Held {
    content: ArcRwSignal<Content>,
    /// Read completely.
    blob: Option<Blob>,
    /// How many views show it.
    users: u32,
    /// When it was used last, in uses of any file.
    used: u64,
}

impl Held {
    fn bytes(&self) -> u64 {
        self.blob.as_ref().map_or(0, |blob| blob.size() as u64)
    }
}

#[derive(Default)]
struct Shelf {
    held: HashMap<FileId, Held>,
    /// Stills of people's pictures.
    faces: HashMap<FileId, ArcRwSignal<Option<String>>>,
    /// Files on their way: bytes gone or come, and bytes in all.
    moving: HashMap<FileId, ArcRwSignal<Option<(u64, u64)>>>,
    /// Files whose sizes the engine has been told.
    described: HashSet<FileId>,
    uses: u64,
}

/// The files that the page holds; copies are the same ones.
#[derive(Clone, Copy)]
pub(crate) struct Files {
    shelf: StoredValue<Shelf, LocalStorage>,
}

/// A file read from the engine.
struct Read {
    pieces: Pieces,
    head: Vec<u8>,
}

/// A file to be read.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// Its number.
    pub file: FileId,
    /// Its type as the engine tells it.
    pub claimed: String,
    /// Its bytes; 0 when not known.
    pub size: u64,
}

impl Wanted {
    /// A file of a message.
    pub(crate) fn of(attachment: &Attachment) -> Self {
        Self {
            file: attachment.file,
            claimed: attachment.info.content_type.clone(),
            size: attachment.info.size,
        }
    }

    /// A person's picture.
    pub(crate) fn picture(file: FileId) -> Self {
        Self {
            file,
            claimed: String::new(),
            size: 0,
        }
    }
}

/// Reads a file to its end. One that is removed meanwhile is not taken for its beginning.
async fn read(state: AppState, wanted: &Wanted) -> Option<Read> {
    let mut pieces = Pieces::new();
    let mut head = Vec::new();
    loop {
        let command = Command::ReadFile {
            file: wanted.file,
            offset: pieces.bytes(),
        };
        let piece = match state.request(command).await {
            Ok(Reply::Bytes(piece)) => piece,
            // Where the size is not known, a last piece that is full is followed by none.
            Err(LinkError::Failed(Failure::NotFound)) if wanted.size == 0 && pieces.bytes() > 0 => Vec::new(),
            _ => return None,
        };
        if head.is_empty() {
            head.extend(piece.iter().take(HEAD));
        }
        pieces.push(&piece);
        if piece.len() < FILE_PIECE || pieces.bytes() == wanted.size {
            let whole = wanted.size == 0 || pieces.bytes() == wanted.size;
            return whole.then_some(Read { pieces, head });
        }
    }
}

impl Files {
    pub(super) fn new() -> Self {
        Self {
            shelf: StoredValue::new_local(Shelf::default()),
        }
    }

    /// A file's content, for as long as the caller's view lives.
    pub(crate) fn hold(self, state: AppState, wanted: Wanted) -> ArcRwSignal<Content> {
        let file = wanted.file;
        let content = self.take(state, wanted);
        on_cleanup(move || self.let_go(state, file));
        content
    }

    fn take(self, state: AppState, wanted: Wanted) -> ArcRwSignal<Content> {
        let file = wanted.file;
        let mut new = false;
        let content = self.shelf.try_update_value(|shelf| {
            shelf.uses += 1;
            let used = shelf.uses;
            let held = shelf.held.entry(file).or_insert_with(|| {
                new = true;
                Held {
                    content: ArcRwSignal::new(Content::Reading),
                    blob: None,
                    users: 0,
                    used,
                }
            });
            held.users += 1;
            held.used = used;
            held.content.clone()
        });
        let content = content.unwrap_or_else(|| ArcRwSignal::new(Content::Missing));
        if new {
            spawn_local(async move { self.fill(state, wanted).await });
        }
        content
    }

    /// Reads a file and puts it on the shelf, unless it was taken away meanwhile.
    async fn fill(self, state: AppState, wanted: Wanted) {
        let file = wanted.file;
        let ready = read(state, &wanted).await.and_then(|read| {
            let head = Head::of(&wanted.claimed, &read.head);
            let blob = read.pieces.blob(head.content_type)?;
            let ready = Ready {
                address: blob::address(&blob)?,
                content_type: head.content_type,
                moves: head.moves,
            };
            Some((blob, ready))
        });
        let told = self.shelf.try_update_value(|shelf| {
            let held = shelf.held.get_mut(&file);
            // It was dropped while it was read, wanted again, and so read twice.
            if held.as_ref().is_some_and(|held| held.blob.is_some()) {
                if let Some((_, ready)) = ready {
                    blob::revoke(&ready.address);
                }
                return None;
            }
            match (held, ready) {
                (Some(held), Some((blob, ready))) => {
                    held.blob = Some(blob);
                    Some((held.content.clone(), Content::Ready(ready)))
                }
                (Some(_), None) => shelf
                    .held
                    .remove(&file)
                    .map(|held| (held.content, Content::Missing)),
                (None, Some((_, ready))) => {
                    blob::revoke(&ready.address);
                    None
                }
                (None, None) => None,
            }
        });
        if let Some((content, now)) = told.flatten() {
            content.set(now);
        }
        self.make_room(state);
    }

    fn let_go(self, state: AppState, file: FileId) {
        self.shelf.try_update_value(|shelf| {
            if let Some(held) = shelf.held.get_mut(&file) {
                held.users = held.users.saturating_sub(1);
            }
        });
        self.make_room(state);
    }

    /// Drops what nobody looks at, the longest unused first, until the rest is within its bounds.
    fn make_room(self, state: AppState) {
        let most = match state.mode.try_get_untracked() {
            Some(StorageMode::OwnDevice) => KEPT,
            _ => 0,
        };
        self.shelf.try_update_value(|shelf| {
            let mut idle: Vec<(u64, FileId, u64)> = shelf
                .held
                .iter()
                .filter(|(_, held)| held.users == 0 && held.blob.is_some())
                .map(|(file, held)| (held.used, *file, held.bytes()))
                .collect();
            idle.sort_unstable_by(|a, b| b.cmp(a));
            let mut sum = 0;
            for (_, file, bytes) in idle {
                sum += bytes;
                if sum > most {
                    drop_file(shelf, file);
                }
            }
        });
    }

    /// The bytes of a file, from the shelf or read anew.
    pub(crate) async fn blob(self, state: AppState, wanted: &Wanted) -> Option<Blob> {
        let held = self
            .shelf
            .try_with_value(|shelf| shelf.held.get(&wanted.file).and_then(|held| held.blob.clone()));
        if let Some(blob) = held.flatten() {
            return Some(blob);
        }
        let read = read(state, wanted).await?;
        read.pieces
            .blob(Head::of(&wanted.claimed, &read.head).content_type)
    }

    /// Whether a person's picture can be shown at once.
    pub(crate) fn has_face(self, file: FileId) -> bool {
        self.shelf
            .try_with_value(|shelf| shelf.faces.contains_key(&file))
            .unwrap_or_default()
    }

    /// A small still of a person's picture, once it is there. Moving ones stand still
    /// (`spec/07-files-and-attachments.md §8.4`).
    pub(crate) fn face(self, state: AppState, file: FileId) -> ArcRwSignal<Option<String>> {
        let mut new = false;
        let face = self.shelf.try_update_value(|shelf| {
            let face = shelf.faces.entry(file).or_insert_with(|| {
                new = true;
                ArcRwSignal::new(None)
            });
            face.clone()
        });
        let face = face.unwrap_or_else(|| ArcRwSignal::new(None));
        if new {
            let face = face.clone();
            spawn_local(async move {
                let small = match self.picture(state, file).await {
                    Some(whole) => picture::still(&whole, FACE).await,
                    None => None,
                };
                match small.as_ref().and_then(blob::address) {
                    // The picture was replaced meanwhile, or the account has left the page.
                    Some(address) if !self.has_face(file) => blob::revoke(&address),
                    Some(address) => face.set(Some(address)),
                    // The engine may give it another time.
                    None => {
                        self.shelf.try_update_value(|shelf| shelf.faces.remove(&file));
                    }
                }
            });
        }
        face
    }

    /// A person has another picture now, or none: the still of the one before goes.
    pub(super) fn forget_face(self, file: FileId) {
        let face = self.shelf.try_update_value(|shelf| shelf.faces.remove(&file));
        if let Some(address) = face.flatten().and_then(|face| face.try_get_untracked().flatten()) {
            blob::revoke(&address);
        }
    }

    /// A person's picture, if it is one that can be decoded.
    pub(crate) async fn picture(self, state: AppState, file: FileId) -> Option<Blob> {
        let read = read(state, &Wanted::picture(file)).await?;
        let head = Some(Head::of("", &read.head)).filter(|head| head.is_picture())?;
        read.pieces.blob(head.content_type)
    }

    /// How far a file is on its way; `None` as long as nothing was heard.
    pub(crate) fn progress(self, file: FileId) -> ArcRwSignal<Option<(u64, u64)>> {
        self.shelf
            .try_update_value(|shelf| {
                let signal = shelf.moving.entry(file);
                signal.or_insert_with(|| ArcRwSignal::new(None)).clone()
            })
            .unwrap_or_else(|| ArcRwSignal::new(None))
    }

    /// Takes what the engine tells of a file on its way.
    pub(super) fn hear(self, transfer: &Transfer) {
        let progress = self.progress(transfer.file);
        progress.set(Some((transfer.done, transfer.total)));
    }

    /// Takes a new or changed message: what has arrived is not on its way any more, and what was removed from this device
    /// is not shown any more.
    pub(super) fn follow(self, message: &Message) {
        let link = message.link.as_ref().and_then(|link| link.image.as_ref());
        self.shelf.try_update_value(|shelf| {
            for attachment in message.files.iter().chain(link) {
                if attachment.state != FileState::Moving {
                    shelf.moving.remove(&attachment.file);
                }
                if !is_here(attachment, message.state) {
                    drop_file(shelf, attachment.file);
                }
            }
        });
    }

    /// Whether the engine has not been told yet what a look at this file showed; asked once for each file.
    pub(crate) fn describe_now(self, file: FileId) -> bool {
        self.shelf
            .try_update_value(|shelf| shelf.described.insert(file))
            .unwrap_or_default()
    }

    /// Drops everything: the account leaves this page.
    pub(super) fn clear(self) {
        self.shelf.update_value(|shelf| {
            let all: Vec<FileId> = shelf.held.keys().copied().collect();
            for file in all {
                drop_file(shelf, file);
            }
            for face in shelf.faces.values() {
                if let Some(address) = face.try_get_untracked().flatten() {
                    blob::revoke(&address);
                }
            }
            *shelf = Shelf::default();
        });
    }
}

/// Takes a file off the shelf and its address out of use.
fn drop_file(shelf: &mut Shelf, file: FileId) {
    if let Some(held) = shelf.held.remove(&file)
        && let Some(Content::Ready(ready)) = held.content.try_get_untracked()
    {
        blob::revoke(&ready.address);
    }
}

/// Whether an own message is not sent yet: then its files are here, even while they move.
pub(crate) fn is_pending(state: MessageState) -> bool {
    matches!(
        state,
        MessageState::Queued | MessageState::Sending | MessageState::Failed(_)
    )
}

/// Whether a message's file can be read.
pub(crate) fn is_here(attachment: &Attachment, message: MessageState) -> bool {
    match attachment.state {
        FileState::Here => true,
        FileState::Moving => is_pending(message),
        FileState::NotLoaded | FileState::Failed | FileState::Expired | FileState::Damaged => false,
    }
}
