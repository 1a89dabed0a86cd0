//! The default picture of an account: initials on a colour that its id decides.

use holdfast_protocol::account::Id;
use leptos::prelude::*;

use super::icon::{Icon, icon};
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

/// The avatar of an account. Without a name it is a silhouette.
pub(crate) fn avatar(id: &Id, name: &str, size: Size) -> impl IntoView + use<> {
    let letters = initials(name);
    let inside = if letters.is_empty() {
        icon(Icon::Person).into_any()
    } else {
        letters.into_any()
    };
    view! {
        <span class="avatar" data-size=size.name() data-hue=hue(id).to_string() aria-hidden="true">
            {inside}
        </span>
    }
}

/// The avatar of the note to self.
pub(crate) fn note_avatar(size: Size) -> impl IntoView {
    view! {
        <span class="avatar" data-size=size.name() data-hue="note" aria-hidden="true">
            {icon(Icon::Note)}
        </span>
    }
}
