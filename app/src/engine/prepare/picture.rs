//! Pictures on their way out: drawn anew, so that nothing but the picture is sent. Where and when it was taken, by whom,
//! with what: none of it leaves the device (`spec/12-client-behaviour.md §5.8`).
//!
//! What can't be drawn without loss of its motion, or in this browser, is cleaned instead: everything that is not needed
//! to show it is cut out of the file. What can be neither drawn nor cleaned is not sent as a picture. Films are cleaned too,
//! and so is a picture that is sent as a file, which keeps its pixels; only as a file does what can't be cleaned go as it is.

use holdfast_client::api::{FileInfo, FileKind, LinkImage, MAX_FILE, MAX_FILE_PREVIEW, MAX_LINK_IMAGE};
use holdfast_protocol::file::image;
use web_sys::Blob;

use super::canvas::{self, Form, Part, Picture};
use super::film;
use super::look::{HEAD, Kind, Look, look};
use super::sizes::{
    LINK_STEPS, MAX_SIDE, OWN_QUALITY, OWN_SIDE, PREVIEW_QUALITY, PREVIEW_SIDES, STEPS, fit, renamed,
    too_many_pixels,
};
use super::{Ready, blob_of, bytes, size};
use crate::engine::jobs::{Refusal, Seen, Square};

/// Files that are larger than this are not taken for pictures that could be made small enough, in bytes.
const MAX_SOURCE: u64 = 64 * 1024 * 1024;

/// A file as it was chosen for a message, made ready.
pub(super) async fn chosen(
    blob: Blob,
    name: String,
    full_quality: bool,
    seen: Seen,
) -> Result<Ready, Refusal> {
    let length = size(&blob);
    if length == 0 {
        return Err(Refusal::Empty);
    }
    let head = bytes(&blob, 0, length.min(HEAD)).await?;
    let look = look(&head, &blob.type_());
    let as_it_is = full_quality || matches!(look.kind, Kind::Film | Kind::Plain);
    if length > if as_it_is { MAX_FILE } else { MAX_SOURCE } {
        return Err(Refusal::TooLarge);
    }
    if as_it_is {
        let cleaned = match look.kind {
            Kind::Film => film::clean(&blob).await?,
            Kind::Jpeg | Kind::Png | Kind::WebP | Kind::Moving | Kind::Huge => stripped(&blob).await?,
            Kind::OtherPicture | Kind::Plain => None,
        };
        let sent = cleaned.unwrap_or_else(|| blob.clone());
        return Ok(plain(sent, &blob, name, &look, seen).await);
    }
    if look.kind == Kind::Huge {
        return Err(Refusal::TooManyPixels);
    }
    let drawable = canvas::is_true();
    let picture = if drawable {
        Picture::decode(&blob).await
    } else {
        None
    };
    if picture
        .as_ref()
        .is_some_and(|picture| too_many_pixels(picture.size()))
    {
        return Err(Refusal::TooManyPixels);
    }
    if let Some(picture) = picture.as_ref().filter(|_| look.kind != Kind::Moving)
        && let Some(ready) = redrawn(picture, look.kind, &name).await
    {
        return Ok(ready);
    }
    cleaned(&blob, name, &look, picture.as_ref()).await
}

/// A picture of the same pixels without everything that is not needed to show it; `None` where the two can't be told apart.
async fn stripped(blob: &Blob) -> Result<Option<Blob>, Refusal> {
    let whole = bytes(blob, 0, size(blob)).await?;
    let clean = image::strip(&whole).ok();
    clean.map(|clean| blob_of(&clean.bytes)).transpose()
}

/// A file that is sent as it is, or as it was cleaned; `chosen` is what the browser knows the type of.
async fn plain(blob: Blob, chosen: &Blob, name: String, look: &Look, seen: Seen) -> Ready {
    let (width, height) = match look.size {
        (0, _) | (_, 0) => (seen.width, seen.height),
        size => size,
    };
    let mut info = FileInfo {
        name: named(name),
        content_type: look.content_type.clone(),
        size: size(&blob),
        width,
        height,
        duration_ms: seen.duration_ms,
        ..FileInfo::default()
    };
    // A picture that is sent as a file is shown as one.
    if !matches!(look.kind, Kind::Film | Kind::Plain | Kind::Huge)
        && canvas::is_true()
        && let Some(picture) = Picture::decode(chosen).await
    {
        (info.width, info.height) = picture.size();
        info.preview = preview(&picture).await;
    }
    Ready {
        blob,
        info,
        voice: false,
    }
}

/// The forms that a picture is written in, the first that fits is taken, and whether each is worth smaller sizes.
fn forms(kind: Kind) -> &'static [(Form, bool)] {
    match kind {
        Kind::Png => &[(Form::Png, false), (Form::WebP, true), (Form::Jpeg, true)],
        // A browser that does not write WebP cleans it instead.
        Kind::WebP => &[(Form::WebP, true)],
        Kind::Jpeg | Kind::OtherPicture => &[(Form::Jpeg, true)],
        Kind::Moving | Kind::Huge | Kind::Film | Kind::Plain => &[],
    }
}

