//! Files on their way into a message: what is being prepared, what was refused, and into which messages what is staged goes.
//!
//! What is staged comes from the engine with its conversation, so that it survives a reload and is the same in every tab.
//! Here is only what lies before: files that this page's worker is at.

use holdfast_client::api::{
    Conversation, FileId, FileKind, MAX_FILE, MAX_FILES, MAX_PICTURE, StagedFile, Standing,
};
use holdfast_protocol::account::Id;
use holdfast_protocol::kiosk::Feature;
use leptos::prelude::*;
use leptos::reactive::graph::untrack;
use leptos::task::spawn_local;
use web_sys::File;

use super::AppState;
use crate::engine::jobs::{Job, JobId, News, Refusal, Seen};
use crate::i18n::{bytes, t, tf, tn};
use crate::platform::{film, kiosk};

/// A file that is being prepared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Preparing {
    /// Its job.
    pub job: JobId,
    /// The conversation of the message it is for.
    pub conversation: Id,
    /// Its name; empty for what has none.
    pub name: String,
    /// The engine's number of it, once it has one.
    pub file: Option<FileId>,
    /// How much of it the engine has, in hundredths.
    pub percent: u8,
}

/// Something that was not taken, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// The conversation that it was for.
    pub conversation: Id,
    /// What is the matter.
    pub words: String,
}

/// Why nothing can be attached in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// The network has no file server.
    NoServer,
    /// The other side has not accepted yet.
    NotAccepted,
    /// Not at this computer.
    NotHere,
}

/// Files on their way into messages; copies are the same ones.
#[derive(Clone, Copy)]
pub(crate) struct Attach {
    preparing: RwSignal<Vec<Preparing>>,
    refused: RwSignal<Vec<Refused>>,
}

impl Attach {
    pub(super) fn new() -> Self {
        Self {
            preparing: RwSignal::new(Vec::new()),
            refused: RwSignal::new(Vec::new()),
        }
    }

    pub(super) fn clear(self) {
        self.preparing.set(Vec::new());
        self.refused.set(Vec::new());
    }

    /// What is being prepared for a conversation.
    pub(crate) fn preparing(self, conversation: Id) -> Vec<Preparing> {
        self.preparing.with(|all| {
            all.iter()
                .filter(|p| p.conversation == conversation)
                .cloned()
                .collect()
        })
    }

    /// How many files are being prepared for a conversation and are not known to the engine yet.
    fn unstaged(self, conversation: Id) -> usize {
        self.preparing.with_untracked(|all| {
            all.iter()
                .filter(|p| p.conversation == conversation && p.file.is_none())
                .count()
        })
    }

    /// What was not taken for a conversation.
    pub(crate) fn refused(self, conversation: Id) -> Vec<String> {
        self.refused.with(|all| {
            all.iter()
                .filter(|r| r.conversation == conversation)
                .map(|r| r.words.clone())
                .collect()
        })
    }

    /// The user has read what was not taken.
    pub(crate) fn dismiss(self, conversation: Id) {
        if self
            .refused
            .with_untracked(|all| all.iter().any(|r| r.conversation == conversation))
        {
            self.refused
                .update(|all| all.retain(|r| r.conversation != conversation));
        }
    }

    /// Tells of something that was not taken.
    pub(crate) fn refuse(self, conversation: Id, words: String) {
        let refused = Refused { conversation, words };
        self.refused.update(|all| {
            all.retain(|other| *other != refused);
            all.push(refused);
        });
    }

