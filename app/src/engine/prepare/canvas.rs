//! Drawing pictures without a page: decoding, scaling, and encoding anew, which leaves behind everything that is not the
//! picture.

use js_sys::{Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, ImageBitmap, ImageEncodeOptions, OffscreenCanvas, OffscreenCanvasRenderingContext2d};

use crate::platform::object::object;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_name = createImageBitmap)]
    fn create_image_bitmap(source: &Blob) -> Result<Promise, JsValue>;
    #[wasm_bindgen(catch, js_name = createImageBitmap)]
    fn create_image_bitmap_with(source: &Blob, options: &Object) -> Result<Promise, JsValue>;
}

/// How far a colour may come back from a canvas changed: some browsers alter the last bits against recognition.
const TOLERANCE: u8 = 6;
/// The colours of the test picture, pixel by pixel.
const TEST_COLOURS: [[u8; 4]; 4] = [
    [220, 30, 60, 255],
    [10, 200, 90, 255],
    [40, 70, 230, 255],
    [245, 240, 20, 255],
];

/// What a canvas can write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Loses a little; no transparency.
    Jpeg,
    /// Loses nothing.
    Png,
    /// Loses a little; transparency. Not every browser writes it.
    WebP,
}

impl Form {
    /// Its MIME type.
    pub(super) const fn mime(self) -> &'static str {
        match self {
            Form::Jpeg => "image/jpeg",
            Form::Png => "image/png",
            Form::WebP => "image/webp",
        }
    }

    /// The usual ending of its files.
    pub(super) const fn ending(self) -> &'static str {
        match self {
            Form::Jpeg => "jpg",
            Form::Png => "png",
            Form::WebP => "webp",
        }
    }
}

/// A picture that was decoded, turned as its camera says.
pub(super) struct Picture {
    bitmap: ImageBitmap,
}

impl Drop for Picture {
    fn drop(&mut self) {
        self.bitmap.close();
    }
}

/// A part of a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Part {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Picture {
    /// Decodes a picture; `None` when the browser can't.
    pub(super) async fn decode(blob: &Blob) -> Option<Picture> {
        let options = object(&[("imageOrientation", "from-image".into())]);
        // Older browsers do not know the option, and turn pictures as it says without it.
        let promise = create_image_bitmap_with(blob, &options)
            .or_else(|_| create_image_bitmap(blob))
            .ok()?;
        let bitmap = match JsFuture::from(promise).await {
            Ok(bitmap) => bitmap,
            Err(error) if error.is_instance_of::<js_sys::TypeError>() => {
                JsFuture::from(create_image_bitmap(blob).ok()?).await.ok()?
            }
            Err(_) => return None,
        };
        let bitmap: ImageBitmap = bitmap.dyn_into().ok()?;
        Some(Picture { bitmap })
    }

    /// Width and height in pixels.
    pub(super) fn size(&self) -> (u32, u32) {
        (self.bitmap.width(), self.bitmap.height())
    }

    /// The whole picture.
    pub(super) fn whole(&self) -> Part {
        let (width, height) = self.size();
        Part {
            x: 0.0,
            y: 0.0,
            width: f64::from(width),
            height: f64::from(height),
        }
    }

    /// Draws a part of the picture at a size and encodes it; `None` when the browser does not write that form, or has no
    /// memory for it.
    pub(super) async fn encode(
        &self,
        part: Part,
        (width, height): (u32, u32),
        form: Form,
        quality: f64,
    ) -> Option<Blob> {
        let (canvas, context) = canvas(width, height)?;
        if form == Form::Jpeg {
            context.set_fill_style_str("#fff");
            context.fill_rect(0.0, 0.0, f64::from(width), f64::from(height));
        }
        // A browser that does not know the property draws as well as it can.
        let _ = Reflect::set(&context, &"imageSmoothingQuality".into(), &"high".into());
        context
            .draw_image_with_image_bitmap_and_sw_and_sh_and_dx_and_dy_and_dw_and_dh(
                &self.bitmap,
                part.x,
                part.y,
                part.width,
                part.height,
                0.0,
                0.0,
                f64::from(width),
                f64::from(height),
            )
            .ok()?;
        let options = ImageEncodeOptions::new();
        options.set_type(form.mime());
        options.set_quality(quality);
        let promise = canvas.convert_to_blob_with_options(&options).ok()?;
        let blob: Blob = JsFuture::from(promise).await.ok()?.dyn_into().ok()?;
        // A form that the browser does not write comes out as PNG.
        (blob.type_() == form.mime()).then_some(blob)
    }
}

fn canvas(width: u32, height: u32) -> Option<(OffscreenCanvas, OffscreenCanvasRenderingContext2d)> {
    let canvas = OffscreenCanvas::new(width, height).ok()?;
    let context = canvas.get_context("2d").ok()??.dyn_into().ok()?;
    Some((canvas, context))
}

/// Whether this worker has a canvas that gives back what was drawn. Browsers that guard against recognition hand out
/// noise instead, and that must not be sent in place of a picture.
pub(super) fn is_true() -> bool {
    if !js_sys::Reflect::has(&js_sys::global(), &"OffscreenCanvas".into()).unwrap_or(false) {
        return false;
    }
    let Some((_, context)) = canvas(TEST_COLOURS.len() as u32, 1) else {
        return false;
    };
    for (at, [red, green, blue, _]) in TEST_COLOURS.iter().enumerate() {
        context.set_fill_style_str(&format!("rgb({red},{green},{blue})"));
        context.fill_rect(at as f64, 0.0, 1.0, 1.0);
    }
    let Ok(data) = context.get_image_data(0.0, 0.0, TEST_COLOURS.len() as f64, 1.0) else {
        return false;
    };
    same_colours(&data.data())
}

/// Whether pixels are those of the test picture.
fn same_colours(pixels: &[u8]) -> bool {
    let wanted = TEST_COLOURS.as_flattened();
    pixels.len() == wanted.len()
        && pixels
            .iter()
            .zip(wanted)
            .all(|(got, wanted)| got.abs_diff(*wanted) <= TOLERANCE)
}

#[cfg(test)]
mod tests {
    use super::{TEST_COLOURS, same_colours};

    #[test]
    fn noise_in_place_of_a_picture_is_noticed() {
        let mut pixels = TEST_COLOURS.as_flattened().to_vec();
        assert!(same_colours(&pixels));
        pixels[0] ^= 1;
        assert!(same_colours(&pixels), "the last bit may differ");
        assert!(!same_colours(&[255; 16]), "white is what some browsers give");
        pixels[4] ^= 0x40;
        assert!(!same_colours(&pixels));
    }
}