/// A picture drawn anew, as large and as well as fits.
async fn redrawn(picture: &Picture, kind: Kind, name: &str) -> Option<Ready> {
    for (form, shrinks) in forms(kind) {
        let steps = if *shrinks { &STEPS[..] } else { &STEPS[..1] };
        let mut before = None;
        for (side, quality) in steps {
            let (width, height) = fit(picture.size(), *side);
            if before == Some((width, height, *quality)) {
                continue;
            }
            before = Some((width, height, *quality));
            let drawn = picture
                .encode(picture.whole(), (width, height), *form, *quality)
                .await;
            // The browser does not write this form, or has no memory for so large a picture.
            let Some(blob) = drawn else { continue };
            if size(&blob) > MAX_FILE {
                continue;
            }
            let info = FileInfo {
                name: named(renamed(name, form.ending())),
                content_type: form.mime().into(),
                kind: FileKind::Image,
                size: size(&blob),
                width,
                height,
                preview: preview(picture).await,
                ..FileInfo::default()
            };
            return Some(Ready {
                blob,
                info,
                voice: false,
            });
        }
    }
    None
}

/// A picture without everything that is not needed to show it; as it was otherwise.
async fn cleaned(
    blob: &Blob,
    name: String,
    look: &Look,
    picture: Option<&Picture>,
) -> Result<Ready, Refusal> {
    let length = size(blob);
    if length > MAX_FILE {
        return Err(Refusal::TooLarge);
    }
    let whole = bytes(blob, 0, length).await?;
    let clean = image::strip(&whole).map_err(|_| Refusal::Undrawable)?.bytes;
    let (width, height) = picture.map_or(look.size, Picture::size);
    let info = FileInfo {
        name: named(name),
        content_type: look.content_type.clone(),
        kind: FileKind::Image,
        size: clean.len() as u64,
        width,
        height,
        preview: match picture {
            Some(picture) => preview(picture).await,
            None => Vec::new(),
        },
        ..FileInfo::default()
    };
    Ok(Ready {
        blob: blob_of(&clean)?,
        info,
        voice: false,
    })
}

/// The small picture that stands for a file; empty if the browser does not make one that is small enough.
async fn preview(picture: &Picture) -> Vec<u8> {
    for side in PREVIEW_SIDES {
        let size_there = fit(picture.size(), side);
        for form in [Form::WebP, Form::Jpeg] {
            let small = picture
                .encode(picture.whole(), size_there, form, PREVIEW_QUALITY)
                .await;
            if let Some(small) = small.filter(|small| size(small) <= MAX_FILE_PREVIEW as u64) {
                return bytes(&small, 0, size(&small)).await.unwrap_or_default();
            }
        }
    }
    Vec::new()
}

/// The own profile picture, cut out of a chosen one (`spec/07-files-and-attachments.md §8.4`).
pub(super) async fn own(blob: Blob, square: Square) -> Result<Ready, Refusal> {
    let picture = Picture::decode(&blob).await.ok_or(Refusal::Undrawable)?;
    let (width, height) = picture.size();
    if too_many_pixels((width, height)) {
        return Err(Refusal::TooManyPixels);
    }
    let side = square.side.min(width).min(height).max(1);
    let part = Part {
        x: f64::from(square.x.min(width - side)),
        y: f64::from(square.y.min(height - side)),
        width: f64::from(side),
        height: f64::from(side),
    };
    if !canvas::is_true() {
        return Err(Refusal::Undrawable);
    }
    let drawn = side.min(OWN_SIDE);
    for form in [Form::WebP, Form::Jpeg] {
        if let Some(blob) = picture.encode(part, (drawn, drawn), form, OWN_QUALITY).await {
            let info = FileInfo {
                content_type: form.mime().into(),
                kind: FileKind::Image,
                size: size(&blob),
                width: drawn,
                height: drawn,
                ..FileInfo::default()
            };
            return Ok(Ready {
                blob,
                info,
                voice: false,
            });
        }
    }
    Err(Refusal::Undrawable)
}

/// The picture of a link, small enough to go with a text.
pub(super) async fn of_link(blob: &Blob) -> Result<LinkImage, Refusal> {
    let head = bytes(blob, 0, size(blob).min(HEAD)).await?;
    if look(&head, &blob.type_()).kind == Kind::Huge {
        return Err(Refusal::TooManyPixels);
    }
    let picture = Picture::decode(blob).await.ok_or(Refusal::Undrawable)?;
    if too_many_pixels(picture.size()) {
        return Err(Refusal::TooManyPixels);
    }
    if !canvas::is_true() {
        return Err(Refusal::Undrawable);
    }
    for (side, quality) in LINK_STEPS {
        let (width, height) = fit(picture.size(), side);
        let drawn = picture
            .encode(picture.whole(), (width, height), Form::Jpeg, quality)
            .await;
        if let Some(drawn) = drawn.filter(|drawn| size(drawn) <= MAX_LINK_IMAGE as u64) {
            return Ok(LinkImage {
                bytes: bytes(&drawn, 0, size(&drawn)).await?,
                content_type: Form::Jpeg.mime().into(),
                width,
                height,
            });
        }
    }
    Err(Refusal::Undrawable)
}

fn named(name: String) -> Option<String> {
    (!name.is_empty()).then_some(name)
}

const _: () = assert!(STEPS[0].0 == MAX_SIDE);