    /// Has files prepared for a message. What can be seen to be impossible is refused at once.
    pub(crate) fn add(self, state: AppState, conversation: Id, files: Vec<File>, full_quality: bool) {
        if files.is_empty() {
            return;
        }
        self.dismiss(conversation);
        let closed = untrack(|| closed(state, conversation))
            .or((!kiosk::allows(Feature::SendFiles)).then_some(Closed::NotHere));
        if let Some(closed) = closed {
            self.refuse(conversation, closed_words(state, conversation, closed));
            return;
        }
        let staged = state
            .conversations
            .get_untracked(conversation)
            .map_or(0, |c| c.staged.len());
        let room = MAX_FILES.saturating_sub(staged + self.unstaged(conversation));
        if files.len() > room {
            self.refuse(conversation, tn("attach.too_many", MAX_FILES as u64));
        }
        spawn_local(async move {
            // One after the other, so that they keep their order.
            for file in files.into_iter().take(room) {
                let seen = film::look(&file).await;
                self.prepare(state, conversation, &file, full_quality, seen);
            }
        });
    }

    fn prepare(self, state: AppState, conversation: Id, file: &File, full_quality: bool, seen: Seen) {
        let name = given_name(file);
        let job = Job::File {
            conversation,
            name: name.clone(),
            full_quality,
            seen,
        };
        let known = name.clone();
        let job = state.prepare(job, file, move |job, news| {
            self.hear(state, job, &known, conversation, news);
        });
        if let Some(job) = job {
            self.follow(job, conversation, name);
        }
    }

    /// Shows a job until it ends.
    pub(crate) fn follow(self, job: JobId, conversation: Id, name: String) {
        self.preparing.update(|all| {
            all.push(Preparing {
                job,
                conversation,
                name,
                file: None,
                percent: 0,
            });
        });
    }

    /// Takes what a job tells.
    pub(crate) fn hear(self, state: AppState, job: JobId, name: &str, conversation: Id, news: News) {
        match news {
            News::Staged(file) => self.change(job, |p| p.file = Some(file)),
            News::Written { done, total } => {
                let percent = u8::try_from(done * 100 / total.max(1)).unwrap_or(100);
                self.change(job, |p| p.percent = percent);
            }
            // Pictures of links are no files of a message.
            News::Done(_) | News::Drawn(_) => self.end(job),
            News::Refused(refusal) => {
                self.end(job);
                if let Some(words) = refusal_words(state, conversation, name, &refusal) {
                    self.refuse(conversation, words);
                }
            }
        }
    }

    fn change(self, job: JobId, change: impl FnOnce(&mut Preparing)) {
        self.preparing.update(|all| {
            if let Some(preparing) = all.iter_mut().find(|p| p.job == job) {
                change(preparing);
            }
        });
    }

    fn end(self, job: JobId) {
        self.preparing.update(|all| all.retain(|p| p.job != job));
    }
}

/// A file's name. What is pasted has one that the browser made up.
fn given_name(file: &File) -> String {
    let name = file.name();
    if name == "image.png" { String::new() } else { name }
}

/// Why nothing can be attached in a conversation; `None` when files can. Follows changes.
pub(crate) fn closed(state: AppState, conversation: Id) -> Option<Closed> {
    if !state.network.with(|network| network.files) {
        return Some(Closed::NoServer);
    }
    let standing = state.conversation(conversation).map(|c| c.standing);
    match standing {
        Some(Standing::Own | Standing::Active | Standing::IncomingRequest) => None,
        _ => Some(Closed::NotAccepted),
    }
}

fn name_of(state: AppState, conversation: Id) -> String {
    state
        .conversations
        .get_untracked(conversation)
        .map(|c: Conversation| crate::screens::contact::display_name(&c))
        .unwrap_or_default()
}

/// Why nothing can be attached, in words.
pub(crate) fn closed_words(state: AppState, conversation: Id, closed: Closed) -> String {
    match closed {
        Closed::NoServer => t("attach.no_server"),
        Closed::NotHere => t("attach.not_here"),
        Closed::NotAccepted => tf("attach.not_accepted", &[("name", &name_of(state, conversation))]),
    }
}

