//! What goes with the next message: files above the text, as far as they are ready.

use holdfast_client::api::{
    Attachment, Command, FileId, FileInfo, FileKind, FileState, MessageState, StagedFile,
};
use leptos::ev::MouseEvent;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::Element;

use super::gestures::to_composer;
use super::room::Room;
use crate::components::icon::{Icon, icon};
use crate::i18n::{bytes, t, tf};
use crate::screens::files::{Part, Shape, act, row, tile, words};
use crate::state::attach::Preparing;
use crate::state::safe::is_seen;

/// The files of the message that is being written.
#[derive(Clone, Copy)]
pub(super) struct Staged {
    /// What the engine has, in the order of choosing.
    pub(super) files: Memo<Vec<StagedFile>>,
    /// What this page's worker is at.
    pub(super) preparing: Memo<Vec<Preparing>>,
}

impl Staged {
    pub(super) fn new(room: Room) -> Self {
        let (state, id) = (room.state, room.id);
        Self {
            files: Memo::new(move |_| state.conversation(id).map(|c| c.staged).unwrap_or_default()),
            preparing: Memo::new(move |_| state.attach.preparing(id)),
        }
    }

    /// Whether there is nothing, and nothing is on its way.
    pub(super) fn is_empty(self) -> bool {
        self.files.with(Vec::is_empty) && self.preparing.with(Vec::is_empty)
    }

    /// Whether everything that was chosen can be sent.
    pub(super) fn is_ready(self) -> bool {
        self.preparing.with(Vec::is_empty) && self.files.with(|files| files.iter().all(|file| file.complete))
    }

    /// The files that are shown as the engine's: those that are whole, and those that another tab's worker is at.
    fn shown(self) -> Vec<FileId> {
        let own: Vec<FileId> = self
            .preparing
            .with(|all| all.iter().filter_map(|preparing| preparing.file).collect());
        self.files.with(|files| {
            files
                .iter()
                .filter(|file| !own.contains(&file.file))
                .map(|file| file.file)
                .collect()
        })
    }
}

/// The tray, and below it what could not be taken.
#[component]
pub(super) fn Tray(room: Room, staged: Staged) -> impl IntoView {
    let state = room.state;
    let refused = Memo::new(move |_| state.attach.refused(room.id));
    let empty = Memo::new(move |_| staged.is_empty());
    let several = Memo::new(move |_| staged.files.with(Vec::len) + staged.preparing.with(Vec::len) > 1);
    let tray = move || {
        (!empty.get()).then(|| {
            view! {
                <div class="tray" role="group" aria-label=t("tray.label")>
                    <ul class="tray-files" on:click=move |event| on_click(room, staged, &event)>
                        <For each=move || staged.shown() key=|file| *file let:file>
                            {item(room, staged, file)}
                        </For>
                        <For
                            each=move || staged.preparing.get()
                            key=|preparing| preparing.job
                            let:preparing
                        >
                            {coming(room, staged, preparing)}
                        </For>
                    </ul>
                    {move || {
                        several
                            .get()
                            .then(|| {
                                view! {
                                    <button
                                        type="button"
                                        id="remove-files"
                                        class="link-button"
                                        on:click=move |_| remove_all(room, staged)
                                    >
                                        {t("tray.remove_all")}
                                    </button>
                                }
                            })
                    }}
                </div>
            }
            .into_any()
        })
    };
    let refusals = move || {
        refused.with(|all| !all.is_empty()).then(|| {
            let lines = refused
                .get()
                .into_iter()
                .map(|words| view! { <li>{words}</li> })
                .collect_view();
            view! {
                <div class="refused">
                    {icon(Icon::Alert)}
                    <ul>{lines}</ul>
                    <button
                        type="button"
                        id="dismiss-refused"
                        class="icon-button"
                        aria-label=t("action.close")
                        title=t("action.close")
                        on:click=move |_| {
                            state.attach.dismiss(room.id);
                            to_composer();
                        }
                    >
                        {icon(Icon::Close)}
                    </button>
                </div>
            }
            .into_any()
        })
    };
    view! {
        <div role="alert">{refusals}</div>
        {tray}
    }
}

/// A file that the engine has.
fn item(room: Room, staged: Staged, file: FileId) -> AnyView {
    let state = room.state;
    let found = move || {
        staged
            .files
            .with(|files| files.iter().find(|other| other.file == file).cloned())
    };
    let Some(first) = untrack(found) else {
        return ().into_any();
    };
    let whole = Memo::new(move |_| found().is_some_and(|file| file.complete));
    let kind = first.info.kind;
    let seen = is_seen(&first.info);
    let name = words::title(&first.info);
    let attachment = Attachment {
        file,
        info: first.info,
        state: FileState::Here,
    };
    let inside = move || {
        if !whole.get() {
            return view! { <span class="ring turning tray-wait">{spinner()}</span> }.into_any();
        }
        let part = Part {
            state,
            file,
            kind,
            attachment: Signal::stored(attachment.clone()),
            // It is here, whatever becomes of its message.
            sent: Signal::stored(MessageState::Sent),
            locked: Signal::stored(false),
        };
        match kind {
            FileKind::Image | FileKind::Video => tile(part, Shape::InGrid { more: 0 }),
            FileKind::Audio | FileKind::Voice => row(part),
            FileKind::Document => document(&part.info()),
        }
    };
    view! {
        <li class="tray-item" class:wide=!seen data-staged=file.0.to_string()>
            {inside}
            {remove_button(&name, move || discard(room, file))}
        </li>
    }
    .into_any()
}

