//! What a camera or a picture shows, as pixels in which codes are looked for.

use js_sys::{Array, ArrayBuffer, Object, Promise, Uint8ClampedArray};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Blob, CanvasRenderingContext2d, HtmlCanvasElement, HtmlMediaElement, HtmlVideoElement, ImageBitmap,
};
use zeroize::Zeroizing;

use super::object::{field, has, object};
use super::picture::{decode, within};
use super::{document, window};

#[wasm_bindgen]
extern "C" {
    /// Finds codes with the system's help; not every browser has it.
    type BarcodeDetector;
    #[wasm_bindgen(constructor, catch)]
    fn new(options: &Object) -> Result<BarcodeDetector, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn detect(this: &BarcodeDetector, source: &HtmlCanvasElement) -> Result<Promise, JsValue>;
}

/// Pixels from left to right and top to bottom: red, green, blue and opacity, a byte each.
pub(crate) struct Pixels {
    /// The pixels, outside of the program's own memory.
    pub bytes: ArrayBuffer,
    /// Pixels of a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// A picture that was decoded.
pub(crate) struct Decoded(ImageBitmap);

impl Decoded {
    /// Decodes a picture file; `None` when the browser can't.
    pub(crate) async fn of(picture: &Blob) -> Option<Self> {
        decode(picture).await.map(Self)
    }

    /// Pixels of its longest side.
    pub(crate) fn side(&self) -> u32 {
        self.0.width().max(self.0.height())
    }
}

impl Drop for Decoded {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// A canvas that is not on the page.
pub(crate) struct Easel {
    canvas: HtmlCanvasElement,
    context: CanvasRenderingContext2d,
    detector: Option<BarcodeDetector>,
}

impl Easel {
    /// An empty one; `None` where the browser has no canvas.
    pub(crate) fn new() -> Option<Self> {
        let canvas: HtmlCanvasElement = document().create_element("canvas").ok()?.dyn_into().ok()?;
        // Kept in memory, what is drawn is read back at once.
        let options = object(&[("willReadFrequently", JsValue::TRUE)]);
        let context = canvas
            .get_context_with_context_options("2d", &options)
            .ok()??
            .dyn_into()
            .ok()?;
        Some(Self {
            canvas,
            context,
            detector: detector(),
        })
    }

    /// Draws what a film shows now, with its longest side at most so many pixels; tells whether there was anything.
    pub(crate) fn film(&self, film: &HtmlVideoElement, side: u32) -> bool {
        let (width, height) = (film.video_width(), film.video_height());
        if width == 0 || height == 0 || film.ready_state() < HtmlMediaElement::HAVE_CURRENT_DATA {
            return false;
        }
        let (width, height) = self.resize(width, height, side);
        self.context
            .draw_image_with_html_video_element_and_dw_and_dh(film, 0.0, 0.0, width, height)
            .is_ok()
    }

    /// As [`Self::film`], of a picture.
    pub(crate) fn picture(&self, picture: &Decoded, side: u32) -> bool {
        let (width, height) = self.resize(picture.0.width(), picture.0.height(), side);
        self.context
            .draw_image_with_image_bitmap_and_dw_and_dh(&picture.0, 0.0, 0.0, width, height)
            .is_ok()
    }

    fn resize(&self, width: u32, height: u32, side: u32) -> (f64, f64) {
        let (width, height) = within(width, height, side);
        // Also empties it.
        self.canvas.set_width(width);
        self.canvas.set_height(height);
        (f64::from(width), f64::from(height))
    }

    /// What is drawn; `None` when the browser does not give it back.
    pub(crate) fn pixels(&self) -> Option<Pixels> {
        let (width, height) = (self.canvas.width(), self.canvas.height());
        let drawn = self
            .context
            .get_image_data(0.0, 0.0, f64::from(width), f64::from(height))
            .ok()?;
        // Not through the binding, which copies them into the program's memory.
        let data: Uint8ClampedArray = field(&drawn, "data").dyn_into().ok()?;
        Some(Pixels {
            bytes: data.buffer(),
            width,
            height,
        })
    }

    /// What the codes in it hold, as far as the browser itself can tell; nothing where it can't.
    pub(crate) async fn detect(&self) -> Vec<Zeroizing<String>> {
        let Some(detecting) = self.detector.as_ref().and_then(|d| d.detect(&self.canvas).ok()) else {
            return Vec::new();
        };
        // Some browsers have the detector and no service behind it.
        let Ok(found) = JsFuture::from(detecting).await else {
            return Vec::new();
        };
        Array::from(&found)
            .iter()
            .filter_map(|code| field(&code, "rawValue").as_string())
            .map(Zeroizing::new)
            .collect()
    }
}

fn detector() -> Option<BarcodeDetector> {
    if !has(&window(), "BarcodeDetector") {
        return None;
    }
    let options = object(&[("formats", Array::of1(&"qr_code".into()).into())]);
    BarcodeDetector::new(&options).ok()
}
