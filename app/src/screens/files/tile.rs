//! A picture or a film as a tile: what stands for it until it is here, then the thing itself.
//!
//! A tile has its size before anything is loaded, and keeps it: nothing jumps. What is far from being seen is not read.

use holdfast_client::api::{Command, FileInfo, FileKind, MAX_FILE_PREVIEW};
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use web_sys::HtmlVideoElement;

use super::cover::cover;
use super::{Part, act, words};
use crate::components::icon::{Icon, icon};
use crate::i18n::{number, t, tf, tn};
use crate::platform::{near, picture};
use crate::state::files::{Content, Ready};
use crate::state::safe::preview_address;

/// The largest tile that stands alone, in pixels.
const MAX_FRAME: (u32, u32) = (340, 400);
/// The smallest one: what is on it must have room.
const MIN_FRAME: (u32, u32) = (132, 96);
/// A tile whose picture's size is not known.
const UNKNOWN_FRAME: (u32, u32) = (280, 210);
/// Browsers show nothing of a film before its beginning was asked for.
const FIRST_FRAME: &str = "#t=0.001";

/// How a tile takes its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// From its picture: so many pixels wide and high, or smaller in this proportion.
    Alone(u32, u32),
    /// From the grid it stands in.
    InGrid {
        /// So many more files of the message are not shown.
        more: u32,
    },
}

/// The size of a tile that stands alone.
pub(crate) fn frame_size(info: &FileInfo) -> (u32, u32) {
    if info.width == 0 || info.height == 0 {
        return UNKNOWN_FRAME;
    }
    let (width, height) = (u64::from(info.width), u64::from(info.height));
    let (most_wide, most_high) = (u64::from(MAX_FRAME.0), u64::from(MAX_FRAME.1));
    let (wide, high) = if width <= most_wide && height <= most_high {
        (width, height)
    } else if width * most_high >= height * most_wide {
        (most_wide, height * most_wide / width)
    } else {
        (width * most_high / height, most_high)
    };
    let fit = |size: u64, least: u32| u32::try_from(size).unwrap_or(least).max(least);
    (fit(wide, MIN_FRAME.0), fit(high, MIN_FRAME.1))
}

/// A tile. Its buttons are marked with what they do; the container hears them.
pub(crate) fn tile(part: Part, shape: Shape) -> AnyView {
    let node = NodeRef::<html::Div>::new();
    let is_near = RwSignal::new(false);
    Effect::new(move |_| {
        if let Some(node) = node.get() {
            near::follow(&node, move |now| {
                let _ = is_near.try_set(now);
            });
        }
    });
    let here = part.here();
    let shown = Memo::new(move |_| is_near.get() && here.get());
    let info = part.info();
    let (width, height) = match shape {
        Shape::Alone(width, height) => (width, height),
        Shape::InGrid { .. } => UNKNOWN_FRAME,
    };
    let more = match shape {
        Shape::InGrid { more } => more,
        Shape::Alone(..) => 0,
    };
    let small = shape != Shape::Alone(width, height);
    let stand_in = match preview_address(&info) {
        Some(address) => {
            view! { <img class="tile-preview" src=address alt="" draggable="false" /> }.into_any()
        }
        None => view! { <span class="tile-kind">{icon(words::kind_icon(part.kind))}</span> }.into_any(),
    };
    view! {
        <div
            class="tile"
            class:alone=!small
            node_ref=node
            data-file=part.file.0.to_string()
            style=("--tile-width", width.to_string())
            style=("--tile-height", height.to_string())
        >
            {stand_in}
            {move || shown.get().then(|| content(part))}
            {move || here.get().then(|| opener(part, more))}
            {cover(part, small)}
        </div>
    }
    .into_any()
}

/// What opens the viewer: the whole tile, with what it says of a film or of files that are not shown.
fn opener(part: Part, more: u32) -> AnyView {
    let info = part.info();
    let what = words::kind_words(part.kind, 1);
    let mut label = match words::duration(&info) {
        Some(time) => tf("file.open_timed", &[("file", &what), ("time", &time)]),
        None => tf("file.open", &[("file", &what)]),
    };
    if more > 0 {
        label = tf(
            "file.open_more",
            &[("open", &label), ("more", &tn("file.more", u64::from(more)))],
        );
    }
    let film = part.kind == FileKind::Video;
    let time = move || {
        part.attachment
            .with(|attachment| words::duration(&attachment.info))
    };
    view! {
        <button class="tile-open" data-act=act::LOOK aria-label=label>
            {(film && more == 0)
                .then(|| {
                    view! {
                        <span class="cover-mark play">{icon(Icon::Play)}</span>
                        <span class="tile-time">{icon(Icon::Film)} {time}</span>
                    }
                })}
            {(more > 0)
                .then(|| {
                    view! { <span class="tile-more">{format!("+{}", number(f64::from(more)))}</span> }
                })}
        </button>
    }
    .into_any()
}