/// Why a file was refused, in words; nothing for what the user took back.
pub(crate) fn refusal_words(
    state: AppState,
    conversation: Id,
    name: &str,
    refusal: &Refusal,
) -> Option<String> {
    use holdfast_client::api::Failure;
    let unnamed;
    let name = if name.is_empty() {
        unnamed = t("attach.unnamed");
        &unnamed
    } else {
        name
    };
    Some(match refusal {
        Refusal::Empty => tf("attach.empty", &[("name", name)]),
        Refusal::TooLarge | Refusal::Failed(Failure::FileSize) => {
            tf("attach.too_large", &[("name", name), ("size", &bytes(MAX_FILE))])
        }
        Refusal::Unreadable => tf("attach.unreadable", &[("name", name)]),
        Refusal::Undrawable => tf("attach.undrawable", &[("name", name)]),
        Refusal::TooManyPixels => tf("attach.too_many_pixels", &[("name", name)]),
        Refusal::TooShort => t("voice.too_short"),
        Refusal::Failed(Failure::NotAcceptedYet) => closed_words(state, conversation, Closed::NotAccepted),
        Refusal::Failed(Failure::NoFileServer) => closed_words(state, conversation, Closed::NoServer),
        Refusal::Failed(failure) => super::failure_text(failure),
        Refusal::Lost => tf("attach.lost", &[("name", name)]),
        Refusal::Cancelled => return None,
    })
}

/// Why a picture can't be the profile picture, in words; nothing for what the user took back.
pub(crate) fn picture_refusal_words(refusal: &Refusal) -> Option<String> {
    use holdfast_client::api::Failure;
    Some(match refusal {
        Refusal::Cancelled => return None,
        Refusal::TooManyPixels => t("picture.too_many_pixels"),
        Refusal::TooLarge | Refusal::Failed(Failure::FileSize) => {
            tf("picture.too_large", &[("size", &bytes(MAX_PICTURE))])
        }
        Refusal::Failed(Failure::NoFileServer) => t("attach.no_server"),
        Refusal::Failed(failure) => super::failure_text(failure),
        _ => t("picture.undrawable"),
    })
}

/// Into which messages staged files go, in their order. Pictures and films share one; everything else has a message of its
/// own, since other clients show one document of a message only (`spec/12-client-behaviour.md §1`).
pub(crate) fn messages(staged: &[StagedFile]) -> Vec<Vec<FileId>> {
    let mut all: Vec<Vec<FileId>> = Vec::new();
    let mut shared: Option<usize> = None;
    for file in staged {
        match (file.info.kind, shared) {
            (FileKind::Image | FileKind::Video, Some(at)) => {
                if let Some(message) = all.get_mut(at) {
                    message.push(file.file);
                }
            }
            (FileKind::Image | FileKind::Video, None) => {
                shared = Some(all.len());
                all.push(vec![file.file]);
            }
            _ => all.push(vec![file.file]),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use holdfast_client::api::{FileId, FileInfo, FileKind, StagedFile};

    use super::messages;

    fn staged(kinds: &[FileKind]) -> Vec<StagedFile> {
        let file = |(at, kind): (usize, &FileKind)| StagedFile {
            file: FileId(at as u64),
            info: FileInfo {
                kind: *kind,
                ..FileInfo::default()
            },
            complete: true,
        };
        kinds.iter().enumerate().map(file).collect()
    }

    fn numbers(kinds: &[FileKind]) -> Vec<Vec<u64>> {
        messages(&staged(kinds))
            .into_iter()
            .map(|message| message.into_iter().map(|file| file.0).collect())
            .collect()
    }

    #[test]
    fn pictures_and_films_share_a_message_and_everything_else_has_its_own() {
        use FileKind::{Audio, Document, Image, Video, Voice};
        assert!(numbers(&[]).is_empty());
        assert_eq!(numbers(&[Image, Video, Image]), [[0, 1, 2]]);
        assert_eq!(
            numbers(&[Document, Image, Audio, Image, Voice]),
            [vec![0], vec![1, 3], vec![2], vec![4]]
        );
    }
}
