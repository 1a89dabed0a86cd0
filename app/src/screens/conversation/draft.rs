//! A text that is being written: kept so that a reload does not lose it, and told to the other side as typing.

use std::time::Duration;

use holdfast_client::api::{Command, Standing};
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
    /// What the engine keeps.
    kept: StoredValue<String>,
    /// When typing was told last, in milliseconds; 0 when it was over.
    told_at: StoredValue<f64>,
}

impl Draft {
    /// Takes up what was begun here before.
    pub(super) fn new(room: Room) -> Self {
        let kept = room
            .state
            .conversations
            .get_untracked(room.id)
            .and_then(|c| c.draft);
        Self {
            room,
            timer: StoredValue::new_local(None),
            kept: StoredValue::new(kept.unwrap_or_default()),
            told_at: StoredValue::new(0.0),
        }
    }

    /// The text begun here before, or on an earlier visit.
    pub(super) fn begun(self) -> String {
        let here = self.room.state.draft_untracked(self.room.id);
        here.unwrap_or_else(|| self.kept.get_value())
    }

    /// The text has changed under the user's hands.
    pub(super) fn typed(self, text: &str) {
        self.room.state.set_draft(self.room.id, text, false);
        self.tell(!text.trim().is_empty());
        self.stop();
        let text = text.to_owned();
        let timer = set_timeout_with_handle(move || self.keep(&text), PAUSE);
        self.timer.set_value(timer.ok());
    }

    /// The text was sent.
    pub(super) fn sent(self) {
        self.room.state.set_draft(self.room.id, "", false);
        self.told_at.set_value(0.0);
        self.stop();
        self.keep("");
    }

    /// The conversation is left with this text in its field.
    pub(super) fn leave(self, text: &str) {
        self.room.state.set_draft(self.room.id, text, true);
        self.tell(false);
        self.stop();
        self.keep(text);
    }

    fn stop(self) {
        self.timer.update_value(|timer| {
            if let Some(timer) = timer.take() {
                timer.clear();
            }
        });
    }

    fn keep(self, text: &str) {
        let text = if text.trim().is_empty() { "" } else { text };
        if self.kept.with_value(|kept| kept != text) {
            self.kept.set_value(text.to_owned());
            self.room.state.tell(Command::SetDraft {
                conversation: self.room.id,
                text: text.to_owned(),
            });
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
