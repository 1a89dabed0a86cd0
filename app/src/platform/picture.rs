//! Pictures as the browser decodes them: small stills, sizes, copies for the clipboard.

use js_sys::{Array, Object, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, CanvasRenderingContext2d, HtmlCanvasElement, ImageBitmap};

use super::object::{has, object};
use super::{blob, document, window};

/// The longest side of the small picture that stands for a file, in pixels.
const PREVIEW_SIDE: u32 = 32;
/// How well it is kept: it is shown blurred.
const PREVIEW_QUALITY: f64 = 0.5;
/// How well the still of a person's picture is kept.
const STILL_QUALITY: f64 = 0.85;
/// The form that small pictures are kept in; browsers that can't write it write PNG.
const WEBP: &str = "image/webp";
/// The only form that every clipboard takes.
const PNG: &str = "image/png";

#[wasm_bindgen]
extern "C" {
    type ClipboardItem;
    #[wasm_bindgen(constructor, catch)]
    fn new(items: &Object) -> Result<ClipboardItem, JsValue>;
}

/// Decodes a picture; of a moving one its first frame.
pub(super) async fn decode(picture: &Blob) -> Option<ImageBitmap> {
    let decoding = window().create_image_bitmap_with_blob(picture).ok()?;
    JsFuture::from(decoding).await.ok()?.dyn_into().ok()
}

/// An empty canvas of a size, and what draws on it.
fn canvas(width: u32, height: u32) -> Option<(HtmlCanvasElement, CanvasRenderingContext2d)> {
    let canvas = document()
        .create_element("canvas")
        .ok()?
        .dyn_into::<HtmlCanvasElement>()
        .ok()?;
    canvas.set_width(width);
    canvas.set_height(height);
    let context = canvas.get_context("2d").ok()??.dyn_into().ok()?;
    Some((canvas, context))
}

/// What is on a canvas, as a file.
async fn written(canvas: &HtmlCanvasElement, form: &str, quality: f64) -> Option<Blob> {
    let writing = Promise::new(&mut |done, failed| {
        let taken = canvas.to_blob_with_type_and_encoder_options(&done, form, &quality.into());
        if let Err(why) = taken {
            let _ = failed.call1(&JsValue::UNDEFINED, &why);
        }
    });
    JsFuture::from(writing).await.ok()?.dyn_into().ok()
}

/// A square still of the middle of a picture, at most so many pixels wide.
pub(crate) async fn still(picture: &Blob, side: u32) -> Option<Blob> {
    let decoded = decode(picture).await?;
    let (width, height) = (decoded.width(), decoded.height());
    let crop = width.min(height);
    let side = side.min(crop);
    let (canvas, context) = canvas(side, side)?;
    let (left, top) = ((width - crop) / 2, (height - crop) / 2);
    context.set_image_smoothing_enabled(true);
    let drawn = context.draw_image_with_image_bitmap_and_sw_and_sh_and_dx_and_dy_and_dw_and_dh(
        &decoded,
        left.into(),
        top.into(),
        crop.into(),
        crop.into(),
        0.0,
        0.0,
        side.into(),
        side.into(),
    );
    decoded.close();
    drawn.ok()?;
    written(&canvas, WEBP, STILL_QUALITY).await
}

/// Draws the first frame of a picture on a canvas that is shown, with its longest side at most so many pixels.
pub(crate) async fn draw(canvas: &HtmlCanvasElement, picture: &Blob, side: u32) -> bool {
    let Some(decoded) = decode(picture).await else {
        return false;
    };
    let (width, height) = within(decoded.width(), decoded.height(), side);
    canvas.set_width(width);
    canvas.set_height(height);
    let context = canvas
        .get_context("2d")
        .ok()
        .flatten()
        .and_then(|context| context.dyn_into::<CanvasRenderingContext2d>().ok());
    let drawn = context.is_some_and(|context| {
        context
            .draw_image_with_image_bitmap_and_dw_and_dh(&decoded, 0.0, 0.0, width.into(), height.into())
            .is_ok()
    });
    decoded.close();
    drawn
}

/// What a look at a decoded picture tells.
pub(crate) struct Looked {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// A small picture that stands for it, of at most so many bytes as were asked for; empty if it could not be made.
    pub preview: Vec<u8>,
}

