//! A card to print, with a contact link as a QR code: a picture file, dark on white.

use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, CanvasRenderingContext2d, HtmlCanvasElement, Path2d};

use super::document;
use crate::components::qr_path::qr_path;

/// Width and height in pixels: a postcard's proportion, at a density that prints well.
const SIZE: (u32, u32) = (1_200, 800);
/// The margin around everything, in pixels.
const MARGIN: f64 = 64.0;
/// The side of the code with its own margin, in pixels.
const CODE: f64 = 560.0;
/// The fonts of the page.
const FONTS: &str = "system-ui, sans-serif";
/// Most lines of a text.
const MAX_LINES: usize = 6;

/// What stands on a card beside the code.
pub(crate) struct Content {
    /// The heading.
    pub title: String,
    /// What to do with the code.
    pub how: String,
    /// Where the page is, for those who type.
    pub address: String,
    /// The short Account ID, to compare.
    pub id: String,
    /// It is written from the right.
    pub rtl: bool,
}

/// Draws a card; `None` when the link fits no code or the browser draws nothing.
pub(crate) async fn draw(link: &str, content: &Content) -> Option<Blob> {
    let code = qr_path(link)?;
    let canvas: HtmlCanvasElement = document().create_element("canvas").ok()?.dyn_into().ok()?;
    canvas.set_width(SIZE.0);
    canvas.set_height(SIZE.1);
    let context: CanvasRenderingContext2d = canvas.get_context("2d").ok()??.dyn_into().ok()?;
    let (width, height) = (f64::from(SIZE.0), f64::from(SIZE.1));
    context.set_fill_style_str("#fff");
    context.fill_rect(0.0, 0.0, width, height);
    context.set_fill_style_str("#111");

    let left = if content.rtl {
        width - MARGIN - CODE
    } else {
        MARGIN
    };
    let path = Path2d::new_with_path_string(&code.d).ok()?;
    context.save();
    context.translate(left, (height - CODE) / 2.0).ok()?;
    let scale = CODE / f64::from(code.size);
    context.scale(scale, scale).ok()?;
    context.fill_with_path_2d(&path);
    context.restore();

    context.set_text_baseline("top");
    let (start, align) = if content.rtl {
        (width - MARGIN - CODE - MARGIN / 2.0, "right")
    } else {
        (MARGIN + CODE + MARGIN / 2.0, "left")
    };
    context.set_text_align(align);
    let room = width - CODE - 2.5 * MARGIN;
    let mut y = MARGIN * 2.0;
    for (text, size, weight, after) in [
        (&content.title, 56.0, 700, 36.0),
        (&content.how, 34.0, 400, 36.0),
        (&content.address, 30.0, 600, 20.0),
        (&content.id, 26.0, 400, 0.0),
    ] {
        context.set_font(&format!("{weight} {size}px {FONTS}"));
        for line in lines(&context, text, room) {
            context.fill_text(&line, start, y).ok()?;
            y += size * 1.3;
        }
        y += after;
    }
    picture(&canvas).await
}

/// Breaks a text into lines that fit; a word that is too long is broken too.
fn lines(context: &CanvasRenderingContext2d, text: &str, room: f64) -> Vec<String> {
    let fits = |line: &str| context.measure_text(line).is_ok_and(|size| size.width() <= room);
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else { break };
        let longer = if line.is_empty() {
            word.to_owned()
        } else {
            format!("{line} {word}")
        };
        if fits(&longer) {
            *line = longer;
            continue;
        }
        if !line.is_empty() {
            lines.push(String::new());
        }
        for letter in word.chars() {
            let Some(line) = lines.last_mut() else { break };
            if fits(&format!("{line}{letter}")) || line.is_empty() {
                line.push(letter);
            } else {
                lines.push(letter.to_string());
            }
        }
    }
    lines.truncate(MAX_LINES);
    lines
}

async fn picture(canvas: &HtmlCanvasElement) -> Option<Blob> {
    let promise = js_sys::Promise::new(&mut |done, fail| {
        let failed = fail.clone();
        let made = Closure::once_into_js(move |blob: JsValue| {
            // Calling a promise's own function can't fail.
            let _ = done.call1(&JsValue::NULL, &blob);
        });
        if canvas.to_blob(made.unchecked_ref()).is_err() {
            let _ = failed.call0(&JsValue::NULL);
        }
    });
    JsFuture::from(promise).await.ok()?.dyn_into().ok()
}
