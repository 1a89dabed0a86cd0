//! What lies over a file that is not simply there: how to fetch it, how far it is, or why it can't be had.

use holdfast_client::api::{Attachment, FileState, MessageState};
use leptos::prelude::*;

use super::{Part, act, is_leaving, words};
use crate::components::icon::{Icon, icon};
use crate::i18n::{bytes, t, tf};

/// Where a file stands, as far as its cover differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    /// Nothing lies over it.
    Here,
    /// It leaves with its message.
    Leaving,
    /// It comes.
    Coming,
    /// It waits for a tap.
    Waits,
    /// It waits for the request to be accepted.
    Locked,
    /// It could not be fetched.
    Failed,
    /// The file server has it no more.
    Expired,
    /// It is not what was sent.
    Damaged,
}

/// Where a file stands.
pub(super) fn stand(attachment: &Attachment, sent: MessageState, locked: bool) -> Stand {
    match attachment.state {
        FileState::Moving | FileState::Here if is_leaving(sent) => Stand::Leaving,
        FileState::Here => Stand::Here,
        FileState::Moving if matches!(sent, MessageState::Failed(_)) => Stand::Here,
        FileState::Moving => Stand::Coming,
        FileState::Expired => Stand::Expired,
        FileState::Damaged => Stand::Damaged,
        FileState::NotLoaded | FileState::Failed if locked => Stand::Locked,
        FileState::NotLoaded => Stand::Waits,
        FileState::Failed => Stand::Failed,
    }
}

impl Part {
    /// Where it stands, followed.
    pub(super) fn stand(self) -> Memo<Stand> {
        Memo::new(move |_| {
            self.attachment
                .with(|attachment| stand(attachment, self.sent.get(), self.locked.get()))
        })
    }
}

/// A file that can't be had, in words; none for one that can.
pub(super) fn why_not(stand: Stand) -> Option<String> {
    match stand {
        Stand::Expired => Some(t("file.expired")),
        Stand::Damaged => Some(t("file.damaged")),
        Stand::Locked => Some(t("file.locked")),
        Stand::Failed => Some(t("file.failed")),
        Stand::Here | Stand::Leaving | Stand::Coming | Stand::Waits => None,
    }
}

/// How far a file is on its way, as a ring that closes; it turns as long as nothing is known.
pub(super) fn ring(part: Part) -> AnyView {
    let progress = part.state.files.progress(part.file);
    let done = Memo::new(move |_| match progress.get() {
        Some((done, total)) if total > 0 => Some((done.min(total) * 100 / total) as u32),
        _ => None,
    });
    view! {
        <span
            class="ring"
            class:turning=move || done.get().is_none()
            role="progressbar"
            aria-label=t("file.progress")
            aria-valuemin="0"
            aria-valuemax="100"
            aria-valuenow=move || done.get().map(|done| done.to_string())
        >
            <svg viewBox="0 0 48 48" aria-hidden="true">
                <circle class="ring-rest" cx="24" cy="24" r="21" />
                <circle
                    class="ring-done"
                    cx="24"
                    cy="24"
                    r="21"
                    pathLength="100"
                    stroke-dasharray=move || format!("{} 100", done.get().unwrap_or(25))
                />
            </svg>
        </span>
    }
    .into_any()
}

/// How much of a file has moved, in words: `1.2 of 2.4 MB`.
pub(super) fn moved_words(part: Part) -> impl Fn() -> String {
    let progress = part.state.files.progress(part.file);
    move || match progress.get() {
        Some((done, total)) if total > 0 => tf(
            "file.moved",
            &[("done", &bytes(done.min(total))), ("total", &bytes(total))],
        ),
        _ => part.attachment.with(|attachment| bytes(attachment.info.size)),
    }
}

/// Covers a picture or film. A small one has no room for words but in its tooltip.
pub(crate) fn cover(part: Part, small: bool) -> AnyView {
    let stand = part.stand();
    (move || covered(part, stand.get(), small)).into_any()
}

fn covered(part: Part, stand: Stand, small: bool) -> Option<AnyView> {
    let what = words::spoken(&part.attachment.get_untracked());
    let button = |act: &'static str, label: String, picture: AnyView, words: Option<String>| {
        let words = words.filter(|_| !small);
        view! {
            <button class="cover" class:small=small data-act=act aria-label=label.clone() title=label>
                <span class="cover-mark">{picture}</span>
                {words.map(|words| view! { <span class="cover-words">{words}</span> })}
            </button>
        }
        .into_any()
    };
    let size = bytes(part.info().size);
    let named = [("file", what.as_str())];
    Some(match stand {
        Stand::Here => return None,
        Stand::Waits => button(
            act::LOAD,
            tf("file.load_label", &named),
            icon(Icon::Download).into_any(),
            Some(size),
        ),
        Stand::Failed => button(
            act::LOAD,
            tf("file.again_label", &named),
            icon(Icon::Retry).into_any(),
            Some(t("file.failed")),
        ),
        Stand::Coming | Stand::Leaving => {
            let label = if stand == Stand::Coming {
                tf("file.stop_load", &named)
            } else {
                tf("file.stop_send", &named)
            };
            let picture = view! { {ring(part)} {icon(Icon::Close)} }.into_any();
            let moved = moved_words(part);
            view! {
                <button class="cover moving" class:small=small data-act=act::CANCEL aria-label=label.clone() title=label>
                    <span class="cover-mark">{picture}</span>
                    {(!small).then(|| view! { <span class="cover-words">{moved}</span> })}
                </button>
            }
            .into_any()
        }
        Stand::Locked | Stand::Expired | Stand::Damaged => {
            let picture = match stand {
                Stand::Locked => Icon::Lock,
                Stand::Expired => Icon::Clock,
                _ => Icon::Alert,
            };
            let words = why_not(stand).unwrap_or_default();
            let title = words.clone();
            view! {
                <span class="cover lost" class:small=small title=title>
                    {icon(picture)}
                    <span class=if small { "unseen" } else { "lost-words" }>{words}</span>
                </span>
            }
            .into_any()
        }
    })
}

#[cfg(test)]
mod tests {
    use holdfast_client::api::{Attachment, FileId, FileInfo, FileState, MessageState, SendFailure};

    use super::{Stand, stand};

    fn file(state: FileState) -> Attachment {
        Attachment {
            file: FileId(1),
            info: FileInfo::default(),
            state,
        }
    }

    #[test]
    fn an_own_file_is_on_its_way_until_its_message_is_sent() {
        let here = file(FileState::Here);
        assert_eq!(stand(&here, MessageState::Queued, false), Stand::Leaving);
        assert_eq!(
            stand(&file(FileState::Moving), MessageState::Sending, false),
            Stand::Leaving
        );
        assert_eq!(stand(&here, MessageState::Sent, false), Stand::Here);
        let failed = MessageState::Failed(SendFailure::Cancelled);
        assert_eq!(stand(&here, failed, false), Stand::Here);
    }

    #[test]
    fn nothing_of_a_request_can_be_fetched() {
        let (received, locked) = (MessageState::Received, true);
        assert_eq!(
            stand(&file(FileState::NotLoaded), received, locked),
            Stand::Locked
        );
        assert_eq!(stand(&file(FileState::Failed), received, locked), Stand::Locked);
        assert_eq!(stand(&file(FileState::NotLoaded), received, false), Stand::Waits);
        assert_eq!(stand(&file(FileState::Expired), received, locked), Stand::Expired);
    }
}
