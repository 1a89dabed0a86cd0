//! A text that is being written: kept so that a reload does not lose it, and told to the other side as typing.

use std::time::Duration;

use holdfast_client::api::{Command, Place, Standing};
use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;

use super::room::Room;

/// A draft is kept when nothing was typed for this long.
const PAUSE: Duration = Duration::from_millis(300);
/// Key presses within this time are told as one, in milliseconds.
const TYPING_EVERY: f64 = 2_000.0;

/// The draft of an open conversation; copies are the same draft.
#[derive(Clone, Copy)]
pub(super) struct Draft {
    room: Room,
    timer: StoredValue<Option<TimeoutHandle>, LocalStorage>,
    /// The engine was not given what was written last.
    unsaved: StoredValue<bool>,
    /// When typing was told last, in milliseconds; 0 when it was over.
    told_at: StoredValue<f64>,
}

impl Draft {
    /// Takes up what was begun here before.
    pub(super) fn new(room: Room) -> Self {
        // What this tab still holds the engine may never have got.
        let unsaved = room.state.draft_untracked(room.id).is_some();
        Self {
            room,
            timer: StoredValue::new_local(None),
            unsaved: StoredValue::new(unsaved),
            told_at: StoredValue::new(0.0),
        }
    }

    /// The text begun here before, or on an earlier visit.
    pub(super) fn begun(self) -> String {
        self.room.state.begun(self.room.id)
    }

    /// The text has changed under the user's hands.
    pub(super) fn typed(self, text: &str) {
        self.room.state.type_draft(self.room.id, text);
        self.unsaved.set_value(true);
        self.tell(!text.trim().is_empty());
        self.stop();
        let timer = set_timeout_with_handle(move || self.keep(), PAUSE);
        self.timer.set_value(timer.ok());
    }

    /// The text has changed though nobody typed.
    pub(super) fn put(self, text: &str) {
        self.room.state.type_draft(self.room.id, text);
        self.unsaved.set_value(true);
        self.stop();
        self.keep();
    }

    /// The text is handed over to be sent. The engine lets go of its draft as it accepts the message, not before: whatever
    /// happens in between, it has one of them. A message without a text takes no draft with it: the engine has to hear by
    /// itself that the field was emptied before.
    pub(super) fn sent(self, text: &str) {
        self.told_at.set_value(0.0);
        self.stop();
        if text.trim().is_empty() {
            self.keep();
        } else {
            self.room.state.draft_sent(self.room.id);
            self.unsaved.set_value(false);
        }
    }

    /// The conversation is left with this text in its field.
    pub(super) fn leave(self, text: &str) {
        self.tell(false);
        self.stop();
        self.keep();
        if !text.trim().is_empty() && self.was_taken() {
            self.put(text);
        }
    }

    /// Whether the draft went with what another tab sent: nobody has the text any more but the field. One that went with its
    /// conversation is not wanted.
    fn was_taken(self) -> bool {
        let (state, id) = (self.room.state, self.room.id);
        let known = state.conversations.get_untracked(id);
        let none = known.is_some_and(|known| known.draft.is_none() && known.place != Place::Hidden);
        none && state.draft_untracked(id).is_none()
    }

    fn stop(self) {
        self.timer.update_value(|timer| {
            if let Some(timer) = timer.take() {
                timer.clear();
            }
        });
    }

    /// Gives the engine what was written since it was given something last. Nothing else: another tab may have written more.
    fn keep(self) {
        if !self.unsaved.get_value() {
            return;
        }
        self.unsaved.set_value(false);
        let (state, id) = (self.room.state, self.room.id);
        if let Some(text) = state.draft_untracked(id) {
            state.keep_draft(id, text);
        }
    }

    /// Tells the engine of typing, if the user wants that and the other side is to know.
    fn tell(self, typing: bool) {
        let state = self.room.state;
        let standing = self.room.desk.about.with_untracked(|about| about.standing);
        let wanted = state.preferences.typing_indicators.get_untracked() && standing == Standing::Active;
        let now = js_sys::Date::now();
        let told_at = self.told_at.get_value();
        let due = if typing {
            now - told_at > TYPING_EVERY
        } else {
            told_at > 0.0
        };
        if wanted && due {
            self.told_at.set_value(if typing { now } else { 0.0 });
            state.tell(Command::Typing {
                conversation: self.room.id,
                typing,
            });
        }
    }
}
