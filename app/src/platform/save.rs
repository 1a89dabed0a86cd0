//! Writing a large file piece by piece: straight to where the user wants it, where the browser can, else through blobs that the
//! browser keeps outside of the program's memory until the file is complete.

use js_sys::{Array, Object, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, DomException};

use super::object::{has, object};
use super::{blob, window};

#[wasm_bindgen]
extern "C" {
    /// Asks the user where a file is to be written. Not in every browser.
    #[wasm_bindgen(catch, js_name = showSaveFilePicker)]
    fn show_save_file_picker(options: &Object) -> Result<Promise, JsValue>;

    type FileHandle;
    #[wasm_bindgen(method, catch, js_name = createWritable)]
    fn create_writable(this: &FileHandle) -> Result<Promise, JsValue>;

    type WritableFile;
    #[wasm_bindgen(method, catch)]
    fn write(this: &WritableFile, bytes: &Uint8Array) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn close(this: &WritableFile) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn abort(this: &WritableFile) -> Result<Promise, JsValue>;
}

/// The name of the function above.
const PICKER: &str = "showSaveFilePicker";

/// Where a file is written to.
pub(crate) enum Sink {
    /// The file itself.
    File(WritableFileHandle),
    /// Blobs, which become a download.
    Blobs(Array),
}

/// A file that is open for writing. Nothing of it is there before it is closed.
pub(crate) struct WritableFileHandle(WritableFile);

/// Completes when a promise does; `false` when it fails.
async fn done(promise: Result<Promise, JsValue>) -> bool {
    match promise {
        Ok(promise) => JsFuture::from(promise).await.is_ok(),
        Err(_) => false,
    }
}

/// Opens a file for writing; `None` when the user thought better of it. Call it from a click or key press.
pub(crate) async fn open(name: &str, description: &str, extension: &str) -> Option<Sink> {
    if !has(&window(), PICKER) {
        return Some(Sink::Blobs(Array::new()));
    }
    let accept = object(&[(blob::OCTETS, Array::of1(&extension.into()).into())]);
    let kind = object(&[("description", description.into()), ("accept", accept.into())]);
    let options = object(&[
        ("suggestedName", name.into()),
        ("types", Array::of1(&kind).into()),
    ]);
    let chosen = match show_save_file_picker(&options) {
        Ok(promise) => JsFuture::from(promise).await,
        Err(error) => Err(error),
    };
    let handle = match chosen {
        Ok(handle) => handle.unchecked_into::<FileHandle>(),
        Err(error) => {
            let cancelled = error
                .dyn_ref::<DomException>()
                .is_some_and(|error| error.name() == "AbortError");
            // Anything else, such as a frame that may not ask, leaves the other way.
            return (!cancelled).then(|| Sink::Blobs(Array::new()));
        }
    };
    match handle.create_writable() {
        Ok(promise) => match JsFuture::from(promise).await {
            Ok(file) => Some(Sink::File(WritableFileHandle(file.unchecked_into()))),
            Err(_) => Some(Sink::Blobs(Array::new())),
        },
        Err(_) => Some(Sink::Blobs(Array::new())),
    }
}

impl Sink {
    /// Writes the next bytes; `false` when they can't be.
    pub(crate) async fn write(&self, bytes: &[u8]) -> bool {
        let bytes = Uint8Array::from(bytes);
        match self {
            Sink::File(file) => done(file.0.write(&bytes)).await,
            Sink::Blobs(blobs) => match Blob::new_with_u8_array_sequence(&Array::of1(&bytes)) {
                Ok(blob) => {
                    blobs.push(&blob);
                    true
                }
                Err(_) => false,
            },
        }
    }

    /// The file is complete; `false` when it could not be kept.
    pub(crate) async fn finish(self, name: &str) -> bool {
        match self {
            Sink::File(file) => done(file.0.close()).await,
            Sink::Blobs(blobs) => match Blob::new_with_blob_sequence(&blobs) {
                Ok(whole) => blob::download(&whole, name),
                Err(_) => false,
            },
        }
    }

    /// Nothing of it is wanted.
    pub(crate) async fn discard(self) {
        if let Sink::File(file) = self {
            // What can't be given up is left to the browser, which shows no unfinished file.
            done(file.0.abort()).await;
        }
    }
}
