//! Files that have a line of their own: sounds with their player, and documents.

use holdfast_client::api::FileKind;
use holdfast_protocol::kiosk::Feature;
use leptos::prelude::*;

use super::cover::{Stand, moved_words, ring, why_not};
use super::sound::sound;
use super::{Part, act, words};
use crate::components::icon::{Icon, icon};
use crate::i18n::{bytes, tf};
use crate::platform::kiosk;

/// A file's line.
pub(crate) fn row(part: Part) -> AnyView {
    match part.kind {
        FileKind::Audio | FileKind::Voice => sound(part),
        FileKind::Image | FileKind::Video | FileKind::Document => document(part),
    }
}

/// A file that can only be saved: one button, over all of its line.
fn document(part: Part) -> AnyView {
    let stand = part.stand();
    let info = part.info();
    let name = words::title(&info);
    let letters = words::type_words(&info);
    let inside = move || {
        let stand = stand.get();
        view! {
            {mark(part, stand, &letters)}
            <span class="file-text">
                <span class="file-name" dir="auto">{name.clone()}</span>
                <span class="file-sub">{sub(part, stand)}</span>
            </span>
            {(stand == Stand::Here).then(|| icon(Icon::Download))}
        }
        .into_any()
    };
    let label = move || {
        let named = words::spoken(&part.attachment.get());
        button_of(stand.get()).map(|(_, words)| words(&named))
    };
    let number = part.file.0.to_string();
    (move || {
        let (inside, number) = (inside.clone(), number.clone());
        match button_of(stand.get()) {
            Some((act, _)) => view! {
                <button class="file-row" data-file=number data-act=act aria-label=label title=label>
                    {inside()}
                </button>
            }
            .into_any(),
            None => view! { <div class="file-row" data-file=number>{inside()}</div> }.into_any(),
        }
    })
    .into_any()
}

type Label = fn(&str) -> String;

/// What the button on a file does, and how it is called; none where nothing can be done.
pub(super) fn button_of(stand: Stand) -> Option<(&'static str, Label)> {
    Some(match stand {
        Stand::Here if !kiosk::allows(Feature::SaveFiles) => return None,
        Stand::Here => (act::SAVE, |file| tf("file.save_label", &[("file", file)])),
        Stand::Waits => (act::LOAD, |file| tf("file.load_label", &[("file", file)])),
        Stand::Failed => (act::LOAD, |file| tf("file.again_label", &[("file", file)])),
        Stand::Coming => (act::CANCEL, |file| tf("file.stop_load", &[("file", file)])),
        Stand::Leaving => (act::CANCEL, |file| tf("file.stop_send", &[("file", file)])),
        Stand::Locked | Stand::Expired | Stand::Damaged => return None,
    })
}

/// The mark before a document: its type, or what can be done.
fn mark(part: Part, stand: Stand, letters: &str) -> AnyView {
    let inside = match stand {
        Stand::Here if letters.is_empty() => icon(Icon::Document).into_any(),
        Stand::Here => {
            view! { <span class="file-type" aria-hidden="true">{letters.to_owned()}</span> }.into_any()
        }
        other => doing(part, other),
    };
    view! { <span class="file-mark" class:round=stand != Stand::Here>{inside}</span> }.into_any()
}

/// What stands in place of a file's own mark while it is not here.
pub(super) fn doing(part: Part, stand: Stand) -> AnyView {
    match stand {
        Stand::Here => ().into_any(),
        Stand::Waits => icon(Icon::Download).into_any(),
        Stand::Failed => icon(Icon::Retry).into_any(),
        Stand::Coming | Stand::Leaving => view! { {ring(part)} {icon(Icon::Close)} }.into_any(),
        Stand::Locked => icon(Icon::Lock).into_any(),
        Stand::Expired => icon(Icon::Clock).into_any(),
        Stand::Damaged => icon(Icon::Alert).into_any(),
    }
}

/// Below a file's name: its size, how far it is, or why it can't be had.
pub(super) fn sub(part: Part, stand: Stand) -> AnyView {
    if let Some(words) = why_not(stand) {
        return words.into_any();
    }
    match stand {
        Stand::Coming | Stand::Leaving => {
            let moved = moved_words(part);
            view! { <span>{moved}</span> }.into_any()
        }
        _ => bytes(part.info().size).into_any(),
    }
}
