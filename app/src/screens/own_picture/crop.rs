//! The dialog that cuts the profile picture out of a chosen one: moved and enlarged behind a round window by mouse, finger
//! or keys.

use std::collections::BTreeMap;

use leptos::ev::{KeyboardEvent, PointerEvent, WheelEvent};
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::Element;

use super::frame::Frame;
use crate::components::dialog::Dialog;
use crate::components::focus::set_style;
use crate::engine::jobs::Square;
use crate::i18n::t;

/// The side of the window, in pixels; narrow pages have a smaller one.
const WINDOW: u32 = 288;
/// A press of an arrow key moves the picture by this part of the window.
const KEY_STEP: f64 = 0.05;
/// A press of plus or minus, and a notch of a wheel, enlarges by so many hundredths.
const ZOOM_STEP: u32 = 10;

/// Fingers on the picture, or the mouse: where each was last.
type Pointers = BTreeMap<i32, (f64, f64)>;

/// Cuts a square out of a picture.
#[component]
pub(super) fn Crop(
    /// The picture's address.
    address: String,
    /// What is wrong; empty if nothing.
    error: RwSignal<String>,
    /// It is being saved.
    saving: RwSignal<bool>,
    /// Called with the square.
    #[prop(into)]
    on_save: Callback<Square>,
    /// Called when the dialog is to be closed.
    #[prop(into)]
    on_close: Callback<()>,
) -> impl IntoView {
    let frame: RwSignal<Option<Frame>> = RwSignal::new(None);
    let window_side = RwSignal::new(WINDOW);
    let picture = NodeRef::<html::Img>::new();
    let stage = NodeRef::<html::Div>::new();
    let pointers: StoredValue<Pointers> = StoredValue::new(BTreeMap::new());
    Effect::new(move |_| {
        let (Some(frame), Some(picture)) = (frame.get(), picture.get()) else {
            return;
        };
        let placed = frame.placed(window_side.get());
        for (name, value) in [
            ("left", placed.left),
            ("top", placed.top),
            ("width", placed.width),
            ("height", placed.height),
        ] {
            set_style(&picture, name, &format!("{value}px"));
        }
    });
    let loaded = move |_| {
        let Some(picture) = picture.get_untracked() else {
            return;
        };
        frame.set(Some(Frame::new(
            picture.natural_width(),
            picture.natural_height(),
        )));
        // The dialog may not be open yet, and nothing in it has a size before it is.
        request_animation_frame(move || {
            // Or it was closed meanwhile.
            let width = stage
                .try_get_untracked()
                .flatten()
                .map(|stage| stage.client_width());
            let width = width.and_then(|width| u32::try_from(width).ok());
            if let Some(width) = width.filter(|width| *width > 0) {
                let _ = window_side.try_set(width);
            }
        });
    };
    let change = move |change: &dyn Fn(Frame) -> Frame| {
        frame.update(|frame| *frame = frame.map(change));
    };
    // From the page to parts of the window, from its middle.
    let part = move |x: f64, y: f64| {
        let rect = stage.get_untracked().map(|s| s.get_bounding_client_rect());
        rect.map_or((0.0, 0.0), |rect| {
            let side = rect.width().max(1.0);
            ((x - rect.left()) / side - 0.5, (y - rect.top()) / side - 0.5)
        })
    };
    let down = move |event: PointerEvent| {
        event.prevent_default();
        let target = event.current_target().and_then(|t| t.dyn_into::<Element>().ok());
        if let Some(target) = target {
            // Without it the picture stays where the pointer leaves the window.
            let _ = target.set_pointer_capture(event.pointer_id());
        }
        let place = part(event.client_x().into(), event.client_y().into());
        pointers.update_value(|all| {
            all.insert(event.pointer_id(), place);
        });
    };
    let drag = move |event: PointerEvent| {
        let place = part(event.client_x().into(), event.client_y().into());
        let before = pointers.get_value();
        let Some(was) = before.get(&event.pointer_id()).copied() else {
            return;
        };
        pointers.update_value(|all| {
            all.insert(event.pointer_id(), place);
        });
        let other = before.iter().find(|(id, _)| **id != event.pointer_id());
        match other {
            None => change(&|frame: Frame| frame.moved(place.0 - was.0, place.1 - was.1)),
            Some((_, other)) => {
                let apart = |one: (f64, f64)| (one.0 - other.0).hypot(one.1 - other.1).max(0.01);
                let growth = apart(place) / apart(was);
                let middle = ((place.0 + other.0) / 2.0, (place.1 + other.1) / 2.0);
                change(&|frame: Frame| {
                    let zoom = (f64::from(frame.zoom()) * growth).round() as u32;
                    frame
                        .zoomed(zoom, middle)
                        .moved((place.0 - was.0) / 2.0, (place.1 - was.1) / 2.0)
                });
            }
        }
    };
    let up = move |event: PointerEvent| {
        pointers.update_value(|all| {
            all.remove(&event.pointer_id());
        });
    };
    let zoom_by = move |more: bool, at: (f64, f64)| {
        change(&|frame: Frame| {
            let zoom = if more {
                frame.zoom().saturating_add(ZOOM_STEP)
            } else {
                frame.zoom().saturating_sub(ZOOM_STEP)
            };
            frame.zoomed(zoom, at)
        });
    };
    let wheel = move |event: WheelEvent| {
        event.prevent_default();
        let at = part(event.client_x().into(), event.client_y().into());
        if event.delta_y() != 0.0 {
            zoom_by(event.delta_y() < 0.0, at);
        }
    };
    let key = move |event: KeyboardEvent| {
        match event.key().as_str() {
            "ArrowLeft" => change(&|frame: Frame| frame.moved(KEY_STEP, 0.0)),
            "ArrowRight" => change(&|frame: Frame| frame.moved(-KEY_STEP, 0.0)),
            "ArrowUp" => change(&|frame: Frame| frame.moved(0.0, KEY_STEP)),
            "ArrowDown" => change(&|frame: Frame| frame.moved(0.0, -KEY_STEP)),
            "+" | "=" => zoom_by(true, (0.0, 0.0)),
            "-" => zoom_by(false, (0.0, 0.0)),
            _ => return,
        }
        event.prevent_default();
    };
    let broken = move |_| error.set(t("picture.undrawable"));
    let waits = Memo::new(move |_| frame.with(Option::is_none) || saving.get());
    view! {
        <Dialog title=t("picture.crop_title") on_close>
            <div
                class="crop"
                node_ref=stage
                tabindex="0"
                role="application"
                aria-label=t("picture.crop_label")
                on:pointerdown=down
                on:pointermove=drag
                on:pointerup=up
                on:pointercancel=up
                on:wheel=wheel
                on:keydown=key
            >
                <img
                    node_ref=picture
                    src=address
                    alt=""
                    draggable="false"
                    on:load=loaded
                    on:error=broken
                />
                <span class="crop-window" aria-hidden="true"></span>
            </div>
            <label class="crop-zoom">
                <span>{t("picture.zoom")}</span>
                <input
                    id="crop-zoom"
                    type="range"
                    min="100"
                    step=ZOOM_STEP.to_string()
                    max=move || frame.get().map_or(100, Frame::most).to_string()
                    prop:value=move || frame.get().map_or(100, Frame::zoom).to_string()
                    on:input:target=move |event| {
                        if let Ok(zoom) = event.target().value().parse::<u32>() {
                            change(&|frame: Frame| frame.zoomed(zoom, (0.0, 0.0)));
                        }
                    }
                />
            </label>
            <p class="error" role="alert">{error}</p>
            <p class="help">{t("picture.explanation")}</p>
            <div class="actions">
                <button class="button quiet" on:click=move |_| on_close.run(())>
                    {t("action.cancel")}
                </button>
                <button
                    id="save-picture"
                    class="button primary"
                    aria-disabled=move || waits.get().to_string()
                    on:click=move |_| {
                        if let Some(frame) = frame.get_untracked().filter(|_| !waits.get_untracked()) {
                            on_save.run(frame.square());
                        }
                    }
                >
                    {move || if saving.get() { t("picture.saving") } else { t("action.save") }}
                </button>
            </div>
        </Dialog>
    }
}
