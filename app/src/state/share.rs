//! What another app shared with this one, until a conversation was chosen for it.

use holdfast_client::api::{Command, FileKind, Reply};
use holdfast_protocol::account::Id;
use leptos::prelude::*;
use leptos::task::spawn_local;
use web_sys::File;

use super::nav::Route;
use super::text::joined;
use super::{AppState, Phase, early, failure_text};
use crate::engine::LinkError;
use crate::i18n::t;
use crate::platform::share::{self, Taken};

/// The parameter of the page's address that names what was shared.
const PARAMETER: &str = "share";

/// What was shared, as far as a person has to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shared {
    /// Of what kind all files are; documents when they differ.
    pub kind: Option<FileKind>,
    /// How many files there are.
    pub count: usize,
    /// The name of the only file.
    pub name: String,
    /// Bytes of all files.
    pub bytes: u64,
    /// The text.
    pub text: String,
}

/// Whether something was shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Share {
    /// Nothing that waits.
    Nothing,
    /// It waits for a conversation.
    Here(Shared),
    /// Something was, and is gone.
    Lost,
}

/// What was shared; copies are the same.
#[derive(Clone, Copy)]
pub(crate) struct Shares {
    now: RwSignal<Share>,
    files: StoredValue<Vec<File>, LocalStorage>,
    /// The name that the service worker holds it under.
    held: StoredValue<String>,
}

impl Shares {
    pub(super) fn new() -> Self {
        Self {
            now: RwSignal::new(Share::Nothing),
            files: StoredValue::new_local(Vec::new()),
            held: StoredValue::new(String::new()),
        }
    }

    /// Whether something was shared, and again when that changes.
    pub(crate) fn get(self) -> Share {
        self.now.get()
    }

    /// Comes for what the page was opened with.
    pub(crate) async fn collect(self, state: AppState) {
        let Some(name) = early::query(PARAMETER) else {
            return;
        };
        match share::take(&name).await {
            Some(taken) if !(taken.files.is_empty() && compose(&taken).is_empty()) => {
                let shared = describe(&taken);
                self.files.set_value(taken.files);
                self.held.set_value(name);
                if state.phase.get_untracked() == Phase::Ready {
                    // A text that is being written stays where it is, and takes no shared one by accident.
                    state.nav.reset(Route::Home);
                }
                self.now.set(Share::Here(shared));
            }
            _ => {
                share::forget_address();
                self.now.set(Share::Lost);
            }
        }
    }

    /// It is not wanted after all, or that it is lost was read.
    pub(crate) fn drop_it(self) {
        self.files.set_value(Vec::new());
        self.now.set(Share::Nothing);
        self.settle();
    }

    fn settle(self) {
        let held = std::mem::take(&mut *self.held.write_value());
        if !held.is_empty() {
            share::forget_address();
            spawn_local(async move { share::settle(&held).await });
        }
    }

    /// Puts it into the message that is written in a conversation, and shows that.
    pub(crate) fn give(self, state: AppState, conversation: Id) {
        let Share::Here(shared) = self.now.get_untracked() else {
            return;
        };
        self.now.set(Share::Nothing);
        spawn_local(async move {
            let opened = match state.request(Command::OpenConversation(conversation)).await {
                Ok(Reply::Conversation(opened)) => opened,
                Ok(_) | Err(LinkError::Lost) => return,
                Err(LinkError::Failed(failure)) => {
                    state.show_toast(failure_text(&failure));
                    self.now.set(Share::Here(shared));
                    return;
                }
            };
            if !shared.text.is_empty() {
                let begun = state
                    .draft_untracked(conversation)
                    .or_else(|| opened.draft.clone())
                    .unwrap_or_default();
                let text = joined(&begun, &shared.text);
                state.set_draft(conversation, text);
            }
            state.conversations.put(vec![opened]);
            state.nav.switch(Route::Conversation(conversation));
            let files = std::mem::take(&mut *self.files.write_value());
            state.attach.add(state, conversation, files, false);
            self.settle();
        });
    }

    /// The user takes it back.
    pub(crate) fn cancel(self, state: AppState) {
        self.drop_it();
        state.show_toast(t("share.cancelled"));
    }
}

fn describe(taken: &Taken) -> Shared {
    let kinds: Vec<FileKind> = taken.files.iter().map(|file| kind(&file.type_())).collect();
    Shared {
        kind: common(&kinds),
        count: kinds.len(),
        name: match taken.files.as_slice() {
            [one] => one.name(),
            _ => String::new(),
        },
        bytes: taken.files.iter().map(|file| file.size() as u64).sum(),
        text: compose(taken),
    }
}

/// What a file probably is, by the type that its browser gives it.
fn kind(content_type: &str) -> FileKind {
    match content_type.split('/').next().unwrap_or_default() {
        "image" => FileKind::Image,
        "video" => FileKind::Video,
        "audio" => FileKind::Audio,
        _ => FileKind::Document,
    }
}

fn common(kinds: &[FileKind]) -> Option<FileKind> {
    let first = *kinds.first()?;
    let alike = kinds.iter().all(|kind| *kind == first);
    Some(if alike { first } else { FileKind::Document })
}

fn compose(taken: &Taken) -> String {
    let with_files = !taken.files.is_empty();
    text_of(&taken.title, &taken.text, &taken.url, with_files)
}

/// One text out of what apps put into three: many give the same address or title twice. A file's title is its name.
fn text_of(title: &str, text: &str, url: &str, with_files: bool) -> String {
    let title = if with_files { "" } else { title.trim() };
    let (text, url) = (text.trim(), url.trim());
    let mut lines = Vec::new();
    if !text.contains(title) && title != url {
        lines.push(title);
    }
    lines.push(text);
    if !text.contains(url) {
        lines.push(url);
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use holdfast_client::api::FileKind;

    use super::{common, kind, text_of};

    #[test]
    fn what_apps_give_twice_is_taken_once() {
        let page = "https://example.org/kelp";
        // A browser: title and address; some put the address into the text.
        assert_eq!(text_of("Kelp", "", page, false), format!("Kelp\n{page}"));
        assert_eq!(text_of("Kelp", page, "", false), format!("Kelp\n{page}"));
        let both = format!("Kelp {page}");
        assert_eq!(text_of("Kelp", &both, page, false), both);
        assert_eq!(text_of(page, "", page, false), page);
        assert_eq!(text_of(" ", " High water ", "", false), "High water");
        assert_eq!(text_of("IMG_1.jpg", "At noon", "", true), "At noon");
        assert_eq!(text_of("", "", "", false), "");
    }

    #[test]
    fn files_of_different_kinds_are_called_files() {
        let kinds = |types: &[&str]| common(&types.iter().map(|t| kind(t)).collect::<Vec<_>>());
        assert_eq!(kinds(&[]), None);
        assert_eq!(kinds(&["image/png", "image/jpeg"]), Some(FileKind::Image));
        assert_eq!(kinds(&["image/png", "video/mp4"]), Some(FileKind::Document));
        assert_eq!(kinds(&[""]), Some(FileKind::Document));
    }
}
