//! The picture of an account: its own, or initials on a colour that its id decides.

use holdfast_client::api::FileId;
use holdfast_protocol::account::Id;
use leptos::prelude::*;

use super::icon::{Icon, icon};
use crate::platform::near;
use crate::state::AppState;
use crate::state::identity::{hue, initials};

/// How large an avatar is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// In a heading.
    Small,
    /// In a list.
    Medium,
    /// On a profile.
    Large,
}

impl Size {
    const fn name(self) -> &'static str {
        match self {
            Size::Small => "small",
            Size::Medium => "medium",
            Size::Large => "large",
        }
    }
}

/// The avatar of an account: its picture, once that is here; before that and without one its initials, and without a name
/// a silhouette.
pub(crate) fn avatar(id: &Id, name: &str, picture: Option<FileId>, size: Size) -> AnyView {
    let letters = initials(name);
    let inside = if letters.is_empty() {
        icon(Icon::Person).into_any()
    } else {
        letters.into_any()
    };
    view! {
        <span class="avatar" data-size=size.name() data-hue=hue(id).to_string() aria-hidden="true">
            {inside} {picture.map(face)}
        </span>
    }
    .into_any()
}

/// An account's picture, over its initials.
fn face(picture: FileId) -> AnyView {
    let state = AppState::get();
    let node = NodeRef::<leptos::html::Span>::new();
    let wanted = RwSignal::new(state.files.has_face(picture));
    Effect::new(move |_| {
        if let Some(node) = node.get() {
            // Once it was near it stays: it is small.
            near::follow(&node, move |now| {
                if now {
                    let _ = wanted.try_set(true);
                }
            });
        }
    });
    let shown = Memo::new(move |_| {
        wanted
            .get()
            .then(|| state.files.face(state, picture).get())
            .flatten()
    });
    view! {
        <span class="face" node_ref=node>
            {move || shown.get().map(|address| view! { <img src=address alt="" draggable="false" decoding="sync" /> })}
        </span>
    }
    .into_any()
}

/// The avatar of the note to self.
pub(crate) fn note_avatar(size: Size) -> impl IntoView {
    view! {
        <span class="avatar" data-size=size.name() data-hue="note" aria-hidden="true">
            {icon(Icon::Note)}
        </span>
    }
}
