//! What the keyboard on the screen does to the field that is written in: the same that a real one's keys would.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{
    Element, Event, EventInit, HtmlElement, HtmlFormElement, HtmlInputElement, HtmlTextAreaElement,
    KeyboardEvent, KeyboardEventInit, SelectionMode,
};

use super::layout::before_caret;

/// Kinds of fields that take text.
const KINDS: [&str; 4] = ["text", "search", "url", "password"];

/// A field that text can be written in.
#[derive(Clone, PartialEq)]
pub(super) enum Field {
    Line(HtmlInputElement),
    Area(HtmlTextAreaElement),
}

impl Field {
    /// An element, if it is one.
    pub(super) fn of(element: &Element) -> Option<Self> {
        if let Some(area) = element.dyn_ref::<HtmlTextAreaElement>() {
            return (!area.read_only()).then(|| Field::Area(area.clone()));
        }
        let line = element.dyn_ref::<HtmlInputElement>()?;
        let writable = KINDS.contains(&line.type_().as_str()) && !line.read_only();
        writable.then(|| Field::Line(line.clone()))
    }

    fn element(&self) -> &HtmlElement {
        match self {
            Field::Line(line) => line,
            Field::Area(area) => area,
        }
    }

    /// Whether it is still on the page.
    pub(super) fn is_there(&self) -> bool {
        self.element().is_connected()
    }

    /// Has the system keep its own keyboard away.
    pub(super) fn without_systems(&self) {
        // An attribute of this name can always be set.
        let _ = self.element().set_attribute("inputmode", "none");
    }

    /// Brings a field into sight that the keyboard would cover.
    pub(super) fn show(&self) {
        self.element().scroll_into_view_with_bool(false);
    }

    fn value(&self) -> String {
        match self {
            Field::Line(line) => line.value(),
            Field::Area(area) => area.value(),
        }
    }

    /// The selection, in UTF-16 units.
    fn selection(&self) -> (u32, u32) {
        let (start, end) = match self {
            Field::Line(line) => (line.selection_start(), line.selection_end()),
            Field::Area(area) => (area.selection_start(), area.selection_end()),
        };
        let start = start.ok().flatten().unwrap_or_default();
        (start, end.ok().flatten().unwrap_or(start))
    }

    fn replace(&self, text: &str, start: u32, end: u32) {
        // Positions come from the field itself.
        let _ = match self {
            Field::Line(line) => {
                let mode = SelectionMode::End;
                line.set_range_text_with_start_and_end_and_selection_mode(text, start, end, mode)
            }
            Field::Area(area) => area.set_range_text_with_start_and_end_and_mode(text, start, end, "end"),
        };
        let init = EventInit::new();
        init.set_bubbles(true);
        if let Ok(event) = Event::new_with_event_init_dict("input", &init) {
            // Dispatched to an element of the page, it can only be heard.
            let _ = self.element().dispatch_event(&event);
        }
    }

    /// Types a text in place of what is selected.
    pub(super) fn write(&self, text: &str) {
        if self.press(text) {
            let (start, end) = self.selection();
            self.replace(text, start, end);
        }
    }

    /// Takes away what is selected, or the character before the caret.
    pub(super) fn backspace(&self) {
        if !self.press("Backspace") {
            return;
        }
        let (start, end) = self.selection();
        if start != end {
            self.replace("", start, end);
            return;
        }
        let units: Vec<u16> = self.value().encode_utf16().collect();
        let caret = units.get(..start as usize).unwrap_or_default();
        self.replace("", before_caret(caret) as u32, start);
    }

    /// Breaks the line, or sends the form.
    pub(super) fn enter(&self) {
        if !self.press("Enter") {
            return;
        }
        match self {
            Field::Area(_) => {
                let (start, end) = self.selection();
                self.replace("\n", start, end);
            }
            Field::Line(line) => {
                let form = line.closest("form").ok().flatten();
                if let Some(form) = form.and_then(|form| form.dyn_into::<HtmlFormElement>().ok()) {
                    // A form of the page that is not valid says so itself.
                    let _ = form.request_submit();
                }
            }
        }
    }

    /// Presses a key in the field; says whether the key is left to do what it does by itself.
    fn press(&self, key: &str) -> bool {
        let init = KeyboardEventInit::new();
        init.set_bubbles(true);
        init.set_cancelable(true);
        init.set_key(key);
        KeyboardEvent::new_with_keyboard_event_init_dict("keydown", &init)
            .ok()
            .is_none_or(|event| self.element().dispatch_event(&event).unwrap_or(true))
    }
}

/// The field that has the focus.
pub(super) fn focused() -> Option<Field> {
    document().active_element().as_ref().and_then(Field::of)
}
