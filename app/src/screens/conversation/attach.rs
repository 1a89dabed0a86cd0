//! How files come into a conversation: by the button, dropped on it, or pasted.

use holdfast_client::api::Standing;
use holdfast_protocol::kiosk::Feature;
use leptos::ev::{ClipboardEvent, DragEvent, MouseEvent};
use leptos::html;
use leptos::prelude::*;
use leptos::reactive::graph::untrack;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlInputElement};

use super::gestures::to_composer;
use super::room::Room;
use crate::components::focus::touch;
use crate::components::icon::{Icon, icon};
use crate::components::menu::{Item, Open, above};
use crate::i18n::{t, tf};
use crate::platform::data_transfer::{files, holds_files, listed, pasted_files};
use crate::platform::kiosk;
use crate::state::attach::{closed, closed_words};

/// The button with the menu of what can be attached. It is not there where the network has no file server.
#[component]
pub(super) fn AttachButton(room: Room) -> impl IntoView {
    let state = room.state;
    let media = NodeRef::<html::Input>::new();
    let any = NodeRef::<html::Input>::new();
    let camera = NodeRef::<html::Input>::new();
    let pick = |node: NodeRef<html::Input>| {
        move || {
            if let Some(input) = node.get_untracked() {
                input.click();
            }
        }
    };
    let open = move |event: MouseEvent| {
        if let Some(why) = untrack(|| closed(state, room.id)) {
            let words = untrack(|| closed_words(state, room.id, why));
            state.attach.refuse(room.id, words);
            return;
        }
        let mut items = vec![
            Item::new(Icon::Photo, t("attach.media"), pick(media)),
            Item::new(Icon::Document, t("attach.file"), pick(any)),
        ];
        if touch() {
            items.push(Item::new(Icon::Camera, t("attach.camera"), pick(camera)));
        }
        let button = event.current_target().and_then(|b| b.dyn_into::<Element>().ok());
        if let Some(button) = button {
            let place = above(&button, items.len());
            room.desk.menu.set(Some(Open::at(place, items)));
        }
    };
    let chosen = move |input: HtmlInputElement, full_quality: bool| {
        let files = input.files().as_ref().map(listed).unwrap_or_default();
        // The same file may be chosen again.
        input.set_value("");
        state.attach.add(state, room.id, files, full_quality);
        to_composer();
    };
    let shown =
        Memo::new(move |_| kiosk::allows(Feature::SendFiles) && state.network.with(|network| network.files));
    view! {
        {move || {
            shown
                .get()
                .then(|| {
                    view! {
                        <button
                            type="button"
                            id="attach"
                            class="icon-button"
                            aria-label=t("attach.label")
                            title=t("attach.label")
                            aria-haspopup="menu"
                            on:click=open
                        >
                            {icon(Icon::Plus)}
                        </button>
                    }
                })
        }}
        <input
            id="pick-media"
            type="file"
            accept="image/*,video/*"
            multiple
            hidden
            node_ref=media
            on:change:target=move |event| chosen(event.target(), false)
        />
        <input
            id="pick-file"
            type="file"
            multiple
            hidden
            node_ref=any
            on:change:target=move |event| chosen(event.target(), true)
        />
        <input
            id="take-photo"
            type="file"
            accept="image/*"
            capture="environment"
            hidden
            node_ref=camera
            on:change:target=move |event| chosen(event.target(), false)
        />
    }
}

/// Files over a conversation: shows where they would go.
#[derive(Clone, Copy)]
pub(super) struct DropZone {
    room: Room,
    over: RwSignal<bool>,
}

impl DropZone {
    pub(super) fn new(room: Room) -> Self {
        Self {
            room,
            over: RwSignal::new(false),
        }
    }

    /// Whether what is written here can be sent at all.
    fn writes(self) -> bool {
        let standing = self.room.desk.about.with_untracked(|about| about.standing);
        kiosk::allows(Feature::SendFiles)
            && standing != Standing::Blocked
            && self.room.state.network.with_untracked(|network| network.files)
    }

    /// Something is dragged over the conversation.
    pub(super) fn enter(self, event: &DragEvent) {
        let Some(data) = event.data_transfer() else { return };
        if !holds_files(&data) || !self.writes() {
            return;
        }
        event.prevent_default();
        event.stop_propagation();
        data.set_drop_effect("copy");
        if !self.over.get_untracked() {
            self.over.set(true);
        }
    }

    /// What is dragged leaves the conversation, or an element of it.
    pub(super) fn leave(self, event: &DragEvent) {
        let inside = event
            .related_target()
            .and_then(|to| to.dyn_into::<Element>().ok())
            .is_some_and(|to| to.closest(".conversation").is_ok_and(|found| found.is_some()));
        if !inside {
            self.over.set(false);
        }
    }

    /// It is let go of.
    pub(super) fn take(self, event: &DragEvent) {
        self.over.set(false);
        let files = event.data_transfer().as_ref().map(files).unwrap_or_default();
        if files.is_empty() || !self.writes() {
            return;
        }
        event.prevent_default();
        let state = self.room.state;
        state.attach.add(state, self.room.id, files, false);
        to_composer();
    }

    /// Where it would go, over the whole conversation.
    pub(super) fn target(self) -> AnyView {
        let words = move || {
            let state = self.room.state;
            match untrack(|| closed(state, self.room.id)) {
                Some(why) => untrack(|| closed_words(state, self.room.id, why)),
                None => self
                    .room
                    .desk
                    .about
                    .with_untracked(|about| tf("attach.drop", &[("name", &about.name)])),
            }
        };
        (move || {
            self.over.get().then(|| {
                view! {
                    <div class="drop-target" aria-hidden="true">
                        <div class="drop-words">{icon(Icon::Photo)} <span>{words()}</span></div>
                    </div>
                }
            })
        })
        .into_any()
    }
}

/// Pictures and files in the clipboard are attached.
pub(super) fn on_paste(room: Room, event: &ClipboardEvent) {
    let Some(data) = event.clipboard_data() else {
        return;
    };
    let files = pasted_files(&data);
    if files.is_empty() {
        return;
    }
    event.prevent_default();
    room.state.attach.add(room.state, room.id, files, false);
}