/// Decodes a picture and looks at it. The sizes are those that are shown, whichever way the camera was held.
pub(crate) async fn look(picture: &Blob, most: usize) -> Option<Looked> {
    let decoded = decode(picture).await?;
    let (width, height) = (decoded.width(), decoded.height());
    let (small_width, small_height) = within(width, height, PREVIEW_SIDE);
    let small = canvas(small_width, small_height).and_then(|(canvas, context)| {
        let drawn = context.draw_image_with_image_bitmap_and_dw_and_dh(
            &decoded,
            0.0,
            0.0,
            small_width.into(),
            small_height.into(),
        );
        drawn.ok().map(|()| canvas)
    });
    decoded.close();
    Some(Looked {
        width,
        height,
        preview: preview(small, most).await,
    })
}

/// As [`look`], at the frame that a film shows now.
pub(crate) async fn look_at_film(film: &web_sys::HtmlVideoElement, most: usize) -> Option<Looked> {
    let (width, height) = (film.video_width(), film.video_height());
    if width == 0 || height == 0 {
        return None;
    }
    let (small_width, small_height) = within(width, height, PREVIEW_SIDE);
    let small = canvas(small_width, small_height).and_then(|(canvas, context)| {
        let drawn = context.draw_image_with_html_video_element_and_dw_and_dh(
            film,
            0.0,
            0.0,
            small_width.into(),
            small_height.into(),
        );
        drawn.ok().map(|()| canvas)
    });
    Some(Looked {
        width,
        height,
        preview: preview(small, most).await,
    })
}

async fn preview(small: Option<HtmlCanvasElement>, most: usize) -> Vec<u8> {
    let Some(canvas) = small else {
        return Vec::new();
    };
    match written(&canvas, WEBP, PREVIEW_QUALITY).await {
        Some(file) if file.size() <= most as f64 => {
            blob::bytes(&file).await.map(|b| b.to_vec()).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

/// Sizes within a square of a side, in the same proportion and at least one pixel.
pub(super) fn within(width: u32, height: u32, side: u32) -> (u32, u32) {
    let longest = u64::from(width.max(height)).max(1);
    let fit = |size: u32| {
        let fitted = u64::from(size) * u64::from(side.min(width.max(height))) / longest;
        u32::try_from(fitted).unwrap_or(side).max(1)
    };
    (fit(width), fit(height))
}

/// A picture as PNG.
async fn as_png(picture: Blob) -> Option<Blob> {
    let decoded = decode(&picture).await?;
    let (canvas, context) = canvas(decoded.width(), decoded.height())?;
    let drawn = context.draw_image_with_image_bitmap(&decoded, 0.0, 0.0);
    decoded.close();
    drawn.ok()?;
    written(&canvas, PNG, 1.0).await
}

/// Whether pictures can be copied to the clipboard here.
pub(crate) fn can_copy() -> bool {
    has(&window(), "ClipboardItem") && !window().navigator().clipboard().is_undefined()
}

/// Copies a picture to the clipboard; tells whether that worked. Call it from a click or key press.
pub(crate) async fn copy(picture: Blob) -> bool {
    // A promise of the picture rather than the picture: some browsers want the call at once.
    let png = wasm_bindgen_futures::future_to_promise(async move {
        as_png(picture)
            .await
            .map(JsValue::from)
            .ok_or_else(|| JsValue::from_str("not a picture"))
    });
    let items = object(&[(PNG, png.into())]);
    let Ok(item) = ClipboardItem::new(&items) else {
        return false;
    };
    let writing = window().navigator().clipboard().write(&Array::of1(&item));
    JsFuture::from(writing).await.is_ok()
}

/// Whether the user asked for less motion.
pub(crate) fn less_motion() -> bool {
    window()
        .match_media("(prefers-reduced-motion: reduce)")
        .ok()
        .flatten()
        .is_some_and(|query| query.matches())
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn small_pictures_keep_their_proportion_and_at_least_one_pixel() {
        assert_eq!(within(4000, 3000, 32), (32, 24));
        assert_eq!(within(3000, 4000, 32), (24, 32));
        assert_eq!(within(10, 10, 32), (10, 10));
        assert_eq!(within(9000, 1, 32), (32, 1));
        assert_eq!(within(0, 0, 32), (1, 1));
    }
}