/// A document: nothing can be done with it here but to remove it.
fn document(info: &FileInfo) -> AnyView {
    let letters = words::type_words(info);
    view! {
        <div class="file-row">
            <span class="file-mark">
                {match letters.is_empty() {
                    true => icon(Icon::Document).into_any(),
                    false => {
                        view! { <span class="file-type" aria-hidden="true">{letters}</span> }.into_any()
                    }
                }}
            </span>
            <span class="file-text">
                <span class="file-name" dir="auto">{words::title(info)}</span>
                <span class="file-sub">{bytes(info.size)}</span>
            </span>
        </div>
    }
    .into_any()
}

/// A file that is being prepared.
fn coming(room: Room, staged: Staged, preparing: Preparing) -> AnyView {
    let job = preparing.job;
    let percent = Memo::new(move |_| {
        staged
            .preparing
            .with(|all| all.iter().find(|p| p.job == job).map_or(100, |p| p.percent))
    });
    let name = if preparing.name.is_empty() {
        t("attach.unnamed")
    } else {
        preparing.name
    };
    let label = tf("tray.preparing", &[("name", &name)]);
    view! {
        <li class="tray-item waiting">
            <span
                class="ring"
                class:turning=move || percent.get() == 0
                role="progressbar"
                aria-label=label
                aria-valuemin="0"
                aria-valuemax="100"
                aria-valuenow=move || percent.get().to_string()
            >
                <svg viewBox="0 0 48 48" aria-hidden="true">
                    <circle class="ring-rest" cx="24" cy="24" r="21" />
                    <circle
                        class="ring-done"
                        cx="24"
                        cy="24"
                        r="21"
                        pathLength="100"
                        stroke-dasharray=move || {
                            let done = percent.get();
                            format!("{} 100", if done == 0 { 25 } else { done })
                        }
                    />
                </svg>
            </span>
            <span class="tray-name" dir="auto">{name.clone()}</span>
            {remove_button(&name, move || room.state.cancel_job(job))}
        </li>
    }
    .into_any()
}

fn spinner() -> AnyView {
    view! {
        <svg viewBox="0 0 48 48" aria-hidden="true">
            <circle class="ring-rest" cx="24" cy="24" r="21" />
            <circle class="ring-done" cx="24" cy="24" r="21" pathLength="100" stroke-dasharray="25 100" />
        </svg>
    }
    .into_any()
}

fn remove_button(name: &str, remove: impl Fn() + 'static) -> AnyView {
    let label = tf("tray.remove", &[("name", name)]);
    view! {
        <button
            type="button"
            class="tray-remove"
            aria-label=label.clone()
            title=label
            on:click=move |event| {
                event.stop_propagation();
                remove();
                to_composer();
            }
        >
            <span>{icon(Icon::Close)}</span>
        </button>
    }
    .into_any()
}

/// Takes a file out of the message; what is heard of it ends.
fn discard(room: Room, file: FileId) {
    let playback = room.state.playback;
    if playback.track.get_untracked() == Some(file) {
        playback.stop();
    }
    room.state.command(Command::DiscardFile(file));
}

fn remove_all(room: Room, staged: Staged) {
    for preparing in staged.preparing.get_untracked() {
        room.state.cancel_job(preparing.job);
    }
    for file in staged.files.get_untracked() {
        discard(room, file.file);
    }
    to_composer();
}

/// A recording can be listened to before it is sent.
fn on_click(room: Room, staged: Staged, event: &MouseEvent) {
    let button = event
        .target()
        .and_then(|target| target.dyn_into::<Element>().ok())
        .and_then(|element| element.closest("[data-act]").ok().flatten());
    let Some(button) = button else { return };
    event.prevent_default();
    let file = button
        .closest("[data-staged]")
        .ok()
        .flatten()
        .and_then(|item| item.get_attribute("data-staged")?.parse().ok())
        .map(FileId);
    let found = staged
        .files
        .with_untracked(|files| files.iter().find(|other| Some(other.file) == file).cloned());
    let Some(found) = found else { return };
    match button.get_attribute("data-act").unwrap_or_default().as_str() {
        act::PLAY => room.state.playback.toggle(
            room.state,
            &Attachment {
                file: found.file,
                info: found.info,
                state: FileState::Here,
            },
        ),
        act::SPEED => room.state.playback.next_speed(),
        _ => {}
    }
}
