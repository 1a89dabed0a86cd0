//! What is dragged over the page, dropped on it or pasted into it.

use wasm_bindgen::prelude::*;
use web_sys::{DataTransfer, DragEvent, File, FileList};

use super::window;

/// What a browser calls files among the types of what is dragged or pasted.
const FILES: &str = "Files";
/// As [`FILES`], for text.
const TEXT: &str = "text/plain";

fn holds(data: &DataTransfer, kind: &str) -> bool {
    data.types()
        .iter()
        .any(|held| held.as_string().as_deref() == Some(kind))
}

/// Whether there are files in it.
pub(crate) fn holds_files(data: &DataTransfer) -> bool {
    holds(data, FILES)
}

/// The files of a list.
pub(crate) fn listed(files: &FileList) -> Vec<File> {
    (0..files.length()).filter_map(|at| files.get(at)).collect()
}

/// The files in it. They can be had when it is dropped, not before.
pub(crate) fn files(data: &DataTransfer) -> Vec<File> {
    data.files().as_ref().map(listed).unwrap_or_default()
}

/// The files that were pasted; none where there is text as well, as from an office program: then the text is what was
/// copied.
pub(crate) fn pasted_files(data: &DataTransfer) -> Vec<File> {
    if holds(data, TEXT) {
        Vec::new()
    } else {
        files(data)
    }
}

/// Has the page take no files that are dropped where nothing takes them: the browser would show them in its place.
pub(crate) fn refuse_drops() {
    for name in ["dragover", "drop"] {
        let refuse = Closure::<dyn Fn(DragEvent)>::new(|event: DragEvent| {
            let Some(data) = event.data_transfer() else { return };
            if holds_files(&data) && !event.default_prevented() {
                event.prevent_default();
                data.set_drop_effect("none");
            }
        });
        if window()
            .add_event_listener_with_callback(name, refuse.as_ref().unchecked_ref())
            .is_ok()
        {
            refuse.forget();
        }
    }
}