/// The picture or film itself.
fn content(part: Part) -> AnyView {
    let content = part.state.files.hold(part.state, part.wanted());
    (move || match content.get() {
        Content::Reading => None,
        Content::Missing => Some(unseen(t("file.not_read"))),
        Content::Ready(ready) if ready.content_type.starts_with("image/") => Some(image(part, ready)),
        Content::Ready(ready) if ready.content_type.starts_with("video/") => Some(film(part, ready)),
        Content::Ready(_) => Some(unseen(t("file.not_shown"))),
    })
    .into_any()
}

/// In place of what can't be shown.
pub(crate) fn unseen(words: String) -> AnyView {
    view! {
        <span class="cover lost">
            {icon(Icon::Alert)}
            <span class="lost-words">{words}</span>
        </span>
    }
    .into_any()
}

fn image(part: Part, ready: Ready) -> AnyView {
    let broken = RwSignal::new(false);
    let learn = move || {
        let state = part.state;
        let info = part.info();
        let known = info.width > 0 && info.height > 0 && !info.preview.is_empty();
        if known || !state.files.describe_now(part.file) {
            return;
        }
        spawn_local(async move {
            let blob = state.files.blob(state, &part.wanted()).await;
            if let Some(blob) = blob
                && let Some(looked) = picture::look(&blob, MAX_FILE_PREVIEW).await
            {
                describe(part, looked, 0);
            }
        });
    };
    let still = ready.moves && picture::less_motion();
    view! {
        {move || broken.get().then(|| unseen(t("file.not_shown")))}
        {if still {
            standing(part, learn)
        } else {
            view! {
                <img
                    class="tile-image"
                    src=ready.address
                    alt=""
                    draggable="false"
                    decoding="async"
                    on:load=move |_| learn()
                    on:error=move |_| broken.set(true)
                />
            }
                .into_any()
        }}
        {ready.moves.then(|| view! { <span class="tile-badge">"GIF"</span> })}
    }
    .into_any()
}

/// The first frame of a picture that would move: for those who asked for less motion. The viewer moves it.
fn standing(part: Part, learn: impl Fn() + 'static) -> AnyView {
    let canvas = NodeRef::<html::Canvas>::new();
    let learn = StoredValue::new_local(learn);
    Effect::new(move |_| {
        let Some(canvas) = canvas.get() else { return };
        let state = part.state;
        spawn_local(async move {
            if let Some(blob) = state.files.blob(state, &part.wanted()).await
                && picture::draw(&canvas, &blob, MAX_FRAME.0.max(MAX_FRAME.1) * 2).await
            {
                let _ = learn.try_with_value(|learn| learn());
            }
        });
    });
    view! { <canvas class="tile-image" node_ref=canvas></canvas> }.into_any()
}

fn film(part: Part, ready: Ready) -> AnyView {
    let broken = RwSignal::new(false);
    let node = NodeRef::<html::Video>::new();
    let learn = move |_| {
        let Some(film) = node.get_untracked() else { return };
        let info = part.info();
        let known = info.width > 0 && info.duration_ms > 0 && !info.preview.is_empty();
        if known || !part.state.files.describe_now(part.file) {
            return;
        }
        let film: HtmlVideoElement = film.unchecked_into();
        spawn_local(async move {
            if let Some(looked) = picture::look_at_film(&film, MAX_FILE_PREVIEW).await {
                let seconds = film.duration();
                let duration = if seconds.is_finite() {
                    seconds * 1000.0
                } else {
                    0.0
                };
                describe(part, looked, duration as u32);
            }
        });
    };
    view! {
        {move || broken.get().then(|| unseen(t("file.not_played_here")))}
        <video
            class="tile-image"
            node_ref=node
            src=format!("{}{FIRST_FRAME}", ready.address)
            preload="metadata"
            prop:muted=true
            playsinline=true
            tabindex="-1"
            aria-hidden="true"
            on:loadeddata=learn
            on:error=move |_| broken.set(true)
        ></video>
    }
    .into_any()
}

/// Tells the engine what a look at a file showed.
fn describe(part: Part, looked: picture::Looked, duration_ms: u32) {
    part.state.tell(Command::DescribeFile {
        file: part.file,
        info: FileInfo {
            width: looked.width,
            height: looked.height,
            duration_ms,
            preview: looked.preview,
            ..FileInfo::default()
        },
    });
}

#[cfg(test)]
mod tests {
    use holdfast_client::api::FileInfo;

    use super::{UNKNOWN_FRAME, frame_size};

    fn frame(width: u32, height: u32) -> (u32, u32) {
        frame_size(&FileInfo {
            width,
            height,
            ..FileInfo::default()
        })
    }

    #[test]
    fn a_tile_keeps_its_pictures_proportion_within_bounds() {
        assert_eq!(frame(4000, 3000), (340, 255));
        assert_eq!(frame(3000, 4000), (300, 400));
        assert_eq!(frame(300, 200), (300, 200));
        assert_eq!(frame(10_000, 100), (340, 96));
        assert_eq!(frame(100, 10_000), (132, 400));
        assert_eq!(frame(1, 1), (132, 96));
        assert_eq!(frame(u32::MAX, u32::MAX), (340, 340));
        assert_eq!(frame(0, 900), UNKNOWN_FRAME);
    }
}
